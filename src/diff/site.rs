//! A call site, and what identifies it in every run.

use super::beyond::Beyond;
use super::caller::Caller;
use super::column::Column;
use super::few::Few;
use super::line_counts::LineCounts;
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

/// Which part of the memory of a line a site is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Blocks of a size, in bytes.
    Size(u64),
    /// Blocks of all sizes that have no row of their own.
    OtherSizes,
    /// What came one way: its callers, the nearest first.
    Stack(Vec<Caller>),
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
        module: ModuleKey,
        function: Option<Text>,
        file: Text,
        line: u32,
        /// What it is inlined into: a wrapper's line is a site of its own in each of its callers.
        inlined_into: Box<[Frame]>,
        /// Where its function begins, if the module has several that are called and spelled alike.
        namesake: Option<LinkAddress>,
    },
    /// A link-time address, where no line is known.
    Address {
        module: ModuleKey,
        address: LinkAddress,
        /// In another build another function can lie there.
        function: Option<Text>,
    },
    /// The number in the log, where not even that is known.
    Number {
        module: Option<ModuleKey>,
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

    pub fn module(&self) -> Option<&ModuleKey> {
        match self {
            SiteKey::Line { module, .. } | SiteKey::Address { module, .. } => Some(module),
            SiteKey::Number { module, .. } => module.as_ref(),
        }
    }

    /// Gives its module another name.
    pub(crate) fn move_to(&mut self, name: ModuleKey) {
        match self {
            SiteKey::Line { module, .. } | SiteKey::Address { module, .. } => *module = name,
            SiteKey::Number { module, .. } => *module = Some(name),
        }
    }
}

/// Why a site is left out of the table unless all are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hidden {
    /// It is the dynamic loader's, and does not grow.
    Loader,
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
        self.add_curves(site.curve.as_ref(), site.survivors.as_ref());
        self.add_lives(site.lives.as_ref());
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
        self.add_curves(other.curve.as_ref(), other.survivors.as_ref());
        self.add_lives(other.lives.as_ref());
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

    fn add_lives(&mut self, other: Option<&Lives>) {
        self.lives = match (self.lives.take(), other) {
            (Some(mut sum), Some(other)) => {
                sum.add(other);
                Some(sum)
            }
            // Part of a sum would be a wrong one.
            _ => None,
        };
    }

    /// Adds the curves of a caller or site that is summed up in this one.
    fn add_curves(&mut self, curve: Option<&Curve>, survivors: Option<&Curve>) {
        for (sum, other) in [(&mut self.curve, curve), (&mut self.survivors, survivors)] {
            *sum = match (sum.take(), other) {
                (Some(mut sum), Some(other)) => {
                    sum.add(other);
                    Some(sum)
                }
                // Part of a sum would be a wrong curve.
                _ => None,
            };
        }
    }
}

/// A call site, found in all runs.
#[derive(Debug, Clone)]
pub struct JoinedSite {
    pub key: SiteKey,
    /// As the last run that has it calls it; `None` if it lies in no module.
    pub module: Option<ModuleLabel>,
    pub name: Symbolized,
    /// In the order of the runs; `None` where the run has no such caller.
    pub runs: Box<[Option<Box<SiteRun>>]>,
    /// The weakest of what joins its runs; `None` if only one has it.
    pub matched_by: Option<MatchedBy>,
    /// What the first run may have of it at least, where it may as well be another of its sites, or none;
    /// `None` where it is sure which site it is.
    pub at_least: Option<Box<Figures>>,
    /// What it stands for; an address or a line where a wider group is not known.
    pub by: Grouping,
    /// Which part of it, where it is split; `None` for all.
    pub part: Option<Box<Part>>,
    /// The line that it is, or is a part of, leaks.
    pub of_leak: bool,
    /// Of a row that sums up lines: what these are; `None` for a line, and for a part of one.
    pub lines: Option<Box<LineCounts>>,
    /// A caller changed between the builds, and several sites of an earlier run may be this one, or one may be several.
    pub forked: bool,
    pub hidden: Option<Hidden>,
}

impl JoinedSite {
    /// Orders what was collected, once all of it is.
    pub(crate) fn finish(&mut self) {
        let here = self.runs.iter_mut().flatten();
        here.for_each(|run| run.sort_lists());
        let runs = self.runs.iter().flatten().count();
        // A row of sites that no run shares is joined by its name alone.
        self.matched_by = match runs {
            0 | 1 => None,
            _ => self.matched_by.or(Some(MatchedBy::Line)),
        };
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
