//! Rows whose memory came through one wrapper of the program: what its own lines leak is spread over all its callers.
//!
//! A row answers for what it takes through a wrapper. A wrapper that keeps something itself, such as a node for each
//! block that it hands out, then leaks a little in each of its callers. So the gate also judges all callers of a
//! wrapper as one, as it would with a log of glibc, which names the wrapper alone. Wrappers of well-known libraries are
//! left out, unless the program has their source or they lie in another library; so are those that `--wrapper` names: their users say that they keep
//! nothing.

use std::collections::BTreeMap;

use super::column::Column;
use super::judged::Site;
use super::together::{Likeness, Together};
use crate::run::{PassedBy, Text, is_library_wrapper};

/// Sites among ranked ones that share a wrapper; hidden ones are left out.
pub(crate) fn wrapped(sites: &[Site], columns: &[Column]) -> Vec<Together> {
    let mut callers: BTreeMap<Text, Vec<usize>> = BTreeMap::new();
    let shown = sites.iter().enumerate();
    for (index, site) in shown.filter(|(_, site)| site.hidden.is_none()) {
        for via in site.at.via() {
            let is_judged = match via.by {
                PassedBy::Learned | PassedBy::KnownOwn | PassedBy::HeaderOwn => true,
                PassedBy::Known => !is_library_wrapper(&via.function),
                PassedBy::Given | PassedBy::Runtime | PassedBy::Header => false,
            };
            if !is_judged {
                continue;
            }
            let known = callers.entry(via.function).or_default();
            if known.last() != Some(&index) {
                known.push(index);
            }
        }
    }
    let several = callers.into_iter().filter(|(_, at)| at.len() > 1);
    several
        .map(|(function, at)| Together::of(Likeness::Wrapper(function), at, sites, columns))
        .collect()
}
