//! One model of what was found, and the renderers that draw it.

mod grid;
pub mod json;
pub mod listing;
pub mod table;
mod text;
mod view;

use std::path::PathBuf;

use crate::diff::{Breach, Gate, Growth, Site, Verdict};
use crate::elf::{BuildId, Machine};
use crate::symbols::AddressingChoice;
use crate::trace::{Anomalies, Tally};
use crate::warning::Warning;

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
    pub log: PathBuf,
    pub program: Option<PathBuf>,
    pub build_id: Option<BuildId>,
    pub machine: Option<Machine>,
    pub choice: AddressingChoice,
    pub records: u64,
    /// Of all sites, hidden ones too.
    pub live: Tally,
    pub anomalies: Anomalies,
    pub warnings: Vec<Warning>,
}

impl Report {
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
