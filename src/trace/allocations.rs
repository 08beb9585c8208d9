//! When a program allocated, whoever asked for it: once it only frees, its work is done.

use super::delta::STRETCHES;

/// All allocations but one in so many are made when a program only frees for the end.
const DONE: u64 = 1000;

/// How many blocks came in each stretch of a run.
#[derive(Debug)]
pub(super) struct AllocationsSeen(Box<[u64; STRETCHES as usize]>);

impl Default for AllocationsSeen {
    fn default() -> Self {
        AllocationsSeen(Box::new([0; STRETCHES as usize]))
    }
}

impl AllocationsSeen {
    #[inline]
    pub(super) fn note(&mut self, stretch: u64) {
        if let Some(blocks) = self.0.get_mut(stretch as usize) {
            *blocks += 1;
        }
    }

    pub(super) fn add(&mut self, other: &AllocationsSeen) {
        for (blocks, others) in self.0.iter_mut().zip(other.0.iter()) {
            *blocks += others;
        }
    }

    /// Makes stretches 2^`by` times as long.
    pub(super) fn coarsen(&mut self, by: u32) {
        let before = std::mem::take(self);
        for (stretch, blocks) in (0_u64..).zip(before.0.iter()) {
            if *blocks > 0 {
                self.0[stretch.checked_shr(by).unwrap_or(0) as usize] += blocks;
            }
        }
    }

    /// The last line of the stretch in which nearly all were made, where stretches have 2^`shift` lines; 0 if there are none.
    pub(super) fn nearly_done_at(&self, shift: u32) -> u64 {
        let all: u64 = self.0.iter().sum();
        let mut left = all / DONE;
        let later = self.0.iter().rposition(|blocks| {
            let is_in = *blocks > left;
            left = left.saturating_sub(*blocks);
            is_in
        });
        later.map_or(0, |stretch| (stretch as u64 + 1) << shift)
    }
}

#[cfg(test)]
mod tests {
    use super::AllocationsSeen;

    #[test]
    fn a_few_that_come_late_do_not_matter() {
        let mut seen = AllocationsSeen::default();
        assert_eq!(seen.nearly_done_at(3), 0);
        (0..2000).for_each(|_| seen.note(9));
        assert_eq!(seen.nearly_done_at(3), 80);
        seen.note(200);
        seen.note(201);
        assert_eq!(seen.nearly_done_at(3), 80);
        seen.note(100);
        assert_eq!(seen.nearly_done_at(3), 101 << 3);
        seen.coarsen(1);
        assert_eq!(seen.nearly_done_at(4), 51 << 4);
    }
}
