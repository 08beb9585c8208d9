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
mod loader;
mod mapped;
mod module;
mod names;
mod naming;
mod rebase;
mod scopes;
mod sources;
mod title;

pub use debug_file::find_debug_file;
pub use find::{resolved_in, same_machine};
pub use module::{Module, base_name, names_a_library};
pub use names::{Names, shortened};
pub use naming::{RunNames, RunToName, name_callers};
pub use rebase::{Place, RebasedRun, rebase};

/// Where files of modules and their debug files are looked for, beside the run directory.
#[derive(Debug, Clone, Default)]
pub struct SearchPath {
    /// As `--debug-dir` gives them: laid out like `/usr/lib/debug`.
    pub debug_dirs: Vec<std::path::PathBuf>,
}
