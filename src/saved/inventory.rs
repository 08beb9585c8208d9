//! What a run consisted of, beside its callers, in a saved report.

use std::collections::{BTreeMap, BTreeSet};

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
    /// Of modules whose functions are known: namesakes of those that callers show.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    functions: Vec<SavedFunctions>,
}

#[derive(Serialize, Deserialize)]
struct SavedSources {
    role: Role,
    module: String,
    files: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct SavedFunctions {
    role: Role,
    module: String,
    functions: Vec<String>,
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
            files: owned(files),
        });
        let functions = inventory.functions.iter();
        let functions = functions.map(|(label, functions)| SavedFunctions {
            role: label.role,
            module: label.name.to_string(),
            functions: owned(functions),
        });
        SavedInventory {
            mapped,
            sources: sources.collect(),
            functions: functions.collect(),
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
        let mut of = |role: Role, module: &str, texts: &[String]| {
            let name = shortened(module).into();
            let texts = texts.iter().map(|text| names.shared(&shortened(text)));
            (ModuleLabel { role, name }, texts.collect())
        };
        let sources = self.sources.iter();
        let sources = sources.map(|saved| of(saved.role, &saved.module, &saved.files));
        let sources: BTreeMap<ModuleLabel, BTreeSet<Text>> = sources.collect();
        let functions = self.functions.iter();
        let functions = functions.map(|saved| of(saved.role, &saved.module, &saved.functions));
        Inventory {
            mapped,
            sources,
            functions: functions.collect(),
        }
    }
}

fn owned(texts: &BTreeSet<Text>) -> Vec<String> {
    texts.iter().map(|text| text.to_string()).collect()
}
