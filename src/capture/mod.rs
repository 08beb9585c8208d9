//! What one run left: the program, the log, the maps, and libraries beside them.

mod archive;
mod compressed;
mod contents;
mod input;
mod manifest;
pub(crate) mod maps;
mod moment;
mod once;
mod set;
pub(crate) mod sniff;

pub(crate) use archive::{head_of_stdin, unpack_stdin};
pub use compressed::plain;
pub use input::RunInput;
pub(crate) use input::is_stdin;
pub(crate) use manifest::is_duration;
pub(crate) use maps::Mapping;
pub use maps::Maps;
pub use moment::Moment;
pub(crate) use moment::Reached;
pub(crate) use once::refuse_read_twice;
pub(crate) use set::CaptureSet;
pub(crate) use sniff::{Head, Sign, Standing, first_line, schema};
