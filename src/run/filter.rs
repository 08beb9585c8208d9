//! Looking at a part of the stacks of a run.

use std::fmt;

use super::{Call, FramePattern, Pattern, Run};

/// Which stacks count.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Those that go through this function.
    pub under: Option<Pattern>,
    /// Those that have a frame that fits.
    pub focus: Option<FramePattern>,
}

impl Filter {
    pub(crate) fn is_set(&self) -> bool {
        self.under.is_some() || self.focus.is_some()
    }

    /// The run with those of its call sites whose stacks count; and how many live blocks are in others that were cut: who
    /// knows the rest of these would perhaps count them.
    pub(crate) fn kept(&self, mut run: Run) -> (Run, u64) {
        if !self.is_set() {
            return (run, 0);
        }
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
        let mut sites = std::mem::take(&mut run.sites);
        let mut cut = 0;
        sites.retain(|site| {
            let goes_through = |known: &Vec<bool>| run.frames(site).any(|at| known[at.0 as usize]);
            let counts = under.iter().chain(&focus).all(goes_through);
            if !counts && run.is_cut(site) {
                cut += site.figures.blocks;
            }
            counts
        });
        run.sites = sites;
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
