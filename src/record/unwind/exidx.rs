//! `.ARM.exidx`: how 32-bit ARM unwinds for exceptions, a rule a function.
//!
//! After "Exception Handling ABI for the Arm Architecture", sections 6 and 10. A rule holds where the
//! function calls, not in its prologue and epilogue, which is all that a return address needs.

use object::Endianness;
use object::endian::Endian;

use super::rule::{Base, Cfa, Rule, Saved, Step};
use super::span::Span;

/// A section's bytes and its link-time address.
#[derive(Debug, Clone, Copy)]
pub(super) struct Section<'a> {
    pub bytes: &'a [u8],
    pub address: u64,
}

impl Section<'_> {
    fn word(&self, address: u32, endian: Endianness) -> Option<u32> {
        let at = usize::try_from(u64::from(address).checked_sub(self.address)?).ok()?;
        let bytes = self.bytes.get(at..at.checked_add(4)?)?;
        Some(endian.read_u32(bytes.try_into().ok()?))
    }
}

/// The functions of the table. The last one reaches to `end`, a link-time address.
pub(super) fn spans(
    index: Section<'_>,
    tables: Option<Section<'_>>,
    endian: Endianness,
    image_base: u64,
    end: u64,
) -> Vec<Span> {
    let entries = index.bytes.len() / 8;
    let entry_at = |i: usize| u32::try_from(index.address.checked_add(8 * i as u64)?).ok();
    let start_of = |i: usize| {
        let at = entry_at(i)?;
        Some(u64::from(prel31(at, index.word(at, endian)?) & !1))
    };
    let function = |i: usize| {
        let at = entry_at(i)?;
        let end = if i + 1 < entries {
            start_of(i + 1)?
        } else {
            end
        };
        let bytes = instructions(at.checked_add(4)?, index, tables, endian);
        let rule = bytes.and_then(|bytes| run(&bytes)).unwrap_or(Rule::Unknown);
        Span::new(start_of(i)?, end, image_base, rule)
    };
    (0..entries).filter_map(function).collect()
}

/// A 31-bit offset from where it stands.
fn prel31(at: u32, word: u32) -> u32 {
    let offset = (word << 1).cast_signed() >> 1;
    at.wrapping_add_signed(offset)
}

/// The unwind instructions of a function, in their order. `None` where it says that it cannot be
/// unwound, or has a routine of its own that nobody here can run.
fn instructions(
    at: u32,
    index: Section<'_>,
    tables: Option<Section<'_>>,
    endian: Endianness,
) -> Option<Vec<u8>> {
    const CANNOT_UNWIND: u32 = 1;
    let word = index.word(at, endian)?;
    if word == CANNOT_UNWIND {
        return None;
    }
    if word >> 31 == 1 {
        // The short form stands in the index itself.
        return (word >> 24 == 0x80).then(|| word.to_be_bytes()[1..].to_vec());
    }
    let tables = tables?;
    let mut at = prel31(at, word);
    let mut first = tables.word(at, endian)?;
    let (skipped, more) = if first >> 31 == 0 {
        // A language's own routine, such as C++'s, then the same instructions as the others have.
        at = at.checked_add(4)?;
        first = tables.word(at, endian)?;
        (1, first >> 24)
    } else {
        match (first >> 24) & 0xf {
            0 => (1, 0),
            1 | 2 => (2, (first >> 16) & 0xff),
            _ => return None,
        }
    };
    let mut bytes = first.to_be_bytes()[skipped..].to_vec();
    for i in 1..=more {
        let word = tables.word(at.checked_add(4 * i)?, endian)?;
        bytes.extend_from_slice(&word.to_be_bytes());
    }
    Some(bytes)
}

/// The virtual stack pointer, and where the registers were found on its way.
struct UnwindState {
    base: Base,
    offset: i32,
    link: Saved,
    pc: Saved,
    r7: Saved,
    r11: Saved,
}

/// What the instructions come to. `None` where they restore the stack pointer in a way that a rule
/// cannot say.
fn run(bytes: &[u8]) -> Option<Rule> {
    let mut frame = UnwindState {
        base: Base::StackPointer,
        offset: 0,
        link: Saved::Same,
        pc: Saved::Same,
        r7: Saved::Same,
        r11: Saved::Same,
    };
    let mut bytes = bytes.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            0x00..=0x3f => frame.add(4 * i32::from(byte & 0x3f) + 4)?,
            0x40..=0x7f => frame.add(-4 * i32::from(byte & 0x3f) - 4)?,
            0x80..=0x8f => {
                let mask = u16::from_be_bytes([byte & 0xf, bytes.next()?]);
                if mask == 0 {
                    return None; // "refuse to unwind"
                }
                frame.pop(mask << 4)?;
            }
            0x90..=0x9f => frame.take(byte & 0xf)?,
            0xa0..=0xaf => {
                let count = (byte & 7) + 1;
                let registers = ((1_u16 << count) - 1) << 4;
                let link = if byte & 8 == 0 { 0 } else { 1 << 14 };
                frame.pop(registers | link)?;
            }
            0xb0 => break,
            0xb1 => {
                let mask = bytes.next().filter(|mask| (1..16).contains(mask))?;
                frame.pop(u16::from(mask))?;
            }
            0xb2 => {
                let words = uleb(&mut bytes)?;
                frame.add(
                    i32::try_from(words)
                        .ok()?
                        .checked_mul(4)?
                        .checked_add(0x204)?,
                )?;
            }
            // A signed return address, kept beside it.
            0xb4 => frame.add(4)?,
            0xb3 => frame.add(8 * count(bytes.next()?) + 4)?,
            0xb8..=0xbf => frame.add(8 * (i32::from(byte & 7) + 1) + 4)?,
            0xc0..=0xc5 | 0xd0..=0xd7 => frame.add(8 * (i32::from(byte & 7) + 1))?,
            0xc6 | 0xc8 | 0xc9 => frame.add(8 * count(bytes.next()?))?,
            0xc7 => {
                let mask = bytes.next().filter(|mask| (1..16).contains(mask))?;
                frame.add(4 * mask.count_ones().cast_signed())?;
            }
            _ => return None,
        }
    }
    Some(frame.rule())
}

/// How many registers a range of them has.
fn count(range: u8) -> i32 {
    i32::from(range & 0xf) + 1
}

fn uleb(bytes: &mut impl Iterator<Item = u8>) -> Option<u32> {
    let mut value = 0;
    for shift in (0..28).step_by(7) {
        let byte = bytes.next()?;
        value |= u32::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

impl UnwindState {
    fn add(&mut self, bytes: i32) -> Option<()> {
        self.offset = self.offset.checked_add(bytes)?;
        Some(())
    }

    /// Registers lie in their order, the lowest at the lowest address.
    fn pop(&mut self, registers: u16) -> Option<()> {
        for register in (0..16).filter(|register| registers >> register & 1 == 1) {
            let place = Saved::At(self.base, self.offset);
            match register {
                7 => self.r7 = place,
                11 => self.r11 = place,
                // The stack pointer itself, from memory.
                13 => return None,
                14 => self.link = place,
                15 => self.pc = place,
                _ => {}
            }
            self.add(4)?;
        }
        Some(())
    }

    /// The stack pointer is what the function kept in this register, if it has not been restored yet.
    fn take(&mut self, register: u8) -> Option<()> {
        let (base, saved) = match register {
            7 => (Base::A, self.r7),
            11 => (Base::B, self.r11),
            _ => return None,
        };
        if saved != Saved::Same {
            return None;
        }
        (self.base, self.offset) = (base, 0);
        Some(())
    }

    fn rule(&self) -> Rule {
        // Counted from the CFA, equal frames have equal rules.
        let place = |saved| match saved {
            Saved::At(base, offset) if base == self.base => offset
                .checked_sub(self.offset)
                .map_or(Saved::Lost, Saved::AtCfa),
            saved => saved,
        };
        let return_address = match self.pc {
            Saved::Same => self.link,
            pc => pc,
        };
        Rule::Step(Step {
            cfa: Cfa::Plus(self.base, self.offset),
            return_address: place(return_address),
            a: place(self.r7),
            b: place(self.r11),
            is_signal: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(cfa: Cfa, return_address: i32, a: Saved, b: Saved) -> Option<Rule> {
        Some(Rule::Step(Step {
            cfa,
            return_address: Saved::AtCfa(return_address),
            a,
            b,
            is_signal: false,
        }))
    }

    /// The examples of the ABI's document, and what `readelf -u` says of functions of libstdc++.
    #[test]
    fn instructions_come_to_rules() {
        use Saved::{AtCfa, Same};
        let sp = |offset| Cfa::Plus(Base::StackPointer, offset);
        // pop {r4, lr}
        assert_eq!(run(&[0xa8, 0xb0, 0xb0]), step(sp(8), -4, Same, Same));
        // pop {r4-r7, lr}
        assert_eq!(run(&[0xab, 0xb0]), step(sp(20), -4, AtCfa(-8), Same));
        // vsp += 12; pop {r4-r11, lr}
        assert_eq!(
            run(&[0x02, 0xaf, 0xb0]),
            step(sp(48), -4, AtCfa(-24), AtCfa(-8))
        );
        // vsp = r7; vsp += 8; pop {r7, lr}
        assert_eq!(
            run(&[0x97, 0x01, 0x84, 0x08]),
            step(Cfa::Plus(Base::A, 16), -4, AtCfa(-8), Same)
        );
        // vsp += 0x204 + 4 * 0x81; pop {d8}; pop {r4, r14}
        assert_eq!(
            run(&[0xb2, 0x81, 0x01, 0xd0, 0x84, 0x01]),
            step(sp(0x204 + 4 * 0x81 + 8 + 8), -4, Same, Same)
        );
        // pop {r0-r3}: arguments that were stored above the frame
        assert_eq!(
            run(&[0x84, 0x00, 0xb1, 0x0f]),
            step(sp(20), -20, Same, Same)
        );
    }

    #[test]
    fn what_cannot_be_unwound_is_no_rule() {
        for bytes in [
            &[0x80, 0x00][..],
            &[0x82, 0x00],
            &[0x80],
            &[0xb2, 0xff],
            &[0x9d],
            &[0xff],
        ] {
            assert_eq!(run(bytes), None, "{bytes:x?}");
        }
    }
}
