//! Sums over call sites.

use crate::diff::{Column, Growth, Site, ends};
use crate::run::Figures;

/// What some sites come to together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sums {
    /// In the order of the runs.
    pub runs: Vec<Figures>,
    /// Last run minus first; of a single run, what is live.
    pub growth: Growth,
}

impl Sums {
    /// Of sites: of none at all, a run has what it has of a site that it does not know.
    pub fn of<'a>(columns: &[Column], sites: impl IntoIterator<Item = &'a Site>) -> Self {
        let figures = sites.into_iter().map(|site| site.at.figures(columns));
        Sums::of_figures(columns, figures)
    }

    /// The same, of the figures of each in the order of the runs.
    pub fn of_figures<F: IntoIterator<Item = Figures>>(
        columns: &[Column],
        sites: impl IntoIterator<Item = F>,
    ) -> Self {
        let mut runs: Vec<Figures> = columns.iter().map(|column| column.nothing).collect();
        for site in sites {
            for (sum, figures) in runs.iter_mut().zip(site) {
                sum.add(figures);
            }
        }
        Sums::of_runs(runs)
    }

    /// What both come to together.
    pub fn and(&self, other: &Sums) -> Self {
        let mut runs = self.runs.clone();
        for (sum, figures) in runs.iter_mut().zip(&other.runs) {
            sum.add(*figures);
        }
        Sums::of_runs(runs)
    }

    fn of_runs(runs: Vec<Figures>) -> Self {
        let (first, last) = ends(&runs);
        let growth = Growth::between(first, last);
        Sums { runs, growth }
    }

    /// The first run's figures, which growth is measured against.
    pub fn first(&self) -> Figures {
        self.runs.first().copied().unwrap_or(Figures::ZERO)
    }

    /// The last run's figures.
    pub fn last(&self) -> Figures {
        self.runs.last().copied().unwrap_or(Figures::ZERO)
    }
}
