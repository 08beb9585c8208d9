//! Rows before they are judged: what they stand for, and what is known of them.

use super::caller::Caller;
use super::line_counts::LineCounts;
use super::site::JoinedSite;
use crate::run::{Figures, Role};

/// A row that is to be judged.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub at: JoinedSite,
    pub of: RowOf,
    /// Why it is left out; of a row that is whole, unless it grows.
    pub hidden: Option<Hidden>,
    /// What the first run may have of it at least, where it may as well be another of its sites, or none;
    /// `None` where it is sure which site it is.
    pub at_least: Option<Figures>,
    /// A caller changed between the builds, and several sites of an earlier run may be this one, or one may be several.
    pub forked: bool,
}

/// How a row and the lines of the source belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RowOf {
    /// It is an address, or a line.
    Whole,
    /// It sums up lines.
    Lines(Box<LineCounts>),
    Part {
        part: Box<Part>,
        /// The line that it is a part of leaks.
        of_leak: bool,
    },
}

/// Which part of the memory of a line a site is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Blocks of a size, in bytes.
    Size(u64),
    /// Blocks of all sizes that have no row of their own.
    OtherSizes,
    /// What came one way: its callers, the nearest first.
    Stack(Vec<Caller>),
}

/// Why a site is left out of the table unless all are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hidden {
    /// It is the dynamic loader's, and does not grow.
    Loader,
}

impl Row {
    /// Of a site by itself.
    pub(super) fn whole(at: JoinedSite, at_least: Option<Figures>, forked: bool) -> Self {
        let is_loader = at.module.as_ref().is_some_and(|m| m.role == Role::Loader);
        Row {
            of: RowOf::Whole,
            hidden: is_loader.then_some(Hidden::Loader),
            at_least,
            forked,
            at,
        }
    }

    /// Adds a row that is a part of this one.
    pub(super) fn add(&mut self, other: Row) {
        let last = |row: &Row| row.at.runs.iter().rposition(Option::is_some);
        if last(&other) > last(self) {
            self.at.key = other.at.key;
            self.at.module = other.at.module;
            self.at.name = other.at.name;
        }
        self.at.matched_by = self.at.matched_by.max(other.at.matched_by);
        // A line is left out only where none of its addresses is to be seen.
        self.hidden = self.hidden.and(other.hidden);
        if let (RowOf::Lines(lines), RowOf::Lines(more)) = (&mut self.of, &other.of) {
            lines.add(more);
        }
        self.at.add_runs(other.at.runs);
    }

    /// The row when all its parts were added.
    pub(super) fn summed_up(self) -> Self {
        Row {
            at: self.at.summed_up(),
            ..self
        }
    }
}
