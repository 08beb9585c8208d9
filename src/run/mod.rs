//! What a run comes to, whatever it was read from: an mtrace log, a saved report, an old tool's result.
//!
//! A [`Run`] is all that joining, ranking, judging and drawing need to know of one. Its call sites are
//! stacks of [`Location`]s in a tree; a log of glibc names the immediate caller alone, and gives stacks of
//! one.

mod address;
mod best_names;
mod blame;
mod blocks;
mod builds;
mod facts;
mod figures;
mod filter;
mod inventory;
mod module;
mod name;
mod set;
mod stacks;
mod step;
mod wrapper;

pub use address::{Addressing, AddressingChoice, Certainty, LinkAddress};
pub use best_names::with_best_names;
pub use blame::{Blame, Call, Responsible, blamed};
pub use blocks::{Blocks, LiveBlock, UnknownFree};
pub use builds::without_false_builds;
pub use facts::{Facts, Origin, Source};
pub use figures::Figures;
pub use filter::{Filter, FramePattern};
pub use inventory::Inventory;
pub use module::{Build, Module, ModuleId, ModuleLabel, Role};
pub use name::{Code, Declaration, Frame, NameSource, Named, Symbolized, Text, Unknown};
pub use set::{compared, told_apart};
pub use stacks::{StackId, Stacks};
pub use wrapper::{PassedBy, Pattern, Wrappers, plain_name};

use crate::trace::{Curve, FaultKind, LiveSizes, Occurrences, Sizes};

/// A run, read and named.
#[derive(Debug, Clone)]
pub struct Run {
    pub facts: Facts,
    /// By [`ModuleId`].
    pub modules: Vec<Module>,
    pub inventory: Inventory,
    /// By [`LocationId`].
    pub locations: Vec<Location>,
    pub stacks: Stacks<LocationId>,
    /// Which frames of the stacks stand for others.
    pub blame: Blame,
    /// Stacks that allocated, each once.
    pub sites: Vec<CallSite>,
    /// What went wrong, worst kinds first; `None` where it is not known by caller.
    pub faults: Option<Vec<Fault>>,
    /// `None` where the blocks are not known one by one, or nobody asked for them.
    pub blocks: Option<Blocks>,
}

/// Index of a location within one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LocationId(pub usize);

/// Where a call was made.
#[derive(Debug, Clone)]
pub struct Location {
    pub module: Option<ModuleId>,
    pub address: Option<LinkAddress>,
    /// The number in the log.
    pub number: Option<u64>,
    pub name: Symbolized,
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
    /// Of the live blocks; `None` where these are not known one by one.
    pub live_sizes: Option<LiveSizes>,
}

/// What went wrong at one place of a run.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    pub kind: FaultKind,
    pub seen: Occurrences,
    pub at: LocationId,
}

impl Run {
    /// A run without any call site yet.
    pub fn new(facts: Facts, modules: Vec<Module>) -> Self {
        Run {
            facts,
            modules,
            inventory: Inventory::default(),
            locations: Vec::new(),
            stacks: Stacks::default(),
            blame: Blame::default(),
            sites: Vec::new(),
            faults: None,
            blocks: None,
        }
    }

    pub fn add_location(&mut self, location: Location) -> LocationId {
        self.locations.push(location);
        LocationId(self.locations.len() - 1)
    }

    /// Adds what was allocated from one place, of which no more is known than the immediate caller.
    pub fn add_site(
        &mut self,
        at: LocationId,
        figures: Figures,
        sizes: Option<Sizes>,
        curve: Option<Curve>,
    ) -> &mut CallSite {
        let stack = self.stacks.add(at, None);
        self.add_stack(stack, figures, sizes, curve)
    }

    /// Adds what was allocated with a stack.
    pub fn add_stack(
        &mut self,
        stack: StackId,
        figures: Figures,
        sizes: Option<Sizes>,
        curve: Option<Curve>,
    ) -> &mut CallSite {
        let index = self.sites.len();
        self.sites.push(CallSite {
            stack,
            figures,
            sizes,
            curve,
            live_sizes: None,
        });
        &mut self.sites[index]
    }

    pub fn location(&self, id: LocationId) -> &Location {
        &self.locations[id.0]
    }

    /// The frames of a call site, the immediate caller of the allocator first.
    pub fn frames(&self, site: &CallSite) -> impl Iterator<Item = LocationId> + '_ {
        self.stacks.frames(site.stack)
    }

    /// The immediate caller of the allocator.
    pub fn innermost(&self, site: &CallSite) -> LocationId {
        self.stacks.innermost(site.stack)
    }

    pub fn module_of(&self, location: &Location) -> Option<&Module> {
        self.modules.get(location.module?.0)
    }

    /// What is live of all call sites together, those of the dynamic loader too.
    pub fn live(&self) -> Figures {
        let mut sum = self.nothing();
        self.sites.iter().for_each(|site| sum.add(site.figures));
        sum
    }

    /// The figures of a call site that this run does not have: nothing, as far as it counts at all.
    pub fn nothing(&self) -> Figures {
        let source = self.facts.origin.source;
        Figures {
            blocks: 0,
            bytes: source.knows_bytes().then_some(0),
            allocations: source.knows_allocations().then_some(0),
        }
    }
}

impl Location {
    /// The frame to show, where there is one.
    pub fn frame(&self) -> Option<&Frame> {
        self.name.frame()
    }
}

impl Fault {
    /// Stable, for scripts.
    pub fn kind_name(&self) -> &'static str {
        match self.kind {
            FaultKind::DoubleFree => "double-free",
            FaultKind::FreeOfUnknown => "free-of-unknown",
            FaultKind::FailedAllocation => "failed-allocation",
            FaultKind::FailedReallocation => "failed-reallocation",
        }
    }
}
