//! `--map OLD=NEW`: what the user knows of paths and modules that have other names.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::str::FromStr;

use crate::error::{Error, Result, UsageError};
use crate::printable::printable;
use crate::run::{Inventory, Run, Symbolized, Text, is_library_detail};

/// Rewrites the beginning of source paths, and the names of modules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Map {
    old: String,
    new: String,
}

impl Map {
    /// A path whose leading components are the old ones, with the new ones in their place.
    fn path(&self, path: &str) -> Option<String> {
        let rest = path.strip_prefix(&self.old)?;
        // /src/app is no beginning of /src/application.
        let is_whole = rest.is_empty() || rest.starts_with('/') || self.old.ends_with('/');
        is_whole.then(|| format!("{}{rest}", self.new))
    }

    fn module(&self, name: &str) -> Option<String> {
        (name == self.old).then(|| self.new.clone())
    }
}

/// The run with other names for its modules and files; of several maps the first that fits is used.
pub(crate) fn renamed(mut run: Run, maps: &[Map]) -> Run {
    for label in run.modules.iter_mut().map(|module| &mut module.label) {
        if let Some(name) = maps.iter().find_map(|map| map.module(&label.name)) {
            label.name = name.into();
        }
    }
    if !maps.is_empty() {
        run.inventory = renamed_inventory(run.inventory, maps);
    }
    for location in run.locations.iter_mut().filter(|_| !maps.is_empty()) {
        if let Symbolized::Named(named) = &mut location.name {
            named.map_files(|file| maps.iter().find_map(|map| map.path(file)));
        }
    }
    run
}

/// Refuses maps that make one file of two files of a run, or one module of two: what one of them let go of would stand
/// against what the other leaks.
pub(crate) fn refuse_merging(run: &Run, maps: &[Map]) -> Result<()> {
    let merged = |new: &str, first: &str, second: &str| {
        Err(Error::Usage(UsageError::MapMerges {
            path: run.facts.path.clone(),
            first: first.to_owned(),
            second: second.to_owned(),
            new: new.to_owned(),
        }))
    };
    let mut modules: BTreeMap<String, &str> = BTreeMap::new();
    let mut files: BTreeMap<(String, String), &str> = BTreeMap::new();
    let sources = run.inventory.sources.iter();
    let sources = sources.flat_map(|(label, files)| files.iter().map(|file| (&*label.name, file)));
    for (module, file) in sources.chain(files_of_sites(run)) {
        let new = maps.iter().find_map(|map| map.path(file));
        let new = (module.to_owned(), new.unwrap_or_else(|| file.to_string()));
        match files.entry(new) {
            Entry::Vacant(unknown) => drop(unknown.insert(file)),
            Entry::Occupied(known) if **known.get() == **file => {}
            Entry::Occupied(known) => return merged(&known.key().1, known.get(), file),
        }
    }
    for label in run.modules.iter().map(|module| &module.label) {
        let new = maps.iter().find_map(|map| map.module(&label.name));
        match modules.entry(new.unwrap_or_else(|| label.name.to_string())) {
            Entry::Vacant(unknown) => drop(unknown.insert(&label.name)),
            Entry::Occupied(known) if **known.get() == *label.name => {}
            Entry::Occupied(known) => return merged(known.key(), known.get(), &label.name),
        }
    }
    Ok(())
}

/// The files that frames of a run are in, each with its module. A system's headers are no files of the program.
fn files_of_sites(run: &Run) -> impl Iterator<Item = (&str, &Text)> {
    run.locations.iter().flat_map(|location| {
        let module = run.module_of(location).map_or("", |m| &*m.label.name);
        let frames = match &location.name {
            Symbolized::Named(named) => named.frames(),
            Symbolized::Unknown(_) => &[],
        };
        let own = frames.iter().filter(|frame| !is_library_detail(frame));
        own.filter_map(move |frame| Some((module, frame.file.as_ref()?)))
    })
}

fn renamed_inventory(inventory: Inventory, maps: &[Map]) -> Inventory {
    let module = |name: &str| maps.iter().find_map(|map| map.module(name));
    let path = |file: &Text| {
        let mapped = maps.iter().find_map(|map| map.path(file));
        mapped.map_or_else(|| file.clone(), Text::from)
    };
    let mapped = inventory.mapped.map(|names| {
        let names = names.into_iter();
        let names = names.map(|name| module(&name).unwrap_or(name));
        names.collect()
    });
    let sources = inventory.sources.into_iter().map(|(mut label, files)| {
        if let Some(name) = module(&label.name) {
            label.name = name.into();
        }
        (label, files.iter().map(path).collect())
    });
    Inventory {
        mapped,
        sources: sources.collect(),
    }
}

impl FromStr for Map {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        match text.split_once('=') {
            // As names of paths and modules are kept.
            Some((old, new)) if !old.is_empty() => Ok(Map {
                old: printable(old).into_owned(),
                new: printable(new).into_owned(),
            }),
            _ => Err(format!(
                "'{text}' maps nothing; write OLD=NEW, with the beginning of source paths \
                 (/home/me/app=/build/app) or the name of a module (libfoo.so.1.2=libfoo.so.1.3)"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_mapped_by_whole_components() {
        let map: Map = "/home/me/app=/build".parse().unwrap();
        assert_eq!(map.path("/home/me/app/x.c").as_deref(), Some("/build/x.c"));
        assert_eq!(map.path("/home/me/application/x.c"), None);
        assert_eq!(map.path("/mnt/home/me/app/x.c"), None);
        let map: Map = "/home/me/=".parse().unwrap();
        assert_eq!(map.path("/home/me/x.c").as_deref(), Some("x.c"));
    }

    #[test]
    fn modules_are_mapped_by_their_whole_name() {
        let map: Map = "libfoo.so.1=libfoo.so.2".parse().unwrap();
        assert_eq!(map.module("libfoo.so.1").as_deref(), Some("libfoo.so.2"));
        assert_eq!(map.module("libfoo.so.1.2"), None);
    }

    #[test]
    fn what_has_no_two_sides_is_no_map() {
        for text in ["", "=", "=/build", "/home/me"] {
            assert!(text.parse::<Map>().is_err(), "{text}");
        }
    }
}
