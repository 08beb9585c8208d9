//! The directory of a capture: made before the program runs, put in order when it is over.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::execution::Execution;
use super::job::{Captured, Ending, Job, With};
use super::logs::{
    Log, MAPS, beside, executed, logs_of, program_of, remove_logs, unfollowed, work_of,
};
use crate::error::{Error, RecordError, Result};
use crate::recording::{self, is_launcher};
use crate::run_facts::{ASKED, ITSELF, KILLED, RunFacts, SCHEMA};

/// Makes the directory of a capture, which must not mix with another one.
pub(super) fn prepare(output: &Path, force: bool) -> Result<()> {
    let not_empty = || {
        Error::Record(RecordError::NotEmpty {
            path: output.to_path_buf(),
        })
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
pub(super) fn is_capture(directory: &Path) -> bool {
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

/// Puts what was written in order: the program's log, and a capture of its own for every other process.
pub(super) fn leave_capture(
    job: &Job,
    output: &Path,
    program: &Path,
    execution: &Execution,
    took: Duration,
) -> Result<Captured> {
    let began = SystemTime::now() - took;
    let with = job.settings.with;
    let paths = logs_of(output, with);
    let logs = paths.iter().cloned();
    let mut logs: Vec<Log> = logs.filter_map(|path| Log::read(path, with)).collect();
    // Of one process that ran several programs one after the other, the last is meant.
    logs.sort_by_key(|log| log.started);
    let Some(Chosen { main, own }) = Chosen::of(&logs, execution, with) else {
        let reason = why_nothing(&paths, with, execution.ending_of(execution.main));
        leave_nothing(output, &paths);
        return Err(Error::Record(RecordError::NothingRecorded {
            path: program.to_path_buf(),
            reason,
        }));
    };
    // What it was before is seen last where it went on for a moment only.
    let of_main = logs.iter().filter(|log| log.pid == execution.main);
    let recorded: Vec<PathBuf> = of_main.filter_map(|log| program_of(&log.path)).collect();
    let mut children = Vec::new();
    let (mut ran_before, mut launched_by) = (Vec::new(), Vec::new());
    let mut notes = Vec::new();
    let others = logs.iter().enumerate().filter(|(index, _)| *index != main);
    for (_, log) in others {
        let directory = child_directory(output, log.pid)?;
        put_log(log, &directory, with)?;
        // A recording says where its program is; glibc's log does not.
        if with == With::Glibc && !job.settings.link {
            notes.extend(copy_program(&directory, with));
        }
        // glibc's log does not say when it began.
        let name = directory.file_name().filter(|_| with == With::Glibc);
        let name = name.map(|name| name.to_string_lossy().into_owned());
        if log.pid == logs[main].pid {
            ran_before.extend(name);
        } else if main != own && log.pid == execution.main {
            launched_by.extend(name);
        }
        children.push(directory);
    }
    put_log(&logs[main], output, with)?;
    let unfollowed = unfollowed(&logs);
    remove_logs(&paths);
    let went_on_as = match logs[main].pid == execution.main && with == With::Recorder {
        true => {
            let log = output.join(with.log());
            executed(&log).or_else(|| other_program(&recorded, execution.program.as_deref()))
        }
        false => None,
    };
    if !job.settings.link {
        notes.extend(copy_program(output, with));
    }
    let ending = execution.ending_of(logs[main].pid);
    let facts = RunFacts {
        went_on_as,
        ran_before,
        launched_by,
        unfollowed,
        ..facts_of(job, execution, (began, took), ending)
    };
    let put = put_facts(output, &facts);
    // The recording can be read without them.
    notes.extend(
        put.err()
            .map(|error| format!("{error}; so the run lacks its facts, such as how long it took")),
    );
    Ok(Captured {
        notes,
        took,
        ending,
        children,
        is_daemon: main != own,
    })
}

/// Which of the logs is the run's, and which is that of the process that was started: not the same where that is gone.
struct Chosen {
    main: usize,
    own: usize,
}

impl Chosen {
    fn of(logs: &[Log], execution: &Execution, with: With) -> Option<Self> {
        let did: Vec<(u64, u64)> = logs.iter().map(|log| work_of(log, with)).collect();
        let busiest = (0..logs.len()).max_by_key(|index| did[*index])?;
        // A script that is run by a static shell has none of its own.
        let own = logs.iter().rposition(|log| log.pid == execution.main);
        let own = own.unwrap_or(busiest);
        // A daemon leaves its work to a child, and is gone at once. Another program is the daemon only of a shell: what else
        // starts one did work of its own.
        let program = |log: &Log| match with {
            With::Recorder => recording::program_of(File::open(&log.path).ok()?),
            With::Glibc => None,
        };
        let of_own = program(&logs[own]).filter(|program| !is_launcher(program));
        let can_be_it = |index: &usize| of_own.is_none() || program(&logs[*index]) == of_own;
        let of_program = (0..logs.len()).filter(can_be_it);
        let busiest_of_program = of_program.max_by_key(|index| did[*index]);
        let main = match execution.left_work_to_others() {
            true => busiest_of_program.unwrap_or(own),
            false => own,
        };
        Some(Chosen { main, own })
    }
}

/// What is there must not look like a recording, nor be in the way of the next one.
pub(super) fn leave_nothing(output: &Path, paths: &[PathBuf]) {
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

/// What is known of the run without its logs.
fn facts_of(
    job: &Job,
    execution: &Execution,
    (began, took): (SystemTime, Duration),
    ending: Ending,
) -> RunFacts {
    let in_ms = |time: Duration| (time.as_secs_f64() * 1000.0).round() / 1000.0;
    let (ended, exit_status) = match ending {
        Ending::Itself(code) => (ITSELF, Some(code)),
        Ending::Asked { crash } => (ASKED, crash),
        Ending::Killed => (KILLED, None),
    };
    let words = job.command.iter();
    let words = words.map(|word| word.to_string_lossy().into_owned());
    RunFacts {
        schema: SCHEMA,
        duration_s: Some(in_ms(took)),
        asked_after_s: execution.asked_after().map(in_ms),
        started_unix_s: Some(in_ms(began.duration_since(UNIX_EPOCH).unwrap_or_default())),
        command: words.collect(),
        recorder: job.settings.with.name(),
        ended: Some(ended.to_owned()),
        exit_status,
        ..RunFacts::default()
    }
}

fn put_facts(directory: &Path, facts: &RunFacts) -> Result<()> {
    // Under its name only when it is whole.
    let (path, new) = (directory.join("run.json"), directory.join("run.json.new"));
    let text = serde_json::to_string_pretty(facts).unwrap_or_default() + "\n";
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
