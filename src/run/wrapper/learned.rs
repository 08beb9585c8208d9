//! Wrappers that nobody named, found in the data.
//!
//! A wrapper has one call of the allocator, and how much that asks for is up to its callers. So a function is taken
//! for one if all that it answers for comes of one call in it, and
//!
//! - three calls of it or more have each asked for one size of their own, no two the same; or
//! - it was called by eight functions or more, for more than one size.
//!
//! A function without a name, in a program that was stripped, is known by its call of the allocator: that is one address
//! of a build.
//!
//! A copy of a text has the size of the text, not of the caller's choice: behind `strdup` and the like only the second
//! counts.

use std::collections::BTreeSet;

use hashbrown::{HashMap, HashSet};

use crate::run::{
    Build, Call, CallSite, Frame, LinkAddress, Location, ModuleLabel, Role, Run, Text,
};
use crate::symbol_name::without_clone;
use crate::trace::Sizes;

use super::pattern::plain_name;

/// So many calls with a size of their own.
const OWN_SIZES: usize = 3;

/// So many functions that call it.
const FUNCTIONS: usize = 8;

/// What is learned of, in all runs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Function {
    /// Of a module, whatever build it is of.
    Named(Option<(Role, String)>, String),
    /// Of which only a call is known.
    At(Build, LinkAddress),
}

/// Functions that turned out to be wrappers.
#[derive(Debug, Clone, Default)]
pub struct Learned(HashSet<Function>);

impl Learned {
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn extend(&mut self, other: Learned) {
        self.0.extend(other.0);
    }

    pub fn has(&self, module: Option<&ModuleLabel>, frame: &Frame) -> bool {
        let function = frame.function.as_deref().filter(|_| !self.0.is_empty());
        function.is_some_and(|function| self.0.contains(&Function::named(module, function)))
    }

    /// Whether a place without a name is a wrapper's call.
    pub fn has_place(&self, run: &Run, location: &Location) -> bool {
        let place = Function::at(run, location).filter(|_| !self.0.is_empty());
        place.is_some_and(|place| self.0.contains(&place))
    }
}

impl Function {
    fn named(module: Option<&ModuleLabel>, function: &str) -> Self {
        let module = module.map(|module| {
            let (role, name) = module.identity();
            (role, name.to_owned())
        });
        Function::Named(module, without_clone(function).to_owned())
    }

    fn at(run: &Run, location: &Location) -> Option<Self> {
        let build = run.module_of(location)?.build.clone()?;
        Some(Function::At(build, location.address?))
    }
}

/// What a function's allocations have in common.
#[derive(Default)]
struct Candidate {
    /// Its own calls of the allocator, or of a wrapper.
    own: HashSet<Place>,
    /// Who called it from where, and what for.
    calls: HashMap<(Caller, Place), Option<Sizes>>,
    /// Its size can be its caller's choice.
    is_by_size: bool,
}

/// A function by its name, or by its call where it has none.
#[derive(PartialEq, Eq, Hash)]
enum Caller {
    Named(Text),
    At(Place),
}

/// A line, or an address where no line is known.
type Place = (Option<u32>, Call);

/// The wrappers of one run, beyond those that are passed over already.
pub fn learn(run: &Run) -> Learned {
    let mut candidates: HashMap<Function, Candidate> = HashMap::new();
    for site in &run.sites {
        note(run, site, &mut candidates);
    }
    let found = candidates.into_iter();
    let found = found.filter(|(_, candidate)| candidate.is_wrapper());
    Learned(found.map(|(function, _)| function).collect())
}

fn note(run: &Run, site: &CallSite, candidates: &mut HashMap<Function, Candidate>) {
    let responsible = run.responsible(site);
    let Some(caller) = run.callers(site).next() else {
        return;
    };
    if responsible.stands_for.is_some() {
        return;
    }
    let function = |call: Call| run.frame_of(call)?.function.clone();
    let (name, calls) = (function(responsible.call), function(caller));
    // What main does is nobody else's, and a function that calls itself is no caller of its own.
    if name.as_deref() == Some("main") || (name.is_some() && calls == name) {
        return;
    }
    let location = run.location(responsible.call.at);
    let module = run.module_of(location).map(|module| &module.label);
    let function_of_it = match &name {
        Some(name) => Some(Function::named(module, name)),
        None => Function::at(run, location),
    };
    let Some(key) = function_of_it else { return };
    let candidate = candidates.entry(key).or_default();
    candidate.own.insert(place(run, responsible.call));
    let via = responsible.via.and_then(|(call, _)| function(call));
    candidate.is_by_size |= via.is_none_or(|name| is_given_a_size(&name));
    let asked = asked_for(site);
    let from = place(run, caller);
    let calls = calls.map_or(Caller::At(from), Caller::Named);
    let known = candidate.calls.entry((calls, from));
    let known = known.or_insert(asked);
    *known = match (*known, asked) {
        (Some(known), Some(asked)) => Some(known.and(asked)),
        (one, other) => one.or(other),
    };
}

/// A line counts, not its several calls.
fn place(run: &Run, call: Call) -> Place {
    match run.frame_of(call).and_then(|frame| frame.line) {
        Some(line) => {
            let nowhere = Call {
                at: crate::run::LocationId(0),
                frame: 0,
            };
            (Some(line), nowhere)
        }
        None => (None, call),
    }
}

fn is_given_a_size(wrapper: &str) -> bool {
    let name = plain_name(wrapper);
    name.contains("alloc") || name.starts_with("operator new")
}

/// The sizes that were asked for; where these are not known, the mean of what is live.
fn asked_for(site: &CallSite) -> Option<Sizes> {
    let mean = || {
        let bytes = site.figures.bytes?;
        bytes.checked_div(site.figures.blocks).map(Sizes::one)
    };
    site.sizes.or_else(mean)
}

impl Candidate {
    fn is_wrapper(&self) -> bool {
        if self.own.len() != 1 {
            return false;
        }
        let sizes = self.calls.values().flatten();
        let own: BTreeSet<u64> = sizes
            .clone()
            .filter(|sizes| sizes.is_one())
            .map(|sizes| sizes.least())
            .collect();
        let functions: HashSet<&Caller> = self.calls.keys().map(|(caller, _)| caller).collect();
        let all = sizes.copied().reduce(Sizes::and);
        let differ = all.is_some_and(|all| !all.is_one());
        (self.is_by_size && own.len() >= OWN_SIZES) || (functions.len() >= FUNCTIONS && differ)
    }
}
