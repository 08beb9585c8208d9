//! What a site held until the end of its program freed it. A service that is told to end frees what it leaked, and its
//! last figures show nothing of that.

use super::column::Column;
use super::growth::{Growth, ends};
use super::judged::{Measurement, Site};
use super::median::median;
use super::rate::rates;
use super::site::SiteRun;
use super::trend::{FEWEST_BLOCKS, Trend, grew_until_the_exit, last_loss};
use crate::run::Figures;
use crate::trace::{Curve, STEPS, Tally};

/// The exit of a program is in the last steps of its run.
const EXIT: usize = 50;

/// The exit of another run can have begun by so many steps earlier.
const EARLIER: usize = 8;

/// What was there at all of so many steps before the loss was no peak.
const LASTING: usize = 3;

/// The growth of what was held, of a site that grew until its program ended; `None` of all others.
pub(super) fn held(
    runs: &[Option<Box<SiteRun>>],
    figures: &[Figures],
    columns: &[Column],
    trend: Option<Trend>,
) -> Option<Measurement> {
    let last = runs.last()?.as_deref()?;
    let grew = match trend? {
        Trend::Grows => true,
        // What is left of it can be a leak in itself.
        Trend::Leak | Trend::MayLeak | Trend::Plateau => grew_until_the_exit(last.curve.as_ref()?),
        _ => false,
    };
    // What a run without a course held before its end is not known.
    let are_known = runs.iter().flatten().all(|run| run.curve.is_some());
    let exit = exit_of_others(last, columns);
    let held = |run: &SiteRun| match std::ptr::eq(run, last) {
        true => without_exit(run, most),
        false => without_exit(run, |live| most_possible(live, exit)),
    };
    (grew && runs.len() > 1 && are_known).then(|| measurement(runs, figures, columns, held))
}

/// A run as if its exit had freed nothing.
pub(super) fn as_held(run: &SiteRun) -> SiteRun {
    without_exit(run, most)
}

/// The step at which the exit of other runs can have begun: where that of the last one did, or somewhat earlier. What went
/// before that was dropped by the program's work. Of a shorter run, the exit is a larger part.
fn exit_of_others(last: &SiteRun, columns: &[Column]) -> usize {
    let Some(curve) = &last.curve else {
        return STEPS - 1;
    };
    let points = curve.points();
    let lost = |of: fn(&Tally) -> u64| last_loss(&points.map(|point| of(&point) as f64));
    let exit = lost(|point| point.blocks).min(lost(|point| point.bytes));
    let records = |column: &Column| column.records.map(|records| records as f64);
    let shortest = columns
        .iter()
        .filter_map(records)
        .fold(f64::INFINITY, f64::min);
    let of_last = columns.last().and_then(records).unwrap_or(shortest);
    let longer = (of_last / shortest).max(1.0);
    let part = (STEPS - 1 - exit) as f64 * longer;
    (STEPS - 1).saturating_sub(part as usize + EARLIER)
}

/// The most blocks that a site held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MostHeld {
    /// In the first run.
    pub first: u64,
    /// In the last run.
    pub last: u64,
}

impl Site {
    /// The most blocks that it held in the first run and in the last, if the last held half as much again, and what it
    /// ends with tells nothing of it.
    pub(crate) fn held_more(&self) -> Option<MostHeld> {
        let is_told =
            !matches!(self.trend, Some(Trend::Shutdown | Trend::Grows)) || self.growth.is_growth();
        let [first, .., last] = &*self.at.runs else {
            return None;
        };
        let most = |run: &SiteRun| {
            let points = run.curve.as_ref()?.points();
            points.iter().map(|point| point.blocks).max()
        };
        let held = MostHeld {
            first: first.as_deref().map_or(Some(0), most)?,
            last: most(last.as_deref()?)?,
        };
        let is_more = held.last >= held.first + FEWEST_BLOCKS && held.last / 3 >= held.first / 2;
        (is_more && !is_told && self.hidden.is_none()).then_some(held)
    }

    /// Growth of what it held for sure until the end of the last run freed it, whatever it looked like until then; `None`
    /// where its end freed little.
    pub(crate) fn held_anyway(&self, columns: &[Column]) -> Option<Measurement> {
        let runs = &*self.at.runs;
        let last = runs.last()?.as_deref()?;
        let curve = last.curve.as_ref()?;
        // Of a million sites, few lose anything.
        if runs.len() < 2 || !has_fallen(curve) {
            return None;
        }
        let points = curve.points();
        let is_lost =
            |of: fn(&Tally) -> u64| last_loss(&points.map(|point| of(&point) as f64)) < STEPS - 1;
        let is_lost = is_lost(|point| point.blocks) || is_lost(|point| point.bytes);
        if !is_lost {
            return None;
        }
        // Of a run without a course, only what it left is known.
        let figures: Vec<Figures> = self.at.figures(columns).collect();
        let exit = exit_of_others(last, columns);
        Some(measurement(
            runs,
            &figures,
            columns,
            |run| match std::ptr::eq(run, last) {
                true => without_exit(run, lasting),
                false => without_exit(run, |live| most_possible(live, exit)),
            },
        ))
    }
}

/// Whether it ever had more than at its end.
pub(super) fn has_fallen(curve: &Curve) -> bool {
    let (mut most, mut end) = (Tally::default(), Tally::default());
    for (_, live) in curve.changes() {
        most.blocks = most.blocks.max(live.blocks);
        most.bytes = most.bytes.max(live.bytes);
        end = live;
    }
    end != most
}

fn measurement(
    runs: &[Option<Box<SiteRun>>],
    figures: &[Figures],
    columns: &[Column],
    without_exit: impl Fn(&SiteRun) -> SiteRun,
) -> Measurement {
    let runs: Vec<Option<Box<SiteRun>>> = runs
        .iter()
        .map(|run| run.as_deref().map(|run| Box::new(without_exit(run))))
        .collect();
    let held = runs.iter().zip(figures);
    let held: Vec<Figures> = held
        .map(|(run, figures)| run.as_ref().map_or(*figures, |run| run.figures))
        .collect();
    let (first, last) = ends(&held);
    let growth = Growth::between(first, last);
    Measurement {
        rates: rates(&runs, &held, growth, columns),
        first,
        growth,
    }
}

/// The run as if its end had freed nothing: it has to the end what `held` says, from the step that it names on.
fn without_exit(run: &SiteRun, held: impl Fn(&[u64; STEPS]) -> (usize, u64)) -> SiteRun {
    let Some(curve) = &run.curve else {
        return run.clone();
    };
    let mut points = curve.points();
    let (from, blocks) = held(&points.map(|point| point.blocks));
    let (bytes_from, bytes) = held(&points.map(|point| point.bytes));
    points[from..]
        .iter_mut()
        .for_each(|point| point.blocks = blocks);
    points[bytes_from..]
        .iter_mut()
        .for_each(|point| point.bytes = bytes);
    SiteRun {
        figures: Figures {
            blocks: run.figures.blocks.max(blocks),
            bytes: run.figures.bytes.map(|known| known.max(bytes)),
            ..run.figures
        },
        curve: Some(Curve::of(&points)),
        // Of what was freed nobody knows when it came.
        survivors: None,
        lives: None,
        ..run.clone()
    }
}

/// The most near the end, and the step at which that was.
fn most(live: &[u64; STEPS]) -> (usize, u64) {
    most_from(live, EXIT.min(last_loss(&live.map(|live| live as f64))))
}

/// The most from a step on, and where that was.
fn most_from(live: &[u64; STEPS], from: usize) -> (usize, u64) {
    let steps = (from..STEPS).rev().map(|step| (step, live[step]));
    steps
        .max_by_key(|(_, live)| *live)
        .unwrap_or((STEPS - 1, live[STEPS - 1]))
}

/// The most that can have been there at the exit, which begins no earlier than at a step. A curve has only so many steps,
/// and the most stands at none of them: of two equal runs it is once a little above the last step, once a little below.
fn most_possible(live: &[u64; STEPS], exit: usize) -> (usize, u64) {
    let (from, most) = most_from(live, exit);
    // What is there to the end was not missed.
    if live[STEPS - 1] >= most {
        return (from, most);
    }
    let before = live[(from + 1).saturating_sub(EARLIER)..=from].iter();
    let before: Vec<f64> = before.map(|live| *live as f64).collect();
    // A block that is being moved is gone for a moment.
    let mut smooth: Vec<f64> = before.windows(3).map(median).collect();
    smooth.push(most as f64);
    let rises = smooth.windows(2).map(|pair| pair[1] - pair[0]);
    (from, most + rises.fold(0.0, f64::max) as u64)
}

/// What was there for some time before it was lost, and the step from which it was.
fn lasting(live: &[u64; STEPS]) -> (usize, u64) {
    let end = last_loss(&live.map(|live| live as f64));
    let before = &live[(end + 1).saturating_sub(LASTING)..=end];
    let least = before.iter().copied().min();
    (end, least.unwrap_or(0).max(live[STEPS - 1]))
}

/// What it had in the first run, in the end or until the exit freed it.
pub(super) fn had(site: &Site) -> Figures {
    let first = site.at.runs.first().and_then(Option::as_deref);
    first.map_or(site.first(), held_or_left)
}

/// The same of the last run.
pub(super) fn has(site: &Site) -> Figures {
    let last = site.at.runs.last().and_then(Option::as_deref);
    last.map_or(Figures::ZERO, held_or_left)
}

/// Few fall, and only of these the course has to be looked at.
pub(super) fn held_or_left(run: &SiteRun) -> Figures {
    match run.curve.as_ref().is_some_and(has_fallen) {
        true => as_held(run).figures,
        false => run.figures,
    }
}

#[cfg(test)]
mod tests {
    use super::{STEPS, most_possible};

    /// Ten more at each step, and nothing from step 60 on.
    fn grown() -> [u64; STEPS] {
        std::array::from_fn(|step| if step < 60 { 10 * step as u64 } else { 0 })
    }

    #[test]
    fn what_came_after_the_last_step_was_possible() {
        assert_eq!(most_possible(&grown(), 50), (59, 600));
    }

    #[test]
    fn a_block_that_is_being_moved_is_no_rise() {
        let mut live = grown();
        live[56] = 0;
        // The middle of 550, 0 and 570 is 550; the next one is 570.
        assert_eq!(most_possible(&live, 50), (59, 610));
    }

    #[test]
    fn what_went_before_the_exit_was_not_held() {
        let mut live = [0; STEPS];
        live[..40].fill(800);
        assert_eq!(most_possible(&live, 50).1, 0);
        assert_eq!(most_possible(&live, 30), (30, 800));
    }
}
