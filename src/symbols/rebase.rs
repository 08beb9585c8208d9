//! From the numbers in a log to modules and link-time addresses.

use super::addressing::decide;
use super::find::ModuleFinder;
use super::module::{MappedModule, ModuleFile};
use super::module_table::ModuleTable;
use super::names::Names;
use super::view::{CHECKED, ModuleView};
use super::width::WidthEvidence;
use crate::capture::CaptureSet;
use crate::elf::Machine;
use crate::error::Result;
use crate::run::{
    Addressing, AddressingChoice, Build, Certainty, LinkAddress, Location, ModuleId, NameSource,
    Named, Role, Symbolized, Unknown,
};
use crate::trace::{Callers, LogCaller};
use crate::warning::NamesWarning;

/// Where a call came from.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    /// It may be known by name, though not where in it the call is.
    module: Option<ModuleId>,
    /// A return address in the module.
    address: std::result::Result<LinkAddress, Unknown>,
}

/// The callers of one run, placed.
#[derive(Debug)]
pub(crate) struct RebasedRun {
    pub modules: Vec<MappedModule>,
    /// Which build each of them is of, where that is known.
    pub builds: Vec<Option<Build>>,
    /// By [`CallerId`](crate::trace::CallerId).
    places: Vec<Place>,
    pub choice: AddressingChoice,
    pub machine: Option<Machine>,
    pub warnings: Vec<NamesWarning>,
}

/// Places every caller of a log; an error only if the program is for another architecture.
/// `is_wide` says that most blocks lie at addresses of more than 32 bits; `told` is what the user knows of the
/// callers' addresses.
pub(crate) fn rebase(
    capture: &CaptureSet,
    callers: &Callers,
    is_wide: bool,
    told: Option<Addressing>,
) -> Result<RebasedRun> {
    let evidence = WidthEvidence::of(capture, is_wide);
    if let Some(program) = &capture.program {
        evidence.check_program(program, capture, callers)?;
    }
    let known = capture.program.as_ref().or(capture.libraries.first());
    let machine = known.map(|elf| elf.machine);
    let mut modules = ModuleTable::new(capture, callers);
    let finder = ModuleFinder::new(capture, machine, evidence.is_64());
    modules.find_files(&finder);
    modules.settle_titles(capture, callers);
    modules.find_files(&finder); // of names that are no titles
    let choice = decide(capture, callers, &modules, told);
    let mut places = place_all(capture, callers, &mut modules, choice.addressing);
    modules.find_files(&finder); // of modules that only the maps name
    if drop_misfits(&mut modules, &places, callers) || choice.addressing == Addressing::Absolute {
        places = place_all(capture, callers, &mut modules, choice.addressing);
    }
    let machine = machine.or_else(|| {
        modules
            .modules
            .iter()
            .find_map(|m| m.elf())
            .map(|elf| elf.machine)
    });
    let modules = modules.modules;
    let of_modules = callers_of_modules(&modules, &places, callers);
    let of_modules = modules.iter().zip(of_modules);
    let checks = of_modules.map(|(module, callers)| FileCheck::of(module, callers));
    let checks: Vec<FileCheck> = checks.collect();
    let build = |(module, check): (&MappedModule, &FileCheck)| {
        let elf = module.elf().filter(|_| !check.is_other_build());
        module.build(capture, elf)
    };
    let of_places = faults(capture, &choice, &places).into_iter();
    let of_files = modules.iter().zip(&checks);
    let of_files = of_files.filter_map(|(module, check)| check.warning(module));
    let refused = modules.iter().filter_map(MappedModule::refusal);
    Ok(RebasedRun {
        warnings: of_places.chain(of_files).chain(refused).collect(),
        builds: modules.iter().zip(&checks).map(build).collect(),
        modules,
        places,
        choice,
        machine,
    })
}

impl RebasedRun {
    /// Where each call was made, with the name that the log itself has for it.
    pub(crate) fn locations(&self, callers: &Callers) -> Vec<Location> {
        let mut names = Names::default();
        let elf = |id: ModuleId| self.modules[id.0 as usize].elf();
        let locations = self.places.iter().zip(callers.iter());
        let location = |(place, caller): (&Place, LogCaller<'_>)| Location {
            module: place.module,
            address: place.address.ok(),
            number: caller.address,
            name: match caller.symbol {
                Some(symbol) => {
                    let symbol = names.function(symbol.name);
                    Symbolized::Named(Named::from_symbol(symbol, NameSource::Log))
                }
                None => Symbolized::Unknown(match (place.address, place.module.and_then(elf)) {
                    (Err(reason), _) => reason,
                    (Ok(_), Some(_)) => Unknown::NoSymbol,
                    (Ok(_), None) => Unknown::NoFile,
                }),
            },
        };
        locations.map(location).collect()
    }
}

/// What is unsure about where calls came from.
fn faults(capture: &CaptureSet, choice: &AddressingChoice, places: &[Place]) -> Vec<NamesWarning> {
    let mut warnings = Vec::new();
    if capture.maps.is_none() {
        warnings.push(NamesWarning::NoMaps {
            absolute: choice.addressing == Addressing::Absolute,
        });
    }
    let chosen = choice.addressing.name();
    match choice.certainty {
        Certainty::Sure => {}
        Certainty::Assumed => warnings.push(NamesWarning::AddressingAssumed { assumed: chosen }),
        Certainty::Mixed => warnings.push(NamesWarning::AddressingMixed {
            chosen,
            reason: choice.reason.clone(),
        }),
    }
    let is_outside = |place: &&Place| place.address == Err(Unknown::OutsideMaps);
    let outside = places.iter().filter(is_outside).count();
    if capture.maps.is_some() && outside > 0 {
        let (callers, of) = (outside, places.len());
        warnings.push(match callers > of / 2 {
            true => NamesWarning::OtherMaps { callers, of },
            false => NamesWarning::OutsideMaps { callers, of },
        });
    }
    warnings
}

fn place_all(
    capture: &CaptureSet,
    callers: &Callers,
    modules: &mut ModuleTable,
    addressing: Addressing,
) -> Vec<Place> {
    callers
        .iter()
        .map(|caller| place(capture, modules, addressing, caller))
        .collect()
}

fn place(
    capture: &CaptureSet,
    modules: &mut ModuleTable,
    addressing: Addressing,
    caller: LogCaller<'_>,
) -> Place {
    let named = caller.file.and_then(|name| modules.logged(name));
    let Some(number) = caller.address else {
        return Place {
            module: named,
            address: Err(Unknown::NoAddress),
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
    let unplaced = |reason| Place {
        module: named,
        address: Err(reason),
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
    Place {
        module: Some(module),
        address: Ok(LinkAddress(if has_mode_bit {
            address & !1
        } else {
            address
        })),
    }
}

/// Takes a file of this machine away from a module whose callers do not fit it; true if any was.
fn drop_misfits(modules: &mut ModuleTable, places: &[Place], callers: &Callers) -> bool {
    let mut dropped = false;
    let callers = callers_of_modules(&modules.modules, places, callers);
    for (module, callers) in modules.modules.iter_mut().zip(callers) {
        let ModuleFile::OnThisMachine(elf) = &module.file else {
            continue;
        };
        let path = elf.path.clone();
        if FileCheck::of(module, callers).misfits > 0 {
            module.file = ModuleFile::Refused {
                path,
                reason: "it makes no calls where the log says that calls came from".to_owned(),
            };
            dropped = true;
        }
    }
    dropped
}

/// One part in so many of a module's numbers may be damaged.
const DAMAGED: usize = 10;

/// A link-time address, and the number in the log that it comes from.
type PlacedNumber = (LinkAddress, Option<u64>);

/// For each module the first callers in it: callers are gone through once, however many modules there are.
fn callers_of_modules(
    modules: &[MappedModule],
    places: &[Place],
    callers: &Callers,
) -> Vec<Vec<PlacedNumber>> {
    let mut numbers = vec![Vec::new(); modules.len()];
    for (place, caller) in places.iter().zip(callers.iter()) {
        if let (Some(module), Ok(address)) = (place.module, place.address)
            && modules[module.0 as usize].elf().is_some()
            && numbers[module.0 as usize].len() < CHECKED
        {
            numbers[module.0 as usize].push((address, caller.address));
        }
    }
    numbers
}

/// Whether the file of a module is the one that ran.
struct FileCheck {
    /// Callers that were looked at; none where the file is not known.
    callers: usize,
    /// Those where the file makes no call.
    misfits: usize,
}

impl FileCheck {
    fn of(module: &MappedModule, callers: Vec<PlacedNumber>) -> Self {
        let view = (!callers.is_empty()).then(|| ModuleView::new(module));
        let misfits = |view: &ModuleView<'_>| {
            let misfits = callers
                .iter()
                .filter(|(at, number)| !view.fits(*at, *number));
            misfits.count()
        };
        FileCheck {
            callers: callers.len(),
            misfits: view.as_ref().map_or(0, misfits),
        }
    }

    /// The file is none that ran: it makes no calls where calls came from.
    fn is_other_build(&self) -> bool {
        self.misfits > self.callers / DAMAGED
    }

    fn warning(&self, module: &MappedModule) -> Option<NamesWarning> {
        (self.misfits > 0).then(|| NamesWarning::ModuleDoesNotFit {
            module: module.name.clone(),
            callers: self.misfits,
            of: self.callers,
        })
    }
}
