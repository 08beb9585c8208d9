//! What becomes of a program that the user named: one that is not used is never left without a word.

use std::path::Path;

use crate::capture::{CaptureSet, RunInput};
use crate::elf::{ElfInfo, Machine};
use crate::error::{Error, InputError, Result};
use crate::run::{Role, Run};
use crate::symbols::{MappedModule, ModuleFinder, same_machine};
use crate::warning::NamesWarning;

/// A recording tells for certain which machine it is of.
pub(super) fn refuse_other_machine(capture: &CaptureSet, ran: Machine) -> Result<()> {
    match given(capture) {
        Some(exe) if !same_machine(exe.machine, ran) => {
            Err(Error::Input(InputError::WrongArchitecture {
                exe: exe.path.clone(),
                machine: exe.machine.to_string(),
                evidence: format!("the recording is of a program for {ran}"),
            }))
        }
        _ => Ok(()),
    }
}

/// What is wrong with the files that were there for a recording's modules, and are not used.
pub(super) fn refused(
    capture: &CaptureSet,
    finder: &ModuleFinder<'_>,
    modules: &[MappedModule],
) -> Vec<NamesWarning> {
    let program = modules.iter().find(|module| module.role == Role::Program);
    let unused = given(capture)
        .filter(|_| !modules.is_empty())
        .and_then(|exe| {
            let reason = match program {
                Some(program) => finder.check_identity(program, exe).err()?,
                None => "no call in the recording comes from the program".to_owned(),
            };
            Some(not_used(&exe.path, reason))
        });
    let is_told = |module: &&MappedModule| module.role == Role::Program && unused.is_some();
    let others = modules.iter().filter(|module| !is_told(module));
    let others = others.filter_map(MappedModule::refusal).collect::<Vec<_>>();
    unused.into_iter().chain(others).collect()
}

/// The program that is given for runs that all have their names already.
pub(crate) fn unused_beside_saved(inputs: &[RunInput], runs: &[Run]) -> Option<NamesWarning> {
    let is_saved = |run: &Run| run.facts.origin.saved_by.is_some();
    let given = inputs.first()?.exe.as_deref()?;
    runs.iter()
        .all(is_saved)
        .then(|| not_used(given, "a saved report has its names already".to_owned()))
}

fn given(capture: &CaptureSet) -> Option<&ElfInfo> {
    capture
        .program
        .as_ref()
        .filter(|_| capture.is_program_given)
}

fn not_used(given: &Path, reason: String) -> NamesWarning {
    NamesWarning::ProgramNotUsed {
        given: given.to_path_buf(),
        reason,
    }
}
