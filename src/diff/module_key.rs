//! What makes a module the same one in another run.

use std::ops::Deref;
use std::sync::{Arc, LazyLock};

use crate::run::{ModuleLabel, Role, Text};

/// What makes it the same module in another run. All sites of a module share it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModuleKey(Arc<ModuleIdentity>);

#[derive(Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModuleIdentity {
    pub role: Role,
    /// Empty for the program, which is the program whatever it is called.
    pub name: Text,
}

/// A source file of a module.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SourceFile {
    pub module: ModuleKey,
    pub path: String,
}

impl SourceFile {
    pub(crate) fn new(module: &ModuleKey, path: &str) -> Self {
        SourceFile {
            module: module.clone(),
            path: path.to_owned(),
        }
    }
}

impl Deref for ModuleKey {
    type Target = ModuleIdentity;

    fn deref(&self) -> &ModuleIdentity {
        &self.0
    }
}

static PROGRAM: LazyLock<ModuleKey> =
    LazyLock::new(|| ModuleKey::new(Role::Program, Text::default()));

impl ModuleKey {
    pub fn new(role: Role, name: Text) -> Self {
        ModuleKey(Arc::new(ModuleIdentity { role, name }))
    }

    pub fn program() -> Self {
        PROGRAM.clone()
    }

    pub fn of(module: &ModuleLabel) -> Self {
        match module.role {
            Role::Program => ModuleKey::program(),
            role => ModuleKey::new(role, module.name.clone()),
        }
    }
}
