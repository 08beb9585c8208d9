//! Everything that the user is told besides the figures. Each text says what it means for the
//! figures and what to do.

mod comparison;
mod log;
mod names;
mod recording;

use std::fmt;

use crate::printable::some;
use crate::units::{count, counted};

pub use comparison::ComparisonWarning;
pub use log::LogWarning;
pub(crate) use log::{LinesSeen, ReadFailure};
pub use names::NamesWarning;
pub use recording::RecordingWarning;

/// A warning. Its [`Warning::code`] is stable, for scripts; the text is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// Something about a log of mtrace.
    Log(LogWarning),
    /// Something about a recording.
    Recording(RecordingWarning),
    /// Something about the names of call sites.
    Names(NamesWarning),
    /// Something about the runs as compared with each other.
    Comparison(ComparisonWarning),
    /// The run is a result of one of the old tools.
    OldResult {
        /// The tool's name.
        tool: &'static str,
        /// What it does not tell.
        missing: &'static str,
    },
    /// A result of `mtrace_do.py` has lines for so many blocks of its total.
    ResultIncomplete {
        /// Blocks that have a line.
        listed: u64,
        /// Blocks of the total.
        total: u64,
    },
    /// The log is beside something that may be a log too, but cannot be read as one.
    LeftAside {
        /// Their names.
        files: Vec<String>,
    },
    /// The command line says that it took another time than it did by its own clock.
    OtherDuration {
        /// What the command line says, as people write times.
        told: String,
        /// What its own clock says.
        own: String,
    },
    /// No function of the runs is what `--wrapper` names.
    NoSuchWrapper {
        /// The name, as it was given.
        pattern: String,
    },
    /// As a saved report has it.
    Saved {
        /// What [`Warning::code`] was.
        code: String,
        /// The text that it had.
        text: String,
        /// What [`Warning::makes_figures_partial`] was.
        partial: bool,
    },
}

impl Warning {
    /// The code of [`Warning::ResultIncomplete`].
    pub const RESULT_INCOMPLETE: &'static str = "result-incomplete";

    /// Stable, for scripts.
    pub fn code(&self) -> &str {
        match self {
            Warning::Log(warning) => warning.code(),
            Warning::Recording(warning) => warning.code(),
            Warning::Names(warning) => warning.code(),
            Warning::Comparison(warning) => warning.code(),
            Warning::OldResult { .. } => "old-result",
            Warning::ResultIncomplete { .. } => Warning::RESULT_INCOMPLETE,
            Warning::LeftAside { .. } => "left-aside",
            Warning::OtherDuration { .. } => "other-duration",
            Warning::NoSuchWrapper { .. } => "no-such-wrapper",
            Warning::Saved { code, .. } => code,
        }
    }

    /// Whether this says that blocks are missing from the figures, too many are in them, or that they may be another
    /// call site's.
    pub fn makes_figures_partial(&self) -> bool {
        match self {
            Warning::Log(warning) => warning.makes_figures_partial(),
            Warning::Recording(warning) => *warning != RecordingWarning::NoRecords,
            Warning::ResultIncomplete { .. } => true,
            Warning::Names(warning) => warning.makes_figures_partial(),
            Warning::Comparison(warning) => warning.is_of_two(),
            Warning::Saved { partial, .. } => *partial,
            _ => false,
        }
    }

    /// Whether rows of one run may stand in other rows of the other, so that none can be said to be fixed.
    pub(crate) fn parts_rows(&self) -> bool {
        matches!(self, Warning::Comparison(warning) if warning.parts_rows())
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::Log(warning) => warning.fmt(f),
            Warning::Recording(warning) => warning.fmt(f),
            Warning::Names(warning) => warning.fmt(f),
            Warning::Comparison(warning) => warning.fmt(f),
            Warning::OldResult { tool, missing } => write!(
                f,
                "a result of {tool} does not tell {missing}: these are unknown, not zero; to know them, give the log \
                 itself, or a report saved with --save",
            ),
            Warning::ResultIncomplete { listed, total } => write!(
                f,
                "the result has a total of {} but lines for only {} of them, more than the dynamic loader alone would \
                 leave out: it may be cut; make it again, or give the log",
                counted(*total, "block"),
                count(*listed)
            ),
            Warning::LeftAside { files } => write!(
                f,
                "ignored, though it may be a damaged or unreadable log: {}; if it is the log of this run, \
                 copy it again and give it with --log",
                some(files)
            ),
            Warning::OtherDuration { told, own } => write!(
                f,
                "--duration says that it took {told}, and by its own clock it took {own}: rates are those of {told}; leave \
                 out --duration, unless you know better"
            ),
            Warning::NoSuchWrapper { pattern } => write!(
                f,
                "no function of these runs is a '{pattern}', so --wrapper changes nothing; give the function's name without \
                 arguments, with `*` for any text, as in 'pool_*alloc'"
            ),
            Warning::Saved { text, .. } => f.write_str(text),
        }
    }
}

impl From<LogWarning> for Warning {
    fn from(warning: LogWarning) -> Self {
        Warning::Log(warning)
    }
}

impl From<RecordingWarning> for Warning {
    fn from(warning: RecordingWarning) -> Self {
        Warning::Recording(warning)
    }
}

impl From<NamesWarning> for Warning {
    fn from(warning: NamesWarning) -> Self {
        Warning::Names(warning)
    }
}

impl From<ComparisonWarning> for Warning {
    fn from(warning: ComparisonWarning) -> Self {
        Warning::Comparison(warning)
    }
}
