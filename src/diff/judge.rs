//! What the growth of joined call sites comes to, each worked out once, from all that is known of it.

use super::growth::{Change, Growth};
use super::hidden::hidden;
use super::rank::{SortBy, by_rank};
use super::rate::{Rates, rates};
use super::site::JoinedSite;
use super::trend::{Trend, trend_of_site};
use crate::run::{Figures, Run, Source};

/// What a comparison knows of one of its runs as a whole.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// How long it took, in seconds, where that is known.
    pub duration_s: Option<f64>,
    /// The figures of a site that the run does not have.
    pub nothing: Figures,
    /// It was read from a result of `mtrace_do.py`, which leaves out the dynamic loader.
    pub lacks_loader: bool,
}

impl Column {
    pub fn of(run: &Run) -> Self {
        Column {
            duration_s: run.facts.duration_s,
            nothing: run.nothing(),
            lacks_loader: run.facts.origin.source == Source::MtraceDo,
        }
    }
}

/// A call site in all runs, judged.
#[derive(Debug, Clone)]
pub struct Site {
    /// What it is, and where in each run.
    pub at: JoinedSite,
    /// In the order of the runs, also of those that do not have the site.
    pub figures: Vec<Figures>,
    /// Last run minus first; in a single run, what is live.
    pub growth: Growth,
    pub change: Change,
    pub rates: Rates,
    /// What its growth means; `None` where the last run has no curve.
    pub trend: Option<Trend>,
}

impl Site {
    /// The first run's figures, which growth is measured against.
    pub fn first(&self) -> Figures {
        self.figures.first().copied().unwrap_or(Figures::ZERO)
    }

    pub fn last(&self) -> Figures {
        self.figures.last().copied().unwrap_or(Figures::ZERO)
    }

    fn judged(mut joined: JoinedSite, columns: &[Column]) -> Self {
        let here = joined.runs.iter().zip(columns);
        let figures: Vec<Figures> = here
            .map(|(run, column)| run.as_ref().map_or(column.nothing, |run| run.figures))
            .collect();
        let last = figures.last().copied().unwrap_or(Figures::ZERO);
        let first = match figures.as_slice() {
            [first, _, ..] => *first,
            _ => Figures::ZERO,
        };
        let growth = Growth::between(first, last);
        let rates = rates(&joined.runs, &figures, growth, columns);
        let trend = trend_of_site(&joined.runs, columns);
        joined.hidden = hidden(&joined, columns, growth, rates, trend);
        Site {
            rates,
            trend,
            change: Change::between(first, last),
            growth,
            figures,
            at: joined,
        }
    }
}

/// Judges call sites, and ranks them: a site's rank is its place in the list, from 1.
pub fn judge(joined: Vec<JoinedSite>, columns: &[Column], sort: SortBy) -> Vec<Site> {
    let judged = joined.into_iter().map(|site| Site::judged(site, columns));
    let mut sites: Vec<Site> = judged.collect();
    sites.sort_by(|a, b| by_rank(a, b, sort));
    sites
}
