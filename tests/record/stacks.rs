//! Which line of a stack a row names, in recordings of programs whose sources say what leaks where.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::built::copy_recorder;
use crate::common::{comparing, json, line_of, live, mtrace_diff, output_of, stdout_of, testdata};

/// A directory with programs, and recordings of them.
pub(crate) struct Bench {
    directory: TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Bench {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn build(&self, compiler: &[&str], name: &str, source: &Path, libraries: &[&str]) {
        let mut command = Command::new(compiler[0]);
        command.args(&compiler[1..]).args(["-g", "-w", "-o"]);
        command.arg(self.path(name)).arg(source).args(libraries);
        stdout_of(&mut command);
    }

    /// Compiles `testdata/src/wrapped.c`.
    pub(crate) fn wrapped(&self, name: &str, options: &[&str]) {
        let source = testdata().join("src/wrapped.c");
        let compiler: Vec<&str> = ["gcc"].iter().chain(options).copied().collect();
        self.build(&compiler, name, &source, &["-ldl"]);
    }

    pub(crate) fn record(&self, name: &str, options: &[&str], program: &[&str]) -> String {
        let mut command = mtrace_diff();
        command
            .arg("record")
            .arg("-o")
            .arg(self.path(name))
            .args(options);
        command
            .arg("--")
            .arg(self.path(program[0]))
            .args(&program[1..]);
        // Else GLib takes the blocks of its lists from larger ones.
        command.env("G_SLICE", "always-malloc");
        stdout_of(command.current_dir(self.directory.path()));
        self.path(name).to_str().unwrap().to_owned()
    }
}

/// The one row at the line of a mark; what each run has of it.
fn row<'a>(document: &'a Value, source: &str, mark: &str) -> &'a Value {
    let line = line_of(source, &format!("/* {mark} */"));
    let sites = document["sites"].as_array().unwrap().iter();
    let mut rows = sites.filter(|site| {
        let file = site["file"].as_str();
        site["line"].as_u64() == Some(line) && file.is_some_and(|file| file.ends_with(source))
    });
    let row = rows
        .next()
        .unwrap_or_else(|| panic!("no row for {mark} at {line}: {document:#}"));
    assert!(rows.next().is_none(), "{mark} has two rows: {document:#}");
    row
}

/// Blocks and bytes of runs that leak so often, blocks of one size.
fn each(times: [u64; 2], size: u64) -> Live {
    times.map(|times| Some((times, times * size))).to_vec()
}

fn via(row: &Value) -> Vec<(&str, &str)> {
    let via = row["via"].as_array().unwrap().iter();
    via.map(|via| {
        (
            via["function"].as_str().unwrap(),
            via["by"].as_str().unwrap(),
        )
    })
    .collect()
}

/// The mark of a line, the size of its blocks, and the wrappers that it calls.
type Leak = (&'static str, u64, &'static [(&'static str, &'static str)]);

/// What each run has of a row: blocks and bytes.
type Live = Vec<Option<(u64, u64)>>;

/// Every line of `wrapped.c` that leaks, with the size of its blocks and the wrapper that it calls.
const LEAKS: [Leak; 8] = [
    ("in", 100, &[("xcalloc", "known")]),
    ("out", 100, &[("xcalloc", "known")]),
    ("net", 48, &[("mem_take", "learned")]),
    ("ui", 72, &[("mem_take", "learned")]),
    ("log", 88, &[("mem_take", "learned")]),
    ("leaf", 16, &[("xmalloc", "known")]),
    ("session", 24, &[("xmalloc", "known")]),
    ("plugin", 40, &[("plugin_alloc", "learned")]),
];

const PLUGIN: &str = "#include <stdlib.h>\n\
    __attribute__((noinline)) static void *plugin_alloc(size_t n) { char *p = malloc(n); p[0] = 1; return p; }\n\
    __attribute__((noinline)) void *other_a(void) { return plugin_alloc(8); }\n\
    __attribute__((noinline)) void *other_b(void) { return plugin_alloc(16); }\n\
    __attribute__((noinline)) void *plugin_add(void) {\n\
    free(other_a()); free(other_b());\n\
    return plugin_alloc(40); /* plugin */\n}\n";

/// Planted behind wrappers, in a program and a plugin, in two builds of which the second one is optimised: each leak is
/// one row, at its own line.
pub(crate) fn leaks_behind_wrappers() {
    let bench = Bench::new();
    bench.wrapped("first", &["-O0", "-DPLUGIN"]);
    bench.wrapped(
        "second",
        &["-O2", "-fno-optimize-sibling-calls", "-DPLUGIN"],
    );
    let source = bench.path("plugin.c");
    fs::write(&source, PLUGIN).unwrap();
    bench.build(
        &["gcc", "-O1", "-shared", "-fPIC"],
        "plugin.so",
        &source,
        &[],
    );
    let plugin = bench.path("plugin.so");
    let plugin = plugin.to_str().unwrap();
    let first = bench.record("run0", &[], &["first", "10", plugin]);
    let second = bench.record("run1", &[], &["second", "30", plugin]);
    let document = json(&[&first, &second]);
    for (mark, size, through) in LEAKS.into_iter().filter(|leak| leak.0 != "plugin") {
        let row = row(&document, "wrapped.c", mark);
        assert_eq!(live(row), each([10, 30], size), "{mark}");
        assert_eq!(via(row), through, "{mark}");
        assert_eq!(row["wrapper"], Value::Null, "{mark}");
    }
    let timer = row(&document, "wrapped.c", "timer");
    assert_eq!((live(timer), via(timer)), (each([20, 60], 40), Vec::new()));
    let name = row(&document, "wrapped.c", "first-name");
    assert_eq!(via(name), [("xstrdup", "known")]);
    assert_eq!(
        live(name)
            .iter()
            .flatten()
            .map(|live| live.0)
            .collect::<Vec<_>>(),
        [10, 30]
    );
    let sites = document["sites"].as_array().unwrap();
    let of_plugin = sites.iter().find(|site| site["function"] == "plugin_add");
    let of_plugin = of_plugin.unwrap_or_else(|| panic!("{document:#}"));
    assert_eq!(of_plugin["line"], 7);
    assert_eq!(
        (live(of_plugin), via(of_plugin)),
        (each([10, 30], 40), LEAKS[7].2.to_vec())
    );
    // As a log of glibc has it, all of that stands at the wrappers.
    let document = json(&[&first, &first, "--no-wrappers"]);
    let at = |function: &str| -> u64 {
        let sites = document["sites"].as_array().unwrap().iter();
        let of = sites.filter(|site| site["function"] == function);
        of.map(|site| live(site)[0].unwrap().0).sum()
    };
    assert_eq!(
        ["xmalloc", "xcalloc", "mem_take", "net_add"].map(at),
        [30, 20, 30, 0]
    );
    let document = json(&[&first, &first, "--no-wrappers", "--wrapper", "xm*oc"]);
    assert_eq!(
        live(row(&document, "wrapped.c", "session"))[0],
        Some((10, 240))
    );
    let timers = json(&[&first, &first, "--wrapper", "timer_new"]);
    for mark in ["on_timer", "on_poll"] {
        assert_eq!(
            via(row(&timers, "wrapped.c", mark)),
            [("timer_new", "given")]
        );
    }
}

/// A call that was put between, and one that was inlined: no leak is new, and none is gone.
pub(crate) fn changed_callers() {
    let bench = Bench::new();
    bench.wrapped("first", &["-O1"]);
    bench.wrapped("second", &["-O1", "-DSECOND"]);
    let first = bench.record("run0", &[], &["first", "10"]);
    let second = bench.record("run1", &[], &["second", "10"]);
    let document = json(&[&first, &second]);
    for site in document["sites"].as_array().unwrap() {
        assert_eq!(site["growth"]["blocks"], 0, "{site:#}");
    }
    let name = row(&document, "wrapped.c", "second-name");
    assert_eq!(
        (&name["function"], &name["matched_by"]),
        (&"session_name".into(), &"callers".into())
    );
    let gate = output_of(&mut comparing([&first, &second, "--fail-above", "0"]));
    assert_eq!(
        gate.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&gate.stdout)
    );
    // And the ways to a line are found again, too: nothing changed.
    let document = json(&[&first, &second, "--by", "stack"]);
    for site in document["sites"].as_array().unwrap() {
        assert_eq!(site["growth"]["blocks"], 0, "{site:#}");
    }
    // What leaks more in the second build does so at its own row, whatever else comes through that wrapper.
    let third = bench.record("run2", &[], &["second", "25"]);
    let document = json(&[&first, &third]);
    for (mark, size, _) in LEAKS.into_iter().filter(|leak| leak.0 != "plugin") {
        assert_eq!(
            live(row(&document, "wrapped.c", mark)),
            each([10, 25], size),
            "{mark}"
        );
    }
}

/// Programs of 32-bit ARM in Thumb code, whose stacks are walked by tables.
pub(crate) struct Board {
    pub bench: Bench,
    recorder: PathBuf,
}

impl Board {
    pub(crate) fn new() -> Self {
        let bench = Bench::new();
        let recorder = bench.path("mtrace-recorder.so");
        copy_recorder("arm-linux-gnueabihf-gcc", &recorder);
        Board { bench, recorder }
    }

    /// The root directory of its system.
    pub(crate) const ROOT: &'static str = "/usr/arm-linux-gnueabihf";

    /// Builds a program and records a run of it; libraries are those that it loads itself.
    pub(crate) fn record(
        &self,
        name: &str,
        compiler: &[&str],
        source: &Path,
        libraries: &[&Path],
        arguments: &[&str],
    ) -> String {
        let run = self.bench.path(name);
        fs::create_dir(&run).unwrap();
        let app = format!("{name}/app");
        let options = ["-mthumb", "-fno-optimize-sibling-calls"];
        let compiler = [compiler, &options[..]].concat();
        self.bench.build(&compiler, &app, source, &["-ldl"]);
        let table = self.bench.path("table");
        let mut command = mtrace_diff();
        command.args(["unwind-table", "-o"]).arg(&table);
        command.arg(self.bench.path(&app)).args(libraries);
        stdout_of(command.args(["--sysroot", Board::ROOT]));
        let mut command = Command::new("qemu-arm");
        command.args(["-L", Board::ROOT]);
        for (variable, value) in [
            ("LD_PRELOAD", &self.recorder),
            ("MTRACE_RECORDER", &run.join("log")),
            ("MTRACE_RECORDER_TABLE", &table),
        ] {
            command
                .arg("-E")
                .arg(format!("{variable}={}", value.display()));
        }
        let output = output_of(command.arg(self.bench.path(&app)).args(arguments));
        assert!(output.status.success(), "{output:?}");
        run.to_str().unwrap().to_owned()
    }
}

/// The same on 32-bit ARM; and in a plugin there.
pub(crate) fn on_arm() {
    let board = Board::new();
    let gcc = "arm-linux-gnueabihf-gcc";
    let source = testdata().join("src/wrapped.c");
    let plugin_source = board.bench.path("plugin.c");
    fs::write(&plugin_source, PLUGIN).unwrap();
    let of_plugin = [gcc, "-O1", "-mthumb", "-shared", "-fPIC"];
    board
        .bench
        .build(&of_plugin, "plugin.so", &plugin_source, &[]);
    let plugin = board.bench.path("plugin.so");
    let runs = [
        ("first", &[gcc, "-O0", "-DPLUGIN"][..], "10"),
        ("second", &[gcc, "-O1", "-DPLUGIN", "-DSECOND"], "30"),
    ];
    let runs = runs.map(|(name, compiler, times)| {
        let arguments = [times, plugin.to_str().unwrap()];
        board.record(name, compiler, &source, &[&plugin], &arguments)
    });
    let document = json(&[&runs[0], &runs[1], "--sysroot", Board::ROOT, "--stacks"]);
    for (mark, size, through) in LEAKS.into_iter().filter(|leak| leak.0 != "plugin") {
        // A pointer has four bytes.
        let size = if mark == "session" { 12 } else { size };
        let row = row(&document, "wrapped.c", mark);
        assert_eq!(live(row), each([10, 30], size), "{mark}");
        assert_eq!(via(row), through, "{mark}");
    }
    let name = row(&document, "wrapped.c", "second-name");
    assert_eq!(
        (&name["function"], &name["matched_by"]),
        (&"session_name".into(), &"callers".into())
    );
    let sites = document["sites"].as_array().unwrap().iter();
    let mut of_plugin = sites.filter(|site| site["function"] == "plugin_add");
    let of_plugin = of_plugin.next().unwrap_or_else(|| panic!("{document:#}"));
    let figures = (live(of_plugin), via(of_plugin));
    assert_eq!(of_plugin["line"], 7);
    assert_eq!(figures, (each([10, 30], 40), LEAKS[7].2.to_vec()));
    // The call of a caller, not the line behind it.
    let timer = &row(&document, "wrapped.c", "timer")["callers"]["branches"];
    for (branch, mark) in [(0, "on_poll"), (1, "on_timer")] {
        let nearest = &timer[branch]["frames"][0];
        assert_eq!(
            nearest["line"],
            line_of("wrapped.c", &format!("/* {mark} */"))
        );
        let main = &timer[branch]["frames"][1];
        assert_eq!(
            main["line"],
            line_of("wrapped.c", &format!("        {mark}();"))
        );
    }
}

/// The names of the callers of a branch, and its blocks.
fn branches(callers: &Value) -> Vec<(Vec<&str>, Vec<u64>)> {
    let branches = callers["branches"].as_array().unwrap().iter();
    branches
        .map(|branch| {
            let frames = branch["frames"].as_array().unwrap().iter();
            let names = frames.map(|frame| frame["function"].as_str().unwrap());
            let blocks = branch["blocks"].as_array().unwrap().iter();
            (
                names.collect(),
                blocks.map(|n| n.as_u64().unwrap()).collect(),
            )
        })
        .collect()
}

/// Branches and what is left out are all of what is above them.
fn adds_up(callers: &Value, whole: &Value) {
    let branches = callers["branches"].as_array().unwrap();
    if branches.is_empty() {
        return;
    }
    let rest = callers["rest"]["growth"].as_i64().unwrap_or(0);
    let growth = branches
        .iter()
        .map(|branch| branch["growth"].as_i64().unwrap());
    assert_eq!(
        growth.sum::<i64>() + rest,
        whole.as_i64().unwrap(),
        "{callers:#}"
    );
    for branch in branches {
        adds_up(&branch["callers"], &branch["growth"]);
    }
}

pub(crate) fn trees() {
    let bench = Bench::new();
    bench.wrapped("app", &["-O1"]);
    let first = bench.record("run0", &[], &["app", "10"]);
    let last = bench.record("run1", &[], &["app", "40"]);
    let document = json(&[&first, &last, "--stacks"]);
    let timer = &row(&document, "wrapped.c", "timer")["callers"];
    let expected = [
        (vec!["on_poll", "main"], vec![10, 40]),
        (vec!["on_timer", "main"], vec![10, 40]),
    ];
    assert_eq!(branches(timer), expected);
    for site in document["sites"].as_array().unwrap() {
        adds_up(&site["callers"], &site["growth"]["blocks"]);
    }
    // Recursion is folded: one way, however deep.
    let leaf = &row(&document, "wrapped.c", "leaf")["callers"];
    assert_eq!(branches(leaf), [(vec!["main"], vec![10, 40])]);
    let cut = json(&[&first, &last, "--stacks", "--callers", "1"]);
    let timer = &row(&cut, "wrapped.c", "timer")["callers"];
    assert_eq!(branches(timer)[0].0, ["on_poll"]);
    let cut = json(&[&first, &last, "--stacks", "--stack-share", "60%"]);
    let timer = &row(&cut, "wrapped.c", "timer")["callers"];
    assert_eq!(branches(timer), []);
    assert_eq!(
        timer["rest"],
        serde_json::json!({"branches": 2, "growth": 60})
    );
    let stacks = json(&[&first, &last, "--by", "stack"]);
    let rows: Vec<&Value> = stacks["sites"].as_array().unwrap().iter().collect();
    let timers = rows.iter().filter(|site| site["function"] == "timer_new");
    let ways: Vec<(&str, i64)> = timers
        .map(|site| {
            let caller = site["stack"][0]["function"].as_str().unwrap();
            (caller, site["growth"]["blocks"].as_i64().unwrap())
        })
        .collect();
    assert_eq!(ways, [("on_poll", 30), ("on_timer", 30)]);
    let text = stdout_of(&mut comparing([
        &first, &last, "--stacks", "--width", "120",
    ]));
    for line in ["├─ +30 on_poll", "│  ← main", "└─ +30 on_timer"] {
        assert!(text.contains(line), "{line}: {text}");
    }
    let text = stdout_of(&mut comparing([&first, &last, "--stacks", "--ascii"]));
    for line in ["|- +30 on_poll", "|  <- main", "`- +30 on_timer"] {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert!(text.is_ascii(), "{text}");
    for width in [60, 80, 100, 120, 200] {
        let width_of = width.to_string();
        let text = stdout_of(&mut comparing([
            &first, &last, "--stacks", "--width", &width_of,
        ]));
        for line in text.lines() {
            assert!(
                unicode_width::UnicodeWidthStr::width(line) <= width,
                "{width}: {line}"
            );
        }
    }
}

/// A saved report has the stacks, so that all options hold for it, too.
pub(crate) fn saved() {
    let bench = Bench::new();
    bench.wrapped("app", &["-O1"]);
    let first = bench.record("run0", &[], &["app", "10"]);
    let last = bench.record("run1", &[], &["app", "40"]);
    let report = bench.path("base.json");
    let report = report.to_str().unwrap();
    stdout_of(mtrace_diff().args(["show", &first, "--save", report]));
    for options in [
        &["--stacks"][..],
        &["--by", "stack"],
        &["--by", "size", "--no-wrappers"],
        &["--no-wrappers"],
        &["--under", "session_open"],
        &["--wrapper", "timer_new"],
    ] {
        let of = |run: &str| {
            let arguments: Vec<&str> = [run, &last].iter().chain(options).copied().collect();
            json(&arguments)["sites"].clone()
        };
        assert_eq!(of(report), of(&first), "{options:?}");
    }
    // Of stacks that are cut, too, it says that they are.
    let cut = bench.record("cut", &["--depth", "2"], &["app", "10"]);
    let of_cut = bench.path("cut.json");
    let of_cut = of_cut.to_str().unwrap();
    stdout_of(mtrace_diff().args(["show", &cut, "--save", of_cut]));
    for options in [&[][..], &["--under", "main"], &["--no-wrappers"]] {
        let of = |run: &str| {
            let arguments: Vec<&str> = [&last, run]
                .into_iter()
                .chain(options.iter().copied())
                .collect();
            let document = json(&arguments);
            let warnings = document["warnings"].as_array().unwrap().iter();
            let codes = warnings.map(|warning| warning["code"].clone());
            (
                document["sites"].clone(),
                document["only"].clone(),
                codes.collect::<Vec<_>>(),
            )
        };
        let (saved, recorded) = (of(of_cut), of(&cut));
        assert!(recorded.2.contains(&"stacks-differ".into()), "{recorded:?}");
        assert_eq!(saved, recorded, "{options:?}");
    }
}

/// Without symbols a wrapper is found by its one call, and each row is the call of a caller: the line that `addr2line`
/// finds in the program that was not stripped.
pub(crate) fn stripped() {
    let bench = Bench::new();
    bench.wrapped("whole", &["-O1"]);
    fs::copy(bench.path("whole"), bench.path("app")).unwrap();
    stdout_of(Command::new("strip").arg(bench.path("app")));
    let run = bench.record("run0", &[], &["app", "10"]);
    let document = json(&["show", &run]);
    let mut lines: Vec<u64> = Vec::new();
    for site in document["sites"].as_array().unwrap() {
        let [(_, "learned")] = via(site)[..] else {
            continue;
        };
        assert_eq!(live(site)[0].unwrap().0, 10);
        let address = site["runs"][0]["addresses"][0].as_str().unwrap();
        let call = u64::from_str_radix(&address[2..], 16).unwrap() - 1;
        let mut addr2line = Command::new("addr2line");
        addr2line.arg("-e").arg(bench.path("whole"));
        let place = stdout_of(addr2line.arg(format!("{call:#x}")));
        let line = place.trim().rsplit(':').next().unwrap();
        lines.push(line.split(' ').next().unwrap().parse().unwrap());
    }
    lines.sort_unstable();
    // Of mem_take and of xmalloc: that has calls for 24 bytes, for 16, and (in xstrdup, of names of one length) for 7.
    let marks = ["net", "ui", "log", "session", "leaf"];
    let mut expected = marks
        .map(|mark| line_of("wrapped.c", &format!("/* {mark} */")))
        .to_vec();
    expected.push(line_of("wrapped.c", "memcpy(xmalloc(size)"));
    expected.sort_unstable();
    assert_eq!(lines, expected);
}

/// glibc's own log of the same program: what both know of a line is the same.
pub(crate) fn with_glibc() {
    let bench = Bench::new();
    bench.wrapped("app", &["-O1", "-DMTRACE"]);
    let app = bench.path("app");
    let run = bench.record("run0", &[], &["app", "20"]);
    let log = bench.path("mtrace.log");
    let mut command = Command::new(&app);
    command
        .env("MALLOC_TRACE", &log)
        .env("LD_PRELOAD", "libc_malloc_debug.so.0");
    stdout_of(command.arg("20"));
    let log = log.to_str().unwrap();
    let glibc = json(&["show", log, "--exe", app.to_str().unwrap(), "--no-wrappers"]);
    let recorded = json(&["show", &run, "--no-wrappers"]);
    let lines = |document: &Value| -> Vec<(Value, Live)> {
        let sites = document["sites"].as_array().unwrap().iter();
        let own = sites.filter(|site| {
            let file = site["file"].as_str();
            file.is_some_and(|file| file.ends_with("wrapped.c"))
        });
        let mut lines: Vec<(Value, Live)> =
            own.map(|site| (site["line"].clone(), live(site))).collect();
        lines.sort_by_key(|(line, _)| line.as_u64());
        lines
    };
    let lines_of_glibc = lines(&glibc);
    // xmalloc, mem_take, timer_new, and the two lines that xcalloc is inlined into.
    assert_eq!(lines_of_glibc.len(), 5, "{glibc:#}");
    assert_eq!(lines_of_glibc, lines(&recorded));
}

pub(crate) fn filters() {
    let bench = Bench::new();
    bench.wrapped("app", &["-O1"]);
    let run = bench.record("run0", &[], &["app", "10"]);
    let rows = |options: &[&str]| -> Vec<(String, u64)> {
        let arguments: Vec<&str> = ["show", &run].iter().chain(options).copied().collect();
        let document = json(&arguments);
        let sites = document["sites"].as_array().unwrap().iter();
        let row = |site: &Value| {
            let function = site["function"].as_str().unwrap_or("?").to_owned();
            (function, live(site)[0].unwrap().0)
        };
        let mut rows: Vec<(String, u64)> = sites.map(row).collect();
        rows.sort();
        rows
    };
    let named = |rows: &[(&str, u64)]| -> Vec<(String, u64)> {
        rows.iter()
            .map(|(name, blocks)| ((*name).to_owned(), *blocks))
            .collect()
    };
    assert_eq!(rows(&["--under", "on_poll"]), named(&[("timer_new", 10)]));
    assert_eq!(
        rows(&["--focus", "^on_(poll|timer)$"]),
        named(&[("timer_new", 20)])
    );
    let hidden = rows(&["--focus", "^on_", "--hide", "^timer_new$"]);
    assert_eq!(hidden, named(&[("on_poll", 10), ("on_timer", 10)]));
    assert_eq!(rows(&["--under", "no_such"]), []);
    let text = stdout_of(mtrace_diff().args(["show", &run, "--under", "on_poll"]));
    assert!(
        text.contains("only stacks through on_poll: 10 of 100 live blocks"),
        "{text}"
    );
    for (option, value) in [
        ("--focus", "("),
        ("--stack-share", "5"),
        ("--callers", "0"),
        ("--wrapper", "*"),
    ] {
        let output = output_of(mtrace_diff().args(["show", &run, option, value]));
        assert_eq!(output.status.code(), Some(2), "{option}");
    }
}

/// A log names the wrapper alone. It is marked, and the sizes of its blocks tell its leaks apart.
pub(crate) fn without_stacks() {
    let bench = Bench::new();
    bench.wrapped("app", &["-O1"]);
    let runs = ["10", "40"].map(|times| {
        let run = bench.record(times, &[], &["app", times]);
        let log = bench.path(&format!("{times}.log"));
        let mut command = mtrace_diff();
        command
            .args(["convert", "--to", "mtrace", "-o"])
            .arg(&log)
            .arg(&run);
        stdout_of(&mut command);
        log.to_str().unwrap().to_owned()
    });
    let app = bench.path("app");
    let exe = ["--exe", app.to_str().unwrap()];
    let document = json(&[&runs[0], &runs[1], exe[0], exe[1]]);
    let sites = document["sites"].as_array().unwrap();
    let of = |function: &str| {
        sites
            .iter()
            .find(|site| site["function"] == function)
            .unwrap()
    };
    let xmalloc = of("xmalloc");
    assert_eq!(xmalloc["wrapper"], "known");
    // session 24, leaf 16, and names: 'peer-N' of one digit takes 7 bytes, of two digits 8.
    let sizes = serde_json::json!([
        {"size": 16, "first": 10, "last": 40},
        {"size": 24, "first": 10, "last": 40},
        {"size": 8, "first": 0, "last": 30},
        {"size": 7, "first": 10, "last": 10},
    ]);
    assert_eq!(xmalloc["sizes"], sizes);
    assert_eq!(of("timer_new")["wrapper"], Value::Null);
    let text = stdout_of(mtrace_diff().args([&runs[0], &runs[1], exe[0], exe[1]]));
    assert!(
        text.contains("by size: 16 B +30, 24 B +30, 8 B +30"),
        "{text}"
    );
    assert!(text.contains("mtrace-diff record"), "{text}");
    let split = json(&[&runs[0], &runs[1], exe[0], exe[1], "--by", "size"]);
    let sites = split["sites"].as_array().unwrap().iter();
    let of_size = sites.filter(|site| site["function"] == "xmalloc" && site["size"] == 24);
    let of_size: Vec<Live> = of_size.map(live).collect();
    assert_eq!(of_size, [each([10, 40], 24)]);
    // What both know of a line is the same.
    let recorded = ["10", "40"].map(|times| bench.path(times).to_str().unwrap().to_owned());
    let recorded = json(&[&recorded[0], &recorded[1], "--no-wrappers"]);
    let lines = |document: &Value| -> Vec<(Value, Live)> {
        let sites = document["sites"].as_array().unwrap().iter();
        let known = sites.filter(|site| site["line"].is_number());
        let mut lines: Vec<(Value, Live)> = known
            .map(|site| (site["line"].clone(), live(site)))
            .collect();
        lines.sort_by_key(|(line, _)| line.as_u64());
        lines
    };
    let plain = json(&[&runs[0], &runs[1], exe[0], exe[1], "--no-wrappers"]);
    assert_eq!(lines(&plain), lines(&recorded));
}

const CONTAINERS: &str = r#"#include <map>
#include <memory>
#include <string>
#include <vector>
struct Session { std::string name; int fd; };
static auto &sessions = *new std::map<int, Session>;
static auto &names = *new std::vector<std::string>;
static auto &owned = *new std::vector<std::shared_ptr<Session>>;
__attribute__((noinline)) static std::string name_of(int i) {
    return "a name that fits into no small string " + std::to_string(i); // in name_of
}
__attribute__((noinline)) void open_session(int i) {
    sessions[i]; // node
    sessions[i].name = name_of(i);
}
__attribute__((noinline)) void own(int i) {
    owned.push_back(std::make_shared<Session>()); // shared
}
__attribute__((noinline)) char *raw() { return new char[64]; } // raw
int main(int argc, char **argv) {
    owned.reserve(1000);
    for (int i = 0; i < atoi(argv[1]); i++) {
        open_session(i);
        own(i);
        names.push_back(raw());
    }
    _exit(0);
}
"#;

pub(crate) fn cxx() {
    let bench = Bench::new();
    let source = bench.path("containers.cc");
    fs::write(
        &source,
        format!("#include <cstdlib>\n#include <unistd.h>\n{CONTAINERS}"),
    )
    .unwrap();
    let line_of = |mark: &str| {
        let text = fs::read_to_string(&source).unwrap();
        text.lines()
            .position(|line| line.ends_with(&format!("// {mark}")))
            .unwrap() as u64
            + 1
    };
    for level in ["-O0", "-O2"] {
        bench.build(
            &["g++", level, "-fno-optimize-sibling-calls"],
            "app",
            &source,
            &[],
        );
        let run = bench.record(level, &[], &["app", "50"]);
        let document = json(&["show", &run]);
        for (mark, size) in [("node", None), ("shared", None), ("raw", Some(64))] {
            let sites = document["sites"].as_array().unwrap().iter();
            let at: Vec<&Value> = sites.filter(|site| site["line"] == line_of(mark)).collect();
            let [site] = at.as_slice() else {
                panic!("{level} {mark}: {document:#}");
            };
            let (blocks, bytes) = live(site)[0].unwrap();
            assert_eq!(blocks, 50, "{level} {mark}");
            assert!(size.is_none_or(|size| bytes == 50 * size), "{level} {mark}");
            assert!(!via(site).is_empty(), "{level} {mark}");
        }
        // No row but the program's: the library's own pool has no caller.
        for site in document["sites"].as_array().unwrap() {
            let file = site["file"].as_str().unwrap_or_default();
            assert!(!file.contains("/include/"), "{level}: {site:#}");
        }
    }
}

const GLIB: &str = "#include <glib.h>\n\
    static GList *list; static GHashTable *table; static GString *text;\n\
    __attribute__((noinline)) static void on_message(int i) {\n\
    list = g_list_prepend(list, GINT_TO_POINTER(i)); // list\n\
    g_hash_table_insert(table, g_strdup_printf(\"key %d\", i), g_new0(int, 10)); // table\n\
    }\n\
    int main(int argc, char **argv) {\n\
    table = g_hash_table_new(g_str_hash, g_str_equal);\n\
    for (int i = 0; i < atoi(argv[1]); i++) on_message(i);\n\
    return 0; }\n";

pub(crate) fn glib() {
    let bench = Bench::new();
    let source = bench.path("messages.c");
    fs::write(&source, GLIB).unwrap();
    let flags = stdout_of(Command::new("pkg-config").args(["--cflags", "--libs", "glib-2.0"]));
    let flags: Vec<&str> = flags.split_whitespace().collect();
    bench.build(
        &["gcc", "-O1", "-include", "stdlib.h"],
        "app",
        &source,
        &flags,
    );
    let runs = ["100", "300"].map(|times| bench.record(times, &[], &["app", times]));
    let document = json(&[&runs[0], &runs[1]]);
    let at = |line: u64| -> &Value {
        let sites = document["sites"].as_array().unwrap().iter();
        let mut at = sites.filter(|site| site["line"] == line);
        let site = at.next().unwrap_or_else(|| panic!("{line}: {document:#}"));
        assert!(at.next().is_none(), "{line}: {document:#}");
        site
    };
    assert_eq!(at(4)["growth"]["blocks"], 200);
    // A key and a value each, and now and then a larger table in place of a smaller one.
    assert_eq!(at(5)["growth"]["blocks"], 400);
}
