//! Pairing two lists in order: as many pairs as there can be, and of these the cheapest.

/// Pairs of indexes, and what they cost together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Alignment {
    pub pairs: Vec<(usize, usize)>,
    pub cost: u64,
}

/// Above this many cells the table is not worth its time: lists that long are paired in order, from
/// the front or from the back.
const MOST_CELLS: usize = 1 << 17;

/// How the best pairing of two beginnings ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Pair,
    SkipOld,
    SkipNew,
}

/// Pairs that, and what they cost; ordered so that the better is the less.
type Score = (std::cmp::Reverse<usize>, u64);

/// Aligns lists of `old` and `new` items; `cost` is `None` for two that cannot be one.
pub fn align(old: usize, new: usize, cost: impl Fn(usize, usize) -> Option<u64>) -> Alignment {
    if old.saturating_mul(new) > MOST_CELLS {
        return in_order(old, new, cost);
    }
    let start: Score = (std::cmp::Reverse(0), 0);
    let mut above = vec![start; new + 1];
    let mut ends = Vec::with_capacity(old * new);
    for i in 0..old {
        let mut row = vec![start; new + 1];
        for j in 0..new {
            let pair = cost(i, j).map(|cost| {
                let (pairs, sum) = above[j];
                ((std::cmp::Reverse(pairs.0 + 1), sum + cost), End::Pair)
            });
            let skips = [(above[j + 1], End::SkipOld), (row[j], End::SkipNew)];
            let best = pair
                .into_iter()
                .chain(skips)
                .min_by_key(|(score, _)| *score);
            let (score, end) = best.unwrap_or((start, End::SkipNew));
            row[j + 1] = score;
            ends.push(end);
        }
        above = row;
    }
    Alignment {
        pairs: walk_back(old, new, &ends),
        cost: above[new].1,
    }
}

fn walk_back(old: usize, new: usize, ends: &[End]) -> Vec<(usize, usize)> {
    let (mut i, mut j) = (old, new);
    let mut pairs = Vec::new();
    while i > 0 && j > 0 {
        match ends[(i - 1) * new + j - 1] {
            End::Pair => {
                (i, j) = (i - 1, j - 1);
                pairs.push((i, j));
            }
            End::SkipOld => i -= 1,
            End::SkipNew => j -= 1,
        }
    }
    pairs.reverse();
    pairs
}

/// One after the other, from the end from which it costs less: what is new in a long list stands in one
/// place of it more often than all over it.
fn in_order(old: usize, new: usize, cost: impl Fn(usize, usize) -> Option<u64>) -> Alignment {
    let count = old.min(new);
    let shifted = |old: usize, new: usize| {
        let mut alignment = Alignment::default();
        for index in 0..count {
            if let Some(cost) = cost(old + index, new + index) {
                alignment.pairs.push((old + index, new + index));
                alignment.cost = alignment.cost.saturating_add(cost);
            }
        }
        alignment
    };
    let (front, back) = (shifted(0, 0), shifted(old - count, new - count));
    let better = |one: &Alignment| (std::cmp::Reverse(one.pairs.len()), one.cost);
    match better(&back) < better(&front) {
        true => back,
        false => front,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(old: &[i64], new: &[i64]) -> Vec<(usize, usize)> {
        align(old.len(), new.len(), |i, j| Some(old[i].abs_diff(new[j]))).pairs
    }

    #[test]
    fn as_many_pairs_as_there_can_be_and_the_nearest() {
        // All moved by ten: nearest alone would pair 10 with 10.
        assert_eq!(of(&[0, 10], &[10, 20]), [(0, 0), (1, 1)]);
        // One is left over: the one that is farthest.
        assert_eq!(of(&[0, 10, 20], &[11, 21]), [(1, 0), (2, 1)]);
        assert_eq!(of(&[5], &[0, 4, 9]), [(0, 1)]);
        assert_eq!(of(&[], &[1]), []);
    }

    #[test]
    fn what_cannot_be_one_is_never_paired() {
        let alignment = align(2, 2, |i, j| (i != j).then_some(1));
        // The two remaining pairs cross each other, so only one of them holds.
        assert_eq!(alignment.pairs.len(), 1);
        assert!(alignment.pairs.iter().all(|(i, j)| i != j));
        assert_eq!(alignment.cost, 1);
    }

    #[test]
    fn long_lists_are_paired_in_order() {
        let alignment = align(2000, 3000, |_, _| Some(0));
        assert_eq!(alignment.pairs.len(), 2000);
        assert_eq!(alignment.pairs.last(), Some(&(1999, 1999)));
        // One more in front of all others, which have moved by one.
        let moved = align(2000, 2001, |i, j| Some((i + 1).abs_diff(j) as u64));
        assert_eq!(moved.pairs.first(), Some(&(0, 1)));
        assert_eq!((moved.pairs.len(), moved.cost), (2000, 0));
    }
}
