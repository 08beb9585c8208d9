//! The shape of a curve: all there is where it is not known which blocks survived.

use crate::diff::finding::Trend;
use crate::diff::median::median;
use crate::trace::{Curve, STEPS};

/// A site that never had so many blocks live says nothing.
pub(crate) const FEWEST_BLOCKS: u64 = 8;

/// Windows into which a curve is cut; each is judged by its median, which a peak does not move.
const WINDOWS: usize = 8;

/// A rise counts if it is this many times what the curve goes up and down by itself.
const ABOVE_RIPPLE: f64 = 3.0;

/// A leak's second half rises by at least this share of what is live at the end.
const LEAST_RISE: f64 = 0.04;

/// The last quarter of a leak rises by at least this share of what the quarter before it does. A cache that is filled
/// at random slows down as it fills: with a time constant of a third of the run, to half in a quarter.
const STEADY: f64 = 0.6;

/// And by so many blocks.
const LEAST_BLOCKS: f64 = 2.0;

/// If the two largest rises from step to step make up this share of all, they are jumps.
const JUMPS: f64 = 0.6;

/// A curve that was this near to its end level after a tenth of the run ([`START`]) was filled at the start.
const FILLED: f64 = 0.9;

/// So much less at the end than just before is what the end freed.
const FREED_AT_END: f64 = 0.08;

/// What is above the level by this share of it is a peak.
const PEAK: f64 = 0.3;

/// The step at which the start of a run is over: a tenth of it.
const START: usize = 6;

/// Steps that belong to the end of a run.
const END: usize = 3;

/// Both runs stood at the same level, but the first one freed some of it at its end.
pub(super) fn differs_only_at_the_end(first: &Curve, last: &Curve) -> bool {
    let (first, last) = (blocks(first), blocks(last));
    let level = |curve: &[f64; STEPS]| median(&curve[STEPS / 2..STEPS - END]);
    let (before, after) = (level(&first), level(&last));
    let is_level = |curve: &[f64; STEPS], level: f64| {
        let ripple = FREED_AT_END * level;
        curve[STEPS / 4..STEPS - END]
            .iter()
            .all(|live| (live - level).abs() <= ripple)
    };
    let grew = last[STEPS - 1] - first[STEPS - 1];
    before > 0.0
        && (after - before).abs() <= FREED_AT_END * before
        && is_level(&first, before)
        && is_level(&last, after)
        && grew > FREED_AT_END * after
}

/// The verdict on one curve.
pub(super) fn trend_of(curve: &Curve) -> Trend {
    trend_of_blocks(&blocks(curve))
}

/// The same, of the blocks at each step.
pub(super) fn trend_of_blocks(blocks: &[f64; STEPS]) -> Trend {
    let peak = blocks.iter().fold(0.0_f64, |most, live| most.max(*live));
    if peak < FEWEST_BLOCKS as f64 {
        return Trend::Noise;
    }
    if is_freed_at_the_end(blocks) {
        return Trend::Shutdown;
    }
    let windows: [f64; WINDOWS] = std::array::from_fn(|index| {
        let length = STEPS / WINDOWS;
        median(&blocks[index * length..(index + 1) * length])
    });
    let jumps = rises_in_jumps(blocks);
    if !jumps && grows_to_the_end(blocks, &windows) {
        Trend::Leak
    } else if is_level_from_the_start(blocks, &windows) {
        match has_peaks(blocks) {
            true => Trend::Burst,
            false => Trend::Startup,
        }
    } else if doubles(blocks) {
        Trend::Plateau
    } else if jumps || has_peaks(blocks) {
        Trend::Burst
    } else {
        Trend::Plateau
    }
}

pub(super) fn blocks(curve: &Curve) -> [f64; STEPS] {
    curve.points().map(|point| point.blocks as f64)
}

/// Level, and then part of it is freed in the last steps.
fn is_freed_at_the_end(blocks: &[f64; STEPS]) -> bool {
    let before = &blocks[STEPS / 2..STEPS - END];
    let level = median(before);
    let end = blocks[STEPS - 1];
    end < level * (1.0 - FREED_AT_END) && level - end > ABOVE_RIPPLE * ripple(before)
}

fn grows_to_the_end(blocks: &[f64; STEPS], windows: &[f64; WINDOWS]) -> bool {
    // The middle of the run, three quarters of it, and its end.
    let (middle, before_end, end) = (windows[3], windows[5], windows[7]);
    let rise = end - middle;
    let ripple = ripple(&blocks[STEPS / 2..]);
    rise >= ABOVE_RIPPLE * ripple
        && rise >= LEAST_RISE * blocks[STEPS - 1]
        && rise >= LEAST_BLOCKS
        && end - before_end >= STEADY * (before_end - middle)
        && end > before_end
}

/// How much a curve goes up and down beside its trend: the median of how far each point is from
/// the middle of its neighbours.
fn ripple(blocks: &[f64]) -> f64 {
    let off: Vec<f64> = blocks
        .windows(5)
        .map(|near| {
            (near[2] - median(near))
                .abs()
                .max((near[2] - (near[0] + near[4]) / 2.0).abs())
        })
        .collect();
    median(&off)
}

/// Whether most of what a curve rises by comes in a step or two.
pub(super) fn rises_in_jumps(blocks: &[f64; STEPS]) -> bool {
    // What comes at the start is no jump.
    let start = STEPS / WINDOWS;
    let mut rises: Vec<f64> = blocks[start - 1..]
        .windows(2)
        .map(|pair| (pair[1] - pair[0]).max(0.0))
        .collect();
    rises.sort_unstable_by(|a, b| b.total_cmp(a));
    let lowest = blocks[start..]
        .iter()
        .fold(f64::INFINITY, |least, live| least.min(*live));
    let highest = blocks[start..]
        .iter()
        .fold(0.0_f64, |most, live| most.max(*live));
    let span = highest - lowest;
    span > 0.0 && rises[0] + rises[1] >= JUMPS * span && span >= 0.15 * highest
}

/// Whether it is a staircase of a step or two that it never comes down: a pool, or what is read anew.
pub(super) fn is_staircase(blocks: &[f64; STEPS]) -> bool {
    // What is there for a step only is no rise.
    let lasting: [f64; STEPS] = std::array::from_fn(|step| {
        let near = &blocks[step.saturating_sub(1)..(step + 2).min(STEPS)];
        near.iter().copied().fold(f64::INFINITY, f64::min)
    });
    let steps = lasting[STEPS / WINDOWS - 1..].windows(2);
    let mut rises: Vec<f64> = steps
        .clone()
        .map(|pair| (pair[1] - pair[0]).max(0.0))
        .collect();
    rises.sort_unstable_by(|a, b| b.total_cmp(a));
    let falls: f64 = steps.map(|pair| (pair[0] - pair[1]).max(0.0)).sum();
    rises_in_jumps(&lasting) && falls < (rises[0] + rises[1]) / 2.0
}

/// So many steps at one level at the end, and as many births at least.
const FULL: usize = 3;

/// Whether it has come to a level at which each block that comes takes the place of another: a cache that is full. `alive`
/// are its survivors.
pub(super) fn is_full(blocks: &[f64; STEPS], alive: &[f64; STEPS]) -> bool {
    let is_full_until = |end: usize| {
        let level = blocks[..end].iter().rev();
        let level = level.take_while(|live| (**live - blocks[end]).abs() <= 0.002 * blocks[end]);
        let steps = level.count();
        let births = alive[end.min(STEPS - END)] - alive[end - steps];
        let rise = (blocks[end] - blocks[end - steps]).max(0.0);
        steps >= FULL && births - rise >= FULL as f64
    };
    // Its exit may have freed some.
    (STEPS - END - 1..STEPS).any(is_full_until)
}

fn is_level_from_the_start(blocks: &[f64; STEPS], windows: &[f64; WINDOWS]) -> bool {
    let end = windows[WINDOWS - 1];
    let later = &windows[1..];
    let highest = later.iter().fold(end, |most, live| most.max(*live));
    let lowest = later.iter().fold(end, |least, live| least.min(*live));
    let ripple = ripple(&blocks[START..]);
    let slack = ((1.0 - FILLED) * end).max(2.0 * ABOVE_RIPPLE * ripple);
    blocks[START] >= FILLED * end - ABOVE_RIPPLE * ripple && highest - lowest <= slack
}

/// For a while well above the level of the rest.
fn has_peaks(blocks: &[f64; STEPS]) -> bool {
    let after_start = &blocks[START..];
    let level = median(after_start).max(blocks[STEPS - 1]);
    let highest = after_start
        .iter()
        .fold(0.0_f64, |most, live| most.max(*live));
    highest - level > (PEAK * level).max(2.0 * ABOVE_RIPPLE * ripple(after_start))
}

/// Whether a curve rises by doubling and no otherwise, twice or more, and is level after: a pool or a
/// hash table that makes itself larger.
fn doubles(blocks: &[f64; STEPS]) -> bool {
    let level_from = STEPS - STEPS / 4;
    let end = median(&blocks[level_from..]);
    // The first steps belong to what fills the first level.
    let mut level = blocks[2].max(1.0);
    let mut doublings = 0;
    for index in 3..STEPS {
        // A doubling can fall on the end of a step, which then has a part of it.
        let live = blocks[index].max(blocks[index - 1]);
        if live > level * 1.35 {
            let settled = median(&blocks[index.min(STEPS - 3)..(index + 3).min(STEPS)]);
            let times = (settled / level).log2();
            if times < 0.6 || (times - times.round()).abs() > 0.25 || index >= level_from {
                return false;
            }
            doublings += 1;
            level = settled;
        } else if live < level * 0.8 {
            return false;
        }
    }
    doublings >= 2 && (end - level).abs() <= 0.15 * level
}
