//! Finds memory leaks by comparing what glibc's `mtrace(3)` logged of two or more runs of a program.
//!
//! ```text
//! capture ──► trace ──► symbols ──► diff ──► report
//!  files       log ►     caller ►    sites ►  one model,
//!              figures   names       growth   many renderers
//! ```
//!
//! Each module uses only those to its left, and the leaves [`elf`], [`units`], [`printable`],
//! [`progress`], [`error`] and [`warning`]. [`compare`] and [`show`] walk the whole way and give a [`Report`],
//! which a renderer of [`report`] then draws. [`saved`] reads and writes
//! runs that are results already.

pub mod capture;
pub mod cli;
pub mod diff;
pub mod elf;
pub mod error;
pub mod import;
pub mod printable;
pub mod progress;
pub mod report;
pub mod saved;
pub mod symbols;
pub mod trace;
pub mod units;
pub mod warning;

mod pipeline;

pub use error::{Error, Result};
pub use pipeline::{OldListing, Plan, compare, list, show};
pub use report::Report;
