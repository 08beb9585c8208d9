//! A run of which it is known who answers for its allocations.

use std::ops::Deref;

use super::answering::NamesSeen;
use super::blame::Blame;
use super::stage::{Runs, ToldApart};
use super::wrapper::{Learned, Wrappers, learn};
use super::{
    Call, CallSite, Figures, LocationId, PassedBy, PassedCall, Responsible, Role, Run, Stacks,
    Symbolized,
};

/// A run, with what answers for each of its stacks, and what they come to.
#[derive(Debug)]
pub struct BlamedRun {
    run: Run,
    blame: Blame,
    sums: Sums,
}

/// What all call sites of a run come to.
#[derive(Debug, Clone, Copy)]
struct Sums {
    live: Figures,
    of_loader: u64,
    lacks_course: bool,
}

/// The runs, with what answers for each of their stacks. What is learned of one run holds in all of them, so that a
/// short run has the rows of a long one.
pub(crate) fn blamed(runs: Runs<ToldApart>, wrappers: &Wrappers) -> Vec<BlamedRun> {
    let mut learned = Learned::default();
    let mut known = NamesSeen::default();
    let mut runs = runs.into_vec();
    loop {
        let blame = |run: Run| {
            let blame = Blame::of(&run, wrappers, &learned, &mut known);
            BlamedRun::new(run, blame)
        };
        let blamed: Vec<BlamedRun> = runs.into_iter().map(blame).collect();
        if wrappers.only_given {
            return blamed;
        }
        // A wrapper can stand behind another one.
        let more: Vec<Learned> = blamed.iter().map(|run| learn(run, &learned)).collect();
        let before = learned.len();
        for more in more {
            learned.extend(more);
        }
        if learned.len() == before {
            return blamed;
        }
        runs = blamed.into_iter().map(BlamedRun::into_run).collect();
    }
}

impl Sums {
    fn of(run: &Run) -> Self {
        let is_loader = |at| {
            let module = run.module_of(run.location(at));
            module.is_some_and(|module| module.label.role == Role::Loader)
        };
        let sites = run.sites.iter();
        let of_loader = sites.filter(|site| is_loader(run.innermost(site)));
        let has_none = || run.sites.iter().all(|site| site.curve.is_none());
        Sums {
            live: run.sum_of_sites(),
            of_loader: of_loader.map(|site| site.figures.blocks).sum(),
            lacks_course: !run.sites.is_empty() && has_none(),
        }
    }
}

impl BlamedRun {
    fn new(run: Run, blame: Blame) -> Self {
        let sums = Sums::of(&run);
        BlamedRun { run, blame, sums }
    }

    /// As far as a run tells alone.
    pub(crate) fn alone(run: Run) -> Self {
        let (wrappers, learned) = (Wrappers::default(), Learned::default());
        let blame = Blame::of(&run, &wrappers, &learned, &mut NamesSeen::default());
        BlamedRun::new(run, blame)
    }

    pub(crate) fn into_run(self) -> Run {
        self.run
    }

    /// The run with those of its call sites that count.
    pub(super) fn with_sites(mut self, mut counts: impl FnMut(&Run, &CallSite) -> bool) -> Self {
        let mut sites = std::mem::take(&mut self.run.sites);
        sites.retain(|site| counts(&self.run, site));
        let run = Run { sites, ..self.run };
        BlamedRun::new(run, self.blame)
    }

    /// What is live of all call sites together, those of the dynamic loader too.
    pub fn live(&self) -> Figures {
        self.sums.live
    }

    /// The live blocks of the dynamic loader's own call sites.
    pub(crate) fn live_of_loader(&self) -> u64 {
        self.sums.of_loader
    }

    /// Whether nothing is known of how its call sites came to their figures, although there are some.
    pub(crate) fn lacks_course(&self) -> bool {
        self.sums.lacks_course
    }

    /// The run without its call sites, and without the places that only they speak of, unless there are blocks to list.
    /// Who knows what each of them comes to has no need of them any more.
    pub(crate) fn without_sites(mut self) -> Self {
        if self.run.blocks.is_some() {
            return self;
        }
        let locations = std::mem::take(&mut self.run.locations);
        let (mut faults, mut of_faults) = (self.run.faults, Vec::new());
        for fault in faults.iter_mut().flatten() {
            of_faults.push(locations[fault.at.0 as usize].clone());
            fault.at = LocationId(of_faults.len() as u32 - 1);
        }
        BlamedRun {
            run: Run {
                faults,
                locations: of_faults,
                sites: Vec::new(),
                stacks: Stacks::default(),
                ..self.run
            },
            blame: Blame::default(),
            sums: self.sums,
        }
    }

    /// What a call site is shown and joined by, with the way from there to the allocator.
    pub(crate) fn responsible(&self, site: &CallSite) -> Responsible {
        let mut via = None;
        let mut innermost: Option<(Responsible, Option<PassedBy>)> = None;
        for (depth, (node, at)) in self.stacks.walk(site.stack).enumerate() {
            let standing = self.blame.standings.of(at);
            let call = |frame: usize| Call { at, frame };
            if let Some((frame, by)) = standing.passed {
                let frame = usize::from(frame);
                // The runtime's own functions often have no name.
                let is_named = by != PassedBy::Runtime || self.frame_of(call(frame)).is_some();
                let is_named = is_named || via.is_none();
                via = is_named
                    .then_some(PassedCall {
                        call: call(frame),
                        by,
                    })
                    .or(via);
            }
            if let Some(frame) = standing.answers
                && !self
                    .blame
                    .within
                    .get(node.index())
                    .is_some_and(|within| *within)
            {
                return Responsible {
                    call: call(frame.into()),
                    depth,
                    via,
                    stands_for: None,
                };
            }
            let by = standing.passed.map(|(_, by)| by);
            // A stack that lies in the runtime from end to end is the runtime's own, unless it was cut there.
            let is_whole = || self.frames(site).nth(1).is_some() && !self.is_cut(site);
            let is_own = by == Some(PassedBy::Runtime) && is_whole();
            let stands_for = by.filter(|by| *by != PassedBy::Header && !is_own);
            let frame = match &self.location(at).name {
                Symbolized::Named(named) => named.shown_at(),
                Symbolized::Unknown(_) => 0,
            };
            // Of those that all stand for others, the runtime's tell least.
            let is_better = innermost.is_none_or(|(_, known)| {
                known == Some(PassedBy::Runtime) && by != Some(PassedBy::Runtime)
            });
            if is_better {
                let responsible = Responsible {
                    call: call(frame),
                    depth,
                    via: None,
                    stands_for,
                };
                innermost = Some((responsible, by));
            }
        }
        let innermost = innermost.map(|(responsible, _)| responsible);
        innermost.unwrap_or(Responsible {
            call: Call {
                at: self.innermost(site),
                frame: 0,
            },
            depth: 0,
            via: None,
            stands_for: None,
        })
    }

    /// Whether a function is one of those that a way to a row is told by: none that stands for its callers, nor the
    /// runtime's that call `main` and the functions of threads.
    pub(crate) fn is_shown(&self, call: Call) -> bool {
        let standing = self.blame.standings.of(call.at);
        let is_before = standing
            .answers
            .is_none_or(|answers| call.frame < answers.into());
        let is_hidden = || {
            let hidden = self.blame.hidden.as_ref();
            hidden.is_some_and(|hidden| self.fits(call, hidden))
        };
        let frame = self.frame_of(call);
        let is_detail = frame.is_some_and(|frame| {
            frame.is_of_system_header() || frame.function.as_deref() == Some("_start")
        });
        !is_before && !is_detail && !is_hidden()
    }

    /// The functions that led to the one that answers for a call site, from its caller outwards.
    pub(crate) fn callers(&self, site: &CallSite) -> impl Iterator<Item = Call> + '_ {
        let responsible = self.responsible(site).call;
        let calls = self.calls(site);
        calls.skip_while(move |call| *call != responsible).skip(1)
    }
}

impl Deref for BlamedRun {
    type Target = Run;

    fn deref(&self) -> &Run {
        &self.run
    }
}
