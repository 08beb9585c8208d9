//! What one run left: the program, the log, the maps, and libraries beside them.

mod archive;
mod compressed;
mod contents;
mod input;
mod manifest;
pub mod maps;
mod moment;
mod once;
mod set;
pub mod sniff;

pub use archive::{head_of_stdin, unpack_stdin};
pub use compressed::plain;
pub use input::{RunInput, is_stdin};
pub use manifest::{SCHEMA, is_duration};
pub use maps::{Mapping, Maps};
pub use moment::{Moment, Reached};
pub use once::refuse_read_twice;
pub use set::CaptureSet;
pub use sniff::{Head, Sign, Standing, first_line, schema};
