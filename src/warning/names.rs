//! What is missing for names of call sites, or may be wrong with them.

use std::fmt;
use std::path::PathBuf;

use crate::printable::{printable_path, some};

/// What is missing for names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamesWarning {
    /// There is no maps file.
    NoMaps {
        /// Whether the log needs it to place its addresses.
        absolute: bool,
    },
    /// There is no program.
    NoProgram,
    /// The program that was given is not the one beside the log.
    OtherProgram {
        /// The program that was given.
        given: PathBuf,
        /// The one beside the log.
        beside: PathBuf,
    },
    /// The program that was given is not the one that ran.
    ProgramNotUsed {
        /// The program that was given.
        given: PathBuf,
        /// What shows that.
        reason: String,
    },
    /// Modules with live blocks for which no file was found.
    ModulesNotFound {
        /// Their names.
        modules: Vec<String>,
        /// They were looked for in a target's root directory.
        has_sysroot: bool,
    },
    /// A file was found, but it is not the one that ran.
    ModuleRefused {
        /// The module's name.
        module: String,
        /// The file.
        path: PathBuf,
        /// What shows that.
        reason: String,
    },
    /// Modules that were found, but have no debug information.
    NoDebugInfo {
        /// Their names.
        modules: Vec<String>,
        /// One of them is the program.
        has_program: bool,
    },
    /// Libraries of the toolchain, which nobody compiles for a run.
    NoSystemDebugInfo {
        /// Their names.
        modules: Vec<String>,
    },
    /// Modules whose debug information is in `.dwo` files that are not there.
    NoSplitDebugInfo {
        /// Their names.
        modules: Vec<String>,
    },
    /// Modules whose debug information would take more memory than any compiler's, or is nested deeper.
    DebugInfoRefused {
        /// Their names.
        modules: Vec<String>,
    },
    /// Callers lie in no mapping, or in one of another module.
    OutsideMaps {
        /// How many callers.
        callers: usize,
        /// How many callers there are.
        of: usize,
    },
    /// Most callers do: the maps are of another run.
    OtherMaps {
        /// How many callers.
        callers: usize,
        /// How many callers there are.
        of: usize,
    },
    /// Nothing tells relative from absolute addresses.
    AddressingAssumed {
        /// What they are taken as.
        assumed: &'static str,
    },
    /// Some callers speak for the other reading.
    AddressingMixed {
        /// What they are taken as.
        chosen: &'static str,
        /// What speaks against it.
        reason: String,
    },
    /// The file makes no calls where the log says that calls came from.
    ModuleDoesNotFit {
        /// The module's name.
        module: String,
        /// Places behind which it has no call.
        callers: usize,
        /// Places that the log has in it.
        of: usize,
    },
}

impl NamesWarning {
    /// The code of [`NamesWarning::NoSystemDebugInfo`].
    pub const NO_SYSTEM_DEBUG_INFO: &'static str = "no-system-debug-info";

    pub(super) fn code(&self) -> &'static str {
        match self {
            NamesWarning::NoMaps { .. } => "no-maps",
            NamesWarning::NoProgram => "no-program",
            NamesWarning::OtherProgram { .. } => "other-program",
            NamesWarning::ProgramNotUsed { .. } => "program-not-used",
            NamesWarning::ModulesNotFound { .. } => "modules-not-found",
            NamesWarning::ModuleRefused { .. } => "module-refused",
            NamesWarning::NoDebugInfo { .. } => "no-debug-info",
            NamesWarning::NoSystemDebugInfo { .. } => NamesWarning::NO_SYSTEM_DEBUG_INFO,
            NamesWarning::NoSplitDebugInfo { .. } => "no-split-debug-info",
            NamesWarning::DebugInfoRefused { .. } => "debug-info-refused",
            NamesWarning::OutsideMaps { .. } => "outside-maps",
            NamesWarning::OtherMaps { .. } => "other-maps",
            NamesWarning::AddressingAssumed { .. } => "addressing-assumed",
            NamesWarning::AddressingMixed { .. } => "addressing-mixed",
            NamesWarning::ModuleDoesNotFit { .. } => "module-does-not-fit",
        }
    }

    pub(super) fn makes_figures_partial(&self) -> bool {
        matches!(
            self,
            NamesWarning::OtherProgram { .. }
                | NamesWarning::ProgramNotUsed { .. }
                | NamesWarning::ModuleDoesNotFit { .. }
        )
    }
}

impl fmt::Display for NamesWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NamesWarning::NoMaps { absolute: true } => f.write_str(
                "no maps file: absolute addresses cannot be assigned to a library, so such sites stay unnamed; \
                 copy /proc/PID/maps while the program runs and put it beside the log, or give it with --maps",
            ),
            NamesWarning::NoMaps { absolute: false } => f.write_str(
                "no maps file: it is unknown whether this machine's shared libraries are those that ran, so only those in \
                 the capture directory or the sysroot are used for names; copy /proc/PID/maps while the program runs \
                 and put it beside the log, or give it with --maps",
            ),
            NamesWarning::NoProgram => f.write_str(
                "no executable: functions and lines of the program stay unnamed; \
                 put the unstripped program that wrote the log beside it, or give it with --exe",
            ),
            NamesWarning::OtherProgram { given, beside } => write!(
                f,
                "'{}' is of another build than '{}' beside the log: names and lines, and which call site is which, may be \
                 wrong; give the program of each run with --exe, once per run",
                printable_path(given),
                printable_path(beside)
            ),
            NamesWarning::ProgramNotUsed { given, reason } => write!(
                f,
                "the program '{}' is given, but not used for names: {reason}; give the program of each run with --exe, once \
                 per run",
                printable_path(given)
            ),
            NamesWarning::ModulesNotFound { modules, has_sysroot } => {
                write!(f, "not found on this machine: {}; functions and lines in them stay unnamed; ", some(modules))?;
                f.write_str(if *has_sysroot {
                    "put them into the capture directory, or at their target's path below the sysroot"
                } else {
                    "put them into the capture directory, or give the target's root directory with --sysroot"
                })
            }
            NamesWarning::ModuleRefused { module, path, reason } => write!(
                f,
                "'{}' is not the {module} that ran ({reason}) and is not used for names; copy the file from the target",
                printable_path(path)
            ),
            NamesWarning::NoDebugInfo { modules, has_program } => write!(
                f,
                "no debug information for {}: sites there have no lines; {}compile with -g, do not strip, or give the \
                 directory of its separate debug files with --debug-dir",
                some(modules),
                match has_program {
                    true => "give the unstripped program with --exe, ",
                    false => "",
                }
            ),
            NamesWarning::NoSystemDebugInfo { modules } => write!(
                f,
                "no debug information for {}: sites there have no lines; install the debug packages of these libraries, \
                 such as libc6-dbg, or give the directory of their debug files with --debug-dir",
                some(modules)
            ),
            NamesWarning::NoSplitDebugInfo { modules } => write!(
                f,
                "the debug information of {} is in .dwo files (-gsplit-dwarf) that are not where the compiler left them: sites \
                 there only have symbols, and inlined calls stay unknown; keep these files, or compile without -gsplit-dwarf",
                some(modules)
            ),
            NamesWarning::DebugInfoRefused { modules } => write!(
                f,
                "the debug information of {} is damaged, or made to exhaust this machine: it would take far more memory \
                 than it has on disk, or is nested without end; it is ignored, and sites there only have symbols; \
                 copy the file again, or rebuild it",
                some(modules)
            ),
            NamesWarning::OutsideMaps { callers, of } => write!(
                f,
                "{callers} of {of} callers lie outside the modules that the maps file shows: a module was loaded after the \
                 maps were saved, or unloaded before; such sites stay unnamed; save the maps again at the end of a run",
            ),
            NamesWarning::OtherMaps { callers, of } => write!(
                f,
                "{callers} of {of} callers lie outside the modules that the maps file shows: it is of another run, with other \
                 addresses; such sites stay unnamed; save the maps of the run that wrote the log",
            ),
            NamesWarning::AddressingAssumed { assumed } => write!(
                f,
                "nothing in this capture tells whether its addresses are absolute or relative to their module; they are \
                 taken as {assumed}; to be sure, add the maps file or the program, or give --addressing",
            ),
            NamesWarning::AddressingMixed { chosen, reason } => write!(
                f,
                "the addresses are taken as {chosen}, but not all of the log agrees ({reason}): names of some call sites \
                 may be wrong; check that the maps and the program are of this run, or give --addressing",
            ),
            NamesWarning::ModuleDoesNotFit { module, callers, of } => write!(
                f,
                "{module} makes no call at {callers} of the {of} places where the log says that calls came from: it is not the \
                 build that ran, so do not trust its names and lines; give the right one",
            ),
        }
    }
}
