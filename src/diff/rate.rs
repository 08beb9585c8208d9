//! How fast call sites grow: per minute where run times are known, else from run to run.

use super::column::Column;
use super::growth::Growth;
use super::median::median;
use super::site::SiteRun;
use super::trend::{Trend, became_level, trend_of};
use crate::run::Figures;
use crate::trace::{Curve, STEPS};

/// Growth by time, or by run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    pub blocks: f64,
    /// `None` where a run does not know the bytes of its blocks.
    pub bytes: Option<f64>,
    /// How well the runs lie on a line, from 0 to 1; `None` for less than three, which always do.
    pub fit: Option<f64>,
}

/// A site's growth in both units, as far as they are known.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Rates {
    pub per_minute: Option<Rate>,
    /// Of a comparison.
    pub per_run: Option<Rate>,
    /// The steepest of all that the runs can be read as, which is what a gate judges: one odd run in the
    /// middle does not move a median, and must not hide what came between the first and the last.
    pub steepest_per_minute: Option<Rate>,
    pub steepest_per_run: Option<Rate>,
}

/// Runs whose times differ by less than this share have the same time: of so short a difference no
/// growth can be told from what the runs differ by anyhow.
const SAME_TIME: f64 = 0.1;

/// The rates of a site. A block that was there from the beginning is in every run, so it is the difference
/// between runs of different length that counts. Runs of one length leave the same of a steady leak: there
/// the course of the last run tells. The only run that has the site tells what it left in its time.
pub fn rates(
    runs: &[Option<Box<SiteRun>>],
    figures: &[Figures],
    growth: Growth,
    columns: &[Column],
) -> Rates {
    let minutes = columns.iter().map(|column| Some(column.duration_s? / 60.0));
    let minutes: Option<Vec<f64>> = minutes.collect();
    let minutes = minutes.as_deref();
    let order: Vec<f64> = (0..figures.len()).map(|run| run as f64).collect();
    let per_minute = minutes.and_then(|minutes| per_minute(runs, figures, growth, minutes));
    let per_run = (figures.len() > 1).then(|| over(figures, &order));
    // What is new grew in its own run alone.
    let is_new = runs.first().is_some_and(Option::is_none);
    let readings = |minutes: &[f64]| {
        let by_ends = end_to_end(growth, minutes).filter(|_| !is_new);
        let is_told = |_: &Rate| !is_longer(minutes) || became_a_leak(runs);
        let by_course = of_last_course(runs, minutes).filter(is_told);
        steepest(steepest(per_minute, by_ends), by_course)
    };
    Rates {
        per_minute,
        per_run,
        steepest_per_minute: minutes.and_then(readings),
        steepest_per_run: steepest(per_run, end_to_end(growth, &order)),
    }
}

/// Only of runs that have the site: one that is new has grown in its own run, not in the difference of two.
fn per_minute(
    runs: &[Option<Box<SiteRun>>],
    figures: &[Figures],
    growth: Growth,
    minutes: &[f64],
) -> Option<Rate> {
    runs.last()?.as_ref()?;
    let having: Vec<usize> = (0..runs.len()).filter(|run| runs[*run].is_some()).collect();
    let figures: Vec<Figures> = having.iter().map(|run| figures[*run]).collect();
    let times: Vec<f64> = having.iter().map(|run| minutes[*run]).collect();
    let time = times.last().copied()?;
    if let [only] = figures.as_slice() {
        let rate = Rate {
            blocks: only.blocks as f64,
            bytes: only.bytes.map(|bytes| bytes as f64),
            fit: None,
        };
        return Some(rate.divided_by(time));
    }
    // More was left in less time: then time is not what it grew with.
    let against_time = times.first() > times.last() && growth.is_growth();
    match are_equal(&times) || against_time {
        true => of_last_course(runs, minutes),
        false => Some(over(&figures, &times)),
    }
}

/// Whether runs took the same time.
pub fn are_equal(times: &[f64]) -> bool {
    let longest = times.iter().copied().fold(0.0, f64::max);
    let shortest = times.iter().copied().fold(f64::INFINITY, f64::min);
    longest - shortest <= SAME_TIME * longest
}

/// Whether the last run took longer than the first: then what it has more of tells how fast that grows.
fn is_longer(times: &[f64]) -> bool {
    match times {
        [first, .., last] => last > first && !are_equal(&[*first, *last]),
        _ => false,
    }
}

/// Whether the first run stood level in the end, and the last one grew to its end: then it is not the difference of
/// their ends that tells how fast it grows.
fn became_a_leak(runs: &[Option<Box<SiteRun>>]) -> bool {
    let of = |run: Option<&Option<Box<SiteRun>>>, is: fn(&Curve) -> bool| {
        let curve = run.and_then(|run| run.as_ref()?.curve.as_ref());
        curve.is_some_and(is)
    };
    of(runs.first(), became_level) && of(runs.last(), |curve| trend_of(curve) == Trend::Leak)
}

/// The last run's pace in its second half, by its curve: what fills at the start is over by then. Its steps are equal in
/// lines of the log, so a run that did more in its first half than in its second has a rate that is some percent off.
fn of_last_course(runs: &[Option<Box<SiteRun>>], minutes: &[f64]) -> Option<Rate> {
    let last = runs.last()?.as_ref()?;
    let rate = of_course(last.curve.as_ref()?, &last.figures);
    Some(rate.divided_by(*minutes.last()?))
}

/// Growth over a whole run at the pace of its second half.
fn of_course(curve: &Curve, figures: &Figures) -> Rate {
    let points = curve.points();
    let (middle, end) = (points[STEPS / 2 - 1], points[STEPS - 1]);
    let rise = |middle: u64, end: u64| (end as f64 - middle as f64) * 2.0;
    Rate {
        blocks: rise(middle.blocks, end.blocks),
        bytes: figures.bytes.map(|_| rise(middle.bytes, end.bytes)),
        fit: None,
    }
}

/// From the first run to the last, over what lies between them on the line `x`; over the last run's own place, where
/// there is no way between them, or one back.
fn end_to_end(growth: Growth, x: &[f64]) -> Option<Rate> {
    let (first, last) = (*x.first()?, *x.last()?);
    let way = match are_equal(&[first, last]) || last < first {
        true => last,
        false => last - first,
    };
    (x.len() > 1 && way > 0.0).then(|| Rate {
        blocks: growth.blocks as f64 / way,
        bytes: growth.bytes.map(|bytes| bytes as f64 / way),
        fit: None,
    })
}

/// The steeper of two rates, in blocks and in bytes.
fn steepest(a: Option<Rate>, b: Option<Rate>) -> Option<Rate> {
    let (Some(a), Some(b)) = (a, b) else {
        return a.or(b);
    };
    let bytes = [a.bytes, b.bytes].into_iter().flatten();
    Some(Rate {
        blocks: a.blocks.max(b.blocks),
        bytes: bytes.reduce(f64::max),
        fit: None,
    })
}

impl Rate {
    fn divided_by(self, minutes: f64) -> Rate {
        Rate {
            blocks: self.blocks / minutes,
            bytes: self.bytes.map(|bytes| bytes / minutes),
            ..self
        }
    }
}

/// Over the figures of some runs, each at its place on the line `x`.
fn over(figures: &[Figures], x: &[f64]) -> Rate {
    let blocks: Vec<f64> = figures.iter().map(|of| of.blocks as f64).collect();
    let bytes = figures.iter().map(|of| Some(of.bytes? as f64));
    let bytes: Option<Vec<f64>> = bytes.collect();
    let slope_of_blocks = slope(x, &blocks);
    Rate {
        blocks: slope_of_blocks,
        bytes: bytes.map(|bytes| slope(x, &bytes)),
        fit: (x.len() > 2).then(|| fit(x, &blocks, slope_of_blocks)),
    }
}

/// The slope by Theil and Sen: the median of the slopes between any two points, which one odd run in
/// four does not move far.
fn slope(x: &[f64], y: &[f64]) -> f64 {
    let mut slopes = Vec::new();
    for later in 1..x.len() {
        for earlier in 0..later {
            let run = x[later] - x[earlier];
            if run != 0.0 {
                slopes.push((y[later] - y[earlier]) / run);
            }
        }
    }
    median(&slopes)
}

/// The share of what the points differ by that the line explains.
fn fit(x: &[f64], y: &[f64], slope: f64) -> f64 {
    let offsets: Vec<f64> = x.iter().zip(y).map(|(x, y)| y - slope * x).collect();
    let offset = median(&offsets);
    let middle = median(y);
    let beside: f64 = offsets.iter().map(|other| (other - offset).abs()).sum();
    let spread: f64 = y.iter().map(|y| (y - middle).abs()).sum();
    match spread > 0.0 {
        true => (1.0 - beside / spread).clamp(0.0, 1.0),
        false => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_odd_run_does_not_decide() {
        let minutes = [1.0, 2.0, 3.0, 4.0, 5.0];
        assert_eq!(slope(&minutes, &[100.0, 200.0, 300.0, 400.0, 500.0]), 100.0);
        let odd = [100.0, 200.0, 9000.0, 400.0, 500.0];
        assert_eq!(slope(&minutes, &odd), 100.0);
        assert_eq!(
            fit(&minutes, &[100.0, 200.0, 300.0, 400.0, 500.0], 100.0),
            1.0
        );
        assert!(fit(&minutes, &odd, 100.0) < 0.5);
    }

    #[test]
    fn runs_of_one_length_have_no_slope_over_time() {
        assert_eq!(slope(&[2.0, 2.0], &[1.0, 5.0]), 0.0);
        assert_eq!(fit(&[0.0, 1.0, 2.0], &[7.0, 7.0, 7.0], 0.0), 1.0);
    }
}
