//! `unwind-table`: what it says of files that it cannot use, and what it leaves alone.

use std::fs;
use std::path::PathBuf;

use mtrace_diff::SearchPath;
use mtrace_diff::internals::record::unwind::{UnwindPlan, build};
use tempfile::TempDir;

use crate::common::{mtrace_diff, output_of, stdout_of};

/// A program of this machine that is always there.
const HERE: &str = env!("CARGO_BIN_EXE_mtrace-diff");

fn armhf() -> PathBuf {
    crate::common::file_of("armhf-glibc2.36/run0", "app0")
}

fn errors_of(arguments: &[&str]) -> String {
    let output = output_of(mtrace_diff().arg("unwind-table").args(arguments));
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn only_a_table_is_written_over() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("out.unw");
    let path = file.to_str().unwrap();
    fs::write(&file, "notes\n").unwrap();
    let error = errors_of(&["-o", path, HERE]);
    assert!(error.contains("is no unwind table"), "{error}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "notes\n");
    // As mktemp leaves it, and then a table of before.
    fs::write(&file, "").unwrap();
    for _ in 0..2 {
        stdout_of(mtrace_diff().args(["unwind-table", "-o", path, HERE]));
        assert!(fs::read(&file).unwrap().starts_with(b"MTDUNW1\n"));
    }
}

#[test]
fn libraries_of_another_machine_are_refused_and_missing_ones_named() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("out.unw");
    let (path, app) = (path.to_str().unwrap(), armhf());
    let error = errors_of(&["-o", path, HERE, app.to_str().unwrap()]);
    assert!(error.contains("it is for armhf"), "{error}");
    let output = output_of(
        mtrace_diff()
            .args(["unwind-table", "-o", path, "--sysroot"])
            .arg(dir.path())
            .arg(&app),
    );
    assert!(output.status.success(), "{output:?}");
    let warnings = String::from_utf8(output.stderr).unwrap();
    assert!(
        warnings.contains("library libc.so.6 not found"),
        "{warnings}"
    );
}

#[test]
fn files_that_are_damaged_anywhere_are_no_panic() {
    let whole = fs::read(armhf()).unwrap();
    let dir = TempDir::new().unwrap();
    let plan = UnwindPlan {
        program: dir.path().join("app"),
        libraries: Vec::new(),
        sysroot: Some(dir.path().to_path_buf()),
        search: SearchPath::default(),
        all_rows: false,
    };
    let mut random = 1_u64;
    let mut next = |below: usize| {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (random >> 33) as usize % below
    };
    let mut tables = 0;
    for _ in 0..400 {
        let mut bytes = whole.clone();
        for _ in 0..=next(40) {
            let at = next(bytes.len());
            bytes[at] = next(256) as u8;
        }
        if next(4) == 0 {
            bytes.truncate(next(whole.len()));
        }
        fs::write(&plan.program, &bytes).unwrap();
        tables += u32::from(build(&plan).is_ok());
    }
    assert!(tables > 100, "only {tables} of 400 were read that far");
}
