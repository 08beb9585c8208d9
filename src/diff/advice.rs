//! What in a comparison looks like two builds that do not match.

use std::collections::{BTreeMap, BTreeSet};

use super::growth::Change;
use super::judged::Site;
use super::matched_by::MatchedBy;
use super::module_key::ModuleKey;
use crate::file_name::last_part;
use crate::run::Build;
use crate::trace::Sizes;
use crate::warning::ComparisonWarning;

/// The builds of the sites that are gone, and of those that are new.
#[derive(Default)]
struct GoneAndNew<'a> {
    gone: BTreeSet<Option<&'a Build>>,
    new: BTreeSet<Option<&'a Build>>,
    /// Modules and files.
    places: BTreeSet<(Option<&'a ModuleKey>, Option<&'a str>)>,
    /// To speak of it.
    name: &'a str,
}

impl<'a> GoneAndNew<'a> {
    fn note(&mut self, site: &'a Site, name: &'a str) {
        let builds = match site.change {
            Change::Gone => &mut self.gone,
            Change::New => &mut self.new,
            _ => return,
        };
        builds.extend(site.at.runs.iter().flatten().map(|run| run.build.as_ref()));
        let file = site.at.frame().and_then(|frame| frame.file.as_deref());
        self.places.insert((site.at.key.module(), file));
        self.name = name;
    }

    /// Whether one that is gone can be one that is new: in one build they are two.
    fn can_be_one(&self) -> bool {
        let builds = self.gone.union(&self.new);
        let is_one_build = builds.clone().count() == 1 && !self.gone.contains(&None);
        !self.gone.is_empty() && !self.new.is_empty() && !is_one_build
    }
}

/// Sites that are gone beside others that are new, where they may well be the same; and sites that
/// were taken for the same, where they may well not be.
pub(crate) fn advice(sites: &[Site]) -> Vec<ComparisonWarning> {
    let mut functions: BTreeMap<&str, GoneAndNew<'_>> = BTreeMap::new();
    let mut modules: BTreeMap<Option<&ModuleKey>, GoneAndNew<'_>> = BTreeMap::new();
    for site in sites.iter().filter(|site| site.hidden.is_none()) {
        match site.at.function() {
            Some(function) => functions.entry(function).or_default().note(site, function),
            None => {
                let module = site.at.key.module();
                modules
                    .entry(module)
                    .or_default()
                    .note(site, module_name(site));
            }
        }
    }
    let mut warnings = Vec::new();
    // Of one file, no name would tell more.
    let functions = functions.into_values();
    let functions = moved(functions.filter(|seen| seen.places.len() > 1));
    if !functions.is_empty() {
        warnings.push(ComparisonWarning::LinesMoved { functions });
    }
    let functions = renamed_functions(sites);
    if !functions.is_empty() {
        warnings.push(ComparisonWarning::FunctionsRenamed { functions });
    }
    let modules = moved(modules.into_values());
    if !modules.is_empty() {
        warnings.push(ComparisonWarning::AddressesMoved { modules });
    }
    warnings.extend(unsure(sites));
    warnings
}

fn module_name(site: &Site) -> &str {
    let module = site.at.module.as_ref();
    module.map_or("no module", |module| &module.name)
}

fn moved<'a>(seen: impl Iterator<Item = GoneAndNew<'a>>) -> Vec<String> {
    seen.filter(GoneAndNew::can_be_one)
        .map(|seen| seen.name.to_owned())
        .collect()
}

/// A function of a file that only one run has, with the sizes that its calls ask for.
#[derive(Default)]
struct OneRunsFunction {
    sizes: BTreeSet<Sizes>,
    left_some: bool,
    in_first: bool,
    in_last: bool,
}

/// Functions that may be one under two names: what is gone and what is new in a file, each alone in asking for these sizes.
fn renamed_functions(sites: &[Site]) -> Vec<(String, String)> {
    let mut functions: BTreeMap<(Option<&ModuleKey>, &str, &str), OneRunsFunction> =
        BTreeMap::new();
    for site in sites.iter().filter(|site| site.hidden.is_none()) {
        let frame = site.at.frame();
        let file = frame.and_then(|frame| frame.file.as_deref());
        let (Some(file), Some(function)) = (file, site.at.function()) else {
            continue;
        };
        let (Some(first), Some(last)) = (site.at.runs.first(), site.at.runs.last()) else {
            continue;
        };
        // Builds are often made in directories of their own.
        let key = (site.at.key.module(), last_part(file), function);
        let seen = functions.entry(key).or_default();
        seen.in_first |= first.is_some();
        seen.in_last |= last.is_some();
        for run in [first, last].into_iter().flatten() {
            seen.sizes.extend(run.sizes.iter().copied());
            seen.left_some |= run.figures.blocks > 0;
        }
    }
    let mut by_sizes: BTreeMap<_, [Vec<&str>; 2]> = BTreeMap::new();
    for ((module, file, function), seen) in &functions {
        if seen.in_first != seen.in_last && !seen.sizes.is_empty() && seen.left_some {
            let alike = by_sizes.entry((module, file, &seen.sizes)).or_default();
            alike[usize::from(seen.in_last)].push(function);
        }
    }
    let pairs = by_sizes
        .into_values()
        .filter_map(|[gone, new]| match (&gone[..], &new[..]) {
            ([gone], [new]) => Some((gone.to_string(), new.to_string())),
            _ => None,
        });
    pairs.collect()
}

fn unsure(sites: &[Site]) -> Option<ComparisonWarning> {
    let has_blocks = |site: &Site| {
        let mut runs = site.at.runs.iter().flatten();
        runs.any(|run| run.figures.blocks > 0)
    };
    let is_unsure = |site: &&Site| {
        let is_unsure = site.at.matched_by == Some(MatchedBy::UnsureAddress);
        is_unsure && site.hidden.is_none() && has_blocks(site)
    };
    let unsure: Vec<&Site> = sites.iter().filter(is_unsure).collect();
    let modules: BTreeSet<&str> = unsure.iter().map(|site| module_name(site)).collect();
    (!unsure.is_empty()).then(|| ComparisonWarning::UnsureAddresses {
        sites: unsure.len(),
        modules: modules.into_iter().map(str::to_owned).collect(),
    })
}
