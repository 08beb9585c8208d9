//! Looking at a part of the stacks of a run.

use std::fmt;

use super::{BlamedRun, Call, FramePattern, Pattern};

/// Which stacks count.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Those that go through this function.
    pub under: Option<Pattern>,
    /// Those that have a frame that fits.
    pub focus: Option<FramePattern>,
}

/// Runs of which only some stacks count.
#[derive(Debug, Clone)]
pub struct Only {
    /// What they go through.
    pub filter: String,
    /// Live blocks of the last run that count.
    pub kept: u64,
    /// All of them.
    pub all: u64,
    /// Of those that do not count, how many are in stacks that were cut.
    pub cut: u64,
}

/// Runs with what counts of them.
#[derive(Debug)]
pub(crate) struct Kept {
    pub runs: Vec<BlamedRun>,
    /// What they are a part of; `None` where all counts.
    pub only: Option<Only>,
}

impl Filter {
    pub(crate) fn is_set(&self) -> bool {
        self.under.is_some() || self.focus.is_some()
    }

    /// The runs with those of their call sites whose stacks count.
    pub(crate) fn kept(&self, runs: Vec<BlamedRun>) -> Kept {
        if !self.is_set() {
            return Kept { runs, only: None };
        }
        let live = |run: Option<&BlamedRun>| run.map_or(0, |run| run.live().blocks);
        let all = live(runs.last());
        let runs = runs.into_iter().map(|run| self.kept_of(run));
        let (runs, cut): (Vec<BlamedRun>, Vec<u64>) = runs.unzip();
        let only = Only {
            filter: self.to_string(),
            kept: live(runs.last()),
            all,
            cut: cut.last().copied().unwrap_or(0),
        };
        Kept {
            runs,
            only: Some(only),
        }
    }

    /// A run with what counts of it; and how many live blocks are in other stacks that were cut: who knows the rest of
    /// these would perhaps count them.
    fn kept_of(&self, run: BlamedRun) -> (BlamedRun, u64) {
        let of_location = |fits: &dyn Fn(Call) -> bool| -> Vec<bool> {
            let all = (0..run.locations.len() as u32).map(super::LocationId);
            all.map(|at| run.calls_at(at).any(fits)).collect()
        };
        let under = self.under.as_ref().map(|under| {
            of_location(&|call| {
                let function = run
                    .frame_of(call)
                    .and_then(|frame| frame.function.as_deref());
                function.is_some_and(|function| under.fits(function))
            })
        });
        let focus = self
            .focus
            .as_ref()
            .map(|focus| of_location(&|call| run.fits(call, focus)));
        let mut cut = 0;
        let run = run.with_sites(|run, site| {
            let goes_through = |known: &Vec<bool>| run.frames(site).any(|at| known[at.0 as usize]);
            let counts = under.iter().chain(&focus).all(goes_through);
            if !counts && run.is_cut(site) {
                cut += site.figures.blocks;
            }
            counts
        });
        (run, cut)
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.under, &self.focus) {
            (Some(under), Some(focus)) => write!(f, "{under}, and {focus}"),
            (Some(under), None) => under.fmt(f),
            (None, Some(focus)) => focus.fmt(f),
            (None, None) => f.write_str("anything"),
        }
    }
}
