//! What it means that an address is used again, and what is counted under each meaning.

use serde::{Deserialize, Serialize};

/// What it means that a block is allocated at an address that is still live.
///
/// Which of the two holds depends on the glibc that wrote the log, and that is known for sure only
/// when the whole log has been read. So both are kept for the few addresses where they differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reuse {
    /// glibc 2.34 and newer: `free` releases a block first and logs it later, so another thread's
    /// `+` can overtake the `-`. The address holds a queue, and `-` takes the oldest.
    FreeLoggedLate,
    /// Up to glibc 2.33: the hooks are off during each call, so another thread's `free` in that
    /// moment is not logged at all. The block that stood there is gone.
    FreeLost,
}

/// How often something happened, and in which line of the log first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Occurrences {
    /// How often.
    pub count: u64,
    /// Counted from 1; `None` if it never happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_line: Option<u64>,
}

impl Occurrences {
    pub(crate) fn note(&mut self, line: u64) {
        self.count += 1;
        self.first_line.get_or_insert(line);
    }

    /// Adds what was counted elsewhere, where lines count from `before`.
    pub fn absorb(&mut self, other: Occurrences, before: u64) {
        self.count += other.count;
        let first = other.first_line.map(|line| line + before);
        self.first_line = [self.first_line, first].into_iter().flatten().min();
    }
}

/// What could not be taken literally, under one meaning of [`Reuse`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ReuseCounts {
    /// Frees of an address that held no block.
    pub unknown_frees: Occurrences,
    /// Those of them whose block had been freed before, with no allocation between.
    pub double_frees: Occurrences,
    /// Those of them of which it is not known any more whether they were freed before.
    pub unsure_frees: Occurrences,
    /// Allocations at an address that held one.
    pub live_address_reused: Occurrences,
}

/// What stood at an address when it was freed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freed {
    /// A block: all is well.
    Live,
    /// A block that had been freed already.
    Again,
    /// Nothing that is known of: most likely a block that is older than the log.
    Unknown,
    /// The same, but what was freed long ago is not known any more: it may have been freed already.
    Unsure,
}

impl ReuseCounts {
    pub(crate) fn absorb(&mut self, other: ReuseCounts) {
        self.unknown_frees.absorb(other.unknown_frees, 0);
        self.double_frees.absorb(other.double_frees, 0);
        self.unsure_frees.absorb(other.unsure_frees, 0);
        self.live_address_reused
            .absorb(other.live_address_reused, 0);
    }

    pub(super) fn note(&mut self, freed: Freed, line: u64) {
        match freed {
            Freed::Live => {}
            Freed::Unknown => self.unknown_frees.note(line),
            Freed::Unsure => {
                self.unknown_frees.note(line);
                self.unsure_frees.note(line);
            }
            Freed::Again => {
                self.unknown_frees.note(line);
                self.double_frees.note(line);
            }
        }
    }
}

/// What a free met, under both meanings of [`Reuse`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Met {
    /// Under [`Reuse::FreeLoggedLate`].
    pub late: Freed,
    /// Under [`Reuse::FreeLost`].
    pub lost: Freed,
}

impl Met {
    /// A block, whatever the log's glibc.
    pub(super) const LIVE: Met = Met {
        late: Freed::Live,
        lost: Freed::Live,
    };

    pub(crate) fn under(self, reuse: Reuse) -> Freed {
        match reuse {
            Reuse::FreeLoggedLate => self.late,
            Reuse::FreeLost => self.lost,
        }
    }
}
