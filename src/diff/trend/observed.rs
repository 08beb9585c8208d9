//! What is known of one run of a call site.

use crate::diff::column::Column;
use crate::diff::site::SiteRun;
use crate::trace::{Curve, Lives, STEPS};

/// One run of a site: its curves, and how long the run was, where that is known.
#[derive(Debug, Clone, Copy)]
pub struct Observed<'a> {
    /// What was live at equal steps of the run.
    pub curve: &'a Curve,
    /// How many of the blocks that lived to the end were there at each step.
    pub survivors: Option<&'a Curve>,
    /// How long the others lived.
    pub lives: Option<&'a Lives>,
    /// Of the whole run.
    pub records: Option<u64>,
    /// How many blocks the site allocated, where that is known.
    pub allocations: Option<u64>,
    /// How long the program was traced, in seconds.
    pub duration_s: Option<f64>,
}

impl<'a> Observed<'a> {
    /// A site's part of a run, by itself; `None` if it has no curve.
    pub fn of(run: &'a SiteRun) -> Option<Self> {
        Some(Observed {
            survivors: run.survivors.as_ref(),
            lives: run.lives.as_ref(),
            allocations: run.figures.allocations,
            ..Observed::bare(run.curve.as_ref()?)
        })
    }

    /// The same, in a run of which more is known.
    pub fn in_run(self, column: &Column) -> Self {
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
            lives: None,
            records: None,
            allocations: None,
            duration_s: None,
        }
    }

    /// The same, of which it is not known how long it took.
    pub(super) fn by_records(self) -> Self {
        Observed {
            duration_s: None,
            ..self
        }
    }

    /// The most blocks that were live at the end of a step.
    pub(super) fn most(&self) -> u64 {
        let blocks = self.curve.points().map(|point| point.blocks);
        blocks.into_iter().max().unwrap_or(0)
    }

    /// What is live at the end: bytes, or blocks.
    pub fn end(&self, by_bytes: bool) -> f64 {
        let end = self.curve.points()[STEPS - 1];
        let end = if by_bytes { end.bytes } else { end.blocks };
        end as f64
    }
}

/// Its blocks, and its bytes.
pub(super) fn both(curve: &Curve) -> [[f64; STEPS]; 2] {
    let points = curve.points();
    [
        points.map(|point| point.blocks as f64),
        points.map(|point| point.bytes as f64),
    ]
}
