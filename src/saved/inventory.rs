//! What a run consisted of, beside its callers, in a saved report.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::file_name::base_name;
use crate::printable::shortened;
use crate::run::{Inventory, ModuleLabel, Role, Text};
use crate::symbols::Names;

#[derive(Serialize, Deserialize, Default)]
pub(super) struct SavedInventory {
    /// Paths of all files that were mapped, where maps told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mapped: Option<Vec<String>>,
    /// Of modules whose source files are all known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    sources: Vec<SavedSources>,
}

#[derive(Serialize, Deserialize)]
struct SavedSources {
    role: Role,
    module: String,
    files: Vec<String>,
}

impl SavedInventory {
    pub(super) fn of(inventory: &Inventory) -> Self {
        let mapped = inventory.mapped.as_ref().map(|names| {
            let paths = names.iter().filter(|name| name.contains('/'));
            paths.cloned().collect()
        });
        let sources = inventory.sources.iter();
        let sources = sources.map(|(label, files)| SavedSources {
            role: label.role,
            module: label.name.to_string(),
            files: files.iter().map(|file| file.to_string()).collect(),
        });
        SavedInventory {
            mapped,
            sources: sources.collect(),
        }
    }

    pub(super) fn inventory(self, names: &mut Names) -> Inventory {
        let mapped = self.mapped.map(|paths| {
            let paths = paths.iter().map(|path| shortened(path));
            let both = paths.flat_map(|path| {
                let name = String::from_utf8_lossy(base_name(path.as_bytes())).into_owned();
                [path, name]
            });
            both.collect()
        });
        let mut of = |sources: SavedSources| {
            let label = ModuleLabel {
                role: sources.role,
                name: shortened(&sources.module).into(),
            };
            let files = sources.files.iter();
            let files: BTreeSet<Text> = files.map(|file| names.shared(&shortened(file))).collect();
            (label, files)
        };
        Inventory {
            mapped,
            sources: self.sources.into_iter().map(&mut of).collect(),
        }
    }
}
