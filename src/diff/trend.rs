//! What the curve of a call site says about its growth.
//!
//! A block that is alive at the end is not yet a leak: tables are filled at the start, caches grow to their
//! bound, pools double. What matters is whether a site goes on growing to the end of the run. The rule
//! below is a pure function of the curves and prefers not to call something a leak: a cache that is
//! called one costs a person an hour, a leak that is missed in one run shows in a longer one.

use super::column::Column;
use super::median::median;
use super::site::SiteRun;
use crate::trace::{Curve, STEPS};

/// What kind of growth a call site shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Trend {
    /// Grows steadily to the end.
    Leak,
    /// All of it came in the beginning, and it has stayed level.
    Startup,
    /// Grew, then stayed level: a cache or a pool.
    Plateau,
    /// Jumps.
    Burst,
    /// Too few blocks to say.
    Noise,
    /// Level all along: the difference is only what the end did not free.
    Shutdown,
}

impl Trend {
    /// Stable, for scripts and for people.
    pub fn name(self) -> &'static str {
        match self {
            Trend::Leak => "leak",
            Trend::Startup => "startup",
            Trend::Plateau => "plateau",
            Trend::Burst => "burst",
            Trend::Noise => "noise",
            Trend::Shutdown => "shutdown",
        }
    }
}

/// A site that never had so many blocks live says nothing.
pub const FEWEST_BLOCKS: u64 = 8;

/// Windows into which a curve is cut; each is judged by its median, which a peak does not move.
pub const WINDOWS: usize = 8;

/// A rise counts if it is this many times what the curve goes up and down by itself.
pub const ABOVE_RIPPLE: f64 = 3.0;

/// A leak's second half rises by at least this share of what is live at the end.
pub const LEAST_RISE: f64 = 0.04;

/// The last quarter of a leak rises by at least this share of what the quarter before it does. A cache that is filled
/// at random slows down as it fills: with a time constant of a third of the run, to half in a quarter.
pub const STEADY: f64 = 0.6;

/// And by so many blocks.
pub const LEAST_BLOCKS: f64 = 2.0;

/// If the two largest rises from step to step make up this share of all, they are jumps.
pub const JUMPS: f64 = 0.6;

/// A curve that was this near to its end level after a tenth of the run ([`START`]) was filled at the start.
pub const FILLED: f64 = 0.9;

/// So much less at the end than just before is what the end freed.
pub const FREED_AT_END: f64 = 0.08;

/// What is above the level by this share of it is a peak.
pub const PEAK: f64 = 0.3;

/// The step at which the start of a run is over: a tenth of it.
const START: usize = 6;

/// Steps that belong to the end of a run.
const END: usize = 3;

/// A run that is this many times longer and ends with no more than [`NO_MORE`] as much has no leak, unless the first
/// one stood level in the end.
pub const LONGER: f64 = 1.2;

/// See [`LONGER`].
pub const NO_MORE: f64 = 1.05;

/// Judges a site; `None` if its last run has no curve.
pub fn trend_of_site(runs: &[Option<Box<SiteRun>>], columns: &[Column]) -> Option<Trend> {
    runs.last()?.as_ref()?.curve.as_ref()?;
    let nothing = Curve::default();
    // Runs of which only the end is known say nothing about the course.
    let observed = runs.iter().zip(columns).filter_map(|(run, column)| {
        let curve = match run {
            Some(run) => run.curve.as_ref()?,
            None => &nothing,
        };
        let duration_s = column.duration_s;
        Some(Observed { curve, duration_s })
    });
    trend(&observed.collect::<Vec<_>>())
}

/// One run of a site: its curve, and how long the run was, where that is known.
#[derive(Debug, Clone, Copy)]
pub struct Observed<'a> {
    pub curve: &'a Curve,
    pub duration_s: Option<f64>,
}

/// The verdict on a site from its curves, in order of the runs. The last run is judged; the first one tells
/// what a longer run should have made of it.
pub fn trend(runs: &[Observed<'_>]) -> Option<Trend> {
    let last = runs.last()?;
    let of_last = trend_of(last.curve);
    let Some(first) = runs.first().filter(|_| runs.len() > 1) else {
        return Some(of_last);
    };
    if of_last == Trend::Leak && !became_level(first.curve) && is_no_more(first, last) {
        return Some(Trend::Plateau);
    }
    if of_last != Trend::Noise && differs_only_at_the_end(first.curve, last.curve) {
        return Some(Trend::Shutdown);
    }
    Some(of_last)
}

/// Whether a curve has come to its level before the end: what grows to the end of a longer run has no such level.
pub fn became_level(curve: &Curve) -> bool {
    matches!(trend_of(curve), Trend::Startup | Trend::Plateau)
}

/// A leak would have left more in the longer run.
fn is_no_more(first: &Observed<'_>, last: &Observed<'_>) -> bool {
    let (Some(short), Some(long)) = (first.duration_s, last.duration_s) else {
        return false;
    };
    let end = |run: &Observed<'_>| blocks(run.curve)[STEPS - 1];
    long > short * LONGER && end(first) > 0.0 && end(last) <= end(first) * NO_MORE
}

/// Both runs stood at the same level, but the first one freed some of it at its end.
fn differs_only_at_the_end(first: &Curve, last: &Curve) -> bool {
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
pub fn trend_of(curve: &Curve) -> Trend {
    let blocks = blocks(curve);
    let peak = blocks.iter().fold(0.0_f64, |most, live| most.max(*live));
    if peak < FEWEST_BLOCKS as f64 {
        return Trend::Noise;
    }
    if is_freed_at_the_end(&blocks) {
        return Trend::Shutdown;
    }
    let windows: [f64; WINDOWS] = std::array::from_fn(|index| {
        let length = STEPS / WINDOWS;
        median(&blocks[index * length..(index + 1) * length])
    });
    let jumps = rises_in_jumps(&blocks);
    if !jumps && grows_to_the_end(&blocks, &windows) {
        Trend::Leak
    } else if is_level_from_the_start(&blocks, &windows) {
        match has_peaks(&blocks) {
            true => Trend::Burst,
            false => Trend::Startup,
        }
    } else if doubles(&blocks) {
        Trend::Plateau
    } else if jumps || has_peaks(&blocks) {
        Trend::Burst
    } else {
        Trend::Plateau
    }
}

fn blocks(curve: &Curve) -> [f64; STEPS] {
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
fn rises_in_jumps(blocks: &[f64; STEPS]) -> bool {
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
