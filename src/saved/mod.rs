//! Saved reports: a [`Run`](crate::run::Run), written down.

mod caller;
mod checks;
mod document;
mod inventory;
mod name;
mod place;
mod stacks;
mod store;
mod unfinished;

pub use document::{is_report, read, to_json};
pub use store::{refuse_over, write};
