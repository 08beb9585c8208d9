//! Input for tests of what reads.

use std::io::{Read, Result};

/// Gives one byte a read: the worst that a pipe can do.
pub(crate) struct Trickle<R>(pub R);

impl<R: Read> Read for Trickle<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let most = buffer.len().min(1);
        self.0.read(&mut buffer[..most])
    }
}
