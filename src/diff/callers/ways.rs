//! The ways of a row, each once over all runs.

use hashbrown::HashMap;

use super::fold::{Frame as FoldedFrame, Step, fold};
use super::join::{Path, ids, join_paths};
use super::{Caller, Reach};
use crate::diff::site::{JoinedSite, ModuleKey};
use crate::run::{Call, CallSite, Figures, Run};

/// A way to a row: what called its line, the nearest caller first.
#[derive(Debug, Clone, PartialEq)]
pub struct Way {
    /// As the last run that has it spells it; and whether the way came back to that function.
    pub callers: Vec<(Caller, bool)>,
    /// In the order of the runs.
    pub runs: Vec<Option<WayRun>>,
    /// It is not clear which way of an earlier run it was.
    pub forked: bool,
}

/// What a run has of a way.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WayRun {
    /// Call sites of the run.
    pub sites: Vec<u32>,
    pub figures: Option<Figures>,
}

impl WayRun {
    pub fn add(&mut self, other: WayRun) {
        self.sites.extend(other.sites);
        self.figures = match (self.figures, other.figures) {
            (Some(mut sum), Some(figures)) => {
                sum.add(figures);
                Some(sum)
            }
            (one, other) => one.or(other),
        };
    }
}

/// The ways of a row.
pub fn ways(site: &JoinedSite, runs: &[Run], reach: &Reach) -> Vec<Way> {
    let mut frames = Frames::default();
    let of_runs = site.runs.iter().zip(runs).enumerate();
    let of_runs: Vec<Vec<(Path, WayRun)>> = of_runs
        .map(|(index, (of_run, run))| {
            let sites = of_run.as_ref().map_or(&[][..], |of_run| of_run.stacks());
            paths(run, index, sites, reach, &mut frames)
        })
        .collect();
    let joined = join_paths(of_runs, &frames);
    let way = |(path, runs, forked): (Path, Vec<Option<WayRun>>, bool)| Way {
        callers: path
            .into_iter()
            .map(|(frame, comes_back)| (frames.list[frame as usize].clone(), comes_back))
            .collect(),
        runs,
        forked,
    };
    joined.into_iter().map(way).collect()
}

/// The distinct ways of one run, in the order in which they first allocated.
fn paths(
    run: &Run,
    index: usize,
    sites: &[u32],
    reach: &Reach,
    frames: &mut Frames,
) -> Vec<(Path, WayRun)> {
    // A way that came back to a function is the way that did not.
    let mut known: HashMap<Vec<u32>, usize> = HashMap::new();
    let mut paths: Vec<(Path, WayRun)> = Vec::new();
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
                for (step, (_, comes_back)) in same.iter_mut().zip(path) {
                    step.1 |= comes_back;
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

/// The frames of all runs, each once.
#[derive(Default)]
pub struct Frames {
    pub list: Vec<Caller>,
    /// Which function each of them is: the first frame of it.
    pub functions: Vec<u32>,
    index: HashMap<Caller, u32>,
    of_functions: HashMap<Caller, u32>,
    /// By run; `None` for what no way shows.
    of_calls: HashMap<(usize, Call), Option<u32>>,
}

impl Frames {
    /// The callers of a row's line, as far as they count.
    fn path(&mut self, run: &Run, index: usize, site: &CallSite, reach: &Reach) -> Vec<Step> {
        let responsible = run.responsible(site).call;
        let calls = run.calls(site).skip_while(|call| *call != responsible);
        let mut shown: Vec<FoldedFrame> = Vec::new();
        for call in calls {
            let is_own = call == responsible;
            let Some(frame) = self.frame(run, index, call, is_own) else {
                continue;
            };
            shown.push((frame, run.is_inlined(call).then_some(call.at)));
            let function = self.list[frame as usize].function.as_deref();
            let is_end = |name: &str| {
                let mut under = reach.under.iter();
                name == "main" || under.any(|under| under.fits(name))
            };
            if function.is_some_and(is_end) {
                break;
            }
        }
        let folded = fold(shown, |frame| self.functions[frame as usize]);
        let callers = folded.into_iter().skip(1);
        callers.take(reach.callers.unwrap_or(usize::MAX)).collect()
    }

    fn frame(&mut self, run: &Run, index: usize, call: Call, is_own: bool) -> Option<u32> {
        if let Some(known) = self.of_calls.get(&(index, call)).filter(|_| !is_own) {
            return *known;
        }
        let is_shown = is_own || run.is_shown(call);
        let frame = is_shown.then(|| self.add(caller(run, call)));
        if !is_own {
            self.of_calls.insert((index, call), frame);
        }
        frame
    }

    fn add(&mut self, caller: Caller) -> u32 {
        if let Some(known) = self.index.get(&caller) {
            return *known;
        }
        let new = self.list.len() as u32;
        let function = match caller.function {
            Some(_) => Caller {
                file: None,
                line: None,
                address: None,
                ..caller.clone()
            },
            None => caller.clone(),
        };
        let function = *self.of_functions.entry(function).or_insert(new);
        self.functions.push(function);
        self.list.push(caller.clone());
        self.index.insert(caller, new);
        new
    }
}

/// A function of a stack, as runs are compared by it.
pub fn caller(run: &Run, call: Call) -> Caller {
    let location = run.location(call.at);
    let module = run.module_of(location).map(|module| &module.label);
    let frame = run.frame_of(call);
    let line = frame.and_then(|frame| frame.line);
    Caller {
        module: module.map(ModuleKey::of),
        function: frame.and_then(|frame| frame.function.clone()),
        file: frame.and_then(|frame| frame.file.clone()),
        line,
        address: location.address.filter(|_| line.is_none()),
    }
}
