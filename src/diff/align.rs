//! Pairing two lists in their order, at the least cost, and what else would have cost as little.

/// What a pairing costs, compared field by field: what stands lower never outweighs what stands above it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cost {
    /// Changes of the source that would explain it: items added and taken away, and lines between them.
    pub edits: u64,
    /// Pairs whose sizes do not agree.
    pub contradictions: u64,
    /// How far items moved in all.
    pub distance: u64,
}

impl Cost {
    fn plus(self, other: Cost) -> Cost {
        Cost {
            edits: self.edits.saturating_add(other.edits),
            contradictions: self.contradictions.saturating_add(other.contradictions),
            distance: self.distance.saturating_add(other.distance),
        }
    }

    /// Without the distance, which is a guess: it chooses among readings, and rules none out.
    fn told(self) -> (u64, u64) {
        (self.edits, self.contradictions)
    }
}

/// Two items that are one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Aligned {
    pub old: usize,
    pub new: usize,
}

/// A pairing of all items, and which others are as good.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Alignment {
    pub pairs: Vec<Aligned>,
    /// Of each new item, what else it may be as well; `None` stands for a new one.
    pub rivals: Vec<Vec<Option<usize>>>,
}

/// What two lists are aligned by.
pub(super) trait Costs {
    /// Of pairing an old and a new item; `None` for two that cannot be one.
    fn pair(&self, old: usize, new: usize) -> Option<Cost>;
    /// Edits that a pair needs, if the items before both are a pair (or the beginning).
    fn edits_after_pair(&self, old: usize, new: usize) -> u64;
    /// Edits that a pair needs after an item that has no partner.
    fn edits_after_gap(&self, old: usize, new: usize) -> u64;
    /// Edits that an item without a partner stands for.
    fn unpaired(&self) -> u64;
}

/// Above this many cells the table is not worth its time: lists that long are paired in order, from
/// the front or from the back.
const MOST_CELLS: usize = 1 << 17;

/// Whether two lists are too long to weigh each item of one against each of the other.
pub(super) fn are_long(old: usize, new: usize) -> bool {
    old.saturating_mul(new) > MOST_CELLS
}

/// Costs at one cell, by how the way there ended (or goes on): with a pair, or with a gap.
#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    pair: Option<Cost>,
    gap: Option<Cost>,
}

/// Aligns lists of `old` and `new` items.
pub(super) fn align(old: usize, new: usize, terms: &impl Costs) -> Alignment {
    if old == 0 || new == 0 {
        return Alignment {
            pairs: Vec::new(),
            rivals: vec![Vec::new(); new],
        };
    }
    if are_long(old, new) {
        return in_order(old, new, terms);
    }
    let table = Table::new(old, new, terms);
    let pairs = table.best();
    let rivals = table.rivals(&pairs);
    Alignment { pairs, rivals }
}

/// The least costs to reach every cell from the beginning, and to reach the end from it. Cell (i, j) lies
/// before old item i and new item j.
struct Table<'a, T> {
    old: usize,
    new: usize,
    terms: &'a T,
    reached: Vec<Cell>,
    left: Vec<Cell>,
}

fn least(a: Option<Cost>, b: Option<Cost>) -> Option<Cost> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

impl<'a, T: Costs> Table<'a, T> {
    fn new(old: usize, new: usize, terms: &'a T) -> Self {
        let cells = (old + 1) * (new + 1);
        let mut table = Table {
            old,
            new,
            terms,
            reached: vec![Cell::default(); cells],
            left: vec![Cell::default(); cells],
        };
        table.go_forward();
        table.go_backward();
        table
    }

    fn at(&self, i: usize, j: usize) -> usize {
        i * (self.new + 1) + j
    }

    fn gap_cost(&self) -> Cost {
        Cost {
            edits: self.terms.unpaired(),
            ..Cost::default()
        }
    }

    /// Of the pair (i, j), after a pair and after a gap.
    fn pair_costs(&self, i: usize, j: usize) -> Option<(Cost, Cost)> {
        let cost = self.terms.pair(i, j)?;
        let with = |edits| {
            cost.plus(Cost {
                edits,
                ..Cost::default()
            })
        };
        Some((
            with(self.terms.edits_after_pair(i, j)),
            with(self.terms.edits_after_gap(i, j)),
        ))
    }

    /// The least cost of a way through the pair (i, j) up to its end.
    fn through_pair(&self, i: usize, j: usize) -> Option<Cost> {
        let (after_pair, after_gap) = self.pair_costs(i, j)?;
        let here = self.reached[self.at(i, j)];
        least(
            here.pair.map(|cost| cost.plus(after_pair)),
            here.gap.map(|cost| cost.plus(after_gap)),
        )
    }

    fn go_forward(&mut self) {
        for i in 0..=self.old {
            for j in 0..=self.new {
                let mut cell = Cell::default();
                if i == 0 && j == 0 {
                    cell.pair = Some(Cost::default());
                }
                if i > 0 && j > 0 {
                    cell.pair = self.through_pair(i - 1, j - 1);
                }
                let from = |cell: Cell| Some(least(cell.pair, cell.gap)?.plus(self.gap_cost()));
                let above = (i > 0).then(|| from(self.reached[self.at(i - 1, j)]));
                let before = (j > 0).then(|| from(self.reached[self.at(i, j - 1)]));
                cell.gap = least(above.flatten(), before.flatten());
                let at = self.at(i, j);
                self.reached[at] = cell;
            }
        }
    }

    fn go_backward(&mut self) {
        for i in (0..=self.old).rev() {
            for j in (0..=self.new).rev() {
                let at = self.at(i, j);
                if i == self.old && j == self.new {
                    let end = Some(Cost::default());
                    self.left[at] = Cell {
                        pair: end,
                        gap: end,
                    };
                    continue;
                }
                let gap = least(
                    (i < self.old)
                        .then(|| self.left[self.at(i + 1, j)].gap)
                        .flatten(),
                    (j < self.new)
                        .then(|| self.left[self.at(i, j + 1)].gap)
                        .flatten(),
                );
                let gap = gap.map(|cost| cost.plus(self.gap_cost()));
                let mut cell = Cell { pair: gap, gap };
                if i < self.old
                    && j < self.new
                    && let Some((after_pair, after_gap)) = self.pair_costs(i, j)
                {
                    let rest = self.left[self.at(i + 1, j + 1)].pair;
                    cell.pair = least(gap, rest.map(|rest| rest.plus(after_pair)));
                    cell.gap = least(gap, rest.map(|rest| rest.plus(after_gap)));
                }
                self.left[at] = cell;
            }
        }
    }

    fn total(&self) -> Option<Cost> {
        self.left[0].pair
    }

    /// Walks along the cheapest way; a pair goes before a gap where both cost the same.
    fn best(&self) -> Vec<Aligned> {
        let (mut i, mut j, mut after_pair) = (0, 0, true);
        let mut pairs = Vec::new();
        while i < self.old && j < self.new {
            let here = self.left[self.at(i, j)];
            let cost = if after_pair { here.pair } else { here.gap };
            let paired = self.pair_costs(i, j).and_then(|(pair, gap)| {
                let rest = self.left[self.at(i + 1, j + 1)].pair?;
                Some(rest.plus(if after_pair { pair } else { gap }))
            });
            if paired.is_some() && paired == cost {
                pairs.push(Aligned { old: i, new: j });
                (i, j, after_pair) = (i + 1, j + 1, true);
                continue;
            }
            after_pair = false;
            let skipped = self.left[self.at(i + 1, j)].gap;
            match skipped.map(|rest| rest.plus(self.gap_cost())) == cost {
                true => i += 1,
                false => j += 1,
            }
        }
        pairs
    }

    fn is_as_good(&self, reached: Option<Cost>, left: Option<Cost>) -> bool {
        let whole = reached.zip(left).map(|(a, b)| a.plus(b).told());
        whole.is_some() && whole == self.total().map(Cost::told)
    }

    fn rivals(&self, pairs: &[Aligned]) -> Vec<Vec<Option<usize>>> {
        let mut partners = vec![None; self.new];
        for pair in pairs {
            partners[pair.new] = Some(pair.old);
        }
        let of_new = |j: usize| {
            let could_be = (0..self.old).filter(|i| {
                let left = self.left[self.at(i + 1, j + 1)].pair;
                partners[j] != Some(*i) && self.is_as_good(self.through_pair(*i, j), left)
            });
            let mut rivals: Vec<Option<usize>> = could_be.map(Some).collect();
            let could_be_new = partners[j].is_some()
                && (0..=self.old).any(|i| {
                    let here = self.reached[self.at(i, j)];
                    let reached = least(here.pair, here.gap).map(|cost| cost.plus(self.gap_cost()));
                    self.is_as_good(reached, self.left[self.at(i, j + 1)].gap)
                });
            if could_be_new {
                rivals.push(None);
            }
            rivals
        };
        (0..self.new).map(of_new).collect()
    }
}

/// One after the other, from the end from which it costs less: what is new in a long list stands in one
/// place of it more often than all over it.
fn in_order(old: usize, new: usize, terms: &impl Costs) -> Alignment {
    let count = old.min(new);
    let shifted = |from_old: usize, from_new: usize| {
        let mut pairs = Vec::new();
        let mut sum = Cost::default();
        for index in 0..count {
            if let Some(cost) = terms.pair(from_old + index, from_new + index) {
                pairs.push(Aligned {
                    old: from_old + index,
                    new: from_new + index,
                });
                sum = sum.plus(cost);
            }
        }
        (std::cmp::Reverse(pairs.len()), sum, pairs)
    };
    let (front, back) = (shifted(0, 0), shifted(old - count, new - count));
    let better = match (back.0, back.1) < (front.0, front.1) {
        true => back.2,
        false => front.2,
    };
    // Lists of one length have one order; in others nothing was weighed.
    let mut rivals = vec![Vec::new(); new];
    if old != new {
        for pair in &better {
            rivals[pair.new].push(None);
        }
    }
    Alignment {
        pairs: better,
        rivals,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines that keep their distance, as in a source file.
    struct LineNumbers<'a>(&'a [i64], &'a [i64]);

    impl Costs for LineNumbers<'_> {
        fn pair(&self, old: usize, new: usize) -> Option<Cost> {
            let distance = self.0[old].abs_diff(self.1[new]);
            Some(Cost {
                distance,
                ..Cost::default()
            })
        }

        fn edits_after_pair(&self, old: usize, new: usize) -> u64 {
            let shift = |i: usize, j: usize| self.1[j] - self.0[i];
            let before = match (old, new) {
                (0, _) | (_, 0) => 0,
                (i, j) => shift(i - 1, j - 1),
            };
            u64::from(shift(old, new) != before)
        }

        fn edits_after_gap(&self, _: usize, _: usize) -> u64 {
            0
        }

        fn unpaired(&self) -> u64 {
            1
        }
    }

    fn of(old: &[i64], new: &[i64]) -> Vec<(usize, usize)> {
        let alignment = align(old.len(), new.len(), &LineNumbers(old, new));
        alignment.pairs.iter().map(|p| (p.old, p.new)).collect()
    }

    #[test]
    fn what_needs_the_fewest_edits_is_taken() {
        // All moved by ten: the nearest alone would pair 10 with 10.
        assert_eq!(of(&[0, 10], &[10, 20]), [(0, 0), (1, 1)]);
        // One is left over: the one that is farthest.
        assert_eq!(of(&[0, 10, 20], &[11, 21]), [(1, 0), (2, 1)]);
        assert_eq!(of(&[5], &[0, 4, 9]), [(0, 1)]);
        assert_eq!(of(&[], &[1]), []);
        assert_eq!(of(&[6, 8], &[6, 8, 9]), [(0, 0), (1, 1)]);
    }

    #[test]
    fn what_is_as_good_is_a_rival() {
        let sure = align(2, 2, &LineNumbers(&[5, 7], &[5, 7]));
        assert_eq!(sure.rivals, [[], []]);
        // One was added on line 9, or on line 5 and moved the other: nothing tells.
        let added = align(1, 2, &LineNumbers(&[5], &[5, 9]));
        assert_eq!(added.pairs, [Aligned { old: 0, new: 0 }]);
        assert_eq!(added.rivals, [vec![None], vec![Some(0)]]);
    }

    #[test]
    fn long_lists_are_paired_in_order() {
        let old: Vec<i64> = (0..2000).collect();
        let new: Vec<i64> = (0..3000).collect();
        let pairs = of(&old, &new);
        assert_eq!((pairs.len(), pairs.last()), (2000, Some(&(1999, 1999))));
        // One more in front of all others, which stayed.
        let new: Vec<i64> = (-1..2000).collect();
        assert_eq!(of(&old, &new).first(), Some(&(0, 1)));
    }
}
