//! Which source file of one build is which of another, where their directories differ.

use std::collections::{BTreeMap, BTreeSet};

/// How many components two paths have in common from the right; 0 if their file names differ.
pub fn agreement(a: &str, b: &str) -> usize {
    let pairs = from_the_right(a).zip(from_the_right(b));
    pairs.take_while(|(a, b)| a == b).count()
}

fn from_the_right(path: &str) -> impl Iterator<Item = &str> {
    let parts = path.rsplit('/');
    parts.filter(|part| !part.is_empty() && *part != ".")
}

/// With more rivals than this there is no best: of so many, some are as good as others.
const MOST_RIVALS: usize = 1 << 16;

/// Pairs that have the highest score and no rival, then the next highest, and so on. Where several
/// are as good for one of the two, none is taken: a guess would make one of what are two.
pub fn best_pairs<S: Ord + Copy>(
    old: usize,
    new: usize,
    score: impl Fn(usize, usize) -> Option<S>,
) -> Vec<(usize, usize)> {
    if old.saturating_mul(new) > MOST_RIVALS {
        return Vec::new();
    }
    let mut scored: Vec<(S, usize, usize)> = Vec::new();
    for i in 0..old {
        scored.extend((0..new).filter_map(|j| Some((score(i, j)?, i, j))));
    }
    scored.sort_by_key(|(score, i, j)| (std::cmp::Reverse(*score), *i, *j));
    let (mut used_old, mut used_new) = (vec![false; old], vec![false; new]);
    let mut pairs = Vec::new();
    for equals in scored.chunk_by(|a, b| a.0 == b.0) {
        let (mut seen_old, mut seen_new) = (vec![0; old], vec![0; new]);
        let free: Vec<(usize, usize)> = equals
            .iter()
            .map(|(_, i, j)| (*i, *j))
            .filter(|(i, j)| !used_old[*i] && !used_new[*j])
            .collect();
        for (i, j) in &free {
            seen_old[*i] += 1;
            seen_new[*j] += 1;
        }
        for (i, j) in free {
            // A tie settles nothing, and what is worse than the tie settles it no better.
            (used_old[i], used_new[j]) = (true, true);
            if seen_old[i] == 1 && seen_new[j] == 1 {
                pairs.push((i, j));
            }
        }
    }
    pairs
}

/// Files of two builds that are one: equal paths first, then those that agree longest from the right.
pub fn pair_files<'a>(old: &BTreeSet<&'a str>, new: &BTreeSet<&'a str>) -> Vec<(&'a str, &'a str)> {
    let mut pairs: Vec<(&str, &str)> = old.intersection(new).map(|file| (*file, *file)).collect();
    let only = |all: &BTreeSet<&'a str>, others: &BTreeSet<&'a str>| -> Vec<&'a str> {
        all.difference(others).copied().collect()
    };
    let reversed = |files: Vec<&'a str>| -> Vec<(&'a str, Vec<&'a str>)> {
        let parts = |file| (file, from_the_right(file).collect());
        files.into_iter().map(parts).collect()
    };
    let (mut old, mut new) = (reversed(only(old, new)), reversed(only(new, old)));
    let all = || old.iter().chain(&new);
    let longest = all().map(|(_, parts)| parts.len()).max().unwrap_or(0);
    // Those that agree longest first; what has a rival then is settled by nothing that agrees less.
    for length in (1..=longest).rev() {
        let mut ends: BTreeMap<&[&str], Files<'_>> = BTreeMap::new();
        for (file, parts) in &old {
            if let Some(end) = parts.get(..length) {
                ends.entry(end).or_default().0.push(*file);
            }
        }
        for (file, parts) in &new {
            if let Some(end) = parts.get(..length) {
                ends.entry(end).or_default().1.push(*file);
            }
        }
        let mut settled: BTreeSet<&str> = BTreeSet::new();
        for (old, new) in ends.into_values() {
            if let ([old], [new]) = (old.as_slice(), new.as_slice()) {
                pairs.push((*old, *new));
            }
            if !old.is_empty() && !new.is_empty() {
                settled.extend(old.into_iter().chain(new));
            }
        }
        old.retain(|(file, _)| !settled.contains(file));
        new.retain(|(file, _)| !settled.contains(file));
    }
    pairs
}

/// Old ones and new ones.
type Files<'a> = (Vec<&'a str>, Vec<&'a str>);

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<(&'a str, &'a str)> {
        pair_files(
            &old.iter().copied().collect(),
            &new.iter().copied().collect(),
        )
    }

    #[test]
    fn paths_agree_from_the_right() {
        assert_eq!(agreement("/home/a/src/x.c", "/build/src/x.c"), 2);
        assert_eq!(agreement("/home/a/src/x.c", "/build/src/y.c"), 0);
        assert_eq!(agreement("x.c", "./x.c"), 1);
        assert_eq!(agreement("/a/bx.c", "/a/x.c"), 0);
    }

    #[test]
    fn the_longest_agreement_wins() {
        assert_eq!(
            pairs(&["/h/net/x.c", "/h/ui/x.c"], &["/b/ui/x.c", "/b/net/x.c"]),
            [("/h/net/x.c", "/b/net/x.c"), ("/h/ui/x.c", "/b/ui/x.c")]
        );
        // What is left of the longer agreement has only each other.
        assert_eq!(
            pairs(&["/h/x.c", "/h/ui/x.c"], &["/b/ui/x.c", "/b/x.c"]),
            [("/h/ui/x.c", "/b/ui/x.c"), ("/h/x.c", "/b/x.c")]
        );
    }

    #[test]
    fn an_equal_path_has_no_rival() {
        assert_eq!(
            pairs(&["/s/a/x.c"], &["/s/a/x.c", "/t/a/x.c"]),
            [("/s/a/x.c", "/s/a/x.c")]
        );
    }

    #[test]
    fn a_tie_is_no_pair() {
        assert_eq!(pairs(&["/h/p/x.c"], &["/b/q/x.c", "/b/r/x.c"]), []);
        assert_eq!(pairs(&["/h/p/x.c", "/h/o/x.c"], &["/b/q/x.c"]), []);
    }
}
