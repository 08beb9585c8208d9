//! The wrappers between a row and the allocator.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::site::JoinedSite;
use crate::run::{Call, PassedBy, Run, Text, plain_name};

/// A wrapper that a row's memory came through: the function that the row's line calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Via {
    /// Without arguments.
    pub function: Text,
    pub by: PassedBy,
    /// Blocks that came through it, in the order of the runs.
    pub blocks: Vec<u64>,
}

/// Says of each site which wrappers its memory came through, most blocks of the last run first, and whether it is
/// itself one.
pub fn note_wrappers(sites: &mut [JoinedSite], runs: &[Run]) {
    let mut names = Names::default();
    for site in sites {
        let mut seen: BTreeMap<(Text, PassedBy), Vec<u64>> = BTreeMap::new();
        let mut stands_for = None;
        for (index, of_run) in site.runs.iter().enumerate() {
            let Some(of_run) = of_run else { continue };
            let run = &runs[index];
            for site in of_run.sites.iter().map(|at| &run.sites[*at]) {
                let responsible = run.responsible(site);
                stands_for = stands_for.max(responsible.stands_for);
                let Some((call, by)) = responsible.via else {
                    continue;
                };
                if let Some(function) = names.plain(run, index, call, by) {
                    let blocks = seen.entry((function, by));
                    let blocks = blocks.or_insert_with(|| vec![0; runs.len()]);
                    blocks[index] += site.figures.blocks;
                }
            }
        }
        let via = seen.into_iter();
        let via = via.map(|((function, by), blocks)| Via {
            function,
            by,
            blocks,
        });
        site.via = via.collect();
        let last = |via: &Via| via.blocks.last().copied();
        site.via.sort_by_key(|via| Reverse(last(via)));
        site.stands_for = stands_for;
    }
}

/// Plain names, each made once.
#[derive(Default)]
struct Names {
    of_calls: BTreeMap<(usize, usize, usize), Option<Text>>,
}

impl Names {
    /// Without a name, the runtime is told by its library, and a wrapper by its call.
    fn plain(&mut self, run: &Run, index: usize, call: Call, by: PassedBy) -> Option<Text> {
        let key = (index, call.at.0, call.frame);
        let name = self.of_calls.entry(key).or_insert_with(|| {
            let frame = run.frame_of(call);
            if let Some(function) = frame.and_then(|frame| frame.function.as_deref()) {
                return Some(plain_name(function).into());
            }
            let location = run.location(call.at);
            match by {
                PassedBy::Runtime => Some(run.module_of(location)?.label.name.as_str().into()),
                _ => Some(format!("{:#x}", location.address?.0).into()),
            }
        });
        name.clone()
    }
}
