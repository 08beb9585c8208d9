//! One model of what was found, and the renderers that draw it.

mod draw;
mod extras;
mod faults;
mod fit;
mod format;
mod glyphs;
mod grid;
mod header;
pub mod json;
mod layout;
mod listing;
mod names;
mod notes;
mod options;
mod palette;
mod places;
mod stacks;
mod sums;
mod table;
mod text;
mod verdict;
mod view;

pub use format::{FAULTS, FORMATS, Format};
pub use options::{Options, StackView};
pub use sums::Sums;

use crate::diff::{
    Breach, Column, Gate, Grouping, JoinedSite, Rate, Reach, Site, SortBy, Trend, Verdict, advice,
    copies, judge, lines,
};
use crate::run::Run;
use crate::warning::Warning;

/// What one command found: the runs in order, and every call site, ranked.
#[derive(Debug)]
pub struct Report {
    /// One for `show`, two or more for a comparison.
    pub runs: Vec<Run>,
    /// What every site is measured against, in the order of the runs.
    pub columns: Vec<Column>,
    /// By rank, which is a site's place here, from 1; hidden ones last.
    pub sites: Vec<Site>,
    /// What the sites stand for, where that is known of them.
    pub by: Grouping,
    /// Over all sites that are not hidden.
    pub total: Sums,
    /// Over the hidden ones.
    pub hidden: Sums,
    pub leaks: Leaks,
    pub gate: Gate,
    pub breaches: Vec<Breach>,
    /// Double frees of the last run: the one that is judged.
    pub double_frees: u64,
    /// Frees of the last run that may be double frees: what was freed before them is not known any more.
    pub unsure_frees: u64,
    pub verdict: Option<Verdict>,
    /// What the target has for blocks that leak, in bytes.
    pub memory: Option<u64>,
    /// How much of the ways to a row is looked at.
    pub reach: Reach,
    /// What all of it is a part of.
    pub only: Option<Only>,
    /// What concerns no single run.
    pub warnings: Vec<Warning>,
}

/// How a report is to be made.
#[derive(Debug, Clone, Default)]
pub struct Terms {
    pub sort: SortBy,
    pub by: Grouping,
    pub gate: Gate,
    /// What the target has for blocks that leak, in bytes.
    pub memory: Option<u64>,
    /// How much of the ways to a row is looked at.
    pub reach: Reach,
    /// What the runs are a part of.
    pub only: Option<Only>,
}

/// Runs of which only some stacks count.
#[derive(Debug, Clone)]
pub struct Only {
    /// What they go through.
    pub filter: String,
    /// Live blocks of the last run that count.
    pub kept: u64,
    /// All of them.
    pub all: u64,
}

/// What all leaking sites come to.
#[derive(Debug, Clone, Default)]
pub struct Leaks {
    pub sites: u64,
    /// Of a comparison, last run minus first; of one run, what is live.
    pub sums: Sums,
    /// `None` without the runs' times.
    pub per_minute: Option<Rate>,
    /// How long the memory lasts, where that and a rate are known, in seconds.
    pub lasts_s: Option<f64>,
}

impl Report {
    /// Judges the joined sites of all runs. `warnings` are those of comparing the runs.
    pub fn new(
        runs: Vec<Run>,
        joined: Vec<JoinedSite>,
        terms: Terms,
        warnings: Vec<Warning>,
    ) -> Self {
        let columns: Vec<Column> = runs.iter().map(Column::of).collect();
        let sites = judge(joined, &columns, terms.sort);
        let alike = copies(&sites, &columns);
        let alike = alike.into_iter().chain(lines(&sites, &columns));
        let breaches = terms.gate.breaches(&sites, &columns, alike);
        let last = runs.last().and_then(|run| run.facts.anomalies.as_ref());
        let double_frees = last.map_or(0, |anomalies| anomalies.double_frees.count);
        let unsure_frees = last.map_or(0, |anomalies| anomalies.unsure_frees.count);
        let sums = |is_hidden| {
            let counted = sites
                .iter()
                .filter(|site| site.at.hidden.is_some() == is_hidden);
            Sums::of(&columns, counted)
        };
        Report {
            by: terms.by,
            total: sums(false),
            hidden: sums(true),
            leaks: Leaks::of(&sites, &columns, terms.memory),
            verdict: terms
                .gate
                .verdict(&breaches, double_frees.saturating_add(unsure_frees)),
            warnings: warnings.into_iter().chain(advice(&sites)).collect(),
            breaches,
            double_frees,
            unsure_frees,
            gate: terms.gate,
            memory: terms.memory,
            reach: terms.reach,
            only: terms.only,
            sites,
            columns,
            runs,
        }
    }

    /// Whether growth in bytes can be told: both its ends have bytes.
    pub fn knows_growth_of_bytes(&self) -> bool {
        self.total.growth.bytes.is_some()
    }

    pub fn is_comparison(&self) -> bool {
        self.runs.len() > 1
    }
}

impl Leaks {
    fn of(sites: &[Site], columns: &[Column], memory: Option<u64>) -> Self {
        let is_leak = |site: &&Site| site.at.hidden.is_none() && site.trend == Some(Trend::Leak);
        let leaking: Vec<&Site> = sites.iter().filter(is_leak).collect();
        let mut per_minute: Option<Rate> = None;
        for rate in leaking
            .iter()
            .filter_map(|site| site.rates(columns).per_minute)
        {
            let sum = per_minute.get_or_insert(Rate {
                blocks: 0.0,
                bytes: Some(0.0),
                fit: None,
            });
            sum.blocks += rate.blocks;
            sum.bytes = sum.bytes.zip(rate.bytes).map(|(sum, bytes)| sum + bytes);
        }
        // What does not grow with time says nothing of how long memory lasts.
        let per_minute = per_minute.filter(|rate| rate.blocks > 0.0);
        let bytes = per_minute.and_then(|rate| rate.bytes);
        let bytes = bytes.filter(|bytes| *bytes > 0.0);
        Leaks {
            sites: leaking.len() as u64,
            sums: Sums::of(columns, leaking),
            per_minute,
            lasts_s: bytes
                .zip(memory)
                .map(|(bytes, memory)| memory as f64 / bytes * 60.0),
        }
    }
}
