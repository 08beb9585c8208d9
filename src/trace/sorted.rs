//! Changes of many callers that come in any order, and are kept in few bytes.

use super::delta::CallerDelta;
use super::packed::{Packed, Packer};

/// Changes in order of callers and of stretches, each once, when all have come.
#[derive(Debug, Default)]
pub(super) struct Sorted {
    changes: Packed,
    /// In any order, and some of them more than once.
    new: Vec<CallerDelta>,
}

/// So many new changes are sorted in at a time, at least, and in parts of all that are there.
const NEW_AT_ONCE: usize = 1 << 16;
const NEW_IN_PARTS: usize = 8;

impl From<Packed> for Sorted {
    fn from(changes: Packed) -> Self {
        Sorted {
            changes,
            new: Vec::new(),
        }
    }
}

impl Sorted {
    pub(super) fn extend(&mut self, changes: impl Iterator<Item = CallerDelta>) {
        self.new.extend(changes);
        if self.new.len() > self.worth_sorting_in(NEW_AT_ONCE) {
            self.sort_in();
        }
    }

    /// With more new changes than this, it pays to go through all that are there.
    pub(super) fn worth_sorting_in(&self, at_least: usize) -> usize {
        at_least.max(self.changes.len() / NEW_IN_PARTS)
    }

    fn sort_in(&mut self) {
        let mut new = std::mem::take(&mut self.new);
        new.sort_unstable_by_key(CallerDelta::when);
        self.merge(new.into_iter());
    }

    /// Adds changes that are in order.
    pub(super) fn merge(&mut self, new: impl Iterator<Item = CallerDelta>) {
        let mut new = new.peekable();
        let mut packer = Packer::default();
        for change in self.changes.iter() {
            while let Some(before) = new.next_if(|new| new.when() < change.when()) {
                packer.push(before);
            }
            packer.push(change);
        }
        new.for_each(|change| packer.push(change));
        self.changes = packer.finish();
    }

    /// Of stretches that are 2^`by` times as long.
    pub(super) fn coarsen(&mut self, by: u32) {
        let coarser = |change: CallerDelta| CallerDelta {
            stretch: change.stretch >> by,
            ..change
        };
        let mut packer = Packer::default();
        self.changes
            .iter()
            .for_each(|change| packer.push(coarser(change)));
        self.changes = packer.finish();
        self.new
            .iter_mut()
            .for_each(|change| *change = coarser(*change));
    }

    /// No change comes any more.
    pub(super) fn finish(&mut self) {
        self.sort_in();
        self.changes.shrink_to_fit();
    }

    /// All of them, when it is finished.
    pub(super) fn iter(&self) -> impl Iterator<Item = CallerDelta> + '_ {
        self.changes.iter()
    }
}
