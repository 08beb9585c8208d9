//! What a row, or a caller of it, leaks or keeps in place of what it had: no more in the end, so that no limit on its growth
//! sees it.

use super::column::Column;
use super::finding::Finding;
use super::growth::Growth;
use super::held::{as_held, had, has_fallen, held_or_left};
use super::judged::{Measurement, Site};
use super::median::median;
use super::rate::rates;
use super::site::SiteRun;
use super::together::{LOST, LOST_BYTES, Likeness, Together, is_more_than_chance, is_much_less};
use super::trend::{Observed, Trend, judge_run, kept};
use crate::run::Figures;
use crate::trace::{STEPS, Tally};

/// So many steps tell a level, whatever comes and goes.
const NEAR: usize = 5;

/// By this step a start-up table is there.
const EARLY: usize = STEPS / 8;

/// The same where there is little to do but to start.
const LATE_START: usize = STEPS * 3 / 8;

/// What rises in so many steps is no table that is loaded, however slow the start is,
const LONG: usize = STEPS * 3 / 8;

/// if it rises so many times more slowly than in the first run.
const SLOWER: u64 = 3;

/// What grows now and did not before, or more slowly, where as much is gone that was there before. And what keeps more of
/// what came after its start, though it does not grow to the end: it need not be a leak.
pub(super) fn replaced(index: usize, site: &Site, columns: &[Column]) -> Option<Together> {
    if !is_much_less(Figures::ZERO, had(site)) {
        return None;
    }
    // By its own course: of a longer run that left no more, the verdict is another.
    let found = |run: &Option<Box<SiteRun>>, column| judge_run(run.as_deref()?, column);
    let runs = &site.at.runs;
    let (first, last) = (runs.first()?.as_deref()?, runs.last()?.as_deref()?);
    let now = found(runs.last()?, columns.last()?).filter(|now| now.trend.may_be_growth());
    let Some(now) = now else {
        let (before, grown) = later(first, last)?;
        return Some(in_place(
            index,
            site,
            Likeness::Later,
            before,
            grown,
            columns,
        ));
    };
    let before = found(runs.first()?, columns.first()?)?;
    let grown = grown_by(last, now)?;
    let grew = before.trend.may_be_growth() && before.by_bytes == now.by_bytes;
    let readings = match grew {
        true => [grown_by(first, before).map(|before| (before, grown)), None],
        false => [filled_up(first, grown), was_level(first, last, grown)],
    };
    let readings = readings.into_iter().flatten();
    let readings = readings.filter(|(before, grown)| {
        is_much_less(*before, *grown) || (grew && is_more_than_chance(*before, *grown))
    });
    let (before, grown) = worst_of(readings)?;
    let likeness = match grew {
        true => Likeness::Faster,
        false => Likeness::Replaced,
    };
    Some(in_place(index, site, likeness, before, grown, columns))
}

/// What both runs kept of what came after their start, where the last one kept much more, and has less in all or came to it
/// slowly. Of two runs of one program either can take longer to start; but then both come to as much, and in few steps.
/// What a table dropped meanwhile hides that in its level, and not in when its survivors came.
fn later(first: &SiteRun, last: &SiteRun) -> Option<(Figures, Figures)> {
    let (had, has) = (held_or_left(first), held_or_left(last));
    let bytes = had.bytes.zip(has.bytes);
    let has_fewer =
        has.blocks + LOST <= had.blocks || bytes.is_some_and(|(had, has)| has + LOST_BYTES <= had);
    // A table that is loaded later is the same one, and a block or two more may be work that is under way.
    let is_another = has.blocks != had.blocks && had.blocks >= LOST;
    let by_level = level(first).zip(level(last));
    let by_survivors = survivors(first).zip(survivors(last));
    let courses = [by_level, by_survivors].into_iter().flatten();
    let found = courses.flat_map(|(first, last)| {
        let readings = [EARLY, LATE_START].map(|start| {
            let reading = kept_since(start, &first, &last, bytes.is_some());
            Some(reading).filter(|(before, grown)| is_much_less(*before, *grown))
        });
        match readings {
            _ if has_fewer || came_slowly(&first, &last) => readings,
            // Where there is about as much, either run can merely have taken longer to start.
            [Some(_), Some(late)] if is_another => [Some(late), None],
            _ => [None, None],
        }
    });
    worst_of(found.flatten())
}

/// What two runs kept of what came after a step: as much as it can be in the first, and as little in the last.
fn kept_since(
    start: usize,
    first: &[Tally],
    last: &[Tally],
    knows_bytes: bool,
) -> (Figures, Figures) {
    let before = |of: fn(&Tally) -> u64| {
        let after = first[start..].iter().map(of);
        after.clone().max().unwrap_or(0) - after.min().unwrap_or(0)
    };
    let grown = |of: fn(&Tally) -> u64| {
        let most = last[..=start].iter().map(of).max().unwrap_or(0);
        let least = last[STEPS - STEPS / 4..].iter().map(of).min();
        least.unwrap_or(0).saturating_sub(most)
    };
    let (blocks, in_bytes) = (|at: &Tally| at.blocks, |at: &Tally| at.bytes);
    let figures = |blocks, in_bytes| Figures {
        blocks,
        bytes: knows_bytes.then_some(in_bytes),
        allocations: None,
    };
    (
        figures(before(blocks), before(in_bytes)),
        figures(grown(blocks), grown(in_bytes)),
    )
}

/// Whether the last run rose for long, and much more slowly than the first one did while it rose.
fn came_slowly(first: &[Tally], last: &[Tally]) -> bool {
    let is_slow = |of: fn(&Tally) -> u64| {
        let rose = rises(first, of);
        let pace = rose.iter().sum::<u64>() / (rose.len() as u64).max(1);
        let rises = rises(last, of);
        rises.iter().filter(|rise| *rise * SLOWER <= pace).count() >= LONG
    };
    is_slow(|at| at.blocks) || is_slow(|at| at.bytes)
}

/// By how much each step had more than all before it, where it did.
fn rises(points: &[Tally], of: fn(&Tally) -> u64) -> Vec<u64> {
    let mut most = 0;
    let rises = points.iter().map(of).filter_map(|at| {
        let rise = at.saturating_sub(most);
        most = most.max(at);
        (rise > 0).then_some(rise)
    });
    rises.collect()
}

/// How much there was at each step. A summary is counted now and then: what came between two counts came bit by bit.
fn level(run: &SiteRun) -> Option<Vec<Tally>> {
    let mut points = points(run)?.to_vec();
    if run.survivors.is_some() {
        return Some(points);
    }
    let mut counted = 0;
    for step in 1..points.len() {
        let (before, now) = (points[counted], points[step]);
        if now == before {
            continue;
        }
        let between = (counted + 1..step).map(|at| (at, (at - counted) as u64));
        let all = (step - counted) as u64;
        for (at, part) in between {
            let at_part = |from: u64, to: u64| match to >= from {
                true => from + (to - from) * part / all,
                false => from - (from - to) * part / all,
            };
            points[at] = Tally {
                blocks: at_part(before.blocks, now.blocks),
                bytes: at_part(before.bytes, now.bytes),
            };
        }
        counted = step;
    }
    Some(points)
}

/// When what lived to the end had come.
fn survivors(run: &SiteRun) -> Option<Vec<Tally>> {
    let survivors = run.survivors.as_ref()?.points().map(|at| Tally {
        bytes: of_mean_size(run, at.blocks).bytes.unwrap_or(0),
        ..at
    });
    Some(survivors.to_vec())
}

fn worst_of(readings: impl Iterator<Item = (Figures, Figures)>) -> Option<(Figures, Figures)> {
    readings.max_by_key(|(before, grown)| {
        let growth = Growth::between(*before, *grown);
        (growth.blocks, growth.bytes)
    })
}

/// What a site comes to without what it had.
fn in_place(
    index: usize,
    site: &Site,
    likeness: Likeness,
    before: Figures,
    grown: Figures,
    columns: &[Column],
) -> Together {
    let mut figures = vec![before; columns.len()];
    if let Some(last) = figures.last_mut() {
        *last = grown;
    }
    // A percentage is one of what was there before.
    let growth = Growth::between(before, grown);
    let measurement = site.measurement(columns);
    Together {
        likeness,
        sites: vec![index],
        in_last: 1,
        held: None,
        others: Some(Measurement {
            first: measurement.first,
            growth,
            rates: rates(&site.at.runs, &figures, growth, columns),
        }),
        measurement,
    }
}

/// What filled up in the first run, by whichever measure is more, beside what grew.
fn filled_up(first: &SiteRun, grown: Figures) -> Option<(Figures, Figures)> {
    let filled = since_early(first, held_or_left(first))?;
    let filled = kept_by(first).map_or(filled, |kept| Figures {
        blocks: filled.blocks.max(kept.blocks),
        bytes: filled.bytes.max(kept.bytes),
        allocations: None,
    });
    Some((filled, grown))
}

/// What the first run went up and down by in its second half, and what the last one rose by, each as if its whole run had
/// been so: a table that was full by then, and whose entries came and went, hides no growth.
fn was_level(first: &SiteRun, last: &SiteRun, grown: Figures) -> Option<(Figures, Figures)> {
    let (first, last) = (second_half(first)?, second_half(last)?);
    let spread = |of: fn(&Tally) -> u64| {
        // What is gone at one step only is read anew.
        let levels: Vec<f64> = first.iter().map(|at| of(at) as f64).collect();
        let levels = levels.windows(3).map(median);
        let (least, most) = levels.fold((f64::INFINITY, 0.0_f64), |(least, most), level| {
            (least.min(level), most.max(level))
        });
        2 * (most - least.min(most)) as u64
    };
    let rise = |of: fn(&Tally) -> u64| {
        let near =
            |part: &[Tally]| median(&part.iter().map(|at| of(at) as f64).collect::<Vec<_>>());
        let rise = near(&last[last.len() - NEAR..]) - near(&last[..NEAR]);
        2 * rise.max(0.0) as u64
    };
    let (blocks, bytes) = (|at: &Tally| at.blocks, |at: &Tally| at.bytes);
    let level = Figures {
        blocks: spread(blocks),
        bytes: grown.bytes.map(|_| spread(bytes)),
        allocations: None,
    };
    let grown = Figures {
        blocks: grown.blocks.min(rise(blocks)),
        bytes: grown.bytes.map(|grown| grown.min(rise(bytes))),
        allocations: None,
    };
    Some((level, grown))
}

fn second_half(run: &SiteRun) -> Option<Vec<Tally>> {
    Some(points(run)?[STEPS / 2..].to_vec())
}

/// How much there was at each step, as if the exit had freed nothing.
fn points(run: &SiteRun) -> Option<[Tally; STEPS]> {
    let curve = run.curve.as_ref()?;
    Some(match has_fallen(curve) {
        true => as_held(run).curve?.points(),
        false => curve.points(),
    })
}

/// By how much a run grew that did so to its end.
fn grown_by(run: &SiteRun, found: Finding) -> Option<Figures> {
    let held = match found.trend {
        Trend::Grows => as_held(run).figures,
        _ => run.figures,
    };
    // What was there early can be gone by now.
    let kept = kept_by(run).filter(|_| found.trend != Trend::Grows && !found.by_bytes);
    kept.or_else(|| since_early(run, held))
}

/// What a run kept of what came after its start, with the mean size of what it left.
fn kept_by(run: &SiteRun) -> Option<Figures> {
    Some(of_mean_size(run, kept(&Observed::of(run)?)?.blocks as u64))
}

/// So many of the blocks that a run left: of survivors, only the number is known.
pub(super) fn of_mean_size(run: &SiteRun, blocks: u64) -> Figures {
    let mean = run.figures.mean_size().unwrap_or(0.0);
    Figures {
        blocks,
        bytes: run.figures.bytes.map(|_| (mean * blocks as f64) as u64),
        allocations: None,
    }
}

/// What it has more than soon after its start.
fn since_early(run: &SiteRun, held: Figures) -> Option<Figures> {
    let early = run.curve.as_ref()?.points()[EARLY];
    Some(Figures {
        blocks: held.blocks.saturating_sub(early.blocks),
        bytes: held.bytes.map(|bytes| bytes.saturating_sub(early.bytes)),
        allocations: None,
    })
}
