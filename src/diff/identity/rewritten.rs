//! A function with other parameters, or inlined into a function that another build does not have.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::MatchedBy;
use super::candidate::Candidate;
use super::function::by_lines;
use super::inlined::{by_context, groups};
use super::matching::{Group, Matching};
use super::pair::Pair;
use crate::diff::align::are_long;

/// Pairs what sizes tell, and never for sure: what was renamed and what went, while the like of it came, are one
/// to two runs.
pub(super) fn pair(matching: &mut Matching<'_>) {
    let functions = [matching.old, matching.new].map(functions_of);
    for group in groups(matching) {
        for mut pair in pairs(matching, &group, &functions) {
            pair.rivals.push(None);
            matching.pair_found(pair, MatchedBy::MovedLine);
        }
    }
}

/// By index of the run, the functions of all chains.
type Functions<'a> = [BTreeSet<&'a str>; 2];

fn functions_of(sites: &[Candidate]) -> BTreeSet<&str> {
    let steps = sites.iter().flat_map(|site| &site.chain);
    steps.filter_map(|step| step.function.as_deref()).collect()
}

fn pairs(matching: &Matching<'_>, group: &Group, functions: &Functions<'_>) -> Vec<Pair> {
    let old = by_context(&group.old, matching.old);
    let new = by_context(&group.new, matching.new);
    if are_long(old.len(), new.len()) {
        return Vec::new();
    }
    let mut fits = Vec::new();
    for (i, a) in old.iter().enumerate() {
        for (j, b) in new.iter().enumerate() {
            let (one, other) = (&matching.old[a[0]], &matching.new[b[0]]);
            if !may_be_rewritten(one, other, functions) {
                continue;
            }
            let places = Group {
                old: a.clone(),
                new: b.clone(),
            };
            let found = by_lines(matching, &places, 1);
            let agreeing = found.iter().filter(|pair| has_same_sizes(matching, pair));
            // One call of a common size is no evidence: what does not allocate in a run may be there all the same.
            let agreeing = agreeing.count();
            if agreeing > 1 && agreeing * 2 > a.len().max(b.len()) {
                fits.push((i, j, agreeing, found));
            }
        }
    }
    fits.sort_by_key(|(i, j, agreeing, _)| (Reverse(*agreeing), *i, *j));
    let (mut used_old, mut used_new) = (vec![false; old.len()], vec![false; new.len()]);
    let mut pairs = Vec::new();
    for (i, j, _, found) in fits {
        if !used_old[i] && !used_new[j] {
            (used_old[i], used_new[j]) = (true, true);
            pairs.extend(found);
        }
    }
    pairs
}

fn has_same_sizes(matching: &Matching<'_>, pair: &Pair) -> bool {
    let (a, b) = (&matching.old[pair.old], &matching.new[pair.new]);
    a.sizes.is_same(&b.sizes)
}

/// Whether a function is in one of the builds only, where two chains part.
fn may_be_rewritten(old: &Candidate, new: &Candidate, functions: &Functions<'_>) -> bool {
    let name = |site: &'_ Candidate, depth: usize| {
        let step = site.chain.get(depth);
        step.and_then(|step| step.function.as_deref().map(str::to_owned))
    };
    let most = old.chain.len().max(new.chain.len());
    let parted = (0..most).find(|depth| name(old, *depth) != name(new, *depth));
    let Some(depth) = parted else {
        return false;
    };
    let is_gone = name(old, depth).is_some_and(|name| !functions[1].contains(name.as_str()));
    let is_new = name(new, depth).is_some_and(|name| !functions[0].contains(name.as_str()));
    match depth {
        // An overload that stays is another function.
        0 => is_gone && is_new,
        _ => is_gone || is_new,
    }
}
