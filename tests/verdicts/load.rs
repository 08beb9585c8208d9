//! When requests come.

use crate::chance::Chance;

/// How the rate of requests changes over time, as a multiple of its mean. Times are in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Shape {
    Steady,
    /// Quiet most of the time, ten times as busy in between.
    Bursty {
        phase: f64,
    },
    Diurnal {
        period: f64,
        offset: f64,
    },
    /// From little load to all of it at `until`, and level from there.
    RampUp {
        until: f64,
    },
    /// Once in `every`, nothing comes for `gap`.
    Outages {
        every: f64,
        from: f64,
        gap: f64,
    },
}

impl Shape {
    /// How long it takes until the load repeats itself.
    pub(crate) fn period(self) -> f64 {
        match self {
            Shape::Steady | Shape::RampUp { .. } => 0.0,
            Shape::Bursty { phase } => 10.0 * phase,
            Shape::Diurnal { period, .. } => period,
            Shape::Outages { every, .. } => every,
        }
    }
}

const QUIET: f64 = 0.25;
const BUSY: f64 = 2.5;
/// Quiet phases are so much longer than busy ones that the mean is 1.
const QUIET_PHASES: f64 = 2.0;

/// The times of requests, one after the other.
pub(crate) struct Arrivals {
    shape: Shape,
    /// Requests a second, on average.
    rate: f64,
    chance: Chance,
    now: f64,
    is_busy: bool,
    phase_ends: f64,
}

impl Arrivals {
    pub(crate) fn new(shape: Shape, rate: f64, chance: Chance) -> Self {
        Arrivals {
            shape,
            rate,
            chance,
            now: 0.0,
            is_busy: true,
            phase_ends: 0.0,
        }
    }

    /// Poisson arrivals of a rate that changes, by thinning those of its peak.
    pub(crate) fn next(&mut self) -> f64 {
        loop {
            let gap = 1.0 / (self.rate * BUSY);
            self.now += self.chance.exponential(gap);
            let share = self.factor() / BUSY;
            if self.chance.happens(share) {
                return self.now;
            }
        }
    }

    fn factor(&mut self) -> f64 {
        let now = self.now;
        match self.shape {
            Shape::Steady => 1.0,
            Shape::Bursty { phase } => {
                while now >= self.phase_ends {
                    self.is_busy = !self.is_busy;
                    let mean = if self.is_busy {
                        phase
                    } else {
                        QUIET_PHASES * phase
                    };
                    self.phase_ends += self.chance.exponential(mean);
                }
                if self.is_busy { BUSY } else { QUIET }
            }
            Shape::Diurnal { period, offset } => {
                1.0 + 0.8 * (std::f64::consts::TAU * (now / period + offset)).sin()
            }
            Shape::RampUp { until } => 0.2 + 1.1 * (now / until).min(1.0),
            Shape::Outages { every, from, gap } => {
                let at = now % every;
                if (from..from + gap).contains(&at) {
                    0.0
                } else {
                    1.0
                }
            }
        }
    }
}
