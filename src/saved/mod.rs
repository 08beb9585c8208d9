//! Runs that are results already: saved reports, and what the old tools made of a log.
//!
//! A [`RunResult`] is all that joining, ranking, judging and drawing need of a run. A capture is
//! turned into one; a saved report is one, written down.

mod document;
mod old_result;
mod settle;
mod store;

pub use document::{SCHEMA, read, to_json};
pub use old_result::OldResult;
pub use settle::settle;
pub use store::write;

use crate::diff::NamedCaller;
use crate::report::RunSummary;

/// What one run comes to.
#[derive(Debug)]
pub struct RunResult {
    pub summary: RunSummary,
    pub callers: Vec<NamedCaller>,
}
