//! Recordings: what the recorder writes while a program runs. The guide's chapter on the format is what
//! these files go by.
//!
//! A recording is a header, a window with the block that was under way, and blocks of events. Each block can be
//! read on its own, so damage costs one block and no more.

mod blocks;
mod clock;
mod events;
mod header;
mod loaded;
mod outcome;
mod programs;
mod replay;
#[cfg(test)]
mod tests;
mod text;

pub(crate) use blocks::EventBlocks;
pub(crate) use clock::duration_of;
pub(crate) use events::{RecordedEvent, decode};
pub(crate) use header::{Header, Mode, is_recording};
pub(crate) use outcome::Recording;
pub(crate) use programs::{Programs, is_launcher, program_of};
pub(crate) use replay::{Replaying, Until, replay};
pub(crate) use text::write_mtrace_log;
