//! How fast call sites grow: per minute where run times are known, else from run to run.

use super::column::Column;
use super::growth::{Growth, ends};
use super::median::median;
use super::site::SiteRun;
use super::trend::{Observed, Trend, became_level, kept, trend_of};
use crate::run::Figures;
use crate::trace::{Curve, STEPS};

/// Growth by time, or by run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// Live blocks a minute, or a run.
    pub blocks: f64,
    /// `None` where a run does not know the bytes of its blocks.
    pub bytes: Option<f64>,
    /// How well the runs lie on a line, from 0 to 1; `None` for less than three, which always do.
    pub fit: Option<f64>,
    /// How far the rate of blocks may be off by chance, either way; `None` where nothing tells.
    pub error: Option<f64>,
}

/// A site's growth in both units, as far as they are known.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Rates {
    /// Where the times of the runs are known.
    pub per_minute: Option<Rate>,
    /// Of a comparison.
    pub per_run: Option<Rate>,
    /// The steepest of all that the runs can be read as, which is what a gate judges: one odd run in the
    /// middle does not move a median, and must not hide what came between the first and the last.
    pub steepest_per_minute: Option<Rate>,
    /// The same, from run to run.
    pub steepest_per_run: Option<Rate>,
    /// The steepest of what each reading comes to at least, if chance made it look steep.
    pub surely_per_minute: Option<Rate>,
}

/// Runs whose times differ by less than this share have the same time: of so short a difference no
/// growth can be told from what the runs differ by anyhow.
const SAME_TIME: f64 = 0.1;

/// Runs that do this much more in a minute than another leak more in it, too: there, the difference of two is not what
/// one leaks in the time by which it is longer.
const OTHER_LOAD: f64 = 1.25;

/// What leaks so many times as fast as before is not the same leak in a longer run.
const FASTER: f64 = 2.0;

/// An error is so many standard deviations: 19 of 20 counts are nearer.
const DEVIATIONS: f64 = 2.0;

/// No chance makes ten out of one, even in blocks that come in a few batches. But where they all go again, as in a buffer
/// that is written out when it is full, it is chance how many there are at the end.
const LEAST_SHARE: f64 = 0.1;

/// What falls to half of what it had, or less, comes and goes.
const FALLS: u64 = 2;

/// The variance of counts is known from some 14 of them, and may be this much more: by one standard deviation of its own.
const MAY_VARY_MORE: f64 = 1.4;

/// The rates of a site. A block that was there from the beginning is in every run, so it is the difference
/// between runs of different length that counts. Runs of one length leave the same of a steady leak: there
/// the course of the last run tells. The only run that has the site tells what it left in its time.
pub(super) fn rates(
    runs: &[Option<Box<SiteRun>>],
    figures: &[Figures],
    growth: Growth,
    columns: &[Column],
) -> Rates {
    let minutes = columns.iter().map(|column| Some(column.duration_s? / 60.0));
    let minutes: Option<Vec<f64>> = minutes.collect();
    let minutes = minutes.as_deref();
    let order: Vec<f64> = (0..figures.len()).map(|run| run as f64).collect();
    // Only rates by time ask for these.
    let course = minutes.map(|minutes| Course::of(runs, minutes));
    let course = course.unwrap_or_default();
    let chance = course.chance;
    let per_minute =
        minutes.and_then(|minutes| per_minute(runs, figures, growth, minutes, columns, course));
    let per_run = (figures.len() > 1).then(|| over(figures, &order));
    // What is new grew in its own run alone.
    let is_new = runs.first().is_some_and(Option::is_none);
    let readings = |minutes: &[f64]| {
        // What came in a run of nearly one length did not come in the difference of the two.
        let is_told = |_: &Rate| !is_new && !course.became_a_leak;
        let by_ends = end_to_end(growth, minutes).filter(is_told);
        let by_ends = by_ends.map(|rate| Rate {
            error: Some(chance.of_difference(growth, minutes)),
            ..rate
        });
        let is_told = |_: &Rate| !is_longer(minutes) || course.became_a_leak;
        let by_course = of_last_course(runs, minutes, chance).filter(is_told);
        [per_minute, by_ends, by_course]
    };
    let readings = minutes.map_or([None; 3], readings);
    let at_least = readings.map(|rate| rate.map(|rate| rate.at_least(chance.least_share())));
    let steepest_per_minute = readings.into_iter().fold(None, steepest);
    Rates {
        per_minute,
        per_run,
        steepest_per_minute,
        steepest_per_run: steepest(per_run, end_to_end(growth, &order)),
        surely_per_minute: at_least.into_iter().fold(None, steepest),
    }
}

/// Only of runs that have the site: one that is new has grown in its own run, not in the difference of two.
fn per_minute(
    runs: &[Option<Box<SiteRun>>],
    figures: &[Figures],
    growth: Growth,
    minutes: &[f64],
    columns: &[Column],
    course: Course,
) -> Option<Rate> {
    let Course {
        leaks,
        became_a_leak,
        chance,
    } = course;
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
            error: Some(chance.of_count(only.blocks as f64)),
        };
        return Some(rate.divided_by(time));
    }
    let by_course = || of_last_course(runs, minutes, chance);
    // What a shorter run has less of may never have come, or be gone for another reason: its own course tells.
    let is_shorter = times.first() > times.last();
    if are_as_long(&times) || (is_shorter && (growth.is_growth() || knows_course(runs))) {
        return by_course();
    }
    if became_a_leak || (leaks && differ_in_load(columns)) {
        return by_course();
    }
    let rate = over(&figures, &times);
    // Of the runs that have the site, as the rate is.
    let (first, last) = ends(&figures);
    let error = chance.of_difference(Growth::between(first, last), &times);
    // A leak is measured twice, and its own pace is often known better than the difference of two runs.
    let by_course = by_course().filter(|_| leaks);
    let from_course =
        by_course.and_then(|other| Some((other.blocks - rate.blocks).abs() + other.error?));
    Some(Rate {
        error: Some(from_course.map_or(error, |other| other.min(error))),
        ..rate
    })
}

/// Whether the last run did more or less in a minute than the first. Runs of the same work, in whatever time, leak with
/// their work.
fn differ_in_load(columns: &[Column]) -> bool {
    let work = |column: &Column| Some((column.records? as f64, column.duration_s?));
    let ends = columns.first().and_then(work);
    let ends = ends.zip(columns.last().and_then(work));
    ends.is_some_and(|((records, time), (last_records, last_time))| {
        let (first, last) = (records / time, last_records / last_time);
        let differs = first.max(last) > OTHER_LOAD * first.min(last);
        differs && !are_as_long(&[records, last_records])
    })
}

/// What the courses of the runs tell of a site, each looked at once.
#[derive(Debug, Clone, Copy)]
struct Course {
    /// By its last run alone.
    leaks: bool,
    /// The first run kept next to nothing in the end, or kept it at a lower pace, and the last one grew to its end: then
    /// it is not the difference of their ends that tells how fast it grows. What the first had from the start can be gone.
    became_a_leak: bool,
    chance: Chance,
}

impl Default for Course {
    fn default() -> Self {
        Course {
            leaks: false,
            became_a_leak: false,
            chance: Chance {
                dispersion: 1.0,
                kept: 0.0,
                swing: 0.0,
            },
        }
    }
}

impl Course {
    fn of(runs: &[Option<Box<SiteRun>>], minutes: &[f64]) -> Self {
        fn observed(run: Option<&Option<Box<SiteRun>>>) -> Option<Observed<'_>> {
            Observed::of(run?.as_deref()?)
        }
        // Of a run that does not have the site there is no difference, and of one without a course nothing is known.
        let (first, last) = (observed(runs.first()), observed(runs.last()));
        let leaks = last.is_some_and(|run| trend_of(&run) == Trend::Leak);
        let was_level =
            |first: &Observed<'_>| became_level(first) || trend_of(first) == Trend::Noise;
        let chance = Chance::of(last.as_ref());
        let was_slower = |first: &Observed<'_>| {
            let (Some(time), Some(last_time)) = (minutes.first(), minutes.last()) else {
                return false;
            };
            let surely = chance.kept - chance.of_count(chance.kept);
            kept(first).is_some_and(|kept| surely / last_time > FASTER * kept.blocks / time)
        };
        let was_less = |first: &Observed<'_>| was_level(first) || was_slower(first);
        Course {
            leaks,
            became_a_leak: leaks && first.as_ref().is_some_and(was_less),
            chance,
        }
    }
}

/// How much counts of a site vary by themselves.
#[derive(Debug, Clone, Copy)]
struct Chance {
    /// The variance of a count, as a share of it: 1 for blocks that come one by one at any time, less for one in every
    /// round, more for batches.
    dispersion: f64,
    /// Blocks that the last run kept, without what it had from the start.
    kept: f64,
    /// Blocks that are there or not, depending on when one looks.
    swing: f64,
}

impl Chance {
    fn of(last: Option<&Observed<'_>>) -> Self {
        let known = last.and_then(kept);
        let dispersion = known.and_then(|kept| kept.dispersion);
        Chance {
            dispersion: dispersion.map_or(1.0, |known| known * MAY_VARY_MORE),
            kept: known.map_or(0.0, |kept| kept.blocks),
            swing: last.map_or(0.0, |run| swing(run.curve)),
        }
    }

    /// The error of so many blocks.
    fn of_count(self, blocks: f64) -> f64 {
        // One block more or less is always possible.
        let by_chance = DEVIATIONS * (self.dispersion * blocks.abs()).sqrt().max(1.0);
        by_chance.max(self.swing)
    }

    /// What a rate comes to at least, as a share of it.
    fn least_share(self) -> f64 {
        match self.swing > 0.0 {
            true => 0.0,
            false => LEAST_SHARE,
        }
    }

    /// The error of a rate from what a longer run has more: both its runs counted all that they kept.
    fn of_difference(self, growth: Growth, minutes: &[f64]) -> f64 {
        let (Some(first), Some(last)) = (minutes.first(), minutes.last()) else {
            return 0.0;
        };
        let grew = growth.blocks.unsigned_abs() as f64;
        match is_longer(&[*first, *last]) {
            true => {
                // At their difference's pace, or at that of the last run: chance can make the difference small, too.
                let of_both = grew * (first + last) / (last - first);
                let of_both = of_both.max(self.kept * (first + last) / last);
                self.of_count(of_both) / (last - first)
            }
            // Runs of one length kept as much each.
            false => self.of_count(grew.max(2.0 * self.kept)) / last,
        }
    }
}

/// The most that was there in the second half of a run, if most of that was gone again at some step.
fn swing(curve: &Curve) -> f64 {
    let (mut most, mut falls) = (0, false);
    for at in &curve.points()[STEPS / 2..] {
        most = most.max(at.blocks);
        falls |= at.blocks <= most / FALLS && most > 0;
    }
    if falls { most as f64 } else { 0.0 }
}

/// Whether runs took the same time.
pub(crate) fn are_as_long(times: &[f64]) -> bool {
    let longest = times.iter().copied().fold(0.0, f64::max);
    let shortest = times.iter().copied().fold(f64::INFINITY, f64::min);
    longest - shortest <= SAME_TIME * longest
}

fn knows_course(runs: &[Option<Box<SiteRun>>]) -> bool {
    let last = runs.last().and_then(Option::as_ref);
    last.is_some_and(|run| run.curve.is_some())
}

/// Whether the last run took longer than the first: then what it has more of tells how fast that grows.
fn is_longer(times: &[f64]) -> bool {
    match times {
        [first, .., last] => last > first && !are_as_long(&[*first, *last]),
        _ => false,
    }
}

/// The last run's pace in its second half, by its curve: what fills at the start is over by then. Its steps are equal in
/// lines of the log, so a run that did more in its first half than in its second has a rate that is some percent off.
fn of_last_course(runs: &[Option<Box<SiteRun>>], minutes: &[f64], chance: Chance) -> Option<Rate> {
    let last = runs.last()?.as_ref()?;
    let rate = of_course(last.curve.as_ref()?, &last.figures);
    // Twice that of the half that was counted.
    let error = 2.0 * chance.of_count(rate.blocks / 2.0);
    let rate = Rate {
        error: Some(error),
        ..rate
    };
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
        error: None,
    }
}

/// From the first run to the last, over what lies between them on the line `x`; over the last run's own place, where
/// there is no way between them, or one back.
fn end_to_end(growth: Growth, x: &[f64]) -> Option<Rate> {
    let (first, last) = (*x.first()?, *x.last()?);
    let way = match are_as_long(&[first, last]) || last < first {
        true => last,
        false => last - first,
    };
    (x.len() > 1 && way > 0.0).then(|| Rate {
        blocks: growth.blocks as f64 / way,
        bytes: growth.bytes.map(|bytes| bytes as f64 / way),
        fit: None,
        error: None,
    })
}

/// The steeper of two rates, in blocks and in bytes.
fn steepest(a: Option<Rate>, b: Option<Rate>) -> Option<Rate> {
    let (Some(a), Some(b)) = (a, b) else {
        return a.or(b);
    };
    let bytes = [a.bytes, b.bytes].into_iter().flatten();
    let steeper = if b.blocks > a.blocks { b } else { a };
    Some(Rate {
        bytes: bytes.reduce(f64::max),
        fit: None,
        ..steeper
    })
}

impl Rate {
    /// What it comes to at least, if chance made it look steep.
    fn at_least(self, least_share: f64) -> Rate {
        let Some(error) = self.error.filter(|_| self.blocks > 0.0) else {
            return self;
        };
        let blocks = (self.blocks - error).max(least_share * self.blocks);
        let share = blocks / self.blocks;
        Rate {
            blocks,
            bytes: self.bytes.map(|bytes| match bytes > 0.0 {
                true => bytes * share,
                false => bytes,
            }),
            ..self
        }
    }

    fn divided_by(self, minutes: f64) -> Rate {
        Rate {
            blocks: self.blocks / minutes,
            bytes: self.bytes.map(|bytes| bytes / minutes),
            error: self.error.map(|error| error / minutes),
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
        error: None,
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
