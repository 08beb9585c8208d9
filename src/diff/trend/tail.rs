//! Growth after a long start, which the exit ends: by far the most of what a site has is a table, and what leaks beside it is so
//! little that the course of the whole says nothing. The end of its work does, and a longer run that did more of it.

use super::longer::differ_by;
use super::observed::Observed;
use super::parts::scatter;
use super::{shape, work};
use crate::trace::STEPS;

/// The end of the work that grows evenly takes so many steps,
const LEAST_STEPS: usize = 10;

/// in which there are so many blocks more.
const LEAST_RISE: f64 = 12.0;

/// It is even if half of that comes in each half, or so much of it, but for a standard deviation of what comes one by one, and
/// if it strays from a line by no more than this share.
const A_HALF: f64 = 0.4;
const STRAYS: f64 = 0.1;

/// What comes and goes beside it is left out by taking the lowest of so many steps.
const NEAR: usize = 3;

/// The longer run has this much of what it should have more at that pace, and at that of the other run: what fills up slows
/// down.
const AS_MUCH: std::ops::RangeInclusive<f64> = 0.7..=1.5;

/// It has so many blocks more, and work for so many of its steps more: less says nothing.
const LEAST_MORE: f64 = 4.0;
const LEAST_STEPS_MORE: f64 = 2.0;

/// The work of a run that the exit ended: what a site had at each step, and the last one.
struct Work {
    live: [f64; STEPS],
    end: usize,
    /// Records.
    a_step: f64,
}

/// Even growth from a step to the end of the work.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Tail {
    /// In records of the run.
    ends: f64,
    level: f64,
    /// Blocks a record.
    pace: f64,
}

impl Work {
    /// `None` if the end of the run did not free what the site had when it had most.
    fn of(run: &Observed<'_>) -> Option<Work> {
        let live = shape::blocks(run.curve);
        let end = work::end_of_work(&live);
        let top = (0..=end).max_by(|a, b| live[*a].total_cmp(&live[*b]))?;
        (end < STEPS - 1 && top + NEAR >= end).then_some(Work {
            live,
            // The exit itself may allocate before it frees.
            end: top.checked_sub(1)?,
            a_step: run.records? as f64 / STEPS as f64,
        })
    }

    /// `None` if it did not grow evenly from this step to the end.
    fn tail_from(&self, begin: usize) -> Option<Tail> {
        let floors: Vec<f64> = (begin..=self.end).map(|step| self.floor(step)).collect();
        let (first, last) = (floors.first()?, floors.last()?);
        are_even(&floors).then(|| Tail {
            ends: (self.end + 1) as f64 * self.a_step,
            level: *last,
            pace: (last - first) / ((self.end - begin) as f64 * self.a_step),
        })
    }

    fn floor(&self, step: usize) -> f64 {
        let near = &self.live[step..=self.end.min(step + NEAR - 1)];
        near.iter().copied().fold(f64::INFINITY, f64::min)
    }
}

/// Whether what was there at each step rises evenly.
fn are_even(floors: &[f64]) -> bool {
    let [first, middle, last] = [0, floors.len() / 2, floors.len() - 1].map(|step| floors[step]);
    let rise = last - first;
    let least = A_HALF * rise - rise.max(0.0).sqrt() / 2.0;
    rise >= LEAST_RISE
        && middle - first >= least
        && last - middle >= least
        && scatter(floors) <= (STRAYS * rise).max(1.0)
}

/// Whether a site grew evenly until the exit freed what it had, in both runs, and had as much more in that which did more.
pub(super) fn grew_with_the_work(first: &Observed<'_>, last: &Observed<'_>) -> bool {
    let (short, long) = match differ_by(&first.by_records(), &last.by_records()) {
        Some(times) if times > 1.0 => (first, last),
        Some(_) => (last, first),
        None => return false,
    };
    let Some((short, long)) = Work::of(short).zip(Work::of(long)) else {
        return false;
    };
    let Some(begin) = short.end.checked_sub(LEAST_STEPS) else {
        return false;
    };
    // Both runs start alike.
    let same_record = (begin + 1) as f64 * short.a_step / long.a_step;
    let tails = short
        .tail_from(begin)
        .zip(long.tail_from(same_record as usize));
    tails.is_some_and(|(of_short, of_long)| {
        let more_work = of_long.ends - of_short.ends;
        let more = of_long.level - of_short.level;
        more_work >= LEAST_STEPS_MORE * long.a_step
            && more >= LEAST_MORE
            && [of_short, of_long]
                .iter()
                .all(|tail| AS_MUCH.contains(&(more / (more_work * tail.pace))))
    })
}

#[cfg(test)]
mod tests {
    use super::{Observed, STEPS, grew_with_the_work};
    use crate::diff::finding::Trend;
    use crate::diff::trend::judge_runs;
    use crate::trace::{Curve, Tally};

    const START: u64 = 100_000;
    const EXIT: u64 = 30_000;

    /// A program that fills a table in its start, then does so much work in which `kept` blocks have come, and frees them all.
    fn run(work: u64, kept: impl Fn(u64) -> u64) -> (u64, Curve) {
        let records = START + work + EXIT;
        let curve = Curve::of(&std::array::from_fn(|step| {
            let done = records * (step as u64 + 1) / STEPS as u64;
            let table = done.min(START) / 25 + (done * done / 9_000_000).min(START / 900);
            let blocks = table + kept(done.saturating_sub(START).min(work));
            let blocks = if done > START + work { 0 } else { blocks };
            Tally {
                blocks,
                bytes: 48 * blocks,
            }
        }));
        (records, curve)
    }

    fn observed((records, curve): &(u64, Curve)) -> Observed<'_> {
        static NOTHING: std::sync::LazyLock<Curve> = std::sync::LazyLock::new(Curve::default);
        Observed {
            records: Some(*records),
            survivors: Some(&NOTHING),
            ..Observed::bare(curve)
        }
    }

    #[test]
    fn what_grows_after_a_long_start_grows() {
        let leak = |done: u64| done / 500;
        let (short, long) = (run(60_000, leak), run(90_000, leak));
        let (short, long) = (observed(&short), observed(&long));
        assert_eq!(judge_runs(&[short, long]).unwrap().trend, Trend::Grows);
        assert_eq!(judge_runs(&[long, short]).unwrap().trend, Trend::Grows);
        assert!(!grew_with_the_work(&long, &long), "no longer run");
    }

    #[test]
    fn what_a_longer_run_has_no_more_of_is_no_growth() {
        let pairs: [[(u64, Curve); 2]; 4] = [
            [run(60_000, |_| 0), run(90_000, |_| 0)],
            // Filled at the same time, however long the work takes.
            [
                run(60_000, |done| done / 500),
                run(90_000, |done| done / 750),
            ],
            [
                run(60_000, |done| done / 500),
                run(90_000, |done| done.min(30_000) / 500),
            ],
            // Twice as fast: other work.
            [
                run(60_000, |done| done / 500),
                run(90_000, |done| done / 250),
            ],
        ];
        for (number, [short, long]) in pairs.iter().enumerate() {
            let (short, long) = (observed(short), observed(long));
            assert!(!grew_with_the_work(&short, &long), "{number}");
        }
    }
}
