//! What one run left: the program, the mtrace log, the maps, and libraries beside them.

mod compressed;
mod credible;
mod manifest;
pub mod maps;
mod moment;
mod once;
mod sniff;
mod source;

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use crate::elf::ElfInfo;
use crate::error::{Error, FileFlag, Result};
use crate::printable::printable_path;
use crate::progress::{Counted, Progress};
use crate::warning::Warning;
pub use compressed::plain;
use credible::Credible;
pub use manifest::{Manifest, is_duration};
pub use maps::{Mapping, Maps};
pub use moment::{Moment, Reached};
pub use once::refuse_read_twice;
use sniff::{FileKind, file_kind};
pub use sniff::{SAVED_SCHEMA, is_saved_report};
pub use source::{RunSource, SavedFile};

/// Where a run is, and what the user has settled about it.
#[derive(Debug, Clone, Default)]
pub struct RunInput {
    /// A capture directory, an mtrace log alone, a saved report, or an old tool's result.
    pub path: PathBuf,
    /// When to look at it.
    pub at: Moment,
    pub log: Option<PathBuf>,
    pub exe: Option<PathBuf>,
    pub maps: Option<PathBuf>,
    /// The target's root directory as it is on this machine.
    pub sysroot: Option<PathBuf>,
    /// How long the program was traced, in seconds; outranks the capture's own word.
    pub duration_s: Option<f64>,
}

/// The files of one run, each known for what it is.
#[derive(Debug)]
pub struct CaptureSet {
    /// Short, for a column's head: the last part of the path.
    pub name: String,
    pub path: PathBuf,
    pub at: Moment,
    pub log: PathBuf,
    pub program: Option<ElfInfo>,
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
    pub warnings: Vec<Warning>,
}

/// What a directory listing comes to.
#[derive(Default)]
struct Contents {
    logs: Vec<PathBuf>,
    maps: Vec<PathBuf>,
    programs: Vec<ElfInfo>,
    libraries: Vec<ElfInfo>,
    debug_files: Vec<ElfInfo>,
    manifests: Vec<PathBuf>,
    empty: Vec<PathBuf>,
    saved: Vec<PathBuf>,
    old_results: Vec<PathBuf>,
    others: Vec<PathBuf>,
    /// Anything: also a log that is damaged, or packed in a way that is not known.
    unclear: Vec<PathBuf>,
    unreadable: Vec<(PathBuf, Error)>,
    /// Directories, FIFOs, links that lead nowhere: there, but not read.
    not_files: Vec<PathBuf>,
}

impl CaptureSet {
    /// Finds out what `input` holds. Missing maps or program are warnings; a missing log is an error.
    pub fn open(input: &RunInput) -> Result<Self> {
        let path = &input.path;
        if is_stdin(path) {
            return Contents::of_log(path).into_set(input);
        }
        let metadata = fs::metadata(path).map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => Error::MissingRun { path: path.clone() },
            _ => Error::io("open", path, e),
        })?;
        let contents = if metadata.is_dir() {
            Contents::of_directory(path)?
        } else if metadata.is_file() || metadata.file_type().is_fifo() {
            Contents::of_log(path)
        } else {
            return Err(Error::NotARun { path: path.clone() });
        };
        contents.into_set(input)
    }
}

impl Contents {
    /// A log in place of a directory.
    fn of_log(path: &Path) -> Self {
        Contents {
            logs: vec![path.to_path_buf()],
            ..Contents::default()
        }
    }

    fn of_directory(directory: &Path) -> Result<Self> {
        let listing = |e| Error::io("list", directory, e);
        let mut paths = Vec::new();
        for entry in fs::read_dir(directory).map_err(listing)? {
            paths.push(entry.map_err(listing)?.path());
        }
        paths.sort();
        // Two names of one file, such as a link to the latest log, are one file.
        let mut seen = HashSet::new();
        paths.retain(|path| fs::canonicalize(path).map_or(true, |real| seen.insert(real)));
        let mut contents = Contents::default();
        for path in paths {
            // Opening a FIFO would wait for a writer that may never come.
            if !fs::metadata(&path).is_ok_and(|m| m.is_file()) {
                contents.not_files.push(path);
                continue;
            }
            let kind = match file_kind(&path) {
                Ok(kind) => kind,
                Err(error) => {
                    contents.unreadable.push((path, error));
                    continue;
                }
            };
            match kind {
                FileKind::Log => contents.logs.push(path),
                FileKind::Maps => contents.maps.push(path),
                FileKind::Program(info) => contents.programs.push(info),
                FileKind::Library(info) => contents.libraries.push(info),
                FileKind::Debug(info) => contents.debug_files.push(info),
                FileKind::Manifest => contents.manifests.push(path),
                FileKind::Empty => contents.empty.push(path),
                FileKind::Saved => contents.saved.push(path),
                FileKind::OldResult => contents.old_results.push(path),
                FileKind::Other if is_named_like_a_log(&path) => contents.unclear.push(path),
                FileKind::Report | FileKind::Json | FileKind::Other => contents.others.push(path),
                FileKind::Unclear => contents.unclear.push(path),
            }
        }
        Ok(contents)
    }

    fn into_set(mut self, input: &RunInput) -> Result<CaptureSet> {
        let log = self.log(input)?;
        let program = self.program(input)?;
        let maps = self.maps_file(input)?;
        // What is missing may be the very file that could not be read; a core dump beside a whole
        // set does no harm.
        if (program.is_none() || maps.is_none()) && !self.unreadable.is_empty() {
            return Err(self.unreadable.swap_remove(0).1);
        }
        let mut warnings = Vec::new();
        let mut manifest = self.manifest(&input.path)?;
        manifest.duration_s = input.duration_s.or(manifest.duration_s);
        let unreadable = self.unreadable.iter().map(|(path, _)| path);
        let aside: Vec<String> = unreadable
            .chain(&self.unclear)
            .map(|path| file_name(path))
            .collect();
        if input.log.is_none() && !aside.is_empty() {
            warnings.push(Warning::LeftAside { files: aside });
        }
        if program.is_none() {
            warnings.push(Warning::NoProgram);
        }
        warnings.extend(self.other_program(program.as_ref()));
        let sysroot = match &input.sysroot {
            Some(root) if !root.is_dir() => {
                return Err(Error::io(
                    "open",
                    root,
                    std::io::ErrorKind::NotADirectory.into(),
                ));
            }
            Some(root) => Some(root.clone()),
            None => beside(&input.path, "sysroot"),
        };
        Ok(CaptureSet {
            name: match input.at {
                Moment::End => name_of(&input.path),
                at => format!("{}@{at}", name_of(&input.path)),
            },
            path: input.path.clone(),
            at: input.at,
            log,
            program,
            maps,
            maps_file: input.maps.clone(),
            libraries: self.libraries,
            debug_files: self.debug_files,
            sysroot,
            manifest,
            warnings,
        })
    }

    fn log(&self, input: &RunInput) -> Result<PathBuf> {
        if let Some(log) = &input.log {
            return match fs::metadata(log) {
                _ if is_stdin(log) => Ok(log.clone()),
                Ok(file) if file.is_dir() => {
                    let is_a_directory = std::io::ErrorKind::IsADirectory.into();
                    Err(Error::io("read", log, is_a_directory))
                }
                // A device may never end.
                Ok(file) if !file.is_file() && !file.file_type().is_fifo() => {
                    Err(Error::NotARun { path: log.clone() })
                }
                _ => Ok(log.clone()),
            };
        }
        match self.logs.as_slice() {
            [log] => Ok(log.clone()),
            [] => Err(self.no_log(&input.path)),
            several => Err(ambiguous(&input.path, FileFlag::Log, several)),
        }
    }

    fn no_log(&self, path: &Path) -> Error {
        // An empty file beside a program is a log to which nothing was written.
        match self.empty.as_slice() {
            [log] => Error::EmptyLog { path: log.clone() },
            [] if self.holds_nothing() => Error::EmptyDirectory {
                path: path.to_path_buf(),
            },
            _ => Error::NoLog {
                path: path.to_path_buf(),
                found: self.found(),
            },
        }
    }

    fn holds_nothing(&self) -> bool {
        self.found().is_empty()
    }

    /// Everything that was found, with what it is taken for.
    fn found(&self) -> Vec<String> {
        let elf = |what, files: &[ElfInfo]| -> Vec<String> {
            let paths = files.iter().map(|info| &info.path);
            paths
                .map(|path| format!("{} ({what})", file_name(path)))
                .collect()
        };
        let plain = |what, files: &[PathBuf]| -> Vec<String> {
            files
                .iter()
                .map(|path| format!("{} ({what})", file_name(path)))
                .collect()
        };
        [
            elf("program", &self.programs),
            elf("shared library", &self.libraries),
            elf("debug file", &self.debug_files),
            plain("maps", &self.maps),
            plain("empty", &self.empty),
            plain("saved report", &self.saved),
            plain(
                "an old tool's result: give it itself as the run",
                &self.old_results,
            ),
            plain("no log", &self.others),
            plain("unknown", &self.unclear),
            self.unreadable
                .iter()
                .map(|(path, _)| format!("{} (cannot be read)", file_name(path)))
                .collect(),
            plain("not a file", &self.not_files),
        ]
        .concat()
    }

    fn program(&self, input: &RunInput) -> Result<Option<ElfInfo>> {
        if let Some(exe) = &input.exe {
            return ElfInfo::read(exe).map(Some);
        }
        match self.programs.as_slice() {
            [] => Ok(None),
            [program] => Ok(Some(program.clone())),
            several => {
                let paths: Vec<PathBuf> = several.iter().map(|info| info.path.clone()).collect();
                Err(ambiguous(&input.path, FileFlag::Exe, &paths))
            }
        }
    }

    /// A given program beside one of another build id: one of the two did not run.
    fn other_program(&self, given: Option<&ElfInfo>) -> Option<Warning> {
        let (given, [beside]) = (given?, self.programs.as_slice()) else {
            return None;
        };
        let ids = given.build_id.as_ref().zip(beside.build_id.as_ref());
        ids.filter(|(a, b)| a != b).map(|_| Warning::OtherProgram {
            given: given.path.clone(),
            beside: beside.path.clone(),
        })
    }

    /// Several snapshots of one process are united; of several processes, they are an error.
    fn maps_file(&self, input: &RunInput) -> Result<Option<Maps>> {
        if let Some(maps) = &input.maps {
            return Maps::read(maps).map(Some);
        }
        let mut snapshots = Vec::new();
        for path in &self.maps {
            snapshots.push(Maps::read(path)?);
        }
        match Maps::united(snapshots) {
            Some(maps) => Ok(maps),
            None => Err(ambiguous(&input.path, FileFlag::Maps, &self.maps)),
        }
    }

    fn manifest(&self, path: &Path) -> Result<Manifest> {
        match self.manifests.as_slice() {
            [] => Ok(Manifest::default()),
            [manifest] => Manifest::read(manifest),
            [first, second, ..] => Err(Error::BadManifest {
                path: second.clone(),
                line: 1,
                reason: format!(
                    "'{}' in '{}' is one too",
                    file_name(first),
                    printable_path(path)
                ),
            }),
        }
    }
}

impl CaptureSet {
    /// Opens the log for reading, unpacked as it is read where it is compressed.
    pub fn open_log<'a>(&self, progress: &'a Progress) -> Result<Box<dyn Read + Send + 'a>> {
        let reading = |e| Error::io("read", &self.log, e);
        if is_stdin(&self.log) {
            let inner = io::stdin();
            let log = compressed::plain(Counted { inner, progress }).map_err(reading)?;
            return Ok(Box::new(Credible::new(log)));
        }
        let inner = File::open(&self.log).map_err(|e| Error::io("open", &self.log, e))?;
        let log = compressed::plain(Counted { inner, progress }).map_err(reading)?;
        Ok(match self.log_bytes() {
            Some(_) => log,
            None => Box::new(Credible::new(log)),
        })
    }

    /// The maps file, where it may lie outside the directory.
    fn maps_files(&self) -> impl Iterator<Item = &Path> {
        self.maps_file.as_deref().into_iter()
    }

    /// How many bytes of log there are to read; a pipe does not say.
    pub fn log_bytes(&self) -> Option<u64> {
        let file = fs::metadata(&self.log).ok()?;
        file.is_file().then_some(file.len())
    }

    /// The directory in which libraries of this run are looked for first.
    pub fn directory(&self) -> Option<&Path> {
        self.path.is_dir().then_some(self.path.as_path())
    }
}

/// Names do not say what a file is, but a text without any record may still be meant as a log.
fn is_named_like_a_log(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.to_lowercase();
    name.starts_with("mtrace") || name.split('.').any(|part| part == "log")
}

/// `-`, the usual name for standard input; a file of that name is `./-`.
pub fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn ambiguous(path: &Path, flag: FileFlag, files: &[PathBuf]) -> Error {
    Error::Ambiguous {
        path: path.to_path_buf(),
        flag,
        files: files.iter().map(|file| file_name(file)).collect(),
    }
}

fn file_name(path: &Path) -> String {
    printable_path(path.file_name().map_or(path, Path::new))
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
