//! Replaying a log: what each caller allocated, and what of it is live at the end.
//!
//! A log is read in rounds. Each round parses some pieces of the text at the same time, gives the
//! callers that are new in them their numbers in order of the log, and then replays what concerns one
//! part of all addresses after the other, or at the same time: what happens at one address has no
//! influence on another. Meanwhile the text of the next round is read. So the figures are the same
//! with any number of threads, and memory does not grow with the log.

use std::io::{self, Read};

use rayon::prelude::*;

use super::allocations::AllocationsSeen;
use super::anomalies::Anomalies;
use super::block::CallerId;
use super::caller_texts::Texts;
use super::changes::{Curves, Sampler, shift_for};
use super::fault::Faults;
use super::lane::Lane;
use super::live::SHARDS;
use super::lives::{AllLives, LivesSampler};
use super::meeting::meet;
use super::outcome::Trace;
use super::parted::Parted;
use super::reader::{Piece, Pieces};
use super::reuse::Occurrences;
use super::seen::CallerSeen;
use super::shard::Shard;
use super::sizes::SizesSeen;
use super::stop::Length;
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
        let pieces = rayon::current_num_threads().clamp(1, Self::MOST);
        // Threads wait for each other in every round, which longer pieces make worth it; of many, short ones are enough.
        let piece = match pieces {
            1 => Self::SHORT_PIECE,
            _ => (Self::MOST_TEXT / pieces).clamp(Self::SHORT_PIECE, Self::LONG_PIECE),
        };
        Rounds { piece, pieces }
    }

    const SHORT_PIECE: usize = 128 * 1024;
    const LONG_PIECE: usize = 256 * 1024;
    /// Bytes of a round.
    const MOST_TEXT: usize = Self::MOST * Self::SHORT_PIECE;

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
    let mut round: Vec<Piece> = replay.lanes.iter().map(|_| Piece::default()).collect();
    read_round(&mut pieces, &mut round);
    while round.first().is_some_and(|piece| !piece.is_empty()) {
        replay.parse(&round);
        // What was parsed has no need of its text.
        meet(
            || replay.replay_steps(),
            || read_round(&mut pieces, &mut round),
        );
    }
    match pieces.failed {
        Some(error) if replay.records == 0 => Err(error),
        failed => Ok(replay.finish(failed)),
    }
}

fn read_round<R: Read>(pieces: &mut Pieces<R>, round: &mut [Piece]) {
    round.iter_mut().for_each(|piece| pieces.next(piece));
}

struct Replay {
    lanes: Vec<Lane>,
    shards: Vec<Shard>,
    /// Of the callers, numbered in order of the log.
    texts: Texts,
    /// By the callers' numbers.
    first_lines: Vec<u64>,
    seen: Vec<CallerSeen>,
    faults: Faults,
    anomalies: Anomalies,
    late: Curves,
    lost: Curves,
    lives: AllLives,
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
            lives: AllLives::default(),
            records: 0,
            wide_addresses: 0,
            lines: 0,
            all_lines: 0,
            shift: 0,
            ended: false,
            options,
        }
    }

    fn parse(&mut self, round: &[Piece]) {
        let (lanes, known) = (self.lanes.par_iter_mut().zip(round), &self.texts);
        lanes.for_each(|(lane, piece)| lane.parser.parse(piece, known));
        for index in 0..self.lanes.len() {
            self.count(index);
        }
        self.make_stretches_for(self.all_lines);
    }

    fn replay_steps(&mut self) {
        let (lanes, options, shift) = (&self.lanes, self.options, self.shift);
        let shards = self.shards.par_iter_mut().enumerate();
        shards.for_each(|(index, shard)| {
            for lane in lanes {
                let steps = &lane.parser.parsed().steps[index];
                shard.replay(steps, lane, shift, options.keep_unknown_frees);
            }
        });
        let waiting =
            |shard: &Shard| shard.late.waiting() + shard.lost.waiting() + shard.lives.waiting();
        if self.shards.iter().map(waiting).sum::<usize>() > MOST_SUMS_WAITING {
            self.take_over(Curves::absorb, AllLives::absorb);
        }
    }

    /// Sees to it that so many lines are not too many stretches.
    fn make_stretches_for(&mut self, lines: u64) {
        let by = shift_for(lines).saturating_sub(self.shift);
        if by == 0 {
            return;
        }
        self.take_over(Curves::absorb_all, AllLives::absorb_all);
        for curves in [&mut self.late, &mut self.lost] {
            curves.coarsen(by);
        }
        self.lives.coarsen(by);
        self.shards.par_iter_mut().for_each(|shard| {
            shard.late.coarsen(by);
            shard.lost.coarsen(by);
            shard.allocations.coarsen(by);
            shard.live.coarsen(by);
        });
        self.shift += by;
    }

    /// Takes over what shards have counted. Curves and lives have nothing to do with each other, and take about as long.
    fn take_over(
        &mut self,
        of_curves: fn(&mut Curves, &mut Sampler),
        of_lives: fn(&mut AllLives, &mut LivesSampler),
    ) {
        let shards = self.shards.iter_mut();
        let shards = shards.map(|shard| ((&mut shard.late, &mut shard.lost), &mut shard.lives));
        let (of_shards, dying): (Vec<_>, Vec<_>) = shards.unzip();
        let (late, lost, lives) = (&mut self.late, &mut self.lost, &mut self.lives);
        rayon::join(
            || {
                for (of_late, of_lost) in of_shards {
                    of_curves(late, of_late);
                    of_curves(lost, of_lost);
                }
            },
            || dying.into_iter().for_each(|dying| of_lives(lives, dying)),
        );
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
                self.seen.push(CallerSeen::default());
                self.texts.add(hash, text)
            });
            lane.new_callers.push(CallerId(number));
        }
        for failure in &parsed.failures {
            let caller = lane.caller(failure.caller);
            let line = before + u64::from(failure.line);
            self.faults.note(failure.kind, caller, line, true, true);
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
        self.take_over(Curves::absorb_all, AllLives::absorb_all);
        rayon::join(
            || [&mut self.late, &mut self.lost].map(Curves::finish),
            || self.lives.finish(),
        );
        // What follows has no need of the pieces and of what they were parsed to.
        self.lanes.clear();
        let parted = Parted::new(&self.texts);
        let mut allocated = vec![0; parted.callers.iter().len()];
        let mut sizes = vec![SizesSeen::default(); allocated.len()];
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
            parted: &parted,
        };
        torn.note(&mut anomalies, self.records);
        let (mut live, mut unknown_frees) = (Vec::new(), Vec::new());
        let mut allocations = AllocationsSeen::default();
        for mut shard in self.shards {
            allocations.add(&shard.allocations);
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
            lives: self.lives,
            length: Length::of(self.all_lines)
                .with_work_until(allocations.nearly_done_at(self.shift).min(self.all_lines)),
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
