//! By how much what is live changes.

use super::block::{Block, CallerId, Tally};

/// By how much live blocks and bytes change. Bytes wrap around: a log can hold any sizes, and what was
/// added is taken away again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Delta {
    pub blocks: i64,
    pub bytes: u64,
}

impl Delta {
    pub(crate) fn begins(block: Block) -> Self {
        Delta {
            blocks: 1,
            bytes: block.size,
        }
    }

    pub(crate) fn ends(block: Block) -> Self {
        Delta::begins(block).negated()
    }

    /// From what was live to what is.
    pub(crate) fn between(before: Tally, after: Tally) -> Self {
        Delta {
            blocks: (after.blocks as i64).wrapping_sub(before.blocks as i64),
            bytes: after.bytes.wrapping_sub(before.bytes),
        }
    }

    pub(crate) fn negated(self) -> Self {
        Delta {
            blocks: self.blocks.wrapping_neg(),
            bytes: self.bytes.wrapping_neg(),
        }
    }

    #[inline]
    pub(crate) fn add(&mut self, other: Delta) {
        self.blocks = self.blocks.wrapping_add(other.blocks);
        self.bytes = self.bytes.wrapping_add(other.bytes);
    }
}

/// At most so many stretches make up a run; at least half as many, if it has so many lines.
pub(super) const STRETCHES: u64 = 256;

/// What a caller comes to in one stretch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CallerDelta {
    pub caller: CallerId,
    pub stretch: u32,
    pub delta: Delta,
}

impl CallerDelta {
    pub(super) fn when(&self) -> (CallerId, u32) {
        (self.caller, self.stretch)
    }
}
