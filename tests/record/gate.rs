//! What the gate says of recordings that do not hold all that the program did.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::built::copy_recorder;
use crate::common::{comparing, json, live, mtrace_diff, output_of, site, stdout_of, unwrapped};
use crate::programs::harm;

/// Recordings of a program, one that frees what it takes and one that does not.
pub(crate) struct Runs {
    directory: TempDir,
}

impl Runs {
    /// Builds `app0` and `app1` of a source that does not free where `LEAK` is 1.
    pub(crate) fn of(source: &str) -> Self {
        Runs::built_by("gcc", "app.c", source)
    }

    pub(crate) fn built_by(compiler: &str, file: &str, source: &str) -> Self {
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

    /// Builds what these commands build of some files.
    pub(crate) fn built_as(files: &[(&str, &str)], commands: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(directory.path().join(name), text).unwrap();
        }
        for command in commands {
            let mut shell = Command::new("sh");
            stdout_of(shell.args(["-c", command]).current_dir(directory.path()));
        }
        Runs { directory }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Records a command into a run; how it ended is not judged.
    pub(crate) fn record(&self, name: &str, options: &[&str], command: &[&str]) {
        let mut record = mtrace_diff();
        record.args(["record", "-q", "-o", name]).args(options);
        record.arg("--").args(command);
        output_of(record.current_dir(self.directory.path()));
    }

    /// Saves the report of a run as `saved.json`.
    pub(crate) fn save(&self, run: &str) {
        let mut show = mtrace_diff();
        show.args(["show", run, "--save", "saved.json"]);
        stdout_of(show.current_dir(self.directory.path()));
    }

    /// Records `app0` into `run0`, and `app1` into `run1`.
    pub(crate) fn record_both(&self) {
        self.record("run0", &[], &["./app0"]);
        self.record("run1", &[], &["./app1"]);
    }

    /// Builds `static0` and `static1`, into which nothing can be loaded.
    fn build_static(&self) {
        for leak in ["0", "1"] {
            stdout_of(
                Command::new("gcc")
                    .args(["-static", "-w", "app.c"])
                    .args([format!("-DLEAK={leak}"), format!("-ostatic{leak}")])
                    .current_dir(self.directory.path()),
            );
        }
    }

    /// Codes of the warnings that figures are partial.
    fn show_warnings(&self, run: &str) -> Vec<String> {
        harm(&json(&["show", self.path(run).to_str().unwrap()]))
    }

    fn children(&self, run: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.path(run)).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        paths.filter(|path| path.is_dir()).collect()
    }

    pub(crate) fn gate(&self, options: &[&str]) -> (Option<i32>, String) {
        self.gate_of(["run0", "run1"], options)
    }

    pub(crate) fn gate_of(&self, runs: [&str; 2], options: &[&str]) -> (Option<i32>, String) {
        let mut command = comparing(runs);
        command.args(["--fail-above", "10"]).args(options);
        told(&output_of(command.current_dir(self.directory.path())))
    }
}

fn told(output: &Output) -> (Option<i32>, String) {
    let said = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    (output.status.code(), said.concat())
}

/// The children leak 2,000 blocks each; the program itself keeps nothing.
pub(crate) fn children_that_are_not_judged_are_named() {
    let runs = Runs::of(
        "#include <stdlib.h>\n#include <unistd.h>\n#include <sys/wait.h>\n\
         int main(void) { char *volatile first = malloc(10); free(first);\n\
         for (int w = 0; w < 2; w++) if (!fork()) {\n\
         for (int i = 0; i < 2000; i++) { char *volatile p = malloc(64); if (!LEAK) free(p); } exit(0); }\n\
         while (wait(0) > 0); return 0; }\n",
    );
    for options in [&["--with", "glibc", "--force"][..], &["--force"]] {
        children_are_named(&runs, options);
    }
}

fn children_are_named(runs: &Runs, options: &[&str]) {
    runs.record("run0", options, &["./app0"]);
    runs.record("run1", options, &["./app1"]);
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
    let mut command = comparing([child("run0"), child("run1")]);
    let (status, said) = told(&output_of(command.args(["--strict", "--fail-above", "10"])));
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("+2,000 blocks"), "{said}");
}

/// The child leaks 100 blocks, and can have no recording: its parent has used up all descriptors that it may open.
pub(crate) fn a_fork_that_cannot_be_recorded_is_named() {
    let runs = Runs::of(
        "#include <stdlib.h>\n#include <fcntl.h>\n#include <unistd.h>\n#include <sys/wait.h>\n#include <sys/resource.h>\n\
         int main(void) { char *volatile first = malloc(10); free(first);\n\
         struct rlimit most = {32, 32}; setrlimit(RLIMIT_NOFILE, &most); while (open(\"/dev/null\", O_RDONLY) >= 0);\n\
         if (!fork()) { for (int i = 0; i < 100; i++) { char *volatile p = malloc(64); if (!LEAK) free(p); } _exit(0); }\n\
         wait(0); return 0; }\n",
    );
    runs.record_both();
    assert_eq!(runs.children("run1").len(), 0);
    assert_eq!(runs.show_warnings("run1"), ["forked-unrecorded"]);
    let (status, said) = runs.gate(&[]);
    let said = unwrapped(&said);
    assert_eq!(status, Some(0), "{said}");
    let named = "; but processes that run0, run1 started are not judged, see the warnings";
    assert!(said.contains(named), "{said}");
    assert_eq!(runs.gate(&["--strict"]).0, Some(2));
}

/// The same in logs of glibc. A child of a program with threads is not traced, and has a log only if it executes something.
pub(crate) fn a_fork_that_glibc_cannot_log_is_named() {
    let leaking =
        "for (int i = 0; i < 100; i++) { char *volatile p = malloc(64); if (!LEAK) free(p); }";
    let no_descriptor = format!(
        "int main(void) {{ char *volatile first = malloc(10); free(first);\n\
         struct rlimit none = {{0, 0}}; setrlimit(RLIMIT_NOFILE, &none);\n\
         if (!fork()) {{ {leaking} exit(0); }} wait(0); return 0; }}"
    );
    let thread = format!(
        "static void *idle(void *p) {{ pause(); return p; }}\n\
         int main(int argc, char **argv) {{ {leaking} if (argc > 1) return 0;\n\
         pthread_t t; pthread_create(&t, 0, idle, 0);\n\
         if (!fork()) {{ execl(\"/proc/self/exe\", argv[0], \"again\", NULL); _exit(1); }}\n\
         if (!fork()) {{ {leaking} exit(0); }}\n\
         while (wait(0) > 0); return 0; }}"
    );
    for (program, children) in [(no_descriptor, 0), (thread, 1)] {
        let runs = Runs::of(&format!(
            "#include <pthread.h>\n#include <stdlib.h>\n#include <unistd.h>\n#include <sys/resource.h>\n\
             #include <sys/wait.h>\n{program}\n"
        ));
        runs.record("run0", &["--with", "glibc"], &["./app0"]);
        runs.record("run1", &["--with", "glibc"], &["./app0"]);
        assert_eq!(runs.children("run1").len(), children, "{program}");
        let warnings = runs.show_warnings("run1");
        assert!(
            warnings.contains(&"forked-unrecorded".to_owned()),
            "{warnings:?}"
        );
        let (status, said) = runs.gate(&[]);
        assert_eq!(status, Some(0), "{said}");
        assert!(
            unwrapped(&said).contains("1 process that it forked"),
            "{said}"
        );
        assert_eq!(runs.gate(&["--strict"]).0, Some(2));
        let mut left = fs::read_dir(runs.path("run1")).unwrap();
        let stray = left.find(|entry| {
            let name = entry.as_ref().unwrap().file_name();
            name.to_string_lossy().contains("unfollowed")
        });
        assert!(stray.is_none(), "{stray:?}");
    }
}

/// What a process ran before it became another program is none of its children.
pub(crate) fn what_was_run_before_exec_is_no_child() {
    let runs = Runs::of(
        "#include <stdlib.h>\n#include <unistd.h>\n\
         int main(int argc, char **argv) { for (int i = 0; i < 50; i++) { char *volatile first = malloc(10); free(first); }\n\
         if (argc < 2) execl(\"/proc/self/exe\", argv[0], \"again\", NULL);\n\
         for (int i = 0; i < 50; i++) { char *volatile p = malloc(64); if (!LEAK) free(p); } return 0; }\n",
    );
    for options in [&["--with", "glibc", "--force"][..], &["--force"]] {
        runs.record("run0", options, &["./app0"]);
        runs.record("run1", options, &["./app0"]);
        let (status, said) = runs.gate(&[]);
        let said = unwrapped(&said);
        assert_eq!(status, Some(0), "{said}");
        assert!(!said.contains("that it started"), "{said}");
        assert_eq!(runs.children("run1").len(), 1, "{options:?}");
        // It can have leaked.
        let named =
            "; but what ran before run0, run1 in their processes is not judged, see the warnings";
        assert!(said.contains(named), "{said}");
        assert_eq!(runs.gate(&["--strict"]).0, Some(2), "{options:?}");
        // A shell is not what anybody looks for leaks in.
        let shell = ["sh", "-c", "exec ./app0 again"];
        runs.record("run0", options, &shell);
        runs.record("run1", options, &shell);
        let (status, said) = runs.gate(&["--strict"]);
        assert_eq!(status, Some(0), "{said}");
    }
}

/// The limit is 10, and the one line of these programs leaks 9 blocks in each of its many rows.
fn a_line_is_above_the_limit(runs: &Runs, total: &str, others: &str) {
    runs.record_both();
    let (status, said) = runs.gate(&[]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains(&format!("{others}: {total}")), "{said}");
    assert_eq!(said.matches("grew by more than").count(), 1, "{said}");
    // No row is above the limit by itself, and all together are below another one.
    let mut command = comparing(["run0", "run1", "--fail-above", "400"]);
    let (status, said) = told(&output_of(command.current_dir(runs.directory.path())));
    assert_eq!(status, Some(0), "{said}");
}

pub(crate) fn a_line_of_a_template_is_judged_in_all_its_instances() {
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

/// Without debug information a row is an address. The function calls malloc in thirty places, and none keeps much.
pub(crate) fn a_function_without_lines_is_judged_in_all_its_rows() {
    let calls: String = (0..30)
        .map(|_| "p = malloc(64); if (!LEAK) free(p);\n")
        .collect();
    let runs = Runs::of(&format!(
        "#include <stdlib.h>\n\
         __attribute__((noinline)) void parse(void) {{ char *volatile p;\n{calls}}}\n\
         int main(void) {{ for (int i = 0; i < 9; i++) parse(); return 0; }}\n"
    ));
    for program in ["app0", "app1"] {
        stdout_of(
            Command::new("strip")
                .args(["-g", program])
                .current_dir(runs.directory.path()),
        );
    }
    a_line_is_above_the_limit(&runs, "+270 blocks", " and 29 other rows of that function");
}

pub(crate) fn a_line_that_is_inlined_is_judged_in_all_its_callers() {
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

/// Thirty callers; each call keeps a node of the wrapper's own, 9 for each of them. What they take is freed.
fn a_wrapper_that_keeps_nodes(name: &str) -> Runs {
    let callers = (0..30).map(|n| {
        format!(
            "__attribute__((noinline)) void f{n}(void) {{ for (int i = 0; i < 9; i++) {{ char *volatile p = \
             {name}(64 + {n}); free(p); }} }}\n"
        )
    });
    let calls: String = (0..30).map(|n| format!("f{n}();")).collect();
    Runs::of(&format!(
        "#include <stdlib.h>\n\
         __attribute__((noinline)) char *{name}(size_t n) {{ char *volatile node = malloc(24);\n\
         if (!LEAK) free(node);\n\
         return malloc(n); }}\n\
         {}int main(void) {{ {calls} return 0; }}\n",
        callers.collect::<String>()
    ))
}

pub(crate) fn what_a_wrapper_keeps_itself_is_judged_in_all_its_callers() {
    // Known by its name; and found from the data, by its many callers.
    for name in ["obj_malloc", "xmalloc", "fetch"] {
        let runs = a_wrapper_that_keeps_nodes(name);
        let others = match name {
            // The line that keeps a node is one row.
            "fetch" => String::new(),
            name => format!(" and 29 other callers of {name}"),
        };
        a_line_is_above_the_limit(&runs, "+270 blocks", &others);
        if name != "fetch" {
            let (status, said) = runs.gate(&["--wrapper", name]);
            assert_eq!(status, Some(0), "{said}");
        }
    }
}

/// A library of the program's has a function that is called like one of libtalloc's, or a header is installed beside the
/// system's. It keeps a node in each of thirty callers.
pub(crate) fn an_own_library_or_header_with_a_librarys_names_is_judged() {
    let calls: String = (0..30).map(|n| format!("f{n}();")).collect();
    let callers: String = (0..30)
        .map(|n| {
            format!(
                "__attribute__((noinline)) void f{n}(void) {{ for (int i = 0; i < 9; i++) {{ char *volatile p = \
                 talloc_own({n}); free(p); }} }}\n"
            )
        })
        .collect();
    let own =
        "{ char *volatile node = malloc(24);\n if (!LEAK) free(node);\n return malloc(64 + n); }\n";
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    file(
        "own.c",
        &format!("#include <stdlib.h>\nchar *talloc_own(size_t n) {own}"),
    );
    file(
        "rootfs/usr/include/own/own.h",
        &format!(
            "#include <stdlib.h>\nstatic __attribute__((noinline)) char *talloc_own(size_t n) {own}"
        ),
    );
    file(
        "app.c",
        &format!(
            "#include <stdlib.h>\n#ifdef HEADER\n#include <own/own.h>\n#else\nchar *talloc_own(size_t n);\n#endif\n\
             {callers}int main(void) {{ {calls} return 0; }}\n"
        ),
    );
    let runs = Runs { directory };
    for options in [
        "own.c -shared -fPIC -o lib{}/libown.so",
        "app.c -Llib{} -lown -Wl,-rpath,$ORIGIN/lib{} -o app{}",
        "app.c -DHEADER -isystem rootfs/usr/include -o inline{}",
    ] {
        for leak in ["0", "1"] {
            fs::create_dir_all(runs.path(&format!("lib{leak}"))).unwrap();
            let options = options.replace("{}", leak);
            let mut gcc = Command::new("gcc");
            gcc.args(["-g", "-O1", "-w"]).arg(format!("-DLEAK={leak}"));
            stdout_of(
                gcc.args(options.split(' '))
                    .current_dir(runs.directory.path()),
            );
        }
    }
    for program in ["app", "inline"] {
        for leak in ["0", "1"] {
            let program = format!("./{program}{leak}");
            runs.record(&format!("run{leak}"), &["--force"], &[&program]);
        }
        let (status, said) = runs.gate(&[]);
        assert_eq!(status, Some(1), "{said}");
        assert!(
            said.contains(" and 29 other callers of talloc_own: +270 blocks"),
            "{said}"
        );
    }
}

/// Many tool chains write no build ids. The file at a library's path is the one that ran, if nothing was put there since.
pub(crate) fn a_library_without_a_build_id_has_names() {
    let directory = tempfile::tempdir().unwrap();
    let runs = Runs { directory };
    fs::write(
        runs.path("app.c"),
        "char *own(void);\nint main(void) { own(); return 0; }\n",
    )
    .unwrap();
    let build = |source: &str, to: &str, options: &[&str]| {
        fs::write(runs.path("own.c"), source).unwrap();
        let mut gcc = Command::new("gcc");
        gcc.args(["-g", "-O1", "-Wl,--build-id=none"]).args(options);
        stdout_of(gcc.args(["-o", to]).current_dir(runs.directory.path()));
    };
    let keep = "#include <stdlib.h>\n\
                char *own(void) { char *all = 0; for (int i = 0; i < 30; i++) all = malloc(24); return all; }\n";
    build(keep, "libown.so", &["-shared", "-fPIC", "own.c"]);
    build(
        keep,
        "app",
        &["app.c", "-L.", "-lown", "-Wl,-rpath,$ORIGIN"],
    );
    runs.record("run0", &[], &["./app"]);
    let rows = |document: &Value| -> Vec<(Option<String>, u64)> {
        let sites = document["sites"].as_array().unwrap().iter();
        let row = |site: &Value| {
            let function = site["function"].as_str().map(str::to_owned);
            (
                function,
                site["runs"][0]["live"]["blocks"].as_u64().unwrap(),
            )
        };
        sites.map(row).collect()
    };
    let shown = || json(&["show", "--all", runs.path("run0").to_str().unwrap()]);
    assert_eq!(rows(&shown()), [(Some("own".to_owned()), 30)]);
    std::thread::sleep(Duration::from_millis(20));
    build(
        &keep.replace("own(", "other("),
        "libown.so",
        &["-shared", "-fPIC", "own.c"],
    );
    assert_eq!(rows(&shown()), [(None, 30)]);
}

/// A line with two callers: what each of them keeps of 400 blocks, in both runs.
fn two_callers(before: [&str; 2], after: [&str; 2]) -> Runs {
    let runs = Runs::of(
        "#include <stdlib.h>\n\
         __attribute__((noinline)) char *make(void) { char *volatile p = malloc(64); return p; }\n\
         __attribute__((noinline)) void load(int keep, int n) { while (n--) { char *volatile p = make(); if (!keep) free(p); } }\n\
         __attribute__((noinline)) void serve(int keep, int n) { while (n--) { char *volatile p = make(); if (!keep) free(p); } }\n\
         int main(int c, char **v) { for (int i = 0; i < 400; i++) { load(v[1][0] == 'k', v[1][0] != '-'); \
         serve(v[2][0] == 'k', v[2][0] != '-');\n\
         for (int j = 0; j < 20; j++) { char *volatile p = malloc(8); free(p); } } return 0; }\n",
    );
    runs.record("run0", &[], &["./app0", before[0], before[1]]);
    runs.record("run1", &[], &["./app0", after[0], after[1]]);
    runs
}

/// All blocks of the line are as many as before.
pub(crate) fn what_one_caller_lost_hides_no_leak_of_another() {
    // One frees now what it has, the other keeps it.
    let (status, said) = two_callers(["keep", "free"], ["free", "keep"]).gate(&[]);
    assert_eq!(status, Some(1), "{said}");
    assert!(
        said.contains(" for one of its callers: +400 blocks"),
        "{said}"
    );
    // The same leak, called by a function of another name, and by one that was there before.
    for (before, after, is_named) in [
        (["keep", "-"], ["-", "keep"], false),
        (["keep", "free"], ["-", "keep"], true),
        (["keep", "keep"], ["keep", "keep"], false),
        (["free", "free"], ["free", "free"], false),
    ] {
        let runs = two_callers(before, after);
        let (status, said) = runs.gate(&[]);
        let said = unwrapped(&said);
        let named =
            "for some of its callers, and others of them have as much less (--strict fails it)";
        assert_eq!(status, Some(0), "{said}");
        assert_eq!(
            said.contains(named),
            is_named,
            "{before:?} {after:?} {said}"
        );
        assert_eq!(
            runs.gate(&["--strict"]).0,
            Some(is_named.into()),
            "{before:?} {after:?}"
        );
    }
}

/// Sessions grow until the exit frees them, at the line of a table that became smaller. They take so long that what else
/// the machine does shows in no curve.
pub(crate) fn what_one_caller_lost_hides_nothing_that_was_held() {
    let runs = Runs::of(
        "#include <stdlib.h>\n#include <unistd.h>\n\
         char *volatile held[4000], *volatile all[4000]; int n, m;\n\
         __attribute__((noinline)) char *make(void) { char *volatile p = malloc(64); return p; }\n\
         __attribute__((noinline)) void table(void) { while (m < (LEAK ? 200 : 600)) all[m++] = make(); }\n\
         __attribute__((noinline)) void request(int i) { char *p = make(); if (LEAK && i % 14 == 0) held[n++] = p; else free(p);\n\
         char *volatile q = malloc(33); free(q); if (i % 2) usleep(200); }\n\
         int main(int c, char **v) { table(); for (int i = 0; i < 4000; i++) request(i);\n\
         if (c > 1) while (m) free(all[--m]);\n\
         while (n) free(held[--n]); return 0; }\n",
    );
    for arguments in [&[][..], &["free"]] {
        for leak in ["0", "1"] {
            let program = format!("./app{leak}");
            let command: Vec<&str> = [program.as_str()]
                .into_iter()
                .chain(arguments.iter().copied())
                .collect();
            runs.record(&format!("run{leak}"), &["--force"], &command);
        }
        let (status, said) = runs.gate(&[]);
        let said = unwrapped(&said);
        assert_eq!(status, Some(1), "{said}");
        assert!(said.contains("for one of its callers: +2"), "{said}");
        assert!(
            said.contains("until the end of the program freed it"),
            "{said}"
        );
    }
}

/// A macro of two allocations: the keys of a table that became smaller hide values that leak.
pub(crate) fn what_one_call_in_a_line_lost_hides_no_leak_of_another() {
    let runs = Runs::of(
        "#include <stdlib.h>\n\
         char *volatile keys[4000], *volatile values[4000]; int n;\n\
         __attribute__((noinline)) void request(int i) {\n\
         char *volatile key = malloc(40); char *volatile value = malloc(100);\n\
         if (i < (LEAK ? 300 : 800)) keys[i] = key; else free(key);\n\
         if (LEAK && i % 20 == 0) values[n++] = value; else free(value); }\n\
         int main(void) { for (int i = 0; i < 3000; i++) request(i); return 0; }\n",
    );
    runs.record_both();
    let (status, said) = runs.gate(&[]);
    assert_eq!(status, Some(1), "{said}");
    assert!(
        said.contains(" for one of the calls in that line: +150 blocks"),
        "{said}"
    );
}

/// What a program held before its exit is known from a curve of few steps. Runs of one program that did the same must not differ
/// by what lies between two of them.
pub(crate) fn equal_runs_have_held_the_same() {
    let runs = Runs::of(
        "#include <stdlib.h>\n#include <unistd.h>\n\
         char *volatile held[9000]; int n;\n\
         __attribute__((noinline)) void request(int i) { char *volatile p = malloc(64);\n\
         if (i % 4 < 1 + LEAK) held[n++] = p; else free(p); if (i % 40 == 0) usleep(200); }\n\
         int main(void) { for (int i = 0; i < 8000; i++) request(i); while (n) free(held[--n]); return 0; }\n",
    );
    for _ in 0..6 {
        runs.record("run0", &["--force"], &["./app0"]);
        runs.record("run1", &["--force"], &["./app0"]);
        let (status, said) = runs.gate(&[]);
        assert_eq!(status, Some(0), "{said}");
    }
    runs.record("run1", &["--force"], &["./app1"]);
    let (status, said) = runs.gate(&[]);
    assert_eq!(status, Some(1), "{said}");
    assert!(
        said.contains("until the end of the program freed it"),
        "{said}"
    );
}

/// A summary of a run that was counted once or twice has no course: what the exit freed is not known, and said to be so.
pub(crate) fn a_summary_that_was_counted_too_seldom_is_named() {
    let runs = Runs::of(
        "#include <stdlib.h>\n\
         char *volatile held[4000]; int n;\n\
         int main(void) { while (n < 2000) { held[n] = malloc(64); if (LEAK) n++; else free(held[n++]); }\n\
         while (LEAK && n) free(held[--n]); return 0; }\n",
    );
    let named = "; but run1 was counted too few times to tell what it held until its end";
    for (options, is_named) in [
        (&["--force", "--mode", "summary"][..], true),
        (&["--force"], false),
    ] {
        runs.record("run0", options, &["./app0"]);
        runs.record("run1", options, &["./app1"]);
        let (_, said) = runs.gate(&[]);
        assert_eq!(unwrapped(&said).contains(named), is_named, "{said}");
    }
}

/// Five large blocks, or a leak in the first half of the run, look like no leak. Another caller kept as much before.
pub(crate) fn growth_without_a_verdict_that_another_caller_lost_is_named() {
    for (tables, keeps, size, limit) in [
        (5, "i % 400 == 7", 1 << 20, "1MiB"),
        (500, "i < 500", 1000, "10"),
    ] {
        let runs = Runs::of(&format!(
            "#include <stdlib.h>\n\
             void *volatile kept[9999]; volatile int n;\n\
             __attribute__((noinline)) void *make(void) {{ char *volatile p = malloc({size}); return p; }}\n\
             __attribute__((noinline)) void table(int m) {{ for (int i = 0; i < m; i++) kept[n++] = make(); }}\n\
             __attribute__((noinline)) void request(int i) {{ void *p = make(); if (LEAK && {keeps}) kept[n++] = p; else free(p); }}\n\
             int main(void) {{ table(LEAK ? 0 : {tables}); for (int i = 0; i < 2000; i++) {{\n\
             char *volatile p = malloc(50 + i % 300); free(p); request(i); }} return 0; }}\n"
        ));
        runs.record_both();
        let judged = |options: &[&str]| {
            let mut command = comparing(["run0", "run1", "--fail-above", limit]);
            command.args(options);
            let (status, said) = told(&output_of(command.current_dir(runs.directory.path())));
            (status, unwrapped(&said))
        };
        let (status, said) = judged(&[]);
        let named = "grew by more than that for some of its callers";
        assert!(status == Some(1) || said.contains(named), "{said}");
        let (status, said) = judged(&["--strict"]);
        assert_eq!(status, Some(1), "{said}");
    }
}

/// The wrapper keeps a node for each of 270 blocks, and one more caller takes 400 blocks less than before. 130 less in all.
pub(crate) fn what_one_caller_lost_hides_no_leak_of_a_wrapper() {
    let callers = (0..30).map(|n| {
        format!(
            "__attribute__((noinline)) void f{n}(void) {{ for (int i = 0; i < 9; i++) {{ char *volatile p = \
             xmalloc(64 + {n}); free(p); }} }}\n"
        )
    });
    let calls: String = (0..30).map(|n| format!("f{n}();")).collect();
    let runs = Runs::of(&format!(
        "#include <stdlib.h>\n\
         __attribute__((noinline)) char *xmalloc(size_t n) {{ char *volatile node = malloc(24);\n\
         if (!LEAK) free(node);\n\
         return malloc(n); }}\n\
         __attribute__((noinline)) void load(int n) {{ while (n--) {{ char *volatile p = xmalloc(32); }} }}\n\
         {}int main(int c, char **v) {{ load(atoi(v[1])); {calls} return 0; }}\n",
        callers.collect::<String>()
    ));
    runs.record("run0", &[], &["./app0", "400"]);
    runs.record("run1", &[], &["./app1", "0"]);
    let (status, said) = runs.gate(&[]);
    let said = unwrapped(&said);
    let named = "; but callers of xmalloc grew by more than that together, and others of them shrank by as much \
                 (--strict fails them)";
    assert!(status == Some(0) && said.contains(named), "{said}");
    let (status, said) = runs.gate(&["--strict"]);
    let said = unwrapped(&said);
    assert!(
        status == Some(1) && said.contains("other callers of xmalloc: +270 blocks"),
        "{said}"
    );
}

/// 30 callers of a wrapper lose 9 blocks each all along, and a handler frees all of them in the end.
pub(crate) fn what_callers_of_a_wrapper_held_until_the_exit_is_summed() {
    let callers = (0..30).map(|n| {
        format!(
            "__attribute__((noinline)) void f{n}(int keep) {{ char *volatile p = xmalloc(64);\n\
             if (LEAK && keep) held[n_held++] = p; else free(p); }}\n"
        )
    });
    let calls: String = (0..30)
        .map(|n| format!("f{n}(i % 20 == {});", n % 20))
        .collect();
    let runs = Runs::of(&format!(
        "#include <stdlib.h>\n#include <unistd.h>\n\
         static char *held[1000]; static int n_held;\n\
         __attribute__((noinline)) char *xmalloc(size_t n) {{ return malloc(n); }}\n\
         {}int main(void) {{ for (int i = 0; i < 180; i++) {{ {calls} usleep(2000); }}\n\
         while (n_held) free(held[--n_held]); return 0; }}\n",
        callers.collect::<String>()
    ));
    runs.record_both();
    let (status, said) = runs.gate(&[]);
    let said = unwrapped(&said);
    assert!(
        status == Some(1) && said.contains("until the end of the program freed it"),
        "{said}"
    );
}

/// The leak is in a function with a name of GLib's, CPython's or the allocator's own, which the program has the source of.
pub(crate) fn a_function_of_the_program_with_a_librarys_name_is_its_own() {
    for name in ["gc_alloc", "kmalloc", "g_list_keep"] {
        let runs = a_wrapper_that_keeps_nodes(name);
        let others = format!(" and 29 other callers of {name}");
        a_line_is_above_the_limit(&runs, "+270 blocks", &others);
    }
}

/// 5,000 blocks in a whole run, and the run is not whole.
pub(crate) fn a_run_that_did_not_do_its_work_is_said() {
    let runs = Runs::of(
        "#include <stdlib.h>\n\
         int main(int argc, char **argv) { int until = atoi(argv[1]), end = atoi(argv[2]);\n\
         for (int i = 0; i < 5000; i++) { if (i == until) { if (end == 6) abort(); exit(end); }\n\
         char *volatile p = malloc(64); if (!LEAK) free(p); } return 0; }\n",
    );
    runs.record("run0", &[], &["./app0", "-1", "0"]);
    for (until, end, said_of_it) in [
        (
            "4000",
            "6",
            "the program was killed by signal 6 (SIGABRT), unlike in the first run",
        ),
        (
            "4000",
            "3",
            "the program ended with exit status 3, unlike in the first run",
        ),
        (
            "5",
            "0",
            "this run has less than 1 % of the records of the first one",
        ),
    ] {
        runs.record("run1", &["--force"], &["./app1", until, end]);
        let mut command = comparing(["run0", "run1", "--fail-above", "100000"]);
        let (status, said) = told(&output_of(command.current_dir(runs.directory.path())));
        assert_eq!(status, Some(0), "{said}");
        let said = unwrapped(&said);
        assert!(said.contains(said_of_it), "{said}");
        assert!(said.contains("but figures of run1 are partial"), "{said}");
        let (status, said) = runs.gate(&["--strict"]);
        assert_eq!(status, Some(2), "{said}");
    }
}

/// A program that always fails, or always crashes, may still crash before it comes to what it leaks.
pub(crate) fn a_crash_after_a_failure_or_an_early_one_is_said() {
    let runs = Runs::of(
        "#include <stdlib.h>\n\
         int main(int argc, char **argv) { int until = atoi(argv[1]), end = atoi(argv[2]);\n\
         for (int i = 0; i < 5000; i++) { if (i == until) { if (end == 6) abort(); exit(end); }\n\
         char *volatile p = malloc(64); if (!LEAK || i < 4000) free(p); } return 0; }\n",
    );
    let of = |name: &str, until: &str, end: &str| {
        runs.record(name, &["--force"], &["./app1", until, end]);
    };
    for (first, last, told) in [
        (
            ("4999", "1"),
            ("3000", "6"),
            Some("was killed by signal 6 (SIGABRT), unlike in the first run"),
        ),
        (("4999", "1"), ("3000", "1"), None),
        (
            ("3999", "6"),
            ("1500", "6"),
            Some("was killed by signal 6 (SIGABRT), at 37 % of the records"),
        ),
        (("3999", "6"), ("3500", "6"), None),
        (("3999", "6"), ("1500", "1"), None),
    ] {
        of("run0", first.0, first.1);
        of("run1", last.0, last.1);
        let mut command = comparing(["run0", "run1", "--fail-above", "100000"]);
        let (status, said) = self::told(&output_of(command.current_dir(runs.directory.path())));
        assert_eq!(status, Some(0), "{said}");
        let said = unwrapped(&said);
        assert_eq!(
            said.contains("but figures of run1 are partial"),
            told.is_some(),
            "{said}"
        );
        assert!(said.contains(told.unwrap_or_default()), "{said}");
        let (status, said) = runs.gate(&["--strict"]);
        assert_eq!(status == Some(2), told.is_some(), "{said}");
    }
}

/// The first run ended when it was asked to. The last one hung, or crashed at that; or it did the same, and left something
/// behind that hung.
pub(crate) fn a_program_that_had_to_be_killed_is_said() {
    let runs = Runs::of(
        "#include <signal.h>\n#include <stdlib.h>\n#include <unistd.h>\n\
         static volatile int is_over;\n\
         static void stop(int s) { is_over = 1; }\n\
         static void crash(int s) { abort(); }\n\
         int main(int argc, char **argv) { char how = argv[1][0];\n\
         if (how == 'l' && !fork()) { signal(SIGTERM, SIG_IGN); for (;;) pause(); }\n\
         signal(SIGTERM, how == 'h' ? SIG_IGN : how == 'c' ? crash : stop);\n\
         while (!is_over) { char *volatile p = malloc(64); free(p); usleep(1000); } return 0; }\n",
    );
    let of = |name: &str, how: &str| {
        let options = ["--force", "--for", "400ms", "--grace", "300ms"];
        runs.record(name, &options, &["./app0", how]);
    };
    of("run0", "ends");
    for (how, said_of_it) in [
        (
            "hangs",
            "did not end when it was asked to and had to be killed, unlike in the first run",
        ),
        (
            "crashes",
            "was killed by signal 6 (SIGABRT), unlike in the first run",
        ),
    ] {
        of("run1", how);
        let (status, said) = runs.gate(&[]);
        let said = unwrapped(&said);
        assert!(status == Some(0) && said.contains(said_of_it), "{said}");
        assert!(said.contains("but figures of run1 are partial"), "{said}");
        let (status, said) = runs.gate(&["--strict"]);
        assert_eq!(status, Some(2), "{said}");
    }
    of("run1", "leaves");
    let (status, said) = runs.gate(&[]);
    assert!(status == Some(0) && !said.contains("killed"), "{said}");
    // If both hang, the last run did what the first one did; and a saved report tells, too.
    of("run1", "hangs");
    runs.save("run1");
    for (first, last, expected) in [("run0", "saved.json", 2), ("saved.json", "run1", 0)] {
        of("run1", "hangs");
        let (status, said) = runs.gate_of([first, last], &["--strict"]);
        assert_eq!(status, Some(expected), "{said}");
    }
}

/// The program takes as long to free what it leaked as it took to leak it, once it is asked to end; and so it does in the
/// first run, where it only has a table that it frees as slowly.
pub(crate) fn what_a_long_stop_frees_was_leaked() {
    let runs = Runs::of(
        "#include <signal.h>\n#include <stdlib.h>\n#include <unistd.h>\n\
         static volatile int is_over;\n\
         static char *kept[100000];\n\
         static void stop(int s) { is_over = 1; }\n\
         int main(void) { int n = 0; signal(SIGTERM, stop);\n\
         for (int i = 0; i < 100; i++)\n kept[n++] = malloc(20);\n\
         while (!is_over) { char *p =\n malloc(64);\n if (LEAK) kept[n++] = p; else free(p); usleep(2000); }\n\
         for (int i = 0, all = n; i < all; i++) { free(kept[--n]); usleep(LEAK ? 2000 : 20000); } return 0; }\n",
    );
    for mode in ["events", "callers", "summary"] {
        let options = ["--force", "--for", "2s", "--mode", mode, "--every", "1s"];
        runs.record("run0", &options, &["./app0"]);
        runs.record("run1", &options, &["./app1"]);
        runs.save("run1");
        for last in ["run1", "saved.json"] {
            let mut command = comparing(["run0", last, "--fail-above", "50"]);
            let (status, said) = told(&output_of(command.current_dir(runs.directory.path())));
            let said = unwrapped(&said);
            assert_eq!(status, Some(1), "{mode}: {said}");
            assert!(said.contains("1 call site"), "{mode}: {said}");
        }
        let mut command = comparing(["run1", "run0", "--fail-above", "50"]);
        let (status, said) = told(&output_of(command.current_dir(runs.directory.path())));
        assert_eq!(status, Some(0), "{mode}: {said}");
    }
    let facts: Value =
        serde_json::from_slice(&fs::read(runs.path("run1/run.json")).unwrap()).unwrap();
    let asked = facts["asked_after_s"].as_f64().unwrap();
    let took = facts["duration_s"].as_f64().unwrap();
    assert!((1.9..3.0).contains(&asked) && took > asked + 0.5, "{facts}");
}

/// A daemon that is killed, as by a system that is short of memory: what launched it ended in order.
pub(crate) fn a_daemon_that_is_killed_is_said() {
    let runs = Runs::of(
        "#define _DEFAULT_SOURCE\n#include <signal.h>\n#include <stdlib.h>\n#include <unistd.h>\n\
         int main(int argc, char **argv) { if (daemon(1, 1)) return 1;\n\
         for (int i = 0; i < 300; i++) { char *volatile p = malloc(64); free(p); usleep(1000); }\n\
         if (argc > 1) raise(SIGKILL); return 0; }\n",
    );
    runs.record("run0", &[], &["./app0"]);
    runs.record("run1", &[], &["./app1", "killed"]);
    let (status, said) = runs.gate(&[]);
    let said = unwrapped(&said);
    let killed = "was killed by signal 9 (SIGKILL), unlike in the first run";
    assert!(status == Some(0) && said.contains(killed), "{said}");
}

/// Blocks that the recorder has not seen, and whose frees it sees.
pub(crate) fn what_is_allocated_past_the_recorder_is_said() {
    let runs = Runs::of(
        "#include <stdlib.h>\nvoid *__libc_malloc(size_t);\n\
         int main(int argc, char **argv) { int kept = LEAK ? 1000 : 0, all = atoi(argv[1]);\n\
         for (int i = 0; i < 50; i++) { char *volatile own = malloc(9); free(own); }\n\
         for (int i = 0; i < all; i++) { char *volatile p = __libc_malloc(40); if (i % 3 == 0) p = realloc(p, 50);\n\
         if (i >= kept) free(p); } return 0; }\n",
    );
    for mode in ["events", "summary"] {
        let options = ["--force", "--mode", mode];
        runs.record("run0", &options, &["./app0", "2000"]);
        runs.record("run1", &options, &["./app1", "2000"]);
        assert_eq!(runs.show_warnings("run1"), ["unknown-frees"], "{mode}");
        let (status, said) = runs.gate(&[]);
        let said = unwrapped(&said);
        // The third that realloc knows is seen.
        assert_eq!(status, Some(1), "{mode}: {said}");
        let mut command = comparing(["run0", "run1", "--fail-above", "1000"]);
        let (status, said) = told(&output_of(command.current_dir(runs.directory.path())));
        assert_eq!(status, Some(0), "{mode}: {said}");
        let said = unwrapped(&said);
        assert!(
            said.contains("2,000 blocks were freed whose allocation was not recorded"),
            "{mode}: {said}"
        );
        assert!(
            said.contains("but figures of run0, run1 are partial"),
            "{mode}: {said}"
        );
        let (status, said) = runs.gate(&["--strict"]);
        assert_eq!(status, Some(2), "{mode}: {said}");
        // A few are no sign of that.
        runs.record("run0", &options, &["./app0", "90"]);
        assert_eq!(runs.show_warnings("run0"), [""; 0], "{mode}");
    }
}

/// A child has its parent's blocks to free.
pub(crate) fn frees_of_a_parents_blocks_are_no_sign_of_another_allocator() {
    let runs = Runs::of(
        "#include <stdlib.h>\n#include <unistd.h>\n#include <sys/wait.h>\nstatic char *volatile all[2000];\n\
         int main(void) { for (int i = 0; i < 2000; i++) all[i] = malloc(30);\n\
         fork(); for (int i = 0; i < 2000; i++) free(all[i]); char *volatile last = malloc(1); wait(0); return 0; }\n",
    );
    for mode in ["events", "summary"] {
        runs.record("run0", &["--force", "--mode", mode], &["./app0"]);
        assert_eq!(runs.show_warnings("run0"), ["children-apart"], "{mode}");
        let child = runs.children("run0").remove(0);
        let document = json(&["show", child.to_str().unwrap()]);
        assert_eq!(harm(&document), [""; 0], "{mode}");
    }
}

/// Of an arena in the program, and of functions that count and go on to the next ones.
pub(crate) fn an_allocator_of_the_programs_own_is_said() {
    let main = "int main(void) { for (int i = 0; i < 1000; i++) { char *volatile p = malloc(100); if (!LEAK) free(p); }\n\
         for (int i = 0; i < 10; i++) { void *a; posix_memalign(&a, 64, 100); } return 0; }\n";
    let arena = "#include <stdlib.h>\nstatic char arena[1 << 24]; static size_t at;\n\
         void *malloc(size_t n) { void *p = arena + at; at += (n + 31) & ~15; return p; }\n\
         void free(void *p) {}\nvoid *calloc(size_t a, size_t b) { return malloc(a * b); }\n\
         void *realloc(void *p, size_t n) { return malloc(n); }\n";
    let wrapper = "#define _GNU_SOURCE\n#include <dlfcn.h>\n#include <stdlib.h>\nstatic int count;\n\
         void *malloc(size_t n) { static void *(*next)(size_t);\n\
         if (!next) next = (void *(*)(size_t))dlsym(RTLD_NEXT, \"malloc\"); count++; return next(n); }\n";
    let runs = Runs::of(&format!("{arena}{main}"));
    for mode in ["events", "summary"] {
        let options = ["--force", "--mode", mode];
        runs.record("run0", &options, &["./app0"]);
        runs.record("run1", &options, &["./app1"]);
        let (status, said) = runs.gate(&[]);
        assert_eq!(status, Some(0), "{said}");
        let text = unwrapped(&said);
        assert!(
            text.contains("the program has a malloc of its own"),
            "{text}"
        );
        assert!(text.contains("figures of run0, run1 are partial"), "{text}");
        let (status, said) = runs.gate(&["--strict"]);
        assert_eq!(status, Some(2), "{said}");
    }
    let runs = Runs::of(&format!("{wrapper}{main}"));
    runs.record_both();
    let (status, said) = runs.gate(&["--strict"]);
    assert_eq!(status, Some(1), "{said}");
    assert!(!said.contains("a malloc of its own"), "{said}");
}

/// A program that is linked statically takes no recorder, and its process wrote nothing since, however short it was.
pub(crate) fn a_process_that_went_on_unrecorded_is_said() {
    let runs = Runs::of(KEEPS_1000);
    runs.build_static();
    runs.record("run0", &[], &["env", "./static0"]);
    runs.record("run1", &[], &["env", "-i", "./static1"]);
    let facts = fs::read_to_string(runs.path("run1/run.json")).unwrap();
    assert!(facts.contains("\"went_on_as\": \"./static1\""), "{facts}");
    let (status, said) = runs.gate(&[]);
    assert_eq!(status, Some(0), "{said}");
    let text = unwrapped(&said);
    assert!(text.contains("static1', which was not recorded"), "{text}");
    assert!(
        text.contains("but figures of run0, run1 are partial"),
        "{text}"
    );
    let (status, said) = runs.gate(&["--strict"]);
    assert_eq!(status, Some(2), "{said}");
    // The recording itself says so, without what `record` has seen.
    fs::remove_file(runs.path("run1/run.json")).unwrap();
    let (status, said) = told(&output_of(
        mtrace_diff().arg("show").arg(runs.path("run1/recording")),
    ));
    assert_eq!(status, Some(0), "{said}");
    let text = unwrapped(&said);
    assert!(text.contains("static1', which was not recorded"), "{text}");
}

const KEEPS_1000: &str = "#include <stdlib.h>\n\
    int main(void) { for (int i = 0; i < 1000; i++) { char *volatile p = malloc(64); if (!LEAK) free(p); } return 0; }\n";

/// Recordings that were made by hand lie beside each other, and a file can be named without its directory.
pub(crate) fn recordings_made_by_hand_know_each_other() {
    let runs = Runs::of(
        "#include <stdlib.h>\n#include <spawn.h>\n#include <sys/wait.h>\n#include <unistd.h>\n\
         int main(int argc, char **argv) { char *none[] = {0}, *words[] = {argv[0], \"x\", 0}; pid_t pid;\n\
         for (int i = 0; i < 50; i++) { char *volatile p = malloc(20); }\n\
         if (argc > 1) return 0;\n\
         posix_spawn(&pid, argv[0], 0, 0, words, none); wait(0); execve(argv[0], words, none); return 3; }\n",
    );
    let at = runs.directory.path();
    copy_recorder("gcc", &runs.path("mtrace-recorder.so"));
    let mut by_hand = Command::new("./app0");
    by_hand.env("MTRACE_RECORDER", runs.path("log.%p"));
    by_hand.env("LD_PRELOAD", runs.path("mtrace-recorder.so"));
    stdout_of(by_hand.current_dir(at));
    let names = fs::read_dir(at).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let logs: Vec<String> = names.filter(|name| name.starts_with("log.")).collect();
    assert_eq!(logs.len(), 3, "{logs:?}");
    for log in &logs {
        let output = output_of(mtrace_diff().args(["show", log]).current_dir(at));
        let (status, said) = told(&output);
        assert_eq!(status, Some(0), "{said}");
        assert!(!said.contains("partial"), "{log}: {said}");
    }
}

/// Programs that are started with an environment of their own, by whatever function, and by a shell.
pub(crate) fn what_is_started_with_another_environment_is_recorded() {
    let runs = Runs::of(KEEPS_1000);
    fs::write(
        runs.path("starts.c"),
        r#"#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
extern char **environ;
int main(int argc, char **argv) {
    char *how = argv[1], *program = argv[2], *words[] = {program, NULL}, *none[] = {NULL};
    char *other[] = {"A=1", "LD_PRELOAD=libm.so.6", "B=2", NULL}, *empty[] = {"LD_PRELOAD=", "LANG=C", NULL};
    char *volatile first = malloc(10);
    pid_t pid = 0;
    int spawns = !strncmp(how, "spawn", 5), status, is_child = !strncmp(how, "vfork", 5);
    free(first);
    if (is_child) pid = vfork(), how += 5;
    if (!pid) {
        if (!strcmp(how, "execve")) execve(program, words, none);
        if (!strcmp(how, "other")) execve(program, words, other);
        if (!strcmp(how, "empty")) execve(program, words, empty);
        if (!strcmp(how, "null")) execve(program, words, NULL);
        if (!strcmp(how, "execv")) clearenv(), execv(program, words);
        if (!strcmp(how, "execvp")) unsetenv("LD_PRELOAD"), execvp(program, words);
        if (!strcmp(how, "execvpe")) execvpe(program, words, none);
        if (!strcmp(how, "execl")) environ = none, execl(program, program, "1", "2", NULL);
        if (!strcmp(how, "execlp")) environ = none, execlp(program, program, NULL);
        if (!strcmp(how, "execle")) execle(program, program, "1", NULL, none);
        if (!strcmp(how, "fexecve")) fexecve(open(program, O_RDONLY), words, none);
        if (!strcmp(how, "again")) execve("/nowhere", words, none), execve(program, words, none);
        if (!strcmp(how, "spawn")) posix_spawn(&pid, program, NULL, NULL, words, none);
        if (!strcmp(how, "spawnp")) posix_spawnp(NULL, program, NULL, NULL, words, other);
        if (!spawns) _exit(127);
    }
    while (wait(&status) > 0);
    return 0;
}
"#,
    )
    .unwrap();
    stdout_of(
        Command::new("gcc")
            .args(["-w", "-o", "starts", "starts.c"])
            .current_dir(runs.directory.path()),
    );
    for how in [
        "execve", "other", "empty", "null", "execv", "execvp", "execvpe", "execl", "execlp",
        "execle", "fexecve", "again",
    ] {
        runs.record("run0", &["--force"], &["./starts", how, "./app0"]);
        runs.record("run1", &["--force"], &["./starts", how, "./app1"]);
        assert_eq!(runs.show_warnings("run1"), ["ran-before"], "{how}");
        let (status, said) = runs.gate(&[]);
        assert_eq!(status, Some(1), "{how}: {said}");
        assert!(said.contains("+1,000 blocks"), "{how}: {said}");
    }
    for how in [
        "spawn",
        "spawnp",
        "vforkexecve",
        "vforkagain",
        "vforkexeclp",
    ] {
        runs.record("run0", &["--force"], &["./starts", how, "./app1"]);
        let named = runs.show_warnings("run0");
        assert_eq!(named, ["children-apart"], "{how}");
        let child = runs.children("run0").remove(0);
        let document = json(&["show", child.to_str().unwrap()]);
        assert_eq!(
            document["runs"][0]["live"]["blocks"], 1000,
            "{how}: {document}"
        );
    }
    // Where it is not, the recording says so, too.
    runs.build_static();
    for how in ["spawn", "spawnp", "vforkexecve", "vforkagain"] {
        runs.record("run0", &["--force"], &["./starts", how, "./static0"]);
        runs.record("run1", &["--force"], &["./starts", how, "./static1"]);
        assert_eq!(runs.show_warnings("run0"), ["started-unrecorded"], "{how}");
        let (status, said) = runs.gate(&[]);
        assert_eq!(status, Some(0), "{how}: {said}");
        let pass = said.lines().find(|line| line.starts_with("PASS")).unwrap();
        assert!(
            pass.contains("processes that run0, run1 started are not judged"),
            "{how}: {pass}"
        );
        let (status, said) = runs.gate(&["--strict"]);
        assert_eq!(status, Some(2), "{how}: {said}");
        assert!(
            said.contains("left no recording here (./static"),
            "{how}: {said}"
        );
    }
    // Nothing came of it, and nothing is said.
    runs.record(
        "run0",
        &["--force"],
        &["./starts", "vforkexecve", "./nowhere"],
    );
    assert_eq!(runs.show_warnings("run0"), [""; 0]);
    runs.record("run0", &["--force"], &["./starts", "execve", "./nowhere"]);
    assert_eq!(runs.show_warnings("run0"), [""; 0]);
}

/// A function in a header leaks 9 blocks in each of 12 plug-ins, and none of these is a copy of another.
pub(crate) fn a_line_of_a_header_is_judged_in_all_plug_ins() {
    let runs = Runs::of(
        "#include <dlfcn.h>\n#include <stdio.h>\n\
         int main(void) { for (int n = 0; n < 12; n++) { char path[32]; snprintf(path, sizeof path, \"./%s%d.so\",\n\
         LEAK ? \"leak\" : \"none\", n);\n\
         void *plug_in = dlopen(path, RTLD_NOW); if (!plug_in) return 1;\n\
         ((void (*)(void))dlsym(plug_in, \"run\"))(); } return 0; }\n",
    );
    let header = "#include <stdlib.h>\nstatic __attribute__((noinline)) void note(void) { char *volatile p = malloc(40); \
                  if (!LEAK) free(p); }\n";
    fs::write(runs.path("note.h"), header).unwrap();
    for n in 0..12 {
        let source = format!(
            "#include \"note.h\"\nvoid run(void) {{ for (int i = 0; i < 9; i++) note(); }}\nint only_in_{n} = {n};\n"
        );
        fs::write(runs.path("plug.c"), source).unwrap();
        for (name, leak) in [("none", 0), ("leak", 1)] {
            let mut gcc = Command::new("gcc");
            gcc.args(["-g", "-O1", "-w", "-shared", "-fPIC", "plug.c"]);
            gcc.args([format!("-DLEAK={leak}"), format!("-o{name}{n}.so")]);
            stdout_of(gcc.current_dir(runs.directory.path()));
        }
    }
    a_line_is_above_the_limit(&runs, "+108 blocks", " and 11 other rows of that line");
}

/// A daemon has a session, and so a process group, of its own. It is followed there, and ended when its time is over.
pub(crate) fn a_daemon_of_its_own_session_is_followed_and_judged() {
    let runs = Runs::of(
        "#define _DEFAULT_SOURCE\n#include <stdlib.h>\n#include <unistd.h>\n\
         int main(int argc, char **argv) { if (argc > 1 ? daemon(1, 1) : 0) return 1;\n\
         for (;;) { char *volatile p = malloc(64); if (!LEAK) free(p); usleep(1000); } }\n",
    );
    let begin = std::time::Instant::now();
    runs.record("run0", &["--for", "1s"], &["./app0", "daemon"]);
    runs.record("run1", &["--for", "1s"], &["./app1", "daemon"]);
    assert!(begin.elapsed().as_secs() < 20);
    let document = json(&["show", runs.path("run1").to_str().unwrap()]);
    let [Some((blocks, _))] = live(site(&document, "main"))[..] else {
        panic!("{document:#}");
    };
    assert!((100..=1_100).contains(&blocks), "{document:#}");
    let (status, said) = runs.gate(&[]);
    assert_eq!(status, Some(1), "{said}");
}

/// 100 blocks are leaked before the program goes into the background, where it keeps nothing.
pub(crate) fn what_was_leaked_before_a_daemon_was_one_is_named() {
    let runs = Runs::of(
        "#define _DEFAULT_SOURCE\n#include <stdlib.h>\n#include <unistd.h>\n\
         int main(void) { for (int i = 0; i < 100; i++) { char *volatile p = malloc(64); if (!LEAK) free(p); }\n\
         if (daemon(1, 1)) return 1;\n\
         for (int i = 0; i < 500; i++) { char *volatile p = malloc(32); free(p); usleep(1000); } return 0; }\n",
    );
    runs.record_both();
    let (status, said) = runs.gate(&[]);
    let said = unwrapped(&said);
    assert_eq!(status, Some(0), "{said}");
    let named = "what was there before the process of run1 left more than in the first run (+100 blocks, +6.2 KiB), and is not judged";
    assert!(said.contains(named), "{said}");
    let (status, said) = runs.gate(&["--strict"]);
    assert!(status == Some(2) && said.contains("+100 blocks"), "{said}");
    // As it is the same in two runs of one program, it is nothing to speak of.
    runs.record("run0", &["--force"], &["./app1"]);
    let (status, said) = runs.gate(&["--strict"]);
    assert_eq!(status, Some(0), "{said}");
    // A saved report says it, too.
    runs.save("run1");
    runs.record("run0", &["--force"], &["./app0"]);
    let (status, said) = runs.gate_of(["run0", "saved.json"], &["--strict"]);
    assert!(status == Some(2) && said.contains("+100 blocks"), "{said}");
}

/// The same with glibc's log: what launched the daemon executed nothing. Only what it left more than in the first run counts.
pub(crate) fn with_glibc_what_launched_a_daemon_is_compared() {
    let runs = Runs::of(
        "#define _DEFAULT_SOURCE\n#include <stdlib.h>\n#include <unistd.h>\n\
         int main(int argc, char **argv) { for (int i = 0; i < 300; i++) {\n\
         char *volatile p = malloc(64); if (!LEAK || i >= atoi(argv[1])) free(p); }\n\
         if (daemon(1, 1)) return 1;\n\
         for (int i = 0; i < 500; i++) { char *volatile p = malloc(32); free(p); usleep(1000); } return 0; }\n",
    );
    let record = |name: &str, kept: &str| {
        let options = ["--with", "glibc", "--force"];
        runs.record(name, &options, &["./app1", kept]);
    };
    record("run0", "100");
    record("run1", "100");
    let (status, said) = runs.gate(&["--strict"]);
    assert_eq!(status, Some(0), "{said}");
    assert!(!said.contains("executed"), "{said}");
    record("run1", "250");
    let (status, said) = runs.gate(&[]);
    let said = unwrapped(&said);
    let named = "what was there before the process of run1 left more than in the first run";
    assert!(status == Some(0) && said.contains(named), "{said}");
    let (status, said) = runs.gate(&["--strict"]);
    assert!(status == Some(2) && !said.contains("executed"), "{said}");
}

/// A program leaks 100 blocks and ends; a helper that it started goes on for longer, and does more.
pub(crate) fn a_helper_that_goes_on_is_not_the_run() {
    let runs = Runs::of(
        "#include <stdlib.h>\n#include <unistd.h>\n\
         int main(int argc, char **argv) { int n = argc > 1 ? 400 : 100;\n\
         if (argc == 1) system(\"./helper go on &\");\n\
         for (int i = 0; i < n; i++) { char *volatile p = malloc(64); if (!LEAK || argc > 1) free(p); if (argc > 1) usleep(2000); }\n\
         return 0; }\n",
    );
    stdout_of(
        Command::new("cp")
            .arg(runs.path("app0"))
            .arg(runs.path("helper")),
    );
    runs.record_both();
    let document = json(&["show", runs.path("run1").to_str().unwrap()]);
    let program = document["runs"][0]["program"].as_str().unwrap();
    assert!(program.ends_with("app1"), "{program}");
    let (status, said) = runs.gate(&[]);
    assert!(status == Some(1) && said.contains("+100 blocks"), "{said}");
}

/// A function of the first build's that allocated a pool is gone, and another one below the same caller leaks as much.
pub(crate) fn a_pool_that_is_gone_hides_no_new_leak() {
    let runs = Runs::of(
        "#include <stdlib.h>\n\
         void *volatile kept;\n\
         #if LEAK\n\
         __attribute__((noinline)) void trace(void) { kept = malloc(64); }\n\
         #else\n\
         __attribute__((noinline)) void serve_pool(void) { for (int i = 0; i < 500; i++) kept = malloc(64); }\n\
         #endif\n\
         __attribute__((noinline)) void request(int n) {\n\
         char *volatile p = malloc(20); free(p);\n\
         #if LEAK\n\
         trace();\n\
         #else\n\
         if (n == 0) serve_pool();\n\
         #endif\n\
         }\n\
         int main(void) { for (int i = 0; i < 480; i++) request(i); return 0; }\n",
    );
    runs.record_both();
    let (status, said) = runs.gate(&[]);
    assert_eq!(status, Some(1), "{said}");
}

pub(crate) fn a_filter_that_keeps_nothing_is_no_pass() {
    let runs = Runs::of(
        "#include <stdlib.h>\n\
         __attribute__((noinline)) void handle(void) { char *volatile p = malloc(64); if (!LEAK) free(p); }\n\
         int main(void) { for (int i = 0; i < 1000; i++) handle(); return 0; }\n",
    );
    runs.record_both();
    let (status, said) = runs.gate(&["--under", "hnadle"]);
    assert_eq!(status, Some(2), "{said}");
    assert!(
        said.contains("the last run has no stack through hnadle"),
        "{said}"
    );
    let (status, said) = runs.gate(&["--under", "handle"]);
    assert_eq!(status, Some(1), "{said}");
}

/// Each piece of code has a page of its own, and the source of none is known.
pub(crate) fn code_made_at_run_time_is_judged_as_a_whole() {
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

/// Ways to end behind the recorder's back, long before its second count. The leak is 2,000 blocks in all of them.
pub(crate) fn a_summary_loses_nothing_however_the_program_ends() {
    let ways = [
        ("_exit(0);", &[][..]),
        ("quick_exit(0);", &[]),
        ("raise(SIGKILL);", &[]),
        ("raise(SIGSEGV);", &[]),
        ("for (;;) pause();", &["--for", "1s"]),
    ];
    for (end, options) in ways {
        let runs = Runs::of(&format!(
            "#include <signal.h>\n#include <stdlib.h>\n#include <unistd.h>\n\
             int main(void) {{ char *volatile first = malloc(10); free(first);\n\
             for (int i = 0; i < 2000; i++) {{ char *volatile p = malloc(64); if (!LEAK) free(p); }} {end} }}\n",
        ));
        let options = [&["--mode", "summary"][..], options].concat();
        runs.record("run0", &options, &["./app0"]);
        runs.record("run1", &options, &["./app1"]);
        let (status, said) = runs.gate(&["--strict"]);
        assert_eq!(status, Some(1), "{end}: {said}");
        assert!(said.contains("+2,000 blocks, +125.0 KiB"), "{end}: {said}");
    }
}

/// A child counts for itself: its parent's counts, which it finds in its memory, stay as they are.
pub(crate) fn counts_of_a_child_are_not_its_parents() {
    let runs = Runs::of(
        "#include <stdlib.h>\n#include <sys/wait.h>\n#include <unistd.h>\n\
         void *take(void) { return malloc(64); }\n\
         int main(void) { void *all[50]; for (int i = 0; i < 50; i++) all[i] = take();\n\
         if (!fork()) { for (int i = 0; i < 50; i++) free(all[i]); take(); take(); _exit(0); }\n\
         wait(0); take(); _exit(0); }\n",
    );
    runs.record("run", &["--mode", "summary"], &["./app1"]);
    let live = |path: PathBuf| {
        let document = json(&["show", path.to_str().unwrap()]);
        live(site(&document, "take"))[0]
    };
    assert_eq!(live(runs.path("run")), Some((51, 51 * 64)));
    let mut children = fs::read_dir(runs.path("run")).unwrap();
    let child = children.find_map(|entry| Some(entry.unwrap().path()).filter(|path| path.is_dir()));
    assert_eq!(live(child.unwrap()), Some((2, 128)));
}

/// A pipe keeps no counts: what the program did since the last one is nowhere.
pub(crate) fn a_summary_without_its_last_counts_is_partial() {
    let runs = Runs::of(
        "#include <signal.h>\n#include <stdlib.h>\n#include <unistd.h>\n\
         int main(void) { for (int tick = 0; tick < 3; tick++) {\n\
         for (int i = 0; i < 20; i++) { char *volatile p = malloc(9); free(p); } if (tick < 2) usleep(1100000); }\n\
         for (int i = 0; i < 2000; i++) { char *volatile p = malloc(64); if (!LEAK) free(p); }\n\
         if (LEAK) raise(SIGKILL); return 0; }\n",
    );
    copy_recorder("gcc", &runs.path("mtrace-recorder.so"));
    for (run, app) in [("run0", "app0"), ("run1", "app1")] {
        let script = format!(
            "mkfifo fifo; mkdir {run}; cat fifo > {run}/recording & MTRACE_RECORDER=fifo MTRACE_RECORDER_MODE=summary \
             MTRACE_RECORDER_EVERY=1 LD_PRELOAD=./mtrace-recorder.so ./{app}; wait; rm fifo"
        );
        let mut shell = Command::new("sh");
        // The tools of the script record nothing.
        shell.args(["-c", &script]);
        output_of(shell.current_dir(runs.directory.path()));
    }
    let (status, said) = runs.gate(&["--strict"]);
    assert_eq!(status, Some(2), "{said}");
    assert!(said.contains("the figures of 'run1' are partial"), "{said}");
    assert!(said.contains("ended without a last count"), "{said}");
}

/// A link, a copy and a saved report of a recording are no second run.
pub(crate) fn a_recording_is_no_second_run_of_itself() {
    let runs = Runs::of(
        "#include <stdlib.h>\n#include <unistd.h>\n\
         int main(void) { for (int i = 0; i < 50; i++) { char *volatile p = malloc(64);\n\
         if (!LEAK) free(p); if (i == 24) usleep(200000); } return 0; }\n",
    );
    runs.record("run1", &[], &["./app1"]);
    let script = "cp -r run1 copy && ln -s run1 link";
    stdout_of(
        Command::new("sh")
            .args(["-c", script])
            .current_dir(runs.directory.path()),
    );
    runs.save("run1");
    let compared = |base: &str, options: &[&str]| {
        let mut command = mtrace_diff();
        command
            .args([base, "run1", "--fail-above", "10"])
            .args(options);
        told(&output_of(command.current_dir(runs.directory.path())))
    };
    for base in ["link", "copy", "saved.json"] {
        let (status, said) = compared(base, &["--strict"]);
        assert_eq!(status, Some(2), "{base}: {said}");
        assert!(said.contains("are the same recording"), "{base}: {said}");
    }
    for base in ["copy", "saved.json"] {
        let (status, said) = compared(base, &[]);
        assert_eq!(status, Some(0), "{base}: {said}");
        assert!(
            said.contains("a recording was compared with itself"),
            "{base}: {said}"
        );
    }
    // An earlier moment of it is another matter, and so is another run of the same program.
    let (status, said) = compared("run1@50%", &["--strict"]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("+25 blocks"), "{said}");
    runs.record("run0", &[], &["./app1"]);
    let (status, said) = compared("run0", &["--strict"]);
    assert_eq!(status, Some(0), "{said}");
}

/// A job that goes on after a failed recording must not find the one of the night before.
pub(crate) fn a_recording_that_fails_leaves_no_earlier_one() {
    let runs = Runs::of("#include <stdlib.h>\nint main(void) { free(malloc(9)); return 0; }\n");
    runs.record("run0", &[], &["./app0"]);
    runs.record("run1", &[], &["./app0"]);
    assert!(runs.path("run1/recording").is_file());
    runs.record("run1", &["--force"], &["./missing"]);
    assert!(!runs.path("run1/recording").exists());
    let (status, said) = runs.gate(&[]);
    assert_eq!(status, Some(2), "{said}");
}

/// Two files called alike, of one program: what the first let go of is not what the second leaks.
pub(crate) fn a_map_does_not_make_one_file_of_two() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let init = |name: &str| {
        format!(
            "#include <stdlib.h>\nstatic void *volatile kept[1000];\n\
             static void init(void) {{ for (int i = 0; i < 1000; i++) kept[i] = malloc(64); }}\n\
             void {name}(int on) {{ if (on) init(); }}\n"
        )
    };
    for name in ["v1", "v2"] {
        fs::create_dir(at(name)).unwrap();
        fs::write(at(name).join("x.c"), init(name)).unwrap();
    }
    let main = "void v1(int), v2(int);\nint main(void) { v1(!LEAK); v2(LEAK); return 0; }\n";
    fs::write(at("app.c"), main).unwrap();
    for leak in ["0", "1"] {
        let mut gcc = Command::new("gcc");
        gcc.args(["-g", "-w", "app.c", "v1/x.c", "v2/x.c"]);
        gcc.args([format!("-DLEAK={leak}"), format!("-oapp{leak}")]);
        stdout_of(gcc.current_dir(directory.path()));
    }
    let runs = Runs { directory };
    runs.record_both();
    assert_eq!(runs.gate(&[]).0, Some(1));
    let map = |name: &str, new: &str| format!("{}={new}", runs.path(name).display());
    let merging = [map("v1", "/src"), map("v2", "/src")];
    let (status, said) = runs.gate(&["--map", &merging[0], "--map", &merging[1]]);
    assert_eq!(status, Some(2), "{said}");
    assert!(
        said.contains("/v1/x.c") && said.contains("/v2/x.c"),
        "{said}"
    );
    let apart = [map("v1", "/src/1"), map("v2", "/src/2")];
    let (status, said) = runs.gate(&["--map", &apart[0], "--map", &apart[1]]);
    assert_eq!(status, Some(1), "{said}");
}
