//! A run as it was at one of the steps of its curves.

use super::{Figures, Run};
use crate::capture::{Moment, Reached};
use crate::trace::STEPS;

impl Run {
    /// The run at the step that is nearest to a share of it, from 0 to 1, which was asked for as `at`. `None` where
    /// a call site has no curve: then only the end is known.
    ///
    /// What a curve does not hold is not known of the moment: what was allocated until then, what was odd in the
    /// log, and the way to there.
    pub(crate) fn at_step(mut self, at: Moment, share: f64) -> Option<Run> {
        let step = ((share * STEPS as f64).round() as usize).clamp(1, STEPS);
        for site in &mut self.sites {
            site.live_sizes = None;
            site.survivors = None;
            site.lives = None;
            let live = site.curve.take()?.points()[step - 1];
            site.figures = Figures {
                blocks: live.blocks,
                bytes: site.figures.bytes.map(|_| live.bytes),
                allocations: None,
            };
        }
        let share = step as f64 / STEPS as f64;
        let of = self.facts.records;
        let seconds = self.facts.duration_s.map(|took| took * share);
        let records = of.map(|of| (of as f64 * share).round() as u64);
        self.facts.reached = Some(Reached {
            at,
            records,
            of,
            seconds,
            step: Some(step),
        });
        self.facts.duration_s = seconds;
        self.facts.records = records;
        self.facts.anomalies = None;
        self.faults = None;
        Some(self)
    }
}
