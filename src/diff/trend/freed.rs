//! What the blocks tell that a site freed: how long they lived, and in which order they went.

use super::observed::Observed;
use super::work;
use crate::trace::{Life, Lives, STEPS, STRETCHES_OF_A_PART};

/// Blocks that were freed while the program worked, and those that its end freed, by the part of the run in which they were
/// born and died. Blocks that died in the part in which they were born are not known one by one.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Freed {
    stretches: usize,
    /// Parts of the run in which the program worked.
    pub parts: usize,
    /// In order of when they died.
    at_work: Vec<Life>,
    by_the_end: Vec<Life>,
}

impl Freed {
    /// `None` where that is not known.
    pub(super) fn of(run: &Observed<'_>, live: &[f64; STEPS]) -> Option<Freed> {
        Some(Freed::until(run.lives?, work::end_of_work(live)))
    }

    /// Work ends with a step.
    fn until(lives: &Lives, step: usize) -> Freed {
        let stretches = lives.stretches();
        let parts = match step {
            // Of a part that is only begun, all there is belongs to the work.
            _ if step == STEPS - 1 => stretches.div_ceil(STRETCHES_OF_A_PART),
            _ => (step + 1) * stretches / STEPS / STRETCHES_OF_A_PART,
        };
        let (at_work, by_the_end) = lives
            .iter()
            .partition(|life| usize::from(life.died) < parts);
        Freed {
            stretches,
            parts,
            at_work,
            by_the_end,
        }
    }

    /// The step at whose end a part is over.
    fn step_of(&self, part: usize) -> usize {
        let end = (part + 1) * STRETCHES_OF_A_PART * STEPS;
        let steps = (end + self.stretches / 2) / self.stretches.max(1);
        steps.clamp(1, STEPS) - 1
    }

    /// As a share of the run, so many parts.
    pub(super) fn share(&self, parts: f64) -> f64 {
        parts * STRETCHES_OF_A_PART as f64 / self.stretches.max(1) as f64
    }

    /// The part in which a step ends.
    pub(super) fn part_of(&self, step: usize) -> usize {
        let stretch = (step + 1) * self.stretches / STEPS;
        stretch.saturating_sub(1) / STRETCHES_OF_A_PART
    }

    /// By how much a curve rises in each part of the work.
    pub(super) fn rises(&self, curve: &[f64; STEPS]) -> Vec<f64> {
        let ends = (0..self.parts).map(|part| curve[self.step_of(part)]);
        let mut before = 0.0;
        ends.map(|end| end - std::mem::replace(&mut before, end))
            .collect()
    }

    /// Those that died while the program worked.
    pub(super) fn at_work(&self) -> &[Life] {
        &self.at_work
    }

    /// How many were born in each part of the work and freed by the end of the run.
    pub(super) fn by_the_end(&self) -> Vec<f64> {
        let mut born = vec![0.0; self.parts];
        for life in &self.by_the_end {
            if let Some(born) = born.get_mut(usize::from(life.born)) {
                *born += life.blocks as f64;
            }
        }
        born
    }

    /// How many were born in each part of the work and lived when it ended; `alive` are the survivors of the run.
    pub(super) fn kept(&self, alive: &[f64; STEPS]) -> Vec<f64> {
        let born = self.rises(alive).into_iter().zip(self.by_the_end());
        born.map(|(left, freed)| left + freed).collect()
    }
}
