//! The gate and the exit status, as a CI job sees them.

use crate::common::{linked, mtrace_diff, output_of};
use serde_json::Value;

/// Exit status and standard output of a comparison of the collector: +20 blocks of 64 bytes,
/// +10 of 10, one new of 500, +80 bytes by realloc, 3 gone.
fn gate(limits: &[&str]) -> (i32, String) {
    let mut command = mtrace_diff();
    command.args(["armhf-static/run0", "armhf-static/run1"]);
    for limit in limits {
        command.args(["--fail-above", limit]);
    }
    let output = output_of(&mut command);
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap(),
    )
}

fn last_line(text: &str) -> &str {
    text.lines().last().unwrap_or_default()
}

#[test]
fn no_limit_is_no_verdict() {
    let (status, text) = gate(&[]);
    assert_eq!(status, 0);
    assert!(!text.contains("PASS") && !text.contains("FAIL"));
}

#[test]
fn limits_are_exclusive() {
    for (limit, status) in [("20", 0), ("19", 1), ("1280B", 0), ("1279B", 1), ("50%", 1)] {
        assert_eq!(gate(&[limit]).0, status, "{limit}");
    }
}

#[test]
fn a_new_site_counts_with_its_full_size() {
    // Above every percentage, and by its 500 bytes.
    let (status, text) = gate(&["100000%"]);
    assert_eq!(status, 1);
    assert!(
        last_line(&text).starts_with("FAIL 1 call site grew by more than 100000%: retry_queue"),
        "{text}"
    );
    assert_eq!(gate(&["1MiB,100"]).0, 0);
}

#[test]
fn any_of_several_limits_fails() {
    assert_eq!(gate(&["1000", "1KiB"]).0, 1);
    assert_eq!(gate(&["1000,1KiB"]).0, 1);
    assert_eq!(gate(&["1000,1MiB"]).0, 0);
}

#[test]
fn breaches_are_marked_and_named() {
    let (_, text) = gate(&["5"]);
    let marked: Vec<&str> = text
        .lines()
        .filter(|line| line.trim_start().starts_with("!"))
        .collect();
    assert!(
        marked[0].contains("index_add") && marked[1].contains("strdup"),
        "{text}"
    );
    let last = last_line(&text);
    assert!(
        last.starts_with("FAIL 2 call sites grew by more than 5 blocks: index_add"),
        "{last}"
    );
    assert!(
        last.contains("strdup") && last.contains("+20 blocks, +1.2 KiB"),
        "{last}"
    );
    let (_, text) = gate(&["100"]);
    assert_eq!(
        last_line(&text),
        "PASS no call site grew by more than 100 blocks"
    );
}

#[test]
fn the_document_has_the_verdict() {
    let output = output_of(mtrace_diff().args([
        "armhf-static/run0",
        "armhf-static/run1",
        "--fail-above",
        "19,4KiB",
        "--format",
        "json",
    ]));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let gate = &document["gate"];
    assert_eq!(gate["verdict"], "fail");
    assert_eq!(gate["limits"], serde_json::json!(["19 blocks", "4KiB"]));
    assert_eq!(gate["breaches"][0]["function"], "index_add");
    assert_eq!(gate["breaches"][0]["rank"], 1);
    assert_eq!(
        gate["breaches"][0]["limits"],
        serde_json::json!(["19 blocks"])
    );
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn what_is_shown_does_not_change_the_verdict() {
    for view in [&["--top", "0"][..], &["--all"], &["--sort", "name"]] {
        let status = mtrace_diff()
            .args([
                "armhf-static/run0",
                "armhf-static/run1",
                "--fail-above",
                "19",
            ])
            .args(view)
            .output()
            .unwrap()
            .status;
        assert_eq!(status.code(), Some(1), "{view:?}");
    }
}

#[test]
fn a_closed_pipe_ends_quietly() {
    use std::io::Read;
    use std::process::Stdio;
    // Far more output than a pipe holds, and a reader that takes one byte.
    let mut child = mtrace_diff()
        .args(["show", "armhf-glibc2.31/run1", "--format", "mtrace"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = child.stdout.take().unwrap();
    out.read_exact(&mut [0]).unwrap();
    drop(out);
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}

/// A log that frees `count` blocks, `apart` bytes from each other, and then one of the first tenth again.
fn freed_again(count: u64, apart: u64) -> String {
    let mut log = String::from("= Start\n");
    for n in 0..count {
        let address = 0x1000_0000 + n * apart;
        log += &format!("@ ./a:[0x1] + {address:#x} 0x18\n@ ./a:[0x2] - {address:#x}\n");
    }
    let again = 0x1000_0000 + count / 10 * apart;
    log + &format!("@ ./a:[0x3] - {again:#x}\n= End\n")
}

#[test]
fn a_double_free_is_found_however_much_was_freed_between() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("m.log");
    std::fs::write(&log, freed_again(200_000, 32)).unwrap();
    let arguments = ["show", log.to_str().unwrap(), "--fail-on", "double-free"];
    let output = output_of(mtrace_diff().args(arguments));
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text.ends_with("FAIL 1 double free in m.log\n"), "{text}");
}

#[test]
fn a_free_that_may_be_a_double_free_is_no_pass() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("m.log");
    // More of the heap than is remembered.
    std::fs::write(&log, freed_again(200_000, 1 << 20)).unwrap();
    let arguments = ["show", log.to_str().unwrap(), "--fail-on", "double-free"];
    let output = output_of(mtrace_diff().args(arguments));
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text.contains("FAIL 1 free in m.log that may be a double free: "),
        "{text}"
    );
    let document = crate::common::json(&["show", log.to_str().unwrap()]);
    assert_eq!(document["runs"][0]["anomalies"]["unsure_frees"], 1);
    assert_eq!(document["runs"][0]["anomalies"]["double_frees"], 0);
    // Where every free met its block, nothing is unsure, whatever was forgotten.
    let text = freed_again(200_000, 1 << 20);
    let text: Vec<&str> = text
        .lines()
        .filter(|line| !line.contains("[0x3]"))
        .collect();
    let text = text.join("\n") + "\n";
    std::fs::write(&log, text).unwrap();
    let output = output_of(mtrace_diff().args(arguments));
    assert_eq!(output.status.code(), Some(0));
}

/// `1,000` would be limits of 1 and of no block.
#[test]
fn a_number_with_a_comma_is_no_limit() {
    for limit in ["1,000", "12,500"] {
        let mut command = mtrace_diff();
        command.args([
            "armhf-static/run0",
            "armhf-static/run1",
            "--fail-above",
            limit,
        ]);
        let output = output_of(&mut command);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(&limit.replace(',', "")), "{error}");
    }
    assert_eq!(gate(&["1000,4KiB"]).0, 0);
    assert_eq!(gate(&["100,500B"]).0, 1);
}

/// Runs of a program that always does the same leave equal logs; so does a copy. Only a person can tell.
#[test]
fn equal_logs_are_said_to_be_equal() {
    let directory = tempfile::tempdir().unwrap();
    let log = "= Start\n@ ./app:[0x1234] + 0x1000 0x18\n= End\n";
    let other = "= Start\n@ ./app:[0x1234] + 0x2000 0x18\n= End\n";
    let at = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let (one, copy, second) = (
        at("one.log", log),
        at("copy.log", log),
        at("second.log", other),
    );
    let told = |after: &std::path::Path| {
        let arguments = ["--strict", "--fail-above", "10"];
        let output = output_of(mtrace_diff().arg(&one).arg(after).args(arguments));
        assert_eq!(output.status.code(), Some(0));
        [output.stdout, output.stderr].concat()
    };
    let told = |after| String::from_utf8(told(after)).unwrap();
    assert!(told(&copy).contains("are the same: nothing can have grown"));
    assert!(!told(&second).contains("are the same"));
}

/// A job with a mistake in its paths must not be green for ever.
#[test]
fn a_run_has_not_grown_since_itself() {
    let judged = |first: &str, last: &str, options: &[&str]| {
        let output = output_of(mtrace_diff().args([first, last]).args(options));
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    };
    let run = "armhf-static/run1";
    let limit = ["--fail-above", "10"];
    for other in [
        run,
        "./armhf-static/run1/",
        "armhf-static/../armhf-static/run1",
    ] {
        let (status, said) = judged(other, run, &limit);
        assert_eq!(status, Some(2), "{other}: {said}");
        assert!(
            said.contains("'armhf-static/run1' is given twice"),
            "{said}"
        );
    }
    // Without a gate it is a warning; a moment of it, and another name for it, are asked for.
    let (status, said) = judged(run, run, &[]);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("are the same capture"), "{said}");
    assert_eq!(
        judged("armhf-static/run1@50%", run, &["--fail-above", "0"]).0,
        Some(1)
    );
    let (_link, link) = linked(run);
    assert_eq!(judged(link.to_str().unwrap(), run, &limit).0, Some(0));
    assert_eq!(
        judged("armhf-static/run0", run, &["--fail-above", "19"]).0,
        Some(1)
    );
}
