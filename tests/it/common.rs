//! What the tests share: the binary, the captures, and the tools of this machine.
#![allow(dead_code, clippy::unwrap_used)] // each test uses a part

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use object::Object;

use serde_json::Value;

/// The program under test, in a plain environment.
pub(crate) fn mtrace_diff() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mtrace-diff"));
    for variable in [
        "NO_COLOR",
        "CLICOLOR",
        "CLICOLOR_FORCE",
        "COLUMNS",
        "LC_ALL",
        "LC_CTYPE",
        "LANG",
    ] {
        command.env_remove(variable);
    }
    command.current_dir(testdata());
    command
}

pub(crate) fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata")
}

/// A file of a capture set, found by how its name ends.
pub(crate) fn file_of(run: &str, suffix: &str) -> PathBuf {
    let directory = testdata().join(run);
    let mut files: Vec<PathBuf> = std::fs::read_dir(&directory)
        .unwrap_or_else(|e| panic!("{}: {e}", directory.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_str().unwrap().ends_with(suffix))
        .filter(|path| {
            !path
                .file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .starts_with("result")
        })
        .collect();
    assert_eq!(files.len(), 1, "{run} has not one *{suffix}: {files:?}");
    files.remove(0)
}

/// Runs a command that has to succeed, and gives what it printed.
pub(crate) fn stdout_of(command: &mut Command) -> String {
    let output = output_of(command);
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

pub(crate) fn output_of(command: &mut Command) -> Output {
    // A program that was just written is busy while a process that another test starts still has it open.
    for _ in 0..50 {
        match command.output() {
            Err(e) if e.kind() == std::io::ErrorKind::ExecutableFileBusy => {
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            output => return output.unwrap_or_else(|e| panic!("{command:?}: {e}")),
        }
    }
    panic!("{command:?} is busy for a second");
}

/// A text without the breaks of its lines, which are where a terminal's edge is.
pub(crate) fn unwrapped(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Options by which this machine's C library has no debug information, as on a machine without such packages: to read
/// it takes several times as long as all else that a test does.
pub(crate) fn plain_libc() -> &'static [OsString] {
    static OPTIONS: OnceLock<Vec<OsString>> = OnceLock::new();
    OPTIONS.get_or_init(|| {
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        let mut paths = maps.lines().filter_map(|line| line.split(' ').next_back());
        let Some(libc) = paths.find(|path| path.ends_with("/libc.so.6")) else {
            return Vec::new();
        };
        let bytes = fs::read(libc).unwrap();
        let file = object::File::parse(bytes.as_slice()).unwrap();
        let Some(id) = file.build_id().unwrap() else {
            return Vec::new();
        };
        let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
        // The library itself stands where its debug information is looked for first.
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("plain-libc");
        let directory = root.join(".build-id").join(&id[..2]);
        fs::create_dir_all(&directory).unwrap();
        let link = directory.join(format!("{}.debug", &id[2..]));
        if !link.exists() {
            let _ = fs::remove_file(&link);
            symlink(libc, link).unwrap();
        }
        vec!["--debug-dir".into(), root.into()]
    })
}

/// The command that compares runs of this machine.
pub(crate) fn comparing<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = mtrace_diff();
    command.args(arguments).args(plain_libc());
    command
}

/// The JSON document of a comparison or, with `show` first, of one run.
pub(crate) fn json(arguments: &[&str]) -> Value {
    let mut command = mtrace_diff();
    command.args(arguments).args(["--format", "json"]);
    let text = stdout_of(command.args(plain_libc()));
    serde_json::from_str(&text).unwrap()
}

/// The document of both runs of a capture set.
pub(crate) fn compare(set: &str) -> Value {
    json(&[&format!("{set}/run0"), &format!("{set}/run1")])
}

/// The only site whose function begins with `function`.
pub(crate) fn site<'a>(document: &'a Value, function: &str) -> &'a Value {
    let mut sites = document["sites"].as_array().unwrap().iter().filter(|site| {
        let name = site["function"].as_str();
        name.is_some_and(|name| name.starts_with(function))
    });
    let site = sites
        .next()
        .unwrap_or_else(|| panic!("no site in {function}: {document:#}"));
    assert!(
        sites.next().is_none(),
        "several sites in {function}: {document:#}"
    );
    site
}

/// Live blocks and bytes of a site in each run; absent is `None`.
pub(crate) fn live(site: &Value) -> Vec<Option<(u64, u64)>> {
    let of = |run: &Value| {
        Some((
            run["live"]["blocks"].as_u64()?,
            run["live"]["bytes"].as_u64()?,
        ))
    };
    site["runs"].as_array().unwrap().iter().map(of).collect()
}

/// The line of a source in testdata/src that holds `mark`, counted from 1.
pub(crate) fn line_of(source: &str, mark: &str) -> u64 {
    let path = testdata().join("src").join(source);
    let text = std::fs::read_to_string(&path).unwrap();
    let mut lines = text
        .lines()
        .enumerate()
        .filter(|(_, line)| line.contains(mark));
    let (index, _) = lines
        .next()
        .unwrap_or_else(|| panic!("no '{mark}' in {source}"));
    assert!(
        lines.next().is_none(),
        "'{mark}' stands more than once in {source}"
    );
    index as u64 + 1
}

/// Another name of a run: a gate refuses the very same one twice.
pub(crate) fn linked(path: impl AsRef<Path>) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = testdata().join(path).canonicalize().unwrap();
    let link = directory.path().join(path.file_name().unwrap());
    std::os::unix::fs::symlink(path, &link).unwrap();
    (directory, link)
}

/// A directory in memory, where the system has such a place: files that are written anew thousands of times need no disk.
pub(crate) fn directory_in_memory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

/// Whether a program is on this machine.
pub(crate) fn has_tool(name: &str) -> bool {
    if let Some(library) = name.strip_prefix("pkg-config:") {
        let known = Command::new("pkg-config")
            .args(["--exists", library])
            .status();
        return known.is_ok_and(|status| status.success());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| directory.join(name).is_file())
}
