//! The time that a curve's steps are of.

/// So much of a run, in microseconds, is so little that a busy machine shows in its curve.
const BEGINNING: u64 = 500_000;

/// A pause is this many times as long as the time between two stamps usually is,
const LONG: u64 = 8;

/// and longer than this.
const LEAST: u64 = 1_000;

/// The time of a run without the pauses of its beginning: where the machine lets another program run for as long as a
/// short run takes, an even leak would look like a jump. Nothing happens in a pause, so nothing is left out.
#[derive(Default)]
pub(super) struct TimeWithoutPauses {
    at: u64,
    /// What it would be with them.
    with: u64,
    stamps: u64,
}

impl TimeWithoutPauses {
    /// Goes on to a time, in microseconds since the start.
    pub(super) fn reach(&mut self, time: u64) -> u64 {
        let gap = time.saturating_sub(self.with);
        if gap > 0 {
            let usual = self.at / self.stamps.max(1);
            let most = match self.with < BEGINNING {
                true => (LONG * usual).max(LEAST),
                false => u64::MAX,
            };
            self.at += gap.min(most);
            self.with = time;
            self.stamps += 1;
        }
        self.at
    }
}

#[cfg(test)]
mod tests {
    use super::TimeWithoutPauses;

    #[test]
    fn a_pause_of_the_beginning_is_short() {
        let mut time = TimeWithoutPauses::default();
        for stamp in 1..=20 {
            assert_eq!(time.reach(stamp * 250), stamp * 250);
        }
        assert_eq!(time.reach(35_000), 7_000);
        assert_eq!(time.reach(35_250), 7_250);
        // Eight times 329, the mean of 22.
        assert_eq!(time.reach(600_000), 7_250 + 2_632);
        assert_eq!(time.reach(700_000), 109_882);
    }

    #[test]
    fn what_is_rare_all_along_pauses_nowhere() {
        let mut time = TimeWithoutPauses::default();
        let reached: Vec<u64> = (1..=90).map(|stamp| time.reach(stamp * 5_000)).collect();
        let even = reached.windows(2).map(|pair| pair[1] - pair[0]);
        assert!(even.collect::<Vec<_>>() == vec![5_000; 89]);
    }
}
