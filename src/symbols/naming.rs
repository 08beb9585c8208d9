//! Names for all callers of all runs: each file is opened once, whichever runs use it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::SearchPath;
use super::debug_file::find_debug_file;
use super::dwarf::symbolize;
use super::functions::{BareNames, functions_of};
use super::module::{MappedModule, ModuleFile};
use crate::capture::CaptureSet;
use crate::elf::ElfInfo;
use crate::file_name::is_toolchain_library;
use crate::run::{
    BlamedRun, LinkAddress, Location, ModuleLabel, OwnNames, Role, Run, Runs, Symbolized, Text,
    unscoped_name,
};
use crate::warning::{NamesWarning, Warning};

/// A run, and the files that its call sites can be named from.
#[derive(Debug)]
pub(crate) struct RunToName {
    run: Run,
    files: FilesOfRun,
}

/// What the names of a run are looked up in.
#[derive(Debug)]
struct FilesOfRun {
    /// By [`ModuleId`](crate::run::ModuleId); none where the run has all its names.
    modules: Vec<MappedModule>,
    sysroot: Option<PathBuf>,
    debug_files: Vec<ElfInfo>,
    has_maps: bool,
}

impl RunToName {
    /// `modules` are those of the run, with their files.
    pub(crate) fn new(run: Run, modules: Vec<MappedModule>, capture: CaptureSet) -> Self {
        let files = FilesOfRun {
            modules,
            sysroot: capture.sysroot,
            debug_files: capture.debug_files,
            has_maps: capture.maps.is_some(),
        };
        RunToName { run, files }
    }

    /// A run that has all its names.
    pub(crate) fn named(run: Run) -> Self {
        RunToName::new(run, Vec::new(), CaptureSet::default())
    }
}

impl FilesOfRun {
    /// The file that a location is in, and where in it.
    fn holding(&self, location: &Location) -> Option<(&ElfInfo, LinkAddress)> {
        let module = self.modules.get(location.module?.0 as usize)?;
        Some((module.elf()?, location.address?))
    }

    /// The run's own modules, in order.
    fn own(&self) -> Vec<OwnModule<'_>> {
        let modules = self.modules.iter();
        let own = modules.filter(|module| !is_toolchain_library(&module.name));
        let mut own: Vec<OwnModule<'_>> = own.map(OwnModule::of).collect();
        own.sort_unstable();
        own
    }
}

/// A module's name and file.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct OwnModule<'a> {
    name: &'a str,
    file: Option<&'a Path>,
}

impl<'a> OwnModule<'a> {
    fn of(module: &'a MappedModule) -> Self {
        OwnModule {
            name: &module.name,
            file: module.elf().map(|elf| &*elf.path),
        }
    }

    /// Two builds can have one build id, which was given to them: only files with the same bytes are the same.
    fn is_same_as(&self, other: &OwnModule<'_>) -> bool {
        let is_same_file = || match (self.file, other.file) {
            (Some(file), Some(other)) => have_same_bytes(file, other),
            _ => false,
        };
        self.name == other.name && (self.file == other.file || is_same_file())
    }
}

/// One ELF file and the addresses in it that need names.
struct NamingJob<'a> {
    elf: &'a ElfInfo,
    sysroot: Option<&'a Path>,
    debug_files: &'a [ElfInfo],
    addresses: BTreeSet<LinkAddress>,
}

/// Whether runs may be of several builds. One that was saved has none of its files here.
fn may_differ(runs: &[RunToName]) -> bool {
    let are_same = |pair: &[RunToName]| {
        let (one, other) = (pair[0].files.own(), pair[1].files.own());
        let mut modules = one.iter().zip(&other);
        one.len() == other.len() && modules.all(|(one, other)| one.is_same_as(other))
    };
    !runs.windows(2).all(are_same)
}

/// Whether two files can be read, and have the same bytes.
fn have_same_bytes(one: &Path, other: &Path) -> bool {
    let same = || -> io::Result<bool> {
        let [mut one, mut other] = [File::open(one)?, File::open(other)?];
        if one.metadata()?.len() != other.metadata()?.len() {
            return Ok(false);
        }
        let [mut of_one, mut of_other] = [(); 2].map(|()| Vec::with_capacity(COMPARED_AT_ONCE));
        loop {
            for (file, bytes) in [(&mut one, &mut of_one), (&mut other, &mut of_other)] {
                bytes.clear();
                file.take(COMPARED_AT_ONCE as u64).read_to_end(bytes)?;
            }
            if of_one != of_other || of_one.is_empty() {
                return Ok(of_one == of_other);
            }
        }
    };
    same().unwrap_or(false)
}

const COMPARED_AT_ONCE: usize = 1 << 16;

/// What a file had to say.
#[derive(Default)]
struct Answers {
    has_lines: bool,
    is_partial: bool,
    sources: Option<BTreeSet<Text>>,
    bare_names: Option<BareNames>,
    /// `None` where not all of them are known.
    functions: Option<BTreeSet<Text>>,
    debug: Option<PathBuf>,
    lacks_split: bool,
    names: BTreeMap<LinkAddress, Symbolized>,
}

/// Names the call sites of every run, files in parallel. Where a run is saved, it will be compared with other builds.
pub(crate) fn name_callers(
    runs: Vec<RunToName>,
    search: &SearchPath,
    is_saved: bool,
) -> Runs<OwnNames> {
    // To look for functions takes as long as half of all names, and between equal builds none changes.
    let wants_functions = is_saved || may_differ(&runs);
    let mut jobs: BTreeMap<&Path, NamingJob<'_>> = BTreeMap::new();
    for RunToName { run, files } in &runs {
        let places = run.locations.iter();
        for (elf, address) in places.filter_map(|location| files.holding(location)) {
            let job = jobs.entry(&elf.path).or_insert_with(|| NamingJob {
                elf,
                sysroot: files.sysroot.as_deref(),
                debug_files: &files.debug_files,
                addresses: BTreeSet::new(),
            });
            job.addresses.insert(address);
        }
    }
    // The one place where names are looked up in parallel: a file a task.
    let answers: BTreeMap<PathBuf, Answers> = jobs
        .into_par_iter()
        .map(|(path, job)| (path.to_path_buf(), answer(&job, search, wants_functions)))
        .collect();
    let functions = match wants_functions {
        true => functions_by_file(&runs, &answers),
        false => BTreeMap::new(),
    };
    let runs = runs.into_iter();
    Runs::new(runs.map(|run| named(run, &answers, &functions)).collect())
}

fn answer(job: &NamingJob<'_>, search: &SearchPath, wants_functions: bool) -> Answers {
    let debug = match job.elf.has_dwarf {
        true => None,
        false => find_debug_file(job.elf, search, job.sysroot, job.debug_files),
    };
    let addresses: Vec<LinkAddress> = job.addresses.iter().copied().collect();
    let said = symbolize(job.elf, debug.as_deref(), &addresses, wants_functions);
    Answers {
        has_lines: job.elf.has_dwarf || debug.is_some(),
        is_partial: said.is_partial,
        sources: said.sources,
        bare_names: said.bare_names,
        functions: said
            .functions
            .filter(|_| !said.is_partial && !said.lacks_split),
        lacks_split: said.lacks_split,
        names: addresses.into_iter().zip(said.names).collect(),
        debug,
    }
}

/// The functions of each file, as far as callers of any file show namesakes: one that a file shows can have moved to any other.
fn functions_by_file(
    runs: &[RunToName],
    answers: &BTreeMap<PathBuf, Answers>,
) -> BTreeMap<PathBuf, BTreeSet<Text>> {
    let mut names = BareNames::default();
    let all = answers
        .values()
        .filter_map(|answers| answers.bare_names.as_ref());
    all.for_each(|of_file| names.add_all(of_file));
    let modules = runs.iter().flat_map(|run| &run.files.modules);
    let own = modules.filter(|module| !is_toolchain_library(&module.name));
    let paths: BTreeSet<&Path> = own
        .filter_map(|module| Some(&*module.elf()?.path))
        .collect();
    let of_file = |path: &Path| {
        let answers = answers.get(path);
        let debug = answers.and_then(|answers| answers.debug.as_deref());
        let mut functions = functions_of(path, debug, &names)?;
        if let Some(answers) = answers {
            add_unknown(answers.functions.as_ref()?, &mut functions);
        }
        Some((path.to_path_buf(), functions))
    };
    paths.into_par_iter().filter_map(of_file).collect()
}

/// Adds what debug information knows of functions to what symbols know.
fn add_unknown(by_debug_info: &BTreeSet<Text>, functions: &mut BTreeSet<Text>) {
    let told: BTreeSet<String> = functions
        .iter()
        .filter_map(|name| unscoped_name(name))
        .collect();
    // Of a static function, debug information leaves the parameters out.
    let is_more = |name: &&Text| name.contains('(') || !told.contains(&***name);
    functions.extend(by_debug_info.iter().filter(is_more).cloned());
}

fn named(
    RunToName { mut run, files }: RunToName,
    answers: &BTreeMap<PathBuf, Answers>,
    functions: &BTreeMap<PathBuf, BTreeSet<Text>>,
) -> Run {
    for location in &mut run.locations {
        let named = files.holding(location).and_then(|(elf, address)| {
            let name = answers.get(&elf.path)?.names.get(&address)?;
            // The log's own symbol comes last: a static function can carry its neighbour's name.
            matches!(name, Symbolized::Named(_)).then(|| name.clone())
        });
        if let Some(name) = named {
            location.name = name;
        }
    }
    let sources = of_own_modules(&files, |path| answers.get(path)?.sources.clone());
    run.inventory.sources.extend(sources);
    let functions = of_own_modules(&files, |path| functions.get(path).cloned());
    run.inventory.functions.extend(functions);
    let run = BlamedRun::alone(run);
    let missing = missing_names(&run, &files, answers).into_iter();
    let mut run = run.into_run();
    run.facts.warnings.extend(missing.map(Warning::from));
    run
}

/// What is known of the modules of a run, but for those that every toolchain brings.
fn of_own_modules(
    files: &FilesOfRun,
    of: impl Fn(&Path) -> Option<BTreeSet<Text>>,
) -> BTreeMap<ModuleLabel, BTreeSet<Text>> {
    let modules = files.modules.iter();
    let own = modules.filter(|module| !is_toolchain_library(&module.name));
    let known = own.filter_map(|module| {
        let label = ModuleLabel {
            role: module.role,
            name: module.name.as_str().into(),
        };
        Some((label, of(&module.elf()?.path)?))
    });
    known.collect()
}

/// Modules with live blocks whose sites could be named better, and how.
fn missing_names(
    run: &BlamedRun,
    files: &FilesOfRun,
    answers: &BTreeMap<PathBuf, Answers>,
) -> Vec<NamesWarning> {
    let mut live: Vec<Vec<&Location>> = vec![Vec::new(); files.modules.len()];
    for site in run.sites.iter().filter(|site| site.figures.blocks > 0) {
        let location = run.location(run.responsible(site).call.at);
        if let Some(live) = location.module.and_then(|id| live.get_mut(id.0 as usize)) {
            live.push(location);
        }
    }
    let mut missing = Missing::default();
    for (module, live) in files.modules.iter().zip(live) {
        let answers_of = |elf: &ElfInfo| answers.get(&elf.path);
        if module
            .elf()
            .and_then(answers_of)
            .is_some_and(|a| a.is_partial)
        {
            missing.too_large.push(module.name.clone());
        }
        if module.role == Role::Loader || is_good_enough(module, &live) {
            continue;
        }
        match &module.file {
            ModuleFile::File(elf) | ModuleFile::OnThisMachine(elf) => {
                missing.add(module, answers_of(elf));
            }
            // These have warnings of their own.
            ModuleFile::Refused { .. } => {}
            ModuleFile::Nowhere if module.role == Role::Program => {}
            ModuleFile::Nowhere if module.mapped_as.is_none() && files.has_maps => {
                let name = format!("{} (not in the maps)", module.name);
                missing.not_found.push(name);
            }
            ModuleFile::Nowhere => missing.not_found.push(module.name.clone()),
        }
    }
    missing.warnings(files.sysroot.is_some())
}

/// Modules by what their names lack.
#[derive(Default)]
struct Missing {
    not_found: Vec<String>,
    too_large: Vec<String>,
    no_split: Vec<String>,
    no_lines: Vec<String>,
    /// The program is among those.
    has_program: bool,
    no_system_lines: Vec<String>,
}

impl Missing {
    fn add(&mut self, module: &MappedModule, answers: Option<&Answers>) {
        let lacking = match answers {
            Some(answers) if !answers.has_lines && is_toolchain_library(&module.name) => {
                &mut self.no_system_lines
            }
            Some(answers) if !answers.has_lines => {
                self.has_program |= module.role == Role::Program;
                &mut self.no_lines
            }
            Some(answers) if answers.lacks_split => &mut self.no_split,
            _ => return,
        };
        lacking.push(module.name.clone());
    }

    fn warnings(self, has_sysroot: bool) -> Vec<NamesWarning> {
        let named = |mut modules: Vec<String>, warning: &dyn Fn(Vec<String>) -> NamesWarning| {
            modules.sort();
            (!modules.is_empty()).then(|| warning(modules))
        };
        let has_program = self.has_program;
        let warnings = [
            named(self.not_found, &|modules| NamesWarning::ModulesNotFound {
                modules,
                has_sysroot,
            }),
            named(self.too_large, &|modules| NamesWarning::DebugInfoRefused {
                modules,
            }),
            named(self.no_split, &|modules| NamesWarning::NoSplitDebugInfo {
                modules,
            }),
            named(self.no_lines, &|modules| NamesWarning::NoDebugInfo {
                modules,
                has_program,
            }),
            named(self.no_system_lines, &|modules| {
                NamesWarning::NoSystemDebugInfo { modules }
            }),
        ];
        warnings.into_iter().flatten().collect()
    }
}

/// Nothing of the module is live, or it is the C library, whose function names say all that is of use.
fn is_good_enough(module: &MappedModule, live: &[&Location]) -> bool {
    let is_named = |location: &&Location| location.frame().is_some();
    live.is_empty() || (is_toolchain_library(&module.name) && live.iter().all(is_named))
}
