//! What a longer run should have left more, if a site leaks.

use super::evidence::Evidence;
use super::length::{More, more_of, times_as_much_of};
use super::observed::Observed;
use super::shape;
use super::single::became_level;
use crate::trace::STEPS;

/// This share of that is no more: the runs differ by it anyhow.
const NO_MORE: f64 = 0.15;

/// By so many standard deviations, it is no accident that a longer run left no more.
const NO_ACCIDENT: f64 = 3.0;

/// What left less than this share of what the first run did was not stopped by a bound that both have.
const MUCH_LESS: f64 = 0.5;

/// Two runs differ in what they did, not by chance, if one did so many times as much.
const DIFFERS: f64 = 1.05;

/// A leak would have left so many blocks more in the longer one, or the same number says nothing.
const LEAST_MORE: f64 = 0.5;

/// So large a part of a table may come at another time: what takes the place of another block, or is in another order.
const OTHER: f64 = 0.05;

/// How many times as much work one of two runs did as the other, whichever that is; `None` if as much.
pub(super) fn differ_by(first: &Observed<'_>, last: &Observed<'_>) -> Option<f64> {
    let longer = times_as_much_of(first, last, DIFFERS);
    longer.or_else(|| Some(times_as_much_of(last, first, DIFFERS)?.recip()))
}

/// Whether two runs, of which one did more, left the very same: as many blocks, of as many bytes, that came at the same records,
/// or later in the longer run by no more than what it is longer. That is a table that the program fills with what it needs,
/// however late it begins, as with the modules that a script loads. A leak leaves more in the longer run, and by chance as
/// much, but then of another size or at another time.
pub(super) fn is_the_same_table(first: &Observed<'_>, last: &Observed<'_>) -> bool {
    let end = last.end(false);
    let is_the_same = end == first.end(false) && last.end(true) == first.end(true);
    let survivors = first.survivors.zip(last.survivors);
    let (Some(other), Some((of_first, of_last)), true) =
        (OtherWork::of(first, last), survivors, is_the_same)
    else {
        return false;
    };
    let ([short, long], times) = other.in_order([of_first, of_last].map(shape::blocks));
    // Where in a step a block came is not known.
    let at = |step: f64| long[step.clamp(0.0, (STEPS - 1) as f64) as usize];
    let slack = OTHER * end;
    let later = (STEPS as f64) * (1.0 - times.recip());
    end * (1.0 - times.recip()) >= LEAST_MORE
        && short.iter().enumerate().all(|(step, blocks)| {
            let step = (step + 1) as f64 / times - 1.0;
            *blocks >= at(step.floor() - 1.0) - slack
                && *blocks <= at((step + later).ceil() + 1.0) + slack
        })
        && other.is_no_timer(&short, &long, times)
}

/// Whether one of two runs did more, and had no more at its highest.
pub(super) fn has_no_more_in_other_work(first: &Observed<'_>, last: &Observed<'_>) -> bool {
    let Some(other) = OtherWork::of(first, last).filter(|_| first.most() == last.most()) else {
        return false;
    };
    let ([short, long], times) = other.in_order([first, last].map(|run| shape::blocks(run.curve)));
    other.is_no_timer(&short, &long, times)
}

/// Two runs, of which one did more.
#[derive(Debug, Clone, Copy)]
struct OtherWork {
    /// So many times as much as the first one did the last.
    times: f64,
    /// They took as long, and have other numbers of records.
    took_as_long: bool,
}

impl OtherWork {
    fn of(first: &Observed<'_>, last: &Observed<'_>) -> Option<OtherWork> {
        let by_both = differ_by(first, last);
        let by_records = || differ_by(&first.by_records(), &last.by_records());
        Some(OtherWork {
            times: by_both.or_else(by_records)?,
            took_as_long: by_both.is_none(),
        })
    }

    /// The run that did less first, and how many times as much the other did.
    fn in_order<T>(self, [first, last]: [T; 2]) -> ([T; 2], f64) {
        match self.times > 1.0 {
            true => ([first, last], self.times),
            false => ([last, first], self.times.recip()),
        }
    }

    /// Where both took as long, a timer has allocated as much in both, whatever else was done.
    fn is_no_timer(self, short: &[f64; STEPS], long: &[f64; STEPS], times: f64) -> bool {
        !self.took_as_long || !came_by_the_clock(short, long, times)
    }
}

/// Whether the blocks of two runs that took as long, and of which one wrote so many times as many records, came at the same time
/// in each half, rather than at the same record: they leak by the clock, whatever else the program did.
fn came_by_the_clock(short: &[f64; STEPS], long: &[f64; STEPS], times: f64) -> bool {
    let at_the_record = |step: usize| {
        let at = ((step + 1) as f64 / times - 1.0).max(0.0);
        let (below, part) = (at as usize, at.fract());
        let above = (below + 1).min(STEPS - 1);
        long[below] * (1.0 - part) + long[above] * part
    };
    let off = |half: std::ops::Range<usize>, other: &dyn Fn(usize) -> f64| -> f64 {
        half.map(|step| (short[step] - other(step)).abs()).sum()
    };
    [0..STEPS / 2, STEPS / 2..STEPS]
        .into_iter()
        .all(|half| off(half.clone(), &|step| long[step]) < off(half, &at_the_record))
}

/// Whether the run that did more left more, or either of two that did as much: a table is the same in both.
pub(super) fn differs_as_a_leak(first: &Observed<'_>, last: &Observed<'_>) -> bool {
    let more = last.end(false) - first.end(false);
    match differ_by(first, last) {
        Some(times) if times > 1.0 => more > 0.0,
        Some(_) => more < 0.0,
        None => more != 0.0,
    }
}

/// What a run that is longer left more; `None` if it is not, or if that is not known.
pub(super) fn more(first: &Observed<'_>, last: &Observed<'_>, by_bytes: bool) -> Option<More> {
    let evidence = || Evidence::of(last).filter(|_| !by_bytes);
    more_of(first, last, by_bytes, || {
        evidence().map_or(last.end(by_bytes), |evidence| evidence.all_kept())
    })
}

/// A leak would have left more in the longer run, unless the first run stood level in the end: then it is new. `None` if
/// it did, else whether it can be by chance that it did not.
pub(super) fn is_no_more(
    first: &Observed<'_>,
    last: &Observed<'_>,
    by_bytes: bool,
) -> Option<bool> {
    let More {
        longer,
        expected,
        left,
    } = more(first, last, by_bytes)?;
    let before = first.end(by_bytes);
    let evidence = |run| Evidence::of(run).filter(|_| !by_bytes);
    let both = evidence(first).zip(evidence(last));
    // The first run kept about as much for its length.
    let chance = evidence(last).map(|last| {
        let of_both = last.all_kept() * (1.0 + 1.0 / longer);
        (last.dispersion() * of_both).sqrt()
    });
    // What left much less is not the same leak in a longer run: a fix frees blocks, and frees are records. Nor was it
    // stopped by a bound that both have, if it left less by no accident.
    let is_as_much = before > 0.0
        && before + left >= MUCH_LESS * before
        && chance.is_none_or(|chance| left >= -NO_ACCIDENT * chance);
    // What was there from the start may be less for another reason, and hides what came after it. What is young may come
    // and go, and hides what came before it.
    let more_kept = both.map_or(left, |(first, last)| {
        let of_all = last.all_kept() - first.all_kept();
        of_all.max(last.old_kept() - first.old_kept())
    });
    let left = more_kept.max(left);
    let is_no_more = is_as_much && left <= NO_MORE * expected && !became_level(first);
    is_no_more.then(|| chance.is_some_and(|chance| expected - left <= NO_ACCIDENT * chance))
}

#[cfg(test)]
mod tests {
    use super::{Observed, STEPS, differs_as_a_leak};
    use crate::diff::finding::Trend;
    use crate::diff::trend::judge_runs;
    use crate::trace::{Curve, Tally};

    /// A run of so many records, after each of which so many blocks were there; all of them live to the end.
    fn curve(records: u64, blocks: impl Fn(u64) -> u64) -> Curve {
        Curve::of(&std::array::from_fn(|step| {
            let blocks = blocks(records * (step as u64 + 1) / STEPS as u64);
            Tally {
                blocks,
                bytes: 48 * blocks,
            }
        }))
    }

    fn run(records: u64, curve: &Curve) -> Observed<'_> {
        Observed {
            survivors: Some(curve),
            records: Some(records),
            ..Observed::bare(curve)
        }
    }

    fn trend(first: Observed<'_>, last: Observed<'_>) -> Trend {
        judge_runs(&[first, last]).unwrap().trend
    }

    /// A script loads modules nearly all the time, some at its start, and the others when half of its work is done.
    #[test]
    fn a_table_that_fills_to_the_end_is_the_same_in_a_longer_run() {
        let script = |records: u64| {
            let half = records / 2 - 45_000;
            curve(records, move |done| {
                let late = done.saturating_sub(45_000 + half);
                done.min(45_000) / 300 + late.min(45_000) / 300
            })
        };
        let (short, long) = (script(100_000), script(110_000));
        let (short, long) = (run(100_000, &short), run(110_000, &long));
        assert_eq!(trend(short, long), Trend::Plateau);
        assert_eq!(trend(long, short), Trend::Plateau);
        let as_long = Observed {
            records: Some(110_000),
            ..short
        };
        assert_eq!(trend(as_long, long), Trend::Leak, "not longer");
    }

    #[test]
    fn what_is_as_much_at_other_times_or_of_another_size_may_leak() {
        let even = curve(110_000, |done| done / 300);
        let last = run(110_000, &even);
        let late = curve(100_000, |done| done.saturating_sub(45_100) / 150);
        assert_eq!(late.points()[STEPS - 1], even.points()[STEPS - 1]);
        assert_eq!(trend(run(100_000, &late), last), Trend::Leak);
        let larger = even.points().map(|point| Tally {
            bytes: 2 * point.bytes,
            ..point
        });
        let larger = Curve::of(&larger);
        assert_eq!(trend(run(100_000, &larger), last), Trend::Leak);
    }

    /// Two runs of a minute, of which one wrote a tenth more records.
    #[test]
    fn what_comes_by_the_clock_is_no_table() {
        let in_a_minute = |run: Observed<'static>| Observed {
            duration_s: Some(60.0),
            ..run
        };
        let leaked = |records: u64| -> &'static Curve {
            Box::leak(Box::new(curve(records, move |done| 400 * done / records)))
        };
        let (short, long) = (leaked(100_000), leaked(110_000));
        let runs = [(100_000, short), (110_000, long)];
        let [short, long] = runs.map(|(records, curve)| in_a_minute(run(records, curve)));
        assert_eq!(trend(short, long), Trend::Leak);
        let table = |records: u64| -> &'static Curve {
            let filled = move |done: u64| done.min(80_000) / 200;
            Box::leak(Box::new(curve(records, filled)))
        };
        let runs = [(100_000, table(100_000)), (110_000, table(110_000))];
        let [short, long] = runs.map(|(records, curve)| in_a_minute(run(records, curve)));
        assert_eq!(trend(short, long), Trend::Plateau);
    }

    #[test]
    fn few_blocks_may_leak_only_if_another_run_has_another_number() {
        let of = |records, each| curve(records, move |done| done / each);
        let [six, five, four] = [(100_000, 16_000), (80_000, 15_000), (80_000, 18_000)]
            .map(|(records, each)| of(records, each));
        let last = run(100_000, &six);
        assert_eq!(trend(run(80_000, &four), last), Trend::MayLeak);
        assert_eq!(trend(run(100_000, &five), last), Trend::MayLeak);
        assert_eq!(trend(run(100_000, &six), last), Trend::Noise, "a table");
        assert_eq!(trend(run(120_000, &four), last), Trend::Noise, "fewer");
        assert_eq!(judge_runs(&[last]).unwrap().trend, Trend::Noise);
        assert!(differs_as_a_leak(&run(120_000, &six), &run(80_000, &five)));
    }
}
