//! A call site with all that was found out about it.

use super::growth::{Change, Growth};
use super::rate::Rates;
use super::site::JoinedSite;
use super::trend::Trend;
use crate::run::Figures;

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
}
