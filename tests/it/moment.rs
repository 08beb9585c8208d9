//! A run, looked at before its end: the same as a run whose log was cut there.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::common::{file_of, json, mtrace_diff, output_of, stdout_of, testdata};

const RUN: &str = "armhf-glibc2.31/run1";

/// The lines of a log up to its `records`th record: a line with an `@`, in a log without damage.
fn cut_log(log: &Path, records: usize) -> String {
    let text = fs::read_to_string(log).unwrap();
    let mut left = records;
    let mut cut = String::new();
    for line in text.split_inclusive('\n') {
        if left == 0 {
            break;
        }
        cut += line;
        left -= usize::from(line.starts_with("@ "));
    }
    assert_eq!(left, 0);
    cut
}

fn records_of(log: &Path) -> usize {
    let text = fs::read_to_string(log).unwrap();
    text.lines().filter(|line| line.starts_with("@ ")).count()
}

/// The files of a run, with another log.
fn with_log(run: &str, text: &str) -> TempDir {
    let directory = TempDir::new().unwrap();
    let log = file_of(run, ".log");
    for entry in fs::read_dir(testdata().join(run)).unwrap() {
        let from = entry.unwrap().path();
        let name = from.file_name().unwrap();
        if !name.to_str().unwrap().starts_with("result") && from != log {
            fs::copy(&from, directory.path().join(name)).unwrap();
        }
    }
    fs::write(directory.path().join("mtrace.log"), text).unwrap();
    directory
}

fn arguments(runs: [&str; 2], more: &[&str]) -> Vec<String> {
    let sysroot = testdata().join("armhf-glibc2.31/sysroot");
    let mut arguments = vec!["--sysroot".to_owned(), sysroot.to_str().unwrap().to_owned()];
    arguments.extend(more.iter().chain(&runs).map(|text| (*text).to_owned()));
    arguments
}

fn compared(runs: [&str; 2], more: &[&str]) -> Value {
    let arguments = arguments(runs, more);
    json(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
}

/// All that a comparison found: sites with their figures and curves, totals, leaks.
fn findings(document: &Value) -> [Value; 3] {
    ["sites", "total", "leaks"].map(|part| document[part].clone())
}

#[test]
fn two_moments_of_a_run_are_two_logs_cut_there() {
    let log = file_of(RUN, ".log");
    let all = records_of(&log);
    let at = |percent: usize| all * percent / 100;
    let (first, second) = (
        with_log(RUN, &cut_log(&log, at(40))),
        with_log(RUN, &cut_log(&log, at(75))),
    );
    let cut = compared(
        [
            first.path().to_str().unwrap(),
            second.path().to_str().unwrap(),
        ],
        &[],
    );
    let moments = compared([&format!("{RUN}@40%"), &format!("{RUN}@75%")], &[]);
    assert_eq!(findings(&moments), findings(&cut));
    let run = &moments["runs"][0];
    assert_eq!(run["name"], "run1@40%");
    assert_eq!(run["records"], at(40));
    assert_eq!(
        run["at"],
        serde_json::json!({ "given": "40%", "of_records": all, "step": null })
    );
    assert_eq!(cut["runs"][0]["at"], Value::Null);
    // A log that was stopped on purpose has no end that could be missing.
    assert_eq!(run["warnings"], serde_json::json!([]));
    assert_ne!(
        findings(&moments),
        findings(&compared(
            [&format!("{RUN}@41%"), &format!("{RUN}@75%")],
            &[]
        ))
    );
}

#[test]
fn a_time_is_its_share_of_the_run() {
    let by_time = compared(
        [&format!("{RUN}@45s"), &format!("{RUN}@3m")],
        &["--duration", "3m"],
    );
    let by_share = compared(
        [&format!("{RUN}@25%"), &format!("{RUN}@100%")],
        &["--duration", "3m"],
    );
    assert_eq!(findings(&by_time), findings(&by_share));
    assert_eq!(by_time["runs"][0]["duration_s"], 45.0);
    assert_eq!(by_time["runs"][1]["duration_s"], 180.0);
    assert_eq!(by_time["runs"][0]["name"], "run1@45s");
    // The end is the end, however it is asked for.
    let end = compared([&format!("{RUN}@25%"), RUN], &["--duration", "3m"]);
    assert_eq!(findings(&end), findings(&by_share));
}

#[test]
fn the_time_can_come_from_the_capture() {
    let log = file_of(RUN, ".log");
    let run = with_log(RUN, &fs::read_to_string(&log).unwrap());
    fs::write(
        run.path().join("run.json"),
        r#"{ "schema": "mtrace-diff-run/1", "duration_s": 180 }"#,
    )
    .unwrap();
    let path = run.path().to_str().unwrap();
    let document = compared([&format!("{path}@1m"), path], &[]);
    assert_eq!(document["runs"][0]["records"], records_of(&log) / 3);
    assert_eq!(document["runs"][0]["duration_s"], 60.0);
}

#[test]
fn compressed_logs_have_moments_too() {
    let log = file_of(RUN, ".log");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&fs::read(&log).unwrap()).unwrap();
    let run = with_log(RUN, "");
    fs::remove_file(run.path().join("mtrace.log")).unwrap();
    fs::write(run.path().join("mtrace.log.gz"), packed.finish().unwrap()).unwrap();
    let path = run.path().to_str().unwrap();
    let of_packed = compared([&format!("{path}@30%"), path], &[]);
    assert_eq!(
        findings(&of_packed),
        findings(&compared([&format!("{RUN}@30%"), RUN], &[]))
    );
}

#[test]
fn listings_and_show_take_a_moment() {
    let log = file_of(RUN, ".log");
    let cut = with_log(RUN, &cut_log(&log, records_of(&log) / 2));
    let listing = |run: &str| stdout_of(mtrace_diff().args(["show", "--format", "mtrace", run]));
    assert_eq!(
        listing(&format!("{RUN}@50%")),
        listing(cut.path().to_str().unwrap())
    );
    let live = |run: &str| json(&["show", run])["runs"][0]["live"].clone();
    assert_eq!(
        live(&format!("{RUN}@50%")),
        live(cut.path().to_str().unwrap())
    );
}

#[test]
fn a_name_with_an_at_sign_is_a_name() {
    let directory = TempDir::new().unwrap();
    let path: PathBuf = directory.path().join("run@2m");
    fs::copy(file_of(RUN, ".log"), &path).unwrap();
    let document = json(&["show", path.to_str().unwrap()]);
    assert_eq!(document["runs"][0]["name"], "run@2m");
    assert_eq!(document["runs"][0]["at"], Value::Null);
}

#[test]
fn a_saved_report_is_looked_at_at_its_nearest_step() {
    let directory = TempDir::new().unwrap();
    let base = directory.path().join("base.json");
    let base = base.to_str().unwrap();
    stdout_of(mtrace_diff().args(["show", RUN, "--save", base]));
    // A log of so many lines that every step ends with one: each line is a stretch of its own.
    let log = file_of(RUN, ".log");
    let lines = fs::read_to_string(&log).unwrap().lines().count();
    let document = json(&["show", &format!("{base}@41%")]);
    let run = &document["runs"][0];
    // 41 % of 64 steps is 26.24.
    assert_eq!(run["at"]["step"], 26);
    assert_eq!(run["name"], "base@41%");
    assert_eq!(run["anomalies"], Value::Null);
    let header = stdout_of(mtrace_diff().args(["show", &format!("{base}@41%")]));
    assert!(
        header.contains("step 26 of 64 of 6,864 records"),
        "{header}"
    );
    // The log at the end of that step, give or take the 256th of the run that steps are off.
    let live = |share: f64| {
        let records = ((lines as f64) * share) as usize;
        let cut = with_log(RUN, &cut_log(&log, records));
        json(&["show", cut.path().to_str().unwrap()])["runs"][0]["live"]["blocks"]
            .as_u64()
            .unwrap()
    };
    let blocks = run["live"]["blocks"].as_u64().unwrap();
    let (least, most) = (
        live(26.0 / 64.0 - 1.0 / 256.0),
        live(26.0 / 64.0 + 1.0 / 256.0),
    );
    assert!((least..=most).contains(&blocks), "{least} {blocks} {most}");
    // By time, and in a comparison.
    let by_time = json(&["--duration", "3m", &format!("{base}@90s"), base]);
    assert_eq!(by_time["runs"][0]["at"]["step"], 32);
    assert_eq!(by_time["runs"][0]["duration_s"], 90.0);
    assert!(by_time["total"]["growth"]["blocks"].as_i64().unwrap() > 0);
}

/// What a moment was saved as is still a moment: that it has fewer records does not say that the program did less.
#[test]
fn a_moment_can_be_saved() {
    let directory = TempDir::new().unwrap();
    let saved = directory.path().join("nine.json");
    let saved = saved.to_str().unwrap();
    let at = format!("{RUN}@9%");
    stdout_of(mtrace_diff().args(["show", &at, "--save", saved]));
    let [of_moment, of_saved] = [&at[..], saved].map(|run| compared([RUN, run], &[]));
    assert_eq!(of_saved["runs"][1]["at"], of_moment["runs"][1]["at"]);
    assert_eq!(of_saved["runs"][1]["at"]["given"], "9%");
    assert_eq!(findings(&of_saved), findings(&of_moment));
    for document in [of_moment, of_saved] {
        assert_eq!(document["runs"][1]["warnings"], serde_json::json!([]));
    }
}

/// A report of an older program can lack the number of records: then no moment of it has one.
#[test]
fn what_is_not_known_of_a_saved_run_is_not_known_of_its_moment() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("saved.json");
    let saved = path.to_str().unwrap();
    stdout_of(mtrace_diff().args(["show", RUN, "--save", saved]));
    let mut document: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    document.as_object_mut().unwrap().remove("records");
    fs::write(&path, document.to_string()).unwrap();
    let run = json(&["show", &format!("{saved}@50%")])["runs"][0].clone();
    assert_eq!(run["records"], Value::Null);
    assert_eq!(run["at"]["of_records"], Value::Null);
    let table = stdout_of(mtrace_diff().args(["show", &format!("{saved}@50%")]));
    assert!(table.contains(" · step 32 of 64 · "), "{table}");
}

#[test]
fn what_has_no_moments_is_refused_with_the_reason() {
    let error = |arguments: &[&str]| {
        let output = output_of(mtrace_diff().args(arguments));
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let at = |moment: &str| format!("{RUN}@{moment}");
    for (arguments, parts) in [
        (
            vec!["show", &at("2m")],
            ["nothing says how long it took", "--duration"],
        ),
        (
            vec!["show", "--duration", "3m", &at("5m")],
            ["took 3m", "--duration"],
        ),
        (vec!["show", &at("soon")], ["'soon' is no moment", "40%"]),
        (vec!["show", &at("0%")], ["above 0%", "up to 100%"]),
        (
            vec!["show", "--log", "-", &at("50%")],
            ["pipe", "as a file"],
        ),
        (
            vec!["show", "armhf-glibc2.31/run0/result0.log@50%"],
            ["an old tool says only what was left", "mtrace log"],
        ),
    ] {
        let text = error(&arguments);
        parts
            .iter()
            .for_each(|part| assert!(text.contains(part), "'{part}' is missing in: {text}"));
    }
}
