//! A leak that is spread over many lines, each of them within the limits.

use super::column::Column;
use super::growth::Growth;
use super::judged::{Measurement, Site};
use super::rate::Rates;
use super::replaced::of_mean_size;
use super::site::SiteRun;
use super::together::{Likeness, Sum, Together};
use super::trend::Trend;
use crate::run::Figures;
use crate::trace::STEPS;

/// All sites that look like a leak and grew, if there are several: their sum is what no one of them shows. Of sites with too few
/// blocks to tell, only the sum may look like one.
pub(crate) fn spread(sites: &[Site], columns: &[Column]) -> Vec<Together> {
    let of_trends = |is_wanted: fn(Trend) -> bool| {
        let shown = sites.iter().enumerate();
        let shown = shown.filter(|(_, site)| site.at.hidden.is_none());
        let wanted = shown.filter(|(_, site)| site.trend.is_some_and(is_wanted));
        grown(wanted, columns)
    };
    let like_leaks = of_trends(Trend::may_be_growth);
    let with_few = of_trends(|trend| trend.may_be_growth() || trend == Trend::Noise);
    let is_more = with_few.len() > like_leaks.len();
    let with_few = Some(with_few).filter(|all| is_more && look_like_a_leak(all, sites, columns));
    let all = [Some(like_leaks), with_few].into_iter().flatten();
    let all = all.filter_map(|grown| together(grown, sites, columns));
    all.chain(kept_by_all(sites, columns)).collect()
}

/// The start of a run is in the first of so many parts.
const PARTS_OF_START: usize = 8;

/// What came in the last of so many parts is still in use.
const PARTS_IN_USE: usize = 16;

/// What all sites keep, each of them a little. What is left over at once on many lines is no leak by its course; but then it is
/// no table that was there from the start either, and no work that is under way.
fn kept_by_all(sites: &[Site], columns: &[Column]) -> Option<Together> {
    let shown = sites.iter().enumerate();
    let shown = shown.filter(|(_, site)| site.at.hidden.is_none());
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
        if Growth::between(kept_before, kept_now).is_growth()
            && site.measurement(columns).growth.is_growth()
        {
            more.push(index);
        }
    }
    let [first, _, ..] = &more[..] else {
        return None;
    };
    Some(Together {
        likeness: Likeness::Kept,
        in_last: more.len(),
        measurement: sites[*first].measurement(columns),
        held: None,
        others: Some(Measurement {
            first: before,
            growth: Growth::between(before, now),
            rates: Rates::default(),
        }),
        sites: more,
    })
}

/// What a run keeps of what came after its start, with the mean size of what it left; `None` where it is not known when its
/// blocks came.
fn kept(run: &SiteRun) -> Option<Figures> {
    let survivors = run.survivors.as_ref()?.points();
    let start = survivors[STEPS / PARTS_OF_START];
    let old = survivors[STEPS - 1 - STEPS / PARTS_IN_USE];
    Some(of_mean_size(run, old.blocks.saturating_sub(start.blocks)))
}

/// Those that grew, and by how much.
fn grown<'a>(
    sites: impl Iterator<Item = (usize, &'a Site)>,
    columns: &[Column],
) -> Vec<(usize, Measurement)> {
    let measured = sites.map(|(index, site)| {
        let held = site.held.as_deref().cloned();
        (index, held.unwrap_or_else(|| site.measurement(columns)))
    });
    let grown = measured.filter(|(_, measured)| measured.growth.is_growth());
    grown.collect()
}

fn look_like_a_leak(grown: &[(usize, Measurement)], sites: &[Site], columns: &[Column]) -> bool {
    let sum = Sum::of(grown.iter().map(|(index, _)| &sites[*index]), columns);
    let trend = sum.trend(columns);
    trend.is_some_and(Trend::may_be_growth)
}

fn together(
    grown: Vec<(usize, Measurement)>,
    sites: &[Site],
    columns: &[Column],
) -> Option<Together> {
    let [(first, _), _, ..] = &grown[..] else {
        return None;
    };
    let (mut before, mut growth) = (Figures::ZERO, Growth::ZERO);
    for (_, measured) in &grown {
        before.add(measured.first);
        growth.add(measured.growth);
    }
    Some(Together {
        likeness: Likeness::Spread,
        in_last: grown.len(),
        measurement: sites[*first].measurement(columns),
        held: None,
        others: Some(Measurement {
            first: before,
            growth,
            // Each is judged by its own rate: what they come to together is no pace of one leak.
            rates: Rates::default(),
        }),
        sites: grown.into_iter().map(|(index, _)| index).collect(),
    })
}
