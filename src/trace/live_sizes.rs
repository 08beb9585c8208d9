//! How many live blocks a caller has of each size: what tells apart leaks that come through one wrapper.

use super::block::{Block, CallerId, Tally};

/// Live blocks by their size, in bytes, ascending.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LiveSizes(Box<[(u64, u64)]>);

impl LiveSizes {
    /// Of sizes in any order, each with its blocks.
    pub fn of(sizes: impl IntoIterator<Item = (u64, u64)>) -> Self {
        let mut sizes: Vec<(u64, u64)> = sizes
            .into_iter()
            .filter(|(_, blocks)| *blocks > 0)
            .collect();
        sizes.sort_unstable();
        sizes.dedup_by(|later, earlier| {
            let is_one = later.0 == earlier.0;
            if is_one {
                earlier.1 = earlier.1.saturating_add(later.1);
            }
            is_one
        });
        LiveSizes(sizes.into())
    }

    /// Of so many callers, by [`CallerId`].
    pub fn of_callers(live: impl IntoIterator<Item = Block>, callers: usize) -> Vec<LiveSizes> {
        LiveSizes::of_counted(counted(live), callers)
    }

    /// The same, of blocks that were counted a part of all addresses at a time.
    pub(super) fn of_counted(mut all: Vec<CountedBlocks>, callers: usize) -> Vec<LiveSizes> {
        all.sort_unstable_by_key(CountedBlocks::key);
        let mut sizes = vec![LiveSizes::default(); callers];
        for of_caller in all.chunk_by(|a, b| a.caller == b.caller) {
            let same = of_caller.chunk_by(|a, b| a.size == b.size);
            let summed = same.map(|same| {
                let blocks = same.iter().map(|counted| u64::from(counted.blocks)).sum();
                (same[0].size, blocks)
            });
            if let Some(sizes) = sizes.get_mut(of_caller[0].caller.0 as usize) {
                *sizes = LiveSizes(summed.collect());
            }
        }
        sizes
    }

    /// Sizes, each with its blocks.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (u64, u64)> + '_ {
        self.0.iter().copied()
    }

    pub fn add(&mut self, other: &LiveSizes) {
        *self = LiveSizes::of(self.iter().chain(other.iter()));
    }

    /// Of all sizes together.
    pub fn sum(&self) -> Tally {
        self.iter().fold(Tally::default(), |sum, (size, blocks)| {
            let bytes = size.saturating_mul(blocks);
            Tally {
                blocks: sum.blocks.saturating_add(blocks),
                bytes: sum.bytes.saturating_add(bytes),
            }
        })
    }
}

/// Live blocks of one caller and size.
#[derive(Debug, Clone, Copy)]
pub(super) struct CountedBlocks {
    caller: CallerId,
    blocks: u32,
    size: u64,
}

impl CountedBlocks {
    fn key(&self) -> (CallerId, u64) {
        (self.caller, self.size)
    }
}

/// Counts blocks. Those of a part of all addresses stay in the cache of a core while they are sorted, and callers have few sizes:
/// all blocks at once would take as long as reading half of the log.
pub(super) fn counted(live: impl IntoIterator<Item = Block>) -> Vec<CountedBlocks> {
    let one = |block: Block| CountedBlocks {
        caller: block.caller,
        blocks: 1,
        size: block.size,
    };
    let mut all: Vec<CountedBlocks> = live.into_iter().map(one).collect();
    all.sort_unstable_by_key(CountedBlocks::key);
    all.dedup_by(|next, sum| {
        let is_one = next.key() == sum.key() && sum.blocks.checked_add(next.blocks).is_some();
        sum.blocks += if is_one { next.blocks } else { 0 };
        is_one
    });
    all.shrink_to_fit();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_counted_a_caller() {
        let block = |caller, size| Block {
            caller: CallerId(caller),
            size,
            born: 0,
        };
        let live = [block(2, 8), block(0, 16), block(2, 4), block(2, 8)];
        let sizes = LiveSizes::of_callers(live, 3);
        let of = |caller: usize| sizes[caller].iter().collect::<Vec<_>>();
        assert_eq!(of(0), [(16, 1)]);
        assert_eq!(of(1), []);
        assert_eq!(of(2), [(4, 1), (8, 2)]);
        let sum = sizes[2].sum();
        assert_eq!((sum.blocks, sum.bytes), (3, 20));
        let mut sum = sizes[0].clone();
        sum.add(&sizes[2]);
        sum.add(&sizes[2]);
        assert_eq!(sum, LiveSizes::of([(16, 1), (8, 4), (4, 2), (5, 0)]));
    }
}
