//! The directory of a capture: made before the program runs, put in order when it is over.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use super::session::{Course, Ending, Job, Outcome};
use crate::error::{Error, Result};
use crate::recording::{Blocks, Programs};

/// What writes the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum With {
    /// The recorder that comes with this program.
    Recorder,
    /// glibc's own `mtrace(3)`.
    Glibc,
}

impl With {
    /// The name of a log while it is written: the process id stands behind it.
    pub fn prefix(self) -> &'static str {
        match self {
            With::Recorder => "recording.",
            With::Glibc => "mtrace.",
        }
    }

    /// What a log is called in a capture.
    pub fn log(self) -> &'static str {
        match self {
            With::Recorder => "recording",
            With::Glibc => "mtrace.log",
        }
    }

    fn name(self) -> &'static str {
        match self {
            With::Recorder => "mtrace-diff",
            With::Glibc => "glibc",
        }
    }
}

/// A recording of no more bytes than this is read to see how much it holds.
const SMALL: u64 = 1 << 20;

/// What stands behind the name of glibc's log, for the maps of its process.
const MAPS: &str = ".maps";

/// Makes the directory of a capture, which must not mix with another one.
pub fn prepare(output: &Path, force: bool) -> Result<()> {
    let not_empty = || Error::NotEmpty {
        path: output.to_path_buf(),
    };
    match fs::read_dir(output) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(output).map_err(|e| Error::io("create", output, e))
        }
        Err(error) => Err(Error::io("open", output, error)),
        Ok(mut entries) => match (entries.next().is_none(), force) {
            (true, _) => Ok(()),
            (false, true) if is_capture(output) => {
                fs::remove_dir_all(output).map_err(|e| Error::io("empty", output, e))?;
                fs::create_dir_all(output).map_err(|e| Error::io("create", output, e))
            }
            (false, _) => Err(not_empty()),
        },
    }
}

/// Only what was recorded here is written over. A log of glibc can be anybody's: there, `run.json` has to say so.
pub fn is_capture(directory: &Path) -> bool {
    let Ok(facts) = fs::read(directory.join("run.json")) else {
        return false;
    };
    let facts: serde_json::Value = serde_json::from_slice(&facts).unwrap_or_default();
    let is_ours = facts["recorder"] == With::Glibc.name();
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let is_of = |name: &str, with: With| name == with.log() || name.starts_with(with.prefix());
    names.any(|name| is_of(&name, With::Recorder) || (is_ours && is_of(&name, With::Glibc)))
}

fn logs_of(output: &Path, with: With) -> Vec<PathBuf> {
    let entries = fs::read_dir(output).into_iter().flatten().flatten();
    let logs = entries.filter(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        let number = name.strip_prefix(with.prefix());
        number.is_some_and(|number| number.bytes().all(|b| b.is_ascii_digit() || b == b'.'))
    });
    let mut logs: Vec<PathBuf> = logs.map(|entry| entry.path()).collect();
    logs.sort();
    logs
}

pub fn size_of_logs(output: &Path, with: With) -> u64 {
    let sizes = logs_of(output, with)
        .into_iter()
        .filter_map(|log| fs::metadata(log).ok());
    sizes.map(|file| file.len()).sum()
}

/// Keeps the maps of processes that glibc traces, before they are asked to end: one that has to be killed cannot.
pub fn keep_maps(output: &Path) {
    for log in logs_of(output, With::Glibc) {
        let Some((pid, _)) = number_of(&log) else {
            continue;
        };
        let (maps, new) = (beside(&log, MAPS), beside(&log, ".maps.asked"));
        // It may have ended by now; then its own copy is the better one.
        if fs::copy(format!("/proc/{pid}/maps"), &new).is_ok_and(|size| size > 0) {
            let _ = fs::rename(&new, &maps);
        }
        let _ = fs::remove_file(&new);
    }
}

fn beside(log: &Path, ending: &str) -> PathBuf {
    let mut name = log.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Process id and turn: the second program that one process runs has turn 1.
fn number_of(log: &Path) -> Option<(u32, u64)> {
    let name = log.file_name()?.to_str()?;
    let number = name.strip_prefix(With::Glibc.prefix())?;
    let (pid, turn) = number.split_once('.').unwrap_or((number, "0"));
    Some((pid.parse().ok()?, turn.parse().ok()?))
}

/// What is known of one log.
struct Log {
    path: PathBuf,
    pid: u32,
    size: u64,
    started: u64,
}

impl Log {
    fn read(path: PathBuf, with: With) -> Option<Self> {
        let size = fs::metadata(&path).ok()?.len();
        let (pid, started) = match with {
            With::Recorder => {
                let file = fs::File::open(&path).ok()?;
                let header = Blocks::open(file).ok()?.ok()?.header;
                (header.pid, header.started)
            }
            With::Glibc => {
                let mut first = [0; 7];
                let mut file = fs::File::open(&path).ok()?;
                let is_log = file.read_exact(&mut first).is_ok() && &first == b"= Start";
                number_of(&path).filter(|_| is_log)?
            }
        };
        Some(Log {
            path,
            pid,
            size,
            started,
        })
    }
}

/// Puts what was written in order: the program's log, and a capture of its own for every other process.
pub fn leave_capture(
    job: &Job,
    output: &Path,
    program: &Path,
    course: &Course,
    took: Duration,
) -> Result<Outcome> {
    let with = job.settings.with;
    let paths = logs_of(output, with);
    let logs = paths.iter().cloned();
    let mut logs: Vec<Log> = logs.filter_map(|path| Log::read(path, with)).collect();
    // Of one process that ran several programs one after the other, the last is meant.
    logs.sort_by_key(|log| log.started);
    let did = |(_, log): &(usize, &Log)| (log.size, events_of(log, with));
    let largest = logs.iter().enumerate().max_by_key(did);
    let Some((largest, _)) = largest else {
        let reason = why_nothing(&paths, with, course.ending());
        leave_nothing(output, &paths);
        return Err(Error::NothingRecorded {
            path: program.to_path_buf(),
            reason,
        });
    };
    // A script that is run by a static shell has none of its own.
    let own = logs.iter().rposition(|log| log.pid == course.main);
    let own = own.unwrap_or(largest);
    // A daemon leaves its work to a child, and is gone at once.
    let is_daemon = course.asked.is_some() && course.left_others;
    let main = match is_daemon && logs[largest].size >= logs[own].size {
        true => largest,
        false => own,
    };
    // What it was before is seen last where it went on for a moment only.
    let of_main = logs.iter().filter(|log| log.pid == course.main);
    let recorded: Vec<PathBuf> = of_main.filter_map(|log| program_of(&log.path)).collect();
    let mut children = Vec::new();
    let mut before = Vec::new();
    let mut notes = Vec::new();
    for (index, log) in logs.iter().enumerate() {
        if index != main {
            let directory = child_directory(output, log.pid)?;
            put_log(log, &directory, with)?;
            // A recording says where its program is; glibc's log does not.
            if with == With::Glibc && !job.settings.link {
                notes.extend(copy_program(&directory, with));
            }
            // glibc's log does not say when it began: what the process was before, and what launched a daemon.
            let is_before = log.pid == logs[main].pid || (main != own && log.pid == course.main);
            if let Some(name) = directory
                .file_name()
                .filter(|_| with == With::Glibc && is_before)
            {
                before.push(name.to_string_lossy().into_owned());
            }
            children.push(directory);
        }
    }
    put_log(&logs[main], output, with)?;
    remove_logs(&paths);
    let went_on_as = match logs[main].pid == course.main && with == With::Recorder {
        true => {
            let log = output.join(with.log());
            executed(&log).or_else(|| other_program(&recorded, course.program.as_deref()))
        }
        false => None,
    };
    if !job.settings.link {
        notes.extend(copy_program(output, with));
    }
    let put = put_facts(output, job, took, course.ending(), went_on_as, before);
    // The recording can be read without them.
    notes.extend(
        put.err()
            .map(|error| format!("{error}; so the run lacks its facts, such as how long it took")),
    );
    Ok(Outcome {
        notes,
        took,
        ending: course.ending(),
        children,
        is_daemon: main != own,
    })
}

/// Small recordings are of one size, as the recorder maps its files in pieces: there, events are counted.
fn events_of(log: &Log, with: With) -> u64 {
    if with == With::Glibc || log.size > SMALL {
        return 0;
    }
    let Ok(file) = fs::File::open(&log.path) else {
        return 0;
    };
    let Ok(Ok(blocks)) = Blocks::open(file) else {
        return 0;
    };
    let header = blocks.header.clone();
    let mut events = 0;
    for block in blocks {
        // What is damaged counts as far as it goes.
        let _ = crate::recording::decode(&block, &header, |_| events += 1);
    }
    events
}

/// Removes logs that did not come as far as their first line.
fn remove_logs(paths: &[PathBuf]) {
    for path in paths {
        for rest in [path.clone(), beside(path, MAPS)] {
            let _ = fs::remove_file(rest);
        }
    }
}

/// What is there must not look like a recording, nor be in the way of the next one.
pub fn leave_nothing(output: &Path, paths: &[PathBuf]) {
    remove_logs(paths);
    let _ = fs::remove_dir(output);
}

fn why_nothing(paths: &[PathBuf], with: With, ending: Ending) -> String {
    let reason = match (with, paths.is_empty()) {
        (With::Glibc, false) => {
            "glibc writes its log in pieces of 512 bytes, and the program was killed, or ended by _exit, before the \
             first; let it end by itself (--signal, --grace), or record without `--with glibc`"
        }
        (_, false) => {
            "the log has not even a header; there may be no room on the disk, or a limit for the size of files \
             (`ulimit -f`)"
        }
        (_, true) => {
            "the dynamic loader did not load the recorder, or the program ended before it began; see its message \
             above (a directory mounted noexec can be the cause, or AppArmor: set TMPDIR to another directory)"
        }
    };
    match ending {
        Ending::Itself(code) if code != 0 => format!("{reason}; it ended with exit status {code}"),
        _ => reason.to_owned(),
    }
}

/// What a process ran in the end, if that is none of what wrote its logs.
fn other_program(recorded: &[PathBuf], last: Option<&Path>) -> Option<String> {
    // A program that was built anew meanwhile has no name any more.
    let last = last.filter(|last| !recorded.is_empty() && last.is_file())?;
    let whole = |path: &Path| fs::canonicalize(path).ok();
    let same = recorded.iter().any(|path| whole(path) == whole(last));
    (!same).then(|| last.to_string_lossy().into_owned())
}

/// What the recorder wrote down last: that the process goes on as this program. Of one that is recorded, there is a later log.
fn executed(log: &Path) -> Option<String> {
    let blocks = Blocks::open(fs::File::open(log).ok()?).ok()?.ok()?;
    let header = blocks.header.clone();
    let (mut before, mut last) = (None, None);
    for block in blocks {
        before = last.replace(block);
    }
    let mut programs = Programs::default();
    for block in before.into_iter().chain(last) {
        // What is damaged counts as far as it goes.
        let _ = crate::recording::decode(&block, &header, |event| {
            if let crate::recording::Event::Fact { key, value } = event {
                programs.note(key, value);
            }
        });
    }
    programs.executes
}

fn child_directory(output: &Path, pid: u32) -> Result<PathBuf> {
    let mut number = 1;
    loop {
        let name = match number {
            1 => format!("child-{pid}"),
            n => format!("child-{pid}.{n}"),
        };
        let directory = output.join(name);
        match fs::create_dir(&directory) {
            Ok(()) => return Ok(directory),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(Error::io("create", &directory, error)),
        }
    }
}

/// The facts of a run, as `run.json` has them.
#[derive(Serialize)]
struct RunFacts {
    schema: &'static str,
    duration_s: f64,
    command: Vec<String>,
    /// What wrote the log.
    recorder: &'static str,
    ended: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    exit_status: Option<i32>,
    /// What the process became, without being recorded any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    went_on_as: Option<String>,
    /// Directories of what ran before, and is no child.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ran_before: Vec<String>,
}

fn put_log(log: &Log, directory: &Path, with: With) -> Result<()> {
    let to = directory.join(with.log());
    fs::rename(&log.path, &to).map_err(|e| Error::io("rename", &log.path, e))?;
    let maps = beside(&log.path, MAPS);
    match with == With::Glibc && maps.exists() {
        true => {
            fs::rename(&maps, directory.join("maps")).map_err(|e| Error::io("rename", &maps, e))
        }
        false => Ok(()),
    }
}

fn put_facts(
    directory: &Path,
    job: &Job,
    took: Duration,
    ending: Ending,
    went_on_as: Option<String>,
    ran_before: Vec<String>,
) -> Result<()> {
    let facts = RunFacts {
        schema: crate::capture::SCHEMA,
        duration_s: (took.as_secs_f64() * 1000.0).round() / 1000.0,
        command: job
            .command
            .iter()
            .map(|word| word.to_string_lossy().into_owned())
            .collect(),
        recorder: job.settings.with.name(),
        ended: match ending {
            Ending::Itself(_) => "itself",
            Ending::Asked => "asked",
            Ending::Killed => "killed",
        },
        exit_status: match ending {
            Ending::Itself(code) => Some(code),
            _ => None,
        },
        went_on_as,
        ran_before,
    };
    // Under its name only when it is whole.
    let (path, new) = (directory.join("run.json"), directory.join("run.json.new"));
    let text = serde_json::to_string_pretty(&facts).unwrap_or_default() + "\n";
    let put = fs::write(&new, text).and_then(|()| fs::rename(&new, &path));
    put.map_err(|e| {
        let _ = fs::remove_file(&new);
        Error::io("write", &path, e)
    })
}

/// A copy of the executable: the next build will overwrite it. Says what became of it, if there is none.
fn copy_program(directory: &Path, with: With) -> Option<String> {
    let program = match with {
        With::Recorder => program_of(&directory.join(with.log())),
        With::Glibc => program_in(&directory.join("maps")),
    };
    let program = program?;
    let name = program.file_name()?;
    // A program called like one of our own files.
    let to = match directory.join(name) {
        path if path.exists() || name == "run.json" => directory.join("program"),
        path => path,
    };
    // Half a copy would be taken for the program.
    let copied = fs::copy(&program, &to);
    copied.err().map(|error| {
        let _ = fs::remove_file(&to);
        format!(
            "the executable was not copied into '{}' ({error}): when it has been built anew, the names in its stacks are \
             lost",
            crate::printable::printable_path(directory)
        )
    })
}

/// The executable is mapped below all libraries, and nothing else with a name stands before it.
fn program_in(maps: &Path) -> Option<PathBuf> {
    let text = fs::read_to_string(maps).ok()?;
    let path = text
        .lines()
        .find_map(|line| line.find('/').map(|at| &line[at..]))?;
    Some(PathBuf::from(path)).filter(|path| path.is_file())
}

fn program_of(log: &Path) -> Option<PathBuf> {
    let file = fs::File::open(log).ok()?;
    let mut blocks = Blocks::open(file).ok()?.ok()?;
    let header = blocks.header.clone();
    let block = blocks.next()?;
    let mut program = None;
    // Facts stand at the beginning; what follows does not matter here.
    let _ = crate::recording::decode(&block, &header, |event| {
        if let crate::recording::Event::Fact {
            key: b"program",
            value,
        } = event
        {
            use std::os::unix::ffi::OsStrExt;
            program.get_or_insert(PathBuf::from(std::ffi::OsStr::from_bytes(value)));
        }
    });
    program.filter(|path: &PathBuf| path.is_file())
}
