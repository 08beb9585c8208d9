//! What the steps of a recording's curves are equal parts of.

use std::io::Read;

use super::blocks::{EventBlock, EventBlocks};
use super::events::{RecordedEvent, decode};
use super::header::{Header, Mode};

/// A run of less, in microseconds, is so short that what else its machine does shows in a curve by time: where another
/// program runs for a while, an even leak looks like a jump.
const SHORT: u64 = 1_000_000;

/// No run of such a length has so many bytes of events.
const MOST_OF_SHORT: usize = 64 << 20;

/// A short run has so many parts.
const PARTS: u64 = 1 << 20;

/// What a run is divided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clock {
    Time,
    /// Of a short run, half by time and half by allocations. By them alone, one that fills a table and then sleeps would be
    /// all start.
    Both(Gone),
}

/// How far a run has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Gone {
    /// In microseconds.
    pub time: u64,
    pub allocations: u64,
    /// The program has told of its exit.
    is_at_end: bool,
}

impl Clock {
    /// Of a run until some time, whose first blocks are read for it. `ended_at` is when it ended, unless its log tells.
    pub(super) fn of(
        blocks: &mut EventBlocks<impl Read>,
        until: u64,
        ended_at: Option<u64>,
    ) -> (Clock, Vec<EventBlock>) {
        let header = blocks.header.clone();
        // A summary has no single allocations.
        if header.mode == Mode::Summary {
            return (Clock::Time, Vec::new());
        }
        let (mut gone, mut first, mut bytes) = (Gone::default(), Vec::new(), 0);
        while gone.time <= until
            && let Some(block) = blocks.next()
        {
            gone.go_on(&block, &header, until);
            bytes += block.payload.len();
            first.push(block);
            if gone.time.min(until) >= SHORT || bytes > MOST_OF_SHORT {
                return (Clock::Time, first);
            }
        }
        gone = gone.until_end(ended_at);
        gone.time = gone.time.min(until);
        match gone.time < SHORT {
            true => (Clock::Both(gone), first),
            false => (Clock::Time, first),
        }
    }

    /// What of the run is over.
    #[inline]
    pub(super) fn at(self, gone: Gone) -> u64 {
        match self {
            Clock::Time => gone.time,
            Clock::Both(all) => {
                let part = |of: fn(&Gone) -> u64| of(&gone) * (PARTS / 2) / of(&all).max(1);
                part(|gone| gone.time) + part(|gone| gone.allocations)
            }
        }
    }
}

impl Gone {
    fn until_end(self, ended_at: Option<u64>) -> Gone {
        let ended_at = ended_at.filter(|_| !self.is_at_end).unwrap_or(0);
        Gone {
            time: self.time.max(ended_at),
            ..self
        }
    }

    /// Behind a block's events, or the first time after `until`.
    fn go_on(&mut self, block: &EventBlock, header: &Header, until: u64) {
        self.time = self.time.max(block.time);
        // What cannot be read is said by the replay.
        let _ = decode(block, header, |event| match event {
            RecordedEvent::Time(time) => self.time = self.time.max(time),
            RecordedEvent::End => self.is_at_end = true,
            RecordedEvent::Allocated { .. } if self.time <= until => self.allocations += 1,
            _ => {}
        });
    }
}

/// How long a recording goes on, in microseconds. `ended_at` is when it ended, unless its log tells.
pub(crate) fn duration_of(blocks: EventBlocks<impl Read>, ended_at: Option<u64>) -> u64 {
    let header = blocks.header.clone();
    let mut gone = Gone::default();
    blocks.for_each(|block| gone.go_on(&block, &header, u64::MAX));
    gone.until_end(ended_at).time
}
