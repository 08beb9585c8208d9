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

pub(crate) use document::{is_report, read, to_json};
pub(crate) use store::{refuse_over, write};
