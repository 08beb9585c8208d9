//! What is known of a run beside its figures, and what those were read from.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::AddressingChoice;
use super::Figures;
use crate::capture::Reached;
use crate::elf::{BuildId, Machine};
use crate::trace::{Anomalies, LongStop};
use crate::warning::Warning;

/// What the figures were counted in, in the first place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// An mtrace log.
    #[default]
    Log,
    /// What the recorder wrote.
    Recording,
    /// What `mtrace(1)` printed.
    Mtrace,
    /// What `mtrace_do.py` wrote.
    MtraceDo,
}

/// Where a run's result comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    pub source: Source,
    /// The version of this program that saved it; `None` if it was read here and now.
    pub saved_by: Option<String>,
    /// The saved report that is taken in place of the log of a directory.
    pub stands_in: Option<PathBuf>,
}

impl Source {
    /// Stable, for scripts.
    pub fn name(self) -> &'static str {
        match self {
            Source::Log => "log",
            Source::Recording => "recording",
            Source::Mtrace => "mtrace",
            Source::MtraceDo => "mtrace-do",
        }
    }

    /// For people.
    pub fn tool(self) -> &'static str {
        match self {
            Source::Log => "mtrace(3)",
            Source::Recording => "the recorder",
            Source::Mtrace => "mtrace(1)",
            Source::MtraceDo => "mtrace_do.py",
        }
    }

    pub fn knows_bytes(self) -> bool {
        !matches!(self, Source::MtraceDo)
    }

    /// Only a log says what was allocated and freed again.
    pub fn knows_allocations(self) -> bool {
        matches!(self, Source::Log | Source::Recording)
    }
}

/// Which process a recording is of: no two have a pid in common that began in one nanosecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedProcess {
    pub pid: u32,
    /// In nanoseconds since 1970.
    pub started: u64,
}

/// What processes came to that were there before the recorded one, and are not its figures: what launched a daemon.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Earlier {
    /// Names of their directories in the run's.
    pub recordings: Vec<String>,
    /// What they had live when they ended.
    pub live: Figures,
}

/// What one run is.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Short, and different for each run of a report.
    pub name: String,
    /// Where it is, as it was given.
    pub path: PathBuf,
    /// What kind of source it was read from.
    pub origin: Origin,
    /// What the origin was read from: the log, or the old tool's result.
    pub log: PathBuf,
    /// The program's file, where one was found.
    pub program: Option<PathBuf>,
    /// The program's, where it is known.
    pub build_id: Option<BuildId>,
    /// What the program is for, where that is known.
    pub machine: Option<Machine>,
    /// Of the program; 128 and the signal that killed it. `None` where it was ended on purpose and did not crash, or nobody
    /// knows.
    pub exit_status: Option<i32>,
    /// It did not end when it was asked to, and had to be killed.
    pub had_to_be_killed: bool,
    /// `None` where there are no numbers of a log.
    pub choice: Option<AddressingChoice>,
    /// How long the program was traced, in seconds, as the command line, its `run.json` or the recording's clock says;
    /// `None` where none of them does.
    pub duration_s: Option<f64>,
    /// When the program was asked to end, if it did so, in seconds from its start; `None` if it was not, or nobody knows.
    pub asked_after_s: Option<f64>,
    /// The moment that its figures are of; `None` for its end.
    pub reached: Option<Reached>,
    /// Most frames of a stack that were recorded, where that is known.
    pub depth: Option<u8>,
    /// `None` where it was not the recorder that wrote it.
    pub recorded: Option<RecordedProcess>,
    /// `None` where there were none.
    pub earlier: Option<Earlier>,
    /// `None` where no log was read.
    pub records: Option<u64>,
    /// Blocks of an old tool's total that have no line in its result; `None` where there is no such total.
    pub unlisted: Option<u64>,
    /// `None` where no log was read.
    pub anomalies: Option<Anomalies>,
    /// What concerns this run alone.
    pub warnings: Vec<Warning>,
}

impl Facts {
    /// How long the run is by its curves, in seconds: a long stop is short in them.
    pub(crate) fn duration_of_curves(&self) -> Option<f64> {
        Some(self.time_of_curves(self.duration_s?))
    }

    /// Where in its curves a time of the run is, in seconds.
    pub(crate) fn time_of_curves(&self, seconds: f64) -> f64 {
        let is_recording = self.origin.source == Source::Recording;
        let stop = self.asked_after_s.zip(self.duration_s);
        let stop = stop.and_then(|(asked, ended)| LongStop::of(asked, ended));
        let stop = stop.filter(|_| is_recording);
        stop.map_or(seconds, |stop| stop.shortened(seconds))
    }
}
