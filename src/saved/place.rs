//! Where calls were made, in a saved report: places, and the modules and builds that these refer to.

use std::hash::Hash;

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use super::checks::Checked;
use super::name::SavedName;
use crate::hex;
use crate::printable::shortened;
use crate::run::{
    Build, LinkAddress, Location, LocationId, Module, ModuleId, ModuleLabel, Role, Run, RunBuilder,
    Text,
};
use crate::symbols::Names;

#[derive(Serialize, Deserialize)]
pub(super) struct SavedModule {
    role: Role,
    name: String,
    /// Tells copies of one file apart, which have names of one kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path: Option<String>,
}

/// Where a call was made.
#[derive(Serialize, Deserialize)]
pub(super) struct SavedPlace {
    /// Index into the modules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module: Option<usize>,
    /// Link-time return address, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<LinkAddress>,
    /// The number in the log, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<Number>,
    pub name: SavedName,
    /// Index into the builds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<usize>,
}

/// As the log has it.
#[derive(Serialize, Deserialize)]
pub(super) struct Number(#[serde(with = "hex::text")] u64);

/// What places refer to.
#[derive(Default)]
pub(super) struct Referred<'a> {
    pub modules: Listed<'a, ModuleLabel>,
    pub builds: Listed<'a, Build>,
}

/// What is referred to, each once, in order of first use.
pub(super) struct Listed<'a, T> {
    pub list: Vec<&'a T>,
    index: HashMap<&'a T, usize>,
}

impl<T> Default for Listed<'_, T> {
    fn default() -> Self {
        Listed {
            list: Vec::new(),
            index: HashMap::new(),
        }
    }
}

impl<'a, T: Eq + Hash> Listed<'a, T> {
    fn index_of(&mut self, item: &'a T) -> usize {
        *self.index.entry(item).or_insert_with(|| {
            self.list.push(item);
            self.list.len() - 1
        })
    }
}

impl SavedPlace {
    pub(super) fn of<'a>(run: &'a Run, at: LocationId, referred: &mut Referred<'a>) -> Self {
        let location = run.location(at);
        let module = run.module_of(location);
        let build = module.and_then(|module| module.build.as_ref());
        SavedPlace {
            module: module.map(|module| referred.modules.index_of(&module.label)),
            address: location.address,
            number: location.number.map(Number),
            name: SavedName::of(&location.name),
            build: build.map(|build| referred.builds.index_of(build)),
        }
    }

    pub(super) fn module(
        &self,
        labels: &[NamedModule],
        builds: &[Build],
    ) -> Checked<Option<Module>> {
        let build = self.build.map(|index| {
            let build = builds.get(index).cloned();
            build.ok_or_else(|| format!("a caller is of build {index}, which is not there"))
        });
        let build = build.transpose()?;
        let module = self.module.map(|index| {
            let named = labels.get(index).cloned();
            let NamedModule { label, path } = named
                .ok_or_else(|| format!("a caller is of module {index}, which is not there"))?;
            Ok(Module { label, path, build })
        });
        module.transpose()
    }

    pub(super) fn location(self, module: Option<ModuleId>, names: &mut Names) -> Checked<Location> {
        Ok(Location {
            module,
            address: self.address,
            number: self.number.map(|Number(number)| number),
            name: self.name.symbolized(names)?,
        })
    }
}

/// A module, before it is known of which build.
#[derive(Clone)]
pub(super) struct NamedModule {
    label: ModuleLabel,
    path: Option<Text>,
}

impl SavedModule {
    /// Only a library's path tells more than its name.
    pub(super) fn of(module: &ModuleLabel, path: Option<&str>) -> Self {
        let tells = |path: &&str| module.role != Role::Program && **path != *module.name;
        SavedModule {
            role: module.role,
            name: module.name.to_string(),
            path: path.filter(tells).map(str::to_owned),
        }
    }

    pub(super) fn named(self) -> NamedModule {
        let name = Text::from(shortened(&self.name));
        let is_path = name.contains('/');
        let path = self.path.as_deref().map(|path| shortened(path).into());
        NamedModule {
            path: path.or_else(|| is_path.then(|| name.clone())),
            label: ModuleLabel {
                role: self.role,
                name,
            },
        }
    }
}

/// The modules of a run that is read: the file says the build once a caller.
#[derive(Default)]
pub(super) struct Modules(HashMap<Module, ModuleId>);

impl Modules {
    pub(super) fn id_of(&mut self, run: &mut RunBuilder, module: Module) -> ModuleId {
        *self.0.entry(module).or_insert_with_key(|module| {
            run.modules.push(module.clone());
            ModuleId(run.modules.len() as u32 - 1)
        })
    }
}
