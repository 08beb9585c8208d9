//! Recording a program: the recorder itself, running a program under it, and what it needs to know.

mod leave;
mod library;
mod process;
mod program;
mod session;
pub mod unwind;

pub use leave::With;
pub use library::{SOURCE, build_with};
pub use session::{Ending, Job, Outcome, Settings, Watch, run};
