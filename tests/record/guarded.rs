//! The recorder with guard pages behind all of its memory: it may write nowhere else.

use std::fs;
use std::process::Command;

use crate::built::copy_guarded_recorder;
use crate::common::{live, output_of, site};
use crate::recorder::{Scene, at_mark};

/// Runs a scene under a recorder that is ended at its first stray access.
fn run(scene: &Scene, mode: &str, settings: &[(&str, &str)], arguments: &[&str]) {
    let library = scene.path("guarded.so");
    if !library.exists() {
        copy_guarded_recorder(&library);
    }
    let log = scene.path(mode);
    let _ = fs::remove_file(&log);
    let output = output_of(
        Command::new(scene.path("app"))
            .args(arguments)
            .env("LD_PRELOAD", &library)
            .env("MTRACE_RECORDER", &log)
            .env("MTRACE_RECORDER_MODE", mode)
            .envs(settings.iter().copied()),
    );
    assert!(output.status.success(), "{mode} {arguments:?}: {output:?}");
}

pub(crate) fn a_long_quiet_run_stays_in_its_window() {
    let scene = Scene::new();
    run(&scene, "summary", &[], &["steady"]);
    let document = scene.show("summary");
    assert_eq!(at_mark(&document, "session"), (1, 48));
    let scratch = site(&document, "scratch");
    assert_eq!(live(scratch), [Some((0, 0))]);
    assert_eq!(scratch["runs"][0]["allocations"], 20_000_000);
    // Nothing happens, so nothing is written: the window of 64 KiB, the last counts of 48, and one block.
    let size = fs::metadata(scene.path("summary")).unwrap().len();
    assert!(size < 128 << 10, "{size}");
}

pub(crate) fn tables_grow_and_shrink_in_their_own_memory() {
    let scene = Scene::new();
    let odd = (0..1 << 16).filter(|path| path % 2 == 1);
    let bytes: u64 = odd.map(|path| path % 600 + 1).sum();
    for mode in ["events", "summary"] {
        run(&scene, mode, &[], &["stacks", "16"]);
        assert_eq!(at_mark(&scene.show(mode), "leaf"), (1 << 15, bytes));
    }
}

pub(crate) fn a_log_that_ends_amid_an_entry_harms_nothing() {
    let scene = Scene::new();
    for mode in ["events", "summary"] {
        // So little that it is met before a summary writes its first counts.
        let limit = [("MTRACE_RECORDER_MAX", "1")];
        run(&scene, mode, &limit, &["stacks", "18"]);
        let size = fs::metadata(scene.path(mode)).unwrap().len();
        assert!(size <= 1 << 20, "{mode}: {size}");
        let document = scene.show(mode);
        let warnings = document["runs"][0]["warnings"].as_array().unwrap();
        let codes: Vec<_> = warnings.iter().map(|w| &w["code"]).collect();
        let lost: &[&str] = match mode {
            "events" => &["recording-stopped"],
            _ => &["recording-stopped", "last-counts-lost"],
        };
        assert_eq!(codes, lost, "{mode}");
    }
}

pub(crate) fn children_leave_the_window_of_their_parent_alone() {
    let scene = Scene::new();
    run(&scene, "events", &[], &["forks"]);
    assert_eq!(at_mark(&scene.show("events"), "session"), (2, 96));
    run(&scene, "summary", &[], &["forks"]);
    assert_eq!(at_mark(&scene.show("summary"), "session"), (2, 96));
}
