//! The same function in a file or a module that has another name now.

use std::collections::{BTreeMap, BTreeSet};

use super::MatchedBy;
use super::candidate::Candidate;
use super::function::{by_lines, by_offset};
use super::matching::{Group, Matching};
use super::pair::Pair;
use super::sources::RenamedFile;
use crate::diff::align::are_long;
use crate::diff::files::{agreement, best_pairs};
use crate::diff::module_key::ModuleKey;
use crate::file_name::{family, last_part};

pub(super) fn pair(matching: &mut Matching<'_>) {
    let kin = Kin::new(matching);
    for group in matching.groups(Candidate::functions, Candidate::functions) {
        for pair in pairs(matching, &group, &kin) {
            matching.pair_found(pair, MatchedBy::Renamed);
        }
    }
}

/// Notes which files are others under new names, if one of them alone can be it: what is inlined otherwise now can be
/// looked for in them. Says whether there are any.
pub(super) fn learn_files(matching: &mut Matching<'_>) -> bool {
    let kin = Kin::new(matching);
    let renamed = kin.renamed_files(matching);
    let has_renamed = !renamed.is_empty();
    for file in renamed {
        matching.files.add_renamed(file);
    }
    has_renamed
}

fn pairs(matching: &Matching<'_>, group: &Group, kin: &Kin<'_>) -> Vec<Pair> {
    let old = split(&group.old, matching.old);
    let new = split(&group.new, matching.new);
    let score = |i: usize, j: usize| {
        let (a, b) = (&matching.old[old[i][0]], &matching.new[new[j][0]]);
        kin.nearness(matching, a, b)
    };
    let mut found = Vec::new();
    for (i, j) in best_pairs(old.len(), new.len(), score) {
        let places = Group {
            old: old[i].clone(),
            new: new[j].clone(),
        };
        let before = found.len();
        let mut sites = places.old.iter().map(|old| &matching.old[*old]);
        found.extend(match sites.all(Candidate::has_line) {
            true => by_lines(matching, &places, usize::MAX),
            false => by_offset(matching, &places),
        });
        if kin.is_unsure(matching, &matching.old[old[i][0]], &matching.new[new[j][0]]) {
            let pairs = &mut found[before..];
            pairs.iter_mut().for_each(|pair| pair.rivals.push(None));
        }
    }
    found
}

/// Sites of one function, by the module and the file that each lies in.
fn split(indexes: &[usize], sites: &[Candidate]) -> Vec<Vec<usize>> {
    let mut parts: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for index in indexes {
        let site = &sites[*index];
        let key = (&site.module, site.outermost_file(), site.has_line());
        parts.entry(key).or_default().push(*index);
    }
    parts.into_values().collect()
}

/// The functions of a file that allocate.
type FunctionsOfFile<'a> = BTreeMap<(&'a ModuleKey, &'a str), BTreeSet<&'a str>>;

/// What tells whether one place can be another, renamed.
struct Kin<'a> {
    old_modules: BTreeSet<&'a ModuleKey>,
    new_modules: BTreeSet<&'a ModuleKey>,
    old_functions: FunctionsOfFile<'a>,
    new_functions: FunctionsOfFile<'a>,
}

impl<'a> Kin<'a> {
    fn new(matching: &Matching<'a>) -> Self {
        Kin {
            old_modules: modules_of(matching.old),
            new_modules: modules_of(matching.new),
            old_functions: functions_of(matching.old),
            new_functions: functions_of(matching.new),
        }
    }

    /// How near two places of one function are, if either can be the other renamed: first by their
    /// modules, then by their files.
    fn nearness(
        &self,
        matching: &Matching<'_>,
        old: &Candidate,
        new: &Candidate,
    ) -> Option<(u8, usize)> {
        let (old_module, new_module) = (old.module.as_ref()?, new.module.as_ref()?);
        if old_module.role != new_module.role || old.has_line() != new.has_line() {
            return None;
        }
        let agreement = match (old.outermost_file(), new.outermost_file()) {
            (Some(old), Some(new)) => agreement(old, new),
            _ => 0,
        };
        if old_module == new_module {
            // A static function is another one in every file, unless the file itself was renamed.
            let (old_file, new_file) = (old.outermost_file()?, new.outermost_file()?);
            let files = &matching.files;
            let is_same = files.old_path(new_module, new_file) == old_file;
            let may_be_renamed =
                !files.lives_on(old_module, old_file) && !files.was_there(new_module, new_file);
            let is_global = old.is_external() && new.is_external();
            let is_renamed = || {
                let likeness = self.likeness((old_module, old_file), (new_module, new_file));
                may_be_renamed && likeness
            };
            return (is_same || is_global || is_renamed()).then_some((2, agreement));
        }
        let (before, after) = &matching.known;
        let lives_on = self.new_modules.contains(old_module) || after.has_mapped(&old_module.name);
        let was_there =
            self.old_modules.contains(new_module) || before.has_mapped(&new_module.name);
        if lives_on || was_there {
            return None;
        }
        let same_stem = family(&old_module.name) == family(&new_module.name);
        (same_stem || agreement > 0).then_some((u8::from(same_stem), agreement))
    }

    fn renamed_files(&self, matching: &Matching<'_>) -> Vec<RenamedFile> {
        let gone = self.old_functions.keys();
        let gone = gone.filter(|(module, file)| !matching.files.lives_on(module, file));
        let came = self.new_functions.keys();
        let came = came.filter(|(module, file)| !matching.files.was_there(module, file));
        let (gone, came): (Vec<_>, Vec<_>) = (gone.copied().collect(), came.copied().collect());
        if are_long(gone.len(), came.len()) {
            return Vec::new();
        }
        let alike = |old: (&ModuleKey, &str), new: (&ModuleKey, &str)| {
            old.0 == new.0 && self.likeness(old, new)
        };
        let mut renamed = Vec::new();
        for &new in &came {
            let mut old = gone.iter().filter(|old| alike(**old, new));
            if let (Some(&old), None) = (old.next(), old.next())
                && came.iter().filter(|new| alike(old, **new)).count() == 1
            {
                renamed.push(RenamedFile {
                    module: old.0.clone(),
                    old: old.1.to_owned(),
                    new: new.1.to_owned(),
                });
            }
        }
        renamed
    }

    /// Whether either of two places that are near can be there in the other run as well, unseen.
    fn is_unsure(&self, matching: &Matching<'_>, old: &Candidate, new: &Candidate) -> bool {
        let (Some(old_module), Some(new_module)) = (&old.module, &new.module) else {
            return true;
        };
        let files = (old.outermost_file(), new.outermost_file());
        if old_module != new_module {
            // Plug-ins have their functions in common, and the names of files: another version has its
            // own name, or at least its directory.
            let (before, after) = &matching.known;
            let is_known = before.knows_modules() && after.knows_modules();
            let is_near = matches!(files, (Some(old), Some(new)) if agreement(old, new) > 1);
            return family(&old_module.name) != family(&new_module.name) && !(is_known && is_near);
        }
        let is_static = !(old.is_external() && new.is_external());
        let is_other = files.0 != files.1
            && !matches!(files, (Some(old), Some(new)) if matching.files.old_path(new_module, new) == old);
        is_static && is_other && !matching.files.knows(new_module)
    }

    /// Whether a file is another under a new name: its name is alike, or so are its functions, of which one
    /// alone may be a namesake (every driver has an `init`).
    fn likeness(&self, old: (&ModuleKey, &str), new: (&ModuleKey, &str)) -> bool {
        let none = BTreeSet::new();
        let of_old = self.old_functions.get(&old).unwrap_or(&none);
        let of_new = self.new_functions.get(&new).unwrap_or(&none);
        let common = of_old.intersection(of_new).count();
        let most = of_old.len().max(of_new.len());
        names_are_alike(old.1, new.1) || (common > 1 && common * 2 >= most)
    }
}

/// `table.c` and `table_v2.c`: one name is the beginning of the other, in whole words.
fn names_are_alike(old: &str, new: &str) -> bool {
    let name = |path: &'_ str| {
        let name = last_part(path).to_owned();
        match name.split_once('.') {
            Some((stem, _)) if !stem.is_empty() => stem.to_owned(),
            _ => name,
        }
    };
    let (old, new) = (name(old), name(new));
    let (short, long) = match old.len() <= new.len() {
        true => (&old, &new),
        false => (&new, &old),
    };
    let rest = long.strip_prefix(short.as_str());
    // Of another language, too: `table.c` that became `table.cc`.
    rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphabetic()))
}

fn modules_of(sites: &[Candidate]) -> BTreeSet<&ModuleKey> {
    let modules = sites.iter().filter_map(|site| site.module.as_ref());
    modules.collect()
}

fn functions_of(sites: &[Candidate]) -> FunctionsOfFile<'_> {
    let mut functions: FunctionsOfFile<'_> = BTreeMap::new();
    for site in sites {
        let Some(module) = &site.module else { continue };
        for step in &site.chain {
            if let (Some(function), Some(file)) = (&step.function, &step.file) {
                let of_file = functions.entry((module, file)).or_default();
                of_file.insert(function);
            }
        }
    }
    functions
}
