//! A function that has another signature or another scope now, or lies in another module, where nothing else can be meant.
//!
//! What calls itself alike and lies in one file is one function if no other of the name came or went: which functions a
//! build has is known from its files, whether or not they allocate.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::candidate::Candidate;
use super::known::Known;
use super::modules::ModulePair;
use crate::diff::files::agreement;
use crate::diff::module_key::ModuleKey;
use crate::run::{ModuleLabel, Role, Text, plain_name, unscoped_name};

/// Functions of the new run that the earlier ones call otherwise, or have elsewhere.
#[derive(Debug, Default)]
pub(super) struct ChangedFunctions {
    /// The old names, by the new ones.
    names: BTreeMap<ModuleKey, BTreeMap<Text, Text>>,
    /// The old modules of those that moved.
    modules: BTreeMap<ModuleKey, BTreeMap<Text, ModuleKey>>,
}

/// Pairs what changed. Modules of the new run are called as before; `modules` are those that were not.
pub(super) fn pair_functions(
    old: Known<'_>,
    new: Known<'_>,
    modules: &[ModulePair],
) -> ChangedFunctions {
    if old.inventory.functions.is_empty() || new.inventory.functions.is_empty() {
        return ChangedFunctions::default();
    }
    let (old, new) = (Side::new(old, &[]), Side::new(new, modules));
    let mut changed = ChangedFunctions::default();
    for module in old
        .seen
        .keys()
        .filter(|module| new.seen.contains_key(*module))
    {
        let names = renamed(module, &old, &new);
        if !names.is_empty() {
            changed.names.insert((*module).clone(), names);
        }
    }
    for (function, from, to) in moved(&old, &new) {
        let moved = changed.modules.entry(to.clone()).or_default();
        moved.insert(function.clone(), from.clone());
    }
    changed
}

/// What sites show of a function.
#[derive(Debug, Default)]
struct Seen<'a> {
    files: Vec<&'a str>,
    /// It has code of its own.
    is_outermost: bool,
    is_external: bool,
}

impl Seen<'_> {
    /// Whether it lies in the file of another one; builds are often made in directories of their own.
    fn shares_file(&self, other: &Seen<'_>, components: usize) -> bool {
        let mut files = self.files.iter();
        files.any(|one| {
            let mut others = other.files.iter();
            others.any(|other| one == other || agreement(one, other) >= components)
        })
    }
}

/// The functions of a run, by their modules.
struct Side<'a> {
    known: Known<'a>,
    /// Of modules of which it is known what they have.
    seen: BTreeMap<&'a ModuleKey, BTreeMap<&'a Text, Seen<'a>>>,
    /// Of the same modules, all that may be a namesake.
    functions: BTreeMap<ModuleKey, &'a BTreeSet<Text>>,
}

impl<'a> Side<'a> {
    fn new(known: Known<'a>, modules: &[ModulePair]) -> Self {
        // Of a run before the last, a module may be known that is not there any more.
        let is_there = |label: &ModuleLabel| {
            label.role == Role::Program || !known.knows_modules() || known.has_mapped(&label.name)
        };
        let functions = known.inventory.functions.iter();
        let functions = functions.filter(|(label, _)| is_there(label));
        let functions = functions.map(|(label, functions)| {
            let key = ModuleKey::of(label);
            let before = modules.iter().find(|pair| pair.new == key);
            (before.map_or(key, |pair| pair.old.clone()), functions)
        });
        let functions: BTreeMap<ModuleKey, &BTreeSet<Text>> = functions.collect();
        let mut seen: BTreeMap<_, BTreeMap<_, Seen<'_>>> = BTreeMap::new();
        for site in known.sites {
            let module = site.module.as_ref();
            let Some(module) = module.filter(|module| functions.contains_key(*module)) else {
                continue;
            };
            for (depth, step) in site.chain.iter().enumerate() {
                let (Some(function), Some(file)) = (&step.function, &step.file) else {
                    continue;
                };
                let of_module = seen.entry(module).or_default();
                let seen: &mut Seen<'_> = of_module.entry(function).or_default();
                if !seen.files.contains(&&**file) {
                    seen.files.push(file);
                }
                seen.is_outermost |= depth + 1 == site.chain.len();
                seen.is_external |= step.declaration.external;
            }
        }
        Side {
            known,
            seen,
            functions,
        }
    }

    /// All functions of a module, if they are known.
    fn all(&self, module: &ModuleKey) -> Option<BTreeSet<&'a Text>> {
        let known = self.functions.get(module)?.iter();
        let seen = self.seen.get(module);
        let seen = seen.into_iter().flat_map(|seen| seen.keys().copied());
        Some(known.chain(seen).collect())
    }

    fn seen_of(&self, module: &ModuleKey, function: &Text) -> Option<&Seen<'a>> {
        self.seen.get(module)?.get(function)
    }

    fn shows(&self, module: &ModuleKey, function: &Text) -> bool {
        self.seen_of(module, function).is_some()
    }

    fn is_there(&self, module: &ModuleKey) -> bool {
        module.role == Role::Program
            || self.functions.contains_key(module)
            || !self.known.knows_modules()
            || self.known.has_mapped(&module.name)
    }

    /// Whether a module for sure does not have a function.
    fn lacks(&self, module: &ModuleKey, function: &Text) -> bool {
        match self.functions.get(module) {
            Some(functions) => !functions.contains(function),
            None => !self.is_there(module),
        }
    }
}

/// What of a function's name is looked at.
type NameOf<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Functions of a module that have other names now: first those of one scope, then those that moved to another.
fn renamed(module: &ModuleKey, old: &Side<'_>, new: &Side<'_>) -> BTreeMap<Text, Text> {
    let mut names = BTreeMap::new();
    let (Some(before), Some(after)) = (old.all(module), new.all(module)) else {
        return names;
    };
    let without = |all: &BTreeSet<&Text>, others: &BTreeSet<&Text>| -> BTreeSet<Text> {
        let only = all.difference(others).filter(|name| name.contains('('));
        only.map(|name| (**name).clone()).collect()
    };
    let (mut gone, mut came) = (without(&before, &after), without(&after, &before));
    if gone.is_empty() || came.is_empty() {
        return names;
    }
    // Without its parameters, a function may be any of its name.
    let vague = before
        .iter()
        .chain(&after)
        .filter(|name| !name.contains('('));
    let vague: BTreeSet<String> = vague.filter_map(|name| unscoped_name(name)).collect();
    let unscoped = |name: &str| unscoped_name(name).filter(|name| !vague.contains(name));
    let in_scope = |name: &str| unscoped(name).map(|_| plain_name(name));
    for key in [&in_scope as NameOf<'_>, &unscoped] {
        for (from, to) in only_pairs(&gone, &came, key) {
            gone.remove(&from);
            came.remove(&to);
            let seen = old.seen_of(module, &from).zip(new.seen_of(module, &to));
            if seen.is_some_and(|(one, other)| one.shares_file(other, 1)) {
                names.insert(to, from);
            }
        }
    }
    names
}

/// Pairs of one key that has no other on either side.
fn only_pairs(gone: &BTreeSet<Text>, came: &BTreeSet<Text>, key: NameOf<'_>) -> Vec<(Text, Text)> {
    let mut by_key: BTreeMap<String, [Vec<&Text>; 2]> = BTreeMap::new();
    for (side, names) in [gone, came].into_iter().enumerate() {
        for name in names {
            if let Some(key) = key(name) {
                by_key.entry(key).or_default()[side].push(name);
            }
        }
    }
    let pairs = by_key.into_values().filter_map(|sides| match sides {
        [gone, came] if gone.len() == 1 && came.len() == 1 => {
            Some((gone[0].clone(), came[0].clone()))
        }
        _ => None,
    });
    pairs.collect()
}

/// Functions that one module has no more and another one has now, each with these two. Of an external function either may have
/// a copy all along, as of an inline function of a header: of several copies in a process, one is called.
fn moved<'a>(
    old: &Side<'a>,
    new: &Side<'a>,
) -> impl Iterator<Item = (&'a Text, &'a ModuleKey, &'a ModuleKey)> {
    let (gone, came) = (shown_only(old, new), shown_only(new, old));
    let only = gone.into_iter().filter_map(|(function, from)| {
        let to = came.get(function)?;
        match (from.as_slice(), to.as_slice()) {
            ([from], [to]) => Some((function, *from, *to)),
            _ => None,
        }
    });
    let is_moved = |(function, from, to): &(&'a Text, &'a ModuleKey, &'a ModuleKey)| {
        let (a, b) = (&old.seen[from][function], &new.seen[to][function]);
        // What comes with a new module in place of an old one is for those who pair modules.
        let has_other_module = old.is_there(to) || new.is_there(from);
        let is_known = new.functions.contains_key(*from) || !new.is_there(from);
        let is_one = match (new.lacks(from, function), old.lacks(to, function)) {
            (true, true) => true,
            (false, false) => false,
            _ => a.is_external && b.is_external,
        };
        a.is_outermost
            && b.is_outermost
            && unscoped_name(function).is_some()
            && has_other_module
            && is_known
            && is_one
            && a.shares_file(b, 2)
    };
    let moved: Vec<_> = only.filter(is_moved).collect();
    moved.into_iter()
}

/// Functions that sites of one side show in modules in which no site of the other side shows them.
fn shown_only<'a>(side: &Side<'a>, other: &Side<'_>) -> BTreeMap<&'a Text, Vec<&'a ModuleKey>> {
    let mut only: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (module, seen) in &side.seen {
        for function in seen.keys().filter(|name| !other.shows(module, name)) {
            only.entry(*function).or_default().push(*module);
        }
    }
    only
}

impl ChangedFunctions {
    /// New sites whose functions are called, and lie, as in the earlier runs; and the indexes of those that changed.
    pub(super) fn called_as_before<'a>(
        &self,
        sites: Cow<'a, [Candidate]>,
    ) -> (Cow<'a, [Candidate]>, Vec<usize>) {
        if self.names.is_empty() && self.modules.is_empty() {
            return (sites, Vec::new());
        }
        let mut sites = sites.into_owned();
        let all = sites.iter_mut().enumerate();
        let changed = all.filter_map(|(index, site)| self.change(site).then_some(index));
        let changed = changed.collect();
        (Cow::Owned(sites), changed)
    }

    fn change(&self, site: &mut Candidate) -> bool {
        let Some(module) = site.module.clone() else {
            return false;
        };
        let mut has_changed = false;
        let outermost = site.chain.last().and_then(|step| step.function.as_ref());
        let before = self.modules.get(&module).zip(outermost);
        if let Some(before) = before.and_then(|(moved, function)| moved.get(function)) {
            site.key.move_to(before.clone());
            site.module = Some(before.clone());
            has_changed = true;
        }
        let Some(names) = self.names.get(&module) else {
            return has_changed;
        };
        let steps = site.chain.iter_mut().map(|step| &mut step.function);
        let symbol = site
            .outermost
            .as_mut()
            .map(|outermost| &mut outermost.symbol);
        for function in steps.chain(symbol).chain(site.key.functions_mut()) {
            if let Some(old) = function.as_ref().and_then(|name| names.get(name)) {
                *function = Some(old.clone());
                has_changed = true;
            }
        }
        has_changed
    }
}
