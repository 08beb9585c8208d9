//! Call sites across runs: what they are, how they grew, and whether that is too much.

mod advice;
mod align;
mod column;
mod copies;
mod files;
mod gate;
mod group;
mod growth;
mod hidden;
mod identity;
mod join;
mod judge;
mod judgeable;
mod judged;
mod map;
mod matched_by;
mod median;
mod rank;
mod rate;
mod site;
mod trend;

pub use advice::advice;
pub use column::Column;
pub use copies::copies;
pub use gate::{Breach, Gate, Limit, Verdict, grouped_number};
pub use growth::{Change, Growth, ends};
pub use join::join;
pub use judge::judge;
pub(crate) use judgeable::refuse_judgement;
pub use judged::Site;
pub use map::{Map, renamed};
pub use matched_by::MatchedBy;
pub use rank::SortBy;
pub use rate::{Rate, Rates, are_equal};
pub use site::{Grouping, Hidden, JoinedSite, SiteRun};
pub use trend::{FEWEST_BLOCKS, Observed, Trend, trend, trend_of};
