//! What a site keeps that fills and is emptied again and again, as the teeth of a saw: a little of each, if it leaks.

use crate::trace::STEPS;

/// What is left of the highest level before it, at most, when a site has freed most of what it had. A burst in a working set
/// goes by less.
const EMPTIED: f64 = 0.6;

/// It fills again when it has this share more, and so many blocks.
const FILLS: f64 = 1.3;
const FILLS_BY: f64 = 2.0;

/// Two teeth can be alike by chance; of three, it takes as many chances as of blocks that come one by one.
const TEETH: usize = 3;

/// What is kept of each is this share of the mean, as one place keeps about the same each time. Of what lives long and dies,
/// nothing is left of the first ones.
const OF_EACH: f64 = 0.4;

/// Of all of them, as many as of the fewest blocks that may be a leak.
const FEWEST_OF_ALL: f64 = 4.0;

/// Whether a site kept about as much more for good each time that it freed most of what it had, until a step. `alive` are
/// its survivors. Its last tooth may still be at work and counts for nothing, however large it is.
pub(super) fn keep_some_each(live: &[f64; STEPS], alive: &[f64; STEPS], until: usize) -> bool {
    let kept: Vec<f64> = troughs(&live[..until])
        .into_iter()
        .map(|step| alive[step])
        .collect();
    let [first, .., last] = kept[..] else {
        return false;
    };
    let mean = (last - first) / (kept.len() - 1) as f64;
    let least = (OF_EACH * mean).max(1.0);
    let mut rises = kept.windows(2).map(|pair| pair[1] - pair[0]);
    kept.len() >= TEETH
        && last >= FEWEST_OF_ALL
        && first >= least
        && rises.all(|rise| rise >= least)
}

/// The steps at which a site had least after it freed most of what it had.
fn troughs(live: &[f64]) -> Vec<usize> {
    let mut troughs = Vec::new();
    let (mut highest, mut lowest) = (0.0_f64, None);
    for (step, level) in live.iter().copied().enumerate() {
        match lowest {
            None if level < EMPTIED * highest => lowest = Some(step),
            None => highest = highest.max(level),
            Some(low) if level <= live[low] => lowest = Some(step),
            Some(low) if level >= FILLS * live[low] + FILLS_BY => {
                troughs.push(low);
                (highest, lowest) = (level, None);
            }
            Some(_) => {}
        }
    }
    troughs.extend(lowest);
    troughs
}

#[cfg(test)]
mod tests {
    use super::{STEPS, keep_some_each};

    /// Teeth of so many steps, each of which rises by ten a step, and of each of which so many blocks are kept.
    fn of(steps: usize, kept: impl Fn(usize) -> f64) -> bool {
        let sum = |teeth: usize| (0..teeth).map(&kept).sum::<f64>();
        let alive: [f64; STEPS] = std::array::from_fn(|step| sum(step / steps));
        let live = std::array::from_fn(|step| alive[step] + 10.0 * (step % steps) as f64);
        keep_some_each(&live, &alive, STEPS - 1)
    }

    #[test]
    fn teeth_of_which_a_little_is_kept_are_told_from_others() {
        assert!(of(16, |_| 4.0));
        assert!(of(9, |_| 2.0));
        assert!(!of(16, |_| 0.0), "nothing is kept");
        assert!(!of(30, |_| 4.0), "there are too few");
        assert!(!of(9, |tooth| [0.0, 9.0][tooth / 4]), "only the later ones");
        assert!(!of(9, |tooth| [9.0, 0.0][tooth.min(1)]), "a table");
    }
}
