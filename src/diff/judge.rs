//! What the growth of joined call sites comes to, each worked out once, from all that is known of it.

use super::column::Column;
use super::growth::{Change, Growth, ends};
use super::hidden::hidden;
use super::judged::{Reading, Site};
use super::rank::{SortBy, by_rank};
use super::rate::rates;
use super::site::JoinedSite;
use super::trend::trend_of_site;
use crate::run::Figures;

/// Judges call sites, and ranks them: a site's rank is its place in the list, from 1.
pub fn judge(mut joined: Vec<JoinedSite>, columns: &[Column], sort: SortBy) -> Vec<Site> {
    let mut sites: Vec<Site> = Vec::with_capacity(joined.len());
    // From the end, so that what is judged makes room for what comes of it.
    while let Some(site) = joined.pop() {
        sites.push(judged(site, columns));
        if joined.len() < joined.capacity() / 2 {
            joined.shrink_to_fit();
        }
    }
    // In place, as there can be a million of them; no two are of one rank.
    sites.sort_unstable_by(|a, b| by_rank(a, b, sort));
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
        Box::new(Reading {
            rates: rates(&joined.runs, &figures, growth, columns),
            first,
            growth,
        })
    });
    let rates = rates(&joined.runs, &figures, growth, columns);
    let trend = trend_of_site(&joined.runs, columns);
    joined.hidden = hidden(&joined, columns, growth, rates, trend);
    Site {
        worst,
        trend,
        change: Change::between(first, last),
        growth,
        at: joined,
    }
}
