//! What in a log was not as it should be.

use super::reuse::Occurrences;
use crate::warning::ReadFailure;

/// What in a log was not as it should be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Anomalies {
    /// Lines that are neither a record nor a mark; they count for nothing.
    pub malformed: Occurrences,
    /// The beginning of the first of them.
    pub malformed_quote: String,
    /// Lines longer than any mtrace line.
    pub overlong: Occurrences,
    /// Records that begin in the middle of a line: something else was written before them.
    pub interleaved: Occurrences,
    /// Half records: lines that lack their beginning, or half of which stands before another record.
    pub torn: Occurrences,
    /// Lines with NUL bytes.
    pub nul_bytes: Occurrences,
    /// Lines that end in CR LF.
    pub carriage_returns: Occurrences,
    pub blank: Occurrences,
    /// The file ends in the middle of this line, which is not counted.
    pub truncated_tail: Occurrences,
    /// No `= Start` before the first record: the log's beginning is lost.
    pub missing_start: bool,
    /// No `= End` behind the last record: `muntrace()` was not called, or not reached.
    pub missing_end: bool,
    /// `= End` marks; more than one means that children of a fork called `muntrace()`.
    pub ends: Occurrences,
    /// `= Start` marks; more than one means that a fork copied the log's buffer, or a second `mtrace()`.
    pub starts: Occurrences,
    /// Frees of an address that held no block: allocated before `mtrace()`, or freed twice.
    pub unknown_frees: Occurrences,
    /// Those of them that were freed before, with no allocation between.
    pub double_frees: Occurrences,
    /// Those of them of which it is not known any more whether they were freed before: each may be a double free.
    pub unsure_frees: Occurrences,
    /// Allocations at an address that held a block.
    pub live_address_reused: Occurrences,
    /// Addresses that held two blocks or more at one time, where frees are only logged late.
    pub doubly_held: u64,
    pub failed_allocations: Occurrences,
    pub failed_reallocations: Occurrences,
    /// Why the log could not be read to its end.
    pub read_error: Option<ReadFailure>,
}

impl Anomalies {
    /// All that is counted, each with its name, which is stable: scripts and saved reports have it.
    pub fn counted(&mut self) -> [(&'static str, &mut Occurrences); 16] {
        [
            ("malformed_lines", &mut self.malformed),
            ("overlong_lines", &mut self.overlong),
            ("interleaved_lines", &mut self.interleaved),
            ("torn_lines", &mut self.torn),
            ("nul_bytes", &mut self.nul_bytes),
            ("carriage_returns", &mut self.carriage_returns),
            ("blank_lines", &mut self.blank),
            ("truncated_tail", &mut self.truncated_tail),
            ("starts", &mut self.starts),
            ("ends", &mut self.ends),
            ("unknown_frees", &mut self.unknown_frees),
            ("double_frees", &mut self.double_frees),
            ("unsure_frees", &mut self.unsure_frees),
            ("live_address_reused", &mut self.live_address_reused),
            ("failed_allocations", &mut self.failed_allocations),
            ("failed_reallocations", &mut self.failed_reallocations),
        ]
    }

    /// The same, to be looked at.
    pub fn counts(&self) -> [(&'static str, Occurrences); 16] {
        self.clone().counted().map(|(name, seen)| (name, *seen))
    }

    /// Adds those of a part of the log before which `before` lines stand.
    pub(super) fn absorb(&mut self, part: &Anomalies, before: u64) {
        if self.malformed.count == 0 {
            self.malformed_quote.clone_from(&part.malformed_quote);
        }
        for ((_, sum), (_, part)) in self.counted().into_iter().zip(part.counts()) {
            sum.absorb(part, before);
        }
    }
}
