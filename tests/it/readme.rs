//! The commands of README and guide run as they stand, and what is shown below them is what they print.

use std::path::Path;
use std::process::Command;

use mtrace_diff::guide::CHAPTERS;

use crate::common::{mtrace_diff, output_of, stdout_of, testdata};

const README: &str = include_str!("../../README.md");

/// A command, without the program's name, and the lines that are shown below it.
struct Shown {
    arguments: Vec<String>,
    output: String,
}

/// The commands of the `console` blocks of README and guide. The README's first ones build the program before.
fn commands() -> Vec<Shown> {
    let chapters = CHAPTERS.iter().map(|chapter| chapter.text);
    let texts = chapters.chain([README]);
    let blocks = texts.flat_map(|text| text.split("```console\n").skip(1));
    let blocks = blocks.map(|block| block.split("```").next().unwrap());
    blocks
        .flat_map(|block| block.split("$ ").skip(1))
        .filter_map(|part| {
            let (command, output) = part.split_once('\n').unwrap();
            let arguments = command
                .strip_prefix("cargo run --release -- ")
                .or_else(|| command.strip_prefix("mtrace-diff "))?;
            Some(Shown {
                arguments: arguments.split(' ').map(str::to_owned).collect(),
                output: output.to_owned(),
            })
        })
        .collect()
}

fn run(arguments: &[String]) -> (Option<i32>, String) {
    let mut command = mtrace_diff();
    if arguments.contains(&"|".to_owned()) {
        // The shell starts the program, by its whole path.
        let line = format!(
            "'{}' {}",
            command.get_program().display(),
            arguments.join(" ")
        );
        let mut shell = Command::new("sh");
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        shell.args(["-c", &line]);
        command = shell;
    } else {
        command.args(arguments);
    }
    let output = output_of(command.current_dir(env!("CARGO_MANIFEST_DIR")));
    let printed = String::from_utf8(output.stdout).unwrap();
    (output.status.code(), printed)
}

#[test]
fn every_command_runs_and_prints_what_is_shown() {
    let commands = commands();
    assert!(commands.len() >= 9, "{}", commands.len());
    for Shown { arguments, output } in commands {
        let (status, printed) = run(&arguments);
        let expected = i32::from(arguments.contains(&"--fail-above".to_owned()));
        assert_eq!(status, Some(expected), "{arguments:?}");
        if !output.trim().is_empty() {
            assert_eq!(printed, output, "{arguments:?}");
        }
    }
}

#[test]
fn the_last_line_of_a_failed_gate_is_the_guides() {
    let gate = CHAPTERS.iter().find(|chapter| chapter.name == "gate");
    let mut lines = gate.unwrap().text.lines();
    let shown = lines.find(|line| line.starts_with("FAIL ")).unwrap();
    let mut commands = commands().into_iter();
    let fails = |shown: &Shown| shown.arguments.contains(&"--fail-above".to_owned());
    let (_, printed) = run(&commands.find(fails).unwrap().arguments);
    assert_eq!(printed.lines().last(), Some(shown));
}

#[test]
fn the_readme_is_read_to_its_end() {
    assert!(README.lines().count() <= 200);
}

/// Without its tags, the picture is what the program prints.
#[test]
fn the_picture_is_of_this_program() {
    let picture = include_str!("../../src/guide/table.svg");
    let lines = picture.lines().filter(|line| line.starts_with("<g>"));
    let lines = lines.map(|line| {
        let texts = line.split('<').filter_map(|tag| tag.split_once('>'));
        let text: String = texts.map(|(_, text)| text).collect();
        let text = text.replace("&lt;", "<").replace("&gt;", ">");
        text.replace("&amp;", "&") + "\n"
    });
    let mut lines = lines.collect::<Vec<_>>();
    let command = lines.remove(0);
    let arguments = command.trim_end().strip_prefix("$ mtrace-diff ").unwrap();
    let printed = stdout_of(
        mtrace_diff()
            .current_dir(testdata().join("armhf-glibc2.31"))
            .args(arguments.split(' ')),
    );
    assert_eq!(lines.concat(), printed, "scripts/picture.sh draws it anew");
    assert!(README.contains("](src/guide/table.svg)"));
}

/// Files that README and chapters point to are there, and so are the headings behind a `#`.
#[test]
fn links_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let chapter = |name: &str| root.join("src/guide").join(format!("{name}.md"));
    let of_guide = CHAPTERS.iter().map(|it| (chapter(it.name), it.text));
    let mut seen = 0;
    for (file, text) in of_guide.chain([(root.join("README.md"), README)]) {
        assert!(file.exists(), "{}", file.display());
        let inline = text.split("](").skip(1);
        let inline = inline.filter_map(|rest| rest.split(')').next());
        let defined = text.lines().filter(|line| line.starts_with('['));
        let defined = defined.filter_map(|line| Some(line.split_once("]: ")?.1));
        for link in inline.chain(defined) {
            if link.starts_with("http") {
                continue;
            }
            seen += 1;
            let (path, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = match path {
                "" => file.clone(),
                path => file.parent().unwrap().join(path),
            };
            assert!(target.exists(), "{}: {link}", file.display());
            let has_heading = || {
                let text = std::fs::read_to_string(&target).unwrap();
                let mut lines = text.lines().filter(|line| line.starts_with('#'));
                lines.any(|line| {
                    let words = line.trim_start_matches('#').trim().to_lowercase();
                    words
                        .replace(' ', "-")
                        .replace(['(', ')', '?', '\'', ','], "")
                        == heading
                })
            };
            assert!(
                heading.is_empty() || has_heading(),
                "{}: {link}",
                file.display()
            );
        }
    }
    assert!(seen >= 40, "{seen}");
}

#[test]
fn the_list_names_every_chapter() {
    let list = stdout_of(mtrace_diff().arg("guide"));
    for chapter in CHAPTERS {
        assert!(
            list.lines()
                .any(|line| line.split_whitespace().next() == Some(chapter.name)),
            "{list}"
        );
        assert!(README.contains(&format!("src/guide/{}.md", chapter.name)));
    }
}

#[test]
fn chapters_fit_a_terminal_and_show_no_markup() {
    for chapter in CHAPTERS {
        for width in [80, 100] {
            let columns = width.to_string();
            let text = stdout_of(mtrace_diff().args(["guide", chapter.name, "--width", &columns]));
            assert!(!text.contains('\u{1b}') && !text.contains("]("), "{text}");
            for line in text.lines().filter(|line| !line.starts_with("    ")) {
                let taken = unicode_width::UnicodeWidthStr::width(line);
                assert!(taken <= width, "{}: {taken}: {line}", chapter.name);
                assert!(!line.starts_with(['|', '#']), "{line}");
            }
        }
    }
}

#[test]
fn a_chapter_in_a_terminal() {
    insta::assert_snapshot!(stdout_of(
        mtrace_diff().args(["guide", "gate", "--width", "80"])
    ));
}

#[test]
fn a_chapter_that_is_not_there_names_those_that_are() {
    let output = Command::new(env!("CARGO_BIN_EXE_mtrace-diff"))
        .args(["guide", "gates"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("no chapter 'gates'") && text.contains("old-tools"));
}
