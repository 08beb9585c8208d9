//! Growth that the end of the program hides, or that no count of blocks shows.

use super::parts::{BOUNDS, Parts, deviation, effective};
use super::shape;
use crate::diff::median::median;
use crate::trace::STEPS;

/// The exit of a program is in the last steps of its run.
const EXIT: usize = 50;

/// What is left of the highest level after the exit, at most.
const LEFT: f64 = 0.92;

/// Where it freed all that a site had, at most this share.
const LEFT_OF_ALL: f64 = 0.1;

/// The work ends at the last step that comes as near to the highest level.
const HIGH: f64 = 0.97;

/// Work that ends before this step is not ended by the exit.
const EARLIEST_END: usize = 52;

/// The floor of a curve is taken at the end of each of so many parts of its work, over so many steps before that.
const FIFTHS: usize = 5;
const NEAR: usize = 5;

/// It rises by so many blocks in the last two,
const LEAST_RISE: f64 = 5.0;

/// by this share of what it rose by in the two before, but for a standard deviation of what comes one by one,
const AS_FAST: f64 = 0.75;
const NOISE: f64 = 1.0;

/// to this share of what is live when the work ends,
const SOLID: f64 = 0.7;

/// which is this share of the most that ever was.
const TOP: f64 = 0.95;

/// The third part of the run rises by this share of the last one: else it began late.
const LATE: f64 = 0.3;

/// So many steps at one level, in which so many more should have come at its pace, and it had come to its bound.
const LEVEL: usize = 5;
const SILENT: f64 = 3.0;

/// A block that grows has grown by this share of its size in the second half,
const SHARE_OF_BYTES: f64 = 0.1;

/// whose last part has this share of the one before it, or, where that is less by chance, which has this share of the first
/// half. What fills up within the run has 0.6, and what is as long as the longest so far has less.
const LAST_OF_BYTES: f64 = 0.5;
const HALF_OF_BYTES: f64 = 0.7;

/// in rises of which so many are equal, and
const RISES: f64 = 4.0;

/// it shrinks in so few steps.
const SHRINKS: f64 = 0.2;

/// The step at which the work was done and what the site had was freed; the last step if it was not.
pub(crate) fn end_of_work(live: &[f64; STEPS]) -> usize {
    let top = live[EXIT..]
        .iter()
        .fold(0.0_f64, |most, live| most.max(*live));
    if live[STEPS - 1] > LEFT * top {
        return STEPS - 1;
    }
    let is_high = |step: &usize| live[*step] >= HIGH * top;
    (EXIT..STEPS).rev().find(is_high).unwrap_or(STEPS - 1)
}

/// As [`end_of_work`]; `None` if most was freed long before the run was over.
pub(super) fn end_of_long_work(live: &[f64; STEPS]) -> Option<usize> {
    Some(end_of_work(live)).filter(|end| *end >= EARLIEST_END)
}

/// The step from which a site only lost what it had, to the end of the run; the last step if it did not lose much. The end of
/// a program can take a large part of a log whose steps are records.
pub(crate) fn last_loss(live: &[f64; STEPS]) -> usize {
    let mut from = STEPS - 1;
    while from > STEPS / 2 && live[from - 1] >= live[from] {
        from -= 1;
    }
    // A level before the loss is no part of it.
    while from < STEPS - 1 && live[from + 1] >= HIGH * live[from] {
        from += 1;
    }
    match live[STEPS - 1] > LEFT * live[from] {
        true => STEPS - 1,
        false => from,
    }
}

/// What a site had until the exit freed it, as if its work had taken all of the run; `None` unless it freed nothing before. It
/// allocated so many blocks in all.
pub(super) fn before_the_exit(live: &[f64; STEPS], allocations: u64) -> Option<[f64; STEPS]> {
    let end = end_of_work(live);
    let is_freed = (EARLIEST_END..STEPS - 1).contains(&end)
        && live[end] >= allocations as f64
        && live[STEPS - 1] <= LEFT_OF_ALL * live[end];
    is_freed.then(|| std::array::from_fn(|step| live[step * (end + 1) / STEPS]))
}

/// Whether a site grew until its program freed what it had. Only the shape tells: no survivor is left.
pub(super) fn grew_until_the_exit(live: &[f64; STEPS]) -> bool {
    let end = end_of_work(live);
    if !(EARLIEST_END..STEPS - 1).contains(&end) {
        return false;
    }
    // A program can take long to start; what begins late in its work did not grow all along.
    let begin = live.iter().position(|live| *live > 0.0).unwrap_or(0);
    if begin > end / 2 {
        return false;
    }
    let at_work = &live[begin..=end];
    // As if it had stayed as it was.
    let mut kept = *live;
    kept[end..].fill(live[end]);
    let mut levels = at_work.chunk_by(|a, b| (a - b).abs() <= 0.002 * live[end]);
    let level = levels.next_back().map_or(0, <[f64]>::len);
    // What comes in heaps, as when a configuration is read anew, stays at each level for a time.
    let earlier = levels.map(<[f64]>::len).max().unwrap_or(0);
    let is_at_its_bound = level > LEVEL.max(earlier + earlier / 4)
        && level as f64 * live[end] / (end - begin) as f64 > SILENT;
    rises_all_along(at_work) && !is_at_its_bound && !shape::is_staircase(&kept)
}

/// Whether the level below which a site does not fall rises in each fifth of its work, and no more slowly in the end. What
/// comes and goes has such a level only for a time, and what fills up slows down.
pub(super) fn rises_all_along(at_work: &[f64]) -> bool {
    let end = at_work.len() - 1;
    let floors: [f64; FIFTHS] = std::array::from_fn(|fifth| {
        let until = end * (fifth + 1) / FIFTHS;
        let near = &at_work[until.saturating_sub(NEAR)..=until];
        near.iter().copied().fold(f64::INFINITY, f64::min)
    });
    let (early, late) = (floors[2] - floors[0], floors[4] - floors[2]);
    let rises = floors.windows(2).all(|pair| pair[1] > pair[0]);
    let top = at_work.iter().fold(0.0_f64, |most, live| most.max(*live));
    rises
        && late >= LEAST_RISE
        && at_work[end] >= TOP * top
        && floors[4] >= SOLID * at_work[end]
        && late >= AS_FAST * early - NOISE * deviation(late, AS_FAST, early)
}

/// How long the bytes of a site grew whose blocks are as many as they were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GrowsByBytes {
    ToTheEnd,
    /// The end of the run freed them.
    UntilTheExit,
}

/// Whether the blocks of a site are as many as they were and grow: one that is made larger all the time.
pub(super) fn grows_by_bytes(blocks: &[f64; STEPS], bytes: &[f64; STEPS]) -> Option<GrowsByBytes> {
    let end = end_of_work(bytes);
    let until = match end {
        _ if end == STEPS - 1 => GrowsByBytes::ToTheEnd,
        EARLIEST_END.. => GrowsByBytes::UntilTheExit,
        _ => return None,
    };
    // Its steps, as if the work had taken all of the run.
    let of_work = |step: usize| step * (end + 1) / STEPS;
    let (blocks, bytes) = (
        std::array::from_fn::<f64, STEPS, _>(|step| blocks[of_work(step)]),
        std::array::from_fn::<f64, STEPS, _>(|step| bytes[of_work(step)]),
    );
    are_growing(&blocks, &bytes).then_some(until)
}

fn are_growing(blocks: &[f64; STEPS], bytes: &[f64; STEPS]) -> bool {
    let end = bytes[STEPS - 1];
    if end <= 0.0 {
        return false;
    }
    // A block that is being moved is gone for a moment.
    let smooth: Vec<f64> = bytes.windows(3).map(median).collect();
    let at = |step: usize| smooth[step - 1];
    let rises = Parts::rises(at);
    let [first, second, third, last] = rises.0;
    let is_level = median(&blocks[EARLIEST_END..=BOUNDS[4]]) <= median(&blocks[28..36]);
    let steps: Vec<f64> = smooth[BOUNDS[0] - 2..BOUNDS[4]]
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .collect();
    let count = |is: fn(&f64) -> bool| steps.iter().filter(|step| is(step)).count() as f64;
    let (up, down) = (count(|step| *step > 0.0), count(|step| *step < 0.0));
    let rising = steps.iter().copied().filter(|step| *step > 0.0);
    is_level
        && first > 0.0
        && second > 0.0
        && third >= LATE * last
        && (last >= LAST_OF_BYTES * third || rises.late() >= HALF_OF_BYTES * (first + second))
        && last > 0.0
        && rises.late() >= SHARE_OF_BYTES * end
        && down <= SHRINKS * (up + down)
        && effective(rising) >= RISES
}

#[cfg(test)]
mod tests {
    use super::{STEPS, grew_until_the_exit};

    /// Five more at each step from one on; the exit frees all of it at step 61.
    fn grown_from(begin: usize) -> [f64; STEPS] {
        std::array::from_fn(|step| match step {
            ..=60 => 5.0 * step.saturating_sub(begin) as f64,
            _ => 0.0,
        })
    }

    #[test]
    fn a_long_start_is_no_end_of_growth() {
        assert!(grew_until_the_exit(&grown_from(0)));
        assert!(grew_until_the_exit(&grown_from(24)));
        assert!(!grew_until_the_exit(&grown_from(40)), "it began late");
    }
}
