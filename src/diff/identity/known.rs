//! What is known of one side: its sites, and what else is there, though it does not allocate.

use std::collections::{BTreeMap, BTreeSet};

use super::candidate::Candidate;
use crate::diff::module_key::ModuleKey;
use crate::run::{Inventory, Text};

/// The sites of a run, or of all earlier ones, and what was there beside them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known<'a> {
    pub sites: &'a [Candidate],
    pub inventory: &'a Inventory,
}

impl<'a> Known<'a> {
    /// Whether a module, or a file at this path, was in the process without doubt.
    pub(crate) fn has_mapped(&self, name: &str) -> bool {
        let mapped = self.inventory.mapped.as_ref();
        mapped.is_some_and(|names| names.contains(name))
    }

    /// Whether a module that is not to be seen was not there.
    pub(crate) fn knows_modules(&self) -> bool {
        self.inventory.mapped.is_some()
    }

    /// What modules were compiled from, where all of it is known.
    pub(crate) fn sources(&self) -> BTreeMap<ModuleKey, &'a BTreeSet<Text>> {
        let all = self.inventory.sources.iter();
        all.map(|(label, files)| (ModuleKey::of(label), files))
            .collect()
    }
}
