//! Which module of one run is which of another, where one file was loaded from several paths.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::candidate::Candidate;
use super::known::Known;
use crate::diff::files::agreement;
use crate::diff::module_key::ModuleKey;
use crate::file_name::last_part;
use crate::run::{Build, LinkAddress, Role};

/// What the sites of one run say of a module.
#[derive(Debug, Default)]
struct SeenModule<'a> {
    path: Option<&'a str>,
    builds: BTreeSet<&'a Build>,
    places: BTreeSet<(LinkAddress, Option<&'a str>)>,
    lines: BTreeSet<(&'a str, Option<u32>)>,
}

/// Two modules that are one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ModulePair {
    pub old: ModuleKey,
    pub new: ModuleKey,
    /// Another module may be the same one as well.
    pub unsure: bool,
}

/// How much speaks for two modules being one, what proves most first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct ModuleLikeness {
    same_path: bool,
    same_build: bool,
    /// Components of their paths that agree, from the right.
    paths: usize,
    /// Sites that both have.
    common: usize,
}

impl ModuleLikeness {
    /// What is in copies of a file is alike, and which sites a run happens to have rules none of them out.
    fn rules_out(&self, other: &ModuleLikeness) -> bool {
        let told = |one: &ModuleLikeness| (one.same_path, one.same_build, one.paths);
        told(self) != told(other) || (self.common > 0 && other.common == 0 && !self.same_build)
    }
}

/// A pair to weigh: indexes into the modules of each run that the other does not have.
#[derive(Debug)]
struct Scored {
    likeness: ModuleLikeness,
    old: usize,
    new: usize,
}

/// Modules that have another name in the new run. Equal names are one module; what is left over is paired
/// by path, build and base name.
pub(super) fn pair_modules(old_side: Known<'_>, new_side: Known<'_>) -> Vec<ModulePair> {
    let (in_old, in_new) = (modules_of(old_side.sites), modules_of(new_side.sites));
    let old = of_sites(old_side.sites, &in_new);
    let new = of_sites(new_side.sites, &in_old);
    let only = |all: &BTreeMap<&ModuleKey, SeenModule<'_>>,
                others: &BTreeMap<&ModuleKey, SeenModule<'_>>| {
        let only = all.keys().filter(|key| !others.contains_key(**key));
        only.map(|key| (*key).clone()).collect::<Vec<ModuleKey>>()
    };
    let (only_old, only_new) = (only(&old, &new), only(&new, &old));
    let mut scored: Vec<Scored> = Vec::new();
    for (i, j) in with_a_sign_in_common(&only_old, &old, &only_new, &new) {
        let (a, b) = (&only_old[i], &only_new[j]);
        scored.extend(likeness(a, &old[a], b, &new[b]).map(|likeness| Scored {
            likeness,
            old: i,
            new: j,
        }));
    }
    scored.sort_by_key(|pair| (Reverse(pair.likeness), pair.old, pair.new));
    let pairs = likeliest(&scored, only_old.len(), only_new.len());
    let pair = |(pair, unsure): (&Scored, bool)| ModulePair {
        old: only_old[pair.old].clone(),
        new: only_new[pair.new].clone(),
        unsure,
    };
    let mut pairs: Vec<ModulePair> = pairs.into_iter().map(pair).collect();
    // One name, but two paths that both runs have.
    let is_other = |key: &&ModuleKey| match (old[*key].path, new.get(*key).and_then(|new| new.path))
    {
        (Some(a), Some(b)) => a != b && new_side.has_mapped(a) && old_side.has_mapped(b),
        _ => false,
    };
    let others = old.keys().copied().filter(is_other);
    pairs.extend(others.map(|key| ModulePair {
        old: key.clone(),
        new: key.clone(),
        unsure: true,
    }));
    pairs
}

/// With more pairs than this to weigh for one sign, the sign tells nothing.
const MOST_PAIRS: usize = 1 << 12;

/// What can speak for two modules being one.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum ModuleSign<'a> {
    Path(&'a str),
    Build(&'a Build),
    BaseName(&'a str),
}

fn with_a_sign_in_common(
    old_keys: &[ModuleKey],
    old: &BTreeMap<&ModuleKey, SeenModule<'_>>,
    new_keys: &[ModuleKey],
    new: &BTreeMap<&ModuleKey, SeenModule<'_>>,
) -> BTreeSet<(usize, usize)> {
    let mut signs: BTreeMap<ModuleSign<'_>, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
    for (index, key) in old_keys.iter().enumerate() {
        for sign in signs_of(key, &old[key]) {
            signs.entry(sign).or_default().0.push(index);
        }
    }
    for (index, key) in new_keys.iter().enumerate() {
        for sign in signs_of(key, &new[key]) {
            signs.entry(sign).or_default().1.push(index);
        }
    }
    let pairs = signs
        .into_values()
        .filter(|(old, new)| old.len().saturating_mul(new.len()) <= MOST_PAIRS);
    let pairs = pairs.flat_map(|(old, new)| {
        let of_old = move |i: usize| new.clone().into_iter().map(move |j| (i, j));
        old.into_iter().flat_map(of_old)
    });
    pairs.collect()
}

fn signs_of<'a>(key: &'a ModuleKey, known: &SeenModule<'a>) -> Vec<ModuleSign<'a>> {
    let base = last_part(&key.name);
    let builds = known.builds.iter().map(|build| ModuleSign::Build(build));
    let mut signs: Vec<ModuleSign<'a>> = builds.collect();
    signs.push(ModuleSign::BaseName(base));
    signs.extend(known.path.map(ModuleSign::Path));
    signs
}

/// Each module once, the likeliest pairs first; true for one that could as well be another.
fn likeliest(scored: &[Scored], old: usize, new: usize) -> Vec<(&Scored, bool)> {
    let (mut of_old, mut of_new) = (vec![Vec::new(); old], vec![Vec::new(); new]);
    for pair in scored {
        of_old[pair.old].push(pair);
        of_new[pair.new].push(pair);
    }
    let (mut used_old, mut used_new) = (vec![false; old], vec![false; new]);
    let mut pairs = Vec::new();
    for pair in scored {
        if used_old[pair.old] || used_new[pair.new] {
            continue;
        }
        let is_rival = |other: &&Scored| {
            let is_other = (other.old, other.new) != (pair.old, pair.new);
            let is_free = !used_old[other.old] && !used_new[other.new];
            is_other && is_free && !pair.likeness.rules_out(&other.likeness)
        };
        let mut others = of_old[pair.old].iter().chain(&of_new[pair.new]).copied();
        pairs.push((pair, others.any(|other| is_rival(&other))));
        (used_old[pair.old], used_new[pair.new]) = (true, true);
    }
    pairs
}

/// New sites in modules that bear their names of the earlier runs.
pub(super) fn called_as_before<'a>(
    new: &'a [Candidate],
    pairs: &[ModulePair],
) -> Cow<'a, [Candidate]> {
    if pairs.is_empty() {
        return Cow::Borrowed(new);
    }
    let old_names: BTreeMap<&ModuleKey, &ModuleKey> =
        pairs.iter().map(|pair| (&pair.new, &pair.old)).collect();
    let renamed = |site: &Candidate| {
        let mut site = site.clone();
        let module = site.module.as_ref();
        if let Some(old) = module.and_then(|module| old_names.get(module)) {
            site.key.move_to((*old).clone());
            site.module = Some((*old).clone());
        }
        site
    };
    new.iter().map(renamed).collect()
}

fn modules_of(sites: &[Candidate]) -> BTreeSet<&ModuleKey> {
    let modules = sites.iter().filter_map(|site| site.module.as_ref());
    modules.collect()
}

/// What sites say of modules; what lies in them only of those that the other run does not have.
fn of_sites<'a>(
    sites: &'a [Candidate],
    others: &BTreeSet<&ModuleKey>,
) -> BTreeMap<&'a ModuleKey, SeenModule<'a>> {
    let mut modules: BTreeMap<&ModuleKey, SeenModule<'_>> = BTreeMap::new();
    for site in sites {
        let Some(module) = &site.module else { continue };
        let known = modules.entry(module).or_default();
        known.path = known.path.or(site.module_path.as_deref());
        known.builds.extend(&site.build);
        if others.contains(module) {
            continue;
        }
        let addresses = site.places.addresses();
        known
            .places
            .extend(addresses.map(|address| (address, site.function())));
        let steps = site.chain.first();
        let line = steps.and_then(|step| Some((step.function.as_deref()?, step.line)));
        known.lines.extend(line);
    }
    modules
}

fn likeness(
    a: &ModuleKey,
    old: &SeenModule<'_>,
    b: &ModuleKey,
    new: &SeenModule<'_>,
) -> Option<ModuleLikeness> {
    let is_library = |module: &ModuleKey| module.role != Role::Program;
    if a.role != b.role || !is_library(a) {
        return None;
    }
    let same_path = old.path.is_some() && old.path == new.path;
    let same_build = old.builds.intersection(&new.builds).next().is_some();
    let has_base_name = agreement(&a.name, &b.name) > 0;
    let paths = match (old.path, new.path) {
        (Some(old), Some(new)) => agreement(old, new),
        _ => agreement(&a.name, &b.name),
    };
    let common =
        old.places.intersection(&new.places).count() + old.lines.intersection(&new.lines).count();
    (same_path || same_build || has_base_name).then_some(ModuleLikeness {
        same_path,
        same_build,
        paths,
        common,
    })
}
