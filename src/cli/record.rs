//! `mtrace-diff record` and `mtrace-diff recorder`.

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use clap::{Args, ValueEnum};
use rustix::process::Signal;

use super::clean::{Escape, print};
use super::terminal::on_stderr;
use super::values;
use crate::capture::RunInput;
use crate::error::{Error, RecordError, Result, UsageError};
use crate::plan::Plan;
use crate::printable::{printable, printable_path};
use crate::record::{self, Captured, Ending, Job, SOURCE, Settings, Status, With};
use crate::recording::Mode;
use crate::units::{bytes, counted, signal_name, time};

#[derive(Debug, Args)]
#[command(
    override_usage = "mtrace-diff record -o <DIR> [OPTIONS] -- <PROGRAM> [ARGUMENTS]...",
    after_help = "\
Examples:
  mtrace-diff record -o run0 --for 2m -- ./app -c app.conf    for two minutes, then SIGTERM
  mtrace-diff record -o run1 --for 3m -- ./app -c app.conf    for three minutes
  mtrace-diff run0 run1                                       what grew
  mtrace-diff record --runs 2m,3m -o captures --then-diff -- ./app
  mtrace-diff record -o run0 -- ./app                         until it exits, or you press Ctrl-C
  mtrace-diff record --with glibc -o run0 -- ./app            a glibc mtrace(3) log

One long run is also enough: mtrace-diff run1@2m run1@3m compares two moments of run1.

Exit status: the program's own, if it exited by itself; 0 if it was stopped as asked; 2 if nothing could \
be recorded."
)]
pub(super) struct RecordArgs {
    /// The program to run, and its arguments
    #[arg(required = true, last = true, value_name = "PROGRAM")]
    command: Vec<OsString>,
    /// The directory to create, for the log, the executable and data about the run
    #[arg(long, short, value_name = "DIR")]
    output: PathBuf,
    /// Stop the program after this time: 90s, 2m, 1h
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    limit: Option<Duration>,
    /// Record several runs in a row with these durations (2m,3m), into run0, run1, … in the output directory
    #[arg(long, value_name = "TIMES", value_delimiter = ',', value_parser = duration, conflicts_with = "limit")]
    runs: Vec<Duration>,
    /// With --runs, compare the runs when they are done
    #[arg(long, requires = "runs")]
    then_diff: bool,
    /// What writes the log: mtrace-diff's own recorder, or glibc's mtrace(3)
    #[arg(long, value_enum, default_value = "recorder")]
    with: WithName,
    /// What to record [default: events]
    #[arg(long, value_enum)]
    mode: Option<ModeName>,
    /// Maximum number of frames per call stack [default: 64]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..))]
    depth: Option<u8>,
    /// How often --mode summary writes its counts [default: 10s]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    every: Option<Duration>,
    /// Stop logging at this size; the program keeps running
    #[arg(long, value_name = "MIB", value_parser = size_in_mib)]
    max_log: Option<u64>,
    /// The signal that tells the program to exit: TERM, INT, HUP, QUIT, USR1, USR2
    #[arg(long, value_name = "NAME", default_value = "TERM", value_parser = signal)]
    signal: Signal,
    /// How long the program may take to exit before it is killed
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    grace: Duration,
    /// Do not copy the executable; record only its path and build id
    #[arg(long)]
    link: bool,
    /// Overwrite an earlier recording
    #[arg(long)]
    force: bool,
    /// Print nothing, neither while the program runs nor afterwards
    #[arg(long, short)]
    quiet: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum WithName {
    /// mtrace-diff's own: call stacks, threads and times
    Recorder,
    /// glibc's mtrace(3): only the immediate caller, in glibc's log format
    Glibc,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ModeName {
    /// Every allocation and free, with call stacks, threads and times
    Events,
    /// The same, but only the immediate caller instead of the stack
    Callers,
    /// Counts per call stack, for runs that last days
    Summary,
}

#[derive(Debug, Args)]
#[command(
    group = clap::ArgGroup::new("what").required(true),
    after_help = "\
Examples:
  mtrace-diff recorder --build 'arm-linux-gnueabihf-gcc' -o rootfs/usr/lib
  mtrace-diff recorder --source > recorder.c

The comment at the top of the source says how to use the recorder by hand."
)]
pub(super) struct RecorderArgs {
    /// Print the recorder's source, one C file
    #[arg(long, group = "what")]
    source: bool,
    /// Build the recorder with this compiler, for another machine: 'aarch64-linux-gnu-gcc'
    #[arg(long, value_name = "COMPILER", group = "what", requires = "output")]
    build: Option<String>,
    /// The directory to put the recorder in
    #[arg(long, short, value_name = "DIR")]
    output: Option<PathBuf>,
}

fn duration(text: &str) -> std::result::Result<Duration, String> {
    let duration = match text.parse::<u64>() {
        Ok(seconds) => Ok(Duration::from_secs(seconds)),
        Err(_) => values::time(text),
    }?;
    match duration.is_zero() {
        true => Err("it must be longer than 0".to_owned()),
        false => Ok(duration),
    }
}

fn size_in_mib(text: &str) -> std::result::Result<u64, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("it is a number of MiB, from 1".to_owned()),
        Ok(size) => Ok(size),
    }
}

fn signal(name: &str) -> std::result::Result<Signal, String> {
    let name = name.to_uppercase();
    Ok(match name.strip_prefix("SIG").unwrap_or(&name) {
        "TERM" => Signal::TERM,
        "INT" => Signal::INT,
        "HUP" => Signal::HUP,
        "QUIT" => Signal::QUIT,
        "USR1" => Signal::USR1,
        "USR2" => Signal::USR2,
        _ => return Err("use TERM, INT, HUP, QUIT, USR1 or USR2".to_owned()),
    })
}

/// What `record` leaves to do.
pub(super) enum Recorded {
    /// To end with this exit status.
    Done(u8),
    /// To compare these.
    Compare(Vec<PathBuf>),
}

/// glibc's log has every event with its immediate caller, and nothing else.
fn refuse_what_glibc_lacks(args: &RecordArgs) -> Result<()> {
    if args.with == WithName::Recorder {
        return Ok(());
    }
    let (option, reason) = match args {
        _ if args.mode.is_some() => ("--mode", "glibc logs events with the caller alone"),
        _ if args.depth.is_some() => ("--depth", "glibc logs no call stacks"),
        _ if args.every.is_some() => ("--every", "glibc logs events, not counts"),
        _ if args.max_log.is_some() => ("--max-log", "glibc's log cannot be bounded"),
        _ => return Ok(()),
    };
    Err(Error::Record(RecordError::NotWithGlibc { option, reason }))
}

pub(super) fn record(args: &RecordArgs) -> Result<Recorded> {
    refuse_what_glibc_lacks(args)?;
    if let ([only], true) = (args.runs.as_slice(), args.then_diff) {
        return Err(Error::Usage(UsageError::OneTime {
            time: humantime::format_duration(*only).to_string(),
            longer: humantime::format_duration(*only * 3 / 2).to_string(),
        }));
    }
    let stop = stop_on_signals()?;
    if args.runs.is_empty() {
        let outcome = one(args, &args.output, args.limit, &stop)?;
        return Ok(Recorded::Done(status(outcome.ending)));
    }
    let mut runs = Vec::new();
    for (index, limit) in args.runs.iter().enumerate() {
        let directory = args.output.join(format!("run{index}"));
        one(args, &directory, Some(*limit), &stop)?;
        runs.push(directory);
        if stop.load(std::sync::atomic::Ordering::Relaxed) {
            return Ok(Recorded::Done(130));
        }
    }
    Ok(match args.then_diff {
        true => Recorded::Compare(runs),
        false => Recorded::Done(0),
    })
}

fn status(ending: Ending) -> u8 {
    match ending {
        Ending::Itself(code) => u8::try_from(code).unwrap_or(1),
        Ending::Asked { .. } | Ending::Killed => 0,
    }
}

/// Ctrl-C ends the recording as its time does.
fn stop_on_signals() -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&stop))
            .map_err(|source| Error::Threads { source })?;
    }
    // A file that may not grow is an error like others, once the signal is caught.
    signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::default())
        .map_err(|source| Error::Threads { source })?;
    Ok(stop)
}

fn one(
    args: &RecordArgs,
    output: &Path,
    limit: Option<Duration>,
    stop: &Arc<AtomicBool>,
) -> Result<Captured> {
    let job = Job {
        command: args.command.clone(),
        output: output.to_path_buf(),
        limit,
        settings: Settings {
            with: match args.with {
                WithName::Recorder => With::Recorder,
                WithName::Glibc => With::Glibc,
            },
            mode: match args.mode {
                None | Some(ModeName::Events) => Mode::Events,
                Some(ModeName::Callers) => Mode::Callers,
                Some(ModeName::Summary) => Mode::Summary,
            },
            depth: args.depth.unwrap_or(64),
            every: args.every.unwrap_or(Duration::from_secs(10)),
            max_log: args.max_log,
            signal: args.signal,
            grace: args.grace,
            link: args.link,
            force: args.force,
        },
    };
    let mut line = StatusLine::new(!args.quiet && io::stderr().is_terminal(), limit);
    let outcome = record::run(&job, stop, |watch| line.show(watch));
    line.clear();
    let outcome = outcome?;
    if !args.quiet {
        tell(output, &outcome)?;
    }
    Ok(outcome)
}

/// One line on the terminal that is written anew again and again.
struct StatusLine {
    is_on: bool,
    limit: Option<Duration>,
    has_shown: bool,
}

impl StatusLine {
    fn new(is_on: bool, limit: Option<Duration>) -> Self {
        StatusLine {
            is_on,
            limit,
            has_shown: false,
        }
    }

    fn show(&mut self, watch: Status) {
        if !self.is_on {
            return;
        }
        let seconds = watch.since.as_secs();
        let mut text = format!("recording {}", time(seconds as f64));
        if let Some(limit) = self.limit {
            text += &format!(" of {}", time(limit.as_secs_f64()));
        }
        if let Some(resident) = watch.resident {
            text += &format!(" · {} resident", bytes(resident));
        }
        text += &format!(" · log {}", bytes(watch.log));
        let passed = watch.since.as_secs_f64();
        if passed > 0.0 {
            // Over all of the run, since the log grows in lumps.
            text += &format!(", {}/s", bytes((watch.log as f64 / passed) as u64));
        }
        self.has_shown = true;
        // Only what a terminal shows; there is nobody to tell if it is gone.
        let _ = write!(io::stderr(), "\r\x1b[K{text}");
    }

    fn clear(&mut self) {
        if self.has_shown {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

/// What the recording saw, and what to do with it.
fn tell(output: &Path, outcome: &Captured) -> Result<()> {
    let plan = Plan {
        runs: vec![RunInput {
            path: output.to_path_buf(),
            ..RunInput::default()
        }],
        ..Plan::default()
    };
    let report = crate::show(&plan)?;
    let mut err = anstream::stderr();
    let mut say = |lead: &str, text: String| {
        // Standard error may be closed; the recording is whole all the same.
        let _ = writeln!(err, "{}", on_stderr(lead, &text));
    };
    let directory = printable_path(output);
    let how = match outcome.ending {
        Ending::Itself(0) => "the program ended".to_owned(),
        Ending::Itself(code) if code > 128 => {
            format!("{} ended the program", signal_name(code - 128))
        }
        Ending::Itself(code) => format!("the program ended with exit status {code}"),
        Ending::Asked { crash: None } => "the program was ended".to_owned(),
        Ending::Asked { crash: Some(code) } => {
            format!(
                "the program was ended, and {} ended it",
                signal_name(code - 128)
            )
        }
        Ending::Killed => "the program had to be killed".to_owned(),
    };
    if let Some((run, warnings)) = report.runs_warned().next() {
        let live = run.live();
        say(
            "",
            format!(
                "{directory}: {} recorded in {}, {}; {} live at its end, {}",
                counted(run.facts.records.unwrap_or(0), "event"),
                time(outcome.took.as_secs_f64()),
                how,
                counted(live.blocks, "block"),
                bytes(live.bytes.unwrap_or(0)),
            ),
        );
        for warning in warnings {
            say("warning: ", printable(&warning.to_string()).into_owned());
        }
    }
    for note in &outcome.notes {
        say("warning: ", note.clone());
    }
    if outcome.is_daemon {
        say(
            "",
            "the program went to the background; what it did there is the run".to_owned(),
        );
    }
    if !outcome.children.is_empty() {
        let children = counted(outcome.children.len() as u64, "process");
        say(
            "",
            format!(
                "{} that it started {} below {directory}, in child-*",
                children.replace("processs", "processes"),
                if outcome.children.len() == 1 {
                    "is"
                } else {
                    "are"
                },
            ),
        );
    }
    Ok(())
}

pub(super) fn recorder(args: &RecorderArgs) -> Result<()> {
    match (&args.build, &args.output) {
        (Some(compiler), Some(directory)) => {
            let path = record::build_with(compiler, directory)?;
            print(Escape::Text, false, |out| {
                writeln!(out, "{}", printable_path(&path))?;
                Ok::<(), Error>(())
            })
        }
        _ => print(Escape::Text, false, |out| {
            out.write_all(SOURCE.as_bytes())?;
            Ok::<(), Error>(())
        }),
    }
}
