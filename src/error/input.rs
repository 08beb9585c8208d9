//! What cannot be read as a run.

use std::path::PathBuf;

use super::flag::FileFlag;
use crate::printable::{listing, printable_path};

/// What cannot be read as a run.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// Nothing has the path of a run.
    #[error(
        "'{}' does not exist; give the directory of a recording, or record one: mtrace-diff record -o {} -- PROGRAM; or give \
         an mtrace log, or the directory that holds one with its program and maps file",
        printable_path(path),
        printable_path(path)
    )]
    MissingRun {
        /// The path, as it was given.
        path: PathBuf,
    },

    /// Nothing has the path of a saved report.
    #[error(
        "there is no file '{}'; to save a report of a run there: mtrace-diff show RUN --save {}",
        printable_path(path),
        printable_path(path)
    )]
    MissingSaved {
        /// The path, as it was given.
        path: PathBuf,
    },

    /// What was given as a run, or as its log, is a device or the like.
    #[error(
        "'{}' is neither a directory nor a file that can be read; give a capture directory or an mtrace log",
        printable_path(path)
    )]
    NotARun {
        /// The path, as it was given.
        path: PathBuf,
    },

    /// A run's directory has nothing in it.
    #[error(
        "'{}' is empty; record a run into it: mtrace-diff record -o {} -- PROGRAM; or put a program's mtrace log there, with \
         the program and a copy of /proc/PID/maps",
        printable_path(path),
        printable_path(path)
    )]
    EmptyDirectory {
        /// The directory.
        path: PathBuf,
    },

    /// A run's directory holds neither a log nor a recording.
    #[error(
        "no recording and no mtrace log in '{}'{}; record a run: mtrace-diff record -o DIR -- PROGRAM; or put the file that \
         MALLOC_TRACE named there, or give it with --log; with glibc 2.34 or newer none is written without \
         LD_PRELOAD=libc_malloc_debug.so.0",
        printable_path(path),
        listing(": it holds", found)
    )]
    NoLog {
        /// The directory.
        path: PathBuf,
        /// What it holds, as people would call it.
        found: Vec<String>,
    },

    /// Several files of a run's directory could be the same part of it.
    #[error(
        "'{}' has several {}{}; say which one with {} (once for all runs, or once per run)",
        printable_path(path), flag.noun(), listing(":", files), flag.name()
    )]
    Ambiguous {
        /// The directory.
        path: PathBuf,
        /// The option that says which one it is.
        flag: FileFlag,
        /// The names of the files.
        files: Vec<String>,
    },

    /// A log has no bytes.
    #[error(
        "the mtrace log '{}' is empty; with glibc 2.34 or newer the program must be started with \
         LD_PRELOAD=libc_malloc_debug.so.0, it must call mtrace() with MALLOC_TRACE set, and it must not be set-uid",
        printable_path(path)
    )]
    EmptyLog {
        /// The log.
        path: PathBuf,
    },

    /// A file that is called as saved reports are has no bytes.
    #[error(
        "'{}' is empty: the report that was to be saved there was not written; save it again: mtrace-diff show RUN --save {}",
        printable_path(path),
        printable_path(path)
    )]
    EmptySaved {
        /// The file.
        path: PathBuf,
    },

    /// A file was given as a log, and has no line of one.
    #[error(
        "'{}' is not an mtrace log: {reason}; give the file that MALLOC_TRACE named",
        printable_path(path)
    )]
    NotALog {
        /// The file.
        path: PathBuf,
        /// What it is, or what is wrong with it.
        reason: String,
    },

    /// A recording's header is damaged, or of another version.
    #[error(
        "'{}' is a recording that cannot be read: {reason}; copy it again, in binary mode",
        printable_path(path)
    )]
    BadRecording {
        /// The recording.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },

    /// Most lines of a log are none.
    #[error(
        "'{}' is mostly not an mtrace log: {malformed} of {lines} lines cannot be read, first line {first_line}: '{quote}'; \
         check that nothing else writes to the file that MALLOC_TRACE names",
        printable_path(path)
    )]
    MostlyMalformed {
        /// The log.
        path: PathBuf,
        /// How many lines cannot be read.
        malformed: u64,
        /// How many there are.
        lines: u64,
        /// The first that cannot be read, counted from 1.
        first_line: u64,
        /// That line, as far as it can be shown.
        quote: String,
    },

    /// A line of a maps file is no mapping.
    #[error(
        "'{}' is not a maps file: line {line} is '{quote}'; give a copy of /proc/PID/maps, made while the program runs",
        printable_path(path)
    )]
    NotMaps {
        /// The file.
        path: PathBuf,
        /// Which line, counted from 1.
        line: usize,
        /// That line, as far as it can be shown.
        quote: String,
    },

    /// A maps file has no bytes.
    #[error(
        "the maps file '{}' is empty; copy /proc/PID/maps while the program still runs",
        printable_path(path)
    )]
    EmptyMaps {
        /// The file.
        path: PathBuf,
    },

    /// A program or library cannot be read.
    #[error(
        "'{}' cannot be used as an ELF file: {reason}; copy it again from where it was built",
        printable_path(path)
    )]
    BadElf {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },

    /// The program is for another machine than the one that the log is from.
    #[error(
        "'{}' is a program for {machine}, but {evidence}; give the program that wrote the log with --exe",
        printable_path(exe)
    )]
    WrongArchitecture {
        /// The program.
        exe: PathBuf,
        /// What it is for.
        machine: String,
        /// What shows that the log is from another one.
        evidence: String,
    },

    /// A `run.json` cannot be read.
    #[error(
        "'{}' cannot be used as a run's facts: {reason} (line {line}); fix it, or take it out of the directory",
        printable_path(path)
    )]
    BadManifest {
        /// The file.
        path: PathBuf,
        /// Where it is wrong, counted from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },

    /// A directory has a saved report, and what may be the log of a later run.
    #[error(
        "there is no mtrace log in '{}', but this may be one{}, so the saved report {saved} is not taken in \
         its place; fix or remove what is not a log, or give the log with --log, or the report itself as the run",
        printable_path(path),
        listing(":", files)
    )]
    UnclearLog {
        /// The directory.
        path: PathBuf,
        /// The names of what may be a log.
        files: Vec<String>,
        /// The report's file name.
        saved: String,
    },

    /// A directory without a log has several saved reports.
    #[error(
        "'{}' has several saved reports{}; give one of them as the run itself",
        printable_path(path),
        listing(":", files)
    )]
    SeveralSaved {
        /// The directory.
        path: PathBuf,
        /// Their names.
        files: Vec<String>,
    },

    /// A saved report is damaged.
    #[error(
        "'{}' cannot be used as a saved report: {reason}; save it again from the run's log, with --save",
        printable_path(path)
    )]
    BadSaved {
        /// The report.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },

    /// A saved report of another version.
    #[error(
        "'{}' is a saved report of the schema '{schema}', but this version reads only {reads}; save it again from \
         the run's log with this version, or read it with the one that wrote it",
        printable_path(path)
    )]
    SavedVersion {
        /// The report.
        path: PathBuf,
        /// The schema that it names.
        schema: String,
        /// What this version reads.
        reads: &'static str,
    },

    /// A document for other programs was given as a run.
    #[error(
        "'{}' is a document of --format json, which cannot be read back; give what --save wrote, or the log",
        printable_path(path)
    )]
    ReportAsRun {
        /// The document.
        path: PathBuf,
    },

    /// An old tool's result has a line that such a result cannot have.
    #[error(
        "'{}' is not a whole result of {tool}: line {line} is '{quote}', {reason}; make it again, or give the log",
        printable_path(path)
    )]
    BadResult {
        /// The result.
        path: PathBuf,
        /// The tool that wrote it.
        tool: &'static str,
        /// Which line, counted from 1.
        line: u64,
        /// That line, as far as it can be shown.
        quote: String,
        /// What is wrong with it.
        reason: &'static str,
    },
}
