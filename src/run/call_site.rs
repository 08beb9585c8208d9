//! What was allocated with one stack.

use super::{Figures, StackId};
use crate::trace::{Curve, LiveSizes, Lives, Sizes};

/// A stack from which memory was allocated.
#[derive(Debug, Clone)]
pub struct CallSite {
    pub stack: StackId,
    pub figures: Figures,
    /// `None` where only what is live is known.
    pub sizes: Option<Sizes>,
    /// `None` where only the end of the run is known.
    pub curve: Option<Curve>,
    /// How many of the blocks that lived to the end were there at each step; `None` where no single block is known.
    pub survivors: Option<Curve>,
    /// How long the others lived; `None` where no single block is known.
    pub lives: Option<Lives>,
    /// Of the live blocks, where they do not follow from the rest.
    pub(super) live_sizes: Option<Box<LiveSizes>>,
}

impl CallSite {
    /// Keeps the sizes of the live blocks, unless they follow from what all blocks were of.
    pub(crate) fn keep_sizes(&mut self, sizes: LiveSizes) {
        let follows = self.figures.blocks == 0 || self.sizes.is_some_and(Sizes::is_one);
        self.live_sizes = (!follows).then(|| Box::new(sizes));
    }

    /// The sizes of the live blocks; `None` where these are not known one by one.
    pub fn live_sizes(&self) -> Option<LiveSizes> {
        let blocks = self.figures.blocks;
        match (&self.live_sizes, self.sizes) {
            (Some(sizes), _) => Some((**sizes).clone()),
            (None, _) if blocks == 0 => Some(LiveSizes::default()),
            (None, Some(sizes)) if sizes.is_one() => Some(LiveSizes::of([(sizes.least(), blocks)])),
            (None, _) => None,
        }
    }

    /// What is live is of another moment.
    pub(crate) fn forget_sizes(&mut self) {
        self.live_sizes = None;
    }

    /// Those that do not follow from the rest.
    pub(crate) fn kept_sizes(&self) -> Option<&LiveSizes> {
        self.live_sizes.as_deref()
    }

    /// Adds what another stack of the same place has.
    pub(crate) fn add(
        &mut self,
        figures: Figures,
        sizes: Option<Sizes>,
        curves: (Option<&Curve>, Option<&Curve>),
        lives: Option<&Lives>,
        live: Option<&LiveSizes>,
    ) {
        let all = self.live_sizes().zip(live);
        self.figures.add(figures);
        self.sizes = match (self.sizes, sizes) {
            (Some(a), Some(b)) => Some(a.and(b)),
            (one, other) => one.or(other),
        };
        for (sum, other) in [(&mut self.curve, curves.0), (&mut self.survivors, curves.1)] {
            if let (Some(sum), Some(other)) = (sum, other) {
                sum.add(other);
            }
        }
        if let (Some(sum), Some(lives)) = (&mut self.lives, lives) {
            sum.add(lives);
        }
        self.live_sizes = None;
        if let Some((mut sum, live)) = all {
            sum.add(live);
            self.keep_sizes(sum);
        }
    }
}
