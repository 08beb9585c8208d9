//! A way to a row.

use crate::diff::caller::Caller;
use crate::run::Figures;

/// A way to a row: what called its line, the nearest caller first.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Way {
    /// As the last run that has it spells it; and whether the way came back to that function.
    pub callers: Vec<(Caller, bool)>,
    /// In the order of the runs.
    pub runs: Vec<Option<WayRun>>,
    /// It is not clear which way of an earlier run it was.
    pub forked: bool,
}

/// What a run has of a way.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct WayRun {
    /// Call sites of the run.
    pub sites: Vec<u32>,
    pub figures: Option<Figures>,
}

impl WayRun {
    pub(crate) fn add(&mut self, other: WayRun) {
        self.sites.extend(other.sites);
        self.figures = match (self.figures, other.figures) {
            (Some(mut sum), Some(figures)) => {
                sum.add(figures);
                Some(sum)
            }
            (one, other) => one.or(other),
        };
    }
}
