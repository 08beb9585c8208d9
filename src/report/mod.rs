//! One model of what was found, and the renderers that draw it.

mod extras;
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

use crate::diff::{Breach, Gate, Grouping, Growth, NamedCaller, Rate, Site, Trend, Verdict};
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
    /// What the target has for blocks that leak, in bytes.
    pub memory: Option<u64>,
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

/// What all leaking sites come to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Leaks {
    pub sites: u64,
    /// Of a comparison, last run minus first; of one run, what is live.
    pub growth: Growth,
    /// `None` without the runs' times.
    pub per_minute: Option<Rate>,
    /// How long the memory lasts, where that and a rate are known, in seconds.
    pub lasts_s: Option<f64>,
}

impl Report {
    /// What the sites come to that have the verdict of a leak.
    pub fn leaks(&self) -> Leaks {
        let is_leak = |site: &&Site| site.hidden.is_none() && site.trend == Some(Trend::Leak);
        let mut leaks = Leaks::default();
        for site in self.sites.iter().filter(is_leak) {
            leaks.sites += 1;
            leaks.growth.add(site.growth);
            if let Some(rate) = site.rates.per_minute {
                let sum = leaks.per_minute.get_or_insert(Rate {
                    blocks: 0.0,
                    bytes: 0.0,
                    fit: None,
                });
                sum.blocks += rate.blocks;
                sum.bytes += rate.bytes;
            }
        }
        let bytes = leaks
            .per_minute
            .map(|rate| rate.bytes)
            .filter(|bytes| *bytes > 0.0);
        leaks.lasts_s = bytes
            .zip(self.memory)
            .map(|(bytes, memory)| memory as f64 / bytes * 60.0);
        leaks
    }

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
