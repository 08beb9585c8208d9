//! Call sites across runs: what they are, how they grew, and whether that is too much.

mod advice;
mod align;
mod files;
mod gate;
mod group;
mod growth;
mod identity;
mod join;
mod judge;
mod judgeable;
mod map;
mod median;
mod rank;
mod rate;
mod site;
mod trend;

pub use advice::advice;
pub use gate::{Breach, Gate, Limit, Verdict};
pub use growth::{Change, Growth};
pub use identity::MatchedBy;
pub use join::join;
pub use judge::{Column, Reading, Site, judge};
pub(crate) use judgeable::refuse_judgement;
pub use map::{Map, renamed};
pub use rank::SortBy;
pub use rate::{Rate, Rates};
pub use site::{Grouping, Hidden, JoinedSite, SiteKey, SiteRun};
pub use trend::{Observed, Trend, trend, trend_of};
