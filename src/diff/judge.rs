//! What the growth of joined call sites comes to, each worked out once, from all that is known of it.

use super::growth::{Change, Growth};
use super::rank::{SortBy, by_rank};
use super::rate::{Rates, rates};
use super::site::JoinedSite;
use super::trend::{Trend, trend_of_site};
use crate::run::{Figures, Run};

/// What a comparison knows of one of its runs as a whole.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// How long it took, in seconds, where that is known.
    pub duration_s: Option<f64>,
    /// The figures of a site that the run does not have.
    pub nothing: Figures,
}

impl Column {
    pub fn of(run: &Run) -> Self {
        Column {
            duration_s: run.facts.duration_s,
            nothing: run.nothing(),
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
    /// Growth under the worst reading of which site it is; `None` where that is sure.
    pub worst: Option<Box<Reading>>,
}

/// Another reading of the runs: what a site's growth would be, were it another site before.
#[derive(Debug, Clone)]
pub struct Reading {
    pub first: Figures,
    pub growth: Growth,
    pub rates: Rates,
}

impl Site {
    /// The first run's figures, which growth is measured against.
    pub fn first(&self) -> Figures {
        self.figures.first().copied().unwrap_or(Figures::ZERO)
    }

    pub fn last(&self) -> Figures {
        self.figures.last().copied().unwrap_or(Figures::ZERO)
    }

    /// Whether it may as well be another site of an earlier run.
    pub fn is_unsure(&self) -> bool {
        self.at.at_least.is_some()
    }

    /// As the runs are shown.
    pub fn reading(&self) -> Reading {
        Reading {
            first: self.first(),
            growth: self.growth,
            rates: self.rates,
        }
    }

    fn judged(joined: JoinedSite, columns: &[Column]) -> Self {
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
        let worst = joined.at_least.filter(|_| figures.len() > 1).map(|first| {
            let growth = Growth::between(first, last);
            let mut figures = figures.clone();
            figures[0] = first;
            Box::new(Reading {
                rates: rates(&joined.runs, &figures, growth, columns),
                first,
                growth,
            })
        });
        Site {
            worst,
            rates: rates(&joined.runs, &figures, growth, columns),
            trend: trend_of_site(&joined.runs, columns),
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
