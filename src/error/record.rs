//! What keeps a program from being recorded.

use std::path::PathBuf;

use crate::printable::printable_path;

/// What keeps a program from being recorded.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    #[error(
        "mtrace-diff was built without a recorder, because there was no C compiler; build it again with one, or \
         build the recorder with `mtrace-diff recorder --build gcc -o DIR`"
    )]
    NoRecorder,

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
}
