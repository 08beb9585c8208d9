//! Which file on this machine a module of the target is.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::module::{Module, Role, base_name};
use crate::capture::{CaptureSet, Maps};
use crate::elf::{ElfInfo, Machine};
use crate::printable::printable_bytes;

/// What came of looking for a module's file.
#[derive(Debug, Default)]
pub enum Found {
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

/// Looks in the run directory, in the sysroot, and at the target's path on this machine.
pub struct ModuleFinder<'a> {
    pub capture: &'a CaptureSet,
    /// What the process ran on, as far as it is known.
    pub machine: Option<Machine>,
    /// Whether its addresses have more than 32 bits, as far as it is known.
    pub is_64: Option<bool>,
}

impl ModuleFinder<'_> {
    pub fn find(&self, module: &Module) -> Found {
        if module.role == Role::Program {
            return self
                .capture
                .program
                .clone()
                .map_or(Found::Nowhere, Found::File);
        }
        let mut refused = Found::Nowhere;
        for name in [&module.mapped_as, &module.logged_as].into_iter().flatten() {
            let base = printable_bytes(base_name(name));
            if let Some(info) = self.capture.library(&base) {
                match self.judge_machine(info) {
                    Ok(()) => return Found::File(info.clone()),
                    Err(reason) => {
                        refused = Found::Refused {
                            path: info.path.clone(),
                            reason,
                        }
                    }
                }
            }
            for path in candidate_paths(self.capture, name) {
                match self.judge(&path) {
                    Ok(info) => return Found::File(info),
                    Err(Some(reason)) => refused = Found::Refused { path, reason },
                    Err(None) => {}
                }
            }
        }
        self.on_this_machine(module)
            .map_or(refused, Found::OnThisMachine)
    }

    /// The file at `path`, if it is of the right machine; `Err(None)` if there is none.
    fn judge(&self, path: &Path) -> Result<ElfInfo, Option<String>> {
        if !path.is_file() {
            return Err(None);
        }
        let info = ElfInfo::read(path)
            .map_err(|_| Some("it is no ELF file, or a damaged one".to_owned()))?;
        self.judge_machine(&info).map_err(Some)?;
        Ok(info)
    }

    fn judge_machine(&self, info: &ElfInfo) -> Result<(), String> {
        match self.machine {
            Some(machine) if !same_machine(machine, info.machine) => {
                Err(format!("it is for {}, not for {machine}", info.machine))
            }
            _ => Ok(()),
        }
    }

    /// The path that the target used, on this machine: right only where the capture was made here,
    /// so all that is known of the file has to agree.
    fn on_this_machine(&self, module: &Module) -> Option<ElfInfo> {
        let maps = self.capture.maps.as_ref()?;
        let file = module.mapped_as.as_ref()?;
        let info = self.judge(Path::new(OsStr::from_bytes(file))).ok()?;
        let width_fits = self.is_64.is_none_or(|is_64| is_64 == info.machine.is_64);
        let layout_fits = has_layout(&info, maps, file);
        (width_fits && layout_fits).then_some(info)
    }
}

/// Whether the code of `info` would be mapped as the maps file shows it: same offsets, same sizes.
fn has_layout(info: &ElfInfo, maps: &Maps, file: &[u8]) -> bool {
    let pages = |bytes: u64| bytes.saturating_add(0xfff) & !0xfff;
    maps.of_file(file).filter(|m| m.executable).all(|mapping| {
        info.segments.iter().any(|segment| {
            let first = segment.offset & !0xfff;
            let end = pages(segment.offset.saturating_add(segment.file_size));
            segment.executable
                && first == mapping.offset
                && end - first == pages(mapping.end - mapping.start)
        })
    })
}

/// Same instruction set, word size and byte order; the float ABI is the user's business.
fn same_machine(a: Machine, b: Machine) -> bool {
    (a.e_machine, a.is_64, a.little_endian) == (b.e_machine, b.is_64, b.little_endian)
}

/// Where a file with this name on the target can be in the run directory and in the sysroot.
pub fn candidate_paths(capture: &CaptureSet, name: &[u8]) -> Vec<PathBuf> {
    let target = Path::new(OsStr::from_bytes(name));
    let below: PathBuf = target
        .components()
        .filter(|part| matches!(part, std::path::Component::Normal(_)))
        .collect();
    let base = Path::new(OsStr::from_bytes(base_name(name)));
    let mut paths = Vec::new();
    if let Some(directory) = capture.directory() {
        paths.push(directory.join(base));
        paths.push(directory.join(&below));
    }
    if let Some(root) = &capture.sysroot {
        paths.push(root.join(&below));
        // A merged /usr: the target says /lib, the sysroot has /usr/lib, or the other way round.
        paths.push(root.join("usr").join(&below));
        if let Ok(inner) = below.strip_prefix("usr") {
            paths.push(root.join(inner));
        }
        paths.push(root.join(base));
    }
    paths
}
