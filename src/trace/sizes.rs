//! What a caller asked for: every size of it, whether the block lives or not.

/// The least and the most that was asked for, in bytes. Where these are one, a call has one size: what tells calls of
/// one function apart, and costs two words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sizes {
    least: u64,
    most: u64,
}

impl Sizes {
    /// `None` for bounds that no size is between.
    pub fn new(least: u64, most: u64) -> Option<Self> {
        (least <= most).then_some(Sizes { least, most })
    }

    pub fn one(size: u64) -> Self {
        Sizes {
            least: size,
            most: size,
        }
    }

    /// Whether all was of one size.
    pub fn is_one(self) -> bool {
        self.least == self.most
    }

    pub fn least(self) -> u64 {
        self.least
    }

    pub fn most(self) -> u64 {
        self.most
    }

    pub fn and(self, other: Sizes) -> Self {
        Sizes {
            least: self.least.min(other.least),
            most: self.most.max(other.most),
        }
    }
}

/// Sizes while they are counted: of nothing, at first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SizesSeen(Sizes);

impl Default for SizesSeen {
    fn default() -> Self {
        SizesSeen::NONE
    }
}

impl SizesSeen {
    pub const NONE: SizesSeen = SizesSeen(Sizes {
        least: u64::MAX,
        most: 0,
    });

    /// Without a branch: it is done for every record.
    #[inline]
    pub fn note(&mut self, size: u64, is_allocation: bool) {
        let not = u64::from(is_allocation).wrapping_sub(1);
        self.0.least = self.0.least.min(size | not);
        self.0.most = self.0.most.max(size & !not);
    }

    pub fn add(&mut self, other: SizesSeen) {
        self.0 = self.0.and(other.0);
    }

    /// `None` where nothing was allocated.
    pub fn sizes(self) -> Option<Sizes> {
        Sizes::new(self.0.least, self.0.most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_allocations_have_a_size() {
        let mut seen = SizesSeen::default();
        seen.note(0, false);
        assert_eq!(seen.sizes(), None);
        seen.note(24, true);
        assert_eq!(seen.sizes(), Some(Sizes::one(24)));
        seen.note(0, false);
        seen.note(u64::MAX, true);
        assert_eq!(seen.sizes(), Sizes::new(24, u64::MAX));
        let mut other = SizesSeen::default();
        other.note(0, true);
        other.add(seen);
        assert_eq!(other.sizes(), Sizes::new(0, u64::MAX));
        assert_eq!(Sizes::new(2, 1), None);
    }
}
