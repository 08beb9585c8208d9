//! Which file on this machine a module of the target is.

use std::cell::OnceCell;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use hashbrown::HashMap;

use super::module::{MappedModule, ModuleFile};
use crate::capture::{CaptureSet, Maps};
use crate::elf::{ElfInfo, LoadSegment, Machine};
use crate::file_name::{base_name, path_base};
use crate::run::Role;

/// Looks in the run directory, in the sysroot, and at the target's path on this machine.
#[derive(Debug)]
pub(crate) struct ModuleFinder<'a> {
    pub capture: &'a CaptureSet,
    /// What the process ran on, as far as it is known.
    pub machine: Option<Machine>,
    /// Whether its addresses have more than 32 bits, as far as it is known.
    pub is_64: Option<bool>,
    /// The libraries in the run directory by file name, and by soname.
    by_name: HashMap<&'a [u8], &'a ElfInfo>,
    by_soname: HashMap<&'a [u8], &'a ElfInfo>,
    was_made_here: OnceCell<bool>,
}

impl<'a> ModuleFinder<'a> {
    pub(crate) fn new(
        capture: &'a CaptureSet,
        machine: Option<Machine>,
        is_64: Option<bool>,
    ) -> Self {
        let (mut by_name, mut by_soname) = (HashMap::new(), HashMap::new());
        for library in &capture.libraries {
            by_name.entry(path_base(&library.path)).or_insert(library);
            if let Some(soname) = &library.soname {
                by_soname.entry(soname.as_bytes()).or_insert(library);
            }
        }
        ModuleFinder {
            capture,
            machine,
            is_64,
            by_name,
            by_soname,
            was_made_here: OnceCell::new(),
        }
    }

    /// The module with its file.
    pub(crate) fn found(&self, module: MappedModule) -> MappedModule {
        let file = self.find(&module);
        MappedModule { file, ..module }
    }

    pub(crate) fn find(&self, module: &MappedModule) -> ModuleFile {
        let mut refused = ModuleFile::Nowhere;
        let mut take = |info: ElfInfo| match self.check_identity(module, &info) {
            Ok(()) => Some(ModuleFile::File(info)),
            Err(reason) => {
                let path = info.path;
                refused = ModuleFile::Refused { path, reason };
                None
            }
        };
        if module.role == Role::Program {
            let program = self.capture.program.clone();
            return match program.and_then(take) {
                Some(found) => found,
                None => self
                    .by_recorded_build(module)
                    .map_or(refused, ModuleFile::OnThisMachine),
            };
        }
        for name in [&module.mapped_as, &module.logged_as].into_iter().flatten() {
            let base = base_name(name);
            let by_soname = || self.by_soname.get(base);
            let library = self.by_name.get(base).or_else(by_soname);
            let library = library.map(|library| (*library).clone());
            let elsewhere = candidate_paths(self.capture, name);
            // A file that is no ELF file, or a damaged one, is none.
            let elsewhere = elsewhere.iter().filter(|path| path.is_file());
            let files = library
                .into_iter()
                .chain(elsewhere.filter_map(|path| ElfInfo::read(path).ok()));
            if let Some(found) = files.into_iter().find_map(&mut take) {
                return found;
            }
        }
        match self.on_this_machine(module) {
            ModuleFile::Nowhere => refused,
            found => found,
        }
    }

    /// Why a file cannot be the one that ran.
    pub(crate) fn check_identity(
        &self,
        module: &MappedModule,
        info: &ElfInfo,
    ) -> Result<(), String> {
        if let Some(machine) = self.machine
            && !same_machine(machine, info.machine)
        {
            return Err(format!("it is for {}, not for {machine}", info.machine));
        }
        let names = [&module.mapped_as, &module.logged_as].into_iter().flatten();
        let recorded = names
            .into_iter()
            .find_map(|name| self.capture.manifest.build_id(name));
        match (recorded, &info.build_id) {
            (Some(recorded), Some(id)) if recorded != *id => {
                Err(format!("its build id is {id}, but {recorded} ran"))
            }
            _ => Ok(()),
        }
    }

    /// The file at the target's path on this machine, if its build id is the one that was recorded.
    fn by_recorded_build(&self, module: &MappedModule) -> Option<ElfInfo> {
        let file = module.mapped_as.as_ref()?;
        let recorded = self.capture.manifest.build_id(file)?;
        let path = Path::new(OsStr::from_bytes(file));
        let info = ElfInfo::read(path).ok().filter(|_| path.is_file())?;
        self.check_identity(module, &info).ok()?;
        (info.build_id == Some(recorded)).then_some(info)
    }

    /// The file at the target's path on this machine, if a recording was made of it: neither it nor what ran has a build id,
    /// it takes as many addresses, and is older than the recording.
    fn by_recorded_size(&self, module: &MappedModule) -> Option<ElfInfo> {
        let (file, size) = module.mapped_as.as_ref().zip(module.mapped_size)?;
        if self.capture.manifest.build_id(file).is_some() {
            return None;
        }
        let path = Path::new(OsStr::from_bytes(file));
        let changed = |path: &Path| fs::metadata(path).and_then(|file| file.modified()).ok();
        let is_older = changed(path)? <= changed(&self.capture.log)?;
        let info = ElfInfo::read(path).ok().filter(|_| is_older)?;
        self.check_identity(module, &info).ok()?;
        (info.build_id.is_none() && has_size(&info, size)).then_some(info)
    }

    /// The path that the target used, on this machine: right only where the capture was made here,
    /// so all that is known of the file has to agree.
    fn on_this_machine(&self, module: &MappedModule) -> ModuleFile {
        if let Some(info) = self.by_recorded_build(module) {
            return ModuleFile::OnThisMachine(info);
        }
        let Some((maps, file)) = self.capture.maps.as_ref().zip(module.mapped_as.as_ref()) else {
            return self
                .by_recorded_size(module)
                .map_or(ModuleFile::Nowhere, ModuleFile::OnThisMachine);
        };
        let path = Path::new(OsStr::from_bytes(file));
        let is_replaced = maps.of_file(file).any(|mapping| mapping.deleted);
        if is_replaced || !path.is_file() {
            return ModuleFile::Nowhere;
        }
        let fits = |info: &ElfInfo| {
            let width_fits = self.is_64.is_none_or(|is_64| is_64 == info.machine.is_64);
            self.check_identity(module, info).is_ok() && width_fits && has_layout(info, maps, file)
        };
        match ElfInfo::read(path).ok().filter(fits) {
            Some(info) if self.is_newer_than_run(maps, file) => ModuleFile::Refused {
                path: info.path,
                reason: "it was put there after the run".to_owned(),
            },
            Some(info) => ModuleFile::OnThisMachine(info),
            None => ModuleFile::Nowhere,
        }
    }

    /// Whether a file took the place of the one that ran, or was written over. Only where the capture was made here
    /// can that be told: another machine has other inodes, and another clock.
    fn is_newer_than_run(&self, maps: &Maps, file: &[u8]) -> bool {
        let Some((is, was)) = metadata(file).zip(inode_of(maps, file)) else {
            return false;
        };
        let was_made_here = || *self.was_made_here.get_or_init(|| was_made_here(maps));
        let logged = fs::metadata(&self.capture.log).and_then(|log| log.modified());
        let is_younger = logged.is_ok_and(|logged| is.modified().is_ok_and(|is| is > logged));
        (is.ino() != was || is_younger) && was_made_here()
    }
}

fn metadata(file: &[u8]) -> Option<fs::Metadata> {
    fs::metadata(Path::new(OsStr::from_bytes(file))).ok()
}

fn inode_of(maps: &Maps, file: &[u8]) -> Option<u64> {
    let inode = maps.of_file(file).next()?.inode;
    (inode != 0).then_some(inode)
}

/// So many files are looked at: the C library and the loader are among the first.
const MOST_LOOKED_AT: usize = 64;

/// Whether some file that was mapped is on this machine still, the very same.
fn was_made_here(maps: &Maps) -> bool {
    let files = maps.files().into_iter().take(MOST_LOOKED_AT);
    let is_here = |file: &[u8]| {
        let is = metadata(file).map(|file| file.ino());
        is.is_some() && is == inode_of(maps, file)
    };
    files.into_iter().any(is_here)
}

/// Whether `info` takes so many addresses. What is behind its last segment's bytes is mapped without the file.
fn has_size(info: &ElfInfo, size: u64) -> bool {
    let first = info.segments.iter().map(|segment| segment.address & !0xfff);
    let first = first.min().unwrap_or(0);
    let up_to = |end: fn(&LoadSegment) -> u64| {
        let ends = info.segments.iter().map(end);
        let end = ends.max().unwrap_or(0).saturating_add(0xfff) & !0xfff;
        end.saturating_sub(first)
    };
    let in_file = up_to(|segment| segment.address.saturating_add(segment.file_size));
    let in_memory = up_to(|segment| segment.address.saturating_add(segment.memory_size));
    (in_file..=in_memory).contains(&size)
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
pub(crate) fn same_machine(a: Machine, b: Machine) -> bool {
    (a.e_machine, a.is_64, a.little_endian) == (b.e_machine, b.is_64, b.little_endian)
}

/// Where a file with this name on the target can be in the run directory and in the sysroot.
pub(super) fn candidate_paths(capture: &CaptureSet, name: &[u8]) -> Vec<PathBuf> {
    let target = Path::new(OsStr::from_bytes(name));
    let below = normalized(target);
    let base = Path::new(OsStr::from_bytes(base_name(name)));
    let mut paths = Vec::new();
    if let Some(directory) = capture.directory() {
        paths.push(directory.join(base));
        paths.push(directory.join(&below));
    }
    if let Some(root) = &capture.sysroot {
        paths.extend(resolved_in(root, &below));
        // A merged /usr: the target says /lib, the sysroot has /usr/lib, or the other way round.
        paths.extend(resolved_in(root, &Path::new("usr").join(&below)));
        if let Ok(inner) = below.strip_prefix("usr") {
            paths.extend(resolved_in(root, inner));
        }
        paths.push(root.join(base));
    }
    paths
}

/// A path below a root without `.`, `..` and the leading slash: `opt/app/lib/libx.so` of
/// `/opt/app/bin/../lib/libx.so`.
fn normalized(path: &Path) -> PathBuf {
    let mut parts = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(part) => parts.push(part),
            Component::ParentDir => drop(parts.pop()),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    parts
}

/// More links than this in one path are a loop.
const MOST_LINKS: usize = 40;

/// A path below a root, its links followed as the target would: an absolute one leads to the root of
/// the target, not to this machine's. `None` if the path is not there.
pub(crate) fn resolved_in(root: &Path, below: &Path) -> Option<PathBuf> {
    let mut left: Vec<PathBuf> = parts_reversed(below);
    let mut done = PathBuf::new();
    let mut links = 0;
    while let Some(part) = left.pop() {
        let path = root.join(&done).join(&part);
        match std::fs::read_link(&path) {
            Ok(target) => {
                links += 1;
                if links > MOST_LINKS {
                    return None;
                }
                let base = if target.is_absolute() {
                    PathBuf::new()
                } else {
                    std::mem::take(&mut done)
                };
                left.extend(parts_reversed(&normalized(&base.join(target))));
                done = PathBuf::new();
            }
            Err(_) => done.push(part),
        }
    }
    let path = root.join(done);
    path.exists().then_some(path)
}

/// The parts of a path, last first, to be taken off the end.
fn parts_reversed(path: &Path) -> Vec<PathBuf> {
    let mut parts: Vec<PathBuf> = path
        .components()
        .map(|part| PathBuf::from(part.as_os_str()))
        .collect();
    parts.reverse();
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_are_followed_inside_the_root() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        fs::create_dir_all(at("usr/lib")).unwrap();
        fs::write(at("usr/lib/libx.so.1.2"), "").unwrap();
        symlink("libx.so.1.2", at("usr/lib/libx.so.1")).unwrap();
        symlink("/usr/lib", at("lib")).unwrap();
        symlink("/usr/lib/libx.so.1", at("usr/lib/libx.so")).unwrap();
        symlink("loop", at("loop")).unwrap();
        let found = Some(at("usr/lib/libx.so.1.2"));
        for path in [
            "usr/lib/libx.so.1",
            "lib/libx.so.1",
            "lib/libx.so",
            "usr/lib/libx.so.1.2",
        ] {
            assert_eq!(resolved_in(root.path(), Path::new(path)), found, "{path}");
        }
        for path in ["loop", "loop/x", "lib/liby.so", "etc/passwd"] {
            assert_eq!(resolved_in(root.path(), Path::new(path)), None, "{path}");
        }
    }

    #[test]
    fn dots_are_resolved_and_never_lead_out() {
        assert_eq!(
            normalized(Path::new("/opt/app/bin/../lib/libx.so")),
            Path::new("opt/app/lib/libx.so")
        );
        assert_eq!(normalized(Path::new("/../../etc/./x")), Path::new("etc/x"));
    }
}
