//! What is to be recorded and how, and how it ended.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use rustix::process::Signal;

use crate::recording::Mode;

/// What to record, and into which directory.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    /// The program and its arguments.
    pub command: Vec<OsString>,
    pub output: PathBuf,
    /// End the program after this time.
    pub limit: Option<Duration>,
    pub settings: Settings,
}

/// How to record.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub with: With,
    pub mode: Mode,
    pub depth: u8,
    pub every: Duration,
    /// In MiB.
    pub max_log: Option<u64>,
    /// How a program is asked to end.
    pub signal: Signal,
    /// How long it may take for that.
    pub grace: Duration,
    /// Leave the executable where it is.
    pub link: bool,
    /// Write over an earlier recording.
    pub force: bool,
}

/// How a program came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// By itself, with this exit status.
    Itself(i32),
    /// It was asked to, because its time was over or the user wanted it.
    Asked {
        /// 128 and the signal by which it crashed then.
        crash: Option<i32>,
    },
    /// It did not end when it was asked to.
    Killed,
}

/// What a recording left.
#[derive(Debug)]
pub(crate) struct Captured {
    pub took: Duration,
    pub ending: Ending,
    /// Captures of processes that the program started.
    pub children: Vec<PathBuf>,
    /// The program went on in the background.
    pub is_daemon: bool,
    /// What is missing from the capture, and why.
    pub notes: Vec<String>,
}

/// What writes the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum With {
    /// The recorder that comes with this program.
    Recorder,
    /// glibc's own `mtrace(3)`.
    Glibc,
}

impl With {
    /// The name of a log while it is written: the process id stands behind it.
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            With::Recorder => "recording.",
            With::Glibc => "mtrace.",
        }
    }

    /// What a log is called in a capture.
    pub(crate) fn log(self) -> &'static str {
        match self {
            With::Recorder => "recording",
            With::Glibc => "mtrace.log",
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            With::Recorder => "mtrace-diff",
            With::Glibc => "glibc",
        }
    }
}
