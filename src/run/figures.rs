//! What a call site comes to in a run.

use serde::{Deserialize, Serialize};

use crate::trace::Tally;

/// Figures of a call site, or of several together. What a source does not tell is `None`, never 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// Live at the end, or at the moment that the run was looked at.
    pub blocks: u64,
    /// Of those blocks, as the program asked for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Blocks that were allocated, live or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allocations: Option<u64>,
}

impl Figures {
    /// Of nothing at all: the sum to begin with.
    pub const ZERO: Figures = Figures {
        blocks: 0,
        bytes: Some(0),
        allocations: Some(0),
    };

    pub(crate) fn of_log(allocations: u64, live: Tally) -> Self {
        Figures {
            blocks: live.blocks,
            bytes: Some(live.bytes),
            allocations: Some(allocations),
        }
    }

    /// What is unknown of a part is unknown of the sum.
    pub(crate) fn add(&mut self, other: Figures) {
        self.blocks = self.blocks.saturating_add(other.blocks);
        self.bytes = sum(self.bytes, other.bytes);
        self.allocations = sum(self.allocations, other.allocations);
    }

    /// The lesser of each figure.
    pub(crate) fn least(self, other: Figures) -> Figures {
        let lesser = |a: Option<u64>, b: Option<u64>| Some(a?.min(b?));
        Figures {
            blocks: self.blocks.min(other.blocks),
            bytes: lesser(self.bytes, other.bytes),
            allocations: lesser(self.allocations, other.allocations),
        }
    }

    /// Whether anything was allocated, as far as can be told: a caller that only freed is no call site.
    pub fn allocated(&self) -> bool {
        self.allocations.unwrap_or(self.blocks) > 0
    }

    /// Blocks that were allocated and freed again, by whomever.
    pub fn frees(&self) -> Option<u64> {
        Some(self.allocations?.saturating_sub(self.blocks))
    }

    /// Bytes of a block on average, where there are blocks and their bytes are known.
    pub fn mean_size(&self) -> Option<f64> {
        (self.blocks > 0).then_some(self.bytes? as f64 / self.blocks as f64)
    }
}

fn sum(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    Some(a?.saturating_add(b?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unknown_stays_unknown() {
        let live = Tally {
            blocks: 2,
            bytes: 64,
        };
        let mut sum = Figures::ZERO;
        sum.add(Figures::of_log(5, live));
        assert_eq!((sum.blocks, sum.bytes, sum.frees()), (2, Some(64), Some(3)));
        sum.add(Figures {
            blocks: 3,
            bytes: None,
            allocations: None,
        });
        assert_eq!((sum.blocks, sum.bytes, sum.frees()), (5, None, None));
        assert!(sum.allocated());
        assert_eq!(sum.mean_size(), None);
    }
}
