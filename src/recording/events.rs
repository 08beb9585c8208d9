//! What stands in a block: events, and the facts that they refer to.

use super::blocks::EventBlock;
use super::header::Header;
use crate::trace::unzigzag;

/// One entry of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RecordedEvent<'a> {
    Allocated {
        address: u64,
        size: u64,
        node: u32,
        by_realloc: bool,
    },
    Freed {
        address: u64,
        by_realloc: bool,
    },
    /// malloc gave nothing.
    Failed {
        node: u32,
        size: u64,
    },
    /// realloc gave nothing, and the block that this thread gave to it last is as it was.
    ReallocFailed {
        node: u32,
        size: u64,
    },
    /// From here on it is so many microseconds since the start.
    Time(u64),
    /// From here on, events are of this thread.
    Thread(u32),
    StackNode {
        id: u32,
        parent: u32,
        pc: u64,
    },
    LoadedModule {
        id: u32,
        start: u64,
        size: u64,
        bias: u64,
        build_id: &'a [u8],
        path: &'a [u8],
    },
    Unloaded(u32),
    Fact {
        key: &'a [u8],
        value: &'a [u8],
    },
    /// The program is about to exit.
    End,
    /// What is live of a stack, in a summary.
    Counts {
        node: u32,
        blocks: u64,
        bytes: u64,
        allocations: u64,
    },
    /// All counts of one time have been given.
    Step,
    ThreadBegins {
        number: u32,
        tid: u64,
    },
    ThreadEnds(u32),
}

/// A block that holds what no recorder writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

/// Hands over what stands in a block. What a block that is cut ends with is left out.
pub(crate) fn decode<'a>(
    block: &'a EventBlock,
    header: &Header,
    mut take: impl FnMut(RecordedEvent<'a>),
) -> Result<(), Malformed> {
    let mut reader = Reader {
        rest: &block.payload,
    };
    let mut state = State {
        last: 0,
        pc: 0,
        next_node: block.first_node,
        time: block.time,
        odd: 0,
        pairs: [(0, 0); 256],
        shift: header.shift,
        mask: match header.machine.is_64 {
            true => u64::MAX,
            false => u64::from(u32::MAX),
        },
    };
    while !reader.rest.is_empty() {
        match state.entry(&mut reader) {
            Ok(Some(event)) => take(event),
            Ok(None) => {}
            Err(Stop::Ends) if block.is_cut => return Ok(()),
            Err(_) => return Err(Malformed),
        }
    }
    Ok(())
}

enum Stop {
    /// In the middle of an entry.
    Ends,
    Unknown,
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    #[inline]
    fn byte(&mut self) -> Result<u8, Stop> {
        let (first, rest) = self.rest.split_first().ok_or(Stop::Ends)?;
        self.rest = rest;
        Ok(*first)
    }

    /// LEB128.
    #[inline]
    fn number(&mut self) -> Result<u64, Stop> {
        let (mut number, mut shift) = (0, 0);
        loop {
            let byte = self.byte()?;
            if shift < 64 {
                number |= u64::from(byte & 127) << shift;
            }
            if byte < 128 {
                return Ok(number);
            }
            shift += 7;
            if shift > 70 {
                return Err(Stop::Unknown);
            }
        }
    }

    fn small(&mut self) -> Result<u32, Stop> {
        u32::try_from(self.number()?).map_err(|_| Stop::Unknown)
    }

    fn text(&mut self) -> Result<&'a [u8], Stop> {
        let length = self.number()?;
        if length > self.rest.len() as u64 {
            return Err(Stop::Ends);
        }
        let (text, rest) = self.rest.split_at(length as usize);
        self.rest = rest;
        Ok(text)
    }
}

struct State {
    /// The last address, in units.
    last: u64,
    /// Of the last node.
    pc: u64,
    next_node: u32,
    time: u64,
    /// The low bits of the next address.
    odd: u64,
    /// Stack and size of recent allocations, by a hash of both.
    pairs: [(u32, u64); 256],
    shift: u32,
    /// Of what is in an address.
    mask: u64,
}

impl State {
    #[inline]
    fn entry<'a>(&mut self, from: &mut Reader<'a>) -> Result<Option<RecordedEvent<'a>>, Stop> {
        let first = from.byte()?;
        match first & 7 {
            kind @ (0 | 1) => {
                let mut step = u64::from(first >> 4 & 7);
                if first & 128 != 0 {
                    step |= from.number()? << 3;
                }
                let (node, size) = match first & 8 {
                    0 => {
                        let pair = (from.small()?, from.number()?);
                        self.pairs[slot_of(pair)] = pair;
                        pair
                    }
                    _ => self.pairs[usize::from(from.byte()?)],
                };
                Ok(Some(RecordedEvent::Allocated {
                    address: self.step(step),
                    size,
                    node,
                    by_realloc: kind == 1,
                }))
            }
            kind @ (2 | 3) => {
                let mut step = u64::from(first >> 3 & 15);
                if first & 128 != 0 {
                    step |= from.number()? << 4;
                }
                Ok(Some(RecordedEvent::Freed {
                    address: self.step(step),
                    by_realloc: kind == 3,
                }))
            }
            4 => self.other(first >> 3, from),
            _ => Err(Stop::Unknown),
        }
    }

    /// The address that is so many units on, zigzag.
    #[inline]
    fn step(&mut self, step: u64) -> u64 {
        self.last = self.last.wrapping_add(unzigzag(step));
        (self.last << self.shift & self.mask) | std::mem::take(&mut self.odd)
    }

    fn other<'a>(
        &mut self,
        kind: u8,
        from: &mut Reader<'a>,
    ) -> Result<Option<RecordedEvent<'a>>, Stop> {
        Ok(Some(match kind {
            0 => {
                self.time = self.time.saturating_add(from.number()?);
                RecordedEvent::Time(self.time)
            }
            1 => RecordedEvent::Thread(from.small()?),
            2 => {
                let (up, step) = (from.small()?, from.number()?);
                let id = self.next_node;
                let parent = id.checked_sub(up).filter(|_| up > 0);
                self.pc = self.pc.wrapping_add(unzigzag(step)) & self.mask;
                self.next_node = id.checked_add(1).ok_or(Stop::Unknown)?;
                RecordedEvent::StackNode {
                    id,
                    parent: parent.ok_or(Stop::Unknown)?,
                    pc: self.pc,
                }
            }
            3 => {
                let id = from.small()?;
                let (start, size, bias) = (from.number()?, from.number()?, from.number()?);
                from.byte()?; // how its stacks are walked
                RecordedEvent::LoadedModule {
                    id,
                    start,
                    size,
                    bias,
                    build_id: from.text()?,
                    path: from.text()?,
                }
            }
            4 => RecordedEvent::Unloaded(from.small()?),
            5 => RecordedEvent::Fact {
                key: from.text()?,
                value: from.text()?,
            },
            6 => {
                from.number()?;
                RecordedEvent::End
            }
            7 => RecordedEvent::Failed {
                node: from.small()?,
                size: from.number()?,
            },
            8 => RecordedEvent::ReallocFailed {
                node: from.small()?,
                size: from.number()?,
            },
            9 => {
                self.odd = u64::from(from.byte()?);
                return Ok(None);
            }
            10 => RecordedEvent::Counts {
                node: from.small()?,
                blocks: from.number()?,
                bytes: from.number()?,
                allocations: from.number()?,
            },
            11 => RecordedEvent::Step,
            12 => RecordedEvent::ThreadBegins {
                number: from.small()?,
                tid: from.number()?,
            },
            13 => RecordedEvent::ThreadEnds(from.small()?),
            _ => return Err(Stop::Unknown),
        }))
    }
}

/// Where the recorder keeps a stack and a size.
fn slot_of((node, size): (u32, u64)) -> usize {
    let hash = node.wrapping_mul(0x9e37_79b1) ^ (size as u32).wrapping_mul(0x85eb_ca6b);
    (hash >> 24) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elf::Machine;
    use crate::recording::Mode;

    fn header() -> Header {
        Header {
            little_endian: true,
            machine: Machine {
                e_machine: 62,
                is_64: true,
                little_endian: true,
                hard_float: false,
            },
            shift: 4,
            mode: Mode::Events,
            depth: 64,
            pid: 1,
            window: Default::default(),
            first_block: 72,
            length: 0,
            at: 72,
            started: 0,
            stopped: None,
            lost: 0,
            unfollowed: 0,
        }
    }

    fn block(payload: &[u8]) -> EventBlock {
        EventBlock {
            first_node: 4,
            payload: payload.to_vec(),
            ..EventBlock::default()
        }
    }

    /// The bytes of the guide's example, which were worked out by hand.
    const EXAMPLE: [u8; 24] = [
        0x14, 0x04, 0xec, 0xc4, 0x80, 0x04, 0x14, 0x01, 0x34, 0xc0, 0xca, 0x82, 0x04, 0x05, 0x18,
        0x48, 0x99, 0x04, 0xdc, 0x0b, 0x1a, 0x34, 0x00, 0x34,
    ];

    #[test]
    fn the_example_of_the_guide() {
        let block = block(&EXAMPLE[..23]);
        let mut events = Vec::new();
        assert_eq!(
            decode(&block, &header(), |event| events.push(event)),
            Ok(())
        );
        let allocated = |address| RecordedEvent::Allocated {
            address,
            size: 24,
            node: 5,
            by_realloc: false,
        };
        let node = |id, parent, pc| RecordedEvent::StackNode { id, parent, pc };
        assert_eq!(
            events,
            [
                node(4, 0, 0x40_1136),
                node(5, 4, 0x40_1150),
                allocated(0x40_52a0),
                allocated(0x40_52c0),
                RecordedEvent::Time(1500),
                RecordedEvent::Freed {
                    address: 0x40_52a0,
                    by_realloc: false
                },
                RecordedEvent::End,
            ]
        );
        let guide = include_str!("../guide/recording-format.md");
        let shown = EXAMPLE[..23].iter().map(|byte| format!("{byte:02x}"));
        let listed: Vec<&str> = guide
            .lines()
            .skip_while(|line| !line.starts_with("14 04"))
            .take_while(|line| !line.starts_with("```"))
            .filter_map(|line| line.split("    ").next())
            .flat_map(str::split_whitespace)
            .collect();
        assert_eq!(listed, shown.collect::<Vec<_>>());
    }

    #[test]
    fn what_is_cut_is_left_out_and_what_is_unknown_is_refused() {
        let mut cut = block(&EXAMPLE);
        assert_eq!(decode(&cut, &header(), |_| {}), Err(Malformed));
        cut.is_cut = true;
        let mut events = 0;
        assert_eq!(decode(&cut, &header(), |_| events += 1), Ok(()));
        assert_eq!(events, 7);
        for bad in [&[5][..], &[0xfc], &[0x14, 0, 0], &[0x14, 9, 0]] {
            let mut bad = block(bad);
            bad.is_cut = true;
            assert_eq!(decode(&bad, &header(), |_| {}), Err(Malformed), "{bad:?}");
        }
    }

    #[test]
    fn addresses_of_32_bits_wrap_within_them() {
        let mut header = header();
        header.machine.is_64 = false;
        // A return address of 0xf7000001 is a step of -0x8ffffff in 32 bits.
        let block = block(&[0x14, 0x04, 0xfd, 0xff, 0xff, 0x8f, 0x01]);
        let mut pc = 0;
        let decoded = decode(&block, &header, |event| {
            if let RecordedEvent::StackNode { pc: found, .. } = event {
                pc = found;
            }
        });
        assert_eq!((decoded, pc), (Ok(()), 0xf700_0001));
    }
}
