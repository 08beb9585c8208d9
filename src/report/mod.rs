//! One model of what was found, and the renderers that draw it.

mod extras;
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

use crate::capture::Reached;
use crate::diff::{Breach, Gate, Grouping, Growth, NamedCaller, Rate, Site, Trend, Verdict};
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
    /// The moment that its figures are of; `None` for its end.
    pub reached: Option<Reached>,
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
                    bytes: Some(0.0),
                    fit: None,
                });
                sum.blocks += rate.blocks;
                sum.bytes = sum.bytes.zip(rate.bytes).map(|(sum, bytes)| sum + bytes);
            }
        }
        // What does not grow with time says nothing of how long memory lasts.
        leaks.per_minute = leaks.per_minute.filter(|rate| rate.blocks > 0.0);
        let bytes = leaks.per_minute.and_then(|rate| rate.bytes);
        let bytes = bytes.filter(|bytes| *bytes > 0.0);
        leaks.lasts_s = bytes
            .zip(self.memory)
            .map(|(bytes, memory)| memory as f64 / bytes * 60.0);
        leaks
    }

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
