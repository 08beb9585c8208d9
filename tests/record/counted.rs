//! The recorder under programs that nobody here wrote, held against two independent counts.
//!
//! `testdata/src/counter.c` counts in the same process, behind the recorder, so both see the same calls, threads
//! and moment of the end. Valgrind counts in a process of its own, where a program does the same each time.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::built::{copy_counter, copy_recorder};
use crate::common::{json, mtrace_diff, output_of, stdout_of};

/// The recorder and the counter, and room for what they write.
struct Bench {
    directory: TempDir,
}

impl Bench {
    fn new() -> Self {
        let bench = Bench {
            directory: tempfile::tempdir().unwrap(),
        };
        copy_recorder("gcc", &bench.path("recorder.so"));
        copy_counter(&bench.path("counter.so"));
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A command that is recorded and counted; logs and counts end in the id of the process.
    fn command(&self, program: &str, mode: &str) -> Command {
        let preload = [self.path("recorder.so"), self.path("counter.so")];
        let preload = preload.map(|path| path.to_str().unwrap().to_owned());
        let mut command = Command::new(program);
        command
            .env("LD_PRELOAD", preload.join(":"))
            .env("MTRACE_RECORDER", self.path("log.%p"))
            .env("MTRACE_RECORDER_MODE", mode)
            .env("COUNTER", self.path("count"))
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        command
    }

    /// What was counted of a process, which the recording has to say as well.
    fn agreed(&self, process: u32) -> (u64, u64) {
        let count = fs::read(self.path(&format!("count.{process}"))).unwrap();
        let word = |at: usize| u64::from_ne_bytes(count[at..at + 8].try_into().unwrap());
        let counted = (word(0), word(8));
        let log = self.path(&format!("log.{process}"));
        assert_eq!(live_of(&log), counted, "recorded, counted: {process}");
        counted
    }

    /// Runs a program to its end in both modes that know what is live, and gives what it left.
    fn run(&self, program: &str, arguments: &[&str]) -> (u64, u64) {
        let [events, summary] = ["events", "summary"].map(|mode| {
            let mut child = self
                .command(program, mode)
                .args(arguments)
                .spawn()
                .unwrap_or_else(|e| panic!("{program}: {e}"));
            assert!(child.wait().unwrap().success(), "{program} {arguments:?}");
            self.agreed(child.id())
        });
        assert!(summary.0 > 0, "{program} leaves nothing to compare");
        events
    }

    /// The same run under `record`, and under valgrind. Where no locale is set, Python sets one and copies its environment,
    /// which has more in it under the recorder.
    fn equals_valgrind(&self, program: &str, arguments: &[&str]) {
        let run = self.path("run");
        let recorded = output_of(
            mtrace_diff()
                .args(["record", "-q", "--force", "-o"])
                .arg(&run)
                .args(["--", program])
                .args(arguments)
                .env("LC_ALL", "C.UTF-8")
                .current_dir(self.directory.path()),
        );
        assert!(recorded.status.success(), "{recorded:?}");
        let output = output_of(
            Command::new("valgrind")
                .args(["--run-libc-freeres=no", "--leak-check=no"])
                // What is in use is counted without it, in less time.
                .args(["--undef-value-errors=no", program])
                .args(arguments)
                .env("LC_ALL", "C.UTF-8")
                .stdin(Stdio::null())
                .current_dir(self.directory.path()),
        );
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let line = said.lines().find(|line| line.contains("in use at exit"));
        let line = line.unwrap_or_else(|| panic!("{said}")).replace(',', "");
        let figures: Vec<u64> = line.split(' ').filter_map(|w| w.parse().ok()).collect();
        let [bytes, blocks] = figures[..] else {
            panic!("{line}");
        };
        assert_eq!(live_of(&run), (blocks, bytes), "recorded, valgrind");
        assert!(blocks > 0, "{program} leaves nothing to compare");
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }
}

fn live_of(recording: &Path) -> (u64, u64) {
    let document: Value = json(&["show", recording.to_str().unwrap()]);
    let live = &document["runs"][0]["live"];
    (
        live["blocks"].as_u64().unwrap(),
        live["bytes"].as_u64().unwrap(),
    )
}

/// The interpreter itself: `python3` can be a script that looks for it.
fn python() -> String {
    let asks = ["-c", "import sys; print(sys.executable)"];
    stdout_of(Command::new("python3").args(asks))
        .trim()
        .to_owned()
}

pub(crate) fn python_leaves_what_was_counted() {
    let bench = Bench::new();
    let work = "import json; d = [{'a': i, 'b': 'x' * (i % 50)} for i in range(2000)]; \
                assert json.loads(json.dumps(d)) == d";
    bench.run(&python(), &["-I", "-c", work]);
    bench.equals_valgrind(&python(), &["-I", "-c", work]);
}

/// Eight threads: four make lists, four others drop what comes out of a queue.
/// Python has joined a thread before that has freed the last of its blocks. What is being freed while the process ends is counted
/// by one side alone, so the threads are waited for.
pub(crate) fn python_threads_free_for_each_other() {
    let bench = Bench::new();
    bench.write(
        "threads.py",
        "import threading, queue, json, os, time\n\
         q = queue.Queue()\n\
         def make(n):\n\
         \x20   for i in range(300): q.put([json.dumps({'n': n, 'i': i}) * (i % 9) for _ in range(5)])\n\
         def drop():\n\
         \x20   for _ in range(300): q.get()\n\
         t = [threading.Thread(target=make, args=(n,)) for n in range(4)]\n\
         t += [threading.Thread(target=drop) for _ in range(4)]\n\
         for x in t: x.start()\n\
         for x in t: x.join()\n\
         while len(os.listdir('/proc/self/task')) > 1: time.sleep(0.01)\n",
    );
    bench.run(&python(), &["-I", "-X", "dev", "threads.py"]);
}

pub(crate) fn jq_leaves_what_was_counted() {
    let bench = Bench::new();
    let lines = (1..3000).map(|id| format!("{{\"id\":{id},\"name\":\"n{id}\",\"v\":[{id},2]}}\n"));
    bench.write("in.json", &lines.collect::<String>());
    // It frees everything at its end, except where it is told to halt.
    let arguments = ["if .id == 2000 then halt else .v end", "in.json"];
    bench.run("jq", &arguments);
    bench.equals_valgrind("jq", &arguments);
}

pub(crate) fn sqlite_leaves_what_was_counted() {
    let bench = Bench::new();
    bench.write(
        "work.sql",
        "create table t(a integer primary key, b text);\n\
         with recursive c(x) as (select 1 union all select x + 1 from c where x < 3000)\n\
         insert into t select x, 'row ' || x from c;\n\
         create index i on t(b);\n\
         select count(*), max(b) from t where a % 7 = 3;\n\
         select b from t order by b desc limit 3;\n",
    );
    let arguments = ["-batch", ":memory:", ".read work.sql"];
    bench.run("sqlite3", &arguments);
    bench.equals_valgrind("sqlite3", &arguments);
}

/// It changes its environment, whose size depends on who runs it, so valgrind has other bytes.
pub(crate) fn git_leaves_what_was_counted() {
    let bench = Bench::new();
    let git = |arguments: &[&str]| {
        let settings = ["-c", "user.name=a", "-c", "user.email=a@b"];
        let mut git = Command::new("git");
        git.args(settings)
            .args(arguments)
            .current_dir(bench.path(""));
        stdout_of(&mut git);
    };
    git(&["init", "-q"]);
    for i in 0..3 {
        bench.write("file", &format!("{i}\n").repeat(100));
        git(&["add", "file"]);
        git(&["commit", "-q", "-m", &format!("change {i}")]);
    }
    bench.run("git", &["--no-pager", "log", "--stat", "-p"]);
}

/// Ends a daemon, also if the test fails.
struct Daemon(Child);

impl Daemon {
    fn signal(&mut self, signal: &str) {
        let id = self.0.id().to_string();
        stdout_of(Command::new("kill").args(["-s", signal, &id]));
        self.0.wait().unwrap();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn wait_until(what: &str, is_done: impl Fn() -> bool) {
    let begin = Instant::now();
    while !is_done() {
        assert!(begin.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A broker with a subscriber and forty clients that publish, killed with their messages in memory.
pub(crate) fn mosquitto_holds_what_was_counted() {
    let bench = Bench::new();
    let socket = bench.path("socket");
    let socket = socket.to_str().unwrap();
    bench.write(
        "conf",
        &format!("user root\nlistener 0 {socket}\nallow_anonymous true\nlog_dest none\n"),
    );
    let mut broker = bench.command("mosquitto", "events");
    let broker = broker.args(["-c", "conf"]).stderr(Stdio::null());
    let mut broker = Daemon(broker.spawn().unwrap());
    wait_until("no broker", || UnixStream::connect(socket).is_ok());
    for i in 0..40 {
        let (topic, text) = (format!("a/{i}"), "m".repeat(i));
        let message = ["-t", &topic, "-m", &text, "-r"];
        stdout_of(
            Command::new("mosquitto_pub")
                .args(["--unix", socket])
                .args(message),
        );
    }
    // A new subscriber gets what was retained, all but the empty one.
    let wanted = ["-t", "a/#", "-C", "39"];
    let heard = stdout_of(
        Command::new("mosquitto_sub")
            .args(["--unix", socket])
            .args(wanted),
    );
    assert_eq!(heard.lines().count(), 39);
    // The last client goes before the broker has seen it go.
    std::thread::sleep(Duration::from_millis(500));
    broker.signal("KILL");
    let (blocks, _) = bench.agreed(broker.0.id());
    assert!(blocks > 39, "{blocks}");
}

/// A master and two workers that it forks, each with a recording of its own.
pub(crate) fn nginx_and_its_workers_hold_what_was_counted() {
    let bench = Bench::new();
    let at = |name: &str| bench.path(name).to_str().unwrap().to_owned();
    let stores: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|kind| format!("{kind}_temp_path {};\n", at(kind)))
        .collect();
    let (socket, errors, pid) = (at("socket"), at("errors"), at("pid"));
    bench.write(
        "conf",
        &format!(
            "daemon off; worker_processes 2; error_log {errors}; pid {pid};\n\
             events {{ worker_connections 64; }}\n\
             http {{ access_log off;\n{stores}server {{ listen unix:{socket}; return 200 hello; }} }}\n"
        ),
    );
    let mut master = bench.command("nginx", "events");
    let master = master.arg("-c").arg(at("conf")).stderr(Stdio::null());
    let mut master = Daemon(master.spawn().unwrap());
    wait_until("no server", || UnixStream::connect(&socket).is_ok());
    for _ in 0..30 {
        let mut stream = UnixStream::connect(&socket).unwrap();
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.ends_with("hello"), "{answer}");
    }
    let logs = || -> Vec<u32> {
        let names = fs::read_dir(bench.path("")).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names
            .filter_map(|name| name.strip_prefix("log.")?.parse().ok())
            .collect()
    };
    wait_until("no workers", || logs().len() == 3);
    master.signal("QUIT");
    let processes = logs();
    assert!(processes.contains(&master.0.id()), "{processes:?}");
    for process in processes {
        let (blocks, _) = bench.agreed(process);
        assert!(blocks > 0, "{process}");
    }
}

/// Another C library, without glibc's functions; what is left stands in the source.
pub(crate) fn a_musl_program_is_recorded() {
    let bench = Bench::new();
    bench.write(
        "app.c",
        "#include <pthread.h>\n#include <stdlib.h>\n#include <string.h>\n\
         __attribute__((noinline)) static void *session(size_t n) { void *p = malloc(n); return memset(p, 1, n); }\n\
         static void *work(void *at) { for (int i = 0; i < 100; i++) free(session(50)); *(void **)at = session(32); return 0; }\n\
         int main(void) {\n\
         \x20 static void *kept[20]; pthread_t t[8];\n\
         \x20 for (int i = 0; i < 10; i++) kept[i] = session(48);\n\
         \x20 for (int i = 0; i < 8; i++) pthread_create(&t[i], 0, work, &kept[10 + i]);\n\
         \x20 for (int i = 0; i < 8; i++) pthread_join(t[i], 0);\n\
         \x20 kept[18] = strdup(\"twelve chars\"); kept[0] = realloc(kept[0], 5000); free(kept[1]);\n\
         \x20 return 0;\n}\n",
    );
    let musl = |options: &[&str]| {
        let mut command = Command::new("musl-gcc");
        command.args(options).current_dir(bench.path(""));
        stdout_of(&mut command);
    };
    musl(&["-O1", "-g", "-o", "app", "app.c"]);
    copy_recorder("musl-gcc", &bench.path("musl.so"));
    let app = bench.path("app");
    for mode in ["events", "summary"] {
        let status = Command::new(&app)
            .env("LD_PRELOAD", bench.path("musl.so"))
            .env("MTRACE_RECORDER", bench.path(mode))
            .env("MTRACE_RECORDER_MODE", mode)
            .status()
            .unwrap();
        assert!(status.success(), "{mode}: {status}");
    }
    // On 64 bits, glibc's recorder can be loaded, too.
    let mut command = mtrace_diff();
    command.args(["record", "-q", "-o"]).arg(bench.path("run"));
    stdout_of(command.arg("--").arg(&app));
    fs::rename(bench.path("run/recording"), bench.path("own")).unwrap();
    for mode in ["events", "summary", "own"] {
        let log = bench.path(mode);
        // 10 of 48 bytes, of which one grew to 5,000 and one was freed; one of 32 a thread; the text.
        let exe = ["--by", "function", "--exe", app.to_str().unwrap()];
        let document = json(&[&["show", log.to_str().unwrap()], exe.as_slice()].concat());
        assert_eq!(live_of(&log), (18, 8 * 48 + 8 * 32 + 5000 + 13), "{mode}");
        let warnings = document["runs"][0]["warnings"].as_array().unwrap();
        assert!(warnings.is_empty(), "{mode}: {warnings:?}");
        let sites = document["sites"].as_array().unwrap();
        let of = |name: &str| {
            let site = sites.iter().find(|site| site["function"] == name);
            let site = site.unwrap_or_else(|| panic!("{mode}: no {name}: {document:#}"));
            crate::common::live(site)[0].unwrap()
        };
        assert_eq!(of("session"), (16, 8 * 48 + 8 * 32), "{mode}");
        assert_eq!(of("main"), (1, 5000), "{mode}");
    }
}

/// Of 4 GiB and more, to the byte; what is freed and what cannot grow is counted by its own size, too.
pub(crate) fn huge_blocks_have_their_size() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(
        directory.path().join("app.c"),
        "#include <stdlib.h>\n#define GIB ((size_t)1 << 30)\nstatic char *volatile kept[40];\n\
         int main(void) { for (int i = 0; i < 30; i++) { kept[i] = malloc(5 * GIB + i); if (!kept[i]) return 3; }\n\
         for (int i = 0; i < 30; i += 2) free(kept[i]);\n\
         kept[1] = realloc(kept[1], 6 * GIB); kept[3] = realloc(kept[3], 100); realloc(kept[5], (size_t)1 << 62);\n\
         return 0; }\n",
    )
    .unwrap();
    let mut build = Command::new("gcc");
    build.args(["-g", "-w", "-o", "app", "app.c"]);
    stdout_of(build.current_dir(directory.path()));
    // 5 GiB and 5, 7, … 29 more; 6 GiB; 100 bytes.
    let (gib, odd) = (1_u64 << 30, (5..30).step_by(2));
    let expected: u64 = odd.map(|more| 5 * gib + more).sum::<u64>() + 6 * gib + 100;
    for mode in ["events", "summary"] {
        let mut record = mtrace_diff();
        record.args(["record", "-q", "--force", "-o", "run", "--mode", mode]);
        let output = output_of(record.args(["--", "./app"]).current_dir(directory.path()));
        if output.status.code() == Some(3) {
            return; // the system does not give so much
        }
        let document = json(&["show", directory.path().join("run").to_str().unwrap()]);
        let live = &document["runs"][0]["live"];
        assert_eq!(live["blocks"], 15, "{mode}");
        assert_eq!(live["bytes"], expected, "{mode}");
    }
}
