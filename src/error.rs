//! What stops a run. Each error says what, where, and what to do.

use std::io;
use std::path::{Path, PathBuf};

use crate::printable::printable_path;

pub type Result<T> = std::result::Result<T, Error>;

/// The options that settle which file of a capture set is which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFlag {
    Log,
    Exe,
    Maps,
    Sysroot,
    Duration,
}

impl FileFlag {
    pub fn name(self) -> &'static str {
        match self {
            FileFlag::Log => "--log",
            FileFlag::Exe => "--exe",
            FileFlag::Maps => "--maps",
            FileFlag::Sysroot => "--sysroot",
            FileFlag::Duration => "--duration",
        }
    }

    fn noun(self) -> &'static str {
        match self {
            FileFlag::Log => "mtrace logs",
            FileFlag::Exe => "executables",
            FileFlag::Maps => "maps files",
            FileFlag::Sysroot => "sysroots",
            FileFlag::Duration => "times",
        }
    }
}

/// Any failure; its text is one message for the user.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot {action} '{}': {source}", printable_path(path))]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },

    #[error("the guide has no chapter '{name}'; its chapters are {chapters}")]
    NoChapter { name: String, chapters: String },

    #[error(
        "'{}' does not exist; give the directory of a recording, or record one: mtrace-diff record -o {} -- PROGRAM; or give \
         an mtrace log, or the directory that holds one with its program and maps file",
        printable_path(path),
        printable_path(path)
    )]
    MissingRun { path: PathBuf },

    #[error(
        "there is no file '{}'; to save a report of a run there: mtrace-diff show RUN --save {}",
        printable_path(path),
        printable_path(path)
    )]
    MissingSaved { path: PathBuf },

    #[error(
        "'{}' is neither a run nor a command; did you mean '{command}'?",
        printable_path(path)
    )]
    NoCommand { path: PathBuf, command: String },

    #[error("the program and its arguments go behind `--`: {line}")]
    NoDashes { line: String },

    #[error(
        "--then-diff compares two runs, and --runs has the time of one; give two, such as --runs {time},{}",
        longer
    )]
    OneTime { time: String, longer: String },

    #[error("the command comes before its runs: mtrace-diff {command} [OPTIONS] …")]
    CommandBehind { command: String },

    #[error(
        "'{}' is neither a directory nor a file that can be read; give a capture directory or an mtrace log",
        printable_path(path)
    )]
    NotARun { path: PathBuf },

    #[error(
        "'{}' is empty; record a run into it: mtrace-diff record -o {} -- PROGRAM; or put a program's mtrace log there, with \
         the program and a copy of /proc/PID/maps",
        printable_path(path),
        printable_path(path)
    )]
    EmptyDirectory { path: PathBuf },

    #[error(
        "no recording and no mtrace log in '{}'{}; record a run: mtrace-diff record -o DIR -- PROGRAM; or put the file that \
         MALLOC_TRACE named there, or give it with --log; with glibc 2.34 or newer none is written without \
         LD_PRELOAD=libc_malloc_debug.so.0",
        printable_path(path),
        listing(": it holds", found)
    )]
    NoLog { path: PathBuf, found: Vec<String> },

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
        "'{}' has several {}{}; say which one with {} (once for all runs, or once per run)",
        printable_path(path), flag.noun(), listing(":", files), flag.name()
    )]
    Ambiguous {
        path: PathBuf,
        flag: FileFlag,
        files: Vec<String>,
    },

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
        "the mtrace log '{}' is empty; with glibc 2.34 or newer the program must be started with \
         LD_PRELOAD=libc_malloc_debug.so.0, it must call mtrace() with MALLOC_TRACE set, and it must not be set-uid",
        printable_path(path)
    )]
    EmptyLog { path: PathBuf },

    #[error(
        "'{}' is empty: the report that was to be saved there was not written; save it again: mtrace-diff show RUN --save {}",
        printable_path(path),
        printable_path(path)
    )]
    EmptySaved { path: PathBuf },

    #[error(
        "'{}' is not an mtrace log: {reason}; give the file that MALLOC_TRACE named",
        printable_path(path)
    )]
    NotALog { path: PathBuf, reason: String },

    #[error(
        "mtrace-diff was built without a recorder, because there was no C compiler; build it again with one, or \
         build the recorder with `mtrace-diff recorder --build gcc -o DIR`"
    )]
    NoRecorder,

    #[error(
        "'{}' is not a recording, and only those can be converted; `mtrace-diff record` makes one",
        printable_path(path)
    )]
    NotARecording { path: PathBuf },

    #[error("'{compiler}' cannot build the recorder: {reason}")]
    CompilerFailed { compiler: String, reason: String },

    #[error("no program given; it goes after `--`: mtrace-diff record -o run0 -- ./app")]
    NoProgram,

    #[error(
        "there is no program '{}'; check the name, or give its path",
        printable_path(path)
    )]
    ProgramNotFound { path: PathBuf },

    #[error("{option} does not go with `--with glibc`: {reason}; leave out one of the two")]
    NotWithGlibc {
        option: &'static str,
        reason: &'static str,
    },

    #[error("'{}' cannot be recorded: {reason}", printable_path(path))]
    NotRecordable { path: PathBuf, reason: String },

    #[error(
        "the directory '{}' is not empty, and a recording needs a directory of its own; give another one, or --force \
         to overwrite an earlier recording",
        printable_path(path)
    )]
    NotEmpty { path: PathBuf },

    #[error("nothing was recorded of '{}': {reason}", printable_path(path))]
    NothingRecorded { path: PathBuf, reason: String },

    #[error(
        "'{}' is a recording that cannot be read: {reason}; copy it again, in binary mode",
        printable_path(path)
    )]
    BadRecording { path: PathBuf, reason: String },

    #[error(
        "'{}' is mostly not an mtrace log: {malformed} of {lines} lines cannot be read, first line {first_line}: '{quote}'; \
         check that nothing else writes to the file that MALLOC_TRACE names",
        printable_path(path)
    )]
    MostlyMalformed {
        path: PathBuf,
        malformed: u64,
        lines: u64,
        first_line: u64,
        quote: String,
    },

    #[error("there is no call site of rank {rank} to explain: {}", match rows {
        0 => "no call site allocated anything".to_owned(),
        rows => format!("ranks go from 1 to {rows}"),
    })]
    NoSuchRank { rank: usize, rows: usize },

    #[error(
        "'{}' is not a maps file: line {line} is '{quote}'; give a copy of /proc/PID/maps, made while the program runs",
        printable_path(path)
    )]
    NotMaps {
        path: PathBuf,
        line: usize,
        quote: String,
    },

    #[error(
        "the maps file '{}' is empty; copy /proc/PID/maps while the program still runs",
        printable_path(path)
    )]
    EmptyMaps { path: PathBuf },

    #[error(
        "'{}' cannot be used as an ELF file: {reason}; copy it again from where it was built",
        printable_path(path)
    )]
    BadElf { path: PathBuf, reason: String },

    #[error(
        "'{}' is a program for {machine}, but {evidence}; give the program that wrote the log with --exe",
        printable_path(exe)
    )]
    WrongArchitecture {
        exe: PathBuf,
        machine: String,
        evidence: String,
    },

    #[error(
        "a comparison needs two runs, or more; to list what a single run left use: mtrace-diff show {}",
        printable_path(path)
    )]
    OneRun { path: PathBuf },

    #[error(
        "'{}' cannot be used as a run's facts: {reason} (line {line}); fix it, or take it out of the directory",
        printable_path(path)
    )]
    BadManifest {
        path: PathBuf,
        line: usize,
        reason: String,
    },

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
        "there is no mtrace log in '{}', but this may be one{}, so the saved report {saved} is not taken in \
         its place; fix or remove what is not a log, or give the log with --log, or the report itself as the run",
        printable_path(path),
        listing(":", files)
    )]
    UnclearLog {
        path: PathBuf,
        files: Vec<String>,
        /// The report's file name.
        saved: String,
    },

    #[error(
        "'{}' has several saved reports{}; give one of them as the run itself",
        printable_path(path),
        listing(":", files)
    )]
    SeveralSaved { path: PathBuf, files: Vec<String> },

    #[error(
        "'{}' cannot be used as a saved report: {reason}; save it again from the run's log, with --save",
        printable_path(path)
    )]
    BadSaved { path: PathBuf, reason: String },

    #[error(
        "'{}' is a saved report of the schema '{schema}', but this version reads only {reads}; save it again from \
         the run's log with this version, or read it with the one that wrote it",
        printable_path(path)
    )]
    SavedVersion {
        path: PathBuf,
        schema: String,
        reads: &'static str,
    },

    #[error(
        "'{}' is a document of --format json, which cannot be read back; give what --save wrote, or the log",
        printable_path(path)
    )]
    ReportAsRun { path: PathBuf },

    #[error(
        "'{}' is not a whole result of {tool}: line {line} is '{quote}', {reason}; make it again, or give the log",
        printable_path(path)
    )]
    BadResult {
        path: PathBuf,
        tool: &'static str,
        line: u64,
        quote: String,
        reason: &'static str,
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

    #[error(
        "--fail-above {text} is two limits; write a number without commas ({}), or give each limit an option of its own",
        text.replace(',', "")
    )]
    GroupedNumber { text: String },

    #[error("{what} of '{}' cannot be judged: {warning}", printable_path(path))]
    NotToBeJudged {
        path: PathBuf,
        what: &'static str,
        warning: String,
    },

    #[error(
        "the result cannot be saved: it has more than {most} bytes, and could not be read as a run; save a run with \
         fewer call sites"
    )]
    ReportTooLarge { most: u64 },

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
        "double frees cannot be judged: '{}' {}",
        printable_path(path),
        match is_recorded {
            true => "is a recording, and only logs of glibc's mtrace show them; make one: mtrace-diff record --with glibc",
            false => "was not read from a log; give the log, or a report saved from it",
        }
    )]
    DoubleFreesUnknown { path: PathBuf, is_recorded: bool },

    #[error(
        "'{}' belongs to the run '{}' and is not overwritten; give another file with --save",
        printable_path(path),
        printable_path(run)
    )]
    SaveOverRun { path: PathBuf, run: PathBuf },

    #[error(
        "'{}' exists and is not a saved report, so it is not overwritten; give another file with --save, or remove it",
        printable_path(path)
    )]
    SaveOverOther { path: PathBuf },

    #[error(
        "no run given; give the directory that holds a program, its mtrace log and its maps, or the log itself"
    )]
    NoRun,

    #[error("cannot start threads: {source}; give a smaller number with --threads")]
    Threads { source: io::Error },

    #[error(
        "the limit {limit} cannot be judged: all runs took the same time, and '{}' does not say how it went on; give its \
         log, or runs of different length",
        printable_path(path)
    )]
    NoCourse { path: PathBuf, limit: String },

    #[error(
        "the limit {limit} needs to know how long each run took, and '{}' does not say; give it with --duration, once per \
         run: --duration 2m,3m",
        printable_path(path)
    )]
    NoDuration { path: PathBuf, limit: String },

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

    #[error("cannot write the report: {0}")]
    Write(#[from] io::Error),
}

impl Error {
    pub fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Error::Io {
            action,
            path: path.to_path_buf(),
            source,
        }
    }

    /// For what only a log can answer.
    pub fn needs_log(path: &Path, what: &'static str, is_saved: bool) -> Self {
        Error::NeedsLog {
            path: path.to_path_buf(),
            what,
            is: match is_saved {
                true => "a saved report",
                false => "an old tool's result",
            },
        }
    }

    pub fn bad_elf(path: &Path, reason: &str) -> Self {
        Error::BadElf {
            path: path.to_path_buf(),
            reason: reason.to_owned(),
        }
    }

    /// Whoever reads the output has gone: not a failure worth a word.
    pub fn is_closed_pipe(&self) -> bool {
        matches!(self, Error::Write(e) if e.kind() == io::ErrorKind::BrokenPipe)
    }
}

/// A directory that was named, and is none.
pub fn no_directory(path: &Path) -> Error {
    let is_a_file = || io::ErrorKind::NotADirectory.into();
    Error::io(
        "open",
        path,
        path.metadata().err().unwrap_or_else(is_a_file),
    )
}

/// So many names are listed before the rest is counted.
const LISTED: usize = 8;

/// `: a, b and c`, or nothing for an empty list.
fn listing(lead: &str, names: &[String]) -> String {
    if names.len() > LISTED {
        let more = names.len() - LISTED;
        return format!("{lead} {} and {more} more", names[..LISTED].join(", "));
    }
    match names {
        [] => String::new(),
        [one] => format!("{lead} {one}"),
        [firsts @ .., last] => format!("{lead} {} and {last}", firsts.join(", ")),
    }
}
