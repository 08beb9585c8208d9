//! Which module of one run is which of another, where one file was loaded from several paths.

use std::collections::{BTreeMap, BTreeSet};

use super::candidate::Candidate;
use crate::diff::files::agreement;
use crate::diff::site::ModuleKey;
use crate::run::{Build, LinkAddress, Role};

/// What is known of a module of one run.
#[derive(Debug, Default)]
struct Known<'a> {
    path: Option<&'a str>,
    builds: BTreeSet<&'a Build>,
    places: BTreeSet<(LinkAddress, Option<&'a str>)>,
    lines: BTreeSet<(&'a str, Option<u32>)>,
}

/// How much speaks for two modules being one, what proves most first.
type Likeness = (bool, bool, usize, usize);

/// Modules that have another name in the new run: old, new. Equal names are one module, unless their
/// paths say that each of them is another's; what is left over is paired by path, build and base name.
pub fn pair_modules(old: &[Candidate], new: &[Candidate]) -> Vec<(ModuleKey, ModuleKey)> {
    let (old, new) = (known(old), known(new));
    let only = |all: &BTreeMap<&ModuleKey, Known<'_>>, others: &BTreeMap<&ModuleKey, Known<'_>>| {
        let only = all.keys().filter(|key| !others.contains_key(**key));
        only.map(|key| (*key).clone()).collect::<Vec<ModuleKey>>()
    };
    let (only_old, only_new) = (only(&old, &new), only(&new, &old));
    let mut scored: Vec<(Likeness, &ModuleKey, &ModuleKey)> = Vec::new();
    for a in &only_old {
        for b in &only_new {
            if let Some(likeness) = likeness(a, &old[a], b, &new[b]) {
                scored.push((likeness, a, b));
            }
        }
    }
    // The first by name where several are as likely: which of them is no matter, since they are copies.
    scored.sort_by(|a, b| b.0.cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    let (mut used_old, mut used_new) = (BTreeSet::new(), BTreeSet::new());
    let mut pairs = Vec::new();
    for (_, a, b) in scored {
        if !used_old.contains(a) && !used_new.contains(b) {
            used_old.insert(a);
            used_new.insert(b);
            pairs.push((a.clone(), b.clone()));
        }
    }
    pairs
}

/// New sites in modules that bear their names of the earlier runs.
pub fn called_as_before(new: &[Candidate], pairs: &[(ModuleKey, ModuleKey)]) -> Vec<Candidate> {
    let old_names: BTreeMap<&ModuleKey, &ModuleKey> =
        pairs.iter().map(|(old, new)| (new, old)).collect();
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

fn known(sites: &[Candidate]) -> BTreeMap<&ModuleKey, Known<'_>> {
    let mut modules: BTreeMap<&ModuleKey, Known<'_>> = BTreeMap::new();
    for site in sites {
        let Some(module) = &site.module else { continue };
        let known = modules.entry(module).or_default();
        known.path = known.path.or(site.module_path.as_deref());
        known.builds.extend(&site.build);
        let addresses = site.addresses.iter();
        known
            .places
            .extend(addresses.map(|address| (*address, site.function())));
        let steps = site.chain.first();
        let line = steps.and_then(|step| Some((step.function.as_deref()?, step.line)));
        known.lines.extend(line);
    }
    modules
}

fn likeness(a: &ModuleKey, old: &Known<'_>, b: &ModuleKey, new: &Known<'_>) -> Option<Likeness> {
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
    (same_path || same_build || has_base_name).then_some((same_path, same_build, paths, common))
}
