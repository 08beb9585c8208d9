//! Survivors that are older than any block became that was freed: what should be gone, and is not.

use super::drift::Drift;
use super::evidence::{SILENT, relative_variance};
use super::freed::Freed;
use super::parts::effective;
use crate::trace::STEPS;

/// So many parts of a run count for one: what is as old as what was freed, or older by less, may be freed yet.
const YOUNG: usize = 1;

/// Of those that were born early enough to tell, so many may have been freed at a higher age, as a share of those that were
/// kept: a table that is thrown away.
const OLDER: f64 = 0.1;

/// Enough of the run has to be early enough,
const EARLY_ENOUGH: f64 = 0.4;

/// and so many blocks to be left of it, born in so many parts, and as good as so many equal heaps.
const FEWEST: f64 = 6.0;
const FEWEST_PARTS: usize = 3;
const HEAPS: f64 = 2.5;

/// Fewer freed blocks than these, or than those that are kept, do not tell how long blocks live.
const FEWEST_FREED: f64 = 8.0;

/// Those that live long by chance are the last ones that are early enough, and those of a table the first. What leaks comes
/// earlier or later by no more than so many standard deviations.
const UNEVEN: f64 = 1.65;

/// Whether blocks that were kept for longer than any block lived came all along. `alive` are the survivors; the site freed so
/// many blocks while its program worked.
pub(super) fn are_kept(freed: &Freed, alive: &[f64; STEPS], all_freed: f64) -> bool {
    let born = freed.rises(alive);
    let Some(early) = born_early_enough(freed, &born) else {
        return false;
    };
    let kept = early.iter().sum::<f64>();
    let heaps = effective(early.iter().copied());
    let silent = early.iter().rev().take_while(|born| **born <= 0.0).count();
    let dispersion = relative_variance(early).unwrap_or(1.0).max(1.0);
    kept >= FEWEST
        && early.iter().filter(|born| **born > 0.0).count() >= FEWEST_PARTS
        && heaps >= HEAPS
        && all_freed >= kept.max(FEWEST_FREED)
        && silent as f64 * heaps / early.len() as f64 <= SILENT
        && Drift::of(early, dispersion).deviations().abs() <= UNEVEN
}

/// The births of survivors, but for those of the first part, that are as old as hardly a block became that was freed; `None` if
/// these are only those of the beginning.
fn born_early_enough<'a>(freed: &Freed, born: &'a [f64]) -> Option<&'a [f64]> {
    let parts = freed.parts;
    for age in 0..parts {
        let until = parts.checked_sub(age + 1 + YOUNG)?;
        let early = born.get(1..until)?;
        if (early.len() as f64) < EARLY_ENOUGH * parts as f64 {
            return None;
        }
        let older = freed.at_work().iter().filter(|life| {
            let born = usize::from(life.born);
            (1..until).contains(&born) && usize::from(life.died) - born > age
        });
        let older = older.map(|life| life.blocks as f64).sum::<f64>();
        if older <= OLDER * early.iter().sum::<f64>() {
            return Some(early);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{Freed, are_kept};
    use crate::diff::trend::observed::Observed;
    use crate::trace::{Curve, Life, Lives, STEPS};

    /// Of a site that keeps a block at some steps, and of which 500 die at each step that have lived for two. `older` more were
    /// freed after 50 steps, each time.
    fn outlive(kept: impl Fn(usize) -> bool, older: u64) -> bool {
        let life = |died: usize, age: usize, blocks| Life {
            died: died as u8,
            born: (died - age) as u8,
            blocks,
        };
        let lives = (2..STEPS).flat_map(|died| {
            let late = (died > 50 && older > 0).then(|| life(died, 50, older));
            late.into_iter().chain([life(died, 2, 500)])
        });
        let lives = Lives::new(256, &lives.collect::<Vec<_>>()).unwrap();
        let curve = Curve::default();
        let run = Observed {
            lives: Some(&lives),
            ..Observed::bare(&curve)
        };
        let alive =
            std::array::from_fn(|step| (0..=step).filter(|step| kept(*step)).count() as f64);
        let live = alive.map(|alive| alive + 1000.0);
        are_kept(&Freed::of(&run, &live).unwrap(), &alive, 31_000.0)
    }

    #[test]
    fn what_is_older_than_all_that_is_freed_is_kept() {
        assert!(outlive(|step| step % 4 == 1, 0));
        assert!(!outlive(|step| step % 4 == 1, 9), "may be freed, too");
        assert!(!outlive(|step| step < 16, 0), "a table");
        assert!(!outlive(|_| false, 0), "nothing is kept");
        assert!(!outlive(|step| step % 20 == 7, 0), "too few");
    }
}
