//! What the survivors of a run tell of a call site.

use super::super::median::median;
use super::shape::{self, blocks};
use super::{Observed, Trend};
use crate::trace::STEPS;

/// What was born in the last steps may still be at work: it is no survivor yet.
const AT_WORK: usize = 4;

/// The end of the steps whose births count.
const END: usize = STEPS - AT_WORK;

/// The parts of a run whose births are compared: all but its start and its end, in four of one length.
const PARTS: [(usize, usize); 4] = [(4, 18), (18, 32), (32, 46), (46, END)];

/// A leak keeps so many blocks at least in the second half of a run.
const FEWEST_KEPT: f64 = 4.0;

/// Blocks are kept at an even pace if the last part keeps this share of what the one before it does, and
const STEADY: f64 = 0.6;

/// this share of what the one before that does. A cache with a time constant of a whole run keeps 0.64.
const STEADY_LONG: f64 = 0.7;

/// Where the part before keeps less than this share of the last one, what is kept may only be young: it dies later.
const YOUNG: f64 = 0.6;

/// The floor of a leak rises by this share of what it keeps.
const RISE: f64 = 0.4;

/// If the two steps with most births have this share of them, these are jumps.
const JUMPS: f64 = 0.6;

/// Births of so many standard deviations are no accident.
const NOISE: f64 = 1.3;

/// So much of what is left was there after the start: the rest does not matter.
const FILLED: f64 = 0.9;

/// The step at which the start of a run is over: a tenth of it.
const START: usize = 6;

/// What tells a leak from what only looks like one, in blocks of one run.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    live: [f64; STEPS],
    /// How many of those that live at the end were there at each step.
    alive: [f64; STEPS],
}

impl Evidence {
    /// `None` if it is not known which blocks survived.
    pub fn of(run: &Observed<'_>) -> Option<Evidence> {
        Some(Evidence {
            live: blocks(run.curve),
            alive: blocks(run.survivors?),
        })
    }

    fn born(&self, from: usize, to: usize) -> f64 {
        self.alive[to - 1] - self.alive[from - 1]
    }

    fn end(&self) -> f64 {
        self.live[STEPS - 1]
    }

    /// What each of the [`PARTS`] kept.
    fn kept(&self) -> [f64; 4] {
        PARTS.map(|(from, to)| self.born(from, to))
    }

    /// The verdict on the run.
    pub fn trend(&self) -> Trend {
        let peak = self.live.iter().fold(0.0_f64, |most, live| most.max(*live));
        if self.keeps_on() && peak >= shape::FEWEST_BLOCKS as f64 {
            return Trend::Leak;
        }
        let by_shape = shape::trend_of_blocks(&self.live);
        match by_shape {
            Trend::Noise => Trend::Noise,
            Trend::Shutdown if shape::grew_before_its_end(&self.live) => Trend::Grows,
            Trend::Shutdown => Trend::Shutdown,
            // What came and went in between is no growth.
            _ if self.alive[START] >= FILLED * self.end() => Trend::Startup,
            // It only looks like one.
            Trend::Leak => Trend::Plateau,
            other => other,
        }
    }

    /// Whether blocks were kept all along the second half, as a leak keeps them.
    fn keeps_on(&self) -> bool {
        let [_, before, third, last] = self.kept();
        let kept = third + last;
        if kept < FEWEST_KEPT || last == 0.0 || third == 0.0 {
            return false;
        }
        self.is_steady(third, last)
            && self.is_steady_for_long(before, third, last)
            && !self.jumps(kept)
            && self.floor_rises(before, third, last)
    }

    /// The last part keeps as much as the one before it, but for chance.
    fn is_steady(&self, third: f64, last: f64) -> bool {
        last >= STEADY * third - NOISE * deviation(last, STEADY, third)
    }

    /// And as much as the one before that.
    fn is_steady_for_long(&self, before: f64, third: f64, last: f64) -> bool {
        let both = (third + last) / 2.0;
        both >= STEADY_LONG * before - NOISE * deviation(both, STEADY_LONG, before)
    }

    fn jumps(&self, kept: f64) -> bool {
        let mut births: Vec<f64> = (PARTS[2].0..END)
            .map(|step| self.born(step, step + 1))
            .collect();
        births.sort_unstable_by(|a, b| b.total_cmp(a));
        // Of few blocks, two steps have a good share by chance.
        births[0] + births[1] >= (JUMPS * kept).max(4.0)
    }

    /// The level below which it never falls rises with what is kept. Blocks that live long and are replaced have
    /// survivors of all ages, and stand level.
    fn floor_rises(&self, before: f64, third: f64, last: f64) -> bool {
        let floor = |from: usize, to: usize| {
            self.live[from..to]
                .iter()
                .fold(f64::INFINITY, |least, live| least.min(*live))
        };
        let rise = floor(STEPS - 8, STEPS) - floor(PARTS[2].0 - 4, PARTS[2].0 + 4);
        let kept = third + last;
        // What stands in the middle and does not live to the end comes and goes: it varies by its root.
        let middle = median(&self.live[PARTS[2].0 - 8..PARTS[2].0 + 8]);
        let comes_and_goes = (middle - self.alive[PARTS[2].0]).max(0.0);
        let noise = (2.0 * comes_and_goes).sqrt();
        let is_young = before + deviation(before, YOUNG, last) < YOUNG * last && third < 0.8 * last;
        match is_young {
            true => rise >= 0.5 * kept && rise >= 2.0 * noise,
            false => rise >= RISE * kept - 2.0 * noise,
        }
    }
}

/// The standard deviation of `a - share * b`, where both are counts.
fn deviation(a: f64, share: f64, b: f64) -> f64 {
    (a + share * share * b).sqrt()
}
