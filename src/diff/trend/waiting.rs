//! Blocks that are freed in the order in which they came, after a wait that is not always the same: a queue. What takes in more
//! than it works off grows, even if its load lets it drain for a time.

use super::freed::Freed;
use super::queue::LEAST;
use super::work;
use crate::trace::STEPS;

/// This share of what is freed, and of what is left, may be overtaken by younger ones: a block or two that are set aside.
const OUT_OF_ORDER: f64 = 0.02;

/// So many have to be freed, to tell their order.
const FEWEST_FREED: f64 = 12.0;

/// The first ones waited for no more than so many parts: what makes room only once it is full has old ones.
const AT_FIRST: f64 = 3.0;

/// What expires after a time, or makes room for a new block, is as old at one time as at another. In a queue the longest wait is
/// so many times the first one,
const TIMES_AS_LONG: f64 = 2.0;

/// or blocks wait for this share of what they wait for in the last third of the work, in the first one.
const SHORTER: f64 = 0.62;

/// One that grows makes them wait for so many times as long, and for this share of the run: what is shorter is not seen well.
const MANY_TIMES_AS_LONG: f64 = 4.0;
const LONG: f64 = 0.05;

/// Some are freed in this share of the parts, since the first ones were: what is freed all at once is no queue.
const AT_ALL_TIMES: f64 = 0.8;

/// It is as good as empty with this share of the most that it ever had, or with one block.
const EMPTY: f64 = 0.02;

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
    /// It was short at first, and became longer.
    pub is_of_a_queue: bool,
    /// It became long, and blocks waited at all times.
    pub is_long: bool,
    /// What a queue could have taken in while it was empty, had there been more to do, without what it is left with; as a share
    /// of all that came.
    pub spare: f64,
}

impl Wait {
    /// Of a site that allocated so many; `None` if none has waited.
    pub(super) fn of(freed: &Freed, live: &[f64; STEPS], allocations: f64) -> Option<Wait> {
        let begin = live.iter().position(|live| *live > 0.0)?;
        let at_work = live.get(begin..=work::end_of_work(live))?;
        let waits = waits(freed);
        let waits = waits.get(freed.part_of(begin)..)?;
        let since = &waits[waits.iter().position(|wait| *wait > 0.0)?..];
        let third = waits.len().div_ceil(3);
        let mean = |waits: &[f64]| waits.iter().sum::<f64>() / waits.len() as f64;
        let (early, late) = (mean(&waits[..third]), mean(&waits[waits.len() - third..]));
        let (first, longest) = (
            since[0],
            waits.iter().fold(0.0_f64, |most, wait| most.max(*wait)),
        );
        let is_freed = since.iter().filter(|wait| **wait > 0.0).count() as f64;
        let top = at_work.iter().fold(0.0_f64, |most, live| most.max(*live));
        Some(Wait {
            is_of_a_queue: first <= AT_FIRST
                && (longest >= TIMES_AS_LONG * first || early <= SHORTER * late),
            is_long: longest >= MANY_TIMES_AS_LONG * first
                && freed.share(longest) >= LONG
                && is_freed >= AT_ALL_TIMES * since.len() as f64
                && top >= LEAST,
            spare: spare(at_work, top, allocations),
        })
    }
}

fn spare(at_work: &[f64], top: f64, allocations: f64) -> f64 {
    let empty = (EMPTY * top).max(1.0);
    let idle = at_work.iter().filter(|live| **live <= empty).count();
    let left = at_work.last().copied().unwrap_or(0.0);
    idle as f64 / at_work.len() as f64 - left / allocations.max(1.0)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::trend::observed::Observed;
    use crate::trace::{Curve, Life, Lives, Tally};

    /// A run of 64 parts, which are steps, too: at each some blocks come, and `goes` says which of those that are there go, the
    /// oldest first.
    struct Site {
        live: [f64; STEPS],
        alive: [f64; STEPS],
        lives: Lives,
        all: f64,
    }

    impl Site {
        fn of(each: usize, goes: impl Fn(usize, &[usize]) -> Vec<usize>) -> Site {
            Site::with(|_| each, goes)
        }

        fn with(
            come: impl Fn(usize) -> usize,
            goes: impl Fn(usize, &[usize]) -> Vec<usize>,
        ) -> Site {
            let (mut there, mut freed) = (Vec::new(), Vec::new());
            let mut live = [0.0; STEPS];
            for (step, live) in live.iter_mut().enumerate() {
                there.extend([step].repeat(come(step)));
                let mut gone = goes(step, &there);
                gone.sort_unstable_by(|a, b| b.cmp(a));
                let born = gone.iter().map(|at| there.remove(*at));
                freed.extend(born.map(|born| (step as u8, born as u8)));
                *live = there.len() as f64;
            }
            freed.retain(|(died, born)| born < died);
            freed.sort_unstable();
            let lives = freed.chunk_by(|a, b| a == b).map(|alike| Life {
                died: alike[0].0,
                born: alike[0].1,
                blocks: alike.len() as u64,
            });
            Site {
                live,
                alive: std::array::from_fn(|step| {
                    there.iter().filter(|born| **born <= step).count() as f64
                }),
                lives: Lives::new(256, &lives.collect::<Vec<_>>()).unwrap(),
                all: (0..STEPS).map(come).sum::<usize>() as f64,
            }
        }

        fn wait(&self) -> Option<Wait> {
            let curve = Curve::of(&self.live.map(|blocks| Tally {
                blocks: blocks as u64,
                bytes: 0,
            }));
            let run = Observed {
                lives: Some(&self.lives),
                ..Observed::bare(&curve)
            };
            let freed = Freed::of(&run, &self.live).unwrap();
            are_in_order(&freed, &self.alive)?.then(|| Wait::of(&freed, &self.live, self.all))?
        }
    }

    /// The oldest, so many in each of so many steps.
    fn oldest(blocks: usize) -> impl Fn(usize, &[usize]) -> Vec<usize> {
        move |_, there| (0..blocks.min(there.len())).collect()
    }

    /// Ten come at a step, and seven go: at the end 192 of 640 wait, and only at the first step hardly any do: three.
    #[test]
    fn a_queue_that_fills_is_left_with_more_than_it_could_take() {
        let wait = Site::of(10, oldest(7)).wait().unwrap();
        assert!(wait.is_of_a_queue && wait.is_long);
        let spare = 1.0 / 64.0 - 192.0 / 640.0;
        assert!((wait.spare - spare).abs() < 1e-9, "{wait:?}");
    }

    /// After 16 steps, ten come at each of 16, then none at 16, and so on; six go at a step. So 64 wait when no more come, 4 after
    /// another ten steps, and none at the last six of these. At the end 64 of 320 wait.
    #[test]
    fn a_queue_that_is_empty_at_times_could_take_more() {
        let come = |step: usize| if step % 32 < 16 { 0 } else { 10 };
        let wait = Site::with(come, oldest(6)).wait().unwrap();
        assert!(wait.is_of_a_queue);
        let spare = 6.0 / 48.0 - 64.0 / 320.0;
        assert!((wait.spare - spare).abs() < 1e-9, "{wait:?}");
    }

    #[test]
    fn what_makes_room_or_expires_is_no_queue() {
        let cache = Site::of(10, |_, there| {
            (0..there.len().saturating_sub(200)).collect()
        });
        assert!(!cache.wait().unwrap().is_of_a_queue);
        let expires = Site::of(10, |step, there| {
            let old = there.iter().position(|born| born + 5 > step);
            (0..old.unwrap_or(there.len())).collect()
        });
        assert!(!expires.wait().unwrap().is_of_a_queue);
    }

    #[test]
    fn blocks_that_overtake_others_are_no_queue() {
        let every_third =
            |_: usize, there: &[usize]| -> Vec<usize> { (0..there.len()).step_by(3).collect() };
        assert_eq!(Site::of(10, every_third).wait(), None);
        let newest = |_: usize, there: &[usize]| (there.len() - 7..there.len()).collect();
        assert_eq!(Site::of(10, newest).wait(), None, "none is freed later");
        let but_one = |step: usize, there: &[usize]| -> Vec<usize> {
            (usize::from(step > 0)..7.min(there.len())).collect()
        };
        assert!(Site::of(10, but_one).wait().is_some(), "one is set aside");
    }
}
