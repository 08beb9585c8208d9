//! Changes of the first callers of a log, each at its place.

use super::block::CallerId;
use super::delta::{CallerDelta, Delta, STRETCHES};

/// So many callers are few: 4 MiB. Most programs have no more, and their changes need no sorting.
const FEW: usize = 1 << 10;

/// The changes of the callers with the least numbers.
#[derive(Debug, Default)]
pub(super) struct Dense {
    /// By [`CallerId`]; empty where nothing changed yet.
    callers: Vec<Box<[Delta]>>,
}

impl Dense {
    /// Adds a change, if its caller is one of the first.
    #[inline]
    pub(super) fn add(&mut self, change: CallerDelta) -> bool {
        let at = change.caller.0 as usize;
        if at >= FEW {
            return false;
        }
        if at >= self.callers.len() {
            self.callers.resize_with(at + 1, Box::default);
        }
        let stretches = &mut self.callers[at];
        if stretches.is_empty() {
            *stretches = vec![Delta::default(); STRETCHES as usize].into();
        }
        let last = stretches.len() - 1;
        stretches[last.min(change.stretch as usize)].add(change.delta);
        true
    }

    /// Makes stretches 2^`by` times as long.
    pub(super) fn coarsen(&mut self, by: u32) {
        for stretches in &mut self.callers {
            for stretch in 0..stretches.len() {
                let delta = std::mem::take(&mut stretches[stretch]);
                stretches[stretch >> by].add(delta);
            }
        }
    }

    /// The changes of a caller, by stretch; none if it is not one of the first.
    pub(super) fn of(&self, caller: CallerId) -> impl Iterator<Item = (u32, Delta)> + '_ {
        let stretches = self.callers.get(caller.0 as usize).into_iter();
        let stretches = stretches.flat_map(|stretches| stretches.iter());
        (0..).zip(stretches.copied())
    }
}
