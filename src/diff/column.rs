//! The runs of a comparison, as far as every site is measured against them.

use crate::run::{Figures, Run};

/// What a comparison knows of one of its runs as a whole.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// How long it took, in seconds, where that is known.
    pub duration_s: Option<f64>,
    /// The figures of a site that the run does not have.
    pub nothing: Figures,
}

impl Column {
    pub fn of(run: &Run) -> Self {
        Column {
            duration_s: run.facts.duration_s,
            nothing: run.nothing(),
        }
    }
}
