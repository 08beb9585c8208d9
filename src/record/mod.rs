//! Recording a program: the recorder itself, running a program under it, and what it needs to know.

mod execution;
mod job;
mod leave;
mod library;
mod logs;
mod process;
mod program;
mod session;
pub mod unwind;

pub(crate) use job::{Captured, Ending, Job, Settings, With};
pub(crate) use library::{SOURCE, build_with};
pub(crate) use session::{Status, run};
