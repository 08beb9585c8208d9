//! What the gate says of recordings that do not hold all that the program did.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::common::{mtrace_diff, output_of, stdout_of};

/// Recordings of a program, one that frees what it takes and one that does not.
struct Runs {
    directory: TempDir,
}

impl Runs {
    /// Builds `app0` and `app1` of a source that does not free where `LEAK` is 1.
    fn of(source: &str) -> Self {
        Runs::built_by("gcc", "app.c", source)
    }

    fn built_by(compiler: &str, file: &str, source: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(file), source).unwrap();
        for leak in ["0", "1"] {
            stdout_of(
                Command::new(compiler)
                    .args(["-g", "-O1", "-w", file])
                    .args([format!("-DLEAK={leak}"), format!("-oapp{leak}")])
                    .current_dir(directory.path()),
            );
        }
        Runs { directory }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Records a command into a run; how it ended is not judged.
    fn record(&self, name: &str, options: &[&str], command: &[&str]) {
        let mut record = mtrace_diff();
        record.args(["record", "-q", "-o", name]).args(options);
        record.arg("--").args(command);
        output_of(record.current_dir(self.directory.path()));
    }

    fn gate(&self, options: &[&str]) -> (Option<i32>, String) {
        let mut command = mtrace_diff();
        command.args(["run0", "run1", "--fail-above", "10"]);
        told(&output_of(
            command.args(options).current_dir(self.directory.path()),
        ))
    }
}

fn told(output: &Output) -> (Option<i32>, String) {
    let said = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    (output.status.code(), said.concat())
}

/// The children leak 2,000 blocks each; the program itself keeps nothing.
pub fn children_that_are_not_judged_are_named() {
    let runs = Runs::of(
        "#include <stdlib.h>\n#include <unistd.h>\n#include <sys/wait.h>\n\
         int main(void) { free(malloc(10));\n\
         for (int w = 0; w < 2; w++) if (!fork()) {\n\
         for (int i = 0; i < 2000; i++) { char *volatile p = malloc(64); if (!LEAK) free(p); } exit(0); }\n\
         while (wait(0) > 0); return 0; }\n",
    );
    runs.record("run0", &[], &["./app0"]);
    runs.record("run1", &[], &["./app1"]);
    let (status, said) = runs.gate(&[]);
    assert_eq!(status, Some(0), "{said}");
    assert!(
        said.contains("2 processes that it started were recorded beside it"),
        "{said}"
    );
    let pass = said.lines().find(|line| line.starts_with("PASS")).unwrap();
    assert!(
        pass.contains("processes that run0, run1 started are not judged"),
        "{pass}"
    );
    let (status, said) = runs.gate(&["--strict"]);
    assert_eq!(status, Some(2), "{said}");
    assert!(said.contains("2 processes that it started"), "{said}");
    // A child by itself is a run like any other.
    let child = |run: &str| {
        let entries = fs::read_dir(runs.path(run)).unwrap();
        let mut paths = entries.map(|entry| entry.unwrap().path());
        paths.find(|path| path.is_dir()).unwrap()
    };
    let mut command = mtrace_diff();
    command.args([child("run0"), child("run1")]);
    let (status, said) = told(&output_of(command.args(["--strict", "--fail-above", "10"])));
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("+2,000 blocks"), "{said}");
}

/// What a process ran before it became another program is none of its children.
pub fn what_was_run_before_exec_is_no_child() {
    let runs = Runs::of(
        "#include <stdlib.h>\n#include <unistd.h>\n\
         int main(int argc, char **argv) { free(malloc(10));\n\
         if (argc < 2) execl(\"/proc/self/exe\", argv[0], \"again\", NULL);\n\
         for (int i = 0; i < 50; i++) { char *volatile p = malloc(64); if (!LEAK) free(p); } return 0; }\n",
    );
    runs.record("run0", &[], &["./app0"]);
    runs.record("run1", &[], &["./app0"]);
    let (status, said) = runs.gate(&["--strict"]);
    assert_eq!(status, Some(0), "{said}");
    assert!(!said.contains("beside it"), "{said}");
}

/// The limit is 10, and the one line of these programs leaks 9 blocks in each of its many rows.
fn a_line_is_above_the_limit(runs: &Runs, total: &str, others: &str) {
    runs.record("run0", &[], &["./app0"]);
    runs.record("run1", &[], &["./app1"]);
    let (status, said) = runs.gate(&[]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains(&format!("{others}: {total}")), "{said}");
    assert_eq!(said.matches("grew by more than").count(), 1, "{said}");
    // No row is above the limit by itself, and all together are below another one.
    let mut command = mtrace_diff();
    command.args(["run0", "run1", "--fail-above", "400"]);
    let (status, said) = told(&output_of(command.current_dir(runs.directory.path())));
    assert_eq!(status, Some(0), "{said}");
}

pub fn a_line_of_a_template_is_judged_in_all_its_instances() {
    let runs = Runs::built_by(
        "g++",
        "app.cc",
        "#include <cstdlib>\n\
         template<int N> __attribute__((noinline)) void parse() { for (int i = 0; i < 9; i++) {\n\
         char *volatile p = (char *)malloc(64); if (!LEAK) free(p); } }\n\
         template<int N> void all() { parse<N>(); if constexpr (N > 0) all<N - 1>(); }\n\
         int main() { all<29>(); }\n",
    );
    a_line_is_above_the_limit(&runs, "+270 blocks", " and 29 other rows of that line");
}

pub fn a_line_that_is_inlined_is_judged_in_all_its_callers() {
    let callers = (0..20).map(|n| {
        format!(
            "__attribute__((noinline)) void f{n}(void) {{ for (int i = 0; i < 9; i++) {{ char *volatile p = copy(); \
             if (!LEAK) free(p); }} }}\n"
        )
    });
    let calls: String = (0..20).map(|n| format!("f{n}();")).collect();
    let source = format!(
        "#include <stdlib.h>\n\
         static inline __attribute__((always_inline)) char *copy(void) {{ return malloc(64); }}\n\
         {}int main(void) {{ {calls} return 0; }}\n",
        callers.collect::<String>()
    );
    a_line_is_above_the_limit(
        &Runs::of(&source),
        "+180 blocks",
        " and 19 other rows of that line",
    );
}

/// Each piece of code has a page of its own, and the source of none is known.
pub fn code_made_at_run_time_is_judged_as_a_whole() {
    let runs = Runs::of(
        "#include <stdlib.h>\n#include <string.h>\n#include <sys/mman.h>\n\
         typedef void *(*made)(void);\n\
         int main(void) { for (int i = 0; i < 40; i++) {\n\
         unsigned char *page = mmap(0, 4096, 7, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);\n\
         /* sub $8, %rsp; mov $64, %edi; movabs $malloc, %rax; call *%rax; add $8, %rsp; ret */\n\
         unsigned char code[] = {0x48, 0x83, 0xec, 8, 0xbf, 64, 0, 0, 0, 0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0,\n\
         0xff, 0xd0, 0x48, 0x83, 0xc4, 8, 0xc3};\n\
         void *target = malloc; memcpy(code + 11, &target, 8); memcpy(page, code, sizeof code);\n\
         for (int j = 0; j < 9; j++) { void *p = ((made)page)(); if (!LEAK) free(p); } } return 0; }\n",
    );
    if cfg!(target_arch = "x86_64") {
        a_line_is_above_the_limit(
            &runs,
            "+360 blocks",
            " and 39 other callers in code made at run time",
        );
    }
}
