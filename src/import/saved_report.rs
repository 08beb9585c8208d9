//! Saved reports of this program.

use super::importer::{Importer, ReadOptions};
use super::moment::saved_at;
use crate::capture::{CaptureSet, Standing};
use crate::error::Result;
use crate::saved;
use crate::symbols::RunToName;

pub(super) const SAVED_REPORT: Importer = Importer {
    standing: Standing::StandsIn,
    recognise: |head| saved::is_report(head).then_some(0),
    import,
};

fn import(capture: CaptureSet, reading: ReadOptions<'_>) -> Result<RunToName> {
    let at = capture.at;
    let run = saved::read(&capture, reading.progress)?;
    Ok(RunToName::named(saved_at(run, at)?))
}
