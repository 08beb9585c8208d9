//! What is said of recordings that are given with the wrong files, or hold less than they could.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use crate::common::{file_of, json, mtrace_diff, output_of, stdout_of};

/// A program that keeps 40 blocks below two functions, and frees 40 others.
const KEEPS: &str = "#include <stdlib.h>\n\
    __attribute__((noinline)) void *take(void) { return malloc(64); }\n\
    __attribute__((noinline)) void *volatile serve(void) { return take(); }\n\
    __attribute__((noinline)) void work(int i) { char *p = serve(); if (LEAK && i % 2) return; free(p); }\n\
    int main(void) { for (int i = 0; i < 80; i++) work(i); return 0; }\n";

struct Bench(TempDir);

impl Bench {
    fn new() -> Self {
        Bench(tempfile::tempdir().unwrap())
    }

    fn build(&self, name: &str, compiler: &str, options: &[&str], source: &str) {
        let file = match compiler {
            "g++" => format!("{name}.cc"),
            _ => format!("{name}.c"),
        };
        fs::write(self.0.path().join(&file), source).unwrap();
        let mut command = Command::new(compiler);
        command.args(["-w", "-o", name, &file]).args(options);
        stdout_of(command.current_dir(self.0.path()));
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let output = self.output(arguments);
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    }

    fn output(&self, arguments: &[&str]) -> Output {
        output_of(mtrace_diff().args(arguments).current_dir(self.0.path()))
    }

    fn warnings(&self, runs: &[&str]) -> Vec<String> {
        let paths: Vec<String> = runs
            .iter()
            .map(|run| self.path(run).display().to_string())
            .collect();
        let document = json(&paths.iter().map(String::as_str).collect::<Vec<_>>());
        let list = |of: &Value| of["warnings"].as_array().unwrap().clone();
        let of_runs = document["runs"].as_array().unwrap().iter().flat_map(list);
        let all = list(&document).into_iter().chain(of_runs);
        all.map(|warning| warning["code"].as_str().unwrap().to_owned())
            .collect()
    }
}

pub(crate) fn a_program_that_is_given_and_not_used_is_said() {
    let bench = Bench::new();
    bench.build("app", "gcc", &["-g", "-DLEAK=1"], KEEPS);
    bench.build("other", "gcc", &["-g", "-O2", "-DLEAK=1", "-DMORE"], KEEPS);
    for run in ["run0", "run1"] {
        assert_eq!(
            bench.run(&["record", "-q", "-o", run, "--", "./app"]).0,
            Some(0)
        );
    }
    let arm = file_of("armhf-glibc2.36/run0", "app0");
    let (status, said) = bench.run(&["run0", "run1", "--exe", arm.to_str().unwrap()]);
    assert_eq!(status, Some(2), "{said}");
    assert!(said.contains("is a program for armhf"), "{said}");
    assert!(said.contains("the recording is of a program for"), "{said}");

    let with = |exe: &str, options: &[&str]| {
        bench.run(
            &[
                &["run0", "run1", "--exe", exe, "--fail-above", "100"],
                options,
            ]
            .concat(),
        )
    };
    let (status, said) = with("other", &[]);
    assert_eq!(status, Some(0), "{said}");
    assert!(
        said.contains("the program 'other' is given, but not used"),
        "{said}"
    );
    assert_eq!(with("other", &["--strict"]).0, Some(2));
    let (status, said) = with("app", &["--strict"]);
    assert_eq!(status, Some(0), "{said}");
    assert!(!said.contains("not used"), "{said}");

    bench.run(&["show", "run0", "--save", "saved.json"]);
    let (_, said) = bench.run(&["show", "saved.json", "--exe", "app"]);
    assert!(said.contains("'app' is given, but not used"), "{said}");
}

/// The leak is the same in all runs: only how much of its stacks is known differs.
pub(crate) fn a_leak_below_cut_stacks_is_not_fixed() {
    let bench = Bench::new();
    bench.build("app", "gcc", &["-g", "-O1", "-DLEAK=1"], KEEPS);
    for (run, options) in [
        ("whole", &[][..]),
        ("again", &[]),
        ("one", &["--depth", "1"]),
        ("two", &["--depth", "2"]),
        ("callers", &["--mode", "callers"]),
        ("counts", &["--mode", "summary"]),
    ] {
        let record = [&["record", "-q", "-o", run], options, &["--", "./app"]].concat();
        assert_eq!(bench.run(&record).0, Some(0));
    }
    for run in ["one", "two", "callers"] {
        for runs in [["whole", run], [run, "whole"]] {
            assert_eq!(bench.warnings(&runs), ["stacks-differ"], "{runs:?}");
            let (_, said) = bench.run(&runs);
            assert!(!said.contains(" fixed"), "{said}");
        }
    }
    for run in ["again", "counts"] {
        assert_eq!(bench.warnings(&["whole", run]), [""; 0], "{run}");
    }
}

pub(crate) fn a_recording_is_not_spoken_of_as_a_log() {
    let bench = Bench::new();
    bench.build("idle", "gcc", &[], "int main(void) { return 3; }\n");
    bench.build("app", "gcc", &["-DLEAK=1"], KEEPS);
    bench.build(
        "crash",
        "gcc",
        &[],
        "int main(void) { *(volatile int *)0 = 1; return 0; }\n",
    );
    let (_, said) = bench.run(&["record", "-o", "idle-run", "--", "./idle"]);
    assert!(said.contains("the recording has no events"), "{said}");
    assert!(!said.contains("mtrace()"), "{said}");
    let (_, said) = bench.run(&["record", "-o", "crash-run", "--", "./crash"]);
    assert!(
        said.contains("signal 11 (SIGSEGV) ended the program"),
        "{said}"
    );
    bench.run(&["record", "-q", "-o", "run", "--", "./app"]);
    let (status, said) = bench.run(&["show", "run", "--fail-on", "double-free"]);
    assert_eq!(status, Some(2), "{said}");
    assert!(said.contains("record --with glibc"), "{said}");
    let (status, said) = bench.run(&["show", "run@99m"]);
    assert_eq!(status, Some(2), "{said}");
    assert!(said.contains("give a moment up to"), "{said}");
    assert!(!said.contains("run.json"), "{said}");
    // A time of its own, which the command line overrides at its peril.
    let (_, said) = bench.run(&["show", "run", "--duration", "1h"]);
    assert!(said.contains("--duration says that it took 1h"), "{said}");
}

/// Every program in C++ has a pool of libstdc++ from its start.
pub(crate) fn debug_information_is_missed_where_it_would_help() {
    let bench = Bench::new();
    let source = "#include <memory>\nint main() { for (int i = 0; i < 40; i++) (void)new int(i); return 0; }\n";
    bench.build("cxx", "g++", &["-g"], source);
    let (_, said) = bench.run(&["record", "-o", "run", "--", "./cxx"]);
    assert!(!said.contains("no debug information"), "{said}");
    assert!(
        !bench
            .run(&["show", "run"])
            .1
            .contains("no debug information")
    );
    let (_, said) = bench.run(&["show", "run", "--by", "module"]);
    assert!(!said.contains("via"), "{said}");
    bench.build("bare", "gcc", &["-s", "-DLEAK=1"], KEEPS);
    let (_, said) = bench.run(&["record", "-o", "bare-run", "--", "./bare"]);
    assert!(said.contains("no debug information for bare"), "{said}");
    assert!(
        said.contains("give the unstripped program with --exe"),
        "{said}"
    );
}

pub(crate) fn a_table_that_is_not_needed_is_said() {
    let bench = Bench::new();
    bench.build("app", "gcc", &["-DLEAK=1"], KEEPS);
    let (status, said) = bench.run(&["unwind-table", "-o", "app.unw", "app"]);
    assert_eq!(status, Some(0), "{said}");
    let is_known = cfg!(any(target_arch = "x86_64", target_arch = "aarch64"));
    assert_eq!(said.contains("need no table"), is_known, "{said}");
}

/// Words are not broken where a terminal ends.
pub(crate) fn an_error_fits_the_terminal() {
    let bench = Bench::new();
    let line = format!(
        "stty rows 24 cols 60; {} show nowhere",
        env!("CARGO_BIN_EXE_mtrace-diff")
    );
    let mut terminal = Command::new("script");
    terminal.args(["-q", "-c", &line, "/dev/null"]);
    let output = output_of(terminal.current_dir(bench.0.path()));
    let said = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = said.lines().collect();
    assert!(
        lines.len() > 2 && said.contains("'nowhere' does not exist"),
        "{said}"
    );
    for line in lines {
        let text = line.replace("\u{1b}[1;31m", "").replace("\u{1b}[0m", "");
        assert!(text.trim_end().chars().count() <= 60, "{said}");
    }
}

/// What two programs have of the C++ library makes them no one program.
pub(crate) fn two_programs_of_one_library_are_two() {
    let bench = Bench::new();
    for (name, class) in [("first", "Alpha"), ("second", "Beta")] {
        let source = format!(
            "#include <vector>\n#include <memory>\nstruct {class} {{ int n[8]; }};\n\
             __attribute__((noinline)) void keep_{class}(std::vector<void *> &all) {{ all.push_back(new {class}); }}\n\
             int main() {{ auto *all = new std::vector<void *>; for (int i = 0; i < 50; i++) keep_{class}(*all); }}\n"
        );
        bench.build(name, "g++", &["-g", "-O0"], &source);
        let program = format!("./{name}");
        let record = ["record", "-q", "-o", &format!("{name}-run"), "--", &program];
        assert_eq!(bench.run(&record).0, Some(0));
    }
    let codes = bench.warnings(&["first-run", "second-run"]);
    assert_eq!(codes, ["other-programs"]);
    let (_, said) = bench.run(&["first-run", "second-run"]);
    assert!(!said.contains(" fixed"), "{said}");
}
