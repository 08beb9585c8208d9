//! Parts of a line: the ways that lead to it, the sizes of its blocks, or the calls that stand in it.

use std::collections::{BTreeMap, BTreeSet};

use super::beyond::{Beyond, Looks, WrapperNames};
use super::by_size::{by_size, live_sizes};
use super::callers::{Reach, Way, ways};
use super::judged::Site;
use super::row::{Part, Row, RowOf};
use super::site::{Grouping, JoinedSite, SiteRun};
use crate::run::{BlamedRun, Figures, LinkAddress, Text};
use crate::trace::LiveSizes;

/// So many sizes of a line have a row of their own.
const MOST_SIZES: usize = 16;

/// The rows that lines fall into; a line of which the parts are not known stays whole.
pub(super) fn split(lines: Vec<Site>, runs: &[BlamedRun], by: Grouping, reach: &Reach) -> Vec<Row> {
    let lines = lines.into_iter();
    match by {
        Grouping::Stack => lines
            .flat_map(|line| by_stacks(line, runs, reach))
            .collect(),
        Grouping::Size => lines.flat_map(|line| by_sizes(line, runs)).collect(),
        _ => lines.map(Site::unjudged).collect(),
    }
}

fn by_stacks(line: Site, runs: &[BlamedRun], reach: &Reach) -> Vec<Row> {
    let ways = ways(&line.at, runs, reach);
    match ways.iter().all(|way| way.callers.is_empty()) {
        true => vec![line.unjudged()],
        false => of_ways(&line, ways, runs),
    }
}

/// A part of a line: of each run, what there is of it.
fn part_of(
    line: &Site,
    by: Grouping,
    part: Part,
    mut of_run: impl FnMut(usize, &SiteRun) -> Option<SiteRun>,
) -> Row {
    let JoinedSite {
        key,
        module,
        name,
        runs,
        matched_by,
        by: _,
    } = &line.at;
    let runs = runs.iter().enumerate().map(|(index, run)| {
        let of_run = of_run(index, run.as_deref()?)?;
        Some(Box::new(of_run))
    });
    Row {
        at: JoinedSite {
            key: key.clone(),
            module: module.clone(),
            name: name.clone(),
            runs: runs.collect(),
            matched_by: *matched_by,
            by,
        },
        of: RowOf::Part {
            part: Box::new(part),
            of_leak: line.leak().is_some(),
        },
        hidden: line.hidden,
        at_least: None,
        forked: line.forked,
    }
}

/// What came each way, in the order of the ways.
pub(super) fn of_ways(line: &Site, ways: Vec<Way>, runs: &[BlamedRun]) -> Vec<Row> {
    ways.into_iter()
        .map(|way| of_way(line, way, runs))
        .collect()
}

/// The calls of the allocator that stand in one line, each with what came through it; `None` where there is one. They are
/// told by the wrappers that they call and the sizes that they ask for, and if those are the same, by their order.
pub(super) fn by_calls(line: &Site, runs: &[BlamedRun]) -> Option<Vec<Row>> {
    let site = &line.at;
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
    // No row stands for a part: the gate alone judges it.
    let part = |(asked, number): &(&Request, Option<usize>)| {
        let part = Part::Stack(Vec::new());
        part_of(line, Grouping::Stack, part, |run, whole| {
            let calls = of_runs[run].as_ref()?.get(*asked)?;
            let sites: Vec<u32> = match number {
                Some(number) => calls.values().nth(*number).cloned().unwrap_or_default(),
                None => calls.values().flatten().copied().collect(),
            };
            (!sites.is_empty()).then(|| of_sites(whole, &sites, &runs[run]))
        })
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

fn calls_in_line(here: &SiteRun, run: &BlamedRun) -> CallsInLine {
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

fn of_way(line: &Site, way: Way, runs: &[BlamedRun]) -> Row {
    let callers = way.callers.into_iter().map(|(caller, _)| caller);
    let part = Part::Stack(callers.collect());
    let row = part_of(line, Grouping::Stack, part, |run, whole| {
        let here = way.runs[run].as_ref()?;
        Some(of_sites(whole, &here.sites, &runs[run]))
    });
    Row {
        forked: row.forked || way.forked,
        ..row
    }
}

/// The part of a site's run that some of its stacks are.
fn of_sites(whole: &SiteRun, numbers: &[u32], run: &BlamedRun) -> SiteRun {
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

fn by_sizes(line: Site, runs: &[BlamedRun]) -> Vec<Row> {
    let of_runs = (0..runs.len()).map(|index| live_sizes(&line.at, index));
    let of_runs: Option<Vec<LiveSizes>> = of_runs.collect();
    let (Some(of_runs), Some(sizes)) = (of_runs, by_size(&line.at)) else {
        return vec![line.unjudged()];
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
        return vec![line.unjudged()];
    }
    let row = |(part, sizes): (Part, Vec<LiveSizes>)| {
        part_of(&line, Grouping::Size, part, |run, whole| {
            let sum = sizes[run].sum();
            Some(SiteRun {
                figures: Figures {
                    blocks: sum.blocks,
                    bytes: whole.figures.bytes.map(|_| sum.bytes),
                    allocations: None,
                },
                curve: None,
                survivors: None,
                lives: None,
                ..whole.clone()
            })
        })
    };
    parts.into_iter().map(row).collect()
}

fn of_part(of_runs: &[LiveSizes], is_of: impl Fn(u64) -> bool) -> Vec<LiveSizes> {
    let of_run = |sizes: &LiveSizes| LiveSizes::of(sizes.iter().filter(|(size, _)| is_of(*size)));
    of_runs.iter().map(of_run).collect()
}
