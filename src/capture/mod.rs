//! What one run left: the program, the log, the maps, and libraries beside them.

mod compressed;
mod contents;
mod input;
mod manifest;
pub mod maps;
mod moment;
mod once;
mod set;
mod sniff;

pub use compressed::plain;
pub use input::RunInput;
pub use manifest::{Manifest, SCHEMA, is_duration};
pub use maps::{Mapping, Maps};
pub use moment::{Moment, Reached};
pub use once::refuse_read_twice;
pub use set::CaptureSet;
pub use sniff::{Head, Sign, Standing, first_line, kind_of, schema};
