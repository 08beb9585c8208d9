//! Programs that change their title: in every capture here the program's name is written over, and
//! nothing else may change.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::common::{file_of, json, testdata};

const TITLES: [&[u8]; 5] = [
    b"redis-server *:16379",
    b"nginx: worker process",
    b"postgres: writer (idle) [local]",
    b"[0x1]:(f+0x2)[0x3] + 0x4",
    b"",
];

/// Copies a run; the program, known in the log as `name`, has another title in most of its lines.
fn retitled(run: &str, name: &str, to: &Path) -> usize {
    let from = testdata().join(run);
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(&from).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    }
    let log = file_of(run, ".log");
    let text = fs::read(&log).unwrap();
    let own = [b"@ ", name.as_bytes(), b":"].concat();
    let mut changed = 0;
    let mut lines = Vec::new();
    for (index, line) in text.split(|&b| b == b'\n').enumerate() {
        match line.strip_prefix(own.as_slice()) {
            Some(rest) if index % 7 != 0 => {
                changed += 1;
                lines.push([b"@ ", TITLES[index % TITLES.len()], b":", rest].concat());
            }
            _ => lines.push(line.to_vec()),
        }
    }
    fs::write(to.join(log.file_name().unwrap()), lines.join(&b'\n')).unwrap();
    changed
}

#[test]
fn a_program_under_many_titles_is_one_module() {
    for (set, names) in [
        ("armhf-glibc2.31", ["./app0", "./app1"]),
        ("armhf-glibc2.36", ["./app0", "./app1"]),
        ("mips-glibc2.36", ["./app0", "./app1"]),
        ("amd64-nonpie", ["./collector", "./collector"]),
        ("amd64-threads", ["./workers", "./workers"]),
        ("s390x-glibc2.36", ["./collector", "./collector"]),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let mut runs = Vec::new();
        for (run, name) in names.iter().enumerate() {
            let to = directory.path().join(format!("run{run}"));
            let changed = retitled(&format!("{set}/run{run}"), name, &to);
            assert!(changed > 10, "{set} has only {changed} lines of {name}");
            runs.push(to.to_str().unwrap().to_owned());
        }
        let arguments = |runs: [&str; 2]| {
            let sysroot = testdata().join(set).join("sysroot");
            let mut arguments: Vec<String> = runs.map(str::to_owned).to_vec();
            if sysroot.is_dir() {
                arguments.push(format!("--sysroot={}", sysroot.display()));
            }
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            json(&arguments)
        };
        let expected = arguments([&format!("{set}/run0"), &format!("{set}/run1")]);
        let found = arguments([&runs[0], &runs[1]]);
        assert_eq!(found["sites"], expected["sites"], "{set}");
        let warnings = |document: &Value| document["runs"][0]["warnings"].clone();
        assert_eq!(warnings(&found), warnings(&expected), "{set}");
    }
}
