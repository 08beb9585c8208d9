//! What one run left: the log, and the program, the maps and the libraries beside it.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::compressed;
use super::contents::Contents;
use super::input::{RunInput, is_stdin};
use super::manifest::Manifest;
use super::maps::Maps;
use super::moment::Moment;
use super::sniff::{FileKind, Recognise, Standing, file_kind};
use crate::elf::ElfInfo;
use crate::error::{Error, InputError, Result, no_directory};
use crate::printable::printable_path;
use crate::progress::{Counted, Progress};
use crate::warning::{NamesWarning, Warning};

/// The files of one run, each known for what it is.
#[derive(Debug, Default)]
pub(crate) struct CaptureSet {
    /// Short, for a column's head: the last part of the path.
    pub name: String,
    pub path: PathBuf,
    pub at: Moment,
    /// The log, or what was made of one.
    pub log: PathBuf,
    /// `log` has names and figures of its own, and may stand in for the log of the directory.
    pub stands_in: bool,
    pub program: Option<ElfInfo>,
    /// Whether the user named `program`, rather than that it lay beside the log.
    pub is_program_given: bool,
    pub maps: Option<Maps>,
    /// Where `maps` was read from, if the user said so.
    maps_file: Option<PathBuf>,
    /// Shared libraries that lie in the directory.
    pub libraries: Vec<ElfInfo>,
    /// Separate debug files that lie in the directory.
    pub debug_files: Vec<ElfInfo>,
    pub sysroot: Option<PathBuf>,
    /// The run's own facts; empty where there is no `run.json`.
    pub manifest: Manifest,
    /// How long it took, in seconds, where the command line says it, which knows best.
    pub told_duration_s: Option<f64>,
    pub warnings: Vec<Warning>,
}

impl CaptureSet {
    /// Finds out what `input` holds; names of files do not matter. Missing maps or program are warnings; a
    /// missing log is an error.
    pub(crate) fn open(input: &RunInput, recognise: Recognise) -> Result<Self> {
        let file = input.log.as_ref().unwrap_or(&input.path);
        if is_file(file) {
            match file_kind(file, recognise)? {
                FileKind::Run(Standing::StandsIn) => return Ok(Self::of_file(input, file)),
                FileKind::Report => {
                    return Err(Error::Input(InputError::ReportAsRun { path: file.clone() }));
                }
                _ => {}
            }
        }
        let contents = Contents::of(&input.path, recognise)?;
        if input.log.is_none()
            && let Some(file) = contents.standing_in(&input.path)?
        {
            return Ok(Self::of_file(input, &file));
        }
        Self::of_contents(input, contents)
    }

    /// Of a file that needs no other one beside it.
    fn of_file(input: &RunInput, file: &Path) -> Self {
        let stem = file.file_stem().map_or(file, Path::new);
        let name = match input.path == file {
            true => printable_path(stem),
            false => name_of(&input.path),
        };
        CaptureSet {
            name: name_at(name, input.at),
            path: input.path.clone(),
            at: input.at,
            log: file.to_path_buf(),
            stands_in: true,
            told_duration_s: input.duration_s,
            ..CaptureSet::default()
        }
    }

    fn of_contents(input: &RunInput, mut contents: Contents) -> Result<Self> {
        let log = contents.log(input)?;
        let program = contents.program(input)?;
        let maps = contents.maps_file(input)?;
        if program.is_none() || maps.is_none() {
            // What is missing may be the very file that could not be read; a core dump beside a whole
            // set does no harm.
            contents.refuse_unreadable()?;
        }
        let manifest = contents.manifest(&input.path)?;
        let aside = contents.aside();
        let mut warnings = Vec::new();
        if input.log.is_none() && !aside.is_empty() {
            warnings.push(Warning::LeftAside { files: aside });
        }
        if program.is_none() {
            warnings.push(NamesWarning::NoProgram.into());
        }
        warnings.extend(contents.other_program(program.as_ref()).map(Warning::from));
        let sysroot = match &input.sysroot {
            Some(root) if !root.is_dir() => {
                return Err(no_directory(root));
            }
            Some(root) => Some(root.clone()),
            None => beside(&input.path, "sysroot"),
        };
        Ok(CaptureSet {
            name: name_at(name_of(&input.path), input.at),
            path: input.path.clone(),
            at: input.at,
            log,
            stands_in: false,
            program,
            is_program_given: input.exe.is_some(),
            maps,
            maps_file: input.maps.clone(),
            libraries: contents.libraries,
            debug_files: contents.debug_files,
            sysroot,
            manifest,
            told_duration_s: input.duration_s,
            warnings,
        })
    }

    /// How long the run took, in seconds, where that is known beside the log.
    pub(crate) fn duration_s(&self) -> Option<f64> {
        self.told_duration_s.or(self.manifest.facts.duration_s)
    }

    /// Opens the log for reading, unpacked as it is read where it is compressed.
    pub(crate) fn open_log<'a>(&self, progress: &'a Progress) -> Result<Box<dyn Read + Send + 'a>> {
        let reading = |e| Error::io("read", &self.log, e);
        if is_stdin(&self.log) {
            let inner = io::stdin();
            return compressed::plain(Counted { inner, progress }).map_err(reading);
        }
        let inner = File::open(&self.log).map_err(|e| Error::io("open", &self.log, e))?;
        compressed::plain(Counted { inner, progress }).map_err(reading)
    }

    /// How many bytes of log there are to read; a pipe does not say.
    pub(crate) fn log_bytes(&self) -> Option<u64> {
        let file = fs::metadata(&self.log).ok()?;
        (file.is_file() && !is_stdin(&self.log)).then_some(file.len())
    }

    /// The directory in which libraries of this run are looked for first.
    pub(crate) fn directory(&self) -> Option<&Path> {
        self.path.is_dir().then_some(self.path.as_path())
    }

    /// Whether a file belongs to this run, so that it must not be written over.
    pub(crate) fn owns(&self, file: &Path, recognise: Recognise) -> bool {
        // A file can have several names.
        let identity = |path: &Path| fs::metadata(path).map(|file| (file.dev(), file.ino())).ok();
        let Some(wanted) = identity(file) else {
            return false;
        };
        let is_it = |path: &Path| identity(path) == Some(wanted);
        if self.stands_in || is_it(&self.log) {
            return is_it(&self.log);
        }
        let is_below = |root: &PathBuf| {
            let paths = (fs::canonicalize(root), fs::canonicalize(file));
            matches!(paths, (Ok(root), Ok(file)) if root.is_dir() && file.starts_with(&root))
        };
        let libraries = self.libraries.iter().chain(&self.debug_files);
        let files = self.program.iter().chain(libraries).map(|elf| &elf.path);
        let mut roots = self.sysroot.iter().chain([&self.path]);
        // Of what else lies there, only a saved report is no part of the run.
        let stands_in = || {
            matches!(
                file_kind(file, recognise),
                Ok(FileKind::Run(Standing::StandsIn))
            )
        };
        files.chain(&self.maps_file).any(|path| is_it(path))
            || (roots.any(is_below) && !stands_in())
    }
}

/// A regular file, which can be looked into and read again.
fn is_file(path: &Path) -> bool {
    !is_stdin(path) && fs::metadata(path).is_ok_and(|m| m.is_file())
}

fn name_at(name: String, at: Moment) -> String {
    match at {
        Moment::End => name,
        at => format!("{name}@{at}"),
    }
}

/// The last part of a path that says something: `run0` for `a/run0/` and for `a/run0/.`.
fn name_of(path: &Path) -> String {
    if is_stdin(path) {
        return "stdin".to_owned();
    }
    let resolved = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let named = path
        .file_name()
        .map(Path::new)
        .or(resolved.file_name().map(Path::new));
    named.map_or_else(|| printable_path(path), printable_path)
}

/// A directory called `name` in the capture directory or next to it.
fn beside(path: &Path, name: &str) -> Option<PathBuf> {
    let resolved = fs::canonicalize(path).ok()?;
    let beside = resolved.parent().map(|parent| parent.join(name));
    [Some(resolved.join(name)), beside]
        .into_iter()
        .flatten()
        .find(|p| p.is_dir())
}
