//! What in a log was not as it should be.

use super::live::Occurrences;

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
    /// Addresses that hold two blocks or more at the end, where frees are only logged late.
    pub doubly_held: u64,
    pub failed_allocations: Occurrences,
    pub failed_reallocations: Occurrences,
    /// Why the log could not be read to its end.
    pub read_error: Option<String>,
}

/// What is counted of a log that was not as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnomalyKind {
    MalformedLines,
    OverlongLines,
    InterleavedLines,
    TornLines,
    NulBytes,
    CarriageReturns,
    BlankLines,
    TruncatedTail,
    Starts,
    Ends,
    UnknownFrees,
    DoubleFrees,
    UnsureFrees,
    LiveAddressReused,
    FailedAllocations,
    FailedReallocations,
}

impl AnomalyKind {
    pub const ALL: [AnomalyKind; 16] = [
        AnomalyKind::MalformedLines,
        AnomalyKind::OverlongLines,
        AnomalyKind::InterleavedLines,
        AnomalyKind::TornLines,
        AnomalyKind::NulBytes,
        AnomalyKind::CarriageReturns,
        AnomalyKind::BlankLines,
        AnomalyKind::TruncatedTail,
        AnomalyKind::Starts,
        AnomalyKind::Ends,
        AnomalyKind::UnknownFrees,
        AnomalyKind::DoubleFrees,
        AnomalyKind::UnsureFrees,
        AnomalyKind::LiveAddressReused,
        AnomalyKind::FailedAllocations,
        AnomalyKind::FailedReallocations,
    ];

    /// Stable, for scripts and saved reports.
    pub fn name(self) -> &'static str {
        match self {
            AnomalyKind::MalformedLines => "malformed_lines",
            AnomalyKind::OverlongLines => "overlong_lines",
            AnomalyKind::InterleavedLines => "interleaved_lines",
            AnomalyKind::TornLines => "torn_lines",
            AnomalyKind::NulBytes => "nul_bytes",
            AnomalyKind::CarriageReturns => "carriage_returns",
            AnomalyKind::BlankLines => "blank_lines",
            AnomalyKind::TruncatedTail => "truncated_tail",
            AnomalyKind::Starts => "starts",
            AnomalyKind::Ends => "ends",
            AnomalyKind::UnknownFrees => "unknown_frees",
            AnomalyKind::DoubleFrees => "double_frees",
            AnomalyKind::UnsureFrees => "unsure_frees",
            AnomalyKind::LiveAddressReused => "live_address_reused",
            AnomalyKind::FailedAllocations => "failed_allocations",
            AnomalyKind::FailedReallocations => "failed_reallocations",
        }
    }
}

impl Anomalies {
    /// Adds those of a part of the log before which `before` lines stand.
    pub(super) fn absorb(&mut self, part: &Anomalies, before: u64) {
        if self.malformed.count == 0 {
            self.malformed_quote.clone_from(&part.malformed_quote);
        }
        for (sum, part) in [
            (&mut self.malformed, part.malformed),
            (&mut self.overlong, part.overlong),
            (&mut self.interleaved, part.interleaved),
            (&mut self.torn, part.torn),
            (&mut self.nul_bytes, part.nul_bytes),
            (&mut self.carriage_returns, part.carriage_returns),
            (&mut self.blank, part.blank),
            (&mut self.truncated_tail, part.truncated_tail),
            (&mut self.starts, part.starts),
            (&mut self.ends, part.ends),
            (&mut self.failed_allocations, part.failed_allocations),
            (&mut self.failed_reallocations, part.failed_reallocations),
        ] {
            sum.absorb(part, before);
        }
    }

    pub fn get(&self, kind: AnomalyKind) -> Occurrences {
        match kind {
            AnomalyKind::MalformedLines => self.malformed,
            AnomalyKind::OverlongLines => self.overlong,
            AnomalyKind::InterleavedLines => self.interleaved,
            AnomalyKind::TornLines => self.torn,
            AnomalyKind::NulBytes => self.nul_bytes,
            AnomalyKind::CarriageReturns => self.carriage_returns,
            AnomalyKind::BlankLines => self.blank,
            AnomalyKind::TruncatedTail => self.truncated_tail,
            AnomalyKind::Starts => self.starts,
            AnomalyKind::Ends => self.ends,
            AnomalyKind::UnknownFrees => self.unknown_frees,
            AnomalyKind::DoubleFrees => self.double_frees,
            AnomalyKind::UnsureFrees => self.unsure_frees,
            AnomalyKind::LiveAddressReused => self.live_address_reused,
            AnomalyKind::FailedAllocations => self.failed_allocations,
            AnomalyKind::FailedReallocations => self.failed_reallocations,
        }
    }

    pub fn get_mut(&mut self, kind: AnomalyKind) -> &mut Occurrences {
        match kind {
            AnomalyKind::MalformedLines => &mut self.malformed,
            AnomalyKind::OverlongLines => &mut self.overlong,
            AnomalyKind::InterleavedLines => &mut self.interleaved,
            AnomalyKind::TornLines => &mut self.torn,
            AnomalyKind::NulBytes => &mut self.nul_bytes,
            AnomalyKind::CarriageReturns => &mut self.carriage_returns,
            AnomalyKind::BlankLines => &mut self.blank,
            AnomalyKind::TruncatedTail => &mut self.truncated_tail,
            AnomalyKind::Starts => &mut self.starts,
            AnomalyKind::Ends => &mut self.ends,
            AnomalyKind::UnknownFrees => &mut self.unknown_frees,
            AnomalyKind::DoubleFrees => &mut self.double_frees,
            AnomalyKind::UnsureFrees => &mut self.unsure_frees,
            AnomalyKind::LiveAddressReused => &mut self.live_address_reused,
            AnomalyKind::FailedAllocations => &mut self.failed_allocations,
            AnomalyKind::FailedReallocations => &mut self.failed_reallocations,
        }
    }
}
