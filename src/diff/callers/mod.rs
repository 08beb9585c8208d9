//! The ways that lead to a row: the callers of its responsible line, in all runs.

mod fold;
mod frames;
mod join;
mod lcs;
mod reach;
mod tree;
mod way;
mod ways;

pub(super) use lcs::likeness;
pub(crate) use reach::Reach;
pub(crate) use tree::{CallerNode, CallerTree, Cut};
pub(super) use way::{Way, WayRun};
pub(crate) use ways::ways;
