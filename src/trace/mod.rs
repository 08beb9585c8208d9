//! Reading a log: lines to records, records to live blocks, live blocks to figures per caller.

mod advice;
mod anomalies;
mod block;
pub mod callers;
mod changes;
pub mod curve;
mod delta;
mod freed;
mod hex;
pub mod line;
pub mod live;
mod moment;
mod outcome;
mod packed;
pub mod parse;
pub mod reader;
mod replay;
mod table;
mod varint;

pub use advice::advice;
pub use anomalies::{Anomalies, AnomalyKind};
pub use block::{Block, CallerId, Tally};
pub use curve::{Curve, STEPS};
pub use line::{Caller, Event, Line, LogSymbol, Record};
pub use live::{Freed, LiveBlocks, Occurrences, Reuse};
pub use moment::{FirstLines, LogIndex};
pub use outcome::{CallerStats, Fault, FaultKind, Trace, UnknownFree};
pub use replay::{ReplayOptions, Rounds, replay, replay_in};
