//! The same address, where that is all there is, and nothing says that the build is the same.

use super::MatchedBy;
use super::candidate::Candidate;
use super::matching::Matching;
use crate::diff::module_key::ModuleKey;
use crate::diff::site::CodePlace;

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct FirstPlace<'a> {
    module: Option<&'a ModuleKey>,
    place: Option<CodePlace>,
}

pub(super) fn pair(matching: &mut Matching<'_>) {
    for group in matching.groups(key, key) {
        let ([old], [new]) = (group.old.as_slice(), group.new.as_slice()) else {
            continue;
        };
        let (a, b) = (&matching.old[*old], &matching.new[*new]);
        let in_one_build = a.is_of_same_build(b) && a.has_address();
        let can_be_one = match (a.chain.is_empty(), b.chain.is_empty()) {
            (true, true) => true,
            // A name in one run alone: the file is missing in the other.
            (false, false) => false,
            _ => !a.is_of_other_build(b),
        };
        if can_be_one && !in_one_build {
            matching.pair(*old, *new, MatchedBy::UnsureAddress);
        }
    }
}

fn key(site: &Candidate) -> Option<FirstPlace<'_>> {
    Some(FirstPlace {
        module: site.module.as_ref(),
        place: site.places.first().copied(),
    })
}
