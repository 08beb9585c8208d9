//! Bad input: one clear error with the file, where it helps the line, what to do, and exit status 2.

use std::fs;
use std::path::Path;

use crate::common::{file_of, json, mtrace_diff, output_of, stdout_of};
use tempfile::TempDir;

const RUN: &str = "armhf-glibc2.31/run0";

/// The one error of a command that must fail.
fn error(arguments: &[&str]) -> String {
    let output = output_of(mtrace_diff().args(arguments));
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {text}");
    assert_eq!(output.stdout, b"", "{arguments:?}");
    assert!(text.starts_with("error: "), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    text
}

fn assert_says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "'{part}' is missing in: {text}");
    }
}

fn directory(files: &[(&str, &[u8])]) -> TempDir {
    let directory = TempDir::new().unwrap();
    for (name, bytes) in files {
        fs::write(directory.path().join(name), bytes).unwrap();
    }
    directory
}

fn show(path: &Path) -> String {
    error(&["show", path.to_str().unwrap()])
}

#[test]
fn a_missing_path() {
    assert_says(
        &error(&["nowhere", RUN]),
        &["'nowhere' does not exist", "give the directory"],
    );
    assert_says(&error(&[RUN, "nowhere"]), &["'nowhere' does not exist"]);
}

#[test]
fn a_report_that_is_missing_or_empty() {
    let text = error(&["base.json", RUN]);
    assert_says(
        &text,
        &["there is no file 'base.json'", "show RUN --save base.json"],
    );
    let directory = directory(&[("base.json", b"")]);
    let empty = directory.path().join("base.json");
    let text = error(&[empty.to_str().unwrap(), RUN]);
    assert_says(&text, &["base.json' is empty", "was not written"]);
    let text = error(&["show", RUN, "--save", "nowhere/base.json"]);
    assert_says(&text, &["there is no directory 'nowhere'"]);
    assert!(!text.contains(".tmp"), "{text}");
}

#[test]
fn a_missing_directory_of_debug_files() {
    let text = error(&["show", RUN, "--debug-dir", "nowhere"]);
    assert_says(&text, &["'nowhere'", "No such file or directory"]);
    let text = error(&["show", RUN, "--debug-dir", "src/gateway.c"]);
    assert_says(&text, &["'src/gateway.c'", "not a directory"]);
}

#[test]
fn an_empty_directory() {
    assert_says(
        &show(directory(&[]).path()),
        &["is empty", "/proc/PID/maps"],
    );
}

#[test]
fn a_directory_of_other_things_is_not_called_empty() {
    let text = error(&["show", "armhf-glibc2.31"]);
    assert_says(
        &text,
        &["no mtrace log in", "run0 (not a file)", "LD_PRELOAD"],
    );
}

#[test]
fn a_directory_in_place_of_a_log() {
    assert_says(
        &error(&["show", RUN, "--log", "src"]),
        &["cannot read 'src'"],
    );
}

#[test]
fn a_log_and_a_link_to_it_are_one_file() {
    let set = directory(&[("m.log", b"= Start\n@ a:[0x1] + 0x10 0x18\n= End\n")]);
    std::os::unix::fs::symlink("m.log", set.path().join("latest.log")).unwrap();
    let document = json(&["show", set.path().to_str().unwrap()]);
    assert_eq!(document["runs"][0]["records"], 1);
}

#[test]
fn a_gate_with_nothing_to_judge_is_an_error() {
    let set = directory(&[("m.log", b"= Start\n= End\n")]);
    let path = set.path().to_str().unwrap();
    assert_says(
        &error(&[RUN, path, "--fail-above", "0"]),
        &["has no records", "nothing to judge", "LD_PRELOAD"],
    );
    let document = json(&[RUN, path]);
    assert_eq!(
        document["runs"][1]["warnings"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|w| w["code"] == "no-records")
            .count(),
        1
    );
}

#[test]
fn fifos_and_devices_in_place_of_files_do_not_hang() {
    let text = error(&["show", RUN, "--maps", "/dev/zero"]);
    assert_says(&text, &["cannot open '/dev/zero'", "not a regular file"]);
    assert_says(
        &error(&["show", RUN, "--exe", "/dev/zero"]),
        &["not a regular file"],
    );
}

#[test]
fn one_damaged_address_does_not_refuse_a_capture() {
    let log = String::from_utf8(fs::read(file_of(RUN, ".log")).unwrap()).unwrap();
    let damaged =
        log.replacen("+ 0x4000", "+ 0x94000", 1)
            .replacen("+ 0x94000", "+ 0xfffffff94000", 1);
    let program = fs::read(file_of(RUN, "app0")).unwrap();
    let set = directory(&[("m.log", damaged.as_bytes()), ("app0", &program)]);
    assert_eq!(
        json(&["show", set.path().to_str().unwrap()])["runs"][0]["arch"],
        "armhf"
    );
}

#[test]
fn an_empty_log_names_the_preload() {
    let program = fs::read(file_of(RUN, "app0")).unwrap();
    let set = directory(&[("mtrace.log", b""), ("app", &program)]);
    assert_says(
        &show(set.path()),
        &["mtrace.log' is empty", "LD_PRELOAD=libc_malloc_debug.so.0"],
    );
    assert_says(
        &show(&set.path().join("mtrace.log")),
        &["is empty", "LD_PRELOAD"],
    );
}

#[test]
fn a_directory_without_a_log() {
    let set = directory(&[
        ("notes.txt", b"hello\n"),
        ("result0.log", b"total_cnt: 3\n"),
    ]);
    assert_says(
        &show(set.path()),
        &["no mtrace log in", "notes.txt", "result0.log", "--log"],
    );
}

#[test]
fn several_logs_or_programs_name_the_flag() {
    let log = fs::read(file_of(RUN, ".log")).unwrap();
    let set = directory(&[("a.log", &log), ("b.log", &log)]);
    assert_says(
        &show(set.path()),
        &["several mtrace logs", "a.log and b.log", "--log"],
    );
    let program = fs::read(file_of(RUN, "app0")).unwrap();
    let set = directory(&[("a.log", &log), ("p", &program), ("q", &program)]);
    assert_says(
        &show(set.path()),
        &["several executables", "p and q", "--exe"],
    );
    // Of two processes: nothing that both show lies at the same place.
    let maps = fs::read(file_of("amd64-cxx/run0", ".maps")).unwrap();
    let others = fs::read(file_of("amd64-cxx/run1", ".maps")).unwrap();
    let set = directory(&[("a.log", &log), ("m", &maps), ("n", &others)]);
    assert_says(
        &show(set.path()),
        &["several maps files", "m and n", "--maps"],
    );
}

#[test]
fn the_flags_decide() {
    let log = fs::read(file_of(RUN, ".log")).unwrap();
    let set = directory(&[("a.log", &log), ("b.log", b"= Start\n= End\n")]);
    let path = set.path().to_str().unwrap();
    let log = format!("{path}/a.log");
    assert_eq!(
        json(&["show", path, "--log", &log])["runs"][0]["records"],
        4744
    );
    let text = error(&[RUN, RUN, RUN, "--log", "a", "--log", "b"]);
    assert_says(&text, &["--log is given 2 times for 3 runs"]);
}

#[test]
fn a_file_that_is_no_log() {
    let set = directory(&[("notes.txt", b"one\ntwo\n")]);
    assert_says(
        &show(&set.path().join("notes.txt")),
        &[
            "notes.txt' is not an mtrace log",
            "line 1 is 'one'",
            "MALLOC_TRACE",
        ],
    );
    let program = file_of(RUN, "app0");
    assert_says(&show(&program), &["is not an mtrace log"]);
}

#[test]
fn a_log_of_mostly_something_else() {
    let set = directory(&[("m.log", b"= Start\nfoo\nbar\nbaz\n@ a:[0x1] + 0x10 0x18\n")]);
    assert_says(
        &show(set.path()),
        &["3 of 5 lines cannot be read", "first line 2: 'foo'"],
    );
}

#[test]
fn a_malformed_line_is_counted_and_skipped() {
    let set = directory(&[(
        "m.log",
        b"= Start\n@ a:[0x1] + 0x10 0x18\nfoo\n@ a:[0x1] + 0x20 0x18\n= End\n",
    )]);
    let path = set.path().to_str().unwrap();
    let document = json(&["show", path]);
    assert_eq!(document["runs"][0]["live"]["blocks"], 2);
    assert_eq!(document["runs"][0]["anomalies"]["malformed_lines"], 1);
    let text = stdout_of(mtrace_diff().args(["show", path]));
    assert_says(
        &text,
        &["line 3 of the log cannot be read", "line 3 is 'foo'"],
    );
}

#[test]
fn a_maps_file_that_is_none() {
    let set = directory(&[("x", b"one\ntwo\n"), ("empty", b"")]);
    let path = set.path().join("x");
    assert_says(
        &error(&["show", RUN, "--maps", path.to_str().unwrap()]),
        &["is not a maps file", "line 1 is 'one'", "/proc/PID/maps"],
    );
    let path = set.path().join("empty");
    assert_says(
        &error(&["show", RUN, "--maps", path.to_str().unwrap()]),
        &["is empty", "/proc/PID/maps"],
    );
}

#[test]
fn an_executable_of_another_architecture() {
    let amd64 = "amd64-nonpie/run0/collector";
    assert_says(
        &error(&["show", RUN, "--exe", amd64]),
        &["a program for x86_64", "ld-linux-armhf.so.3", "--exe"],
    );
    let arm = "armhf-glibc2.31/run0/app0";
    assert_says(
        &error(&["show", "amd64-nonpie/run0", "--exe", arm]),
        &["a program for armhf", "ld-linux-x86-64.so.2"],
    );
    assert_says(
        &error(&["show", "mips-glibc2.36/run0", "--exe", arm]),
        &["a program for armhf", "/lib/ld.so.1"],
    );
    // Without maps or a loader in the log, the width of addresses tells.
    let log = directory(&[("m.log", b"= Start\n@ a:[0x1139] + 0x557454e072a0 0x18\n")]);
    let log = log.path().join("m.log");
    assert_says(
        &error(&["show", log.to_str().unwrap(), "--exe", arm]),
        &["addresses of more than 32 bits"],
    );
}

#[test]
fn an_executable_that_is_none() {
    let set = directory(&[("x", b"#!/bin/sh\necho this is a wrapper script\n")]);
    let path = set.path().join("x");
    assert_says(
        &error(&["show", RUN, "--exe", path.to_str().unwrap()]),
        &["cannot be used as an ELF file"],
    );
    assert_says(
        &error(&["show", RUN, "--exe", "nowhere"]),
        &["cannot open 'nowhere'"],
    );
}

#[test]
fn an_unreadable_file() {
    use std::os::unix::fs::PermissionsExt;
    let set = directory(&[("m.log", b"= Start\n")]);
    let log = set.path().join("m.log");
    fs::set_permissions(&log, fs::Permissions::from_mode(0o0)).unwrap();
    if fs::read(&log).is_ok() {
        // Root reads everything; a directory in place of a log cannot be read by anyone.
        assert_says(&error(&["show", RUN, "--log", "/"]), &["cannot read '/'"]);
        return;
    }
    assert_says(&show(&log), &["cannot open", "ermission denied"]);
}

#[test]
fn one_run_given_twice_is_a_warning() {
    let document = json(&[RUN, "armhf-glibc2.31/../armhf-glibc2.31/run0"]);
    assert_eq!(document["warnings"][0]["code"], "same-run");
    assert_eq!(document["total"]["growth"]["blocks"], 0);
    let document = json(&[RUN, "armhf-glibc2.31/run0/mtrace0.log"]);
    assert_eq!(document["warnings"][0]["code"], "same-log");
}

#[test]
fn a_single_run_is_pointed_to_show() {
    assert_says(
        &error(&[RUN]),
        &["two runs", "mtrace-diff show armhf-glibc2.31/run0"],
    );
}

#[test]
fn usage_errors_exit_with_2() {
    for arguments in [
        &[][..],
        &[RUN, RUN, "--fail-above", "ten"],
        &["--no-such-option"],
        &["show"],
    ] {
        assert_eq!(
            output_of(mtrace_diff().args(arguments)).status.code(),
            Some(2),
            "{arguments:?}"
        );
    }
}

#[test]
fn control_characters_of_a_path_do_not_reach_the_terminal() {
    let log = b"= Start\n@ ./a\x1b[31mpp:[0x1139] + 0x557454e072a0 0x18\n= End\n";
    let set = directory(&[("m.log", log)]);
    let path = set.path().to_str().unwrap();
    for format in ["table", "json", "mtrace", "mtrace-do"] {
        let text = stdout_of(mtrace_diff().args(["show", path, "--format", format]));
        assert!(!text.contains('\u{1b}'), "{format}: {text}");
    }
}
