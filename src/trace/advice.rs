//! What the anomalies of a log mean for its figures.

use super::live::{Occurrences, Reuse};
use super::replay::Anomalies;
use crate::warning::{Lines, Warning};

/// One warning for each kind of damage, in order of what it can cost.
pub fn advice(anomalies: &Anomalies, reuse: Reuse, allocations: u64) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if let Some(reason) = &anomalies.read_error {
        warnings.push(Warning::ReadStopped {
            reason: reason.clone(),
        });
    }
    if anomalies.starts.count > 1 {
        let starts = anomalies.starts.count;
        // Two heaps in one log: what one process holds, the other one allocates.
        let reused = anomalies.live_address_reused.count;
        warnings.push(match is_bulk(reused, allocations) {
            true => Warning::Fork { starts, reused },
            false => Warning::SeveralStarts { starts },
        });
    } else if reuse == Reuse::FreeLost && anomalies.live_address_reused.count > 0 {
        // From glibc 2.34 this is how threads look, and counted right; before, frees are lost.
        warnings.extend(lines(anomalies.live_address_reused).map(Warning::FreesLost));
    }
    if let Some(seen) = lines(anomalies.malformed) {
        warnings.push(Warning::MalformedLines {
            lines: seen,
            quote: anomalies.malformed_quote.clone(),
        });
    }
    warnings.extend(lines(anomalies.nul_bytes).map(Warning::NulBytes));
    warnings.extend(lines(anomalies.interleaved).map(Warning::Interleaved));
    warnings.extend(lines(anomalies.overlong).map(Warning::Overlong));
    warnings.extend(lines(anomalies.carriage_returns).map(Warning::CarriageReturns));
    warnings.extend(lines(anomalies.blank).map(Warning::BlankLines));
    if anomalies.read_error.is_none() {
        match lines(anomalies.truncated_tail) {
            Some(lines) => warnings.push(Warning::TruncatedTail { line: lines.first }),
            None if anomalies.missing_end => warnings.push(Warning::MissingEnd),
            None => {}
        }
    }
    warnings
}

fn lines(seen: Occurrences) -> Option<Lines> {
    Some(Lines {
        count: seen.count,
        first: seen.first_line?,
    })
}

/// More than a hundredth of all allocations: a single thread's log has none.
fn is_bulk(reused: u64, allocations: u64) -> bool {
    reused > 0 && reused >= allocations / 100
}
