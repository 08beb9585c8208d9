//! The README's commands run as they stand, and its picture is what the program prints.

use std::path::Path;
use std::process::Command;

use crate::common::output_of;

/// Arguments of each `$ cargo run --release -- …`, and the lines of the README below it.
fn commands() -> Vec<(Vec<String>, String)> {
    let readme =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let mut found = Vec::new();
    for block in readme.split("```console\n").skip(1) {
        let block = block.split("```").next().unwrap();
        for part in block.split("$ ").skip(1) {
            let (command, output) = part.split_once('\n').unwrap();
            if let Some(arguments) = command.strip_prefix("cargo run --release -- ") {
                found.push((
                    arguments.split(' ').map(str::to_owned).collect(),
                    output.to_owned(),
                ));
            }
        }
    }
    found
}

#[test]
fn every_command_of_the_readme_runs_and_prints_what_it_shows() {
    let commands = commands();
    assert!(commands.len() >= 5, "{commands:?}");
    for (arguments, shown) in commands {
        let output = output_of(
            Command::new(env!("CARGO_BIN_EXE_mtrace-diff"))
                .current_dir(env!("CARGO_MANIFEST_DIR"))
                .env_remove("CLICOLOR_FORCE")
                .args(&arguments),
        );
        let printed = String::from_utf8(output.stdout).unwrap();
        let expected = i32::from(arguments.contains(&"--fail-above".to_owned()));
        assert_eq!(output.status.code(), Some(expected), "{arguments:?}");
        if !shown.trim().is_empty() {
            assert_eq!(printed, shown, "{arguments:?}");
        }
    }
}

#[test]
fn the_last_line_of_a_failed_gate_is_the_readmes() {
    let readme =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let shown = readme
        .lines()
        .find(|line| line.starts_with("FAIL "))
        .unwrap();
    let (arguments, _) = commands()
        .into_iter()
        .find(|(a, _)| a.contains(&"--fail-above".to_owned()))
        .unwrap();
    let output = output_of(
        Command::new(env!("CARGO_BIN_EXE_mtrace-diff"))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args(arguments),
    );
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(printed.lines().last(), Some(shown));
}
