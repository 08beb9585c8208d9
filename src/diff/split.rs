//! Rows that are parts of a line: the ways that lead to it, or the sizes of its blocks.

use super::by_size::{by_size, live_sizes};
use super::callers::{Reach, Way, ways};
use super::site::{Grouping, JoinedSite, Part, SiteRun};
use crate::run::{Figures, Run};
use crate::trace::LiveSizes;

/// So many sizes of a line have a row of their own.
const MOST_SIZES: usize = 16;

/// The rows that the sites fall into; a site of which the parts are not known stays whole.
pub fn split(sites: Vec<JoinedSite>, runs: &[Run], by: Grouping, reach: &Reach) -> Vec<JoinedSite> {
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
    if ways.iter().all(|way| way.callers.is_empty()) {
        return vec![site];
    }
    ways.into_iter()
        .map(|way| of_way(&site, way, runs))
        .collect()
}

fn of_way(site: &JoinedSite, way: Way, runs: &[Run]) -> JoinedSite {
    let mut of_way = site.clone();
    let here = way.runs.into_iter().zip(&mut of_way.runs).zip(runs);
    for ((here, of_site), run) in here {
        *of_site = match (here, of_site.take()) {
            (Some(here), Some(of_site)) => Some(of_sites(of_site, here.sites, run)),
            _ => None,
        };
    }
    of_way.forked |= way.forked;
    of_way.by = Grouping::Stack;
    let callers = way.callers.into_iter();
    of_way.part = Part::Stack(callers.map(|(caller, _)| caller).collect());
    of_way.at_least = None;
    of_way
}

/// The part of a site's run that some of its stacks are.
fn of_sites(whole: SiteRun, numbers: Vec<usize>, run: &Run) -> SiteRun {
    let mut part = SiteRun {
        figures: run.nothing(),
        sizes: Vec::new(),
        curve: None,
        sites: Vec::new(),
        ..whole
    };
    for (at, number) in numbers.into_iter().enumerate() {
        let site = &run.sites[number];
        match at {
            0 => {
                part.sites.push(number);
                part.figures = site.figures;
                part.sizes = site.sizes.into_iter().collect();
                part.curve.clone_from(&site.curve);
            }
            _ => part.add_site(number, site),
        }
    }
    part
}

fn by_sizes(site: JoinedSite, runs: &[Run]) -> Vec<JoinedSite> {
    let of_runs = runs.iter().enumerate();
    let of_runs: Option<Vec<LiveSizes>> = of_runs
        .map(|(index, run)| live_sizes(&site, index, run))
        .collect();
    let (Some(of_runs), Some(sizes)) = (of_runs, by_size(&site, runs)) else {
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
            let (blocks, bytes) = sizes.sums();
            run.figures = Figures {
                blocks,
                bytes: run.figures.bytes.map(|_| bytes),
                allocations: None,
            };
            run.curve = None;
        }
        row.by = Grouping::Size;
        row.part = part;
        row.at_least = None;
        row
    };
    parts.into_iter().map(row).collect()
}

fn of_part(of_runs: &[LiveSizes], is_of: impl Fn(u64) -> bool) -> Vec<LiveSizes> {
    let of_run = |sizes: &LiveSizes| LiveSizes::of(sizes.iter().filter(|(size, _)| is_of(*size)));
    of_runs.iter().map(of_run).collect()
}
