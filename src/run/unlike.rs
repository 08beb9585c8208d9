//! Runs whose call sites are not all found in one another, so that what is gone need not be gone.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::Path;

use super::{BlamedRun, Location, ModuleLabel, Role, Run};
use crate::warning::ComparisonWarning;

/// Why rows of the first run may stand in other rows of the last one, or in none.
pub(crate) fn unlike(runs: &[BlamedRun]) -> Vec<ComparisonWarning> {
    let [first, .., last] = runs else {
        return Vec::new();
    };
    let reasons = [stacks_differ(first, last), names_differ(first, last)];
    reasons.into_iter().flatten().collect()
}

/// Says that the first run's program is not the last one's: their names differ, or the files that they were compiled
/// from, and no function of them is the same. Whoever knows more, such as that a call site is, knows better.
pub(crate) fn strangers(runs: &[BlamedRun]) -> Option<ComparisonWarning> {
    let [first, .., last] = runs else {
        return None;
    };
    let (before, after) = (program(first)?, program(last)?);
    let (old, new) = (sources(first), sources(last));
    let (before_of, after_of) = (functions(first), functions(last));
    // Of what has no names, nothing can be told.
    let is_unknown =
        (old.is_empty() && before_of.is_empty()) || (new.is_empty() && after_of.is_empty());
    let are_of_other_files = !old.is_empty() && !new.is_empty() && old.is_disjoint(&new);
    let are_one_build = before.build.is_some() && before.build == after.build;
    let is_other = before.label.name != after.label.name || are_of_other_files;
    let share = !old.is_disjoint(&new) || !before_of.is_disjoint(&after_of);
    (is_other && !are_one_build && !share && !is_unknown).then(|| {
        ComparisonWarning::OtherPrograms {
            first: before.label.name.to_string(),
            last: after.label.name.to_string(),
        }
    })
}

fn program(run: &Run) -> Option<&super::Module> {
    run.modules.iter().find(|module| is_program(&module.label))
}

fn is_program(label: &ModuleLabel) -> bool {
    label.role == Role::Program
}

/// What every program has.
const OF_ALL: [&str; 2] = ["main", "_start"];

fn functions(run: &Run) -> BTreeSet<&str> {
    let frames = program_locations(run).flat_map(Location::frames);
    // Templates of the C++ library are in many programs.
    let own = frames.filter(|frame| !frame.is_of_system_header());
    let names = own.filter_map(|frame| frame.function.as_deref());
    names
        .filter(|name| !OF_ALL.contains(name) && !name.contains("std::"))
        .collect()
}

/// By their names alone, since one program may be built in several directories. Headers are those of libraries, too, and
/// most programs have a `main.c`.
fn sources(run: &Run) -> BTreeSet<&OsStr> {
    let of_program = run.inventory.sources.iter();
    let of_program = of_program.filter(|(label, _)| is_program(label));
    let files = of_program.flat_map(|(_, files)| files.iter().map(|file| Path::new(&**file)));
    let is_own = |file: &&Path| {
        let is_header = |extension: &OsStr| extension.as_encoded_bytes().starts_with(b"h");
        // Those of C++ have no extension.
        let is_source = file
            .extension()
            .is_some_and(|extension| !is_header(extension));
        is_source && file.file_stem().is_some_and(|stem| stem != "main")
    };
    files.filter(is_own).filter_map(Path::file_name).collect()
}

fn program_locations(run: &Run) -> impl Iterator<Item = &Location> {
    run.locations.iter().filter(|location| {
        let module = run.module_of(location);
        module.is_some_and(|module| is_program(&module.label))
    })
}

/// One run knows the functions of its program, and the other none.
fn names_differ(first: &Run, last: &Run) -> Option<ComparisonWarning> {
    let has_names = |run: &Run| {
        let mut seen = program_locations(run).peekable();
        seen.peek()?;
        Some(seen.any(|location| location.frame().is_some()))
    };
    let (without, with) = match (has_names(first)?, has_names(last)?) {
        (false, true) => (first, last),
        (true, false) => (last, first),
        _ => return None,
    };
    Some(ComparisonWarning::NamesDiffer {
        without: without.facts.name.clone(),
        with: with.facts.name.clone(),
    })
}

/// The stacks of one run end where those of the other go on.
fn stacks_differ(first: &Run, last: &Run) -> Option<ComparisonWarning> {
    let (before, after) = (deepest(first), deepest(last));
    let (short, frames, long) = match before < after {
        true => (first, before, last),
        false => (last, after, first),
    };
    // A stack of one frame is cut, whatever cut it; one of several may be whole.
    let is_cut = frames == 1
        || short
            .facts
            .depth
            .is_some_and(|depth| usize::from(depth) == frames);
    (is_cut && before != after).then(|| ComparisonWarning::StacksDiffer {
        short: short.facts.name.clone(),
        frames,
        long: long.facts.name.clone(),
        most: before.max(after),
    })
}

/// So many frames has the longest stack; none where nothing was allocated.
fn deepest(run: &Run) -> usize {
    let depths = run.sites.iter().map(|site| run.frames(site).count());
    depths.max().unwrap_or(0)
}
