//! What the growth of a call site means.
//!
//! A block that is alive at the end is not yet a leak: tables are filled at the start, caches grow to their
//! bound, pools double. What matters is whether a site goes on keeping what it allocates, to the end of the run. Its
//! survivors tell: when the blocks were born that live at the end ([`Evidence`]). Where they are not known, the shape of the
//! curve has to do ([`shape`]). The rule is a pure function of both and prefers not to call something a leak: a cache that is
//! called one costs a person an hour, a leak that is missed in one run shows in a longer one.

mod evidence;
mod parts;
mod reasons;
mod shape;
mod work;

use std::sync::LazyLock;

use super::column::Column;
pub use super::finding::{Finding, Trend};
use super::site::SiteRun;
use crate::trace::{Curve, STEPS};

pub use evidence::Doubt;
use evidence::Evidence;
pub use reasons::{More, Reasons};
pub use shape::FEWEST_BLOCKS;
use work::GrowsByBytes;
pub use work::last_loss;

/// Of a run that is this many times longer, what it has more must be what it kept meanwhile, or it has no leak, unless the
/// first one stood level in the end.
const LONGER: f64 = 1.2;

/// This share of that is no more: the runs differ by it anyhow.
const NO_MORE: f64 = 0.15;

/// By so many standard deviations, it is no accident that a longer run left no more.
const NO_ACCIDENT: f64 = 3.0;

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
    /// A site's part of a run, by itself; `None` if it has no curve.
    pub fn of(run: &'a SiteRun) -> Option<Self> {
        Some(Observed {
            survivors: run.survivors.as_ref(),
            ..Observed::bare(run.curve.as_ref()?)
        })
    }

    /// The same, in a run of which more is known.
    fn in_run(self, column: &Column) -> Self {
        Observed {
            records: column.records,
            duration_s: column.duration_s,
            ..self
        }
    }

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

    /// The verdict on its bytes, if its blocks are as many as they were, and grow.
    fn by_bytes(&self) -> Option<Trend> {
        let [blocks, bytes] = both(self.curve);
        let grows = work::grows_by_bytes(&blocks, &bytes)?;
        (!of_blocks(self).is_growth()).then_some(match grows {
            GrowsByBytes::ToTheEnd => Trend::Leak,
            GrowsByBytes::UntilTheExit => Trend::Grows,
        })
    }
}

/// Judges a site; `None` if its last run has no curve.
pub fn judge_site(runs: &[Option<Box<SiteRun>>], columns: &[Column]) -> Option<Finding> {
    judge_runs(&observed(runs, columns)?)
}

/// Why a site's verdict is what it is; `None` if it has none.
pub fn reasons(runs: &[Option<Box<SiteRun>>], columns: &[Column]) -> Option<Reasons> {
    let allocations = runs.last()?.as_ref()?.figures.allocations;
    Reasons::of(&observed(runs, columns)?, allocations)
}

/// The runs of a site, as far as their course is known; `None` if that of the last one is not.
fn observed<'a>(runs: &'a [Option<Box<SiteRun>>], columns: &[Column]) -> Option<Vec<Observed<'a>>> {
    static NOTHING: LazyLock<Curve> = LazyLock::new(Curve::default);
    runs.last()?.as_ref()?.curve.as_ref()?;
    // Runs of which only the end is known say nothing about the course.
    let observed = runs.iter().zip(columns).filter_map(|(run, column)| {
        let observed = match run {
            Some(run) => Observed::of(run)?,
            None => Observed {
                survivors: Some(&NOTHING),
                ..Observed::bare(&NOTHING)
            },
        };
        Some(observed.in_run(column))
    });
    Some(observed.collect())
}

/// The verdict on one run of a site by itself; `None` if it has no curve.
pub fn judge_run(run: &SiteRun, column: &Column) -> Option<Finding> {
    judge_runs(&[Observed::of(run)?.in_run(column)])
}

/// The verdict on a site from its curves, in order of the runs. The last run is judged; the first one tells
/// what a longer run should have made of it.
pub fn judge_runs(runs: &[Observed<'_>]) -> Option<Finding> {
    judged(runs).map(|judged| judged.finding)
}

struct Judged {
    finding: Finding,
    /// It would be a leak, had a longer run left more.
    no_more: bool,
}

fn judged(runs: &[Observed<'_>]) -> Option<Judged> {
    let last = runs.last()?;
    let of_bytes = last.by_bytes();
    let by_bytes = of_bytes.is_some();
    let of_last = of_bytes.unwrap_or_else(|| of_blocks(last));
    let first = runs.first().filter(|_| runs.len() > 1);
    let mut no_more = false;
    let trend = match first {
        Some(first)
            if matches!(of_last, Trend::Leak | Trend::MayLeak)
                && let Some(by_chance) = is_no_more(first, last, by_bytes) =>
        {
            no_more = true;
            match by_chance && of_last == Trend::Leak {
                true => Trend::MayLeak,
                false => Trend::Plateau,
            }
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
    let by_bytes = by_bytes && trend.is_growth();
    Some(Judged {
        finding: Finding { trend, by_bytes },
        no_more,
    })
}

/// What a run kept of a site, without what was there from the start.
#[derive(Debug, Clone, Copy)]
pub struct Kept {
    pub blocks: f64,
    /// By how much more or less than counts of blocks that come one by one they vary; `None` where there are none.
    pub dispersion: Option<f64>,
}

/// `None` where it is not known when blocks were born.
pub fn kept(run: &Observed<'_>) -> Option<Kept> {
    let evidence = Evidence::of(run)?;
    Some(Kept {
        blocks: evidence.all_kept(),
        dispersion: evidence.variance_of_stretches(),
    })
}

/// Whether a run has come to its level before its end: what grows to the end of a longer run has no such level.
pub fn became_level(run: &Observed<'_>) -> bool {
    matches!(trend_of(run), Trend::Startup | Trend::Plateau)
}

/// What a run that is longer left more; `None` if it is not, or if that is not known.
fn more(first: &Observed<'_>, last: &Observed<'_>, by_bytes: bool) -> Option<More> {
    let times = first.duration_s.zip(last.duration_s);
    let records = first.records.zip(last.records);
    let work = records.map(|(first, last)| (first as f64, last as f64));
    // Work that is known from both must be more by both: a run can be longer and do less.
    let times_as_much = [times, work].into_iter().flatten();
    let times_as_much = times_as_much.map(|(short, long)| long / short);
    let longer = times_as_much.fold(f64::INFINITY, f64::min);
    let evidence = Evidence::of(last).filter(|_| !by_bytes);
    let all_kept = evidence.map_or(last.end(by_bytes), |evidence| evidence.all_kept());
    (longer.is_finite() && longer > LONGER).then(|| More {
        longer,
        expected: all_kept * (1.0 - 1.0 / longer),
        left: last.end(by_bytes) - first.end(by_bytes),
    })
}

/// A leak would have left more in the longer run, unless the first run stood level in the end: then it is new. `None` if
/// it did, else whether it can be by chance that it did not.
fn is_no_more(first: &Observed<'_>, last: &Observed<'_>, by_bytes: bool) -> Option<bool> {
    let More {
        longer,
        expected,
        left,
    } = more(first, last, by_bytes)?;
    let before = first.end(by_bytes);
    // What left much less is not the same leak in a longer run: a fix frees blocks, and frees are records.
    let is_as_much = before > 0.0 && before + left >= MUCH_LESS * before;
    // What was there from the start may be less for another reason, and hides what came after it.
    let kept = |run| {
        Evidence::of(run)
            .filter(|_| !by_bytes)
            .map(|evidence| evidence.all_kept())
    };
    let more_kept = kept(last)
        .zip(kept(first))
        .map(|(last, first)| last - first);
    let left = more_kept.map_or(left, |more| more.max(left));
    let is_no_more = is_as_much && left <= NO_MORE * expected && !became_level(first);
    is_no_more.then(|| {
        let evidence = Evidence::of(last).filter(|_| !by_bytes);
        let chance = evidence.map(|evidence| {
            // The first run kept about as much for its length.
            let both = evidence.all_kept() * (1.0 + 1.0 / longer);
            (evidence.dispersion() * both).sqrt()
        });
        chance.is_some_and(|chance| expected - left <= NO_ACCIDENT * chance)
    })
}

/// The verdict on one run.
pub fn trend_of(run: &Observed<'_>) -> Trend {
    run.by_bytes().unwrap_or_else(|| of_blocks(run))
}

/// Whether a site grew until its program freed what it had, in blocks or in bytes, whatever is left of it.
pub fn grew_until_the_exit(curve: &Curve) -> bool {
    let [blocks, bytes] = both(curve);
    work::grew_until_the_exit(&blocks)
        || work::grows_by_bytes(&blocks, &bytes) == Some(GrowsByBytes::UntilTheExit)
}

/// Its blocks, and its bytes.
fn both(curve: &Curve) -> [[f64; STEPS]; 2] {
    let points = curve.points();
    [
        points.map(|point| point.blocks as f64),
        points.map(|point| point.bytes as f64),
    ]
}

fn of_blocks(run: &Observed<'_>) -> Trend {
    match Evidence::of(run) {
        Some(evidence) => evidence.trend(),
        None => shape::trend_of(run.curve),
    }
}
