//! The table, the sentence below it and the document give one answer, whatever rows stand for and whichever run is the
//! longer one.
//!
//! Most runs are made here: the program and its maps are those of a capture, and the log has the calls of its lines as often
//! as a test wants. What each line keeps is written down first, and is the truth.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use serde_json::Value;

use crate::common::{json, mtrace_diff, stdout_of, testdata};

const GROUPINGS: [&str; 7] = [
    "line", "address", "function", "file", "module", "stack", "size",
];

/// Where the lines of testdata/src/collector.c call the allocator, as a log names it, with function and line.
const LINES: [(&str, u64, &str); 5] = [
    ("config_load", 0x11ee, "/src/collector.c:29"),
    ("index_add", 0x120b, "/src/collector.c:34"),
    ("work", 0x125b, "/src/collector.c:62"),
    ("history_grow", 0x1293, "/src/collector.c:56"),
    ("retry_queue", 0x12b6, "/src/collector.c:49"),
];

const ROUNDS: u64 = 640;

/// What a line does in a run.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Line {
    /// Is never called.
    Absent,
    /// Keeps a block in every so many rounds.
    Leaks(u64),
    /// Frees each block at once.
    Frees,
    /// Keeps so many blocks from the start.
    Startup(u64),
    /// Holds so many blocks from the start, until the end of the run frees them.
    Exit(u64),
    /// Keeps one block and makes it larger in every round, by so many bytes.
    Swells(u64),
}

/// A run directory of the collector whose lines do that.
fn run(directory: &Path, lines: [Line; 5], rounds: u64) -> String {
    let from = testdata().join("amd64-nonpie/run0");
    fs::create_dir(directory).unwrap();
    for file in ["collector", "collector.maps"] {
        fs::copy(from.join(file), directory.join(file)).unwrap();
    }
    let mut log = String::from("= Start\n");
    let mut at_exit = String::new();
    let mut next = 0x1000_0000_u64;
    let mut block = || {
        next += 0x40;
        next
    };
    let mut grown = [None; 5];
    for round in 0..rounds {
        for (index, line) in lines.iter().enumerate() {
            let caller = format!("@ ./collector:[{:#x}]", LINES[index].1);
            let mut keep = |log: &mut String| {
                let at = block();
                log.push_str(&format!("{caller} + {at:#x} 0x20\n"));
                at
            };
            match *line {
                Line::Absent => {}
                Line::Leaks(every) if round % every == 0 => drop(keep(&mut log)),
                Line::Leaks(_) | Line::Frees => {
                    let at = keep(&mut log);
                    log.push_str(&format!("{caller} - {at:#x}\n"));
                }
                Line::Startup(blocks) if round == 0 => (0..blocks).for_each(|_| {
                    keep(&mut log);
                }),
                Line::Exit(blocks) if round == 0 => {
                    for _ in 0..blocks {
                        let at = keep(&mut log);
                        at_exit.push_str(&format!("{caller} - {at:#x}\n"));
                    }
                }
                Line::Startup(_) | Line::Exit(_) => {}
                Line::Swells(by) => {
                    let at = block();
                    let size = by * (round + 1);
                    match grown[index].replace(at) {
                        None => log.push_str(&format!("{caller} + {at:#x} {size:#x}\n")),
                        Some(old) => log.push_str(&format!(
                            "{caller} < {old:#x}\n{caller} > {at:#x} {size:#x}\n"
                        )),
                    }
                }
            }
        }
    }
    fs::write(directory.join("mtrace.log"), log + &at_exit + "= End\n").unwrap();
    directory.to_str().unwrap().to_owned()
}

/// Two runs of the collector.
struct Pair {
    _directory: tempfile::TempDir,
    runs: [String; 2],
}

fn pair(first: [Line; 5], last: [Line; 5], rounds: [u64; 2]) -> Pair {
    let directory = tempfile::tempdir().unwrap();
    let runs = [("before", first, rounds[0]), ("after", last, rounds[1])];
    let runs = runs.map(|(name, lines, rounds)| run(&directory.path().join(name), lines, rounds));
    Pair {
        _directory: directory,
        runs,
    }
}

impl Pair {
    fn document(&self, options: &[&str]) -> Value {
        json(&[options, &[&self.runs[0], &self.runs[1]]].concat())
    }

    fn table(&self, options: &[&str]) -> String {
        stdout_of(mtrace_diff().args(options).args(&self.runs))
    }
}

/// The line of a table that says how many call sites leak.
fn sentence(table: &str) -> Option<&str> {
    let says = |line: &&str| line.contains("call site") && line.contains(" leak");
    table.lines().find(says)
}

fn verdicts(document: &Value) -> Vec<(&str, Option<&str>)> {
    let sites = document["sites"].as_array().unwrap().iter();
    let name = |site: &Value| site["function"].as_str().is_some();
    let named = sites.filter(|site| name(site));
    named
        .map(|site| (site["function"].as_str().unwrap(), site["verdict"].as_str()))
        .collect()
}

fn verdict_of<'a>(document: &'a Value, function: &str) -> Option<&'a str> {
    let verdicts = verdicts(document);
    let found = verdicts.iter().find(|(name, _)| *name == function);
    found
        .unwrap_or_else(|| panic!("no {function}: {document:#}"))
        .1
}

/// All that has to be the same for every grouping, and rows that leak where a line in them does.
fn check_groupings(runs: &[&str]) -> Result<(), TestCaseError> {
    let of = |by: &str| json(&[&["--by", by], runs].concat());
    let table = |options: &[&str]| stdout_of(mtrace_diff().args(options).args(runs));
    let lines = of("line");
    let plain = table(&[]);
    let leaks = lines["sites"].as_array().unwrap().iter();
    let leaks = leaks.filter(|site| site["verdict"] == "leak" && site["hidden"].is_null());
    prop_assert_eq!(&lines["leaks"]["sites"], leaks.count());
    // What leaks, or may, has a row that says so, though it left no more than before.
    let all = table(&["--top", "1000"]);
    for site in lines["sites"].as_array().unwrap() {
        let verdict = site["verdict"].as_str().unwrap_or_default();
        // The directory is said once, above the table.
        let file = site["file"].as_str().unwrap_or("?").rsplit('/').next();
        let place = format!("{}:{}", file.unwrap_or("?"), site["line"]);
        if verdict.starts_with("leak") && site["hidden"].is_null() && site["line"].is_u64() {
            let row = |line: &str| line.contains(&place) && line.contains(&format!(" {verdict} "));
            prop_assert!(all.lines().any(row), "{} {}: {}", place, verdict, all);
        }
    }
    if lines["leaks"]["grown"] == 0 {
        prop_assert_eq!(&lines["leaks"]["blocks"], 0);
    }
    for by in GROUPINGS {
        let document = of(by);
        prop_assert_eq!(&document["leaks"], &lines["leaks"], "{}", by);
        prop_assert_eq!(&document["fixed"], &lines["fixed"], "{}", by);
        prop_assert_eq!(&document["total"], &lines["total"], "{}", by);
        let grouped = table(&["--by", by]);
        prop_assert_eq!(sentence(&grouped), sentence(&plain), "{}", by);
        if !matches!(by, "function" | "file" | "module") {
            continue;
        }
        let mut leaking = 0;
        for row in document["sites"].as_array().unwrap() {
            let of_lines = |what: &str| row["lines"][what].as_u64().unwrap();
            leaking += of_lines("leak");
            prop_assert_eq!(row["verdict"] == "leak", of_lines("leak") > 0, "{:#}", row);
            prop_assert!(of_lines("leak") <= of_lines("all"));
        }
        prop_assert_eq!(&lines["leaks"]["sites"], leaking, "{}", by);
    }
    let stacks = table(&["--stacks"]);
    prop_assert_eq!(sentence(&stacks), sentence(&plain));
    Ok(())
}

#[test]
fn every_grouping_of_the_captures_counts_the_same_leaks() {
    for set in [
        "armhf-glibc2.31",
        "armhf-static",
        "amd64-cxx",
        "amd64-threads",
    ] {
        let [run0, run1] = [0, 1].map(|run| format!("{set}/run{run}"));
        for runs in [[&run0, &run1], [&run1, &run0], [&run1, &run1]] {
            check_groupings(&[runs[0], runs[1]]).unwrap();
        }
    }
}

fn any_line() -> impl Strategy<Value = Line> {
    prop_oneof![
        Just(Line::Absent),
        (1..9_u64).prop_map(Line::Leaks),
        Just(Line::Frees),
        (0..900_u64).prop_map(Line::Startup),
        (0..900_u64).prop_map(Line::Exit),
        (1..64_u64).prop_map(Line::Swells),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_grouping_counts_the_same_leaks(
        first in proptest::array::uniform5(any_line()),
        last in proptest::array::uniform5(any_line()),
        longer in 0..3_usize,
    ) {
        let rounds = [[ROUNDS, ROUNDS], [ROUNDS, 2 * ROUNDS], [2 * ROUNDS, ROUNDS]][longer];
        let pair = pair(first, last, rounds);
        check_groupings(&[&pair.runs[0], &pair.runs[1]])?;
    }
}

/// One line leaks 160 blocks, and another one of its file holds 300 until the end of the run: in the sum, that is all that
/// is to be seen.
#[test]
fn a_group_does_not_hide_the_line_that_leaks() {
    let lines = [
        Line::Exit(300),
        Line::Leaks(8),
        Line::Frees,
        Line::Startup(40),
        Line::Absent,
    ];
    let pair = pair(lines, lines, [ROUNDS, 2 * ROUNDS]);
    for by in ["file", "module"] {
        let document = pair.document(&["--by", by]);
        let row = &document["sites"][0];
        assert_eq!(row["verdict"], "leak", "{by}: {row:#}");
        assert_eq!(
            (&row["lines"]["leak"], &row["lines"]["all"]),
            (&1.into(), &4.into())
        );
        // Every eighth of 1,280 rounds, less every eighth of 640.
        assert_eq!(document["leaks"]["blocks"], 80);
        let table = pair.table(&["--by", by]);
        assert!(table.contains("leak (1 of 4)"), "{table}");
        assert!(
            table.contains("1 call site leaks: +80 blocks, +2.5 KiB from before to after"),
            "{table}"
        );
    }
    let function = pair.document(&["--by", "function"]);
    assert_eq!(verdict_of(&function, "index_add"), Some("leak"));
    assert_ne!(verdict_of(&function, "config_load"), Some("leak"));
}

#[test]
fn a_steady_leak_in_equal_runs_is_shown_as_what_it_is() {
    let lines = [
        Line::Startup(50),
        Line::Leaks(2),
        Line::Leaks(8),
        Line::Frees,
        Line::Absent,
    ];
    let pair = pair(lines, lines, [ROUNDS, ROUNDS]);
    let table = pair.table(&[]);
    assert!(
        table.contains("\n2 call sites leak, as much in after as in before."),
        "{table}"
    );
    assert!(!table.contains("No call site grew"), "{table}");
    // The rows are there, and say that they leak.
    for function in ["index_add", "work"] {
        let row = table.lines().find(|line| line.contains(function));
        assert!(row.is_some_and(|row| row.contains("leak")), "{table}");
    }
    let leaks = &pair.document(&[])["leaks"];
    assert_eq!(
        (&leaks["sites"], &leaks["grown"], &leaks["blocks"]),
        (&2.into(), &0.into(), &0.into())
    );
}

#[test]
fn swapped_runs_never_leak_less_than_nothing() {
    let lines = [
        Line::Startup(50),
        Line::Leaks(2),
        Line::Leaks(8),
        Line::Frees,
        Line::Absent,
    ];
    let pair = pair(lines, lines, [2 * ROUNDS, ROUNDS]);
    let table = pair.table(&[]);
    assert!(
        table.contains("\n2 call sites leak, no more in after than in before."),
        "{table}"
    );
    // Nobody knows which of the runs took longer.
    assert!(!table.contains("longer"), "{table}");
    assert_eq!(pair.document(&[])["fixed"]["sites"], 0);
    let timed = pair.table(&["--duration", "2m,1m"]);
    assert!(
        timed.contains("before took longer than after: give the longer run last"),
        "{timed}"
    );
    let equal = pair.table(&["--duration", "2m"]);
    assert!(!equal.contains("longer"), "{equal}");
}

/// Beside a leak that left more, one that left as much: the sentence counts both, and adds up the first alone.
#[test]
fn leaks_that_left_more_and_those_that_did_not_are_told_apart() {
    let first = [
        Line::Absent,
        Line::Leaks(4),
        Line::Leaks(4),
        Line::Frees,
        Line::Absent,
    ];
    let last = [
        Line::Absent,
        Line::Leaks(2),
        Line::Leaks(4),
        Line::Frees,
        Line::Absent,
    ];
    let pair = pair(first, last, [ROUNDS, ROUNDS]);
    let table = pair.table(&[]);
    // Half of 640 rounds, less a fourth of them, at 32 bytes.
    let says = "1 call site leaks: +160 blocks, +5.0 KiB from before to after; 1 more leaks as much in after as in before.";
    assert!(table.contains(says), "{table}");
    let leaks = &pair.document(&[])["leaks"];
    assert_eq!(
        (&leaks["sites"], &leaks["grown"], &leaks["blocks"]),
        (&2.into(), &1.into(), &160.into())
    );
}

#[test]
fn a_fix_shows_what_it_fixed() {
    let first = [
        Line::Startup(50),
        Line::Leaks(1),
        Line::Leaks(2),
        Line::Frees,
        Line::Startup(30),
    ];
    let last = [
        Line::Startup(50),
        Line::Frees,
        Line::Absent,
        Line::Frees,
        Line::Startup(20),
    ];
    let pair = pair(first, last, [ROUNDS, ROUNDS]);
    for options in [
        &[][..],
        &["--duration", "1m"],
        &["--duration", "1m,2m"],
        &["--by", "file"],
    ] {
        let table = pair.table(options);
        // 640 blocks and 320, of 32 bytes each.
        assert!(
            table.contains("\n2 call sites fixed: -960 blocks, -30.0 KiB\n"),
            "{table}"
        );
        let rows: Vec<&str> = table
            .lines()
            .skip_while(|line| !line.contains(" fixed: "))
            .collect();
        let is_row = |row: &str, parts: [&str; 3]| parts.iter().all(|part| row.contains(part));
        assert!(
            is_row(
                rows[1],
                ["-640 (640 → 0)", "index_add", "/src/collector.c:34"]
            ),
            "{table}"
        );
        assert!(
            is_row(rows[2], ["-320 (320 → 0)", "work", "/src/collector.c:62"]),
            "{table}"
        );
        assert!(!table.contains("longer"), "{table}");
    }
    let table = pair.table(&[]);
    let guide = include_str!("../../src/guide/growth.md");
    let shown = guide.split("mtrace-diff before after\n```\n\n```text\n");
    let shown = shown.last().and_then(|rest| rest.split("```").next());
    assert!(table.contains(shown.unwrap()), "{table}");
    assert!(table.contains("No call site grew.\n"), "{table}");
    // Of five lines three are listed; config_load has as much as before, and history_grow keeps nothing.
    assert!(
        table.contains("\n2 sites not shown: --all shows them\n"),
        "{table}"
    );
    // The table of a startup that has less is no fix.
    assert!(
        table.contains("1 call site shrank: -10 blocks, -320 B\n"),
        "{table}"
    );
    assert!(table.contains("-10 (30 → 20)"), "{table}");
    assert_eq!(pair.table(&["--top", "1"]).matches(" → 0)").count(), 1);
    let document = pair.document(&[]);
    assert_eq!(document["fixed"]["sites"], 2);
    assert_eq!(document["fixed"]["blocks"], -960);
    assert_eq!(document["fixed"]["bytes"], -960 * 32);
    let is_fixed = |function: &str| {
        let mut sites = document["sites"].as_array().unwrap().iter();
        sites.find(|site| site["function"] == function).unwrap()["fixed"].clone()
    };
    assert_eq!(is_fixed("index_add"), true);
    assert_eq!(is_fixed("retry_queue"), false);
    // Of what is gone there is nothing to say.
    assert_eq!(verdict_of(&document, "index_add"), None);
    assert_eq!(verdict_of(&document, "work"), None);
}

/// A leak that is fixed beside one that came: the fixed one stands below the table.
#[test]
fn a_fix_beside_a_new_leak() {
    let first = [
        Line::Absent,
        Line::Leaks(1),
        Line::Frees,
        Line::Frees,
        Line::Absent,
    ];
    let last = [
        Line::Absent,
        Line::Frees,
        Line::Leaks(2),
        Line::Frees,
        Line::Absent,
    ];
    let pair = pair(first, last, [ROUNDS, ROUNDS]);
    let table = pair.table(&[]);
    let (grown, fixed) = table
        .split_once("1 call site fixed: -640 blocks, -20.0 KiB\n")
        .unwrap();
    assert!(
        grown.contains("work") && !grown.contains("index_add"),
        "{table}"
    );
    assert!(
        fixed.lines().next().unwrap().contains("index_add"),
        "{table}"
    );
}

/// Less is left of a leak where the run was cut short, and where the end of the run freed it. Neither is a fix.
#[test]
fn less_of_a_leak_is_no_fix() {
    let first = [
        Line::Absent,
        Line::Leaks(1),
        Line::Frees,
        Line::Frees,
        Line::Absent,
    ];
    let short = pair(first, first, [ROUNDS, 5]);
    assert_eq!(short.document(&[])["fixed"]["sites"], 0);
    let exit = [
        Line::Absent,
        Line::Exit(640),
        Line::Frees,
        Line::Frees,
        Line::Absent,
    ];
    let freed = pair(first, exit, [ROUNDS, ROUNDS]);
    assert_eq!(
        freed.document(&[])["fixed"]["sites"],
        0,
        "{:#}",
        freed.document(&[])
    );
}

/// What the end of the run freed counts as left, but a few blocks of a site that once leaked hundreds are a fix.
#[test]
fn a_fix_may_free_a_little_at_the_end() {
    let of = |index_add| {
        [
            Line::Absent,
            index_add,
            Line::Frees,
            Line::Frees,
            Line::Absent,
        ]
    };
    let pair = pair(of(Line::Leaks(1)), of(Line::Exit(40)), [ROUNDS, ROUNDS]);
    let document = pair.document(&[]);
    assert_eq!(document["fixed"]["sites"], 1);
    assert_eq!(document["fixed"]["blocks"], -640);
}

/// A leak that is gone from one function and is in another may have moved, and a site whose leak goes on is not fixed.
#[test]
fn a_leak_under_another_name_is_no_fix() {
    let first = [
        Line::Absent,
        Line::Leaks(1),
        Line::Absent,
        Line::Frees,
        Line::Absent,
    ];
    let last = [
        Line::Absent,
        Line::Absent,
        Line::Leaks(1),
        Line::Frees,
        Line::Absent,
    ];
    let moved = pair(first, last, [ROUNDS, ROUNDS]);
    assert_eq!(moved.document(&[])["fixed"]["sites"], 0);
    let slower = [
        Line::Absent,
        Line::Leaks(8),
        Line::Absent,
        Line::Frees,
        Line::Absent,
    ];
    let slowed = pair(first, slower, [ROUNDS, ROUNDS]);
    // Seven of eight blocks are freed. These frees are more records, but not more time.
    for options in [&[][..], &["--duration", "1m"]] {
        assert_eq!(slowed.document(options)["fixed"]["sites"], 0);
    }
    let document = slowed.document(&["--duration", "1m"]);
    assert_eq!(verdict_of(&document, "index_add"), Some("leak"));
}

/// A block that grows is a leak like any other: in the sentence, the document, every group, and the gate.
#[test]
fn a_leak_in_bytes_is_one_everywhere() {
    let lines = [
        Line::Startup(50),
        Line::Swells(16),
        Line::Frees,
        Line::Frees,
        Line::Absent,
    ];
    let pair = pair(lines, lines, [ROUNDS, 2 * ROUNDS]);
    let document = pair.document(&[]);
    let bytes = 16 * ROUNDS;
    assert_eq!(verdict_of(&document, "index_add"), Some("leak"));
    assert_eq!(document["sites"][0]["leaks_by"], "bytes");
    assert_eq!(document["leaks"]["sites"], 1);
    assert_eq!(document["leaks"]["grown"], 1);
    assert_eq!(
        (&document["leaks"]["blocks"], &document["leaks"]["bytes"]),
        (&0.into(), &bytes.into())
    );
    let table = pair.table(&[]);
    assert!(table.contains("leak (bytes)"), "{table}");
    assert!(
        table.contains("1 call site leaks: 0 blocks, +10.0 KiB from before to after"),
        "{table}"
    );
    let file = pair.table(&["--by", "file"]);
    assert!(file.contains("leak (bytes, 1 of 4)"), "{file}");
    // 10,240 bytes in a minute more.
    let timed = pair.table(&["--duration", "1m,2m", "--memory", "1MiB"]);
    assert!(
        timed.contains("1 call site leaks 10.0 KiB a minute; 1.0 MiB last 1h 42m."),
        "{timed}"
    );
    for (limit, status) in [
        ("10239B", 1),
        ("10240B", 0),
        ("10239B/min", 1),
        ("10240B/min", 0),
        ("99%", 1),
        ("0", 0),
    ] {
        let mut command = mtrace_diff();
        command.args(["--duration", "1m,2m", "--fail-above", limit]);
        let output = command.args(&pair.runs).output().unwrap();
        assert_eq!(output.status.code(), Some(status), "{limit}");
    }
}

/// The figures that `--memory` asks for need times, and without them that is said.
#[test]
fn memory_without_times_says_what_is_missing() {
    let lines = [
        Line::Absent,
        Line::Leaks(1),
        Line::Frees,
        Line::Frees,
        Line::Absent,
    ];
    let pair = pair(lines, lines, [ROUNDS, 2 * ROUNDS]);
    let table = pair.table(&["--memory", "64MiB"]);
    let says = "how long 64.0 MiB last cannot be told without the time that before and after took";
    assert!(
        table.contains(says) && table.contains("--duration 2m,3m"),
        "{table}"
    );
    let codes = |options: &[&str]| pair.document(options)["warnings"].to_string();
    assert!(codes(&["--memory", "64MiB"]).contains("no-projection"));
    assert!(!codes(&["--memory", "64MiB", "--duration", "1m,2m"]).contains("no-projection"));
    assert!(!codes(&[]).contains("no-projection"));
    let passes = pair.table(&["--memory", "64MiB", "--fail-above", "100000"]);
    assert!(passes.contains("\nPASS "), "{passes}");
}

/// The header's blocks are those of the total and those that are left out of it.
#[test]
fn the_header_adds_up_with_the_total() {
    for set in ["armhf-glibc2.31", "amd64-threads"] {
        let runs = [0, 1].map(|run| format!("{set}/run{run}"));
        let table = stdout_of(mtrace_diff().args(&runs));
        let document = json(&[&runs[0], &runs[1]]);
        let sites = document["sites"].as_array().unwrap();
        let number = |text: &str| text.replace(',', "").parse::<u64>().unwrap();
        let total = table
            .lines()
            .find(|line| line.trim_end().ends_with("total"))
            .unwrap();
        let total: Vec<&str> = total.split_whitespace().collect();
        for (index, name) in ["run0", "run1"].iter().enumerate() {
            let hidden = sites.iter().filter(|site| !site["hidden"].is_null());
            let hidden: u64 = hidden
                .map(|site| site["runs"][index]["live"]["blocks"].as_u64().unwrap_or(0))
                .sum();
            let live = document["runs"][index]["live"]["blocks"].as_u64().unwrap();
            assert_eq!(live - hidden, number(total[index + 2]), "{table}");
            let line = table.lines().find(|line| line.starts_with(name)).unwrap();
            assert!(
                line.contains(&format!(" live ({hidden} of the loader), ")),
                "{table}"
            );
        }
    }
}

/// Logs of one name in two directories, and long names that differ in the middle.
#[test]
fn heads_and_names_tell_runs_apart() {
    let directory = tempfile::tempdir().unwrap();
    let lines = [
        Line::Absent,
        Line::Leaks(1),
        Line::Frees,
        Line::Frees,
        Line::Absent,
    ];
    let long = [
        "gateway-l10-before-the-fix-of-may",
        "gateway-l10-behind-the-fix-of-may",
    ];
    for (names, heads) in [
        (["l10", "l11"], ["l10/mtrace.log", "l11/mtrace.log"]),
        (long, ["…0-before-the-f…", "…0-behind-the-f…"]),
    ] {
        let runs = names.map(|name| run(&directory.path().join(name), lines, ROUNDS));
        let runs = match names[0].len() {
            3 => runs.map(|run| format!("{run}/mtrace.log")),
            _ => runs,
        };
        let table = stdout_of(mtrace_diff().args(&runs));
        let head = table
            .lines()
            .find(|line| line.contains("Δ blocks"))
            .unwrap();
        for head_of_run in heads {
            assert!(head.contains(head_of_run), "{table}");
        }
    }
}

/// 123,456 blocks are gone: their figures alone are wider than the terminal.
#[test]
fn what_is_fixed_is_named_in_the_narrowest_terminal() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let leak = |n: usize| {
        format!(
            "@ ./app:(remember_a_session+0x10)[0x1000] + {:#x} 0x20\n@ ./app:(other+0x1)[0x2000] + 0x9000 0x8\n\
             @ ./app:(other+0x2)[0x2000] - 0x9000\n",
            0x100_0000 + n * 0x40
        )
    };
    let leaks: String = (0..123_456).map(leak).collect();
    fs::write(path("before.log"), format!("= Start\n{leaks}= End\n")).unwrap();
    let none = "@ ./app:(other+0x1)[0x2000] + 0x9000 0x8\n@ ./app:(other+0x2)[0x2000] - 0x9000\n";
    let nones = none.repeat(180_000);
    fs::write(path("after.log"), format!("= Start\n{nones}= End\n")).unwrap();
    for width in ["1", "20", "40", "60"] {
        for ascii in [&[][..], &["--ascii"]] {
            let mut command = mtrace_diff();
            command.args([path("before.log"), path("after.log")]);
            let table = stdout_of(command.args(["--width", width]).args(ascii));
            assert!(table.contains("-123,456 (123,456 "), "{width}: {table}");
            assert!(table.contains("remember"), "{width}: {table}");
        }
    }
}
