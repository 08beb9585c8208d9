//! `run.json`: what whoever made a capture knows of it. Every field may be missing.
//!
//! ```json
//! { "schema": "mtrace-diff-run/1",
//!   "duration_s": 120,
//!   "modules": [ { "path": "/usr/lib/libfoo.so.1", "build_id": "797582f0…" } ] }
//! ```

use std::path::Path;

use serde::Deserialize;

use super::maps::read_small;
use crate::elf::BuildId;
use crate::error::{Error, Result};

/// What the file's first field says that it is.
pub const SCHEMA: &str = "mtrace-diff-run/1";

/// Enough for some 50,000 modules, in bytes.
const LARGEST: u64 = 16 << 20;

/// A run's own facts.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Manifest {
    /// How long the program was traced, in seconds.
    #[serde(default)]
    pub duration_s: Option<f64>,
    #[serde(default)]
    modules: Vec<ModuleFacts>,
}

/// Whether a run can take so many seconds: more than none, and less than some thousand years.
pub fn is_duration(seconds: f64) -> bool {
    seconds > 0.0 && seconds < 1e11
}

#[derive(Debug, Clone, Deserialize)]
struct ModuleFacts {
    /// Where it was on the target.
    path: String,
    /// In hex.
    build_id: String,
}

impl Manifest {
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = read_small(path, LARGEST)?;
        let bad = |line, reason| Error::BadManifest {
            path: path.to_path_buf(),
            line,
            reason,
        };
        let manifest: Manifest =
            serde_json::from_slice(&bytes).map_err(|e| bad(e.line(), e.to_string()))?;
        match manifest.duration_s {
            Some(seconds) if !is_duration(seconds) => Err(bad(
                1,
                format!("a run cannot take {seconds} seconds (duration_s)"),
            )),
            _ => Ok(manifest),
        }
    }

    /// The recorded build id of a module, by its path on the target or by its base name.
    pub fn build_id(&self, name: &[u8]) -> Option<BuildId> {
        let base = |path: &[u8]| {
            path.rsplit(|&b| b == b'/')
                .next()
                .unwrap_or_default()
                .to_vec()
        };
        let by_path = self.modules.iter().find(|m| m.path.as_bytes() == name);
        let by_base = || {
            self.modules
                .iter()
                .find(|m| base(m.path.as_bytes()) == base(name))
        };
        BuildId::from_hex(&by_path.or_else(by_base)?.build_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_found_by_path_then_by_name() {
        let text = r#"{"schema": "mtrace-diff-run/1", "modules": [
            {"path": "/a/libfoo.so.1", "build_id": "0aFF"}, {"path": "/b/libfoo.so.1", "build_id": "01"}]}"#;
        let manifest: Manifest = serde_json::from_str(text).unwrap();
        let id = |name: &str| manifest.build_id(name.as_bytes()).map(|id| id.0);
        assert_eq!(id("/b/libfoo.so.1"), Some(vec![1]));
        assert_eq!(id("/c/libfoo.so.1"), Some(vec![0x0a, 0xff]));
        assert_eq!(id("/c/libbar.so.1"), None);
        assert_eq!(BuildId::from_hex("abc"), None);
    }
}
