//! `scripts/capture.sh`, under the shells of a target and of this machine.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::built::copy_recorder;
use super::common::{json, live, mtrace_diff, output_of, site, stdout_of};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shell {
    /// This machine's, with its tools.
    Own,
    /// A target's, which has the tools of busybox and no others.
    Busybox,
}

const SHELLS: [Shell; 2] = [Shell::Own, Shell::Busybox];

/// Checks what takes its time, with all shells at once.
fn in_each_shell(check: impl Fn(Shell) + Sync) {
    thread::scope(|scope| {
        for shell in SHELLS {
            let check = &check;
            scope.spawn(move || check(shell));
        }
    });
}

/// A directory as on a target: the script, the recorder beside it, and a program.
fn target() -> &'static Path {
    static TARGET: OnceLock<PathBuf> = OnceLock::new();
    TARGET.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("capture-script");
        fs::create_dir_all(&directory).unwrap();
        fs::copy(
            root.join("scripts/capture.sh"),
            directory.join("capture.sh"),
        )
        .unwrap();
        copy_recorder("gcc", &directory.join("mtrace-recorder.so"));
        let program = root.join("tests/record/capture.c");
        compile(&program, &directory.join("app"), &["-g", "-O1"]);
        compile(&program, &directory.join("app-static"), &["-static"]);
        let starter = directory.join("starter.c");
        fs::write(
            &starter,
            "#include <stdlib.h>\nint main(void) { for (int i = 0; i < 7; i++) { char *volatile p = malloc(48); *p = 1; }\n\
             return system(\"./app daemon &\"); }\n",
        )
        .unwrap();
        compile(&starter, &directory.join("starter"), &["-g", "-O0"]);
        fs::write(directory.join("start.sh"), "./app daemon &\n").unwrap();
        let tools = directory.join("busybox");
        if tools.exists() {
            fs::remove_dir_all(&tools).unwrap();
        }
        fs::create_dir(&tools).unwrap();
        stdout_of(Command::new("busybox").args(["--install", "-s"]).arg(tools));
        directory
    })
}

fn compile(source: &Path, to: &Path, options: &[&str]) {
    stdout_of(
        Command::new("gcc")
            .arg(source)
            .arg("-o")
            .arg(to)
            .args(options),
    );
}

fn script(shell: Shell) -> Command {
    let tools = target().join("busybox");
    // What runs the tests in the background has them ignore SIGINT, and no shell can take that back.
    let mut command = Command::new("/usr/bin/env");
    command.arg("--default-signal=INT").arg(match shell {
        Shell::Own => "/bin/sh".into(),
        Shell::Busybox => tools.join("sh"),
    });
    if shell == Shell::Busybox {
        command.env("PATH", tools);
    }
    command
        .arg(target().join("capture.sh"))
        .current_dir(target())
        .env_remove("LD_PRELOAD")
        .stdin(Stdio::null());
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// One recording, and what it left.
struct Run {
    output: Output,
    directory: TempDir,
}

impl Run {
    /// Records `program`, words with blanks between them, with `options`.
    fn new(shell: Shell, options: &str, program: &str) -> Self {
        let directory = TempDir::new().unwrap();
        let mut command = script(shell);
        command
            .arg("-o")
            .arg(directory.path())
            .args(options.split_whitespace())
            .arg("--")
            .args(program.split_whitespace());
        let output = output_of(&mut command);
        Run { output, directory }
    }

    fn status(&self) -> i32 {
        self.output.status.code().unwrap()
    }

    fn errors(&self) -> String {
        text(&self.output.stderr)
    }

    fn facts(&self) -> Value {
        facts_in(self.directory.path())
    }

    /// The names of what lies in the directory, without the numbers of processes.
    fn names(&self) -> Vec<String> {
        names_in(self.directory.path())
    }

    fn show(&self) -> Value {
        json(&["show", self.directory.path().to_str().unwrap()])
    }
}

fn facts_in(directory: &Path) -> Value {
    serde_json::from_slice(&fs::read(directory.join("run.json")).unwrap()).unwrap()
}

fn names_in(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names
        .map(|name| match name.split_once('-') {
            Some(("child", _)) => "child".to_owned(),
            _ => name,
        })
        .collect();
    names.sort_unstable();
    names
}

fn assert_kept(document: &Value) {
    let keep = site(document, "keep");
    assert_eq!(live(keep), [Some((5, 5 * 24))]);
    assert!(keep["file"].as_str().unwrap().ends_with("capture.c"));
}

pub(crate) fn leaves_a_run() {
    for shell in SHELLS {
        let run = Run::new(shell, "", "./app exit 7");
        assert_eq!(run.status(), 7, "{}", run.errors());
        assert_eq!(text(&run.output.stdout), "on stdout\n");
        assert_eq!(run.names(), ["app", "recording", "run.json"]);
        let facts = run.facts();
        assert_eq!(facts["schema"], "mtrace-diff-run/1");
        assert_eq!(facts["command"], json!(["./app", "exit", "7"]));
        assert_eq!(facts["ended"], "itself");
        assert_eq!(facts["exit_status"], 7);
        assert_kept(&run.show());
        let lines = run.errors();
        assert!(lines.contains("ended with exit status 7"), "{lines}");
        assert_eq!(lines.lines().count(), 1, "{lines}");
    }
}

pub(crate) fn keeps_input_and_words() {
    let words = [
        "a \"b\" \\",
        "%p $HOME `x`",
        "two\nlines\tand",
        "é\u{1}",
        "",
    ];
    for shell in SHELLS {
        let directory = TempDir::new().unwrap();
        // 47 is the number of `/`, and 130 takes two bytes: lengths that the log has before the program's path.
        for length in [47, 60, 130, 200] {
            let place = directory.path().join(format!("{length}"));
            let name = "p".repeat(length - place.as_os_str().len() - 1);
            fs::create_dir(&place).unwrap();
            fs::copy(target().join("app"), place.join(&name)).unwrap();
            let out = directory.path().join(format!("out {length}"));
            let mut command = script(shell);
            command
                .arg("-o")
                .arg(&out)
                .arg("--")
                .arg(place.join(&name))
                .arg("read")
                .args(words);
            let input = directory.path().join("input");
            fs::write(&input, "42").unwrap();
            let output = output_of(command.stdin(fs::File::open(&input).unwrap()));
            assert_eq!(output.status.code(), Some(42), "{}", text(&output.stderr));
            let command = &facts_in(&out)["command"];
            let expected = words.map(|word| word.replace('\u{1}', "?"));
            assert_eq!(command.as_array().unwrap()[2..], expected.map(Value::from));
            assert_eq!(names_in(&out), [name.as_str(), "recording", "run.json"]);
        }
    }
}

pub(crate) fn ends_the_program() {
    in_each_shell(|shell| {
        // Two seconds, for a machine that is busy; the program has done its work long before.
        let begin = Instant::now();
        let asked = Run::new(shell, "-f 2s", "./app wait");
        let took = begin.elapsed();
        assert_eq!(asked.status(), 0, "{}", asked.errors());
        assert!(took >= Duration::from_secs(2), "{took:?}");
        assert_eq!(asked.facts()["ended"], "asked");
        assert_eq!(asked.facts()["exit_status"], Value::Null);
        let seconds = asked.facts()["duration_s"].as_f64().unwrap();
        assert!((2.0..=took.as_secs_f64()).contains(&seconds), "{seconds}");
        assert_kept(&asked.show());

        // What it does when it is asked to end is a part of the run.
        for (name, program) in [("USR1", "./app usr1"), ("sigint", "./app int")] {
            let run = Run::new(shell, &format!("-f 2 -s {name}"), program);
            assert_eq!(run.status(), 0, "{}", run.errors());
            assert_eq!(run.facts()["ended"], "asked", "{name}");
            assert_eq!(live(site(&run.show(), "keep_last")), [Some((1, 1000))]);
        }

        let killed = Run::new(shell, "-f 2s -g 1s", "./app ignore");
        assert_eq!(killed.status(), 0, "{}", killed.errors());
        assert_eq!(killed.facts()["ended"], "killed");
        assert!(killed.facts()["duration_s"].as_f64().unwrap() >= 3.0);
        assert_kept(&killed.show());

        let aborted = Run::new(shell, "", "./app abort");
        assert_eq!(aborted.status(), 128 + 6);
        assert!(
            aborted.errors().contains("signal 6 ended"),
            "{}",
            aborted.errors()
        );
        assert_kept(&aborted.show());
    });
}

pub(crate) fn ends_when_the_user_wants_it() {
    in_each_shell(|shell| {
        let directory = TempDir::new().unwrap();
        let begin = |to: &str| {
            let out = directory.path().join(to);
            let mut command = script(shell);
            command.arg("-o").arg(&out).args(["--", "./app", "int"]);
            // As a terminal does it, Ctrl-C is for all processes of a group.
            let child = command
                .process_group(0)
                .stderr(Stdio::null())
                .stdout(Stdio::null())
                .spawn();
            wait_for(|| out.join(".capture/pid").exists() && has_log(&out));
            // It installs its handler after that.
            sleep(Duration::from_millis(1500));
            (child.unwrap(), out)
        };
        let (mut child, out) = begin("interrupted");
        kill_process_group(Pid::from_child(&child), Signal::INT).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0));
        assert_eq!(facts_in(&out)["ended"], "asked");
        let document = json(&["show", out.to_str().unwrap()]);
        assert_eq!(live(site(&document, "keep_last")), [Some((1, 1000))]);

        // Whoever ends the script alone leaves nothing running, and a whole run.
        let (mut child, out) = begin("ended");
        kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
        child.wait().unwrap();
        // What is left of the script still writes the facts.
        let is_whole = || {
            let text = fs::read(out.join("run.json")).unwrap_or_default();
            serde_json::from_slice::<Value>(&text).is_ok() && !out.join(".capture").exists()
        };
        wait_for(is_whole);
        assert_eq!(facts_in(&out)["ended"], "asked");
    });
}

fn has_log(directory: &Path) -> bool {
    names_in(directory)
        .iter()
        .any(|name| name.starts_with("recording."))
}

fn wait_for(is_done: impl Fn() -> bool) {
    let begin = Instant::now();
    while !is_done() {
        assert!(
            begin.elapsed() < Duration::from_secs(30),
            "it takes too long"
        );
        sleep(Duration::from_millis(20));
    }
}

pub(crate) fn tells_processes_apart() {
    in_each_shell(|shell| {
        let forked = Run::new(shell, "", "./app fork");
        assert_eq!(forked.status(), 0, "{}", forked.errors());
        assert_eq!(forked.names(), ["app", "child", "recording", "run.json"]);
        assert_kept(&forked.show());
        let child = fs::read_dir(forked.directory.path()).unwrap();
        let child = child
            .map(|entry| entry.unwrap().path())
            .find(|path| path.is_dir())
            .unwrap();
        assert_eq!(names_in(&child), ["recording"]);
        fs::copy(target().join("app"), child.join("app")).unwrap();
        let document = json(&["show", child.to_str().unwrap()]);
        assert_eq!(live(site(&document, "keep")), [Some((2, 200))]);

        // Of what one process was, the last is meant.
        let other = Run::new(shell, "", "./app exec");
        assert_eq!(other.status(), 4, "{}", other.errors());
        assert_eq!(other.names(), ["app", "child", "recording", "run.json"]);
        assert_eq!(other.show()["runs"][0]["records"], 5);

        let daemon = Run::new(shell, "-f 2s", "./app daemon");
        assert_eq!(daemon.status(), 0, "{}", daemon.errors());
        assert!(
            daemon.errors().contains("went to the background"),
            "{}",
            daemon.errors()
        );
        assert_eq!(
            live(site(&daemon.show(), "keep")),
            [Some((30_000, 30_000 * 48))]
        );

        // What a program starts is not the run, though it goes on for longer and does more.
        let starter = Run::new(shell, "-f 2s", "./starter");
        assert_eq!(starter.status(), 0, "{}", starter.errors());
        assert!(starter.names().contains(&"starter".to_owned()));
        assert_eq!(live(site(&starter.show(), "main")), [Some((7, 7 * 48))]);
        // But what a shell starts is.
        let shell_of_daemon = Run::new(shell, "-f 2s", "sh start.sh");
        assert_eq!(
            live(site(&shell_of_daemon.show(), "keep")),
            [Some((30_000, 30_000 * 48))]
        );
    });
}

pub(crate) fn writes_an_archive() {
    for shell in SHELLS {
        let directory = TempDir::new().unwrap();
        let temporary = directory.path().join("tmp");
        let unpacked = directory.path().join("run0");
        fs::create_dir(&temporary).unwrap();
        fs::create_dir(&unpacked).unwrap();
        let mut command = script(shell);
        command
            .env("TMPDIR", &temporary)
            .args(["-T", "--", "./app", "exit", "7"]);
        let output = output_of(&mut command);
        assert_eq!(output.status.code(), Some(7));
        assert!(text(&output.stderr).starts_with("on stdout\n"));
        let archive = directory.path().join("run.tar");
        fs::write(&archive, output.stdout).unwrap();
        stdout_of(
            Command::new("tar")
                .arg("-xf")
                .arg(&archive)
                .arg("-C")
                .arg(&unpacked),
        );
        assert_eq!(names_in(&unpacked), ["app", "recording", "run.json"]);
        assert_kept(&json(&["show", unpacked.to_str().unwrap()]));
        assert_eq!(names_in(&temporary), [""; 0]);
    }
}

pub(crate) fn passes_settings_on() {
    for shell in SHELLS {
        for (mode, number) in [("events", 0), ("summary", 1), ("callers", 2)] {
            let run = Run::new(shell, &format!("-m {mode} -M 1"), "./app exit 0");
            assert_eq!(run.status(), 0, "{}", run.errors());
            // The format has the mode there.
            let log = fs::read(run.directory.path().join("recording")).unwrap();
            assert_eq!(log[18], number, "{mode}");
        }
        for (options, is_limited) in [("", false), ("-M 1", true)] {
            let run = Run::new(shell, options, "./app many");
            let log = fs::metadata(run.directory.path().join("recording")).unwrap();
            assert_eq!(log.len() <= 1 << 20, is_limited, "{}", log.len());
        }
        let table = target().join("app.unw");
        stdout_of(
            mtrace_diff()
                .arg("unwind-table")
                .arg("-o")
                .arg(&table)
                .arg(target().join("app")),
        );
        let with_table = Run::new(shell, "-t app.unw", "./app exit 0");
        let log = fs::read(with_table.directory.path().join("recording")).unwrap();
        // The recorder notes how it walks stacks.
        assert!(log.windows(12).any(|bytes| bytes == b"unwind\x05table"));
        assert_kept(&with_table.show());
    }
}

pub(crate) fn says_what_is_wrong() {
    let directory = TempDir::new().unwrap();
    let file = |name: &str, text: &[u8], mode: u32| {
        let path = directory.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let plain = file("plain", b"#!/bin/sh\n", 0o644);
    let interpreter = format!("#!{} exit\n", target().join("app-static").display());
    let unrecorded = file("unrecorded", interpreter.as_bytes(), 0o755);
    // An ELF file for 32-bit ARM, as far as anyone looks.
    let mut head = fs::read(target().join("app")).unwrap();
    (head[4], head[18]) = (1, 40);
    let other = file("other", &head, 0o755);
    let library = file("lib:rary.so", b"", 0o644);
    let out = directory.path().join("out");
    let out = out.to_str().unwrap();
    for (arguments, expected) in [
        (vec![], "no program is given"),
        (vec!["--", "./app"], "-o DIR, or -T"),
        (
            vec!["-o", out, "--", "no-such-program"],
            "no program 'no-such-program'",
        ),
        (vec!["-o", out, "--", "./no-such"], "no program './no-such'"),
        (vec!["-o", out, "--", "."], "no program '.'"),
        (vec!["-o", out, "--", "/tmp"], "it is a directory"),
        (vec!["-o", out, "--", &plain], "chmod +x"),
        (
            vec!["-o", out, "--", "./app-static"],
            "it is linked statically",
        ),
        (vec!["-o", out, "--", &other], "for different machines"),
        (vec!["-o", ".", "--", "./app"], "is not empty"),
        (
            vec!["-o", out, "-r", "none.so", "--", "./app"],
            "no recorder '",
        ),
        (
            vec!["-o", out, "-r", &library, "--", "./app"],
            "LD_PRELOAD cannot hold",
        ),
        (
            vec!["-o", out, "-r", "capture.sh", "--", "./app"],
            "no shared library",
        ),
        (
            vec!["-o", out, "-t", "none.unw", "--", "./app"],
            "the table 'none.unw'",
        ),
        (vec!["-o", "/tmp/%p", "--", "./app"], "%p"),
        (
            vec!["-o", out, "-f", "2x", "--", "./app"],
            "'2x' is no time",
        ),
        (
            vec!["-o", out, "-f", "0m", "--", "./app"],
            "longer than nothing",
        ),
        (
            vec!["-o", out, "-s", "KILL", "--", "./app"],
            "signal 'KILL'",
        ),
        (vec!["-o", out, "-m", "all", "--", "./app"], "mode 'all'"),
        (vec!["-o", out, "-M", "0", "--", "./app"], "MiB"),
        (vec!["-o", out, "-z", "--", "./app"], "no option -z"),
        (vec!["-o"], "needs a value"),
        (vec!["-o", out, "--", &unrecorded], "nothing was recorded"),
    ] {
        for shell in SHELLS {
            let output = output_of(script(shell).args(&arguments));
            let errors = text(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{arguments:?}: {errors}");
            assert!(errors.contains(expected), "{arguments:?}: {errors}");
            let says = |line: &str| line.starts_with("capture.sh: ");
            assert!(errors.lines().all(says), "{errors}");
            assert!(!Path::new(out).exists(), "{arguments:?}");
        }
    }
}

pub(crate) fn passes_shellcheck() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/capture.sh");
    stdout_of(Command::new("shellcheck").args(["-s", "sh"]).arg(script));
}
