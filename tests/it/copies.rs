//! One library that is loaded from two paths: what it allocates in one is not what it allocates in the other.

use std::fmt::Write;
use std::path::Path;

use crate::common::{mtrace_diff, output_of, testdata};

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
}
