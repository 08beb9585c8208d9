//! What an importer is.

use crate::capture::{CaptureSet, Standing};
use crate::error::Result;
use crate::progress::Progress;
use crate::run::Addressing;
use crate::symbols::RunToName;

/// A format that runs can be read from.
pub(super) struct Importer {
    /// What a file of this format is to the directory that holds it.
    pub standing: Standing,
    /// Where the beginning of a file shows that it is one: the first sign of any format decides.
    pub recognise: fn(&[u8]) -> Option<usize>,
    pub import: fn(CaptureSet, ReadOptions<'_>) -> Result<RunToName>,
}

/// How runs are to be read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReadOptions<'a> {
    /// What the numbers of the logs are, where the user says it.
    pub addressing: Option<Addressing>,
    /// Keep live blocks one by one, where the source knows them.
    pub keep_blocks: bool,
    pub progress: &'a Progress,
}
