//! The same function, where a line is known in one of the runs at most.

use super::MatchedBy;
use super::candidate::Candidate;
use super::function::by_offset;
use super::matching::Matching;

pub(super) fn pair(matching: &mut Matching<'_>) {
    for mut group in matching.groups(key, key) {
        let all_new = group.new.iter().all(|new| matching.new[*new].has_line());
        match all_new {
            true => group.old.retain(|old| !matching.old[*old].has_line()),
            false => group.new.retain(|new| !matching.new[*new].has_line()),
        }
        for pair in by_offset(matching, &group) {
            matching.pair_found(pair, MatchedBy::FunctionOrder);
        }
    }
}

fn key(site: &Candidate) -> Option<(&crate::diff::module_key::ModuleKey, &str)> {
    Some((site.module.as_ref()?, site.outermost_function()?))
}
