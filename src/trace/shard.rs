//! What happens at one part of all addresses.

use super::allocations::AllocationsSeen;
use super::block::{Block, CallerId, Stretch};
use super::changes::{Sampler, stretch_of};
use super::delta::Delta;
use super::fault::{FaultKind, Faults, UnknownFree};
use super::lane::Lane;
use super::live::{Ended, LiveBlocks};
use super::lives::LivesSampler;
use super::parse::{Action, BlockRecord};
use super::reuse::{Freed, Met};
use super::table::{Held, Place};

/// What happened at a part of all addresses.
#[derive(Debug, Default)]
pub(super) struct Shard {
    pub(super) live: LiveBlocks,
    pub(super) faults: Faults,
    pub(super) unknown_frees: Vec<(UnknownFree<CallerId>, Met)>,
    /// Under [`Reuse::FreeLoggedLate`].
    pub(super) late: Sampler,
    /// What comes on top under [`Reuse::FreeLost`].
    pub(super) lost: Sampler,
    /// Under [`Reuse::FreeLoggedLate`], too: the few that this is wrong about make no difference.
    pub(super) lives: LivesSampler,
    pub(super) allocations: AllocationsSeen,
}

/// So many steps look up their blocks at one time: as many as a core can wait for, and some more.
const AT_ONCE: usize = 64;

impl Shard {
    /// `keep_unknown`: whether frees that met no block are kept one by one.
    pub(super) fn replay(
        &mut self,
        steps: &[BlockRecord],
        lane: &Lane,
        shift: u32,
        keep_unknown: bool,
    ) {
        let mut places = [Place::NOWHERE; AT_ONCE];
        for steps in steps.chunks(AT_ONCE) {
            self.live.tidy();
            for (place, step) in places.iter_mut().zip(steps) {
                *place = self.live.place(step.address);
            }
            for (place, step) in places.iter().zip(steps) {
                self.step(*place, step, lane, shift, keep_unknown);
            }
        }
    }

    #[inline(always)]
    fn step(
        &mut self,
        place: Place,
        step: &BlockRecord,
        lane: &Lane,
        shift: u32,
        keep_unknown: bool,
    ) {
        let line = lane.lines_before + u64::from(step.line());
        let address = step.address;
        match step.action() {
            action @ (Action::Allocate | Action::AllocateInRealloc) => {
                let caller = lane.caller(step.caller);
                // A block that is being moved is not gone: no step of a curve ends between the two lines.
                let begins_at = line - u64::from(action == Action::AllocateInRealloc);
                let stretch = stretch_of(begins_at.max(1), shift);
                let block = Block {
                    caller,
                    size: step.size,
                    born: stretch as Stretch,
                };
                self.late.note(stretch, caller, Delta::begins(block));
                self.allocations.note(stretch);
                if self.live.is_disputed(address) {
                    let ended = self.live.allocate_in_dispute(address, block, line);
                    self.ended(ended, stretch);
                } else if let Held::Live(before) = self.live.put(place, address, block) {
                    let ended = self.live.begin_dispute(address, before, block, line);
                    self.ended(ended, stretch);
                }
            }
            action @ (Action::Free | Action::FreeInRealloc) => {
                let stretch = stretch_of(line, shift);
                let met = if self.live.is_disputed(address) {
                    let (met, ended) = self.live.free_in_dispute(address, line);
                    self.ended(ended, stretch);
                    met
                } else {
                    match self.live.take(place, address) {
                        // In one value with what a dispute gives, the block would be written to memory in parts
                        // and read as a whole, which makes the core wait.
                        Held::Live(block) => return self.block_ended(block, stretch),
                        held => self.live.met_no_block(held, line),
                    }
                };
                if met.late != Freed::Live || met.lost != Freed::Live {
                    let free = UnknownFree {
                        line,
                        address,
                        at: lane.caller(step.caller),
                        in_realloc: action == Action::FreeInRealloc,
                    };
                    self.unknown_free(free, met, keep_unknown);
                }
            }
        }
    }

    #[inline(always)]
    fn block_ended(&mut self, block: Block, stretch: u64) {
        self.lives.note(stretch, block);
        self.late.note(stretch, block.caller, Delta::ends(block));
    }

    #[cold]
    #[inline(never)]
    fn ended(&mut self, ended: Ended, stretch: u64) {
        let (block, late, on_top) = match ended {
            Ended::Nothing => return,
            Ended::Block(block) => return self.block_ended(block, stretch),
            Ended::IfLate(block) => {
                self.lives.note(stretch, block);
                (block, Delta::ends(block), Delta::ends(block).negated())
            }
            Ended::IfLost(block) => (block, Delta::default(), Delta::ends(block)),
        };
        self.late.note(stretch, block.caller, late);
        self.lost.note(stretch, block.caller, on_top);
    }

    #[cold]
    #[inline(never)]
    fn unknown_free(&mut self, free: UnknownFree<CallerId>, met: Met, keep_unknown: bool) {
        for (kind, freed) in [
            (FaultKind::DoubleFree, Freed::Again),
            (FaultKind::FreeOfUnknown, Freed::Unknown),
            (FaultKind::FreeOfUnknown, Freed::Unsure),
        ] {
            let (late, lost) = (met.late == freed, met.lost == freed);
            self.faults.note(kind, free.at, free.line, late, lost);
        }
        if keep_unknown {
            self.unknown_frees.push((free, met));
        }
    }
}
