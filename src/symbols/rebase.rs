//! From the numbers in a log to modules and link-time addresses.

use super::addressing::decide;
use super::call::CallChecker;
use super::find::{Found, ModuleFinder};
use super::loader::is_other_loader;
use super::module::{Module, ModuleTable};
use crate::capture::{CaptureSet, Maps};
use crate::elf::{ElfInfo, Machine};
use crate::error::{Error, Result};
use crate::run::{Addressing, AddressingChoice, Certainty, LinkAddress, ModuleId, Role, Unknown};
use crate::trace::{Caller, CallerId, Trace};
use crate::warning::Warning;

/// Where a call came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A return address in a module.
    InModule {
        module: ModuleId,
        address: LinkAddress,
    },
    /// The module may be known by name, but not where in it the address lies.
    Unplaced {
        module: Option<ModuleId>,
        /// The number as the log has it.
        address: Option<u64>,
        reason: Unknown,
    },
}

impl Place {
    pub fn module(&self) -> Option<ModuleId> {
        match self {
            Place::InModule { module, .. } => Some(*module),
            Place::Unplaced { module, .. } => *module,
        }
    }
}

/// The callers of one run, placed.
#[derive(Debug)]
pub struct RebasedRun {
    pub modules: Vec<Module>,
    /// By [`CallerId`].
    pub places: Vec<Place>,
    pub choice: AddressingChoice,
    pub machine: Option<Machine>,
    pub warnings: Vec<Warning>,
}

/// Places every caller of a log; an error only if the program is for another architecture.
/// `told` is what the user knows of the addresses.
pub fn rebase(capture: &CaptureSet, trace: &Trace, told: Option<Addressing>) -> Result<RebasedRun> {
    let evidence = WidthEvidence::of(capture, trace);
    if let Some(program) = &capture.program {
        evidence.check_program(program, capture, trace)?;
    }
    let known = capture.program.as_ref().or(capture.libraries.first());
    let machine = known.map(|elf| elf.machine);
    let mut modules = ModuleTable::new(capture, trace);
    let finder = ModuleFinder::new(capture, machine, evidence.is_64());
    modules.find_files(&finder);
    modules.settle_titles(capture, trace);
    modules.find_files(&finder); // of names that are no titles
    let choice = decide(capture, trace, &modules, told);
    let mut places = place_all(capture, trace, &mut modules, choice.addressing);
    modules.find_files(&finder); // of modules that only the maps name
    if drop_misfits(&mut modules, &places, trace) || choice.addressing == Addressing::Absolute {
        places = place_all(capture, trace, &mut modules, choice.addressing);
    }
    let machine = machine.or_else(|| {
        modules
            .modules
            .iter()
            .find_map(|m| m.elf())
            .map(|elf| elf.machine)
    });
    let mut run = RebasedRun {
        warnings: Vec::new(),
        modules: modules.modules,
        places,
        choice,
        machine,
    };
    run.warnings = run.find_faults(capture, trace);
    Ok(run)
}

impl RebasedRun {
    pub fn module(&self, id: ModuleId) -> &Module {
        &self.modules[id.0 as usize]
    }

    pub fn place(&self, caller: CallerId) -> &Place {
        &self.places[caller.0 as usize]
    }

    fn find_faults(&self, capture: &CaptureSet, trace: &Trace) -> Vec<Warning> {
        let mut warnings = Vec::new();
        if capture.maps.is_none() {
            warnings.push(Warning::NoMaps {
                absolute: self.choice.addressing == Addressing::Absolute,
            });
        }
        let chosen = self.choice.addressing.name();
        match self.choice.certainty {
            Certainty::Sure => {}
            Certainty::Assumed => warnings.push(Warning::AddressingAssumed { assumed: chosen }),
            Certainty::Mixed => warnings.push(Warning::AddressingMixed {
                chosen,
                reason: self.choice.reason.clone(),
            }),
        }
        let is_outside = |place: &&Place| {
            matches!(
                place,
                Place::Unplaced {
                    reason: Unknown::OutsideMaps,
                    ..
                }
            )
        };
        let (callers, of) = (
            self.places.iter().filter(is_outside).count(),
            self.places.len(),
        );
        if capture.maps.is_some() && callers > 0 {
            warnings.push(match callers > of / 2 {
                true => Warning::OtherMaps { callers, of },
                false => Warning::OutsideMaps { callers, of },
            });
        }
        let callers = callers_of_modules(&self.modules, &self.places, trace);
        for (module, callers) in self.modules.iter().zip(callers) {
            let fits = fits_of_module(module, callers);
            let callers = fits.iter().filter(|fits| !**fits).count();
            if callers > 0 {
                warnings.push(Warning::ModuleDoesNotFit {
                    module: module.name.clone(),
                    callers,
                    of: fits.len(),
                });
            }
        }
        for module in &self.modules {
            if let Found::Refused { path, reason } = &module.file {
                warnings.push(Warning::ModuleRefused {
                    module: module.name.clone(),
                    path: path.clone(),
                    reason: reason.clone(),
                });
            }
        }
        warnings
    }
}

fn place_all(
    capture: &CaptureSet,
    trace: &Trace,
    modules: &mut ModuleTable,
    addressing: Addressing,
) -> Vec<Place> {
    trace
        .callers()
        .map(|(_, caller)| place(capture, modules, addressing, caller))
        .collect()
}

fn place(
    capture: &CaptureSet,
    modules: &mut ModuleTable,
    addressing: Addressing,
    caller: Caller<'_>,
) -> Place {
    let named = caller.file.and_then(|name| modules.logged(name));
    let Some(number) = caller.address else {
        return Place::Unplaced {
            module: named,
            address: None,
            reason: Unknown::NoAddress,
        };
    };
    match (named, addressing) {
        (Some(id), Addressing::Relative) => {
            let base = modules.get(id).elf().map_or(0, |elf| elf.image_base());
            in_module(capture, modules, id, base.wrapping_add(number))
        }
        // Where dladdr found no module, the number is absolute in every glibc.
        _ => place_absolute(capture, modules, named, number),
    }
}

fn place_absolute(
    capture: &CaptureSet,
    modules: &mut ModuleTable,
    named: Option<ModuleId>,
    number: u64,
) -> Place {
    let unplaced = |reason| Place::Unplaced {
        module: named,
        address: Some(number),
        reason,
    };
    let maps = capture.maps.as_ref();
    // Of several snapshots united, one may show another file at that place: the log's name decides.
    let of_named = named
        .and_then(|id| modules.get(id).mapped_as.as_deref())
        .and_then(|file| maps?.find_in(file, number));
    let mapping = of_named.or_else(|| maps?.find(number));
    let Some(mapping) = mapping else {
        // A program at a fixed address needs no maps.
        let fixed = match named {
            Some(id) => modules.get(id).elf(),
            None => capture.program.as_ref(),
        };
        if fixed.is_some_and(|elf| elf.image_base() > 0 && elf.has_code_at(number)) {
            let id = named.unwrap_or_else(|| modules.program(capture));
            return in_module(capture, modules, id, number);
        }
        return unplaced(match capture.maps {
            None => Unknown::NoMaps,
            Some(_) => Unknown::OutsideMaps,
        });
    };
    let Some(file) = &mapping.file else {
        return unplaced(match named {
            None => Unknown::AnonymousMemory,
            Some(_) => Unknown::OutsideMaps,
        });
    };
    let id = match named {
        Some(id) => match &modules.get(id).mapped_as {
            Some(mapped) if mapped == file => id,
            // A link's target with quite another name; but not a module that the log knows by its own.
            None if modules.get(id).role != Role::Program && !modules.is_logged(file) => {
                modules.mapped(capture, file)
            }
            _ => return unplaced(Unknown::OutsideMaps),
        },
        None => modules.mapped(capture, file),
    };
    let in_file = (number - mapping.start).wrapping_add(mapping.offset);
    let by_segment = modules
        .get(id)
        .elf()
        .and_then(|elf| elf.address_of_offset(in_file));
    let address = by_segment.unwrap_or_else(|| {
        // Without the file: counted from its lowest mapping, which is the link-time address of all
        // that is linked at zero.
        let lowest = maps.and_then(|maps| maps.lowest(file));
        number - lowest.unwrap_or(mapping.start).min(number)
    });
    in_module(capture, modules, id, address)
}

fn in_module(capture: &CaptureSet, modules: &ModuleTable, module: ModuleId, address: u64) -> Place {
    let known = modules.get(module).elf().or(capture.program.as_ref());
    let has_mode_bit = match known {
        Some(elf) => elf.machine.has_mode_bit(),
        None => modules.has_arm_loader,
    };
    Place::InModule {
        module,
        address: LinkAddress(if has_mode_bit { address & !1 } else { address }),
    }
}

/// Takes a file of this machine away from a module whose callers do not fit it; true if any was.
fn drop_misfits(modules: &mut ModuleTable, places: &[Place], trace: &Trace) -> bool {
    let mut dropped = false;
    let callers = callers_of_modules(&modules.modules, places, trace);
    for (module, callers) in modules.modules.iter_mut().zip(callers) {
        let Found::OnThisMachine(elf) = &module.file else {
            continue;
        };
        let path = elf.path.clone();
        if fits_of_module(module, callers).contains(&false) {
            module.file = Found::Refused {
                path,
                reason: "it makes no calls where the log says that calls came from".to_owned(),
            };
            dropped = true;
        }
    }
    dropped
}

/// So many callers of a module are looked at: in another build, few of them would fit by chance.
pub const CHECKED: usize = 1000;

/// A link-time address, and the number in the log that it comes from.
type PlacedNumber = (LinkAddress, Option<u64>);

/// For each module the first callers in it: callers are gone through once, however many modules there are.
fn callers_of_modules(
    modules: &[Module],
    places: &[Place],
    trace: &Trace,
) -> Vec<Vec<PlacedNumber>> {
    let mut callers = vec![Vec::new(); modules.len()];
    for (place, (_, caller)) in places.iter().zip(trace.callers()) {
        if let Place::InModule { module, address } = place
            && modules[module.0 as usize].elf().is_some()
            && callers[module.0 as usize].len() < CHECKED
        {
            callers[module.0 as usize].push((*address, caller.address));
        }
    }
    callers
}

/// For each of the callers of a module whose file is known, whether the file makes a call there.
fn fits_of_module(module: &Module, callers: Vec<PlacedNumber>) -> Vec<bool> {
    let Some(elf) = module.elf().filter(|_| !callers.is_empty()) else {
        return Vec::new();
    };
    let checker = CallChecker::new(elf);
    let fits = |(address, number): PlacedNumber| {
        let mode_bit = elf.machine.has_mode_bit() && number.is_some_and(|number| number & 1 == 1);
        let follows_call = |checker: &CallChecker<'_>| checker.follows_call(address, mode_bit);
        elf.has_code_at(address.0) && checker.as_ref().is_none_or(follows_call)
    };
    callers.into_iter().map(fits).collect()
}

/// What addresses say about the width of the process. One damaged figure says nothing.
struct WidthEvidence {
    /// Where the stack lay: above 4 GiB in every 64-bit process.
    stack: Option<u64>,
    /// Most blocks lie at addresses of more than 32 bits.
    is_wide: bool,
}

impl WidthEvidence {
    fn of(capture: &CaptureSet, trace: &Trace) -> Self {
        WidthEvidence {
            stack: capture.maps.as_ref().and_then(Maps::stack),
            is_wide: trace.wide_addresses > trace.allocations() / 2,
        }
    }

    fn is_64(&self) -> Option<bool> {
        match self.is_wide {
            true => Some(true),
            // The heap of a 64-bit process can lie below 4 GiB.
            false => self.stack.map(|stack| stack > u64::from(u32::MAX)),
        }
    }

    fn check_program(&self, program: &ElfInfo, capture: &CaptureSet, trace: &Trace) -> Result<()> {
        let wrong = |evidence: String| Error::WrongArchitecture {
            exe: program.path.clone(),
            machine: program.machine.to_string(),
            evidence,
        };
        let logged = trace.callers().filter_map(|(_, caller)| caller.file);
        let mapped = capture.maps.iter().flat_map(Maps::files);
        for file in logged.chain(mapped) {
            if is_other_loader(file, program) {
                let name = crate::printable::printable_bytes(file);
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
