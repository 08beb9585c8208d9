//! From the lines of a piece to steps of the replay.
//!
//! Pieces are parsed at the same time, so nothing here knows what stands before its piece: lines are
//! counted from the piece's first, and callers that are new have numbers of the parser's own.

use super::anomalies::Anomalies;
use super::block::LocalCaller;
use super::caller_texts::{Texts, kept};
use super::fault::FaultKind;
use super::guess::Guess;
use super::line::{Event, Line, LogCaller, Record, last_mark};
use super::live::{SHARDS, shard_of};
use super::reader::{LONGEST_LINE, Piece, RawLine};
use super::seen::{CallerSeen, SeenInPiece};
use super::torn::{is_half_record, lacks_beginning};
use crate::hex;
use crate::printable::printable_bytes;

/// What a record does to the block at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// There is a block now.
    Allocate,
    /// There is none any more.
    Free,
    /// realloc gives the block back; in the replay a free like any other.
    FreeInRealloc,
    /// What realloc gives for it; the free stands in the line before.
    AllocateInRealloc,
}

impl Action {
    #[inline]
    pub(crate) fn is_allocation(self) -> bool {
        matches!(self, Action::Allocate | Action::AllocateInRealloc)
    }
}

/// A record that concerns a block, in 24 bytes.
#[derive(Debug, Clone, Copy)]
pub struct BlockRecord {
    /// Where the block is.
    pub address: u64,
    /// In bytes; 0 unless it allocates.
    pub size: u64,
    /// Who allocates or frees it.
    pub caller: LocalCaller,
    /// The line in the piece, and the action in the lowest two bits: a piece is far from 2^30 lines.
    line_and_action: u32,
}

impl BlockRecord {
    fn new(line: u32, action: Action, caller: LocalCaller, address: u64, size: u64) -> Self {
        BlockRecord {
            address,
            size,
            caller,
            line_and_action: line << 2 | action as u32,
        }
    }

    /// Counted from 1 within the piece.
    #[inline]
    pub fn line(&self) -> u32 {
        self.line_and_action >> 2
    }

    /// What becomes of it.
    #[inline]
    pub fn action(&self) -> Action {
        match self.line_and_action & 3 {
            0 => Action::Allocate,
            1 => Action::Free,
            2 => Action::FreeInRealloc,
            _ => Action::AllocateInRealloc,
        }
    }
}

/// An allocation that failed.
#[derive(Debug, Clone, Copy)]
pub struct Failure {
    pub(crate) kind: FaultKind,
    pub(crate) caller: LocalCaller,
    pub(crate) line: u32,
}

/// What a piece comes to. Line numbers count from the piece's first line.
#[derive(Debug, Default)]
pub struct Parsed {
    /// By [`shard_of`] the address, each in order of the log.
    pub steps: [Vec<BlockRecord>; SHARDS],
    /// Callers that are not known yet, and the line of their first record.
    pub new_callers: Vec<(LocalCaller, u32)>,
    /// Allocations that failed.
    pub failures: Vec<Failure>,
    pub(crate) anomalies: Anomalies,
    /// Half records.
    pub torn: Vec<u32>,
    /// Whether an `= End` came behind the last record; `None` if there is neither.
    pub ended: Option<bool>,
    /// Records of the piece, of whatever kind.
    pub records: u64,
    /// Blocks at addresses of more than 32 bits.
    pub wide_addresses: u64,
    /// All lines, and those of them that are not blank (nor cut off).
    pub all_lines: u64,
    pub(crate) lines: u64,
}

impl Parsed {
    /// Makes room for the next piece, in the memory of the one before.
    fn clear(&mut self) {
        let mut steps = std::mem::take(&mut self.steps);
        steps.iter_mut().for_each(Vec::clear);
        *self = Parsed {
            steps,
            ..Parsed::default()
        };
    }
}

/// Parses one piece after the other.
#[derive(Debug, Default)]
pub struct Parser {
    /// How many callers are known beside those that are new in the piece.
    known: u32,
    /// Their numbers go on where the known ones end.
    new: Texts,
    seen: SeenInPiece,
    guess: Guess,
    parsed: Parsed,
    line: u32,
}

/// A line read at its guess.
struct Guessed {
    caller: LocalCaller,
    action: Action,
    address: u64,
    size: u64,
    /// Of the line with its line feed.
    length: usize,
}

impl Parser {
    /// The last piece that was parsed.
    pub fn parsed(&self) -> &Parsed {
        &self.parsed
    }

    /// The text of a caller that is new in the piece.
    pub fn new_text(&self, caller: LocalCaller) -> &[u8] {
        self.new.text(caller.0 - self.known)
    }

    /// Which of the new ones a caller is, if it is one.
    #[inline]
    pub fn index_of_new(&self, caller: LocalCaller) -> Option<usize> {
        Some(caller.0.checked_sub(self.known)? as usize)
    }

    /// Takes out what callers did in the piece; some come more than once.
    pub fn take_seen(&mut self) -> Vec<(LocalCaller, CallerSeen)> {
        self.seen.take()
    }

    /// Parses a piece of a log whose `known` callers have numbers.
    pub fn parse(&mut self, piece: &Piece, known: &Texts) {
        self.parsed.clear();
        self.line = 0;
        self.known = known.len() as u32;
        self.new.empty_for(known);
        let mut lines = piece.lines();
        let mut guessed = 0;
        // Where the beginning of a line is lost, what is left of it is not to be guessed at.
        if piece.begins_late()
            && let Some(line) = lines.next()
        {
            self.line(line, known);
        }
        while let Some(text) = lines.rest() {
            if let Some(line) = self.guessed(text, known) {
                lines.advance(line.length);
                self.line += 1;
                guessed += 1;
                self.parsed.ended = Some(false);
                self.step(line.caller, line.action, line.address, line.size);
            } else if let Some(line) = lines.next() {
                self.line(line, known);
            }
        }
        self.parsed.lines += guessed;
        self.parsed.records += guessed;
        self.parsed.all_lines = u64::from(self.line);
    }

    /// The line that a text begins with, if it is one of the two callers that are expected, and of the
    /// plain kind. What is read here from the left is what [`Line::parse`] reads from the right: between
    /// the caller and the line feed there is nothing but the operator and its figures.
    #[inline(always)]
    fn guessed(&self, text: &[u8], known: &Texts) -> Option<Guessed> {
        let [first, second] = self.guess.callers();
        // Callers that are new in the piece are not guessed: to look for them, too, costs each line more than it saves.
        let behind = |caller: LocalCaller| text.strip_prefix(known.line_start(caller.0)?);
        let (caller, behind) = match behind(first) {
            Some(behind) => (first, behind),
            None => (second, behind(second)?),
        };
        let ([operator, b' ', b'0', b'x'], figures) = behind.split_first_chunk()? else {
            return None;
        };
        let (address, digits) = hex::figure_at_start(figures)?;
        let (action, size, end) = match (operator, &figures[digits..]) {
            (b'-', [b'\n', ..]) => (Action::Free, 0, digits),
            (b'<', [b'\n', ..]) => (Action::FreeInRealloc, 0, digits),
            (b'+' | b'>', [b' ', b'0', b'x', size @ ..]) => {
                let (value, more) = hex::figure_at_start(size)?;
                if size[more] != b'\n' {
                    return None;
                }
                let action = match operator {
                    b'+' => Action::Allocate,
                    _ => Action::AllocateInRealloc,
                };
                (action, value, digits + 3 + more)
            }
            _ => return None,
        };
        let length = text.len() - figures.len() + end + 1;
        // Such a line is no mtrace line, whoever reads it.
        if length > LONGEST_LINE {
            return None;
        }
        Some(Guessed {
            caller,
            action,
            address,
            size,
            length,
        })
    }

    #[inline]
    fn step(&mut self, caller: LocalCaller, action: Action, address: u64, size: u64) {
        self.guess.was(caller);
        let is_allocation = action.is_allocation();
        self.seen.of(caller).note(size, is_allocation);
        let is_wide = address > u64::from(u32::MAX);
        self.parsed.wide_addresses += u64::from(is_allocation & is_wide);
        let step = BlockRecord::new(self.line, action, caller, address, size);
        self.parsed.steps[shard_of(address)].push(step);
    }

    fn line(&mut self, raw: RawLine<'_>, known: &Texts) {
        self.line += 1;
        let line = u64::from(self.line);
        match raw {
            RawLine::Whole(text) => match Line::parse(text) {
                Line::Record(record) if !text.ends_with(b"\r") => {
                    if lacks_beginning(text) {
                        self.parsed.torn.push(self.line);
                    }
                    self.record(record, text, known);
                }
                Line::Blank => {
                    self.note_carriage_return(text);
                    return self.parsed.anomalies.blank.note(line);
                }
                Line::Malformed => {
                    self.note_carriage_return(text);
                    if is_half_record(text) {
                        self.parsed.torn.push(self.line);
                    }
                    self.malformed(text, known);
                }
                line => {
                    self.note_carriage_return(text);
                    self.good_line(line, text, known);
                }
            },
            RawLine::TooLong(text) => {
                self.parsed.anomalies.overlong.note(line);
                self.malformed(text, known);
            }
            // Whether figures are whole cannot be told without the line end, so none is believed.
            RawLine::Tail(text) => match Line::parse(text) {
                Line::End => self.end(),
                Line::Blank => return,
                _ => return self.parsed.anomalies.truncated_tail.note(line),
            },
        }
        self.parsed.lines += 1;
    }

    #[cold]
    fn note_carriage_return(&mut self, text: &[u8]) {
        if text.ends_with(b"\r") {
            let line = u64::from(self.line);
            self.parsed.anomalies.carriage_returns.note(line);
        }
    }

    /// `text` is what to quote where the record turns out to have no caller that can be.
    fn good_line(&mut self, line: Line<'_>, text: &[u8], known: &Texts) {
        match line {
            Line::Record(record) => self.record(record, text, known),
            Line::Start => self.parsed.anomalies.starts.note(u64::from(self.line)),
            Line::End => self.end(),
            Line::Blank | Line::Malformed => {}
        }
    }

    fn end(&mut self) {
        self.parsed.ended = Some(true);
        self.parsed.anomalies.ends.note(u64::from(self.line));
    }

    /// A line that cannot be read as it stands; behind a hole of NUL bytes there can be one that can.
    #[cold]
    fn malformed(&mut self, text: &[u8], known: &Texts) {
        let number = u64::from(self.line);
        let anomalies = &mut self.parsed.anomalies;
        if let Some(nul) = memchr::memrchr(0, text) {
            anomalies.nul_bytes.note(number);
            let behind = &text[nul + 1..];
            let line = Line::parse(behind);
            if !matches!(line, Line::Blank | Line::Malformed) {
                return self.good_line(line, behind, known);
            }
        } else if let Some(at) = last_mark(text)
            && let line @ Line::Record(_) = Line::parse(&text[at..])
        {
            anomalies.interleaved.note(number);
            return self.good_line(line, &text[at..], known);
        }
        let anomalies = &mut self.parsed.anomalies;
        anomalies.malformed.note(number);
        if anomalies.malformed.count == 1 {
            anomalies.malformed_quote = quote(text);
        }
    }

    fn record(&mut self, record: Record<'_>, text: &[u8], known: &Texts) {
        let Some(caller) = self.caller(record.caller, known) else {
            if is_half_record(text) {
                self.parsed.torn.push(self.line);
            }
            return self.malformed(text, known);
        };
        self.parsed.records += 1;
        self.parsed.ended = Some(false);
        match record.event {
            Event::Allocated { address, size } => {
                self.step(caller, Action::Allocate, address, size);
            }
            Event::ReallocatedTo { address, size } => {
                self.step(caller, Action::AllocateInRealloc, address, size);
            }
            Event::Freed { address } => self.step(caller, Action::Free, address, 0),
            Event::ReallocatedFrom { address } => {
                self.step(caller, Action::FreeInRealloc, address, 0);
            }
            Event::AllocationFailed { .. } => self.failed(FaultKind::FailedAllocation, caller),
            Event::ReallocationFailed { .. } => self.failed(FaultKind::FailedReallocation, caller),
        }
    }

    #[cold]
    fn failed(&mut self, kind: FaultKind, caller: LocalCaller) {
        self.seen.of(caller).note(0, false);
        let anomalies = &mut self.parsed.anomalies;
        let counts = match kind {
            FaultKind::FailedAllocation => &mut anomalies.failed_allocations,
            _ => &mut anomalies.failed_reallocations,
        };
        counts.note(u64::from(self.line));
        let line = self.line;
        self.parsed.failures.push(Failure { kind, caller, line });
    }

    /// The number of a caller; `None` for what cannot be one, such as `0x1233]`, half a caller of
    /// another process.
    fn caller(&mut self, text: &[u8], known: &Texts) -> Option<LocalCaller> {
        let kept = &*kept(text);
        let hash = known.hash(kept);
        if let Some(id) = known.find(hash, kept) {
            return Some(LocalCaller(id));
        }
        if let Some(new) = self.new.find(hash, kept) {
            return Some(LocalCaller(self.known + new));
        }
        // No path has a NUL byte: what stands before it was not written with this line.
        if let Some(nul) = memchr::memrchr(0, text) {
            let line = u64::from(self.line);
            self.parsed.anomalies.nul_bytes.note(line);
            let behind = &text[nul + 1..];
            return self.caller(behind.strip_prefix(b"@ ").unwrap_or(behind), known);
        }
        let parsed = LogCaller::parse(kept);
        if !kept.is_empty() && parsed.address.is_none() && parsed.symbol.is_none() {
            return None;
        }
        let id = LocalCaller(self.known + self.new.add(hash, kept));
        self.parsed.new_callers.push((id, self.line));
        Some(id)
    }
}

/// The beginning of a line, as it can be shown; what is escaped takes no more room than what is not.
fn quote(text: &[u8]) -> String {
    const LONGEST: usize = 80;
    let shown = printable_bytes(&text[..text.len().min(LONGEST)]);
    match shown.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &shown[..end]),
        None => shown,
    }
}

#[cfg(test)]
mod quote_tests {
    use super::quote;

    #[test]
    fn a_quote_of_zeros_is_no_longer_than_one_of_letters() {
        assert_eq!(quote(b"DEBUG: hello"), "DEBUG: hello");
        assert_eq!(quote(&[b'x'; 200]), "x".repeat(80));
        let zeros = quote(&[0; 200]);
        assert!(zeros.starts_with("\\u{0}\\u{0}") && zeros.ends_with('…'));
        assert_eq!(zeros.chars().count(), 81);
    }
}
