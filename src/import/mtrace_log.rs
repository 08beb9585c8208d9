//! The logs that glibc's `mtrace()` writes.

use super::placed::Placed;
use super::{Imported, Importer, Reading};
use crate::capture::{CaptureSet, Standing, first_line};
use crate::error::Result;

pub const MTRACE_LOG: Importer = Importer {
    standing: Standing::Log,
    recognise: |head| first_line(head, is_log_line),
    import,
};

fn import(capture: CaptureSet, reading: Reading<'_>) -> Result<Imported> {
    let placed = Placed::of_log(capture, reading)?;
    Ok(Imported::Placed(Box::new(placed)))
}

/// `= Start`, or `@ … + 0x… 0x…`: what a log is recognised by. The grammar proper is in `trace`.
pub fn is_log_line(line: &[u8]) -> bool {
    if line == b"= Start" {
        return true;
    }
    // Other text can end like a record: `address = base + 0x10`.
    if memchr::memmem::find(line, b"@ ").is_none() && !line.trim_ascii_start().starts_with(b"[0x") {
        return false;
    }
    let mut fields = line.rsplit(|&b| b == b' ');
    let last = fields.next().unwrap_or_default();
    let is_operator =
        |field: Option<&[u8]>| matches!(field, Some(b"+" | b"-" | b"<" | b">" | b"!"));
    let follows_operator = is_operator(fields.next()) || is_operator(fields.next());
    last.starts_with(b"0x") && follows_operator
}
