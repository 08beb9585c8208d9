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
    let mut forked = BTreeSet::new();
    let has_callers = |run: &BlamedRun| {
        run.sites
            .iter()
            .any(|site| run.frames(site).nth(1).is_some())
    };
    if runs.len() < 2 || !runs.iter().all(has_callers) {
        return (sites, Unsure { at_least, forked });
    }
    let here = |site: &JoinedSite| {
        let mut here = site.runs.iter();
        let first = here.position(Option::is_some)?;
        Some((first, site.runs.iter().rposition(Option::is_some)?))
    };
    let spans: Vec<Option<(usize, usize)>> = sites.iter().map(here).collect();
    let of = |is: &dyn Fn(usize, usize) -> bool| -> Vec<MovedRow> {
        let spans = spans.iter().enumerate();
        let is = spans.filter(|(_, span)| span.is_some_and(|(first, last)| is(first, last)));
        is.filter_map(|(index, span)| {
            MovedRow::of(index, &sites[index], span.map(|(_, last)| last)?, runs)
        })
        .collect()
    };
    let gone = of(&|_, last| last + 1 < runs.len());
    let new = of(&|first, _| first > 0);
    if gone.is_empty() || new.is_empty() || gone.len().max(new.len()) > MOST {
        return (sites, Unsure { at_least, forked });
    }
    let alike = |i: usize, j: usize| {
        let (old, new) = (&gone[i], &new[j]);
        let follows = spans[old.index].zip(spans[new.index]);
        let follows = follows.is_some_and(|((_, last), (first, _))| last < first);
        let least = match old.size().is_some() && old.size() == new.size() {
            true => ALIKE_OF_SIZE,
            false => ALIKE,
        };
        follows
            .then(|| old.likeness(new))
            .flatten()
            .filter(|alike| *alike >= least)
    };
    let pairs = best_pairs(gone.len(), new.len(), alike);
    for (j, row) in new.iter().enumerate() {
        let is_paired = pairs.iter().any(|(_, paired)| *paired == j);
        let has_like = (0..gone.len()).any(|i| alike(i, j).is_some());
        if !is_paired && has_like {
            forked.insert(row.index);
        }
    }
    let pairs: Vec<(usize, usize)> = pairs
        .iter()
        .map(|(i, j)| (gone[*i].index, new[*j].index))
        .collect();
    drop(gone);
    drop(new);
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
    let forked = forked.into_iter();
    let unsure = Unsure {
        at_least: at_least
            .filter_map(|(at, least)| Some((places[at]?, least)))
            .collect(),
        forked: forked.filter_map(|at| places[at]).collect(),
    };
    (sites, unsure)
}

/// By its own course.
fn grows(run: &SiteRun) -> bool {
    Observed::of(run).is_some_and(|run| trend_of(&run).may_be_growth())
}

/// What is known of a row that went or came.
struct MovedRow {
    index: usize,
    /// Its function and those on the way to it, of the stacks that allocated most.
    ways: Vec<Vec<Text>>,
    via: BTreeSet<Option<String>>,
    here: Box<SiteRun>,
}

impl MovedRow {
    /// `None` where its functions are not known.
    fn of(index: usize, site: &JoinedSite, last: usize, runs: &[BlamedRun]) -> Option<Self> {
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
