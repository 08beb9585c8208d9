//! What cannot be read as a run.

use std::path::PathBuf;

use super::flag::FileFlag;
use crate::printable::{listing, printable_path};

/// What cannot be read as a run.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
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
        "'{}' cannot be used as a run's facts: {reason} (line {line}); fix it, or take it out of the directory",
        printable_path(path)
    )]
    BadManifest {
        path: PathBuf,
        line: usize,
        reason: String,
    },

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
}
