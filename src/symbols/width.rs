//! Whether a process is one of 32 or of 64 bits.

use super::loader::is_other_loader;
use crate::capture::{CaptureSet, Maps};
use crate::elf::ElfInfo;
use crate::error::{Error, InputError, Result};
use crate::printable::printable_bytes;
use crate::trace::Callers;

/// What addresses say about the width of the process. One damaged figure says nothing.
pub(super) struct WidthEvidence {
    /// Where the stack lay: above 4 GiB in every 64-bit process.
    stack: Option<u64>,
    /// Most blocks lie at addresses of more than 32 bits.
    is_wide: bool,
}

impl WidthEvidence {
    pub(super) fn of(capture: &CaptureSet, is_wide: bool) -> Self {
        WidthEvidence {
            stack: capture.maps.as_ref().and_then(Maps::stack),
            is_wide,
        }
    }

    pub(super) fn is_64(&self) -> Option<bool> {
        match self.is_wide {
            true => Some(true),
            // The heap of a 64-bit process can lie below 4 GiB.
            false => self.stack.map(|stack| stack > u64::from(u32::MAX)),
        }
    }

    pub(super) fn check_program(
        &self,
        program: &ElfInfo,
        capture: &CaptureSet,
        callers: &Callers,
    ) -> Result<()> {
        let wrong = |evidence: String| {
            Error::Input(InputError::WrongArchitecture {
                exe: program.path.clone(),
                machine: program.machine.to_string(),
                evidence,
            })
        };
        let logged = callers.files();
        let mapped = capture.maps.iter().flat_map(Maps::files);
        for file in logged.chain(mapped) {
            if is_other_loader(file, program) {
                let name = printable_bytes(file);
                return Err(wrong(format!(
                    "the log is of a process whose loader was {name}"
                )));
            }
        }
        match self.is_64() {
            Some(true) if !program.machine.is_64 => Err(wrong(
                "the log has addresses of more than 32 bits".to_owned(),
            )),
            Some(false) if program.machine.is_64 => {
                Err(wrong("the maps file is of a 32-bit process".to_owned()))
            }
            _ => Ok(()),
        }
    }
}
