//! How far the reading of all logs has come, for whoever wants to show it.

use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// Counts what is read. One side counts, the other looks, at any time.
#[derive(Debug, Default)]
pub struct Progress {
    read: AtomicU64,
    total: AtomicU64,
    /// A pipe does not say how much is to come.
    is_total_unknown: AtomicBool,
    is_all_read: AtomicBool,
}

/// Where things stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Bytes of the logs, as they lie on the disk.
    Reading { read: u64, total: Option<u64> },
    /// The logs are read, and functions and lines are looked up.
    Naming,
}

impl Progress {
    /// So many bytes are to come, or an unknown number of them.
    pub(crate) fn expect(&self, bytes: Option<u64>) {
        match bytes {
            Some(bytes) => drop(self.total.fetch_add(bytes, Relaxed)),
            None => self.is_total_unknown.store(true, Relaxed),
        }
    }

    pub(crate) fn all_read(&self) {
        self.is_all_read.store(true, Relaxed);
    }

    /// What is being done now.
    pub fn stage(&self) -> Stage {
        if self.is_all_read.load(Relaxed) {
            return Stage::Naming;
        }
        let is_known = !self.is_total_unknown.load(Relaxed);
        Stage::Reading {
            read: self.read.load(Relaxed),
            total: is_known.then(|| self.total.load(Relaxed)),
        }
    }
}

/// A reader whose bytes are counted.
#[derive(Debug)]
pub(crate) struct Counted<'a, R> {
    pub inner: R,
    pub progress: &'a Progress,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.progress.read.fetch_add(count as u64, Relaxed);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_counted() {
        let progress = Progress::default();
        progress.expect(Some(10));
        let mut counted = Counted {
            inner: &b"12345"[..],
            progress: &progress,
        };
        io::copy(&mut counted, &mut io::sink()).unwrap();
        let (read, total) = (5, Some(10));
        assert_eq!(progress.stage(), Stage::Reading { read, total });
        progress.expect(None);
        assert_eq!(progress.stage(), Stage::Reading { read, total: None });
        progress.all_read();
        assert_eq!(progress.stage(), Stage::Naming);
    }
}
