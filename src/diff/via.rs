//! The wrappers between a row and the allocator.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::beyond::Wrapper;
use super::site::JoinedSite;
use crate::run::{PassedBy, Text};

/// A wrapper that a row's memory came through: the function that the row's line calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Via {
    /// Without arguments.
    pub function: Text,
    /// How it is known to allocate for its callers.
    pub by: PassedBy,
    /// Blocks that came through it, in the order of the runs.
    pub blocks: Vec<u64>,
}

impl JoinedSite {
    /// Wrappers that its memory came through, most blocks of the last run first; none where it asked the allocator
    /// itself.
    pub fn via(&self) -> Vec<Via> {
        let mut seen: BTreeMap<Wrapper, Vec<u64>> = BTreeMap::new();
        for (index, run) in self.runs.iter().enumerate() {
            let beyond = run.as_ref().and_then(|run| run.beyond.as_ref());
            for (via, blocks) in beyond.into_iter().flat_map(|beyond| &beyond.via) {
                let of_runs = seen.entry(via.clone());
                of_runs.or_insert_with(|| vec![0; self.runs.len()])[index] += blocks;
            }
        }
        let via = seen.into_iter();
        let via = via.map(|(wrapper, blocks)| Via {
            function: wrapper.function,
            by: wrapper.by,
            blocks,
        });
        let mut via: Vec<Via> = via.collect();
        via.sort_by_key(|via| Reverse(via.blocks.last().copied()));
        via
    }

    /// It is itself a wrapper, or in the C or C++ runtime: who called it is not known.
    pub fn stands_for(&self) -> Option<PassedBy> {
        let runs = self.runs.iter().flatten();
        let beyond = runs.filter_map(|run| run.beyond.as_ref());
        beyond.filter_map(|beyond| beyond.stands_for).max()
    }
}
