//! What the growth of joined call sites comes to, each worked out once, from all that is known of it.

use super::by_callers::Unsure;
use super::callers::Reach;
use super::column::Column;
use super::fixed::{fixed, is_fixed, without_unsure};
use super::group::{group, lines_of};
use super::growth::{Change, Growth, ends};
use super::held::held;
use super::hidden::is_hidden;
use super::join::JoinedSites;
use super::judged::{Measurement, Site};
use super::leak::{LeakingLine, leaking};
use super::rank::{SortBy, by_rank};
use super::rate::rates;
use super::row::{Row, RowOf};
use super::site::{Grouping, JoinedSite};
use super::split::split;
use super::trend::{Trend, judge_site};
use crate::run::{BlamedRun, Figures};

/// What rows stand for, and their order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowOptions<'a> {
    pub by: Grouping,
    pub sort: SortBy,
    /// How much of the ways to a line is looked at.
    pub reach: &'a Reach,
    /// Whether a leak that is gone is fixed, rather than in another row.
    pub can_be_fixed: bool,
}

/// What a comparison found.
#[derive(Debug)]
pub(crate) struct Comparison {
    /// The rows: a site's rank is its place in the list, from 1.
    pub sites: Vec<Site>,
    /// Of lines, whatever rows stand for.
    pub leaking: Vec<LeakingLine>,
    /// How many lines may leak.
    pub may_leak: u64,
    /// Lines that leaked in the first run and do no more, those that shrank most first.
    pub fixed: Vec<Site>,
}

/// Judges call sites line by line, makes rows of them, and ranks these.
pub(crate) fn compare_sites(
    joined: JoinedSites,
    runs: &[BlamedRun],
    columns: &[Column],
    rows: RowOptions<'_>,
) -> Comparison {
    let mut lines = judge_sites(joined.list, &joined.unsure, columns);
    without_unsure(&mut lines, rows.can_be_fixed);
    let of_lines = |lines: &[Site]| {
        let may_leak = lines.iter().filter(|line| line.may_leak()).count() as u64;
        (leaking(lines, columns), may_leak, fixed(lines))
    };
    let (leaking, may_leak, fixed) = match rows.by {
        Grouping::Address => {
            let mut lines = judge_each(lines_of(&lines), columns);
            without_unsure(&mut lines, rows.can_be_fixed);
            of_lines(&lines)
        }
        _ => of_lines(&lines),
    };
    let mut sites = match rows.by {
        Grouping::Address | Grouping::Line => lines,
        Grouping::Function | Grouping::File | Grouping::Module => {
            judge_each(group(lines, rows.by, &joined.aliases), columns)
        }
        Grouping::Stack | Grouping::Size => {
            let mut parts = judge_each(split(lines, runs, rows.by, rows.reach), columns);
            without_unsure(&mut parts, rows.can_be_fixed);
            parts
        }
    };
    // In place, as there can be a million of them; no two are of one rank.
    sites.sort_unstable_by(|a, b| by_rank(a, b, rows.sort));
    Comparison {
        sites,
        leaking,
        may_leak,
        fixed,
    }
}

/// Judges what was joined, each site by itself.
fn judge_sites(sites: Vec<JoinedSite>, unsure: &Unsure, columns: &[Column]) -> Vec<Site> {
    let row = |index: usize, site| {
        let at_least = unsure.at_least.get(&index).copied();
        Row::whole(site, at_least, unsure.forked.contains(&index))
    };
    from_the_end(sites, |index, site| judged(row(index, site), columns))
}

pub(super) fn judge_each(rows: Vec<Row>, columns: &[Column]) -> Vec<Site> {
    from_the_end(rows, |_, row| judged(row, columns))
}

/// What comes of a list, from its end, so that each makes room for what comes of it.
fn from_the_end<T, U>(mut list: Vec<T>, each: impl Fn(usize, T) -> U) -> Vec<U> {
    let mut made: Vec<U> = Vec::with_capacity(list.len());
    while let Some(last) = list.pop() {
        made.push(each(list.len(), last));
        if list.len() < list.capacity() / 2 {
            list.shrink_to_fit();
        }
    }
    made
}

fn judged(row: Row, columns: &[Column]) -> Site {
    let runs = &row.at.runs;
    let figures: Vec<Figures> = row.at.figures(columns).collect();
    let (first, last) = ends(&figures);
    let growth = Growth::between(first, last);
    let worst = row.at_least.filter(|_| figures.len() > 1);
    let worst = worst.map(|first| {
        let growth = Growth::between(first, last);
        let mut figures = figures.clone();
        figures[0] = first;
        Box::new(Measurement {
            rates: rates(runs, &figures, growth, columns),
            first,
            growth,
        })
    });
    let change = Change::between(first, last);
    let finding = judge_site(runs, columns);
    let finding = match &row.of {
        RowOf::Lines(lines) => lines.finding(finding),
        RowOf::Whole | RowOf::Part { .. } => finding,
    };
    // Nothing is left to judge, but for what the end of the run freed.
    let is_told = |trend| change != Change::Gone || matches!(trend, Trend::Grows | Trend::Shutdown);
    let finding = finding.filter(|finding| is_told(finding.trend));
    let trend = finding.map(|finding| finding.trend);
    let is_hidden = || {
        let rates = rates(runs, &figures, growth, columns);
        is_hidden(&row.at, columns, growth, rates, trend)
    };
    // Rows of lines, and parts of one, are left out where the lines are: so the total is the same for all.
    let hidden = row.hidden.filter(|_| row.of != RowOf::Whole || is_hidden());
    let fixed = match &row.of {
        RowOf::Lines(lines) => lines.fixed > 0,
        RowOf::Whole | RowOf::Part { .. } => {
            hidden.is_none() && is_fixed(runs, columns, growth, finding)
        }
    };
    let held = match &row.of {
        RowOf::Lines(_) => None,
        RowOf::Whole | RowOf::Part { .. } => held(runs, &figures, columns, trend).map(Box::new),
    };
    Site {
        held,
        worst,
        trend,
        by_bytes: finding.is_some_and(|finding| finding.by_bytes),
        fixed,
        change,
        growth,
        hidden,
        forked: row.forked,
        of: row.of,
        at: row.at,
    }
}
