//! The files of a directory, each known for what it is.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use super::input::{RunInput, is_stdin};
use super::manifest::Manifest;
use super::maps::Maps;
use super::sniff::{FileKind, Recognise, Standing, file_kind};
use crate::elf::ElfInfo;
use crate::error::{Error, FileFlag, InputError, Result};
use crate::file_name::names_a_report;
use crate::printable::{printable_name, printable_path};
use crate::warning::NamesWarning;

/// What a directory listing comes to.
#[derive(Default)]
pub(super) struct Contents {
    logs: Vec<PathBuf>,
    maps: Vec<PathBuf>,
    programs: Vec<ElfInfo>,
    pub libraries: Vec<ElfInfo>,
    pub debug_files: Vec<ElfInfo>,
    manifests: Vec<PathBuf>,
    empty: Vec<PathBuf>,
    /// Saved reports, which can stand in for a log.
    stand_ins: Vec<PathBuf>,
    /// What an old tool made of a log, of which nobody knows whether it is this one's.
    results: Vec<PathBuf>,
    others: Vec<PathBuf>,
    /// Anything: also a log that is damaged, or packed in a way that is not known.
    unclear: Vec<PathBuf>,
    unreadable: Vec<(PathBuf, Error)>,
    /// Directories, FIFOs, links that lead nowhere: there, but not read.
    not_files: Vec<PathBuf>,
}

impl Contents {
    /// What lies in a directory, or a log in place of one.
    pub(super) fn of(path: &Path, recognise: Recognise) -> Result<Self> {
        if is_stdin(path) {
            return Ok(Contents::of_log(path));
        }
        let metadata = fs::metadata(path).map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => {
                let missing = path.to_path_buf();
                match names_a_report(path) {
                    true => Error::Input(InputError::MissingSaved { path: missing }),
                    false => Error::Input(InputError::MissingRun { path: missing }),
                }
            }
            _ => Error::io("open", path, e),
        })?;
        match metadata.is_file() || metadata.file_type().is_fifo() {
            _ if metadata.is_dir() => Contents::of_directory(path, recognise),
            true => Ok(Contents::of_log(path)),
            false => Err(Error::Input(InputError::NotARun {
                path: path.to_path_buf(),
            })),
        }
    }

    fn of_log(path: &Path) -> Self {
        Contents {
            logs: vec![path.to_path_buf()],
            ..Contents::default()
        }
    }

    fn of_directory(directory: &Path, recognise: Recognise) -> Result<Self> {
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
            let kind = match file_kind(&path, recognise) {
                Ok(kind) => kind,
                Err(error) => {
                    contents.unreadable.push((path, error));
                    continue;
                }
            };
            match kind {
                FileKind::Run(Standing::Log) => contents.logs.push(path),
                FileKind::Maps => contents.maps.push(path),
                FileKind::Program(info) => contents.programs.push(info),
                FileKind::Library(info) => contents.libraries.push(info),
                FileKind::Debug(info) => contents.debug_files.push(info),
                FileKind::Manifest => contents.manifests.push(path),
                FileKind::Empty => contents.empty.push(path),
                FileKind::Run(Standing::StandsIn) => contents.stand_ins.push(path),
                FileKind::Run(Standing::Alone) => contents.results.push(path),
                FileKind::Other if is_named_like_a_log(&path) => contents.unclear.push(path),
                FileKind::Report | FileKind::Json | FileKind::Other => contents.others.push(path),
                FileKind::Unclear => contents.unclear.push(path),
            }
        }
        Ok(contents)
    }

    pub(super) fn log(&self, input: &RunInput) -> Result<PathBuf> {
        if let Some(log) = &input.log {
            return match fs::metadata(log) {
                _ if is_stdin(log) => Ok(log.clone()),
                Ok(file) if file.is_dir() => {
                    let is_a_directory = std::io::ErrorKind::IsADirectory.into();
                    Err(Error::io("read", log, is_a_directory))
                }
                // A device may never end.
                Ok(file) if !file.is_file() && !file.file_type().is_fifo() => {
                    Err(Error::Input(InputError::NotARun { path: log.clone() }))
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

    /// What is there and cannot be known for what it is.
    pub(super) fn aside(&self) -> Vec<String> {
        let unreadable = self.unreadable.iter().map(|(path, _)| path);
        let aside = unreadable.chain(&self.unclear);
        aside.map(|path| printable_name(path)).collect()
    }

    pub(super) fn refuse_unreadable(&mut self) -> Result<()> {
        match self.unreadable.is_empty() {
            true => Ok(()),
            false => Err(self.unreadable.swap_remove(0).1),
        }
    }

    fn no_log(&self, path: &Path) -> Error {
        // An empty file beside a program is a log to which nothing was written.
        match self.empty.as_slice() {
            [log] => Error::Input(InputError::EmptyLog { path: log.clone() }),
            [] if self.holds_nothing() => Error::Input(InputError::EmptyDirectory {
                path: path.to_path_buf(),
            }),
            _ => Error::Input(InputError::NoLog {
                path: path.to_path_buf(),
                found: self.found(),
            }),
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
                .map(|path| format!("{} ({what})", printable_name(path)))
                .collect()
        };
        let plain = |what, files: &[PathBuf]| -> Vec<String> {
            files
                .iter()
                .map(|path| format!("{} ({what})", printable_name(path)))
                .collect()
        };
        [
            elf("program", &self.programs),
            elf("shared library", &self.libraries),
            elf("debug file", &self.debug_files),
            plain("maps", &self.maps),
            plain("empty", &self.empty),
            plain("saved report", &self.stand_ins),
            plain(
                "an old tool's result: give it itself as the run",
                &self.results,
            ),
            plain("no log", &self.others),
            plain("unknown", &self.unclear),
            self.unreadable
                .iter()
                .map(|(path, _)| format!("{} (cannot be read)", printable_name(path)))
                .collect(),
            plain("not a file", &self.not_files),
        ]
        .concat()
    }

    pub(super) fn program(&self, input: &RunInput) -> Result<Option<ElfInfo>> {
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
    pub(super) fn other_program(&self, given: Option<&ElfInfo>) -> Option<NamesWarning> {
        let (given, [beside]) = (given?, self.programs.as_slice()) else {
            return None;
        };
        let ids = given.build_id.as_ref().zip(beside.build_id.as_ref());
        ids.filter(|(a, b)| a != b)
            .map(|_| NamesWarning::OtherProgram {
                given: given.path.clone(),
                beside: beside.path.clone(),
            })
    }

    /// Several snapshots of one process are united; of several processes, they are an error.
    pub(super) fn maps_file(&self, input: &RunInput) -> Result<Option<Maps>> {
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

    pub(super) fn manifest(&self, path: &Path) -> Result<Manifest> {
        match self.manifests.as_slice() {
            [] => Ok(Manifest::default()),
            [manifest] => Manifest::read(manifest),
            [first, second, ..] => Err(Error::Input(InputError::BadManifest {
                path: second.clone(),
                line: 1,
                reason: format!(
                    "'{}' in '{}' is one too",
                    printable_name(first),
                    printable_path(path)
                ),
            })),
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
            false => !printable_name(path).contains(".so"),
        };
        let not_files = self.not_files.iter().filter(is_candidate);
        let not_files = not_files.map(|path| (path, "not a file"));
        let all = unclear.chain(unreadable).chain(not_files);
        all.map(|(path, what)| format!("{} ({what})", printable_name(path)))
            .collect()
    }

    /// The saved report that stands for a log that is not there. Where something is there that may be the
    /// log, no older result may stand in for it. An empty file is a log to which
    /// nothing was written: that run failed, and no older result may stand in for it.
    pub(super) fn standing_in(&self, directory: &Path) -> Result<Option<PathBuf>> {
        if !self.logs.is_empty() || !self.empty.is_empty() {
            return Ok(None);
        }
        let Some(saved) = self.stand_ins.first() else {
            return Ok(None);
        };
        let unclear = self.may_be_logs();
        if !unclear.is_empty() {
            return Err(Error::Input(InputError::UnclearLog {
                path: directory.to_path_buf(),
                files: unclear,
                saved: printable_name(saved),
            }));
        }
        match self.stand_ins.as_slice() {
            [] => Ok(None),
            [file] => Ok(Some(file.clone())),
            several => Err(Error::Input(InputError::SeveralSaved {
                path: directory.to_path_buf(),
                files: several.iter().map(|file| printable_name(file)).collect(),
            })),
        }
    }
}

/// Names do not say what a file is, but a text without any record may still be meant as a log.
fn is_named_like_a_log(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.to_lowercase();
    name.starts_with("mtrace") || name.split('.').any(|part| part == "log")
}

fn ambiguous(path: &Path, flag: FileFlag, files: &[PathBuf]) -> Error {
    Error::Input(InputError::Ambiguous {
        path: path.to_path_buf(),
        flag,
        files: files.iter().map(|file| printable_name(file)).collect(),
    })
}
