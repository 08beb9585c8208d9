//! What stops a run. Each error says what, where, and what to do.

mod flag;
mod gate;
mod input;
mod record;
mod usage;

use std::io;
use std::path::{Path, PathBuf};

use crate::printable::printable_path;

pub(crate) use flag::FileFlag;
pub use gate::GateError;
pub use input::InputError;
pub use record::RecordError;
pub use usage::UsageError;

/// What can fail with an [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// Any failure; its text is one message for the user.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system refused something.
    #[error("cannot {action} '{}': {source}", printable_path(path))]
    Io {
        /// What was tried, as the verb after "cannot".
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },

    /// What is to be saved is larger than what would be read back.
    #[error(
        "the result cannot be saved: it has more than {most} bytes, and could not be read as a run; save a run with \
         fewer call sites"
    )]
    ReportTooLarge {
        /// The most bytes that are read.
        most: u64,
    },

    /// What is to be saved would overwrite a file of one of the runs.
    #[error(
        "'{}' belongs to the run '{}' and is not overwritten; give another file with --save",
        printable_path(path),
        printable_path(run)
    )]
    SaveOverRun {
        /// The file.
        path: PathBuf,
        /// The run that it belongs to.
        run: PathBuf,
    },

    /// What is to be saved would overwrite a file that is no saved report.
    #[error(
        "'{}' exists and is not a saved report, so it is not overwritten; give another file with --save, or remove it",
        printable_path(path)
    )]
    SaveOverOther {
        /// The file.
        path: PathBuf,
    },

    /// The operating system gave no threads.
    #[error("cannot start threads: {source}; give a smaller number with --threads")]
    Threads {
        /// Why not.
        source: io::Error,
    },

    /// The output could not be written.
    #[error("cannot write the report: {0}")]
    Write(#[from] io::Error),

    /// What was asked for cannot be done.
    #[error(transparent)]
    Usage(#[from] UsageError),

    /// A file cannot be read as what it was given for.
    #[error(transparent)]
    Input(#[from] InputError),

    /// A program cannot be recorded.
    #[error(transparent)]
    Record(#[from] RecordError),

    /// A gate cannot judge the runs.
    #[error(transparent)]
    Gate(#[from] GateError),
}

impl Error {
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Error::Io {
            action,
            path: path.to_path_buf(),
            source,
        }
    }

    /// For what only a log can answer.
    pub(crate) fn needs_log(path: &Path, what: &'static str, is_saved: bool) -> Self {
        Error::Usage(UsageError::NeedsLog {
            path: path.to_path_buf(),
            what,
            is: match is_saved {
                true => "a saved report",
                false => "an old tool's result",
            },
        })
    }

    pub(crate) fn bad_elf(path: &Path, reason: &str) -> Self {
        Error::Input(InputError::BadElf {
            path: path.to_path_buf(),
            reason: reason.to_owned(),
        })
    }

    /// Whoever reads the output has gone: not a failure worth a word.
    pub fn is_closed_pipe(&self) -> bool {
        matches!(self, Error::Write(e) if e.kind() == io::ErrorKind::BrokenPipe)
    }
}

/// A directory that was named, and is none.
pub(crate) fn no_directory(path: &Path) -> Error {
    let is_a_file = || io::ErrorKind::NotADirectory.into();
    Error::io(
        "open",
        path,
        path.metadata().err().unwrap_or_else(is_a_file),
    )
}
