//! A run, as it is given.

use std::fs;
use std::path::{Path, PathBuf};

use super::moment::Moment;

/// Where a run is, and what the user has settled about it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunInput {
    /// A capture directory, an mtrace log alone, a saved report, or an old tool's result.
    pub path: PathBuf,
    /// When to look at it.
    pub at: Moment,
    /// The run's log or recording, where it is not to be looked for.
    pub log: Option<PathBuf>,
    /// The program that wrote the log, with its symbols.
    pub exe: Option<PathBuf>,
    /// A copy of the process's `/proc/PID/maps`.
    pub maps: Option<PathBuf>,
    /// The target's root directory as it is on this machine.
    pub sysroot: Option<PathBuf>,
    /// How long the program was traced, in seconds; outranks the capture's own word.
    pub duration_s: Option<f64>,
}

impl RunInput {
    /// All that is beside a log, or in a directory, is found by itself.
    pub fn new(path: impl Into<PathBuf>) -> RunInput {
        RunInput {
            path: path.into(),
            ..RunInput::default()
        }
    }

    /// Whether another one is the same directory or file, looked at in the same way at the same moment. A link is a name
    /// that somebody gave it for a reason.
    pub fn is_very(&self, other: &RunInput) -> bool {
        let place = |path: &Path| match path.file_name() {
            Some(name) => {
                let parent = path.parent().filter(|parent| *parent != Path::new(""));
                let parent = fs::canonicalize(parent.unwrap_or(Path::new(".")));
                parent.ok().map(|parent| parent.join(name))
            }
            None => fs::canonicalize(path).ok(),
        };
        let settled = |run: &RunInput| RunInput {
            path: PathBuf::new(),
            ..run.clone()
        };
        settled(self) == settled(other)
            && place(&self.path).is_some_and(|path| place(&other.path) == Some(path))
    }
}

/// `-`, the usual name for standard input; a file of that name is `./-`.
pub(crate) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}
