//! A run while its source is read: caller by caller, until it is whole.

use hashbrown::HashSet;

use super::{
    Allocated, Blocks, CallSite, Facts, Inventory, Location, LocationId, Module, Run, StackId,
    Stacks,
};
use crate::trace::Fault;

/// The call sites that were read so far, and the places that they speak of.
#[derive(Debug, Default)]
pub(crate) struct RunBuilder {
    /// By `ModuleId`.
    pub modules: Vec<Module>,
    /// By `LocationId`.
    pub locations: Vec<Location>,
    pub stacks: Stacks<LocationId>,
    /// Outermost frames of stacks that were cut there.
    pub cut: HashSet<StackId>,
    pub sites: Vec<CallSite>,
}

/// What a source tells of a run beside its call sites.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub facts: Facts,
    pub inventory: Inventory,
    /// `None` where they are not known by caller.
    pub faults: Option<Vec<Fault<LocationId>>>,
    /// `None` where they are not known one by one, or nobody asked for them.
    pub blocks: Option<Blocks>,
}

impl RunBuilder {
    pub(crate) fn of(modules: Vec<Module>) -> Self {
        RunBuilder {
            modules,
            ..RunBuilder::default()
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
    pub(crate) fn add_site(&mut self, at: LocationId, allocated: Allocated) {
        let stack = self.stacks.add(at, None);
        self.add_stack(stack, allocated);
    }

    /// Adds what was allocated with a stack.
    pub(crate) fn add_stack(&mut self, stack: StackId, allocated: Allocated) {
        self.sites.push(CallSite::new(stack, allocated));
    }

    /// Notes that a stack ends before its outermost function.
    pub(crate) fn cut_stack(&mut self, stack: StackId) {
        let outermost = self.stacks.walk(stack).last();
        self.cut.extend(outermost.map(|(node, _)| node));
    }

    pub(crate) fn build(self, told: Told) -> Run {
        Run {
            facts: told.facts,
            inventory: told.inventory,
            faults: told.faults,
            blocks: told.blocks,
            modules: self.modules,
            locations: self.locations,
            stacks: self.stacks,
            cut: self.cut,
            sites: self.sites,
        }
    }
}
