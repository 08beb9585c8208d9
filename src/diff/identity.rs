//! Which call site of one run is which of the next, whatever was built or moved between them.
//!
//! Tier after tier, from what proves most to what proves least; each site is matched once.

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::HashMap;

use super::align::{Alignment, align};
use super::files::{agreement, best_pairs, pair_files};
use super::site::{ModuleKey, SiteKey};
use crate::run::{Build, Declaration, LinkAddress, Text};

/// How a site of one run was found in another: each tier proves less than those above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MatchedBy {
    /// The same build of the module, and the same link-time address or line in it.
    Address,
    /// The same function, file and line.
    Line,
    /// The same function, at another line.
    MovedLine,
    /// The same function in a file or module of another name.
    Renamed,
    /// The same function, and its place among the calls of that function: no lines are known.
    FunctionOrder,
    /// The same address in what may be two builds.
    UnsureAddress,
}

impl MatchedBy {
    /// Stable, for scripts.
    pub fn name(self) -> &'static str {
        match self {
            MatchedBy::Address => "address",
            MatchedBy::Line => "line",
            MatchedBy::MovedLine => "moved-line",
            MatchedBy::Renamed => "renamed",
            MatchedBy::FunctionOrder => "function-order",
            MatchedBy::UnsureAddress => "unsure-address",
        }
    }
}

/// One function of a site: the shown one, or one that it is inlined into.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Step {
    pub function: Option<Text>,
    pub file: Option<Text>,
    pub line: Option<u32>,
    pub declaration: Declaration,
}

/// What matching knows of a site of one run.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    pub key: SiteKey,
    pub build: Option<Build>,
    pub module: Option<ModuleKey>,
    /// The shown function first; empty where nothing is known.
    pub chain: Vec<Step>,
    /// Where the outermost function of the chain begins.
    pub function_start: Option<LinkAddress>,
    /// Ascending; empty where unknown.
    pub addresses: Vec<LinkAddress>,
    /// The numbers of the log, where they are no addresses.
    pub numbers: Vec<u64>,
    /// Of its live blocks, where there are any and their bytes are known.
    pub mean_size: Option<f64>,
}

/// What matching a run against the earlier ones gave.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Matches {
    /// For each new site the old one that it is, and how that is known.
    pub sites: Vec<Option<(usize, MatchedBy)>>,
    /// Files of a module that have another path in the new run: old, new.
    pub files: Vec<(ModuleKey, String, String)>,
}

/// Matches the sites of a run with those found so far.
pub fn match_sites(old: &[Candidate], new: &[Candidate]) -> Matches {
    let mut matching = Matching::new(old, new);
    matching.by_address();
    matching.by_line();
    matching.by_name_alone();
    matching.by_other_file_or_module();
    matching.by_function_order();
    matching.by_unsure_address();
    let is_other = |(_, old, new): &(ModuleKey, String, String)| old != new;
    let files = matching.files.all().filter(is_other).collect();
    Matches {
        sites: matching.of_new,
        files,
    }
}

impl Candidate {
    fn has_line(&self) -> bool {
        let shown = self.chain.first();
        shown.is_some_and(|step| step.file.is_some() && step.line.is_some())
    }

    fn function(&self) -> Option<&str> {
        self.chain.first()?.function.as_deref()
    }

    fn file(&self) -> Option<&str> {
        self.chain.first()?.file.as_deref()
    }

    /// Of the function that the code belongs to.
    fn outermost_file(&self) -> Option<&str> {
        self.chain.last()?.file.as_deref()
    }

    fn is_external(&self) -> bool {
        let outermost = self.chain.last();
        outermost.is_some_and(|step| step.declaration.external)
    }

    /// The names of all functions of the chain; `None` where one has none.
    fn functions(&self) -> Option<Vec<&str>> {
        let names = self.chain.iter().map(|step| step.function.as_deref());
        let names: Vec<&str> = names.collect::<Option<_>>()?;
        (!names.is_empty()).then_some(names)
    }

    /// The function that the code belongs to, as symbols know it.
    fn outermost(&self) -> Option<&str> {
        Some(without_clone(self.chain.last()?.function.as_deref()?))
    }

    /// Whether the functions of one are the innermost ones of the other.
    fn has_chain_like(&self, other: &Candidate) -> bool {
        let mut steps = self.chain.iter().zip(&other.chain);
        steps.all(|(a, b)| a.function == b.function)
    }

    fn lines(&self) -> Vec<Option<u32>> {
        self.chain.iter().map(|step| step.line).collect()
    }

    fn has_declarations(&self) -> bool {
        let mut steps = self.chain.iter();
        steps.all(|step| step.declaration.line.is_some())
    }

    /// Lines of the chain, outermost first, counted from the declarations if `relative`.
    fn position(&self, relative: bool) -> Vec<i64> {
        let line = |step: &Step| {
            let from = step.declaration.line.filter(|_| relative);
            i64::from(step.line.unwrap_or(0)) - i64::from(from.unwrap_or(0))
        };
        self.chain.iter().rev().map(line).collect()
    }

    fn first_address(&self) -> u64 {
        let address = self.addresses.first().map(|address| address.0);
        let number = self.numbers.first().copied();
        address.or(number).unwrap_or(0)
    }

    /// How far in its function it lies.
    fn offset(&self) -> Option<i64> {
        let address = self.addresses.first()?.0;
        let start = self.function_start?.0;
        i64::try_from(i128::from(address) - i128::from(start)).ok()
    }

    fn is_of_same_build(&self, other: &Candidate) -> bool {
        self.build.is_some() && self.build == other.build
    }

    fn is_of_other_build(&self, other: &Candidate) -> bool {
        self.build.is_some() && other.build.is_some() && self.build != other.build
    }
}

/// A symbol without what compilers add to copies of a function, which come and go with builds.
fn without_clone(symbol: &str) -> &str {
    const MARKS: [&str; 5] = [".isra.", ".constprop.", ".part.", ".cold", ".lto_priv."];
    let ends = MARKS.iter().filter_map(|mark| symbol.find(mark));
    let end = ends.filter(|end| *end > 0).min();
    end.map_or(symbol, |end| &symbol[..end])
}

/// A difference in size says more than any distance: a line moves easily, what is allocated there does not.
const FARTHEST: u64 = 100;

/// What speaks against two sites being one: how far apart they are, and other sizes of blocks.
fn cost(old: &Candidate, new: &Candidate, distance: u64) -> Option<u64> {
    // In one build another place is another site.
    if old.is_of_same_build(new) {
        return None;
    }
    let size = match (old.mean_size, new.mean_size) {
        (Some(a), Some(b)) if a == b => 0,
        (Some(a), Some(b)) => 200 + (800.0 * (a - b).abs() / a.max(b)) as u64,
        _ => FARTHEST,
    };
    Some(size + distance.min(FARTHEST))
}

fn distance(a: &[i64], b: &[i64]) -> u64 {
    let apart = a.iter().zip(b).map(|(a, b)| a.abs_diff(*b));
    apart.fold(0, u64::saturating_add)
}

/// Files of the old run by their paths in the new one.
#[derive(Debug, Default)]
struct Files {
    by_new: BTreeMap<ModuleKey, BTreeMap<String, String>>,
    old: BTreeSet<(ModuleKey, String)>,
}

impl Files {
    fn new(old: &[Candidate], new: &[Candidate]) -> Self {
        let (old, new) = (files_of(old), files_of(new));
        let mut files = Files::default();
        for (module, new) in &new {
            let Some(old) = old.get(module) else { continue };
            for (old, new) in pair_files(old, new) {
                let by_new = files.by_new.entry((*module).clone()).or_default();
                by_new.insert(new.to_owned(), old.to_owned());
                files.old.insert(((*module).clone(), old.to_owned()));
            }
        }
        files
    }

    fn all(&self) -> impl Iterator<Item = (ModuleKey, String, String)> + '_ {
        self.by_new.iter().flat_map(|(module, files)| {
            let pair = |(new, old): (&String, &String)| (module.clone(), old.clone(), new.clone());
            files.iter().map(pair)
        })
    }

    /// The old path of a new file; its own if it has none.
    fn old_path<'a>(&'a self, module: &ModuleKey, file: &'a str) -> &'a str {
        let files = self.by_new.get(module);
        let old = files.and_then(|files| files.get(file));
        old.map_or(file, String::as_str)
    }

    fn lives_on(&self, module: &ModuleKey, old: &str) -> bool {
        self.old.contains(&(module.clone(), old.to_owned()))
    }

    fn was_there(&self, module: &ModuleKey, new: &str) -> bool {
        let files = self.by_new.get(module);
        files.is_some_and(|files| files.contains_key(new))
    }
}

/// The files of each module that its sites are in.
pub fn files_of(sites: &[Candidate]) -> BTreeMap<&ModuleKey, BTreeSet<&str>> {
    let mut files: BTreeMap<&ModuleKey, BTreeSet<&str>> = BTreeMap::new();
    for site in sites {
        if let Some(module) = &site.module {
            let of_site = site.chain.iter().filter_map(|step| step.file.as_deref());
            files.entry(module).or_default().extend(of_site);
        }
    }
    files
}

/// Sites of both runs that have something in common.
#[derive(Debug, Clone, Default)]
struct Group {
    old: Vec<usize>,
    new: Vec<usize>,
}

impl Group {
    fn without(&self, pairs: &[Pair]) -> Group {
        let old: BTreeSet<usize> = pairs.iter().map(|pair| pair.0).collect();
        let new: BTreeSet<usize> = pairs.iter().map(|pair| pair.1).collect();
        let left = |all: &[usize], used: &BTreeSet<usize>| -> Vec<usize> {
            let left = all.iter().copied();
            left.filter(|index| !used.contains(index)).collect()
        };
        Group {
            old: left(&self.old, &old),
            new: left(&self.new, &new),
        }
    }
}

/// Two sites that are one.
type Pair = (usize, usize);

struct Matching<'a> {
    old: &'a [Candidate],
    new: &'a [Candidate],
    of_new: Vec<Option<(usize, MatchedBy)>>,
    taken: Vec<bool>,
    files: Files,
}

impl<'a> Matching<'a> {
    fn new(old: &'a [Candidate], new: &'a [Candidate]) -> Self {
        Matching {
            old,
            new,
            of_new: vec![None; new.len()],
            taken: vec![false; old.len()],
            files: Files::new(old, new),
        }
    }

    fn pair(&mut self, (old, new): Pair, by: MatchedBy) {
        if !self.taken[old] && self.of_new[new].is_none() {
            self.taken[old] = true;
            self.of_new[new] = Some((old, by));
        }
    }

    fn free_old(&self) -> impl Iterator<Item = (usize, &'a Candidate)> + '_ {
        let all = self.old.iter().enumerate();
        all.filter(|(index, _)| !self.taken[*index])
    }

    fn free_new(&self) -> impl Iterator<Item = (usize, &'a Candidate)> + '_ {
        let all = self.new.iter().enumerate();
        all.filter(|(index, _)| self.of_new[*index].is_none())
    }

    /// Groups of unmatched sites of one key that have sites of both runs.
    fn groups<K: Ord>(
        &self,
        of_old: impl Fn(&'a Candidate) -> Option<K>,
        of_new: impl Fn(&'a Candidate) -> Option<K>,
    ) -> Vec<Group> {
        let mut groups: BTreeMap<K, Group> = BTreeMap::new();
        for (index, site) in self.free_old() {
            if let Some(key) = of_old(site) {
                groups.entry(key).or_default().old.push(index);
            }
        }
        for (index, site) in self.free_new() {
            if let Some(group) = of_new(site).and_then(|key| groups.get_mut(&key)) {
                group.new.push(index);
            }
        }
        let groups = groups.into_values();
        groups.filter(|group| !group.new.is_empty()).collect()
    }

    /// In one build, an address or a line is the same place in every run.
    fn by_address(&mut self) {
        let mut known: HashMap<(&Build, LinkAddress), usize> = HashMap::new();
        let mut lines: HashMap<(&Build, &SiteKey), usize> = HashMap::new();
        for (index, site) in self.old.iter().enumerate() {
            let Some(build) = &site.build else { continue };
            let addresses = site.addresses.iter();
            known.extend(addresses.map(|address| ((build, *address), index)));
            if matches!(site.key, SiteKey::Line { .. }) {
                lines.insert((build, &site.key), index);
            }
        }
        for (index, site) in self.new.iter().enumerate() {
            let Some(build) = &site.build else { continue };
            let addresses = site.addresses.iter();
            let found = addresses.filter_map(|address| known.get(&(build, *address)));
            // Equal files without a build id are one build too, but there the line is what was found.
            let by = match build {
                Build::Content { .. } if site.has_line() => MatchedBy::Line,
                _ => MatchedBy::Address,
            };
            for old in found.chain(lines.get(&(build, &site.key))) {
                self.pair((*old, index), by);
            }
        }
    }

    /// The same function, at the same line or at another.
    fn by_line(&mut self) {
        type Key<'k> = (&'k ModuleKey, Vec<(Option<&'k str>, Option<&'k str>)>);
        let files = std::mem::take(&mut self.files);
        let of_old = |site: &'a Candidate| -> Option<Key<'_>> {
            let steps = site.chain.iter();
            let steps = steps.map(|step| (step.function.as_deref(), step.file.as_deref()));
            Some((site.module.as_ref()?, steps.collect())).filter(|_| site.has_line())
        };
        let of_new = |site: &'a Candidate| -> Option<Key<'_>> {
            let module = site.module.as_ref()?;
            let path = |step: &'a Step| Some(files.old_path(module, step.file.as_deref()?));
            let steps = site.chain.iter();
            let steps = steps.map(|step| (step.function.as_deref(), path(step)));
            Some((module, steps.collect())).filter(|_| site.has_line())
        };
        for group in self.groups(of_old, of_new) {
            for pair in self.pairs_of_function(group) {
                self.pair_by_line(pair);
            }
        }
        self.files = files;
    }

    fn pair_by_line(&mut self, pair: Pair) {
        let is_same = self.old[pair.0].lines() == self.new[pair.1].lines();
        let by = if is_same {
            MatchedBy::Line
        } else {
            MatchedBy::MovedLine
        };
        self.pair(pair, by);
    }

    /// Pairs of sites in one function. An equal line is believed unless all of the function lines up
    /// better in another way: where two lines became three, the second is now where the third was.
    fn pairs_of_function(&self, mut group: Group) -> Vec<Pair> {
        let relative = self.sort_by_lines(&mut group);
        let mut by_line: BTreeMap<Vec<Option<u32>>, Group> = BTreeMap::new();
        for old in &group.old {
            by_line
                .entry(self.old[*old].lines())
                .or_default()
                .old
                .push(*old);
        }
        for new in &group.new {
            by_line
                .entry(self.new[*new].lines())
                .or_default()
                .new
                .push(*new);
        }
        let mut fixed = Alignment::default();
        for same in by_line.values() {
            fixed.add(self.aligned(same, relative));
        }
        let is_named = self.old[group.old[0]].functions().is_some();
        if !is_named {
            // Without a function, a line that moved cannot be told from another.
            return fixed.pairs;
        }
        let rest = group.without(&fixed.pairs);
        fixed.add(self.aligned(&rest, relative));
        let whole = self.aligned(&group, relative);
        let better = whole.pairs.len() >= fixed.pairs.len() && whole.cost <= fixed.cost;
        if better { whole.pairs } else { fixed.pairs }
    }

    /// Sorts sites of one function by line; true if the lines are counted from its declaration.
    fn sort_by_lines(&self, group: &mut Group) -> bool {
        let old = group.old.iter().map(|index| &self.old[*index]);
        let mut sites = old.chain(group.new.iter().map(|index| &self.new[*index]));
        let relative = sites.all(Candidate::has_declarations);
        let place = |site: &Candidate| (site.position(relative), site.first_address());
        group
            .old
            .sort_by_cached_key(|index| place(&self.old[*index]));
        group
            .new
            .sort_by_cached_key(|index| place(&self.new[*index]));
        relative
    }

    fn aligned(&self, group: &Group, relative: bool) -> Alignment {
        let place = |site: &Candidate| site.position(relative);
        let old: Vec<Vec<i64>> = group.old.iter().map(|old| place(&self.old[*old])).collect();
        let new: Vec<Vec<i64>> = group.new.iter().map(|new| place(&self.new[*new])).collect();
        self.aligned_by(group, |i, j| distance(&old[i], &new[j]))
    }

    /// Aligns the sites of a group in their order; gives indexes of sites.
    fn aligned_by(&self, group: &Group, distance: impl Fn(usize, usize) -> u64) -> Alignment {
        let of = |i: usize, j: usize| {
            let (old, new) = (&self.old[group.old[i]], &self.new[group.new[j]]);
            cost(old, new, distance(i, j))
        };
        let mut alignment = align(group.old.len(), group.new.len(), of);
        for (old, new) in &mut alignment.pairs {
            (*old, *new) = (group.old[*old], group.new[*new]);
        }
        alignment
    }

    /// The same function, inlined into more or fewer of its callers than before: only where there is
    /// no choice. Inlined into another function it is another site.
    fn by_name_alone(&mut self) {
        let files = std::mem::take(&mut self.files);
        let of_old = |site: &'a Candidate| {
            let key = (site.module.as_ref()?, site.function()?, site.file()?);
            site.has_line().then_some(key)
        };
        let of_new = |site: &'a Candidate| {
            let module = site.module.as_ref()?;
            let key = (
                module,
                site.function()?,
                files.old_path(module, site.file()?),
            );
            site.has_line().then_some(key)
        };
        for group in self.groups(of_old, of_new) {
            let ([old], [new]) = (group.old.as_slice(), group.new.as_slice()) else {
                continue;
            };
            let (a, b) = (&self.old[*old], &self.new[*new]);
            if a.has_chain_like(b) && !a.is_of_same_build(b) {
                self.pair((*old, *new), MatchedBy::MovedLine);
            }
        }
        self.files = files;
    }

    /// The same function in a file or a module that has another name now.
    fn by_other_file_or_module(&mut self) {
        let key = |site: &'a Candidate| site.functions();
        let (old_modules, new_modules) = (modules_of(self.old), modules_of(self.new));
        let is_renamed = |old: &ModuleKey, new: &ModuleKey| {
            !new_modules.contains(old) && !old_modules.contains(new)
        };
        for group in self.groups(key, key) {
            let old = split(&group.old, self.old);
            let new = split(&group.new, self.new);
            let score = |i: usize, j: usize| {
                let (a, b) = (&self.old[old[i][0]], &self.new[new[j][0]]);
                self.kinship(a, b, is_renamed)
            };
            for (i, j) in best_pairs(old.len(), new.len(), score) {
                let mut places = Group {
                    old: old[i].clone(),
                    new: new[j].clone(),
                };
                let has_lines = |index: &usize| self.old[*index].has_line();
                let alignment = match places.old.iter().all(has_lines) {
                    true => {
                        let relative = self.sort_by_lines(&mut places);
                        self.aligned(&places, relative)
                    }
                    false => self.aligned_by_offset(&mut places),
                };
                for pair in alignment.pairs {
                    self.pair(pair, MatchedBy::Renamed);
                }
            }
        }
    }

    /// How near two places of one function are, if either can be the other renamed: first by their
    /// modules, then by their files.
    fn kinship(
        &self,
        old: &Candidate,
        new: &Candidate,
        is_renamed: impl Fn(&ModuleKey, &ModuleKey) -> bool,
    ) -> Option<(u8, usize)> {
        let (old_module, new_module) = (old.module.as_ref()?, new.module.as_ref()?);
        if old_module.0 != new_module.0 || old.has_line() != new.has_line() {
            return None;
        }
        let agreement = match (old.outermost_file(), new.outermost_file()) {
            (Some(old), Some(new)) => agreement(old, new),
            _ => 0,
        };
        if old_module == new_module {
            // A static function is another one in every file, unless the file itself was renamed.
            let (old_file, new_file) = (old.outermost_file()?, new.outermost_file()?);
            let is_same = self.files.old_path(new_module, new_file) == old_file;
            let is_renamed = !self.files.lives_on(old_module, old_file)
                && !self.files.was_there(new_module, new_file);
            let is_global = old.is_external() && new.is_external();
            return (is_same || is_global || is_renamed).then_some((2, agreement));
        }
        if !is_renamed(old_module, new_module) {
            return None;
        }
        let same_stem = stem(&old_module.1) == stem(&new_module.1);
        (same_stem || agreement > 0).then_some((u8::from(same_stem), agreement))
    }

    /// The same function, where a line is known in one of the runs at most.
    fn by_function_order(&mut self) {
        let key = |site: &'a Candidate| Some((site.module.as_ref()?, site.outermost()?));
        for mut group in self.groups(key, key) {
            let has_lines = |index: &usize| self.new[*index].has_line();
            let all_new = group.new.iter().all(has_lines);
            if all_new {
                group.old.retain(|index| !self.old[*index].has_line());
            } else {
                group.new.retain(|index| !self.new[*index].has_line());
            }
            for pair in self.aligned_by_offset(&mut group).pairs {
                self.pair(pair, MatchedBy::FunctionOrder);
            }
        }
    }

    fn aligned_by_offset(&self, group: &mut Group) -> Alignment {
        group
            .old
            .sort_by_key(|index| self.old[*index].first_address());
        group
            .new
            .sort_by_key(|index| self.new[*index].first_address());
        let apart = |i: usize, j: usize| {
            let (old, new) = (&self.old[group.old[i]], &self.new[group.new[j]]);
            match (old.offset(), new.offset()) {
                (Some(old), Some(new)) => old.abs_diff(new),
                _ => old.first_address().abs_diff(new.first_address()),
            }
        };
        self.aligned_by(group, apart)
    }

    /// The same address, where that is all there is, and nothing says that the build is the same.
    fn by_unsure_address(&mut self) {
        type Key<'k> = (Option<&'k ModuleKey>, Option<LinkAddress>, Option<u64>);
        let key = |site: &'a Candidate| -> Option<Key<'_>> {
            let number = site.numbers.first().copied();
            Some((
                site.module.as_ref(),
                site.addresses.first().copied(),
                number,
            ))
        };
        for group in self.groups(key, key) {
            let ([old], [new]) = (group.old.as_slice(), group.new.as_slice()) else {
                continue;
            };
            let (a, b) = (&self.old[*old], &self.new[*new]);
            let in_one_build = a.is_of_same_build(b) && !a.addresses.is_empty();
            let can_be_one = match (a.chain.is_empty(), b.chain.is_empty()) {
                (true, true) => true,
                // A name in one run alone: the file is missing in the other.
                (false, false) => false,
                _ => !a.is_of_other_build(b),
            };
            if can_be_one && !in_one_build {
                self.pair((*old, *new), MatchedBy::UnsureAddress);
            }
        }
    }
}

impl Alignment {
    fn add(&mut self, other: Alignment) {
        self.pairs.extend(other.pairs);
        self.cost = self.cost.saturating_add(other.cost);
    }
}

fn modules_of(sites: &[Candidate]) -> BTreeSet<&ModuleKey> {
    sites
        .iter()
        .filter_map(|site| site.module.as_ref())
        .collect()
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

/// `libfoo` of `libfoo.so.1.2` and of `libfoo-1.2.so`.
fn stem(module: &str) -> &str {
    let name = module.rsplit('/').next().unwrap_or(module);
    let Some((stem, _)) = name.split_once(".so") else {
        return name;
    };
    match stem.rsplit_once('-') {
        Some((stem, version)) if version.starts_with(|c: char| c.is_ascii_digit()) => stem,
        _ => stem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elf::BuildId;
    use crate::run::Role;

    use MatchedBy::*;

    fn module(name: &str) -> ModuleKey {
        match name {
            "" => (Role::Program, String::new()),
            name => (Role::Library, name.to_owned()),
        }
    }

    /// A place in the program: `function` is declared in line `declared`.
    fn at(function: &str, file: &str, declared: u32, line: u32) -> Candidate {
        let step = Step {
            function: Some(function.into()),
            file: Some(file.into()),
            line: Some(line),
            declaration: Declaration {
                line: Some(declared),
                external: true,
            },
        };
        let mut site = bare(u64::from(line) * 16);
        site.key = SiteKey::Line {
            module: module(""),
            function: step.function.clone(),
            file: file.into(),
            line,
            inlined_into: Vec::new(),
        };
        site.chain = vec![step];
        site
    }

    /// A place that only its function's symbol names.
    fn by_symbol(function: &str, start: u64, address: u64) -> Candidate {
        let mut site = bare(address);
        site.chain = vec![Step {
            function: Some(function.into()),
            ..Step::default()
        }];
        site.function_start = Some(LinkAddress(start));
        site
    }

    /// A place of which nothing is known but its address.
    fn bare(address: u64) -> Candidate {
        let address = LinkAddress(address);
        Candidate {
            key: SiteKey::Address {
                module: module(""),
                address,
                function: None,
            },
            build: None,
            module: Some(module("")),
            chain: Vec::new(),
            function_start: None,
            addresses: vec![address],
            numbers: Vec::new(),
            mean_size: None,
        }
    }

    impl Candidate {
        fn in_module(mut self, name: &str) -> Self {
            self.module = Some(module(name));
            self
        }

        fn of_build(mut self, id: u8) -> Self {
            self.build = Some(Build::Id(BuildId(vec![id])));
            self
        }

        fn of_size(mut self, size: u64) -> Self {
            self.mean_size = Some(size as f64);
            self
        }

        fn local(mut self) -> Self {
            self.chain
                .iter_mut()
                .for_each(|step| step.declaration.external = false);
            self
        }

        fn inlined_into(mut self, function: &str, declared: u32, line: u32) -> Self {
            let outer = at(function, "/s/a.c", declared, line);
            self.chain.extend(outer.chain);
            self
        }
    }

    /// For each new site the old one and the tier.
    fn matched(old: &[Candidate], new: &[Candidate]) -> Vec<Option<(usize, MatchedBy)>> {
        match_sites(old, new).sites
    }

    #[test]
    fn in_one_build_an_address_is_a_site_and_another_is_another() {
        let old = [bare(0x10).of_build(1), bare(0x20).of_build(1)];
        let new = [bare(0x20).of_build(1), bare(0x30).of_build(1)];
        assert_eq!(matched(&old, &new), [Some((1, Address)), None]);
        // Not even in one function.
        let old = [at("f", "/s/a.c", 1, 5).of_build(1)];
        let new = [at("f", "/s/a.c", 1, 6).of_build(1)];
        assert_eq!(matched(&old, &new), [None]);
        // A line of several calls is one site, whichever of them a run made.
        let mut other_call = at("f", "/s/a.c", 1, 5).of_build(1);
        other_call.addresses = vec![LinkAddress(0x999)];
        assert_eq!(matched(&old, &[other_call]), [Some((0, Address))]);
    }

    #[test]
    fn an_equal_line_is_found_where_addresses_differ() {
        let mut new = at("f", "/s/a.c", 1, 5).of_build(2);
        new.addresses = vec![LinkAddress(0x999)];
        let old = [at("f", "/s/a.c", 1, 5).of_build(1)];
        assert_eq!(matched(&old, &[new]), [Some((0, Line))]);
    }

    #[test]
    fn directories_may_differ_where_paths_agree_from_the_right() {
        let old = [at("f", "/h/net/a.c", 1, 5), at("f", "/h/ui/a.c", 1, 5)];
        let new = [at("f", "/b/ui/a.c", 1, 5), at("f", "/b/net/a.c", 1, 5)];
        assert_eq!(matched(&old, &new), [Some((1, Line)), Some((0, Line))]);
        assert_eq!(
            match_sites(&old, &new).files,
            [
                (module(""), "/h/net/a.c".to_owned(), "/b/net/a.c".to_owned()),
                (module(""), "/h/ui/a.c".to_owned(), "/b/ui/a.c".to_owned()),
            ]
        );
    }

    #[test]
    fn a_function_that_moved_keeps_its_lines_apart() {
        // Two lines further down, so that the first stands where the second did.
        let old = [at("f", "/s/a.c", 1, 5), at("f", "/s/a.c", 1, 7)];
        let new = [at("f", "/s/a.c", 3, 7), at("f", "/s/a.c", 3, 9)];
        assert_eq!(
            matched(&old, &new),
            [Some((0, MovedLine)), Some((1, MovedLine))]
        );
        // The second is gone: what stands there is the first.
        assert_eq!(matched(&old, &new[..1]), [Some((0, MovedLine))]);
        // The same two lines inside of the function, which itself stays.
        let new = [at("f", "/s/a.c", 1, 7), at("f", "/s/a.c", 1, 9)];
        assert_eq!(
            matched(&old, &new),
            [Some((0, MovedLine)), Some((1, MovedLine))]
        );
    }

    #[test]
    fn sizes_tell_which_of_two_lines_is_left() {
        let old = [
            at("f", "/s/a.c", 1, 5).of_size(16),
            at("f", "/s/a.c", 1, 6).of_size(64),
        ];
        let small = at("f", "/s/a.c", 1, 5).of_size(16);
        let large = at("f", "/s/a.c", 1, 5).of_size(64);
        assert_eq!(matched(&old, &[small]), [Some((0, Line))]);
        assert_eq!(matched(&old, &[large]), [Some((1, MovedLine))]);
        // One that stays, one that is fixed and one that is added below do not push it aside.
        let new = [
            at("f", "/s/a.c", 1, 6).of_size(64),
            at("f", "/s/a.c", 1, 9).of_size(300),
        ];
        assert_eq!(matched(&old, &new), [Some((1, Line)), Some((0, MovedLine))]);
    }

    #[test]
    fn the_nearest_line_wins_without_sizes() {
        let old = [
            at("f", "/s/a.c", 1, 5),
            at("f", "/s/a.c", 1, 20),
            at("f", "/s/a.c", 1, 40),
        ];
        let new = [at("f", "/s/a.c", 1, 22)];
        assert_eq!(matched(&old, &new), [Some((1, MovedLine))]);
    }

    #[test]
    fn a_wrapper_is_a_site_in_each_of_its_callers() {
        let wrapper = || at("xmalloc", "/s/a.c", 1, 2);
        let old = [
            wrapper().inlined_into("f", 5, 7),
            wrapper().inlined_into("g", 10, 12),
        ];
        let new = [
            wrapper().inlined_into("g", 9, 12),
            wrapper().inlined_into("f", 5, 6),
        ];
        assert_eq!(matched(&old, &new), [Some((1, Line)), Some((0, MovedLine))]);
        // Another caller's is another site; the same one, no longer inlined, is not.
        let new = [wrapper().inlined_into("h", 20, 22)];
        assert_eq!(matched(&old[..1], &new), [None]);
        assert_eq!(matched(&old[..1], &[wrapper()]), [Some((0, MovedLine))]);
    }

    #[test]
    fn overloads_and_instances_are_functions_of_their_own() {
        let old = [
            at("f(int)", "/s/a.cc", 1, 5),
            at("g<int>()", "/s/a.cc", 10, 11),
        ];
        let new = [
            at("f(long)", "/s/a.cc", 1, 5),
            at("g<long>()", "/s/a.cc", 10, 11),
        ];
        assert_eq!(matched(&old, &new), [None, None]);
    }

    #[test]
    fn a_static_function_of_one_name_is_another_in_another_file() {
        let old = [
            at("init", "/s/a.c", 1, 5).local(),
            at("run", "/s/b.c", 1, 9),
        ];
        let new = [
            at("init", "/s/b.c", 20, 25).local(),
            at("run", "/s/b.c", 1, 9),
        ];
        assert_eq!(matched(&old, &new), [None, Some((1, Line))]);
        // One that other files can call is the same, wherever it is defined.
        let old = [at("init", "/s/a.c", 1, 5), at("run", "/s/b.c", 1, 9)];
        let new = [at("init", "/s/b.c", 20, 25), at("run", "/s/b.c", 1, 9)];
        assert_eq!(matched(&old, &new), [Some((0, Renamed)), Some((1, Line))]);
        // A file that was renamed takes its static functions along.
        let old = [at("init", "/s/a.c", 1, 5).local()];
        let new = [at("init", "/s/c.c", 1, 6).local()];
        assert_eq!(matched(&old, &new), [Some((0, Renamed))]);
    }

    #[test]
    fn a_library_may_have_another_version() {
        let old = [
            at("f", "/s/a.c", 1, 5).in_module("libfoo.so.1.2"),
            by_symbol("g", 0x100, 0x110).in_module("libfoo.so.1.2"),
        ];
        let new = [
            at("f", "/s/a.c", 1, 8).in_module("libfoo.so.1.3"),
            by_symbol("g", 0x200, 0x214).in_module("libfoo.so.1.3"),
        ];
        assert_eq!(
            matched(&old, &new),
            [Some((0, Renamed)), Some((1, Renamed))]
        );
        // Where the old one is still there, the new one is another.
        let both = [
            new[0].clone(),
            at("h", "/s/h.c", 1, 2).in_module("libfoo.so.1.2"),
        ];
        assert_eq!(matched(&old, &both), [None, None]);
    }

    #[test]
    fn of_two_that_may_be_it_neither_is() {
        let old = [at("init", "/s/a.c", 1, 5)];
        let new = [at("init", "/s/b.c", 1, 5), at("init", "/s/c.c", 1, 5)];
        assert_eq!(matched(&old, &new), [None, None]);
    }

    #[test]
    fn symbols_alone_keep_the_order_of_calls() {
        let old = [by_symbol("f", 0x100, 0x110), by_symbol("f", 0x100, 0x140)];
        let new = [
            by_symbol("f.part.0", 0x300, 0x344),
            by_symbol("f", 0x300, 0x318),
            by_symbol("g", 0x400, 0x410),
        ];
        let by = FunctionOrder;
        assert_eq!(matched(&old, &new), [Some((1, by)), Some((0, by)), None]);
        // Lines in one of the builds alone are no hindrance.
        let new = [at("f", "/s/a.c", 1, 5)];
        assert_eq!(matched(&old[..1], &new), [Some((0, by))]);
    }

    #[test]
    fn an_address_alone_is_unsure() {
        let old = [bare(0x10).of_build(1), bare(0x20)];
        let new = [bare(0x10).of_build(2), bare(0x20), bare(0x30)];
        let by = UnsureAddress;
        assert_eq!(matched(&old, &new), [Some((0, by)), Some((1, by)), None]);
        // Unknown in both is nothing in common.
        assert_eq!(matched(&[bare(0x10)], &[bare(0x20)]), [None]);
        assert_eq!(
            matched(&[bare(0x10)], &[bare(0x10).in_module("libx.so")]),
            [None]
        );
        // A name in one run alone, and no sign of two builds: the file is missing in the other.
        let named = by_symbol("f", 0, 0x10);
        assert_eq!(
            matched(&[named.clone().of_build(1)], &[bare(0x10)]),
            [Some((0, by))]
        );
        assert_eq!(
            matched(&[named.of_build(1)], &[bare(0x10).of_build(2)]),
            [None]
        );
        // Other functions at one address are two.
        assert_eq!(
            matched(&[by_symbol("f", 0, 0x10)], &[by_symbol("g", 0, 0x10)]),
            [None]
        );
    }

    #[test]
    fn a_site_is_matched_once() {
        let old: Vec<Candidate> = (0..5).map(|i| at("f", "/s/a.c", 1, 5 + i)).collect();
        let new: Vec<Candidate> = (0..9).map(|i| at("f", "/s/a.c", 1, 2 + 2 * i)).collect();
        let mut found: Vec<usize> = matched(&old, &new)
            .into_iter()
            .flatten()
            .map(|m| m.0)
            .collect();
        found.sort_unstable();
        assert_eq!(found, [0, 1, 2, 3, 4]);
    }

    #[test]
    fn compilers_name_copies_of_a_function() {
        for (symbol, function) in [
            ("f.isra.0", "f"),
            ("f.constprop.0.cold", "f"),
            ("f.part.12", "f"),
            ("libx.so", "libx.so"),
            (".cold", ".cold"),
        ] {
            assert_eq!(without_clone(symbol), function);
        }
        assert_eq!(stem("libfoo.so.1.2"), "libfoo");
        assert_eq!(stem("libc-2.31.so"), "libc");
        assert_eq!(stem("lib-x.so"), "lib-x");
    }
}
