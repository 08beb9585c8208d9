//! How many live blocks a caller has of each size: what tells apart leaks that come through one wrapper.

use super::block::Tally;
use super::live_counts::SizeCounts;

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
    pub(super) fn of_counts(mut counts: SizeCounts, callers: usize) -> Vec<LiveSizes> {
        counts.sort_unstable_by_key(|(key, _)| *key);
        let mut sizes = vec![LiveSizes::default(); callers];
        for of_caller in counts.chunk_by(|a, b| a.0.0 == b.0.0) {
            let same = of_caller.chunk_by(|a, b| a.0 == b.0);
            let summed = same.map(|same| {
                let blocks = same.iter().map(|(_, blocks)| u64::from(*blocks)).sum();
                (same[0].0.1, blocks)
            });
            if let Some(sizes) = sizes.get_mut(of_caller[0].0.0.0 as usize) {
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

#[cfg(test)]
mod tests {
    use super::super::block::{Block, CallerId};
    use super::super::live_counts::LiveCounts;
    use super::*;

    #[test]
    fn sizes_are_counted_a_caller() {
        let block = |caller, size| Block {
            caller: CallerId(caller),
            size,
            born: 0,
        };
        let live = [block(2, 8), block(0, 16), block(2, 4), block(2, 8)];
        let counts = LiveCounts::of(live.into_iter());
        let tallies = counts.live(3);
        let sizes = counts.into_sizes(3);
        for (sizes, tally) in sizes.iter().zip(tallies) {
            assert_eq!(sizes.sum(), tally);
        }
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
