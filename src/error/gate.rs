//! What a gate cannot judge.

use std::path::PathBuf;

use crate::printable::printable_path;

/// What a gate cannot judge.
#[derive(Debug, thiserror::Error)]
pub enum GateError {
    #[error(
        "'{}' has no records, so the gate has nothing to judge; {reason}",
        printable_path(path)
    )]
    NothingToJudge { path: PathBuf, reason: &'static str },

    #[error(
        "the last run has no stack through {filter}, so the gate has nothing to judge; check the name, which may have changed"
    )]
    NothingLeft { filter: String },

    #[error(
        "growth above {limit} cannot be judged: '{}' is a result of mtrace_do.py, which has no bytes; give limits of \
         blocks (10) or percentages, or another run that knows bytes",
        printable_path(path)
    )]
    BytesUnknown { path: PathBuf, limit: String },

    #[error(
        "the gate cannot judge '{}': many blocks of its total have no line, so the result may be cut; make it again, or \
         give the log",
        printable_path(path)
    )]
    IncompleteResult { path: PathBuf },

    #[error("{what} of '{}' cannot be judged: {warning}", printable_path(path))]
    NotToBeJudged {
        path: PathBuf,
        what: &'static str,
        warning: String,
    },

    #[error(
        "--strict: the figures of '{}' are partial: {warning}",
        printable_path(path)
    )]
    PartialFigures { path: PathBuf, warning: String },

    #[error(
        "--strict: '{}' and '{}' are the same recording, of one process: nothing can have grown; give two different runs",
        printable_path(first),
        printable_path(second)
    )]
    SameRecording { first: PathBuf, second: PathBuf },

    #[error(
        "double frees cannot be judged: '{}' {}",
        printable_path(path),
        match is_recorded {
            true => "is a recording, and only logs of glibc's mtrace show them; make one: mtrace-diff record --with glibc",
            false => "was not read from a log; give the log, or a report saved from it",
        }
    )]
    DoubleFreesUnknown { path: PathBuf, is_recorded: bool },

    #[error(
        "the limit {limit} cannot be judged: all runs took the same time, and '{}' does not say how it went on; give its \
         log, or runs of different length",
        printable_path(path)
    )]
    NoCourse { path: PathBuf, limit: String },

    #[error(
        "--strict: '{}' was counted too few times to tell what it held until its end; record for longer, or with a smaller \
         --every",
        printable_path(path)
    )]
    TooFewCounts { path: PathBuf },

    #[error(
        "the limit {limit} needs to know how long each run took, and '{}' does not say; give it with --duration, once per \
         run: --duration 2m,3m",
        printable_path(path)
    )]
    NoDuration { path: PathBuf, limit: String },
}
