//! What matching knows of a site.

use super::asked_for::AskedFor;
use crate::diff::few::Few;
use crate::diff::module_key::ModuleKey;
use crate::diff::site::{CodePlace, SiteKey};
use crate::run::{Build, CodeFingerprint, Declaration, LinkAddress, Named, Text};
use crate::symbol_name::without_clone;

/// One function of a site: the shown one, or one that it is inlined into.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ChainFunction {
    pub function: Option<Text>,
    pub file: Option<Text>,
    pub line: Option<u32>,
    pub declaration: Declaration,
}

/// What matching knows of a site of one run.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Candidate {
    pub key: SiteKey,
    pub build: Option<Build>,
    pub module: Option<ModuleKey>,
    /// How the log spells the module's file, where it is known.
    pub module_path: Option<Text>,
    /// The shown function first; empty where nothing is known.
    pub chain: Vec<ChainFunction>,
    /// Of the chain's outermost function, where more is known than its name.
    pub outermost: Option<Box<Outermost>>,
    /// Ascending; empty where unknown.
    pub places: Few<CodePlace>,
    pub sizes: AskedFor,
}

/// What matching knows of the function that a site's code belongs to.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Outermost {
    /// What its symbol says, where debug information calls it otherwise.
    pub symbol: Option<Text>,
    /// Where it begins.
    pub start: Option<LinkAddress>,
    pub code: Option<CodeFingerprint>,
}

impl Outermost {
    pub(crate) fn of(named: &Named) -> Option<Box<Self>> {
        let outermost = Outermost {
            symbol: named.symbol().cloned(),
            start: named.function_start(),
            code: named.code(),
        };
        (outermost != Outermost::default()).then(|| Box::new(outermost))
    }
}

impl Candidate {
    pub(crate) fn has_line(&self) -> bool {
        let shown = self.chain.first();
        shown.is_some_and(|step| step.file.is_some() && step.line.is_some())
    }

    pub(crate) fn function(&self) -> Option<&str> {
        self.chain.first()?.function.as_deref()
    }

    pub(crate) fn file(&self) -> Option<&str> {
        self.chain.first()?.file.as_deref()
    }

    /// Of the function that the code belongs to.
    pub(crate) fn outermost_file(&self) -> Option<&str> {
        self.chain.last()?.file.as_deref()
    }

    pub(crate) fn is_external(&self) -> bool {
        let outermost = self.chain.last();
        outermost.is_some_and(|step| step.declaration.external)
    }

    /// The names of all functions of the chain; `None` where one has none.
    pub(crate) fn functions(&self) -> Option<Vec<&str>> {
        let names = self.chain.iter().map(|step| step.function.as_deref());
        let names: Vec<&str> = names.collect::<Option<_>>()?;
        (!names.is_empty()).then_some(names)
    }

    /// The function that the code belongs to, as symbols know it.
    pub(crate) fn outermost_function(&self) -> Option<&str> {
        let symbol = self.symbol();
        Some(without_clone(
            symbol.or(self.chain.last()?.function.as_deref())?,
        ))
    }

    fn symbol(&self) -> Option<&str> {
        self.outermost.as_ref()?.symbol.as_deref()
    }

    fn code(&self) -> Option<CodeFingerprint> {
        self.outermost.as_ref()?.code
    }

    /// The function that a lambda, to which the code belongs, is written in. Debug information calls all of them
    /// `operator()`; their symbols tell.
    pub(crate) fn written_in(&self) -> Option<&str> {
        let (function, _) = self.symbol()?.split_once("::{lambda")?;
        Some(bare_name(function))
    }

    pub(crate) fn lines(&self) -> Vec<Option<u32>> {
        self.chain.iter().map(|step| step.line).collect()
    }

    pub(crate) fn first_address(&self) -> u64 {
        let address = self.places.addresses().next().map(|address| address.0);
        address.or(self.places.numbers().next()).unwrap_or(0)
    }

    /// How far in its function it lies.
    pub(crate) fn offset(&self) -> Option<i64> {
        let address = self.places.addresses().next()?.0;
        let start = self.outermost.as_ref()?.start?.0;
        i64::try_from(i128::from(address) - i128::from(start)).ok()
    }

    /// Whether it is another call of a function that did not change: there each call stands where it stood, whether
    /// or not it allocates.
    pub(crate) fn is_elsewhere_in_same_code(&self, other: &Candidate) -> bool {
        let lines = |site: &Candidate| site.code()?.lines;
        let is_same = lines(self).is_some() && lines(self) == lines(other);
        is_same && self.has_moved(other)
    }

    /// Whether it can be another call: the function may be unchanged though its sizes are not, or it is one of several
    /// of its name. The same sizes in one function are one call; namesakes can well ask for the same.
    pub(crate) fn may_be_another_call(&self, other: &Candidate) -> bool {
        let (Some(a), Some(b)) = (self.code(), other.code()) else {
            return false;
        };
        let may_be_same = match (a.last_line, b.last_line) {
            (Some(a), Some(b)) => a == b && self.has_moved(other),
            _ => a.size == b.size && self.offset() != other.offset(),
        };
        let is_resized = !self.sizes.is_same(&other.sizes);
        (may_be_same && is_resized) || a.has_namesake || b.has_namesake
    }

    /// Whether it stands at other lines, counted from where its functions are declared.
    fn has_moved(&self, other: &Candidate) -> bool {
        let line =
            |step: &ChainFunction| Some(i64::from(step.line?) - i64::from(step.declaration.line?));
        let mut steps = self.chain.iter().zip(&other.chain);
        let has_moved = |(a, b): (&ChainFunction, &ChainFunction)| match (line(a), line(b)) {
            (Some(a), Some(b)) => a != b,
            _ => false,
        };
        self.chain.len() == other.chain.len() && steps.any(has_moved)
    }

    pub(crate) fn has_address(&self) -> bool {
        self.places.addresses().next().is_some()
    }

    pub(crate) fn is_of_same_build(&self, other: &Candidate) -> bool {
        self.build.is_some() && self.build == other.build
    }

    pub(crate) fn is_of_other_build(&self, other: &Candidate) -> bool {
        self.build.is_some() && other.build.is_some() && self.build != other.build
    }
}

/// A function without what a template returns, its arguments and its parameters: debug information and symbols spell
/// these in their own ways.
pub(super) fn bare_name(function: &str) -> &str {
    let name = function.split(['(', '<']).next().unwrap_or(function);
    name.rsplit(' ').next().unwrap_or(name)
}
