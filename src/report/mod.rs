//! One model of what was found, and the renderers that draw it.

pub mod faults;
mod grid;
mod header;
pub mod json;
pub mod listing;
mod notes;
mod palette;
pub mod table;
mod text;
mod view;

use std::path::PathBuf;

use crate::diff::{Breach, Gate, Grouping, Growth, NamedCaller, Site, Verdict};
use crate::elf::{BuildId, Machine};
use crate::symbols::AddressingChoice;
use crate::trace::{Anomalies, FaultKind, Occurrences, Tally};
use crate::warning::Warning;

/// What one command found: the runs in order, and every call site, ranked.
#[derive(Debug)]
pub struct Report {
    /// One for `show`, two or more for a comparison.
    pub runs: Vec<RunSummary>,
    /// Ranked; hidden ones last.
    pub sites: Vec<Site>,
    /// What the sites stand for, where that is known of them.
    pub by: Grouping,
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
    pub log: PathBuf,
    pub program: Option<PathBuf>,
    pub build_id: Option<BuildId>,
    pub machine: Option<Machine>,
    pub choice: AddressingChoice,
    /// How long the program was traced, where its `run.json` says so, in seconds.
    pub duration_s: Option<f64>,
    pub records: u64,
    /// Of all sites, hidden ones too.
    pub live: Tally,
    pub anomalies: Anomalies,
    /// Worst kinds first.
    pub faults: Vec<FaultRow>,
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
        let last = self.runs.last();
        last.map_or(0, |run| run.anomalies.double_frees.count)
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
