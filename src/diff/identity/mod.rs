//! Which call site of one run is which of the next, whatever was built or moved between them.
//!
//! Tier after tier, a file each, from what proves most to what proves least. A tier is handed only what
//! those before it left, so each site is matched once.

mod asked_for;
mod bare;
mod candidate;
mod changed;
mod function;
mod identical;
mod inlined;
mod known;
mod lines;
mod matching;
mod modules;
mod order;
mod pair;
mod renamed;
mod rewritten;
mod same_build;
mod sources;
#[cfg(test)]
mod tests;

pub(super) use asked_for::AskedFor;
pub(super) use candidate::{Candidate, ChainFunction, Outermost};
pub(super) use known::Known;
use matching::Matching;
pub(super) use modules::ModulePair;
pub(super) use pair::Match;
pub(super) use sources::{RenamedFile, files_of};

pub(super) use super::matched_by::MatchedBy;

use std::borrow::Cow;

/// What matching a run against the earlier ones gave.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Matches {
    /// For each new site the old one that it is, and how that is known.
    pub sites: Vec<Option<Match>>,
    /// Files that have another path in the new run.
    pub files: Vec<RenamedFile>,
    /// Modules that have another name in the new run.
    pub modules: Vec<ModulePair>,
}

/// Matches the sites of a run with those found so far.
pub(super) fn match_sites(old: Known<'_>, new: Known<'_>) -> Matches {
    let modules = modules::pair_modules(old, new);
    // From here on, a module is called what the earlier runs call it.
    let sites = modules::called_as_before(new.sites, &modules);
    let named = Known {
        sites: &sites,
        ..new
    };
    let functions = changed::pair_functions(old, named, &modules);
    let (sites, changed) = functions.called_as_before(Cow::Borrowed(&sites));
    let new = Known {
        sites: &sites,
        ..new
    };
    let mut matching = Matching::new(old, new);
    identical::pair(&mut matching);
    same_build::pair(&mut matching);
    lines::pair(&mut matching);
    inlined::pair(&mut matching);
    renamed::pair(&mut matching);
    if renamed::learn_files(&mut matching) {
        inlined::pair(&mut matching);
    }
    rewritten::pair(&mut matching);
    order::pair(&mut matching);
    bare::pair(&mut matching);
    matching.doubt(&modules);
    let is_other = |file: &RenamedFile| file.old != file.new;
    let files = matching.files.all().filter(is_other).collect();
    let mut found = matching.into_sites();
    for new in changed {
        if let Some(found) = &mut found[new] {
            found.by = found.by.max(MatchedBy::ChangedFunction);
        }
    }
    Matches {
        sites: found,
        files,
        modules,
    }
}
