//! Running a program under the recorder, from its start to a whole capture.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde::Serialize;

use super::library::write_library;
use super::process::{Waited, adopt_orphans, poll, resident, signal_all};
use crate::elf::ElfInfo;
use crate::error::{Error, Result};
use crate::recording::{Blocks, Header, Mode};

/// What to record, and into which directory.
#[derive(Debug, Clone)]
pub struct Job {
    /// The program and its arguments.
    pub command: Vec<OsString>,
    pub output: PathBuf,
    /// End the program after this time.
    pub limit: Option<Duration>,
    pub settings: Settings,
}

/// How to record.
#[derive(Debug, Clone)]
pub struct Settings {
    pub mode: Mode,
    pub depth: u8,
    pub every: Duration,
    /// In MiB.
    pub max_log: Option<u64>,
    /// How a program is asked to end.
    pub signal: Signal,
    /// How long it may take for that.
    pub grace: Duration,
    /// Leave the executable where it is.
    pub link: bool,
    /// Write over an earlier recording.
    pub force: bool,
}

/// How a program came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// By itself, with this exit status.
    Itself(i32),
    /// It was asked to, because its time was over or the user wanted it.
    Asked,
    /// It did not end when it was asked to.
    Killed,
}

/// What a recording left.
#[derive(Debug)]
pub struct Outcome {
    pub took: Duration,
    pub ending: Ending,
    /// Captures of processes that the program started.
    pub children: Vec<PathBuf>,
    /// The program went on in the background.
    pub is_daemon: bool,
}

/// What can be seen of a recording while it goes on.
#[derive(Debug, Clone, Copy)]
pub struct Watch {
    pub since: Duration,
    pub resident: Option<u64>,
    pub log: u64,
}

const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// The name of a log while it is written: the process id stands behind it.
const PREFIX: &str = "recording.";

/// What a log is called in a capture.
const LOG: &str = "recording";

/// Runs the program to its end. `stop` becomes true when the user wants it to end; `show` is told now and then how it is going.
pub fn run(job: &Job, stop: &Arc<AtomicBool>, mut show: impl FnMut(Watch)) -> Result<Outcome> {
    // What was recorded earlier must not be taken for what could not be recorded now.
    if job.settings.force && is_capture(&job.output) {
        prepare(&job.output, true)?;
    }
    let program = find_program(&job.command)?;
    check_program(&program)?;
    prepare(&job.output, job.settings.force)?;
    let tools = tempfile::Builder::new().prefix("mtrace-recorder").tempdir();
    let tools = tools.map_err(|e| Error::io("create", &std::env::temp_dir(), e))?;
    // Programs that change their user have to be able to read it.
    let readable = fs::Permissions::from_mode(0o755);
    fs::set_permissions(tools.path(), readable)
        .map_err(|e| Error::io("change", tools.path(), e))?;
    let library = write_library(tools.path())?;
    let output = fs::canonicalize(&job.output).map_err(|e| Error::io("open", &job.output, e))?;
    if output.to_string_lossy().contains("%p") {
        // It stands for the process id in the recorder's name of a log.
        return Err(Error::io(
            "record into",
            &job.output,
            io::ErrorKind::InvalidInput.into(),
        ));
    }
    adopt_orphans();
    let begin = Instant::now();
    let main = start(job, &program, &library, &output)?;
    let mut course = Course {
        main,
        status: None,
        left_others: false,
        stopped: false,
        asked: None,
        killed: false,
        begin,
    };
    let ended = course.follow(job, stop, &mut |since| {
        show(Watch {
            since,
            resident: resident(main),
            log: size_of_logs(&output),
        });
    });
    ended.map_err(|e| Error::io("wait for", &program, e))?;
    let took = begin.elapsed();
    leave_capture(job, &output, &program, &course, took)
}

/// The state of the run.
struct Course {
    main: u32,
    /// Of the program itself.
    status: Option<i32>,
    /// The program had ended before it was asked to, and others went on.
    left_others: bool,
    /// The user wanted it to end.
    stopped: bool,
    /// When the program was asked to end.
    asked: Option<Instant>,
    killed: bool,
    begin: Instant,
}

impl Course {
    /// Waits until no process is left, and ends them when their time is over.
    fn follow(
        &mut self,
        job: &Job,
        stop: &AtomicBool,
        show: &mut dyn FnMut(Duration),
    ) -> io::Result<()> {
        let mut shown = Instant::now();
        loop {
            match poll()? {
                Waited::NoneLeft => {
                    // A terminal's Ctrl-C reaches the program, too, and may end it first.
                    self.stopped = stop.load(Ordering::Relaxed);
                    return Ok(());
                }
                Waited::Exited(exited) => {
                    if exited.pid == self.main {
                        self.status = Some(exited.code);
                        self.left_others = self.asked.is_none();
                    }
                    continue;
                }
                Waited::Running => {}
            }
            let is_over = job.limit.is_some_and(|limit| self.begin.elapsed() >= limit);
            match self.asked {
                None if is_over || stop.load(Ordering::Relaxed) => {
                    signal_all(self.main, job.settings.signal);
                    self.asked = Some(Instant::now());
                }
                Some(since) if since.elapsed() >= job.settings.grace => {
                    signal_all(self.main, Signal::KILL);
                    self.killed = true;
                }
                _ => {}
            }
            if shown.elapsed() >= Duration::from_millis(500) {
                show(self.begin.elapsed());
                shown = Instant::now();
            }
            thread::sleep(BETWEEN_LOOKS);
        }
    }

    fn ending(&self) -> Ending {
        match (self.asked, self.killed) {
            (_, true) => Ending::Killed,
            (Some(_), false) => Ending::Asked,
            (None, false) if self.stopped => Ending::Asked,
            (None, false) => Ending::Itself(self.status.unwrap_or(0)),
        }
    }
}

fn start(job: &Job, program: &Path, library: &Path, output: &Path) -> Result<u32> {
    let settings = &job.settings;
    let mut preload = library.as_os_str().to_owned();
    if let Some(others) = std::env::var_os("LD_PRELOAD").filter(|others| !others.is_empty()) {
        preload.push(":");
        preload.push(others);
    }
    let mode = match settings.mode {
        Mode::Events => "events",
        Mode::Summary => "summary",
        Mode::Callers => "callers",
    };
    let mut command = Command::new(program);
    command
        .args(&job.command[1..])
        .env("LD_PRELOAD", preload)
        .env("MTRACE_RECORDER", output.join(format!("{PREFIX}%p")))
        .env("MTRACE_RECORDER_MODE", mode)
        .env("MTRACE_RECORDER_DEPTH", settings.depth.to_string())
        .env(
            "MTRACE_RECORDER_EVERY",
            settings.every.as_secs().max(1).to_string(),
        );
    if let Some(most) = settings.max_log {
        command.env("MTRACE_RECORDER_MAX", most.to_string());
    }
    let child = command.spawn();
    let child = child.map_err(|e| Error::io("start", program, e))?;
    Ok(child.id())
}

/// The program that a name stands for, as a shell would find it.
fn find_program(command: &[OsString]) -> Result<PathBuf> {
    let Some(name) = command.first() else {
        return Err(Error::NoProgram);
    };
    let given = Path::new(name);
    let not_found = || Error::ProgramNotFound {
        path: given.to_path_buf(),
    };
    if name.to_string_lossy().contains('/') {
        return match given.exists() {
            true => Ok(given.to_path_buf()),
            false => Err(not_found()),
        };
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut candidates = std::env::split_paths(&path).map(|directory| directory.join(given));
    candidates
        .find(|path| is_executable(path))
        .ok_or_else(not_found)
}

fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

/// Refuses what the recorder cannot be loaded into.
fn check_program(program: &Path) -> Result<()> {
    let refuse = |reason: &str| {
        Err(Error::NotRecordable {
            path: program.to_path_buf(),
            reason: reason.to_owned(),
        })
    };
    if program.is_dir() {
        return refuse("it is a directory");
    }
    if !is_executable(program) {
        return refuse("it is not executable; `chmod +x` makes it so");
    }
    let mode = fs::metadata(program).map_or(0, |m| m.permissions().mode());
    if mode & 0o6000 != 0 && !rustix::process::geteuid().is_root() {
        return refuse(
            "it runs as another user (set-user-id), and the dynamic loader takes no recorder into such programs; \
             record it as that user",
        );
    }
    // A script is run by another program, which is recorded.
    let Ok(elf) = ElfInfo::read(program) else {
        return Ok(());
    };
    let own = std::env::current_exe()
        .ok()
        .and_then(|path| ElfInfo::read(&path).ok());
    if own.is_some_and(|own| !crate::symbols::same_machine(own.machine, elf.machine)) {
        return Err(Error::NotRecordable {
            path: program.to_path_buf(),
            reason: format!(
                "it is for {}, and this machine's recorder cannot be loaded into it; build one with `mtrace-diff \
                 recorder --build COMPILER` and run the program where it belongs",
                elf.machine
            ),
        });
    }
    match elf.interpreter {
        Some(_) => Ok(()),
        None => refuse(
            "it is linked statically, so nothing can be loaded into it; link the recorder in: \
             `mtrace-diff recorder --source` says how at its top",
        ),
    }
}

/// Makes the directory of a capture, which must not mix with another one.
fn prepare(output: &Path, force: bool) -> Result<()> {
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

/// Only what was recorded here is written over.
fn is_capture(directory: &Path) -> bool {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let names: Vec<String> = entries
        .map(|e| e.file_name().to_string_lossy().into_owned())
        .collect();
    names.iter().any(|name| name == "run.json")
        && names
            .iter()
            .any(|name| name == LOG || name.starts_with(PREFIX))
}

fn logs_of(output: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(output).into_iter().flatten().flatten();
    let logs = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX));
    let mut logs: Vec<PathBuf> = logs.map(|entry| entry.path()).collect();
    logs.sort();
    logs
}

fn size_of_logs(output: &Path) -> u64 {
    let sizes = logs_of(output)
        .into_iter()
        .filter_map(|log| fs::metadata(log).ok());
    sizes.map(|file| file.len()).sum()
}

/// What is known of one log.
struct Log {
    path: PathBuf,
    pid: u32,
    size: u64,
    started: u64,
}

fn read_header(path: &Path) -> Option<Header> {
    let file = fs::File::open(path).ok()?;
    Some(Blocks::open(file).ok()?.ok()?.header)
}

/// Puts what was written in order: the program's log, and a capture of its own for every other process.
fn leave_capture(
    job: &Job,
    output: &Path,
    program: &Path,
    course: &Course,
    took: Duration,
) -> Result<Outcome> {
    let logs = logs_of(output).into_iter().filter_map(|path| {
        let header = read_header(&path)?;
        let size = fs::metadata(&path).ok()?.len();
        Some(Log {
            pid: header.pid,
            started: header.started,
            path,
            size,
        })
    });
    let mut logs: Vec<Log> = logs.collect();
    // Of one process that ran several programs one after the other, the last is meant.
    logs.sort_by_key(|log| log.started);
    let largest = logs.iter().enumerate().max_by_key(|(_, log)| log.size);
    let Some((largest, _)) = largest else {
        return Err(Error::NothingRecorded {
            path: program.to_path_buf(),
        });
    };
    // A script that is run by a static shell has none of its own.
    let own = logs.iter().rposition(|log| log.pid == course.main);
    let own = own.unwrap_or(largest);
    // A daemon leaves its work to a child, and is gone at once.
    let is_daemon = course.asked.is_some() && course.left_others;
    let main = match is_daemon && logs[largest].size > logs[own].size {
        true => largest,
        false => own,
    };
    let mut children = Vec::new();
    for (index, log) in logs.iter().enumerate() {
        if index != main {
            let directory = child_directory(output, log.pid)?;
            put(log, &directory, job, took, None)?;
            children.push(directory);
        }
    }
    put(&logs[main], output, job, took, Some(course.ending()))?;
    Ok(Outcome {
        took,
        ending: course.ending(),
        children,
        is_daemon: main != own,
    })
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
    ended: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    exit_status: Option<i32>,
}

fn put(
    log: &Log,
    directory: &Path,
    job: &Job,
    took: Duration,
    ending: Option<Ending>,
) -> Result<()> {
    let to = directory.join(LOG);
    fs::rename(&log.path, &to).map_err(|e| Error::io("rename", &log.path, e))?;
    let Some(ending) = ending else {
        return Ok(());
    };
    if !job.settings.link {
        copy_program(&to, directory)?;
    }
    let facts = RunFacts {
        schema: crate::capture::SCHEMA,
        duration_s: (took.as_secs_f64() * 1000.0).round() / 1000.0,
        command: job
            .command
            .iter()
            .map(|word| word.to_string_lossy().into_owned())
            .collect(),
        ended: match ending {
            Ending::Itself(_) => "itself",
            Ending::Asked => "asked",
            Ending::Killed => "killed",
        },
        exit_status: match ending {
            Ending::Itself(code) => Some(code),
            _ => None,
        },
    };
    // Under its name only when it is whole.
    let (path, new) = (directory.join("run.json"), directory.join("run.json.new"));
    let text = serde_json::to_string_pretty(&facts).unwrap_or_default() + "\n";
    fs::write(&new, text).map_err(|e| Error::io("write", &new, e))?;
    fs::rename(&new, &path).map_err(|e| Error::io("rename", &new, e))
}

/// A copy of the executable: the next build will overwrite it.
fn copy_program(log: &Path, directory: &Path) -> Result<()> {
    let Some(program) = program_of(log) else {
        return Ok(());
    };
    let Some(name) = program.file_name() else {
        return Ok(());
    };
    // A program called like one of our own files.
    let to = match directory.join(name) {
        path if path.exists() || name == "run.json" => directory.join("program"),
        path => path,
    };
    fs::copy(&program, &to).map_err(|e| Error::io("copy", &program, e))?;
    Ok(())
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
