//! How a call site changed from the first run to the last.

use std::fmt;

use crate::run::Figures;
use crate::units::{signed_bytes, signed_counted};

/// Last run minus first run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Growth {
    /// Live blocks.
    pub blocks: i64,
    /// `None` where one of the two does not know its bytes.
    pub bytes: Option<i64>,
}

/// What the change is called. A site that has nothing live in the first run has no percentage:
/// it is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Nothing was live before.
    New,
    /// More blocks or more bytes; also where the other of the two went down.
    Grown,
    /// As many blocks and bytes as before.
    Same,
    /// Fewer blocks or bytes, and more of neither.
    Shrunk,
    /// Nothing is live any more.
    Gone,
}

impl Default for Growth {
    fn default() -> Self {
        Growth::ZERO
    }
}

impl fmt::Display for Growth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&signed_counted(self.blocks, "block"))?;
        match self.bytes {
            Some(bytes) => write!(f, ", {}", signed_bytes(bytes)),
            None => Ok(()),
        }
    }
}

impl Growth {
    /// Of nothing at all: the sum to begin with.
    pub const ZERO: Growth = Growth {
        blocks: 0,
        bytes: Some(0),
    };

    pub(crate) fn between(first: Figures, last: Figures) -> Self {
        Growth {
            blocks: difference(first.blocks, last.blocks),
            bytes: first
                .bytes
                .zip(last.bytes)
                .map(|(first, last)| difference(first, last)),
        }
    }

    pub(crate) fn add(&mut self, other: Growth) {
        self.blocks = self.blocks.saturating_add(other.blocks);
        let bytes = self.bytes.zip(other.bytes);
        self.bytes = bytes.map(|(sum, bytes)| sum.saturating_add(bytes));
    }

    /// Whether there are more blocks, or more bytes.
    pub fn is_growth(self) -> bool {
        self.blocks > 0 || self.bytes > Some(0)
    }

    /// In percent of the first run's blocks; `None` where that had none.
    pub fn percent(self, first: Figures) -> Option<f64> {
        percent_of(self.blocks, first.blocks)
    }

    /// The percentage to show: of blocks; of bytes where only these changed.
    pub fn shown_percent(self, first: Figures) -> Option<f64> {
        match (self.blocks, self.bytes) {
            (0, Some(bytes)) if bytes != 0 => self.percent_of_bytes(first),
            _ => self.percent(first),
        }
    }

    /// In percent of the first run's bytes; `None` where that had none, or does not know them.
    pub fn percent_of_bytes(self, first: Figures) -> Option<f64> {
        percent_of(self.bytes?, first.bytes?)
    }
}

impl Change {
    /// By blocks alone where bytes are not known.
    pub(crate) fn between(first: Figures, last: Figures) -> Self {
        let growth = Growth::between(first, last);
        match (first.blocks, last.blocks) {
            (0, 0) => Change::Same,
            (0, _) => Change::New,
            (_, 0) => Change::Gone,
            _ if growth.is_growth() => Change::Grown,
            _ if growth.blocks == 0 && growth.bytes.unwrap_or(0) == 0 => Change::Same,
            _ => Change::Shrunk,
        }
    }

    /// Stable, for scripts.
    pub fn name(self) -> &'static str {
        match self {
            Change::New => "new",
            Change::Grown => "grown",
            Change::Same => "same",
            Change::Shrunk => "shrunk",
            Change::Gone => "gone",
        }
    }
}

/// What growth is measured between: the first run and the last; from nothing, where there is one run alone.
pub(crate) fn ends(runs: &[Figures]) -> (Figures, Figures) {
    let last = runs.last().copied().unwrap_or(Figures::ZERO);
    match runs {
        [first, _, ..] => (*first, last),
        _ => (Figures::ZERO, last),
    }
}

fn difference(first: u64, last: u64) -> i64 {
    let difference = i128::from(last) - i128::from(first);
    i64::try_from(difference).unwrap_or(if difference < 0 { i64::MIN } else { i64::MAX })
}

fn percent_of(growth: i64, first: u64) -> Option<f64> {
    (first > 0).then(|| growth as f64 * 100.0 / first as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(blocks: u64, bytes: u64) -> Figures {
        Figures {
            blocks,
            bytes: Some(bytes),
            allocations: None,
        }
    }

    #[test]
    fn every_change_has_its_name() {
        let cases = [
            (tally(0, 0), tally(3, 30), Change::New),
            (tally(3, 30), tally(0, 0), Change::Gone),
            (tally(3, 30), tally(4, 30), Change::Grown),
            (tally(3, 30), tally(3, 31), Change::Grown),
            (tally(3, 30), tally(1, 9000), Change::Grown),
            (tally(3, 30), tally(3, 30), Change::Same),
            (tally(0, 0), tally(0, 0), Change::Same),
            (tally(3, 30), tally(3, 29), Change::Shrunk),
        ];
        for (first, last, change) in cases {
            assert_eq!(Change::between(first, last), change, "{first:?} {last:?}");
        }
    }

    #[test]
    fn without_bytes_a_change_is_one_of_blocks() {
        let unknown = |blocks| Figures {
            bytes: None,
            ..tally(blocks, 0)
        };
        let growth = Growth::between(unknown(3), tally(3, 90));
        assert_eq!((growth.blocks, growth.bytes), (0, None));
        assert!(!growth.is_growth());
        assert_eq!(Change::between(unknown(3), tally(3, 90)), Change::Same);
        assert_eq!(Change::between(unknown(3), tally(2, 90)), Change::Shrunk);
    }

    #[test]
    fn a_new_site_has_no_percentage() {
        assert_eq!(
            Growth::between(tally(0, 0), tally(3, 30)).percent(tally(0, 0)),
            None
        );
        assert_eq!(
            Growth::between(tally(4, 30), tally(6, 30)).percent(tally(4, 30)),
            Some(50.0)
        );
    }

    #[test]
    fn differences_of_any_size_do_not_overflow() {
        let growth = Growth::between(tally(0, 0), tally(u64::MAX, 1));
        assert_eq!(growth.blocks, i64::MAX);
        assert_eq!(
            Growth::between(tally(u64::MAX, 0), tally(0, 0)).blocks,
            i64::MIN
        );
    }
}
