//! Rows of which one part grew and another shrank: what one caller lost hides what another leaks.
//!
//! A row is a line, and several callers can lead to it; of a log of glibc they are not known, but blocks of several sizes
//! tell of them. A limit on the row sees the sum alone. So the gate also judges the callers that leak, by themselves.

use super::callers::{Reach, Way, WayRun, ways};
use super::column::Column;
use super::comparison::judge_each;
use super::growth::Growth;
use super::held::{had, has, has_fallen};
use super::judged::Site;
use super::replaced::replaced;
use super::row::Part;
use super::site::{Grouping, SiteRun};
use super::split::{by_calls, of_ways, split};
use super::together::{
    Likeness, Sum, Together, can_lose, has_gained, has_lost, is_more_than_chance, is_much_less,
};
use super::trend::{Observed, Trend, trend_of};
use crate::run::{BlamedRun, Figures};

/// Of each row that is not hidden, the parts that grew where others shrank.
pub(crate) fn hiding(sites: &[Site], runs: &[BlamedRun], columns: &[Column]) -> Vec<Together> {
    if columns.len() < 2 {
        return Vec::new();
    }
    let rows = sites.iter().enumerate();
    let rows = rows.filter(|(_, site)| {
        site.hidden.is_none() && site.part().is_none() && site.lines().is_none()
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
fn by_callers(index: usize, site: &Site, runs: &[BlamedRun], columns: &[Column]) -> Vec<Together> {
    let ways = ways(&site.at, runs, &Reach::default());
    // To judge all ways of all rows would take as long as all else.
    if !has_way_that_lost(&ways) && !has_stack_that_grows(site, runs) {
        return Vec::new();
    }
    let ways = judge_each(of_ways(site, ways, runs), columns);
    let grown = of_parts(index, &ways, Likeness::Callers, columns);
    let replaced = ways.iter().filter_map(|way| replaced(index, way, columns));
    grown.into_iter().chain(replaced).collect()
}

/// The same of several calls that stand in one line.
fn by_calls_in_line(
    index: usize,
    site: &Site,
    runs: &[BlamedRun],
    columns: &[Column],
) -> Option<Together> {
    let here = last(site).filter(|here| here.places.len() > 1)?;
    let calls = by_calls(site, runs).filter(|_| !here.stacks().is_empty())?;
    of_parts(index, &judge_each(calls, columns), Likeness::Calls, columns)
}

/// Of parts of a row: what those come to that leak, and those that may.
fn of_parts(
    index: usize,
    parts: &[Site],
    likeness: Likeness,
    columns: &[Column],
) -> Option<Together> {
    type Is = fn(&Site) -> bool;
    let any = |is: Is| parts.iter().any(is);
    let (is_leak, has_more, has_less): (Is, Is, Is) = match () {
        () if any(lost_much) => (grew_by_a_leak, has_gained, lost_much),
        // Some can have lost a little by chance, and others gained it: these must have gained much.
        () if any(shrank) && any(gained_much) => (gained_much_by_a_leak, gained_much, shrank),
        () => return None,
    };
    let leaking: Vec<&Site> = parts.iter().filter(|part| is_leak(part)).collect();
    let sure = leaking.iter().copied().filter(|part| !part.forked);
    let of_leak = parts
        .iter()
        .filter(|part| has_less(part) && may_have_moved(part));
    let with_moved = Sum::of(sure.chain(of_leak), columns);
    let grown = parts.iter().filter(|part| is_leak(part) || has_more(part));
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
fn has_stack_that_grows(site: &Site, runs: &[BlamedRun]) -> bool {
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
                lives: stack.lives.as_ref(),
                ..Observed::bare(curve)
            };
            trend_of(&observed) == Trend::Grows
        })
    })
}

/// Whether a part lost much, in the end or of what it held until then.
fn lost_much(part: &Site) -> bool {
    has_lost(part) || is_much_less(has(part), had(part))
}

/// Whether a part has less, in the end or of what it held until then.
fn shrank(part: &Site) -> bool {
    let is_less = |growth: Growth| growth.blocks < 0 || growth.bytes.is_some_and(|bytes| bytes < 0);
    is_less(part.growth) || is_less(Growth::between(had(part), has(part)))
}

/// Whether a part has at least twice what it had, and much more, in the end or of what it held until then; or is a leak that
/// has more than by chance.
fn gained_much(part: &Site) -> bool {
    let (had, has) = (had(part), has(part));
    has_gained(part) || is_much_less(had, has) || (is_growth(part) && is_more_than_chance(had, has))
}

fn gained_much_by_a_leak(part: &Site) -> bool {
    is_growth(part) && gained_much(part)
}

fn is_growth(part: &Site) -> bool {
    part.trend.is_some_and(Trend::is_growth)
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
    let leaks = |run: &SiteRun| Observed::of(run).is_none_or(|run| trend_of(&run).may_be_growth());
    let first = way.at.runs.first().and_then(Option::as_deref);
    first.is_some_and(leaks) && last(way).is_none_or(leaks)
}

/// The size of which most came, where those of another size went. That is no proof: nobody knows who asked for them.
fn by_sizes(index: usize, site: &Site, runs: &[BlamedRun], columns: &[Column]) -> Option<Together> {
    site.at.stands_for()?;
    let sizes = split(vec![site.clone()], runs, Grouping::Size, &Reach::default());
    let sizes = judge_each(sizes, columns);
    if !sizes.iter().any(has_lost) {
        return None;
    }
    let sized = sizes.iter().filter_map(|row| match row.part() {
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

fn grew_by_a_leak(way: &Site) -> bool {
    let Growth { blocks, bytes } = way.growth;
    (blocks > 0 || bytes.is_some_and(|bytes| bytes > 0) || way.held.is_some())
        && way.trend.is_none_or(Trend::may_be_growth)
}

fn last(site: &Site) -> Option<&SiteRun> {
    site.at.runs.last().and_then(Option::as_deref)
}
