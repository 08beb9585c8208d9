//! What went wrong, and where.

use hashbrown::HashMap;

use super::block::CallerId;
use super::reuse::{Occurrences, Reuse};

/// What a caller did wrong, or what went wrong for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FaultKind {
    /// A block was freed, or given to realloc, that had been freed before.
    DoubleFree,
    /// The log knows of no block there: most likely it is older than `mtrace()`.
    FreeOfUnknown,
    /// malloc gave nothing.
    FailedAllocation,
    /// realloc gave nothing; the old block stays.
    FailedReallocation,
}

impl FaultKind {
    /// Stable, for scripts.
    pub fn name(self) -> &'static str {
        match self {
            FaultKind::DoubleFree => "double-free",
            FaultKind::FreeOfUnknown => "free-of-unknown",
            FaultKind::FailedAllocation => "failed-allocation",
            FaultKind::FailedReallocation => "failed-reallocation",
        }
    }
}

/// Faults of one kind at one place: a caller of a log, a node of a recording, a location of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault<Place> {
    pub kind: FaultKind,
    pub at: Place,
    pub seen: Occurrences,
}

impl<Place: Copy + Ord> Fault<Place> {
    /// Faults by kind and place, worst kinds first.
    pub fn sorted(seen: impl IntoIterator<Item = ((FaultKind, Place), Occurrences)>) -> Vec<Self> {
        let seen = seen.into_iter();
        let fault = seen.map(|((kind, at), seen)| Fault { kind, at, seen });
        let mut faults: Vec<Self> = fault.collect();
        faults.sort_unstable_by_key(|fault| (fault.kind, fault.seen.first_line, fault.at));
        faults
    }

    pub fn moved_to<Other>(self, at: Other) -> Fault<Other> {
        let Fault { kind, seen, .. } = self;
        Fault { kind, at, seen }
    }
}

/// A free that met no block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownFree<Place> {
    /// Of the log, counted from 1.
    pub line: u64,
    pub address: u64,
    pub at: Place,
    pub in_realloc: bool,
}

impl<Place> UnknownFree<Place> {
    pub fn moved_to<Other>(&self, at: Other) -> UnknownFree<Other> {
        UnknownFree {
            line: self.line,
            address: self.address,
            at,
            in_realloc: self.in_realloc,
        }
    }
}

/// Occurrences under each meaning of [`Reuse`].
#[derive(Debug, Default)]
struct FaultSeen {
    late: Occurrences,
    lost: Occurrences,
}

/// What went wrong, by kind and caller.
#[derive(Debug, Default)]
pub(super) struct Faults(HashMap<(FaultKind, CallerId), FaultSeen>);

impl Faults {
    /// Notes a fault under the meanings under which it is one.
    pub(super) fn note(
        &mut self,
        kind: FaultKind,
        caller: CallerId,
        line: u64,
        late: bool,
        lost: bool,
    ) {
        if !late && !lost {
            return;
        }
        let seen = self.0.entry((kind, caller)).or_default();
        if late {
            seen.late.note(line);
        }
        if lost {
            seen.lost.note(line);
        }
    }

    pub(super) fn absorb(&mut self, other: Faults) {
        for (key, seen) in other.0 {
            let sum = self.0.entry(key).or_default();
            sum.late.absorb(seen.late, 0);
            sum.lost.absorb(seen.lost, 0);
        }
    }

    /// What is one under one meaning, each caller taken for the one that `is` says.
    pub(super) fn under(
        &self,
        reuse: Reuse,
        is: impl Fn(CallerId) -> CallerId,
    ) -> Vec<Fault<CallerId>> {
        let mut by_caller: HashMap<(FaultKind, CallerId), Occurrences> = HashMap::new();
        for ((kind, caller), seen) in &self.0 {
            let seen = match reuse {
                Reuse::FreeLoggedLate => seen.late,
                Reuse::FreeLost => seen.lost,
            };
            if seen.count > 0 {
                let sum = by_caller.entry((*kind, is(*caller)));
                sum.or_default().absorb(seen, 0);
            }
        }
        Fault::sorted(by_caller)
    }
}
