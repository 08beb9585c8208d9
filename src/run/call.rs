//! The functions of a stack, also those that are inlined.

use super::{Call, CallSite, Frame, FramePattern, LocationId, Run, Symbolized};

impl Run {
    /// All functions of a call site's stack, also those that are inlined, the one that called the allocator first.
    pub(crate) fn calls(&self, site: &CallSite) -> impl Iterator<Item = Call> + '_ {
        self.frames(site).flat_map(|at| self.calls_at(at))
    }

    /// The functions at one place: several where calls are inlined.
    pub(crate) fn calls_at(&self, at: LocationId) -> impl Iterator<Item = Call> + use<> {
        let frames = match &self.location(at).name {
            Symbolized::Named(named) => named.frames().len(),
            Symbolized::Unknown(_) => 1,
        };
        (0..frames).map(move |frame| Call { at, frame })
    }

    /// Whether a function is a part of the one that called it.
    pub(crate) fn is_inlined(&self, call: Call) -> bool {
        match &self.location(call.at).name {
            Symbolized::Named(named) => call.frame + 1 < named.frames().len(),
            Symbolized::Unknown(_) => false,
        }
    }

    /// The name of a function of a stack, where it has one.
    pub(crate) fn frame_of(&self, call: Call) -> Option<&Frame> {
        match &self.location(call.at).name {
            Symbolized::Named(named) => named.frames().get(call.frame),
            Symbolized::Unknown(_) => None,
        }
    }

    /// Whether a function of a stack is one that a user looks for.
    pub(crate) fn fits(&self, call: Call, pattern: &FramePattern) -> bool {
        let frame = self.frame_of(call);
        let function = frame.and_then(|frame| frame.function.as_deref());
        let file = frame.and_then(|frame| frame.file.as_deref());
        let module = self.module_of(self.location(call.at));
        let module = module.map(|module| &*module.label.name);
        pattern.fits_any([function, file, module].into_iter().flatten())
    }
}
