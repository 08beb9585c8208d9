//! What a run is given as: a capture, an old tool's result, or a saved report.

use std::fs;
use std::path::{Path, PathBuf};

use super::sniff::{FileKind, file_kind};
use super::{CaptureSet, Contents, RunInput, file_name, name_of};
use crate::error::{Error, Result};
use crate::printable::printable_path;

/// A run, as far as its files tell.
#[derive(Debug)]
pub enum RunSource {
    Capture(CaptureSet),
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
                _ => CaptureSet::open(input).map(RunSource::Capture),
            };
        }
        if input.log.is_some() || !input.path.is_dir() {
            return CaptureSet::open(input).map(RunSource::Capture);
        }
        let contents = Contents::of_directory(&input.path)?;
        match contents.saved_run(&input.path)? {
            Some(file) => Ok(RunSource::Saved(SavedFile::at(input, &file))),
            None => contents.into_set(input).map(RunSource::Capture),
        }
    }

    /// How many bytes of log there are to read; a pipe does not say.
    pub fn log_bytes(&self) -> Option<u64> {
        match self {
            RunSource::Capture(set) | RunSource::OldResult(set) => set.log_bytes(),
            RunSource::Saved(_) => Some(0),
        }
    }

    /// Whether a file belongs to this run, so that it must not be written over.
    pub fn owns(&self, file: &Path) -> bool {
        let Ok(file) = fs::canonicalize(file) else {
            return false;
        };
        let is_it = |path: &Path| fs::canonicalize(path).is_ok_and(|path| path == file);
        match self {
            RunSource::Saved(saved) => is_it(&saved.file),
            RunSource::Capture(set) | RunSource::OldResult(set) => {
                let program = set.program.iter().map(|elf| elf.path.as_path());
                is_it(&set.log) || program.chain(set.maps_files()).any(is_it) || {
                    // Of what else lies in the directory, only a saved report is no part of the run.
                    let in_directory = file.parent().is_some_and(is_it_of(&set.path));
                    in_directory && !matches!(file_kind(&file), Ok(FileKind::Saved))
                }
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

    fn at(input: &RunInput, file: &Path) -> Self {
        SavedFile {
            path: input.path.clone(),
            file: file.to_path_buf(),
        }
    }
}

impl Contents {
    /// The saved report that stands for a log that is not there. An empty file is a log to which
    /// nothing was written: that run failed, and no older result may stand in for it.
    fn saved_run(&self, directory: &Path) -> Result<Option<PathBuf>> {
        if !self.logs.is_empty() || !self.empty.is_empty() {
            return Ok(None);
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

/// A regular file, which can be looked into and read again.
fn is_file(path: &Path) -> bool {
    !super::is_stdin(path) && fs::metadata(path).is_ok_and(|m| m.is_file())
}

fn is_it_of(directory: &Path) -> impl Fn(&Path) -> bool + '_ {
    move |path| fs::canonicalize(directory).is_ok_and(|directory| directory == path)
}
