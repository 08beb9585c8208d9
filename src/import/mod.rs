//! From the files of a run to what they tell.

mod moment;

pub use moment::log_at;
