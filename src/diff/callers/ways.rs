//! The ways of a row, each once over all runs.

use hashbrown::HashMap;

use super::frames::{FramePath, Frames, ids};
use super::join::{JoinedWay, join_paths};
use super::reach::Reach;
use super::way::{Way, WayRun};
use crate::diff::site::JoinedSite;
use crate::run::BlamedRun;

/// The ways of a row.
pub(crate) fn ways(site: &JoinedSite, runs: &[BlamedRun], reach: &Reach) -> Vec<Way> {
    let mut frames = Frames::default();
    let of_runs = site.runs.iter().zip(runs).enumerate();
    let of_runs: Vec<Vec<(FramePath, WayRun)>> = of_runs
        .map(|(index, (of_run, run))| {
            let sites = of_run.as_ref().map_or(&[][..], |of_run| of_run.stacks());
            paths(run, index, sites, reach, &mut frames)
        })
        .collect();
    let joined = join_paths(of_runs, &frames);
    let way = |way: JoinedWay| Way {
        callers: way
            .path
            .into_iter()
            .map(|at| (frames.list[at.frame as usize].clone(), at.comes_back))
            .collect(),
        runs: way.runs,
        forked: way.forked,
    };
    joined.into_iter().map(way).collect()
}

/// The distinct ways of one run, in the order in which they first allocated.
fn paths(
    run: &BlamedRun,
    index: usize,
    sites: &[u32],
    reach: &Reach,
    frames: &mut Frames,
) -> Vec<(FramePath, WayRun)> {
    // A way that came back to a function is the way that did not.
    let mut known: HashMap<Vec<u32>, usize> = HashMap::new();
    let mut paths: Vec<(FramePath, WayRun)> = Vec::new();
    for number in sites {
        let site = &run.sites[*number as usize];
        let path = frames.path(run, index, site, reach);
        let here = WayRun {
            sites: vec![*number],
            figures: Some(site.figures),
        };
        let ids = ids(&path);
        match known.get(&ids) {
            Some(at) => {
                let (same, sum) = &mut paths[*at];
                for (known, here) in same.iter_mut().zip(path) {
                    known.comes_back |= here.comes_back;
                }
                sum.add(here);
            }
            None => {
                known.insert(ids, paths.len());
                paths.push((path, here));
            }
        }
    }
    paths
}
