//! How much of a run's curves is taken by what a program does once it has been asked to end.

/// That is this share of its work at the most: an eighth of the run. Some programs take as long to free what they have as
/// they worked, and a leak has to be told from what it came to, and not from how long it was freed.
const LONGEST: f64 = 1.0 / 7.0;

/// A line is no whole one more for so little of it.
const ROUNDING: f64 = 1e-6;

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
        work + (time - work) * self.pace()
    }

    /// The time of the run that is shortened to this.
    fn lengthened(self, time: f64) -> f64 {
        let work = time.min(self.asked);
        work + (time - work) / self.pace()
    }

    fn pace(self) -> f64 {
        LONGEST * self.asked / (self.ended - self.asked)
    }
}

/// How long a run is that curves are drawn of, in lines or whatever its stretches are made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Length {
    pub lines: u64,
    stop: Option<LongStop>,
}

impl Length {
    pub(crate) fn of(lines: u64) -> Self {
        Length { lines, stop: None }
    }

    /// The same of a log whose program only freed what it had after this line.
    pub(super) fn with_work_until(self, line: u64) -> Self {
        Length {
            stop: LongStop::of(line as f64, self.lines as f64),
            ..self
        }
    }

    /// The line, from 0 on, at which so many of so many equal parts of its curves are over.
    pub(super) fn line_at(self, part: u64, parts: u64) -> u64 {
        let Some(stop) = self.stop else {
            let line = (u128::from(self.lines) * u128::from(part)).div_ceil(u128::from(parts));
            return line as u64;
        };
        let whole = stop.shortened(self.lines as f64);
        let line = stop.lengthened(whole * part as f64 / parts as f64);
        ((line - ROUNDING).ceil() as u64).min(self.lines)
    }

    /// Where a line of the run is in its curves.
    pub(super) fn shortened(self, line: u64) -> u64 {
        let stop = self.stop.map(|stop| stop.shortened(line as f64));
        stop.map_or(line, |line| (line - ROUNDING).ceil() as u64)
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
