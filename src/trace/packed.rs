//! Changes of many callers in few bytes.

use super::block::CallerId;
use super::delta::{CallerDelta, Delta};
use super::varint::{self, unzigzag, zigzag};

/// Changes in order of callers and of stretches, each once: some five bytes each.
#[derive(Debug, Default)]
pub(super) struct Packed {
    bytes: Vec<u8>,
    length: usize,
}

impl Packed {
    /// How many changes there are.
    pub(super) fn len(&self) -> usize {
        self.length
    }

    pub(super) fn iter(&self) -> Unpacked<'_> {
        Unpacked {
            bytes: &self.bytes,
            caller: 0,
        }
    }

    pub(super) fn shrink_to_fit(&mut self) {
        self.bytes.shrink_to_fit();
    }
}

/// Packs changes that come in order; what is of one caller and stretch becomes one.
#[derive(Debug, Default)]
pub(super) struct Packer {
    packed: Packed,
    last: Option<CallerDelta>,
    /// Of the last change that is packed.
    caller: u32,
}

impl Packer {
    pub(super) fn push(&mut self, change: CallerDelta) {
        match &mut self.last {
            Some(last) if last.when() == change.when() => last.delta.add(change.delta),
            last => {
                if let Some(whole) = last.replace(change) {
                    self.pack(whole);
                }
            }
        }
    }

    fn pack(&mut self, change: CallerDelta) {
        if change.delta == Delta::default() {
            return;
        }
        let bytes = &mut self.packed.bytes;
        varint::write(bytes, u64::from(change.caller.0 - self.caller));
        varint::write(bytes, u64::from(change.stretch));
        varint::write(bytes, zigzag(change.delta.blocks as u64));
        varint::write(bytes, zigzag(change.delta.bytes));
        self.caller = change.caller.0;
        self.packed.length += 1;
    }

    pub(super) fn finish(mut self) -> Packed {
        if let Some(last) = self.last.take() {
            self.pack(last);
        }
        self.packed
    }
}

/// The changes of [`Packed`], in their order.
#[derive(Debug)]
pub(super) struct Unpacked<'a> {
    bytes: &'a [u8],
    caller: u32,
}

impl Iterator for Unpacked<'_> {
    type Item = CallerDelta;

    #[inline]
    fn next(&mut self) -> Option<CallerDelta> {
        if self.bytes.is_empty() {
            return None;
        }
        self.caller += varint::read(&mut self.bytes) as u32;
        Some(CallerDelta {
            caller: CallerId(self.caller),
            stretch: varint::read(&mut self.bytes) as u32,
            delta: Delta {
                blocks: unzigzag(varint::read(&mut self.bytes)) as i64,
                bytes: unzigzag(varint::read(&mut self.bytes)),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(caller: u32, stretch: u32, blocks: i64, bytes: u64) -> CallerDelta {
        CallerDelta {
            caller: CallerId(caller),
            stretch,
            delta: Delta { blocks, bytes },
        }
    }

    #[test]
    fn changes_come_back_summed_up() {
        let mut packer = Packer::default();
        for change in [
            change(0, 0, 1, 8),
            change(0, 255, -1, 8_u64.wrapping_neg()),
            change(7, 3, 2, 1 << 40),
            change(7, 3, 1, 1),
            change(9, 0, 1, 5),
            change(9, 0, -1, 5_u64.wrapping_neg()),
            change(300_000, 1, i64::MIN, u64::MAX),
        ] {
            packer.push(change);
        }
        let packed = packer.finish();
        let expected = [
            change(0, 0, 1, 8),
            change(0, 255, -1, 8_u64.wrapping_neg()),
            change(7, 3, 3, (1 << 40) + 1),
            change(300_000, 1, i64::MIN, u64::MAX),
        ];
        assert_eq!(packed.iter().collect::<Vec<_>>(), expected);
        assert_eq!(packed.len(), expected.len());
    }
}
