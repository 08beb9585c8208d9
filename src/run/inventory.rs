//! What a process and its files consist of, whether or not it allocates.

use std::collections::{BTreeMap, BTreeSet};

use super::{ModuleLabel, Text};

/// What is there in a run, although no call site may show it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    /// Names and paths of all that was mapped; `None` where no maps tell.
    pub mapped: Option<BTreeSet<String>>,
    /// The source files that modules were compiled from; a module of which they are not known is missing.
    pub sources: BTreeMap<ModuleLabel, BTreeSet<Text>>,
    /// The functions of modules that are namesakes of those that call sites show, whatever their scopes and parameters are; a
    /// module of which they are not known is missing.
    pub functions: BTreeMap<ModuleLabel, BTreeSet<Text>>,
}

impl Inventory {
    /// What is known after another run: it has the last word, but for modules that it says nothing of.
    pub(crate) fn followed_by(mut self, next: &Inventory) -> Self {
        self.mapped.clone_from(&next.mapped);
        self.sources.extend(next.sources.clone());
        self.functions.extend(next.functions.clone());
        self
    }
}
