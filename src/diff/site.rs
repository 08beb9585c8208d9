//! A call site, and what identifies it in every run.

use super::callers::Caller;
use super::matched_by::MatchedBy;
use super::via::Via;
use crate::run::{
    Build, CallSite, Figures, Frame, LinkAddress, Location, ModuleLabel, Named, PassedBy, Role,
    Run, Symbolized, Text,
};
use crate::trace::{Curve, Sizes};

/// What makes it the same module in another run.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModuleKey {
    pub role: Role,
    /// Empty for the program, which is the program whatever it is called.
    pub name: String,
}

impl ModuleKey {
    pub fn program() -> Self {
        ModuleKey {
            role: Role::Program,
            name: String::new(),
        }
    }

    pub fn of(module: &ModuleLabel) -> Self {
        let (role, name) = module.identity();
        let name = name.to_owned();
        ModuleKey { role, name }
    }
}

/// What rows stand for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Grouping {
    Address,
    #[default]
    Line,
    Function,
    File,
    Module,
    /// A line, and a way to it.
    Stack,
    /// A line, and a size of its blocks.
    Size,
}

/// Which part of the memory of a line a site is.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    #[default]
    Whole,
    /// Blocks of a size, in bytes.
    Size(u64),
    /// Blocks of all sizes that have no row of their own.
    OtherSizes,
    /// What came one way: its callers, the nearest first.
    Stack(Vec<Caller>),
}

impl Grouping {
    /// Whether its rows are sums of lines.
    pub fn sums_up(self) -> bool {
        matches!(self, Grouping::Function | Grouping::File | Grouping::Module)
    }

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
        inlined_into: Vec<Frame>,
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
    pub fn of(run: &Run, location: &Location, by: Grouping) -> Self {
        let module = run.module_of(location).map(|module| &module.label);
        let by_line = || match &location.name {
            Symbolized::Named(named) => SiteKey::line(module, named),
            Symbolized::Unknown(_) => None,
        };
        let by_address = || Some(SiteKey::address(module?, location.address?, &location.name));
        let key = match by {
            Grouping::Address => by_address().or_else(by_line),
            _ => by_line().or_else(by_address),
        };
        key.unwrap_or_else(|| SiteKey::number(module, location.number))
    }

    /// A line without a module, as `mtrace(1)` gives it, is taken for the program's.
    pub fn line(module: Option<&ModuleLabel>, named: &Named) -> Option<Self> {
        let frame = named.shown();
        Some(SiteKey::Line {
            module: module.map_or_else(ModuleKey::program, ModuleKey::of),
            function: frame.function.clone(),
            file: frame.file.clone()?,
            line: frame.line?,
            inlined_into: named.inlined_into().cloned().collect(),
            namesake: named
                .function_start
                .filter(|_| named.code.is_some_and(|code| code.has_namesake)),
        })
    }

    pub fn address(module: &ModuleLabel, address: LinkAddress, name: &Symbolized) -> Self {
        SiteKey::Address {
            module: ModuleKey::of(module),
            address,
            function: name.frame().and_then(|frame| frame.function.clone()),
        }
    }

    /// Gives its module another name.
    pub fn move_to(&mut self, name: ModuleKey) {
        match self {
            SiteKey::Line { module, .. } | SiteKey::Address { module, .. } => *module = name,
            SiteKey::Number { module, .. } => *module = Some(name),
        }
    }

    pub fn number(module: Option<&ModuleLabel>, number: Option<u64>) -> Self {
        SiteKey::Number {
            module: module.map(ModuleKey::of),
            number,
        }
    }
}

/// Why a site is left out of the table unless all are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hidden {
    /// It is the dynamic loader's, and does not grow.
    Loader,
}

/// What one run has of a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteRun {
    /// Of the site's module, where it is known.
    pub build: Option<Build>,
    /// Of that module's file, as the run spells it.
    pub path: Option<Text>,
    /// Link-time return addresses that are this site, ascending; more than one where a line has
    /// several calls, or was inlined more than once. Empty where unknown.
    pub addresses: Vec<LinkAddress>,
    /// The numbers of the log, where they could not be made link-time addresses.
    pub numbers: Vec<u64>,
    pub figures: Figures,
    /// What its callers asked for, each once; empty where unknown.
    pub sizes: Vec<Sizes>,
    /// `None` where only the end of the run is known.
    pub curve: Option<Curve>,
    /// Which of the run's call sites it is made of: stacks that lead to one place.
    pub sites: Vec<usize>,
}

impl SiteRun {
    /// Adds another stack that leads to the same place.
    pub fn add_site(&mut self, number: usize, site: &CallSite) {
        self.sites.push(number);
        self.figures.add(site.figures);
        self.add_sizes(site.sizes);
        self.add_curve(site.curve.as_ref());
    }

    /// Adds the sizes of a caller or site that is summed up in this one.
    pub fn add_sizes(&mut self, other: impl IntoIterator<Item = Sizes>) {
        // A part of them would say that others were never asked for.
        let known = self.sizes.len();
        self.sizes.extend(other);
        if known == 0 || self.sizes.len() == known {
            self.sizes.clear();
        }
    }

    /// Adds the curve of a caller or site that is summed up in this one.
    pub fn add_curve(&mut self, other: Option<&Curve>) {
        self.curve = match (self.curve.take(), other) {
            (Some(mut sum), Some(curve)) => {
                sum.add(curve);
                Some(sum)
            }
            // Part of a sum would be a wrong curve.
            _ => None,
        };
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
    pub runs: Vec<Option<SiteRun>>,
    /// The weakest of what joins its runs; `None` if only one has it.
    pub matched_by: Option<MatchedBy>,
    /// What the first run may have of it at least, where it may as well be another of its sites, or none;
    /// `None` where it is sure which site it is.
    pub at_least: Option<Figures>,
    /// What it stands for; an address or a line where a wider group is not known.
    pub by: Grouping,
    pub part: Part,
    /// A caller changed between the builds, and several sites of an earlier run may be this one, or one may be several.
    pub forked: bool,
    /// Wrappers that its memory came through, most blocks first; empty where it asked the allocator itself.
    pub via: Vec<Via>,
    /// It is itself a wrapper, or in the C or C++ runtime: who called it is not known.
    pub stands_for: Option<PassedBy>,
    pub hidden: Option<Hidden>,
}

impl JoinedSite {
    /// The frame to show, where there is one.
    pub fn frame(&self) -> Option<&Frame> {
        self.name.frame()
    }

    pub fn function(&self) -> Option<&str> {
        self.frame()?.function.as_deref()
    }

    /// The address to show where there is no line: of the last run that has one.
    pub fn address(&self) -> Option<LinkAddress> {
        let mut addresses = self
            .runs
            .iter()
            .rev()
            .flatten()
            .map(|run| run.addresses.first());
        addresses.find_map(|address| address.copied())
    }

    /// The log's own number, where there is no address.
    pub fn number(&self) -> Option<u64> {
        let mut numbers = self
            .runs
            .iter()
            .rev()
            .flatten()
            .map(|run| run.numbers.first());
        numbers.find_map(|number| number.copied())
    }
}
