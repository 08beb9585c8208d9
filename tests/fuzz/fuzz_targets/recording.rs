#![no_main]

#[path = "../recordings.rs"]
mod recordings;
#[path = "../runs.rs"]
#[allow(dead_code)] // each target uses its own
mod runs;

use std::sync::LazyLock;

use tempfile::TempDir;

/// One directory for all inputs; each overwrites the files of the one before.
static DIRECTORY: LazyLock<TempDir> =
    LazyLock::new(|| TempDir::new().expect("a temporary directory can be made"));

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    recordings::recording(input, DIRECTORY.path());
});
