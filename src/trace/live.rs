//! The blocks that are live while a log is replayed.

use std::collections::VecDeque;

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;

/// Index of a caller within one log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallerId(pub u32);

/// One allocation that has not been freed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    pub caller: CallerId,
    /// In bytes, as asked for.
    pub size: u64,
}

/// What it means that a block is allocated at an address that is still live.
///
/// Which of the two holds depends on the glibc that wrote the log, and that is known for sure only
/// when the whole log has been read. So both are kept for the few addresses where they differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reuse {
    /// glibc 2.34 and newer: `free` releases a block first and logs it later, so another thread's
    /// `+` can overtake the `-`. The address holds a queue, and `-` takes the oldest.
    FreeLoggedLate,
    /// Up to glibc 2.33: the hooks are off during each call, so another thread's `free` in that
    /// moment is not logged at all. The block that stood there is gone.
    FreeLost,
}

/// What could not be taken literally, under one meaning of [`Reuse`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReuseCounts {
    /// Frees of an address that held no block.
    pub unknown_frees: u64,
    /// Allocations at an address that held one.
    pub live_address_reused: u64,
}

/// Live blocks by address.
#[derive(Debug, Default)]
pub struct LiveBlocks {
    blocks: HashMap<u64, Block>,
    /// Addresses on which the two meanings differ; such an address is not in `blocks`.
    disputed: HashMap<u64, Disputed>,
    late: ReuseCounts,
    lost: ReuseCounts,
}

#[derive(Debug, Default)]
struct Disputed {
    /// Under [`Reuse::FreeLoggedLate`]: oldest first.
    queue: VecDeque<Block>,
    /// Under [`Reuse::FreeLost`].
    latest: Option<Block>,
}

/// Whether a free met a block; the two meanings can disagree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Met {
    pub late: bool,
    pub lost: bool,
}

impl LiveBlocks {
    /// Notes a block at `address`.
    pub fn allocate(&mut self, address: u64, block: Block) {
        if !self.disputed.is_empty()
            && let Some(disputed) = self.disputed.get_mut(&address)
        {
            self.late.live_address_reused += u64::from(!disputed.queue.is_empty());
            self.lost.live_address_reused += u64::from(disputed.latest.is_some());
            disputed.queue.push_back(block);
            disputed.latest = Some(block);
            self.settle(address);
            return;
        }
        match self.blocks.entry(address) {
            Entry::Vacant(entry) => {
                entry.insert(block);
            }
            Entry::Occupied(entry) => {
                let old = entry.remove();
                self.late.live_address_reused += 1;
                self.lost.live_address_reused += 1;
                self.disputed.insert(
                    address,
                    Disputed {
                        queue: VecDeque::from([old, block]),
                        latest: Some(block),
                    },
                );
            }
        }
    }

    /// Takes the block at `address` away, and says whether there was one.
    pub fn free(&mut self, address: u64) -> Met {
        let met = if !self.disputed.is_empty()
            && let Some(disputed) = self.disputed.get_mut(&address)
        {
            let met = Met {
                late: disputed.queue.pop_front().is_some(),
                lost: disputed.latest.take().is_some(),
            };
            self.settle(address);
            met
        } else {
            let was_live = self.blocks.remove(&address).is_some();
            Met {
                late: was_live,
                lost: was_live,
            }
        };
        self.late.unknown_frees += u64::from(!met.late);
        self.lost.unknown_frees += u64::from(!met.lost);
        met
    }

    /// Drops the record of a dispute that has resolved itself.
    fn settle(&mut self, address: u64) {
        let Entry::Occupied(entry) = self.disputed.entry(address) else {
            return;
        };
        let Disputed { queue, latest } = entry.get();
        // The back of the queue is always the block allocated last, which is what `latest` is.
        let agreed = match (queue.len(), latest) {
            (0, None) => None,
            (1, Some(block)) => Some(*block),
            _ => return,
        };
        entry.remove();
        if let Some(block) = agreed {
            self.blocks.insert(address, block);
        }
    }

    pub fn counts(&self, reuse: Reuse) -> ReuseCounts {
        match reuse {
            Reuse::FreeLoggedLate => self.late,
            Reuse::FreeLost => self.lost,
        }
    }

    /// What is live now: at most one block an address, the newest, in no particular order.
    pub fn iter(&self, reuse: Reuse) -> impl Iterator<Item = (u64, Block)> + '_ {
        let disputed = self.disputed.iter().filter_map(move |(&address, d)| {
            let block = match reuse {
                Reuse::FreeLoggedLate => d.queue.back().copied(),
                Reuse::FreeLost => d.latest,
            };
            Some((address, block?))
        });
        self.blocks.iter().map(|(&a, &b)| (a, b)).chain(disputed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Reuse::{FreeLoggedLate, FreeLost};

    fn block(size: u64) -> Block {
        Block {
            caller: CallerId(0),
            size,
        }
    }

    fn sizes(live: &LiveBlocks, reuse: Reuse) -> Vec<u64> {
        let mut sizes: Vec<u64> = live.iter(reuse).map(|(_, b)| b.size).collect();
        sizes.sort_unstable();
        sizes
    }

    #[test]
    fn an_overtaken_free_takes_the_oldest_block() {
        let mut live = LiveBlocks::default();
        live.allocate(0x10, block(1));
        live.allocate(0x10, block(2)); // overtook the free of block 1
        live.free(0x10);
        assert_eq!(sizes(&live, FreeLoggedLate), [2]);
        // The same three lines of an old glibc: the free of block 1 is lost, block 2 is freed.
        assert!(sizes(&live, FreeLost).is_empty());
        assert_eq!(
            live.counts(FreeLoggedLate),
            ReuseCounts {
                unknown_frees: 0,
                live_address_reused: 1
            }
        );
    }

    #[test]
    fn three_allocations_and_two_frees_of_one_address_leave_one() {
        // mtrace(1) says "No memory leaks." here.
        let mut live = LiveBlocks::default();
        for size in [1, 2, 3] {
            live.allocate(0x10, block(size));
        }
        live.free(0x10);
        live.free(0x10);
        assert_eq!(sizes(&live, FreeLoggedLate), [3]);
    }

    #[test]
    fn an_address_holds_at_most_its_newest_block() {
        let mut live = LiveBlocks::default();
        live.allocate(0x10, block(1));
        live.allocate(0x10, block(2));
        assert_eq!(sizes(&live, FreeLoggedLate), [2]);
        assert_eq!(sizes(&live, FreeLost), [2]);
    }

    #[test]
    fn disputes_that_resolve_leave_nothing_behind() {
        let mut live = LiveBlocks::default();
        live.allocate(0x10, block(1));
        live.allocate(0x10, block(2));
        live.free(0x10);
        live.free(0x10);
        assert!(live.disputed.is_empty() && live.blocks.is_empty());
        assert_eq!(live.counts(FreeLost).unknown_frees, 1);
        assert_eq!(live.counts(FreeLoggedLate).unknown_frees, 0);
    }
}
