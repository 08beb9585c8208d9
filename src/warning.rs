//! Everything that is said to the user beside the figures. Each text says what it means for the
//! figures and what to do.

use std::fmt;
use std::path::PathBuf;

use crate::printable::printable_path;
use crate::units::counted;

/// One advice. [`Warning::code`] is stable, for scripts; the text is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    NoMaps,
    NoProgram,
    /// Modules with live blocks for which no file was found.
    ModulesNotFound {
        modules: Vec<String>,
        has_sysroot: bool,
    },
    /// A file was found, but it is not the one that ran.
    ModuleRefused {
        module: String,
        path: PathBuf,
        reason: String,
    },
    /// Modules that were found, but have no debug information.
    NoDebugInfo {
        modules: Vec<String>,
    },
    MalformedLines {
        count: u64,
        first_line: u64,
        quote: String,
    },
    TruncatedTail,
    MissingEnd,
    SeveralStarts {
        starts: u64,
    },
    /// Callers lie in no mapping, or in one of another module.
    OutsideMaps {
        callers: usize,
        of: usize,
    },
    /// Nothing tells relative from absolute addresses.
    AddressingUnsure {
        assumed: &'static str,
    },
    /// The program does not hold code where the log says that calls came from.
    ProgramDoesNotFit {
        callers: usize,
        of: usize,
    },
    NoRecords,
    SameRun {
        first: String,
        second: String,
    },
    SameLog {
        first: String,
        second: String,
    },
}

impl Warning {
    pub fn code(&self) -> &'static str {
        match self {
            Warning::NoMaps => "no-maps",
            Warning::NoProgram => "no-program",
            Warning::ModulesNotFound { .. } => "modules-not-found",
            Warning::ModuleRefused { .. } => "module-refused",
            Warning::NoDebugInfo { .. } => "no-debug-info",
            Warning::MalformedLines { .. } => "malformed-lines",
            Warning::TruncatedTail => "truncated-tail",
            Warning::MissingEnd => "missing-end",
            Warning::SeveralStarts { .. } => "several-starts",
            Warning::OutsideMaps { .. } => "outside-maps",
            Warning::AddressingUnsure { .. } => "addressing-unsure",
            Warning::ProgramDoesNotFit { .. } => "program-does-not-fit",
            Warning::NoRecords => "no-records",
            Warning::SameRun { .. } => "same-run",
            Warning::SameLog { .. } => "same-log",
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::NoMaps => f.write_str(
                "no maps file: absolute addresses cannot be traced to their library, so such sites stay unnamed; \
                 copy /proc/PID/maps while the program runs and put it beside the log, or give it with --maps",
            ),
            Warning::NoProgram => f.write_str(
                "no executable: functions and lines of the program stay unnamed; \
                 put the unstripped program that wrote the log beside it, or give it with --exe",
            ),
            Warning::ModulesNotFound { modules, has_sysroot } => {
                write!(f, "not found on this machine: {}; functions and lines in them stay unnamed; ", modules.join(", "))?;
                f.write_str(if *has_sysroot {
                    "put them into the capture directory, or at their target's path below the sysroot"
                } else {
                    "put them into the capture directory, or give the target's root directory with --sysroot"
                })
            }
            Warning::ModuleRefused { module, path, reason } => write!(
                f,
                "'{}' is not the {module} that ran ({reason}) and is not used for names; copy the file from the target",
                printable_path(path)
            ),
            Warning::NoDebugInfo { modules } => write!(
                f,
                "no debug information for {}: sites there have no lines; compile with -g, do not strip, or give the \
                 directory of its separate debug files with --debug-dir",
                modules.join(", ")
            ),
            Warning::MalformedLines { count, first_line, quote } => write!(
                f,
                "{} of the log cannot be read and count for nothing, the first is line {first_line}: '{quote}'; \
                 check that nothing else writes to that file",
                counted(*count, "line")
            ),
            Warning::TruncatedTail => f.write_str(
                "the log ends in the middle of a line, which is left out: the program was killed, or crashed, or called \
                 _exit; what it did last is missing, up to 512 bytes of log",
            ),
            Warning::MissingEnd => f.write_str(
                "the log has no '= End': muntrace() was not reached, so blocks that the program frees on its way out \
                 may show as live",
            ),
            Warning::SeveralStarts { starts } => write!(
                f,
                "the log has {starts} '= Start' marks: a fork copied its buffer or wrote to the same file, or mtrace() \
                 was called again; figures can be too high; give each process a MALLOC_TRACE of its own",
            ),
            Warning::OutsideMaps { callers, of } => write!(
                f,
                "{callers} of {of} callers lie outside the modules that the maps file shows: the maps are of another run, \
                 or the module came later or went earlier; such sites stay unnamed; save the maps again at the end of a run",
            ),
            Warning::AddressingUnsure { assumed } => write!(
                f,
                "nothing in this capture tells whether its addresses are absolute or relative to their module; they are \
                 taken as {assumed}; add the maps file, or the program, to be sure",
            ),
            Warning::ProgramDoesNotFit { callers, of } => write!(
                f,
                "the program has no code at {callers} of the {of} places in it that the log names: it is not the build \
                 that wrote the log, and names and lines are not to be trusted; give the right one with --exe",
            ),
            Warning::NoRecords => f.write_str(
                "the log has no records: the program allocated nothing between mtrace() and its end, or was stopped before \
                 the first 512 bytes of log were written",
            ),
            Warning::SameRun { first, second } => {
                write!(f, "'{first}' and '{second}' are the same capture: nothing can have grown; give two different runs")
            }
            Warning::SameLog { first, second } => {
                write!(f, "the logs of '{first}' and '{second}' are the same: nothing can have grown; is one of them a copy?")
            }
        }
    }
}
