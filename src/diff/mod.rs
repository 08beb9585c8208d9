//! Call sites across runs: what they are, how they grew, and whether that is too much.

mod advice;
mod gate;
mod growth;
mod join;
mod rank;
mod site;
mod unknown;

pub use advice::advice;
pub use gate::{Breach, Gate, Limit, Verdict};
pub use growth::{Change, Growth};
pub use join::{NamedCaller, join};
pub use rank::{SortBy, rank};
pub use site::{Hidden, ModuleLabel, Site, SiteKey, SiteRun};
pub use unknown::ignore_bytes;
