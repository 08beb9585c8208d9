//! Whether the blocks that were kept came earlier than at an even pace: what fills up comes ever more slowly.

/// By how much births came late, in weighted steps from the middle, and how much that varies by chance.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Drift {
    late_by: f64,
    variance: f64,
}

impl Drift {
    /// Of births at one step after the other, which vary `dispersion` times as much as those that come one by one.
    pub(super) fn of(births: &[f64], dispersion: f64) -> Drift {
        let steps = births.len() as f64;
        let from_middle = births
            .iter()
            .enumerate()
            .map(|(step, births)| births * ((step as f64 + 0.5) / steps - 0.5));
        // The place of each block in the run is a uniform chance, of variance 1/12.
        Drift {
            late_by: from_middle.sum::<f64>() / dispersion,
            variance: births.iter().sum::<f64>() / 12.0 / dispersion,
        }
    }

    /// Together with that of a run of another length: a pace that changes as work is done changes less in a shorter one.
    pub(super) fn and(self, other: Drift, length: f64) -> Drift {
        Drift {
            late_by: self.late_by + length * other.late_by,
            variance: self.variance + length * length * other.variance,
        }
    }

    /// As good as so many births that come one by one, of this run or of shorter ones.
    pub(super) fn births(self) -> f64 {
        12.0 * self.variance
    }

    /// By which share of a run they came late; below zero if they came early.
    pub(super) fn offset(self) -> f64 {
        match self.variance > 0.0 {
            true => self.late_by / self.births(),
            false => 0.0,
        }
    }

    /// By how many standard deviations they came late; below zero if they came early.
    pub(super) fn deviations(self) -> f64 {
        match self.variance > 0.0 {
            true => self.late_by / self.variance.sqrt(),
            false => 0.0,
        }
    }
}
