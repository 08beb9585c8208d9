//! What a run comes to, whatever it was read from: an mtrace log, a saved report, an old tool's result.
//!
//! A [`Run`] is all that joining, ranking, judging and drawing need to know of one. Its call sites are
//! stacks of [`Location`]s in a tree; a log of glibc names the immediate caller alone, and gives stacks of
//! one.

mod address;
mod answering;
mod best_names;
mod blame;
mod blocks;
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
mod step;
mod unlike;
mod wrapper;

pub use address::Addressing;
pub(crate) use address::{AddressingChoice, Certainty, LinkAddress};
pub(crate) use answering::blamed;
pub(crate) use best_names::with_best_names;
pub(crate) use blame::{Blame, PassedCall, Responsible};
pub(crate) use blocks::{Blocks, LiveBlock};
pub(crate) use builds::without_false_builds;
pub(crate) use call_site::CallSite;
pub use facts::Facts;
pub(crate) use facts::{Earlier, Origin, RecordedProcess, Source};
pub use figures::Figures;
pub use filter::Filter;
pub use frame_pattern::FramePattern;
pub(crate) use inventory::Inventory;
pub(crate) use location::{Call, Location, LocationId};
pub(crate) use module::{Build, Module, ModuleId, ModuleLabel, Role};
pub(crate) use name::{
    CodeFingerprint, Declaration, Frame, NameSource, Named, Symbolized, Text, Unknown,
    is_library_detail,
};
pub(crate) use passed_by::PassedBy;
pub(crate) use set::{compared, same_recordings, told_apart, with_ends_compared};
pub(crate) use stacks::{StackId, Stacks};
pub(crate) use unlike::{strangers, unlike};
pub use wrapper::{Pattern, Wrappers};
pub(crate) use wrapper::{is_library_wrapper, is_namesake, is_well_known, is_wrapper, plain_name};

use hashbrown::HashSet;

use crate::trace::{Curve, Fault, Sizes};

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
    /// Which frames of the stacks stand for others.
    pub blame: Blame,
    /// Stacks that allocated, each once.
    pub sites: Vec<CallSite>,
    /// What went wrong, worst kinds first; `None` where it is not known by caller.
    pub faults: Option<Vec<Fault<LocationId>>>,
    /// `None` where the blocks are not known one by one, or nobody asked for them.
    pub blocks: Option<Blocks>,
    /// Of the call sites that are forgotten.
    forgotten: Option<Forgotten>,
}

/// What call sites came to that a run has let go of.
#[derive(Debug, Clone, Copy)]
struct Forgotten {
    live: Figures,
    of_loader: u64,
    lacks_course: bool,
}

impl Run {
    /// A run without any call site yet.
    pub(crate) fn new(facts: Facts, modules: Vec<Module>) -> Self {
        Run {
            facts,
            modules,
            inventory: Inventory::default(),
            locations: Vec::new(),
            stacks: Stacks::default(),
            cut: HashSet::new(),
            blame: Blame::default(),
            sites: Vec::new(),
            faults: None,
            blocks: None,
            forgotten: None,
        }
    }

    /// Adds places, each of which is to have about one call site.
    pub(crate) fn add_locations(
        &mut self,
        places: Vec<Location>,
    ) -> impl Iterator<Item = LocationId> + use<> {
        let first = self.locations.len() as u32;
        self.sites.reserve_exact(places.len());
        match self.locations.is_empty() {
            // They are not there twice, not even for a moment.
            true => self.locations = places,
            false => self.locations.extend(places),
        }
        (first..self.locations.len() as u32).map(LocationId)
    }

    pub(crate) fn add_location(&mut self, location: Location) -> LocationId {
        self.locations.push(location);
        LocationId(self.locations.len() as u32 - 1)
    }

    /// Adds what was allocated from one place, of which no more is known than the immediate caller.
    pub(crate) fn add_site(
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
    pub(crate) fn add_stack(
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
            survivors: None,
            lives: None,
            live_sizes: None,
        });
        &mut self.sites[index]
    }

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

    /// What is live of all call sites together, those of the dynamic loader too.
    pub fn live(&self) -> Figures {
        if let Some(forgotten) = self.forgotten {
            return forgotten.live;
        }
        let mut sum = self.nothing();
        self.sites.iter().for_each(|site| sum.add(site.figures));
        sum
    }

    /// The live blocks of the dynamic loader's own call sites.
    pub(crate) fn live_of_loader(&self) -> u64 {
        if let Some(forgotten) = self.forgotten {
            return forgotten.of_loader;
        }
        let is_loader = |at| {
            let module = self.module_of(self.location(at));
            module.is_some_and(|module| module.label.role == Role::Loader)
        };
        let sites = self.sites.iter();
        let sites = sites.filter(|site| is_loader(self.innermost(site)));
        sites.map(|site| site.figures.blocks).sum()
    }

    /// Notes that a stack ends before its outermost function.
    pub(crate) fn cut_stack(&mut self, stack: StackId) {
        let outermost = self.stacks.walk(stack).last();
        self.cut.extend(outermost.map(|(node, _)| node));
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

    /// Lets go of all call sites but for their sum, and of the places that only they speak of, unless there are blocks
    /// to list. Who knows what each of them comes to has no need of them any more.
    pub(crate) fn forget_sites(&mut self) {
        if self.blocks.is_some() {
            return;
        }
        self.forgotten = Some(Forgotten {
            live: self.live(),
            of_loader: self.live_of_loader(),
            lacks_course: self.lacks_course(),
        });
        self.sites = Vec::new();
        self.stacks = Stacks::default();
        self.blame = Blame::default();
        let locations = std::mem::take(&mut self.locations);
        for fault in self.faults.iter_mut().flatten() {
            self.locations.push(locations[fault.at.0 as usize].clone());
            fault.at = LocationId(self.locations.len() as u32 - 1);
        }
    }

    /// Whether nothing is known of how its call sites came to their figures, although there are some.
    pub(crate) fn lacks_course(&self) -> bool {
        let has_none = || self.sites.iter().all(|site| site.curve.is_none());
        let of_sites = || !self.sites.is_empty() && has_none();
        self.forgotten
            .map_or_else(of_sites, |forgotten| forgotten.lacks_course)
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
