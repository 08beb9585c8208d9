//! Wrappers that nobody named, found in the data.
//!
//! A wrapper has one call of the allocator, and how much that asks for is up to its callers. So a function is taken
//! for one if all that it answers for comes of one call in it, and
//!
//! - three calls of it or more have each asked for one size of their own, no two the same; or
//! - it was called by eight functions or more, for more than one size.
//!
//! So is one that is called by such a function, from one call in it: what leads there only hands the size on.
//!
//! A function without a name, in a program that was stripped, is known by its call of the allocator: that is one address
//! of a build. The instances of a template are one function.
//!
//! A copy of a text has the size of the text, not of the caller's choice: behind `strdup` and the like only the second
//! counts. But what is given a `va_list`, or makes one, writes the text that its callers say: two calls are enough.

use std::collections::BTreeSet;

use hashbrown::{HashMap, HashSet};

use crate::run::{
    BlamedRun, Build, Call, CallSite, Frame, LinkAddress, Location, ModuleLabel, PassedBy,
    PassedCall, Responsible, Role, Run, Text,
};
use crate::trace::Sizes;

use super::signature::{hands_a_list_on, is_given_a_size, of_all_instances};

/// So many calls with a size of their own.
const OWN_SIZES: usize = 3;

/// So many functions that call it.
const FUNCTIONS: usize = 8;

/// So many calls of what writes whatever text its callers say.
const TEXTS: usize = 2;

/// What is learned of, in all runs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Function {
    /// Of a module, whatever build it is of.
    Named(Option<(Role, String)>, String),
    /// Of which only a call is known.
    At(Build, LinkAddress),
}

/// Functions that turned out to be wrappers, and whether their callers choose the size.
#[derive(Debug, Clone, Default)]
pub(crate) struct Learned(HashMap<Function, bool>);

impl Learned {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn extend(&mut self, other: Learned) {
        for (function, is_by_size) in other.0 {
            *self.0.entry(function).or_default() |= is_by_size;
        }
    }

    pub(crate) fn has(&self, module: Option<&ModuleLabel>, frame: &Frame) -> bool {
        let function = frame.function.as_deref().filter(|_| !self.0.is_empty());
        function.is_some_and(|function| self.0.contains_key(&Function::named(module, function)))
    }

    /// Whether a place without a name is a wrapper's call.
    pub(crate) fn has_place(&self, run: &Run, location: &Location) -> bool {
        let place = Function::at(run, location).filter(|_| !self.0.is_empty());
        place.is_some_and(|place| self.0.contains_key(&place))
    }

    /// Whether the callers of a wrapper choose its size, by what is learned of it.
    fn is_given_a_size(&self, run: &Run, call: Call) -> bool {
        let function = Function::of(run, call);
        function.is_some_and(|function| self.0.get(&function) == Some(&true))
    }
}

impl Function {
    fn named(module: Option<&ModuleLabel>, function: &str) -> Self {
        let module = module.map(|module| {
            let (role, name) = module.identity();
            (role, name.to_owned())
        });
        Function::Named(module, of_all_instances(function).into_owned())
    }

    fn of(run: &Run, call: Call) -> Option<Self> {
        let location = run.location(call.at);
        let function = run.frame_of(call).and_then(|frame| frame.function.as_ref());
        match function {
            Some(function) => {
                let module = run.module_of(location).map(|module| &module.label);
                Some(Function::named(module, function))
            }
            None => Function::at(run, location),
        }
    }

    fn at(run: &Run, location: &Location) -> Option<Self> {
        let build = run.module_of(location)?.build.clone()?;
        Some(Function::At(build, location.address?))
    }
}

/// What a function's allocations have in common.
#[derive(Default)]
struct WrapperCandidate {
    /// Its own calls of the allocator, or of a wrapper.
    own: HashSet<CallPlace>,
    /// Who called it from where, and what for.
    calls: Calls<Asked>,
    /// Its size can be its caller's choice.
    is_by_size: bool,
    /// Calls that say what text it writes, of those that come with a list of arguments.
    texts: HashSet<OuterCall>,
    /// It does something else than to write such a text.
    is_by_itself: bool,
}

type Calls<T> = HashMap<OuterCall, T>;

/// A call of a function that may be a wrapper.
#[derive(Clone, PartialEq, Eq, Hash)]
struct OuterCall {
    by: CallingFunction,
    from: CallPlace,
}

/// What a call of a function asked for.
#[derive(Default)]
struct Asked {
    sizes: Option<Sizes>,
    /// Of the calls of its caller.
    outer: Calls<Repeated>,
}

/// What a call asked for, and how often.
#[derive(Default)]
struct Repeated {
    sizes: Option<Sizes>,
    times: u64,
}

/// A function by its name, or by its call where it has none.
#[derive(Clone, PartialEq, Eq, Hash)]
enum CallingFunction {
    Named(Text),
    At(CallPlace),
}

/// A line counts, not its several calls.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum CallPlace {
    Line(u32),
    /// No line is known.
    Call(Call),
}

/// The wrappers of one run, beyond those that are passed over already.
pub(crate) fn learn(run: &BlamedRun, known: &Learned) -> Learned {
    let mut candidates: HashMap<Function, WrapperCandidate> = HashMap::new();
    for site in &run.sites {
        note(run, site, known, &mut candidates);
    }
    let found = candidates.into_iter();
    let found = found.filter(|(_, candidate)| candidate.is_wrapper());
    Learned(
        found
            .map(|(function, candidate)| (function, candidate.is_by_size))
            .collect(),
    )
}

fn note(
    run: &BlamedRun,
    site: &CallSite,
    known: &Learned,
    candidates: &mut HashMap<Function, WrapperCandidate>,
) {
    let responsible = run.responsible(site);
    let mut callers = run.callers(site);
    let Some(caller) = callers.next() else {
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
    let Some(key) = Function::of(run, responsible.call) else {
        return;
    };
    let candidate = candidates.entry(key).or_default();
    candidate.own.insert(place(run, responsible.call));
    candidate.is_by_size |= is_by_size(run, responsible, known);
    let asked = asked_for(site);
    let named = |call: Call, name: Option<Text>| {
        let from = place(run, call);
        let by = name.map_or(CallingFunction::At(from), CallingFunction::Named);
        OuterCall { by, from }
    };
    let inner = named(caller, calls.clone());
    let outer = callers.next();
    let outer = outer.map(|call| named(call, function(call)));
    let hands_on = |own: &Option<Text>, called: &Option<Text>| match (own, called) {
        (Some(own), Some(called)) => hands_a_list_on(own, called),
        _ => false,
    };
    let via = responsible.via.and_then(|via| function(via.call));
    let text = match () {
        () if hands_on(&calls, &name) => outer.clone(),
        () if hands_on(&name, &via) => Some(inner.clone()),
        () => None,
    };
    candidate.is_by_itself |= text.is_none();
    candidate.texts.extend(text);
    let call = candidate.calls.entry(inner).or_default();
    call.sizes = and(call.sizes, asked);
    // Recursion hands nothing on.
    let is_other = |caller: &CallingFunction| match caller {
        CallingFunction::Named(outer) => {
            Some(outer) != calls.as_ref() && Some(outer) != name.as_ref()
        }
        CallingFunction::At(_) => true,
    };
    if let Some(outer) = outer.filter(|outer| is_other(&outer.by)) {
        let outer = call.outer.entry(outer).or_default();
        outer.sizes = and(outer.sizes, asked);
        outer.times += site.figures.allocations.unwrap_or(0);
    }
}

fn and(one: Option<Sizes>, other: Option<Sizes>) -> Option<Sizes> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.and(other)),
        (one, other) => one.or(other),
    }
}

/// Whether what a function calls is given a size.
fn is_by_size(run: &Run, responsible: Responsible, known: &Learned) -> bool {
    let Some(PassedCall { call, by }) = responsible.via else {
        return true;
    };
    match by {
        PassedBy::Learned => known.is_given_a_size(run, call),
        _ => {
            let function = run.frame_of(call).and_then(|frame| frame.function.as_ref());
            function.is_none_or(|function| is_given_a_size(function))
        }
    }
}

fn place(run: &Run, call: Call) -> CallPlace {
    let line = run.frame_of(call).and_then(|frame| frame.line);
    line.map_or(CallPlace::Call(call), CallPlace::Line)
}

/// The sizes that were asked for; where these are not known, the mean of what is live.
fn asked_for(site: &CallSite) -> Option<Sizes> {
    let mean = || {
        let bytes = site.figures.bytes?;
        bytes.checked_div(site.figures.blocks).map(Sizes::one)
    };
    site.sizes.or_else(mean)
}

impl WrapperCandidate {
    fn is_wrapper(&self) -> bool {
        if self.own.len() != 1 {
            return false;
        }
        let sizes = self.calls.values().filter_map(|asked| asked.sizes);
        let functions: HashSet<&CallingFunction> = self.calls.keys().map(|call| &call.by).collect();
        let differ = sizes.clone().reduce(Sizes::and);
        let differ = differ.is_some_and(|all| !all.is_one());
        (self.is_by_size && own_sizes(sizes) >= OWN_SIZES)
            || (functions.len() >= FUNCTIONS && differ)
            || (self.is_by_size && self.is_called_by_one())
            || (!self.is_by_itself && self.texts.len() >= TEXTS)
    }

    /// Whether a function that calls it once would be one.
    fn is_called_by_one(&self) -> bool {
        let mut places: HashMap<&CallingFunction, usize> = HashMap::new();
        for call in self.calls.keys() {
            *places.entry(&call.by).or_default() += 1;
        }
        self.calls.iter().any(|(call, asked)| {
            // Each that allocated once asked for one size of its own.
            let outer = asked.outer.values().filter(|outer| outer.times > 1);
            places.get(&call.by) == Some(&1)
                && own_sizes(outer.filter_map(|outer| outer.sizes)) >= OWN_SIZES
        })
    }
}

/// How many sizes there are that a call always asked for.
fn own_sizes(of_calls: impl Iterator<Item = Sizes>) -> usize {
    let own = of_calls.filter(|sizes| sizes.is_one());
    let own: BTreeSet<u64> = own.map(|sizes| sizes.least()).collect();
    own.len()
}
