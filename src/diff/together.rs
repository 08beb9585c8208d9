//! Sites that the gate also judges as one: a leak that is spread over many rows is no smaller for that.

use std::collections::BTreeSet;

use super::column::Column;
use super::growth::{Growth, ends};
use super::held::held;
use super::judged::{Measurement, Site};
use super::rate::rates;
use super::site::SiteRun;
use super::trend::{Trend, judge_site};
use crate::run::{Figures, Text};

/// What sites have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Likeness {
    /// One line, in copies of one file.
    Copies,
    /// One line, in instances of a template, or inlined into several functions.
    Line,
    /// One function, of which no lines are known.
    Function,
    /// They lie in code that was made at run time.
    RunTimeCode,
    /// Their memory came through this function, which allocates for its callers.
    Wrapper(Text),
    /// Not sites, but callers of one.
    Callers,
    /// Not sites, but calls of the allocator in the line of one.
    Calls,
    /// Not sites, but what one has of this size, in bytes.
    Size(u64),
    /// They look like leaks, and have nothing else in common.
    Spread,
    /// They keep more than before of what came after the start of the run, each a little.
    Kept,
    /// They have more than before all through the last part of the run, each a little.
    All,
    /// Not sites, but what one leaks in place of what it had.
    Replaced,
    /// The same, where it leaked before, too, but more slowly.
    Faster,
    /// Not sites, but what one keeps of what came after its start, in place of what it had.
    Later,
}

/// Sites that have something in common.
#[derive(Debug, Clone, PartialEq)]
pub struct Together {
    /// What that is.
    pub likeness: Likeness,
    /// Indexes of ranked sites, ascending.
    pub sites: Vec<usize>,
    /// How many of them the last run has; of one site, how many of its callers.
    pub in_last: usize,
    /// What they come to together.
    pub measurement: Measurement,
    /// The same of what they held until the end of their program freed it; `None` where it is what they left that counts.
    pub held: Option<Measurement>,
    /// Where some of them lost much, which need not be what the others gained: what the others come to.
    pub others: Option<Measurement>,
}

/// A row that lost so many blocks, or so many bytes, and half of what it had, is a change of its own.
pub(super) const LOST: u64 = 8;
pub(super) const LOST_BYTES: u64 = 16 << 10;

/// As far as two counts of one pace are seldom apart, in standard deviations.
const SIGMAS: f64 = 3.0;

impl Together {
    pub(crate) fn of(
        likeness: Likeness,
        at: Vec<usize>,
        sites: &[Site],
        columns: &[Column],
    ) -> Self {
        let all = Sum::of(at.iter().map(|at| &sites[*at]), columns);
        let (lost, others): (Vec<&Site>, Vec<&Site>) = at
            .iter()
            .map(|at| &sites[*at])
            .partition(|site| has_lost(site));
        // Another build can inline a function elsewhere: then what one of its rows lost, others have. Instances of a template
        // are called differently.
        let functions: BTreeSet<_> = others.iter().map(|site| site.at.function()).collect();
        let is_told = !lost.is_empty()
            && match likeness {
                Likeness::Wrapper(_) => true,
                Likeness::Line => lost
                    .iter()
                    .all(|site| !functions.contains(&site.at.function())),
                Likeness::Copies | Likeness::Function | Likeness::RunTimeCode => false,
                Likeness::Callers
                | Likeness::Calls
                | Likeness::Size(_)
                | Likeness::Spread
                | Likeness::Kept
                | Likeness::All
                | Likeness::Replaced
                | Likeness::Faster
                | Likeness::Later => false,
            };
        Together {
            likeness,
            in_last: all.in_last,
            held: all.held(columns),
            measurement: all.measurement(columns),
            others: is_told.then(|| Sum::of(others.into_iter(), columns).measurement(columns)),
            sites: at,
        }
    }
}

/// Whether a row lost so much that it is a change of its own.
pub(super) fn has_lost(site: &Site) -> bool {
    is_much_less(site.last(), site.first())
}

/// Whether there is so much in a row that it can lose much.
pub(super) fn can_lose(site: &Site) -> bool {
    is_much_less(Figures::ZERO, site.first())
}

/// Whether a row has at least twice what it had, and much more.
pub(super) fn has_gained(site: &Site) -> bool {
    is_much_less(site.first(), site.last())
}

/// Whether so much is gone that it is a change of its own.
pub(super) fn is_much_less(less: Figures, than: Figures) -> bool {
    let is_half = |less: u64, than: u64| less <= than / 2;
    let lost = than.blocks.saturating_sub(less.blocks);
    let bytes = less.bytes.zip(than.bytes);
    let in_bytes =
        |(less, than): (u64, u64)| is_half(less, than) && than.saturating_sub(less) >= LOST_BYTES;
    (is_half(less.blocks, than.blocks) && lost >= LOST) || bytes.is_some_and(in_bytes)
}

/// Whether two leaks of one pace would hardly ever differ by so much.
pub(super) fn is_more_than_chance(before: Figures, grown: Figures) -> bool {
    let more = grown.blocks.saturating_sub(before.blocks) as f64;
    more >= LOST as f64 && more > SIGMAS * ((before.blocks + grown.blocks) as f64).sqrt()
}

/// Sites added up.
pub(super) struct Sum {
    figures: Vec<Figures>,
    runs: Vec<Option<Box<SiteRun>>>,
    in_last: usize,
}

impl Sum {
    pub(super) fn of<'a>(sites: impl Iterator<Item = &'a Site>, columns: &[Column]) -> Self {
        let mut figures = vec![Figures::ZERO; columns.len()];
        let mut runs: Vec<Option<Box<SiteRun>>> = vec![None; columns.len()];
        let mut in_last = 0;
        for site in sites {
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
        Sum {
            figures,
            runs,
            in_last,
        }
    }

    /// What they held until the end of their program freed it; `None` where it is what they left that counts.
    pub(super) fn held(&self, columns: &[Column]) -> Option<Measurement> {
        held(&self.runs, &self.figures, columns, self.trend(columns))
    }

    pub(super) fn trend(&self, columns: &[Column]) -> Option<Trend> {
        judge_site(&self.runs, columns).map(|finding| finding.trend)
    }

    pub(super) fn measurement(&self, columns: &[Column]) -> Measurement {
        let (first, last) = ends(&self.figures);
        let growth = Growth::between(first, last);
        Measurement {
            rates: rates(&self.runs, &self.figures, growth, columns),
            first,
            growth,
        }
    }
}
