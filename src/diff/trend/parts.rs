//! Whether a site goes on as it began: what it came to in four parts of a run, against each other.

/// The step at which the first part begins, and those at which each ends: all of a run but its start, and but the last steps,
/// of which what is born may still be at work.
pub(super) const BOUNDS: [usize; 5] = [4, 18, 32, 46, 60];

/// The last part has this share of the one before it, and
const STEADY: f64 = 0.6;

/// the last two this share of the one before them. A cache with a time constant of a whole run has 0.64.
const STEADY_LONG: f64 = 0.7;

/// Where each part has less than the one before it, the second half has this share of the first one, and
const DECAYS: f64 = 0.5;

/// the last part this share of the first one.
const DECAYS_TO: f64 = 0.55;

/// More than so many times the second part in the first one, and a table was filled there.
const START: f64 = 3.0;

/// The last two parts then have this share of the second one, but for a little noise.
const EVEN: f64 = 0.85;
const LITTLE_NOISE: f64 = 0.4;

/// A difference of so many standard deviations is no accident.
const NOISE: f64 = 1.3;

/// What a site kept, or rose by, in four parts of a run of one length.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Parts(pub [f64; 4]);

impl Parts {
    /// How much a curve rises in each part, where `at` tells its height at a step.
    pub(super) fn rises(at: impl Fn(usize) -> f64) -> Parts {
        Parts(std::array::from_fn(|part| {
            at(BOUNDS[part + 1]) - at(BOUNDS[part])
        }))
    }

    /// Of the second half.
    pub(super) fn late(&self) -> f64 {
        self.0[2] + self.0[3]
    }

    /// Whether each part has as much as those before it, but for chance. Blocks that come in heaps vary by more than
    /// their root: by that of `dispersion` times their number.
    pub(super) fn are_steady(&self, dispersion: f64) -> bool {
        let noise = NOISE * dispersion.sqrt();
        let [first, second, third, last] = self.0.map(|part| part.max(0.0));
        let at_least = |a: f64, share: f64, b: f64| a >= share * b - noise * deviation(a, share, b);
        let decays = first > second && second >= third && third >= last;
        let is_decayed =
            !at_least(last, DECAYS_TO, first) || !at_least(third + last, DECAYS, first + second);
        // A mean of two varies half as much as a count.
        let both = (third + last) / 2.0;
        // A table that was filled at the start is no decay, if what follows is even.
        let even = EVEN * second - LITTLE_NOISE * noise * deviation(both / 2.0, EVEN, second);
        let is_after_start = first > START * second && both >= even;
        let long = STEADY_LONG * second - noise * deviation(both / 2.0, STEADY_LONG, second);
        !(decays && is_decayed && !is_after_start) && at_least(last, STEADY, third) && both >= long
    }
}

/// The standard deviation of `a - share * b`, where both are counts.
pub(super) fn deviation(a: f64, share: f64, b: f64) -> f64 {
    (a + share * share * b).sqrt()
}

/// The standard deviation of values from the line through them.
pub(super) fn scatter(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let (middle, mean) = ((count - 1.0) / 2.0, values.iter().sum::<f64>() / count);
    let points = values.iter().enumerate();
    let points: Vec<(f64, f64)> = points.map(|(x, y)| (x as f64 - middle, y - mean)).collect();
    let sum = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>();
    let slope = sum(|(x, y)| x * y) / sum(|(x, _)| x * x);
    let squares = points.iter().map(|(x, y)| (y - slope * x).powi(2));
    (squares.sum::<f64>() / count).sqrt()
}

/// How many equal rises would vary as these do: one if a single one has all.
pub(super) fn effective(rises: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut squares) = (0.0, 0.0);
    for rise in rises {
        sum += rise;
        squares += rise * rise;
    }
    if squares > 0.0 {
        sum * sum / squares
    } else {
        0.0
    }
}
