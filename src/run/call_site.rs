//! What was allocated with one stack.

use super::{Figures, StackId};
use crate::trace::{Curve, LiveSizes, Lives, Sizes};

/// What a source tells of the allocations of one stack.
#[derive(Debug)]
pub(crate) struct Allocated {
    pub figures: Figures,
    /// `None` where only what is live is known.
    pub sizes: Option<Sizes>,
    /// `None` where only the end of the run is known.
    pub curve: Option<Curve>,
    /// `None` where no single block is known.
    pub survivors: Option<Curve>,
    /// How long freed blocks lived; `None` where no single block is known.
    pub lives: Option<Lives>,
    /// `None` where these are not known, or follow from the rest.
    pub live_sizes: Option<LiveSizes>,
}

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

impl Allocated {
    /// Of what only this is known.
    pub(crate) fn of(figures: Figures) -> Self {
        Allocated {
            figures,
            sizes: None,
            curve: None,
            survivors: None,
            lives: None,
            live_sizes: None,
        }
    }
}

impl CallSite {
    pub(crate) fn new(stack: StackId, allocated: Allocated) -> Self {
        let (figures, sizes) = (allocated.figures, allocated.sizes);
        CallSite {
            stack,
            figures,
            sizes,
            curve: allocated.curve,
            survivors: allocated.survivors,
            lives: allocated.lives,
            live_sizes: kept(figures, sizes, allocated.live_sizes),
        }
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

    /// Those that do not follow from the rest.
    pub(crate) fn kept_sizes(&self) -> Option<&LiveSizes> {
        self.live_sizes.as_deref()
    }

    /// Adds what another stack of the same place has.
    pub(crate) fn add(&mut self, other: Allocated) {
        let live = self.live_sizes().zip(other.live_sizes);
        self.figures.add(other.figures);
        self.sizes = match (self.sizes, other.sizes) {
            (Some(a), Some(b)) => Some(a.and(b)),
            (one, other) => one.or(other),
        };
        Curve::add_known(&mut self.curve, other.curve.as_ref());
        Curve::add_known(&mut self.survivors, other.survivors.as_ref());
        Lives::add_known(&mut self.lives, other.lives.as_ref());
        let live = live.map(|(mut sum, live)| {
            sum.add(&live);
            sum
        });
        self.live_sizes = kept(self.figures, self.sizes, live);
    }
}

/// The sizes of live blocks, unless they follow from what all blocks were of.
fn kept(figures: Figures, sizes: Option<Sizes>, live: Option<LiveSizes>) -> Option<Box<LiveSizes>> {
    let follows = figures.blocks == 0 || sizes.is_some_and(Sizes::is_one);
    live.filter(|_| !follows).map(Box::new)
}
