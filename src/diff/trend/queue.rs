//! A queue that fills faster than it is worked off, under a load that lets it drain for a time: no block is kept for long,
//! and its floor does not rise all along, but the longer a run is, the more is waiting.

use super::length::times_as_much;
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
    let mean = |from: usize, to: usize| {
        let part = &at_work[from * end / 4..to * end / 4];
        part.iter().sum::<f64>() / part.len() as f64
    };
    let falls = at_work.windows(2).map(|pair| (pair[0] - pair[1]).max(0.0));
    falls.sum::<f64>() >= FALLS * top
        && at_work[end] >= END * top
        && mean(3, 4) >= LAST_QUARTER * top
        && mean(2, 4) >= HALF * mean(0, 2)
        && mean(3, 4) >= RISES * mean(2, 3)
}

#[cfg(test)]
mod tests {
    use super::{Observed, STEPS, grows_with_the_length, is_high_in_the_end};
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
}
