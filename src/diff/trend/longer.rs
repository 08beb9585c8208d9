//! What a longer run should have left more, if a site leaks.

use super::evidence::Evidence;
use super::length::{More, more_of};
use super::observed::Observed;
use super::single::became_level;

/// This share of that is no more: the runs differ by it anyhow.
const NO_MORE: f64 = 0.15;

/// By so many standard deviations, it is no accident that a longer run left no more.
const NO_ACCIDENT: f64 = 3.0;

/// What left less than this share of what the first run did was not stopped by a bound that both have.
const MUCH_LESS: f64 = 0.5;

/// What a run that is longer left more; `None` if it is not, or if that is not known.
pub(super) fn more(first: &Observed<'_>, last: &Observed<'_>, by_bytes: bool) -> Option<More> {
    let evidence = || Evidence::of(last).filter(|_| !by_bytes);
    more_of(first, last, by_bytes, || {
        evidence().map_or(last.end(by_bytes), |evidence| evidence.all_kept())
    })
}

/// A leak would have left more in the longer run, unless the first run stood level in the end: then it is new. `None` if
/// it did, else whether it can be by chance that it did not.
pub(super) fn is_no_more(
    first: &Observed<'_>,
    last: &Observed<'_>,
    by_bytes: bool,
) -> Option<bool> {
    let More {
        longer,
        expected,
        left,
    } = more(first, last, by_bytes)?;
    let before = first.end(by_bytes);
    let evidence = |run| Evidence::of(run).filter(|_| !by_bytes);
    let both = evidence(first).zip(evidence(last));
    // The first run kept about as much for its length.
    let chance = evidence(last).map(|last| {
        let of_both = last.all_kept() * (1.0 + 1.0 / longer);
        (last.dispersion() * of_both).sqrt()
    });
    // What left much less is not the same leak in a longer run: a fix frees blocks, and frees are records. Nor was it
    // stopped by a bound that both have, if it left less by no accident.
    let is_as_much = before > 0.0
        && before + left >= MUCH_LESS * before
        && chance.is_none_or(|chance| left >= -NO_ACCIDENT * chance);
    // What was there from the start may be less for another reason, and hides what came after it. What is young may come
    // and go, and hides what came before it.
    let more_kept = both.map_or(left, |(first, last)| {
        let of_all = last.all_kept() - first.all_kept();
        of_all.max(last.old_kept() - first.old_kept())
    });
    let left = more_kept.max(left);
    let is_no_more = is_as_much && left <= NO_MORE * expected && !became_level(first);
    is_no_more.then(|| chance.is_some_and(|chance| expected - left <= NO_ACCIDENT * chance))
}
