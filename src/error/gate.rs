//! What a gate cannot judge.

use std::path::PathBuf;

use crate::printable::printable_path;

/// What a gate cannot judge.
#[derive(Debug, thiserror::Error)]
pub enum GateError {
    /// A run has no records at all.
    #[error(
        "'{}' has no records, so the gate has nothing to judge; {reason}",
        printable_path(path)
    )]
    NothingToJudge {
        /// Its log.
        path: PathBuf,
        /// Why that may be, and what to do.
        reason: &'static str,
    },

    /// No stack of the last run is among those that were asked for.
    #[error(
        "the last run has no stack through {filter}, so the gate has nothing to judge; check the name, which may have changed"
    )]
    NothingLeft {
        /// What stacks are to go through.
        filter: String,
    },

    /// A limit is in bytes, and a run has none.
    #[error(
        "growth above {limit} cannot be judged: '{}' is a result of mtrace_do.py, which has no bytes; give limits of \
         blocks (10) or percentages, or another run that knows bytes",
        printable_path(path)
    )]
    BytesUnknown {
        /// The run without bytes.
        path: PathBuf,
        /// The limit, as it was given.
        limit: String,
    },

    /// An old tool's result lacks many of the blocks that its total has.
    #[error(
        "the gate cannot judge '{}': many blocks of its total have no line, so the result may be cut; make it again, or \
         give the log",
        printable_path(path)
    )]
    IncompleteResult {
        /// The result.
        path: PathBuf,
    },

    /// A run's figures are so far from the truth that no verdict on them would be worth anything.
    #[error("{what} of '{}' cannot be judged: {warning}", printable_path(path))]
    NotToBeJudged {
        /// The run.
        path: PathBuf,
        /// Which of its figures cannot be judged.
        what: &'static str,
        /// The text of the warning that says why.
        warning: String,
    },

    /// A run's figures are partial, and the gate is strict.
    #[error(
        "--strict: the figures of '{}' are partial: {warning}",
        printable_path(path)
    )]
    PartialFigures {
        /// The run.
        path: PathBuf,
        /// The text of the warning that says why.
        warning: String,
    },

    /// Processes that are not judged left more than in the first run, and the gate is strict.
    #[error(
        "--strict: what was there before the process of '{}' left more than in the first run ({more}), and is not judged: \
         compare it by itself ({recordings}), with its like in the other run",
        printable_path(path)
    )]
    EarlierGrew {
        /// The run.
        path: PathBuf,
        /// The names of their recordings.
        recordings: String,
        /// How many blocks and bytes more.
        more: String,
    },

    /// Two runs are copies of one recording, and the gate is strict.
    #[error(
        "--strict: '{}' and '{}' are the same recording, of one process: nothing can have grown; give two different runs",
        printable_path(first),
        printable_path(second)
    )]
    SameRecording {
        /// The earlier of the two, as they were given.
        first: PathBuf,
        /// The later one.
        second: PathBuf,
    },

    /// Double frees are to fail, and the last run's are not known.
    #[error(
        "double frees cannot be judged: '{}' {}",
        printable_path(path),
        match is_recorded {
            true => "is a recording, and only logs of glibc's mtrace show them; make one: mtrace-diff record --with glibc",
            false => "was not read from a log; give the log, or a report saved from it",
        }
    )]
    DoubleFreesUnknown {
        /// The last run.
        path: PathBuf,
        /// The recorder wrote it, which sees no double frees.
        is_recorded: bool,
    },

    /// A limit by time, of runs that all took the same time, the last of which has no curves.
    #[error(
        "the limit {limit} cannot be judged: all runs took the same time, and '{}' does not say how it went on; give its \
         log, or runs of different length",
        printable_path(path)
    )]
    NoCourse {
        /// The last run.
        path: PathBuf,
        /// The limit, as it was given.
        limit: String,
    },

    /// A summary has too few counts for a strict gate.
    #[error(
        "--strict: '{}' was counted too few times to tell what it held until its end; record for longer, or with a smaller \
         --every",
        printable_path(path)
    )]
    TooFewCounts {
        /// The run.
        path: PathBuf,
    },

    /// A limit by time, and a run of which the time is not known.
    #[error(
        "the limit {limit} needs to know how long each run took, and '{}' does not say; give it with --duration, once per \
         run: --duration 2m,3m",
        printable_path(path)
    )]
    NoDuration {
        /// The run.
        path: PathBuf,
        /// The limit, as it was given.
        limit: String,
    },
}
