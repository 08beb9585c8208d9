//! Running a program under the recorder, from its start to a whole capture.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use super::execution::Execution;
use super::job::{Captured, Job, Settings, With};
use super::leave::{is_capture, leave_capture, leave_nothing, prepare};
use super::library::{write_library, write_starter};
use super::logs::size_of_logs;
use super::process::{adopt_orphans, resident};
use super::program::{
    MALLOC_DEBUG, check_program, find_program, has_malloc_debug, why_not_started,
};
use super::unwind::{self, UnwindPlan};
use crate::error::{Error, RecordError, Result};
use crate::recording::Mode;
use crate::symbols::SearchPath;

/// What can be seen of a recording while it goes on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Status {
    pub since: Duration,
    pub resident: Option<u64>,
    pub log: u64,
}

/// Runs the program to its end. `stop` becomes true when the user wants it to end; `show` is told now and then how it is going.
pub(crate) fn run(
    job: &Job,
    stop: &Arc<AtomicBool>,
    mut show: impl FnMut(Status),
) -> Result<Captured> {
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
    let mut execution = Execution::new(main, begin);
    let with = job.settings.with;
    let ended = execution.follow(job, stop, &output, &mut |since| {
        show(Status {
            since,
            resident: resident(main),
            log: size_of_logs(&output, with),
        });
    });
    ended.map_err(|e| Error::io("wait for", &program, e))?;
    let took = begin.elapsed();
    leave_capture(job, &output, &program, &execution, took)
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
        Some(reason) => Error::Record(RecordError::NotRecordable {
            path: program.to_path_buf(),
            reason,
        }),
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
