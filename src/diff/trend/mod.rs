//! What the growth of a call site means.
//!
//! A block that is alive at the end is not yet a leak: tables are filled at the start, caches grow to their
//! bound, pools double. What matters is whether a site goes on keeping what it allocates, to the end of the run. Its
//! survivors tell: when the blocks were born that live at the end ([`Evidence`]). Where they are not known, the shape of the
//! curve has to do ([`shape`]). The rule is a pure function of both and prefers not to call something a leak: a cache that is
//! called one costs a person an hour, a leak that is missed in one run shows in a longer one.

mod doubt;
mod drift;
mod evidence;
mod freed;
mod judged;
mod length;
mod longer;
mod observed;
mod outlived;
mod parts;
mod queue;
mod reasons;
mod shape;
mod single;
mod tail;
mod teeth;
mod waiting;
mod work;

use std::sync::LazyLock;

use super::column::Column;
pub(super) use super::finding::{Finding, Trend};
use super::site::SiteRun;
use crate::trace::{Curve, Lives};

pub(crate) use doubt::Doubt;
use evidence::Evidence;
use judged::judged;
pub use observed::Observed;
use observed::both;
pub(crate) use reasons::Reasons;
pub(crate) use shape::FEWEST_BLOCKS;
pub(crate) use single::became_level;
pub use single::trend_of;
use work::GrowsByBytes;
pub(super) use work::{end_of_work, last_loss};

/// Judges a site; `None` if its last run has no curve.
pub(super) fn judge_site(runs: &[Option<Box<SiteRun>>], columns: &[Column]) -> Option<Finding> {
    judge_runs(&observed(runs, columns)?)
}

/// Why a site's verdict is what it is; `None` if it has none.
pub(super) fn reasons(runs: &[Option<Box<SiteRun>>], columns: &[Column]) -> Option<Reasons> {
    let allocations = runs.last()?.as_ref()?.figures.allocations;
    Reasons::of(&observed(runs, columns)?, allocations)
}

/// The runs of a site, as far as their course is known; `None` if that of the last one is not.
fn observed<'a>(runs: &'a [Option<Box<SiteRun>>], columns: &[Column]) -> Option<Vec<Observed<'a>>> {
    static NOTHING: LazyLock<Curve> = LazyLock::new(Curve::default);
    static NO_LIVES: LazyLock<Lives> = LazyLock::new(Lives::default);
    runs.last()?.as_ref()?.curve.as_ref()?;
    // Runs of which only the end is known say nothing about the course.
    let observed = runs.iter().zip(columns).filter_map(|(run, column)| {
        let observed = match run {
            Some(run) => Observed::of(run)?,
            None => Observed {
                survivors: Some(&NOTHING),
                lives: Some(&NO_LIVES),
                ..Observed::bare(&NOTHING)
            },
        };
        Some(observed.in_run(column))
    });
    Some(observed.collect())
}

/// The verdict on one run of a site by itself; `None` if it has no curve.
pub(super) fn judge_run(run: &SiteRun, column: &Column) -> Option<Finding> {
    judge_runs(&[Observed::of(run)?.in_run(column)])
}

/// The verdict on a site from its curves, in order of the runs. The last run is judged; the first one tells
/// what a longer run should have made of it.
pub fn judge_runs(runs: &[Observed<'_>]) -> Option<Finding> {
    judged(runs).map(|judged| judged.finding)
}

/// What a run kept of a site, without what was there from the start.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kept {
    pub blocks: f64,
    /// By how much more or less than counts of blocks that come one by one they vary; `None` where there are none.
    pub dispersion: Option<f64>,
}

/// `None` where it is not known when blocks were born.
pub(super) fn kept(run: &Observed<'_>) -> Option<Kept> {
    let evidence = Evidence::of(run)?;
    Some(Kept {
        blocks: evidence.all_kept(),
        dispersion: evidence.variance_of_stretches(),
    })
}

/// Whether a site grew until its program freed what it had, in blocks or in bytes, whatever is left of it.
pub(super) fn grew_until_the_exit(curve: &Curve) -> bool {
    let [blocks, bytes] = both(curve);
    work::grew_until_the_exit(&blocks)
        || work::grows_by_bytes(&blocks, &bytes) == Some(GrowsByBytes::UntilTheExit)
}
