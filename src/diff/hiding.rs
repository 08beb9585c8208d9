//! Rows of which one part grew and another shrank: what one caller lost hides what another leaks.
//!
//! A row is a line, and several callers can lead to it; of a log of glibc they are not known, but blocks of several sizes
//! tell of them. A limit on the row sees the sum alone. So the gate also judges the callers that leak, by themselves. And a
//! row that leaks can have lost a table that it had before.

use super::callers::{Reach, Way, WayRun, ways};
use super::column::Column;
use super::comparison::judge_each;
use super::finding::Finding;
use super::growth::Growth;
use super::held::{as_held, has_fallen};
use super::judged::{Measurement, Site};
use super::median::median;
use super::rate::rates;
use super::site::{Grouping, Part, SiteRun};
use super::split::{by_calls, of_ways, split};
use super::together::{
    LOST, LOST_BYTES, Likeness, Sum, Together, can_lose, has_gained, has_lost, is_much_less,
};
use super::trend::{Observed, Trend, judge_run, kept, trend_of};
use crate::run::{Figures, Run};
use crate::trace::{STEPS, Tally};

/// So many steps tell a level, whatever comes and goes.
const NEAR: usize = 5;

/// By this step a start-up table is there.
const EARLY: usize = STEPS / 8;

/// The same where there is little to do but to start.
const LATE_START: usize = STEPS * 3 / 8;

/// As far as two counts of one pace are seldom apart, in standard deviations.
const SIGMAS: f64 = 3.0;

/// Of each row that is not hidden, the parts that grew where others shrank.
pub(crate) fn hiding(sites: &[Site], runs: &[Run], columns: &[Column]) -> Vec<Together> {
    if columns.len() < 2 {
        return Vec::new();
    }
    let rows = sites.iter().enumerate();
    let rows = rows.filter(|(_, site)| {
        site.at.hidden.is_none() && site.at.part.is_none() && site.at.lines.is_none()
    });
    let hiding = |(index, site): (usize, &Site)| {
        let (mut found, others) = match may_hide_a_caller(site) {
            true => (
                by_callers(index, site, runs, columns),
                by_calls_in_line(index, site, runs, columns),
            ),
            false => (Vec::new(), by_sizes(index, site, runs, columns)),
        };
        found.extend(others);
        found.extend(replaced(index, site, columns));
        found
    };
    rows.flat_map(hiding).collect()
}

/// What it had in the first run, in the end or until the exit freed it.
fn had(site: &Site) -> Figures {
    let first = site.at.runs.first().and_then(Option::as_deref);
    first.map_or(site.first(), held_or_left)
}

/// Few fall, and only of these the course has to be looked at.
fn held_or_left(run: &SiteRun) -> Figures {
    match run.curve.as_ref().is_some_and(has_fallen) {
        true => as_held(run).figures,
        false => run.figures,
    }
}

/// Whether several stacks lead to the row, and it had something to lose.
fn may_hide_a_caller(site: &Site) -> bool {
    let stacks = |run: Option<&Option<Box<SiteRun>>>| {
        let run = run.and_then(Option::as_deref);
        run.map_or(0, |run| run.stacks().len())
    };
    let runs = &site.at.runs;
    let first = runs.first().and_then(Option::as_deref);
    let held_more = || {
        let curve = first.and_then(|first| first.curve.as_ref());
        curve.is_some_and(has_fallen)
    };
    stacks(runs.first()).max(stacks(runs.last())) > 1 && (can_lose(site) || held_more())
}

/// The callers that leak, without those that did not and shrank. Those that have twice what they had and do not look like a
/// leak are named, and each that leaks in place of what it had.
fn by_callers(index: usize, site: &Site, runs: &[Run], columns: &[Column]) -> Vec<Together> {
    let ways = ways(&site.at, runs, &Reach::default());
    // To judge all ways of all rows would take as long as all else.
    if !has_way_that_lost(&ways) && !has_stack_that_grows(site, runs) {
        return Vec::new();
    }
    let ways = judge_each(of_ways(&site.at, ways, runs), columns);
    let grown = of_parts(index, &ways, Likeness::Callers, columns);
    let replaced = ways.iter().filter_map(|way| replaced(index, way, columns));
    grown.into_iter().chain(replaced).collect()
}

/// The same of several calls that stand in one line.
fn by_calls_in_line(
    index: usize,
    site: &Site,
    runs: &[Run],
    columns: &[Column],
) -> Option<Together> {
    let here = last(site).filter(|here| here.places.len() > 1)?;
    let calls = by_calls(&site.at, runs).filter(|_| !here.stacks().is_empty())?;
    of_parts(index, &judge_each(calls, columns), Likeness::Calls, columns)
}

/// Of parts of a row: what those come to that leak, and those that may.
fn of_parts(
    index: usize,
    parts: &[Site],
    likeness: Likeness,
    columns: &[Column],
) -> Option<Together> {
    let any = |is: fn(&Site) -> bool| parts.iter().any(is);
    // Where none lost much, some can have lost a little by chance, and others gained it.
    let lost = any(lost_much);
    if !(lost || any(shrank) && any(gained_much)) {
        return None;
    }
    let is_leak = |part: &&Site| match lost {
        true => grew_by_a_leak(part),
        false => gained_much(part) && part.trend.is_some_and(Trend::is_growth),
    };
    let leaking: Vec<&Site> = parts.iter().filter(is_leak).collect();
    let sure = leaking.iter().copied().filter(|part| !part.at.forked);
    let of_leak = parts.iter().filter(|part| match lost {
        true => lost_much(part) && may_have_moved(part),
        false => shrank(part) && may_have_moved(part),
    });
    let with_moved = Sum::of(sure.chain(of_leak), columns);
    let grown = parts
        .iter()
        .filter(|part| is_leak(part) || has_gained(part) || (!lost && gained_much(part)));
    let grown: Vec<&Site> = grown.collect();
    let all = without_moved(&grown, parts, columns);
    (!grown.is_empty()).then(|| Together {
        likeness,
        sites: vec![index],
        in_last: match leaking.len() {
            0 => grown.len(),
            leaking => leaking,
        },
        measurement: with_moved.measurement(columns),
        held: with_moved.held(columns),
        others: Some(
            all.held(columns)
                .unwrap_or_else(|| all.measurement(columns)),
        ),
    })
}

/// Whether one way lost much in the end, and another has more; or one has less, and another much more.
fn has_way_that_lost(ways: &[Way]) -> bool {
    let figures = |run: Option<&Option<WayRun>>| {
        let run = run.and_then(Option::as_ref);
        run.and_then(|run| run.figures).unwrap_or(Figures::ZERO)
    };
    let ends: Vec<(Figures, Figures)> = ways
        .iter()
        .map(|way| (figures(way.runs.first()), figures(way.runs.last())))
        .collect();
    let growth = |(first, last): &(Figures, Figures)| Growth::between(*first, *last);
    let any = |is: &dyn Fn(&(Figures, Figures)) -> bool| ends.iter().any(is);
    (any(&|(first, last)| is_much_less(*last, *first)) && any(&|ends| growth(ends).is_growth()))
        || (any(&|ends| growth(ends).blocks < 0)
            && any(&|(first, last)| {
                is_much_less(*first, *last) || is_more_than_chance(*first, *last)
            }))
}

/// Whether a stack grew until the end of the program freed what it had.
fn has_stack_that_grows(site: &Site, runs: &[Run]) -> bool {
    let here = last(site).map_or(&[][..], |here| here.stacks());
    let Some(run) = runs.last() else { return false };
    let mut stacks = here
        .iter()
        .filter_map(|stack| run.sites.get(*stack as usize));
    stacks.any(|stack| {
        let curve = stack.curve.as_ref().filter(|curve| has_fallen(curve));
        curve.is_some_and(|curve| {
            let observed = Observed {
                survivors: stack.survivors.as_ref(),
                ..Observed::bare(curve)
            };
            trend_of(&observed) == Trend::Grows
        })
    })
}

/// Whether a part lost much, in the end or of what it held until then.
fn lost_much(part: &Site) -> bool {
    let now = last(part).map_or(Figures::ZERO, held_or_left);
    has_lost(part) || is_much_less(now, had(part))
}

/// Whether a part has less, in the end or of what it held until then.
fn shrank(part: &Site) -> bool {
    let growth = Growth::between(had(part), last(part).map_or(Figures::ZERO, held_or_left));
    growth.blocks < 0 || growth.bytes.is_some_and(|bytes| bytes < 0)
}

/// Whether a part has at least twice what it had, and much more, in the end or of what it held until then; or is a leak that
/// has more than by chance.
fn gained_much(part: &Site) -> bool {
    let (had, now) = (had(part), last(part).map_or(Figures::ZERO, held_or_left));
    let is_leak = part.trend.is_some_and(Trend::is_growth);
    has_gained(part) || is_much_less(had, now) || (is_leak && is_more_than_chance(had, now))
}

/// Ways that grew. Those that are new can be those that are gone, in another build: only what they have more counts.
fn without_moved(grown: &[&Site], ways: &[Site], columns: &[Column]) -> Sum {
    let is_new = |way: &&Site| way.at.runs.first().is_none_or(Option::is_none);
    let (new, known): (Vec<&Site>, Vec<&Site>) = grown.iter().copied().partition(is_new);
    let gone = ways.iter().filter(|way| last(way).is_none());
    let moved: Vec<&Site> = new.into_iter().chain(gone).collect();
    let more = Sum::of(moved.iter().copied(), columns).measurement(columns);
    let is_more = more.growth.is_growth();
    Sum::of(
        known
            .into_iter()
            .chain(moved.into_iter().filter(|_| is_more)),
        columns,
    )
}

/// A leak that is gone with its way, or is less on it, can be on another: the program was rewritten, or has other work.
fn may_have_moved(way: &Site) -> bool {
    let leaks = |run: &SiteRun| Observed::of(run).is_none_or(|run| leaks(trend_of(&run)));
    let first = way.at.runs.first().and_then(Option::as_deref);
    first.is_some_and(leaks) && last(way).is_none_or(leaks)
}

/// The size of which most came, where those of another size went. That is no proof: nobody knows who asked for them.
fn by_sizes(index: usize, site: &Site, runs: &[Run], columns: &[Column]) -> Option<Together> {
    site.at.stands_for()?;
    let sizes = split(
        vec![site.at.clone()],
        runs,
        Grouping::Size,
        &Reach::default(),
    );
    let sizes = judge_each(sizes, columns);
    if !sizes.iter().any(has_lost) {
        return None;
    }
    let sized = sizes.iter().filter_map(|row| match row.at.part.as_deref() {
        Some(Part::Size(size)) => Some((*size, row)),
        _ => None,
    });
    let grown = sized.filter(|(_, row)| has_gained(row));
    let by_blocks = |(_, row): &(u64, &Site)| (row.growth.blocks, row.growth.bytes);
    let (size, row) = grown.max_by_key(by_blocks)?;
    Some(Together {
        likeness: Likeness::Size(size),
        sites: vec![index],
        in_last: 1,
        measurement: site.measurement(columns),
        held: None,
        others: Some(row.measurement(columns)),
    })
}

/// What grows now and did not before, or more slowly, where as much is gone that was there before. And what keeps more of
/// what came after its start, though it does not grow to the end: it need not be a leak.
fn replaced(index: usize, site: &Site, columns: &[Column]) -> Option<Together> {
    if !is_much_less(Figures::ZERO, had(site)) {
        return None;
    }
    // By its own course: of a longer run that left no more, the verdict is another.
    let found = |run: &Option<Box<SiteRun>>, column| judge_run(run.as_deref()?, column);
    let runs = &site.at.runs;
    let (first, last) = (runs.first()?.as_deref()?, last(site)?);
    let now = found(runs.last()?, columns.last()?).filter(|now| leaks(now.trend));
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
    let grew = leaks(before.trend) && before.by_bytes == now.by_bytes;
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

/// What both runs kept of what came after their start, where the last one kept much more and has less in all. Of two runs of
/// one program either can take longer to start; but then both come to as much.
fn later(first: &SiteRun, last: &SiteRun) -> Option<(Figures, Figures)> {
    let (had, has) = (held_or_left(first), held_or_left(last));
    let bytes = had.bytes.zip(has.bytes);
    let has_fewer =
        has.blocks + LOST <= had.blocks || bytes.is_some_and(|(had, has)| has + LOST_BYTES <= had);
    if !has_fewer {
        return None;
    }
    let (first, last) = (points(first)?, points(last)?);
    let readings = [EARLY, LATE_START].into_iter().map(|start| {
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
            bytes: bytes.map(|_| in_bytes),
            allocations: None,
        };
        (
            figures(before(blocks), before(in_bytes)),
            figures(grown(blocks), grown(in_bytes)),
        )
    });
    worst_of(readings.filter(|(before, grown)| is_much_less(*before, *grown)))
}

fn worst_of(readings: impl Iterator<Item = (Figures, Figures)>) -> Option<(Figures, Figures)> {
    readings.max_by_key(|(before, grown)| {
        let growth = Growth::between(*before, *grown);
        (growth.blocks, growth.bytes)
    })
}

/// Whether two leaks of one pace would hardly ever differ by so much.
fn is_more_than_chance(before: Figures, grown: Figures) -> bool {
    let more = grown.blocks.saturating_sub(before.blocks) as f64;
    more >= LOST as f64 && more > SIGMAS * ((before.blocks + grown.blocks) as f64).sqrt()
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
    Some(points(run)?.split_off(STEPS / 2))
}

/// How much there was at each step, as if the exit had freed nothing.
fn points(run: &SiteRun) -> Option<Vec<Tally>> {
    let curve = run.curve.as_ref()?;
    let points = match has_fallen(curve) {
        true => as_held(run).curve?.points(),
        false => curve.points(),
    };
    Some(points.to_vec())
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
    let blocks = kept(&Observed::of(run)?)?.blocks as u64;
    let mean = |bytes: u64| bytes as f64 / run.figures.blocks.max(1) as f64;
    Some(Figures {
        blocks,
        bytes: run
            .figures
            .bytes
            .map(|bytes| (mean(bytes) * blocks as f64) as u64),
        allocations: None,
    })
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

fn grew_by_a_leak(way: &Site) -> bool {
    let Growth { blocks, bytes } = way.growth;
    (blocks > 0 || bytes.is_some_and(|bytes| bytes > 0) || way.held.is_some())
        && way.trend.is_none_or(leaks)
}

fn leaks(trend: Trend) -> bool {
    trend.is_growth() || trend == Trend::MayLeak
}

fn last(site: &Site) -> Option<&SiteRun> {
    site.at.runs.last().and_then(Option::as_deref)
}
