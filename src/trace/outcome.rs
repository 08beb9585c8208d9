//! What a log comes to: figures per caller, live blocks, what was odd in it and what went wrong.

use hashbrown::HashMap;
use rayon::prelude::*;

use super::anomalies::Anomalies;
use super::block::{Block, CallerId, Tally};
use super::callers::{Texts, kept};
use super::changes::{Curves, Sampler};
use super::curve::Curve;
use super::line::Caller;
use super::live::{Freed, LiveBlocks, Met, Occurrences, Reuse, ReuseCounts, SHARDS};

/// What one caller did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CallerStats {
    /// Blocks it got, by malloc, calloc, realloc and the like.
    pub allocations: u64,
    /// What of them is live at the end; all others were freed, by whomever.
    pub live: Tally,
}

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

/// Faults of one kind at one caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    pub kind: FaultKind,
    pub caller: CallerId,
    pub seen: Occurrences,
}

/// A free that met no block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownFree {
    /// Counted from 1.
    pub line: u64,
    pub address: u64,
    pub by: CallerId,
    pub in_realloc: bool,
}

/// A log, read to its end.
#[derive(Debug, Default)]
pub struct Trace {
    /// As the log spells them.
    pub(super) texts: Texts,
    pub(super) callers: Vec<CallerEntry>,
    /// By [`super::live::shard_of`] their addresses.
    pub(super) live: Vec<LiveBlocks>,
    pub(super) faults: Faults,
    pub(super) unknown_frees: Vec<(UnknownFree, Met)>,
    pub(super) anomalies: Anomalies,
    /// Under [`Reuse::FreeLoggedLate`].
    pub(super) late: Curves,
    /// What comes on top under [`Reuse::FreeLost`].
    pub(super) lost: Curves,
    /// Blank ones too: what the steps of curves count.
    pub(super) all_lines: u64,
    pub records: u64,
    /// Blocks at addresses of more than 32 bits.
    pub wide_addresses: u64,
    /// All lines but blank ones.
    pub lines: u64,
}

#[derive(Debug)]
pub(super) struct CallerEntry {
    pub(super) allocations: u64,
    pub(super) records: u64,
    pub(super) first_line: u64,
    /// The caller that this one is: itself, or the one behind the text that was glued before it.
    pub(super) is: CallerId,
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
}

/// What happened at a part of all addresses.
#[derive(Debug, Default)]
pub(super) struct Shard {
    pub(super) live: LiveBlocks,
    pub(super) faults: Faults,
    pub(super) unknown_frees: Vec<(UnknownFree, Met)>,
    /// Under [`Reuse::FreeLoggedLate`].
    pub(super) late: Sampler,
    /// What comes on top under [`Reuse::FreeLost`].
    pub(super) lost: Sampler,
}

/// So many callers are many.
const MANY_CALLERS: usize = 1 << 14;

impl Trace {
    /// Each caller as the log spells it, taken apart.
    pub fn callers(&self) -> impl ExactSizeIterator<Item = (CallerId, Caller<'_>)> + '_ {
        self.ids().map(|id| (id, self.caller(id)))
    }

    pub fn ids(&self) -> impl ExactSizeIterator<Item = CallerId> + use<> {
        (0..self.callers.len() as u32).map(CallerId)
    }

    /// Callers alone, as the log spelled them, where its records are not at hand.
    pub fn of_callers(texts: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let mut trace = Trace::default();
        for text in texts {
            // Each has a number of its own, though another be spelled alike.
            let text = kept(&text);
            let is = CallerId(trace.texts.add(trace.texts.hash(&text), &text));
            trace.callers.push(CallerEntry {
                allocations: 0,
                records: 0,
                first_line: 0,
                is,
            });
        }
        trace
    }

    /// One caller, taken apart.
    pub fn caller(&self, id: CallerId) -> Caller<'_> {
        Caller::parse(self.texts.text(id.0))
    }

    /// Callers without those that are another one behind some other writer's text.
    pub fn own_callers(&self) -> impl Iterator<Item = (CallerId, Caller<'_>)> + '_ {
        self.callers().filter(|(id, _)| self.is(*id) == *id)
    }

    fn is(&self, id: CallerId) -> CallerId {
        self.callers[id.0 as usize].is
    }

    /// The figures of every caller, by [`CallerId`].
    pub fn stats(&self, reuse: Reuse) -> Vec<CallerStats> {
        let mut stats = vec![CallerStats::default(); self.callers.len()];
        for entry in &self.callers {
            stats[entry.is.0 as usize].allocations += entry.allocations;
        }
        // A table for each part of the addresses, or for some of them, where a table is large.
        let together = match self.callers.len() {
            ..MANY_CALLERS => 1,
            _ => SHARDS / 2,
        };
        let live = self.live.par_chunks(together);
        for of_shard in live
            .map(|shards| self.live_of(shards, reuse))
            .collect::<Vec<_>>()
        {
            for (caller, live) in of_shard.into_iter().enumerate() {
                stats[caller].live.add(live);
            }
        }
        stats
    }

    /// What is live of a part of all addresses, by caller.
    fn live_of(&self, shards: &[LiveBlocks], reuse: Reuse) -> Vec<Tally> {
        let mut live = vec![Tally::default(); self.callers.len()];
        for (_, block) in shards.iter().flat_map(|shard| shard.iter(reuse)) {
            live[self.is(block.caller).0 as usize].add(Tally {
                blocks: 1,
                bytes: block.size,
            });
        }
        live
    }

    /// What was live of each caller at equal steps of the run, by [`CallerId`].
    pub fn curves(&self, reuse: Reuse) -> Vec<Curve> {
        let others = (reuse == Reuse::FreeLost).then_some(&self.lost);
        let all = self.callers.len();
        let mut curves: Vec<Curve> = self.late.of_callers(others, all, self.all_lines).collect();
        for (index, entry) in self.callers.iter().enumerate() {
            let (glued, is) = (index, entry.is.0 as usize);
            if is != glued {
                let curve = std::mem::take(&mut curves[glued]);
                curves[is].add(&curve);
            }
        }
        curves
    }

    /// The blocks live at the end, by address.
    pub fn live_blocks(&self, reuse: Reuse) -> Vec<(u64, Block)> {
        let own = |(address, block): (u64, Block)| {
            let caller = self.is(block.caller);
            (address, Block { caller, ..block })
        };
        let mut blocks: Vec<(u64, Block)> = {
            let live = self.live.iter().flat_map(|shard| shard.iter(reuse));
            live.map(own).collect()
        };
        blocks.sort_unstable_by_key(|(address, _)| *address);
        blocks
    }

    /// What went wrong, by kind and caller, worst kinds first.
    pub fn faults(&self, reuse: Reuse) -> Vec<Fault> {
        let mut by_caller: HashMap<(FaultKind, CallerId), Occurrences> = HashMap::new();
        for ((kind, caller), seen) in &self.faults.0 {
            let seen = match reuse {
                Reuse::FreeLoggedLate => seen.late,
                Reuse::FreeLost => seen.lost,
            };
            if seen.count > 0 {
                let sum = by_caller.entry((*kind, self.is(*caller))).or_default();
                sum.count += seen.count;
                sum.first_line = [sum.first_line, seen.first_line]
                    .into_iter()
                    .flatten()
                    .min();
            }
        }
        let fault = |((kind, caller), seen)| Fault { kind, caller, seen };
        let mut faults: Vec<Fault> = by_caller.into_iter().map(fault).collect();
        faults.sort_unstable_by_key(|fault| (fault.kind, fault.seen.first_line, fault.caller));
        faults
    }

    /// The frees that met no block, in the order of the log; kept only where asked for.
    pub fn unknown_frees(&self, reuse: Reuse) -> impl Iterator<Item = UnknownFree> + '_ {
        let unknown = self.unknown_frees.iter();
        unknown
            .filter(move |(_, met)| met.under(reuse) != Freed::Live)
            .map(|(free, _)| UnknownFree {
                by: self.is(free.by),
                ..*free
            })
    }

    pub fn anomalies(&self, reuse: Reuse) -> Anomalies {
        let mut counts = ReuseCounts::default();
        self.live
            .iter()
            .for_each(|shard| counts.absorb(shard.counts(reuse)));
        Anomalies {
            unknown_frees: counts.unknown_frees,
            double_frees: counts.double_frees,
            unsure_frees: counts.unsure_frees,
            live_address_reused: counts.live_address_reused,
            doubly_held: self.live.iter().map(LiveBlocks::doubly_held).sum(),
            ..self.anomalies.clone()
        }
    }

    /// Blocks that were allocated.
    pub fn allocations(&self) -> u64 {
        self.callers.iter().map(|entry| entry.allocations).sum()
    }
}
