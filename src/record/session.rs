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

use super::leave::{
    With, is_capture, keep_maps, leave_capture, leave_nothing, prepare, size_of_logs,
};
use super::library::{write_library, write_starter};
use super::process::{Waited, adopt_orphans, poll, resident, signal_all};
use super::program::{
    MALLOC_DEBUG, check_program, find_program, has_malloc_debug, why_not_started,
};
use super::unwind::{self, UnwindPlan};
use crate::error::{Error, Result};
use crate::recording::Mode;
use crate::symbols::SearchPath;

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
    pub with: With,
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
    /// What is missing from the capture, and why.
    pub notes: Vec<String>,
}

/// What can be seen of a recording while it goes on.
#[derive(Debug, Clone, Copy)]
pub struct Watch {
    pub since: Duration,
    pub resident: Option<u64>,
    pub log: u64,
}

const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// Runs the program to its end. `stop` becomes true when the user wants it to end; `show` is told now and then how it is going.
pub fn run(job: &Job, stop: &Arc<AtomicBool>, mut show: impl FnMut(Watch)) -> Result<Outcome> {
    // What was recorded earlier must not be taken for what could not be recorded now.
    if job.settings.force && is_capture(&job.output) {
        prepare(&job.output, true)?;
    }
    let program = find_program(&job.command)?;
    check_program(&program, job.settings.with)?;
    let tools = tempfile::Builder::new().prefix("mtrace-recorder").tempdir();
    let tools = tools.map_err(|e| Error::io("create", &std::env::temp_dir(), e))?;
    // Programs that change their user have to be able to read it.
    let readable = fs::Permissions::from_mode(0o755);
    fs::set_permissions(tools.path(), readable)
        .map_err(|e| Error::io("change", tools.path(), e))?;
    let library = match job.settings.with {
        With::Recorder => write_library(tools.path())?,
        With::Glibc => write_starter(tools.path())?,
    };
    // Last of what can fail: an empty directory would look like a run that is under way.
    prepare(&job.output, job.settings.force)?;
    let output = fs::canonicalize(&job.output).map_err(|e| Error::io("open", &job.output, e))?;
    if output.to_string_lossy().contains("%p") {
        // It stands for the process id in the recorder's name of a log.
        return Err(Error::io(
            "record into",
            &job.output,
            io::ErrorKind::InvalidInput.into(),
        ));
    }
    let table = prepare_table(job, &program, tools.path());
    adopt_orphans();
    let begin = Instant::now();
    let started = start(job, &program, &library, &output, table.as_deref());
    let main = started.inspect_err(|_| leave_nothing(&output, &[]))?;
    let mut course = Course {
        main,
        status: None,
        program: None,
        left_others: false,
        stopped: false,
        asked: None,
        killed: false,
        begin,
    };
    let with = job.settings.with;
    let ended = course.follow(job, stop, &output, &mut |since| {
        show(Watch {
            since,
            resident: resident(main),
            log: size_of_logs(&output, with),
        });
    });
    ended.map_err(|e| Error::io("wait for", &program, e))?;
    let took = begin.elapsed();
    leave_capture(job, &output, &program, &course, took)
}

/// The state of the run.
pub struct Course {
    pub main: u32,
    /// Of the program itself.
    status: Option<i32>,
    /// What its process ran when it was last looked at.
    pub program: Option<PathBuf>,
    /// The program had ended before it was asked to, and others went on.
    pub left_others: bool,
    /// The user wanted it to end.
    stopped: bool,
    /// When the program was asked to end.
    pub asked: Option<Instant>,
    killed: bool,
    begin: Instant,
}

impl Course {
    /// Waits until no process is left, and ends them when their time is over.
    fn follow(
        &mut self,
        job: &Job,
        stop: &AtomicBool,
        output: &Path,
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
            // A process can become another program, and one that is not recorded. Once it is gone, its number can be
            // another's.
            if self.status.is_none()
                && let Ok(program) = fs::read_link(format!("/proc/{}/exe", self.main))
            {
                self.program = Some(program);
            }
            let is_over = job.limit.is_some_and(|limit| self.begin.elapsed() >= limit);
            match self.asked {
                None if is_over || stop.load(Ordering::Relaxed) => {
                    if job.settings.with == With::Glibc {
                        keep_maps(output);
                    }
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

    pub fn ending(&self) -> Ending {
        match (self.asked, self.killed) {
            (_, true) => Ending::Killed,
            (Some(_), false) => Ending::Asked,
            (None, false) if self.stopped => Ending::Asked,
            (None, false) => Ending::Itself(self.status.unwrap_or(0)),
        }
    }
}

/// Where the recorder finds too little in memory to walk stacks by, a table of what the files have beside it.
fn prepare_table(job: &Job, program: &Path, tools: &Path) -> Option<PathBuf> {
    let settings = &job.settings;
    let is_given = std::env::var_os(TABLE).is_some();
    if settings.with != With::Recorder || settings.mode == Mode::Callers || is_given {
        return None;
    }
    if unwind::does_without(program).is_some() {
        return None;
    }
    // A script has none; what it runs can be anything. That stacks are cut is said by whoever reads the recording.
    let table = unwind::build(&UnwindPlan {
        program: program.to_path_buf(),
        libraries: Vec::new(),
        sysroot: None,
        search: SearchPath::default(),
        all_rows: false,
    });
    let table = table.ok()?;
    let path = tools.join("table.unw");
    let is_of_use = table.modules.iter().any(|module| module.known_calls > 0);
    (is_of_use && fs::write(&path, &table.bytes).is_ok()).then_some(path)
}

const TABLE: &str = "MTRACE_RECORDER_TABLE";

fn start(
    job: &Job,
    program: &Path,
    library: &Path,
    output: &Path,
    table: Option<&Path>,
) -> Result<u32> {
    let settings = &job.settings;
    let mut preload = library.as_os_str().to_owned();
    if settings.with == With::Glibc && has_malloc_debug() {
        preload = OsString::from(format!("{MALLOC_DEBUG}:"));
        preload.push(library);
    }
    if let Some(others) = std::env::var_os("LD_PRELOAD").filter(|others| !others.is_empty()) {
        preload.push(":");
        preload.push(others);
    }
    let log = output.join(format!("{}%p", settings.with.prefix()));
    let mut command = Command::new(program);
    command.args(&job.command[1..]).env("LD_PRELOAD", preload);
    match settings.with {
        With::Recorder => recorder_settings(&mut command, settings, &log),
        With::Glibc => {
            command.env("MALLOC_TRACE", log);
        }
    }
    if let Some(table) = table {
        command.env(TABLE, table);
    }
    let child = command.spawn();
    let child = child.map_err(|error| match why_not_started(program, &error) {
        Some(reason) => Error::NotRecordable {
            path: program.to_path_buf(),
            reason,
        },
        None => Error::io("start", program, error),
    })?;
    Ok(child.id())
}

fn recorder_settings(command: &mut Command, settings: &Settings, log: &Path) {
    let mode = match settings.mode {
        Mode::Events => "events",
        Mode::Summary => "summary",
        Mode::Callers => "callers",
    };
    let every = settings.every.as_secs().max(1);
    command
        .env("MTRACE_RECORDER", log)
        .env("MTRACE_RECORDER_MODE", mode)
        .env("MTRACE_RECORDER_DEPTH", settings.depth.to_string())
        .env("MTRACE_RECORDER_EVERY", every.to_string());
    if let Some(most) = settings.max_log {
        command.env("MTRACE_RECORDER_MAX", most.to_string());
    }
}
