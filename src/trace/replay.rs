//! Replaying a log: what each caller allocated, and what of it is live at the end.
//!
//! A log is read in rounds. Each round parses some pieces of the text at the same time, gives the
//! callers that are new in them their numbers in order of the log, and then replays what concerns one
//! part of all addresses after the other, or at the same time: what happens at one address has no
//! influence on another. Meanwhile the text of the next round is read. So the figures are the same
//! with any number of threads, and memory does not grow with the log.

use std::io::{self, Read};

use rayon::prelude::*;

use super::anomalies::Anomalies;
use super::block::{Block, CallerId, LocalCaller};
use super::caller_texts::Texts;
use super::changes::{Curves, shift_for, stretch_of};
use super::delta::Delta;
use super::live::{Ended, Freed, Met, Occurrences, SHARDS};
use super::outcome::{FaultKind, Faults, Shard, Trace, UnknownFree};
use super::parse::{Action, Parser, Step};
use super::parted::Parted;
use super::reader::{Piece, Pieces};
use super::seen::Seen;
use super::sizes;
use super::torn::TornCallers;
use crate::warning::ReadFailure;

/// What to keep beside the figures.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReplayOptions {
    /// Keep every free that met no block, not only their number.
    pub keep_unknown_frees: bool,
}

/// How a log is cut up. It changes nothing in what comes out.
#[derive(Debug, Clone, Copy)]
pub struct Rounds {
    /// Bytes of text that one task parses.
    pub piece: usize,
    /// Pieces that are parsed at the same time.
    pub pieces: usize,
}

impl Rounds {
    /// One piece a thread. A piece and its steps stay in the cache of a core; more pieces than
    /// [`MOST`](Self::MOST) would make the memory that a log takes depend on the machine.
    fn of_this_machine() -> Self {
        Rounds {
            piece: 128 * 1024,
            pieces: rayon::current_num_threads().clamp(1, Self::MOST),
        }
    }

    const MOST: usize = 16;
}

/// Reads a log to its end. Lines that are none are counted, never fatal; and where reading fails
/// in the middle, what was read before counts, and `Anomalies::read_error` says so.
pub fn replay(log: impl Read + Send, options: ReplayOptions) -> io::Result<Trace> {
    // Outside of the pool every round would be handed over to it and waited for.
    rayon::scope(|_| replay_in(Rounds::of_this_machine(), log, options))
}

/// The same, cut up as the caller wants it.
pub fn replay_in(
    rounds: Rounds,
    log: impl Read + Send,
    options: ReplayOptions,
) -> io::Result<Trace> {
    let mut pieces = Pieces::new(log, rounds.piece);
    let mut replay = Replay::new(rounds, options);
    let mut next: Vec<Piece> = replay.lanes.iter().map(|_| Piece::default()).collect();
    read_round(&mut pieces, &mut next);
    while next.first().is_some_and(|piece| !piece.is_empty()) {
        replay.swap_pieces(&mut next);
        rayon::join(|| replay.round(), || read_round(&mut pieces, &mut next));
    }
    match pieces.failed {
        Some(error) if replay.records == 0 => Err(error),
        failed => Ok(replay.finish(failed)),
    }
}

fn read_round<R: Read>(pieces: &mut Pieces<R>, round: &mut [Piece]) {
    round.iter_mut().for_each(|piece| pieces.next(piece));
}

/// One of the pieces of a round, and the parser that takes this place in every round.
#[derive(Default)]
struct Lane {
    piece: Piece,
    parser: Parser,
    /// The log's numbers of the callers that are new in the piece.
    new_callers: Vec<CallerId>,
    /// How many lines of the log stand before the piece.
    lines_before: u64,
}

impl Lane {
    fn caller(&self, local: LocalCaller) -> CallerId {
        match self.parser.index_of_new(local) {
            None => CallerId(local.0),
            Some(new) => self.new_callers[new],
        }
    }
}

struct Replay {
    lanes: Vec<Lane>,
    shards: Vec<Shard>,
    /// Of the callers, numbered in order of the log.
    texts: Texts,
    /// By the callers' numbers.
    first_lines: Vec<u64>,
    seen: Vec<Seen>,
    faults: Faults,
    anomalies: Anomalies,
    late: Curves,
    lost: Curves,
    records: u64,
    wide_addresses: u64,
    lines: u64,
    /// Blank ones too.
    all_lines: u64,
    /// Stretches of the curves have 2^`shift` lines.
    shift: u32,
    ended: bool,
    options: ReplayOptions,
}

/// So many sums of stretches are kept apart by shard, before the callers' curves take them over: some MiB.
const MOST_SUMS_WAITING: usize = 1 << 16;

impl Replay {
    fn new(rounds: Rounds, options: ReplayOptions) -> Self {
        Replay {
            lanes: (0..rounds.pieces.max(1)).map(|_| Lane::default()).collect(),
            shards: (0..SHARDS).map(|_| Shard::default()).collect(),
            texts: Texts::default(),
            first_lines: Vec::new(),
            seen: Vec::new(),
            faults: Faults::default(),
            anomalies: Anomalies::default(),
            late: Curves::default(),
            lost: Curves::default(),
            records: 0,
            wide_addresses: 0,
            lines: 0,
            all_lines: 0,
            shift: 0,
            ended: false,
            options,
        }
    }

    fn swap_pieces(&mut self, next: &mut [Piece]) {
        for (lane, piece) in self.lanes.iter_mut().zip(next) {
            std::mem::swap(&mut lane.piece, piece);
        }
    }

    fn round(&mut self) {
        let (lanes, known) = (self.lanes.par_iter_mut(), &self.texts);
        lanes.for_each(|lane| lane.parser.parse(&lane.piece, known));
        for index in 0..self.lanes.len() {
            self.count(index);
        }
        self.make_stretches_for(self.all_lines);
        let (lanes, options, shift) = (&self.lanes, self.options, self.shift);
        let shards = self.shards.par_iter_mut().enumerate();
        shards.for_each(|(index, shard)| {
            for lane in lanes {
                let steps = &lane.parser.parsed().steps[index];
                steps
                    .iter()
                    .for_each(|step| shard.step(step, lane, shift, options));
            }
        });
        let waiting = |shard: &Shard| shard.late.waiting() + shard.lost.waiting();
        if self.shards.iter().map(waiting).sum::<usize>() > MOST_SUMS_WAITING {
            for shard in &mut self.shards {
                self.late.absorb(&mut shard.late);
                self.lost.absorb(&mut shard.lost);
            }
        }
    }

    /// Sees to it that so many lines are not too many stretches.
    fn make_stretches_for(&mut self, lines: u64) {
        let by = shift_for(lines).saturating_sub(self.shift);
        if by == 0 {
            return;
        }
        self.absorb_curves();
        for curves in [&mut self.late, &mut self.lost] {
            curves.coarsen(by);
        }
        for shard in &mut self.shards {
            shard.late.coarsen(by);
            shard.lost.coarsen(by);
        }
        self.shift += by;
    }

    fn absorb_curves(&mut self) {
        for shard in &mut self.shards {
            self.late.absorb_all(&mut shard.late);
            self.lost.absorb_all(&mut shard.lost);
        }
    }

    /// Takes over what a piece comes to but for its steps. Pieces are counted in order of the log.
    fn count(&mut self, index: usize) {
        let lane = &mut self.lanes[index];
        let before = self.all_lines;
        lane.lines_before = before;
        let parsed = lane.parser.parsed();
        lane.new_callers.clear();
        for &(local, line) in &parsed.new_callers {
            let text = lane.parser.new_text(local);
            let hash = self.texts.hash(text);
            // Another piece of the round can have had it before.
            let number = self.texts.find(hash, text).unwrap_or_else(|| {
                self.first_lines.push(before + u64::from(line));
                self.seen.push(Seen::default());
                self.texts.add(hash, text)
            });
            lane.new_callers.push(CallerId(number));
        }
        for &(kind, local, line) in &parsed.failures {
            let caller = lane.caller(local);
            self.faults
                .note(kind, caller, before + u64::from(line), true, true);
        }
        self.anomalies.absorb(&parsed.anomalies, before);
        self.records += parsed.records;
        self.wide_addresses += parsed.wide_addresses;
        self.lines += parsed.lines;
        self.all_lines += parsed.all_lines;
        self.ended = parsed.ended.unwrap_or(self.ended);
        for line in parsed.torn.iter().map(|line| before + u64::from(*line)) {
            // A log that begins in the middle of a line lacks its beginning, and nothing else.
            if line > 1 {
                self.anomalies.torn.note(line);
            }
        }
        for (local, seen) in lane.parser.take_seen() {
            self.seen[lane.caller(local).0 as usize].add(seen);
        }
    }

    /// `failed` is what kept the log from being read to its end.
    fn finish(mut self, failed: Option<io::Error>) -> Trace {
        self.absorb_curves();
        self.late.finish();
        self.lost.finish();
        // What follows has no need of the pieces and of what they were parsed to.
        self.lanes.clear();
        let parted = Parted::new(&self.texts);
        let mut allocated = vec![0; parted.callers.iter().len()];
        let mut sizes = vec![sizes::Seen::default(); allocated.len()];
        for (seen, is) in self.seen.iter().zip(&parted.is) {
            allocated[is.0 as usize] += seen.allocations;
            sizes[is.0 as usize].add(seen.sizes);
        }
        let mut anomalies = Anomalies {
            missing_start: begins_before_its_start(&self.first_lines, &self.anomalies),
            missing_end: !self.ended,
            read_error: failed.as_ref().map(ReadFailure::of),
            ..self.anomalies
        };
        for &number in &parted.glued {
            let glued = Occurrences {
                count: self.seen[number].records,
                first_line: Some(self.first_lines[number]),
            };
            anomalies.interleaved.absorb(glued, 0);
        }
        let torn = TornCallers {
            texts: &self.texts,
            first_lines: &self.first_lines,
            seen: &self.seen,
            glued: &parted.glued,
        };
        torn.note(&mut anomalies, self.records);
        let (mut live, mut unknown_frees) = (Vec::new(), Vec::new());
        for mut shard in self.shards {
            self.faults.absorb(shard.faults);
            unknown_frees.append(&mut shard.unknown_frees);
            live.push(shard.live);
        }
        unknown_frees.sort_unstable_by_key(|(free, _)| free.line);
        Trace {
            callers: parted.callers,
            is: parted.is,
            allocated,
            sizes,
            live,
            faults: self.faults,
            unknown_frees,
            anomalies,
            late: self.late,
            lost: self.lost,
            all_lines: self.all_lines,
            records: self.records,
            wide_addresses: self.wide_addresses,
            lines: self.lines,
        }
    }
}

fn begins_before_its_start(first_lines: &[u64], anomalies: &Anomalies) -> bool {
    match (anomalies.starts.first_line, first_lines.iter().min()) {
        (Some(start), Some(record)) => *record < start,
        (start, _) => start.is_none(),
    }
}

impl Shard {
    #[inline]
    fn step(&mut self, step: &Step, lane: &Lane, shift: u32, options: ReplayOptions) {
        let line = lane.lines_before + u64::from(step.line());
        match step.action() {
            Action::Allocate => {
                let caller = lane.caller(step.caller);
                let block = Block {
                    caller,
                    size: step.size,
                };
                let ended = self.live.allocate(step.address, block, line);
                let stretch = stretch_of(line, shift);
                self.late.note(stretch, caller, Delta::begins(block));
                self.ended(ended, stretch);
            }
            action @ (Action::Free | Action::FreeInRealloc) => {
                let (met, ended) = self.live.free(step.address, line);
                self.ended(ended, stretch_of(line, shift));
                if met.late != Freed::Live || met.lost != Freed::Live {
                    let free = UnknownFree {
                        line,
                        address: step.address,
                        by: lane.caller(step.caller),
                        in_realloc: action == Action::FreeInRealloc,
                    };
                    self.unknown_free(free, met, options);
                }
            }
        }
    }

    #[inline]
    fn ended(&mut self, ended: Ended, stretch: u64) {
        let (block, late, on_top) = match ended {
            Ended::Nothing => return,
            Ended::Block(block) => {
                return self.late.note(stretch, block.caller, Delta::ends(block));
            }
            Ended::IfLate(block) => (block, Delta::ends(block), Delta::ends(block).negated()),
            Ended::IfLost(block) => (block, Delta::default(), Delta::ends(block)),
        };
        self.late.note(stretch, block.caller, late);
        self.lost.note(stretch, block.caller, on_top);
    }

    #[cold]
    fn unknown_free(&mut self, free: UnknownFree, met: Met, options: ReplayOptions) {
        for (kind, freed) in [
            (FaultKind::DoubleFree, Freed::Again),
            (FaultKind::FreeOfUnknown, Freed::Unknown),
            (FaultKind::FreeOfUnknown, Freed::Unsure),
        ] {
            let (late, lost) = (met.late == freed, met.lost == freed);
            self.faults.note(kind, free.by, free.line, late, lost);
        }
        if options.keep_unknown_frees {
            self.unknown_frees.push((free, met));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::block::Tally;
    use super::super::live::Reuse;
    use super::super::outcome::CallerStats;
    use super::super::sizes::Sizes;
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
        trace
            .settle(reuse)
            .stats()
            .iter()
            .for_each(|s| sum.add(s.live));
        sum
    }

    #[test]
    fn a_small_log_by_hand() {
        let trace = read(
            "= Start\n@ a:[0x1] + 0x10 0x18\n@ a:[0x1] + 0x20 0x18\n@ a:[0x2] - 0x10\n\
             @ b:[0x3] < 0x20\n@ b:[0x3] > 0x30 0x3e8\n@ b:[0x4] + (nil) 0x40000000\n\
             @ b:[0x4] ! 0x30 0x7fffffffffff\n@ a:[0x2] - 0x99\n= End\n",
        );
        let stats = trace.settle(Reuse::FreeLoggedLate).stats();
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
        // What was freed counts, what only frees and what failed does not.
        let sizes = [Some(Sizes::one(0x18)), None, Some(Sizes::one(0x3e8)), None];
        assert_eq!(trace.settle(Reuse::FreeLost).sizes(), sizes);
        let anomalies = trace.settle(Reuse::FreeLoggedLate).anomalies();
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
        let outcome = trace.settle(Reuse::FreeLoggedLate);
        let unknown: Vec<_> = outcome.unknown_frees().collect();
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
                of_cut
                    .settle(Reuse::FreeLost)
                    .anomalies()
                    .truncated_tail
                    .count,
                u64::from(cut != whole.len()),
                "cut at {cut}"
            );
        }
    }

    #[test]
    fn malformed_lines_are_counted_with_the_first_ones_number() {
        let trace =
            read("= Start\n@ a:[0x1] + 0x10 0x18\nDEBUG: hello\n\n@ a:[0x1] + 0x20 0xzz\n= End");
        let anomalies = trace.settle(Reuse::FreeLost).anomalies();
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
        let anomalies = trace.settle(Reuse::FreeLoggedLate).anomalies();
        assert_eq!(
            (
                anomalies.interleaved.count,
                anomalies.interleaved.first_line
            ),
            (3, Some(3))
        );
        assert_eq!(anomalies.malformed.count, 0);
        let stats = trace.settle(Reuse::FreeLoggedLate).stats();
        let own: Vec<(u64, u64)> = trace
            .callers
            .iter()
            .zip(&stats)
            .map(|(caller, stats)| (caller.address.unwrap(), stats.live.blocks))
            .collect();
        assert_eq!(own, [(1, 1), (2, 1)]);
    }

    #[test]
    fn a_path_with_the_mark_in_it_is_left_whole() {
        let trace = read("@ ./x@ y:[0x1] + 0x10 0x18\n@ ./x@ y:[0x2] + 0x20 0x18\n");
        assert_eq!(trace.callers.iter().len(), 2);
        assert!(trace.callers.iter().all(|c| c.file == Some(b"./x@ y")));
        assert_eq!(
            trace.settle(Reuse::FreeLost).anomalies().interleaved.count,
            0
        );
    }

    #[test]
    fn a_record_behind_a_hole_of_nul_bytes_counts() {
        for hole in [1, 10, 200_000] {
            let log = format!(
                "@ ./a:[0x1] + 0x10 0x18\n{}@ ./a:[0x1] + 0x20 0x18\n",
                "\0".repeat(hole)
            );
            let trace = read(&log);
            let anomalies = trace.settle(Reuse::FreeLost).anomalies();
            assert_eq!(live_of(&trace, Reuse::FreeLost).blocks, 2, "{hole}");
            assert_eq!(
                (anomalies.nul_bytes.count, anomalies.nul_bytes.first_line),
                (1, Some(2))
            );
            assert_eq!(anomalies.malformed.count, 0);
            assert_eq!(trace.callers.iter().len(), 1);
        }
    }

    #[test]
    fn carriage_returns_are_counted_and_do_no_harm() {
        let trace = read("= Start\r\n@ ./a:[0x1] + 0x10 0x18\r\n= End\r\n");
        assert_eq!(
            trace
                .settle(Reuse::FreeLost)
                .anomalies()
                .carriage_returns
                .count,
            3
        );
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
            .settle(Reuse::FreeLoggedLate)
            .faults()
            .iter()
            .map(|f| {
                (
                    f.kind,
                    trace.callers.get(f.caller).address.unwrap(),
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
        let settled = trace.settle(Reuse::FreeLost);
        let failure = settled.anomalies().read_error.clone().unwrap();
        assert_eq!(
            (failure.reason.as_str(), failure.is_cut),
            ("corrupt stream", false)
        );
        assert!(replay(Broken(b""), ReplayOptions::default()).is_err());
    }
}
