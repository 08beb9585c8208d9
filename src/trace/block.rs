//! Blocks, and who allocated them.

/// Index of a caller within one log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallerId(pub u32);

/// A caller's number in one piece: that in the log, or a higher one, if the piece has it for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalCaller(pub u32);

/// One allocation that has not been freed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// Who allocated it.
    pub caller: CallerId,
    /// In bytes, as asked for.
    pub size: u64,
    /// The stretch of the run in which it was allocated (see `changes.rs`).
    pub born: Stretch,
}

/// One of at most 256 equal parts of a run, as long as it has gone by now.
pub(super) type Stretch = u8;

/// Blocks and their bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many.
    pub blocks: u64,
    /// Their sizes as asked for, without what the allocator adds.
    pub bytes: u64,
}

impl Tally {
    /// Adds another one, up to what a `u64` holds.
    pub fn add(&mut self, other: Tally) {
        self.blocks = self.blocks.saturating_add(other.blocks);
        self.bytes = self.bytes.saturating_add(other.bytes);
    }
}
