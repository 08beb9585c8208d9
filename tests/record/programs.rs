//! The recorder under programs that nobody here wrote, and on other machines and C libraries.
//!
//! What is expected is what valgrind counts, what the clients of a daemon did, or what the source says.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::built::copy_recorder;
use crate::common::{json, mtrace_diff, output_of, stdout_of, testdata};
use crate::recorder::at_mark;

/// An environment that is the same wherever a program runs: some of them copy it.
fn plain(command: &mut Command) -> &mut Command {
    command.env_clear().env("PATH", "/usr/bin:/bin:/usr/sbin");
    command.env("HOME", "/nonexistent").env("LC_ALL", "C");
    command
        .env("PYTHONHASHSEED", "0")
        .env("PYTHONMALLOC", "malloc");
    command.stdin(Stdio::null())
}

struct Work {
    directory: TempDir,
}

impl Work {
    fn new() -> Self {
        Work {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn recorder(&self, name: &str, options: &[&str]) -> Command {
        let mut command = mtrace_diff();
        plain(&mut command).current_dir(self.directory.path());
        command.args(["record", "-q", "-o"]).arg(self.path(name));
        command.args(options).arg("--");
        command
    }

    fn show(&self, name: &str) -> Value {
        json(&["show", self.path(name).to_str().unwrap()])
    }

    /// Records a program, and has valgrind count what it allocates.
    fn equals_valgrind(&self, name: &str, words: &[&str], counts_allocations: bool) {
        let output = output_of(self.recorder(name, &[]).args(words));
        assert!(output.status.success(), "{name}: {output:?}");
        let mut valgrind = Command::new("valgrind");
        plain(&mut valgrind).current_dir(self.directory.path());
        valgrind.args([
            "--run-libc-freeres=no",
            "--run-cxx-freeres=no",
            "--leak-check=no",
        ]);
        let other = output_of(valgrind.args(words));
        assert_eq!(output.stdout, other.stdout, "{name}");
        let said = String::from_utf8_lossy(&other.stderr).into_owned();
        let figures = |mark: &str| -> Vec<u64> {
            let line = said.lines().find(|line| line.contains(mark));
            let line = line.unwrap_or_else(|| panic!("{name}: {said}"));
            let text = line.split_once(mark).unwrap().1.replace(',', "");
            text.split(' ')
                .filter_map(|word| word.parse().ok())
                .collect()
        };
        let (live, all) = (figures("in use at exit:"), figures("total heap usage:"));
        let document = self.show(name);
        let ours = &document["runs"][0]["live"];
        assert_eq!(
            (&ours["bytes"], &ours["blocks"]),
            (&live[0].into(), &live[1].into()),
            "{name}"
        );
        if counts_allocations {
            assert_eq!(allocations(&document), all[0], "{name}");
        }
        assert_eq!(harm(&document), [""; 0], "{name}");
    }
}

fn allocations(document: &Value) -> u64 {
    let sites = document["sites"].as_array().unwrap().iter();
    sites
        .map(|site| site["runs"][0]["allocations"].as_u64().unwrap())
        .sum()
}

/// Warnings that say that something is missing from a recording.
pub(crate) fn harm(document: &Value) -> Vec<String> {
    let warnings = document["runs"][0]["warnings"].as_array().unwrap().iter();
    let codes = warnings.map(|warning| warning["code"].as_str().unwrap().to_owned());
    codes.filter(|code| code != "no-debug-info").collect()
}

pub(crate) fn jq_counts_as_under_valgrind() {
    let work = Work::new();
    fs::write(
        work.path("in.json"),
        "{\"a\":[1,2,{\"b\":\"cccccccc\"}],\"d\":{\"e\":[null,true,1.5e3]}}",
    )
    .unwrap();
    let filter =
        ".. | strings |= ascii_upcase | [paths | map(tostring) | join(\"/\")] | map(test(\"b\"))";
    work.equals_valgrind("run", &["/usr/bin/jq", filter, "in.json"], true);
}

pub(crate) fn sqlite_counts_as_under_valgrind() {
    let work = Work::new();
    let script = "create table t(a, b); with recursive c(x) as (select 1 union all select x + 1 from c where x < 2000) \
                  insert into t select x, printf('%d-%d', x, x * x) from c; create index i on t(b); \
                  select count(*), max(b) from (select b from t order by b limit 500);";
    work.equals_valgrind(
        "run",
        &["/usr/bin/sqlite3", "-batch", ":memory:", script],
        true,
    );
}

pub(crate) fn python_counts_as_under_valgrind() {
    let work = Work::new();
    let script = "import json\nd = json.loads(json.dumps([{'k%d' % i: [i]} for i in range(3000)]))\nprint(len(d))";
    // It allocates once for each variable of its environment, and valgrind has some of its own.
    work.equals_valgrind(
        "run",
        &["/usr/bin/python3", "-I", "-S", "-c", script],
        false,
    );
}

pub(crate) fn git_and_its_children() {
    let work = Work::new();
    let git = |words: &[&str]| {
        let mut command = Command::new("/usr/bin/git");
        plain(&mut command).current_dir(work.directory.path());
        command
            .args(["-c", "user.name=a", "-c", "user.email=a@b", "-C", "g"])
            .args(words);
        stdout_of(&mut command);
    };
    fs::create_dir(work.path("g")).unwrap();
    git(&["init", "-q"]);
    for i in 0..3 {
        fs::write(work.path("g/file"), "line\n".repeat(i + 1)).unwrap();
        git(&["add", "file"]);
        git(&["commit", "-q", "-m", "change"]);
    }
    work.equals_valgrind("log", &["/usr/bin/git", "-C", "g", "log", "--stat"], true);
    // A clone by way of upload-pack, which runs pack-objects: processes of processes.
    let output = output_of(work.recorder("clone", &[]).args([
        "/usr/bin/git",
        "clone",
        "-q",
        "--no-local",
        "g",
        "h",
    ]));
    assert!(
        output.status.success() && work.path("h/file").exists(),
        "{output:?}"
    );
    let entries = fs::read_dir(work.path("clone"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let children: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    let mut busy = 0;
    for run in children.iter().chain([&work.path("clone")]) {
        let document = json(&["show", run.to_str().unwrap()]);
        // A child that does nothing between fork and exec has nothing to record.
        let nothing = allocations(&document) == 0;
        busy += usize::from(!nothing);
        let expected: &[&str] = match nothing {
            true => &["no-records"],
            false if *run == work.path("clone") => &["children-apart"],
            false => &[],
        };
        assert_eq!(harm(&document), expected, "{}", run.display());
    }
    // git itself, upload-pack, pack-objects, and whoever takes the pack.
    assert!(busy >= 4, "{children:?}");
}

/// A daemon, which is killed should a test fail.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

fn wait_for_port(port: u16) {
    let begin = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(
            begin.elapsed() < Duration::from_secs(30),
            "nobody listens at {port}"
        );
        sleep(Duration::from_millis(50));
    }
}

/// What stays after so many retained messages of 5,000 bytes: the broker is killed before it can free them.
fn mosquitto(work: &Work, name: &str, messages: usize) {
    let (port, pid) = (free_port(), work.path(&format!("{name}.pid")));
    let config = work.path(&format!("{name}.conf"));
    let text = format!(
        "listener {port} 127.0.0.1\nallow_anonymous true\nuser root\npid_file {}\n",
        pid.display()
    );
    fs::write(&config, text).unwrap();
    let mut command = work.recorder(name, &["--for", "60s"]);
    command.args(["mosquitto", "-c"]).arg(&config);
    let mut daemon = Daemon(
        command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    wait_for_port(port);
    let port = port.to_string();
    let payload = "x".repeat(5000);
    for i in 0..messages {
        let topic = format!("t/{i:04}");
        stdout_of(
            Command::new("mosquitto_pub")
                .args(["-p", &port, "-q", "1", "-r", "-t", &topic, "-m", &payload]),
        );
    }
    let count = messages.to_string();
    let got = stdout_of(
        Command::new("mosquitto_sub").args(["-p", &port, "-t", "t/#", "-C", &count, "-W", "20"]),
    );
    assert_eq!(
        got.lines().filter(|line| line.len() == 5000).count(),
        messages
    );
    let pid = fs::read_to_string(pid).unwrap();
    stdout_of(Command::new("kill").args(["-KILL", pid.trim()]));
    assert_eq!(daemon.0.wait().unwrap().code(), Some(137));
    assert_eq!(harm(&work.show(name)), [""; 0], "{name}");
}

pub(crate) fn mosquitto_keeps_what_its_clients_retain() {
    let work = Work::new();
    mosquitto(&work, "few", 20);
    mosquitto(&work, "many", 60);
    let runs = ["few", "many"].map(|name| work.path(name));
    let document = json(&[runs[0].to_str().unwrap(), runs[1].to_str().unwrap()]);
    let growth = document["total"]["growth"]["bytes"]
        .as_i64()
        .unwrap_or_else(|| panic!("{:#}", document["total"]));
    // 40 more payloads, and beside each its topic and the broker's own entries.
    assert!((200_000..240_000).contains(&growth), "{growth}");
    let sites = document["sites"].as_array().unwrap().iter();
    let payloads = sites.filter(|site| {
        site["growth"]["blocks"] == 40 && site["growth"]["bytes"].as_i64() >= Some(200_000)
    });
    assert_eq!(
        payloads.count(),
        1,
        "one place holds the payloads: {document:#}"
    );
}

pub(crate) fn nginx_and_its_workers() {
    let work = Work::new();
    let port = free_port();
    let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let paths: String = paths
        .iter()
        .map(|name| format!("{name}_temp_path {name};"))
        .collect();
    let config = format!(
        "daemon off; worker_processes 2; error_log stderr; pid nginx.pid; events {{ worker_connections 64; }}\n\
         http {{ access_log off; {paths} server {{ listen 127.0.0.1:{port}; location / {{ return 200 hello; }} }} }}\n"
    );
    fs::write(work.path("nginx.conf"), config).unwrap();
    let mut command = work.recorder("run", &["--for", "60s", "--signal", "QUIT"]);
    command
        .arg("nginx")
        .arg("-p")
        .arg(work.directory.path())
        .args(["-c", "nginx.conf"]);
    let mut daemon = Daemon(
        command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    wait_for_port(port);
    for _ in 0..40 {
        use std::io::{Read, Write};
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.ends_with("hello"), "{answer}");
    }
    // Ctrl-C of the recording ends it as its time would.
    stdout_of(Command::new("kill").args(["-INT", &daemon.0.id().to_string()]));
    assert_eq!(daemon.0.wait().unwrap().code(), Some(0));
    let entries = fs::read_dir(work.path("run"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let workers: Vec<Value> = entries
        .filter(|path| path.is_dir())
        .map(|path| json(&["show", path.to_str().unwrap()]))
        .collect();
    assert_eq!(workers.len(), 2);
    assert!(workers.iter().all(|document| harm(document).is_empty()));
    assert_eq!(harm(&work.show("run")), ["children-apart"]);
    // A pool for each connection, and one for each request.
    let served: u64 = workers.iter().map(allocations).sum();
    assert!(served >= 80, "{served}");
}

/// The scene `count` of recorded.c: its figures stand there.
fn counts_on(machine: &str) {
    let work = Work::new();
    let (compiler, runner) = (
        format!("{machine}-gcc"),
        match machine.split('-').next() {
            Some("arm") => "qemu-arm",
            _ => "qemu-aarch64",
        },
    );
    let root = Path::new("/usr").join(machine);
    copy_recorder(&compiler, &work.path("mtrace-recorder.so"));
    let app = work.path("app");
    let source = testdata().join("src/recorded.c");
    stdout_of(
        Command::new(&compiler)
            .args(["-O2", "-g", "-w", "-pthread", "-o"])
            .arg(&app)
            .arg(source)
            .arg("-ldl"),
    );
    let table = work.path("app.unw");
    stdout_of(
        mtrace_diff()
            .arg("unwind-table")
            .arg("-o")
            .arg(&table)
            .arg(&app)
            .arg("--sysroot")
            .arg(&root),
    );
    let set = |name: &str, path: PathBuf| format!("{name}={}", path.display());
    for scene in ["count", "threads", "forks"] {
        let log = work.path(scene);
        let output = output_of(
            Command::new(runner)
                .args(["-E", &set("LD_PRELOAD", work.path("mtrace-recorder.so"))])
                .args(["-E", &set("MTRACE_RECORDER", log.clone())])
                .args(["-E", &set("MTRACE_RECORDER_TABLE", table.clone())])
                .arg("-L")
                .arg(&root)
                .arg(&app)
                .arg(scene),
        );
        assert!(output.status.success(), "{machine} {scene}: {output:?}");
        let (log, exe, root) = (
            log.to_str().unwrap(),
            app.to_str().unwrap(),
            root.to_str().unwrap(),
        );
        let document = json(&["show", log, "--exe", exe, "--sysroot", root, "--by", "line"]);
        match scene {
            // At the caller of the wrapper: so the stack was walked, without a frame pointer.
            "count" => {
                assert_eq!(at_mark(&document, "session"), (10, 480), "{machine}");
                assert_eq!(at_mark(&document, "cache"), (3, 300), "{machine}");
            }
            "threads" => assert_eq!(at_mark(&document, "in-thread"), (800, 12_800), "{machine}"),
            // The child has a log of its own, whether or not there are pages that a fork wipes.
            _ => {
                assert_eq!(at_mark(&document, "session"), (2, 96), "{machine}");
                let child = format!("{log}.1");
                let document = json(&[
                    "show",
                    &child,
                    "--exe",
                    exe,
                    "--sysroot",
                    root,
                    "--by",
                    "line",
                ]);
                assert_eq!(at_mark(&document, "session"), (3, 144), "{machine}");
            }
        }
    }
}

pub(crate) fn arm_under_qemu() {
    counts_on("arm-linux-gnueabihf");
}

pub(crate) fn aarch64_under_qemu() {
    counts_on("aarch64-linux-gnu");
}

pub(crate) fn a_musl_program() {
    let work = Work::new();
    let source = "#include <pthread.h>\n#include <stdlib.h>\n#include <string.h>\n#include <sys/wait.h>\n#include <unistd.h>\n\
        void *volatile sink;\n\
        __attribute__((noipa)) void leak(int n) { sink = malloc(n); memset(sink, 1, n); }\n\
        __attribute__((noipa)) void *worker(void *p) { for (int i = 0; i < 100; i++) leak(24); free(p); return 0; }\n\
        int main(void) { pthread_t t[8];\n\
        for (int i = 0; i < 8; i++) pthread_create(&t[i], 0, worker, malloc(77));\n\
        for (int i = 0; i < 8; i++) pthread_join(t[i], 0);\n\
        char *s = strdup(\"0123456789\"); s = realloc(s, 5000); sink = s;\n\
        if (fork() == 0) { leak(9); exit(0); }\n\
        wait(0); return 0; }\n";
    fs::write(work.path("app.c"), source).unwrap();
    stdout_of(
        Command::new("musl-gcc")
            .args(["-O1", "-g", "-w", "-o", "app", "app.c"])
            .current_dir(work.directory.path()),
    );
    copy_recorder("musl-gcc", &work.path("mtrace-recorder.so"));
    let mut command = Command::new(work.path("app"));
    command.env("LD_PRELOAD", work.path("mtrace-recorder.so"));
    command.env("MTRACE_RECORDER", work.path("log.%p"));
    let mut child = command.spawn().unwrap();
    let pid = child.id();
    assert!(child.wait().unwrap().success());
    let exe = work.path("app");
    let shown = |log: &Path| {
        json(&[
            "show",
            log.to_str().unwrap(),
            "--exe",
            exe.to_str().unwrap(),
            "--by",
            "function",
        ])
    };
    let own = shown(&work.path(&format!("log.{pid}")));
    let of = |document: &Value, name: &str| -> (u64, u64) {
        let sites = document["sites"].as_array().unwrap().iter();
        let sites = sites.filter(|site| site["function"] == name);
        let live = sites.map(|site| {
            let live = &site["runs"][0]["live"];
            (
                live["blocks"].as_u64().unwrap(),
                live["bytes"].as_u64().unwrap(),
            )
        });
        live.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    };
    assert_eq!(of(&own, "leak"), (800, 19_200), "{own:#}");
    assert_eq!(of(&own, "main"), (1, 5000), "{own:#}");
    let logs = fs::read_dir(work.directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let is_child = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.starts_with("log.") && name != format!("log.{pid}")
    };
    let children: Vec<PathBuf> = logs.filter(is_child).collect();
    assert_eq!(children.len(), 1, "{children:?}");
    assert_eq!(of(&shown(&children[0]), "leak"), (1, 9));
}

pub(crate) fn a_recording_comes_through_a_pipe() {
    let work = Work::new();
    let source = testdata().join("src/recorded.c");
    let app = work.path("app");
    stdout_of(
        Command::new("gcc")
            .args(["-O1", "-g", "-w", "-pthread", "-o"])
            .arg(&app)
            .arg(source)
            .arg("-ldl"),
    );
    stdout_of(work.recorder("run", &[]).arg(&app).arg("count"));
    let shown = |sender: &mut Command| -> Value {
        let mut sender = sender.stdout(Stdio::piped()).spawn().unwrap();
        let mut show = mtrace_diff();
        show.args(["show", "-", "--by", "line", "--format", "json"]);
        let text = stdout_of(show.stdin(sender.stdout.take().unwrap()));
        assert!(sender.wait().unwrap().success());
        serde_json::from_str(&text).unwrap()
    };
    // The log alone, and the archive that capture.sh makes of a directory.
    let log = shown(Command::new("cat").arg(work.path("run/recording")));
    let archive = shown(
        Command::new("tar")
            .args(["-c", "-f", "-", "-C"])
            .arg(work.path("run"))
            .arg("."),
    );
    for document in [&log, &archive] {
        assert_eq!(at_mark(document, "session"), (10, 480));
        assert_eq!(document["runs"][0]["name"], "stdin");
    }
    // Only the archive has the executable with it.
    let program = archive["runs"][0]["program"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    assert!(
        program.ends_with("/stdin/app") && !Path::new(&program).exists(),
        "{program}"
    );
    assert!(!work.path("run/run.json.new").exists());
}
