//! The modules of a run: the program, its shared libraries, the dynamic loader.

use serde::{Deserialize, Serialize};

use super::Text;
use crate::elf::BuildId;

/// Index of a module within one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModuleId(pub u32);

/// A module, as a run knows it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Module {
    pub label: ModuleLabel,
    /// As the log spells it, or the maps; `None` where neither names it.
    pub path: Option<Text>,
    /// `None` where it is not known which build ran.
    pub build: Option<Build>,
}

/// What a module is to the process. The program is one module in every run, whatever its file is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    Program,
    Library,
    /// The dynamic loader, whose blocks are the price of `dlopen` and threads.
    Loader,
}

/// A module as a site knows it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModuleLabel {
    pub role: Role,
    pub name: Text,
}

impl ModuleLabel {
    /// What makes it the same module in another run: the program is the program, whatever it is called.
    pub fn identity(&self) -> (Role, &str) {
        match self.role {
            Role::Program => (Role::Program, ""),
            role => (role, &self.name),
        }
    }
}

/// Which build of a module ran: where two runs have the same, their addresses mean the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Build {
    Id(BuildId),
    /// A file without a build id, by its size and the CRC-32 of its bytes.
    Content {
        size: u64,
        crc: u32,
    },
}
