//! `record --with glibc`: glibc's own log of programs that were not written for it.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::common::{json, live, mtrace_diff, output_of, site, stdout_of};

struct Program(TempDir);

impl Program {
    fn built_by(compiler: &str, file: &str, source: &str) -> Program {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(file), source).unwrap();
        let mut command = Command::new(compiler);
        command.args(["-g", "-O2", "-w", "-o", "app", file]);
        stdout_of(command.current_dir(directory.path()));
        Program(directory)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn record(&self, name: &str, options: &[&str], arguments: &[&str]) -> Output {
        let mut command = mtrace_diff();
        command.args(["record", "--with", "glibc", "-o", name]);
        command.args(options).args(["--", "./app"]).args(arguments);
        output_of(command.current_dir(self.0.path()))
    }

    fn show(&self, run: &str) -> serde_json::Value {
        json(&["show", self.path(run).to_str().unwrap()])
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// `new`, `new[]`, a form that does not throw and one that is aligned: each is a line of the program, and not of the
/// C++ library. What cannot be had is thrown, or is null, as without the starter.
pub(crate) fn news_are_lines_of_the_program() {
    let program = Program::built_by(
        "g++",
        "app.cc",
        "#include <cstdio>\n#include <cstdlib>\n#include <new>\n\
         struct session { char data[100]; };\n\
         struct alignas(64) wide { char data[128]; };\n\
         static void *volatile kept;\n\
         __attribute__((noinline)) void open_session() { kept = new session; }\n\
         __attribute__((noinline)) void buffer() { kept = new char[40]; }\n\
         __attribute__((noinline)) void quiet() { kept = new (std::nothrow) char[7]; }\n\
         __attribute__((noinline)) void aligned() { kept = new wide; }\n\
         __attribute__((noinline)) void quiet_one() { kept = new (std::nothrow) session; }\n\
         __attribute__((noinline)) void quiet_wide() { kept = new (std::nothrow) wide[1]; }\n\
         int main(int argc, char **argv) {\n\
         for (int i = 0; i < atoi(argv[1]); i++) { open_session(); buffer(); quiet(); aligned(); quiet_one(); quiet_wide(); }\n\
         volatile size_t huge = size_t(1) << 60; int caught = 0;\n\
         try { kept = new char[huge]; } catch (std::bad_alloc &) { caught = 1; }\n\
         void *none = new (std::nothrow) char[huge];\n\
         return caught && !none ? 7 : 1; }\n",
    );
    for (run, rounds) in [("run0", "200"), ("run1", "300")] {
        let output = program.record(run, &[], &[rounds]);
        // The program's own.
        assert_eq!(output.status.code(), Some(7), "{}", said(&output));
    }
    let document = program.show("run1");
    for (function, size) in [
        ("open_session()", 100),
        ("buffer()", 40),
        ("quiet()", 7),
        ("aligned()", 128),
        ("quiet_one()", 100),
        ("quiet_wide()", 128),
    ] {
        let site = site(&document, function);
        assert_eq!(live(site), [Some((300, 300 * size))], "{function}");
        assert_eq!(site["module"], "app", "{site:#}");
    }
    let run = |name: &str| program.path(name).to_str().unwrap().to_owned();
    let document = json(&[&run("run0"), &run("run1")]);
    assert_eq!(site(&document, "open_session()")["growth"]["blocks"], 100);
    // glibc's own script counts the same.
    let mut command = Command::new("mtrace");
    // It has to be named as it was started.
    command.args(["./app", "run1/mtrace.log"]);
    command.current_dir(program.0.path());
    let listing = String::from_utf8_lossy(&output_of(&mut command).stdout).into_owned();
    let of_line = |line: u32| listing.matches(&format!("app.cc:{line}\n")).count();
    assert_eq!([7, 8, 9, 10, 11, 12].map(of_line), [300; 6], "{listing}");
}

/// 30 blocks, then a child with 70 of its own, then 5 more.
pub(crate) fn a_child_has_a_log_of_its_own() {
    let program = Program::built_by(
        "gcc",
        "app.c",
        "#include <stdlib.h>\n#include <sys/wait.h>\n#include <unistd.h>\n\
         static char *volatile kept;\n\
         int main(void) {\n\
         for (int i = 0; i < 30; i++) kept = malloc(10);\n\
         if (!fork()) { for (int i = 0; i < 70; i++) kept = malloc(20); return 0; }\n\
         wait(0);\n\
         for (int i = 0; i < 5; i++) kept = malloc(30);\n\
         return 0; }\n",
    );
    let output = program.record("run", &[], &[]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("1 process that it started"));
    let sum = |run: &str| program.show(run)["runs"][0]["live"]["blocks"].as_u64();
    assert_eq!(sum("run"), Some(35));
    let entries = fs::read_dir(program.path("run")).unwrap();
    let mut names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let child = names.find(|name| name.starts_with("child-")).unwrap();
    let document = program.show(&format!("run/{child}"));
    assert_eq!(
        live(&document["sites"][0]),
        [Some((70, 1_400))],
        "{document:#}"
    );
    assert_eq!(document["sites"][0]["function"], "main");
    for name in ["maps", "mtrace.log", "app", "run.json"] {
        assert!(program.path("run").join(name).exists(), "{name}");
    }
}

/// It is ended by SIGTERM; the last blocks are those that glibc had not written yet.
pub(crate) fn a_daemon_is_ended() {
    let program = Program::built_by(
        "gcc",
        "app.c",
        "#include <stdlib.h>\n#include <unistd.h>\n\
         static char *volatile kept;\n\
         int main(void) { for (;;) { kept = malloc(64); usleep(1000); } }\n",
    );
    let output = program.record("run", &["--for", "1s"], &[]);
    assert!(output.status.success(), "{}", said(&output));
    let document = program.show("run");
    let (blocks, bytes) = live(site(&document, "main"))[0].unwrap();
    assert!((100..=1_000).contains(&blocks) && bytes == 64 * blocks);
    assert_eq!(site(&document, "main")["line"], 4);
    let seconds = document["runs"][0]["duration_s"].as_f64().unwrap();
    assert!((0.9..5.0).contains(&seconds), "{seconds}");
    // What glibc writes at a time ends anywhere, once in a while where a line does.
    let log = fs::read(program.path("run").join("mtrace.log")).unwrap();
    let missing = match log.ends_with(b"\n") {
        true => "the log has no '= End'",
        false => "the log ends in the middle",
    };
    assert!(said(&output).contains(missing), "{}", said(&output));
}

pub(crate) fn what_glibc_lacks_is_refused() {
    let program = Program::built_by("gcc", "app.c", "int main(void) { return 0; }\n");
    for (option, value, reason) in [
        (
            "--mode",
            "summary",
            "glibc logs events with the caller alone",
        ),
        ("--depth", "8", "glibc logs no call stacks"),
        ("--every", "1s", "glibc logs events, not counts"),
        ("--max-log", "1", "glibc's log cannot be bounded"),
    ] {
        let output = program.record("run", &[option, value], &[]);
        assert_eq!(output.status.code(), Some(2));
        assert!(said(&output).contains(reason), "{}", said(&output));
        assert!(!program.path("run").exists());
    }
}

pub(crate) fn a_musl_program_has_no_mtrace() {
    let program = Program::built_by("musl-gcc", "app.c", "int main(void) { return 0; }\n");
    let output = program.record("run", &[], &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said(&output).contains("it uses musl, and mtrace() is a part of glibc"),
        "{}",
        said(&output)
    );
    assert!(!program.path("run").exists());
}

/// A capture that somebody made by hand has a log of that name, too, and may have a `run.json`.
pub(crate) fn a_capture_made_by_hand_is_not_written_over() {
    let program = Program::built_by("gcc", "app.c", "int main(void) { return 0; }\n");
    fs::create_dir(program.path("mine")).unwrap();
    fs::write(program.path("mine/mtrace.log"), "= Start\n= End\n").unwrap();
    let facts = r#"{ "schema": "mtrace-diff-run/1", "duration_s": 120 }"#;
    for facts in [Some(facts), Some("not JSON"), None] {
        match facts {
            Some(facts) => fs::write(program.path("mine/run.json"), facts).unwrap(),
            None => fs::remove_file(program.path("mine/run.json")).unwrap(),
        }
        let output = program.record("mine", &["--force"], &[]);
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        let log = fs::read_to_string(program.path("mine/mtrace.log")).unwrap();
        assert_eq!(log, "= Start\n= End\n");
    }
    // One that was recorded here is.
    let once = program.record("run", &[], &[]);
    assert!(once.status.success(), "{}", said(&once));
    let again = program.record("run", &["--force"], &[]);
    assert!(again.status.success(), "{}", said(&again));
}
