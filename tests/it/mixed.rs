//! Logs that two processes wrote into, and logs that lack their beginning or their end.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use crate::common::{json, mtrace_diff, output_of};
use tempfile::TempDir;

const PATH: &str = "/opt/gateway/bin/app";

fn allocations(blocks: std::ops::Range<u64>) -> String {
    blocks.fold(String::new(), |mut text, n| {
        writeln!(text, "@ {PATH}:[0x1358] + {:#x} 0x20", 0x5000 + n * 0x30).unwrap();
        text
    })
}

fn frees(blocks: std::ops::Range<u64>) -> String {
    blocks.fold(String::new(), |mut text, n| {
        writeln!(text, "@ {PATH}:[0x13ac] - {:#x}", 0x5000 + n * 0x30).unwrap();
        text
    })
}

fn whole(lines: &str) -> String {
    format!("= Start\n{lines}= End\n")
}

struct Gate {
    status: Option<i32>,
    text: String,
}

impl Gate {
    fn is_refused(&self) -> bool {
        self.status == Some(2)
    }

    fn passes_plainly(&self) -> bool {
        let last = self.text.lines().last().unwrap_or_default();
        last.starts_with("PASS no call site grew by more than 10 blocks")
            && !last.contains("partial")
    }
}

/// What the gate says to a log, where the run before left ten blocks.
fn gate(log: &str, options: &[&str]) -> Gate {
    let directory = TempDir::new().unwrap();
    let base = written(&directory, "base.log", &whole(&allocations(0..10)));
    let new = written(&directory, "new.log", log);
    let mut command = mtrace_diff();
    command.args([&base, &new]).args(["--fail-above", "10"]);
    let output = output_of(command.args(options));
    let text = [output.stdout, output.stderr].concat();
    Gate {
        status: output.status.code(),
        text: String::from_utf8(text).unwrap(),
    }
}

fn written(directory: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = directory.path().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn codes(log: &str) -> Vec<String> {
    let directory = TempDir::new().unwrap();
    codes_of(&written(&directory, "m.log", log))
}

fn codes_of(log: &Path) -> Vec<String> {
    let document = json(&["show", log.to_str().unwrap()]);
    let warnings = document["runs"][0]["warnings"].as_array().unwrap().iter();
    let codes = warnings.map(|warning| warning["code"].as_str().unwrap());
    let naming = [
        "no-maps",
        "no-program",
        "modules-not-found",
        "addressing-assumed",
    ];
    codes
        .filter(|code| !naming.contains(code))
        .map(str::to_owned)
        .collect()
}

/// The log of a parent that leaks a thousand blocks, and of its child, which frees them. The fork came when
/// the lines from `at` on were not written yet, but for their first `cut` bytes; of the child's last line,
/// `lost` bytes were never written.
fn forked(cut: usize, lost: usize) -> String {
    let parent = whole(&allocations(0..1000));
    let (head, tail) = parent.split_at(parent.len() - "= End\n".len());
    let lines: Vec<&str> = head.lines().collect();
    let unwritten: usize = lines[lines.len() - 5..]
        .iter()
        .map(|line| line.len() + 1)
        .sum();
    let unwritten = &head[head.len() - unwritten + cut..];
    let child = frees(0..1000);
    let child = &child[..child.len() - lost];
    format!("{head}{child}{unwritten}{tail}")
}

#[test]
fn what_a_child_freed_is_no_pass() {
    let line = allocations(999..1000).len();
    // All but the line end: an empty line has no warning that calls figures partial.
    for cut in 1..line - 1 {
        let gate = gate(&forked(cut, 0), &[]);
        // Of the size alone it cannot be told that it is half a record.
        let is_size = cut >= line - " 0x20\n".len();
        assert!(gate.is_refused() || is_size, "{cut}: {}", gate.text);
        assert!(!gate.passes_plainly(), "{cut}: {}", gate.text);
    }
}

#[test]
fn a_child_that_ends_in_the_middle_of_a_line_is_no_pass() {
    let free = frees(999..1000).len();
    // Within the path, the number, and the address of the free; within the path of the parent's line.
    for written in [4, 12, PATH.len(), PATH.len() + 7, free - 4] {
        for cut in [3, 11, PATH.len() + 2] {
            let gate = gate(&forked(cut, free - written), &[]);
            assert!(gate.is_refused(), "{written}, {cut}: {}", gate.text);
        }
    }
}

/// The child went away in the middle of a line, and the parent goes on with a whole one.
#[test]
fn half_a_record_before_a_whole_one_is_no_pass() {
    let free = frees(999..1000).len();
    for written in [6, 12, PATH.len() + 7, free - 4] {
        let gate = gate(&forked(0, free - written), &[]);
        assert!(gate.is_refused(), "{written}: {}", gate.text);
    }
}

#[test]
fn several_starts_are_no_pass() {
    let lines = allocations(0..3);
    let log = format!(
        "= Start\n{lines}{}= Start\n{lines}{}= End\n",
        frees(0..3),
        allocations(3..400)
    );
    assert!(gate(&log, &[]).is_refused());
    // Glued behind half a line of the child.
    let log = log.replacen("\n= Start", "0= Start", 1);
    assert!(gate(&log, &[]).is_refused());
}

#[test]
fn blocks_that_are_freed_twice_in_bulk_are_two_heaps() {
    let log = whole(&format!(
        "{}{}{}",
        allocations(0..200),
        frees(0..200),
        frees(0..100)
    ));
    let refused = gate(&log, &[]);
    assert!(refused.is_refused());
    assert!(
        refused.text.contains("100 frees of blocks that were free"),
        "{}",
        refused.text
    );
    // A few are the program's own fault, and have an option of their own.
    let one_by_one: String = (0..200)
        .map(|block| allocations(block..block + 1) + &frees(block..block + 1))
        .collect();
    let log = whole(&format!("{one_by_one}{}", frees(0..3)));
    assert!(gate(&log, &[]).passes_plainly());
}

#[test]
fn a_child_that_only_ends_the_log_for_itself_is_no_harm() {
    let log = whole(&format!(
        "{}= End\n{}",
        allocations(0..4),
        allocations(4..12)
    ));
    for options in [&[][..], &["--strict"]] {
        assert!(gate(&log, options).passes_plainly());
    }
    assert_eq!(codes(&log), ["several-ends"]);
    let grown = whole(&format!(
        "{}= End\n{}",
        allocations(0..4),
        allocations(4..400)
    ));
    assert_eq!(gate(&grown, &[]).status, Some(1));
}

#[test]
fn other_text_in_the_log_is_no_half_record() {
    for text in [".", "...", "progress 10%", "10", "10\n", "a line\n", "@\n"] {
        let log = whole(&format!(
            "{}{text}{}",
            allocations(0..9),
            allocations(9..12)
        ));
        let gate = gate(&log, &[]);
        assert_eq!(gate.status, Some(0), "{text}: {}", gate.text);
        assert!(gate.text.contains("partial"), "{text}: {}", gate.text);
    }
}

#[test]
fn files_that_are_named_alike_are_no_halves() {
    let plug_ins = (0..40).map(|n| {
        format!(
            "@ /opt/p/libplug{n}.so:[0x1139] + {:#x} 0x10\n",
            0x1000 + n * 0x20
        )
    });
    let log = whole(&(plug_ins.collect::<String>() + &allocations(0..9)));
    assert_eq!(codes(&log), [""; 0]);
    // A log that has no marks at all, as the manual of glibc shows it.
    let log = whole(&allocations(0..9).replace("@ ", ""));
    assert_eq!(codes(&log), [""; 0]);
}

#[test]
fn a_piece_of_a_log_is_partial() {
    let lines = allocations(0..12);
    let cases = [
        (format!("= Start\n{lines}"), &["missing-end"][..]),
        (format!("{lines}= End\n"), &["missing-start"]),
        (lines.clone(), &["missing-start", "missing-end"]),
        (lines[7..].to_owned(), &["missing-start", "missing-end"]),
        (format!("= Start\n= End\n{lines}"), &["missing-end"]),
        (format!("{lines}= Start\n= End\n"), &["missing-start"]),
    ];
    for (log, expected) in cases {
        assert_eq!(codes(&log), expected, "{log}");
        let plain = gate(&log, &[]);
        assert_eq!(plain.status, Some(0), "{}", plain.text);
        assert!(
            plain.text.contains("figures of new.log are partial"),
            "{}",
            plain.text
        );
        assert!(gate(&log, &["--strict"]).is_refused());
    }
    assert!(gate(&whole(&lines), &["--strict"]).passes_plainly());
}
