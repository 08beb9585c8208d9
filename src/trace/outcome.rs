//! What a log comes to: figures per caller, live blocks, what was odd in it and what went wrong.

use rayon::prelude::*;

use super::anomalies::Anomalies;
use super::block::{Block, CallerId, Tally};
use super::caller_list::Callers;
use super::changes::Curves;
use super::curve::Curve;
use super::fault::{Fault, Faults, UnknownFree};
use super::live::LiveBlocks;
use super::live_counts::LiveCounts;
use super::live_sizes::LiveSizes;
use super::lives::{AllLives, Lives};
use super::reuse::{Freed, Met, Reuse, ReuseCounts};
use super::sizes::{Sizes, SizesSeen};
use super::stop::Length;

/// What one caller did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CallerStats {
    /// Blocks it got, by malloc, calloc, realloc and the like.
    pub allocations: u64,
    /// What of them is live at the end; all others were freed, by whomever.
    pub live: Tally,
}

/// All that is known of a caller.
#[derive(Debug)]
pub struct CallerOutcome {
    pub stats: CallerStats,
    /// What it asked for; `None` where it allocated nothing.
    pub sizes: Option<Sizes>,
    /// Of what is live.
    pub live_sizes: LiveSizes,
    /// What was live at equal steps of the run.
    pub curve: Curve,
    /// How many of its last blocks were there at each step.
    pub survivors: Curve,
    /// How long the others lived.
    pub lives: Lives,
}

/// A log, read to its end. Some of what it comes to depends on the meaning of [`Reuse`], which its callers tell.
#[derive(Debug)]
pub struct Trace {
    /// All callers, by [`CallerId`].
    pub callers: Callers,
    /// By the number that a caller had while the log was read.
    pub(super) is: Vec<CallerId>,
    /// By [`CallerId`].
    pub(super) allocated: Vec<u64>,
    /// By [`CallerId`].
    pub(super) sizes: Vec<SizesSeen>,
    /// By [`super::live::shard_of`] their addresses.
    pub(super) live: Vec<LiveBlocks>,
    pub(super) faults: Faults,
    pub(super) unknown_frees: Vec<(UnknownFree<CallerId>, Met)>,
    /// Those that do not depend on the meaning of [`Reuse`].
    pub(crate) anomalies: Anomalies,
    /// Under [`Reuse::FreeLoggedLate`].
    pub(super) late: Curves,
    /// What comes on top under [`Reuse::FreeLost`].
    pub(super) lost: Curves,
    pub(super) lives: AllLives,
    /// In lines, blank ones too: what the steps of curves count.
    pub(super) length: Length,
    /// Records of the log, of whatever kind.
    pub records: u64,
    /// Blocks at addresses of more than 32 bits.
    pub wide_addresses: u64,
    /// All lines but blank ones.
    pub lines: u64,
}

/// What a log comes to under one meaning of [`Reuse`].
#[derive(Debug, Clone, Copy)]
pub struct Outcome<'a> {
    trace: &'a Trace,
    reuse: Reuse,
}

impl Trace {
    /// What it comes to under one meaning of [`Reuse`].
    pub fn under(&self, reuse: Reuse) -> Outcome<'_> {
        Outcome { trace: self, reuse }
    }

    /// Blocks that were allocated.
    pub fn allocations(&self) -> u64 {
        self.allocated.iter().sum()
    }

    /// Whether most blocks lie at addresses of more than 32 bits.
    pub fn is_wide(&self) -> bool {
        self.wide_addresses > self.allocations() / 2
    }

    /// What every caller comes to, by [`CallerId`].
    ///
    /// The changes and blocks that it follows from take as much memory as all of that, and so does what it is made into
    /// next. So each part is let go of as soon as it has told all that it knows.
    pub fn into_callers(mut self, reuse: Reuse) -> impl Iterator<Item = CallerOutcome> {
        self.callers = Callers::default();
        let curves = self.under(reuse).curves();
        self.late = Curves::default();
        self.lost = Curves::default();
        let lives = self.under(reuse).lives();
        self.lives = AllLives::default();
        let mut counts = self.under(reuse).live_counts();
        self.live = Vec::new();
        let stats = self.under(reuse).stats_of(&counts);
        let callers = self.allocated.len();
        let survivors = counts.take_births().curves(callers, self.length);
        let live_sizes = counts.into_sizes(callers);
        let sizes = self.sizes.into_iter().map(|seen| seen.sizes());
        let known = stats.into_iter().zip(sizes).zip(live_sizes);
        let curves = curves.into_iter().zip(survivors).zip(lives);
        known.zip(curves).map(
            |(((stats, sizes), live_sizes), ((curve, survivors), lives))| CallerOutcome {
                stats,
                sizes,
                live_sizes,
                curve,
                survivors,
                lives,
            },
        )
    }

    fn is(&self, number: CallerId) -> CallerId {
        self.is[number.0 as usize]
    }
}

impl Outcome<'_> {
    /// The figures of every caller, by [`CallerId`].
    pub fn stats(&self) -> Vec<CallerStats> {
        self.stats_of(&self.live_counts())
    }

    fn stats_of(&self, counts: &LiveCounts) -> Vec<CallerStats> {
        let allocated = self.trace.allocated.iter();
        let live = counts.live(allocated.len());
        let stats = allocated.zip(live);
        let stats = stats.map(|(&allocations, live)| CallerStats { allocations, live });
        stats.collect()
    }

    /// All that is live, a part of the addresses at a time.
    fn live_counts(&self) -> LiveCounts {
        let of_shard = |shard: &LiveBlocks| {
            LiveCounts::of(shard.iter(self.reuse).map(|(_, block)| Block {
                caller: self.trace.is(block.caller),
                ..block
            }))
        };
        let shards = self.trace.live.par_iter().map(of_shard);
        shards.reduce(LiveCounts::default, |mut sum, of_shard| {
            sum.absorb(of_shard);
            sum
        })
    }

    /// What each caller asked for, by [`CallerId`]; `None` where it allocated nothing.
    pub fn sizes(&self) -> Vec<Option<Sizes>> {
        let sizes = self.trace.sizes.iter();
        sizes.map(|seen| seen.sizes()).collect()
    }

    /// What was live of each caller at equal steps of the run, by [`CallerId`].
    pub fn curves(&self) -> Vec<Curve> {
        let others = (self.reuse == Reuse::FreeLost).then_some(&self.trace.lost);
        let (late, numbers) = (&self.trace.late, &self.trace.is);
        let of_numbers = late.of_callers(others, numbers.len(), self.trace.length);
        let mut curves = vec![Curve::default(); self.trace.allocated.len()];
        for (is, curve) in numbers.iter().zip(of_numbers) {
            curves[is.0 as usize].add(&curve);
        }
        curves
    }

    /// What of each caller lived to the end, and since when: how many of its last blocks were there at each step.
    pub fn survivors(&self) -> Vec<Curve> {
        let births = self.live_counts().take_births();
        births.curves(self.trace.allocated.len(), self.trace.length)
    }

    /// How long the blocks of each caller lived that were freed, by [`CallerId`].
    pub fn lives(&self) -> Vec<Lives> {
        let (all, numbers) = (&self.trace.lives, &self.trace.is);
        let of_numbers = all.of_callers(numbers.len(), self.trace.length);
        let mut lives = vec![Lives::default(); self.trace.allocated.len()];
        for (is, of_number) in numbers.iter().zip(of_numbers) {
            lives[is.0 as usize].add(&of_number);
        }
        lives
    }

    /// The blocks live at the end, by address.
    pub fn live_blocks(&self) -> Vec<(u64, Block)> {
        let own = |(address, block): (u64, Block)| {
            let caller = self.trace.is(block.caller);
            (address, Block { caller, ..block })
        };
        let live = self.trace.live.iter();
        let live = live.flat_map(|shard| shard.iter(self.reuse));
        let mut blocks: Vec<(u64, Block)> = live.map(own).collect();
        blocks.sort_unstable_by_key(|(address, _)| *address);
        blocks
    }

    /// What went wrong, by kind and caller, worst kinds first.
    pub fn faults(&self) -> Vec<Fault<CallerId>> {
        self.trace
            .faults
            .under(self.reuse, |caller| self.trace.is(caller))
    }

    /// The frees that met no block, in the order of the log; kept only where asked for.
    pub fn unknown_frees(&self) -> impl Iterator<Item = UnknownFree<CallerId>> + '_ {
        let unknown = self.trace.unknown_frees.iter();
        unknown
            .filter(|(_, met)| met.under(self.reuse) != Freed::Live)
            .map(|(free, _)| free.moved_to(self.trace.is(free.at)))
    }

    pub fn anomalies(&self) -> Anomalies {
        let live = &self.trace.live;
        let mut counts = ReuseCounts::default();
        live.iter()
            .for_each(|shard| counts.absorb(shard.counts(self.reuse)));
        Anomalies {
            unknown_frees: counts.unknown_frees,
            double_frees: counts.double_frees,
            unsure_frees: counts.unsure_frees,
            live_address_reused: counts.live_address_reused,
            doubly_held: live.iter().map(LiveBlocks::doubly_held).sum(),
            ..self.trace.anomalies.clone()
        }
    }
}
