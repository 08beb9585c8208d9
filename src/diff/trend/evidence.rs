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

/// Where the second half of a run begins.
const MIDDLE: usize = STEPS / 2;

/// A leak keeps so many blocks at least in the second half of a run,
const FEWEST_KEPT: f64 = 4.0;

/// or one fewer, if each part keeps one and all together so many.
const FEWEST_EVEN: f64 = 6.0;

/// Blocks are kept at an even pace if the last part keeps this share of what the one before it does, and
const STEADY: f64 = 0.6;

/// the last two this share of what the one before them does. A cache with a time constant of a whole run keeps 0.64.
const STEADY_LONG: f64 = 0.7;

/// Where each part keeps less than the one before it, the second half keeps this share of what the first one does.
const DECAYS: f64 = 0.5;

/// Where the part before keeps less than this share of the third one, what is kept may only be young: it dies later.
const YOUNG: f64 = 0.6;

/// So few births of the third part are a matter of chance.
const CHANCE: f64 = 4.0;

/// The floor of a leak rises by this share of what it keeps.
const RISE: f64 = 0.4;

/// By this share, where what is kept may only be young.
const RISE_OF_YOUNG: f64 = 0.5;

/// If the two steps with most births have this share of them, these are jumps.
const JUMPS: f64 = 0.6;

/// A difference of so many standard deviations is no accident.
const NOISE: f64 = 1.3;

/// So much of what is left was there after the start: the rest does not matter.
const FILLED: f64 = 0.9;

/// The step at which the start of a run is over: a tenth of it.
const START: usize = 6;

/// What tells a leak from what only looks like one: the blocks of one run.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    live: [f64; STEPS],
    /// How many of those that live at the end were there at each step.
    alive: [f64; STEPS],
    /// What each of the [`PARTS`] kept.
    kept: [f64; 4],
}

impl Evidence {
    /// `None` if it is not known which blocks survived.
    pub fn of(run: &Observed<'_>) -> Option<Evidence> {
        let alive = blocks(run.survivors?);
        Some(Evidence {
            live: blocks(run.curve),
            kept: PARTS.map(|(from, to)| alive[to - 1] - alive[from - 1]),
            alive,
        })
    }

    /// The verdict on the run.
    pub fn trend(&self) -> Trend {
        let peak = self.live.iter().fold(0.0_f64, |most, live| most.max(*live));
        if peak >= shape::FEWEST_BLOCKS as f64 && self.keeps_on() {
            return Trend::Leak;
        }
        match shape::trend_of_blocks(&self.live) {
            Trend::Noise => Trend::Noise,
            Trend::Shutdown if shape::grew_before_its_end(&self.live) => Trend::Grows,
            Trend::Shutdown => Trend::Shutdown,
            // What came and went in between is no growth.
            _ if self.alive[START] >= FILLED * self.live[STEPS - 1] => Trend::Startup,
            // It only looks like one.
            Trend::Leak => Trend::Plateau,
            other => other,
        }
    }

    /// Whether blocks were kept all along the second half, as a leak keeps them.
    fn keeps_on(&self) -> bool {
        self.keeps_enough() && self.is_steady() && !self.jumps() && self.floor_rises()
    }

    fn keeps_enough(&self) -> bool {
        let [_, _, third, last] = self.kept;
        let is_even = || {
            let each = self.kept.iter().all(|kept| *kept >= 1.0);
            each && self.kept.iter().sum::<f64>() >= FEWEST_EVEN
        };
        let kept = third + last;
        let is_enough = kept >= FEWEST_KEPT || (kept >= FEWEST_KEPT - 1.0 && is_even());
        is_enough && third > 0.0 && last > 0.0
    }

    /// Each part keeps as much as those before it, but for chance. Blocks that are kept in heaps of several
    /// vary by more than their root.
    fn is_steady(&self) -> bool {
        let [first, second, third, last] = self.kept;
        let noise = NOISE * self.dispersion().sqrt();
        let at_least = |a: f64, share: f64, b: f64| a >= share * b - noise * deviation(a, share, b);
        let decays = first > second && second >= third && third >= last;
        if decays && !at_least(third + last, DECAYS, first + second) {
            return false;
        }
        // A mean of two varies half as much as a count.
        let both = (third + last) / 2.0;
        let long = STEADY_LONG * second - noise * deviation(both / 2.0, STEADY_LONG, second);
        at_least(last, STEADY, third) && both >= long
    }

    /// How many times as much births vary from step to step as if they came one by one.
    fn dispersion(&self) -> f64 {
        let births: Vec<f64> = (PARTS[0].0..END).map(|step| self.born_at(step)).collect();
        let mean = births.iter().sum::<f64>() / births.len() as f64;
        let squares = births.windows(2).map(|pair| (pair[0] - pair[1]).powi(2));
        let variance = squares.sum::<f64>() / 2.0 / (births.len() - 1) as f64;
        (variance / mean).max(1.0)
    }

    fn born_at(&self, step: usize) -> f64 {
        self.alive[step] - self.alive[step - 1]
    }

    /// Whether most of what was kept, or most of the rise, came in a step or two.
    fn jumps(&self) -> bool {
        // The last steps before the end have births that are still at work.
        let mut births: Vec<f64> = (MIDDLE..STEPS - 3 * AT_WORK)
            .map(|step| self.born_at(step))
            .collect();
        births.sort_unstable_by(|a, b| b.total_cmp(a));
        let all = births.iter().sum::<f64>();
        let [_, _, third, last] = self.kept;
        // Of few blocks, two steps have a good share by chance.
        let are_many = third + last >= 2.0 * FEWEST_KEPT;
        let at_once = are_many && births[0] + births[1] >= (JUMPS * all).max(FEWEST_KEPT);
        // What is there for a step only is no rise.
        let lasting: [f64; STEPS] = std::array::from_fn(|step| {
            let near = &self.live[step.saturating_sub(1)..(step + 2).min(STEPS)];
            least(near)
        });
        at_once || shape::rises_in_jumps(&lasting)
    }

    /// The level below which it never falls rises with what is kept. Blocks that live long and are replaced have
    /// survivors of all ages, and stand level.
    fn floor_rises(&self) -> bool {
        let [first, second, third, last] = self.kept;
        let rise = least(&self.live[STEPS - 8..]) - least(&self.live[MIDDLE - 4..MIDDLE + 4]);
        let noise = 2.0 * self.noise();
        let is_young = second + deviation(second, YOUNG, third) < YOUNG * third
            || (third < CHANCE && third < 0.3 * last);
        if is_young {
            return rise >= RISE_OF_YOUNG * (third + last) && rise >= noise;
        }
        // The last part has what is still at work; the third one tells how much was kept.
        let expected = RISE * (2.0 * third).min(third + last);
        let is_even = first.min(second) >= RISE * third;
        rise >= expected - noise && (is_even || expected >= noise)
    }

    /// How much the level goes up and down by itself. What stands in the middle and does not live to the end comes and goes:
    /// that varies by its root at most, and less if it is replaced one by one.
    fn noise(&self) -> f64 {
        let middle = median(&self.live[MIDDLE - 8..MIDDLE + 8]);
        let comes_and_goes = (middle - self.alive[MIDDLE]).max(0.0);
        let seen = scatter(&self.live[MIDDLE - 4..]);
        (2.0 * comes_and_goes).sqrt().min(seen * 2.0_f64.sqrt())
    }
}

fn least(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

/// The standard deviation of `a - share * b`, where both are counts.
fn deviation(a: f64, share: f64, b: f64) -> f64 {
    (a + share * share * b).sqrt()
}

/// The standard deviation of values from the line through them.
fn scatter(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let (middle, mean) = ((count - 1.0) / 2.0, values.iter().sum::<f64>() / count);
    let points = || {
        values
            .iter()
            .enumerate()
            .map(|(x, y)| (x as f64 - middle, y - mean))
    };
    let slope =
        points().map(|(x, y)| x * y).sum::<f64>() / points().map(|(x, _)| x * x).sum::<f64>();
    let squares = points().map(|(x, y)| (y - slope * x).powi(2));
    (squares.sum::<f64>() / count).sqrt()
}
