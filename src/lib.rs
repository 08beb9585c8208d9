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
//! `recording` stands beside `trace`: it reads what the recorder wrote, with its call stacks.
//! `record` stands beside them all: it runs programs under the recorder and makes unwind tables, and uses only how
//! `symbols` finds files, and how `recording` reads a log.
//!
//! Each module uses only those to its left, and the leaves `elf`, `error`, `warning`, `progress`, names of files and
//! symbols, numbers, units and texts that can be shown. [`compare`] and [`show`] walk the whole way and give a
//! [`Report`], which one of the [`FORMATS`] then draws. In the middle stands the [`Run`]: what a log, a saved
//! report or an old tool's result comes to, and all that the modules to its right know of one.
//!
//! [`guide`] is for users: its chapters say how programs are recorded, how the table is read, and what to trust.
//!
//! # Example
//!
//! Two logs, compared as `mtrace-diff run0.log run1.log --fail-above 10 --format json` compares them:
//!
//! ```
//! use mtrace_diff::{Format, Gate, Options, Plan, RunInput, Decision, compare};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let directory = tempfile::tempdir()?;
//! # let (before, after) = (directory.path().join("run0.log"), directory.path().join("run1.log"));
//! # let log = |blocks: u64| {
//! #     let lines = (1..=blocks).map(|n| format!("@ ./app:[0x1234] + {:#x} 0x18\n", n * 32));
//! #     format!("= Start\n{}= End\n", lines.collect::<String>())
//! # };
//! # std::fs::write(&before, log(3))?;
//! # std::fs::write(&after, log(90))?;
//! let report = compare(&Plan {
//!     runs: vec![RunInput::new(before), RunInput::new(after)],
//!     gate: Gate { limits: vec!["10".parse()?], ..Gate::default() },
//!     ..Plan::default()
//! })?;
//! assert_eq!(report.decision, Some(Decision::Fail));
//! let worst = &report.sites[0];
//! assert_eq!(worst.growth.blocks, 87);
//!
//! let mut json = Vec::new();
//! let format = Format::named("json").ok_or("no such format")?;
//! format.write(&report, &Options::default(), &mut json)?;
//! # Ok(())
//! # }
//! ```

#![warn(missing_docs)]

mod capture;
mod diff;
mod elf;
mod error;
mod file_name;
mod hex;
mod import;
mod pipeline;
mod plan;
mod printable;
mod progress;
mod record;
mod recording;
mod report;
mod run;
mod run_facts;
mod saved;
mod symbol_name;
mod symbols;
mod trace;
#[cfg(test)]
mod trickle;
mod units;
mod warning;

pub mod guide;

#[doc(hidden)]
pub mod cli;

pub use capture::{Moment, RunInput};
pub use diff::{
    Breach, Change, Column, Decision, Gate, Grouping, Growth, Hidden, JoinedSite, Likeness, Limit,
    LineCounts, Map, MatchedBy, Measurement, MostHeld, Part, Rate, Rates, Site, SiteKey, SiteRun,
    SortBy, Together, Trend, Via,
};
pub use error::{Error, GateError, InputError, RecordError, Result, UsageError};
pub use pipeline::{compare, show};
pub use plan::Plan;
pub use progress::Progress;
pub use report::{FORMATS, Format, FreedAtEnd, Leaks, Options, Report, Shrunk, StackView, Sums};
pub use run::{
    Addressing, BlamedRun, Facts, Figures, Filter, FramePattern, Only, Pattern, Run, Wrappers,
};
pub use symbols::SearchPath;
pub use warning::{ComparisonWarning, LogWarning, NamesWarning, RecordingWarning, Warning};

/// What the tests, fuzz targets and benchmarks beside the crate look into. No promise holds here.
#[doc(hidden)]
pub mod internals {
    pub mod capture {
        pub use crate::capture::{Maps, plain};
    }
    pub mod diff {
        pub use crate::diff::{Observed, judge_runs, trend_of};
    }
    pub mod record {
        pub use crate::record::unwind;
    }
    pub mod trace {
        pub use crate::trace::{
            Block, CallerId, Curve, Event, Line, ReplayOptions, Reuse, Rounds, STEPS, Tally, Trace,
            caller_texts, live, log_warnings, parse, reader, replay, replay_in,
        };
    }
}
