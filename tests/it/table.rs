//! What a person sees: held by snapshots, for a terminal's width, piped, and in colour.
//!
//! The captures used here need no file of this machine for their names.

use mtrace_diff::{Format, Gate, Grouping, Moment, Options, Plan, RunInput, StackView, compare};

use crate::common::{mtrace_diff, stdout_of, testdata};

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

/// A row as it is drawn: its lines, up to the next row.
fn rows(text: &str) -> Vec<Vec<&str>> {
    let rule = |line: &&str| line.starts_with("───") || line.starts_with("---");
    let lines = text.lines().skip_while(|line| !rule(line)).skip(1);
    let is_row = |line: &str| {
        let rank = line.split(' ').find(|word| !word.is_empty()).unwrap_or("");
        let rank = rank.trim_start_matches(['!', 'w', 'l', '~', '?']);
        let begins = line.len() - line.trim_start().len() < 4;
        begins && (rank == "…" || rank == "..." || rank.parse::<u32>().is_ok())
    };
    let mut rows: Vec<Vec<&str>> = Vec::new();
    for line in lines.take_while(|line| !line.is_empty()) {
        match rows.last_mut() {
            Some(row) if !is_row(line) => row.push(line),
            _ => rows.push(vec![line]),
        }
    }
    rows
}

/// Five moments of one run.
fn five_runs() -> Vec<String> {
    let moments = ["@20%", "@40%", "@60%", "@80%", ""];
    moments.map(|at| format!("{}{at}", RUNS[1])).to_vec()
}

fn columns(line: &str) -> usize {
    unicode_width::UnicodeWidthStr::width(line)
}

/// Each comparison is made once, and drawn at all widths.
#[test]
fn every_line_fits_the_width() {
    let inputs = |runs: &[&str; 2]| runs.map(|run| RunInput::new(testdata().join(run))).to_vec();
    let moments = [0.2, 0.4, 0.6, 0.8].map(Moment::Share);
    let five = moments.into_iter().chain([Moment::End]);
    let five = five.map(|at| RunInput {
        at,
        ..RunInput::new(testdata().join(RUNS[1]))
    });
    let table = Format::named("table").unwrap();
    for runs in [inputs(&RUNS), inputs(&STATIC), inputs(&CXX), five.collect()] {
        let plan = Plan {
            runs: runs.clone(),
            ..Plan::default()
        };
        let gate = Gate {
            limits: vec!["1000000".parse().unwrap()],
            ..Gate::default()
        };
        let of = |run: RunInput| RunInput {
            duration_s: Some(120.0),
            ..run
        };
        let timed = Plan {
            runs: runs.into_iter().map(of).collect(),
            memory: Some(1 << 30),
            ..Plan::default()
        };
        let by = |by| Plan { by, ..plan.clone() };
        let plain = Options::default();
        let inlines = Options {
            inlines: true,
            ..plain
        };
        let all = Options {
            all: true,
            ..inlines
        };
        for (plan, options) in [
            (
                &Plan {
                    gate,
                    ..plan.clone()
                },
                all,
            ),
            (
                &timed,
                Options {
                    stacks: Some(StackView { share: 0.05 }),
                    ..plain
                },
            ),
            (&plan, Options { ascii: true, ..all }),
            (
                &plan,
                Options {
                    full_names: true,
                    ..inlines
                },
            ),
            (&by(Grouping::File), plain),
            (&by(Grouping::Size), plain),
        ] {
            let report = compare(plan).unwrap();
            for width in [60, 70, 80, 90, 100, 110, 120, 140, 160, 200] {
                let options = Options {
                    width: Some(width),
                    ..options
                };
                let mut text = Vec::new();
                table.write(&report, &options, &mut text).unwrap();
                for line in String::from_utf8(text).unwrap().lines() {
                    assert!(columns(line) <= width, "{width} {options:?}: {line}");
                }
            }
        }
    }
}

/// What decides stands on a row's first line: the verdict, how much, the function and the file.
#[test]
fn a_row_is_one_line_where_there_is_room_and_two_in_a_terminal_of_80() {
    let five = five_runs();
    let five: Vec<&str> = five.iter().map(String::as_str).collect();
    let c = [
        ["session_open", "gateway.c:52"],
        ["frame_decode", "sensors.c:21"],
    ];
    let cxx = [
        ["open()", "sessions.cc:48"],
        ["fleet::remember(int)", "sessions.cc:55"],
    ];
    for (runs, expected) in [(&RUNS[..], c), (&five, c), (&CXX, cxx)] {
        for (width, most) in [
            ("80", 2),
            ("100", 2),
            ("120", 1),
            ("160", 1),
            ("200", 1),
            ("", 1),
        ] {
            for options in [&[][..], &["--duration", "2m"], &["--ascii"]] {
                let mut arguments = options.to_vec();
                if !width.is_empty() {
                    arguments.extend(["--width", width]);
                }
                let text = table(runs, &arguments);
                let rows = rows(&text);
                assert!(rows.len() >= 3, "{text}");
                for row in &rows[..rows.len() - 1] {
                    assert!(row.len() <= most, "{width} {options:?}: {row:?}");
                }
                for names in expected {
                    let found = rows.iter().map(|row| row[0]);
                    let mut found =
                        found.filter(|line| names.iter().all(|name| line.contains(name)));
                    let line = found.next().unwrap_or_else(|| panic!("{names:?}: {text}"));
                    assert_eq!(line.split_whitespace().nth(1), Some("leak"), "{text}");
                }
            }
        }
    }
}

#[test]
fn a_line_that_has_the_verdict_has_the_place() {
    for width in [&[][..], &["--width", "80"]] {
        let text = table(&RUNS, width);
        let leaks: Vec<&str> = text
            .lines()
            .filter(|line| line.contains("  leak  "))
            .collect();
        assert_eq!(leaks.len(), 3, "{text}");
        assert!(leaks[0].contains("session_open  gateway.c:52"), "{text}");
        assert!(leaks[1].contains("frame_decode  sensors.c:21"), "{text}");
    }
}

/// The files are in `/src`, but for the template's headers.
#[test]
fn the_directory_that_files_share_is_said_once() {
    for runs in [&RUNS, &CXX] {
        let text = table(runs, &["--inlines"]);
        assert_eq!(text.matches("/src/").count(), 1, "{text}");
        assert!(text.contains("\nsources in /src/\n"), "{text}");
    }
    assert!(table(&CXX, &["--inlines"]).contains("  /usr/include/c++/12/bits/stl_list.h:"));
    assert!(!table(&RUNS, &["--by", "module"]).contains("sources in"));
    let document = crate::common::json(&RUNS);
    assert_eq!(document["sites"][0]["file"], "/src/gateway.c");
}

#[test]
fn a_module_is_named_where_it_is_not_the_program() {
    for row in rows(&table(&RUNS, &[])) {
        assert_eq!(
            row[0].contains("libsensors.so.1"),
            row[0].contains("frame_decode")
        );
        assert!(!row[0].contains("app1"), "{row:?}");
    }
}

/// What is between the header and the notes, at widths that terminals have.
fn at_all_widths(runs: &[&str]) -> String {
    let drawn = [60, 80, 100, 120, 160, 200].map(|width| {
        let text = table(runs, &["--width", &width.to_string()]);
        let table = text.split("\n\n").nth(1).unwrap();
        format!("{width} columns\n{table}\n")
    });
    drawn.join("\n")
}

#[test]
fn a_comparison_at_all_widths() {
    insta::assert_snapshot!("c", at_all_widths(&RUNS));
    insta::assert_snapshot!("cxx", at_all_widths(&CXX));
    let five = five_runs();
    let five: Vec<&str> = five.iter().map(String::as_str).collect();
    insta::assert_snapshot!("five_runs", at_all_widths(&five));
    let with_times = [&RUNS[..], &["--duration", "2m,3m"]].concat();
    insta::assert_snapshot!("with_times", at_all_widths(&with_times));
    insta::assert_snapshot!("ascii", at_all_widths(&[RUNS[0], RUNS[1], "--ascii"]));
    let show = ["show", RUNS[1]];
    insta::assert_snapshot!("show", at_all_widths(&show));
}

/// The colours of a row's verdict, by the function that it is of.
fn style_of<'a>(text: &'a str, function: &str, verdict: &str) -> Vec<&'a str> {
    let line = text.lines().find(|line| line.contains(function));
    let line = line.unwrap_or_else(|| panic!("{function}: {text}"));
    let (before, _) = line
        .split_once(verdict)
        .unwrap_or_else(|| panic!("{verdict}: {line}"));
    let codes = before
        .strip_suffix('m')
        .and_then(|before| before.rsplit_once("\u{1b}["));
    codes.map_or_else(Vec::new, |(_, codes)| codes.split(';').collect())
}

const BOLD_RED: [&str; 2] = ["31", "1"];
const DIM: [&str; 1] = ["2"];
const GREEN: &str = "32";

#[test]
fn a_colour_says_what_a_row_means_and_not_its_sign() {
    let coloured = |arguments: &[&str]| table(&[], &[arguments, &["--color", "always"]].concat());
    let text = coloured(&CXX);
    assert_eq!(style_of(&text, "fleet::remember", "leak"), BOLD_RED);
    assert_eq!(style_of(&text, "fleet::frame_buffer", "plateau"), DIM);
    // It shrinks, and is a leak all the same.
    let swapped = coloured(&[RUNS[1], RUNS[0], "--all"]);
    assert_eq!(style_of(&swapped, "session_open", "leak"), BOLD_RED);
    assert_eq!(style_of(&swapped, "session_open", "-600"), BOLD_RED);
    assert_eq!(style_of(&swapped, "table_load", "startup"), DIM);
    assert!(!swapped.contains(&format!("[{GREEN}m")), "{swapped}");
    let show = coloured(&["show", RUNS[1]]);
    assert_eq!(style_of(&show, "session_open", "leak"), BOLD_RED);
    assert_eq!(style_of(&show, "table_load", "startup"), DIM);
    // What only fell is green: the others of the collector, whose three blocks less are in the second run.
    let fixed = coloured(&[STATIC[1], STATIC[0], "--all"]);
    assert!(fixed.contains(&format!("[{GREEN}m")), "{fixed}");
    // NEW has a colour of its own where it is a leak, and none where it is a single block.
    let new = coloured(&["pairs/stripped-all/run0", "pairs/stripped-all/run1"]);
    assert_eq!(style_of(&new, "NEW", "NEW"), ["35", "1"]);
    let noise = coloured(&["amd64-nonpie/run0", "amd64-nonpie/run1"]);
    assert_eq!(style_of(&noise, "retry_queue", "noise"), DIM);
    assert!(!noise.contains("[35"), "{noise}");
}

#[test]
fn a_breach_is_the_loudest() {
    let mut command = mtrace_diff();
    command
        .args(RUNS)
        .args(["--fail-above", "400", "--color", "always"]);
    let text = String::from_utf8(crate::common::output_of(&mut command).stdout).unwrap();
    assert!(text.contains("\u{1b}[31;1;7m!1\u{1b}[0m"), "{text}");
    assert_eq!(text.matches("[31;1;7m").count(), 1, "{text}");
}

#[test]
fn what_has_no_room_is_said() {
    let five = five_runs();
    let five: Vec<&str> = five.iter().map(String::as_str).collect();
    let narrow = table(&five, &["--width", "80"]);
    assert!(
        narrow.contains("no room for run1@40% to run1@80%"),
        "{narrow}"
    );
    let first = rows(&narrow)[0].concat();
    assert!(first.contains("263 → 1,800"), "{narrow}");
    for text in [table(&five, &["--width", "200"]), table(&five, &[])] {
        assert!(!text.contains("no room"), "{text}");
        assert!(rows(&text)[0][0].contains("  1,041  "), "{text}");
    }
}

#[test]
fn names_of_std_are_short_unless_they_are_asked_for() {
    let short = table(&CXX, &["--inlines"]);
    assert!(
        short.contains("std::list<int>::push_back(int const&)"),
        "{short}"
    );
    assert!(short.contains("via std::list::push_back"), "{short}");
    assert!(
        !short.contains("__cxx11") && !short.contains("std::allocator<int>"),
        "{short}"
    );
    let full = table(&CXX, &["--inlines", "--full-names"]);
    assert!(
        full.contains("std::__cxx11::list<int, std::allocator<int> >::push_back(int const&)"),
        "{full}"
    );
    let cut = table(&CXX, &["--width", "80"]);
    // Two instances would look the same without what they are instances of.
    for instance in ["Registry<Session>::open()  ", "Registry<Timer>::open()  "] {
        assert!(cut.contains(instance), "{cut}");
    }
}

fn table_in(locale: &[(&str, &str)], arguments: &[&str]) -> String {
    let mut command = mtrace_diff();
    command.args(arguments).envs(locale.iter().copied());
    stdout_of(&mut command)
}

/// Of all that compare and show print, also the texts below the table.
#[test]
fn without_unicode_all_is_ascii() {
    let compare = [
        RUNS[0],
        RUNS[1],
        "--all",
        "--inlines",
        "--fail-above",
        "1000000",
    ];
    let show = ["show", RUNS[1]];
    let script = ["show", "armhf-glibc2.31/run0/result0.log"];
    let errors = ["show", RUNS[1], "--errors"];
    for arguments in [&compare[..], &show, &script, &errors] {
        let plain = table_in(&[], arguments);
        assert!(!plain.is_ascii());
        for locale in [
            &[("LANG", "C")][..],
            &[("LC_ALL", "POSIX"), ("LANG", "en_US.UTF-8")],
            &[("LC_CTYPE", "C"), ("LANG", "en_US.UTF-8")],
        ] {
            let text = table_in(locale, arguments);
            assert!(text.is_ascii(), "{text}");
            assert_eq!(text, table_in(&[], &[arguments, &["--ascii"]].concat()));
        }
        for locale in [("LC_ALL", "C.UTF-8"), ("LANG", "de_DE.utf8")] {
            assert_eq!(table_in(&[locale, ("LC_CTYPE", "")], arguments), plain);
        }
        if arguments == errors {
            continue;
        }
        let json = [arguments, &["--format", "json"]].concat();
        assert_eq!(table_in(&[("LANG", "C")], &json), table_in(&[], &json));
    }
    let text = table_in(&[], &[RUNS[0], RUNS[1], "--ascii"]);
    for drawn in ["delta blocks", " - armhf - ", "...  ", "  _..", "--------"] {
        assert!(text.contains(drawn), "{drawn}: {text}");
    }
}

#[test]
fn cut_rows_are_summed_so_that_columns_add_up() {
    let text = table(&STATIC, &["--top", "1"]);
    // 28 = 20 of index_add, and 10 + 1 + 0 + 0 + 0 - 3 of the others.
    let rows: Vec<Vec<&str>> = text
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    let figures = |begin: &str, end: &str| {
        let is_this = |row: &&Vec<&str>| row.first() == Some(&begin) && row.contains(&end);
        let row = rows
            .iter()
            .find(is_this)
            .unwrap_or_else(|| panic!("{text}"));
        let numbers = row[1..].iter().filter(|word| !word.contains('%'));
        let numbers = numbers.filter_map(|word| word.replace(',', "").parse::<i64>().ok());
        numbers.take(3).collect::<Vec<_>>()
    };
    assert_eq!(figures("1", "index_add"), [20, 40, 60]);
    assert_eq!(figures("…", "others,"), [8, 36, 44]);
    let total = rows
        .iter()
        .find(|row| row.last() == Some(&"total"))
        .unwrap();
    assert_eq!((total[0], total[2], total[3]), ("+28", "76", "104"));
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
