//! Which source file of one build is which of another, where their directories differ.

use std::collections::{BTreeMap, BTreeSet};

use crate::file_name::last_part;

/// How many components two paths have in common from the right; 0 if their file names differ.
pub(super) fn agreement(a: &str, b: &str) -> usize {
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
pub(super) fn best_pairs<S: Ord + Copy>(
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

/// Two files that are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FilePair<'a> {
    pub old: &'a str,
    pub new: &'a str,
    /// Their directories tell that one may have gone and the other come.
    pub unsure: bool,
}

/// The files of a module in two builds: those with call sites, and the others that it was made of.
#[derive(Debug, Default)]
pub(super) struct FilePairs<'a> {
    old: BTreeSet<&'a str>,
    new: BTreeSet<&'a str>,
    /// Paths that are in both builds.
    common: BTreeSet<&'a str>,
}

impl<'a> FilePairs<'a> {
    pub(super) fn new(old: BTreeSet<&'a str>, new: BTreeSet<&'a str>) -> Self {
        let common = old.intersection(&new).copied().collect();
        FilePairs { old, new, common }
    }

    /// Adds files that are there, whether or not they have call sites.
    pub(super) fn add_quiet(
        &mut self,
        old: impl Iterator<Item = &'a str>,
        new: impl Iterator<Item = &'a str>,
    ) {
        let (old, new): (BTreeSet<&str>, BTreeSet<&str>) = (old.collect(), new.collect());
        self.common.extend(old.intersection(&new));
        // Only what has the name of a file with call sites can be one, or keep another from being it.
        let sites = self.old.iter().chain(&self.new);
        let names: BTreeSet<&str> = sites.map(|file| last_part(file)).collect();
        let has_name = |file: &&str| names.contains(last_part(file));
        self.old.extend(old.into_iter().filter(has_name));
        self.new.extend(new.into_iter().filter(has_name));
    }

    pub(super) fn pairs(&self) -> Vec<FilePair<'a>> {
        let pairs = pair_files(&self.old, &self.new);
        let mut moves: BTreeMap<Move<'_>, usize> = BTreeMap::new();
        for (old, new) in pairs.iter().filter(|(old, new)| old != new) {
            *moves.entry(roots(old, new)).or_default() += 1;
        }
        let pair = |(old, new): (&'a str, &'a str)| FilePair {
            old,
            new,
            unsure: old != new && self.is_odd(&roots(old, new), &moves),
        };
        pairs.into_iter().map(pair).collect()
    }

    /// Whether other files say that a directory above both stayed what it was, so that these differ in
    /// directories of the sources, and not in where the sources lie; and too few moved with them.
    fn is_odd(&self, one: &Move<'_>, moves: &BTreeMap<Move<'_>, usize>) -> bool {
        if moves.get(one).is_some_and(|files| *files >= OF_A_DIRECTORY) {
            return false;
        }
        let Move {
            old: old_root,
            new: new_root,
        } = one;
        let above = old_root.iter().zip(new_root);
        let above: Vec<&str> = above.take_while(|(a, b)| a == b).map(|(a, _)| *a).collect();
        let stayed = || {
            let above = format!("/{}/", above.join("/"));
            let mut below = self.common.range(above.as_str()..);
            below.next().is_some_and(|file| file.starts_with(&above))
        };
        let is_beyond = |Move { old, new }: &Move<'_>| {
            let is_above =
                |root: &[&str], of: &[&str]| root.len() < of.len() && of.starts_with(root);
            is_above(old, old_root) && is_above(new, new_root)
        };
        (!above.is_empty() && stayed()) || moves.keys().any(is_beyond)
    }
}

/// So many files make a directory that was renamed; fewer can be namesakes in two directories.
const OF_A_DIRECTORY: usize = 3;

/// What two paths begin with, without what they have in common at their ends.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Move<'a> {
    old: Vec<&'a str>,
    new: Vec<&'a str>,
}

fn roots<'a>(old: &'a str, new: &'a str) -> Move<'a> {
    let common = agreement(old, new);
    let root = |path| {
        let mut parts: Vec<&str> = from_the_right(path).skip(common).collect();
        parts.reverse();
        parts
    };
    Move {
        old: root(old),
        new: root(new),
    }
}

/// Files of two builds that are one: equal paths first, then those that agree longest from the right.
fn pair_files<'a>(old: &BTreeSet<&'a str>, new: &BTreeSet<&'a str>) -> Vec<(&'a str, &'a str)> {
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
        let mut ends: BTreeMap<&[&str], FilesAlike<'_>> = BTreeMap::new();
        for (file, parts) in &old {
            if let Some(end) = parts.get(..length) {
                ends.entry(end).or_default().old.push(*file);
            }
        }
        for (file, parts) in &new {
            if let Some(end) = parts.get(..length) {
                ends.entry(end).or_default().new.push(*file);
            }
        }
        let mut settled: BTreeSet<&str> = BTreeSet::new();
        for FilesAlike { old, new } in ends.into_values() {
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

/// Files of two builds that end alike.
#[derive(Default)]
struct FilesAlike<'a> {
    old: Vec<&'a str>,
    new: Vec<&'a str>,
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
    fn a_file_without_call_sites_is_there() {
        // Of one build, only the one allocates, of the other only the other; both have both.
        let all = ["/s/audio/init.c", "/s/video/init.c", "/s/m.c"];
        let mut pairs = FilePairs::new([all[0]].into(), [all[1]].into());
        pairs.add_quiet(all.into_iter(), all.into_iter());
        let same = |file| FilePair {
            old: file,
            new: file,
            unsure: false,
        };
        assert_eq!(pairs.pairs(), [same(all[0]), same(all[1])]);
        // Built elsewhere, too.
        let moved = ["/b/audio/init.c", "/b/video/init.c"];
        let mut pairs = FilePairs::new([all[0]].into(), [moved[1]].into());
        pairs.add_quiet(all.into_iter(), moved.into_iter());
        let of = |index: usize| FilePair {
            old: all[index],
            new: moved[index],
            unsure: false,
        };
        assert_eq!(pairs.pairs(), [of(0), of(1)]);
    }

    #[test]
    fn a_directory_of_the_sources_counts() {
        let unsure = |old: &[&'static str], new: &[&'static str]| {
            let of = |files: &[&'static str]| files.iter().copied().collect();
            let pairs = FilePairs::new(of(old), of(new)).pairs();
            let unsure = pairs.iter().filter(|pair| pair.unsure);
            unsure.map(|pair| pair.old.to_owned()).collect::<Vec<_>>()
        };
        let none: [&str; 0] = [];
        // One directory is another, although the sources lie where they lay, or all lie elsewhere.
        let old = ["/s/audio/init.c", "/s/m.c"];
        assert_eq!(unsure(&old, &["/s/video/init.c", "/s/m.c"]), old[..1]);
        assert_eq!(unsure(&old, &["/b/video/init.c", "/b/m.c"]), old[..1]);
        // The sources lie elsewhere, headers of the system do not.
        let old = ["/home/a/m.c", "/usr/include/x.h"];
        assert_eq!(unsure(&old, &["/home/b/m.c", "/usr/include/x.h"]), none);
        assert_eq!(unsure(&["/s/a/m.c"], &["/s/b/m.c"]), none);
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
