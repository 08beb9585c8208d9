//! What a run comes to, whatever it was read from: an mtrace log, a saved report, an old tool's result.
//!
//! A [`Run`] is all that joining, ranking, judging and drawing need to know of one. Its call sites are
//! stacks of [`Location`]s in a tree; a log of glibc names the immediate caller alone, and gives stacks of
//! one.

mod address;
mod answering;
mod best_names;
mod blame;
mod blamed;
mod blocks;
mod builder;
mod builds;
mod call;
mod call_site;
mod facts;
mod figures;
mod filter;
mod frame_pattern;
mod inventory;
mod location;
mod module;
mod name;
mod passed_by;
mod set;
mod stacks;
mod stage;
mod step;
mod unlike;
mod wrapper;

pub use address::Addressing;
pub(crate) use address::{AddressingChoice, Certainty, LinkAddress};
pub(crate) use best_names::with_best_names;
pub(crate) use blame::{PassedCall, Responsible};
pub use blamed::BlamedRun;
pub(crate) use blamed::blamed;
pub(crate) use blocks::{Blocks, LiveBlock};
pub(crate) use builder::{RunBuilder, Told};
pub(crate) use builds::without_false_builds;
pub(crate) use call_site::{Allocated, CallSite};
pub use facts::Facts;
pub(crate) use facts::{Earlier, Origin, RecordedProcess, Source};
pub use figures::Figures;
pub(crate) use filter::Kept;
pub use filter::{Filter, Only};
pub use frame_pattern::FramePattern;
pub(crate) use inventory::Inventory;
pub(crate) use location::{Call, Location, LocationId};
pub(crate) use module::{Build, Module, ModuleId, ModuleLabel, Role};
pub(crate) use name::{
    CodeFingerprint, Declaration, Frame, NameSource, Named, Symbolized, Text, Unknown,
    is_library_detail,
};
pub(crate) use passed_by::PassedBy;
pub(crate) use set::{compared, ends_compared, same_recordings, told_apart};
pub(crate) use stacks::{StackId, Stacks};
pub(crate) use stage::{OwnNames, Renamed, Runs, Settled};
pub(crate) use unlike::{strangers, unlike};
pub use wrapper::{Pattern, Wrappers};
pub(crate) use wrapper::{
    is_library_wrapper, is_namesake, is_well_known, is_wrapper, plain_name, unscoped_name,
};

use hashbrown::HashSet;

use crate::trace::Fault;

/// A run, read and named.
#[derive(Debug, Clone)]
pub struct Run {
    /// What is known of the run as a whole.
    pub facts: Facts,
    /// By `ModuleId`.
    pub modules: Vec<Module>,
    /// Which modules, functions and source files the program has, whether or not they allocated.
    pub inventory: Inventory,
    /// By `LocationId`.
    pub locations: Vec<Location>,
    /// The ways to all locations, as a tree whose roots are outermost frames.
    pub stacks: Stacks<LocationId>,
    /// Outermost frames of stacks that were cut there: who called them is not known.
    pub cut: HashSet<StackId>,
    /// Stacks that allocated, each once.
    pub sites: Vec<CallSite>,
    /// What went wrong, worst kinds first; `None` where it is not known by caller.
    pub faults: Option<Vec<Fault<LocationId>>>,
    /// `None` where the blocks are not known one by one, or nobody asked for them.
    pub blocks: Option<Blocks>,
}

impl Run {
    /// A place by its number in [`Run::locations`].
    pub fn location(&self, id: LocationId) -> &Location {
        &self.locations[id.0 as usize]
    }

    /// The frames of a call site, the immediate caller of the allocator first.
    pub fn frames(&self, site: &CallSite) -> impl Iterator<Item = LocationId> + '_ {
        self.stacks.frames(site.stack)
    }

    /// The immediate caller of the allocator.
    pub fn innermost(&self, site: &CallSite) -> LocationId {
        self.stacks.innermost(site.stack)
    }

    /// The module that a location lies in, where it is known.
    pub fn module_of(&self, location: &Location) -> Option<&Module> {
        self.modules.get(location.module?.0 as usize)
    }

    /// Whether a stack ends before its outermost function, as far as that is known.
    pub(crate) fn is_cut(&self, site: &CallSite) -> bool {
        let outermost = self.stacks.walk(site.stack).last();
        outermost.is_some_and(|(node, _)| self.cut.contains(&node))
    }

    /// Whether more is known of some call site than the immediate caller.
    pub(crate) fn has_stacks(&self) -> bool {
        let mut sites = self.sites.iter();
        sites.any(|site| self.frames(site).nth(1).is_some())
    }

    /// What is live of all call sites together, those of the dynamic loader too.
    pub(crate) fn sum_of_sites(&self) -> Figures {
        let mut sum = self.nothing();
        self.sites.iter().for_each(|site| sum.add(site.figures));
        sum
    }

    /// The figures of a call site that this run does not have: nothing, as far as it counts at all.
    pub(crate) fn nothing(&self) -> Figures {
        let source = self.facts.origin.source;
        Figures {
            blocks: 0,
            bytes: source.knows_bytes().then_some(0),
            allocations: source.knows_allocations().then_some(0),
        }
    }
}
