//! One model of what was found, and the renderers that draw it.

mod caveat;
mod draw;
mod explain;
mod extras;
mod faults;
mod fit;
mod format;
mod glyphs;
mod grid;
mod header;
mod heads;
mod idle;
pub(crate) mod json;
mod layout;
mod leaks;
mod listing;
mod names;
mod notes;
mod options;
mod palette;
mod places;
mod sentence;
mod shrunk;
mod site_text;
mod stacks;
mod sums;
mod table;
mod text;
mod verdict;
mod view;

pub(crate) use format::FAULTS;
pub use format::{FORMATS, Format};
pub(crate) use glyphs::Page;
pub use leaks::Leaks;
pub use options::{Options, StackView};
pub use sums::Sums;
pub(crate) use text::wrapped as wrapped_text;

use std::sync::OnceLock;

use idle::warnings_of_runs;
use site_text::Alike;

use crate::diff::{
    Breach, Breaches, Change, Column, Comparison, Decision, Gate, Grouping, Growth, Joint,
    MostHeld, Reach, RowOptions, Site, SortBy, Together, advice, compare_sites, copies, hiding,
    lines, spread, wrapped,
};
use crate::run::{BlamedRun, Only};
use crate::warning::Warning;

/// What one command found: the runs in order, and every call site, ranked.
#[derive(Debug)]
pub struct Report {
    /// One where a run is listed by itself, two or more for a comparison.
    pub runs: Vec<BlamedRun>,
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
    /// What leaks, over all sites.
    pub leaks: Leaks,
    /// Lines that leaked in the first run and do no more, whatever the sites stand for; those that shrank most first.
    pub fixed: Vec<Site>,
    /// Of all that are fixed.
    pub fixed_growth: Growth,
    /// What has less than before, and neither leaks nor is fixed.
    pub shrunk: Shrunk,
    /// What grew until the end of the last run freed it; `None` where nothing did.
    pub freed_at_end: Option<FreedAtEnd>,
    /// What `breaches` and `decision` were judged by.
    pub gate: Gate,
    /// Sites above limits, by rank.
    pub breaches: Vec<Breach>,
    /// Sites that are above a limit together, but for what a few of them lost.
    pub offset: Vec<Together>,
    /// Double frees of the last run: the one that is judged.
    pub double_frees: u64,
    /// Frees of the last run that may be double frees: what was freed before them is not known any more.
    pub unsure_frees: u64,
    /// What the gate says; `None` where nothing was asked of it.
    pub decision: Option<Decision>,
    /// What the target has for blocks that leak, in bytes.
    pub memory: Option<u64>,
    /// How much of the ways to a row is looked at.
    pub reach: Reach,
    /// What all of it is a part of.
    pub only: Option<Only>,
    /// What concerns each run alone, in the order of the runs.
    pub warnings_of_runs: Vec<Vec<Warning>>,
    /// What concerns no single run.
    pub warnings: Vec<Warning>,
    /// Worked out when it is asked for: few outputs need it, and there can be a million sites.
    alike: OnceLock<Alike>,
}

/// How a report is to be made.
#[derive(Debug, Clone, Default)]
pub(crate) struct Terms {
    pub sort: SortBy,
    pub by: Grouping,
    pub gate: Gate,
    /// What the target has for blocks that leak, in bytes.
    pub memory: Option<u64>,
    /// How much of the ways to a row is looked at.
    pub reach: Reach,
}

/// Sites that have less than before.
#[derive(Debug, Clone, Default)]
pub struct Shrunk {
    /// By their indexes, those that shrank most first.
    pub sites: Vec<usize>,
    /// Of all of them.
    pub growth: Growth,
}

/// Sites that held more than before until the end of the last run freed it.
#[derive(Debug, Clone, Copy)]
pub struct FreedAtEnd {
    /// How many there are.
    pub sites: u64,
    /// The index of the first of them.
    pub site: usize,
    /// What that one held.
    pub held: MostHeld,
}

impl Report {
    /// Judges the joined sites of all runs. `warnings` are those of comparing the runs, and `ends` those of the last
    /// run's end.
    pub(crate) fn new(
        joint: Joint,
        terms: Terms,
        mut warnings: Vec<Warning>,
        ends: Vec<Warning>,
    ) -> Self {
        let Joint {
            runs,
            only,
            sites,
            warnings: of_join,
        } = joint;
        warnings.extend(of_join.into_iter().map(Warning::from));
        let columns: Vec<Column> = runs.iter().map(Column::of).collect();
        let rows = RowOptions {
            by: terms.by,
            sort: terms.sort,
            reach: &terms.reach,
            can_be_fixed: !may_hide_rows(&warnings, &runs),
        };
        let Comparison {
            sites,
            leaking,
            may_leak,
            fixed,
        } = compare_sites(sites, &runs, &columns, rows);
        let alike = || {
            let kinds = [copies, lines, wrapped];
            let mut alike = kinds.map(|kind| kind(&sites, &columns)).concat();
            alike.extend(hiding(&sites, &runs, &columns));
            alike.extend(spread(&sites, &columns));
            alike
        };
        let Breaches { breaches, offset } = terms.gate.breaches(&sites, &columns, alike);
        let last = runs.last().and_then(|run| run.facts.anomalies.as_ref());
        let double_frees = last.map_or(0, |anomalies| anomalies.double_frees.count);
        let unsure_frees = last.map_or(0, |anomalies| anomalies.unsure_frees.count);
        let sums = |is_hidden| {
            let counted = sites
                .iter()
                .filter(|site| site.hidden.is_some() == is_hidden);
            Sums::of(&columns, counted)
        };
        let leaks = Leaks::of(&leaking, may_leak, &columns, terms.memory);
        let no_projection = leaks.no_projection(&runs, terms.memory);
        let advice = advice(&sites).into_iter().chain(no_projection);
        let warnings = warnings.into_iter().chain(advice.map(Warning::from));
        Report {
            by: terms.by,
            total: sums(false),
            hidden: sums(true),
            leaks,
            fixed_growth: Sums::of(&columns, &fixed).growth,
            fixed,
            shrunk: Shrunk::of(&sites, &columns),
            freed_at_end: FreedAtEnd::of(&sites),
            alike: OnceLock::new(),
            decision: terms
                .gate
                .decision(&breaches, double_frees.saturating_add(unsure_frees)),
            warnings: warnings.collect(),
            breaches,
            offset,
            double_frees,
            unsure_frees,
            gate: terms.gate,
            memory: terms.memory,
            reach: terms.reach,
            only,
            warnings_of_runs: warnings_of_runs(&runs, &sites, ends),
            sites,
            columns,
            runs,
        }
    }

    /// What several sites show alike.
    fn alike(&self) -> &Alike {
        self.alike.get_or_init(|| Alike::of(&self.sites))
    }

    /// Whether what is gone may be there all the same.
    pub(crate) fn may_hide_rows(&self) -> bool {
        may_hide_rows(&self.warnings, &self.runs)
    }

    /// Whether growth in bytes can be told: both its ends have bytes.
    pub fn knows_growth_of_bytes(&self) -> bool {
        self.total.growth.bytes.is_some()
    }

    /// The runs, each with what concerns it alone.
    pub fn runs_warned(&self) -> impl Iterator<Item = (&BlamedRun, &[Warning])> {
        let warnings = self.warnings_of_runs.iter().map(Vec::as_slice);
        self.runs.iter().zip(warnings)
    }

    /// Whether there are two runs or more, so that growth is a difference.
    pub fn is_comparison(&self) -> bool {
        self.runs.len() > 1
    }
}

/// Whether what is gone from the last run may stand in another row, or was never looked for.
fn may_hide_rows(warnings: &[Warning], runs: &[BlamedRun]) -> bool {
    let last = runs.last().and_then(|run| run.facts.records);
    warnings.iter().any(Warning::parts_rows) || last == Some(0)
}

impl Shrunk {
    fn of(sites: &[Site], columns: &[Column]) -> Self {
        let is_shrunk = |site: &Site| {
            let is_less = matches!(site.change, Change::Shrunk | Change::Gone);
            let is_row = site.leak().is_some() || site.may_leak() || site.fixed;
            is_less && site.hidden.is_none() && !is_row
        };
        if columns.len() < 2 {
            return Shrunk::default();
        }
        let mut shrunk: Vec<usize> = (0..sites.len())
            .filter(|at| is_shrunk(&sites[*at]))
            .collect();
        shrunk.sort_by_key(|at| (sites[*at].growth.blocks, sites[*at].growth.bytes));
        Shrunk {
            growth: Sums::of(columns, shrunk.iter().map(|at| &sites[*at])).growth,
            sites: shrunk,
        }
    }
}

impl FreedAtEnd {
    fn of(sites: &[Site]) -> Option<Self> {
        let held = sites.iter().enumerate();
        let mut held = held.filter_map(|(index, site)| Some((index, site.held_more()?)));
        let (site, most) = held.next()?;
        Some(FreedAtEnd {
            sites: 1 + held.count() as u64,
            site,
            held: most,
        })
    }
}
