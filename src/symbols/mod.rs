//! From a caller in a log to a module, a link-time address, and a name.

mod addressing;
mod budget;
mod call;
mod debug_file;
mod debug_info;
mod declaration;
mod demangle;
mod dwarf;
mod find;
mod functions;
mod loader;
mod mapped;
mod module;
mod module_table;
mod names;
mod naming;
mod rebase;
mod scopes;
mod sources;
mod title;
mod view;
mod width;

pub(crate) use debug_file::find_debug_file;
pub(crate) use find::{ModuleFinder, resolved_in, same_machine};
pub(crate) use loader::is_loader_name;
pub(crate) use module::MappedModule;
pub(crate) use names::Names;
pub(crate) use naming::{RunToName, name_callers};
pub(crate) use rebase::{RebasedRun, rebase};

use std::path::PathBuf;

use crate::error::{Result, no_directory};

/// Where files of modules and their debug files are looked for, beside the run directory.
#[derive(Debug, Clone, Default)]
pub struct SearchPath {
    /// As `--debug-dir` gives them: laid out like `/usr/lib/debug`.
    pub debug_dirs: Vec<PathBuf>,
}

impl SearchPath {
    /// A directory that is not there would only be silent about what it lacks.
    pub(crate) fn check(&self) -> Result<()> {
        match self.debug_dirs.iter().find(|directory| !directory.is_dir()) {
            Some(directory) => Err(no_directory(directory)),
            None => Ok(()),
        }
    }
}
