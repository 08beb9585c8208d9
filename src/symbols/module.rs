//! The modules of one run: the program, its shared libraries, the dynamic loader.

use std::io::{BufRead, BufReader};
use std::path::Path;

use hashbrown::HashMap;

use super::find::{Found, ModuleFinder};
use super::loader::{Loader, loader_machine};
use super::mapped::{MappedFiles, link_target, stem};
use super::names::shortened;
use super::title::{can_be_title, find_titles};
use crate::capture::CaptureSet;
use crate::elf::{ElfInfo, open_elf};
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
    /// As the log spells its file, or the maps, safe to print; `None` where neither names it.
    pub fn path(&self) -> Option<String> {
        let path = self.logged_as.as_ref().or(self.mapped_as.as_ref());
        path.map(|path| shortened(&String::from_utf8_lossy(path)))
    }

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
    let (size, crc) = checksum(path)?;
    Some(Build::Content { size, crc })
}

/// How long a file is, and the CRC-32 of its bytes, read piece by piece.
pub fn checksum(path: &Path) -> Option<(u64, u32)> {
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

/// The modules that a log names or a maps file shows, found by either name.
#[derive(Debug, Default)]
pub struct ModuleTable {
    pub modules: Vec<Module>,
    by_log_name: HashMap<Vec<u8>, ModuleId>,
    by_mapped_file: HashMap<Vec<u8>, ModuleId>,
    /// The program in the maps.
    program_file: Option<Vec<u8>>,
    program: Option<ModuleId>,
    loader: Loader,
    /// Names in the log that can be titles of the program, until `settle_titles` has looked at them.
    unsettled: Vec<Vec<u8>>,
    /// The log or the maps name 32-bit ARM's dynamic loader.
    pub has_arm_loader: bool,
}

impl ModuleTable {
    /// Collects the modules of a run, and which file in the maps each of them is.
    pub fn new(capture: &CaptureSet, trace: &Trace) -> Self {
        let link = |path: &[u8]| link_target(capture, path);
        let mut table = ModuleTable {
            loader: Loader::of(capture.program.as_ref(), link),
            ..ModuleTable::default()
        };
        let mut names: Vec<&[u8]> = trace.callers().filter_map(|(_, c)| c.file).collect();
        names.sort_unstable();
        names.dedup();
        let files = MappedFiles::new(capture, &table.loader);
        let mut known = names.iter().chain(&files.files);
        table.has_arm_loader = known.any(|file| loader_machine(file) == Some(object::elf::EM_ARM));
        table.program_file = files.program.map(<[u8]>::to_vec);
        let program = program_names(capture, files.program, &names);
        for name in names {
            let role = match program.contains(&base_name(name)) {
                true => Role::Program,
                false => table.role_of(base_name(name)),
            };
            let id = match files.find(name, role) {
                Some(file) => table.of_mapped_file(file, Some(name), role),
                None if role == Role::Library && can_be_title(name) => {
                    table.unsettled.push(name.to_vec());
                    continue;
                }
                None => table.add(Some(name), None, role),
            };
            table.by_log_name.insert(name.to_vec(), id);
        }
        if !table.unsettled.is_empty() {
            table.program(capture);
        }
        table
    }

    /// Settles which of the names that are in no mapping are the program's titles; its file has been
    /// looked for before.
    pub fn settle_titles(&mut self, capture: &CaptureSet, trace: &Trace) {
        let names = std::mem::take(&mut self.unsettled);
        if let Some(program) = self.program {
            let titles = find_titles(&names, self.get(program), capture.maps.as_ref(), trace);
            for (name, is_title) in names.into_iter().zip(titles) {
                let id = match is_title {
                    true => program,
                    false => self.add(Some(&name), None, Role::Library),
                };
                self.by_log_name.insert(name, id);
            }
        }
        self.tell_apart();
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
                module.name = name_of(path);
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
        let role = match is_program {
            true => Role::Program,
            false => self.role_of(base_name(file)),
        };
        self.of_mapped_file(file, None, role)
    }

    /// Whether the log names the module of a mapped file itself.
    pub fn is_logged(&self, file: &[u8]) -> bool {
        let id = self.by_mapped_file.get(file);
        id.is_some_and(|id| self.get(*id).logged_as.is_some())
    }

    /// The program, for callers that do not name it.
    pub fn program(&mut self, capture: &CaptureSet) -> ModuleId {
        if let Some(known) = self.program {
            return known;
        }
        let file = self.program_file.clone();
        match (&capture.program, file) {
            (given, Some(file)) => {
                let name = given.as_ref().map(|elf| path_base(&elf.path));
                self.of_mapped_file(&file, name, Role::Program)
            }
            (Some(elf), None) => self.add(Some(path_base(&elf.path)), None, Role::Program),
            (None, None) => self.add(None, None, Role::Program),
        }
    }

    pub fn get(&self, id: ModuleId) -> &Module {
        &self.modules[id.0 as usize]
    }

    /// Looks for the file of every module that has none yet.
    pub fn find_files(&mut self, finder: &ModuleFinder<'_>) {
        for module in &mut self.modules {
            if matches!(module.file, Found::Nowhere) {
                module.file = finder.find(module);
            }
        }
    }

    fn of_mapped_file(&mut self, file: &[u8], logged: Option<&[u8]>, role: Role) -> ModuleId {
        if let Some(&id) = self.by_mapped_file.get(file) {
            return id;
        }
        let id = self.add(logged, Some(file), role);
        self.by_mapped_file.insert(file.to_vec(), id);
        id
    }

    /// What a file is that is not the program.
    fn role_of(&self, base_name: &[u8]) -> Role {
        match self.loader.is(base_name) {
            true => Role::Loader,
            false => Role::Library,
        }
    }

    fn add(&mut self, logged: Option<&[u8]>, mapped: Option<&[u8]>, role: Role) -> ModuleId {
        let name = logged.or(mapped).map(base_name).unwrap_or_default();
        self.modules.push(Module {
            role,
            name: match name {
                b"" => "program".to_owned(),
                name => name_of(name),
            },
            mapped_as: mapped.map(<[u8]>::to_vec),
            logged_as: logged.map(<[u8]>::to_vec),
            file: Found::Nowhere,
        });
        let id = ModuleId(self.modules.len() as u32 - 1);
        if role == Role::Program {
            self.program.get_or_insert(id);
        }
        id
    }
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

/// As it is shown.
fn name_of(path: &[u8]) -> String {
    shortened(&String::from_utf8_lossy(path))
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
