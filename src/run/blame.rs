//! Which frames of a run answer for allocations, as it was worked out.

use super::{Call, FramePattern, PassedBy};

/// A function that stands for its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PassedCall {
    pub call: Call,
    pub by: PassedBy,
}

/// What answers for a call site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Responsible {
    pub call: Call,
    /// Which of the stack's locations that is, the immediate caller of the allocator being 0.
    pub depth: usize,
    /// The wrapper that it called, where there is one.
    pub via: Option<PassedCall>,
    /// It is itself a wrapper: who called it is not known.
    pub stands_for: Option<PassedBy>,
}

/// Where each location of a run stands.
#[derive(Debug, Clone, Default)]
pub(super) struct Standings(pub Vec<FrameStanding>);

/// Which frames of the stacks of a run stand for others.
#[derive(Debug, Clone, Default)]
pub(super) struct Blame {
    pub(super) standings: Standings,
    /// By the frames of the stacks: whether it does a part of a wrapper's work. Empty where no frame has a caller.
    pub(super) within: Vec<bool>,
    /// Frames that no stack has.
    pub(super) hidden: Option<FramePattern>,
}

/// Where a location stands.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct FrameStanding {
    /// The innermost of its frames that stands for nobody else.
    pub(super) answers: Option<u16>,
    /// The outermost below that one, or of all, and how that is known.
    pub(super) passed: Option<(u16, PassedBy)>,
}
