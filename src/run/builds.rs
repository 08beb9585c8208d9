//! Whether what calls itself one build is one.
//!
//! A build id can be fixed by the linker's options, or be that of nothing. Two runs of one build have the same
//! function and the same line at an address, and a function begins at the same place in both.

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::HashMap;

use super::stage::{Runs, Settled, TrueBuilds};
use super::{Build, LinkAddress, Location, Named, Run, Symbolized};
use crate::warning::ComparisonWarning;

/// The runs, without the builds that are several in truth, and a warning that names their modules.
pub(crate) fn without_false_builds(
    runs: Runs<Settled>,
) -> (Runs<TrueBuilds>, Option<ComparisonWarning>) {
    let false_builds: BTreeSet<Build> = {
        let mut known = KnownBuilds::default();
        runs.iter().for_each(|run| known.add(run));
        known.false_builds.into_iter().cloned().collect()
    };
    let mut modules = BTreeSet::new();
    let runs = runs.map(|mut run| {
        let is_false = |build: &Build| false_builds.contains(build);
        for module in &mut run.modules {
            if module.build.take_if(|build| is_false(build)).is_some() {
                modules.insert(module.label.name.to_string());
            }
        }
        run
    });
    let modules: Vec<String> = modules.into_iter().collect();
    let warning = (!modules.is_empty()).then_some(ComparisonWarning::FalseBuilds { modules });
    (runs, warning)
}

/// What the runs so far say of each build.
#[derive(Default)]
struct KnownBuilds<'a> {
    names: HashMap<(&'a Build, LinkAddress), &'a Named>,
    /// Where functions begin; those of one name at several places tell nothing.
    starts: BTreeMap<(&'a Build, &'a str), LinkAddress>,
    false_builds: BTreeSet<&'a Build>,
}

impl<'a> KnownBuilds<'a> {
    fn add(&mut self, run: &'a Run) {
        let mut starts: BTreeMap<(&Build, &str), BTreeSet<LinkAddress>> = BTreeMap::new();
        for location in &run.locations {
            let Some(NamedPlace {
                build,
                address,
                named,
            }) = NamedPlace::of(run, location)
            else {
                continue;
            };
            let other = *self.names.entry((build, address)).or_insert(named);
            if contradict(other, named) {
                self.false_builds.insert(build);
            }
            let outermost = named
                .frames()
                .last()
                .and_then(|frame| frame.function.as_deref());
            if let (Some(function), Some(start)) = (outermost, named.function_start()) {
                starts.entry((build, function)).or_default().insert(start);
            }
        }
        for ((build, function), at) in starts {
            let (Some(first), true) = (at.first().copied(), at.len() == 1) else {
                continue;
            };
            let known = *self.starts.entry((build, function)).or_insert(first);
            if known != first {
                self.false_builds.insert(build);
            }
        }
    }
}

struct NamedPlace<'a> {
    build: &'a Build,
    address: LinkAddress,
    named: &'a Named,
}

impl<'a> NamedPlace<'a> {
    fn of(run: &'a Run, location: &'a Location) -> Option<Self> {
        let Symbolized::Named(named) = &location.name else {
            return None;
        };
        Some(NamedPlace {
            build: run.module_of(location)?.build.as_ref()?,
            address: location.address?,
            named,
        })
    }
}

/// Whether two names cannot be of one place. What knows less than the other contradicts nothing.
fn contradict(a: &Named, b: &Named) -> bool {
    let said = |named: &Named| -> Vec<(Option<super::Text>, Option<u32>)> {
        let frames = named.frames().iter();
        frames
            .map(|frame| (frame.function.clone(), frame.line))
            .collect()
    };
    a.source() == b.source() && said(a) != said(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elf::BuildId;
    use crate::run::{Frame, Module, ModuleId, ModuleLabel, NameSource, Role, RunBuilder, Told};

    /// A run of one build with these functions: address, name, line, and where it begins.
    fn run(places: &[(u64, &str, u32, u64)], source: NameSource) -> Run {
        let label = ModuleLabel {
            role: Role::Program,
            name: "app".into(),
        };
        let build = Some(Build::Id(BuildId(vec![1].into())));
        let mut run = RunBuilder::of(vec![Module {
            label,
            path: None,
            build,
        }]);
        for (address, function, line, start) in places {
            let frame = Frame {
                function: Some((*function).into()),
                file: Some("/s/a.c".into()),
                line: Some(*line),
                inlined: false,
            };
            let named = Named::new(vec![frame], source).unwrap();
            let named = named.starting_at(Some(LinkAddress(*start)));
            run.add_location(Location {
                module: Some(ModuleId(0)),
                address: Some(LinkAddress(*address)),
                number: None,
                name: Symbolized::Named(named),
            });
        }
        run.build(Told::default())
    }

    fn is_false(a: &[(u64, &str, u32, u64)], b: &[(u64, &str, u32, u64)]) -> bool {
        let runs = vec![run(a, NameSource::Dwarf), run(b, NameSource::Dwarf)];
        let (runs, warning) = without_false_builds(Runs::new(runs));
        let is_gone = runs.iter().all(|run| run.modules[0].build.is_none());
        assert_eq!(is_gone, warning.is_some());
        is_gone
    }

    #[test]
    fn one_build_has_one_name_at_an_address() {
        let a = [(0x10, "a", 3, 0x8), (0x20, "b", 4, 0x18)];
        assert!(!is_false(&a, &a));
        assert!(!is_false(&a, &[(0x30, "c", 9, 0x28)]));
        assert!(is_false(&a, &[(0x10, "b", 3, 0x8)]));
        assert!(is_false(&a, &[(0x10, "a", 7, 0x8)]));
    }

    #[test]
    fn a_function_begins_at_one_place_of_a_build() {
        let a = [(0x10, "a", 3, 0x8)];
        assert!(is_false(&a, &[(0x40, "a", 5, 0x38)]));
        // Of two static functions of one name it is not known which is which.
        let twice = [(0x10, "init", 3, 0x8), (0x40, "init", 3, 0x38)];
        assert!(!is_false(&twice, &[(0x40, "init", 3, 0x38)]));
    }

    #[test]
    fn who_knows_less_contradicts_nothing() {
        let a = run(&[(0x10, "a", 3, 0x8)], NameSource::Dwarf);
        let b = run(&[(0x10, "a.part.0", 0, 0x8)], NameSource::SymbolTable);
        assert_eq!(without_false_builds(Runs::new(vec![a, b])).1, None);
    }
}
