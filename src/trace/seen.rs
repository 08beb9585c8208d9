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
    /// As many as `SLOTS`, or none.
    slots: Vec<(LocalCaller, CallerSeen)>,
    /// Slots that have a caller.
    taken: Vec<u32>,
    done: Vec<(LocalCaller, CallerSeen)>,
}

/// As many as a power of two: about as many as a piece has lines.
const SLOTS: usize = 1 << 12;

const NOBODY: LocalCaller = LocalCaller(u32::MAX);

impl SeenInPiece {
    #[inline]
    pub(super) fn of(&mut self, caller: LocalCaller) -> &mut CallerSeen {
        let at = caller.0 as usize % SLOTS;
        let is_there = self.slots.get(at).is_some_and(|slot| slot.0 == caller);
        if !is_there {
            self.take_slot(at, caller);
        }
        &mut self.slots[at].1
    }

    fn take_slot(&mut self, at: usize, caller: LocalCaller) {
        if self.slots.is_empty() {
            self.slots.resize(SLOTS, (NOBODY, CallerSeen::default()));
        }
        let before = std::mem::replace(&mut self.slots[at], (caller, CallerSeen::default()));
        match before.0 == NOBODY {
            true => self.taken.push(at as u32),
            false => self.done.push(before),
        }
    }

    /// Takes out everything; a caller that had to leave its slot comes more than once.
    pub(super) fn take(&mut self) -> Vec<(LocalCaller, CallerSeen)> {
        for at in self.taken.drain(..) {
            let slot = &mut self.slots[at as usize];
            self.done
                .push(std::mem::replace(slot, (NOBODY, CallerSeen::default())));
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
                seen.of(LocalCaller(caller)).records += 1;
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
