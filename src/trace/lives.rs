//! How long the blocks lived that were freed.
//!
//! When blocks were born that live at the end ([`Survivors`](super::survivors::Survivors)) says little where much comes and
//! goes: some of them are merely young. How long the others lived tells which of them should be gone. So it is counted, for
//! each caller, how many blocks were born in one part of the run and freed in another.

use std::sync::{Arc, LazyLock};

use super::block::{Block, CallerId, Stretch};
use super::changes::{shift_for, stretch_of};
use super::delta::{CallerDelta, Delta, STRETCHES};
use super::key_counts::KeyCounts;
use super::packed::Packer;
use super::sorted::Sorted;
use super::stop::Length;
use super::varint;

/// A part has 2 to the power of so many stretches: so a run has 33 to 64 parts, if it has as many lines.
const PART: u32 = 2;

/// Stretches of a part.
pub(crate) const STRETCHES_OF_A_PART: usize = 1 << PART;

/// Blocks of a caller that were born in one part of a run and freed in a later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life {
    pub died: u8,
    pub born: u8,
    pub blocks: u64,
}

impl Life {
    fn when(self) -> (u8, u8) {
        (self.died, self.born)
    }
}

/// The blocks of a caller that were freed, but for those that lived shortly: within a part of the run. In order of when they
/// died, and then of when they were born. Callers that have none share one, and all take one word: most of a million callers
/// freed nothing late.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lives(Arc<Box<[u8]>>);

impl Default for Lives {
    fn default() -> Self {
        static NONE: LazyLock<Arc<Box<[u8]>>> = LazyLock::new(Arc::default);
        Lives(Arc::clone(&NONE))
    }
}

impl Lives {
    /// Of a run of so many stretches; `None` if there are no such lives, or if they are out of order.
    pub fn new(stretches: usize, lives: &[Life]) -> Option<Self> {
        let in_order = lives.windows(2).all(|pair| pair[0].when() < pair[1].when());
        let parts = stretches.div_ceil(STRETCHES_OF_A_PART);
        let is_of_run = |life: &Life| life.born < life.died && usize::from(life.died) < parts;
        let is_good = stretches as u64 <= STRETCHES && in_order && lives.iter().all(is_of_run);
        is_good.then(|| Lives::of(stretches, lives.iter().copied()))
    }

    fn of(stretches: usize, lives: impl Iterator<Item = Life>) -> Self {
        let mut bytes = Vec::new();
        let mut last = 0;
        for life in lives {
            if bytes.is_empty() {
                varint::write(&mut bytes, stretches as u64);
            }
            bytes.push(life.died - last);
            bytes.push(life.died - life.born);
            varint::write(&mut bytes, life.blocks);
            last = life.died;
        }
        match bytes.is_empty() {
            true => Lives::default(),
            false => Lives(Arc::new(bytes.into_boxed_slice())),
        }
    }

    /// How many stretches the run has, of which [`STRETCHES_OF_A_PART`] are a part; as many as can be where there are no lives.
    pub fn stretches(&self) -> usize {
        match self.0.is_empty() {
            true => STRETCHES as usize,
            false => varint::read(&mut &**self.0) as usize,
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = Life> + '_ {
        let mut bytes = &**self.0;
        varint::read(&mut bytes);
        let mut died = 0;
        std::iter::from_fn(move || {
            let [later, age, rest @ ..] = bytes else {
                return None;
            };
            bytes = rest;
            died += later;
            let born = died - age;
            let blocks = varint::read(&mut bytes);
            Some(Life { died, born, blocks })
        })
    }

    /// Adds to what is known of a sum: a part of it would be wrong.
    pub(crate) fn add_known(sum: &mut Option<Lives>, other: Option<&Lives>) {
        *sum = match (sum.take(), other) {
            (Some(mut sum), Some(other)) => {
                sum.add(other);
                Some(sum)
            }
            _ => None,
        };
    }

    /// Adds those of another caller of the same run.
    pub fn add(&mut self, other: &Lives) {
        if other.0.is_empty() {
            return;
        }
        if self.0.is_empty() {
            *self = other.clone();
            return;
        }
        let stretches = self.stretches().max(other.stretches());
        *self = Lives::summed(stretches, self.iter().chain(other.iter()).collect());
    }

    /// Of lives in any order, some of them of the same parts.
    fn summed(stretches: usize, mut all: Vec<Life>) -> Self {
        all.sort_unstable_by_key(|life| life.when());
        all.dedup_by(|next, sum| {
            let is_same = next.when() == sum.when();
            sum.blocks = sum
                .blocks
                .saturating_add(if is_same { next.blocks } else { 0 });
            is_same
        });
        Lives::of(stretches, all.into_iter())
    }
}

/// Counts lives, for one part of all addresses: by [`key`].
#[derive(Debug, Default)]
pub(super) struct LivesSampler(KeyCounts<u64>);

impl LivesSampler {
    /// A block dies in a stretch.
    #[inline]
    pub(super) fn note(&mut self, stretch: u64, block: Block) {
        let (born, died) = (block.born >> PART, (stretch >> PART) as u8);
        if born < died {
            self.note_later(born, died, block.caller);
        }
    }

    /// Few blocks live so long, and for all others it would only be in the way.
    #[inline(never)]
    fn note_later(&mut self, born: u8, died: u8, caller: CallerId) {
        self.0.note(key(caller, died, born));
    }

    /// How many counts wait to be taken over.
    pub(super) fn waiting(&self) -> usize {
        self.0.done()
    }
}

/// A caller and two parts of a run in one number, in order of callers, and then of when a block died.
fn key(caller: CallerId, died: u8, born: u8) -> u64 {
    u64::from(caller.0) << 16 | u64::from(when(died, born))
}

/// Both parts in one number, in order of when a block died.
fn when(died: u8, born: u8) -> u32 {
    u32::from(died) << 8 | u32::from(born)
}

fn shifted(part: Stretch, by: u32) -> u8 {
    part.checked_shr(by).unwrap_or(0)
}

/// The lives of every caller.
#[derive(Debug, Default)]
pub(super) struct AllLives {
    lives: Sorted,
    /// By [`key`]. What is of one caller comes from all parts of the addresses at about the same time.
    new: KeyCounts<u64>,
}

/// So many counts are sorted in at a time, at least.
const NEW_AT_ONCE: usize = 1 << 14;

impl AllLives {
    /// Takes over what a sampler is done with.
    pub(super) fn absorb(&mut self, sampler: &mut LivesSampler) {
        let new = sampler.0.drain();
        new.for_each(|(key, blocks)| self.new.add(key, blocks));
        if self.new.done() > self.lives.worth_sorting_in(NEW_AT_ONCE) {
            self.sort_in();
        }
    }

    /// Takes over everything.
    pub(super) fn absorb_all(&mut self, sampler: &mut LivesSampler) {
        sampler.0.empty_slots();
        self.absorb(sampler);
    }

    fn sort_in(&mut self) {
        let new = std::mem::take(&mut self.new).finish().into_iter();
        self.lives.merge(new.map(|(key, blocks)| CallerDelta {
            caller: CallerId((key >> 16) as u32),
            stretch: key as u32 & 0xffff,
            delta: Delta {
                blocks: blocks.into(),
                bytes: 0,
            },
        }));
    }

    /// Makes stretches 2^`by` times as long. Nothing may wait in any sampler.
    pub(super) fn coarsen(&mut self, by: u32) {
        self.finish();
        let before = std::mem::take(&mut self.lives);
        let mut lives = before.iter().peekable();
        let mut packer = Packer::default();
        let mut of_caller: Vec<CallerDelta> = Vec::new();
        while let Some(first) = lives.next() {
            of_caller.push(first);
            while let Some(next) = lives.next_if(|next| next.caller == first.caller) {
                of_caller.push(next);
            }
            for life in &mut of_caller {
                let [.., died, born] = life.stretch.to_be_bytes();
                life.stretch = when(shifted(died, by), shifted(born, by));
            }
            // What has become short is not kept.
            of_caller.retain(|life| life.stretch & 0xff < life.stretch >> 8);
            of_caller.sort_unstable_by_key(CallerDelta::when);
            of_caller.drain(..).for_each(|life| packer.push(life));
        }
        self.lives = Sorted::from(packer.finish());
    }

    /// No block dies any more.
    pub(super) fn finish(&mut self) {
        self.sort_in();
        self.lives.finish();
    }

    /// Of so many callers, by [`CallerId`], over a run of this length.
    pub(super) fn of_callers(&self, callers: usize, length: Length) -> impl Iterator<Item = Lives> {
        let shift = shift_for(length.lines);
        let of_curves = move |line: u64| length.shortened(line.max(1)).max(1);
        let stretches = stretch_of(of_curves(length.lines), shift) as usize + 1;
        // A part is where its last line is.
        let part_of = move |part: u8| {
            let line = (u64::from(part) + 1) << PART << shift;
            (stretch_of(of_curves(line.min(length.lines)), shift) >> PART) as u8
        };
        let mut all = self.lives.iter().peekable();
        let callers = (0..callers as u32).map(CallerId);
        callers.map(move |caller| {
            let lives = std::iter::from_fn(|| all.next_if(|life| life.caller == caller));
            let lives = lives.map(|life| {
                let [.., died, born] = life.stretch.to_be_bytes();
                Life {
                    died: part_of(died),
                    born: part_of(born),
                    blocks: life.delta.blocks as u64,
                }
            });
            Lives::summed(
                stretches,
                lives.filter(|life| life.born < life.died).collect(),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::{ReplayOptions, Reuse, Rounds, replay, replay_in};
    use super::*;

    fn life(died: u8, born: u8, blocks: u64) -> Life {
        Life { died, born, blocks }
    }

    #[test]
    fn lives_come_back_as_they_were() {
        let all = [
            life(1, 0, 7),
            life(9, 3, 1),
            life(9, 8, 300),
            life(63, 0, u64::MAX),
        ];
        let lives = Lives::new(256, &all).unwrap();
        assert_eq!(lives.iter().collect::<Vec<_>>(), all);
        assert_eq!(lives.stretches(), 256);
        let none = Lives::new(130, &[]).unwrap();
        assert_eq!((none.iter().count(), none), (0, Lives::default()));
        assert!(size_of::<Option<Lives>>() <= 2 * size_of::<usize>());
    }

    #[test]
    fn what_is_out_of_order_is_of_no_run() {
        for bad in [
            [life(9, 3, 1), life(9, 3, 1)],
            [life(9, 3, 1), life(8, 3, 1)],
            [life(3, 3, 1), life(8, 3, 1)],
            [life(2, 1, 1), life(33, 3, 1)],
        ] {
            assert_eq!(Lives::new(132, &bad), None, "{bad:?}");
        }
        assert_eq!(Lives::new(257, &[]), None);
    }

    #[test]
    fn those_of_two_callers_are_summed_up() {
        let of = |lives: &[Life]| Lives::new(256, lives).unwrap();
        let mut sum = Lives::default();
        for lives in [
            of(&[life(2, 1, 5), life(7, 1, u64::MAX)]),
            of(&[]),
            of(&[life(2, 0, 1), life(2, 1, 6), life(7, 1, 2)]),
        ] {
            sum.add(&lives);
        }
        assert_eq!(
            sum,
            of(&[life(2, 0, 1), life(2, 1, 11), life(7, 1, u64::MAX)])
        );
    }

    /// Three callers whose blocks live for a few lines, for a part of the run, or for most of it, against a plain count.
    #[test]
    fn a_log_has_the_lives_of_its_blocks() {
        for lines in [1, 3, 130, 2_000, 40_000_u64] {
            let (mut log, mut chance) = (String::new(), 1_u64);
            let mut live: BTreeMap<u64, (u64, u64, u64)> = BTreeMap::new();
            let mut freed = Vec::new();
            for line in 0..lines {
                chance = chance.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
                let caller = chance >> 33 & 3;
                let due = live.iter().find(|(_, (until, ..))| *until <= line);
                if let Some((&address, &(_, owner, born))) = due {
                    log.push_str(&format!("@ a:[0x99] - {address:#x}\n"));
                    live.remove(&address);
                    freed.push((owner, born, line));
                } else {
                    let life = [5, lines / 9, lines / 2, lines][caller as usize];
                    let address = 0x1000 + line * 16;
                    log.push_str(&format!("@ a:[{:#x}] + {address:#x} 0x8\n", caller + 1));
                    live.insert(address, (line + life, caller + 1, line));
                }
            }
            // At most 256 stretches of a power of two of lines, four of which are a part.
            let stretch = (0..)
                .map(|by| 1 << by)
                .find(|long| lines.div_ceil(*long) <= 256);
            let part = |line: u64| (line / stretch.unwrap() / 4) as u8;
            let mut expected: BTreeMap<(u64, u8, u8), u64> = BTreeMap::new();
            for (owner, born, died) in freed {
                if part(born) < part(died) {
                    *expected.entry((owner, part(died), part(born))).or_default() += 1;
                }
            }
            let options = ReplayOptions::default();
            let trace = replay(log.as_bytes(), options).unwrap();
            let all = trace.under(Reuse::FreeLoggedLate).lives();
            let callers = trace.callers.iter().map(|caller| caller.address.unwrap());
            let found = callers.zip(&all).flat_map(|(owner, lives)| {
                lives
                    .iter()
                    .map(move |life| ((owner, life.died, life.born), life.blocks))
            });
            assert_eq!(found.collect::<BTreeMap<_, _>>(), expected, "{lines} lines");
            assert_eq!(expected.is_empty(), lines < 100, "{lines} lines");
            let stretches = lines.div_ceil(stretch.unwrap()) as usize;
            let with_any = all.iter().filter(|lives| lives.iter().next().is_some());
            assert!(with_any.clone().all(|lives| lives.stretches() == stretches));
            let rounds = Rounds {
                piece: 777,
                pieces: 3,
            };
            let in_pieces = replay_in(rounds, log.as_bytes(), options).unwrap();
            assert_eq!(in_pieces.under(Reuse::FreeLoggedLate).lives(), all);
        }
    }
}
