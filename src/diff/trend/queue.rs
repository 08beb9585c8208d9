//! A queue that fills faster than it is worked off, under a load that lets it drain for a time: no block is kept for long,
//! and its floor does not rise all along, but the longer a run is, the more is waiting.

use super::length::times_as_much;
use super::longer::differ_by;
use super::observed::Observed;
use super::{shape, work};
use crate::trace::STEPS;

/// The longer run has this share, at its highest, of what a steady growth would have more: what comes and goes is as high in
/// both, and chance lowers one of two.
const AS_MUCH_MORE: f64 = 0.7;

/// More than so many times that is no growth at one pace, but another load.
const TOO_MUCH: f64 = 2.0;

/// A queue that may be a leak has so many blocks.
pub(super) const LEAST: f64 = 12.0;

/// When the work ends, it has this share of the most it ever had; its last quarter, on average, this one;
const END: f64 = 0.8;
const LAST_QUARTER: f64 = 0.5;

/// and its second half so many times what its first one has. A steady growth has three times as much.
const HALF: f64 = 1.5;

/// The last quarter has so many times what the third one has. A steady growth has 1.4 times as much, and what fills up and
/// is level has as much.
const RISES: f64 = 1.15;

/// It falls by this share of the most it had, all falls together: what never falls is judged by whether it slows down.
const FALLS: f64 = 0.1;

/// As [`HALF`] and [`RISES`], of what is freed in order: few things but a queue are, and one of few blocks is uneven.
const HALF_IN_ORDER: f64 = 1.2;
const RISES_IN_ORDER: f64 = 1.1;

/// What is freed in order has this share of what came since its oldest block: all of it, but the pace of what comes changes.
/// Of blocks that live for a random time, a third is left where there are two dozen, and less where there are more.
const IN_ORDER: f64 = 0.5;

/// This share of them may be older: a block or two that are set aside.
const ASIDE: f64 = 0.02;

/// Whether the longer of two runs had as much more at its highest as what goes on growing has, whichever that is.
pub(super) fn grows_with_the_length(first: &Observed<'_>, last: &Observed<'_>) -> bool {
    let had_more = |short: &Observed<'_>, long: &Observed<'_>| {
        let longer = times_as_much(short, long)?;
        let (short, long) = (most(short), most(long));
        let expected = long * (1.0 - 1.0 / longer);
        Some(long - short >= AS_MUCH_MORE * expected && long <= TOO_MUCH * longer * short)
    };
    had_more(first, last)
        .or_else(|| had_more(last, first))
        .unwrap_or(false)
}

fn most(run: &Observed<'_>) -> f64 {
    shape::blocks(run.curve).into_iter().fold(0.0, f64::max)
}

/// Whether a site has about as much as it ever had when its work ends, and had less before, though it fell in between.
pub(super) fn is_high_in_the_end(live: &[f64; STEPS]) -> bool {
    let Some(end) = work::end_of_long_work(live) else {
        return false;
    };
    let at_work = &live[..=end];
    let top = at_work.iter().fold(0.0_f64, |most, live| most.max(*live));
    let falls = at_work.windows(2).map(|pair| (pair[0] - pair[1]).max(0.0));
    falls.sum::<f64>() >= FALLS * top && rises_by(at_work, HALF, RISES)
}

/// The same of what is known to be freed in order, where it is enough that it rises by these shares, and need not fall.
pub(super) fn rises_to_the_end(live: &[f64; STEPS]) -> bool {
    work::end_of_long_work(live)
        .is_some_and(|end| rises_by(&live[..=end], HALF_IN_ORDER, RISES_IN_ORDER))
}

fn rises_by(at_work: &[f64], half: f64, rises: f64) -> bool {
    let end = at_work.len() - 1;
    let top = at_work.iter().fold(0.0_f64, |most, live| most.max(*live));
    let mean = |from: usize, to: usize| {
        let part = &at_work[from * end / 4..to * end / 4];
        part.iter().sum::<f64>() / part.len() as f64
    };
    at_work[end] >= END * top
        && mean(3, 4) >= LAST_QUARTER * top
        && mean(2, 4) >= half * mean(0, 2)
        && mean(3, 4) >= rises * mean(2, 3)
}

/// Whether blocks are freed in the order in which they came, as a queue is worked off: then all that came since the oldest
/// that is live is live, too. Of what lives for as long as it happens to, most of that is gone. The site allocated so many in
/// all; `None` if nothing is left.
pub(super) fn is_in_order(
    live: &[f64; STEPS],
    alive: &[f64; STEPS],
    allocations: u64,
) -> Option<bool> {
    let left = alive[STEPS - 1];
    let begin = live.iter().position(|live| *live > 0.0)?;
    let oldest = alive
        .iter()
        .rposition(|alive| *alive <= ASIDE * left)
        .unwrap_or(0);
    let since = (STEPS - 1 - oldest) as f64 / (STEPS - begin) as f64;
    (left > 0.0).then_some(left >= IN_ORDER * since * allocations as f64)
}

/// Whether one of two runs is longer, and had more at its highest: what expires after a while is as high in both, however the
/// load rises.
pub(super) fn longer_has_more(first: &Observed<'_>, last: &Observed<'_>) -> bool {
    match differ_by(first, last) {
        Some(times) if times > 1.0 => last.most() > first.most(),
        Some(_) => last.most() < first.most(),
        None => false,
    }
}

/// The longer of two runs has this share more at its highest, of what it is longer by.
const MORE: f64 = 0.1;

/// As [`longer_has_more`], and by a share of what it is longer by; `true` of runs that did as much.
pub(super) fn longer_has_clearly_more(first: &Observed<'_>, last: &Observed<'_>) -> bool {
    let [few, many] = [first, last].map(|run| run.most() as f64);
    let is_more = |few: f64, many: f64, times: f64| many >= few * (1.0 + MORE * (times - 1.0));
    match differ_by(first, last) {
        Some(times) if times > 1.0 => is_more(few, many, times),
        Some(times) => is_more(many, few, times.recip()),
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Observed, STEPS, grows_with_the_length, is_high_in_the_end, is_in_order, longer_has_more,
    };
    use crate::diff::finding::Trend;
    use crate::diff::trend::judge_runs;
    use crate::trace::{Curve, Tally};

    /// It fills for as long as a run takes, and drains for a while at two thirds of that.
    fn filling(to: f64) -> [f64; STEPS] {
        std::array::from_fn(|step| match step {
            ..=40 => to * step as f64 / 64.0,
            41..=46 => to * (0.62 - (step - 40) as f64 / 16.0),
            _ => to * (0.25 + (step - 46) as f64 / 17.0 * 0.75),
        })
    }

    #[test]
    fn a_queue_that_drains_for_a_time_is_told_from_what_is_level() {
        assert!(is_high_in_the_end(&filling(400.0)));
        let level = std::array::from_fn(|step| [300.0, 400.0][step % 2]);
        assert!(!is_high_in_the_end(&level));
        let filled = std::array::from_fn(|step| 400.0_f64.min(20.0 * step as f64));
        assert!(!is_high_in_the_end(&filled));
    }

    #[test]
    fn the_longer_run_has_more_whichever_it_is() {
        let curve = |to: f64| {
            Curve::of(&filling(to).map(|blocks| Tally {
                blocks: blocks as u64,
                bytes: 0,
            }))
        };
        let run = |curve, records| Observed {
            records: Some(records),
            ..Observed::bare(curve)
        };
        let (few, many) = (curve(200.0), curve(400.0));
        let grows = |first, last| grows_with_the_length(&first, &last);
        assert!(grows(run(&few, 10_000), run(&many, 20_000)));
        assert!(grows(run(&many, 20_000), run(&few, 10_000)));
        assert!(!grows(run(&few, 10_000), run(&few, 20_000)));
        assert!(!grows(run(&few, 10_000), run(&many, 10_000)), "by chance");
        assert!(!grows(run(&few, 10_000), run(&many, 100_000)), "too little");
    }

    #[test]
    fn what_is_freed_in_order_is_told_from_what_lives_for_as_long_as_it_happens_to() {
        let live = std::array::from_fn(|step| 2.0 * step as f64);
        let in_order = std::array::from_fn(|step| (10.0 * (step as f64 - 50.4)).max(0.0));
        assert_eq!(is_in_order(&live, &in_order, 640), Some(true));
        let by_chance = std::array::from_fn(|step| 126.0 * ((step as f64 - 63.0) / 12.6).exp());
        assert_eq!(is_in_order(&live, &by_chance, 640), Some(false));
        assert_eq!(is_in_order(&live, &[0.0; STEPS], 640), None);
    }

    /// It stands for a while, and two blocks come at each step, so that no floor rises all along.
    #[test]
    fn a_short_queue_that_is_worked_off_in_order_may_grow() {
        let curve = |blocks: fn(u64) -> u64| {
            Curve::of(&std::array::from_fn(|step| Tally {
                blocks: blocks(step as u64),
                bytes: 0,
            }))
        };
        let live = curve(|step| match step {
            ..=12 => step * 8 / 12,
            13..=25 => 8,
            26..=38 => 7,
            _ => 7 + (step - 38) * 18 / 25,
        });
        let survivors = curve(|step| step.saturating_sub(50) * 25 / 13);
        let run = |curve, allocations, records| Observed {
            survivors: Some(&survivors),
            records: Some(records),
            allocations,
            ..Observed::bare(curve)
        };
        let half = Curve::of(&live.points().map(|point| Tally {
            blocks: point.blocks / 2,
            bytes: 0,
        }));
        let trend = |first, allocations| {
            let last = run(&live, allocations, 20_000);
            judge_runs(&[first, last]).unwrap().trend
        };
        let shorter = run(&half, Some(64), 10_000);
        assert_eq!(trend(shorter, Some(128)), Trend::MayLeak);
        assert_eq!(trend(shorter, Some(640)), Trend::Plateau, "in any order");
        assert_eq!(trend(shorter, None), Trend::Plateau);
        let as_high = run(&live, Some(128), 10_000);
        assert!(!longer_has_more(&as_high, &shorter));
        assert_eq!(trend(as_high, Some(128)), Trend::Plateau, "by the load");
    }
}
