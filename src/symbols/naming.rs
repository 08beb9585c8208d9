//! Names for all callers of all runs: each file is opened once, whichever runs use it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::SearchPath;
use super::debug_file::find_debug_file;
use super::dwarf::symbolize;
use super::find::Found;
use super::module::{Module, is_toolchain_library};
use super::names::Names;
use super::rebase::{Place, RebasedRun};
use crate::capture::CaptureSet;
use crate::elf::ElfInfo;
use crate::run::{Figures, LinkAddress, NameSource, Named, Role, Symbolized, Unknown};
use crate::trace::{CallerId, Trace};
use crate::warning::Warning;

/// What naming needs to know of one run.
#[derive(Debug)]
pub struct RunToName<'a> {
    pub capture: &'a CaptureSet,
    pub trace: &'a Trace,
    pub rebased: &'a RebasedRun,
    /// By [`CallerId`].
    pub figures: &'a [Figures],
}

/// The names of one run's callers.
#[derive(Debug)]
pub struct RunNames {
    /// By [`CallerId`].
    pub names: Vec<Symbolized>,
    pub warnings: Vec<Warning>,
}

/// One ELF file and the addresses in it that need names.
struct Job<'a> {
    elf: &'a ElfInfo,
    sysroot: Option<&'a Path>,
    debug_files: &'a [ElfInfo],
    addresses: BTreeSet<LinkAddress>,
}

/// What a file had to say.
#[derive(Default)]
struct Answers {
    has_lines: bool,
    is_partial: bool,
    names: BTreeMap<LinkAddress, Symbolized>,
}

/// Names every caller of every run, files in parallel.
pub fn name_callers(runs: &[RunToName<'_>], search: &SearchPath) -> Vec<RunNames> {
    let mut jobs: BTreeMap<&Path, Job<'_>> = BTreeMap::new();
    for run in runs {
        for place in &run.rebased.places {
            if let Place::InModule { module, address } = place
                && let Some(elf) = run.rebased.module(*module).elf()
            {
                let job = jobs.entry(&elf.path).or_insert_with(|| Job {
                    elf,
                    sysroot: run.capture.sysroot.as_deref(),
                    debug_files: &run.capture.debug_files,
                    addresses: BTreeSet::new(),
                });
                job.addresses.insert(*address);
            }
        }
    }
    // The one place where names are looked up in parallel: a file a task.
    let answers: BTreeMap<PathBuf, Answers> = jobs
        .into_par_iter()
        .map(|(path, job)| (path.to_path_buf(), answer(&job, search)))
        .collect();
    runs.iter().map(|run| name_run(run, &answers)).collect()
}

fn answer(job: &Job<'_>, search: &SearchPath) -> Answers {
    let debug = match job.elf.has_dwarf {
        true => None,
        false => find_debug_file(job.elf, search, job.sysroot, job.debug_files),
    };
    let addresses: Vec<LinkAddress> = job.addresses.iter().copied().collect();
    let said = symbolize(job.elf, debug.as_deref(), &addresses);
    Answers {
        has_lines: job.elf.has_dwarf || debug.is_some(),
        is_partial: said.is_partial,
        names: addresses.into_iter().zip(said.names).collect(),
    }
}

fn name_run(run: &RunToName<'_>, answers: &BTreeMap<PathBuf, Answers>) -> RunNames {
    let mut log_names = Names::default();
    let names: Vec<Symbolized> = run
        .trace
        .callers()
        .map(|(id, caller)| {
            let name = match run.rebased.place(id) {
                Place::Unplaced { reason, .. } => Symbolized::Unknown(*reason),
                Place::InModule { module, address } => match run.rebased.module(*module).elf() {
                    None => Symbolized::Unknown(Unknown::NoFile),
                    Some(elf) => answers
                        .get(&elf.path)
                        .and_then(|answers| answers.names.get(address).cloned())
                        .unwrap_or(Symbolized::Unknown(Unknown::NoSymbol)),
                },
            };
            match (name, caller.symbol) {
                // The log's own symbol comes last: a static function can carry its neighbour's name.
                (Symbolized::Unknown(_), Some(symbol)) => {
                    let symbol = log_names.function(symbol.name);
                    Symbolized::Named(Named::from_symbol(symbol, NameSource::Log))
                }
                (name, _) => name,
            }
        })
        .collect();
    let warnings = missing_names(run, &names, answers);
    RunNames { names, warnings }
}

/// Modules with live blocks whose sites could be named better, and how.
fn missing_names(
    run: &RunToName<'_>,
    names: &[Symbolized],
    answers: &BTreeMap<PathBuf, Answers>,
) -> Vec<Warning> {
    let mut live: Vec<Vec<CallerId>> = vec![Vec::new(); run.rebased.modules.len()];
    for (id, _) in run.trace.own_callers() {
        if run.figures[id.0 as usize].blocks > 0
            && let Some(module) = run.rebased.place(id).module()
        {
            live[module.0 as usize].push(id);
        }
    }
    let (mut not_found, mut no_lines) = (Vec::new(), Vec::new());
    let mut too_large = Vec::new();
    for (module, live) in run.rebased.modules.iter().zip(live) {
        let answers_of = |elf: &ElfInfo| answers.get(&elf.path);
        if module
            .elf()
            .and_then(answers_of)
            .is_some_and(|a| a.is_partial)
        {
            too_large.push(module.name.to_string());
        }
        if module.role == Role::Loader || is_good_enough(module, &live, names) {
            continue;
        }
        match &module.file {
            Found::File(elf) | Found::OnThisMachine(elf) => match answers_of(elf) {
                Some(answers) if !answers.has_lines => no_lines.push(module.name.to_string()),
                _ => {}
            },
            // These have warnings of their own.
            Found::Refused { .. } => {}
            Found::Nowhere if module.role == Role::Program => {}
            Found::Nowhere if module.mapped_as.is_none() && run.capture.maps.is_some() => {
                not_found.push(format!("{} (not in the maps)", module.name));
            }
            Found::Nowhere => not_found.push(module.name.to_string()),
        }
    }
    not_found.sort();
    no_lines.sort();
    too_large.sort();
    let mut warnings = Vec::new();
    if !not_found.is_empty() {
        warnings.push(Warning::ModulesNotFound {
            modules: not_found,
            has_sysroot: run.capture.sysroot.is_some(),
        });
    }
    if !too_large.is_empty() {
        warnings.push(Warning::DebugInfoRefused { modules: too_large });
    }
    if !no_lines.is_empty() {
        warnings.push(Warning::NoDebugInfo { modules: no_lines });
    }
    warnings
}

/// Nothing of the module is live, or it is the C library, whose function names say all that is of use.
fn is_good_enough(module: &Module, live: &[CallerId], names: &[Symbolized]) -> bool {
    let is_named = |id: &CallerId| matches!(names[id.0 as usize], Symbolized::Named(_));
    live.is_empty() || (is_toolchain_library(&module.name) && live.iter().all(is_named))
}
