//! The blocks of a recording, in order, from anything that can be read once.

use std::io::{self, Read};

use super::header::{HEADER, Header, Order};
use crate::warning::ReadFailure;

const BLOCK_HEADER: usize = 40;
const BLOCK_MAGIC: &[u8; 4] = b"BLK1";

/// A block of another kind: what is live of each stack, as the recorder counts it.
const COUNTS_MAGIC: &[u8; 4] = b"CNT1";
/// Bytes, allocations, blocks, and what only the recorder uses.
const COUNTS: usize = 24;
/// As many as a recorder has nodes.
const MOST_COUNTS: usize = 1 << 22;

/// The recorder makes none larger.
const LARGEST_BLOCK: usize = 1 << 20;

/// Some events, and what has to be known to read them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct EventBlock {
    /// Nodes that were defined before.
    pub first_node: u32,
    /// In microseconds since the start.
    pub time: u64,
    /// Events that came before.
    pub events: u64,
    pub thread: u32,
    pub payload: Vec<u8>,
    /// The payload may end in the middle of an event.
    pub is_cut: bool,
}

/// What is live of a stack at the end of a summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LastCount {
    pub node: u32,
    pub blocks: u64,
    pub bytes: u64,
    pub allocations: u64,
}

/// Counts that stand in the file, where they are up to date however the program ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LastCounts {
    /// Of stacks that have allocated.
    pub all: Vec<LastCount>,
    /// How many nodes have a place there.
    pub places: usize,
}

/// What was found wrong with a recording's blocks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Damage {
    /// Blocks whose contents are not those that were written; left out.
    pub bad_blocks: u64,
    /// Where the first of them begins, in bytes.
    pub first_at: Option<u64>,
    /// The file ends before what the recorder wrote does.
    pub is_cut: bool,
    /// Why reading stopped before the file's end.
    pub read_error: Option<ReadFailure>,
}

/// Reads the blocks of a recording.
#[derive(Debug)]
pub(crate) struct EventBlocks<R> {
    input: R,
    pub header: Header,
    window: Vec<u8>,
    /// Where in the file the next block is expected.
    at: u64,
    /// Read, but not part of a block yet.
    ahead: Vec<u8>,
    is_at_end: bool,
    window_is_used: bool,
    /// Of the blocks that were read so far.
    pub last_counts: LastCounts,
    pub damage: Damage,
}

impl<R: Read> EventBlocks<R> {
    /// Reads the header and the window. The inner error says what is wrong with the file.
    pub(crate) fn open(mut input: R) -> io::Result<Result<Self, String>> {
        let mut head = [0; HEADER];
        let read = fill(&mut input, &mut head)?;
        if read < HEADER {
            return Ok(Err(format!(
                "it ends after {read} bytes, within its header"
            )));
        }
        let mut header = match Header::parse(&head) {
            Ok(header) => header,
            Err(reason) => return Ok(Err(reason)),
        };
        let mut front = vec![0; header.first_block as usize - HEADER];
        let read = fill(&mut input, &mut front)?;
        let is_cut = read < front.len();
        if header.window.at as usize >= HEADER + 4 {
            let order = Order {
                little_endian: header.little_endian,
            };
            header.unfollowed = order.u32(&front);
        }
        let size = header.window.size as usize;
        let window = match header.window.at as usize {
            0 => Vec::new(),
            at => front[at - HEADER..at - HEADER + size].to_vec(),
        };
        Ok(Ok(EventBlocks {
            at: u64::from(header.first_block),
            input,
            header,
            window,
            ahead: Vec::new(),
            is_at_end: is_cut,
            window_is_used: false,
            last_counts: LastCounts::default(),
            damage: Damage {
                is_cut,
                ..Damage::default()
            },
        }))
    }

    fn order(&self) -> Order {
        Order {
            little_endian: self.header.little_endian,
        }
    }

    /// The block that was under way when the recording ended, once all before it is read.
    fn window_block(&mut self) -> Option<EventBlock> {
        let end = self.at + self.ahead.len() as u64;
        let is_used = std::mem::replace(&mut self.window_is_used, true);
        if is_used || self.window.len() < BLOCK_HEADER {
            return None;
        }
        if end < self.header.at {
            self.damage.is_cut = true;
            return None;
        }
        // What was written last, but not noted, is in the file already.
        if self.at > self.header.at || self.header.length == 0 {
            return None;
        }
        self.ahead.clear();
        let length = self.header.length as usize;
        let end = (BLOCK_HEADER + length).min(self.window.len());
        let bytes = &self.window[..end];
        match bytes.starts_with(BLOCK_MAGIC) {
            true => Some(parsed(self.order(), bytes, true)),
            false => {
                self.note_damage();
                None
            }
        }
    }

    /// Takes what stands in a block of counts. They change as the program runs, so no checksum is of them.
    fn take_counts(&mut self, bytes: &[u8]) {
        let order = self.order();
        let (first, padding) = (order.u32(&bytes[12..]), order.u32(&bytes[36..]) as usize);
        let Some(counts) = bytes.get(BLOCK_HEADER + padding..) else {
            return self.note_damage();
        };
        for (index, count) in counts.chunks_exact(COUNTS).enumerate() {
            self.last_counts.places += 1;
            let last = LastCount {
                node: first.saturating_add(index as u32),
                bytes: order.u64(count),
                allocations: order.u64(&count[8..]),
                blocks: order.u32(&count[16..]).into(),
            };
            if last.allocations == 0 {
                continue;
            }
            // No more can be live than was allocated.
            if last.blocks > last.allocations || self.last_counts.all.len() >= MOST_COUNTS {
                return self.note_damage();
            }
            self.last_counts.all.push(last);
        }
    }

    /// Goes on at the next place that looks like a block's beginning.
    fn skip_damage(&mut self) {
        self.note_damage();
        self.advance(1);
        loop {
            let have = self.peek(LARGEST_BLOCK);
            let ahead = &self.ahead[..have];
            let found = [BLOCK_MAGIC, COUNTS_MAGIC]
                .into_iter()
                .filter_map(|magic| memchr::memmem::find(ahead, magic))
                .min();
            match found {
                Some(found) => return self.advance(found),
                None if have < LARGEST_BLOCK => return self.advance(have),
                None => self.advance(have - BLOCK_MAGIC.len()),
            }
        }
    }

    fn note_damage(&mut self) {
        self.damage.bad_blocks += 1;
        self.damage.first_at.get_or_insert(self.at);
    }

    fn advance(&mut self, bytes: usize) {
        self.ahead.drain(..bytes);
        self.at += bytes as u64;
    }

    /// Sees to it that so many bytes are ahead, if there are; says how many there are.
    fn peek(&mut self, wanted: usize) -> usize {
        let have = self.ahead.len();
        if have < wanted && !self.is_at_end {
            self.ahead.resize(wanted, 0);
            let read = match fill(&mut self.input, &mut self.ahead[have..]) {
                Ok(read) => read,
                Err(error) => {
                    self.damage.read_error = Some(ReadFailure::of(&error));
                    0
                }
            };
            self.ahead.truncate(have + read);
            self.is_at_end = self.ahead.len() < wanted;
        }
        self.ahead.len().min(wanted)
    }
}

impl<R: Read> Iterator for EventBlocks<R> {
    type Item = EventBlock;

    fn next(&mut self) -> Option<EventBlock> {
        loop {
            let head = self.peek(BLOCK_HEADER);
            if head < BLOCK_HEADER {
                // A piece of a header is the beginning of what the window has whole.
                return self.window_block();
            }
            let order = self.order();
            let length = order.u32(&self.ahead[4..]) as usize;
            let is_counts = self.ahead.starts_with(COUNTS_MAGIC);
            let is_block = is_counts || self.ahead.starts_with(BLOCK_MAGIC);
            if !is_block || length == 0 || length > LARGEST_BLOCK {
                self.skip_damage();
                continue;
            }
            let whole = BLOCK_HEADER + length;
            let have = self.peek(whole);
            let check = order.u32(&self.ahead[8..]);
            if have < whole {
                if let Some(block) = self.window_block() {
                    return Some(block);
                }
                // Where the recorder was about to make room for counts, it has written all that came before.
                self.damage.is_cut |= !is_counts || self.at < self.header.at;
                let bytes = std::mem::take(&mut self.ahead);
                if is_counts {
                    return None;
                }
                return Some(parsed(order, &bytes, true));
            }
            if is_counts {
                let bytes = self.ahead[..whole].to_vec();
                self.take_counts(&bytes);
                self.advance(whole);
                continue;
            }
            let (now, earlier) = checks_of(order, &self.ahead[BLOCK_HEADER..whole]);
            if check != now && check != earlier {
                self.skip_damage();
                continue;
            }
            let block = parsed(order, &self.ahead[..whole], false);
            self.advance(whole);
            return Some(block);
        }
    }
}

fn parsed(order: Order, bytes: &[u8], is_cut: bool) -> EventBlock {
    EventBlock {
        first_node: order.u32(&bytes[12..]),
        time: order.u64(&bytes[16..]),
        events: order.u64(&bytes[24..]),
        thread: order.u32(&bytes[32..]),
        payload: bytes[BLOCK_HEADER..].to_vec(),
        is_cut,
    }
}

/// Words of 8 bytes, in the byte order of the target, the last one filled up with zeros.
///
/// The second is what recorders wrote before: it says nothing of the upper half of the last word.
fn checks_of(order: Order, data: &[u8]) -> (u32, u32) {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for word in data.chunks(8) {
        let mut whole = [0; 8];
        whole[..word.len()].copy_from_slice(word);
        hash = (hash ^ order.u64(&whole)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        hash ^= hash >> 32;
    }
    (hash as u32, (hash ^ (hash >> 32)) as u32)
}

/// Reads until the buffer is full or the input ends.
fn fill(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match input.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
