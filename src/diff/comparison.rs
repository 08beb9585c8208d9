//! What the growth of joined call sites comes to, each worked out once, from all that is known of it.

use super::callers::Reach;
use super::column::Column;
use super::fixed::{fixed, is_fixed, without_unsure};
use super::group::{Aliases, group, lines_of};
use super::growth::{Change, Growth, ends};
use super::held::held;
use super::hidden::hidden;
use super::judged::{Measurement, Site};
use super::leak::{LeakingLine, leaking};
use super::rank::{SortBy, by_rank};
use super::rate::rates;
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
    sites: Vec<JoinedSite>,
    aliases: &Aliases,
    runs: &[BlamedRun],
    columns: &[Column],
    rows: RowOptions<'_>,
) -> Comparison {
    let mut lines = judge_each(sites, columns);
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
            judge_each(group(lines, rows.by, aliases), columns)
        }
        Grouping::Stack | Grouping::Size => {
            let lines = lines.into_iter().map(|line| JoinedSite {
                of_leak: line.leak().is_some(),
                ..line.at
            });
            let mut parts = judge_each(split(lines.collect(), runs, rows.by, rows.reach), columns);
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

pub(super) fn judge_each(mut joined: Vec<JoinedSite>, columns: &[Column]) -> Vec<Site> {
    let mut sites: Vec<Site> = Vec::with_capacity(joined.len());
    // From the end, so that what is judged makes room for what comes of it.
    while let Some(site) = joined.pop() {
        sites.push(judged(site, columns));
        if joined.len() < joined.capacity() / 2 {
            joined.shrink_to_fit();
        }
    }
    sites
}

fn judged(mut joined: JoinedSite, columns: &[Column]) -> Site {
    let figures: Vec<Figures> = joined.figures(columns).collect();
    let (first, last) = ends(&figures);
    let growth = Growth::between(first, last);
    let worst = joined.at_least.as_deref().filter(|_| figures.len() > 1);
    let worst = worst.map(|&first| {
        let growth = Growth::between(first, last);
        let mut figures = figures.clone();
        figures[0] = first;
        Box::new(Measurement {
            rates: rates(&joined.runs, &figures, growth, columns),
            first,
            growth,
        })
    });
    let rates = rates(&joined.runs, &figures, growth, columns);
    let change = Change::between(first, last);
    let finding = judge_site(&joined.runs, columns);
    let finding = match &joined.lines {
        Some(lines) => lines.finding(finding),
        None => finding,
    };
    // Nothing is left to judge, but for what the end of the run freed.
    let is_told = |trend| change != Change::Gone || matches!(trend, Trend::Grows | Trend::Shutdown);
    let finding = finding.filter(|finding| is_told(finding.trend));
    let trend = finding.map(|finding| finding.trend);
    // Rows of lines, and parts of one, are left out where the lines are: so the total is the same for all.
    if joined.lines.is_none() && joined.part.is_none() {
        joined.hidden = hidden(&joined, columns, growth, rates, trend);
    }
    let fixed = match &joined.lines {
        Some(lines) => lines.fixed > 0,
        None => is_fixed(&joined.runs, columns, growth, finding) && joined.hidden.is_none(),
    };
    let held = match joined.lines {
        None => held(&joined.runs, &figures, columns, trend).map(Box::new),
        Some(_) => None,
    };
    Site {
        held,
        worst,
        trend,
        by_bytes: finding.is_some_and(|finding| finding.by_bytes),
        fixed,
        change,
        growth,
        at: joined,
    }
}
