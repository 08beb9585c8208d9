//! How it is known that a frame stands for its caller.

use serde::Serialize;

/// How it is known that a frame stands for its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PassedBy {
    /// `--wrapper` names it.
    Given,
    /// It lies in the C or C++ runtime.
    Runtime,
    /// The table has its name.
    Known,
    /// So it has, but the program or a library of its own has its code: its own lines may keep something.
    #[serde(rename = "known")]
    KnownOwn,
    /// The data shows it.
    Learned,
    /// It is written in a header of the system.
    Header,
    /// It is written in a header of a library, which can be the program's own.
    #[serde(rename = "header")]
    HeaderOwn,
}

impl PassedBy {
    /// Stable, for scripts.
    pub fn name(self) -> &'static str {
        match self {
            PassedBy::Given => "given",
            PassedBy::Runtime => "runtime",
            PassedBy::Known | PassedBy::KnownOwn => "known",
            PassedBy::Learned => "learned",
            PassedBy::Header | PassedBy::HeaderOwn => "header",
        }
    }
}
