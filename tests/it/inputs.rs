//! What a run is given as: streams that are damaged, files that cannot be told, inputs without end.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use tempfile::TempDir;

use crate::common::{json, mtrace_diff, output_of, stdout_of, testdata};

const RUNS: [&str; 2] = ["armhf-glibc2.31/run0", "armhf-glibc2.31/run1"];

fn text_of(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let mut plain = mtrace_diff::capture::plain(bytes)?;
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
            let Ok(text) = text_of(&bytes[..length]) else { continue };
            assert!(plain.starts_with(&text), "{name}: {length}");
            assert!(name == "frames" && text.len() < plain.len(), "{name}: {length}");
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
    assert_eq!(unchecked["runs"][0]["warnings"], plain["runs"][0]["warnings"]);
}

#[test]
fn a_zstd_log_with_a_wrong_checksum_is_said_to_be_partial() {
    let directory = TempDir::new().unwrap();
    let mut bytes = fs::read(testdata().join("zstd/sized.log.zst")).unwrap();
    // The checksum stands at the end.
    *bytes.last_mut().unwrap() ^= 1;
    let log = directory.path().join("m.log.zst");
    fs::write(&log, bytes).unwrap();
    let log = log.to_str().unwrap();
    let output = output_of(mtrace_diff().args([log, log, "--fail-above", "0"]));
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("checksum of a zstd frame"), "{text}");
    assert!(text.lines().last().unwrap().contains("partial"), "{text}");
}
