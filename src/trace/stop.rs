//! How much of a run's curves is taken by what a program does once it has been asked to end.

/// That is this share of its work at the most: an eighth of the run. Some programs take as long to free what they have as
/// they worked, and a leak has to be told from what it came to, and not from how long it was freed.
const LONGEST: f64 = 1.0 / 7.0;

/// When a program was asked to end that took long for it, and when it had ended; both in one unit, from the start of the run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct LongStop {
    asked: f64,
    ended: f64,
}

impl LongStop {
    /// `None` if it did not take long.
    pub(crate) fn of(asked: f64, ended: f64) -> Option<Self> {
        (asked > 0.0 && ended - asked > LONGEST * asked).then_some(LongStop { asked, ended })
    }

    /// A time of the run, as if its end had not taken long.
    pub(crate) fn shortened(self, time: f64) -> f64 {
        let work = time.min(self.asked);
        work + (time - work) * LONGEST * self.asked / (self.ended - self.asked)
    }
}

#[cfg(test)]
mod tests {
    use super::LongStop;

    #[test]
    fn a_long_stop_is_an_eighth_of_the_run() {
        let stop = LongStop::of(70.0, 140.0).unwrap();
        assert_eq!(stop.shortened(35.0), 35.0);
        assert_eq!(stop.shortened(70.0), 70.0);
        assert_eq!(stop.shortened(140.0), 80.0);
        assert_eq!(stop.shortened(105.0), 75.0);
        assert_eq!(LongStop::of(70.0, 79.0), None);
        assert_eq!(LongStop::of(0.0, 79.0), None);
    }
}
