//! Rows of one build that are in another under a neighbour's name, because a call was put between, taken out, or
//! inlined: their callers tell.
//!
//! Such a row went away in one run, and came in a later one. Both are one if the one's line lies on the way to the
//! other, both come through the same wrapper for the same sizes, and of all that went and came they are most alike.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::callers::likeness;
use super::files::best_pairs;
use super::matched_by::MatchedBy;
use super::site::{JoinedSite, SiteRun};
use super::trend::{Observed, trend_of};
use crate::run::{BlamedRun, Call, Figures, Text, plain_name};
use crate::symbol_name::without_clone;

/// Ways that have less in common, of 1000, are two.
const ALIKE: u32 = 600;

/// The same where both always asked for one size, and for the same.
const ALIKE_OF_SIZE: u32 = 500;

/// So many stacks of a row, those that allocated most, stand for all.
const STACKS: usize = 8;

/// Of more rows than this that went or came, a changed caller explains nothing.
const MOST: usize = 250;

/// What is unsure of joined sites, by their indexes.
#[derive(Debug, Default)]
pub(crate) struct Unsure {
    /// What the first run may have at least of a site that may as well be another of its sites, or none.
    pub at_least: BTreeMap<usize, Figures>,
    /// A caller changed between the builds, and several sites of an earlier run may be one of these, or one several.
    pub forked: BTreeSet<usize>,
}

/// Makes one of rows that are one, and notes those of which several may be. `at_least` is of the sites as they are given.
pub(super) fn unite_by_callers(
    mut sites: Vec<JoinedSite>,
    mut at_least: BTreeMap<usize, Figures>,
    runs: &[BlamedRun],
) -> (Vec<JoinedSite>, Unsure) {
    let Found { pairs, forked } = found(&sites, runs);
    if pairs.is_empty() {
        return (sites, Unsure { at_least, forked });
    }
    let mut united = vec![false; sites.len()];
    for (old, new) in pairs {
        let earlier = std::mem::take(&mut sites[old].runs);
        let site = &mut sites[new];
        // Another function with such callers can as well be another site, which the first run does not have: what was level
        // and now grows looks like one.
        let first = earlier.first().and_then(Option::as_deref);
        let last = site.runs.last().and_then(Option::as_deref);
        let is_other = first.is_some_and(|first| !grows(first)) && last.is_some_and(grows);
        if is_other {
            at_least.entry(new).or_insert_with(|| runs[0].nothing());
        }
        site.add_runs(earlier);
        site.matched_by = site.matched_by.max(Some(MatchedBy::Callers));
        united[old] = true;
    }
    let mut index = 0;
    sites.retain(|_| {
        index += 1;
        !united[index - 1]
    });
    // Where each of the others stands now.
    let places = united.iter().scan(0, |next, united| {
        let place = (!united).then_some(*next);
        *next += usize::from(!united);
        Some(place)
    });
    let places: Vec<Option<usize>> = places.collect();
    let at_least = at_least.into_iter();
    let at_least = at_least.filter_map(|(at, least)| Some((places[at]?, least)));
    let unsure = Unsure {
        at_least: at_least.collect(),
        forked: forked.into_iter().filter_map(|at| places[at]).collect(),
    };
    (sites, unsure)
}

/// What callers tell of sites, by their indexes.
#[derive(Default)]
struct Found {
    /// One that went away, and the one that it is now.
    pairs: Vec<(usize, usize)>,
    /// Those that came, and of which it is not clear what they were.
    forked: BTreeSet<usize>,
}

fn found(sites: &[JoinedSite], runs: &[BlamedRun]) -> Found {
    if runs.len() < 2 || !runs.iter().all(|run| run.has_stacks()) {
        return Found::default();
    }
    let moved = |is: &dyn Fn(usize, usize) -> bool| -> Vec<MovedRow> {
        let rows = sites.iter().enumerate().filter_map(|(index, site)| {
            let first = site.runs.iter().position(Option::is_some)?;
            let last = site.runs.iter().rposition(Option::is_some)?;
            is(first, last).then(|| MovedRow::of(index, site, (first, last), runs))?
        });
        rows.collect()
    };
    let gone = moved(&|_, last| last + 1 < runs.len());
    let new = moved(&|first, _| first > 0);
    if gone.is_empty() || new.is_empty() || gone.len().max(new.len()) > MOST {
        return Found::default();
    }
    let alike = |i: usize, j: usize| {
        let (old, new) = (&gone[i], &new[j]);
        let least = match old.size().is_some() && old.size() == new.size() {
            true => ALIKE_OF_SIZE,
            false => ALIKE,
        };
        let alike = (old.last < new.first).then(|| old.likeness(new))?;
        alike.filter(|alike| *alike >= least)
    };
    let pairs = best_pairs(gone.len(), new.len(), alike);
    let forked = new.iter().enumerate().filter(|(j, _)| {
        let is_paired = pairs.iter().any(|(_, paired)| paired == j);
        !is_paired && (0..gone.len()).any(|i| alike(i, *j).is_some())
    });
    Found {
        forked: forked.map(|(_, row)| row.index).collect(),
        pairs: pairs
            .iter()
            .map(|(i, j)| (gone[*i].index, new[*j].index))
            .collect(),
    }
}

/// By its own course.
fn grows(run: &SiteRun) -> bool {
    Observed::of(run).is_some_and(|run| trend_of(&run).may_be_growth())
}

/// What is known of a row that went or came.
struct MovedRow {
    index: usize,
    /// The runs that have it.
    first: usize,
    last: usize,
    /// Its function and those on the way to it, of the stacks that allocated most.
    ways: Vec<Vec<Text>>,
    via: BTreeSet<Option<String>>,
    here: Box<SiteRun>,
}

impl MovedRow {
    /// `None` where its functions are not known.
    fn of(
        index: usize,
        site: &JoinedSite,
        (first, last): (usize, usize),
        runs: &[BlamedRun],
    ) -> Option<Self> {
        let run = &runs[last];
        let here = site.runs[last].clone()?;
        let mut sites: Vec<u32> = here.stacks().to_vec();
        sites.sort_by_key(|at| Reverse(run.sites[*at as usize].figures.allocations));
        sites.truncate(STACKS);
        let sites = sites.iter().map(|at| &run.sites[*at as usize]);
        let name = |call: Call| {
            let function = run.frame_of(call)?.function.as_deref()?;
            Some(Text::from(without_clone(function)))
        };
        let ways = sites.clone().map(|site| {
            let own = run.responsible(site).call;
            let calls = run.calls(site).skip_while(|call| *call != own);
            let shown = calls.filter(|call| *call == own || run.is_shown(*call));
            shown.filter_map(name).collect::<Vec<Text>>()
        });
        let ways: Vec<Vec<Text>> = ways.filter(|way| way.len() > 1).collect();
        let via = sites.map(|site| {
            let via = run.responsible(site).via?;
            name(via.call).map(|name| plain_name(&name))
        });
        let via = via.collect();
        (!ways.is_empty()).then_some(MovedRow {
            index,
            first,
            last,
            ways,
            via,
            here,
        })
    }

    /// What it always asked for.
    fn size(&self) -> Option<u64> {
        match &*self.here.sizes {
            [sizes] if sizes.is_one() => Some(sizes.least()),
            _ => None,
        }
    }

    fn likeness(&self, new: &MovedRow) -> Option<u32> {
        let is_one_build = self.here.build.is_some() && self.here.build == new.here.build;
        let other_size = matches!((self.size(), new.size()), (Some(a), Some(b)) if a != b);
        if is_one_build || other_size || self.via.is_disjoint(&new.via) {
            return None;
        }
        let pairs = self
            .ways
            .iter()
            .flat_map(|old| new.ways.iter().map(move |new| (old, new)));
        let on_one_way = pairs.filter(|(old, new)| {
            old[0] != new[0] && (old.contains(&new[0]) || new.contains(&old[0]))
        });
        on_one_way.map(|(old, new)| likeness(old, new)).max()
    }
}
