//! How many blocks of each caller were live at 64 equal steps of a run.
//!
//! How long a run is, is known at its end. So changes are summed over stretches of lines, and whenever there would
//! be more than `STRETCHES` of them, two and two become one. At the end each step is taken at the end of the
//! stretch that is nearest: never further off than a 256th of the run, and exact there.

use super::block::{Block, CallerId, Tally};

/// Steps of a curve.
pub const STEPS: usize = 64;

/// At most so many stretches make up a run; at least half as many, if it has so many lines.
const STRETCHES: u64 = 256;

/// By how much live blocks and bytes change. Bytes wrap around: a log can hold any sizes, and what was
/// added is taken away again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Delta {
    blocks: i64,
    bytes: u64,
}

impl Delta {
    pub fn begins(block: Block) -> Self {
        Delta {
            blocks: 1,
            bytes: block.size,
        }
    }

    pub fn ends(block: Block) -> Self {
        Delta::begins(block).negated()
    }

    /// From what was live to what is.
    pub fn between(before: Tally, after: Tally) -> Self {
        Delta {
            blocks: (after.blocks as i64).wrapping_sub(before.blocks as i64),
            bytes: after.bytes.wrapping_sub(before.bytes),
        }
    }

    pub fn negated(self) -> Self {
        Delta {
            blocks: -self.blocks,
            bytes: self.bytes.wrapping_neg(),
        }
    }

    fn add(&mut self, other: Delta) {
        self.blocks = self.blocks.wrapping_add(other.blocks);
        self.bytes = self.bytes.wrapping_add(other.bytes);
    }
}

/// The stretch that a line (counted from 1) belongs to, where stretches have 2^`shift` lines.
#[inline]
pub fn stretch_of(line: u64, shift: u32) -> u64 {
    (line - 1) >> shift
}

/// The least `shift` with which a run of so many lines has no more than `STRETCHES`.
pub fn shift_for(lines: u64) -> u32 {
    let last = lines.saturating_sub(1);
    (0..u64::BITS)
        .find(|shift| last >> shift < STRETCHES)
        .unwrap_or(0)
}

/// Sums up the changes of the stretch that is replayed now, for one part of all addresses.
#[derive(Debug, Default)]
pub struct Sampler {
    stretch: u64,
    sums: Vec<Sum>,
    /// Callers that have a sum.
    touched: Vec<CallerId>,
    done: Vec<(u64, CallerId, Delta)>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    delta: Delta,
    is_touched: bool,
}

impl Sampler {
    /// Notes a change. Stretches come in order.
    #[inline]
    pub fn note(&mut self, stretch: u64, caller: CallerId, delta: Delta) {
        if stretch != self.stretch {
            self.turn_to(stretch);
        }
        let index = caller.0 as usize;
        if index >= self.sums.len() {
            self.sums.resize(index + 1, Sum::default());
        }
        let sum = &mut self.sums[index];
        sum.delta.add(delta);
        if !sum.is_touched {
            sum.is_touched = true;
            self.touched.push(caller);
        }
    }

    #[cold]
    fn turn_to(&mut self, stretch: u64) {
        for caller in self.touched.drain(..) {
            let sum = std::mem::take(&mut self.sums[caller.0 as usize]);
            // Most of what comes goes in the same stretch.
            if sum.delta != Delta::default() {
                self.done.push((self.stretch, caller, sum.delta));
            }
        }
        self.stretch = stretch;
    }

    /// How many sums wait to be taken over.
    pub fn waiting(&self) -> usize {
        self.done.len()
    }
}

/// The changes of every caller, stretch by stretch.
#[derive(Debug, Default)]
pub struct Curves {
    /// By [`CallerId`], in order of the stretches.
    changes: Vec<Vec<(u64, Delta)>>,
}

impl Curves {
    /// Takes over what a sampler has summed up.
    pub fn absorb(&mut self, sampler: &mut Sampler) {
        for (stretch, caller, delta) in sampler.done.drain(..) {
            let index = caller.0 as usize;
            if index >= self.changes.len() {
                self.changes.resize_with(index + 1, Vec::new);
            }
            let changes = &mut self.changes[index];
            let at = changes.partition_point(|(other, _)| *other < stretch);
            match changes.get_mut(at) {
                Some((other, sum)) if *other == stretch => sum.add(delta),
                _ => changes.insert(at, (stretch, delta)),
            }
        }
    }

    /// Takes over everything, also of the stretch that is not at its end.
    pub fn absorb_all(&mut self, sampler: &mut Sampler) {
        sampler.turn_to(sampler.stretch);
        self.absorb(sampler);
    }

    /// Makes stretches 2^`by` times as long. Nothing may wait in any sampler.
    pub fn coarsen(&mut self, by: u32) {
        for changes in &mut self.changes {
            changes.dedup_by(|later, earlier| {
                let is_one = later.0 >> by == earlier.0 >> by;
                if is_one {
                    earlier.1.add(later.1);
                }
                is_one
            });
            changes.retain(|(_, delta)| *delta != Delta::default());
            changes.iter_mut().for_each(|change| change.0 >>= by);
            changes.shrink_to_fit();
        }
    }

    /// The curve of a caller; `others` are changes that come on top.
    pub fn curve(&self, caller: CallerId, others: Option<&Curves>, steps: &Steps) -> Curve {
        let mut deltas = [Delta::default(); STEPS];
        for curves in [Some(self), others].into_iter().flatten() {
            let changes = curves.changes.get(caller.0 as usize);
            for (stretch, delta) in changes.into_iter().flatten() {
                deltas[steps.of(*stretch)].add(*delta);
            }
        }
        let mut live = Delta::default();
        let mut curve = Curve::default();
        for (step, delta) in deltas.into_iter().enumerate() {
            if delta != Delta::default() {
                live.add(delta);
                curve.push(step as u8, live);
            }
        }
        curve
    }
}

/// So many sums wait at most before the curves take them over: some MiB.
const MOST_WAITING: usize = 1 << 16;

/// The curves of callers over a time that goes on, in whatever unit it is counted.
#[derive(Debug, Default)]
pub struct Course {
    sampler: Sampler,
    curves: Curves,
    /// Stretches have 2^`shift` units.
    shift: u32,
    stretch: u64,
}

impl Course {
    /// What is noted from here on happens at this time. It never goes back.
    pub fn reach(&mut self, time: u64) {
        let time = time.saturating_add(1);
        let by = shift_for(time).saturating_sub(self.shift);
        if by > 0 {
            self.curves.absorb_all(&mut self.sampler);
            self.curves.coarsen(by);
            self.sampler.coarsen(by);
            self.shift += by;
        }
        self.stretch = stretch_of(time, self.shift);
        if self.sampler.waiting() > MOST_WAITING {
            self.curves.absorb(&mut self.sampler);
        }
    }

    #[inline]
    pub fn note(&mut self, caller: CallerId, delta: Delta) {
        self.sampler.note(self.stretch, caller, delta);
    }

    /// The curves of so many callers, over a run that ends at this time.
    pub fn curves(mut self, end: u64, callers: usize) -> Vec<Curve> {
        self.reach(end);
        self.curves.absorb_all(&mut self.sampler);
        let steps = Steps::new(end.saturating_add(1));
        let callers = (0..callers as u32).map(CallerId);
        let curve = |caller| self.curves.curve(caller, None, &steps);
        callers.map(curve).collect()
    }
}

/// The step at which each stretch of a run is over.
#[derive(Debug)]
pub struct Steps(Vec<usize>);

impl Steps {
    /// Of a run of so many lines.
    pub fn new(lines: u64) -> Self {
        let shift = shift_for(lines);
        let steps = (0..STRETCHES).map(|stretch| step_of(stretch, shift, lines));
        Steps(steps.collect())
    }

    fn of(&self, stretch: u64) -> usize {
        let step = self.0.get(stretch as usize);
        step.copied().unwrap_or(STEPS - 1)
    }
}

impl Sampler {
    /// The stretch goes on under the number that it has with longer stretches.
    pub fn coarsen(&mut self, by: u32) {
        self.stretch >>= by;
    }
}

/// The first step at which all of a stretch is over: steps are taken at the ends of stretches.
fn step_of(stretch: u64, shift: u32, lines: u64) -> usize {
    let end = u128::from(stretch + 1);
    let at = |step: u128| {
        // The end of the stretch that is nearest to this step's line.
        let line = (u128::from(lines) * (step + 1)).div_ceil(STEPS as u128);
        let stretches = (line + (1 << shift >> 1)) >> shift;
        stretches.max(1)
    };
    let last = STEPS - 1;
    (0..last)
        .find(|&step| at(step as u128) >= end)
        .unwrap_or(last)
}

/// What was live at each step: kept where it changes, as most sites of a big program do little.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Curve {
    changes: Vec<(u8, Tally)>,
}

impl Curve {
    fn push(&mut self, step: u8, live: Delta) {
        let live = Tally {
            blocks: live.blocks.max(0) as u64,
            bytes: live.bytes,
        };
        let before = self.changes.last().map_or(Tally::default(), |last| last.1);
        if live != before {
            self.changes.push((step, live));
        }
    }

    /// The curve with these values.
    pub fn of(points: &[Tally; STEPS]) -> Self {
        let mut curve = Curve::default();
        for (step, live) in points.iter().enumerate() {
            let before = curve.changes.last().map_or(Tally::default(), |last| last.1);
            if *live != before {
                curve.changes.push((step as u8, *live));
            }
        }
        curve
    }

    /// The steps at which what is live changes, each with what is live from there on.
    pub fn changes(&self) -> &[(u8, Tally)] {
        &self.changes
    }

    /// The curve with these changes; `None` if they are none of a curve.
    pub fn from_changes(changes: Vec<(u8, Tally)>) -> Option<Self> {
        let in_order = changes.windows(2).all(|pair| pair[0].0 < pair[1].0);
        let in_range = changes.iter().all(|(step, _)| usize::from(*step) < STEPS);
        (in_order && in_range).then_some(Curve { changes })
    }

    /// What was live at the end of each step.
    pub fn points(&self) -> [Tally; STEPS] {
        let mut points = [Tally::default(); STEPS];
        for (index, (step, live)) in self.changes.iter().enumerate() {
            let end = self
                .changes
                .get(index + 1)
                .map_or(STEPS, |next| next.0.into());
            points[usize::from(*step)..end].fill(*live);
        }
        points
    }

    /// The sum of both at each step.
    pub fn add(&mut self, other: &Curve) {
        if self.changes.is_empty() {
            self.changes.clone_from(&other.changes);
        } else if !other.changes.is_empty() {
            let mut points = self.points();
            for (point, other) in points.iter_mut().zip(other.points()) {
                point.add(other);
            }
            *self = Curve::of(&points);
        }
    }
}
