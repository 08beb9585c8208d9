//! The recorder under real programs, from `record` to the row of a table.
//!
//! What is expected stands beside each scene of `testdata/src/recorded.c`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::built::{copy_recorded, copy_recorder};
use crate::common::{
    has_tool, json, line_of, live, mtrace_diff, output_of, site, stdout_of, testdata,
};
use crate::gate::Runs;

/// The traced program, built, in a directory of its own.
pub(crate) struct Scene {
    directory: TempDir,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        copy_recorded(&directory.path().join("app"));
        Scene { directory }
    }

    pub(crate) fn gcc(&self, options: &[&str], source: &Path) {
        stdout_of(
            Command::new("gcc")
                .args(options)
                .arg(source)
                .arg("-ldl")
                .current_dir(self.directory.path()),
        );
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Runs `record -o NAME OPTIONS -- ./app SCENE`.
    fn record(&self, name: &str, options: &[&str], scene: &[&str]) -> Output {
        let mut command = mtrace_diff();
        command
            .arg("record")
            .arg("-o")
            .arg(self.path(name))
            .args(options);
        command.arg("--").arg(self.path("app")).args(scene);
        output_of(command.current_dir(self.directory.path()))
    }

    fn recorded(&self, name: &str, options: &[&str], scene: &[&str]) -> Value {
        let output = self.record(name, options, scene);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{}: {said}", output.status);
        self.show(name)
    }

    pub(crate) fn show(&self, name: &str) -> Value {
        json(&["show", self.path(name).to_str().unwrap(), "--by", "line"])
    }
}

/// Live blocks and bytes of the row at the line that holds a mark.
pub(crate) fn at_mark(document: &Value, mark: &str) -> (u64, u64) {
    let line = line_of("recorded.c", &format!("/* {mark} */"));
    let sites = document["sites"].as_array().unwrap().iter();
    let mut sites = sites.filter(|site| site["line"].as_u64() == Some(line));
    let site = sites
        .next()
        .unwrap_or_else(|| panic!("no row for {mark} at {line}: {document:#}"));
    assert!(sites.next().is_none(), "{mark}: {document:#}");
    live(site)[0].unwrap()
}

fn warnings(document: &Value) -> Vec<String> {
    let warnings = document["runs"][0]["warnings"].as_array().unwrap().iter();
    warnings
        .map(|w| w["code"].as_str().unwrap().to_owned())
        .collect()
}

pub(crate) fn figures_are_those_of_the_source() {
    let scene = Scene::new();
    for mode in ["events", "summary"] {
        let document = scene.recorded(mode, &["--mode", mode], &["count"]);
        assert_eq!(at_mark(&document, "session"), (10, 480), "{mode}");
        assert_eq!(at_mark(&document, "cache"), (3, 300), "{mode}");
        let scratch = site(&document, "scratch");
        assert_eq!(live(scratch), [Some((0, 0))], "{mode}");
        assert_eq!(scratch["runs"][0]["allocations"], 5, "{mode}");
        assert_eq!(warnings(&document), [""; 0], "{mode}");
    }
    // Without stacks, all of it stands at the wrapper.
    let document = scene.recorded("callers", &["--mode", "callers"], &["count"]);
    assert_eq!(live(site(&document, "xmalloc")), [Some((13, 780))]);
}

pub(crate) fn every_way_to_get_memory() {
    let scene = Scene::new();
    let document = scene.recorded("run", &[], &["ways"]);
    for (mark, bytes) in [
        ("malloc", 1),
        ("calloc", 16),
        ("realloc-new", 3),
        ("realloc-moved", 5000),
        ("reallocarray", 60),
        ("memalign", 6),
        ("aligned_alloc", 64),
        ("posix_memalign", 7),
        ("valloc", 8),
        ("pvalloc", 9),
        ("strdup", 13),
        ("survivor", 11),
    ] {
        assert_eq!(at_mark(&document, mark), (1, bytes), "{mark}");
    }
    assert_eq!(at_mark(&document, "asprintf").0, 1);
    let faults = stdout_of(
        mtrace_diff()
            .arg("show")
            .arg(scene.path("run"))
            .arg("--errors"),
    );
    assert!(faults.contains("ways"), "{faults}");
}

pub(crate) fn threads_and_their_frees() {
    let scene = Scene::new();
    let document = scene.recorded("run", &[], &["threads"]);
    assert_eq!(at_mark(&document, "in-thread"), (800, 12_800));
    assert_eq!(at_mark(&document, "for-thread"), (0, 0));
}

pub(crate) fn children_have_recordings_of_their_own() {
    let scene = Scene::new();
    let document = scene.recorded("run", &[], &["forks"]);
    assert_eq!(at_mark(&document, "session"), (2, 96));
    let children = fs::read_dir(scene.path("run")).unwrap();
    let children = children.map(|entry| entry.unwrap().path());
    let children: Vec<PathBuf> = children.filter(|path| path.is_dir()).collect();
    assert_eq!(children.len(), 2, "one forked, one executed: {children:?}");
    let sessions: Vec<Value> = children
        .iter()
        .map(|path| json(&["show", path.to_str().unwrap()]))
        .collect();
    let forked = sessions.iter().find(|document| {
        let mut sites = document["sites"].as_array().unwrap().iter();
        sites.any(|site| site["function"] == "session_open")
    });
    assert_eq!(at_mark(forked.unwrap(), "session"), (3, 144));
}

pub(crate) fn a_killed_program_loses_nothing() {
    let scene = Scene::new();
    let output = scene.record("run", &[], &["killed"]);
    assert_eq!(output.status.code(), Some(137));
    assert_eq!(at_mark(&scene.show("run"), "session"), (7, 336));
    let output = scene.record("left", &[], &["left"]);
    assert_eq!(output.status.code(), Some(5));
    assert_eq!(at_mark(&scene.show("left"), "session"), (4, 192));
}

pub(crate) fn closed_descriptors_harm_neither_side() {
    let scene = Scene::new();
    let own = scene.path("own.txt");
    let document = scene.recorded("run", &[], &["descriptors", own.to_str().unwrap()]);
    assert_eq!(fs::read_to_string(own).unwrap(), "its own");
    assert_eq!(at_mark(&document, "session"), (1, 48));
    let scratch = site(&document, "scratch");
    assert_eq!(scratch["runs"][0]["allocations"], 60_000);
    assert_eq!(warnings(&document), [""; 0]);
}

pub(crate) fn plugins_that_take_turns_keep_their_names() {
    let scene = Scene::new();
    for name in ["first", "second"] {
        let source = scene.path(&format!("{name}.c"));
        let text = format!(
            "#include <stdlib.h>\n__attribute__((noinline)) static void *{name}_block(void) {{ return malloc(24); }}\n\
             void *plugin_make(void) {{ void *p = {name}_block(); return (char *)p + 0; }}\n"
        );
        fs::write(&source, text).unwrap();
        let library = format!("lib{name}.so");
        scene.gcc(&["-O0", "-g", "-shared", "-fPIC", "-o", &library], &source);
    }
    let (first, second) = (scene.path("libfirst.so"), scene.path("libsecond.so"));
    let scenes = ["plugins", first.to_str().unwrap(), second.to_str().unwrap()];
    for mode in ["events", "callers", "summary"] {
        let document = scene.recorded(mode, &["--mode", mode], &scenes);
        for function in ["first_block", "second_block"] {
            let row = site(&document, function);
            assert_eq!(live(row), [Some((20, 480))], "{mode}");
        }
    }
}

pub(crate) fn handlers_that_allocate_break_nothing() {
    let scene = Scene::new();
    let document = scene.recorded("run", &[], &["signals"]);
    assert_eq!(at_mark(&document, "session"), (1, 48));
    assert_eq!(live(site(&document, "scratch")), [Some((0, 0))]);
}

/// Half a second of work, and a second of quiet at the end: no growth to the end, however the program ends.
pub(crate) fn a_quiet_end_belongs_to_the_run() {
    let runs = Runs::of(
        "#include <stdlib.h>\n#include <unistd.h>\n\
         char *volatile kept[300];\n\
         int main(int argc, char **argv) {\n\
         for (int i = 0; i < 300; i++) { kept[i] = malloc(40); usleep(1500); }\n\
         if (argc > 1) pause(); sleep(1); _exit(0); }\n",
    );
    for (name, options, command) in [
        ("ends", &[][..], &["./app0"][..]),
        ("asked", &["--for", "1500ms"], &["./app0", "wait"]),
    ] {
        runs.record(name, options, command);
        let at = runs.path(name);
        let document = json(&["show", at.to_str().unwrap()]);
        let row = &document["sites"][0];
        assert_eq!(live(row), [Some((300, 12_000))], "{name}");
        let curve = row["runs"][0]["curve"]["blocks"].as_array().unwrap();
        assert_eq!(curve[48], 300, "{name}: {curve:?}");
        assert!(curve[8].as_u64().unwrap() < 200, "{name}: {curve:?}");
    }
}

/// The clock is not read for each event. What is rare has its time all the same, and what is not is early by a few events.
pub(crate) fn events_behind_a_pause_have_their_time() {
    let runs = Runs::of(
        "#include <stdlib.h>\n#include <unistd.h>\n\
         char *volatile kept[90000]; int n;\n\
         int main(int c, char **v) { int each = atoi(v[1]);\n\
         for (int round = 0; round < 2; round++) { for (int i = 0; i < each; i++) kept[n++] = malloc(40); sleep(1); }\n\
         return 0; }\n",
    );
    for (each, early) in [(100, 0), (20_000, 15)] {
        let argument = each.to_string();
        runs.record("run", &["--force"], &["./app0", &argument]);
        for rounds in 1..=2u64 {
            // In the middle of the pause.
            let at = format!("{}@{}ms", runs.path("run").display(), rounds * 1000 - 500);
            let document = json(&["show", &at]);
            let blocks = live(&document["sites"][0])[0].unwrap().0;
            let kept = each * rounds;
            assert!(
                (kept..=kept + early).contains(&blocks),
                "{at}: {blocks} of {kept}"
            );
        }
    }
}

/// A daemon is the run, though the process that started it ended in order; and it can begin late, and be as long quiet as it
/// was busy.
pub(crate) fn a_process_that_began_late_ends_with_its_run() {
    let runs = Runs::of(
        "#include <stdlib.h>\n#include <unistd.h>\n\
         char *volatile kept[300];\n\
         int main(void) { kept[0] = malloc(40); sleep(1); if (fork()) _exit(0);\n\
         for (int i = 0; i < 300; i++) { kept[i] = malloc(40); usleep(1500); } pause(); }\n",
    );
    runs.record("run", &["--for", "2500ms"], &["./app0"]);
    let at = runs.path("run");
    let document = json(&["show", at.to_str().unwrap()]);
    let at_fork = document["sites"].as_array().unwrap();
    let curve = at_fork[0]["runs"][0]["curve"]["blocks"].as_array().unwrap();
    // Half a second of one and a half, of which 16 steps are 0.4 and 32 are 0.75. Of two and a half, 16 steps are 0.6.
    let blocks: Vec<u64> = curve.iter().map(|at| at.as_u64().unwrap()).collect();
    assert!(blocks[16] < 300 && blocks[32] == 300, "{blocks:?}");
}

/// A daemon that ends by itself is the run, too, whether the process that launched it allocated or not.
pub(crate) fn a_daemon_that_ends_by_itself_is_the_run() {
    let runs = Runs::of(
        "#include <stdlib.h>\n#include <unistd.h>\n\
         char *volatile kept[300]; int n;\n\
         void serve(void) { kept[n++] = malloc(40); usleep(2000); }\n\
         int main(int c, char **v) { if (c > 1) for (int i = 0; i < 20; i++) kept[i] = malloc(10);\n\
         if (daemon(1, 1) || (c < 2 && daemon(1, 1))) return 1;\n\
         while (n < 300) serve(); return 0; }\n",
    );
    for command in [&["./app0", "allocates"][..], &["./app0"]] {
        runs.record("run", &["--force"], command);
        let document = json(&["show", runs.path("run").to_str().unwrap()]);
        assert_eq!(
            live(site(&document, "serve")),
            [Some((300, 12_000))],
            "{command:?}"
        );
    }
}

/// uClibc's malloc calls itself, by the name that the recorder takes over: no event of the program is lost by that.
pub(crate) fn an_allocator_that_calls_itself_loses_nothing() {
    let runs = Runs::of(
        "#include <stdlib.h>\n\
         int main(void) { for (int i = 0; i < 100; i++) { char *volatile p = malloc(30); if (i % 2) free(p); } return 0; }\n",
    );
    let allocator = "#include <stddef.h>\n\
         void *__libc_malloc(size_t);\n\
         void *malloc(size_t n) { static int deep; void *(*volatile again)(size_t) = malloc;\n\
         if (deep) return __libc_malloc(n); deep = 1; void *p = again(n); deep = 0; return p; }\n";
    fs::write(runs.path("own.c"), allocator).unwrap();
    let own = ["-shared", "-fPIC", "-O2", "-o", "own.so", "own.c"];
    stdout_of(Command::new("gcc").args(own).current_dir(runs.path("")));
    copy_recorder("gcc", &runs.path("mtrace-recorder.so"));
    let mut by_hand = Command::new("./app0");
    by_hand.env("MTRACE_RECORDER", runs.path("log"));
    let preload = ["mtrace-recorder.so", "own.so"].map(|name| runs.path(name));
    by_hand.env("LD_PRELOAD", std::env::join_paths(preload).unwrap());
    stdout_of(by_hand.current_dir(runs.path("")));
    let said = stdout_of(
        mtrace_diff()
            .args(["show", "log"])
            .current_dir(runs.path("")),
    );
    assert!(said.contains("150 records · 50 blocks live"), "{said}");
    assert!(!said.contains("partial"), "{said}");
}

/// Coroutines and signal handlers run on stacks of a few KiB, and what lies below is not the recorder's.
pub(crate) fn a_narrow_stack_is_wide_enough() {
    let scene = Scene::new();
    for mode in ["events", "summary", "callers"] {
        let output = scene.record(mode, &["--mode", mode], &["narrow"]);
        assert!(output.status.success(), "{mode}: {output:?}");
        let document = scene.show(mode);
        let live = document["sites"]
            .as_array()
            .unwrap()
            .iter()
            .map(|site| live(site)[0].unwrap().0);
        assert_eq!(live.sum::<u64>(), 100, "{mode}");
    }
}

pub(crate) fn a_deep_stack_keeps_its_inner_end() {
    let scene = Scene::new();
    let document = scene.recorded("run", &["--depth", "8"], &["deep"]);
    assert_eq!(at_mark(&document, "session"), (1, 48));
}

pub(crate) fn cxx_is_shown_at_its_own_lines() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    fs::write(
        at("app.cc"),
        "#include <map>\n#include <string>\n#include <vector>\n#include <stdexcept>\n\
         static std::vector<std::string *> all;\n\
         __attribute__((noinline)) void add_user(int i) {\n\
         \x20 all.push_back(new std::string(100 + i % 3, 'x'));\n}\n\
         __attribute__((noinline)) int fails(int i) {\n\
         \x20 std::map<int, std::string> m; m[i] = std::string(50, 'y'); if (i % 2) throw std::runtime_error(m[i]);\n\
         \x20 return 0; }\n\
         int main() { all.reserve(100); for (int i = 0; i < 20; i++) { add_user(i); try { fails(i); } catch (...) {} } return 0; }\n",
    )
    .unwrap();
    stdout_of(
        Command::new("g++")
            .args(["-O1", "-g", "-o", "app", "app.cc"])
            .current_dir(directory.path()),
    );
    for mode in ["events", "callers"] {
        let output = output_of(
            mtrace_diff()
                .args(["record", "--mode", mode, "-o"])
                .arg(at(mode))
                .arg("--")
                .arg(at("app")),
        );
        assert!(output.status.success(), "{output:?}");
    }
    let document = json(&["show", at("events").to_str().unwrap(), "--by", "line"]);
    // A string and its text: both at the line that made them.
    let sites = document["sites"].as_array().unwrap().iter();
    let users: u64 = sites
        .filter(|site| {
            site["line"] == 7
                || site["function"]
                    .as_str()
                    .is_some_and(|f| f.starts_with("add_user"))
        })
        .map(|site| live(site)[0].unwrap().0)
        .sum();
    assert_eq!(users, 40);
    let fails = document["sites"].as_array().unwrap().iter();
    let fails: u64 = fails
        .filter(|site| {
            site["function"]
                .as_str()
                .is_some_and(|f| f.starts_with("fails"))
        })
        .map(|site| live(site)[0].unwrap().0)
        .sum();
    assert_eq!(fails, 0);
    // Without stacks, `new` is still passed through to its caller.
    let document = json(&["show", at("callers").to_str().unwrap(), "--by", "function"]);
    let users = document["sites"].as_array().unwrap().iter();
    let users: u64 = users
        .filter(|site| {
            site["function"]
                .as_str()
                .is_some_and(|f| f.starts_with("add_user"))
        })
        .map(|site| live(site)[0].unwrap().0)
        .sum();
    assert!(users >= 20, "{document:#}");
}

/// A program in C loads a plug-in in C++ for itself alone, as python3 loads its modules.
pub(crate) fn a_plugin_may_bring_the_cxx_library_along() {
    let scene = Scene::new();
    fs::write(
        scene.path("plugin.cc"),
        "#include <string>\nstruct Part { char text[100]; };\n\
         extern \"C\" __attribute__((noinline)) void *one_part() { return new Part; }\n\
         extern \"C\" __attribute__((noinline)) void *two_parts() { return new Part[2]; }\n",
    )
    .unwrap();
    fs::write(
        scene.path("host.c"),
        "#include <dlfcn.h>\ntypedef void *(*maker)(void);\n\
         int main(void) { void *p = dlopen(\"./plugin.so\", RTLD_NOW | RTLD_LOCAL); if (!p) return 3;\n\
         void *volatile one = ((maker)dlsym(p, \"one_part\"))(), *volatile two = ((maker)dlsym(p, \"two_parts\"))();\n\
         return !one || !two; }\n",
    )
    .unwrap();
    stdout_of(
        Command::new("g++")
            .args(["-O1", "-g", "-shared", "-fPIC", "-o", "plugin.so"])
            .arg("plugin.cc")
            .current_dir(scene.directory.path()),
    );
    scene.gcc(&["-g", "-o", "host"], &scene.path("host.c"));
    for mode in ["events", "callers", "summary"] {
        let mut command = mtrace_diff();
        command.args(["record", "--mode", mode, "-o", mode, "--", "./host"]);
        let output = output_of(command.current_dir(scene.directory.path()));
        assert_eq!(output.status.code(), Some(0), "{mode}: {output:?}");
        let document = scene.show(mode);
        for (function, bytes) in [("one_part", 100), ("two_parts", 200)] {
            let sites = document["sites"].as_array().unwrap().iter();
            let mut named = sites.filter(|site| site["function"] == function);
            assert_eq!(live(named.next().unwrap()), [Some((1, bytes))], "{mode}");
        }
    }
}

pub(crate) fn a_run_is_ended_as_it_was_asked() {
    let scene = Scene::new();
    let begin = Instant::now();
    let output = scene.record("run", &["--for", "300ms"], &["daemon"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(begin.elapsed() >= Duration::from_millis(300));
    assert_eq!(at_mark(&scene.show("run"), "session"), (3, 144));
    let facts: Value =
        serde_json::from_slice(&fs::read(scene.path("run/run.json")).unwrap()).unwrap();
    assert_eq!(facts["ended"], "asked");
    assert!(facts["duration_s"].as_f64().unwrap() >= 0.3);
    let output = scene.record(
        "stubborn",
        &["--for", "100ms", "--grace", "100ms"],
        &["stubborn"],
    );
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(at_mark(&scene.show("stubborn"), "session"), (1, 48));
    let facts: Value =
        serde_json::from_slice(&fs::read(scene.path("stubborn/run.json")).unwrap()).unwrap();
    assert_eq!(facts["ended"], "killed");
}

pub(crate) fn two_runs_and_their_comparison_are_one_command() {
    let scene = Scene::new();
    let output = output_of(
        mtrace_diff()
            .args(["record", "--runs", "200ms,400ms", "--then-diff", "-q", "-o"])
            .arg(scene.path("captures"))
            .arg("--")
            .arg(scene.path("app"))
            .arg("daemon"),
    );
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success() && text.contains("No call site grew"),
        "{text}"
    );
    assert!(scene.path("captures/run1/recording").is_file());
}

pub(crate) fn what_cannot_be_recorded_is_said() {
    let scene = Scene::new();
    let fails = |name: &str, program: &Path, needle: &str| {
        let output = output_of(
            mtrace_diff()
                .args(["record", "-o"])
                .arg(scene.path(name))
                .arg("--")
                .arg(program),
        );
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(needle), "{said}");
        assert!(!scene.path(name).join("recording").exists());
    };
    fails("a", &scene.path("nothing"), "there is no program");
    fails(
        "a",
        Path::new("no-such-program-anywhere"),
        "there is no program",
    );
    fs::write(scene.path("text"), "text").unwrap();
    fails("a", &scene.path("text"), "not executable");
    fails("a", scene.directory.path(), "is a directory");
    let script = |name: &str, text: &str| {
        fs::write(scene.path(name), text).unwrap();
        fs::set_permissions(scene.path(name), PermissionsExt::from_mode(0o755)).unwrap();
        scene.path(name)
    };
    for (name, text, needle) in [
        ("line", "exec ./app\n", "record the shell"),
        ("empty", "", "it is no program"),
        (
            "shell",
            "#!/nowhere/sh -e\n",
            "asks for '/nowhere/sh', which is not",
        ),
    ] {
        fails("b", &script(name, text), needle);
        // Nothing stays that looks like a run, or is in the way of the next one.
        assert!(!scene.path("b").exists(), "{name}");
    }
    let source = testdata().join("src/recorded.c");
    scene.gcc(
        &["-O1", "-w", "-static", "-pthread", "-o", "static"],
        &source,
    );
    fails("a", &scene.path("static"), "linked statically");
    fs::create_dir(scene.path("full")).unwrap();
    fs::write(scene.path("full/notes"), "mine").unwrap();
    fails("full", &scene.path("app"), "not empty");
    let forced = scene.record("full", &["--force"], &["count"]);
    assert_eq!(forced.status.code(), Some(2));
    assert!(scene.path("full/notes").exists());
    scene.recorded("again", &[], &["count"]);
    assert_eq!(
        scene.record("again", &[], &["count"]).status.code(),
        Some(2)
    );
    assert!(
        scene
            .record("again", &["--force"], &["count"])
            .status
            .success()
    );
}

pub(crate) fn a_log_that_may_not_grow_ends_and_says_so() {
    let scene = Scene::new();
    let own = scene.path("own.txt");
    let output = scene.record(
        "run",
        &["--max-log", "1"],
        &["descriptors", own.to_str().unwrap()],
    );
    assert!(output.status.success());
    let small = fs::metadata(scene.path("run/recording")).unwrap().len();
    assert!(small <= 1 << 20, "{small}");
    let whole = scene.recorded("whole", &[], &["descriptors", own.to_str().unwrap()]);
    let has_stopped = warnings(&scene.show("run")).contains(&"recording-stopped".to_owned());
    let needed = fs::metadata(scene.path("whole/recording")).unwrap().len();
    assert_eq!(has_stopped, needed > 1 << 20, "{needed}");
    assert_eq!(warnings(&whole), [""; 0]);
}

/// Where a file may not grow, a signal ends who writes nevertheless.
pub(crate) fn a_limit_for_files_ends_the_recording_alone() {
    let scene = Scene::new();
    let source = "#include <stdlib.h>\n#include <unistd.h>\n\
        int main(void) { for (int i = 0; i < 300000; i++) { char *p = malloc(16 + i % 97); p[0] = 1; if (i % 3) free(p); }\n\
        return write(1, \"done\", 4) == 4 ? 7 : 1; }\n";
    fs::write(scene.path("busy.c"), source).unwrap();
    scene.gcc(&["-g", "-o", "busy"], &scene.path("busy.c"));
    for (limit, mode, stops) in [(400, "events", true), (400, "summary", false)] {
        let line = format!(
            "ulimit -f {limit}; exec {} record --force -o run --mode {mode} -- ./busy",
            env!("CARGO_BIN_EXE_mtrace-diff")
        );
        let mut shell = Command::new("bash");
        let output = output_of(
            shell
                .args(["-c", &line])
                .current_dir(scene.directory.path()),
        );
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let case = format!("{limit} KiB, {mode}: {said}");
        assert_eq!(output.stdout, b"done", "{case}");
        assert_eq!(output.status.code(), Some(7), "{case}");
        let is_said = said.contains("the recording ended before the program did");
        assert_eq!(is_said, stops, "{case}");
        fs::remove_dir_all(scene.path("run")).unwrap();
    }
}

pub(crate) fn a_recording_becomes_an_mtrace_log() {
    let scene = Scene::new();
    let document = scene.recorded("run", &[], &["ways"]);
    let log = scene.path("ways.log");
    stdout_of(
        mtrace_diff()
            .args(["convert", "--to", "mtrace"])
            .arg(scene.path("run"))
            .arg("-o")
            .arg(&log),
    );
    let converted = json(&["show", log.to_str().unwrap()]);
    let blocks = |document: &Value| document["runs"][0]["live"]["blocks"].as_u64().unwrap();
    let bytes = |document: &Value| document["runs"][0]["live"]["bytes"].as_u64().unwrap();
    assert_eq!(
        (blocks(&converted), bytes(&converted)),
        (blocks(&document), bytes(&document))
    );
    if has_tool("mtrace") {
        let output = output_of(Command::new("mtrace").arg(scene.path("app")).arg(&log));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let listed = text.lines().filter(|line| line.starts_with("0x")).count();
        assert_eq!(listed as u64, blocks(&document), "{text}");
    }
}

pub(crate) fn a_pipe_takes_a_recording() {
    let scene = Scene::new();
    let fifo = scene.path("fifo");
    stdout_of(Command::new("mkfifo").arg(&fifo));
    let library = scene.path("recorder.so");
    copy_recorder("gcc", &library);
    let reader = Command::new("cat")
        .arg(&fifo)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let status = Command::new(scene.path("app"))
        .arg("count")
        .env("LD_PRELOAD", &library)
        .env("MTRACE_RECORDER", &fifo)
        .status()
        .unwrap();
    assert!(status.success());
    let log = reader.wait_with_output().unwrap().stdout;
    fs::write(scene.path("log"), log).unwrap();
    let document = scene.show("log");
    assert_eq!(at_mark(&document, "session"), (10, 480));
}

pub(crate) fn one_run_is_compared_with_itself() {
    let scene = Scene::new();
    scene.recorded("run", &["--for", "400ms"], &["daemon"]);
    let run = scene.path("run");
    let early = format!("{}@100ms", run.display());
    let document = json(&[&early, run.to_str().unwrap()]);
    assert_eq!(
        live(site(&document, "session_open")),
        [Some((2, 96)), Some((3, 144))]
    );
    let late = output_of(mtrace_diff().arg(format!("{}@1h", run.display())).arg(&run));
    assert_eq!(late.status.code(), Some(2));
}

pub(crate) fn the_recorder_is_built_for_other_machines() {
    let scene = Scene::new();
    let built = stdout_of(
        mtrace_diff()
            .args(["recorder", "--build", "gcc", "-o"])
            .arg(scene.path("out")),
    );
    let library = PathBuf::from(built.trim());
    assert!(library.is_file() && fs::metadata(&library).unwrap().permissions().mode() & 0o100 != 0);
    // Beside it is what runs a program under it.
    let script = scene.path("out/capture.sh");
    let shipped = include_str!("../../scripts/capture.sh");
    assert_eq!(fs::read_to_string(&script).unwrap(), shipped);
    assert!(fs::metadata(&script).unwrap().permissions().mode() & 0o100 != 0);
    let source = stdout_of(mtrace_diff().args(["recorder", "--source"]));
    assert!(source.starts_with("/* mtrace-recorder:"));
    let nothing = scene.path("nothing");
    let mut command = mtrace_diff();
    command.args(["recorder", "--build", "no-such-gcc", "-o"]);
    let output = output_of(command.arg(&nothing));
    assert_eq!(output.status.code(), Some(2));
    assert!(!nothing.exists());
}
