//! Leaks of the first run that the last one has no more.

use std::collections::BTreeSet;

use super::column::Column;
use super::growth::Growth;
use super::judged::Site;
use super::leak::Leak;
use super::site::SiteRun;
use super::trend::{FEWEST_BLOCKS, Finding, Trend, judge_run};
use crate::run::Figures;
use crate::trace::{Sizes, Tally};

/// Of what the first run left, or would have left in the time of a shorter last run, at most this share is left.
const LEFT: f64 = 0.5;

/// Of the first run's length, a run has at least this share, or it says nothing of bytes that grow.
const LEAST_SHARE: f64 = 0.1;

/// Whether a site leaked in the first run, by its own course, and no longer does: much less is left than the first
/// run left, or would have left in the time of a shorter last run, and what is left does not grow. `last` is the verdict on it.
pub(super) fn is_fixed(
    runs: &[Option<Box<SiteRun>>],
    columns: &[Column],
    growth: Growth,
    last: Option<Finding>,
) -> bool {
    let ([Some(first), .., of_last], [before, .., after]) = (runs, columns) else {
        return false;
    };
    let fell = growth.blocks < 0 || growth.bytes.is_some_and(|bytes| bytes < 0);
    // What goes on growing is no fix, though the end of the run may have freed it, or the first run may clear it.
    let grows = |finding: Finding| finding.trend.may_be_growth();
    if !fell || last.is_some_and(grows) {
        return false;
    }
    let alone = || judge_run(of_last.as_deref()?, after);
    if alone().is_some_and(grows) {
        return false;
    }
    let Some(leak) = judge_run(first, before).filter(|finding| finding.trend == Trend::Leak) else {
        return false;
    };
    // In a run that was cut short, a leak leaves less, too.
    let share = share_of_length(before, after);
    let left = of_last
        .as_deref()
        .map_or(Some(Figures::ZERO), |run| left(run, last));
    let is_less = |before: u64, after: u64| after as f64 <= LEFT * share * before as f64;
    let first = first.figures;
    match leak.by_bytes {
        true => {
            let both = first.bytes.zip(left.and_then(|left| left.bytes));
            // A run that was cut off early did not come to what grows.
            share >= LEAST_SHARE && both.is_some_and(|(before, after)| is_less(before, after))
        }
        false => {
            let is_enough = share * first.blocks as f64 >= FEWEST_BLOCKS as f64;
            is_enough && left.is_some_and(|left| is_less(first.blocks, left.blocks))
        }
    }
}

/// What a run left, or held until its end freed it, which is no less of a leak; `None` where that is not known.
fn left(run: &SiteRun, finding: Option<Finding>) -> Option<Figures> {
    if finding.is_none_or(|finding| finding.trend != Trend::Shutdown) {
        return Some(run.figures);
    }
    let points = run.curve.as_ref()?.points();
    let most = |of: fn(&Tally) -> u64| points.iter().map(of).max();
    Some(Figures {
        blocks: most(|point| point.blocks)?,
        bytes: most(|point| point.bytes),
        allocations: None,
    })
}

/// How long the last run was, against the first: 1 where it was no shorter, or where that is not known.
fn share_of_length(first: &Column, last: &Column) -> f64 {
    let times = first.duration_s.zip(last.duration_s);
    let records = || {
        let records = first.records.zip(last.records)?;
        Some((records.0 as f64, records.1 as f64))
    };
    match times.or_else(records) {
        Some((first, last)) if first > 0.0 => (last / first).min(1.0),
        _ => 1.0,
    }
}

/// A leak that is gone where another one came that asks for the same sizes may only have another name. Where rows of the
/// runs need not match, any may.
pub(super) fn without_unsure(lines: &mut [Site], can_be_fixed: bool) {
    if !can_be_fixed {
        lines.iter_mut().for_each(|line| line.fixed = false);
        return;
    }
    let is_new = |site: &&Site| {
        site.at.runs.first().is_some_and(Option::is_none) && site.leak() == Some(Leak::More)
    };
    let sizes = |site: &Site, run: usize| -> Vec<Sizes> {
        let run = site.at.runs.get(run).and_then(Option::as_ref);
        run.map_or_else(Vec::new, |run| run.sizes.to_vec())
    };
    let new: BTreeSet<Vec<Sizes>> = lines
        .iter()
        .filter(is_new)
        .map(|site| sizes(site, site.at.runs.len() - 1))
        .collect();
    if new.is_empty() {
        return;
    }
    for line in lines.iter_mut().filter(|line| line.fixed) {
        // A caller that is still there and keeps nothing has no other name.
        let is_gone = line.at.runs.last().is_some_and(Option::is_none);
        let is_renamed = new.contains(&sizes(line, 0)) || new.contains(&Vec::new());
        line.fixed = !(is_gone && is_renamed);
    }
}

/// The lines that are fixed, those that shrank most first.
pub(super) fn fixed(lines: &[Site]) -> Vec<Site> {
    let mut fixed: Vec<Site> = lines.iter().filter(|line| line.fixed).cloned().collect();
    fixed.sort_by_key(|line| (line.growth.blocks, line.growth.bytes));
    fixed
}
