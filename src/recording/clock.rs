//! What the steps of a recording's curves are equal parts of.

use std::io::Read;

use super::blocks::{EventBlock, EventBlocks};
use super::events::{RecordedEvent, decode};
use super::header::{Header, Mode};
use crate::trace::LongStop;

/// A run of less, in microseconds, is so short that what else its machine does shows in a curve by time: where another
/// program runs for a while, an even leak looks like a jump.
const SHORT: u64 = 1_000_000;

/// No run of such a length has so many bytes of events.
const MOST_OF_SHORT: usize = 64 << 20;

/// A short run has so many parts.
const PARTS: u64 = 1 << 20;

/// What a run is divided by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Clock {
    /// Of a short run, all of it: half is divided by time and half by allocations. By them alone, one that fills a table and
    /// then sleeps would be all start.
    short: Option<Gone>,
    stop: Option<LongStop>,
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
    /// Of a run until some time, whose first blocks are read for it. `asked_at` is when its program was asked to end, and
    /// `ended_at` when it ended, unless its log tells.
    pub(super) fn of(
        blocks: &mut EventBlocks<impl Read>,
        until: u64,
        asked_at: Option<u64>,
        ended_at: Option<u64>,
    ) -> (Clock, Vec<EventBlock>) {
        let stop = asked_at.zip(ended_at);
        let stop =
            stop.and_then(|(asked, ended)| LongStop::of(asked as f64, ended.min(until) as f64));
        let (short, first) = short_run(blocks, until, ended_at);
        (Clock { short, stop }, first)
    }

    /// Whether allocations alone make it go on.
    pub(super) fn counts_allocations(self) -> bool {
        self.short.is_some()
    }

    /// What of the run is over.
    #[inline]
    pub(super) fn at(self, gone: Gone) -> u64 {
        let time = self.time(gone.time);
        let Some(all) = self.short else {
            return time;
        };
        let part = |of: u64, all: u64| of * (PARTS / 2) / all.max(1);
        part(time, self.time(all.time)) + part(gone.allocations, all.allocations)
    }

    #[inline]
    fn time(self, time: u64) -> u64 {
        match self.stop {
            Some(stop) => stop.shortened(time as f64) as u64,
            None => time,
        }
    }
}

/// All of a run that is short, and the blocks that were read to know it.
fn short_run(
    blocks: &mut EventBlocks<impl Read>,
    until: u64,
    ended_at: Option<u64>,
) -> (Option<Gone>, Vec<EventBlock>) {
    let header = blocks.header.clone();
    // A summary has no single allocations.
    if header.mode == Mode::Summary {
        return (None, Vec::new());
    }
    let (mut gone, mut first, mut bytes) = (Gone::default(), Vec::new(), 0);
    while gone.time <= until
        && let Some(block) = blocks.next()
    {
        gone.go_on(&block, &header, until);
        bytes += block.payload.len();
        first.push(block);
        if gone.time.min(until) >= SHORT || bytes > MOST_OF_SHORT {
            return (None, first);
        }
    }
    gone = gone.until_end(ended_at);
    gone.time = gone.time.min(until);
    ((gone.time < SHORT).then_some(gone), first)
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
