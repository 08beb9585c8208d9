//! A call site, and what identifies it in every run.

use super::beyond::Beyond;
use super::column::Column;
use super::few::Few;
use super::matched_by::MatchedBy;
use super::module_key::ModuleKey;
use crate::run::{
    Build, CallSite, Figures, Frame, LinkAddress, Location, ModuleLabel, Named, Symbolized, Text,
};
use crate::trace::{Curve, Lives, Sizes};

/// What rows stand for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Grouping {
    /// The place of one call.
    Address,
    /// A line of the source.
    #[default]
    Line,
    /// A function of the source.
    Function,
    /// A source file.
    File,
    /// The program, or a library.
    Module,
    /// A line, and a way to it.
    Stack,
    /// A line, and a size of its blocks.
    Size,
}

impl Grouping {
    /// Stable, for scripts.
    pub fn name(self) -> &'static str {
        match self {
            Grouping::Address => "address",
            Grouping::Line => "line",
            Grouping::Function => "function",
            Grouping::File => "file",
            Grouping::Module => "module",
            Grouping::Stack => "stack",
            Grouping::Size => "size",
        }
    }
}

/// What makes callers of one run the same place; `identity` finds it in another.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SiteKey {
    /// A line of source code.
    Line {
        /// The program, or a library.
        module: ModuleKey,
        /// The function that is shown.
        function: Option<Text>,
        /// Its path, as debug information has it.
        file: Text,
        /// The line of the call.
        line: u32,
        /// What it is inlined into: a wrapper's line is a site of its own in each of its callers.
        inlined_into: Box<[Frame]>,
        /// Where its function begins, if the module has several that are called and spelled alike.
        namesake: Option<LinkAddress>,
    },
    /// A link-time address, where no line is known.
    Address {
        /// The program, or a library.
        module: ModuleKey,
        /// Where the call returns to.
        address: LinkAddress,
        /// In another build another function can lie there.
        function: Option<Text>,
    },
    /// The number in the log, where not even that is known.
    Number {
        /// The program, or a library, where that is known.
        module: Option<ModuleKey>,
        /// As the log has it; `None` where it has none.
        number: Option<u64>,
    },
}

impl SiteKey {
    /// The finest that is known of a place, or its line where rows are wider.
    pub(crate) fn of(module: Option<&ModuleKey>, location: &Location, by: Grouping) -> Self {
        let by_line = || match &location.name {
            Symbolized::Named(named) => SiteKey::line(module, named),
            Symbolized::Unknown(_) => None,
        };
        let by_address = || {
            Some(SiteKey::Address {
                module: module?.clone(),
                address: location.address?,
                function: location.frame().and_then(|frame| frame.function.clone()),
            })
        };
        let key = match by {
            Grouping::Address => by_address().or_else(by_line),
            _ => by_line().or_else(by_address),
        };
        key.unwrap_or_else(|| SiteKey::Number {
            module: module.cloned(),
            number: location.number,
        })
    }

    /// A line without a module, as `mtrace(1)` gives it, is taken for the program's.
    pub fn line(module: Option<&ModuleKey>, named: &Named) -> Option<Self> {
        let frame = named.shown();
        Some(SiteKey::Line {
            module: module.cloned().unwrap_or_else(ModuleKey::program),
            function: frame.function.clone(),
            file: frame.file.clone()?,
            line: frame.line?,
            inlined_into: named.inlined_into().cloned().collect(),
            namesake: named
                .function_start()
                .filter(|_| named.code().is_some_and(|code| code.has_namesake)),
        })
    }

    /// The program, or the library, that it lies in.
    pub fn module(&self) -> Option<&ModuleKey> {
        match self {
            SiteKey::Line { module, .. } | SiteKey::Address { module, .. } => Some(module),
            SiteKey::Number { module, .. } => module.as_ref(),
        }
    }

    /// The functions that are part of it.
    pub(crate) fn functions_mut(&mut self) -> impl Iterator<Item = &mut Option<Text>> {
        let (function, inlined_into) = match self {
            SiteKey::Line {
                function,
                inlined_into,
                ..
            } => (Some(function), &mut inlined_into[..]),
            SiteKey::Address { function, .. } => (Some(function), &mut [][..]),
            SiteKey::Number { .. } => (None, &mut [][..]),
        };
        let others = inlined_into.iter_mut().map(|frame| &mut frame.function);
        function.into_iter().chain(others)
    }

    /// Gives its module another name.
    pub(crate) fn move_to(&mut self, name: ModuleKey) {
        match self {
            SiteKey::Line { module, .. } | SiteKey::Address { module, .. } => *module = name,
            SiteKey::Number { module, .. } => *module = Some(name),
        }
    }
}

/// Where in its module a call returns to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CodePlace {
    Address(LinkAddress),
    /// The number of the log, where it could not be made a link-time address.
    Number(u64),
}

impl Few<CodePlace> {
    /// Link-time return addresses; none where unknown.
    pub fn addresses(&self) -> impl Iterator<Item = LinkAddress> + '_ {
        self.iter().filter_map(|place| match place {
            CodePlace::Address(address) => Some(*address),
            CodePlace::Number(_) => None,
        })
    }

    /// The numbers of the log, where they could not be made link-time addresses.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = u64> + '_ {
        self.iter().filter_map(|place| match place {
            CodePlace::Address(_) => None,
            CodePlace::Number(number) => Some(*number),
        })
    }
}

/// What one run has of a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteRun {
    /// Of the site's module, where it is known.
    pub build: Option<Build>,
    /// Ascending; more than one where a line has several calls, or was inlined more than once.
    pub places: Few<CodePlace>,
    /// What the site comes to in that run.
    pub figures: Figures,
    /// What its callers asked for, each once, ascending; empty where unknown.
    pub sizes: Few<Sizes>,
    /// `None` where only the end of the run is known.
    pub curve: Option<Curve>,
    /// How many of the blocks that lived to the end were there at each step; `None` where no single block is known.
    pub survivors: Option<Curve>,
    /// How long the others lived; `None` where no single block is known.
    pub lives: Option<Lives>,
    /// Of stacks and wrappers, where there is something to say.
    pub beyond: Option<Box<Beyond>>,
}

impl SiteRun {
    /// Adds another stack that leads to the same place.
    pub(crate) fn add_site(&mut self, site: &CallSite, beyond: Option<Box<Beyond>>) {
        self.figures.add(site.figures);
        self.add_sizes(site.sizes.as_slice());
        Curve::add_known(&mut self.curve, site.curve.as_ref());
        Curve::add_known(&mut self.survivors, site.survivors.as_ref());
        Lives::add_known(&mut self.lives, site.lives.as_ref());
        self.add_beyond(beyond.as_deref());
    }

    fn add_beyond(&mut self, other: Option<&Beyond>) {
        match (&mut self.beyond, other) {
            (Some(sum), Some(other)) => sum.add(other),
            (sum @ None, Some(other)) => *sum = Some(Box::new(other.clone())),
            (_, None) => {}
        }
    }

    /// The call sites of the run that lead here, where stacks are known.
    pub(crate) fn stacks(&self) -> &[u32] {
        let beyond = self.beyond.as_ref();
        beyond.map_or(&[], |beyond| &beyond.sites)
    }

    /// Adds what another place of the site has.
    pub(crate) fn add(&mut self, other: &SiteRun) {
        self.places.extend(&other.places);
        self.figures.add(other.figures);
        self.add_sizes(&other.sizes);
        Curve::add_known(&mut self.curve, other.curve.as_ref());
        Curve::add_known(&mut self.survivors, other.survivors.as_ref());
        Lives::add_known(&mut self.lives, other.lives.as_ref());
        self.add_beyond(other.beyond.as_deref());
    }

    pub(crate) fn sort_lists(&mut self) {
        self.places.sort_and_dedup();
        self.sizes.sort_and_dedup();
    }

    /// Adds the sizes of a caller or site that is summed up in this one.
    fn add_sizes(&mut self, other: &[Sizes]) {
        // A part of them would say that others were never asked for.
        match self.sizes.is_empty() || other.is_empty() {
            true => self.sizes = Few::default(),
            false => self.sizes.extend(other),
        }
    }
}

/// What each run has of a site, in the order of the runs; `None` where the run has no such caller.
pub(crate) type SiteRuns = Box<[Option<Box<SiteRun>>]>;

/// A call site, found in all runs.
#[derive(Debug, Clone)]
pub struct JoinedSite {
    /// What makes it the same place in every run.
    pub key: SiteKey,
    /// As the last run that has it calls it; `None` if it lies in no module.
    pub module: Option<ModuleLabel>,
    /// What its place is called, or why it has no name.
    pub name: Symbolized,
    /// In the order of the runs; `None` where the run has no such caller.
    pub runs: SiteRuns,
    /// The weakest of what joins its runs; `None` if only one has it.
    pub matched_by: Option<MatchedBy>,
    /// What it stands for; an address or a line where a wider group is not known.
    pub by: Grouping,
}

impl JoinedSite {
    /// Adds the runs of a site that is one with it. Their lists are out of order until they are put in it.
    pub(crate) fn add_runs(&mut self, runs: SiteRuns) {
        for (sum, run) in self.runs.iter_mut().zip(runs) {
            match (sum, run) {
                (Some(sum), Some(run)) => sum.add(&run),
                (sum @ None, run) => *sum = run,
                (Some(_), None) => {}
            }
        }
    }

    /// The site when all that is one with it was added: with its lists in order.
    pub(crate) fn summed_up(mut self) -> Self {
        self.sort_lists();
        if self.in_several_runs() {
            // Sites that no run shares are joined by their name alone.
            self.matched_by = self.matched_by.or(Some(MatchedBy::Line));
        }
        self
    }

    pub(crate) fn sort_lists(&mut self) {
        let here = self.runs.iter_mut().flatten();
        here.for_each(|run| run.sort_lists());
    }

    pub(crate) fn in_several_runs(&self) -> bool {
        self.runs.iter().flatten().nth(1).is_some()
    }

    /// In the order of the runs, also of those that do not have the site.
    pub(crate) fn figures<'a>(
        &'a self,
        columns: &'a [Column],
    ) -> impl Iterator<Item = Figures> + 'a {
        let runs = self.runs.iter().zip(columns);
        runs.map(|(run, column)| run.as_ref().map_or(column.nothing, |run| run.figures))
    }

    /// The frame to show, where there is one.
    pub fn frame(&self) -> Option<&Frame> {
        self.name.frame()
    }

    /// The function to show, where there is one.
    pub fn function(&self) -> Option<&str> {
        self.frame()?.function.as_deref()
    }

    /// The address to show where there is no line: of the last run that has one.
    pub fn address(&self) -> Option<LinkAddress> {
        let mut runs = self.runs.iter().rev().flatten();
        runs.find_map(|run| run.places.addresses().next())
    }

    /// The log's own number, where there is no address.
    pub fn number(&self) -> Option<u64> {
        let mut runs = self.runs.iter().rev().flatten();
        runs.find_map(|run| run.places.numbers().next())
    }
}
