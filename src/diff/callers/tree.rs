//! The ways of a row as a tree: what they have in common is there once.

use std::cmp::Reverse;

use super::way::Way;
use crate::diff::caller::Caller;
use crate::diff::column::Column;
use crate::diff::growth::{Growth, ends};
use crate::run::Figures;

/// What is left out of a tree.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Cut {
    /// Branches of a smaller share of the row, from 0 to 1.
    pub share: f64,
}

/// The callers of a row, the nearest ones first.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct CallerTree {
    pub nodes: Vec<CallerNode>,
    pub rest: Option<Rest>,
}

/// Callers that follow each other without a branch, and what calls the last of them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CallerNode {
    /// Each with whether the way came back to it.
    pub callers: Vec<(Caller, bool)>,
    /// In the order of the runs.
    pub figures: Vec<Figures>,
    pub growth: Growth,
    pub forked: bool,
    pub tree: CallerTree,
}

/// Branches that are too small to be shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rest {
    pub branches: usize,
    pub growth: Growth,
}

impl CallerTree {
    /// Of the ways of a row.
    pub(crate) fn of(ways: &[Way], columns: &[Column], cut: Cut) -> Self {
        let ways: Vec<&Way> = ways.iter().collect();
        let whole = sum(&ways, columns);
        CallerTree::below(&ways, 0, columns, cut, weight(whole.1))
    }

    fn below(ways: &[&Way], depth: usize, columns: &[Column], cut: Cut, whole: u64) -> Self {
        let mut branches: Vec<(&Caller, Vec<&Way>)> = Vec::new();
        let mut sorted: Vec<&Way> = ways
            .iter()
            .copied()
            .filter(|way| way.callers.len() > depth)
            .collect();
        sorted.sort_by(|a, b| a.callers[depth].0.cmp(&b.callers[depth].0));
        for way in sorted {
            let caller = &way.callers[depth].0;
            match branches.last_mut() {
                Some((known, ways)) if *known == caller => ways.push(way),
                _ => branches.push((caller, vec![way])),
            }
        }
        let mut nodes = Vec::new();
        let mut rest = Rest {
            branches: 0,
            growth: Growth::ZERO,
        };
        for (_, ways) in branches {
            let (figures, growth) = sum(&ways, columns);
            if (weight(growth) as f64) < cut.share * whole as f64 {
                rest.branches += 1;
                rest.growth.add(growth);
                continue;
            }
            nodes.push(CallerNode::of(
                &ways, depth, figures, growth, columns, cut, whole,
            ));
        }
        nodes.sort_by_key(|node| (Reverse(node.growth.blocks), Reverse(node.growth.bytes)));
        CallerTree {
            nodes,
            rest: (weight(rest.growth) > 0).then_some(rest),
        }
    }
}

impl CallerNode {
    /// Of ways that have the caller at a depth in common, and perhaps more.
    fn of(
        ways: &[&Way],
        depth: usize,
        figures: Vec<Figures>,
        growth: Growth,
        columns: &[Column],
        cut: Cut,
        whole: u64,
    ) -> Self {
        let first = ways[0];
        let is_common = |at: usize| {
            let caller = first.callers.get(at).map(|(caller, _)| caller);
            let same = |way: &&Way| way.callers.get(at).map(|(caller, _)| caller) == caller;
            caller.is_some() && ways.iter().all(same)
        };
        let common = (depth..).take_while(|at| is_common(*at)).count();
        let callers = (depth..depth + common).map(|at| {
            let comes_back = ways.iter().any(|way| way.callers[at].1);
            (first.callers[at].0.clone(), comes_back)
        });
        CallerNode {
            callers: callers.collect(),
            figures,
            growth,
            forked: ways.iter().any(|way| way.forked),
            tree: CallerTree::below(ways, depth + common, columns, cut, whole),
        }
    }
}

fn sum(ways: &[&Way], columns: &[Column]) -> (Vec<Figures>, Growth) {
    let mut figures: Vec<Figures> = columns.iter().map(|column| column.nothing).collect();
    for way in ways {
        for (sum, run) in figures.iter_mut().zip(&way.runs) {
            if let Some(of_way) = run.as_ref().and_then(|run| run.figures) {
                sum.add(of_way);
            }
        }
    }
    let (first, last) = ends(&figures);
    (figures, Growth::between(first, last))
}

/// What a share is taken of: blocks; bytes where no block came or went.
fn weight(growth: Growth) -> u64 {
    match growth.blocks {
        0 => growth.bytes.unwrap_or(0).unsigned_abs(),
        blocks => blocks.unsigned_abs(),
    }
}
