//! The ways that lead to a row: the callers of its responsible line, in all runs.

mod fold;
mod frames;
mod join;
mod lcs;
mod tree;
mod way;
mod ways;

pub(super) use lcs::likeness;
pub(crate) use tree::{CallerNode, CallerTree, Cut};
pub(super) use way::{Way, WayRun};
pub(crate) use ways::ways;

use crate::run::Pattern;

/// How much of the ways counts.
#[derive(Debug, Clone, Default)]
pub struct Reach {
    /// So many callers, the nearest ones; all where it is not said.
    pub callers: Option<usize>,
    /// A way ends at the first function that this is.
    pub under: Option<Pattern>,
}
