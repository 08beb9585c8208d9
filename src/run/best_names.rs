//! In one build an address has one name: what one run knows of it holds in all.

use hashbrown::HashMap;

use super::{Build, LinkAddress, Location, NameSource, Run, Symbolized};

/// A place in a build, wherever that build ran.
type Place = (Build, LinkAddress);

/// The runs, each place with the best name that any of them has for it.
pub fn with_best_names(mut runs: Vec<Run>) -> Vec<Run> {
    if runs.len() < 2 {
        return runs;
    }
    let better: Vec<Vec<(usize, Symbolized)>> = {
        let best = best_names(&runs);
        let of_run = |run: &Run| {
            let locations = run.locations.iter().enumerate();
            let better = locations.filter_map(|(index, location)| {
                let name = *best.get(&place_of(run, location)?)?;
                (worth(name) > worth(&location.name)).then(|| (index, name.clone()))
            });
            better.collect()
        };
        runs.iter().map(of_run).collect()
    };
    for (run, names) in runs.iter_mut().zip(better) {
        for (index, name) in names {
            run.locations[index].name = name;
        }
    }
    runs
}

fn best_names(runs: &[Run]) -> HashMap<Place, &Symbolized> {
    let mut best: HashMap<Place, &Symbolized> = HashMap::new();
    for run in runs {
        for location in &run.locations {
            if let Some(place) = place_of(run, location) {
                let known = best.entry(place).or_insert(&location.name);
                if worth(&location.name) > worth(known) {
                    *known = &location.name;
                }
            }
        }
    }
    best
}

fn place_of(run: &Run, location: &Location) -> Option<Place> {
    let build = run.module_of(location)?.build.clone()?;
    Some((build, location.address?))
}

fn worth(name: &Symbolized) -> u8 {
    match name {
        Symbolized::Unknown(_) => 0,
        Symbolized::Named(named) => match named.source {
            NameSource::Log => 1,
            NameSource::SymbolTable => 2,
            NameSource::Dwarf => 3,
        },
    }
}
