//! What all runs have in common whose callers lie in the modules of a capture.

use std::collections::BTreeSet;

use crate::capture::CaptureSet;
use crate::file_name::base_name;
use crate::printable::shortened;
use crate::run::{Facts, Inventory, Module, ModuleLabel, Origin, Source, Text};
use crate::symbols::RebasedRun;
use crate::units::time;
use crate::warning::Warning;

/// What is known of a run beside what it was read from; `reading` is what was odd there.
pub(super) fn facts(
    capture: &CaptureSet,
    rebased: &RebasedRun,
    source: Source,
    reading: Vec<Warning>,
) -> Facts {
    let program = capture.program.as_ref();
    let duration = other_duration(capture, capture.manifest.facts.duration_s);
    let of_addresses = rebased.warnings.iter().cloned().map(Warning::from);
    let warnings = capture.warnings.iter().cloned().chain(reading);
    let warnings = warnings.chain(of_addresses).chain(duration);
    Facts {
        name: capture.name.clone(),
        path: capture.path.clone(),
        origin: Origin {
            source,
            ..Origin::default()
        },
        log: capture.log.clone(),
        build_id: program.and_then(|elf| elf.build_id.clone()),
        program: program.map(|elf| elf.path.clone()),
        machine: rebased.machine,
        duration_s: capture.duration_s(),
        exit_status: capture.manifest.facts.exit_status,
        had_to_be_killed: capture.manifest.facts.had_to_be_killed(),
        warnings: warnings.collect(),
        ..Facts::default()
    }
}

/// A time on the command line that is another than the run's own by so much is most likely another run's.
const MUCH: f64 = 1.5;

/// What is wrong with a time on the command line, in view of the one that the run has itself.
pub(super) fn other_duration(capture: &CaptureSet, own: Option<f64>) -> Option<Warning> {
    let (told, own) = capture.told_duration_s.zip(own)?;
    let is_other = own > 0.0 && told.max(own) / told.min(own) >= MUCH;
    is_other.then(|| Warning::OtherDuration {
        told: time(told),
        own: time(own),
    })
}

/// What is mapped, as far as maps tell.
pub(super) fn inventory(capture: &CaptureSet) -> Inventory {
    let maps = capture.maps.as_ref();
    Inventory {
        mapped: maps.map(|maps| mapped_names(maps.files().into_iter())),
        ..Inventory::default()
    }
}

/// Files by their paths, and by the names that modules have if they are the only ones of their names.
pub(super) fn mapped_names<'a>(files: impl Iterator<Item = &'a [u8]>) -> BTreeSet<String> {
    let names = files.flat_map(|file| [file, base_name(file)]);
    names
        .map(|name| shortened(&String::from_utf8_lossy(name)))
        .collect()
}

/// The modules of a run, and which build each is of.
pub(super) fn modules(rebased: &RebasedRun) -> Vec<Module> {
    let modules = rebased.modules.iter().zip(&rebased.builds);
    let module = modules.map(|(module, build)| Module {
        label: ModuleLabel {
            role: module.role,
            name: module.name.as_str().into(),
        },
        path: module.path().map(Text::from),
        build: build.clone(),
    });
    module.collect()
}
