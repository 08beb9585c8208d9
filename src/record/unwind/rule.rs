//! How to come from one frame to its caller's, as small as the recorder needs it.

/// Which register a value is counted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Base {
    StackPointer,
    /// The frame pointer.
    A,
    /// The other frame pointer of 32-bit ARM, whose two instruction sets each have their own.
    B,
}

/// How the canonical frame address (CFA, the caller's stack pointer) is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Cfa {
    /// The register and an offset in bytes.
    Plus(Base, i32),
    /// The word that lies there: functions that align their stack, and signal frames.
    WordAt(Base, i32),
}

/// Where a register of the caller is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Saved {
    /// Still in its register.
    Same,
    /// In memory, so many bytes from the CFA.
    AtCfa(i32),
    /// In memory, so many bytes from a register of this frame.
    At(Base, i32),
    /// Not to be had.
    Lost,
}

/// One step from a frame to its caller's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Rule {
    /// Nothing is known: a stack is cut here.
    Unknown,
    /// This function has no caller: a stack is whole here.
    Outermost,
    Step(Step),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Step {
    pub cfa: Cfa,
    pub return_address: Saved,
    pub a: Saved,
    pub b: Saved,
    /// The caller was interrupted, so its address is no return address.
    pub is_signal: bool,
}

/// Bytes of a rule in a file.
pub(super) const RULE_SIZE: usize = 20;
const SIGNAL: u8 = 0x80;

impl Rule {
    pub(super) fn is_signal(&self) -> bool {
        matches!(self, Rule::Step(step) if step.is_signal)
    }

    /// The bytes that the recorder reads; `u32` puts a number in the target's byte order.
    pub(super) fn encode(&self, u32: impl Fn(u32) -> [u8; 4]) -> [u8; RULE_SIZE] {
        let (kinds, offsets) = match self {
            Rule::Unknown => ([0; 4], [0; 4]),
            Rule::Outermost => ([7, 0, 0, 0], [0; 4]),
            Rule::Step(step) => step.parts(),
        };
        let mut bytes = [0; RULE_SIZE];
        bytes[..4].copy_from_slice(&kinds);
        for (field, offset) in bytes[4..].chunks_exact_mut(4).zip(offsets) {
            field.copy_from_slice(&u32(offset.cast_unsigned()));
        }
        bytes
    }
}

impl Step {
    fn parts(&self) -> ([u8; 4], [i32; 4]) {
        let (cfa, cfa_offset) = match self.cfa {
            Cfa::Plus(base, offset) => (1 + base as u8, offset),
            Cfa::WordAt(base, offset) => (4 + base as u8, offset),
        };
        let signal = if self.is_signal { SIGNAL } else { 0 };
        let saved = [self.return_address, self.a, self.b].map(Saved::parts);
        (
            [cfa | signal, saved[0].0, saved[1].0, saved[2].0],
            [cfa_offset, saved[0].1, saved[1].1, saved[2].1],
        )
    }
}

impl Saved {
    fn parts(self) -> (u8, i32) {
        match self {
            Saved::Same => (0, 0),
            Saved::AtCfa(offset) => (1, offset),
            Saved::At(base, offset) => (2 + base as u8, offset),
            Saved::Lost => (5, 0),
        }
    }
}
