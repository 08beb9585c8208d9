//! The functions of a stack, also those that are inlined.

use super::{CallSite, Frame, LocationId, Run, Symbolized};

/// One function of a stack: a frame of a location.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Call {
    pub at: LocationId,
    /// Index into the frames of its name; 0 where it has none.
    pub frame: usize,
}

impl Run {
    /// All functions of a call site's stack, also those that are inlined, the one that called the allocator first.
    pub fn calls(&self, site: &CallSite) -> impl Iterator<Item = Call> + '_ {
        self.frames(site).flat_map(|at| self.calls_at(at))
    }

    /// The functions at one place: several where calls are inlined.
    pub fn calls_at(&self, at: LocationId) -> impl Iterator<Item = Call> + use<> {
        let frames = match &self.location(at).name {
            Symbolized::Named(named) => named.frames().len(),
            Symbolized::Unknown(_) => 1,
        };
        (0..frames).map(move |frame| Call { at, frame })
    }

    /// Whether a function is a part of the one that called it.
    pub fn is_inlined(&self, call: Call) -> bool {
        match &self.location(call.at).name {
            Symbolized::Named(named) => call.frame + 1 < named.frames().len(),
            Symbolized::Unknown(_) => false,
        }
    }

    /// The name of a function of a stack, where it has one.
    pub fn frame_of(&self, call: Call) -> Option<&Frame> {
        match &self.location(call.at).name {
            Symbolized::Named(named) => named.frames().get(call.frame),
            Symbolized::Unknown(_) => None,
        }
    }
}
