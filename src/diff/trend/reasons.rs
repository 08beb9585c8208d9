//! Why a verdict is what it is, in figures that a person can check.

use super::doubt::{Doubt, Grade};
use super::evidence::Evidence;
use super::judged::{Judged, judged};
use super::length::More;
use super::longer::more;
use super::observed::Observed;
use super::single::evidence_beside;
use super::{shape, work};
use crate::diff::finding::Finding;
use crate::trace::{Lives, STEPS, STRETCHES_OF_A_PART};

/// What lived for fewer parts of a run lived shortly: a part more or less would be too much to say.
const FEWEST_PARTS: u8 = 3;

/// What the runs tell of a site.
#[derive(Debug, Clone, PartialEq)]
pub struct Reasons {
    pub finding: Finding,
    /// The most that speaks against a leak; `None` where nothing does, or where only the shape of the curve is known.
    pub doubt: Option<Doubt>,
    /// When the blocks were born that live at the end of the last run, by its quarters; `None` where that is not known.
    pub born: Option<[u64; 4]>,
    /// How long the others lived on average, as a share of that run; `None` where there are none, or not known.
    pub life: Option<f64>,
    /// And no longer than this at the most; `None` where they live too shortly to tell, too.
    pub longest_life: Option<f64>,
    /// The least that was live about the middle of that run, and at its end.
    pub floor: [u64; 2],
    pub more: Option<More>,
}

impl Reasons {
    /// Of a site that allocated so many blocks in its last run, where that is known.
    pub fn of(runs: &[Observed<'_>], allocations: Option<u64>) -> Option<Reasons> {
        let last = runs.last()?;
        let Judged { finding, no_more } = judged(runs)?;
        let first = runs.first().filter(|_| runs.len() > 1);
        let evidence = evidence_beside(first, last);
        let doubt = match evidence.as_ref().map(Evidence::grade) {
            _ if no_more => Some(Doubt::NoMore),
            Some(Grade::MayLeak(doubt) | Grade::None(doubt)) => Some(doubt),
            Some(Grade::Leak) | None => None,
        };
        let live = shape::blocks(last.curve);
        let alive = last.survivors.map(shape::blocks);
        let least = |steps: &[f64]| steps.iter().copied().fold(f64::INFINITY, f64::min) as u64;
        let end = work::end_of_work(&live);
        let life = alive.zip(allocations).and_then(|(alive, allocations)| {
            let freed = allocations as f64 - live[STEPS - 1];
            // As many are alive at a time, on average, as come in the time that one lives.
            let others = live.iter().zip(alive).map(|(live, alive)| live - alive);
            (freed > 0.0).then(|| others.sum::<f64>().max(0.0) / STEPS as f64 / freed)
        });
        Some(Reasons {
            finding,
            doubt: doubt.filter(|_| !finding.by_bytes),
            born: alive.map(|alive| {
                let quarter = |end: usize| alive[(end + 1) * STEPS / 4 - 1] as u64;
                // A saved report can say anything.
                std::array::from_fn(|at| {
                    quarter(at).saturating_sub(at.checked_sub(1).map_or(0, quarter))
                })
            }),
            life,
            longest_life: life.and(last.lives).and_then(longest),
            floor: [
                least(&live[STEPS / 2 - 4..STEPS / 2 + 4]),
                least(&live[end - 7..=end]),
            ],
            more: first.and_then(|first| more(first, last, finding.by_bytes)),
        })
    }
}

/// As a share of the run, what no block lived longer than: from the beginning of the part in which it was born to the end of the
/// one in which it died.
fn longest(lives: &Lives) -> Option<f64> {
    let parts = lives.iter().map(|life| life.died - life.born).max();
    let parts = parts.filter(|parts| *parts >= FEWEST_PARTS)?;
    let share = (usize::from(parts) + 1) * STRETCHES_OF_A_PART;
    Some((share as f64 / lives.stretches().max(1) as f64).min(1.0))
}
