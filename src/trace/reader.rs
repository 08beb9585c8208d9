//! A log of any size, cut into pieces of whole lines, and the lines of a piece.

use std::io::{self, Read};

/// A line longer than this is no mtrace line: a path has at most 4096 bytes. Only its end is kept,
/// so that a file without line ends cannot take all memory.
pub const LONGEST_LINE: usize = 64 * 1024;

/// A line of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RawLine<'a> {
    /// A line without its line feed.
    Whole(&'a [u8]),
    /// The end of a line longer than [`LONGEST_LINE`]. A hole of many MB that a truncation left in the
    /// file has a whole line behind it.
    TooLong(&'a [u8]),
    /// What stands behind the last line feed: the writer may have been cut here.
    Tail(&'a [u8]),
}

/// Some lines of a log, one after the other; in use again and again.
#[derive(Debug, Default)]
pub struct Piece {
    text: Vec<u8>,
    /// How much of `text` belongs to the piece.
    end: usize,
    /// The first line has lost its beginning.
    begins_late: bool,
}

impl Piece {
    /// The lines, in order.
    pub fn lines(&self) -> Lines<'_> {
        Lines {
            rest: &self.text[..self.end],
            begins_late: self.begins_late,
        }
    }

    /// Whether it has no line, as at the end of the log.
    pub fn is_empty(&self) -> bool {
        self.end == 0
    }

    /// The piece that its first lines alone would be.
    pub fn first_lines(&self, lines: u64) -> Piece {
        let mut feeds = memchr::memchr_iter(b'\n', &self.text[..self.end]);
        let last = lines.checked_sub(1);
        let end = match last.map(|last| feeds.nth(last as usize)) {
            None => 0,
            Some(Some(feed)) => feed + 1,
            Some(None) => self.end,
        };
        Piece {
            text: self.text[..end].to_vec(),
            end,
            begins_late: self.begins_late,
        }
    }

    /// Whether the first line has lost its beginning.
    pub fn begins_late(&self) -> bool {
        self.begins_late
    }
}

/// The lines of a piece that are left.
#[derive(Debug)]
pub struct Lines<'a> {
    rest: &'a [u8],
    begins_late: bool,
}

impl<'a> Lines<'a> {
    /// The text that begins with the next line, if there is one.
    #[inline]
    pub fn rest(&self) -> Option<&'a [u8]> {
        (!self.rest.is_empty()).then_some(self.rest)
    }

    /// Goes on behind the first `length` bytes, which end with a line.
    #[inline]
    pub fn advance(&mut self, length: usize) {
        self.rest = &self.rest[length..];
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = RawLine<'a>;

    fn next(&mut self) -> Option<RawLine<'a>> {
        let Some(at) = memchr::memchr(b'\n', self.rest) else {
            let tail = std::mem::take(&mut self.rest);
            return (!tail.is_empty()).then_some(RawLine::Tail(tail));
        };
        let line = &self.rest[..at];
        self.rest = &self.rest[at + 1..];
        if std::mem::take(&mut self.begins_late) || line.len() > LONGEST_LINE {
            let end = line.len().saturating_sub(LONGEST_LINE);
            return Some(RawLine::TooLong(&line[end..]));
        }
        Some(RawLine::Whole(line))
    }
}

/// Cuts what it reads into pieces. Only the last one can end within a line.
#[derive(Debug)]
pub struct Pieces<R> {
    input: R,
    size: usize,
    /// What stands behind the last line feed of the piece before.
    carry: Vec<u8>,
    carry_begins_late: bool,
    is_at_end: bool,
    /// Why the input could not be read to its end.
    pub failed: Option<io::Error>,
}

impl<R: Read> Pieces<R> {
    /// Pieces of about `size` bytes, each a line or more.
    pub fn new(input: R, size: usize) -> Self {
        Pieces {
            input,
            // A step counts lines of its piece in 30 bits.
            size: size.clamp(1, 1 << 28),
            carry: Vec::new(),
            carry_begins_late: false,
            is_at_end: false,
            failed: None,
        }
    }

    /// Reads the next piece; behind the end of the input it is empty.
    pub fn next(&mut self, piece: &mut Piece) {
        piece.end = 0;
        piece.begins_late = std::mem::take(&mut self.carry_begins_late);
        let mut filled = self.carry.len();
        piece.text.resize(filled.max(piece.text.len()), 0);
        piece.text[..filled].copy_from_slice(&self.carry);
        self.carry.clear();
        while !self.is_at_end {
            let wanted = filled + self.size;
            if piece.text.len() < wanted {
                // With room for a longer carry, and not for twice as much.
                piece.text.reserve_exact(wanted + 512 - piece.text.len());
                piece.text.resize(wanted, 0);
            }
            let read = self.fill(&mut piece.text[filled..wanted]);
            let end = filled + read;
            let line_feed = memchr::memrchr(b'\n', &piece.text[filled..end]);
            filled = end;
            if let Some(at) = line_feed {
                let start = end - read + at + 1;
                piece.end = start;
                return self.carry_over(&piece.text[start..end]);
            }
            if filled > LONGEST_LINE {
                piece.text.copy_within(filled - LONGEST_LINE..filled, 0);
                filled = LONGEST_LINE;
                piece.begins_late = true;
            }
        }
        // What a failed read broke off is no line.
        if self.failed.is_none() {
            piece.end = filled;
        }
    }

    fn carry_over(&mut self, rest: &[u8]) {
        let kept = &rest[rest.len().saturating_sub(LONGEST_LINE)..];
        self.carry_begins_late = kept.len() < rest.len();
        self.carry.extend_from_slice(kept);
    }

    /// Reads until `buffer` is full or the input ends; a pipe gives a few bytes at a time.
    fn fill(&mut self, buffer: &mut [u8]) -> usize {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.input.read(&mut buffer[filled..]) {
                Ok(0) => {
                    self.is_at_end = true;
                    break;
                }
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.is_at_end = true;
                    self.failed = Some(error);
                    break;
                }
            }
        }
        filled
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trickle::Trickle;

    fn lines_in_pieces(input: impl Read, size: usize) -> Vec<String> {
        let mut seen = Vec::new();
        let mut pieces = Pieces::new(input, size);
        let mut piece = Piece::default();
        loop {
            pieces.next(&mut piece);
            if piece.is_empty() {
                assert!(pieces.failed.is_none());
                return seen;
            }
            seen.extend(piece.lines().map(|line| match line {
                RawLine::Whole(l) => format!("whole {}", String::from_utf8_lossy(l)),
                RawLine::Tail(l) => format!("tail {}", String::from_utf8_lossy(l)),
                RawLine::TooLong(l) => {
                    let end = String::from_utf8_lossy(&l[l.len() - 6..]);
                    format!("long {} {end}", l.len())
                }
            }));
        }
    }

    fn lines(input: impl Read) -> Vec<String> {
        lines_in_pieces(input, 256 * 1024)
    }

    #[test]
    fn lines_do_not_depend_on_how_the_input_arrives() {
        let text = b"one\n\ntwo\nthree";
        let expected = ["whole one", "whole ", "whole two", "tail three"];
        assert_eq!(lines(&text[..]), expected);
        assert_eq!(lines(Trickle(&text[..])), expected);
        assert_eq!(lines(&b""[..]), [""; 0]);
        for size in 1..20 {
            assert_eq!(lines_in_pieces(&text[..], size), expected, "{size}");
            assert_eq!(
                lines_in_pieces(Trickle(&text[..]), size),
                expected,
                "{size}"
            );
        }
    }

    #[test]
    fn a_line_of_many_megabytes_is_one_piece_and_takes_no_memory() {
        let mut text = vec![b'x'; 5_000_000];
        text.extend_from_slice(b"end\nnext\n");
        let unended = vec![b'x'; 1_000_000];
        for size in [100, 65_536, 100_000, 1_000_000, 10_000_000] {
            let of_text = lines_in_pieces(&text[..], size);
            assert_eq!(of_text, ["long 65536 xxxend", "whole next"], "{size}");
            let of_unended = lines_in_pieces(&unended[..], size);
            assert_eq!(of_unended.len(), 1);
            assert!(of_unended[0].starts_with("tail x"));
        }
    }
}
