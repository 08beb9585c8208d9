//! Inputs that ask for more time or memory than they are worth.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Output};

use crate::common::{file_of, mtrace_diff, output_of, testdata};

/// Runs the program with at most so many seconds of processor time, and KiB of memory.
fn limited(seconds: u32, kib: u64, arguments: &[&str]) -> Output {
    let program = mtrace_diff();
    let limits = format!("ulimit -t {seconds}; ulimit -v {kib}; ulimit -c 0; exec \"$0\" \"$@\"");
    let mut shell = Command::new("sh");
    shell.args(["-c", &limits]).arg(program.get_program());
    output_of(shell.args(arguments))
}

fn show_within(seconds: u32, kib: u64, run: &Path) -> String {
    let output = limited(seconds, kib, &["show", run.to_str().unwrap(), "--top", "1"]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {errors}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

/// Going through all files of the maps for each name of the log took minutes here.
#[test]
fn time_grows_with_names_and_mappings_not_with_their_product() {
    const FILES: usize = 20_000;
    // What the maps call a file, and what the log does: the same, by version, and not at all.
    type Name = fn(usize) -> String;
    let ways: [(Name, Name); 4] = [
        (|n| format!("/opt/{n}/p.so"), |n| format!("/opt/{n}/p.so")),
        (
            |n| format!("/usr/opt/{n}/p.so"),
            |n| format!("/opt/{n}/p.so"),
        ),
        (
            |n| format!("/opt/lib{n}.so.1.2"),
            |n| format!("/opt/lib{n}.so.1"),
        ),
        (|n| format!("/opt/tool{n}"), |n| format!("title {n}")),
    ];
    for (mapped, logged) in ways {
        let directory = tempfile::tempdir().unwrap();
        let (mut maps, mut log) = (String::new(), "= Start\n".to_owned());
        for n in 0..FILES {
            let start = 0x7f00_0000_0000 + n * 0x10000;
            let (end, file) = (start + 0x8000, mapped(n));
            writeln!(maps, "{start:x}-{end:x} r-xp 00000000 00:00 1 {file}").unwrap();
            let (at, block) = (start + 0x100, 0x10000 + n * 32);
            writeln!(log, "@ {}:[{at:#x}] + {block:#x} 0x18", logged(n)).unwrap();
        }
        fs::write(directory.path().join("maps"), maps).unwrap();
        fs::write(directory.path().join("log"), log).unwrap();
        let text = show_within(20, 2_000_000, directory.path());
        assert!(text.contains("20,000 blocks live"), "{text}");
    }
}

/// One mapping below all others made each look-up of an address between them go through all.
#[test]
fn overlapping_mappings_cost_no_more_than_others() {
    let directory = tempfile::tempdir().unwrap();
    let mut maps = "1000-7fffffff0000 r-xp 00000000 00:00 1 /opt/all.so\n".to_owned();
    let mut log = "= Start\n".to_owned();
    for n in 0..40_000 {
        let start = 0x7f00_0000_0000_usize + n * 0x10000;
        let end = start + 0x1000;
        writeln!(
            maps,
            "{start:x}-{end:x} r-xp 00000000 00:00 1 /opt/small.so"
        )
        .unwrap();
        let between = 0x7f7f_0000_0000 + n * 8;
        writeln!(
            log,
            "@ /opt/all.so:[{between:#x}] + {:#x} 0x18",
            0x10000 + n * 32
        )
        .unwrap();
    }
    fs::write(directory.path().join("maps"), maps).unwrap();
    fs::write(directory.path().join("log"), log).unwrap();
    let text = show_within(20, 2_000_000, directory.path());
    assert!(text.contains("40,000 blocks live"), "{text}");
}

/// Every caller was read again for each library whose file is there.
#[test]
fn callers_are_gone_through_once_for_all_libraries() {
    const LIBRARIES: usize = 1000;
    let directory = tempfile::tempdir().unwrap();
    let library = testdata().join("armhf-glibc2.31/sysroot/opt/gateway/lib/libsensors.so.1.4");
    let mut log = "= Start\n".to_owned();
    for n in 0..LIBRARIES {
        fs::copy(&library, directory.path().join(format!("lib{n}.so"))).unwrap();
    }
    for n in 0..50_000 {
        let (library, at, block) = (n % LIBRARIES, 0x500 + n / LIBRARIES, 0x10000 + n * 32);
        writeln!(log, "@ /opt/lib{library}.so:[{at:#x}] + {block:#x} 0x18").unwrap();
    }
    fs::write(directory.path().join("log"), log).unwrap();
    let text = show_within(40, 4_000_000, directory.path());
    assert!(text.contains("50,000 blocks live"), "{text}");
}

/// A file of a few pages on disk can claim to be as large as the disk, and its tables with it.
#[test]
fn a_file_of_holes_is_no_program() {
    let directory = tempfile::tempdir().unwrap();
    let run = "armhf-glibc2.31/run0";
    for suffix in [".maps", "mtrace0.log", "app0"] {
        let from = file_of(run, suffix);
        fs::copy(&from, directory.path().join(from.file_name().unwrap())).unwrap();
    }
    let program = directory.path().join("app0");
    let file = File::options().write(true).open(&program).unwrap();
    file.set_len(1 << 40).unwrap();
    let run = directory.path().to_str().unwrap();
    let output = limited(20, 1_000_000, &["show", run]);
    assert_eq!(output.status.code(), Some(0));
    let exe = program.to_str().unwrap();
    let output = limited(20, 1_000_000, &["show", run, "--exe", exe]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(
        errors.contains("app0") && errors.contains("hole"),
        "{errors}"
    );
}
