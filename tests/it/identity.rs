//! Call sites across builds, against what is written by hand beside each pair of builds; and that no
//! grouping loses a block.

use crate::common::{json, mtrace_diff, stdout_of, testdata};
use serde_json::Value;

/// The pairs of builds, by name.
fn pairs() -> Vec<String> {
    let entries = std::fs::read_dir(testdata().join("pairs")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut names: Vec<String> = paths
        .filter(|path| path.join("truth.json").is_file())
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

fn truth(pair: &str) -> Value {
    let path = testdata().join("pairs").join(pair).join("truth.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The document of a pair, with the options that its truth asks for and `more`.
fn document(pair: &str, more: &[&str]) -> Value {
    let truth = truth(pair);
    let runs = [0, 1].map(|run| format!("pairs/{pair}/run{run}"));
    let mut arguments: Vec<&str> = runs.iter().map(String::as_str).collect();
    arguments.push("--all");
    arguments.extend(
        truth["options"]
            .as_array()
            .unwrap()
            .iter()
            .map(|o| o.as_str().unwrap()),
    );
    arguments.extend(more);
    json(&arguments)
}

/// Live blocks of a row in both runs; null where a run has no such row.
fn blocks(site: &Value) -> Value {
    let runs = site["runs"].as_array().unwrap();
    runs.iter()
        .map(|run| run["live"]["blocks"].clone())
        .collect()
}

fn is_of_toolchain(site: &Value) -> bool {
    let module = site["module"].as_str().unwrap_or("");
    module.starts_with("libc.so") || module.starts_with("ld-linux")
}

/// What a pair's rows with live blocks are, as `[blocks, matched_by]`, in order.
fn rows(document: &Value) -> Vec<String> {
    let sites = document["sites"].as_array().unwrap();
    let has_blocks = |site: &&Value| {
        let runs = site["runs"].as_array().unwrap();
        runs.iter()
            .any(|run| run["live"]["blocks"].as_u64() > Some(0))
    };
    let mut rows: Vec<String> = sites
        .iter()
        .filter(|site| !is_of_toolchain(site))
        .filter(has_blocks)
        .map(|site| format!("{} {}", blocks(site), site["matched_by"]))
        .collect();
    rows.sort();
    rows
}

#[test]
fn every_pair_of_builds_is_matched_as_its_truth_says() {
    let pairs = pairs();
    assert!(pairs.len() >= 10, "{pairs:?}");
    let mut wrong = Vec::new();
    for pair in &pairs {
        let truth = truth(pair);
        let expected = truth["sites"].as_array().unwrap().iter();
        let mut expected: Vec<String> = expected
            .map(|site| format!("{} {}", site["blocks"], site["matched_by"]))
            .collect();
        expected.sort();
        let found = rows(&document(pair, &[]));
        if found != expected {
            wrong.push(format!("{pair}: {found:?}, not {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Swapped runs are the same sites the other way round.
#[test]
fn the_order_of_runs_changes_no_match() {
    for pair in pairs() {
        let truth = truth(&pair);
        if !truth["options"].as_array().unwrap().is_empty() {
            continue;
        }
        let turned = |site: &Value| {
            format!(
                "[{},{}] {}",
                site["blocks"][1], site["blocks"][0], site["matched_by"]
            )
        };
        let mut expected: Vec<String> = truth["sites"]
            .as_array()
            .unwrap()
            .iter()
            .map(turned)
            .collect();
        expected.sort();
        let runs = [1, 0].map(|run| format!("pairs/{pair}/run{run}"));
        assert_eq!(
            rows(&json(&[&runs[0], &runs[1], "--all"])),
            expected,
            "{pair}"
        );
    }
}

/// A third run that is the first again: every site is there again, under the weakest of its matches.
#[test]
fn three_runs_are_matched_one_after_the_other() {
    for pair in pairs() {
        let truth = truth(&pair);
        if !truth["options"].as_array().unwrap().is_empty() {
            continue;
        }
        let runs = [0, 1, 0].map(|run| format!("pairs/{pair}/run{run}"));
        let document = json(&[&runs[0], &runs[1], &runs[2], "--all"]);
        let mut expected: Vec<String> = truth["sites"]
            .as_array()
            .unwrap()
            .iter()
            .map(|site| {
                let (first, second) = (&site["blocks"][0], &site["blocks"][1]);
                format!("[{first},{second},{first}]")
            })
            .collect();
        expected.sort();
        let mut found: Vec<String> = rows(&document)
            .iter()
            .map(|row| row.split(' ').next().unwrap().to_owned())
            .collect();
        found.sort();
        assert_eq!(found, expected, "{pair}");
    }
}

#[test]
fn totals_are_the_same_for_every_grouping() {
    let sets = pairs().into_iter().map(|pair| format!("pairs/{pair}"));
    let sets = sets.chain(["armhf-glibc2.31", "amd64-cxx", "armhf-static"].map(str::to_owned));
    for set in sets {
        let runs = [0, 1].map(|run| format!("{set}/run{run}"));
        let total = |by: &str| {
            let document = json(&[&runs[0], &runs[1], "--by", by]);
            assert_eq!(document["by"], by);
            let sites = document["sites"].as_array().unwrap();
            let sum = |run: usize, unit: &str| -> u64 {
                let live = sites
                    .iter()
                    .map(|site| site["runs"][run]["live"][unit].as_u64());
                live.flatten().sum()
            };
            let sums = [0, 1].map(|run| (sum(run, "blocks"), sum(run, "bytes")));
            (sums, document["total"].clone(), sites.len())
        };
        let (sums, growth, lines) = total("line");
        let mut rows = Vec::new();
        for by in ["address", "function", "file", "module"] {
            let (other_sums, other_growth, count) = total(by);
            assert_eq!(
                (other_sums, &other_growth),
                (sums, &growth),
                "{set} by {by}"
            );
            rows.push(count);
        }
        // Each grouping is coarser than the one before it.
        assert!(
            rows[0] >= lines && lines >= rows[1],
            "{set}: {rows:?}, {lines} lines"
        );
        assert!(rows[1] >= rows[2] && rows[2] >= rows[3], "{set}: {rows:?}");
    }
}

#[test]
fn groups_show_what_their_sites_have_in_common() {
    let runs = ["armhf-static/run0", "armhf-static/run1"];
    let document = json(&[runs[0], runs[1], "--by", "file"]);
    let sites = document["sites"].as_array().unwrap();
    let row = sites
        .iter()
        .find(|site| site["file"] == "/src/collector.c")
        .unwrap();
    assert!(row["function"].is_null() && row["line"].is_null());
    // collector.c leaves 40+0+1+12+3 and 60+1+1+12 blocks; strdup's 20 and 30 are another file's.
    assert_eq!(blocks(row), serde_json::json!([56, 74]));
    let document = json(&[runs[0], runs[1], "--by", "module"]);
    let sites = document["sites"].as_array().unwrap();
    assert_eq!(sites.len(), 1);
    assert_eq!(blocks(&sites[0]), serde_json::json!([76, 104]));
    assert!(sites[0]["function"].is_null() && sites[0]["file"].is_null());
}

#[test]
fn the_table_marks_what_was_not_joined_by_what_is_the_same() {
    let table = |pair: &str| {
        let runs = [0, 1].map(|run| format!("pairs/{pair}/run{run}"));
        stdout_of(mtrace_diff().args(&runs).arg("--all"))
    };
    let marked = |table: &str, mark: char| {
        let ranks = table
            .lines()
            .filter_map(|line| line.split_whitespace().next());
        let marked = |rank: &&str| {
            let rest = rank.strip_prefix(mark);
            rest.is_some_and(|rest| rest.parse::<u32>().is_ok())
        };
        ranks.filter(marked).count()
    };
    // Of three sites one has its old line.
    let moved = table("code-above");
    assert_eq!(marked(&moved, '~'), 2, "{moved}");
    assert!(moved.contains("~ matched by its function"), "{moved}");
    let same = table("same-build");
    assert_eq!(marked(&same, '~') + marked(&same, '?'), 0, "{same}");
    assert!(!same.contains("~ ") && !same.contains("? "), "{same}");
    // Two that leak, and the one of which every block is freed again.
    let unsure = table("stripped-all");
    assert_eq!(marked(&unsure, '?'), 3, "{unsure}");
    assert_eq!(marked(&unsure, '~'), 0, "{unsure}");
    let words: Vec<&str> = unsure.split_whitespace().collect();
    assert!(
        words
            .join(" ")
            .contains("2 call sites are joined by address alone, in app"),
        "{unsure}"
    );
}

#[test]
fn a_map_that_says_nothing_is_refused() {
    let mut command = mtrace_diff();
    let runs = ["armhf-static/run0", "armhf-static/run1"];
    let output = crate::common::output_of(command.args(runs).args(["--map", "/src"]));
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        message.contains("'/src' maps nothing; write OLD=NEW"),
        "{message}"
    );
}

#[test]
fn a_map_renames_what_is_shown() {
    let runs = ["armhf-static/run0", "armhf-static/run1"];
    let document = json(&[
        runs[0],
        runs[1],
        "--map",
        "/src=app/src",
        "--map",
        "collector=agent",
    ]);
    let site = crate::common::site(&document, "index_add");
    assert_eq!(site["file"], "app/src/collector.c");
    assert_eq!(site["module"], "agent");
}

/// packet_copy leaves 14 blocks, and packet_clone, as it is called later, 29; all of it is in the source of the pair.
#[test]
fn a_renamed_function_is_one_where_the_user_says_so() {
    let warnings = |document: &Value| -> Vec<String> {
        let warnings = document["warnings"].as_array().unwrap().iter();
        let warnings = warnings.filter(|warning| warning["code"] == "functions-renamed");
        warnings
            .map(|warning| warning["message"].as_str().unwrap().to_owned())
            .collect()
    };
    let as_they_are = document("renamed-function", &[]);
    let [warning] = &warnings(&as_they_are)[..] else {
        panic!("{as_they_are:#}");
    };
    let map = "packet_copy()=packet_clone()";
    assert!(
        warning.starts_with("packet_copy is gone, and packet_clone is new")
            && warning.ends_with(&format!("say so with --map '{map}'")),
        "{warning}"
    );
    let told = document("renamed-function", &["--map", map]);
    assert_eq!(warnings(&told), Vec::<String>::new());
    let site = crate::common::site(&told, "packet_clone");
    assert_eq!(blocks(site), serde_json::json!([14, 29]));
    assert_eq!(site["matched_by"], "line");
}

/// Of two functions that are both there, one is not the other: what one let go of would stand against the other's leak.
#[test]
fn a_map_that_makes_one_function_of_two_is_refused() {
    let runs = [0, 1].map(|run| format!("pairs/renamed-function/run{run}"));
    let mut command = mtrace_diff();
    let command = command
        .args(runs)
        .args(["--map", "event_log()=table_load()"]);
    let output = crate::common::output_of(command);
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        message.contains("table_load") && message.contains("event_log"),
        "{message}"
    );
}

/// The moved function counts with the file that it is in now; what names other directories or
/// libraries is one row, too.
#[test]
fn groups_have_the_names_of_the_last_run() {
    let by_file = document("moved-file", &["--by", "file"]);
    let of = |file: &str| {
        let sites = by_file["sites"].as_array().unwrap();
        blocks(sites.iter().find(|site| site["file"] == file).unwrap())
    };
    assert_eq!(of("/src/gateway.c"), serde_json::json!([5 + 36, 9 + 53]));
    assert_eq!(of("/src/sessions.c"), serde_json::json!([7 + 13, 16 + 26]));
    for pair in [
        "other-directory",
        "map-option",
        "renamed-library",
        "code-above",
    ] {
        for by in ["function", "file", "module"] {
            let document = document(pair, &["--by", by]);
            for site in document["sites"].as_array().unwrap() {
                let change = site["change"].as_str().unwrap();
                assert!(
                    change != "new" && change != "gone",
                    "{pair} by {by}: {site:#}"
                );
            }
        }
    }
}
