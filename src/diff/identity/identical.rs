//! Sites that are the same in all that is known of them: so a run is matched with itself, whatever it lacks.

use hashbrown::HashMap;

use super::MatchedBy;
use super::candidate::Candidate;
use super::matching::Matching;
use crate::diff::site::SiteKey;

pub fn pair(matching: &mut Matching<'_>) {
    let old = matching.old.iter().enumerate();
    let known: HashMap<&SiteKey, usize> = old.map(|(index, site)| (&site.key, index)).collect();
    for (index, site) in matching.new.iter().enumerate() {
        let same = known.get(&site.key).copied();
        if let Some(old) = same.filter(|old| matching.old[*old] == *site) {
            matching.pair(old, index, by(site));
        }
    }
}

/// The tier that would have found it, had it come so far.
fn by(site: &Candidate) -> MatchedBy {
    match &site.build {
        Some(crate::run::Build::Id(_)) if !site.addresses.is_empty() => MatchedBy::Address,
        _ if site.has_line() => MatchedBy::Line,
        Some(_) if !site.addresses.is_empty() => MatchedBy::Address,
        _ if !site.chain.is_empty() => MatchedBy::FunctionOrder,
        _ => MatchedBy::UnsureAddress,
    }
}
