//! What a site held until the end of its program freed it. A service that is told to end frees what it leaked, and its
//! last figures show nothing of that.

use super::column::Column;
use super::growth::{Growth, ends};
use super::judged::Reading;
use super::rate::rates;
use super::site::SiteRun;
use super::trend::Trend;
use crate::run::Figures;
use crate::trace::{Curve, STEPS};

/// The exit of a program is in the last steps of its run.
const EXIT: usize = 50;

/// The growth of what was held, of a site that grew until its program ended; `None` of all others.
pub fn held(
    runs: &[Option<Box<SiteRun>>],
    figures: &[Figures],
    columns: &[Column],
    trend: Option<Trend>,
) -> Option<Reading> {
    if trend != Some(Trend::Grows) || runs.len() < 2 {
        return None;
    }
    let runs: Vec<Option<Box<SiteRun>>> = runs
        .iter()
        .map(|run| run.as_deref().map(|run| Box::new(without_exit(run))))
        .collect();
    let most = runs.iter().zip(figures);
    let most: Vec<Figures> = most
        .map(|(run, figures)| run.as_ref().map_or(*figures, |run| run.figures))
        .collect();
    let (first, last) = ends(&most);
    let growth = Growth::between(first, last);
    Some(Reading {
        rates: rates(&runs, &most, growth, columns),
        first,
        growth,
    })
}

/// The run as if its end had freed nothing: what it held most of near its end, it has to the end.
fn without_exit(run: &SiteRun) -> SiteRun {
    let Some(curve) = &run.curve else {
        return run.clone();
    };
    let mut points = curve.points();
    let most = (EXIT..STEPS).rev().max_by_key(|step| points[*step].blocks);
    let most = most.unwrap_or(STEPS - 1);
    let held = points[most];
    points[most..].fill(held);
    SiteRun {
        figures: Figures {
            blocks: run.figures.blocks.max(held.blocks),
            bytes: run.figures.bytes.map(|bytes| bytes.max(held.bytes)),
            ..run.figures
        },
        curve: Some(Curve::of(&points)),
        // Of what was freed nobody knows when it came.
        survivors: None,
        ..run.clone()
    }
}
