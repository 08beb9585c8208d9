//! A log that comes through a pipe, as long as it can be one.

use std::io::{self, Read};

use crate::capture::first_line;
use crate::trace::is_log_line;

/// Nothing that is a log has as much before its first record, in bytes. Of a file that is not one, the end
/// comes; of a stream it may not.
const LONGEST_PREFACE: u64 = 64 << 20;

/// Ends with an error where so much has come and nothing of it looked like a line of a log.
pub(super) struct Credible<R> {
    inner: R,
    /// How much may come before a line has to.
    left: Option<u64>,
}

impl<R: Read> Credible<R> {
    pub(super) fn new(inner: R) -> Self {
        Credible {
            inner,
            left: Some(LONGEST_PREFACE),
        }
    }
}

impl<R: Read> Read for Credible<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let Some(left) = self.left else {
            return Ok(read);
        };
        // Lines can be cut here, but among so many some are whole.
        if first_line(&buffer[..read], is_log_line).is_some() {
            self.left = None;
            return Ok(read);
        }
        let left = left.saturating_sub(read as u64);
        self.left = Some(left);
        match left {
            0 => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!(
                    "its first {} MiB hold no line of a log; give what MALLOC_TRACE named",
                    LONGEST_PREFACE >> 20
                ),
            )),
            _ => Ok(read),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn length(source: impl Read) -> io::Result<u64> {
        io::copy(&mut Credible::new(source), &mut io::sink())
    }

    #[test]
    fn an_endless_stream_of_something_else_ends() {
        assert!(length(io::repeat(0)).is_err());
        assert!(length(io::repeat(b'\n')).is_err());
    }

    #[test]
    fn a_log_goes_on_for_as_long_as_it_likes() {
        let record = b"@ ./a:[0x1] + 0x10 0x8\n".repeat(100);
        let hole = io::repeat(0).take(LONGEST_PREFACE / 2);
        let rest = || io::repeat(b'x').take(LONGEST_PREFACE * 2);
        assert!(length(hole.chain(&b"\n"[..]).chain(&record[..]).chain(rest())).is_ok());
        assert!(length(rest()).is_err());
    }
}
