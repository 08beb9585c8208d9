//! Growth where a run does not know the bytes of its blocks.

use super::growth::{Change, Growth};
use super::site::Site;
use crate::trace::Tally;

/// Judges sites by blocks alone: what is unknown in one run would look like growth from zero.
pub fn ignore_bytes(sites: &mut [Site]) {
    let blocks = |tally: Tally| Tally { bytes: 0, ..tally };
    for site in sites {
        site.growth = Growth {
            bytes: 0,
            ..site.growth
        };
        if site.runs.len() > 1 {
            site.change = Change::between(blocks(site.first()), blocks(site.last()));
        }
    }
}
