//! Pairing the sites of one function, by their lines or, without lines, by their addresses.

use super::candidate::{Candidate, ChainFunction};
use super::matching::{Group, Matching};
use super::pair::Pair;
use crate::diff::align::{Aligned, Cost, Costs, align, are_long};

/// Lines came or went in front of a call.
const SHIFTED: u64 = 1;

/// A call came or went: two of them are no likelier than lines that came in two places.
const UNPAIRED: u64 = 2;

/// A call asks for another size. As much as a call that came or went, so that two that changed places are not
/// taken for two that changed sizes.
const RESIZED: u64 = 2;

/// A site, and its place in the function.
struct Placed {
    site: usize,
    at: Vec<i64>,
}

/// Pairs sites of one function by the lines of their first `steps` functions. Lines keep their order; of
/// all readings the one that takes the fewest edits of the source is believed, and another size is one of them.
/// Where no line moved, nothing was edited, and no size overrules a line.
pub(super) fn by_lines(matching: &Matching<'_>, group: &Group, steps: usize) -> Vec<Pair> {
    let (old, new) = (matching.old, matching.new);
    let of_old = group.old.iter().map(|i| &old[*i]);
    let of_new = group.new.iter().map(|j| &new[*j]);
    let relative = is_one_function(of_old, steps) && is_one_function(of_new, steps);
    let place = |site: &Candidate| position(site, steps, relative);
    let named = group.old.iter().all(|i| old[*i].functions().is_some());
    let sides = Sides::new(matching, group, place);
    let terms = ByLines { sides, named };
    terms.sides.aligned(&terms)
}

/// Pairs sites of one function by how far in it they lie.
pub(super) fn by_offset(matching: &Matching<'_>, group: &Group) -> Vec<Pair> {
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
    let line = |step: &ChainFunction| {
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
    /// Each place in the function is one that was there before.
    stayed: bool,
    /// What another size costs.
    resized: u64,
}

impl<'a> Sides<'a> {
    fn new(matching: &Matching<'a>, group: &Group, place: impl Fn(&Candidate) -> Vec<i64>) -> Self {
        let placed = |indexes: &[usize], sites: &[Candidate]| {
            let placed = |&site: &usize| Placed {
                site,
                at: place(&sites[site]),
            };
            let mut placed: Vec<Placed> = indexes.iter().map(placed).collect();
            placed.sort_by(|a, b| {
                let by_address = sites[a.site]
                    .first_address()
                    .cmp(&sites[b.site].first_address());
                a.at.cmp(&b.at).then(by_address)
            });
            placed
        };
        // Where what it is inlined into has moved, the function itself has not.
        let innermost = |placed: &Placed| placed.at.last().copied();
        let old = placed(&group.old, matching.old);
        let new = placed(&group.new, matching.new);
        // A line of several calls has an address each where no line is known, so that one is left over, and is not to be
        // taken for another whose size changed.
        let has_line = |placed: &[Placed], sites: &[Candidate]| {
            let first = placed.first();
            first.is_some_and(|first| sites[first.site].has_line())
        };
        let is_mixed = has_line(&old, matching.old) != has_line(&new, matching.new);
        Sides {
            stayed: old.iter().map(innermost).eq(new.iter().map(innermost)),
            resized: if is_mixed { 2 * UNPAIRED } else { RESIZED },
            old_sites: matching.old,
            new_sites: matching.new,
            old,
            new,
        }
    }

    fn sites(&self, old: usize, new: usize) -> (&Candidate, &Candidate) {
        (
            &self.old_sites[self.old[old].site],
            &self.new_sites[self.new[new].site],
        )
    }

    fn shift(&self, old: usize, new: usize) -> Vec<i64> {
        let lines = self.old[old].at.iter().zip(&self.new[new].at);
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
        let is_other = a.sizes.is_other(&b.sizes);
        let is_same = a.sizes.is_same(&b.sizes);
        Some(Cost {
            edits: u64::from(!self.stayed && is_other) * self.resized,
            contradictions: u64::from(a.sizes.is_known() && b.sizes.is_known() && !is_same),
            distance: shift.fold(0, u64::saturating_add),
        })
    }

    fn aligned(&self, terms: &impl Costs) -> Vec<Pair> {
        let alignment = align(self.old.len(), self.new.len(), terms);
        let moved = self.out_of_order(&alignment.pairs, terms);
        let is_taken = |pair: &&Aligned| {
            let takes = |other: &Aligned| other.old == pair.old || other.new == pair.new;
            moved.iter().any(takes)
        };
        let kept = alignment.pairs.iter().filter(|pair| !is_taken(pair));
        let found = kept.chain(&moved).map(|pair| {
            let as_good = alignment.rivals[pair.new].iter().copied();
            let aligned = alignment.pairs.iter().filter(|other| other.new == pair.new);
            let in_order = aligned.map(|other| Some(other.old));
            let others = as_good.chain(in_order).filter(|old| *old != Some(pair.old));
            let others = others.map(|old| Some(self.old[old?].site));
            let with_its_sizes = self.with_its_sizes(pair.old, pair.new).map(Some);
            let mut rivals: Vec<Option<usize>> = others.chain(with_its_sizes).collect();
            let (a, b) = self.sites(pair.old, pair.new);
            rivals.extend(a.may_be_another_call(b).then_some(None));
            rivals.sort_unstable();
            rivals.dedup();
            Pair {
                old: self.old[pair.old].site,
                new: self.new[pair.new].site,
                rivals,
            }
        });
        found.collect()
    }

    /// Calls that changed places where lines moved, too: sizes that no other call of the function has tell, if
    /// in their order both are without a partner, or have one of another size.
    fn out_of_order(&self, pairs: &[Aligned], terms: &impl Costs) -> Vec<Aligned> {
        if self.stayed || are_long(self.old.len(), self.new.len()) {
            return Vec::new();
        }
        let is_same = |old: usize, new: usize| {
            let (a, b) = self.sites(old, new);
            a.sizes.is_same(&b.sizes)
        };
        let mut settled = (vec![false; self.old.len()], vec![false; self.new.len()]);
        for pair in pairs {
            let (a, b) = self.sites(pair.old, pair.new);
            let is_settled = !a.sizes.is_other(&b.sizes);
            (settled.0[pair.old], settled.1[pair.new]) = (is_settled, is_settled);
        }
        let of_new = |new: usize| {
            let mut with_its_size = (0..self.old.len()).filter(|old| is_same(*old, new));
            let (old, None) = (with_its_size.next()?, with_its_size.next()) else {
                return None;
            };
            let news = (0..self.new.len()).filter(|new| is_same(old, *new));
            let is_free = !settled.0[old] && !settled.1[new] && news.count() == 1;
            (is_free && terms.pair(old, new).is_some()).then_some(Aligned { old, new })
        };
        (0..self.new.len()).filter_map(of_new).collect()
    }

    /// Where a pair's sizes differ: what had the new one's sizes before. The two may have changed places.
    fn with_its_sizes(&self, old: usize, new: usize) -> impl Iterator<Item = usize> + '_ {
        let (a, b) = self.sites(old, new);
        let differs = a.sizes.is_other(&b.sizes) && !are_long(self.old.len(), self.new.len());
        let sizes = &b.sizes;
        let others = self.old.iter().map(|placed| placed.site);
        others.filter(move |other| differs && self.old_sites[*other].sizes.is_same(sizes))
    }
}

/// Lines keep their distance from each other unless something was added, taken away or wrapped between
/// them; to the function's declaration, too.
struct ByLines<'a> {
    sides: Sides<'a>,
    /// Without a function, a line that moved cannot be told from another.
    named: bool,
}

impl Costs for ByLines<'_> {
    fn pair(&self, old: usize, new: usize) -> Option<Cost> {
        let cost = self.sides.cost(old, new)?;
        let (a, b) = self.sides.sites(old, new);
        // A line that stayed has only sizes against it, and one that moved only sizes for it: what freed everything has
        // no sizes, and must not win for want of them.
        let is_confirmed = cost.distance == 0 || !a.sizes.is_known() || a.sizes.is_same(&b.sizes);
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
        u64::from(has_changed) * SHIFTED
    }

    /// A call that came or went moves those below it as well.
    fn edits_after_gap(&self, _: usize, _: usize) -> u64 {
        0
    }

    fn unpaired(&self) -> u64 {
        UNPAIRED
    }
}

/// In another build, offsets change anywhere; but one that did not is the same place.
struct ByOffset<'a>(Sides<'a>);

impl Costs for ByOffset<'_> {
    fn pair(&self, old: usize, new: usize) -> Option<Cost> {
        self.0.cost(old, new)
    }

    fn edits_after_pair(&self, old: usize, new: usize) -> u64 {
        u64::from(self.0.has_moved(old, new)) * SHIFTED
    }

    fn edits_after_gap(&self, old: usize, new: usize) -> u64 {
        u64::from(self.0.has_moved(old, new)) * SHIFTED
    }

    fn unpaired(&self) -> u64 {
        UNPAIRED
    }
}
