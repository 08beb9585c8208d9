//! Inputs that ask for more than they are worth: a clear refusal, or an answer of a size that can be read.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::{mtrace_diff, output_of, stdout_of};

/// A saved report of one caller with this chain of frames.
fn report(frames: Vec<Value>, warnings: Vec<Value>) -> Vec<u8> {
    let document = json!({
        "source": "log", "warnings": warnings,
        "modules": [{ "role": "program", "name": "a" }],
        "callers": [{ "module": 0, "blocks": 9, "bytes": 9, "allocations": 9, "name": { "known": { "by": "dwarf", "frames": frames } } }],
    });
    // The schema comes first, as it does in a file that was saved: by it a report is known.
    let document = document.to_string();
    format!(r#"{{"schema":"mtrace-diff-saved/1",{}"#, &document[1..]).into_bytes()
}

#[test]
fn a_chain_of_frames_without_end_is_refused() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("s.json");
    let frame = json!({ "function": "f", "file": "/a.c", "line": 5, "inlined": true });
    fs::write(&file, report(vec![frame.clone(); 20_000], Vec::new())).unwrap();
    let output = output_of(mtrace_diff().args(["show", "--inlines"]).arg(&file));
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        error.contains("s.json") && error.contains("20000 frames") && error.contains("256"),
        "{error}"
    );
    fs::write(&file, report(vec![frame; 256], Vec::new())).unwrap();
    stdout_of(mtrace_diff().args(["show", "--inlines"]).arg(&file));
}

#[test]
fn a_name_without_end_is_cut_and_kept_once() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("s.json");
    let name = "n".repeat(1 << 20);
    let frame = json!({ "function": name, "file": "/a.c", "line": 5 });
    fs::write(&file, report(vec![frame], Vec::new())).unwrap();
    let text = stdout_of(mtrace_diff().arg("show").arg(&file));
    assert!(text.contains("…[1048576 bytes, "));
    assert!(text.len() < 20_000);
}

#[test]
fn a_report_that_unpacks_without_end_is_refused() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("s.json.gz");
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    use std::io::Write;
    packer
        .write_all(br#"{"schema":"mtrace-diff-saved/1","source":"log","callers":[],"x":""#)
        .unwrap();
    (0..100).for_each(|_| packer.write_all(&[b'x'; 1 << 20]).unwrap());
    packer.write_all(br#""}"#).unwrap();
    fs::write(&file, packer.finish().unwrap()).unwrap();
    // With so little memory that reading it whole would fail.
    let limits = "ulimit -v 700000; ulimit -c 0; exec \"$0\" show \"$1\"";
    let mut shell = Command::new("sh");
    shell
        .args(["-c", limits])
        .arg(mtrace_diff().get_program())
        .arg(&file);
    let output = output_of(&mut shell);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains("more than 67108864 bytes"), "{error}");
}

#[test]
fn many_warnings_are_told_by_a_few() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("s.json");
    let warnings = (0..20_000)
        .map(|n| json!({ "code": format!("c{}", n % 3), "text": format!("warning number {n}") }));
    let frame = json!({ "function": "f", "file": "/a.c", "line": 5 });
    fs::write(&file, report(vec![frame], warnings.collect())).unwrap();
    let text = stdout_of(mtrace_diff().arg("show").arg(&file));
    let shown = text
        .lines()
        .filter(|line| line.starts_with("warning: "))
        .count();
    assert_eq!(shown, 15);
    assert!(
        text.contains("19,985 warnings more of these kinds"),
        "{text}"
    );
    // Both runs of a comparison have each of them.
    let text = stdout_of(mtrace_diff().arg(&file).arg(&file));
    assert!(
        text.lines()
            .filter(|line| line.starts_with("warning: "))
            .count()
            <= 16
    );
}
