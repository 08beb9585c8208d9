//! A capture that comes over a pipe as a tar archive, as `capture.sh -T` writes it.

use std::io::{self, BufRead};
use std::path::Path;

use tempfile::TempDir;

use super::input::{RunInput, is_stdin};
use crate::error::{Error, Result};

/// Where tar says what a file is, and how.
const MAGIC_AT: usize = 257;
const MAGIC: &[u8] = b"ustar";

/// The beginning of standard input, which stays there to be read.
pub(crate) fn head_of_stdin() -> io::Result<Vec<u8>> {
    Ok(io::stdin().lock().fill_buf()?.to_vec())
}

/// Unpacks the archive that standard input may be, and makes it the run. The directory has to live as long as the run
/// is looked at.
pub(crate) fn unpack_stdin(runs: &mut [RunInput]) -> Result<Option<TempDir>> {
    let is_meant = |run: &&mut RunInput| run.log.is_none() && is_stdin(&run.path);
    let Some(run) = runs.iter_mut().find(is_meant) else {
        return Ok(None);
    };
    let reading = |e| Error::io("read", Path::new("-"), e);
    let head = head_of_stdin().map_err(reading)?;
    if !head.get(MAGIC_AT..).is_some_and(|at| at.starts_with(MAGIC)) {
        return Ok(None);
    }
    let directory = tempfile::Builder::new().prefix("mtrace-diff").tempdir();
    let directory = directory.map_err(|e| Error::io("create", &std::env::temp_dir(), e))?;
    // As standard input is called in the report.
    let to = directory.path().join("stdin");
    std::fs::create_dir(&to).map_err(|e| Error::io("create", &to, e))?;
    let mut archive = tar::Archive::new(io::stdin());
    for entry in archive.entries().map_err(reading)? {
        let mut entry = entry.map_err(reading)?;
        let kind = entry.header().entry_type();
        // A capture has nothing else, and links could lead anywhere.
        if kind.is_file() || kind.is_dir() {
            entry.unpack_in(&to).map_err(reading)?;
        }
    }
    run.path = to;
    Ok(Some(directory))
}
