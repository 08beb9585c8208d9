//! What the numbers of a log are, and the addresses that come of them.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::hex;
use crate::trace::Reuse;

/// An address as the linker laid it out, which is what `addr2line` takes. The bit that marks
/// Thumb or microMIPS code is cleared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LinkAddress(#[serde(with = "hex::text")] pub u64);

impl fmt::Display for LinkAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

/// What the bracketed number of a caller is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Addressing {
    /// A run-time address: glibc up to 2.34.
    Absolute,
    /// Counted from the start of the module's lowest mapping: glibc from 2.35.
    Relative,
}

impl Addressing {
    /// As options and documents call it.
    pub fn name(self) -> &'static str {
        match self {
            Addressing::Absolute => "absolute",
            Addressing::Relative => "relative",
        }
    }
}

/// The choice for one log, and what it means beside the addresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressingChoice {
    #[serde(rename = "kind")]
    pub addressing: Addressing,
    pub reuse: Reuse,
    /// Which releases of glibc write such a log.
    pub glibc: Cow<'static, str>,
    /// What the choice rests on, in a few words.
    pub reason: String,
    pub certainty: Certainty,
}

/// How well a choice is founded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Certainty {
    /// All evidence agrees, or the user said so.
    Sure,
    /// Some callers speak for the other reading.
    Mixed,
    /// Nothing speaks for either.
    Assumed,
}
