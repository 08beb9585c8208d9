//! Saved reports: a [`Run`](crate::run::Run), written down.

mod document;
mod inventory;
mod stacks;
mod store;
mod unfinished;

pub use document::{is_report, read, to_json};
pub use store::{refuse_over, write};
