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
        let live = live.into_iter();
        let mut live: Vec<(CallerId, u64)> = live.map(|block| (block.caller, block.size)).collect();
        live.sort_unstable();
        let mut sizes = vec![LiveSizes::default(); callers];
        for of_caller in live.chunk_by(|a, b| a.0 == b.0) {
            let same = of_caller.chunk_by(|a, b| a.1 == b.1);
            let counted = same.map(|same| (same[0].1, same.len() as u64));
            if let Some(sizes) = sizes.get_mut(of_caller[0].0.0 as usize) {
                *sizes = LiveSizes(counted.collect());
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
