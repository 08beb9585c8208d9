//! Replaying a log: what each caller allocated, and what of it is live at the end.

use std::io::{self, Read};

use hashbrown::HashMap;

use super::line::{Caller, Event, Line, Record};
use super::live::{Block, CallerId, LiveBlocks, Reuse};
use super::reader::{RawLine, for_each_line};
use crate::printable::printable_bytes;

/// Blocks and their bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    pub blocks: u64,
    pub bytes: u64,
}

impl Tally {
    pub fn add(&mut self, other: Tally) {
        self.blocks = self.blocks.saturating_add(other.blocks);
        self.bytes = self.bytes.saturating_add(other.bytes);
    }
}

/// What one caller did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CallerStats {
    /// Blocks it got, by malloc, calloc, realloc and the like.
    pub allocations: u64,
    /// What of them is live at the end; all others were freed, by whomever.
    pub live: Tally,
}

/// What in a log was not as it should be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Anomalies {
    /// Lines that are neither a record nor a mark.
    pub malformed_lines: u64,
    /// The first of them: its number, counted from 1, and its beginning.
    pub first_malformed: Option<(u64, String)>,
    /// The file ends in the middle of a line; that line is not counted.
    pub truncated_tail: bool,
    /// No `= End`: `muntrace()` was not called, or not reached.
    pub missing_end: bool,
    /// `= Start` marks; more than one means that a fork copied the log's buffer, or a second `mtrace()`.
    pub starts: u64,
    /// Frees of an address that held no block: allocated before `mtrace()`, or freed twice.
    pub unknown_frees: u64,
    /// Allocations at an address that held a block.
    pub live_address_reused: u64,
    /// Calls of malloc or realloc that got nothing.
    pub failed_allocations: u64,
}

/// A free that met no block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownFree {
    /// Counted from 1.
    pub line: u64,
    pub address: u64,
    pub by: CallerId,
    pub in_realloc: bool,
}

/// A log, read to its end.
#[derive(Debug, Default)]
pub struct Trace {
    /// The callers as the log spells them, by [`CallerId`].
    callers: Vec<Box<[u8]>>,
    allocations: Vec<u64>,
    live: LiveBlocks,
    unknown_frees: Vec<(UnknownFree, bool, bool)>,
    anomalies: Anomalies,
    pub records: u64,
    /// The highest address of a block.
    pub highest_address: u64,
    /// All lines but blank ones.
    pub lines: u64,
}

/// What to keep beside the figures.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReplayOptions {
    /// Keep every free that met no block, not only their number.
    pub keep_unknown_frees: bool,
}

/// Reads a log to its end. Lines that are none are counted, never fatal.
pub fn replay(log: impl Read, options: ReplayOptions) -> io::Result<Trace> {
    let mut replay = Replay {
        trace: Trace::default(),
        ids: HashMap::new(),
        line: 0,
        options,
        saw_end: false,
    };
    for_each_line(log, |line| replay.line(line))?;
    replay.trace.anomalies.missing_end = !replay.saw_end;
    Ok(replay.trace)
}

struct Replay {
    trace: Trace,
    ids: HashMap<Box<[u8]>, CallerId>,
    line: u64,
    options: ReplayOptions,
    saw_end: bool,
}

impl Replay {
    fn line(&mut self, raw: RawLine<'_>) {
        self.line += 1;
        match raw {
            RawLine::Whole(text) => match Line::parse(text) {
                Line::Record(record) => self.record(record),
                Line::Start => self.trace.anomalies.starts += 1,
                Line::End => self.saw_end = true,
                Line::Blank => return,
                Line::Malformed => self.malformed(text),
            },
            RawLine::TooLong(text) => self.malformed(text),
            // Whether figures are whole cannot be told without the line end, so none is believed.
            RawLine::Tail(text) => match Line::parse(text) {
                Line::End => self.saw_end = true,
                Line::Blank => return,
                _ => {
                    self.trace.anomalies.truncated_tail = true;
                    return;
                }
            },
        }
        self.trace.lines += 1;
    }

    fn malformed(&mut self, text: &[u8]) {
        let anomalies = &mut self.trace.anomalies;
        anomalies.malformed_lines += 1;
        if anomalies.first_malformed.is_none() {
            let quote = printable_bytes(&text[..text.len().min(80)]);
            anomalies.first_malformed = Some((self.line, quote));
        }
    }

    fn record(&mut self, record: Record<'_>) {
        self.trace.records += 1;
        let caller = self.caller(record.caller);
        match record.event {
            Event::Allocated { address, size } | Event::ReallocatedTo { address, size } => {
                self.trace.allocations[caller.0 as usize] += 1;
                self.trace.highest_address = self.trace.highest_address.max(address);
                self.trace.live.allocate(address, Block { caller, size });
            }
            Event::Freed { address } => self.free(address, caller, false),
            Event::ReallocatedFrom { address } => self.free(address, caller, true),
            Event::AllocationFailed { .. } | Event::ReallocationFailed { .. } => {
                self.trace.anomalies.failed_allocations += 1;
            }
        }
    }

    fn free(&mut self, address: u64, by: CallerId, in_realloc: bool) {
        let met = self.trace.live.free(address);
        if self.options.keep_unknown_frees && !(met.late && met.lost) {
            let free = UnknownFree {
                line: self.line,
                address,
                by,
                in_realloc,
            };
            self.trace.unknown_frees.push((free, met.late, met.lost));
        }
    }

    fn caller(&mut self, text: &[u8]) -> CallerId {
        if let Some(&id) = self.ids.get(text) {
            return id;
        }
        // 2^32 distinct callers would not fit into memory as texts, long before the id wraps.
        let id = CallerId(self.trace.callers.len() as u32);
        self.trace.callers.push(text.into());
        self.trace.allocations.push(0);
        self.ids.insert(text.into(), id);
        id
    }
}

impl Trace {
    /// Each caller as the log spells it, taken apart.
    pub fn callers(&self) -> impl ExactSizeIterator<Item = (CallerId, Caller<'_>)> + '_ {
        self.callers
            .iter()
            .enumerate()
            .map(|(i, text)| (CallerId(i as u32), Caller::parse(text)))
    }

    /// One caller, taken apart.
    pub fn caller(&self, id: CallerId) -> Caller<'_> {
        Caller::parse(&self.callers[id.0 as usize])
    }

    /// The figures of every caller, by [`CallerId`].
    pub fn stats(&self, reuse: Reuse) -> Vec<CallerStats> {
        let mut stats: Vec<CallerStats> = self
            .allocations
            .iter()
            .map(|&allocations| CallerStats {
                allocations,
                live: Tally::default(),
            })
            .collect();
        for (_, block) in self.live.iter(reuse) {
            stats[block.caller.0 as usize].live.add(Tally {
                blocks: 1,
                bytes: block.size,
            });
        }
        stats
    }

    /// The blocks live at the end, by address.
    pub fn live_blocks(&self, reuse: Reuse) -> Vec<(u64, Block)> {
        let mut blocks: Vec<(u64, Block)> = self.live.iter(reuse).collect();
        blocks.sort_unstable_by_key(|(address, _)| *address);
        blocks
    }

    /// The frees that met no block, in the order of the log; kept only where asked for.
    pub fn unknown_frees(&self, reuse: Reuse) -> impl Iterator<Item = UnknownFree> + '_ {
        self.unknown_frees
            .iter()
            .filter(move |(_, late, lost)| match reuse {
                Reuse::FreeLoggedLate => !late,
                Reuse::FreeLost => !lost,
            })
            .map(|(free, ..)| *free)
    }

    pub fn anomalies(&self, reuse: Reuse) -> Anomalies {
        let counts = self.live.counts(reuse);
        Anomalies {
            unknown_frees: counts.unknown_frees,
            live_address_reused: counts.live_address_reused,
            ..self.anomalies.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(log: &str) -> Trace {
        replay(
            log.as_bytes(),
            ReplayOptions {
                keep_unknown_frees: true,
            },
        )
        .unwrap()
    }

    fn live_of(trace: &Trace, reuse: Reuse) -> Tally {
        let mut sum = Tally::default();
        trace.stats(reuse).iter().for_each(|s| sum.add(s.live));
        sum
    }

    #[test]
    fn a_small_log_by_hand() {
        let trace = read(
            "= Start\n@ a:[0x1] + 0x10 0x18\n@ a:[0x1] + 0x20 0x18\n@ a:[0x2] - 0x10\n\
             @ b:[0x3] < 0x20\n@ b:[0x3] > 0x30 0x3e8\n@ b:[0x4] + (nil) 0x40000000\n\
             @ b:[0x4] ! 0x30 0x7fffffffffff\n@ a:[0x2] - 0x99\n= End\n",
        );
        let stats = trace.stats(Reuse::FreeLoggedLate);
        assert_eq!(
            stats[0],
            CallerStats {
                allocations: 2,
                live: Tally::default()
            }
        );
        // The block that realloc moved is its caller's now, with its new size.
        assert_eq!(
            stats[2],
            CallerStats {
                allocations: 1,
                live: Tally {
                    blocks: 1,
                    bytes: 0x3e8
                }
            }
        );
        let anomalies = trace.anomalies(Reuse::FreeLoggedLate);
        assert_eq!(
            (anomalies.unknown_frees, anomalies.failed_allocations),
            (1, 2)
        );
        assert_eq!((trace.records, trace.lines, anomalies.starts), (8, 10, 1));
        assert!(!anomalies.missing_end && !anomalies.truncated_tail);
        let unknown: Vec<_> = trace.unknown_frees(Reuse::FreeLoggedLate).collect();
        assert_eq!(
            (unknown[0].line, unknown[0].address, unknown[0].in_realloc),
            (9, 0x99, false)
        );
    }

    #[test]
    fn a_log_cut_at_any_byte_counts_its_whole_lines() {
        let log = "= Start\n@ a:[0x1] + 0x10 0x18\n@ a:[0x1] + 0x20 0x28\n@ a:[0x1] - 0x20\n";
        for cut in 0..=log.len() {
            let whole = &log[..log[..cut].rfind('\n').map_or(0, |at| at + 1)];
            let (of_cut, of_whole) = (read(&log[..cut]), read(whole));
            assert_eq!(of_cut.records, of_whole.records, "cut at {cut}");
            assert_eq!(
                live_of(&of_cut, Reuse::FreeLost),
                live_of(&of_whole, Reuse::FreeLost),
                "cut at {cut}"
            );
            assert_eq!(
                of_cut.anomalies(Reuse::FreeLost).truncated_tail,
                cut != whole.len(),
                "cut at {cut}"
            );
        }
    }

    #[test]
    fn malformed_lines_are_counted_with_the_first_ones_number() {
        let trace =
            read("= Start\n@ a:[0x1] + 0x10 0x18\nDEBUG: hello\n\n@ a:[0x1] + 0x20 0xzz\n= End");
        let anomalies = trace.anomalies(Reuse::FreeLost);
        assert_eq!(anomalies.malformed_lines, 2);
        assert_eq!(
            anomalies.first_malformed,
            Some((3, "DEBUG: hello".to_owned()))
        );
        assert!(
            !anomalies.missing_end,
            "= End counts without its line end too"
        );
    }

    #[test]
    fn sizes_beyond_all_memory_do_not_overflow() {
        let trace =
            read("@ a:[0x1] + 0x10 0xffffffffffffffff\n@ a:[0x1] + 0x20 0xffffffffffffffff\n");
        assert_eq!(
            live_of(&trace, Reuse::FreeLost),
            Tally {
                blocks: 2,
                bytes: u64::MAX
            }
        );
    }
}
