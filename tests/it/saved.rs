//! Runs that are results: saved reports, and what the old workflow left.

use std::fs;
use std::path::{Path, PathBuf};

use crate::common::{json, linked, live, mtrace_diff, output_of, site, stdout_of, testdata};
use serde_json::Value;
use tempfile::TempDir;

const SETS: [&str; 5] = [
    "armhf-glibc2.31",
    "armhf-static",
    "amd64-threads",
    "amd64-cxx",
    "mips-glibc2.36",
];
const RUNS: [&str; 2] = ["armhf-glibc2.31/run0", "armhf-glibc2.31/run1"];
const SCRIPT: [&str; 2] = [
    "armhf-glibc2.31/run0/result0.log",
    "armhf-glibc2.31/run1/result1.log",
];
const MTRACE: [&str; 2] = [
    "armhf-glibc2.31/run0/mtrace0.result",
    "armhf-glibc2.31/run1/mtrace1.result",
];

/// A directory with `base.json`, saved from one run.
fn saved(run: &str) -> (TempDir, String) {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("base.json");
    let file = file.to_str().unwrap().to_owned();
    stdout_of(mtrace_diff().args(["show", run, "--save", &file]));
    (directory, file)
}

fn failed(arguments: &[&str]) -> String {
    let output = output_of(mtrace_diff().args(arguments));
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {text}");
    assert_eq!(output.stdout, b"", "{arguments:?}");
    text
}

fn assert_says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "'{part}' is missing in: {text}");
    }
}

/// Everything that a document says but for names, paths, and what a saved report is known to lack.
fn figures(mut document: Value) -> Value {
    for run in document["runs"].as_array_mut().unwrap() {
        for field in ["name", "path", "saved_by", "stands_in", "faults"] {
            run.as_object_mut().unwrap().remove(field);
        }
    }
    document
}

fn warnings<'a>(document: &'a Value, code: &str) -> Vec<&'a str> {
    let runs = document["runs"].as_array().unwrap().iter();
    let all = runs.flat_map(|run| run["warnings"].as_array().unwrap());
    all.filter(|warning| warning["code"] == code)
        .map(|warning| warning["message"].as_str().unwrap())
        .collect()
}

#[test]
fn a_saved_report_stands_for_its_log() {
    for set in SETS {
        let (run0, run1) = (format!("{set}/run0"), format!("{set}/run1"));
        let (_directory, base) = saved(&run0);
        assert_eq!(
            figures(json(&["show", &base])),
            figures(json(&["show", &run0])),
            "{set}"
        );
        assert_eq!(
            figures(json(&[&base, &run1])),
            figures(json(&[&run0, &run1])),
            "{set}"
        );
        assert_eq!(
            figures(json(&[&run1, &base])),
            figures(json(&[&run1, &run0])),
            "{set}"
        );
    }
}

#[test]
fn the_table_of_a_saved_report_is_the_logs() {
    let (_directory, base) = saved(RUNS[1]);
    let table = |run: &str| {
        let text = stdout_of(mtrace_diff().args(["show", run, "--all", "--inlines"]));
        let (header, rest) = text.split_once('\n').unwrap();
        let (name, facts) = header.split_once(' ').unwrap();
        (name.to_owned(), facts.to_owned(), rest.to_owned())
    };
    let (name, facts, rest) = table(&base);
    assert_eq!(name, "base");
    assert_eq!((name, facts, rest), {
        let (_, facts, rest) = table(RUNS[1]);
        ("base".to_owned(), facts, rest)
    });
}

#[test]
fn nothing_changed_from_a_run_to_its_saved_form() {
    for set in SETS {
        let run = format!("{set}/run1");
        let (_directory, base) = saved(&run);
        let document = json(&[&run, &base, &run]);
        let sites = document["sites"].as_array().unwrap();
        assert!(sites.len() > 1, "{set}");
        for site in sites {
            assert_eq!(site["change"], "same", "{set}: {site:#}");
            assert_eq!(site["runs"][0], site["runs"][1], "{set}");
        }
    }
}

#[test]
fn a_saved_report_is_small_and_says_what_it_is() {
    let (_directory, base) = saved(RUNS[0]);
    let text = fs::read_to_string(&base).unwrap();
    // Eleven callers that allocate, at most some 300 bytes each, curves of three that change at nearly
    // every step, some 1,300 bytes each, as much for their survivors, and what the run is.
    assert!(text.len() < 12_288, "{} bytes", text.len());
    assert!(text.starts_with("{\"schema\":\"mtrace-diff-saved/1\","));
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["version"], env!("CARGO_PKG_VERSION"));
    let shown = json(&["show", &base]);
    assert_eq!(shown["runs"][0]["source"], "log");
    assert_eq!(shown["runs"][0]["saved_by"], env!("CARGO_PKG_VERSION"));
    assert_eq!(shown["runs"][0]["faults"], Value::Null);
}

#[test]
fn sizes_of_what_was_freed_are_saved() {
    let (_directory, base) = saved(RUNS[0]);
    let document: Value = serde_json::from_slice(&fs::read(&base).unwrap()).unwrap();
    let callers = document["callers"].as_array().unwrap();
    let freed = callers.iter().filter(|caller| caller["blocks"] == 0);
    let sizes: Vec<&Value> = freed.map(|caller| &caller["sizes"]).collect();
    // A message of gateway.c, and what realloc makes of it.
    for size in [24, 2000] {
        assert!(
            sizes.contains(&&serde_json::json!([size, size])),
            "{sizes:?}"
        );
    }
}

#[test]
fn the_gate_judges_against_a_saved_baseline() {
    let (_directory, base) = saved(RUNS[0]);
    // gateway.c: session_open leaves 600 blocks of 256 bytes more.
    for (limit, status) in [("600", 0), ("599", 1), ("153600B", 0), ("153599B", 1)] {
        let output = output_of(mtrace_diff().args([&base, RUNS[1], "--fail-above", limit]));
        assert_eq!(output.status.code(), Some(status), "{limit}");
    }
    let output = output_of(mtrace_diff().args([RUNS[0], &base, "--fail-on", "double-free"]));
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn double_frees_are_saved() {
    let directory = TempDir::new().unwrap();
    let log = directory.path().join("twice.log");
    fs::write(
        &log,
        "= Start\n@ a:[0x1] + 0x10 0x8\n@ a:[0x2] - 0x10\n@ a:[0x2] - 0x10\n@ a:[0x1] + 0x20 0x8\n= End\n",
    )
    .unwrap();
    let (_saved, base) = saved(log.to_str().unwrap());
    let output = output_of(mtrace_diff().args(["show", &base, "--fail-on", "double-free"]));
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert_says(
        &text,
        &[
            "1 double free: show --errors on its log",
            "FAIL 1 double free in base",
        ],
    );
}

#[test]
fn a_comparison_saves_its_last_run_even_if_the_gate_fails() {
    let directory = TempDir::new().unwrap();
    let next = directory.path().join("next.json");
    let next = next.to_str().unwrap();
    let output =
        output_of(mtrace_diff().args([RUNS[0], RUNS[1], "--fail-above", "0", "--save", next]));
    assert_eq!(output.status.code(), Some(1));
    let (_directory, base) = saved(RUNS[1]);
    assert_eq!(fs::read(next).unwrap(), fs::read(base).unwrap());
    let left: Vec<_> = fs::read_dir(directory.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn saving_a_saved_report_keeps_all_but_its_name() {
    let (directory, base) = saved(RUNS[0]);
    let again = directory.path().join("again.json");
    let again = again.to_str().unwrap();
    stdout_of(mtrace_diff().args(["show", &base, "--save", again]));
    assert_eq!(
        figures(json(&["show", again])),
        figures(json(&["show", RUNS[0]]))
    );
}

#[test]
fn the_runs_own_facts_are_saved() {
    let directory = TempDir::new().unwrap();
    let put = |name: &str, text: &str| fs::write(directory.path().join(name), text).unwrap();
    put("mtrace.log", "= Start\n@ a:[0x1] + 0x10 0x8\n= End\n");
    put(
        "run.json",
        r#"{"schema": "mtrace-diff-run/1", "duration_s": 120.5}"#,
    );
    let (_saved, base) = saved(directory.path().to_str().unwrap());
    assert_eq!(json(&["show", &base])["runs"][0]["duration_s"], 120.5);
}

/// A directory with a log and how its program ended.
fn ended(status: u32) -> TempDir {
    let directory = TempDir::new().unwrap();
    let put = |name: &str, text: &str| fs::write(directory.path().join(name), text).unwrap();
    put("mtrace.log", "= Start\n@ a:[0x1] + 0x10 0x8\n= End\n");
    put(
        "run.json",
        &format!(r#"{{"schema": "mtrace-diff-run/1", "exit_status": {status}}}"#),
    );
    directory
}

/// A crash is said of a saved report as of the log, whichever of the runs is one.
#[test]
fn how_the_program_ended_is_saved() {
    let runs = [0, 139].map(ended);
    let logs = [0, 1].map(|index| runs[index].path().to_str().unwrap().to_owned());
    let (reports, files): (Vec<TempDir>, Vec<String>) = logs.iter().map(|log| saved(log)).unzip();
    let judged = |first: &str, last: &str| {
        let mut command = mtrace_diff();
        command.args(["--strict", "--fail-above", "10", first, last]);
        let output = output_of(&mut command);
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    };
    for first in [&logs, files.as_slice()] {
        for last in [&logs, files.as_slice()] {
            let (status, said) = judged(&first[0], &last[1]);
            assert_eq!(status, Some(2), "{said}");
            assert_says(
                &said,
                &["was killed by signal 11 (SIGSEGV), unlike in the first run"],
            );
            // The baseline crashed as well, or it alone.
            for index in [0, 1] {
                // The very same directory or file would be refused.
                let (_kept, again) = linked(&first[1]);
                let (status, said) = judged(again.to_str().unwrap(), &last[index]);
                assert_eq!(status, Some(0), "{said}");
            }
        }
    }
    // A report that was saved with a comparison says nothing of that.
    let next = reports[0].path().join("next.json");
    let next = next.to_str().unwrap();
    stdout_of(mtrace_diff().args([&logs[0], &logs[1], "--save", next]));
    assert_eq!(judged(&logs[1], next).0, Some(0));
    assert_eq!(judged(&logs[0], next).0, Some(2));
}

/// Whatever a file holds that looks like a result: an answer or an error, never a panic.
#[test]
fn damaged_results_do_not_panic() {
    let (directory, base) = saved(RUNS[0]);
    let result = fs::read(testdata().join(MTRACE[0])).unwrap();
    let end = result.iter().rposition(|&b| b == b'\n').unwrap();
    let start = result[..end - 2000]
        .iter()
        .rposition(|&b| b == b'\n')
        .unwrap();
    let files = [
        fs::read(base).unwrap(),
        fs::read(testdata().join(SCRIPT[0])).unwrap(),
        [b"Memory not freed:", &result[start..]].concat(),
    ];
    let path = directory.path().join("damaged");
    let plan = mtrace_diff::Plan {
        runs: vec![mtrace_diff::RunInput {
            path: path.clone(),
            ..Default::default()
        }],
        ..Default::default()
    };
    let (mut state, mut read) = (1u64, [0; 3]);
    let mut random = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as usize % below
    };
    for round in 0..600 {
        let mut bytes = files[round % files.len()].clone();
        for _ in 0..=random(3) {
            let at = random(bytes.len());
            match random(4) {
                0 => bytes.truncate(at.max(1)),
                1 => bytes[at] = b"0x9f-:\t\n\" {}[],"[random(15)],
                2 => bytes[at] = random(256) as u8,
                _ => drop(bytes.splice(at..at, b"18446744073709551615".iter().copied())),
            }
        }
        fs::write(&path, bytes).unwrap();
        read[round % files.len()] += usize::from(mtrace_diff::show(&plan).is_ok());
    }
    // Some of it does no harm, or the test would test the first check alone.
    assert!(read.iter().all(|&count| count > 5), "{read:?}");
}

#[test]
fn warnings_are_saved_with_their_weight() {
    let directory = TempDir::new().unwrap();
    let log = directory.path().join("cut.log");
    fs::write(&log, "= Start\n@ a:[0x1] + 0x10 0x8\n@ a:[0x2] - 0").unwrap();
    let (_saved, base) = saved(log.to_str().unwrap());
    let message = |run: &str| {
        let document = json(&["show", run]);
        let found = warnings(&document, "truncated-tail").join("");
        assert!(found.contains("line 3"), "{document:#}");
        found
    };
    assert_eq!(message(&base), message(log.to_str().unwrap()));
    // The pass says that its figures are partial, as on the log.
    let text = stdout_of(mtrace_diff().args([&base, RUNS[1], "--fail-above", "100000"]));
    assert_says(&text, &["PASS", "figures of base are partial"]);
    // What log and saved report both say is said once.
    let text = stdout_of(mtrace_diff().args([log.to_str().unwrap(), &base]));
    assert_eq!(
        text.matches("ends in the middle of line 3").count(),
        1,
        "{text}"
    );
}

#[test]
fn a_directory_with_a_saved_report_and_no_log_is_a_run() {
    let (directory, base) = saved(RUNS[0]);
    let path = directory.path().to_str().unwrap();
    assert_eq!(
        figures(json(&["show", path])),
        figures(json(&["show", &base]))
    );
    // A log beside it is the run.
    let log = "= Start\n@ a:[0x1] + 0x10 0x8\n= End\n";
    fs::write(directory.path().join("mtrace.log"), log).unwrap();
    assert_eq!(json(&["show", path])["runs"][0]["live"]["blocks"], 1);
    // An empty log is a run that failed, for which no older result may stand in.
    fs::write(directory.path().join("mtrace.log"), "").unwrap();
    assert_says(&failed(&["show", path]), &["mtrace.log' is empty"]);
    fs::remove_file(directory.path().join("mtrace.log")).unwrap();
    fs::copy(&base, directory.path().join("other.json")).unwrap();
    assert_says(
        &failed(&["show", path]),
        &["several saved reports", "base.json and other.json"],
    );
}

fn written(text: &str) -> (TempDir, PathBuf) {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("r.json");
    fs::write(&file, text).unwrap();
    (directory, file)
}

#[test]
fn what_is_no_saved_report_is_said() {
    let (_directory, base) = saved(RUNS[0]);
    let good = fs::read_to_string(base).unwrap();
    let cut = &good[..good.len() / 2];
    for (text, says) in [
        (
            good.replace("saved/1", "saved/2"),
            "reads only mtrace-diff-saved/1",
        ),
        (cut.to_owned(), "EOF while parsing"),
        (
            good.replace("\"modules\":[", "\"modules\":[],\"x\":["),
            "a caller is of module 0",
        ),
        (
            good.replace("\"0x90a\"", "\"0x9zz\""),
            "'0x9zz' is no address",
        ),
        (
            good.replace("\"address\":\"0x90a\"", "\"address\":\"90a\""),
            "'90a' is no address",
        ),
        (
            good.replace("\"blocks\":500", "\"blocks\":-1"),
            "invalid value",
        ),
        (good.replace("797582", "zz"), "is no build id"),
        (
            good.replace("\"source\":\"log\",", ""),
            "missing field `source`",
        ),
    ] {
        assert_ne!(text, good, "{says}");
        let (_directory, file) = written(&text);
        let file = file.to_str().unwrap();
        assert_says(
            &failed(&[file, RUNS[1]]),
            &[says, "r.json", "save it again"],
        );
    }
    let report = stdout_of(mtrace_diff().args(["show", RUNS[0], "--format", "json"]));
    let (_directory, file) = written(&report);
    assert_says(
        &failed(&["show", file.to_str().unwrap()]),
        &["document of --format json", "--save"],
    );
}

#[test]
fn fields_of_later_versions_are_ignored_and_old_ones_may_be_missing() {
    let text = r#"{"schema": "mtrace-diff-saved/1", "curve": [1, 2], "source": "log",
        "callers": [{"blocks": 3, "bytes": 30, "allocations": 4, "declared": 7, "name": {"unknown": "no-file"}}]}"#;
    let (_directory, file) = written(text);
    let document = json(&["show", file.to_str().unwrap()]);
    assert_eq!(live(&document["sites"][0]), [Some((3, 30))]);
    assert_eq!(document["sites"][0]["runs"][0]["frees"], 1);
    assert_eq!(document["runs"][0]["records"], Value::Null);
}

#[test]
fn a_saved_report_cannot_send_escapes_to_the_terminal() {
    let (_directory, base) = saved(RUNS[0]);
    let text = fs::read_to_string(base).unwrap();
    let bad = text.replace("session_open", "a\\u001b[31mb");
    assert_ne!(text, bad);
    let (_directory, file) = written(&bad);
    let shown = stdout_of(mtrace_diff().args(["show", file.to_str().unwrap()]));
    assert!(
        !shown.contains('\u{1b}') && shown.contains("a\\u{1b}[31mb"),
        "{shown}"
    );
}

#[test]
fn a_runs_own_files_are_not_written_over() {
    let directory = TempDir::new().unwrap();
    for name in ["app0", "app0.maps", "mtrace0.log", "result0.log"] {
        fs::copy(
            testdata().join(RUNS[0]).join(name),
            directory.path().join(name),
        )
        .unwrap();
    }
    let run = directory.path().to_str().unwrap();
    let inside = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    std::os::unix::fs::symlink(inside("app0"), inside("link")).unwrap();
    for name in ["app0", "app0.maps", "mtrace0.log", "result0.log", "link"] {
        let before = fs::read(inside(name)).unwrap();
        let text = failed(&["show", run, "--save", &inside(name)]);
        assert_says(&text, &[name, "belongs to the run", "--save"]);
        assert_eq!(fs::read(inside(name)).unwrap(), before);
    }
    let log = inside("mtrace0.log");
    assert_says(
        &failed(&["show", &log, "--save", &log]),
        &["belongs to the run"],
    );
    // A report in the directory is no part of the run, and can be written again.
    let base = inside("base.json");
    stdout_of(mtrace_diff().args(["show", run, "--save", &base]));
    stdout_of(mtrace_diff().args(["show", run, "--save", &base]));
    assert_says(
        &failed(&[&base, RUNS[1], "--save", &base]),
        &["belongs to the run"],
    );
    assert_says(
        &failed(&["show", run, "--save", "/nowhere/base.json"]),
        &["cannot write '/nowhere/base.json'"],
    );
    assert_says(
        &failed(&["show", run, "--save", "/dev/null"]),
        &["not a regular file"],
    );
}

#[test]
fn what_only_a_log_can_answer_is_an_error() {
    let (_directory, base) = saved(RUNS[0]);
    for run in [&base, SCRIPT[0], MTRACE[0]] {
        assert_says(&failed(&["show", run, "--errors"]), &["needs the log", run]);
        for listing in ["mtrace", "mtrace-do"] {
            let text = failed(&["show", run, "--format", listing]);
            assert_says(&text, &["needs the log", run]);
        }
    }
}

/// gateway.c after two minutes: without its program, what the script knows of it.
#[test]
fn a_result_of_the_script() {
    let document = json(&["show", SCRIPT[0]]);
    let run = &document["runs"][0];
    assert_eq!(run["source"], "mtrace-do");
    assert_eq!(run["live"]["blocks"], 1200 + 600 + 200 + 500);
    for unknown in [
        "arch",
        "addressing",
        "records",
        "anomalies",
        "faults",
        "program",
    ] {
        assert_eq!(run[unknown], Value::Null, "{unknown}");
    }
    assert_eq!(run["live"]["bytes"], Value::Null);
    assert_eq!(warnings(&document, "old-result").len(), 1);
    let sites = document["sites"].as_array().unwrap();
    let of = |module: &str| -> Vec<u64> {
        let here = sites.iter().filter(|site| site["module"] == module);
        here.map(|site| site["runs"][0]["live"]["blocks"].as_u64().unwrap())
            .collect()
    };
    assert_eq!(of("app0"), [1200, 500]);
    assert_eq!(of("libsensors.so.1"), [600]);
    assert_eq!(of("libc.so.6"), [200]);
    for site in sites {
        for unknown in ["allocations", "frees"] {
            assert_eq!(site["runs"][0][unknown], Value::Null);
        }
        assert_eq!(site["runs"][0]["live"]["bytes"], Value::Null);
    }
    let text = stdout_of(mtrace_diff().args(["show", SCRIPT[0]]));
    let row = text.lines().find(|line| line.starts_with(" 1 ")).unwrap();
    let cells: Vec<&str> = row.split_whitespace().take(5).collect();
    assert_eq!(cells, ["1", "1,200", "48%", "–", "–"]);
    assert_eq!(text.matches("does not tell bytes").count(), 1);
}

#[test]
fn a_result_of_mtrace() {
    let document = json(&["show", MTRACE[0]]);
    let run = &document["runs"][0];
    assert_eq!(run["source"], "mtrace");
    // What the log of the same run comes to.
    assert_eq!(run["live"], json(&["show", RUNS[0]])["runs"][0]["live"]);
    let first = &document["sites"][0];
    assert_eq!(live(first), [Some((1200, 1200 * 256))]);
    assert_eq!(first["module"], Value::Null);
    assert_eq!(first["runs"][0]["allocations"], Value::Null);
    assert_eq!(warnings(&document, "old-result").len(), 1);
}

/// Every call site of gateway.c in the program, by the files of the capture beside the result.
#[test]
fn an_old_result_is_named_by_the_files_of_its_run() {
    for set in ["armhf-glibc2.31", "armhf-glibc2.36", "mips-glibc2.36"] {
        for (result, knows_bytes) in [("result0.log", false), ("mtrace0.result", true)] {
            // mtrace(1) leaves out the module, without which relative addresses have no place.
            if knows_bytes && set != "armhf-glibc2.31" {
                continue;
            }
            let (run0, run1) = (format!("{set}/run0"), format!("{set}/run1"));
            let (old, log) = (format!("{run0}/{result}"), format!("{run1}/mtrace1.log"));
            let document = json(&["--log", &old, "--log", &log, &run0, &run1]);
            let bytes = |blocks: u64, size: u64| knows_bytes.then_some(blocks * size);
            for (function, per_minute, fixed, size) in
                [("session_open", 600, 0, 256), ("table_load", 0, 500, 32)]
            {
                let site = site(&document, function);
                let blocks = |minutes: u64| per_minute * minutes + fixed;
                let live = |run: usize| &site["runs"][run]["live"];
                assert_eq!(live(0)["blocks"], blocks(2), "{set} {result} {function}");
                assert_eq!(live(1)["blocks"], blocks(3), "{set} {result} {function}");
                assert_eq!(live(0)["bytes"].as_u64(), bytes(blocks(2), size));
                assert_eq!(live(1)["bytes"].as_u64(), Some(blocks(3) * size));
                assert_eq!(site["growth"]["blocks"], per_minute);
                assert_eq!(site["growth"]["bytes"].as_u64(), bytes(per_minute, size));
                let change = if per_minute > 0 { "grown" } else { "same" };
                assert_eq!(site["change"], change, "{set} {result} {function}");
            }
        }
    }
}

/// With the mode bit of the other run's machine, and its names where the build is the same.
#[test]
fn an_old_result_of_the_same_build_takes_the_names_of_the_log() {
    for order in [[SCRIPT[0], RUNS[0]], [RUNS[0], SCRIPT[0]]] {
        let document = json(&order);
        let sites = document["sites"].as_array().unwrap();
        let visible: Vec<&Value> = sites
            .iter()
            .filter(|site| site["hidden"] != "loader")
            .collect();
        assert!(visible.len() >= 4);
        for site in visible {
            assert_eq!(site["growth"]["blocks"], 0, "{site:#}");
            assert_eq!(site["growth"]["bytes"], Value::Null);
            assert!(site["function"].is_string(), "{site:#}");
        }
    }
    // libc and the sensors are the same in both runs; the programs are two builds.
    let document = json(&[SCRIPT[0], RUNS[1]]);
    assert_eq!(site(&document, "__strdup")["growth"]["blocks"], 100);
    assert_eq!(site(&document, "frame_decode")["growth"]["blocks"], 300);
    assert_eq!(site(&document, "session_open")["change"], "new");
}

#[test]
fn all_forms_of_a_run_mix_in_any_position() {
    let (_directory, base) = saved(RUNS[0]);
    for runs in [
        [&base, SCRIPT[0], RUNS[1]],
        [RUNS[0], &base, SCRIPT[1]],
        [MTRACE[0], RUNS[0], &base],
        [SCRIPT[0], MTRACE[0], RUNS[1]],
    ] {
        let document = json(&runs);
        let growth = &document["total"]["growth"];
        let script_at_an_end = [runs[0], runs[2]].iter().any(|run| SCRIPT.contains(run));
        assert_eq!(growth["bytes"].is_null(), script_at_an_end, "{runs:?}");
        for site in document["sites"].as_array().unwrap() {
            assert_eq!(site["growth"]["bytes"].is_null(), script_at_an_end);
            for (run, form) in site["runs"].as_array().unwrap().iter().zip(&runs) {
                let is_unknown = SCRIPT.contains(form) || run.is_null();
                assert_eq!(
                    run["live"]["bytes"].is_null(),
                    is_unknown,
                    "{runs:?} {site:#}"
                );
            }
        }
        stdout_of(mtrace_diff().args(runs).args(["--all", "--sort", "bytes"]));
    }
}

/// Bytes that are not known must look neither like growth from zero nor like a fall to zero.
#[test]
fn unknown_bytes_are_no_growth() {
    let (_link, other) = linked(SCRIPT[0]);
    for runs in [
        [RUNS[0], SCRIPT[0]],
        [SCRIPT[0], RUNS[0]],
        [other.to_str().unwrap(), SCRIPT[0]],
    ] {
        let document = json(&runs);
        for site in document["sites"].as_array().unwrap() {
            if site["hidden"] != "loader" {
                assert_eq!(site["change"], "same", "{runs:?} {site:#}");
            }
        }
        let text = stdout_of(mtrace_diff().args(runs).args(["--fail-above", "0,0%"]));
        assert_says(&text, &["PASS", "bytes is not known and not judged"]);
        // A course that is known tells leaks, which left as much as before.
        let known = match runs[1] == RUNS[0] {
            true => "3 call sites leak, as much in run0 as in result0.log.",
            false => "No call site grew.",
        };
        assert_says(&text, &[known]);
        let limit = ["--fail-above", "5,1GiB"];
        let text = failed(&[runs.as_slice(), &limit].concat());
        assert_says(&text, &["1GiB cannot be judged", "result0.log", "no bytes"]);
    }
    // Blocks are known.
    let output = output_of(mtrace_diff().args(SCRIPT).args(["--fail-above", "99"]));
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(!text.lines().last().unwrap().contains(" B"), "{text}");
    let text = failed(&[RUNS[0], SCRIPT[1], "--fail-on", "double-free"]);
    assert_says(&text, &["double frees cannot be judged", "result1.log"]);
}

#[test]
fn an_old_result_can_be_saved() {
    for (old, bytes) in [(SCRIPT[0], None), (MTRACE[0], Some(1200 * 256))] {
        let (_directory, base) = saved(old);
        let document = json(&["show", &base]);
        assert_eq!(figures(document.clone()), figures(json(&["show", old])));
        let live = &document["sites"][0]["runs"][0]["live"];
        assert_eq!(live["blocks"], 1200);
        assert_eq!(live["bytes"].as_u64(), bytes);
    }
}

/// As Python 3 writes bytes, with callers that `mtrace` looked up, and compressed.
#[test]
fn results_in_all_their_forms() {
    let show = |name: &str, text: &[u8]| {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join(name);
        fs::write(&path, text).unwrap();
        json(&["show", path.to_str().unwrap()])
    };
    let document = show(
        "result.txt",
        b"total_cnt: 6007\nb'0x400007b9':\t\t6000\t\t                        ./app0\t\t0x7b9\n\
          b'/src/a.c:12':\t\t5\t\tunknown\t\tunknown\n",
    );
    let sites = document["sites"].as_array().unwrap();
    assert_eq!(sites[0]["module"], "app0");
    assert_eq!(
        sites[0]["runs"][0]["addresses"],
        serde_json::json!(["0x7b9"])
    );
    assert_eq!(sites[0]["runs"][0]["live"]["blocks"], 6000);
    assert_eq!(
        (&sites[1]["file"], &sites[1]["line"]),
        (&"/src/a.c".into(), &12.into())
    );
    let text = b"- 0x0000000000000099 Free 4 was never alloc'd 0x5\n\nMemory not freed:\n-----------------\n           \
        Address     Size     Caller\n0x0000000000000010     0x18  at 0x11d1\n\
        0x0000000000000030     0x18  at /src/my file.c:12\n0x0000000000000050      0x8  at ./app:[0x11d1]\n\
        0x0000000000000070      0x8  at /src/my file.c:12 (discriminator 2)\n0x0000000000000090      0x8  at ??:?\n";
    let document = show("leaks", text);
    let mut found: Vec<(String, u64, u64)> = document["sites"]
        .as_array()
        .unwrap()
        .iter()
        .map(|site| {
            let (blocks, bytes) = live(site)[0].unwrap();
            let place = site["file"].as_str().map_or_else(
                || format!("{}{}", site["module"], site["runs"][0]["numbers"]),
                |file| format!("{file}:{}", site["line"]),
            );
            (place, blocks, bytes)
        })
        .collect();
    found.sort();
    let expected = [
        ("\"app\"[]", 1, 8),
        ("/src/my file.c:12", 2, 0x20),
        ("null[\"0x11d1\"]", 1, 0x18),
        ("null[]", 1, 8),
    ];
    assert_eq!(
        found,
        expected.map(|(place, blocks, bytes)| (place.to_owned(), blocks, bytes))
    );
    // Nothing left is a result too.
    let document = show("none", b"No memory leaks.\n");
    assert_eq!(document["runs"][0]["live"]["blocks"], 0);
    let packed = {
        use std::io::Write as _;
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gz.write_all(&fs::read(testdata().join(SCRIPT[0])).unwrap())
            .unwrap();
        gz.finish().unwrap()
    };
    assert_eq!(
        show("result0.gz", &packed)["sites"],
        json(&["show", SCRIPT[0]])["sites"]
    );
}

#[test]
fn a_damaged_result_is_an_error_with_its_line() {
    let text = fs::read_to_string(testdata().join(SCRIPT[0])).unwrap();
    for (text, line) in [
        (text.trim_end().to_owned(), "line 5 is"),
        (text.replace("1200", "1205"), "line 5"),
        (text.replace("\t\t600", "\t\tsix"), "line 3"),
    ] {
        let (_directory, file) = written(&text);
        assert_says(
            &failed(&["show", file.to_str().unwrap()]),
            &[
                "is not a whole result of mtrace_do.py",
                line,
                "make it again",
            ],
        );
    }
    let text = failed(&[
        "show",
        Path::new(SCRIPT[0]).parent().unwrap().to_str().unwrap(),
        "--log",
        SCRIPT[0],
        "--errors",
    ]);
    assert_says(&text, &["--errors needs the log"]);
}
