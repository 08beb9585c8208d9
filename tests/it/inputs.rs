//! What a run is given as: streams that are damaged, files that cannot be told, inputs without end.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::common::{json, linked, mtrace_diff, output_of, stdout_of, testdata};

const RUNS: [&str; 2] = ["armhf-glibc2.31/run0", "armhf-glibc2.31/run1"];

fn text_of(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let mut plain = mtrace_diff::internals::capture::plain(bytes)?;
    std::io::Read::read_to_end(&mut plain, &mut text)?;
    Ok(text)
}

/// Each bit of a stream but those of its first magic number, without which it is no such stream.
fn each_flip(bytes: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> + '_ {
    (4 * 8..bytes.len() * 8).map(|bit| {
        let mut flipped = bytes.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        (bit, flipped)
    })
}

#[test]
fn a_flipped_bit_of_a_zstd_stream_with_a_checksum_never_gives_another_text() {
    let directory = testdata().join("zstd");
    let plain = fs::read(directory.join("plain.log")).unwrap();
    for name in ["sized", "piped", "best", "frames"] {
        let bytes = fs::read(directory.join(format!("{name}.log.zst"))).unwrap();
        assert_eq!(text_of(&bytes).unwrap(), plain, "{name}");
        for (bit, flipped) in each_flip(&bytes) {
            if let Ok(text) = text_of(&flipped) {
                assert_eq!(text, plain, "{name}: bit {bit}");
            }
        }
        // Whatever is lost from the end is missed.
        for length in 4..bytes.len() {
            let Ok(text) = text_of(&bytes[..length]) else {
                continue;
            };
            assert!(plain.starts_with(&text), "{name}: {length}");
            assert!(
                name == "frames" && text.len() < plain.len(),
                "{name}: {length}"
            );
        }
    }
}

#[test]
fn a_zstd_stream_without_a_checksum_is_no_damaged_one() {
    let unchecked = testdata().join("zstd/unchecked.log.zst");
    let plain = testdata().join("zstd/plain.log");
    let of = |path: &Path| json(&["show", path.to_str().unwrap()]);
    let (unchecked, plain) = (of(&unchecked), of(&plain));
    assert_eq!(unchecked["sites"], plain["sites"]);
    assert_eq!(
        unchecked["runs"][0]["warnings"],
        plain["runs"][0]["warnings"]
    );
}

#[test]
fn a_zstd_log_with_a_wrong_checksum_is_damaged_and_not_judged() {
    let directory = TempDir::new().unwrap();
    let mut bytes = fs::read(testdata().join("zstd/sized.log.zst")).unwrap();
    // The checksum stands at the end.
    *bytes.last_mut().unwrap() ^= 1;
    let log = directory.path().join("m.log.zst");
    fs::write(&log, bytes).unwrap();
    let log = log.to_str().unwrap();
    let text = stdout_of(mtrace_diff().args(["show", log]));
    assert!(text.lines().next().unwrap().contains("partial"), "{text}");
    assert!(text.contains("checksum of a zstd frame"), "{text}");
    let (_link, other) = linked(log);
    let other = other.to_str().unwrap();
    let text = failed(mtrace_diff().args([other, log, "--fail-above", "0"]));
    assert_says(&text, &["cannot be judged", "checksum of a zstd frame"]);
}

/// What a command says on standard error; it has to fail.
fn failed(command: &mut Command) -> String {
    let output = output_of(command);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{command:?}: {text}");
    assert_eq!(output.stdout, b"", "{command:?}");
    text
}

fn assert_says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "'{part}' is missing in: {text}");
    }
}

fn copy(from: &str, names: &[&str], to: &Path) {
    for name in names {
        fs::copy(testdata().join(from).join(name), to.join(name)).unwrap();
    }
}

/// The second run without its log; in its place stands a report of the first one.
fn with_older_report() -> TempDir {
    let directory = TempDir::new().unwrap();
    copy(RUNS[1], &["app1", "app1.maps"], directory.path());
    let base = directory.path().join("base.json");
    stdout_of(mtrace_diff().args(["show", RUNS[0], "--save"]).arg(base));
    directory
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let options = lzma_rust2::XzOptions::with_preset(1);
    let mut encoder = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn no_report_stands_in_for_a_log_that_cannot_be_told() {
    let log = fs::read(testdata().join(RUNS[1]).join("mtrace1.log")).unwrap();
    let mut packed = xz(&log);
    packed.truncate(20);
    let holes = [vec![0; 70_000], log.clone()].concat();
    let garbage = b"nothing that\nlooks like a record\n".to_vec();
    let cases: [(&str, &[u8]); 8] = [
        ("mtrace1.log.xz", &packed),
        ("trace", &holes),
        ("m.bz2", b"BZh91AY&SY\x01\x02\x03"),
        ("m.lz4", b"\x04\x22\x4d\x18\x64\x40\xa7"),
        ("m.7z", b"7z\xbc\xaf\x27\x1c\x00\x04"),
        ("m.zst", b"\x28\xb5\x2f\xfd\x24"),
        ("m.gz", b"\x1f\x8b\x08\x00\x00"),
        ("mtrace1.log", &garbage),
    ];
    for (name, bytes) in cases {
        let directory = with_older_report();
        let file = directory.path().join(name);
        fs::write(&file, bytes).unwrap();
        let compare = || {
            let mut command = mtrace_diff();
            command.arg(RUNS[0]).arg(directory.path());
            command
        };
        let text = failed(compare().args(["--fail-above", "0"]));
        assert_says(&text, &[name, "base.json", "--log", "as the run"]);
        // What it says helps.
        let base = directory.path().join("base.json");
        let output = output_of(mtrace_diff().arg(RUNS[0]).arg(&base));
        assert_eq!(output.status.code(), Some(0), "{name}");
        // Beside a good log it is said, and no error.
        fs::write(directory.path().join("good"), &log).unwrap();
        let document: Value =
            serde_json::from_str(&stdout_of(compare().args(["--format", "json"]))).unwrap();
        assert_eq!(document["runs"][1]["live"]["blocks"], 3504, "{name}");
        let warnings = document["runs"][1]["warnings"].to_string();
        assert!(
            warnings.contains("left-aside") && warnings.contains(name),
            "{warnings}"
        );
    }
}

#[test]
fn no_report_stands_in_for_what_is_no_file() {
    type Make = fn(&Path);
    let make: [(&str, Make); 4] = [
        ("m", |at| std::os::unix::fs::symlink("gone", at).unwrap()),
        ("pipe", |at| {
            assert!(Command::new("mkfifo").arg(at).status().unwrap().success())
        }),
        ("socket", |at| {
            drop(std::os::unix::net::UnixListener::bind(at).unwrap())
        }),
        ("mtrace.log", |at| fs::create_dir(at).unwrap()),
    ];
    for (name, make) in make {
        let directory = with_older_report();
        make(&directory.path().join(name));
        let text = failed(mtrace_diff().arg("show").arg(directory.path()));
        assert_says(&text, &[&format!("{name} (not a file)"), "base.json"]);
    }
}

#[test]
fn a_report_stands_in_beside_what_is_no_log_and_is_named() {
    let directory = with_older_report();
    let at = |name: &str| directory.path().join(name);
    fs::write(at("notes.txt"), "gr\u{fc}n\nrun it for two minutes\n").unwrap();
    fs::write(at("latin1.txt"), b"gr\xfcn\n").unwrap();
    fs::write(at("README"), "# Runs\n").unwrap();
    fs::write(at("board.json"), "{ \"board\": 7 }\n").unwrap();
    fs::write(at("core"), b"\x7fELF\x01\x01\x01\0rest").unwrap();
    let report = stdout_of(mtrace_diff().args(["show", RUNS[1], "--format", "json"]));
    fs::write(at("report.json"), report).unwrap();
    copy(
        RUNS[1],
        &["result1.log", "mtrace1.result"],
        directory.path(),
    );
    std::os::unix::fs::symlink("libx.so.1", at("libx.so")).unwrap();
    fs::create_dir(at("lib")).unwrap();
    let path = directory.path().to_str().unwrap();
    let document = json(&["show", path]);
    let run = &document["runs"][0];
    assert_eq!(run["live"]["blocks"], 2504);
    assert_eq!(run["stands_in"], at("base.json").to_str().unwrap());
    let table = stdout_of(mtrace_diff().args(["show", path]));
    let header = table.lines().next().unwrap();
    assert_says(
        header,
        &["saved report base.json in place of a log", "2,504 blocks"],
    );
    // Given itself it stands for nothing else.
    let base = at("base.json");
    let document = json(&["show", base.to_str().unwrap()]);
    assert_eq!(document["runs"][0]["stands_in"], Value::Null);
}

fn fed(arguments: &[&str], input: Stdio) -> (Option<i32>, String) {
    let mut child = mtrace_diff();
    child.args(arguments).stdin(input);
    child.stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = child.spawn().unwrap().wait_with_output().unwrap();
    (
        output.status.code(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

#[test]
fn what_can_be_read_once_is_one_log() {
    for arguments in [
        &["-", "-"][..],
        &["-", "/dev/stdin"],
        &["/dev/stdin", "/dev/stdin"],
        &["/dev/fd/0", "/proc/self/fd/0"],
        &["/proc/thread-self/fd/0", "-"],
        &["--log", "-", RUNS[0], RUNS[1]],
        &["--log", "/dev/stdin", "--log", "-", RUNS[0], RUNS[1]],
        &["show", "--maps", "/dev/stdin", "-"],
        &["show", "--exe", "-", "/dev/stdin"],
    ] {
        let (status, text) = fed(arguments, Stdio::piped());
        assert_eq!(status, Some(2), "{arguments:?}");
        assert_says(&text, &["standard input", "one run's log"]);
    }
}

#[test]
fn one_fifo_is_one_log() {
    let directory = TempDir::new().unwrap();
    let (pipe, link) = (directory.path().join("pipe"), directory.path().join("link"));
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    std::os::unix::fs::symlink("pipe", &link).unwrap();
    fs::hard_link(&pipe, directory.path().join("other")).unwrap();
    for (first, second) in [("pipe", "pipe"), ("pipe", "link"), ("other", "link")] {
        let at = |name: &str| directory.path().join(name);
        let text = failed(mtrace_diff().arg(at(first)).arg(at(second)));
        assert_says(&text, &[second, "is given twice", "as files"]);
        let text = failed(mtrace_diff().arg("--log").arg(at(first)).args(RUNS));
        assert_says(&text, &[first, "is given twice"]);
    }
}

#[test]
fn inputs_without_an_end_are_refused() {
    for device in ["/dev/zero", "/dev/urandom", "/dev/full"] {
        let text = failed(mtrace_diff().args(["show", "--log", device, RUNS[0]]));
        assert_says(&text, &[device, "neither a directory nor a file"]);
        let (status, text) = fed(&["show", "-"], fs::File::open(device).unwrap().into());
        assert_eq!(status, Some(2), "{device}: {text}");
        assert_says(&text, &["hold no line of a log", "MALLOC_TRACE"]);
    }
}

#[test]
fn facts_and_maps_of_a_terabyte_are_not_read() {
    let directory = TempDir::new().unwrap();
    copy(
        RUNS[0],
        &["app0", "app0.maps", "mtrace0.log"],
        directory.path(),
    );
    let run = directory.path().to_str().unwrap().to_owned();
    let grow = |name: &str, text: &str| {
        let path = directory.path().join(name);
        fs::write(&path, text).unwrap();
        let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(1 << 40).unwrap();
        path
    };
    let facts = grow("run.json", "{ \"schema\": \"mtrace-diff-run/1\" }\n");
    assert_says(
        &failed(mtrace_diff().args(["show", &run])),
        &["run.json", "larger than 16 MiB"],
    );
    fs::remove_file(facts).unwrap();
    let maps = grow("big.maps", "10000-11000 r-xp 00000000 00:01 1 /app0\n");
    assert_says(
        &failed(mtrace_diff().args(["show", &run])),
        &["big.maps", "larger than 64 MiB"],
    );
    fs::remove_file(maps).unwrap();
    stdout_of(mtrace_diff().args(["show", &run]));
}
