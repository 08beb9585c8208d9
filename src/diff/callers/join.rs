//! Which way of one run is which of the next.
//!
//! Equal ways first; then those through the same functions, in the order of their lines; and of what is left, the ways
//! that are most alike. So an inlined, a split or an inserted function makes no new way.

use std::collections::BTreeMap;

use hashbrown::HashMap;

use super::frames::{FramePath, Frames, ids};
use super::lcs::likeness;
use super::way::WayRun;
use crate::diff::files::best_pairs;

/// A way of all runs.
pub(super) struct JoinedWay {
    pub path: FramePath,
    /// In the order of the runs.
    pub runs: Vec<Option<WayRun>>,
    /// It is not clear which way of an earlier run it was.
    pub forked: bool,
}

/// Ways that have less in common, of 1000, are two.
const ALIKE: u32 = 500;

/// Of more ways than this, that are not equal, none is aligned.
const MOST_ALIGNED: usize = 200;

/// The ways of all runs, each once.
pub(super) fn join_paths(
    of_runs: Vec<Vec<(FramePath, WayRun)>>,
    frames: &Frames,
) -> Vec<JoinedWay> {
    let runs = of_runs.len();
    let mut joined: Vec<JoinedWay> = Vec::new();
    for (index, new) in of_runs.into_iter().enumerate() {
        let old: Vec<&FramePath> = joined.iter().map(|way| &way.path).collect();
        let paths: Vec<&FramePath> = new.iter().map(|(path, _)| path).collect();
        let (matches, forked) = matched(&old, &paths, frames);
        let new = new.into_iter().zip(matches).zip(forked);
        for (((path, here), found), forked) in new {
            let at = found.unwrap_or_else(|| {
                joined.push(JoinedWay {
                    path: path.clone(),
                    runs: vec![None; runs],
                    forked: false,
                });
                joined.len() - 1
            });
            let way = &mut joined[at];
            way.path = path;
            way.runs[index] = Some(here);
            way.forked |= forked;
        }
    }
    joined
}

/// For each new way the old one that it is; and whether another is as much it.
fn matched(
    old: &[&FramePath],
    new: &[&FramePath],
    frames: &Frames,
) -> (Vec<Option<usize>>, Vec<bool>) {
    let mut found: Vec<Option<usize>> = vec![None; new.len()];
    let mut taken = vec![false; old.len()];
    let mut take = |found: &mut Vec<Option<usize>>, i: usize, j: usize| {
        found[j] = Some(i);
        taken[i] = true;
    };
    let known: HashMap<Vec<u32>, usize> = old
        .iter()
        .enumerate()
        .map(|(i, path)| (ids(path), i))
        .collect();
    for (j, path) in new.iter().enumerate() {
        if let Some(i) = known.get(&ids(path)) {
            take(&mut found, *i, j);
        }
    }
    for (i, j) in by_functions(old, new, frames, &taken, &found) {
        found[j] = Some(i);
        taken[i] = true;
    }
    let mut forked = vec![false; new.len()];
    for (i, j) in aligned(old, new, frames, &taken, &found, &mut forked) {
        found[j] = Some(i);
    }
    (found, forked)
}

fn functions(path: &FramePath, frames: &Frames) -> Vec<u32> {
    path.iter()
        .map(|at| frames.functions[at.frame as usize])
        .collect()
}

/// Ways through the same functions. As many of both are paired in the order of their lines; else those pairs that
/// keep most lines.
fn by_functions(
    old: &[&FramePath],
    new: &[&FramePath],
    frames: &Frames,
    taken: &[bool],
    found: &[Option<usize>],
) -> Vec<(usize, usize)> {
    let mut groups: BTreeMap<Vec<u32>, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
    for (i, path) in old.iter().enumerate().filter(|(i, _)| !taken[*i]) {
        groups.entry(functions(path, frames)).or_default().0.push(i);
    }
    for (j, path) in new.iter().enumerate().filter(|(j, _)| found[*j].is_none()) {
        groups.entry(functions(path, frames)).or_default().1.push(j);
    }
    let lines = |path: &FramePath| -> Vec<Option<u32>> {
        let lines = path.iter().map(|at| frames.list[at.frame as usize].line);
        lines.collect()
    };
    let mut pairs = Vec::new();
    for (mut olds, mut news) in groups.into_values() {
        if olds.len() == news.len() {
            olds.sort_by_key(|i| lines(old[*i]));
            news.sort_by_key(|j| lines(new[*j]));
            pairs.extend(olds.into_iter().zip(news));
            continue;
        }
        let kept = |i: usize, j: usize| {
            let (a, b) = (lines(old[olds[i]]), lines(new[news[j]]));
            Some(a.iter().zip(&b).filter(|(a, b)| a == b).count())
        };
        let best = best_pairs(olds.len(), news.len(), kept);
        pairs.extend(best.into_iter().map(|(i, j)| (olds[i], news[j])));
    }
    pairs
}

/// Ways that are most alike. Where several are as good for one, or it is taken, the way has forked: it split, or several
/// became one.
fn aligned(
    old: &[&FramePath],
    new: &[&FramePath],
    frames: &Frames,
    taken: &[bool],
    found: &[Option<usize>],
    forked: &mut [bool],
) -> Vec<(usize, usize)> {
    let olds: Vec<usize> = (0..old.len()).filter(|i| !taken[*i]).collect();
    let news: Vec<usize> = (0..new.len()).filter(|j| found[*j].is_none()).collect();
    if olds.len().max(news.len()) > MOST_ALIGNED || news.is_empty() {
        return Vec::new();
    }
    let of_old: Vec<Vec<u32>> = olds.iter().map(|i| functions(old[*i], frames)).collect();
    let of_new: Vec<Vec<u32>> = news.iter().map(|j| functions(new[*j], frames)).collect();
    let alike = |i: usize, j: usize| {
        let likeness = likeness(&of_old[i], &of_new[j]);
        (likeness >= ALIKE).then_some(likeness)
    };
    let pairs = best_pairs(olds.len(), news.len(), alike);
    for (j, at) in news.iter().enumerate() {
        let is_paired = pairs.iter().any(|(_, paired)| *paired == j);
        let has_like = (0..olds.len()).any(|i| alike(i, j).is_some());
        forked[*at] = !is_paired && has_like;
    }
    pairs.into_iter().map(|(i, j)| (olds[i], news[j])).collect()
}
