//! What is live at the end of a run, counted in one go.

use super::block::{Block, CallerId, Tally};
use super::key_counts::KeyCounts;
use super::live_sizes::LiveSizes;
use super::survivors::Survivors;

/// Live blocks by what is asked of them: the size, and when they were born.
///
/// There can be millions of blocks, of some hundred kinds. To sort them would take as long as reading half of the log, so
/// they are counted a part of all addresses at a time, and only the counts are sorted.
#[derive(Debug, Default)]
pub(crate) struct LiveCounts {
    sizes: SizeCounts,
    births: Survivors,
}

/// By caller and size, any number of times.
pub(super) type SizeCounts = Vec<((CallerId, u64), u32)>;

impl LiveCounts {
    pub(crate) fn of(blocks: impl Iterator<Item = Block>) -> Self {
        let (mut sizes, mut births) = (KeyCounts::default(), KeyCounts::default());
        for block in blocks {
            sizes.note((block.caller, block.size));
            births.note(Survivors::key(block));
        }
        LiveCounts {
            sizes: sizes.finish(),
            births: Survivors::of(births),
        }
    }

    /// Adds those of another part of all addresses.
    pub(crate) fn absorb(&mut self, other: LiveCounts) {
        self.sizes.extend(other.sizes);
        self.births.absorb(other.births);
    }

    /// How many blocks and bytes are live of each of so many callers, by [`CallerId`].
    pub(crate) fn live(&self, callers: usize) -> Vec<Tally> {
        let mut live = vec![Tally::default(); callers];
        for &((caller, size), blocks) in &self.sizes {
            if let Some(live) = live.get_mut(caller.0 as usize) {
                let blocks = u64::from(blocks);
                let bytes = size.saturating_mul(blocks);
                live.add(Tally { blocks, bytes });
            }
        }
        live
    }

    /// Takes out when they were born.
    pub(crate) fn take_births(&mut self) -> Survivors {
        std::mem::take(&mut self.births)
    }

    /// The sizes of each caller's blocks, by [`CallerId`].
    pub(crate) fn into_sizes(self, callers: usize) -> Vec<LiveSizes> {
        LiveSizes::of_counts(self.sizes, callers)
    }
}
