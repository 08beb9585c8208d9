//! Which rows are left out of the table.

use super::column::Column;
use super::growth::Growth;
use super::rate::{Rate, Rates};
use super::site::JoinedSite;
use super::trend::Trend;

/// What `mtrace_do.py` leaves out, by a part of its name.
const LEFT_OUT: &str = "ld-linux-armhf.so";

/// Whether a site of the loader is left out: one that grows is a row like any other, and is judged.
///
/// What the loader allocates is the price of libraries and threads, and tells nothing while it stays
/// level. But threads that are never joined and libraries that are loaded again and again leak there
/// and nowhere else, so nothing is allowed for: one block more is growth.
pub(super) fn is_hidden(
    site: &JoinedSite,
    columns: &[Column],
    growth: Growth,
    rates: Rates,
    trend: Option<Trend>,
) -> bool {
    let rises = |rate: Rate| rate.blocks > 0.0 || rate.bytes.is_some_and(|bytes| bytes > 0.0);
    let grew = growth.is_growth() || rates.per_run.is_some_and(rises);
    // In a single run, what is live is no growth: there the curve tells.
    let grows = (columns.len() > 1 && grew) || trend.is_some_and(Trend::is_growth);
    !grows || is_unknown(site, columns)
}

/// What the script left out of one of the runs is no growth in another.
fn is_unknown(site: &JoinedSite, columns: &[Column]) -> bool {
    let module = site.module.as_ref();
    let mut runs = site.runs.iter().zip(columns);
    module.is_some_and(|module| module.name.contains(LEFT_OUT))
        && runs.any(|(run, column)| column.lacks_loader && run.is_none())
}
