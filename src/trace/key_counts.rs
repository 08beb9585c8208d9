//! How often each key comes, where most come again soon.

use super::block::CallerId;

/// What can be counted.
pub(super) trait Key: Copy + Default + Ord {
    /// A number whose upper bits differ where keys do, for nearly all of them.
    fn spread(self) -> u64;
}

/// The golden ratio: what follows one another is far apart.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

impl Key for u64 {
    #[inline]
    fn spread(self) -> u64 {
        self.wrapping_mul(SPREAD)
    }
}

impl Key for (CallerId, u64) {
    #[inline]
    fn spread(self) -> u64 {
        (u64::from(self.0.0) << 32 ^ self.1).spread()
    }
}

/// Counts of keys, without a table of all that there are: a key has a slot by its hash, and a count that has to leave its
/// slot for another key's is put aside, to be summed up later. So a key that comes again soon costs no more than a look
/// into the cache, however many keys there are.
#[derive(Debug)]
pub(super) struct KeyCounts<K> {
    /// As many as [`SLOTS`], or none. A slot that counts nothing is free.
    slots: Vec<(K, u32)>,
    /// Counts that were put aside, each key any number of times.
    done: Vec<(K, u32)>,
}

const SLOTS: usize = 1 << 10;

/// So many are put aside before they are summed up, at least.
const AT_ONCE: usize = 1 << 10;

impl<K> Default for KeyCounts<K> {
    fn default() -> Self {
        KeyCounts {
            slots: Vec::new(),
            done: Vec::new(),
        }
    }
}

impl<K: Key> KeyCounts<K> {
    /// Counts a key once more.
    #[inline]
    pub(super) fn note(&mut self, key: K) {
        self.add(key, 1);
    }

    /// Counts a key so many times more.
    #[inline]
    pub(super) fn add(&mut self, key: K, times: u32) {
        let at = (key.spread() >> (u64::BITS - SLOTS.ilog2())) as usize;
        match self.slots.get_mut(at) {
            Some((is, count)) if *is == key && *count < u32::MAX - times => *count += times,
            _ => self.take_slot(at, key, times),
        }
    }

    fn take_slot(&mut self, at: usize, key: K, times: u32) {
        if self.slots.is_empty() {
            self.slots = vec![(K::default(), 0); SLOTS];
        }
        let before = std::mem::replace(&mut self.slots[at], (key, times));
        if before.1 > 0 {
            if self.done.len() == self.done.capacity() {
                sum_up(&mut self.done);
                // What was summed up is at most half of what is there the next time.
                self.done.reserve(self.done.len().max(AT_ONCE));
            }
            self.done.push(before);
        }
    }

    /// How many counts were put aside.
    pub(super) fn done(&self) -> usize {
        self.done.len()
    }

    /// Takes out what was put aside, a key any number of times and in any order.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = (K, u32)> + '_ {
        self.done.drain(..)
    }

    /// Puts aside the counts of all slots.
    pub(super) fn empty_slots(&mut self) {
        for slot in &mut self.slots {
            if slot.1 > 0 {
                self.done.push(std::mem::take(slot));
            }
        }
    }

    /// Each key with its count, in their order. One that came 2^32 times or more is there more than once.
    pub(super) fn finish(mut self) -> Vec<(K, u32)> {
        self.empty_slots();
        sum_up(&mut self.done);
        self.done.shrink_to_fit();
        self.done
    }
}

/// Puts counts in order, and makes those of one key one.
fn sum_up<K: Key>(counts: &mut Vec<(K, u32)>) {
    counts.sort_unstable_by_key(|(key, _)| *key);
    counts.dedup_by(|next, sum| match sum.1.checked_add(next.1) {
        Some(count) if next.0 == sum.0 => {
            sum.1 = count;
            true
        }
        _ => false,
    });
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// All of them want one slot.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
    struct Crowded(u64);

    impl Key for Crowded {
        fn spread(self) -> u64 {
            7
        }
    }

    fn counted<K: Key>(keys: impl Iterator<Item = K>) -> Vec<(K, u32)> {
        let mut counts = KeyCounts::default();
        keys.for_each(|key| counts.note(key));
        counts.finish()
    }

    proptest! {
        #[test]
        fn every_key_is_counted(keys in prop::collection::vec(0..5_000_u64, 0..20_000)) {
            let mut twin = BTreeMap::<u64, u32>::new();
            keys.iter().for_each(|key| *twin.entry(*key).or_default() += 1);
            let twin: Vec<(u64, u32)> = twin.into_iter().collect();
            prop_assert_eq!(&counted(keys.iter().copied()), &twin);
            let crowded = counted(keys.iter().map(|key| Crowded(*key)));
            prop_assert_eq!(crowded.iter().map(|(key, count)| (key.0, *count)).collect::<Vec<_>>(), twin);
        }
    }

    #[test]
    fn more_than_fit_into_a_count_are_two() {
        let mut counts = vec![(7, u32::MAX), (3, 1), (7, 2), (3, 1)];
        sum_up(&mut counts);
        let keys: Vec<u64> = counts.iter().map(|(key, _)| *key).collect();
        assert_eq!(keys, [3, 7, 7]);
        let sevens = counts[1..].iter().map(|(_, count)| u64::from(*count));
        assert_eq!(sevens.sum::<u64>(), u64::from(u32::MAX) + 2);
    }
}
