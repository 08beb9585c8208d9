//! What a run is given as: a capture, an old tool's result, or a saved report.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::sniff::{FileKind, file_kind, is_saved_report};
use super::{CaptureSet, Contents, RunInput, file_name, is_named_like_a_log, name_of};
use crate::error::{Error, Result};
use crate::printable::printable_path;

/// A run, as far as its files tell.
#[derive(Debug)]
pub enum RunSource {
    Capture(CaptureSet),
    /// The log is the recorder's.
    Recording(CaptureSet),
    /// In place of the log stands what an old tool made of it.
    OldResult(CaptureSet),
    Saved(SavedFile),
}

/// A saved report.
#[derive(Debug)]
pub struct SavedFile {
    /// As the run was given: the file, or the directory that holds it.
    pub path: PathBuf,
    pub file: PathBuf,
}

impl RunSource {
    /// Finds out what `input` is. Names of files do not matter.
    pub fn open(input: &RunInput) -> Result<Self> {
        let file = input.log.as_ref().unwrap_or(&input.path);
        if is_file(file) {
            let saved = || SavedFile::at(input, file);
            return match file_kind(file)? {
                FileKind::Saved => Ok(RunSource::Saved(saved())),
                FileKind::Report => Err(Error::ReportAsRun { path: file.clone() }),
                FileKind::OldResult => CaptureSet::open(input).map(RunSource::OldResult),
                _ => CaptureSet::open(input).and_then(of_log),
            };
        }
        if input.log.is_some() || !input.path.is_dir() {
            return CaptureSet::open(input).and_then(of_log);
        }
        let contents = Contents::of_directory(&input.path)?;
        match contents.saved_run(&input.path)? {
            Some(file) => Ok(RunSource::Saved(SavedFile::at(input, &file))),
            None => contents.into_set(input).and_then(of_log),
        }
    }

    /// How many bytes of log there are to read; a pipe does not say.
    pub fn log_bytes(&self) -> Option<u64> {
        match self {
            RunSource::Capture(set) | RunSource::Recording(set) | RunSource::OldResult(set) => {
                set.log_bytes()
            }
            RunSource::Saved(_) => Some(0),
        }
    }

    /// Whether a file belongs to this run, so that it must not be written over.
    pub fn owns(&self, file: &Path) -> bool {
        // A file can have several names.
        let identity = |path: &Path| fs::metadata(path).map(|file| (file.dev(), file.ino())).ok();
        let Some(wanted) = identity(file) else {
            return false;
        };
        let is_it = |path: &Path| identity(path) == Some(wanted);
        let is_below = |root: &Path| {
            let paths = (fs::canonicalize(root), fs::canonicalize(file));
            matches!(paths, (Ok(root), Ok(file)) if root.is_dir() && file.starts_with(&root))
        };
        match self {
            RunSource::Saved(saved) => is_it(&saved.file),
            RunSource::Capture(set) | RunSource::Recording(set) | RunSource::OldResult(set) => {
                let libraries = set.libraries.iter().chain(&set.debug_files);
                let files = set.program.iter().chain(libraries);
                let files = files.map(|elf| elf.path.as_path());
                let mut roots = set.sysroot.iter().chain([&set.path]);
                is_it(&set.log)
                    || files.chain(set.maps_files()).any(is_it)
                    // Of what else lies there, only a saved report is no part of the run.
                    || (roots.any(|root| is_below(root)) && !is_saved_report(file))
            }
        }
    }
}

impl SavedFile {
    /// The directory's name; of a file, its name without what stands behind the dot: `baseline`.
    pub fn name(&self) -> String {
        match self.path == self.file {
            true => self.file.file_stem().map_or_else(
                || printable_path(&self.file),
                |stem| printable_path(stem.as_ref()),
            ),
            false => name_of(&self.path),
        }
    }

    /// The report itself, where the run was given as a directory or with another path.
    pub fn stands_in(&self) -> Option<&Path> {
        (self.path != self.file).then_some(self.file.as_path())
    }

    fn at(input: &RunInput, file: &Path) -> Self {
        SavedFile {
            path: input.path.clone(),
            file: file.to_path_buf(),
        }
    }
}

impl Contents {
    /// What nobody can say is not the run's log, with the reason.
    fn may_be_logs(&self) -> Vec<String> {
        let unreadable = self.unreadable.iter();
        let unreadable = unreadable.map(|(path, _)| (path, "cannot be read"));
        let unclear = self.unclear.iter().map(|path| (path, "damaged or unknown"));
        let is_candidate = |path: &&PathBuf| match path.is_dir() {
            true => is_named_like_a_log(path),
            // Links between versions of a library are often copied without it.
            false => !file_name(path).contains(".so"),
        };
        let not_files = self.not_files.iter().filter(is_candidate);
        let not_files = not_files.map(|path| (path, "not a file"));
        let all = unclear.chain(unreadable).chain(not_files);
        all.map(|(path, what)| format!("{} ({what})", file_name(path)))
            .collect()
    }

    /// The saved report that stands for a log that is not there. Where something is there that may be the
    /// log, no older result may stand in for it. An empty file is a log to which
    /// nothing was written: that run failed, and no older result may stand in for it.
    fn saved_run(&self, directory: &Path) -> Result<Option<PathBuf>> {
        if !self.logs.is_empty() || !self.empty.is_empty() {
            return Ok(None);
        }
        let Some(saved) = self.saved.first() else {
            return Ok(None);
        };
        let unclear = self.may_be_logs();
        if !unclear.is_empty() {
            return Err(Error::UnclearLog {
                path: directory.to_path_buf(),
                files: unclear,
                saved: file_name(saved),
            });
        }
        match self.saved.as_slice() {
            [] => Ok(None),
            [file] => Ok(Some(file.clone())),
            several => Err(Error::SeveralSaved {
                path: directory.to_path_buf(),
                files: several.iter().map(|file| file_name(file)).collect(),
            }),
        }
    }
}

/// What a capture is by its log. A pipe cannot be looked into before it is read.
fn of_log(set: CaptureSet) -> Result<RunSource> {
    let is_recorded = is_file(&set.log) && matches!(file_kind(&set.log)?, FileKind::Recording);
    Ok(match is_recorded {
        true => RunSource::Recording(set),
        false => RunSource::Capture(set),
    })
}

/// A regular file, which can be looked into and read again.
fn is_file(path: &Path) -> bool {
    !super::is_stdin(path) && fs::metadata(path).is_ok_and(|m| m.is_file())
}
