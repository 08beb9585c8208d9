//! Rows of one line that another build has apart, because it inlined the function elsewhere, or a recursion otherwise:
//! their callers tell.
//!
//! Such a row came or went, and in the run that does not have it, the line was reached through the very functions that
//! it is inlined into. Then the line is one row.

use std::collections::BTreeSet;

use hashbrown::HashMap;

use super::links::Links;
use super::matched_by::MatchedBy;
use super::site::{JoinedSite, SiteKey, SiteRun};
use crate::run::{Run, Text};
use crate::symbol_name::without_clone;

#[derive(PartialEq, Eq, Hash)]
struct LineOfRun {
    run: usize,
    function: Option<Text>,
    file: Option<Text>,
    line: u32,
}

/// Finds the rows of a line that are one.
pub(super) fn link_by_inlining(sites: &[JoinedSite], runs: &[Run], links: &mut Links) {
    if runs.len() < 2 || !runs.iter().all(Run::has_stacks) {
        return;
    }
    let mut of_lines: HashMap<LineOfRun, Vec<usize>> = HashMap::new();
    for (index, site) in sites.iter().enumerate() {
        for line in lines(site, runs) {
            of_lines.entry(line).or_default().push(index);
        }
    }
    for (index, site) in sites.iter().enumerate() {
        let missing = (0..runs.len()).filter(|run| site.runs[*run].is_none());
        let missing: Vec<usize> = missing.collect();
        let Some(chain) = chain(site).filter(|_| !missing.is_empty()) else {
            continue;
        };
        let lines = lines(site, runs);
        let others = lines.iter().filter_map(|line| of_lines.get(line)).flatten();
        let others: BTreeSet<usize> = others.copied().filter(|other| *other != index).collect();
        for other in others {
            let is_reached = missing.iter().any(|run| {
                let here = sites[other].runs[*run].as_deref();
                here.is_some_and(|here| is_reached(here, &runs[*run], &chain))
            });
            if is_reached {
                links.add(index.min(other), index.max(other), MatchedBy::Callers);
            }
        }
    }
}

/// The line of a site in each run that has it.
fn lines(site: &JoinedSite, runs: &[Run]) -> Vec<LineOfRun> {
    let of_runs = site.runs.iter().zip(runs).enumerate();
    let line = |(number_of_run, (here, run)): (usize, (&Option<Box<SiteRun>>, &Run))| {
        let number = *here.as_ref()?.stacks().first()?;
        let call = run.responsible(&run.sites[number as usize]).call;
        let frame = run.frame_of(call)?;
        let function = frame.function.as_deref().map(without_clone);
        Some(LineOfRun {
            run: number_of_run,
            function: function.map(Text::from),
            file: frame.file.clone(),
            line: frame.line?,
        })
    };
    of_runs.filter_map(line).collect()
}

/// The functions of a site, from its own to the one that all of them are inlined into.
fn chain(site: &JoinedSite) -> Option<Vec<Text>> {
    let SiteKey::Line {
        function,
        inlined_into,
        ..
    } = &site.key
    else {
        return None;
    };
    let outer = inlined_into.iter().map(|frame| frame.function.as_deref());
    let all = std::iter::once(function.as_deref()).chain(outer);
    all.map(|function| Some(Text::from(without_clone(function?))))
        .collect()
}

/// Whether a stack of a run leads to a site through these functions, recursion folded.
fn is_reached(here: &SiteRun, run: &Run, chain: &[Text]) -> bool {
    here.stacks().iter().any(|number| {
        let site = &run.sites[*number as usize];
        let own = run.responsible(site).call;
        let calls = run.calls(site).skip_while(|call| *call != own);
        let shown = calls.filter(|call| *call == own || run.is_shown(*call));
        let mut way: Vec<Text> = Vec::new();
        for call in shown {
            let Some(function) = run
                .frame_of(call)
                .and_then(|frame| frame.function.as_deref())
            else {
                return false;
            };
            let function = without_clone(function);
            match way.iter().position(|known| **known == *function) {
                Some(at) => way.truncate(at + 1),
                None => way.push(function.into()),
            }
            if way == chain {
                return true;
            }
        }
        false
    })
}
