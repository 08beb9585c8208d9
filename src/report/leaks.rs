//! What leaks, in sum.

use super::Sums;
use crate::diff::{Column, Leak, LeakingLine, Rate};
use crate::run::BlamedRun;
use crate::warning::ComparisonWarning;

/// What all lines that leak come to, whatever the sites of the report stand for.
#[derive(Debug, Clone, Default)]
pub struct Leaks {
    /// Lines that leak.
    pub sites: u64,
    /// Lines that may leak, beside those.
    pub may_leak: u64,
    /// Those of `sites` that left more in the last run than in the first; of one run, all.
    pub grown: u64,
    /// Of these: in a comparison, last run minus first; of one run, what is live.
    pub sums: Sums,
    /// None of the others left less than before.
    pub as_before: bool,
    /// Of all that leak.
    /// `None` without the runs' times.
    pub per_minute: Option<Rate>,
    /// How long the memory lasts, where that and a rate are known, in seconds.
    pub lasts_s: Option<f64>,
    /// At the highest rate and at the lowest that chance allows for; `None` where the lowest is none at all, too.
    pub lasts_between_s: Option<[f64; 2]>,
}

impl Leaks {
    /// Why it is not said how long the memory lasts, where somebody asked and something leaks.
    pub(super) fn no_projection(
        &self,
        runs: &[BlamedRun],
        memory: Option<u64>,
    ) -> Option<ComparisonWarning> {
        let memory = memory.filter(|_| self.sites > 0 && self.lasts_s.is_none())?;
        let untimed = runs.iter().filter(|run| run.facts.duration_s.is_none());
        Some(ComparisonWarning::NoProjection {
            memory,
            untimed: untimed.map(|run| run.facts.name.clone()).collect(),
            runs: runs.len(),
        })
    }

    /// `may_leak` is how many others may.
    pub(super) fn of(
        leaking: &[LeakingLine],
        may_leak: u64,
        columns: &[Column],
        memory: Option<u64>,
    ) -> Self {
        let (grown, others): (Vec<&LeakingLine>, Vec<&LeakingLine>) =
            leaking.iter().partition(|line| line.leak == Leak::More);
        // What does not grow with time says nothing of how long memory lasts.
        let grows = |rate: &Rate| rate.blocks > 0.0 || rate.bytes.is_some_and(|bytes| bytes > 0.0);
        let per_minute = per_minute(leaking).filter(grows);
        let bytes = per_minute.and_then(|rate| rate.bytes);
        let bytes = bytes.filter(|bytes| *bytes > 0.0);
        let lasts_s = bytes
            .zip(memory)
            .map(|(bytes, memory)| memory as f64 / bytes * 60.0);
        // Blocks are counted, and their bytes are as uncertain as they.
        let unsure = per_minute.filter(|rate| rate.blocks > 0.0);
        let unsure = unsure.and_then(|rate| Some(rate.error? / rate.blocks));
        let between = |(lasts, unsure): (f64, f64)| {
            (unsure < 1.0).then(|| [lasts / (1.0 + unsure), lasts / (1.0 - unsure)])
        };
        let is_as_before = |line: &&LeakingLine| {
            line.growth.blocks == 0 && line.growth.bytes.is_none_or(|bytes| bytes == 0)
        };
        let figures = grown.iter().map(|line| line.figures.iter().copied());
        Leaks {
            lasts_between_s: lasts_s.zip(unsure).and_then(between),
            sites: leaking.len() as u64,
            may_leak,
            grown: grown.len() as u64,
            sums: Sums::of_figures(columns, figures),
            as_before: others.iter().all(is_as_before),
            per_minute,
            lasts_s,
        }
    }
}

/// The rates of all lines together; `None` where none has any.
fn per_minute(leaking: &[LeakingLine]) -> Option<Rate> {
    let rates = leaking.iter().filter_map(|line| {
        let rate = line.per_minute?;
        Some(match line.by_bytes {
            true => Rate {
                blocks: 0.0,
                error: Some(0.0),
                ..rate
            },
            false => rate,
        })
    });
    let nothing = Rate {
        blocks: 0.0,
        bytes: Some(0.0),
        fit: None,
        error: Some(0.0),
    };
    let add = |sum: Option<Rate>, rate: Rate| {
        let sum = sum.unwrap_or(nothing);
        Some(Rate {
            blocks: sum.blocks + rate.blocks,
            bytes: sum.bytes.zip(rate.bytes).map(|(sum, bytes)| sum + bytes),
            // Chance is not the same for all of them.
            error: sum
                .error
                .zip(rate.error)
                .map(|(sum, error)| sum.hypot(error)),
            fit: None,
        })
    };
    rates.fold(None, add)
}
