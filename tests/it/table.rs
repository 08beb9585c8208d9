//! What a person sees: held by snapshots, for a terminal's width, piped, and in colour.
//!
//! The captures used here need no file of this machine for their names.

use crate::common::{mtrace_diff, stdout_of};

const RUNS: [&str; 2] = ["armhf-glibc2.31/run0", "armhf-glibc2.31/run1"];
const STATIC: [&str; 2] = ["armhf-static/run0", "armhf-static/run1"];
const CXX: [&str; 2] = ["amd64-cxx/run0", "amd64-cxx/run1"];

fn table(runs: &[&str], arguments: &[&str]) -> String {
    stdout_of(mtrace_diff().args(runs).args(arguments))
}

#[test]
fn piped_output_is_plain_and_uncut() {
    let text = table(&RUNS, &[]);
    assert!(!text.contains('\u{1b}'));
    insta::assert_snapshot!(text);
}

#[test]
fn every_line_fits_the_width() {
    for runs in [&RUNS, &STATIC, &CXX] {
        for width in [80, 100, 120, 200] {
            let text = table(
                runs,
                &[
                    "--width",
                    &width.to_string(),
                    "--all",
                    "--inlines",
                    "--fail-above",
                    "1000000",
                ],
            );
            for line in text.lines() {
                assert!(
                    unicode_width::UnicodeWidthStr::width(line) <= width,
                    "{width}: {line}"
                );
            }
        }
    }
}

#[test]
fn a_narrow_terminal_stacks_names() {
    insta::assert_snapshot!(table(&RUNS, &["--width", "80"]));
}

#[test]
fn a_wide_terminal_shows_names_side_by_side() {
    insta::assert_snapshot!(table(&STATIC, &["--width", "120", "--all"]));
}

#[test]
fn cut_rows_are_summed_so_that_columns_add_up() {
    let text = table(&STATIC, &["--top", "1"]);
    // 28 = 20 of index_add, and 10 + 1 + 0 + 0 + 0 - 3 of the others.
    let rows: Vec<Vec<&str>> = text
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert!(
        rows.iter()
            .any(|row| row.starts_with(&["1", "+20", "40", "60"])),
        "{text}"
    );
    assert!(
        rows.iter()
            .any(|row| row.starts_with(&["…", "+8", "36", "44"])),
        "{text}"
    );
    assert!(
        rows.iter()
            .any(|row| row.starts_with(&["+28", "76", "104"]) && row.last() == Some(&"total")),
        "{text}"
    );
}

#[test]
fn colour_only_where_it_is_wanted() {
    let has_colour = |setup: &dyn Fn(&mut std::process::Command)| {
        let mut command = mtrace_diff();
        command.args(RUNS);
        setup(&mut command);
        stdout_of(&mut command).contains("\u{1b}[")
    };
    assert!(!has_colour(&|_| {}), "piped");
    assert!(has_colour(&|c| {
        c.args(["--color", "always"]);
    }));
    assert!(
        has_colour(&|c| {
            c.args(["--color", "always"]).env("NO_COLOR", "1");
        }),
        "a flag outranks the environment"
    );
    assert!(has_colour(&|c| {
        c.env("CLICOLOR_FORCE", "1");
    }));
    assert!(!has_colour(&|c| {
        c.args(["--color", "never"]).env("CLICOLOR_FORCE", "1");
    }));
    assert!(!has_colour(&|c| {
        c.env("NO_COLOR", "1").env("CLICOLOR_FORCE", "0");
    }));
}

#[test]
fn colour_changes_no_text() {
    let plain = table(&RUNS, &["--fail-above", "1000000", "--all"]);
    let coloured = table(
        &RUNS,
        &["--fail-above", "1000000", "--all", "--color", "always"],
    );
    assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), plain);
}

#[test]
fn inlined_chains_are_shown_on_request() {
    let text = table(&CXX, &["--inlines"]);
    assert!(
        text.contains("inlined operator new(unsigned long)"),
        "{text}"
    );
    assert!(
        text.contains("/usr/include/c++/12/bits/new_allocator.h:137"),
        "{text}"
    );
    assert!(!table(&CXX, &[]).contains("new_allocator.h"));
}

#[test]
fn show_lists_what_one_run_left() {
    insta::assert_snapshot!(stdout_of(mtrace_diff().args([
        "show",
        "armhf-glibc2.31/run1",
        "--width",
        "100"
    ])));
}

#[test]
fn a_log_alone_says_what_is_lost() {
    insta::assert_snapshot!(stdout_of(mtrace_diff().args([
        "show",
        "armhf-glibc2.31/run0/mtrace0.log",
        "--width",
        "100"
    ])));
}

#[test]
fn help_texts() {
    insta::assert_snapshot!("help", stdout_of(mtrace_diff().arg("--help")));
    insta::assert_snapshot!(
        "help_show",
        stdout_of(mtrace_diff().args(["show", "--help"]))
    );
}
