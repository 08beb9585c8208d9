//! `run.json`: what whoever made a capture knows of it. Every field may be missing.
//!
//! ```json
//! { "schema": "mtrace-diff-run/1",
//!   "duration_s": 120,
//!   "modules": [ { "path": "/usr/lib/libfoo.so.1", "build_id": "797582f0…" } ] }
//! ```

use serde::{Deserialize, Serialize};

use crate::elf::BuildId;

/// What the file's first field says that it is.
pub(crate) const SCHEMA: &str = "mtrace-diff-run/1";

/// How a program ended.
pub(crate) const ITSELF: &str = "itself";
pub(crate) const ASKED: &str = "asked";
pub(crate) const KILLED: &str = "killed";

/// A run's own facts.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct RunFacts {
    /// [`SCHEMA`], when it is written.
    #[serde(skip_deserializing)]
    pub schema: &'static str,
    /// How long the program was traced, in seconds.
    pub duration_s: Option<f64>,
    /// When the program was asked to end, if it was, in seconds from its start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked_after_s: Option<f64>,
    /// When the program was started, in seconds since 1970.
    pub started_unix_s: Option<f64>,
    /// For people.
    #[serde(skip_deserializing)]
    pub command: Vec<String>,
    /// What wrote the log, for people and for who writes over it.
    #[serde(skip_deserializing)]
    pub recorder: &'static str,
    /// [`ITSELF`], [`ASKED`] or [`KILLED`].
    pub ended: Option<String>,
    /// Of the program, where it ended by itself, or crashed when it was asked to end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_status: Option<i32>,
    /// What the process became, without being recorded any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub went_on_as: Option<String>,
    /// Directories below it of what the same process ran before, in glibc's logs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ran_before: Vec<String>,
    /// Directories below it of the process that launched it as a daemon, in glibc's logs; a recording says itself when it began.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub launched_by: Vec<String>,
    /// How many processes that it forked have no log, in glibc's logs; a recording has that in its header.
    #[serde(skip_serializing_if = "is_none")]
    pub unfollowed: u32,
    /// Which files were mapped, where nothing else tells their builds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub modules: Vec<MappedBuild>,
}

/// The build of a file that was mapped.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct MappedBuild {
    /// Where it was on the target.
    pub path: String,
    /// In hex.
    pub build_id: BuildId,
}

impl RunFacts {
    pub(crate) fn had_to_be_killed(&self) -> bool {
        self.ended.as_deref() == Some(KILLED)
    }
}

fn is_none(number: &u32) -> bool {
    *number == 0
}
