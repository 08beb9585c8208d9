//! The modules of one run: the program, its shared libraries, the dynamic loader.

use std::io::{BufRead, BufReader};
use std::path::Path;

use hashbrown::HashMap;

use super::find::{Found, ModuleFinder};
use super::mapped::{MappedFiles, stem};
use super::rebase::loader_machine;
use crate::capture::CaptureSet;
use crate::elf::{ElfInfo, open_regular};
use crate::printable::printable_bytes;
use crate::run::{Build, ModuleId, Role};
use crate::trace::Trace;

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
    /// The build that ran, as far as the file or the capture's own record tells.
    pub fn build(&self, capture: &CaptureSet) -> Option<Build> {
        let recorded = || {
            let mut names = [&self.mapped_as, &self.logged_as].into_iter().flatten();
            names.find_map(|name| capture.manifest.build_id(name))
        };
        let elf = self.elf();
        let id = elf.and_then(|elf| elf.build_id.clone()).or_else(recorded);
        id.map(Build::Id).or_else(|| content(&elf?.path))
    }

    pub fn elf(&self) -> Option<&ElfInfo> {
        match &self.file {
            Found::File(info) | Found::OnThisMachine(info) => Some(info),
            Found::Refused { .. } | Found::Nowhere => None,
        }
    }
}

fn content(path: &Path) -> Option<Build> {
    let mut file = BufReader::new(open_regular(path).ok()?);
    let (mut size, mut crc) = (0, crc32fast::Hasher::new());
    loop {
        let bytes = file.fill_buf().ok()?;
        if bytes.is_empty() {
            let crc = crc.finalize();
            return Some(Build::Content { size, crc });
        }
        crc.update(bytes);
        let read = bytes.len();
        size += read as u64;
        file.consume(read);
    }
}

/// The modules that a log names or a maps file shows, found by either name.
#[derive(Debug, Default)]
pub struct ModuleTable {
    pub modules: Vec<Module>,
    by_log_name: HashMap<Vec<u8>, ModuleId>,
    by_mapped_file: HashMap<Vec<u8>, ModuleId>,
    /// The program in the maps.
    program_file: Option<Vec<u8>>,
    /// The log or the maps name 32-bit ARM's dynamic loader.
    pub has_arm_loader: bool,
}

impl ModuleTable {
    /// Collects the modules of a run, and which file in the maps each of them is.
    pub fn new(capture: &CaptureSet, trace: &Trace) -> Self {
        let mut table = ModuleTable::default();
        let mut names: Vec<&[u8]> = trace.callers().filter_map(|(_, c)| c.file).collect();
        names.sort_unstable();
        names.dedup();
        let files = MappedFiles::new(capture);
        let mut known = names.iter().chain(&files.files);
        table.has_arm_loader = known.any(|file| loader_machine(file) == Some(object::elf::EM_ARM));
        table.program_file = files.program.map(<[u8]>::to_vec);
        let program = program_names(capture, files.program, &names);
        for name in names {
            let is_program = program.contains(&base_name(name));
            let id = match files.find(name, is_program) {
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
        let mut count: HashMap<String, usize> = HashMap::new();
        for module in &self.modules {
            *count.entry_ref(module.name.as_str()).or_default() += 1;
        }
        for module in &mut self.modules {
            let is_shared = count.get(&module.name).is_some_and(|count| *count > 1);
            if let (true, Some(path)) = (is_shared, &module.logged_as) {
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
        let is_given = |elf: &ElfInfo| path_base(&elf.path) == base_name(file);
        let is_program = self.program_file.as_deref() == Some(file)
            || capture.program.as_ref().is_some_and(is_given);
        self.of_mapped_file(file, None, is_program)
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

pub fn path_base(path: &Path) -> &[u8] {
    use std::os::unix::ffi::OsStrExt;
    base_name(path.as_os_str().as_bytes())
}

/// Whether a base name is a shared library's: `libc.so.6`, `plugin.so`.
pub fn names_a_library(base_name: &[u8]) -> bool {
    base_name.ends_with(b".so") || memchr::memmem::find(base_name, b".so.").is_some()
}

/// The base names under which the log can know the program.
fn program_names<'a>(
    capture: &'a CaptureSet,
    mapped: Option<&'a [u8]>,
    logged: &[&'a [u8]],
) -> Vec<&'a [u8]> {
    let mut names: Vec<&[u8]> = Vec::new();
    names.extend(capture.program.as_ref().map(|elf| path_base(&elf.path)));
    names.extend(mapped.map(base_name));
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
}
