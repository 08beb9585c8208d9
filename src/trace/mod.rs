//! Reading a log: lines to records, records to live blocks, live blocks to figures per caller.

pub mod line;
pub mod live;
pub mod reader;
pub mod replay;

pub use line::{Caller, Event, Line, LogSymbol, Record};
pub use live::{Block, CallerId, LiveBlocks, Reuse};
pub use replay::{Anomalies, CallerStats, Tally, Trace, replay};
