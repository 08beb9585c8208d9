//! Lines of a log of any size, through one reused buffer.

use std::io::{self, Read};

/// A line longer than this is no mtrace line: a path has at most 4096 bytes. Only its end is kept,
/// so that a file without line ends cannot take all memory.
pub const LONGEST_LINE: usize = 64 * 1024;

/// Reads of this size keep the cost of a system call out of sight; it is not tuned further.
const BUFFER: usize = 256 * 1024;

/// One piece of the input that ends at a line end or at the end of the file.
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

/// Calls `each` for every line of `input`, in order.
pub fn for_each_line(mut input: impl Read, mut each: impl FnMut(RawLine<'_>)) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    let mut filled = 0;
    // The line that the buffer begins with has lost its beginning.
    let mut is_long = false;
    loop {
        let read = match input.read(&mut buffer[filled..]) {
            Ok(read) => read,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        let end = filled + read;
        let mut start = 0;
        let mut searched = filled;
        while let Some(at) = memchr::memchr(b'\n', &buffer[searched..end]) {
            let line = &buffer[start..searched + at];
            start = searched + at + 1;
            searched = start;
            each(
                match std::mem::take(&mut is_long) || line.len() > LONGEST_LINE {
                    true => RawLine::TooLong(&line[line.len().saturating_sub(LONGEST_LINE)..]),
                    false => RawLine::Whole(line),
                },
            );
        }
        if read == 0 {
            if start < end {
                each(RawLine::Tail(&buffer[start..end]));
            }
            return Ok(());
        }
        if end - start > LONGEST_LINE {
            is_long = true;
            start = end - LONGEST_LINE;
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
                RawLine::TooLong(l) => {
                    format!(
                        "long {} {}",
                        l.len(),
                        String::from_utf8_lossy(&l[l.len() - 6..])
                    )
                }
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
        text.extend_from_slice(b"end\nnext\n");
        assert_eq!(lines(&text[..]), ["long 65536 xxxend", "whole next"]);
        let unended = vec![b'x'; 1_000_000];
        assert_eq!(lines(&unended[..]).len(), 1);
        assert!(lines(&unended[..])[0].starts_with("tail x"));
    }
}
