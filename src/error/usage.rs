//! What was asked for, and cannot be done.

use std::path::PathBuf;

use super::flag::FileFlag;
use crate::printable::printable_path;

/// What was asked for, and cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum UsageError {
    /// The guide has no such chapter.
    #[error("the guide has no chapter '{name}'; its chapters are {chapters}")]
    NoChapter {
        /// The name that was asked for.
        name: String,
        /// The names of all chapters.
        chapters: String,
    },

    /// The first word is neither a command nor anything that exists.
    #[error(
        "'{}' is neither a run nor a command; did you mean '{command}'?",
        printable_path(path)
    )]
    NoCommand {
        /// The word, as the run that it would be.
        path: PathBuf,
        /// The command that is most like it.
        command: String,
    },

    /// The program to record stands where options do.
    #[error("the program and its arguments go behind `--`: {line}")]
    NoDashes {
        /// The command line as it should be.
        line: String,
    },

    /// A command stands behind runs.
    #[error("the command comes before its runs: mtrace-diff {command} [OPTIONS] …")]
    CommandBehind {
        /// The command.
        command: String,
    },

    /// A single run is to be compared with another.
    #[error(
        "--then-diff compares two runs, and --runs has the time of one; give two, such as --runs {time},{}",
        longer
    )]
    OneTime {
        /// The time that was given for it.
        time: String,
        /// A time that a second run could take.
        longer: String,
    },

    /// An option is given neither once for all runs nor once for each.
    #[error(
        "{} is given {given} times for {runs} runs; give it once for all, or once per run, in their order",
        flag.name()
    )]
    FlagCount {
        /// The option.
        flag: FileFlag,
        /// How often it is given.
        given: usize,
        /// How many runs there are.
        runs: usize,
    },

    /// A comparison of a single run.
    #[error(
        "a comparison needs two runs, or more; to list what a single run left use: mtrace-diff show {}",
        printable_path(path)
    )]
    OneRun {
        /// The run.
        path: PathBuf,
    },

    /// No run was given.
    #[error(
        "no run given; give the directory that holds a program, its mtrace log and its maps, or the log itself"
    )]
    NoRun,

    /// A gate is to judge a run against itself.
    #[error(
        "'{}' is given twice: a run has not grown since itself, so a gate on it would pass for ever; give the run before the \
         change, and the run after it",
        printable_path(path)
    )]
    RunTwice {
        /// The run.
        path: PathBuf,
    },

    /// Two runs are to come from the standard input.
    #[error("standard input (-) can only be one run's log; give the others as files")]
    StdinTwice,

    /// Two runs are to come through one pipe.
    #[error(
        "'{}' is given twice, but what comes through it can be read only once; give all but one log as files",
        printable_path(path)
    )]
    StreamTwice {
        /// The pipe.
        path: PathBuf,
    },

    /// A limit is written with commas between its digits.
    #[error(
        "--fail-above {text} is two limits; write a number without commas ({}), or give each limit an option of its own",
        text.replace(',', "")
    )]
    GroupedNumber {
        /// The limit, as it was given.
        text: String,
    },

    /// A gate is to judge rows that stand for several call sites.
    #[error(
        "limits are judged by call site, and a {group} can hide one site's growth behind another's; leave out --by {group}, \
         or --fail-above"
    )]
    GateOfGroups {
        /// What the rows stand for.
        group: &'static str,
    },

    /// A listing of blocks is to be saved or judged.
    #[error(
        "an old tool's listing is neither saved nor judged; leave out {option}, or --format {format}"
    )]
    ListingAlone {
        /// The option that asks for that.
        option: &'static str,
        /// The listing's format.
        format: &'static str,
    },

    /// No row has the rank that is to be explained.
    #[error("there is no call site of rank {rank} to explain: {}", match rows {
        0 => "no call site allocated anything".to_owned(),
        rows => format!("ranks go from 1 to {rows}"),
    })]
    NoSuchRank {
        /// The rank that was asked for.
        rank: usize,
        /// How many rows there are.
        rows: usize,
    },

    /// A moment behind `@` cannot be read.
    #[error("'{}': {reason}", printable_path(path))]
    BadMoment {
        /// The run, as it was given.
        path: PathBuf,
        /// What is wrong with the moment.
        reason: String,
    },

    /// A moment by time of a run of which the time is not known.
    #[error(
        "'{}' cannot be looked at {at} after its start: nothing says how long it took; give --duration, or \
         a share of its records, such as @40%",
        printable_path(path)
    )]
    MomentWithoutTime {
        /// The run.
        path: PathBuf,
        /// The moment, as people write times.
        at: String,
    },

    /// A moment after the run's end.
    #[error(
        "'{}' took {took}, so there is no moment {at} after its start; give a moment up to {took}{}",
        printable_path(path),
        match is_recorded {
            true => "",
            false => ", or check --duration, or the duration_s of its run.json",
        }
    )]
    MomentBehindEnd {
        /// The run.
        path: PathBuf,
        /// The moment, as people write times.
        at: String,
        /// How long the run took.
        took: String,
        /// It has a clock of its own.
        is_recorded: bool,
    },

    /// A run that cannot be looked at before its end.
    #[error(
        "'{}' cannot be looked at before its end, as {reason}; give the run's mtrace log as a file",
        printable_path(path)
    )]
    NoMoments {
        /// The run.
        path: PathBuf,
        /// Why not.
        reason: &'static str,
    },

    /// A renaming makes one name of two of the same run.
    #[error(
        "--map makes '{new}' of both '{first}' and '{second}' of '{}': a leak in one of them would be set against what the \
         other let go of; map them to different names",
        printable_path(path)
    )]
    MapMerges {
        /// The run.
        path: PathBuf,
        /// One of the two names.
        first: String,
        /// The other one.
        second: String,
        /// What both would be called.
        new: String,
    },

    /// Only a log can tell what was asked for.
    #[error(
        "{what} needs the log, and '{}' is {is}; give the run's log or its capture directory",
        printable_path(path)
    )]
    NeedsLog {
        /// The run.
        path: PathBuf,
        /// What was asked for.
        what: &'static str,
        /// What the run is in place of a log.
        is: &'static str,
    },

    /// Something else is to be converted to a log.
    #[error(
        "'{}' is not a recording, and only those can be converted; `mtrace-diff record` makes one",
        printable_path(path)
    )]
    NotARecording {
        /// What was given.
        path: PathBuf,
    },
}
