//! Runs that do not belong together: what is gone from the last one is not said to be fixed.

use std::fs;

use crate::common::{file_of, json, mtrace_diff, stdout_of};
use serde_json::Value;

fn codes(document: &Value) -> Vec<&str> {
    let warnings = document["warnings"].as_array().unwrap().iter();
    warnings.map(|w| w["code"].as_str().unwrap()).collect()
}

/// A log of a program in which one place keeps `kept` blocks, one by one, and another one frees what it takes.
fn log_of(place: &str, kept: u64) -> String {
    let mut log = String::from("= Start\n");
    for round in 0..640 {
        log.push_str("@ ./app:[0x2000] + 0x9000 0x8\n@ ./app:[0x2000] - 0x9000\n");
        if round % (640 / kept) == 0 {
            log.push_str(&format!(
                "@ {place} + {:#x} 0x20\n",
                0x10_0000 + round * 0x40
            ));
        }
    }
    log + "= End\n"
}

#[test]
fn two_programs_are_said_and_nothing_is_fixed() {
    // sessions.cc and workers.c have no function and no source file in common.
    let runs = ["amd64-cxx/run1", "amd64-threads/run1"];
    let document = json(&runs);
    assert!(codes(&document).contains(&"other-programs"), "{document:#}");
    assert_eq!(document["fixed"]["sites"], 0);
    let text = stdout_of(mtrace_diff().args(runs));
    assert!(
        text.contains("no call site, function or source file is in both"),
        "{text}"
    );
    assert!(!text.contains(" fixed"), "{text}");
    assert!(text.contains(" gone"), "{text}");
    for set in ["amd64-cxx", "amd64-threads", "armhf-glibc2.31"] {
        let document = json(&[&format!("{set}/run0"), &format!("{set}/run1")]);
        assert_eq!(codes(&document), [""; 0], "{set}");
    }
}

/// The same leak, in a log whose program has no names and in one whose program has: the first is not fixed.
#[test]
fn what_has_no_name_in_one_run_is_not_fixed() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let (bare, named, gone) = (path("bare.log"), path("named.log"), path("gone.log"));
    fs::write(&bare, log_of("./app:[0x1000]", 64)).unwrap();
    fs::write(&named, log_of("./app:(keep+0x10)[0x1000]", 64)).unwrap();
    fs::write(&gone, log_of("./app:[0x2000]", 64)).unwrap();
    let document = json(&[&gone, &named]);
    assert!(codes(&document).contains(&"names-differ"), "{document:#}");
    let document = json(&[&named, &gone]);
    assert!(codes(&document).contains(&"names-differ"), "{document:#}");
    assert_eq!(document["fixed"]["sites"], 0, "{document:#}");
    // Where both have none, the leak is gone, as far as anybody can tell.
    let document = json(&[&bare, &gone]);
    assert!(!codes(&document).contains(&"names-differ"));
    assert_eq!(document["fixed"]["sites"], 1, "{document:#}");
}

#[test]
fn a_filter_that_fits_nothing_says_so() {
    let run = "armhf-glibc2.31/run0";
    for arguments in [&["show", run][..], &[run, "armhf-glibc2.31/run1"]] {
        for filter in ["--under", "--focus"] {
            let text = stdout_of(mtrace_diff().args(arguments).args([filter, "session_opne"]));
            assert!(
                text.contains("Nothing was allocated through session_opne."),
                "{text}"
            );
            let text = stdout_of(mtrace_diff().args(arguments).args([filter, "session_open"]));
            assert!(!text.contains("Nothing was allocated"), "{text}");
        }
        let warned = |pattern: &str| {
            let document = json(&[arguments, &["--wrapper", pattern]].concat());
            codes(&document).contains(&"no-such-wrapper")
        };
        assert!(warned("session_opne") && !warned("session_open") && !warned("session_*"));
    }
}

#[test]
fn a_time_that_is_not_the_runs_own_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let run = directory.path().join("run");
    fs::create_dir(&run).unwrap();
    let log = file_of("armhf-glibc2.36/run0", ".log");
    fs::copy(log, run.join("m.log")).unwrap();
    let facts = r#"{"schema": "mtrace-diff-run/1", "duration_s": 120}"#;
    fs::write(run.join("run.json"), facts).unwrap();
    let warned = |time: &str| {
        let document = json(&["show", run.to_str().unwrap(), "--duration", time]);
        assert!(document["runs"][0]["duration_s"].as_f64().is_some());
        let warnings = document["runs"][0]["warnings"].as_array().unwrap().clone();
        let other = warnings.into_iter().find(|w| w["code"] == "other-duration");
        other.map(|warning| warning["message"].as_str().unwrap().to_owned())
    };
    // 1.5 times as long, or as short, is another run's.
    let text = warned("180s").unwrap();
    assert!(
        text.contains("it took 3m") && text.contains("it took 2m"),
        "{text}"
    );
    assert!(warned("80s").is_some());
    assert_eq!(warned("170s").or(warned("90s")), None);
}
