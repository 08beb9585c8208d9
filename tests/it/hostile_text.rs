//! Hostile text in every field of every kind of input: none of it reaches a terminal as anything but text.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::{file_of, mtrace_diff, output_of, stdout_of, testdata, unwrapped};

/// A title, a cleared screen, C1 controls, a reordered line, what takes no room, a colour, a bell.
const HOSTILE: &str = "x\u{1b}]0;PWNED\u{7}\u{1b}[2J\u{1b}[31m\u{9b}31m\u{85}\u{202e}\u{2066}\u{200b}\u{feff}\u{2028}\u{7f}\u{8}y";

/// The same without what a name of a file cannot hold.
fn hostile_name() -> OsString {
    OsString::from_vec(HOSTILE.as_bytes().to_vec())
}

/// What may be written: text, line feeds, and colours where they were asked for.
fn assert_clean(bytes: &[u8], colors: bool, what: &str) {
    let text = String::from_utf8(bytes.to_vec()).unwrap_or_else(|e| panic!("{what}: {e}"));
    let mut rest = text.as_str();
    while let Some(c) = rest.chars().next() {
        let sgr = rest.strip_prefix("\u{1b}[").filter(|_| colors);
        let end = sgr.and_then(|rest| rest.find(|c: char| !c.is_ascii_digit() && c != ';'));
        if let (Some(body), Some(end)) = (sgr, end)
            && body[end..].starts_with('m')
        {
            // 31 is the colour of the hostile text; ours of that kind are bold.
            assert_ne!(&body[..end], "31", "{what}: {text:?}");
            rest = &body[end + 1..];
            continue;
        }
        let is_bad = matches!(u32::from(c), 0..=8 | 11..=31 | 127..=159)
            || "\u{61c}\u{ad}\u{180e}\u{feff}".contains(c)
            || matches!(u32::from(c), 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f);
        assert!(!is_bad, "{what}: {c:?} in {text:?}");
        rest = &rest[c.len_utf8()..];
    }
}

/// Runs a command in all forms of output; whatever it says must be clean.
fn assert_all_clean<S: AsRef<OsStr>>(arguments: &[S], what: &str) {
    let run = |form: &[&str]| {
        let output = output_of(mtrace_diff().args(arguments).args(form));
        let colors = form.contains(&"always");
        assert_clean(&output.stdout, colors, what);
        assert_clean(&output.stderr, false, what);
        assert_ne!(output.status.code(), None, "{what}");
        output
    };
    // Plain, as no terminal reads this.
    let plain = run(&[]);
    run(&["--color", "always", "--inlines", "--all"]);
    run(&["--format", "json"]);
    // What is refused before anything is drawn is so for every width.
    if plain.status.success() || !plain.stdout.is_empty() {
        run(&["--width", "60", "--color", "always"]);
    }
}

fn show(path: &Path, what: &str) {
    assert_all_clean(&[OsStr::new("show"), path.as_os_str()], what);
    for listing in ["mtrace", "mtrace-do"] {
        let output = output_of(
            mtrace_diff()
                .arg("show")
                .arg(path)
                .args(["--format", listing]),
        );
        assert_clean(&output.stdout, false, what);
        assert_clean(&output.stderr, false, what);
    }
    let output = output_of(mtrace_diff().arg("show").arg(path).arg("--errors"));
    assert_clean(&output.stdout, false, what);
    // Beside another run, and as both ends of a comparison.
    let other = file_of("armhf-glibc2.31/run0", ".log");
    assert_all_clean(&[other.as_os_str(), path.as_os_str()], what);
    assert_all_clean(
        &[
            path.as_os_str(),
            path.as_os_str(),
            OsStr::new("--fail-above"),
            OsStr::new("0"),
        ],
        what,
    );
}

fn written(directory: &TempDir, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = directory.path().join(name);
    fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn in_a_log() {
    let directory = TempDir::new().unwrap();
    for (what, line) in [
        ("path", format!("@ /opt/{HOSTILE}:[0x11d1] + 0x1000 0x18\n")),
        (
            "symbol",
            format!("@ /opt/a.so:({HOSTILE}+0x1a)[0x11d1] + 0x1000 0x18\n"),
        ),
        ("free", format!("@ /opt/{HOSTILE}:[0x11d1] - 0x1000\n")),
        (
            "failure",
            format!("@ /opt/{HOSTILE}:[0x11d1] + (nil) 0x18\n"),
        ),
        ("garbage", format!("{HOSTILE}\n@ ./a:[0x1] + 0x1000 0x18\n")),
        (
            "glued",
            format!("{HOSTILE}@ ./a:[0x1] + 0x2000 0x18\n@ ./a:[0x1] + 0x1000 0x18\n"),
        ),
        ("tail", format!("@ ./a:[0x1] + 0x1000 0x18\n{HOSTILE}")),
        ("garbage alone", format!("{HOSTILE}\n")),
    ] {
        show(
            &written(&directory, "m.log", format!("= Start\n{line}")),
            what,
        );
    }
}

#[test]
fn in_maps_and_run_json() {
    let directory = TempDir::new().unwrap();
    let log = "= Start\n@ [0x400010d1] + 0x1000 0x18\n@ ./app:[0x400010d1] + 0x2000 0x18\n= End\n";
    written(&directory, "m.log", log);
    for (what, maps) in [
        (
            "path",
            format!("40000000-40002000 r-xp 00000000 00:01 7 /opt/{HOSTILE}\n"),
        ),
        (
            "line",
            format!("40000000-40002000 r-xp 00000000 00:01 7 /opt/app\n{HOSTILE}\n"),
        ),
        (
            "flags",
            format!("40000000-40002000 {HOSTILE} 00000000 00:01 7 /opt/app\n"),
        ),
    ] {
        written(&directory, "app.maps", maps.replace('\u{2028}', ""));
        show(directory.path(), what);
        let maps = directory.path().join("app.maps");
        let arguments = [
            OsStr::new("show"),
            OsStr::new("--maps"),
            maps.as_os_str(),
            directory.path().as_os_str(),
        ];
        assert_all_clean(&arguments, what);
    }
    fs::remove_file(directory.path().join("app.maps")).unwrap();
    let whole = json!({ "schema": "mtrace-diff-run/1", "duration_s": 120, "modules": [{ "path": "/opt/app", "build_id": "abcd" }] });
    for (what, text) in mutations(&whole) {
        written(&directory, "run.json", text);
        show(directory.path(), &format!("run.json, {what}"));
    }
}

/// The document with hostile text in place of each value, beside each key, and as each key; and cut in it.
fn mutations(document: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut pointers = vec![String::new()];
    while let Some(pointer) = pointers.pop() {
        let value = document.pointer(&pointer).unwrap();
        let children: Vec<String> = match value {
            Value::Object(object) => object
                .keys()
                .map(|key| format!("{pointer}/{key}"))
                .collect(),
            Value::Array(array) => (0..array.len().min(2))
                .map(|at| format!("{pointer}/{at}"))
                .collect(),
            _ => Vec::new(),
        };
        for (kind, new) in [
            ("text", json!(HOSTILE)),
            ("key", json!({ HOSTILE: HOSTILE })),
            ("list", json!([HOSTILE])),
        ] {
            let mut changed = document.clone();
            *changed.pointer_mut(&pointer).unwrap() = new;
            found.push((format!("{kind} at '{pointer}'"), changed.to_string()));
        }
        if value.is_object() {
            let mut changed = document.clone();
            let object = changed
                .pointer_mut(&pointer)
                .unwrap()
                .as_object_mut()
                .unwrap();
            object.insert(HOSTILE.to_owned(), json!(HOSTILE));
            found.push((format!("unknown key in '{pointer}'"), changed.to_string()));
        }
        pointers.extend(children);
    }
    found
}

#[test]
fn in_a_saved_report() {
    let directory = TempDir::new().unwrap();
    let saved = directory.path().join("s.json");
    let run = "armhf-glibc2.31/run1";
    stdout_of(
        mtrace_diff()
            .args([
                "show",
                run,
                "--sysroot",
                "armhf-glibc2.31/sysroot",
                "--save",
            ])
            .arg(&saved),
    );
    let mut document: Value = serde_json::from_slice(&fs::read(&saved).unwrap()).unwrap();
    document["callers"].as_array_mut().unwrap().truncate(2);
    document.as_object_mut().unwrap().remove("total");
    for (what, text) in mutations(&document) {
        fs::write(&saved, text).unwrap();
        let arguments = [OsStr::new("show"), saved.as_os_str()];
        assert_all_clean(&arguments, &format!("saved report, {what}"));
    }
    // Only a gate names what was there before.
    document["earlier"] = serde_json::json!({
        "recordings": [HOSTILE],
        "live": {"blocks": 1_000_000, "bytes": 1_000_000},
    });
    fs::write(&saved, document.to_string()).unwrap();
    let first = testdata().join("armhf-glibc2.31/run0");
    let arguments = [
        first.as_os_str(),
        saved.as_os_str(),
        OsStr::new("--fail-above"),
        OsStr::new("100000"),
    ];
    assert_all_clean(&arguments, "what was there before");
    for more in [&[][..], &["--strict"]] {
        let said = output_of(mtrace_diff().args(arguments).args(more));
        let said = [said.stdout, said.stderr].concat();
        let said = unwrapped(&String::from_utf8_lossy(&said));
        assert!(said.contains("left more than in the first run"), "{said}");
    }
}

#[test]
fn in_results_of_the_old_tools() {
    let directory = TempDir::new().unwrap();
    let head = "\nMemory not freed:\n-----------------\n           Address     Size     Caller\n";
    for (what, text) in [
        (
            "mtrace",
            format!("{head}0x0000000000001000     0x18  at {HOSTILE}\n"),
        ),
        (
            "mtrace line",
            format!("{head}0x0000000000001000     0x18  at /src/{HOSTILE}.c:12\n"),
        ),
        ("mtrace damage", format!("{head}{HOSTILE}\n")),
        (
            "script",
            format!("total_cnt: 3\n0x11d1:\t\t3\t\t/opt/{HOSTILE}\t\t0x11d1\n"),
        ),
        ("script damage", format!("total_cnt: 3\n{HOSTILE}\n")),
        ("script head", format!("total_cnt: {HOSTILE}\n")),
    ] {
        show(&written(&directory, "result.log", text), what);
    }
}

/// Names of the program's own: its symbols and its DWARF, changed in the file, byte for byte.
#[test]
fn in_a_program() {
    let directory = TempDir::new().unwrap();
    for entry in fs::read_dir(crate::common::testdata().join("armhf-glibc2.36/run0")).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, directory.path().join(path.file_name().unwrap())).unwrap();
    }
    let program = fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let program = program
        .into_iter()
        .find(|path| fs::read(path).unwrap().starts_with(b"\x7fELF"))
        .unwrap();
    let whole = fs::read(&program).unwrap();
    // As long as what they replace: an escape, a title's beginning, an override, a bell.
    for (name, other) in [
        (
            &b"session_open"[..],
            &b"\x1b]0;\xe2\x80\xae\x07\xc2\x9bxy"[..],
        ),
        (b"frame_decode", b"\x1b[2J\xe2\x80\xaezzzzz"),
        (b"gateway.c", b"\x1b[31m\x07\x08zz"),
        (b"libc.so.6", b"\x1b[31m\x07\x08zz"),
    ] {
        assert_eq!(name.len(), other.len());
        let mut changed = whole.clone();
        let places: Vec<usize> = memchr::memmem::find_iter(&whole, name).collect();
        for at in &places {
            changed[*at..at + name.len()].copy_from_slice(other);
        }
        fs::write(&program, changed).unwrap();
        show(
            directory.path(),
            &format!("{} in the program", String::from_utf8_lossy(name)),
        );
    }
}

#[test]
fn in_names_of_runs_and_files() {
    let directory = TempDir::new().unwrap();
    let run = directory.path().join(hostile_name());
    fs::create_dir(&run).unwrap();
    for entry in fs::read_dir(crate::common::testdata().join("armhf-glibc2.31/run0")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if !name.starts_with("result") {
            fs::copy(&path, run.join(format!("{name}{HOSTILE}"))).unwrap();
        }
    }
    show(&run, "names of a run");
    let saved = run.join(format!("{HOSTILE}.json"));
    let output = output_of(
        mtrace_diff()
            .arg("show")
            .arg(&run)
            .arg("--save")
            .arg(&saved),
    );
    assert_clean(&output.stdout, false, "save");
    assert_clean(&output.stderr, false, "save");
    show(&saved, "name of a report");
    show(&run.join("gone"), "a path that is not there");
}

#[test]
fn in_options() {
    let run = "armhf-glibc2.31/run0";
    let log = file_of(run, ".log");
    let log = log.to_str().unwrap();
    let mut all: Vec<Vec<OsString>> = Vec::new();
    let hostile = hostile_name();
    for option in [
        "--log",
        "--exe",
        "--maps",
        "--sysroot",
        "--debug-dir",
        "--addressing",
        "--duration",
        "--map",
        "--sort",
        "--by",
        "--top",
        "--memory",
        "--color",
        "--width",
        "--format",
        "--fail-above",
        "--fail-on",
        "--threads",
    ] {
        all.push([option.into(), hostile.clone(), run.into(), run.into()].to_vec());
        let mut joined = OsString::from(format!("{option}="));
        joined.push(&hostile);
        all.push([joined, run.into(), run.into()].to_vec());
    }
    let mut unknown = OsString::from("--");
    unknown.push(&hostile);
    all.push(vec![unknown, run.into(), run.into()]);
    all.push(vec![hostile.clone()]);
    all.push(vec![hostile.clone(), run.into()]);
    all.push(vec!["show".into(), hostile.clone()]);
    all.push(vec!["show".into(), run.into(), hostile.clone()]);
    let mut at = OsString::from(format!("{log}@"));
    at.push(&hostile);
    all.push(vec!["show".into(), at]);
    for map in [
        format!("/src={HOSTILE}"),
        format!("{HOSTILE}=/src"),
        format!("libsensors.so.1={HOSTILE}"),
        format!("={HOSTILE}"),
    ] {
        all.push(vec!["--map".into(), map.into(), run.into(), run.into()]);
    }
    for arguments in all {
        let what = format!("{arguments:?}");
        for form in [
            &["--color", "always", "--all"][..],
            &["--format", "json"],
            &[],
        ] {
            let output = output_of(mtrace_diff().args(&arguments).args(form));
            assert_clean(&output.stdout, form.contains(&"always"), &what);
            assert_clean(&output.stderr, false, &what);
        }
        assert!(OsStr::from_bytes(what.as_bytes()).len() > 2);
    }
}
