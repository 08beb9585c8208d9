//! The modules of one run, found by the names that a log and a maps file have for them.

use hashbrown::HashMap;

use super::find::ModuleFinder;
use super::loader::{Loader, loader_machine};
use super::mapped::{MappedFiles, link_target};
use super::module::{MappedModule, ModuleFile};
use super::title::{can_be_title, find_titles};
use crate::capture::CaptureSet;
use crate::elf::ElfInfo;
use crate::file_name::{base_name, names_a_library, path_base};
use crate::printable::shortened;
use crate::run::{ModuleId, Role};
use crate::trace::Callers;

/// The modules that a log names or a maps file shows, found by either name.
#[derive(Debug, Default)]
pub(super) struct ModuleTable {
    pub modules: Vec<MappedModule>,
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
    pub(super) fn new(capture: &CaptureSet, callers: &Callers) -> Self {
        let link = |path: &[u8]| link_target(capture, path);
        let mut table = ModuleTable {
            loader: Loader::of(capture.program.as_ref(), link),
            ..ModuleTable::default()
        };
        let names: Vec<&[u8]> = callers.files().collect();
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
    pub(super) fn settle_titles(&mut self, capture: &CaptureSet, callers: &Callers) {
        let names = std::mem::take(&mut self.unsettled);
        if let Some(program) = self.program {
            let titles = find_titles(&names, self.get(program), capture.maps.as_ref(), callers);
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
    pub(super) fn logged(&self, name: &[u8]) -> Option<ModuleId> {
        self.by_log_name.get(name).copied()
    }

    /// The module of a mapped file that the log does not name itself.
    pub(super) fn mapped(&mut self, capture: &CaptureSet, file: &[u8]) -> ModuleId {
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
    pub(super) fn is_logged(&self, file: &[u8]) -> bool {
        let id = self.by_mapped_file.get(file);
        id.is_some_and(|id| self.get(*id).logged_as.is_some())
    }

    /// The program, for callers that do not name it.
    pub(super) fn program(&mut self, capture: &CaptureSet) -> ModuleId {
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

    pub(super) fn get(&self, id: ModuleId) -> &MappedModule {
        &self.modules[id.0 as usize]
    }

    /// Looks for the file of every module that has none yet.
    pub(super) fn find_files(&mut self, finder: &ModuleFinder<'_>) {
        for module in &mut self.modules {
            if matches!(module.file, ModuleFile::Nowhere) {
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
        self.modules.push(MappedModule {
            role,
            name: match name {
                b"" => "program".to_owned(),
                name => name_of(name),
            },
            mapped_as: mapped.map(<[u8]>::to_vec),
            logged_as: logged.map(<[u8]>::to_vec),
            mapped_size: None,
            file: ModuleFile::Nowhere,
        });
        let id = ModuleId(self.modules.len() as u32 - 1);
        if role == Role::Program {
            self.program.get_or_insert(id);
        }
        id
    }
}

/// As it is shown.
fn name_of(path: &[u8]) -> String {
    shortened(&String::from_utf8_lossy(path))
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
    match others.next() {
        Some(first) if others.all(|other| other == first) => vec![first],
        _ => names,
    }
}
