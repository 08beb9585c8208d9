//! One file at several places, several files of one name, and places that look alike: each is a site of its own,
//! and a run against itself has not changed.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::common::{json, linked, mtrace_diff, output_of};

/// A log of so many live blocks from each caller, as the log spells it.
fn log(callers: &[(&str, u64)]) -> String {
    let mut text = String::from("= Start\n");
    let mut address = 0x1_0000;
    for (caller, blocks) in callers {
        for _ in 0..*blocks {
            text += &format!("@ {caller} + {address:#x} 0x18\n");
            address += 0x20;
        }
    }
    text + "= End\n"
}

fn run(directory: &TempDir, name: &str, callers: &[(&str, u64)]) -> String {
    let path = directory.path().join(name);
    fs::create_dir_all(&path).unwrap();
    fs::write(path.join("mtrace.log"), log(callers)).unwrap();
    path.to_str().unwrap().to_owned()
}

fn gate(first: &str, last: &str, limit: &str) -> (Option<i32>, String) {
    let (_link, first) = linked(first);
    let first = first.to_str().unwrap();
    let output = output_of(mtrace_diff().args([first, last, "--fail-above", limit]));
    (
        output.status.code(),
        String::from_utf8(output.stdout).unwrap(),
    )
}

fn growths(document: &Value) -> Vec<(i64, String)> {
    let sites = document["sites"].as_array().unwrap().iter();
    let growth = |site: &Value| site["growth"]["blocks"].as_i64().unwrap();
    sites
        .map(|site| (growth(site), site["module"].as_str().unwrap().to_owned()))
        .collect()
}

#[test]
fn one_library_at_two_paths_is_two_modules() {
    // The library of a shipped capture, once as it is and once more under another path: one build id.
    let library =
        crate::common::testdata().join("armhf-glibc2.31/sysroot/opt/gateway/lib/libsensors.so.1.4");
    let directory = TempDir::new().unwrap();
    let (a, b) = (
        "/opt/a/libsensors.so.1.4:[0x41f]",
        "/opt/b/libsensors.so.1.4:[0x41f]",
    );
    let first = run(&directory, "run0", &[(a, 10), (b, 100)]);
    let last = run(&directory, "run1", &[(a, 100), (b, 10)]);
    for run in [&first, &last] {
        fs::copy(&library, Path::new(run).join("libsensors.so.1.4")).unwrap();
    }
    for run in [&first, &last] {
        assert_eq!(gate(run, run, "0").0, Some(0));
        let saved = format!("{run}.json");
        output_of(mtrace_diff().args(["show", run, "--save", &saved]));
        assert_eq!(gate(&saved, run, "0").0, Some(0));
        assert_eq!(gate(run, &saved, "0").0, Some(0));
    }
    let (code, text) = gate(&first, &last, "10");
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("+90 blocks"), "{text}");
}

#[test]
fn a_library_stays_where_another_of_its_name_appears() {
    let directory = TempDir::new().unwrap();
    let (a, b) = ("/opt/a/plugin.so:[0x1230]", "/opt/b/plugin.so:[0x4560]");
    let first = run(&directory, "run0", &[(a, 40)]);
    let last = run(&directory, "run1", &[(a, 40), (b, 7)]);
    let document = json(&[&first, &last]);
    let mut grown = growths(&document);
    grown.sort();
    assert_eq!(
        grown,
        [
            (0, "/opt/a/plugin.so".to_owned()),
            (7, "/opt/b/plugin.so".to_owned())
        ]
    );
    let changes: Vec<&str> = document["sites"]
        .as_array()
        .unwrap()
        .iter()
        .map(|site| site["change"].as_str().unwrap())
        .collect();
    assert_eq!(changes, ["new", "same"]);
}

#[test]
fn an_equal_address_is_not_overruled_by_sizes() {
    let directory = TempDir::new().unwrap();
    // f+0x10 is freed in the second run, f+0x30 grows from nothing: both lie where they lay.
    let (one, two) = (
        "/lib/libx.so.1:(f+10)[0x1010]",
        "/lib/libx.so.1:(f+30)[0x1030]",
    );
    let first = run(&directory, "run0", &[(one, 100), (two, 0)]);
    let last = run(&directory, "run1", &[(two, 100)]);
    let at = |run: &str| Path::new(run).join("mtrace.log");
    let freed = |text: String, caller: &str| {
        text.replace(
            "= End\n",
            &format!("@ {caller} + 0x900000 0x18\n@ {caller} - 0x900000\n= End\n"),
        )
    };
    fs::write(
        at(&first),
        freed(fs::read_to_string(at(&first)).unwrap(), two),
    )
    .unwrap();
    fs::write(
        at(&last),
        freed(fs::read_to_string(at(&last)).unwrap(), one),
    )
    .unwrap();
    let (code, text) = gate(&first, &last, "0");
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("+100 blocks"), "{text}");
}
