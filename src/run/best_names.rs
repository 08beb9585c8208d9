//! In one build an address has one name: what one run knows of it holds in all.

use hashbrown::HashMap;

use super::stage::{BestNames, Runs, TrueBuilds};
use super::{Build, LinkAddress, Location, NameSource, Run, Symbolized};

/// A place of a build, wherever that ran.
#[derive(PartialEq, Eq, Hash)]
struct PlaceInBuild {
    build: u32,
    address: LinkAddress,
}

/// The number of the build that each module of each run is of.
type Builds = Vec<Vec<Option<u32>>>;

/// The runs, each place with the best name that any of them has for it.
pub(crate) fn with_best_names(runs: Runs<TrueBuilds>) -> Runs<BestNames> {
    if runs.len() < 2 {
        return runs.map(|run| run);
    }
    let better: Vec<Vec<(usize, Symbolized)>> = {
        let builds = numbered(&runs);
        let best = best_names(&runs, &builds);
        let of_run = |(run, builds): (&Run, &Vec<Option<u32>>)| {
            let locations = run.locations.iter().enumerate();
            let better = locations.filter_map(|(index, location)| {
                let name = *best.get(&place_of(builds, location)?)?;
                (worth(name) > worth(&location.name)).then(|| (index, name.clone()))
            });
            better.collect()
        };
        runs.iter().zip(&builds).map(of_run).collect()
    };
    let mut better = better.into_iter();
    runs.map(|mut run| {
        for (index, name) in better.next().into_iter().flatten() {
            run.locations[index].name = name;
        }
        run
    })
}

fn numbered(runs: &[Run]) -> Builds {
    let mut numbers: HashMap<&Build, u32> = HashMap::new();
    let mut number = |build| {
        let next = numbers.len() as u32;
        *numbers.entry(build).or_insert(next)
    };
    let builds = runs.iter().map(|run| {
        let modules = run.modules.iter();
        let builds = modules.map(|module| module.build.as_ref().map(&mut number));
        builds.collect()
    });
    builds.collect()
}

fn best_names<'a>(runs: &'a [Run], builds: &Builds) -> HashMap<PlaceInBuild, &'a Symbolized> {
    let mut best: HashMap<PlaceInBuild, &Symbolized> = HashMap::new();
    for (run, builds) in runs.iter().zip(builds) {
        for location in &run.locations {
            if let Some(place) = place_of(builds, location) {
                let known = best.entry(place).or_insert(&location.name);
                if worth(&location.name) > worth(known) {
                    *known = &location.name;
                }
            }
        }
    }
    best
}

fn place_of(builds: &[Option<u32>], location: &Location) -> Option<PlaceInBuild> {
    let build = *builds.get(location.module?.0 as usize)?;
    Some(PlaceInBuild {
        build: build?,
        address: location.address?,
    })
}

fn worth(name: &Symbolized) -> u8 {
    match name {
        Symbolized::Unknown(_) => 0,
        Symbolized::Named(named) => match named.source() {
            NameSource::Log => 1,
            NameSource::SymbolTable => 2,
            NameSource::Dwarf => 3,
        },
    }
}
