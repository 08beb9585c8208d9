//! The blocks of a run one by one, for those who list them.

use super::{LocationId, Text};
use crate::trace::UnknownFree;

/// What is live at the end, and what was freed without being known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Blocks {
    /// By address.
    pub live: Vec<LiveBlock>,
    /// In the order of the log.
    pub unknown_frees: Vec<UnknownFree<LocationId>>,
    /// How the log spells the file that a call was made in, by [`LocationId`]; `None` where it names none.
    pub files: Vec<Option<Text>>,
}

impl Blocks {
    /// How the log spells the file of a call.
    pub fn file(&self, at: LocationId) -> Option<&str> {
        self.files.get(at.0 as usize)?.as_deref()
    }
}

/// A block that is live at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiveBlock {
    /// As the program saw it.
    pub address: u64,
    /// In bytes, as the program asked for it.
    pub size: u64,
    pub at: LocationId,
}
