//! A run against itself, or against its own saved report: so it is unchanged, whatever it lacks.

use hashbrown::HashMap;

use super::MatchedBy;
use super::candidate::Candidate;
use super::matching::Matching;
use crate::diff::site::SiteKey;

/// Pairs equal sites only if all are: where a single one differs the runs are two, and what stands at a
/// site's place with its sizes may be another.
pub(super) fn pair(matching: &mut Matching<'_>) {
    if matching.old.len() != matching.new.len() {
        return;
    }
    let old = matching.old.iter().enumerate();
    let known: HashMap<&SiteKey, usize> = old.map(|(index, site)| (&site.key, index)).collect();
    let new = matching.new.iter();
    let same = new.map(|site| {
        let old = known.get(&site.key).copied();
        old.filter(|old| is_equal(&matching.old[*old], site))
    });
    let Some(same) = same.collect::<Option<Vec<usize>>>() else {
        return;
    };
    for (new, old) in same.into_iter().enumerate() {
        matching.pair(old, new, by(&matching.new[new]));
    }
}

/// An old tool's result knows less of sizes than the log that it was made of.
fn is_equal(old: &Candidate, new: &Candidate) -> bool {
    let with_its_sizes = || Candidate {
        sizes: new.sizes.clone(),
        ..old.clone()
    };
    old == new || (!old.sizes.is_other(&new.sizes) && with_its_sizes() == *new)
}

/// The tier that would have found it, had it come so far.
fn by(site: &Candidate) -> MatchedBy {
    match &site.build {
        Some(crate::run::Build::Id(_)) if site.has_address() => MatchedBy::Address,
        _ if site.has_line() => MatchedBy::Line,
        Some(_) if site.has_address() => MatchedBy::Address,
        _ if !site.chain.is_empty() => MatchedBy::FunctionOrder,
        _ => MatchedBy::UnsureAddress,
    }
}
