//! A leak that is spread over many lines, each of them within the limits.

use std::cmp::Ordering;

use super::column::Column;
use super::growth::Growth;
use super::judged::{Measurement, Site};
use super::rate::Rates;
use super::replaced::of_mean_size;
use super::site::SiteRun;
use super::together::{Likeness, Sum, Together, has_lost};
use super::trend::{Trend, end_of_work};
use crate::run::Figures;
use crate::trace::{STEPS, Tally};

/// What grew, and by how much.
struct Grown {
    site: usize,
    first: Figures,
    growth: Growth,
    /// Else it has too few blocks to tell.
    looks_like_a_leak: bool,
}

/// All sites that look like a leak and grew, if there are several: their sum is what no one of them shows. Of sites with too few
/// blocks to tell, only the sum may look like one.
pub(crate) fn spread(sites: &[Site], columns: &[Column]) -> Vec<Together> {
    let with_few = grown(sites);
    let is_leak = |grown: &&Grown| grown.looks_like_a_leak;
    let like_leaks: Vec<&Grown> = with_few.iter().filter(is_leak).collect();
    let with_few: Vec<&Grown> = with_few.iter().collect();
    let is_more = with_few.len() > like_leaks.len();
    let with_few = Some(with_few).filter(|all| is_more && look_like_a_leak(all, sites, columns));
    let all = [Some(like_leaks), with_few].into_iter().flatten();
    let all = all.filter_map(|grown| {
        let (mut first, mut growth) = (Figures::ZERO, Growth::ZERO);
        for one in &grown {
            first.add(one.first);
            growth.add(one.growth);
        }
        let indexes = grown.iter().map(|grown| grown.site).collect();
        together(Likeness::Spread, indexes, (first, growth), sites, columns)
    });
    let all = all.chain(kept_by_all(sites, columns));
    all.chain(more_on_all(sites, columns)).collect()
}

/// Sites that grew and may be leaks, for all that their verdicts say.
fn grown(sites: &[Site]) -> Vec<Grown> {
    let shown = sites.iter().enumerate();
    let shown = shown.filter(|(_, site)| site.hidden.is_none());
    let grown = shown.filter_map(|(index, site)| {
        let trend = site.trend?;
        let looks_like_a_leak = trend.may_be_growth();
        // Rates are not asked for, and take as long as all else.
        let (first, growth) = match &site.held {
            Some(held) => (held.first, held.growth),
            None => (site.first(), site.growth),
        };
        (growth.is_growth() && (looks_like_a_leak || trend == Trend::Noise)).then_some(Grown {
            site: index,
            first,
            growth,
            looks_like_a_leak,
        })
    });
    grown.collect()
}

fn look_like_a_leak(grown: &[&Grown], sites: &[Site], columns: &[Column]) -> bool {
    let sum = Sum::of(grown.iter().map(|grown| &sites[grown.site]), columns);
    let trend = sum.trend(columns);
    trend.is_some_and(Trend::may_be_growth)
}

/// `None` for one alone.
fn together(
    likeness: Likeness,
    indexes: Vec<usize>,
    (first, growth): (Figures, Growth),
    sites: &[Site],
    columns: &[Column],
) -> Option<Together> {
    let [named, _, ..] = &indexes[..] else {
        return None;
    };
    Some(Together {
        likeness,
        in_last: indexes.len(),
        measurement: sites[*named].measurement(columns),
        held: None,
        others: Some(Measurement {
            first,
            growth,
            // Each is judged by its own rate: what they come to together is no pace of one leak.
            rates: Rates::default(),
        }),
        sites: indexes,
    })
}

/// The start of a run is in the first of so many parts.
const PARTS_OF_START: usize = 8;

/// What came in the last of so many parts is still in use.
const PARTS_IN_USE: usize = 16;

/// What all sites keep, each of them a little. What is left over at once on many lines is no leak by its course; but then it is
/// no table that was there from the start either, and no work that is under way.
fn kept_by_all(sites: &[Site], columns: &[Column]) -> Option<Together> {
    let shown = sites.iter().enumerate();
    let shown = shown.filter(|(_, site)| site.hidden.is_none());
    let (mut before, mut now, mut more) = (Figures::ZERO, Figures::ZERO, Vec::new());
    for (index, site) in shown {
        let [first, .., last] = &*site.at.runs else {
            return None;
        };
        // Of a run that does not have it, nothing is kept.
        let nothing = |column: Option<&Column>| Some(column?.nothing);
        let kept_in = |run: &Option<Box<SiteRun>>, column| match run {
            Some(run) => kept(run),
            None => nothing(column),
        };
        let kept = kept_in(first, columns.first()).zip(kept_in(last, columns.last()));
        let Some((kept_before, kept_now)) = kept else {
            continue;
        };
        before.add(kept_before);
        now.add(kept_now);
        if Growth::between(kept_before, kept_now).is_growth() && site.growth.is_growth() {
            more.push(index);
        }
    }
    let kept = (before, Growth::between(before, now));
    together(Likeness::Kept, more, kept, sites, columns)
}

/// So many times as many sites grew as shrank, or it is chance.
const MORE_GREW: usize = 3;

/// So many steps before the exit, what comes and goes is as high in one run as in the other at some time: a quarter of a run.
const LAST_PART: usize = STEPS / 4;

/// What all sites of both runs have more than before, each of them a little, at any time of the last part of the work: a
/// configuration that was loaded anew and whose old one was lost. By its course it is a table; but that of the first run was
/// smaller. What only one run has is new code, or gone, and counts by itself.
fn more_on_all(sites: &[Site], columns: &[Column]) -> Option<Together> {
    let shown = sites.iter().enumerate();
    let shown = shown.filter(|(_, site)| site.hidden.is_none() && !has_lost(site));
    // Of a million sites, the courses take less time than memory: they are looked at twice.
    let courses = shown.filter_map(|(index, site)| Some((index, courses(site)?)));
    let mut sums = [[Tally::default(); STEPS]; 2];
    for (_, of_site) in courses.clone() {
        for (sum, at) in sums.iter_mut().flatten().zip(of_site.iter().flatten()) {
            sum.blocks += at.blocks;
            sum.bytes += at.bytes;
        }
    }
    let ends = sums.map(|sum| end_of_work(&sum.map(|at| at.blocks as f64)));
    let [before, now] = [0, 1].map(|run| &sums[run][ends[run] - LAST_PART..=ends[run]]);
    let most = |of: fn(&Tally) -> u64| before.iter().map(of).max().unwrap_or(0);
    let least = |of: fn(&Tally) -> u64| now.iter().map(of).min().unwrap_or(0);
    let knows_bytes = columns.iter().all(|column| column.nothing.bytes.is_some());
    let figures = |blocks, bytes| Figures {
        blocks,
        bytes: knows_bytes.then_some(bytes),
        allocations: None,
    };
    let first = figures(most(|at| at.blocks), most(|at| at.bytes));
    let last = figures(least(|at| at.blocks), least(|at| at.bytes));
    let more = Growth::between(first, last);
    if !more.is_growth() {
        return None;
    }
    let (mut grew, mut shrank) = (Vec::new(), 0);
    for (index, [first, last]) in courses {
        match last[ends[1]].blocks.cmp(&first[ends[0]].blocks) {
            Ordering::Greater => grew.push(index),
            Ordering::Less => shrank += 1,
            Ordering::Equal => {}
        }
    }
    let is_told = grew.len() >= MORE_GREW * shrank;
    is_told
        .then(|| together(Likeness::All, grew, (first, more), sites, columns))
        .flatten()
}

/// What a site had at each step of the first run and of the last; `None` where it is not in both, or where that is not known.
/// Where there was nothing, what is there from the start on is a table, and left out.
fn courses(site: &Site) -> Option<[[Tally; STEPS]; 2]> {
    let [Some(first), .., Some(last)] = &*site.at.runs else {
        return None;
    };
    let (first, mut last) = (
        first.curve.as_ref()?.points(),
        last.curve.as_ref()?.points(),
    );
    let mut middle = first[STEPS / 2..STEPS - LAST_PART].iter();
    if middle.any(|at| at.blocks == 0) {
        let table = last[STEPS / PARTS_OF_START];
        last.iter_mut().for_each(|at| *at = without(*at, table));
    }
    Some([first, last])
}

fn without(live: Tally, table: Tally) -> Tally {
    Tally {
        blocks: live.blocks.saturating_sub(table.blocks),
        bytes: live.bytes.saturating_sub(table.bytes),
    }
}

/// What a run keeps of what came after its start, with the mean size of what it left; `None` where it is not known when its
/// blocks came.
fn kept(run: &SiteRun) -> Option<Figures> {
    let survivors = run.survivors.as_ref()?.points();
    let start = survivors[STEPS / PARTS_OF_START];
    let old = survivors[STEPS - 1 - STEPS / PARTS_IN_USE];
    Some(of_mean_size(run, old.blocks.saturating_sub(start.blocks)))
}
