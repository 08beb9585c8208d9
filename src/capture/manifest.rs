//! What `run.json` tells of a capture.

use std::path::Path;
use std::sync::OnceLock;

use hashbrown::HashMap;

use super::maps::read_small;
use crate::elf::BuildId;
use crate::error::{Error, InputError, Result};
use crate::file_name::base_name;
use crate::run_facts::{ASKED, KILLED, MappedBuild, RunFacts};

/// Enough for some 50,000 modules, in bytes.
const LARGEST: u64 = 16 << 20;

/// A run's own facts, and the builds of its modules by their names.
#[derive(Debug, Clone, Default)]
pub(crate) struct Manifest {
    pub facts: RunFacts,
    /// Made when the first module is looked up.
    index: OnceLock<Index>,
}

/// Whether a run can take so many seconds: more than none, and less than some thousand years.
pub(crate) fn is_duration(seconds: f64) -> bool {
    seconds > 0.0 && seconds < 1e11
}

impl Manifest {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let bytes = read_small(path, LARGEST)?;
        let bad = |line, reason| {
            Error::Input(InputError::BadManifest {
                path: path.to_path_buf(),
                line,
                reason,
            })
        };
        let facts: RunFacts =
            serde_json::from_slice(&bytes).map_err(|e| bad(e.line(), e.to_string()))?;
        match facts.duration_s {
            Some(seconds) if !is_duration(seconds) => Err(bad(
                1,
                format!("a run cannot take {seconds} seconds (duration_s)"),
            )),
            _ => Ok(Manifest::of(facts)),
        }
    }

    fn of(facts: RunFacts) -> Self {
        Manifest {
            facts,
            index: OnceLock::new(),
        }
    }

    /// How long a process went on whose recording began then, in seconds since 1970, where the run was ended: the process can
    /// be one that the program started later.
    pub(crate) fn lasted_since(&self, began: f64) -> Option<f64> {
        let was_ended = matches!(self.facts.ended.as_deref(), Some(ASKED | KILLED));
        let ended = self.facts.duration_s.filter(|_| was_ended)?;
        self.since(began, ended)
    }

    /// After how many seconds such a process was asked to end, if it did so.
    pub(crate) fn asked_since(&self, began: f64) -> Option<f64> {
        self.since(began, self.asked_after_s()?)
    }

    /// After how many seconds the program was asked to end, if it did so: one that had to be killed may have gone on with its
    /// work.
    pub(crate) fn asked_after_s(&self) -> Option<f64> {
        let was_asked = self.facts.ended.as_deref() == Some(ASKED);
        let asked = self.facts.asked_after_s.filter(|_| was_asked);
        asked.filter(|seconds| is_duration(*seconds))
    }

    fn since(&self, began: f64, seconds: f64) -> Option<f64> {
        let started = self.facts.started_unix_s?;
        Some(started + seconds - began.max(started))
    }

    /// Adds what a log says of its modules.
    pub(crate) fn add_modules(&mut self, modules: impl IntoIterator<Item = (String, BuildId)>) {
        let facts = modules.into_iter();
        let facts = facts.map(|(path, build_id)| MappedBuild { path, build_id });
        self.facts.modules.extend(facts);
        self.index = OnceLock::new();
    }

    /// The recorded build id of a module, by its path on the target or by its base name.
    pub(crate) fn build_id(&self, name: &[u8]) -> Option<BuildId> {
        if self.facts.modules.is_empty() {
            return None;
        }
        // Each module of the run asks, and either can have thousands.
        let index = self.index.get_or_init(|| {
            let mut index = Index::default();
            for (at, module) in self.facts.modules.iter().enumerate() {
                let path = module.path.as_bytes();
                index.by_path.entry(path.to_vec()).or_insert(at);
                index.by_base.entry(base_name(path).to_vec()).or_insert(at);
            }
            index
        });
        let by_base = || index.by_base.get(base_name(name));
        let at = index.by_path.get(name).or_else(by_base)?;
        Some(self.facts.modules.get(*at)?.build_id.clone())
    }
}

/// Where in the list a module stands first, by its path and by the last part of it.
#[derive(Debug, Clone, Default)]
struct Index {
    by_path: HashMap<Vec<u8>, usize>,
    by_base: HashMap<Vec<u8>, usize>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_found_by_path_then_by_name() {
        let text = r#"{"schema": "mtrace-diff-run/1", "modules": [
            {"path": "/a/libfoo.so.1", "build_id": "0aFF"}, {"path": "/b/libfoo.so.1", "build_id": "01"}]}"#;
        let manifest = Manifest::of(serde_json::from_str(text).unwrap());
        let id = |name: &str| manifest.build_id(name.as_bytes()).map(|id| id.0);
        assert_eq!(id("/b/libfoo.so.1"), Some([1].into()));
        assert_eq!(id("/c/libfoo.so.1"), Some([0x0a, 0xff].into()));
        assert_eq!(id("/c/libbar.so.1"), None);
        assert_eq!(BuildId::from_hex("abc"), None);
    }
}
