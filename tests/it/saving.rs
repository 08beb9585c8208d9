//! Writing saved reports, and refusing those whose figures cannot be.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::{mtrace_diff, output_of, stdout_of, testdata};

const RUNS: [&str; 2] = ["armhf-glibc2.31/run0", "armhf-glibc2.31/run1"];

fn failed(command: &mut Command) -> String {
    let output = output_of(command);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{command:?}: {text}");
    assert_eq!(output.stdout, b"", "{command:?}");
    text
}

fn assert_says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "'{part}' is missing in: {text}");
    }
}

fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy_tree(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}

fn files_below(root: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.extend(files_below(&path)),
            false => files.push(path),
        }
    }
    files
}

#[test]
fn no_file_of_a_run_is_written_over_wherever_it_lies() {
    let directory = TempDir::new().unwrap();
    let at = |name: &str| directory.path().join(name);
    copy_tree(&testdata().join("armhf-glibc2.31"), directory.path());
    fs::create_dir(at("run0/lib")).unwrap();
    fs::copy(
        at("sysroot/opt/gateway/lib/libsensors.so.1.4"),
        at("run0/lib/libsensors.so.1"),
    )
    .unwrap();
    fs::create_dir(at("elsewhere")).unwrap();
    fs::hard_link(at("run0/app0"), at("elsewhere/app0")).unwrap();
    fs::copy(at("run0/app0.maps"), at("elsewhere/maps")).unwrap();
    let files = files_below(directory.path());
    assert!(
        files
            .iter()
            .any(|file| file.ends_with("lib/libsensors.so.1.4")),
        "{files:?}"
    );
    for file in files {
        let before = fs::read(&file).unwrap();
        let text = failed(
            mtrace_diff()
                .arg(at("run0"))
                .arg(at("run1"))
                .arg("--save")
                .arg(&file),
        );
        assert_says(&text, &["not overwritten", "give another file with --save"]);
        assert_eq!(fs::read(&file).unwrap(), before);
    }
}

#[test]
fn a_program_beside_a_saved_report_is_not_written_over() {
    let directory = TempDir::new().unwrap();
    let at = |name: &str| directory.path().join(name);
    stdout_of(
        mtrace_diff()
            .args(["show", RUNS[0], "--save"])
            .arg(at("base.json")),
    );
    fs::copy(testdata().join(RUNS[0]).join("app0"), at("app0")).unwrap();
    for name in ["app0", "base.json"] {
        let before = fs::read(at(name)).unwrap();
        let text = failed(
            mtrace_diff()
                .arg(RUNS[0])
                .arg(directory.path())
                .arg("--save")
                .arg(at(name)),
        );
        assert_says(&text, &[name, "not overwritten"]);
        assert_eq!(fs::read(at(name)).unwrap(), before);
    }
}

#[test]
fn links_at_the_old_temporary_names_are_not_followed() {
    let directory = TempDir::new().unwrap();
    let at = |name: &str| directory.path().join(name);
    fs::create_dir(at("d")).unwrap();
    fs::write(at("victim"), "precious").unwrap();
    // The shell's own process becomes the program, so that its id is known.
    let script = format!(
        "ln -s ../victim d/.b.json.$$.tmp && cd {} && exec {} show {} --save {}",
        testdata().display(),
        env!("CARGO_BIN_EXE_mtrace-diff"),
        RUNS[0],
        at("d/b.json").display()
    );
    let mut shell = Command::new("sh");
    stdout_of(shell.current_dir(directory.path()).args(["-c", &script]));
    assert_eq!(fs::read_to_string(at("victim")).unwrap(), "precious");
    assert!(fs::symlink_metadata(at("d/b.json")).unwrap().is_file());
}

/// A log with many callers, whose report takes some time to write.
fn large_log(path: &Path) {
    let mut log = "= Start\n".to_owned();
    for n in 0..100_000u64 {
        log += &format!(
            "@ ./app:[{:#x}] + {:#x} 0x18\n",
            0x1000 + n,
            0x10_0000 + 32 * n
        );
    }
    fs::write(path, log + "= End\n").unwrap();
}

fn unfinished(directory: &Path) -> usize {
    let names = fs::read_dir(directory).unwrap().filter_map(Result::ok);
    names
        .filter(|entry| entry.file_name().to_string_lossy().ends_with(".tmp"))
        .count()
}

#[test]
fn a_signal_leaves_nothing_unfinished_behind() {
    use rustix::process::{Pid, Signal, kill_process};
    use std::os::unix::process::ExitStatusExt;
    let (directory, logs) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let log = logs.path().join("m.log");
    large_log(&log);
    // What a shell starts in the background ignores SIGINT, and so does what that starts.
    let own = fs::read_to_string("/proc/self/status").unwrap();
    let ignored = own.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = u64::from_str_radix(ignored.unwrap().trim(), 16).unwrap();
    let can_come = |signal: &Signal| ignored >> (signal.as_raw() - 1) & 1 == 0;
    let signals = [Signal::TERM, Signal::INT, Signal::HUP];
    for signal in signals.into_iter().filter(can_come) {
        let mut caught = false;
        // On a busy machine a report is often written before anybody looks.
        for round in 0..60 {
            let file = directory.path().join(format!("{round}.json"));
            let mut command = mtrace_diff();
            command.arg("show").arg(&log).arg("--save").arg(&file);
            let mut child = command
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            while unfinished(directory.path()) == 0 && child.try_wait().unwrap().is_none() {
                std::thread::sleep(Duration::from_micros(50));
            }
            // It may have ended just now.
            let _ = kill_process(Pid::from_child(&child), signal);
            let status = child.wait().unwrap();
            assert_eq!(unfinished(directory.path()), 0, "{signal:?}");
            if status.signal() == Some(signal.as_raw()) && !file.exists() {
                caught = true;
                break;
            }
            let _ = fs::remove_file(&file);
        }
        assert!(caught, "{signal:?} never came while the file was written");
    }
}

/// A saved report of a real run, as a document.
fn document() -> Value {
    let directory = TempDir::new().unwrap();
    let base = directory.path().join("base.json");
    stdout_of(mtrace_diff().args(["show", RUNS[1], "--save"]).arg(&base));
    serde_json::from_slice(&fs::read(base).unwrap()).unwrap()
}

/// A caller that has live blocks, bytes and a curve.
fn caller(document: &mut Value) -> &mut Value {
    let callers = document["callers"].as_array_mut().unwrap();
    let is_live = |caller: &&mut Value| caller["blocks"].as_u64().unwrap() > 100;
    callers.iter_mut().find(is_live).unwrap()
}

#[test]
fn a_saved_report_whose_figures_cannot_be_is_refused() {
    type Spoil = fn(&mut Value);
    let spoils: [(&str, Spoil); 16] = [
        ("'allocations'", |d| caller(d)["allocations"] = json!(0)),
        ("'allocations' is missing", |d| {
            drop(caller(d).as_object_mut().unwrap().remove("allocations"))
        }),
        ("'bytes' is missing", |d| {
            drop(caller(d).as_object_mut().unwrap().remove("bytes"))
        }),
        ("'curve' ends", |d| caller(d)["blocks"] = json!(101)),
        ("'curve' ends", |d| caller(d)["bytes"] = json!(7)),
        ("'curve' ends", |d| caller(d)["curve"] = json!([])),
        ("live in the 'curve'", |d| {
            let caller = caller(d);
            let end = caller["curve"].as_array().unwrap().last().unwrap().clone();
            caller["curve"] = json!([[0, 1_000_000, 9], end]);
        }),
        ("curve", |d| caller(d)["curve"] = json!([[64, 1, 1]])),
        ("'bytes' without 'blocks'", |d| {
            let caller = caller(d);
            caller["blocks"] = json!(0);
            caller["curve"] = Value::Null;
        }),
        ("nothing was allocated", |d| {
            let caller = caller(d);
            for field in ["blocks", "bytes", "allocations"] {
                caller[field] = json!(0);
            }
            caller["curve"] = Value::Null;
        }),
        ("'sizes'", |d| caller(d)["sizes"] = json!([2, 1])),
        ("'sizes'", |d| caller(d)["sizes"] = json!([1, 1])),
        ("'total'", |d| {
            drop(d["callers"].as_array_mut().unwrap().pop())
        }),
        ("'total'", |d| {
            let first = d["callers"][0].clone();
            d["callers"].as_array_mut().unwrap().push(first);
        }),
        ("'records'", |d| d["records"] = json!(3)),
        ("module 99", |d| caller(d)["module"] = json!(99)),
    ];
    let good = document();
    for (says, spoil) in spoils {
        let mut document = good.clone();
        spoil(&mut document);
        assert_ne!(document, good, "{says}");
        let directory = TempDir::new().unwrap();
        let file = directory.path().join("r.json");
        fs::write(&file, document.to_string()).unwrap();
        let text = failed(
            mtrace_diff()
                .arg(RUNS[0])
                .arg(&file)
                .args(["--fail-above", "100000"]),
        );
        assert_says(&text, &["r.json", says, "save it again"]);
    }
}

#[test]
fn a_report_of_any_run_can_be_read_back() {
    let runs = fs::read_dir(testdata())
        .unwrap()
        .map(|set| set.unwrap().path());
    let runs: Vec<_> = runs
        .flat_map(|set| [set.join("run0"), set.join("run1")])
        .filter(|run| run.is_dir())
        .collect();
    assert!(runs.len() > 10);
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("r.json");
    for run in runs {
        for moment in ["", "@40%"] {
            let run = format!("{}{moment}", run.display());
            let output = output_of(mtrace_diff().args(["show", &run, "--save"]).arg(&file));
            assert!(
                output.status.success(),
                "{run}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
            stdout_of(mtrace_diff().arg("show").arg(&file));
        }
    }
    // What a log with huge sizes and odd frees comes to is consistent, too.
    let log = directory.path().join("m.log");
    fs::write(
        &log,
        "= Start\n@ a:[0x1] + 0x10 0xffffffffffffffff\n@ a:[0x1] + 0x20 0xffffffffffffffff\n@ a:[0x1] + 0x10 0x9\n\
         @ a:[0x2] - 0x20\n@ a:[0x2] - 0x20\n@ a:[0x3] < 0x10\n@ a:[0x3] > 0x10 0x30\n@ a:[0x4] > 0x50 0x30\n\
         @ a:[0x5] + (nil) 0x30\n@ a:[0x6] ! 0x10 0x30\n",
    )
    .unwrap();
    stdout_of(mtrace_diff().arg("show").arg(&log).arg("--save").arg(&file));
    stdout_of(mtrace_diff().arg("show").arg(&file));
}

#[test]
fn a_cut_result_of_the_script_is_not_judged() {
    let directory = TempDir::new().unwrap();
    let whole = testdata().join(RUNS[1]).join("result1.log");
    let text = fs::read_to_string(&whole).unwrap();
    let cut = directory.path().join("cut.log");
    fs::write(
        &cut,
        text.lines()
            .take(2)
            .map(|line| format!("{line}\n"))
            .collect::<String>(),
    )
    .unwrap();
    let first = testdata().join(RUNS[0]).join("result0.log");
    let gate = |last: &Path| {
        output_of(
            mtrace_diff()
                .arg(&first)
                .arg(last)
                .args(["--fail-above", "100000"]),
        )
    };
    assert_eq!(gate(&whole).status.code(), Some(0));
    let text = failed(
        mtrace_diff()
            .arg(&first)
            .arg(&cut)
            .args(["--fail-above", "100000"]),
    );
    assert_says(&text, &["cut.log", "gate cannot judge", "give the log"]);
    let shown = stdout_of(mtrace_diff().arg("show").arg(&cut));
    assert_says(
        &shown,
        &["total of 3,504 blocks but lines for only 300 of them"],
    );
    // Nor is a report of it.
    let saved = directory.path().join("saved.json");
    stdout_of(
        mtrace_diff()
            .arg("show")
            .arg(&cut)
            .arg("--save")
            .arg(&saved),
    );
    assert_says(
        &failed(
            mtrace_diff()
                .arg(&first)
                .arg(&saved)
                .args(["--fail-above", "100000"]),
        ),
        &["saved.json", "gate cannot judge"],
    );
    // One line twice is one that was not there.
    let twice = directory.path().join("twice.log");
    let row = text_of_row(&whole);
    fs::write(&twice, format!("total_cnt: 600\n{row}\n{row}\n")).unwrap();
    assert_says(
        &failed(mtrace_diff().arg("show").arg(&twice)),
        &["line 3", "there already"],
    );
}

fn text_of_row(result: &Path) -> String {
    fs::read_to_string(result)
        .unwrap()
        .lines()
        .nth(1)
        .unwrap()
        .to_owned()
}

#[test]
fn a_block_that_mtrace_lists_twice_is_refused() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("r");
    let head = "\nMemory not freed:\n-----------------\n           Address     Size     Caller\n";
    let block = "0x0000000000000020      0x8  at 0x2\n";
    fs::write(&file, format!("{head}{block}{block}")).unwrap();
    assert_says(
        &failed(mtrace_diff().arg("show").arg(&file)),
        &["line 6", "there already"],
    );
}
