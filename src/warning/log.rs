//! What is wrong with a log of mtrace.

use std::error;
use std::fmt;
use std::io;
use std::iter;

use crate::units::counted;

/// How many lines of a log are concerned, and which is the first, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinesSeen {
    pub count: u64,
    pub first: u64,
}

impl LinesSeen {
    /// The form of a verb that goes with them.
    fn verb(self, one: &'static str, several: &'static str) -> &'static str {
        if self.count == 1 { one } else { several }
    }
}

impl fmt::Display for LinesSeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.count {
            1 => write!(f, "line {}", self.first),
            n => write!(
                f,
                "{} (the first is line {})",
                counted(n, "line"),
                self.first
            ),
        }
    }
}

/// Why an input could not be read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadFailure {
    pub reason: String,
    /// It ends too early, as when a device lost power; else what was read is not what was written.
    pub is_cut: bool,
}

impl ReadFailure {
    pub(crate) fn of(error: &io::Error) -> ReadFailure {
        let is_end = |error: &io::Error| error.kind() == io::ErrorKind::UnexpectedEof;
        // A decoder may say so with an error of its own around the reader's.
        let first = error.get_ref().map(|inner| inner as &dyn error::Error);
        let mut causes = iter::successors(first, |error| error.source());
        let is_caused = causes.any(|cause| cause.downcast_ref::<io::Error>().is_some_and(is_end));
        ReadFailure {
            reason: error.to_string(),
            is_cut: is_end(error) || is_caused,
        }
    }
}

/// What is wrong with a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogWarning {
    /// Lines that mtrace cannot have written.
    MalformedLines {
        /// Which.
        lines: LinesSeen,
        /// The first of them, as far as it can be shown.
        quote: String,
    },
    /// Something else was written before a record, in the same line.
    Interleaved(LinesSeen),
    /// NUL bytes within lines, which are skipped.
    NulBytes(LinesSeen),
    /// Lines longer than any record.
    Overlong(LinesSeen),
    /// Lines that end in CR LF.
    CarriageReturns(LinesSeen),
    /// Lines with nothing in them.
    BlankLines(LinesSeen),
    /// The last line has no end.
    TruncatedTail {
        /// Its number, counted from 1.
        line: u64,
    },
    /// The log does not begin with `= Start`.
    MissingStart,
    /// There is no `= End` behind the last record.
    MissingEnd,
    /// `= Start` stands in it more than once.
    SeveralStarts {
        /// How often.
        starts: u64,
    },
    /// Children of a fork called `muntrace()`.
    SeveralEnds {
        /// How often `= End` stands in it.
        ends: u64,
    },
    /// Allocations at live addresses in bulk, or double frees: two heaps in one log.
    Fork {
        /// How often `= Start` stands in it.
        starts: u64,
        /// Allocations at addresses that were live.
        reused: u64,
        /// Frees of blocks that had been freed already.
        double_frees: u64,
    },
    /// Half records, as they are left where a fork copied what was not written yet.
    TornLines(LinesSeen),
    /// Allocations at live addresses, in a log of a glibc that loses frees of other threads.
    FreesLost(LinesSeen),
    /// Reading failed in the middle of the log.
    ReadStopped(ReadFailure),
    /// The log has marks at most.
    NoRecords,
}

/// How to keep a child's heap out of its parent's log.
const APART: &str = "call fflush(NULL) right before fork() and muntrace() first in the child; give a program that it starts \
                     a MALLOC_TRACE of its own";

impl LogWarning {
    /// Code of what says that a log is not what was written.
    pub const DAMAGED: &'static str = "log-damaged";

    /// Codes of what says that two processes wrote into the log.
    pub const MIXED: [&'static str; 3] = [
        LogWarning::FORK,
        LogWarning::SEVERAL_STARTS,
        LogWarning::TORN_LINES,
    ];

    const FORK: &'static str = "fork";
    const SEVERAL_STARTS: &'static str = "several-starts";
    const TORN_LINES: &'static str = "torn-lines";

    pub(super) fn code(&self) -> &'static str {
        match self {
            LogWarning::MalformedLines { .. } => "malformed-lines",
            LogWarning::Interleaved(_) => "interleaved-lines",
            LogWarning::NulBytes(_) => "nul-bytes",
            LogWarning::Overlong(_) => "overlong-lines",
            LogWarning::CarriageReturns(_) => "carriage-returns",
            LogWarning::BlankLines(_) => "blank-lines",
            LogWarning::TruncatedTail { .. } => "truncated-tail",
            LogWarning::MissingStart => "missing-start",
            LogWarning::MissingEnd => "missing-end",
            LogWarning::SeveralStarts { .. } => LogWarning::SEVERAL_STARTS,
            LogWarning::SeveralEnds { .. } => "several-ends",
            LogWarning::Fork { .. } => LogWarning::FORK,
            LogWarning::TornLines(_) => LogWarning::TORN_LINES,
            LogWarning::FreesLost(_) => "frees-lost",
            LogWarning::ReadStopped(failure) if failure.is_cut => "read-stopped",
            LogWarning::ReadStopped(_) => LogWarning::DAMAGED,
            LogWarning::NoRecords => "no-records",
        }
    }

    pub(super) fn makes_figures_partial(&self) -> bool {
        matches!(
            self,
            LogWarning::MalformedLines { .. }
                | LogWarning::Interleaved(_)
                | LogWarning::NulBytes(_)
                | LogWarning::Overlong(_)
                | LogWarning::TruncatedTail { .. }
                | LogWarning::SeveralStarts { .. }
                | LogWarning::Fork { .. }
                | LogWarning::TornLines(_)
                | LogWarning::MissingStart
                | LogWarning::MissingEnd
                | LogWarning::FreesLost(_)
                | LogWarning::ReadStopped(_)
        )
    }
}

impl fmt::Display for LogWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LogWarning::MalformedLines { lines, quote } => write!(
                f,
                "{lines} of the log cannot be read and {} ignored; line {} is '{quote}'; check that nothing else writes to \
                 that file",
                lines.verb("is", "are"),
                lines.first
            ),
            LogWarning::Interleaved(lines) => write!(
                f,
                "{lines} of the log had other text before the record; that text is ignored, and half a record may be lost \
                 in each; check that no other process or stream writes to the file that MALLOC_TRACE names",
            ),
            LogWarning::NulBytes(lines) => write!(
                f,
                "{lines} of the log had NUL bytes, which are ignored: the file was truncated while it was being \
                 written, as a child process does that calls mtrace() itself, and what was in it before is lost; \
                 give each process a MALLOC_TRACE of its own",
            ),
            LogWarning::Overlong(lines) => write!(
                f,
                "{lines} of the log {} longer than any record can be; only a record at the end of such a line is read; \
                 check that nothing else writes to that file",
                lines.verb("is", "are")
            ),
            LogWarning::CarriageReturns(lines) => write!(
                f,
                "{lines} of the log {} in CR LF, as after a copy in text mode; nothing is lost, but copy the program and \
                 the maps in binary mode",
                lines.verb("ends", "end")
            ),
            LogWarning::BlankLines(lines) => write!(
                f,
                "{lines} of the log {} empty; that changes no figure, but mtrace() writes no such line: check that nothing else \
                 writes to that file",
                lines.verb("is", "are")
            ),
            LogWarning::TruncatedTail { line } => write!(
                f,
                "the log ends in the middle of line {line}, which is ignored, and what the program did after it is missing: \
                 it was killed, crashed or called _exit; or it closed the log's descriptor, as daemons do that close \
                 them all; or the copy was cut",
            ),
            LogWarning::MissingStart => f.write_str(
                "the log does not begin with '= Start': its beginning is lost, so blocks that were allocated there are missing, \
                 and figures can be too low; copy the whole log",
            ),
            LogWarning::MissingEnd => f.write_str(
                "the log has no '= End': muntrace() was not reached, or the copy was cut; what the program did after it is \
                 missing, so figures can be too low, and blocks that the program frees on its way out may show as live; if it \
                 closes descriptors that it did not open, such as the log's, the log ends there",
            ),
            LogWarning::SeveralStarts { starts } => write!(
                f,
                "the log has {starts} '= Start' marks: a fork copied its first lines, or two logs were put into one; figures \
                 can be too high or too low; {APART}",
            ),
            LogWarning::SeveralEnds { ends } => write!(
                f,
                "the log has {ends} '= End' marks: children of a fork called muntrace(); what a child freed before counts \
                 as freed by its parent, so call it first in the child",
            ),
            LogWarning::Fork { starts, reused, double_frees } => write!(
                f,
                "the log has {} at addresses that were live, and {} of blocks that were free, after {}: two processes wrote \
                 into it after a fork, and its figures are those of neither; {APART}",
                counted(*reused, "allocation"),
                counted(*double_frees, "free"),
                counted(*starts, "'= Start' mark")
            ),
            LogWarning::TornLines(lines) => write!(
                f,
                "{lines} of the log {} half a record: a fork copied what its parent had not written yet, or a part of the \
                 log is lost, as on a full disk; what a child freed may count as freed by its parent; {APART}",
                lines.verb("is", "are")
            ),
            LogWarning::FreesLost(lines) => write!(
                f,
                "{lines} of the log {} at an address that was live: the glibc that wrote it does not log what \
                 another thread frees during an allocation, so blocks may show as live that are not, and frees as \
                 double; trace with glibc 2.34 or newer, or with one thread",
                lines.verb("allocates", "allocate")
            ),
            LogWarning::ReadStopped(ReadFailure { reason, is_cut: true }) => write!(
                f,
                "the log is cut ({reason}): the figures are those of what there is; copy it again",
            ),
            LogWarning::ReadStopped(ReadFailure { reason, is_cut: false }) => write!(
                f,
                "the log is damaged ({reason}): part of it may be lost or wrong, and so may be its figures; copy it again",
            ),
            LogWarning::NoRecords => f.write_str(
                "the log has no records: the program allocated nothing between mtrace() and its end, or it was stopped \
                 before the first 512 bytes of the log were written",
            ),
        }
    }
}
