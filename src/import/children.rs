//! Recordings of processes that a recorded program started, beside its own.

use std::fs::{self, File};
use std::path::Path;

use crate::capture::CaptureSet;
use crate::printable::printable_path;
use crate::recording::{Blocks, Header};

/// The directories of a run that hold recordings of processes which began later than its own, ascending. What began
/// before is no child: it launched a daemon, or is what the same process ran before `exec`.
pub fn children_of(capture: &CaptureSet, own: &Header) -> Vec<String> {
    let Some(directory) = capture.directory() else {
        return Vec::new();
    };
    // A log from elsewhere has no children here.
    if capture.log.parent() != Some(directory) {
        return Vec::new();
    }
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let children = entries.filter(|entry| {
        let is_named = entry
            .file_name()
            .to_str()
            .is_some_and(|name| name.starts_with("child-"));
        is_named && started(&entry.path().join("recording")).is_some_and(|at| at > own.started)
    });
    let mut names: Vec<(usize, String)> = children
        .map(|entry| printable_path(Path::new(&entry.file_name())))
        .map(|name| (name.len(), name))
        .collect();
    names.sort_unstable();
    names.into_iter().map(|(_, name)| name).collect()
}

fn started(recording: &Path) -> Option<u64> {
    // A FIFO would be waited for.
    let is_file = fs::metadata(recording).is_ok_and(|file| file.is_file());
    let file = is_file.then(|| File::open(recording).ok()).flatten()?;
    Some(Blocks::open(file).ok()?.ok()?.header.started)
}
