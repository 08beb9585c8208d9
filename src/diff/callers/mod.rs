//! The ways that lead to a row: the callers of its responsible line, in all runs.

mod fold;
mod join;
mod lcs;
mod tree;
mod ways;

pub use lcs::likeness;
pub use tree::{CallerTree, Cut, Node};
pub use ways::{Way, ways};

use super::site::ModuleKey;
use crate::run::{LinkAddress, Pattern, Text};

/// A function on the way to a row, and where in it the way goes on.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Caller {
    pub module: Option<ModuleKey>,
    pub function: Option<Text>,
    pub file: Option<Text>,
    pub line: Option<u32>,
    /// Where no line is known.
    pub address: Option<LinkAddress>,
}

impl Caller {
    /// Whether both are one function, whatever line of it.
    pub fn is_same_function(&self, other: &Caller) -> bool {
        let is_known = self.function.is_some() || other.function.is_some();
        match is_known {
            true => self.module == other.module && self.function == other.function,
            false => self == other,
        }
    }
}

/// How much of the ways counts.
#[derive(Debug, Clone, Default)]
pub struct Reach {
    /// So many callers, the nearest ones; all where it is not said.
    pub callers: Option<usize>,
    /// A way ends at the first function that this is.
    pub under: Option<Pattern>,
}
