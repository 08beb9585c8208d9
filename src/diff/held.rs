//! What a site held until the end of its program freed it. A service that is told to end frees what it leaked, and its
//! last figures show nothing of that.

use super::column::Column;
use super::growth::{Growth, ends};
use super::judged::Reading;
use super::rate::rates;
use super::site::SiteRun;
use super::trend::Trend;
use crate::run::Figures;
use crate::trace::STEPS;

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
    let most = runs.iter().zip(figures);
    let most: Vec<Figures> = most
        .map(|(run, figures)| {
            let curve = run.as_ref().and_then(|run| run.curve.as_ref());
            let points = curve.map(|curve| curve.points());
            let exit = points.iter().flat_map(|points| points[EXIT..STEPS].iter());
            exit.fold(*figures, |most, point| Figures {
                blocks: most.blocks.max(point.blocks),
                bytes: most.bytes.map(|bytes| bytes.max(point.bytes)),
                ..most
            })
        })
        .collect();
    let (first, last) = ends(&most);
    let growth = Growth::between(first, last);
    Some(Reading {
        rates: rates(runs, &most, growth, columns),
        first,
        growth,
    })
}
