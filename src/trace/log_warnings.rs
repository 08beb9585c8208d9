//! What the anomalies of a log mean for its figures.

use super::anomalies::Anomalies;
use super::reuse::{Occurrences, Reuse};
use crate::warning::{LinesSeen, LogWarning};

/// One warning for each kind of damage, in order of what it can cost.
pub fn log_warnings(anomalies: &Anomalies, reuse: Reuse, allocations: u64) -> Vec<LogWarning> {
    let mut warnings = Vec::new();
    warnings.extend(anomalies.read_error.clone().map(LogWarning::ReadStopped));
    let starts = anomalies.starts.count;
    let reused = anomalies.live_address_reused;
    if has_two_heaps(anomalies, reuse, allocations) {
        warnings.push(LogWarning::Fork {
            starts,
            reused: reused.count,
            double_frees: anomalies.double_frees.count,
        });
    } else {
        if starts > 1 {
            warnings.push(LogWarning::SeveralStarts { starts });
        }
        // From glibc 2.34 this is how threads look, and counted right; before, frees are lost.
        if reuse == Reuse::FreeLost {
            warnings.extend(lines(reused).map(LogWarning::FreesLost));
        }
    }
    warnings.extend(lines(anomalies.torn).map(LogWarning::TornLines));
    if warnings.is_empty() && anomalies.ends.count > 1 {
        let ends = anomalies.ends.count;
        warnings.push(LogWarning::SeveralEnds { ends });
    }
    if let Some(seen) = lines(anomalies.malformed) {
        warnings.push(LogWarning::MalformedLines {
            lines: seen,
            quote: anomalies.malformed_quote.clone(),
        });
    }
    warnings.extend(lines(anomalies.nul_bytes).map(LogWarning::NulBytes));
    warnings.extend(lines(anomalies.interleaved).map(LogWarning::Interleaved));
    warnings.extend(lines(anomalies.overlong).map(LogWarning::Overlong));
    warnings.extend(lines(anomalies.carriage_returns).map(LogWarning::CarriageReturns));
    warnings.extend(lines(anomalies.blank).map(LogWarning::BlankLines));
    if anomalies.missing_start {
        warnings.push(LogWarning::MissingStart);
    }
    if anomalies.read_error.is_none() {
        match lines(anomalies.truncated_tail) {
            Some(lines) => warnings.push(LogWarning::TruncatedTail { line: lines.first }),
            None if anomalies.missing_end => warnings.push(LogWarning::MissingEnd),
            None => {}
        }
    }
    warnings
}

fn lines(seen: Occurrences) -> Option<LinesSeen> {
    Some(LinesSeen {
        count: seen.count,
        first: seen.first_line?,
    })
}

/// So few addresses held twice can be threads, and so few double frees are a fault of the program.
const FEW: u64 = 8;

/// So many double frees no program survives.
const MANY: u64 = 1000;

/// Whether two processes wrote their heaps into one log: what one holds, the other allocates; what one has freed,
/// the other frees. A copied buffer begins with a second `= Start`, if the fork came early; and blocks of two heaps
/// stay at one address, where those of threads get their late frees one by one.
fn has_two_heaps(anomalies: &Anomalies, reuse: Reuse, allocations: u64) -> bool {
    let in_bulk = |count: u64| count > 0 && count >= allocations / 100;
    let held = anomalies.doubly_held;
    let again = anomalies.double_frees.count;
    // In logs of an older glibc, frees that are lost make others look double.
    let is_told = reuse == Reuse::FreeLoggedLate;
    let is_held = held > FEW && in_bulk(held);
    let is_freed = again > FEW && (in_bulk(again) || again >= MANY);
    let several_starts = anomalies.starts.count > 1;
    let reused = anomalies.live_address_reused.count;
    (is_told && (is_held || is_freed)) || (several_starts && (in_bulk(reused) || in_bulk(again)))
}
