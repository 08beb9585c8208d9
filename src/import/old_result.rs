//! What the old tools made of a log: the output of `mtrace(1)`, and the file of `mtrace_do.py`.

use super::placed::Placed;
use super::{Imported, Importer, Reading};
use crate::capture::{CaptureSet, Moment, Standing, first_line};
use crate::error::{Error, Result};

pub const OLD_RESULT: Importer = Importer {
    standing: Standing::Alone,
    recognise: |head| match head.trim_ascii_start().starts_with(b"total_cnt: ") {
        true => Some(0),
        false => first_line(head, is_mtrace_result_line),
    },
    import,
};

fn import(capture: CaptureSet, reading: Reading<'_>) -> Result<Imported> {
    let (at, path) = (capture.at, capture.path.clone());
    let placed = Placed::of_old_result(capture, reading)?;
    match at {
        Moment::End => Ok(Imported::Placed(Box::new(placed))),
        _ => Err(Error::NoMoments {
            path,
            reason: "the result of an old tool says only what was left then",
        }),
    }
}

/// `Memory not freed:`, `No memory leaks.`, `- 0x… Free 12 was never alloc'd 0x…`.
fn is_mtrace_result_line(line: &[u8]) -> bool {
    line == b"Memory not freed:"
        || line == b"No memory leaks."
        || memchr::memmem::find(line, b" was never alloc'd").is_some()
        || (line.starts_with(b"+ 0x") && memchr::memmem::find(line, b" duplicate: ").is_some())
}
