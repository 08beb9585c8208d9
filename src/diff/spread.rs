//! A leak that is spread over many lines, each of them within the limits.

use super::column::Column;
use super::growth::Growth;
use super::judged::{Measurement, Site};
use super::rate::Rates;
use super::together::{Likeness, Together};
use super::trend::Trend;
use crate::run::Figures;

/// All sites that look like a leak and grew, if there are several: their sum is what no one of them shows.
pub(crate) fn spread(sites: &[Site], columns: &[Column]) -> Option<Together> {
    let grown: Vec<(usize, Measurement)> = sites
        .iter()
        .enumerate()
        .filter(|(_, site)| site.hidden.is_none())
        .filter(|(_, site)| site.trend.is_some_and(Trend::may_be_growth))
        .map(|(index, site)| {
            let held = site.held.as_deref().cloned();
            (index, held.unwrap_or_else(|| site.measurement(columns)))
        })
        .filter(|(_, measured)| measured.growth.is_growth())
        .collect();
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
