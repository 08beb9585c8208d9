//! Finds memory leaks by comparing what glibc's `mtrace(3)` logged of two or more runs of a program.
//!
//! ```text
//! capture ──► trace ──► run ──► symbols ──► import, saved ──► diff ──► report
//!  files       log ►     what    caller ►    a file format     sites,   one model,
//!              figures   any     names       each gives a      growth,  many
//!                        source              run               verdicts renderers
//!                        comes to
//! ```
//!
//! [`recording`] stands beside [`trace`]: it reads what the recorder wrote, with its call stacks.
//! [`record`] stands beside them all: it runs programs under the recorder and makes unwind tables, and asks
//! [`symbols`] only where files are.
//!
//! Each module uses only those to its left, and the leaves [`elf`], [`error`],
//! [`warning`], [`progress`] and those that are not public: names of files and symbols, numbers, units, texts
//! that can be shown. [`compare`] and [`show`] walk the whole way and give a [`Report`],
//! which a renderer of [`report`] then draws. In the middle stands the [`Run`](run::Run): what a log, a saved
//! report or an old tool's result comes to, and all that the modules to its right know of one.
//!
//! [`guide`] is for users: its chapters say how programs are recorded, how the table is read, and what to trust.

pub mod capture;
pub mod cli;
pub mod diff;
pub mod elf;
pub mod error;
pub mod guide;
pub mod progress;
pub mod record;
pub mod recording;
pub mod report;
pub mod run;
pub mod symbols;
pub mod trace;
pub mod warning;

mod file_name;
mod hex;
mod import;
mod pipeline;
mod plan;
mod printable;
mod saved;
mod symbol_name;
mod units;

pub use error::{Error, Result};
pub use pipeline::{compare, show};
pub use plan::Plan;
pub use report::Report;
