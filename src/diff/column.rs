//! The runs of a comparison, as far as every site is measured against them.

use crate::run::{BlamedRun, Figures, Source};

/// What a comparison knows of one of its runs as a whole.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// How many of them its log has, where that is known: what it did.
    pub records: Option<u64>,
    /// How long it took, in seconds, where that is known; without most of the time in which its program stopped, if that was
    /// long.
    pub duration_s: Option<f64>,
    /// The figures of a site that the run does not have.
    pub nothing: Figures,
    /// It was read from a result of `mtrace_do.py`, which leaves out the dynamic loader.
    pub lacks_loader: bool,
}

impl Column {
    pub(crate) fn of(run: &BlamedRun) -> Self {
        Column {
            records: run.facts.records,
            duration_s: run.facts.duration_of_curves(),
            nothing: run.nothing(),
            lacks_loader: run.facts.origin.source == Source::MtraceDo,
        }
    }
}
