//! What matching knows of a site.

use crate::diff::few::Few;
use crate::diff::site::{ModuleKey, SiteKey};
use crate::run::{Build, Declaration, LinkAddress, Text};

/// One function of a site: the shown one, or one that it is inlined into.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Step {
    pub function: Option<Text>,
    pub file: Option<Text>,
    pub line: Option<u32>,
    pub declaration: Declaration,
}

/// What matching knows of a site of one run.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    pub key: SiteKey,
    pub build: Option<Build>,
    pub module: Option<ModuleKey>,
    /// How the log spells the module's file, where it is known.
    pub module_path: Option<Text>,
    /// The shown function first; empty where nothing is known.
    pub chain: Vec<Step>,
    /// Where the outermost function of the chain begins.
    pub function_start: Option<LinkAddress>,
    /// Ascending; empty where unknown.
    pub addresses: Few<LinkAddress>,
    /// The numbers of the log, where they are no addresses.
    pub numbers: Few<u64>,
    /// Of its live blocks, where there are any and their bytes are known.
    pub mean_size: Option<f64>,
}

impl Candidate {
    pub fn has_line(&self) -> bool {
        let shown = self.chain.first();
        shown.is_some_and(|step| step.file.is_some() && step.line.is_some())
    }

    pub fn function(&self) -> Option<&str> {
        self.chain.first()?.function.as_deref()
    }

    pub fn file(&self) -> Option<&str> {
        self.chain.first()?.file.as_deref()
    }

    /// Of the function that the code belongs to.
    pub fn outermost_file(&self) -> Option<&str> {
        self.chain.last()?.file.as_deref()
    }

    pub fn is_external(&self) -> bool {
        let outermost = self.chain.last();
        outermost.is_some_and(|step| step.declaration.external)
    }

    /// The names of all functions of the chain; `None` where one has none.
    pub fn functions(&self) -> Option<Vec<&str>> {
        let names = self.chain.iter().map(|step| step.function.as_deref());
        let names: Vec<&str> = names.collect::<Option<_>>()?;
        (!names.is_empty()).then_some(names)
    }

    /// The function that the code belongs to, as symbols know it.
    pub fn outermost(&self) -> Option<&str> {
        Some(without_clone(self.chain.last()?.function.as_deref()?))
    }

    pub fn lines(&self) -> Vec<Option<u32>> {
        self.chain.iter().map(|step| step.line).collect()
    }

    pub fn first_address(&self) -> u64 {
        let address = self.addresses.first().map(|address| address.0);
        let number = self.numbers.first().copied();
        address.or(number).unwrap_or(0)
    }

    /// How far in its function it lies.
    pub fn offset(&self) -> Option<i64> {
        let address = self.addresses.first()?.0;
        let start = self.function_start?.0;
        i64::try_from(i128::from(address) - i128::from(start)).ok()
    }

    pub fn is_of_same_build(&self, other: &Candidate) -> bool {
        self.build.is_some() && self.build == other.build
    }

    pub fn is_of_other_build(&self, other: &Candidate) -> bool {
        self.build.is_some() && other.build.is_some() && self.build != other.build
    }

    /// Both have live blocks, of the same size.
    pub fn has_same_sizes(&self, other: &Candidate) -> bool {
        self.mean_size.is_some() && self.mean_size == other.mean_size
    }

    /// Both have live blocks, of other sizes. Without live blocks nothing is known of sizes, which
    /// speaks neither for two sites being one nor against it.
    pub fn has_other_sizes(&self, other: &Candidate) -> bool {
        match (self.mean_size, other.mean_size) {
            (Some(a), Some(b)) => a != b,
            _ => false,
        }
    }
}

/// A symbol without what compilers add to copies of a function, which come and go with builds.
pub fn without_clone(symbol: &str) -> &str {
    const MARKS: [&str; 5] = [".isra.", ".constprop.", ".part.", ".cold", ".lto_priv."];
    let ends = MARKS.iter().filter_map(|mark| symbol.find(mark));
    let end = ends.filter(|end| *end > 0).min();
    end.map_or(symbol, |end| &symbol[..end])
}
