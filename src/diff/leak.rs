//! What a leak of a comparison is. Table, sentence and JSON all go by this rule; a gate judges growth, leak or not.
//!
//! A line leaks if the verdict on it is `leak`. Where it left more in the last run than in the first, that is what the
//! comparison found. Where it left no more, it leaks as it did before: in runs of one length a steady leak leaves the same.
//! What leaks is counted in lines, whatever the rows of a table are.

use super::column::Column;
use super::growth::Growth;
use super::judged::Site;
use super::rate::Rate;
use super::trend::Trend;
use crate::run::Figures;

/// How a row leaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leak {
    /// It left more blocks, or more bytes, in the last run than in the first.
    More,
    /// It left no more.
    NoMore,
}

impl Site {
    /// `None` if it does not leak. A row of several lines leaks if one of them does.
    pub(crate) fn leak(&self) -> Option<Leak> {
        if self.hidden.is_some() || self.trend != Some(Trend::Leak) {
            return None;
        }
        let is_more = match self.lines() {
            Some(lines) => lines.leak_more > 0,
            None => self.growth.is_growth(),
        };
        Some(if is_more { Leak::More } else { Leak::NoMore })
    }

    /// Whether one thing speaks against its leaking, and that by a little. It is in no sum of leaks.
    pub(crate) fn may_leak(&self) -> bool {
        self.hidden.is_none() && self.trend == Some(Trend::MayLeak)
    }
}

/// A line that leaks: all that sums of them need.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LeakingLine {
    pub leak: Leak,
    /// In the order of the runs.
    pub figures: Vec<Figures>,
    pub growth: Growth,
    /// Of blocks that are as many as they were there is no pace but chance.
    pub by_bytes: bool,
    /// `None` without the runs' times.
    pub per_minute: Option<Rate>,
}

/// Those among lines that leak.
pub(super) fn leaking(lines: &[Site], columns: &[Column]) -> Vec<LeakingLine> {
    let leaking = lines.iter().filter_map(|line| {
        Some(LeakingLine {
            leak: line.leak()?,
            figures: line.at.figures(columns).collect(),
            growth: line.growth,
            by_bytes: line.by_bytes,
            per_minute: line.rates(columns).per_minute,
        })
    });
    leaking.collect()
}
