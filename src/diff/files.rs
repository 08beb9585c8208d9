//! Which source file of one build is which of another, where their directories differ.

use std::collections::{BTreeMap, BTreeSet};

/// How many components two paths have in common from the right; 0 if their file names differ.
pub fn agreement(a: &str, b: &str) -> usize {
    let parts = |path: &'_ str| -> Vec<String> {
        let parts = path
            .rsplit('/')
            .filter(|part| !part.is_empty() && *part != ".");
        parts.map(str::to_owned).collect()
    };
    let (a, b) = (parts(a), parts(b));
    a.iter().zip(&b).take_while(|(a, b)| a == b).count()
}

/// With more rivals than this there is no best.
const MOST_RIVALS: usize = 1 << 20;

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
    let (old, new) = (only(old, new), only(new, old));
    // Files of other names never agree, and there are few of one name.
    for (old, new) in by_name(&old, &new).into_values() {
        let found = best_pairs(old.len(), new.len(), |i, j| Some(agreement(old[i], new[j])));
        pairs.extend(found.into_iter().map(|(i, j)| (old[i], new[j])));
    }
    pairs
}

type Files<'a> = (Vec<&'a str>, Vec<&'a str>);

fn by_name<'a>(old: &[&'a str], new: &[&'a str]) -> BTreeMap<&'a str, Files<'a>> {
    let mut names: BTreeMap<&str, Files<'_>> = BTreeMap::new();
    for file in old {
        names.entry(base(file)).or_default().0.push(*file);
    }
    for file in new {
        names.entry(base(file)).or_default().1.push(*file);
    }
    names
}

fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

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
