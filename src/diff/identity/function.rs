//! Pairing the sites of one function, by their lines or, without lines, by their addresses.

use super::candidate::{Candidate, Step};
use super::matching::{Group, Matching};
use crate::diff::align::{Cost, Terms, align};

/// Two sites that are one, and what the new one may be as well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub old: usize,
    pub new: usize,
    pub rivals: Vec<Option<usize>>,
}

/// A site, and its place in the function.
type Placed = (usize, Vec<i64>);

/// Pairs sites of one function by the lines of their first `steps` functions. Lines keep their order; of
/// all readings the one that takes the fewest edits of the source is believed, so that an equal line is
/// overruled by nothing but edits: sizes decide only where two readings take as many.
pub fn by_lines(matching: &Matching<'_>, group: &Group, steps: usize) -> Vec<Found> {
    let (old, new) = (matching.old, matching.new);
    let of_old = group.old.iter().map(|i| &old[*i]);
    let of_new = group.new.iter().map(|j| &new[*j]);
    let relative = is_one_function(of_old, steps) && is_one_function(of_new, steps);
    let place = |site: &Candidate| position(site, steps, relative);
    let named = group.old.iter().all(|i| old[*i].functions().is_some());
    let terms = ByLines {
        sides: Sides::new(matching, group, place),
        named,
    };
    terms.sides.aligned(&terms)
}

/// Pairs sites of one function by how far in it they lie.
pub fn by_offset(matching: &Matching<'_>, group: &Group) -> Vec<Found> {
    let sites = group.old.iter().map(|i| &matching.old[*i]);
    let mut sites = sites.chain(group.new.iter().map(|j| &matching.new[*j]));
    let has_offsets = sites.all(|site| site.offset().is_some());
    let place = |site: &Candidate| {
        let address = i64::try_from(site.first_address()).unwrap_or(i64::MAX);
        vec![site.offset().filter(|_| has_offsets).unwrap_or(address)]
    };
    let terms = ByOffset(Sides::new(matching, group, place));
    terms.0.aligned(&terms)
}

/// Whether all sites are known to lie in functions of the same declarations. Namesakes in one file, as the
/// lambdas `operator()` are, lie one below the other: lines counted from each one's head would mix them.
fn is_one_function<'a>(sites: impl Iterator<Item = &'a Candidate>, steps: usize) -> bool {
    let declarations = |site: &'a Candidate| {
        let steps = site.chain.iter().take(steps);
        let lines = steps.map(|step| step.declaration.line);
        lines.collect::<Option<Vec<u32>>>()
    };
    let mut all = sites.map(declarations);
    let first = all.next().flatten();
    first.is_some() && all.all(|declared| declared == first)
}

/// Lines of the chain, outermost first, counted from the declarations if `relative`.
fn position(site: &Candidate, steps: usize, relative: bool) -> Vec<i64> {
    let line = |step: &Step| {
        let from = step.declaration.line.filter(|_| relative);
        i64::from(step.line.unwrap_or(0)) - i64::from(from.unwrap_or(0))
    };
    let steps = &site.chain[..steps.min(site.chain.len())];
    steps.iter().rev().map(line).collect()
}

/// The sites of a function in both runs, in their order.
struct Sides<'a> {
    old_sites: &'a [Candidate],
    new_sites: &'a [Candidate],
    old: Vec<Placed>,
    new: Vec<Placed>,
}

impl<'a> Sides<'a> {
    fn new(matching: &Matching<'a>, group: &Group, place: impl Fn(&Candidate) -> Vec<i64>) -> Self {
        let placed = |indexes: &[usize], sites: &[Candidate]| {
            let placed = indexes.iter().map(|index| (*index, place(&sites[*index])));
            let mut placed: Vec<Placed> = placed.collect();
            placed.sort_by(|a, b| {
                let by_address = sites[a.0].first_address().cmp(&sites[b.0].first_address());
                a.1.cmp(&b.1).then(by_address)
            });
            placed
        };
        Sides {
            old_sites: matching.old,
            new_sites: matching.new,
            old: placed(&group.old, matching.old),
            new: placed(&group.new, matching.new),
        }
    }

    fn sites(&self, old: usize, new: usize) -> (&Candidate, &Candidate) {
        (
            &self.old_sites[self.old[old].0],
            &self.new_sites[self.new[new].0],
        )
    }

    fn shift(&self, old: usize, new: usize) -> Vec<i64> {
        let lines = self.old[old].1.iter().zip(&self.new[new].1);
        lines.map(|(old, new)| new.saturating_sub(*old)).collect()
    }

    fn has_moved(&self, old: usize, new: usize) -> bool {
        self.shift(old, new).iter().any(|shift| *shift != 0)
    }

    fn cost(&self, old: usize, new: usize) -> Option<Cost> {
        let (a, b) = self.sites(old, new);
        // In one build another place is another site.
        if a.is_of_same_build(b) || a.is_elsewhere_in_same_code(b) {
            return None;
        }
        let shift = self.shift(old, new).into_iter().map(i64::unsigned_abs);
        Some(Cost {
            edits: 0,
            contradictions: u64::from(a.has_other_sizes(b)),
            distance: shift.fold(0, u64::saturating_add),
        })
    }

    fn aligned(&self, terms: &impl Terms) -> Vec<Found> {
        let alignment = align(self.old.len(), self.new.len(), terms);
        let found = alignment.pairs.iter().map(|pair| {
            let rivals = alignment.rivals[pair.new].iter();
            let mut rivals: Vec<Option<usize>> =
                rivals.map(|old| Some(self.old[(*old)?].0)).collect();
            rivals.extend(self.with_its_sizes(pair.old, pair.new).map(Some));
            let (a, b) = self.sites(pair.old, pair.new);
            rivals.extend(a.may_be_another_call(b).then_some(None));
            rivals.sort_unstable();
            rivals.dedup();
            Found {
                old: self.old[pair.old].0,
                new: self.new[pair.new].0,
                rivals,
            }
        });
        found.collect()
    }

    /// Where a pair's sizes differ: what had the new one's sizes before. The two may have changed places.
    fn with_its_sizes(&self, old: usize, new: usize) -> impl Iterator<Item = usize> + '_ {
        let (a, b) = self.sites(old, new);
        let differs = a.has_other_sizes(b);
        let size = b.mean_size;
        let others = self.old.iter().map(|(index, _)| *index);
        others.filter(move |other| differs && self.old_sites[*other].mean_size == size)
    }
}

/// Lines keep their distance from each other unless something was added, taken away or wrapped between
/// them; to the function's declaration, too.
struct ByLines<'a> {
    sides: Sides<'a>,
    /// Without a function, a line that moved cannot be told from another.
    named: bool,
}

impl Terms for ByLines<'_> {
    fn pair(&self, old: usize, new: usize) -> Option<Cost> {
        let cost = self.sides.cost(old, new)?;
        let (a, b) = self.sides.sites(old, new);
        // A line that stayed has only sizes against it, and one that moved only sizes for it: what freed everything has
        // no sizes, and must not win for want of them.
        let is_confirmed = cost.distance == 0 || a.mean_size.is_none() || a.has_same_sizes(b);
        let cost = Cost {
            contradictions: cost.contradictions.max(u64::from(!is_confirmed)),
            ..cost
        };
        (self.named || cost.distance == 0).then_some(cost)
    }

    fn edits_after_pair(&self, old: usize, new: usize) -> u64 {
        let has_changed = match (old, new) {
            (0, _) | (_, 0) => self.sides.has_moved(old, new),
            (i, j) => self.sides.shift(old, new) != self.sides.shift(i - 1, j - 1),
        };
        u64::from(has_changed)
    }

    /// A call that came or went moves those below it as well.
    fn edits_after_gap(&self, _: usize, _: usize) -> u64 {
        0
    }

    fn unpaired(&self) -> u64 {
        1
    }
}

/// In another build, offsets change anywhere; but one that did not is the same place.
struct ByOffset<'a>(Sides<'a>);

impl Terms for ByOffset<'_> {
    fn pair(&self, old: usize, new: usize) -> Option<Cost> {
        self.0.cost(old, new)
    }

    fn edits_after_pair(&self, old: usize, new: usize) -> u64 {
        u64::from(self.0.has_moved(old, new))
    }

    fn edits_after_gap(&self, old: usize, new: usize) -> u64 {
        u64::from(self.0.has_moved(old, new))
    }

    fn unpaired(&self) -> u64 {
        2
    }
}
