//! What sites may be as well as what they were matched with, and what that makes of the growth of the rows they are in.

use std::collections::BTreeMap;

use crate::run::Figures;

/// A site that may be another one of the first run.
#[derive(Debug)]
pub(super) struct Doubt {
    pub site: usize,
    /// What the first run has of it, as it was matched.
    pub first: Figures,
    /// The sites that it may be as well, with what the first run has of each; `None` is one that no earlier run knows.
    pub rivals: Vec<(Option<usize>, Figures)>,
}

/// The least that the first run may have of rows that are unsure, by their indexes. `rows` says which row each site is in,
/// and `first` what the first run has of a row. Which of its own sites is which makes no difference to a row, and none of
/// the several sites of a row is new: their stacks have shown that they are one line, inlined otherwise, or the sizes that they
/// ask for that they are what stood in one line.
pub(super) fn least_of_rows(
    doubts: &[Doubt],
    rows: &[usize],
    first: impl Fn(usize) -> Figures,
) -> BTreeMap<usize, Figures> {
    let mut sites = vec![0_u32; rows.len()];
    for row in rows {
        sites[*row] += 1;
    }
    let mut least = BTreeMap::new();
    for doubt in doubts {
        let row = rows[doubt.site];
        let is_outside = |rival: &Option<usize>| match rival {
            Some(rival) => rows[*rival] != row,
            None => sites[row] == 1,
        };
        let outside = doubt.rivals.iter().filter(|(rival, _)| is_outside(rival));
        let Some(of_rivals) = outside.map(|(_, first)| *first).reduce(Figures::least) else {
            continue;
        };
        let lowest = doubt.first.least(of_rivals);
        let sum = least.entry(row).or_insert_with(|| first(row));
        *sum = in_place_of(*sum, doubt.first, lowest);
    }
    least
}

/// A sum with a lower figure in place of one of its parts.
fn in_place_of(sum: Figures, part: Figures, lower: Figures) -> Figures {
    let replaced = |sum: u64, part: u64, lower: u64| sum.saturating_sub(part.saturating_sub(lower));
    let replaced_if_known = |sum: Option<u64>, part: Option<u64>, lower: Option<u64>| {
        Some(replaced(sum?, part?, lower?))
    };
    Figures {
        blocks: replaced(sum.blocks, part.blocks, lower.blocks),
        bytes: replaced_if_known(sum.bytes, part.bytes, lower.bytes),
        allocations: replaced_if_known(sum.allocations, part.allocations, lower.allocations),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(blocks: u64) -> Figures {
        Figures {
            blocks,
            bytes: Some(blocks * 10),
            allocations: None,
        }
    }

    fn doubt(site: usize, first: u64, rivals: &[(Option<usize>, u64)]) -> Doubt {
        let rivals = rivals
            .iter()
            .map(|(rival, first)| (*rival, figures(*first)));
        Doubt {
            site,
            first: figures(first),
            rivals: rivals.collect(),
        }
    }

    #[test]
    fn the_least_rival_counts() {
        let doubts = [
            doubt(0, 50, &[(Some(1), 20), (None, 0)]),
            doubt(1, 20, &[(Some(0), 50)]),
        ];
        let least = least_of_rows(&doubts, &[0, 1], |row| figures([50, 20][row]));
        assert_eq!(least[&0].blocks, 0);
        assert_eq!(least[&1], figures(20));
    }

    #[test]
    fn sites_of_one_row_are_no_rivals_and_others_still_are() {
        // Sites 0 and 1 are in row 0, which has 70 blocks of them; site 2 is a row of its own.
        let (rows, first) = ([0, 0, 1], |row: usize| figures([70, 5][row]));
        let among_them = [
            doubt(0, 50, &[(Some(1), 20)]),
            doubt(1, 20, &[(Some(0), 50)]),
        ];
        assert!(least_of_rows(&among_them, &rows, first).is_empty());
        let with_another = [
            doubt(0, 50, &[(Some(1), 20), (Some(2), 5)]),
            doubt(1, 20, &[(Some(0), 50), (None, 0)]),
        ];
        let least = least_of_rows(&with_another, &rows, first);
        // 50 may be 5, and the other 20 are not new.
        assert_eq!(least[&0], figures(25));
    }
}
