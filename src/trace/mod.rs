//! Reading a log: lines to records, records to live blocks, live blocks to figures per caller.

mod advice;
mod anomalies;
mod block;
mod caller_list;
pub mod curve;
mod freed;
pub mod line;
pub mod live;
mod live_sizes;
mod moment;
mod outcome;
pub mod parse;
mod parted;
pub mod reader;
mod replay;
mod sizes;
mod table;
mod torn;

pub use advice::advice;
pub use anomalies::Anomalies;
pub use block::{Block, CallerId, Tally};
pub use caller_list::Callers;
pub use curve::{Course, Curve, Delta, STEPS};
pub use line::{Caller, Event, Line, LogSymbol, Record, is_log_line};
pub use live::{Freed, LiveBlocks, Occurrences, Reuse};
pub use live_sizes::LiveSizes;
pub use moment::{FirstLines, LogIndex};
pub use outcome::{CallerStats, Fault, FaultKind, Outcome, Trace, UnknownFree};
pub use replay::{ReplayOptions, Rounds, replay, replay_in};
pub use sizes::{Seen as SizesSeen, Sizes};
pub(crate) use table::{AddressTable, Held};
