//! One library that is loaded from two paths: what it allocates in one is not what it allocates in the other.

use std::fmt::Write;
use std::path::Path;

use crate::common::{linked, mtrace_diff, output_of, testdata};

/// A run whose plug-ins are one file, and its live blocks by path. The log is written by hand.
fn run(directory: &Path, live: &[(&str, u64)]) {
    std::fs::create_dir(directory).unwrap();
    let library = testdata().join("armhf-glibc2.31/sysroot/opt/gateway/lib/libsensors.so.1.4");
    std::fs::copy(library, directory.join("plugin.so")).unwrap();
    let mut log = String::from("= Start\n");
    let mut address = 0x10000;
    for (path, blocks) in live {
        for _ in 0..*blocks {
            writeln!(log, "@ {path}:[0x9ac] + {address:#x} 0x18").unwrap();
            address += 32;
        }
    }
    log.push_str("= End\n");
    std::fs::write(directory.join("mtrace.log"), log).unwrap();
}

/// What the gate says, by its exit code, to a limit on growth in blocks.
fn gate(old: &Path, new: &Path, limit: &str) -> Option<i32> {
    let arguments = ["--fail-above", limit];
    let (_link, old) = linked(old);
    let output = output_of(mtrace_diff().arg(old).arg(new).args(arguments));
    output.status.code()
}

#[test]
fn copies_of_a_library_are_judged_each_by_itself() {
    let directory = tempfile::tempdir().unwrap();
    let [base, turned, leaking] = ["base", "turned", "leaking"].map(|n| directory.path().join(n));
    run(
        &base,
        &[("/opt/a/plugin.so", 10), ("/opt/b/plugin.so", 100)],
    );
    run(
        &turned,
        &[("/opt/a/plugin.so", 100), ("/opt/b/plugin.so", 10)],
    );
    run(
        &leaking,
        &[("/opt/b/plugin.so", 100), ("/opt/a/plugin.so", 100)],
    );
    assert_eq!(gate(&base, &base, "0"), Some(0));
    assert_eq!(gate(&base, &turned, "10"), Some(1));
    assert_eq!(gate(&base, &leaking, "10"), Some(1));

    let saved = directory.path().join("base.json");
    let arguments = ["--save", saved.to_str().unwrap()];
    let output = output_of(mtrace_diff().arg("show").arg(&base).args(arguments));
    assert!(output.status.success());
    assert_eq!(gate(&saved, &base, "0"), Some(0));
    assert_eq!(gate(&saved, &turned, "10"), Some(1));
}

/// A second copy beside the first is new: its blocks do not take the place of the other's.
#[test]
fn a_copy_that_comes_later_is_new() {
    let directory = tempfile::tempdir().unwrap();
    let [one, two] = ["one", "two"].map(|name| directory.path().join(name));
    run(&one, &[("/opt/a/plugin.so", 100)]);
    run(&two, &[("/opt/a/plugin.so", 100), ("/opt/b/plugin.so", 50)]);
    assert_eq!(gate(&one, &two, "40"), Some(1));
    assert_eq!(gate(&one, &two, "50"), Some(0));
}

/// Beside it, a copy shows its path, which it did not need alone: it is the one at that path, not the first.
#[test]
fn a_copy_is_found_again_by_its_path() {
    let directory = tempfile::tempdir().unwrap();
    let [one, two] = ["one", "two"].map(|name| directory.path().join(name));
    run(&one, &[("/opt/b/plugin.so", 10)]);
    run(&two, &[("/opt/a/plugin.so", 60), ("/opt/b/plugin.so", 10)]);
    assert_eq!(gate(&one, &two, "55"), Some(1));
    assert_eq!(gate(&one, &two, "60"), Some(0));

    let saved = directory.path().join("one.json");
    let arguments = ["--save", saved.to_str().unwrap()];
    let output = output_of(mtrace_diff().arg("show").arg(&one).args(arguments));
    assert!(output.status.success());
    assert_eq!(gate(&saved, &two, "55"), Some(1));
    assert_eq!(gate(&saved, &two, "60"), Some(0));
}

/// Neither copy is at the old path: either may be the old one, so the gate takes neither for it.
#[test]
fn of_two_copies_that_may_be_it_the_worse_counts() {
    let directory = tempfile::tempdir().unwrap();
    let [one, two] = ["one", "two"].map(|name| directory.path().join(name));
    run(&one, &[("/opt/c/plugin.so", 10)]);
    run(&two, &[("/opt/a/plugin.so", 60), ("/opt/b/plugin.so", 10)]);
    assert_eq!(gate(&one, &two, "55"), Some(1));
    assert_eq!(gate(&one, &two, "60"), Some(0));
    // Where it fails as it is shown, it may be for the wrong one still.
    let output = output_of(
        mtrace_diff()
            .args([&one, &two])
            .args(["--fail-above", "45"]),
    );
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains(", unless it was another site before"),
        "{text}"
    );
    assert!(
        text.contains("this rests on matches that are unsure (?)"),
        "{text}"
    );
}

/// A program that loads a plug-in again and again, each time under a new name: no copy leaks much, but all do.
#[test]
fn what_copies_leak_adds_up() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let paths: Vec<String> = (0..30).map(|n| format!("/opt/{n}/plugin.so")).collect();
    let live = |copies: std::ops::Range<usize>, blocks: u64| -> Vec<(&str, u64)> {
        let paths = &paths[copies];
        paths.iter().map(|path| (path.as_str(), blocks)).collect()
    };
    run(&at("base"), &live(0..3, 5));
    run(&at("others"), &live(10..13, 5));
    run(&at("more"), &live(0..30, 5));
    assert_eq!(gate(&at("base"), &at("others"), "10"), Some(0));
    assert_eq!(gate(&at("base"), &at("more"), "135"), Some(0));
    assert_eq!(gate(&at("base"), &at("more"), "134"), Some(1));
    let arguments = ["--fail-above", "10"];
    let output = output_of(mtrace_diff().args([at("base"), at("more")]).args(arguments));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains(" and its like in 29 copies of that file: +135 blocks"),
        "{text}"
    );
    let arguments = ["--fail-above", "10", "--format", "json"];
    let output = output_of(mtrace_diff().args([at("base"), at("more")]).args(arguments));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let breaches = document["gate"]["breaches"].as_array().unwrap();
    assert_eq!(breaches.len(), 1);
    assert_eq!(breaches[0]["copies"].as_array().unwrap().len(), 30);
}

/// Names that no file is known of: a program that puts what it works at into its title.
#[test]
fn what_many_names_leak_at_one_number_adds_up() {
    let directory = tempfile::tempdir().unwrap();
    let log = |name: &str, names: u64| {
        let lines =
            (0..names).map(|n| format!("@ /app/{n}:[0x9ac] + {:#x} 0x18\n", 0x10000 + n * 32));
        let path = directory.path().join(name);
        let text = format!("= Start\n{}= End\n", lines.collect::<String>());
        std::fs::write(&path, text).unwrap();
        path
    };
    let (few, many) = (log("few.log", 3), log("many.log", 60));
    assert_eq!(gate(&few, &many, "57"), Some(0));
    assert_eq!(gate(&few, &many, "56"), Some(1));
    assert_eq!(gate(&many, &many, "0"), Some(0));
}
