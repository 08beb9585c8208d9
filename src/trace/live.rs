//! The blocks that are live while a log is replayed.

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;

use super::block::Block;
use super::directory::SHARD_BITS;
use super::reuse::{Freed, Met, Reuse, ReuseCounts};
use super::table::{AddressTable, Held, Place};

/// Into so many parts the live blocks of a log fall. It is the same however many threads there are,
/// so that what is forgotten, and with it every figure, does not depend on them.
pub const SHARDS: usize = 16;

/// Live blocks by address, and the addresses of blocks that were freed last.
///
/// Freed addresses tell a double free from a free of a block that is older than the log. They take so little
/// that a program has to free all over hundreds of MB before they are forgotten; memory stays in proportion to
/// what is live: at most 64 bytes for a live block, beside a fixed part.
#[derive(Debug, Default)]
pub struct LiveBlocks {
    slots: AddressTable,
    /// Addresses on which the two meanings differ; what `slots` has of such an address says nothing.
    disputed: HashMap<u64, Disputed>,
    late: ReuseCounts,
    lost: ReuseCounts,
    /// Addresses that hold two blocks or more now, if frees are only logged late, and the most that did at one time.
    doubled: u64,
    most_doubled: u64,
}

/// A queue of which only the newest block and the length ever matter: what stands before the newest
/// is freed first, and at the end of the log only the newest can be live.
#[derive(Debug)]
struct Disputed {
    newest: Block,
    /// Under [`Reuse::FreeLoggedLate`]: how many blocks the queue holds.
    queued: u64,
    /// Under [`Reuse::FreeLost`]: whether the newest is live.
    is_live: bool,
}

impl Disputed {
    /// The newest block, under the meanings under which it ends.
    fn newest_if(&self, late: bool, lost: bool) -> Ended {
        match (late, lost) {
            (false, false) => Ended::Nothing,
            (true, true) => Ended::Block(self.newest),
            (true, false) => Ended::IfLate(self.newest),
            (false, true) => Ended::IfLost(self.newest),
        }
    }
}

/// The block that no longer counts at an address, of those that at most one does at a time: the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// None.
    Nothing,
    /// This one, under both meanings of [`Reuse`].
    Block(Block),
    /// Only under [`Reuse::FreeLoggedLate`].
    IfLate(Block),
    /// Only under [`Reuse::FreeLost`].
    IfLost(Block),
}

impl LiveBlocks {
    /// Where an address stands, for what is done there before the next [`tidy`](Self::tidy).
    #[inline(always)]
    pub(crate) fn place(&self, address: u64) -> Place {
        self.slots.place(address)
    }

    /// What was looked up before this is no longer where it was.
    pub fn tidy(&mut self) {
        self.slots.tidy();
    }

    /// Notes a block at `address`, allocated in line `line`.
    pub fn allocate(&mut self, address: u64, block: Block, line: u64) -> Ended {
        if self.is_disputed(address) {
            return self.allocate_in_dispute(address, block, line);
        }
        match self.put(self.place(address), address, block) {
            Held::Live(before) => self.begin_dispute(address, before, block, line),
            Held::Nothing | Held::Mark => Ended::Nothing,
        }
    }

    /// Takes the block at `address` away in line `line`, and says whether there was one, and which.
    pub fn free(&mut self, address: u64, line: u64) -> (Met, Ended) {
        self.tidy();
        if self.is_disputed(address) {
            return self.free_in_dispute(address, line);
        }
        match self.take(self.place(address), address) {
            Held::Live(block) => (Met::LIVE, Ended::Block(block)),
            held => (self.met_no_block(held, line), Ended::Nothing),
        }
    }

    /// Whether the meanings of [`Reuse`] differ on an address.
    #[inline(always)]
    pub(crate) fn is_disputed(&self, address: u64) -> bool {
        !self.disputed.is_empty() && self.disputed.contains_key(&address)
    }

    /// Puts a block at an address that is not disputed. Where there is one, it [is now](Self::begin_dispute).
    #[inline(always)]
    pub(crate) fn put(&mut self, place: Place, address: u64, block: Block) -> Held {
        self.slots.put_at(place, address, block)
    }

    /// Takes away what is at an address that is not disputed. Where there is none, that [counts](Self::met_no_block).
    #[inline(always)]
    pub(crate) fn take(&mut self, place: Place, address: u64) -> Held {
        self.slots.free_at(place, address)
    }

    /// A block was put where another one was live.
    #[cold]
    #[inline(never)]
    pub(crate) fn begin_dispute(
        &mut self,
        address: u64,
        before: Block,
        newest: Block,
        line: u64,
    ) -> Ended {
        // While an address is disputed, its slot says nothing.
        self.slots.free(address);
        self.late.live_address_reused.note(line);
        self.lost.live_address_reused.note(line);
        let disputed = Disputed {
            newest,
            queued: 2,
            is_live: true,
        };
        self.disputed.insert(address, disputed);
        self.doubled(true);
        Ended::Block(before)
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn allocate_in_dispute(&mut self, address: u64, block: Block, line: u64) -> Ended {
        let Some(disputed) = self.disputed.get_mut(&address) else {
            return Ended::Nothing;
        };
        if disputed.queued > 0 {
            self.late.live_address_reused.note(line);
        }
        if disputed.is_live {
            self.lost.live_address_reused.note(line);
        }
        let ended = disputed.newest_if(disputed.queued > 0, disputed.is_live);
        disputed.newest = block;
        disputed.queued += 1;
        disputed.is_live = true;
        let is_second = disputed.queued == 2;
        self.settle(address);
        self.doubled(is_second);
        ended
    }

    /// A free met none of the blocks.
    #[cold]
    #[inline(never)]
    pub(crate) fn met_no_block(&mut self, held: Held, line: u64) -> Met {
        let both = match held {
            Held::Live(_) => Freed::Live,
            Held::Mark => Freed::Again,
            Held::Nothing if self.slots.has_forgotten() => Freed::Unsure,
            Held::Nothing => Freed::Unknown,
        };
        self.late.note(both, line);
        self.lost.note(both, line);
        let (late, lost) = (both, both);
        Met { late, lost }
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn free_in_dispute(&mut self, address: u64, line: u64) -> (Met, Ended) {
        let Some(disputed) = self.disputed.get_mut(&address) else {
            return (Met::LIVE, Ended::Nothing);
        };
        let met = Met {
            late: freed(disputed.queued > 0),
            lost: freed(disputed.is_live),
        };
        let ended = disputed.newest_if(disputed.queued == 1, disputed.is_live);
        self.doubled -= u64::from(disputed.queued == 2);
        disputed.queued = disputed.queued.saturating_sub(1);
        disputed.is_live = false;
        self.settle(address);
        self.late.note(met.late, line);
        self.lost.note(met.lost, line);
        (met, ended)
    }

    /// Makes the stretches in which blocks are born 2^`by` times as long.
    pub fn coarsen(&mut self, by: u32) {
        self.slots.coarsen(by);
        for disputed in self.disputed.values_mut() {
            let born = disputed.newest.born;
            disputed.newest.born = born.checked_shr(by).unwrap_or(0);
        }
    }

    /// Drops the record of a dispute that has resolved itself.
    fn settle(&mut self, address: u64) {
        let Entry::Occupied(entry) = self.disputed.entry(address) else {
            return;
        };
        let disputed = entry.get();
        let live = match (disputed.queued, disputed.is_live) {
            (0, false) => None,
            (1, true) => Some(disputed.newest),
            _ => return,
        };
        entry.remove();
        match live {
            Some(block) => self.slots.put(address, block),
            None => self.slots.free(address),
        };
    }

    fn doubled(&mut self, is_new: bool) {
        self.doubled += u64::from(is_new);
        self.most_doubled = self.most_doubled.max(self.doubled);
    }

    /// The most addresses that held two blocks or more at one time, if frees are only logged late. Threads have next to
    /// none: each logs a free that was overtaken before it frees anything else.
    pub fn doubly_held(&self) -> u64 {
        self.most_doubled
    }

    pub(crate) fn counts(&self, reuse: Reuse) -> ReuseCounts {
        match reuse {
            Reuse::FreeLoggedLate => self.late,
            Reuse::FreeLost => self.lost,
        }
    }

    /// What is live now: at most one block an address, the newest, in no particular order.
    pub fn iter(&self, reuse: Reuse) -> impl Iterator<Item = (u64, Block)> + '_ {
        let disputed = self.disputed.iter().filter_map(move |(&address, d)| {
            let is_live = match reuse {
                Reuse::FreeLoggedLate => d.queued > 0,
                Reuse::FreeLost => d.is_live,
            };
            is_live.then_some((address, d.newest))
        });
        self.slots.iter().chain(disputed)
    }
}

/// In which shard the blocks at an address are kept. Neighbours are kept together.
#[inline]
pub fn shard_of(address: u64) -> usize {
    const { assert!(SHARDS == 16) };
    ((address >> SHARD_BITS).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 60) as usize
}

/// In a dispute a block has stood at the address, so what is gone was freed.
fn freed(was_live: bool) -> Freed {
    match was_live {
        true => Freed::Live,
        false => Freed::Again,
    }
}

#[cfg(test)]
mod tests {
    use super::super::block::CallerId;
    use super::*;
    use Reuse::{FreeLoggedLate, FreeLost};

    fn block(size: u64) -> Block {
        Block {
            caller: CallerId(0),
            size,
            born: 0,
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
        live.allocate(0x10, block(1), 1);
        live.allocate(0x10, block(2), 2); // overtook the free of block 1
        live.free(0x10, 9);
        assert_eq!(sizes(&live, FreeLoggedLate), [2]);
        // The same three lines of an old glibc: the free of block 1 is lost, block 2 is freed.
        assert!(sizes(&live, FreeLost).is_empty());
        let counts = live.counts(FreeLoggedLate);
        assert_eq!(
            (
                counts.unknown_frees.count,
                counts.live_address_reused.first_line
            ),
            (0, Some(2))
        );
    }

    #[test]
    fn three_allocations_and_two_frees_of_one_address_leave_one() {
        // mtrace(1) says "No memory leaks." here.
        let mut live = LiveBlocks::default();
        for size in [1, 2, 3] {
            live.allocate(0x10, block(size), size);
        }
        live.free(0x10, 9);
        live.free(0x10, 9);
        assert_eq!(sizes(&live, FreeLoggedLate), [3]);
    }

    #[test]
    fn an_address_holds_at_most_its_newest_block() {
        let mut live = LiveBlocks::default();
        live.allocate(0x10, block(1), 1);
        live.allocate(0x10, block(2), 2);
        assert_eq!(sizes(&live, FreeLoggedLate), [2]);
        assert_eq!(sizes(&live, FreeLost), [2]);
    }

    #[test]
    fn disputes_that_resolve_leave_nothing_behind() {
        let mut live = LiveBlocks::default();
        live.allocate(0x10, block(1), 1);
        live.allocate(0x10, block(2), 2);
        live.free(0x10, 9);
        live.free(0x10, 9);
        assert!(live.disputed.is_empty());
        assert!(sizes(&live, FreeLost).is_empty() && sizes(&live, FreeLoggedLate).is_empty());
        assert_eq!(live.counts(FreeLost).unknown_frees.count, 1);
        assert_eq!(live.counts(FreeLoggedLate).unknown_frees.count, 0);
    }
    #[test]
    fn a_double_free_is_told_from_a_block_that_is_older_than_the_log() {
        let mut live = LiveBlocks::default();
        assert_eq!(live.free(0x10, 1).0.late, Freed::Unknown);
        assert_eq!(live.free(0x10, 2).0.late, Freed::Again);
        live.allocate(0x10, block(1), 3);
        assert_eq!(live.free(0x10, 4).0.late, Freed::Live);
        assert_eq!(live.free(0x10, 5).0.lost, Freed::Again);
        let counts = live.counts(FreeLoggedLate);
        assert_eq!(
            (counts.unknown_frees.count, counts.double_frees.count),
            (3, 2)
        );
        assert_eq!(counts.double_frees.first_line, Some(2));
    }

    #[test]
    fn a_block_that_was_freed_long_ago_is_remembered() {
        let mut live = LiveBlocks::default();
        for address in 0..1_000_000 {
            live.allocate(address << 4, block(1), 1);
            live.free(address << 4, 2);
        }
        assert_eq!(live.free(0x10, 3).0.late, Freed::Again);
        assert_eq!(live.counts(FreeLost).double_frees.first_line, Some(3));
        assert_eq!(live.counts(FreeLost).unsure_frees.count, 0);
    }

    #[test]
    fn what_was_forgotten_is_not_claimed_to_be_known() {
        let mut live = LiveBlocks::default();
        // A MiB apart: each mark takes as much as those of a whole page.
        for address in 0..1_000_000 {
            live.allocate(address << 20, block(1), 1);
            live.free(address << 20, 2);
        }
        assert_eq!(live.counts(FreeLost), ReuseCounts::default());
        assert!(live.slots.known() < 100_000, "{}", live.slots.known());
        assert_eq!(live.free(1 << 20, 3).0.late, Freed::Unsure);
        // What was freed lately is known still.
        assert_eq!(live.free(999_999 << 20, 4).0.late, Freed::Again);
        let counts = live.counts(FreeLost);
        assert_eq!(
            (counts.unsure_frees.count, counts.double_frees.count),
            (1, 1)
        );
    }
}
