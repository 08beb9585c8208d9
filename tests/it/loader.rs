//! What the dynamic loader is, when its rows are left out, and that its growth never is.

use std::path::Path;

use crate::common::{json, linked, mtrace_diff, output_of};

/// A log of a program that calls `./app` once and a library as often as `blocks` says.
fn log(directory: &Path, name: &str, library: &str, blocks: u64) -> String {
    let line = |n| format!("@ {library}:[0x1000] + {:#x} 0x40\n", 0x10000 + n * 0x40);
    let lines: String = (0..blocks).map(line).collect();
    let path = directory.join(name);
    let text = format!("= Start\n@ ./app:[0x500] + 0x8 0x8\n{lines}= End\n");
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// The status and the last line of a gate.
fn gate(arguments: &[&str]) -> (Option<i32>, String) {
    let output = output_of(mtrace_diff().args(arguments));
    let text = String::from_utf8(output.stdout).unwrap();
    let last = text.lines().last().unwrap_or_default().to_owned();
    (output.status.code(), last)
}

#[test]
fn growth_of_the_loader_is_shown_and_judged() {
    let directory = tempfile::tempdir().unwrap();
    let of_loader = |name, blocks| log(directory.path(), name, "/lib/ld-linux-armhf.so.3", blocks);
    let (few, many) = (of_loader("few", 5), of_loader("many", 5000));
    let (status, last) = gate(&[&few, &many, "--fail-above", "10"]);
    assert_eq!(status, Some(1), "{last}");
    assert!(
        last.contains("ld-linux-armhf.so.3): +4,995 blocks"),
        "{last}"
    );
    let document = json(&[&few, &many]);
    assert_eq!(document["total"]["growth"]["blocks"], 4995);
    assert!(document["sites"][0]["hidden"].is_null());
    // One block is one too much for a limit of none.
    let one_more = of_loader("one-more", 6);
    assert_eq!(gate(&[&few, &one_more, "--fail-above", "0"]).0, Some(1));
    // As it stays level, or falls, it is left out.
    for runs in [[&few, &few], [&many, &few]] {
        let (_link, first) = linked(runs[0]);
        let first = first.to_str().unwrap();
        let (status, last) = gate(&[first, runs[1], "--fail-above", "0"]);
        assert_eq!(status, Some(0), "{last}");
        let document = json(&[runs[0], runs[1]]);
        assert_eq!(document["total"]["growth"]["blocks"], 0);
        let sites = document["sites"].as_array().unwrap();
        let loader = sites
            .iter()
            .find(|site| site["module"] == "ld-linux-armhf.so.3");
        assert_eq!(loader.unwrap()["hidden"], "loader");
    }
}

/// In a single run nothing grew, but a curve can rise to its end.
#[test]
fn a_leak_of_the_loader_is_shown_in_a_single_run() {
    let directory = tempfile::tempdir().unwrap();
    let path = log(directory.path(), "run", "/lib/ld-linux-armhf.so.3", 5000);
    let sites = |path: &str| json(&["show", path])["sites"].clone();
    assert!(sites(&path)[0]["hidden"].is_null() && sites(&path)[0]["verdict"] == "leak");
    let few = log(directory.path(), "few", "/lib/ld-linux-armhf.so.3", 5);
    let few = sites(&few);
    let mut few = few.as_array().unwrap().iter();
    assert!(few.any(|site| site["hidden"] == "loader"));
}

/// Each is an ordinary library, whose growth between three runs or two is judged.
#[test]
fn a_library_that_is_called_almost_like_a_loader_is_none() {
    let directory = tempfile::tempdir().unwrap();
    for library in [
        "ld-4g-modem.so",
        "ld-7zip.so",
        "ld-linux-helper.so",
        "ld-musl-compat.so.1",
    ] {
        let path = format!("/opt/{library}");
        let few = log(directory.path(), "few", &path, 5);
        let sites = json(&["show", &few])["sites"].clone();
        let mut sites = sites.as_array().unwrap().iter();
        let site = sites.find(|site| site["module"] == library).unwrap();
        assert!(site["hidden"].is_null(), "{site:#}");
    }
}

/// What the old script left out is unknown, which the verdict says.
#[test]
fn a_result_without_the_loader_is_no_growth_of_it() {
    let runs = ["armhf-glibc2.31/run0/result0.log", "armhf-glibc2.31/run0"];
    let (status, last) = gate(&[runs[0], runs[1], "--fail-above", "0"]);
    assert_eq!(status, Some(0), "{last}");
    assert!(
        last.contains("mtrace_do.py leaves out the dynamic loader, which is not judged"),
        "{last}"
    );
}
