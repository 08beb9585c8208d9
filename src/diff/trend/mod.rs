//! What the growth of a call site means.
//!
//! A block that is alive at the end is not yet a leak: tables are filled at the start, caches grow to their
//! bound, pools double. What matters is whether a site goes on keeping what it allocates, to the end of the run. Its
//! survivors tell: when the blocks were born that live at the end ([`Evidence`]). Where they are not known, the shape of the
//! curve has to do ([`shape`]). The rule is a pure function of both and prefers not to call something a leak: a cache that is
//! called one costs a person an hour, a leak that is missed in one run shows in a longer one.

mod evidence;
mod parts;
mod shape;
mod work;

use super::column::Column;
use super::site::SiteRun;
use crate::trace::{Curve, STEPS};

use evidence::Evidence;
pub use shape::FEWEST_BLOCKS;

/// What kind of growth a call site shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Trend {
    /// Keeps on keeping blocks, to the end.
    Leak,
    /// Grew to the end of the program's work, and was freed when it ended.
    Grows,
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
    /// Whether it grew as long as the program worked.
    pub fn is_growth(self) -> bool {
        matches!(self, Trend::Leak | Trend::Grows)
    }

    /// Stable, for scripts and for people.
    pub fn name(self) -> &'static str {
        match self {
            Trend::Leak => "leak",
            Trend::Grows => "grows",
            Trend::Startup => "startup",
            Trend::Plateau => "plateau",
            Trend::Burst => "burst",
            Trend::Noise => "noise",
            Trend::Shutdown => "shutdown",
        }
    }
}

/// Of a run that is this many times longer, what it has more must be what it kept meanwhile, or it has no leak, unless the
/// first one stood level in the end.
const LONGER: f64 = 1.2;

/// This share of that is no more: the runs differ by it anyhow.
const NO_MORE: f64 = 0.15;

/// What left less than this share of what the first run did was not stopped by a bound that both have.
const MUCH_LESS: f64 = 0.5;

/// One run of a site: its curves, and how long the run was, where that is known.
#[derive(Debug, Clone, Copy)]
pub struct Observed<'a> {
    pub curve: &'a Curve,
    /// How many of the blocks that lived to the end were there at each step.
    pub survivors: Option<&'a Curve>,
    /// Of the whole run.
    pub records: Option<u64>,
    pub duration_s: Option<f64>,
}

impl<'a> Observed<'a> {
    /// A curve of which nothing else is known.
    pub fn bare(curve: &'a Curve) -> Self {
        Observed {
            curve,
            survivors: None,
            records: None,
            duration_s: None,
        }
    }

    fn end(&self, by_bytes: bool) -> f64 {
        let end = self.curve.points()[STEPS - 1];
        let end = if by_bytes { end.bytes } else { end.blocks };
        end as f64
    }

    /// Whether its blocks are as many as they were, and grow.
    fn leaks_by_bytes(&self) -> bool {
        let points = self.curve.points();
        let blocks = points.map(|point| point.blocks as f64);
        let bytes = points.map(|point| point.bytes as f64);
        !of_blocks(self).is_growth() && work::grows_by_bytes(&blocks, &bytes)
    }
}

/// A verdict, and what it is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding {
    pub trend: Trend,
    /// It is not the blocks that grow in number, but their bytes.
    pub by_bytes: bool,
}

/// Judges a site; `None` if its last run has no curve.
pub fn judge_site(runs: &[Option<Box<SiteRun>>], columns: &[Column]) -> Option<Finding> {
    runs.last()?.as_ref()?.curve.as_ref()?;
    let nothing = Curve::default();
    // Runs of which only the end is known say nothing about the course.
    let observed = runs.iter().zip(columns).filter_map(|(run, column)| {
        let (curve, survivors) = match run {
            Some(run) => (run.curve.as_ref()?, run.survivors.as_ref()),
            None => (&nothing, Some(&nothing)),
        };
        Some(Observed {
            curve,
            survivors,
            records: column.records,
            duration_s: column.duration_s,
        })
    });
    judge_runs(&observed.collect::<Vec<_>>())
}

/// The verdict on one run of a site by itself; `None` if it has no curve.
pub fn judge_run(run: &SiteRun, column: &Column) -> Option<Finding> {
    judge_runs(&[Observed {
        curve: run.curve.as_ref()?,
        survivors: run.survivors.as_ref(),
        records: column.records,
        duration_s: column.duration_s,
    }])
}

/// The verdict on a site from its curves, in order of the runs. The last run is judged; the first one tells
/// what a longer run should have made of it.
pub fn judge_runs(runs: &[Observed<'_>]) -> Option<Finding> {
    let last = runs.last()?;
    let by_bytes = last.leaks_by_bytes();
    let of_last = trend_of(last);
    let first = runs.first().filter(|_| runs.len() > 1);
    let trend = match first {
        Some(first) if of_last == Trend::Leak && is_no_more(first, last, by_bytes) => {
            Trend::Plateau
        }
        Some(first)
            if of_last != Trend::Noise
                && !by_bytes
                && shape::differs_only_at_the_end(first.curve, last.curve) =>
        {
            Trend::Shutdown
        }
        _ => of_last,
    };
    let by_bytes = by_bytes && trend == Trend::Leak;
    Some(Finding { trend, by_bytes })
}

/// Whether a run has come to its level before its end: what grows to the end of a longer run has no such level.
pub fn became_level(run: &Observed<'_>) -> bool {
    matches!(trend_of(run), Trend::Startup | Trend::Plateau)
}

/// A leak would have left more in the longer run, unless the first run stood level in the end: then it is new.
fn is_no_more(first: &Observed<'_>, last: &Observed<'_>, by_bytes: bool) -> bool {
    let times = first.duration_s.zip(last.duration_s);
    let records = first.records.zip(last.records);
    let work = records.map(|(first, last)| (first as f64, last as f64));
    // Work that is known from both must be more by both: a run can be longer and do less.
    let times_as_much = [times, work].into_iter().flatten();
    let times_as_much = times_as_much.map(|(short, long)| long / short);
    let longer = times_as_much.fold(f64::INFINITY, f64::min);
    if !longer.is_finite() || longer <= LONGER {
        return false;
    }
    let (before, after) = (first.end(by_bytes), last.end(by_bytes));
    // What it kept in the time by which it is longer.
    let kept = match Evidence::of(last) {
        Some(evidence) if !by_bytes => evidence.all_kept() * (1.0 - 1.0 / longer),
        _ => after * (1.0 - 1.0 / longer),
    };
    // What left much less is not the same leak in a longer run: a fix frees blocks, and frees are records.
    let is_as_much = before > 0.0 && after >= MUCH_LESS * before;
    is_as_much && after - before <= NO_MORE * kept && !became_level(first)
}

/// The verdict on one run.
pub fn trend_of(run: &Observed<'_>) -> Trend {
    match run.leaks_by_bytes() {
        true => Trend::Leak,
        false => of_blocks(run),
    }
}

fn of_blocks(run: &Observed<'_>) -> Trend {
    match Evidence::of(run) {
        Some(evidence) => evidence.trend(),
        None => shape::trend_of(run.curve),
    }
}
