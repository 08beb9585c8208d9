//! How much longer one run is than another, and what a leak would leave more in it.

use super::observed::Observed;

/// Of a run that is this many times longer, what it has more must be what it kept meanwhile, or it has no leak, unless the
/// first one stood level in the end.
const LONGER: f64 = 1.2;

/// What a longer run left more than the first one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct More {
    /// How many times as long it was, by records or by time, whichever is less.
    pub longer: f64,
    /// What it kept in what it was longer by.
    pub expected: f64,
    pub left: f64,
}

/// How many times as much work a run did as another one, by records or by time, whichever is less; `None` if it is no longer,
/// or if that is not known.
pub(super) fn times_as_much(short: &Observed<'_>, long: &Observed<'_>) -> Option<f64> {
    times_as_much_of(short, long, LONGER)
}

/// The same, where a run counts as longer that is so many times as long.
pub(super) fn times_as_much_of(
    short: &Observed<'_>,
    long: &Observed<'_>,
    least: f64,
) -> Option<f64> {
    let times = short.duration_s.zip(long.duration_s);
    let records = short.records.zip(long.records);
    let work = records.map(|(short, long)| (short as f64, long as f64));
    // Work that is known from both must be more by both: a run can be longer and do less.
    let times_as_much = [times, work].into_iter().flatten();
    let times_as_much = times_as_much.map(|(short, long)| long / short);
    let longer = times_as_much.fold(f64::INFINITY, f64::min);
    (longer.is_finite() && longer > least).then_some(longer)
}

/// What a run that is longer left more, of all that it kept; `None` if it is not longer, or if that is not known.
pub(super) fn more_of(
    first: &Observed<'_>,
    last: &Observed<'_>,
    by_bytes: bool,
    all_kept: impl FnOnce() -> f64,
) -> Option<More> {
    let longer = times_as_much(first, last)?;
    Some(More {
        longer,
        expected: all_kept() * (1.0 - 1.0 / longer),
        left: last.end(by_bytes) - first.end(by_bytes),
    })
}
