//! The verdict on a site from all of its runs.

use super::longer::{is_no_more, is_the_same_table};
use super::observed::Observed;
use super::shape;
use super::single::{by_bytes, of_blocks_beside};
use super::tail::grew_with_the_work;
use crate::diff::finding::{Finding, Trend};

pub(super) struct Judged {
    pub finding: Finding,
    /// It would be a leak, had a longer run left more.
    pub no_more: bool,
}

/// The last run is judged; the first one tells what a longer run should have made of it.
pub(super) fn judged(runs: &[Observed<'_>]) -> Option<Judged> {
    let last = runs.last()?;
    let of_bytes = by_bytes(last);
    let by_bytes = of_bytes.is_some();
    let first = runs.first().filter(|_| runs.len() > 1);
    let of_last = of_bytes.unwrap_or_else(|| of_blocks_beside(first, last));
    let mut no_more = false;
    let trend = match first {
        Some(first)
            if matches!(of_last, Trend::Leak | Trend::MayLeak)
                && let Some(by_chance) = is_no_more(first, last, by_bytes) =>
        {
            no_more = true;
            match by_chance {
                true => Trend::MayLeak,
                false => Trend::Plateau,
            }
        }
        Some(first)
            if matches!(of_last, Trend::Leak | Trend::MayLeak)
                && !by_bytes
                && is_the_same_table(first, last) =>
        {
            no_more = true;
            Trend::Plateau
        }
        Some(first)
            if of_last != Trend::Noise
                && !by_bytes
                && shape::differs_only_at_the_end(first.curve, last.curve) =>
        {
            Trend::Shutdown
        }
        _ => of_last,
    };
    let is_quiet = matches!(trend, Trend::Plateau | Trend::Shutdown | Trend::Startup);
    let trend = match first {
        Some(first) if is_quiet && grew_with_the_work(first, last) => Trend::Grows,
        _ => trend,
    };
    let by_bytes = by_bytes && trend.is_growth();
    Some(Judged {
        finding: Finding { trend, by_bytes },
        no_more,
    })
}
