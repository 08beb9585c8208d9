//! Parts of a line: the ways that lead to it, the sizes of its blocks, or the calls that stand in it.

use std::collections::{BTreeMap, BTreeSet};

use super::beyond::{Beyond, Looks, WrapperNames};
use super::by_size::{by_size, live_sizes};
use super::callers::{Reach, Way, ways};
use super::site::{Grouping, JoinedSite, Part, SiteRun};
use crate::run::{Figures, LinkAddress, Run, Text};
use crate::trace::LiveSizes;

/// So many sizes of a line have a row of their own.
const MOST_SIZES: usize = 16;

/// The rows that the sites fall into; a site of which the parts are not known stays whole.
pub(super) fn split(
    sites: Vec<JoinedSite>,
    runs: &[Run],
    by: Grouping,
    reach: &Reach,
) -> Vec<JoinedSite> {
    let sites = sites.into_iter();
    match by {
        Grouping::Stack => sites
            .flat_map(|site| by_stacks(site, runs, reach))
            .collect(),
        Grouping::Size => sites.flat_map(|site| by_sizes(site, runs)).collect(),
        _ => sites.collect(),
    }
}

fn by_stacks(site: JoinedSite, runs: &[Run], reach: &Reach) -> Vec<JoinedSite> {
    let ways = ways(&site, runs, reach);
    match ways.iter().all(|way| way.callers.is_empty()) {
        true => vec![site],
        false => of_ways(&site, ways, runs),
    }
}

/// What came each way, in the order of the ways.
pub(super) fn of_ways(site: &JoinedSite, ways: Vec<Way>, runs: &[Run]) -> Vec<JoinedSite> {
    ways.into_iter()
        .map(|way| of_way(site, way, runs))
        .collect()
}

/// The calls of the allocator that stand in one line, each with what came through it; `None` where there is one. They are
/// told by the wrappers that they call and the sizes that they ask for, and if those are the same, by their order.
pub(super) fn by_calls(site: &JoinedSite, runs: &[Run]) -> Option<Vec<JoinedSite>> {
    let of_runs = site.runs.iter().zip(runs);
    let of_runs: Vec<Option<CallsInLine>> = of_runs
        .map(|(here, run)| here.as_deref().map(|here| calls_in_line(here, run)))
        .collect();
    let mut known: BTreeMap<&Request, BTreeSet<usize>> = BTreeMap::new();
    for (asked, calls) in of_runs.iter().flatten().flatten() {
        known.entry(asked).or_default().insert(calls.len());
    }
    // As many in all runs are told by their order; else all of them are one.
    let all = known.into_iter().flat_map(|(asked, counts)| {
        let in_order = match counts.len() {
            1 => counts.first().copied().unwrap_or(0),
            _ => 0,
        };
        let in_order = (0..in_order).map(move |index| (asked, Some(index)));
        let as_one = (counts.len() > 1).then_some((asked, None));
        in_order.chain(as_one)
    });
    let all: Vec<(&Request, Option<usize>)> = all.collect();
    let part = |(asked, index): &(&Request, Option<usize>)| {
        let mut part = site.clone();
        for ((here, calls), run) in part.runs.iter_mut().zip(&of_runs).zip(runs) {
            let calls = calls.as_ref().and_then(|calls| calls.get(*asked));
            let sites: Vec<u32> = match (calls, index) {
                (None, _) => Vec::new(),
                (Some(calls), Some(index)) => {
                    calls.values().nth(*index).cloned().unwrap_or_default()
                }
                (Some(calls), None) => calls.values().flatten().copied().collect(),
            };
            let whole = here.take().filter(|_| !sites.is_empty());
            *here = whole.map(|whole| Box::new(of_sites(&whole, &sites, run)));
        }
        // No row stands for it: the gate alone judges it.
        part.by = Grouping::Stack;
        part.part = Some(Box::new(Part::Stack(Vec::new())));
        part.at_least = None;
        part
    };
    (all.len() > 1).then(|| all.iter().map(part).collect())
}

/// What a call asks for.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Request {
    /// The wrapper that it calls.
    via: Option<Text>,
    /// `None` where it asks for several.
    size: Option<u64>,
}

/// Call sites of a run by what they ask for, and by their addresses.
type CallsInLine = BTreeMap<Request, BTreeMap<Option<LinkAddress>, Vec<u32>>>;

fn calls_in_line(here: &SiteRun, run: &Run) -> CallsInLine {
    let mut calls = CallsInLine::new();
    for number in here.stacks() {
        let Some(site) = run.sites.get(*number as usize) else {
            continue;
        };
        let responsible = run.responsible(site);
        let via = responsible.via;
        let via = via.and_then(|via| run.frame_of(via.call)?.function.clone());
        let size = site.sizes.filter(|sizes| sizes.is_one());
        let size = size.map(|sizes| sizes.least());
        let asked = Request { via, size };
        let address = run.location(responsible.call.at).address;
        let at = calls.entry(asked).or_default().entry(address).or_default();
        at.push(*number);
    }
    calls
}

fn of_way(site: &JoinedSite, way: Way, runs: &[Run]) -> JoinedSite {
    let mut of_way = site.clone();
    let here = way.runs.into_iter().zip(&mut of_way.runs).zip(runs);
    for ((here, of_site), run) in here {
        *of_site = match (here, of_site.take()) {
            (Some(here), Some(of_site)) => Some(Box::new(of_sites(&of_site, &here.sites, run))),
            _ => None,
        };
    }
    of_way.forked |= way.forked;
    of_way.by = Grouping::Stack;
    let callers = way.callers.into_iter();
    let callers = callers.map(|(caller, _)| caller).collect();
    of_way.part = Some(Box::new(Part::Stack(callers)));
    of_way.at_least = None;
    of_way
}

/// The part of a site's run that some of its stacks are.
fn of_sites(whole: &SiteRun, numbers: &[u32], run: &Run) -> SiteRun {
    let mut names = WrapperNames::default();
    let looks = Looks {
        sizes: false,
        stacks: true,
    };
    let mut part: Option<SiteRun> = None;
    for number in numbers {
        let Some(site) = run.sites.get(*number as usize) else {
            continue;
        };
        let beyond = Beyond::of(run, *number, run.responsible(site), looks, &mut names);
        match &mut part {
            Some(part) => part.add_site(site, beyond),
            None => {
                part = Some(SiteRun {
                    figures: site.figures,
                    sizes: site.sizes.into(),
                    curve: site.curve.clone(),
                    survivors: site.survivors.clone(),
                    lives: site.lives.clone(),
                    beyond,
                    ..whole.clone()
                });
            }
        }
    }
    part.unwrap_or_else(|| whole.clone())
}

fn by_sizes(site: JoinedSite, runs: &[Run]) -> Vec<JoinedSite> {
    let of_runs = runs.iter().enumerate();
    let of_runs: Option<Vec<LiveSizes>> =
        of_runs.map(|(index, _)| live_sizes(&site, index)).collect();
    let (Some(of_runs), Some(sizes)) = (of_runs, by_size(&site)) else {
        return vec![site];
    };
    let own: Vec<u64> = sizes.iter().take(MOST_SIZES).map(|of| of.size).collect();
    let of_size = own
        .iter()
        .map(|size| (Part::Size(*size), of_part(&of_runs, |other| other == *size)));
    let mut parts: Vec<(Part, Vec<LiveSizes>)> = of_size.collect();
    if sizes.len() > own.len() {
        let others = of_part(&of_runs, |size| !own.contains(&size));
        parts.push((Part::OtherSizes, others));
    }
    if parts.is_empty() {
        return vec![site];
    }
    let row = |(part, sizes): (Part, Vec<LiveSizes>)| {
        let mut row = site.clone();
        for (run, sizes) in row.runs.iter_mut().zip(&sizes) {
            let Some(run) = run else { continue };
            let sum = sizes.sum();
            run.figures = Figures {
                blocks: sum.blocks,
                bytes: run.figures.bytes.map(|_| sum.bytes),
                allocations: None,
            };
            run.curve = None;
            run.survivors = None;
            run.lives = None;
        }
        row.by = Grouping::Size;
        row.part = Some(Box::new(part));
        row.at_least = None;
        row
    };
    parts.into_iter().map(row).collect()
}

fn of_part(of_runs: &[LiveSizes], is_of: impl Fn(u64) -> bool) -> Vec<LiveSizes> {
    let of_run = |sizes: &LiveSizes| LiveSizes::of(sizes.iter().filter(|(size, _)| is_of(*size)));
    of_runs.iter().map(of_run).collect()
}
