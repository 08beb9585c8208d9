//! What was asked for, and cannot be done.

use std::path::PathBuf;

use super::flag::FileFlag;
use crate::printable::printable_path;

/// What was asked for, and cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum UsageError {
    #[error("the guide has no chapter '{name}'; its chapters are {chapters}")]
    NoChapter { name: String, chapters: String },

    #[error(
        "'{}' is neither a run nor a command; did you mean '{command}'?",
        printable_path(path)
    )]
    NoCommand { path: PathBuf, command: String },

    #[error("the program and its arguments go behind `--`: {line}")]
    NoDashes { line: String },

    #[error("the command comes before its runs: mtrace-diff {command} [OPTIONS] …")]
    CommandBehind { command: String },

    #[error(
        "--then-diff compares two runs, and --runs has the time of one; give two, such as --runs {time},{}",
        longer
    )]
    OneTime { time: String, longer: String },

    #[error(
        "{} is given {given} times for {runs} runs; give it once for all, or once per run, in their order",
        flag.name()
    )]
    FlagCount {
        flag: FileFlag,
        given: usize,
        runs: usize,
    },

    #[error(
        "a comparison needs two runs, or more; to list what a single run left use: mtrace-diff show {}",
        printable_path(path)
    )]
    OneRun { path: PathBuf },

    #[error(
        "no run given; give the directory that holds a program, its mtrace log and its maps, or the log itself"
    )]
    NoRun,

    #[error(
        "'{}' is given twice: a run has not grown since itself, so a gate on it would pass for ever; give the run before the \
         change, and the run after it",
        printable_path(path)
    )]
    RunTwice { path: PathBuf },

    #[error("standard input (-) can only be one run's log; give the others as files")]
    StdinTwice,

    #[error(
        "'{}' is given twice, but what comes through it can be read only once; give all but one log as files",
        printable_path(path)
    )]
    StreamTwice { path: PathBuf },

    #[error(
        "--fail-above {text} is two limits; write a number without commas ({}), or give each limit an option of its own",
        text.replace(',', "")
    )]
    GroupedNumber { text: String },

    #[error(
        "limits are judged by call site, and a {group} can hide one site's growth behind another's; leave out --by {group}, \
         or --fail-above"
    )]
    GateOfGroups { group: &'static str },

    #[error(
        "an old tool's listing is neither saved nor judged; leave out {option}, or --format {format}"
    )]
    ListingAlone {
        option: &'static str,
        format: &'static str,
    },

    #[error("there is no call site of rank {rank} to explain: {}", match rows {
        0 => "no call site allocated anything".to_owned(),
        rows => format!("ranks go from 1 to {rows}"),
    })]
    NoSuchRank { rank: usize, rows: usize },

    #[error("'{}': {reason}", printable_path(path))]
    BadMoment { path: PathBuf, reason: String },

    #[error(
        "'{}' cannot be looked at {at} after its start: nothing says how long it took; give --duration, or \
         a share of its records, such as @40%",
        printable_path(path)
    )]
    MomentWithoutTime { path: PathBuf, at: String },

    #[error(
        "'{}' took {took}, so there is no moment {at} after its start; give a moment up to {took}{}",
        printable_path(path),
        match is_recorded {
            true => "",
            false => ", or check --duration, or the duration_s of its run.json",
        }
    )]
    MomentBehindEnd {
        path: PathBuf,
        at: String,
        took: String,
        /// It has a clock of its own.
        is_recorded: bool,
    },

    #[error(
        "'{}' cannot be looked at before its end, as {reason}; give the run's mtrace log as a file",
        printable_path(path)
    )]
    NoMoments { path: PathBuf, reason: &'static str },

    #[error(
        "--map makes '{new}' of both '{first}' and '{second}' of '{}': a leak in one of them would be set against what the \
         other let go of; map them to different names",
        printable_path(path)
    )]
    MapMerges {
        path: PathBuf,
        first: String,
        second: String,
        new: String,
    },

    #[error(
        "{what} needs the log, and '{}' is {is}; give the run's log or its capture directory",
        printable_path(path)
    )]
    NeedsLog {
        path: PathBuf,
        what: &'static str,
        is: &'static str,
    },

    #[error(
        "'{}' is not a recording, and only those can be converted; `mtrace-diff record` makes one",
        printable_path(path)
    )]
    NotARecording { path: PathBuf },
}
