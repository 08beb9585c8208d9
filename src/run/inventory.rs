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
}

impl Inventory {
    /// What is in either of two runs, as far as both tell.
    pub fn with(mut self, other: &Inventory) -> Self {
        self.mapped = match (self.mapped, &other.mapped) {
            (Some(mut all), Some(other)) => {
                all.extend(other.iter().cloned());
                Some(all)
            }
            _ => None,
        };
        for (module, files) in &other.sources {
            let all = self.sources.entry(module.clone()).or_default();
            all.extend(files.iter().cloned());
        }
        self
    }
}
