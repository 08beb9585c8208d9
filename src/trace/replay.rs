//! Replaying a log: what each caller allocated, and what of it is live at the end.

use std::io::{self, Read};

use hashbrown::{HashMap, HashSet};

use super::line::{Caller, Event, Line, Record};
use super::live::{Block, CallerId, Freed};
use super::outcome::{CallerEntry, FaultKind, Trace, UnknownFree};
use super::reader::{RawLine, for_each_line};
use crate::printable::printable_bytes;

/// What to keep beside the figures.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReplayOptions {
    /// Keep every free that met no block, not only their number.
    pub keep_unknown_frees: bool,
}

/// Reads a log to its end. Lines that are none are counted, never fatal; and where reading fails
/// in the middle, what was read before counts, and [`super::Anomalies::read_error`] says so.
pub fn replay(log: impl Read, options: ReplayOptions) -> io::Result<Trace> {
    let mut replay = Replay {
        trace: Trace::default(),
        ids: HashMap::new(),
        line: 0,
        options,
        saw_end: false,
    };
    if let Err(error) = for_each_line(log, |line| replay.line(line)) {
        if replay.trace.records == 0 {
            return Err(error);
        }
        replay.trace.anomalies.read_error = Some(error.to_string());
    }
    replay.trace.anomalies.missing_end = !replay.saw_end;
    replay.part_glued_callers();
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
            RawLine::Whole(text) => {
                if text.ends_with(b"\r") {
                    self.trace.anomalies.carriage_returns.note(self.line);
                }
                match Line::parse(text) {
                    Line::Blank => return self.trace.anomalies.blank.note(self.line),
                    Line::Malformed => self.malformed(text),
                    line => self.good_line(line, text),
                }
            }
            RawLine::TooLong(text) => {
                self.trace.anomalies.overlong.note(self.line);
                self.malformed(text);
            }
            // Whether figures are whole cannot be told without the line end, so none is believed.
            RawLine::Tail(text) => match Line::parse(text) {
                Line::End => self.saw_end = true,
                Line::Blank => return,
                _ => return self.trace.anomalies.truncated_tail.note(self.line),
            },
        }
        self.trace.lines += 1;
    }

    /// `text` is what to quote where the record turns out to have no caller that can be.
    fn good_line(&mut self, line: Line<'_>, text: &[u8]) {
        match line {
            Line::Record(record) => self.record(record, text),
            Line::Start => self.trace.anomalies.starts.note(self.line),
            Line::End => self.saw_end = true,
            Line::Blank | Line::Malformed => {}
        }
    }

    /// A line that cannot be read as it stands; behind a hole of NUL bytes there can be one that can.
    fn malformed(&mut self, text: &[u8]) {
        if let Some(nul) = memchr::memrchr(0, text) {
            self.trace.anomalies.nul_bytes.note(self.line);
            let behind = &text[nul + 1..];
            let line = Line::parse(behind);
            if !matches!(line, Line::Blank | Line::Malformed) {
                return self.good_line(line, behind);
            }
        } else if let Some(at) = last_mark(text)
            && let line @ Line::Record(_) = Line::parse(&text[at..])
        {
            self.trace.anomalies.interleaved.note(self.line);
            return self.good_line(line, &text[at..]);
        }
        let anomalies = &mut self.trace.anomalies;
        anomalies.malformed.note(self.line);
        if anomalies.malformed.count == 1 {
            anomalies.malformed_quote = printable_bytes(&text[..text.len().min(80)]);
        }
    }

    fn record(&mut self, record: Record<'_>, text: &[u8]) {
        let Some(caller) = self.caller(record.caller) else {
            return self.malformed(text);
        };
        self.trace.records += 1;
        let entry = &mut self.trace.callers[caller.0 as usize];
        entry.records += 1;
        match record.event {
            Event::Allocated { address, size } | Event::ReallocatedTo { address, size } => {
                entry.allocations += 1;
                self.trace.wide_addresses += u64::from(address > u64::from(u32::MAX));
                let block = Block { caller, size };
                self.trace.live.allocate(address, block, self.line);
            }
            Event::Freed { address } => self.free(address, caller, false),
            Event::ReallocatedFrom { address } => self.free(address, caller, true),
            Event::AllocationFailed { .. } => {
                self.trace.anomalies.failed_allocations.note(self.line);
                self.fault(FaultKind::FailedAllocation, caller, true, true);
            }
            Event::ReallocationFailed { .. } => {
                self.trace.anomalies.failed_reallocations.note(self.line);
                self.fault(FaultKind::FailedReallocation, caller, true, true);
            }
        }
    }

    fn free(&mut self, address: u64, by: CallerId, in_realloc: bool) {
        let met = self.trace.live.free(address, self.line);
        if met.late == Freed::Live && met.lost == Freed::Live {
            return;
        }
        for (kind, freed) in [
            (FaultKind::DoubleFree, Freed::Again),
            (FaultKind::FreeOfUnknown, Freed::Unknown),
        ] {
            self.fault(kind, by, met.late == freed, met.lost == freed);
        }
        if self.options.keep_unknown_frees {
            let line = self.line;
            let free = UnknownFree {
                line,
                address,
                by,
                in_realloc,
            };
            self.trace.unknown_frees.push((free, met));
        }
    }

    fn fault(&mut self, kind: FaultKind, caller: CallerId, late: bool, lost: bool) {
        if !late && !lost {
            return;
        }
        let seen = self.trace.faults.entry((kind, caller)).or_default();
        if late {
            seen.late.note(self.line);
        }
        if lost {
            seen.lost.note(self.line);
        }
    }

    /// The id of a caller; `None` for what cannot be one, such as `0x1233]`, half a caller of another
    /// process.
    fn caller(&mut self, text: &[u8]) -> Option<CallerId> {
        if let Some(&id) = self.ids.get(text) {
            return Some(id);
        }
        // No path has a NUL byte: what stands before it was not written with this line.
        if let Some(nul) = memchr::memrchr(0, text) {
            self.trace.anomalies.nul_bytes.note(self.line);
            let behind = &text[nul + 1..];
            return self.caller(behind.strip_prefix(b"@ ").unwrap_or(behind));
        }
        let parsed = Caller::parse(text);
        if !text.is_empty() && parsed.address.is_none() && parsed.symbol.is_none() {
            return None;
        }
        // 2^32 distinct callers would not fit into memory as texts, long before the id wraps.
        let id = CallerId(self.trace.callers.len() as u32);
        self.trace.callers.push(CallerEntry {
            text: text.into(),
            allocations: 0,
            records: 0,
            first_line: self.line,
            is: id,
        });
        self.ids.insert(text.into(), id);
        Some(id)
    }

    /// Callers like `progress 10%@ ./app:[0x1]` or `./app:[0x12@ ./app:[0x1]`: another writer's text, or
    /// half a line of another process, stands before a line of the log. Since a path can hold `@ `
    /// too, a caller is only parted where what is left is of a file that the log knows otherwise.
    fn part_glued_callers(&mut self) {
        let glued: Vec<CallerId> = (0..self.trace.callers.len() as u32)
            .map(CallerId)
            .filter(|id| last_mark(&self.trace.callers[id.0 as usize].text).is_some())
            .collect();
        if glued.is_empty() {
            return;
        }
        let whole = self
            .trace
            .callers
            .iter()
            .filter(|entry| last_mark(&entry.text).is_none());
        let files: HashSet<Vec<u8>> = whole
            .filter_map(|entry| Caller::parse(&entry.text).file.map(<[u8]>::to_vec))
            .collect();
        for id in glued {
            let entry = &self.trace.callers[id.0 as usize];
            let (records, line) = (entry.records, entry.first_line);
            let behind = entry.text[last_mark(&entry.text).unwrap_or(0)..].to_vec();
            let behind = behind.strip_prefix(b"@ ").unwrap_or(&behind);
            let file = Caller::parse(behind).file;
            if !file.is_some_and(|file| files.contains(file)) {
                continue;
            }
            self.line = line;
            let Some(is) = self.caller(behind) else {
                continue;
            };
            self.trace.callers[id.0 as usize].is = is;
            let interleaved = &mut self.trace.anomalies.interleaved;
            interleaved.count += records;
            let first = interleaved.first_line.unwrap_or(line);
            interleaved.first_line = Some(first.min(line));
        }
    }
}

/// Where the last `@ ` begins that is not at the beginning of the text.
fn last_mark(text: &[u8]) -> Option<usize> {
    memchr::memmem::rfind(text, b"@ ").filter(|&at| at > 0)
}

#[cfg(test)]
mod tests {
    use super::super::live::Reuse;
    use super::super::outcome::{CallerStats, Tally};
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
        let counts = [
            anomalies.unknown_frees.count,
            anomalies.double_frees.count,
            anomalies.failed_allocations.count,
            anomalies.failed_reallocations.count,
            anomalies.starts.count,
            anomalies.truncated_tail.count,
        ];
        assert_eq!(counts, [1, 0, 1, 1, 1, 0]);
        assert_eq!((trace.records, trace.lines), (8, 10));
        assert!(!anomalies.missing_end);
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
                of_cut.anomalies(Reuse::FreeLost).truncated_tail.count,
                u64::from(cut != whole.len()),
                "cut at {cut}"
            );
        }
    }

    #[test]
    fn malformed_lines_are_counted_with_the_first_ones_number() {
        let trace =
            read("= Start\n@ a:[0x1] + 0x10 0x18\nDEBUG: hello\n\n@ a:[0x1] + 0x20 0xzz\n= End");
        let anomalies = trace.anomalies(Reuse::FreeLost);
        assert_eq!(
            (anomalies.malformed.count, anomalies.malformed.first_line),
            (2, Some(3))
        );
        assert_eq!(anomalies.malformed_quote, "DEBUG: hello");
        assert_eq!(
            (anomalies.blank.count, anomalies.blank.first_line),
            (1, Some(4))
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

    #[test]
    fn another_writers_text_before_a_line_is_parted_from_it() {
        let trace = read(
            "= Start\n@ ./a:[0x1] + 0x10 0x18\nprogress 10%@ ./a:[0x1] + 0x20 0x18\n@ ./a:[0x12@ ./a:[0x2] + 0x30 0x18\n\
             progress 20%@ ./a:[0x1] - 0x10\n= End\n",
        );
        let anomalies = trace.anomalies(Reuse::FreeLoggedLate);
        assert_eq!(
            (
                anomalies.interleaved.count,
                anomalies.interleaved.first_line
            ),
            (3, Some(3))
        );
        assert_eq!(anomalies.malformed.count, 0);
        let stats = trace.stats(Reuse::FreeLoggedLate);
        let own: Vec<(u64, u64)> = trace
            .own_callers()
            .map(|(id, caller)| (caller.address.unwrap(), stats[id.0 as usize].live.blocks))
            .collect();
        assert_eq!(own, [(1, 1), (2, 1)]);
    }

    #[test]
    fn a_path_with_the_mark_in_it_is_left_whole() {
        let trace = read("@ ./x@ y:[0x1] + 0x10 0x18\n@ ./x@ y:[0x2] + 0x20 0x18\n");
        assert_eq!(trace.own_callers().count(), 2);
        assert!(trace.own_callers().all(|(_, c)| c.file == Some(b"./x@ y")));
        assert_eq!(trace.anomalies(Reuse::FreeLost).interleaved.count, 0);
    }

    #[test]
    fn a_record_behind_a_hole_of_nul_bytes_counts() {
        for hole in [1, 10, 200_000] {
            let log = format!(
                "@ ./a:[0x1] + 0x10 0x18\n{}@ ./a:[0x1] + 0x20 0x18\n",
                "\0".repeat(hole)
            );
            let trace = read(&log);
            let anomalies = trace.anomalies(Reuse::FreeLost);
            assert_eq!(live_of(&trace, Reuse::FreeLost).blocks, 2, "{hole}");
            assert_eq!(
                (anomalies.nul_bytes.count, anomalies.nul_bytes.first_line),
                (1, Some(2))
            );
            assert_eq!(anomalies.malformed.count, 0);
            assert_eq!(trace.own_callers().count(), 1);
        }
    }

    #[test]
    fn carriage_returns_are_counted_and_do_no_harm() {
        let trace = read("= Start\r\n@ ./a:[0x1] + 0x10 0x18\r\n= End\r\n");
        assert_eq!(trace.anomalies(Reuse::FreeLost).carriage_returns.count, 3);
        assert_eq!(
            live_of(&trace, Reuse::FreeLost),
            Tally {
                blocks: 1,
                bytes: 0x18
            }
        );
    }

    #[test]
    fn faults_are_told_by_kind_and_caller() {
        let trace = read(
            "@ a:[0x1] + 0x10 0x8\n@ a:[0x2] - 0x10\n@ a:[0x2] - 0x10\n@ a:[0x3] < 0x10\n@ a:[0x3] > 0x20 0x9\n\
             @ a:[0x4] - 0x99\n@ a:[0x5] + (nil) 0x9\n@ a:[0x6] ! 0x20 0x9\n",
        );
        let faults: Vec<_> = trace
            .faults(Reuse::FreeLoggedLate)
            .iter()
            .map(|f| {
                (
                    f.kind,
                    trace.caller(f.caller).address.unwrap(),
                    f.seen.count,
                    f.seen.first_line.unwrap(),
                )
            })
            .collect();
        assert_eq!(
            faults,
            [
                (FaultKind::DoubleFree, 2, 1, 3),
                (FaultKind::DoubleFree, 3, 1, 4),
                (FaultKind::FreeOfUnknown, 4, 1, 6),
                (FaultKind::FailedAllocation, 5, 1, 7),
                (FaultKind::FailedReallocation, 6, 1, 8),
            ]
        );
    }

    #[test]
    fn a_read_that_fails_in_the_middle_keeps_what_was_read() {
        struct Broken<'a>(&'a [u8]);
        impl Read for Broken<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                match std::mem::take(&mut self.0) {
                    b"" => Err(io::Error::other("corrupt stream")),
                    text => {
                        buffer[..text.len()].copy_from_slice(text);
                        Ok(text.len())
                    }
                }
            }
        }
        let trace = replay(
            Broken(b"@ a:[0x1] + 0x10 0x8\n@ a:[0x1] + 0x2"),
            ReplayOptions::default(),
        )
        .unwrap();
        assert_eq!(live_of(&trace, Reuse::FreeLost).blocks, 1);
        assert_eq!(
            trace.anomalies(Reuse::FreeLost).read_error.as_deref(),
            Some("corrupt stream")
        );
        assert!(replay(Broken(b""), ReplayOptions::default()).is_err());
    }
}
