//! The modules of one run: the program, its shared libraries, the dynamic loader.

use std::path::Path;

use hashbrown::HashMap;

use super::find::{Found, ModuleFinder};
use super::rebase::loader_machine;
use crate::capture::{CaptureSet, Maps};
use crate::elf::ElfInfo;
use crate::printable::printable_bytes;
use crate::trace::Trace;

/// Index of a module within one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModuleId(pub usize);

/// What a module is to the process. The program is one module in every run, whatever its file is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    Program,
    Library,
    /// The dynamic loader, whose blocks are the price of `dlopen` and threads.
    Loader,
}

/// One ELF file that was mapped into the process.
#[derive(Debug)]
pub struct Module {
    pub role: Role,
    /// Its base name as the log gives it (`libsensors.so.1`, `app0`), safe to print.
    pub name: String,
    /// Its path in the maps file.
    pub mapped_as: Option<Vec<u8>>,
    /// Its path in the log.
    pub logged_as: Option<Vec<u8>>,
    pub file: Found,
}

impl Module {
    pub fn elf(&self) -> Option<&ElfInfo> {
        match &self.file {
            Found::File(info) | Found::OnThisMachine(info) => Some(info),
            Found::Refused { .. } | Found::Nowhere => None,
        }
    }
}

/// The modules that a log names or a maps file shows, found by either name.
#[derive(Debug, Default)]
pub struct ModuleTable {
    pub modules: Vec<Module>,
    by_log_name: HashMap<Vec<u8>, ModuleId>,
    by_mapped_file: HashMap<Vec<u8>, ModuleId>,
}

impl ModuleTable {
    /// Collects the modules of a run, and which file in the maps each of them is.
    pub fn new(capture: &CaptureSet, trace: &Trace) -> Self {
        let mut table = ModuleTable::default();
        let mut names: Vec<&[u8]> = trace.callers().filter_map(|(_, c)| c.file).collect();
        names.sort_unstable();
        names.dedup();
        let program = program_names(capture, &names);
        for name in names {
            let is_program = program.contains(&base_name(name));
            let mapped = capture
                .maps
                .as_ref()
                .and_then(|maps| mapped_file(maps, name, is_program, capture));
            let id = match mapped {
                Some(file) => table.of_mapped_file(file, Some(name), is_program),
                None => table.add(Some(name), None, is_program),
            };
            table.by_log_name.insert(name.to_vec(), id);
        }
        table.tell_apart();
        table
    }

    /// Gives modules of one base name names that differ: `a/plugin.so` and `b/plugin.so`.
    fn tell_apart(&mut self) {
        let names: Vec<String> = self
            .modules
            .iter()
            .map(|module| module.name.clone())
            .collect();
        for (module, name) in self.modules.iter_mut().zip(&names) {
            let shared = names.iter().filter(|other| *other == name).count() > 1;
            if let (true, Some(path)) = (shared, &module.logged_as) {
                module.name = printable_bytes(path);
            }
        }
    }

    /// The module of a log's file name.
    pub fn logged(&self, name: &[u8]) -> Option<ModuleId> {
        self.by_log_name.get(name).copied()
    }

    /// The module of a mapped file that the log does not name itself.
    pub fn mapped(&mut self, capture: &CaptureSet, file: &[u8]) -> ModuleId {
        let is_program = capture.maps.as_ref().and_then(program_file) == Some(file)
            || capture
                .program
                .as_ref()
                .is_some_and(|p| path_base(&p.path) == base_name(file));
        self.of_mapped_file(file, None, is_program)
    }

    /// Whether the log names 32-bit ARM's dynamic loader.
    pub fn has_arm_loader(&self) -> bool {
        let logged = self
            .modules
            .iter()
            .filter_map(|module| module.logged_as.as_deref());
        logged
            .filter_map(loader_machine)
            .any(|machine| machine == object::elf::EM_ARM)
    }

    /// Whether the log names the module of a mapped file itself.
    pub fn is_logged(&self, file: &[u8]) -> bool {
        let id = self.by_mapped_file.get(file);
        id.is_some_and(|id| self.get(*id).logged_as.is_some())
    }

    /// The program, for a log that names no modules.
    pub fn program(&mut self, capture: &CaptureSet) -> ModuleId {
        let known = self.modules.iter().position(|m| m.role == Role::Program);
        match (known, &capture.program) {
            (Some(at), _) => ModuleId(at),
            (None, Some(elf)) => self.add(Some(path_base(&elf.path)), None, true),
            (None, None) => self.add(None, None, true),
        }
    }

    pub fn get(&self, id: ModuleId) -> &Module {
        &self.modules[id.0]
    }

    /// Looks for the file of every module that has none yet.
    pub fn find_files(&mut self, finder: &ModuleFinder<'_>) {
        for module in &mut self.modules {
            if matches!(module.file, Found::Nowhere) {
                module.file = finder.find(module);
            }
        }
    }

    fn of_mapped_file(&mut self, file: &[u8], logged: Option<&[u8]>, is_program: bool) -> ModuleId {
        if let Some(&id) = self.by_mapped_file.get(file) {
            return id;
        }
        let id = self.add(logged, Some(file), is_program);
        self.by_mapped_file.insert(file.to_vec(), id);
        id
    }

    fn add(&mut self, logged: Option<&[u8]>, mapped: Option<&[u8]>, is_program: bool) -> ModuleId {
        let name = logged.or(mapped).map(base_name).unwrap_or_default();
        let role = if is_program {
            Role::Program
        } else if is_loader_name(name) {
            Role::Loader
        } else {
            Role::Library
        };
        self.modules.push(Module {
            role,
            name: if name.is_empty() {
                "program".to_owned()
            } else {
                printable_bytes(name)
            },
            mapped_as: mapped.map(<[u8]>::to_vec),
            logged_as: logged.map(<[u8]>::to_vec),
            file: Found::Nowhere,
        });
        ModuleId(self.modules.len() - 1)
    }
}

/// Whether a file name is a dynamic loader's: `ld-linux-armhf.so.3`, `ld-2.31.so`, `ld64.so.2`, `ld.so.1`.
pub fn is_loader_name(base_name: &[u8]) -> bool {
    let Some(rest) = base_name.strip_prefix(b"ld") else {
        return false;
    };
    let known = rest.starts_with(b"-linux")
        || rest.starts_with(b"-musl")
        || rest.starts_with(b"-uClibc")
        || rest.starts_with(b"64.so")
        || rest.starts_with(b".so")
        || (rest.first() == Some(&b'-') && rest.get(1).is_some_and(u8::is_ascii_digit));
    known && memchr::memmem::find(rest, b".so").is_some()
}

/// Whether a module is one of the libraries that every toolchain brings.
pub fn is_toolchain_library(base_name: &str) -> bool {
    const STEMS: [&str; 8] = [
        "libc",
        "libm",
        "libdl",
        "librt",
        "libpthread",
        "libgcc_s",
        "libstdc++",
        "libc_malloc_debug",
    ];
    let stem = stem(base_name.as_bytes());
    STEMS.iter().any(|known| stem == Some(known.as_bytes()))
}

/// The part of a path behind its last slash.
pub fn base_name(path: &[u8]) -> &[u8] {
    memchr::memrchr(b'/', path).map_or(path, |slash| &path[slash + 1..])
}

fn path_base(path: &Path) -> &[u8] {
    use std::os::unix::ffi::OsStrExt;
    base_name(path.as_os_str().as_bytes())
}

/// Whether a base name is a shared library's: `libc.so.6`, `plugin.so`.
pub fn names_a_library(base_name: &[u8]) -> bool {
    base_name.ends_with(b".so") || memchr::memmem::find(base_name, b".so.").is_some()
}

/// The program's file in the maps: the only one with code whose name is no library's.
fn program_file(maps: &Maps) -> Option<&[u8]> {
    let mut programs = maps.files().into_iter().filter(|file| {
        !names_a_library(base_name(file)) && maps.of_file(file).any(|m| m.executable)
    });
    let first = programs.next()?;
    programs.next().is_none().then_some(first)
}

/// The base names under which the log can know the program.
fn program_names<'a>(capture: &'a CaptureSet, logged: &[&'a [u8]]) -> Vec<&'a [u8]> {
    let mut names: Vec<&[u8]> = Vec::new();
    names.extend(capture.program.as_ref().map(|elf| path_base(&elf.path)));
    names.extend(capture.maps.as_ref().and_then(program_file).map(base_name));
    if logged.iter().any(|name| names.contains(&base_name(name))) {
        return names;
    }
    // argv[0] can be anything. The program is the one name that is no library's.
    let mut others = logged
        .iter()
        .map(|name| base_name(name))
        .filter(|base| !names_a_library(base));
    match (others.next(), others.next()) {
        (Some(only), None) => vec![only],
        _ => names,
    }
}

/// Which mapped file a log's file name means: by path, by base name, by link, by version, by role.
fn mapped_file<'m>(
    maps: &'m Maps,
    name: &[u8],
    is_program: bool,
    capture: &CaptureSet,
) -> Option<&'m [u8]> {
    let files = maps.files();
    let base = base_name(name);
    let of_base: Vec<&[u8]> = files
        .iter()
        .copied()
        .filter(|file| base_name(file) == base)
        .collect();
    let exact = files.iter().copied().find(|file| *file == name);
    exact
        .or_else(|| longest_common_end(&of_base, name))
        .or_else(|| is_program.then(|| program_file(maps)).flatten())
        .or_else(|| {
            let target = link_target(capture, name)?;
            only(&files, &|file| base_name(file) == target)
        })
        .or_else(|| only(&files, &|file| has_soname(capture, file, base)))
        .or_else(|| only(&files, &|file| is_version_of(base_name(file), base)))
        .or_else(|| {
            let loader = is_loader_name(base);
            only(&files, &|file| loader && is_loader_name(base_name(file)))
        })
}

/// The file whose path agrees with `name` furthest from the right: `/lib/a/plugin.so` means
/// `/usr/lib/a/plugin.so`, not `/usr/lib/b/plugin.so`. `None` where several agree as far.
fn longest_common_end<'m>(files: &[&'m [u8]], name: &[u8]) -> Option<&'m [u8]> {
    let agreement = |file: &[u8]| {
        let parts = file.rsplit(|&b| b == b'/').zip(name.rsplit(|&b| b == b'/'));
        parts.take_while(|(a, b)| a == b).count()
    };
    let best = files.iter().map(|file| agreement(file)).max()?;
    only(files, &|file| agreement(file) == best)
}

fn only<'m>(files: &[&'m [u8]], fits: &dyn Fn(&[u8]) -> bool) -> Option<&'m [u8]> {
    let mut fitting = files.iter().copied().filter(|file| fits(file));
    let first = fitting.next()?;
    fitting.next().is_none().then_some(first)
}

/// Whether a mapped file, as it lies in the run directory or the sysroot, calls itself `soname`.
fn has_soname(capture: &CaptureSet, file: &[u8], soname: &[u8]) -> bool {
    let elf = super::find::candidate_paths(capture, file)
        .into_iter()
        .filter(|path| path.is_file())
        .find_map(|path| ElfInfo::read(&path).ok());
    elf.and_then(|elf| elf.soname)
        .is_some_and(|name| name.as_bytes() == soname)
}

/// The name of the file that a library's path leads to in the sysroot or the run directory.
fn link_target(capture: &CaptureSet, name: &[u8]) -> Option<Vec<u8>> {
    let paths = super::find::candidate_paths(capture, name);
    let resolved = paths
        .iter()
        .find_map(|path| std::fs::canonicalize(path).ok())?;
    Some(path_base(&resolved).to_vec())
}

/// `libfoo.so.1.2.3` for `libfoo.so.1`, and `libc-2.31.so` for `libc.so.6`.
fn is_version_of(mapped: &[u8], logged: &[u8]) -> bool {
    let longer = mapped.strip_prefix(logged);
    longer.is_some_and(|rest| rest.first() == Some(&b'.'))
        || (release_stem(mapped).is_some() && release_stem(mapped) == stem(logged))
}

/// `libc` of `libc.so.6`.
fn stem(base: &[u8]) -> Option<&[u8]> {
    memchr::memmem::find(base, b".so").map(|end| &base[..end])
}

/// `libc` of `libc-2.31.so`, as glibc named its files before 2.34.
fn release_stem(base: &[u8]) -> Option<&[u8]> {
    let name = base.strip_suffix(b".so")?;
    let dash = memchr::memrchr(b'-', name)?;
    let version = &name[dash + 1..];
    let is_version =
        !version.is_empty() && version.iter().all(|b| b.is_ascii_digit() || *b == b'.');
    is_version.then_some(&name[..dash])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loaders_of_every_port() {
        for name in [
            "ld-linux-armhf.so.3",
            "ld-linux.so.2",
            "ld-linux-x86-64.so.2",
            "ld-linux-aarch64.so.1",
            "ld-2.31.so",
            "ld64.so.2",
            "ld.so.1",
            "ld-linux-riscv64-lp64d.so.1",
            "ld-uClibc.so.0",
        ] {
            assert!(is_loader_name(name.as_bytes()), "{name}");
        }
        for name in [
            "libld.so.1",
            "ld",
            "ldconfig",
            "ld-tool",
            "ldap.so",
            "libc.so.6",
        ] {
            assert!(!is_loader_name(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn names_that_contain_one_another_are_not_the_same() {
        assert!(is_version_of(b"libtest.so.1.4", b"libtest.so.1"));
        assert!(is_version_of(b"libc-2.31.so", b"libc.so.6"));
        assert!(!is_version_of(b"libtest2.so.1", b"libtest.so.1"));
        assert!(!is_version_of(b"libtest.so.12", b"libtest.so.1"));
        assert!(!is_version_of(b"libtest.so.2.0", b"libtest.so.1"));
        assert!(!is_version_of(b"libfoo-bar.so.1", b"libfoo.so.1"));
    }
}
