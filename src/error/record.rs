//! What keeps a program from being recorded.

use std::path::PathBuf;

use crate::printable::printable_path;

/// What keeps a program from being recorded.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// This build carries no recorder.
    #[error(
        "mtrace-diff was built without a recorder, because there was no C compiler; build it again with one, or \
         build the recorder with `mtrace-diff recorder --build gcc -o DIR`"
    )]
    NoRecorder,

    /// The recorder could not be compiled.
    #[error("'{compiler}' cannot build the recorder: {reason}")]
    CompilerFailed {
        /// The compiler, as it was given.
        compiler: String,
        /// What it said.
        reason: String,
    },

    /// Nothing was given to record.
    #[error("no program given; it goes after `--`: mtrace-diff record -o run0 -- ./app")]
    NoProgram,

    /// Nothing has the path or the name of the program.
    #[error(
        "there is no program '{}'; check the name, or give its path",
        printable_path(path)
    )]
    ProgramNotFound {
        /// The program, as it was given.
        path: PathBuf,
    },

    /// An option that only the recorder of this crate knows, and glibc's was asked for.
    #[error("{option} does not go with `--with glibc`: {reason}; leave out one of the two")]
    NotWithGlibc {
        /// The option.
        option: &'static str,
        /// Why it does not go with it.
        reason: &'static str,
    },

    /// No recorder could be loaded into the program.
    #[error("'{}' cannot be recorded: {reason}", printable_path(path))]
    NotRecordable {
        /// The program.
        path: PathBuf,
        /// Why not.
        reason: String,
    },

    /// The directory for a recording holds something already.
    #[error(
        "the directory '{}' is not empty, and a recording needs a directory of its own; give another one, or --force \
         to overwrite an earlier recording",
        printable_path(path)
    )]
    NotEmpty {
        /// The directory.
        path: PathBuf,
    },

    /// The program ran, and left no recording.
    #[error("nothing was recorded of '{}': {reason}", printable_path(path))]
    NothingRecorded {
        /// The program.
        path: PathBuf,
        /// Why that may be, and what to do.
        reason: String,
    },
}
