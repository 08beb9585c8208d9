//! The growth of a row by the size of its blocks, which tells apart leaks that come through one wrapper.

use std::cmp::Reverse;

use super::site::JoinedSite;
use crate::trace::LiveSizes;

/// Blocks of one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OfSize {
    /// In bytes.
    pub size: u64,
    /// Blocks of the first run; 0 where there is one run alone.
    pub first: u64,
    /// Blocks of the last run.
    pub last: u64,
}

impl OfSize {
    pub(crate) fn growth(self) -> i64 {
        let growth = i128::from(self.last) - i128::from(self.first);
        growth.clamp(i64::MIN.into(), i64::MAX.into()) as i64
    }
}

/// Live blocks of a row's run by size; `None` where they are not known one by one, or nobody looked at them.
pub(super) fn live_sizes(site: &JoinedSite, index: usize) -> Option<LiveSizes> {
    let Some(of_run) = &site.runs[index] else {
        return Some(LiveSizes::default());
    };
    of_run.beyond.as_ref()?.live_sizes.clone()
}

/// The sizes of a row, those that grew most first; `None` where one of the runs that are compared does not know them.
pub(crate) fn by_size(site: &JoinedSite) -> Option<Vec<OfSize>> {
    let last = live_sizes(site, site.runs.len().checked_sub(1)?)?;
    let first = match site.runs.len() {
        2.. => live_sizes(site, 0)?,
        _ => LiveSizes::default(),
    };
    let of_size = |size, first, last| OfSize { size, first, last };
    let before = first.iter().map(|(size, blocks)| of_size(size, blocks, 0));
    let after = last.iter().map(|(size, blocks)| of_size(size, 0, blocks));
    let mut all: Vec<OfSize> = before.chain(after).collect();
    all.sort_unstable_by_key(|of| of.size);
    let same = all.chunk_by(|a, b| a.size == b.size);
    let sum = same.map(|same| OfSize {
        size: same[0].size,
        first: same.iter().map(|of| of.first).sum(),
        last: same.iter().map(|of| of.last).sum(),
    });
    let mut sizes: Vec<OfSize> = sum.collect();
    sizes.sort_by_key(|of| (Reverse(of.growth()), Reverse(of.last), of.size));
    Some(sizes)
}
