//! What callers did, counted while a log is read.

use super::block::LocalCaller;
use super::sizes::SizesSeen;

/// What one caller did.
#[derive(Debug, Clone, Copy, Default)]
pub struct CallerSeen {
    pub records: u64,
    pub allocations: u64,
    pub sizes: SizesSeen,
}

impl CallerSeen {
    pub fn add(&mut self, other: CallerSeen) {
        self.records += other.records;
        self.allocations += other.allocations;
        self.sizes.add(other.sizes);
    }
}

/// What the callers of one piece did there.
///
/// Callers have a slot by the end of their number. Two that want the same one take turns, so that what a thread
/// counts takes no more memory with a million callers than with some thousands.
#[derive(Debug, Default)]
pub(super) struct SeenInPiece {
    slots: Slots,
    /// Slots that have a caller.
    taken: Vec<u32>,
    done: Vec<(LocalCaller, CallerSeen)>,
}

/// As many as a power of two: about as many as a piece has lines.
const SLOTS: usize = 1 << 12;

#[derive(Debug)]
struct Slots(Box<[Slot; SLOTS]>);

impl Default for Slots {
    fn default() -> Self {
        let slots = vec![Slot::FREE; SLOTS].into_boxed_slice();
        Slots(slots.try_into().unwrap_or_else(|_| unreachable!()))
    }
}

/// What a caller did, in 32 bytes: a piece is far from 2^30 lines.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    caller: LocalCaller,
    records: u32,
    allocations: u32,
    sizes: SizesSeen,
}

impl Slot {
    const FREE: Slot = Slot::of(LocalCaller(u32::MAX));

    const fn of(caller: LocalCaller) -> Self {
        Slot {
            caller,
            records: 0,
            allocations: 0,
            sizes: SizesSeen::NONE,
        }
    }

    fn is_free(self) -> bool {
        self.caller == Slot::FREE.caller
    }

    /// A record that may allocate so many bytes.
    #[inline(always)]
    pub(super) fn note(&mut self, size: u64, is_allocation: bool) {
        self.records += 1;
        self.allocations += u32::from(is_allocation);
        self.sizes.note(size, is_allocation);
    }

    fn seen(self) -> (LocalCaller, CallerSeen) {
        let seen = CallerSeen {
            records: self.records.into(),
            allocations: self.allocations.into(),
            sizes: self.sizes,
        };
        (self.caller, seen)
    }
}

impl SeenInPiece {
    #[inline(always)]
    pub(super) fn of(&mut self, caller: LocalCaller) -> &mut Slot {
        let at = caller.0 as usize % SLOTS;
        if self.slots.0[at].caller != caller {
            self.take_slot(caller);
        }
        &mut self.slots.0[at]
    }

    #[inline(never)]
    fn take_slot(&mut self, caller: LocalCaller) {
        let at = caller.0 as usize % SLOTS;
        let before = std::mem::replace(&mut self.slots.0[at], Slot::of(caller));
        match before.is_free() {
            true => self.taken.push(at as u32),
            false => self.done.push(before.seen()),
        }
    }

    /// Takes out everything; a caller that had to leave its slot comes more than once.
    pub(super) fn take(&mut self) -> Vec<(LocalCaller, CallerSeen)> {
        for at in self.taken.drain(..) {
            let slot = std::mem::replace(&mut self.slots.0[at as usize], Slot::FREE);
            self.done.push(slot.seen());
        }
        std::mem::take(&mut self.done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_that_share_a_slot_keep_their_counts() {
        let slots = SLOTS as u32;
        let mut seen = SeenInPiece::default();
        for piece in 0..2 {
            for caller in [3, 3 + slots, 3, 4, 3 + slots, 3 + 2 * slots, 3] {
                seen.of(LocalCaller(caller)).note(0, false);
            }
            let all = seen.take();
            let records = |caller| {
                let of_it = all.iter().filter(|(is, _)| *is == LocalCaller(caller));
                of_it.map(|(_, seen)| seen.records).sum::<u64>()
            };
            let counts = [3, 4, 3 + slots, 3 + 2 * slots].map(records);
            assert_eq!(counts, [3, 1, 2, 1], "piece {piece}");
        }
    }
}
