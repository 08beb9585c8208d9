//! Runs that are results already: saved reports, and what the old tools made of a log.
//!
//! A saved report is a [`Run`](crate::run::Run), written down.

mod document;
mod inventory;
mod old_result;
mod settle;
mod store;
mod unfinished;

pub use document::{SCHEMA, read, to_json};
pub use old_result::OldResult;
pub use settle::settle;
pub use store::{refuse_over, write};
