//! A call site with all that was found out about it.

use super::column::Column;
use super::growth::{Change, Growth};
use super::line_counts::LineCounts;
use super::rate::{Rates, rates};
use super::row::{Hidden, Part, Row, RowOf};
use super::site::{JoinedSite, SiteRun};
use super::trend::{Reasons, Trend, reasons};
use crate::run::Figures;

/// A call site in all runs, judged.
#[derive(Debug, Clone)]
pub struct Site {
    /// What it is, and where in each run.
    pub at: JoinedSite,
    /// How it and the lines of the source belong together.
    pub(super) of: RowOf,
    /// Why it is left out of the table; `None` for a row like any other.
    pub hidden: Option<Hidden>,
    /// A caller changed between the builds, and several sites of an earlier run may be this one, or one may be several.
    pub forked: bool,
    /// Last run minus first; in a single run, what is live.
    pub growth: Growth,
    /// The same as a share of what was live before, or that the site is new or gone.
    pub change: Change,
    /// What its growth means; `None` where the last run has no curve.
    pub trend: Option<Trend>,
    /// It leaks, but its blocks are as many as they were: their bytes grow.
    pub by_bytes: bool,
    /// It leaked in the first run, and does no more; of a row of several lines, one of these.
    pub fixed: bool,
    /// Growth of what it held until its program ended; `None` where it is what it left that counts.
    pub held: Option<Box<Measurement>>,
    /// Growth at the worst guess of which site it is; `None` where that is sure.
    pub worst: Option<Box<Measurement>>,
}

/// What is held against the limits: what a site's growth is, or would be, were it another site before.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    /// What growth is measured against.
    pub first: Figures,
    /// Last run minus first.
    pub growth: Growth,
    /// How fast that is.
    pub rates: Rates,
}

impl Site {
    /// The first run's figures, which growth is measured against.
    pub fn first(&self) -> Figures {
        self.of_run(self.at.runs.first())
    }

    /// The last run's figures.
    pub fn last(&self) -> Figures {
        self.of_run(self.at.runs.last())
    }

    fn of_run(&self, run: Option<&Option<Box<SiteRun>>>) -> Figures {
        let run = run.and_then(Option::as_ref);
        run.map_or(Figures::ZERO, |run| run.figures)
    }

    /// How fast it grows; worked out anew each time, as few of a million sites are looked at.
    pub fn rates(&self, columns: &[Column]) -> Rates {
        let figures: Vec<Figures> = self.at.figures(columns).collect();
        rates(&self.at.runs, &figures, self.growth, columns)
    }

    /// Why its verdict is what it is; `None` without one, and for a row of several lines that are judged one by one.
    pub fn reasons(&self, columns: &[Column]) -> Option<Reasons> {
        self.trend.filter(|_| self.lines().is_none())?;
        reasons(&self.at.runs, columns)
    }

    /// Whether it may as well be another site of an earlier run.
    pub(crate) fn is_unsure(&self) -> bool {
        self.worst.is_some()
    }

    /// Of a row that sums up lines: what these are; `None` for a line, and for a part of one.
    pub fn lines(&self) -> Option<&LineCounts> {
        match &self.of {
            RowOf::Lines(lines) => Some(lines),
            RowOf::Whole | RowOf::Part { .. } => None,
        }
    }

    /// Which part of a line it is, where that is split; `None` for all of it.
    pub fn part(&self) -> Option<&Part> {
        match &self.of {
            RowOf::Part { part, .. } => Some(part),
            RowOf::Whole | RowOf::Lines(_) => None,
        }
    }

    /// Whether it is a part of a line that leaks as a whole.
    pub(crate) fn is_of_leak(&self) -> bool {
        matches!(self.of, RowOf::Part { of_leak: true, .. })
    }

    /// What rows are made of.
    pub(super) fn unjudged(self) -> Row {
        Row {
            at: self.at,
            of: RowOf::Whole,
            hidden: self.hidden,
            at_least: self.worst.map(|worst| worst.first),
            forked: self.forked,
        }
    }

    /// As the runs are shown.
    pub(crate) fn measurement(&self, columns: &[Column]) -> Measurement {
        Measurement {
            first: self.first(),
            growth: self.growth,
            rates: self.rates(columns),
        }
    }
}
