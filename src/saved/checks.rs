//! What holds for the figures of any caller. A saved report can be a person's work, or of a file that lost a part.

use crate::run::{Figures, Source};
use crate::trace::{Curve, LiveSizes, Lives, Sizes, Tally};

/// What a document says, or why it cannot be.
pub(super) type Checked<T> = std::result::Result<T, String>;

pub(super) fn check_figures(
    source: Source,
    figures: Figures,
    curve: Option<&Curve>,
) -> Checked<()> {
    let Figures {
        blocks,
        bytes,
        allocations,
    } = figures;
    let missing = |what: &str| {
        Err(format!(
            "'{what}' is missing, which a result of {} tells",
            source.tool()
        ))
    };
    let unknown = |what: &str| {
        Err(format!(
            "'{what}' is there, which no result of {} tells",
            source.tool()
        ))
    };
    match (bytes.is_some(), source.knows_bytes()) {
        (false, true) => return missing("bytes"),
        (true, false) => return unknown("bytes"),
        _ => {}
    }
    match (allocations, source.knows_allocations()) {
        (None, true) => return missing("allocations"),
        (Some(_), false) => return unknown("allocations"),
        (Some(allocations), true) if allocations < blocks => {
            return Err(format!(
                "{allocations} 'allocations' left {blocks} 'blocks'"
            ));
        }
        _ => {}
    }
    if !figures.allocated() {
        return Err("nothing was allocated ('allocations' or 'blocks' is 0)".to_owned());
    }
    if blocks == 0 && bytes.unwrap_or(0) > 0 {
        return Err("there are 'bytes' without 'blocks'".to_owned());
    }
    let Some(curve) = curve else {
        return Ok(());
    };
    let end = curve.changes().last();
    let end = end.map_or(Tally::default(), |change| change.1);
    if end.blocks != blocks || bytes.is_some_and(|bytes| bytes != end.bytes) {
        return Err(format!(
            "the 'curve' ends with {} blocks, {} bytes, and 'blocks' and 'bytes' say otherwise",
            end.blocks, end.bytes
        ));
    }
    let most = curve.changes().map(|(_, live)| live.blocks).max();
    if allocations.zip(most).is_some_and(|(all, most)| most > all) {
        return Err("more blocks are live in the 'curve' than 'allocations' made".to_owned());
    }
    Ok(())
}

pub(super) fn check_sizes(figures: Figures, sizes: Option<Sizes>) -> Checked<()> {
    let Some((sizes, bytes)) = sizes.zip(figures.bytes) else {
        return Ok(());
    };
    let of_all = |size: u64| size.saturating_mul(figures.blocks);
    match (of_all(sizes.least())..=of_all(sizes.most())).contains(&bytes) {
        true => Ok(()),
        false => Err(format!(
            "{} 'blocks' of the 'sizes' cannot have {bytes} 'bytes'",
            figures.blocks
        )),
    }
}

/// What lived to the end was live when it was born, and stayed so; at the end it is all there is.
pub(super) fn check_survivors(curve: Option<&Curve>, survivors: Option<&Curve>) -> Checked<()> {
    let Some(survivors) = survivors else {
        return Ok(());
    };
    let Some(curve) = curve else {
        return Err("there are 'survivors' without a 'curve'".to_owned());
    };
    let (live, alive) = (curve.points(), survivors.points());
    let goes_on = alive
        .windows(2)
        .all(|pair| pair[0].blocks <= pair[1].blocks);
    let is_within = alive.iter().zip(&live).all(|(a, b)| a.blocks <= b.blocks);
    let end = |points: &[Tally]| points.last().map(|point| point.blocks);
    match goes_on && is_within && end(&alive) == end(&live) {
        true => Ok(()),
        false => Err("the 'survivors' are not those of the 'curve'".to_owned()),
    }
}

/// No more can have been freed than were allocated and are gone.
pub(super) fn check_lives(figures: Figures, lives: Option<&Lives>) -> Checked<()> {
    let Some((lives, all)) = lives.zip(figures.allocations) else {
        return Ok(());
    };
    let freed = lives.iter().map(|life| life.blocks);
    let freed = freed.fold(0, u64::saturating_add);
    match freed <= all.saturating_sub(figures.blocks) {
        true => Ok(()),
        false => Err("its 'lives' are of more blocks than it freed".to_owned()),
    }
}

/// Live blocks by size, if they agree with the rest.
pub(super) fn checked_live_sizes(
    blocks: u64,
    bytes: Option<u64>,
    saved: Option<Vec<(u64, u64)>>,
) -> Checked<Option<LiveSizes>> {
    let Some(live) = saved.map(LiveSizes::of) else {
        return Ok(None);
    };
    let sum = live.sum();
    match sum.blocks == blocks && bytes.is_none_or(|bytes| bytes == sum.bytes) {
        true => Ok(Some(live)),
        false => Err(format!(
            "'live_sizes' are {} blocks of {} bytes, and not those of the caller",
            sum.blocks, sum.bytes
        )),
    }
}
