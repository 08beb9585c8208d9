//! Lines of a log of any size, through one reused buffer.

use std::io::{self, Read};

/// A line longer than this is no mtrace line: a path has at most 4096 bytes. It is passed over
/// without being kept, so that a file without line ends cannot take all memory.
pub const LONGEST_LINE: usize = 64 * 1024;

/// Reads of this size keep the cost of a system call out of sight, and fit the L2 cache.
const BUFFER: usize = 256 * 1024;

/// One piece of the input that ends at a line end or at the end of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RawLine<'a> {
    /// A line without its line feed.
    Whole(&'a [u8]),
    /// What stands behind the last line feed: the writer may have been cut here.
    Tail(&'a [u8]),
    /// A line longer than [`LONGEST_LINE`]; its beginning.
    TooLong(&'a [u8]),
}

/// Calls `each` for every line of `input`, in order.
pub fn for_each_line(mut input: impl Read, mut each: impl FnMut(RawLine<'_>)) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    let mut filled = 0;
    let mut skipping = false;
    loop {
        let read = match input.read(&mut buffer[filled..]) {
            Ok(read) => read,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        let end = filled + read;
        let mut start = 0;
        while let Some(at) = memchr::memchr(b'\n', &buffer[start..end]) {
            let line = &buffer[start..start + at];
            start += at + 1;
            if std::mem::take(&mut skipping) {
                continue;
            }
            each(if line.len() > LONGEST_LINE {
                RawLine::TooLong(&line[..LONGEST_LINE])
            } else {
                RawLine::Whole(line)
            });
        }
        if read == 0 {
            if start < end && !skipping {
                each(RawLine::Tail(&buffer[start..end]));
            }
            return Ok(());
        }
        if skipping {
            start = end;
        } else if end - start > LONGEST_LINE {
            each(RawLine::TooLong(&buffer[start..start + LONGEST_LINE]));
            skipping = true;
            start = end;
        }
        buffer.copy_within(start..end, 0);
        filled = end - start;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte a read: the worst a pipe can do.
    struct Trickle<'a>(&'a [u8]);

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let n = self.0.len().min(1);
            buffer[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }
    }

    fn lines(input: impl Read) -> Vec<String> {
        let mut seen = Vec::new();
        for_each_line(input, |line| {
            seen.push(match line {
                RawLine::Whole(l) => format!("whole {}", String::from_utf8_lossy(l)),
                RawLine::Tail(l) => format!("tail {}", String::from_utf8_lossy(l)),
                RawLine::TooLong(l) => format!("long {}", l.len()),
            });
        })
        .unwrap();
        seen
    }

    #[test]
    fn lines_do_not_depend_on_how_the_input_arrives() {
        let text = b"one\n\ntwo\nthree";
        let expected = ["whole one", "whole ", "whole two", "tail three"];
        assert_eq!(lines(&text[..]), expected);
        assert_eq!(lines(Trickle(text)), expected);
        assert_eq!(lines(&b""[..]), [""; 0]);
    }

    #[test]
    fn a_line_of_many_megabytes_is_one_piece_and_takes_no_memory() {
        let mut text = vec![b'x'; 5_000_000];
        text.extend_from_slice(b"\nnext\n");
        assert_eq!(lines(&text[..]), ["long 65536", "whole next"]);
        let unended = vec![b'x'; 1_000_000];
        assert_eq!(lines(&unended[..]), ["long 65536"]);
    }
}
