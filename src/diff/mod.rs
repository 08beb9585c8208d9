//! Call sites across runs: what they are, how they grew, and whether that is too much.

mod advice;
mod align;
mod files;
mod gate;
mod group;
mod growth;
mod identity;
mod join;
mod map;
mod rank;
mod rate;
mod site;
mod trend;
mod unknown;

pub use advice::advice;
pub use gate::{Breach, Gate, Limit, Verdict};
pub use growth::{Change, Growth};
pub use identity::MatchedBy;
pub use join::{NamedCaller, join};
pub use map::{Map, apply as apply_maps};
pub use rank::{SortBy, rank};
pub use rate::{Rate, Rates, rate};
pub use site::{Grouping, Hidden, ModuleLabel, Site, SiteKey, SiteRun};
pub use trend::{Observed, Trend, judge, trend, trend_of};
pub use unknown::ignore_bytes;
