//! How many of the lines of a row leak, grow or are fixed.

use super::finding::{Finding, Trend};

/// The lines of a row, each judged by itself: in a sum, a line that leaks hides behind others that do not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LineCounts {
    /// How many there are.
    pub all: u64,
    /// Those that leak.
    pub leak: u64,
    /// Those of them whose bytes grow, and not their blocks.
    pub leak_by_bytes: u64,
    /// Those of them that left more than before.
    pub leak_more: u64,
    /// Those that may leak.
    pub may_leak: u64,
    /// Those that grew until the end of the program freed what they had.
    pub grow: u64,
    /// Those that leaked in the first run, and do no more.
    pub fixed: u64,
    /// The most blocks that one of them has.
    pub most: u64,
    /// The verdict on the line that has the most.
    pub of_most: Option<Trend>,
}

impl LineCounts {
    pub(crate) fn add(&mut self, other: &LineCounts) {
        self.all += other.all;
        self.leak += other.leak;
        self.leak_by_bytes += other.leak_by_bytes;
        self.leak_more += other.leak_more;
        self.may_leak += other.may_leak;
        self.grow += other.grow;
        self.fixed += other.fixed;
        if other.most > self.most {
            self.most = other.most;
            self.of_most = other.of_most;
        }
    }

    /// The verdict on the row, where `sum` is what its curve alone would tell: it leaks if a line of it does, and only then.
    pub fn finding(&self, sum: Option<Finding>) -> Option<Finding> {
        let whole = |trend| Finding {
            trend,
            by_bytes: false,
        };
        match sum {
            _ if self.leak > 0 => Some(Finding {
                trend: Trend::Leak,
                by_bytes: self.leak == self.leak_by_bytes,
            }),
            _ if self.may_leak > 0 => Some(whole(Trend::MayLeak)),
            _ if self.grow > 0 => Some(whole(Trend::Grows)),
            // Lines that each came to rest can look like one that goes on.
            Some(sum) if sum.trend.may_be_growth() => self.of_most.map(whole),
            sum => sum,
        }
    }
}
