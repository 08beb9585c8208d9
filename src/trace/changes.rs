//! How many blocks of each caller are live, as it changes along a run.
//!
//! How long a run is, is known at its end. So changes are summed over stretches of lines, and whenever there would
//! be more than `STRETCHES` of them, two and two become one. At the end each step is taken at the end of the
//! stretch that is nearest: never further off than a 256th of the run, and exact there.

use super::block::{Block, CallerId, Stretch, Tally};
use super::curve::{Curve, CurveWriter, STEPS};
use super::delta::{CallerDelta, Delta, STRETCHES};
use super::dense::Dense;
use super::lives::{AllLives, Lives, LivesSampler};
use super::sorted::Sorted;
use super::stop::Length;

/// The stretch that a line (counted from 1) belongs to, where stretches have 2^`shift` lines.
#[inline]
pub(super) fn stretch_of(line: u64, shift: u32) -> u64 {
    (line - 1) >> shift
}

/// The least `shift` with which a run of so many lines has no more than `STRETCHES`.
pub(super) fn shift_for(lines: u64) -> u32 {
    let last = lines.saturating_sub(1);
    (0..u64::BITS)
        .find(|shift| last >> shift < STRETCHES)
        .unwrap_or(0)
}

/// Sums up the changes of the stretch that is replayed now, for one part of all addresses.
///
/// Callers have a slot by the end of their number. Two that want the same one take turns, and a sum that has to
/// leave is done with, before the stretch is over: so many callers take no more memory than some thousands.
#[derive(Debug, Default)]
pub(super) struct Sampler {
    stretch: u64,
    /// As many as a power of two, or none.
    slots: Vec<CallerSlot>,
    /// Slots that have a caller.
    taken: Vec<u32>,
    done: Vec<CallerDelta>,
}

#[derive(Debug, Clone, Copy)]
struct CallerSlot {
    caller: CallerId,
    delta: Delta,
}

impl CallerSlot {
    const FREE: CallerSlot = CallerSlot {
        caller: CallerId(u32::MAX),
        delta: Delta {
            blocks: 0,
            bytes: 0,
        },
    };
}

/// Slots of a sampler, at most.
const MOST_SLOTS: usize = 1 << 15;

impl Sampler {
    /// Notes a change. Stretches come in order.
    #[inline]
    pub(super) fn note(&mut self, stretch: u64, caller: CallerId, delta: Delta) {
        if stretch != self.stretch {
            self.turn_to(stretch);
        }
        let at = caller.0 as usize & self.slots.len().wrapping_sub(1);
        match self.slots.get_mut(at) {
            Some(slot) if slot.caller == caller => slot.delta.add(delta),
            _ => self.take_slot(caller, delta),
        }
    }

    #[inline(never)]
    fn take_slot(&mut self, caller: CallerId, delta: Delta) {
        let wanted = caller.0 as usize + 1;
        if wanted > self.slots.len() && self.slots.len() < MOST_SLOTS {
            self.finish_sums();
            let slots = wanted.next_power_of_two().min(MOST_SLOTS);
            self.slots.resize(slots, CallerSlot::FREE);
        }
        let at = caller.0 as usize & (self.slots.len() - 1);
        let before = std::mem::replace(&mut self.slots[at], CallerSlot { caller, delta });
        match before.caller == CallerSlot::FREE.caller {
            true => self.taken.push(at as u32),
            false => self.finish_sum(before),
        }
    }

    #[cold]
    #[inline(never)]
    fn turn_to(&mut self, stretch: u64) {
        self.finish_sums();
        self.stretch = stretch;
    }

    fn finish_sums(&mut self) {
        let mut taken = std::mem::take(&mut self.taken);
        for at in taken.drain(..) {
            let sum = std::mem::replace(&mut self.slots[at as usize], CallerSlot::FREE);
            self.finish_sum(sum);
        }
        self.taken = taken;
    }

    fn finish_sum(&mut self, sum: CallerSlot) {
        // Most of what comes goes in the same stretch.
        if sum.delta != Delta::default() {
            self.done.push(CallerDelta {
                caller: sum.caller,
                stretch: self.stretch as u32,
                delta: sum.delta,
            });
        }
    }

    /// How many sums wait to be taken over.
    pub(super) fn waiting(&self) -> usize {
        self.done.len()
    }

    /// The stretch goes on under the number that it has with longer stretches.
    pub(super) fn coarsen(&mut self, by: u32) {
        self.stretch >>= by;
    }
}

/// The changes of every caller, stretch by stretch.
#[derive(Debug, Default)]
pub(super) struct Curves {
    few: Dense,
    /// Of all other callers.
    changes: Sorted,
}

impl Curves {
    /// Takes over what a sampler has summed up.
    pub(super) fn absorb(&mut self, sampler: &mut Sampler) {
        let few = &mut self.few;
        let done = sampler.done.drain(..);
        self.changes.extend(done.filter(|change| !few.add(*change)));
    }

    /// Takes over everything, also of the stretch that is not at its end.
    pub(super) fn absorb_all(&mut self, sampler: &mut Sampler) {
        sampler.finish_sums();
        self.absorb(sampler);
    }

    /// Makes stretches 2^`by` times as long. Nothing may wait in any sampler.
    pub(super) fn coarsen(&mut self, by: u32) {
        self.few.coarsen(by);
        self.changes.coarsen(by);
    }

    /// The curves of so many callers, by [`CallerId`]; `others` are changes that come on top.
    pub(super) fn of_callers<'a>(
        &'a self,
        others: Option<&'a Curves>,
        callers: usize,
        length: Length,
    ) -> impl Iterator<Item = Curve> + 'a {
        let steps = Steps::new(length);
        let mut writer = CurveWriter::default();
        let all = [Some(self), others];
        let mut lists = all.map(|curves| {
            let curves = curves.into_iter();
            curves.flat_map(|curves| curves.changes.iter()).peekable()
        });
        (0..callers as u32).map(CallerId).map(move |caller| {
            let mut deltas = [Delta::default(); STEPS];
            for (stretch, delta) in all.into_iter().flatten().flat_map(|one| one.few.of(caller)) {
                deltas[steps.of(stretch)].add(delta);
            }
            for list in &mut lists {
                while let Some(change) = list.next_if(|change| change.caller == caller) {
                    deltas[steps.of(change.stretch)].add(change.delta);
                }
            }
            curve_of(&deltas, &mut writer)
        })
    }

    /// No change comes any more.
    pub(super) fn finish(&mut self) {
        self.changes.finish();
    }
}

fn curve_of(deltas: &[Delta; STEPS], writer: &mut CurveWriter) -> Curve {
    let (mut blocks, mut bytes) = (0_i64, 0_u64);
    for (step, delta) in deltas.iter().enumerate() {
        if *delta != Delta::default() {
            blocks = blocks.wrapping_add(delta.blocks);
            bytes = bytes.wrapping_add(delta.bytes);
            let blocks = blocks.max(0) as u64;
            writer.push(step as u8, Tally { blocks, bytes });
        }
    }
    writer.finish()
}

/// So many sums wait at most before the curves take them over: some MiB.
const MOST_WAITING: usize = 1 << 16;

/// The changes of callers over a time that goes on, in whatever unit it is counted.
#[derive(Debug, Default)]
pub(crate) struct Timeline {
    sampler: Sampler,
    curves: Curves,
    dying: LivesSampler,
    lives: AllLives,
    /// Stretches have 2^`shift` units.
    shift: u32,
    stretch: u64,
}

impl Timeline {
    /// What is noted from here on happens at this time. It never goes back. Stretches are 2 to the power of what this
    /// gives times as long from here on.
    #[must_use]
    pub(crate) fn reach(&mut self, time: u64) -> u32 {
        let time = time.saturating_add(1);
        if stretch_of(time, self.shift) == self.stretch && self.waiting() <= MOST_WAITING {
            return 0;
        }
        let by = shift_for(time).saturating_sub(self.shift);
        if by > 0 {
            self.curves.absorb_all(&mut self.sampler);
            self.curves.coarsen(by);
            self.sampler.coarsen(by);
            self.lives.absorb_all(&mut self.dying);
            self.lives.coarsen(by);
            self.shift += by;
        }
        self.stretch = stretch_of(time, self.shift);
        if self.waiting() > MOST_WAITING {
            self.curves.absorb(&mut self.sampler);
            self.lives.absorb(&mut self.dying);
        }
        by
    }

    fn waiting(&self) -> usize {
        self.sampler.waiting() + self.dying.waiting()
    }

    /// The stretch of what happens now.
    #[inline]
    pub(crate) fn stretch(&self) -> Stretch {
        self.stretch as Stretch
    }

    #[inline]
    pub(crate) fn note(&mut self, caller: CallerId, delta: Delta) {
        self.sampler.note(self.stretch, caller, delta);
    }

    /// A block is freed.
    #[inline]
    pub(crate) fn ends(&mut self, block: Block) {
        self.note(block.caller, Delta::ends(block));
        self.dying.note(self.stretch, block);
    }

    /// The curves of so many callers, over a run that ends at this time, which was reached, and how long their blocks lived.
    pub(crate) fn finish(
        mut self,
        end: u64,
        callers: usize,
    ) -> impl Iterator<Item = (Curve, Lives)> {
        self.curves.absorb_all(&mut self.sampler);
        self.curves.finish();
        self.lives.absorb_all(&mut self.dying);
        self.lives.finish();
        let end = Length::of(end.saturating_add(1));
        let curves: Vec<Curve> = self.curves.of_callers(None, callers, end).collect();
        let lives: Vec<Lives> = self.lives.of_callers(callers, end).collect();
        curves.into_iter().zip(lives)
    }
}

/// The step at which each stretch of a run is over.
#[derive(Debug)]
pub(super) struct Steps(Vec<usize>);

impl Steps {
    pub(super) fn new(length: Length) -> Self {
        let steps = (0..STRETCHES).map(|stretch| step_of(stretch, length));
        Steps(steps.collect())
    }

    pub(super) fn of(&self, stretch: u32) -> usize {
        let step = self.0.get(stretch as usize);
        step.copied().unwrap_or(STEPS - 1)
    }
}

/// The first step at which all of a stretch is over: steps are taken at the ends of stretches.
fn step_of(stretch: u64, length: Length) -> usize {
    let shift = shift_for(length.lines);
    let at = |step: usize| {
        // The end of the stretch that is nearest to this step's line.
        let line = length.line_at(step as u64 + 1, STEPS as u64);
        let stretches = line.saturating_add(1 << shift >> 1) >> shift;
        stretches.max(1)
    };
    let last = STEPS - 1;
    (0..last).find(|&step| at(step) > stretch).unwrap_or(last)
}

#[cfg(test)]
mod tests {
    use super::super::block::Block;
    use super::*;

    /// More callers than slots, in an order that makes them take turns, against a plain list.
    #[test]
    fn many_callers_share_slots_and_keep_their_sums() {
        const CALLERS: u32 = 3 * MOST_SLOTS as u32;
        const LINES: u64 = 4 * CALLERS as u64;
        let shift = shift_for(LINES);
        let (mut samplers, mut curves) =
            ([Sampler::default(), Sampler::default()], Curves::default());
        let mut live = vec![Tally::default(); CALLERS as usize];
        for line in 1..=LINES {
            let caller = CallerId((line.wrapping_mul(0x9e37_79b9) % u64::from(CALLERS)) as u32);
            let block = Block {
                caller,
                size: line,
                born: 0,
            };
            let sampler = &mut samplers[(line % 2) as usize];
            sampler.note(stretch_of(line, shift), caller, Delta::begins(block));
            let tally = &mut live[caller.0 as usize];
            // Every third is freed by the same line's stretch, and leaves no trace.
            match line % 3 {
                0 => sampler.note(stretch_of(line, shift), caller, Delta::ends(block)),
                _ => tally.add(Tally {
                    blocks: 1,
                    bytes: line,
                }),
            }
            if line % 1000 == 0 {
                samplers
                    .iter_mut()
                    .for_each(|sampler| curves.absorb(sampler));
            }
        }
        samplers
            .iter_mut()
            .for_each(|sampler| curves.absorb_all(sampler));
        curves.finish();
        let ends = curves.of_callers(None, live.len(), Length::of(LINES));
        let ends: Vec<Tally> = ends.map(|curve| curve.points()[STEPS - 1]).collect();
        assert!(ends == live);
        assert!(
            samplers
                .iter()
                .all(|sampler| sampler.slots.len() <= MOST_SLOTS)
        );
    }
}
