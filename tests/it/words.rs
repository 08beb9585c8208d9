//! The command line: where its words may be, and what its help says of them.

use crate::common::{mtrace_diff, output_of, stdout_of};

const RUN: &str = "armhf-glibc2.31/run0";

fn refused(arguments: &[&str]) -> String {
    let output = output_of(mtrace_diff().args(arguments));
    assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn options_may_be_before_the_command() {
    let usual = stdout_of(mtrace_diff().args(["show", RUN, "--threads", "1", "--top", "2"]));
    for arguments in [
        ["--threads", "1", "--top", "2", "show", RUN],
        ["--threads", "1", "show", "--top", "2", RUN],
        ["--top=2", "-q", "--threads=1", "show", RUN, "--all"],
    ] {
        let all = arguments.contains(&"--all");
        let text = stdout_of(mtrace_diff().args(arguments));
        assert_eq!(text == usual, !all, "{arguments:?}");
    }
    let text = refused(&["--fail-above", "1", "show", RUN]);
    assert!(text.contains("--fail-above"), "{text}");
}

#[test]
fn a_mistyped_command_is_corrected() {
    for (given, meant) in [("shwo", "show"), ("recrod", "record"), ("giude", "guide")] {
        for arguments in [&[given][..], &[given, RUN], &["--all", given, RUN]] {
            let text = refused(arguments);
            let asked =
                format!("'{given}' is neither a run nor a command; did you mean '{meant}'?");
            assert!(text.contains(&asked), "{arguments:?}: {text}");
        }
    }
    // Options that only the command knows are no mistake of theirs.
    for arguments in [
        &["recrod", "-o", "x", "--", "ls"][..],
        &["shwo", RUN, "--errors"],
    ] {
        let text = refused(arguments);
        assert!(text.contains("did you mean"), "{text}");
    }
    let text = refused(&[RUN, "show"]);
    assert!(text.contains("mtrace-diff show"), "{text}");
    // A run whose name is like no command's.
    let text = refused(&["run7", RUN]);
    assert!(text.contains("'run7' does not exist"), "{text}");
}

/// The help of a heading, up to the next one.
fn section<'a>(help: &'a str, heading: &str) -> &'a str {
    let start = help.find(heading).unwrap() + heading.len();
    let rest = &help[start..];
    let mut headings = rest.match_indices('\n').map(|(at, _)| at + 1);
    let is_heading = |at: &usize| rest[*at..].starts_with(|c: char| c.is_alphabetic());
    &rest[..headings.find(is_heading).unwrap_or(rest.len())]
}

#[test]
fn options_stand_under_what_they_are_for() {
    for command in [&["--help"][..], &["show", "--help"]] {
        let help = stdout_of(mtrace_diff().args(command));
        let (gate, general) = (section(&help, "\nGate:\n"), section(&help, "\nOptions:\n"));
        for option in ["--threads", "--quiet"] {
            assert!(!gate.contains(option), "{gate}");
            assert!(general.contains(option), "{general}");
        }
        let status = section(&help, "\nExit status:\n");
        let failed = status.lines().find(|line| line.trim().starts_with('1'));
        assert!(failed.unwrap().contains("--fail-on"), "{status}");
    }
}

#[test]
fn limits_of_the_gate_include_rates() {
    for short_or_long in ["-h", "--help"] {
        let help = stdout_of(mtrace_diff().arg(short_or_long));
        assert!(section(&help, "\nGate:\n").contains("100/min"), "{help}");
    }
}

#[test]
fn a_program_needs_dashes_before_it() {
    for (given, meant) in [
        (
            &["record", "-o", "rx", "./app", "-v", "10"][..],
            "mtrace-diff record -o rx -- ./app -v 10",
        ),
        (
            &["record", "--for=2m", "-orx", "./app", "10"],
            "mtrace-diff record --for=2m -orx -- ./app 10",
        ),
    ] {
        let text = refused(given);
        assert!(text.contains(meant), "{text}");
    }
}

#[test]
fn values_that_are_none_are_said_in_plain_words() {
    for (arguments, said) in [
        (
            &["record", "-o", "x", "--for", "3x", "--", "ls"][..],
            "write 90s, 2m, 1h",
        ),
        (
            &[RUN, "--duration", "3x", "armhf-glibc2.31/run1"],
            "write 90s, 2m, 1h",
        ),
        (
            &["record", "-o", "x", "--max-log", "0", "--", "ls"],
            "a number of MiB, from 1",
        ),
        (
            &[RUN, "armhf-glibc2.31/run1", "--fail-above", "10,,4KB"],
            "no limit between two commas",
        ),
        (
            &[
                "record",
                "-o",
                "x",
                "--runs",
                "4s",
                "--then-diff",
                "--",
                "ls",
            ],
            "--runs 4s,6s",
        ),
    ] {
        let text = refused(arguments);
        assert!(text.contains(said), "{text}");
    }
}
