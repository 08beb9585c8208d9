//! What in a comparison looks like two builds that do not match.

use std::collections::BTreeSet;

use super::group::module_of;
use super::growth::Change;
use super::judged::Site;
use super::matched_by::MatchedBy;
use crate::run::Build;
use crate::warning::Warning;

/// Sites that are gone beside others that are new, where they may well be the same; and sites that
/// were taken for the same, where they may well not be.
pub fn advice(sites: &[Site]) -> Vec<Warning> {
    let changed = sites.iter().filter(|site| {
        let has_changed = matches!(site.change, Change::Gone | Change::New);
        has_changed && site.at.hidden.is_none()
    });
    let (named, unnamed) = changed.partition(|site| site.at.function().is_some());
    let mut warnings = Vec::new();
    let functions = moved(named, |site| site.at.function());
    if !functions.is_empty() {
        let name = |site: &Site| site.at.function().unwrap_or_default().to_owned();
        warnings.push(Warning::LinesMoved {
            functions: functions.into_iter().map(name).collect(),
        });
    }
    let modules = moved(unnamed, |site| module_of(&site.at.key));
    if !modules.is_empty() {
        let name = |site: &Site| module_name(site).to_owned();
        warnings.push(Warning::AddressesMoved {
            modules: modules.into_iter().map(name).collect(),
        });
    }
    warnings.extend(unsure(sites));
    warnings
}

fn module_name(site: &Site) -> &str {
    let module = site.at.module.as_ref();
    module.map_or("no module", |module| &module.name)
}

/// The last site of each group in which one that is gone can be one that is new.
fn moved<'a, K: Ord>(mut changed: Vec<&'a Site>, group: impl Fn(&'a Site) -> K) -> Vec<&'a Site> {
    changed.sort_by_key(|site| group(site));
    let groups = changed.chunk_by(|a, b| group(a) == group(b));
    let moved = groups.filter(|sites| can_be_one(sites));
    moved.filter_map(|sites| sites.last().copied()).collect()
}

/// Whether one that is gone can be one that is new: in one build they are two.
fn can_be_one(sites: &[&Site]) -> bool {
    let builds = |change| -> BTreeSet<Option<&Build>> {
        let sites = sites.iter().filter(|site| site.change == change);
        let runs = sites.flat_map(|site| site.at.runs.iter().flatten());
        runs.map(|run| run.build.as_ref()).collect()
    };
    let (gone, new) = (builds(Change::Gone), builds(Change::New));
    let is_one_build = gone.union(&new).count() == 1 && !gone.contains(&None);
    !gone.is_empty() && !new.is_empty() && !is_one_build
}

fn unsure(sites: &[Site]) -> Option<Warning> {
    let has_blocks = |site: &Site| {
        let mut runs = site.at.runs.iter().flatten();
        runs.any(|run| run.figures.blocks > 0)
    };
    let is_unsure = |site: &&Site| {
        let is_unsure = site.at.matched_by == Some(MatchedBy::UnsureAddress);
        is_unsure && site.at.hidden.is_none() && has_blocks(site)
    };
    let unsure: Vec<&Site> = sites.iter().filter(is_unsure).collect();
    let modules: BTreeSet<&str> = unsure.iter().map(|site| module_name(site)).collect();
    (!unsure.is_empty()).then(|| Warning::UnsureAddresses {
        sites: unsure.len(),
        modules: modules.into_iter().map(str::to_owned).collect(),
    })
}
