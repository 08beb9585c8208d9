//! Where in a log a moment is, so that a run can be looked at as it was then.
//!
//! A log that is read up to a moment is, byte for byte, the log of a program that was stopped there. So
//! the replay need not know of moments: it is given a shorter log.

use std::io::{self, Read};

use super::caller_texts::Texts;
use super::parse::Parser;
use super::reader::{Piece, Pieces};

/// Pieces of this size are parsed one after the other, as the replay does.
const PIECE: usize = 128 * 1024;

/// How many records and lines a log has, and where they are.
#[derive(Debug)]
pub(crate) struct LogIndex {
    /// Records and lines up to the end of each piece.
    ends: Vec<Counts>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    records: u64,
    lines: u64,
}

impl LogIndex {
    /// Reads a log to its end. An error only if it cannot be read at all: one that breaks off has the
    /// records that stand before the break.
    pub(crate) fn new(log: impl Read) -> io::Result<Self> {
        let mut pieces = Pieces::new(log, PIECE);
        let (mut piece, mut parser) = (Piece::default(), Parser::default());
        let (mut ends, mut so_far) = (Vec::new(), Counts::default());
        loop {
            pieces.next(&mut piece);
            if piece.is_empty() {
                break;
            }
            so_far.add(count(&mut parser, &piece));
            ends.push(so_far);
        }
        match pieces.failed {
            Some(error) if so_far.records == 0 => Err(error),
            _ => Ok(LogIndex { ends }),
        }
    }

    pub(crate) fn records(&self) -> u64 {
        self.ends.last().map_or(0, |end| end.records)
    }

    /// How many lines hold the first `records` records: the last of them ends with such a record.
    /// `log` is the same log, from its beginning.
    pub(crate) fn lines_of(&self, records: u64, log: impl Read) -> io::Result<u64> {
        let at = self.ends.partition_point(|end| end.records < records);
        let before = match at {
            0 => Counts::default(),
            at => self.ends[at - 1],
        };
        if before.records >= records {
            return Ok(before.lines);
        }
        let mut pieces = Pieces::new(log, PIECE);
        let mut piece = Piece::default();
        for _ in 0..=at {
            pieces.next(&mut piece);
        }
        if let Some(error) = pieces.failed {
            return Err(error);
        }
        Ok(before.lines + lines_of(&piece, records - before.records))
    }
}

impl Counts {
    fn add(&mut self, other: Counts) {
        self.records += other.records;
        self.lines += other.lines;
    }
}

fn count(parser: &mut Parser, piece: &Piece) -> Counts {
    parser.parse(piece, &Texts::default());
    parser.take_seen();
    let parsed = parser.parsed();
    Counts {
        records: parsed.records,
        lines: parsed.all_lines,
    }
}

/// The least number of lines at the beginning of a piece that hold so many records, found by halving:
/// whether a line is a record depends on that line alone.
fn lines_of(piece: &Piece, records: u64) -> u64 {
    let mut parser = Parser::default();
    let (mut too_few, mut enough) = (0, piece.lines().count() as u64);
    while enough - too_few > 1 {
        let middle = too_few + (enough - too_few) / 2;
        match count(&mut parser, &piece.first_lines(middle)).records < records {
            true => too_few = middle,
            false => enough = middle,
        }
    }
    enough
}

/// The first lines of what it reads.
#[derive(Debug)]
pub(crate) struct FirstLines<R> {
    input: R,
    left: u64,
}

impl<R: Read> FirstLines<R> {
    pub(crate) fn new(input: R, lines: u64) -> Self {
        FirstLines { input, left: lines }
    }
}

impl<R: Read> Read for FirstLines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Ok(0);
        }
        let read = self.input.read(buffer)?;
        for at in memchr::memchr_iter(b'\n', &buffer[..read]) {
            self.left -= 1;
            if self.left == 0 {
                return Ok(at + 1);
            }
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Marks, blank lines and damage between records, over several pieces.
    fn log(records: u64) -> String {
        let mut text = String::from("= Start\n");
        for index in 0..records {
            let address = 0x1000 + index * 0x20;
            text += &format!("@ ./app:[0x11d1] + {address:#x} 0x18\n");
            if index % 7 == 0 {
                text += "\nnot a record\n";
            }
        }
        text + "= End\n"
    }

    fn first_records(text: &str, records: u64) -> String {
        let index = LogIndex::new(text.as_bytes()).unwrap();
        let lines = index.lines_of(records, text.as_bytes()).unwrap();
        let mut cut = String::new();
        let mut first = FirstLines::new(text.as_bytes(), lines);
        first.read_to_string(&mut cut).unwrap();
        cut
    }

    #[test]
    fn a_log_is_cut_behind_the_record() {
        let text = log(20_000);
        assert!(text.len() > 4 * PIECE);
        let index = LogIndex::new(text.as_bytes()).unwrap();
        assert_eq!(index.records(), 20_000);
        for records in [1, 2, 7, 8, 3_000, 12_345, 19_999, 20_000] {
            let cut = first_records(&text, records);
            assert!(text.starts_with(&cut));
            let count = cut.lines().filter(|line| line.starts_with("@ ")).count();
            assert_eq!(count as u64, records);
            let last = 0x1000 + (records - 1) * 0x20;
            assert!(cut.ends_with(&format!("+ {last:#x} 0x18\n")), "{records}");
        }
        assert_eq!(first_records(&text, 0), "");
    }

    #[test]
    fn a_line_of_many_megabytes_is_one_line() {
        let long = "x".repeat(3 << 20);
        let text = format!("{}{long}\n{}", log(3), log(3));
        let cut = first_records(&text, 4);
        assert_eq!(cut.lines().filter(|line| line.starts_with("@ ")).count(), 4);
        assert!(cut.len() > long.len());
    }
}
