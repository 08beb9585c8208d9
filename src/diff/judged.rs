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
    /// Growth under the worst reading of which site it is; `None` where that is sure.
    pub worst: Option<Box<Reading>>,
}

/// A reading of the runs: what a site's growth is, or would be, were it another site before.
#[derive(Debug, Clone, PartialEq)]
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
}
