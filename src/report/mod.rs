//! One model of what was found, and the renderers that draw it.

pub mod faults;
mod grid;
mod header;
pub mod json;
pub mod listing;
mod notes;
mod origin;
mod palette;
pub mod table;
mod text;
mod view;

use std::path::PathBuf;

use crate::diff::{Breach, Gate, Growth, NamedCaller, Site, Verdict};
use crate::elf::{BuildId, Machine};
use crate::symbols::AddressingChoice;
use crate::trace::{Anomalies, FaultKind, Occurrences, Tally};
use crate::warning::Warning;
pub use origin::{Origin, Source};

/// What one command found: the runs in order, and every call site, ranked.
#[derive(Debug)]
pub struct Report {
    /// One for `show`, two or more for a comparison.
    pub runs: Vec<RunSummary>,
    /// Ranked; hidden ones last.
    pub sites: Vec<Site>,
    pub gate: Gate,
    pub breaches: Vec<Breach>,
    pub verdict: Option<Verdict>,
    /// What concerns no single run.
    pub warnings: Vec<Warning>,
}

/// What one run is and comes to.
#[derive(Debug)]
pub struct RunSummary {
    /// Short, and different for each run of a report.
    pub name: String,
    pub path: PathBuf,
    pub origin: Origin,
    /// What the origin was read from: the log, or the old tool's result.
    pub log: PathBuf,
    pub program: Option<PathBuf>,
    pub build_id: Option<BuildId>,
    pub machine: Option<Machine>,
    /// `None` where there are no numbers of a log.
    pub choice: Option<AddressingChoice>,
    /// How long the program was traced, where its `run.json` says so, in seconds.
    pub duration_s: Option<f64>,
    /// `None` where no log was read.
    pub records: Option<u64>,
    /// Of all sites, hidden ones too.
    pub live: Tally,
    /// `None` where no log was read.
    pub anomalies: Option<Anomalies>,
    /// Worst kinds first; `None` where they are not known by caller.
    pub faults: Option<Vec<FaultRow>>,
    pub warnings: Vec<Warning>,
}

/// What went wrong at one caller of a run.
#[derive(Debug)]
pub struct FaultRow {
    pub kind: FaultKind,
    pub seen: Occurrences,
    pub caller: NamedCaller,
}

impl FaultRow {
    /// Stable, for scripts.
    pub fn kind_name(&self) -> &'static str {
        match self.kind {
            FaultKind::DoubleFree => "double-free",
            FaultKind::FreeOfUnknown => "free-of-unknown",
            FaultKind::FailedAllocation => "failed-allocation",
            FaultKind::FailedReallocation => "failed-reallocation",
        }
    }
}

impl Report {
    /// Double frees of the last run: the one that is judged.
    pub fn double_frees(&self) -> u64 {
        let anomalies = self.runs.last().and_then(|run| run.anomalies.as_ref());
        anomalies.map_or(0, |anomalies| anomalies.double_frees.count)
    }

    /// Whether growth in bytes can be told: both its ends have bytes.
    pub fn knows_growth_of_bytes(&self) -> bool {
        let ends = [self.runs.first(), self.runs.last()];
        ends.into_iter()
            .flatten()
            .all(|run| run.origin.source.knows_bytes())
    }

    pub fn is_comparison(&self) -> bool {
        self.runs.len() > 1
    }

    /// Live blocks of one run over the sites that `counts` picks.
    pub fn live(&self, run: usize, counts: impl Fn(&Site) -> bool) -> Tally {
        let mut sum = Tally::default();
        self.sites
            .iter()
            .filter(|site| counts(site))
            .for_each(|site| sum.add(site.live(run)));
        sum
    }

    /// Growth over the sites that `counts` picks.
    pub fn growth(&self, counts: impl Fn(&Site) -> bool) -> Growth {
        let mut sum = Growth::default();
        self.sites
            .iter()
            .filter(|site| counts(site))
            .for_each(|site| sum.add(site.growth));
        sum
    }
}
