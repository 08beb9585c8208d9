//! Blocks that are freed in the order in which they came, and wait ever longer for it: a queue that fills faster than it is
//! worked off.

use super::freed::Freed;
use super::queue::LEAST;
use super::work;
use crate::trace::STEPS;

/// This share of what is freed, and of what is left, may be overtaken by younger ones: a block or two that are set aside.
const OUT_OF_ORDER: f64 = 0.02;

/// So many have to be freed, to tell their order.
const FEWEST_FREED: f64 = 12.0;

/// In the last third of the work blocks wait for this share of the run. What is shorter is not seen well.
const LONG: f64 = 0.05;

/// In the first third they waited for this share of that, or what is freed is no queue: what expires after a time, or makes room
/// for a new block, is as old at one time as at another.
const SHORTER: f64 = 0.62;

/// In a queue that fills faster than it is worked off, for this share. If it grows all along, it is a fifth.
const BEFORE: f64 = 0.5;

/// When the work ends, they wait for this share of the longest wait.
const IN_THE_END: f64 = 0.8;

/// Some are freed in this share of the parts, since the first ones were: what is freed all at once is no queue.
const AT_ALL_TIMES: f64 = 0.8;

/// The first ones waited for no more than so many parts: what makes room only once it is full has old ones.
const AT_FIRST: f64 = 3.0;

/// A queue that is empty for a part of its time can take in more. What is left is more than that, by this share of all.
const MORE_THAN_IDLE: f64 = 0.06;

/// It is as good as empty with this share of the most that it ever had, or with one block.
const EMPTY: f64 = 0.02;

/// A run that is longer by some waits longer at the most by this share of that: half of a run has half of the wait in a queue
/// that grows all along, and chance moves it.
const GROWS: f64 = 0.3;

/// Whether hardly a block is freed before one that is older; `None` if too few are freed to tell.
pub(super) fn are_in_order(freed: &Freed, alive: &[f64; STEPS]) -> Option<bool> {
    let (mut newest, mut early) = (0, 0.0);
    let (mut died, mut newest_before) = (0, 0);
    for life in freed.at_work() {
        if life.died != died {
            (died, newest_before) = (life.died, newest);
        }
        if life.born < newest_before {
            early += life.blocks as f64;
        }
        newest = newest.max(life.born);
    }
    let all: f64 = freed.at_work().iter().map(|life| life.blocks as f64).sum();
    let kept = freed.kept(alive);
    let overtaken: f64 = kept.iter().take(newest.into()).sum();
    (all >= FEWEST_FREED).then(|| {
        early <= OUT_OF_ORDER * all && overtaken <= OUT_OF_ORDER * kept.iter().sum::<f64>()
    })
}

/// How long the blocks waited that a site freed, in order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Wait {
    /// The longest, as a share of the run.
    longest: f64,
    /// It was short at first, and became longer.
    pub is_of_a_queue: bool,
    /// It became longer to the end, and there is more left than the queue could have taken in when it was empty.
    pub is_ever_longer: bool,
}

impl Wait {
    /// Of a site that allocated so many; `None` if none has waited.
    pub(super) fn of(freed: &Freed, live: &[f64; STEPS], allocations: f64) -> Option<Wait> {
        let begin = live.iter().position(|live| *live > 0.0)?;
        let waits = waits(freed);
        let waits = waits.get(freed.part_of(begin)..)?;
        let first = waits.iter().position(|wait| *wait > 0.0)?;
        let third = waits.len().div_ceil(3);
        let mean = |waits: &[f64]| waits.iter().sum::<f64>() / waits.len() as f64;
        let (early, late) = (mean(&waits[..third]), mean(&waits[waits.len() - third..]));
        let longest = waits.iter().fold(0.0_f64, |most, wait| most.max(*wait));
        let since = &waits[first..];
        let is_freed = since.iter().filter(|wait| **wait > 0.0).count() as f64;
        let is_of_a_queue = since[0] <= AT_FIRST && early <= SHORTER * late;
        let is_ever_longer = is_of_a_queue
            && freed.share(late) >= LONG
            && early <= BEFORE * late
            && waits[waits.len() - 1] >= IN_THE_END * longest
            && is_freed >= AT_ALL_TIMES * since.len() as f64
            && live
                .get(begin..=work::end_of_work(live))
                .is_some_and(|at_work| takes_in_too_much(at_work, allocations));
        Some(Wait {
            longest: freed.share(longest),
            is_of_a_queue,
            is_ever_longer,
        })
    }

    /// Whether blocks waited longer in the longer of two runs, of which the last one is so many times as long. What expires after
    /// a time waits as long in both.
    pub(super) fn grows_with_the_length(self, first: Wait, times: f64) -> bool {
        let (longest, first) = (self.longest * times, first.longest);
        match times > 1.0 {
            true => longest >= first * (1.0 + GROWS * (times - 1.0)),
            false => first >= longest * (1.0 + GROWS * (times.recip() - 1.0)),
        }
    }
}

/// Whether a site is left with more than a queue could have taken in while it was empty, had there been more to do.
fn takes_in_too_much(at_work: &[f64], allocations: f64) -> bool {
    let top = at_work.iter().fold(0.0_f64, |most, live| most.max(*live));
    let empty = (EMPTY * top).max(1.0);
    let idle = at_work.iter().filter(|live| **live <= empty).count();
    let idle = idle as f64 / at_work.len() as f64;
    let left = at_work.last().copied().unwrap_or(0.0);
    top >= LEAST && left >= (idle + MORE_THAN_IDLE) * allocations
}

/// For how many parts of the run blocks waited that were freed, on average, in each part of the work.
fn waits(freed: &Freed) -> Vec<f64> {
    let mut sums = vec![(0.0, 0.0); freed.parts];
    for life in freed.at_work() {
        let (sum, blocks) = &mut sums[usize::from(life.died)];
        *sum += life.blocks as f64 * f64::from(life.died - life.born);
        *blocks += life.blocks as f64;
    }
    let mean = |(sum, blocks): (f64, f64)| if blocks > 0.0 { sum / blocks } else { 0.0 };
    sums.into_iter().map(mean).collect()
}
