//! `--map OLD=NEW`: what the user knows of paths, modules and functions that have other names.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::str::FromStr;

use crate::error::{Error, Result, UsageError};
use crate::printable::printable;
use crate::run::{
    Frame, Inventory, ModuleLabel, OwnNames, Renamed, Run, Runs, Symbolized, Text,
    is_library_detail,
};

/// What has another name: the beginning of source paths or a module (`libfoo.so.1`), a function (`load()`), or a scope
/// of C++ (`net::Client::`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Map {
    of: MapOf,
    old: String,
    new: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MapOf {
    PathOrModule,
    /// With any parameters, kept without `()`.
    Function,
    /// A function with just these parameters.
    Overload,
    Scope,
}

impl MapOf {
    fn of(text: &str) -> Self {
        match text {
            text if text.len() > 2 && text.ends_with("()") => MapOf::Function,
            text if text.ends_with("::") => MapOf::Scope,
            // A directory can be called `app (1)`.
            text if text.contains('/') && !text.contains("operator/") => MapOf::PathOrModule,
            text if text.ends_with(')') || text.ends_with(") const") => MapOf::Overload,
            _ => MapOf::PathOrModule,
        }
    }
}

impl Map {
    /// A path whose leading components are the old ones, with the new ones in their place.
    fn path(&self, path: &str) -> Option<String> {
        if self.of != MapOf::PathOrModule {
            return None;
        }
        let rest = path.strip_prefix(&self.old)?;
        // /src/app is no beginning of /src/application.
        let is_whole = rest.is_empty() || rest.starts_with('/') || self.old.ends_with('/');
        is_whole.then(|| format!("{}{rest}", self.new))
    }

    fn module(&self, name: &str) -> Option<String> {
        let is_it = self.of == MapOf::PathOrModule && name == self.old;
        is_it.then(|| self.new.clone())
    }

    fn function(&self, name: &str) -> Option<String> {
        let rest = name.strip_prefix(&self.old)?;
        let is_whole = match self.of {
            MapOf::PathOrModule => false,
            MapOf::Function => rest.is_empty() || rest.starts_with(['(', '<']),
            MapOf::Overload => rest.is_empty(),
            MapOf::Scope => true,
        };
        is_whole.then(|| format!("{}{rest}", self.new))
    }
}

/// The runs with other names for their modules and files; of several maps the first that fits is used.
pub(crate) fn renamed(runs: Runs<OwnNames>, maps: &[Map]) -> Result<Runs<Renamed>> {
    if maps.is_empty() {
        return Ok(runs.map(|run| run));
    }
    runs.iter().try_for_each(|run| refuse_merging(run, maps))?;
    Ok(runs.map(|run| renamed_run(run, maps)))
}

fn renamed_run(mut run: Run, maps: &[Map]) -> Run {
    for label in run.modules.iter_mut().map(|module| &mut module.label) {
        if let Some(name) = maps.iter().find_map(|map| map.module(&label.name)) {
            label.name = name.into();
        }
    }
    run.inventory = renamed_inventory(run.inventory, maps);
    for location in &mut run.locations {
        if let Symbolized::Named(named) = &mut location.name {
            named.map_files(|file| maps.iter().find_map(|map| map.path(file)));
            named.map_functions(|name| maps.iter().find_map(|map| map.function(name)));
        }
    }
    run
}

/// Refuses maps that make one file of two files of a run, one module of two, or one function of two of a file: what one
/// of them let go of would stand against what the other leaks.
fn refuse_merging(run: &Run, maps: &[Map]) -> Result<()> {
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
    let mut functions: BTreeMap<(&str, &str, String), &str> = BTreeMap::new();
    for (module, file, function) in functions_of_sites(run) {
        let new = maps.iter().find_map(|map| map.function(function));
        let new = (module, file, new.unwrap_or_else(|| function.to_string()));
        match functions.entry(new) {
            Entry::Vacant(unknown) => drop(unknown.insert(function)),
            Entry::Occupied(known) if **known.get() == **function => {}
            Entry::Occupied(known) => return merged(&known.key().2, known.get(), function),
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
    let own = frames_of_sites(run).filter(|(_, frame)| !is_library_detail(frame));
    own.filter_map(|(module, frame)| Some((module, frame.file.as_ref()?)))
}

/// The functions of a run's frames, each with its module and its file.
fn functions_of_sites(run: &Run) -> impl Iterator<Item = (&str, &str, &Text)> {
    frames_of_sites(run).filter_map(|(module, frame)| {
        let file = frame.file.as_deref().unwrap_or("");
        Some((module, file, frame.function.as_ref()?))
    })
}

/// The frames of a run, each with its module.
fn frames_of_sites(run: &Run) -> impl Iterator<Item = (&str, &Frame)> {
    run.locations.iter().flat_map(|location| {
        let module = run.module_of(location).map_or("", |m| &*m.label.name);
        let frames = match &location.name {
            Symbolized::Named(named) => named.frames(),
            Symbolized::Unknown(_) => &[],
        };
        frames.iter().map(move |frame| (module, frame))
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
    let function = |name: &Text| {
        let mapped = maps.iter().find_map(|map| map.function(name));
        mapped.map_or_else(|| name.clone(), Text::from)
    };
    let label = |mut label: ModuleLabel| {
        if let Some(name) = module(&label.name) {
            label.name = name.into();
        }
        label
    };
    let sources = inventory.sources.into_iter();
    let sources = sources.map(|(module, files)| (label(module), files.iter().map(path).collect()));
    let functions = inventory.functions.into_iter();
    let functions = functions.map(|(module, functions)| {
        let functions = functions.iter().map(function);
        (label(module), functions.collect())
    });
    Inventory {
        mapped,
        sources: sources.collect(),
        functions: functions.collect(),
    }
}

impl FromStr for Map {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        // As names are kept.
        let sides = text.split_once('=').filter(|(old, _)| !old.is_empty());
        let Some((old, new)) = sides.map(|(old, new)| (printable(old), printable(new))) else {
            return Err(format!(
                "'{text}' maps nothing; write OLD=NEW, with the beginning of source paths \
                 (/home/me/app=/build/app), the name of a module (libfoo.so.1.2=libfoo.so.1.3), a function with its \
                 parentheses ('load()=read()'), or a scope of C++ (net::=io::)"
            ));
        };
        let of = match (MapOf::of(&old), MapOf::of(&new)) {
            (MapOf::Scope, _) if new.is_empty() => MapOf::Scope,
            (old, new) if old == new => old,
            _ => {
                return Err(format!(
                    "'{text}' maps one kind of name to another; write both sides alike: two functions with their \
                     parentheses ('load()=read()'), two scopes (net::=io::), two paths, or two modules"
                ));
            }
        };
        let name = |text: &str| match of {
            MapOf::Function => text.strip_suffix("()").unwrap_or(text).to_owned(),
            _ => text.to_owned(),
        };
        let (old, new) = (name(&old), name(&new));
        Ok(Map { of, old, new })
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
        let map: Map = "/home/me/app (1)=/build".parse().unwrap();
        assert_eq!(
            map.path("/home/me/app (1)/x.c").as_deref(),
            Some("/build/x.c")
        );
    }

    #[test]
    fn modules_are_mapped_by_their_whole_name() {
        let map: Map = "libfoo.so.1=libfoo.so.2".parse().unwrap();
        assert_eq!(map.module("libfoo.so.1").as_deref(), Some("libfoo.so.2"));
        assert_eq!(map.module("libfoo.so.1.2"), None);
    }

    #[test]
    fn functions_are_mapped_with_any_parameters_or_with_theirs() {
        let map: Map = "load()=read()".parse().unwrap();
        assert_eq!(map.function("load").as_deref(), Some("read"));
        assert_eq!(map.function("load(int)").as_deref(), Some("read(int)"));
        assert_eq!(map.function("loader"), None);
        assert_eq!((map.path("load"), map.module("load")), (None, None));
        let map: Map = "load(int)=load(int, bool)".parse().unwrap();
        assert_eq!(
            map.function("load(int)").as_deref(),
            Some("load(int, bool)")
        );
        assert_eq!(map.function("load(char)"), None);
        // An operator has parentheses in its name.
        let map: Map = "Pool::operator()()=Pool::take()".parse().unwrap();
        assert_eq!(
            map.function("Pool::operator()(int)").as_deref(),
            Some("Pool::take(int)")
        );
    }

    #[test]
    fn scopes_are_mapped_with_all_that_is_in_them() {
        let map: Map = "net::=io::net::".parse().unwrap();
        assert_eq!(
            map.function("net::Client::open()").as_deref(),
            Some("io::net::Client::open()")
        );
        assert_eq!(map.function("planet::land()"), None);
        let map: Map = "detail::=".parse().unwrap();
        assert_eq!(
            map.function("detail::grow(int)").as_deref(),
            Some("grow(int)")
        );
    }

    #[test]
    fn what_has_no_two_sides_of_one_kind_is_no_map() {
        for text in [
            "",
            "=",
            "=/build",
            "/home/me",
            "load()=read",
            "net::=io",
            "load()=()",
        ] {
            assert!(text.parse::<Map>().is_err(), "{text}");
        }
    }
}
