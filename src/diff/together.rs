//! Sites that the gate also judges as one: a leak that is spread over many rows is no smaller for that.

use super::column::Column;
use super::growth::{Growth, ends};
use super::judged::{Reading, Site};
use super::rate::rates;
use super::site::SiteRun;
use crate::run::{Figures, Text};

/// What sites have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Likeness {
    /// One line, in copies of one file.
    Copies,
    /// One line, in instances of a template, or inlined into several functions.
    Line,
    /// They lie in code that was made at run time.
    RunTimeCode,
    /// Their memory came through this function, which allocates for its callers.
    Wrapper(Text),
}

/// Sites that have something in common.
#[derive(Debug, Clone, PartialEq)]
pub struct Together {
    pub likeness: Likeness,
    /// Indexes of ranked sites, ascending.
    pub sites: Vec<usize>,
    /// How many of them the last run has.
    pub in_last: usize,
    /// What they come to together.
    pub reading: Reading,
}

impl Together {
    pub fn of(likeness: Likeness, at: Vec<usize>, sites: &[Site], columns: &[Column]) -> Self {
        let mut figures = vec![Figures::ZERO; columns.len()];
        let mut runs: Vec<Option<Box<SiteRun>>> = vec![None; columns.len()];
        let mut in_last = 0;
        for site in at.iter().map(|at| &sites[*at]) {
            for (sum, of_site) in figures.iter_mut().zip(site.at.figures(columns)) {
                sum.add(of_site);
            }
            for (sum, run) in runs.iter_mut().zip(&site.at.runs) {
                match (sum, run) {
                    (Some(sum), Some(run)) => sum.add(run),
                    (sum @ None, run) => sum.clone_from(run),
                    (Some(_), None) => {}
                }
            }
            in_last += usize::from(site.at.runs.last().is_some_and(Option::is_some));
        }
        let (first, last) = ends(&figures);
        let growth = Growth::between(first, last);
        Together {
            likeness,
            sites: at,
            in_last,
            reading: Reading {
                rates: rates(&runs, &figures, growth, columns),
                first,
                growth,
            },
        }
    }
}
