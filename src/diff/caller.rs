//! A function on the way to a row.

use super::module_key::ModuleKey;
use crate::run::{LinkAddress, Text};

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
