//! A module of a run: the program, a shared library, the dynamic loader.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use crate::capture::CaptureSet;
use crate::elf::{ElfInfo, open_elf};
use crate::printable::shortened;
use crate::run::{Build, Role};
use crate::warning::NamesWarning;

/// One ELF file that was mapped into the process.
#[derive(Debug)]
pub(crate) struct MappedModule {
    pub role: Role,
    /// Its base name as the log gives it (`libsensors.so.1`, `app0`), safe to print.
    pub name: String,
    /// Its path in the maps file.
    pub mapped_as: Option<Vec<u8>>,
    /// Its path in the log.
    pub logged_as: Option<Vec<u8>>,
    /// How many bytes of addresses it took, by a recording.
    pub mapped_size: Option<u64>,
    pub file: ModuleFile,
}

/// What came of looking for a module's file.
#[derive(Debug, Default)]
pub(crate) enum ModuleFile {
    File(ElfInfo),
    /// At the target's own path on this machine: believed only as long as every caller fits.
    OnThisMachine(ElfInfo),
    /// A file is there, but another one ran.
    Refused {
        path: PathBuf,
        reason: String,
    },
    #[default]
    Nowhere,
}

impl MappedModule {
    /// A module that is known by its path on the target; its file is to be found.
    pub(crate) fn new(role: Role, name: String, path: &[u8]) -> Self {
        MappedModule {
            role,
            name,
            mapped_as: Some(path.to_vec()),
            logged_as: None,
            mapped_size: None,
            file: ModuleFile::Nowhere,
        }
    }

    /// As the log spells its file, or the maps, safe to print; `None` where neither names it.
    pub(crate) fn path(&self) -> Option<String> {
        let path = self.logged_as.as_ref().or(self.mapped_as.as_ref());
        path.map(|path| shortened(&String::from_utf8_lossy(path)))
    }

    /// The build that ran, as far as its file, where that is known, or the capture's own record tells.
    pub(crate) fn build(&self, capture: &CaptureSet, elf: Option<&ElfInfo>) -> Option<Build> {
        let recorded = || {
            let mut names = [&self.mapped_as, &self.logged_as].into_iter().flatten();
            names.find_map(|name| capture.manifest.build_id(name))
        };
        let id = elf.and_then(|elf| elf.build_id.clone()).or_else(recorded);
        id.map(Build::Id).or_else(|| content(&elf?.path))
    }

    /// What to say of a file that was there and is not used.
    pub(crate) fn refusal(&self) -> Option<NamesWarning> {
        match &self.file {
            ModuleFile::Refused { path, reason } => Some(NamesWarning::ModuleRefused {
                module: self.name.clone(),
                path: path.clone(),
                reason: reason.clone(),
            }),
            ModuleFile::File(_) | ModuleFile::OnThisMachine(_) | ModuleFile::Nowhere => None,
        }
    }

    pub(crate) fn elf(&self) -> Option<&ElfInfo> {
        match &self.file {
            ModuleFile::File(info) | ModuleFile::OnThisMachine(info) => Some(info),
            ModuleFile::Refused { .. } | ModuleFile::Nowhere => None,
        }
    }
}

fn content(path: &Path) -> Option<Build> {
    let (size, crc) = checksum(path)?;
    Some(Build::Content { size, crc })
}

/// How long a file is, and the CRC-32 of its bytes, read piece by piece.
pub(super) fn checksum(path: &Path) -> Option<(u64, u32)> {
    let mut file = BufReader::new(open_elf(path).ok()?);
    let (mut size, mut crc) = (0, crc32fast::Hasher::new());
    loop {
        let bytes = file.fill_buf().ok()?;
        if bytes.is_empty() {
            return Some((size, crc.finalize()));
        }
        crc.update(bytes);
        let read = bytes.len();
        size += read as u64;
        file.consume(read);
    }
}
