//! Places in code, and what is called there.

use super::{Frame, LinkAddress, ModuleId, Symbolized};

/// Index of a location within one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LocationId(pub u32);

/// Where a call was made.
#[derive(Debug, Clone)]
pub struct Location {
    pub module: Option<ModuleId>,
    pub address: Option<LinkAddress>,
    /// The number in the log.
    pub number: Option<u64>,
    pub name: Symbolized,
}

impl Location {
    /// What is called there, the innermost of inlined functions first; none where it is not known.
    pub fn frames(&self) -> &[Frame] {
        match &self.name {
            Symbolized::Named(named) => named.frames(),
            Symbolized::Unknown(_) => &[],
        }
    }

    /// The frame to show, where there is one.
    pub fn frame(&self) -> Option<&Frame> {
        self.name.frame()
    }
}

/// One function of a stack: a frame of a location.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Call {
    pub at: LocationId,
    /// Index into the frames of its name; 0 where it has none.
    pub frame: usize,
}
