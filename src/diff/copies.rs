//! Copies of one file, loaded under several names: what a line leaks in each of them adds up.
//!
//! A program that loads a plug-in anew copies it to a new name each time. Each copy is a module of its own, and
//! none leaks much.

use std::collections::{BTreeMap, BTreeSet};

use super::column::Column;
use super::judged::Site;
use super::module_key::ModuleKey;
use super::site::SiteKey;
use super::together::{Likeness, Together};
use crate::run::{Build, Text};

/// Without a build, so many modules that call from one number are copies: of different files, few would.
const FEWEST_UNKNOWN: usize = 4;

/// What copies of a file have in common.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct CopiedPlace<'a> {
    /// Without the name of the module, which each copy has of its own.
    key: SiteKey,
    /// Only for an address: in another build, it is another place.
    build: Option<&'a Build>,
}

/// All sites of several copies among ranked ones. Those of the program and hidden ones are left out.
pub(crate) fn copies(sites: &[Site], columns: &[Column]) -> Vec<Together> {
    let copied = copied_builds(sites);
    let mut places: BTreeMap<CopiedPlace<'_>, Vec<usize>> = BTreeMap::new();
    for (index, site) in sites.iter().enumerate() {
        if let Some(place) = place(site, &copied) {
            places.entry(place).or_default().push(index);
        }
    }
    let are_copies = |(place, at): &(CopiedPlace<'_>, Vec<usize>)| {
        let modules = at.iter().filter_map(|at| sites[*at].at.key.module());
        let modules = modules.collect::<BTreeSet<_>>().len();
        let is_known = place.build.is_some() || matches!(place.key, SiteKey::Line { .. });
        modules >= if is_known { 2 } else { FEWEST_UNKNOWN }
    };
    let of_copies = places.into_iter().filter(are_copies);
    of_copies
        .map(|(_, at)| Together::of(Likeness::Copies, at, sites, columns))
        .collect()
}

/// Builds that some run loaded as several modules.
pub(super) fn copied_builds(sites: &[Site]) -> BTreeSet<&Build> {
    let mut modules: BTreeMap<(usize, &Build), BTreeSet<&ModuleKey>> = BTreeMap::new();
    for site in sites {
        for (run, build) in builds(site) {
            let known = modules.entry((run, build)).or_default();
            known.extend(site.at.key.module());
        }
    }
    let copied = modules.into_iter().filter(|(_, keys)| keys.len() > 1);
    copied.map(|((_, build), _)| build).collect()
}

/// The builds of a site's module, and the runs that they are of.
pub(super) fn builds(site: &Site) -> impl Iterator<Item = (usize, &Build)> {
    let runs = site.at.runs.iter().enumerate();
    runs.filter_map(|(index, run)| Some((index, run.as_ref()?.build.as_ref()?)))
}

fn place<'a>(site: &'a Site, copied: &BTreeSet<&'a Build>) -> Option<CopiedPlace<'a>> {
    let module = site.at.key.module()?;
    let is_program = *module == ModuleKey::program();
    if site.hidden.is_some() || is_program {
        return None;
    }
    let mut known = builds(site).map(|(_, build)| build).peekable();
    let is_known = known.peek().is_some();
    let build = known.find(|build| copied.contains(build));
    let mut key = site.at.key.clone();
    key.move_to(ModuleKey::new(module.role, Text::default()));
    let build = match (&key, build) {
        (SiteKey::Line { .. }, Some(_)) => None,
        (SiteKey::Address { .. }, Some(build)) => Some(build),
        (SiteKey::Address { .. } | SiteKey::Number { .. }, None) if !is_known => None,
        _ => return None,
    };
    Some(CopiedPlace { key, build })
}
