//! In one build of a module, an address or a line is the same place in every run.

use hashbrown::HashMap;

use super::MatchedBy;
use super::matching::Matching;
use crate::diff::module_key::ModuleKey;
use crate::diff::site::SiteKey;
use crate::run::{Build, LinkAddress};

/// One file can be loaded from two paths: what it allocates in one is not what it allocates in the other.
type BuiltModule<'a> = (Option<&'a ModuleKey>, &'a Build);

pub(super) fn pair(matching: &mut Matching<'_>) {
    let mut known: HashMap<(BuiltModule<'_>, LinkAddress), usize> = HashMap::new();
    let mut lines: HashMap<(BuiltModule<'_>, &SiteKey), usize> = HashMap::new();
    for (index, site) in matching.old.iter().enumerate() {
        let Some(build) = &site.build else { continue };
        let module = (site.module.as_ref(), build);
        let addresses = site.places.addresses();
        known.extend(addresses.map(|address| ((module, address), index)));
        if matches!(site.key, SiteKey::Line { .. }) {
            lines.insert((module, &site.key), index);
        }
    }
    for (index, site) in matching.new.iter().enumerate() {
        let Some(build) = &site.build else { continue };
        let module = (site.module.as_ref(), build);
        // Equal files without a build id are one build too, but there the line is what was found.
        let by = match build {
            Build::Content { .. } if site.has_line() => MatchedBy::Line,
            _ => MatchedBy::Address,
        };
        // A line goes before an address: it can have several, and two lines may share one in no build.
        let line = lines.get(&(module, &site.key));
        let addresses = site.places.addresses();
        let found = addresses.filter_map(|address| known.get(&(module, address)));
        for old in line.into_iter().chain(found) {
            matching.pair(*old, index, by);
        }
    }
}
