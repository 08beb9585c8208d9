//! The command line: definitions for clap, their way to a [`Plan`], and the exit status.

mod clean;
mod convert;
mod guide;
mod locale;
mod options;
mod plans;
mod progress;
mod record;
mod stacks;
mod terminal;
mod unwind;
mod values;
mod words;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use crate::capture::unpack_stdin;
use crate::diff::Decision;
use crate::error::{Error, Result, UsageError};
use crate::plan::Plan;
use crate::printable::printable;
use crate::report::{FAULTS, Format, Options, Report};
use clean::{Escape, print};
use options::{Cli, Command, CompareArgs, ShowArgs, WorkArgs};
use progress::Bar;
use terminal::on_stderr;

/// What the process tells its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ExitStatus {
    /// Nothing above the limits, or no limit given.
    Ok = 0,
    GateFailed = 1,
    /// Usage, input, or anything else. clap uses the same for usage.
    Error = 2,
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        ExitCode::from(status as u8)
    }
}

/// Runs the program: parses the arguments, does the work, and maps the outcome to the exit status.
pub fn main() -> ExitCode {
    let words = words::command_first(std::env::args_os().collect());
    let cli = match Cli::try_parse_from(&words) {
        Ok(cli) => cli,
        Err(error) => {
            let is_unknown = error.kind() == clap::error::ErrorKind::UnknownArgument;
            let meant = is_unknown.then(|| words::mistaken(&words)).flatten();
            return meant.map_or_else(|| not_understood(&error), |error| failed(&error));
        }
    };
    if let Some(Command::Record(args)) = &cli.command {
        return recorded(args);
    }
    let threads = match &cli.command {
        Some(Command::Show(args)) => args.work.threads,
        Some(Command::UnwindTable(args)) => args.threads,
        Some(
            Command::Record(_) | Command::Recorder(_) | Command::Convert(_) | Command::Guide(_),
        ) => None,
        None => cli.compare.work.threads,
    };
    let work = || match &cli.command {
        Some(Command::Show(args)) => show(args),
        Some(Command::UnwindTable(args)) => unwind::write_table(args).map(|()| ExitStatus::Ok),
        Some(Command::Convert(args)) => convert::convert(args).map(|()| ExitStatus::Ok),
        Some(Command::Recorder(args)) => record::recorder(args).map(|()| ExitStatus::Ok),
        Some(Command::Guide(args)) => guide::guide(args).map(|()| ExitStatus::Ok),
        Some(Command::Record(_)) => Ok(ExitStatus::Ok),
        None => compare(&cli.compare),
    };
    // Rayon takes 0 for as many as there are cores.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.unwrap_or(0).into());
    let outcome = match pool.build() {
        Ok(pool) => pool.install(work),
        Err(error) => Err(Error::Threads {
            source: io::Error::other(error),
        }),
    };
    outcome.map_or_else(|error| failed(&error), ExitCode::from)
}

fn failed(error: &Error) -> ExitCode {
    if error.is_closed_pipe() {
        return ExitStatus::Ok.into();
    }
    let text = on_stderr("error: ", &printable(&error.to_string()));
    complain(text.strip_prefix("error: ").unwrap_or(&text));
    ExitStatus::Error.into()
}

/// The exit status of a recorded program is passed on.
fn recorded(args: &record::RecordArgs) -> ExitCode {
    let outcome = match record::record(args) {
        Ok(record::Recorded::Done(code)) => return ExitCode::from(code),
        Ok(record::Recorded::Compare(runs)) => {
            let words =
                std::iter::once("mtrace-diff".into()).chain(runs.into_iter().map(Into::into));
            match Cli::try_parse_from::<_, std::ffi::OsString>(words) {
                Ok(cli) => compare(&cli.compare),
                Err(error) => return not_understood(&error),
            }
        }
        Err(error) => Err(error),
    };
    outcome.map_or_else(|error| failed(&error), ExitCode::from)
}

/// Help and versions are ours. What is said of a wrong word on the command line quotes it.
fn not_understood(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        // A reader that went away has seen enough.
        let _ = error.print();
        return ExitStatus::Ok.into();
    }
    let text = error.render().to_string();
    let lines: Vec<_> = text.trim_end().lines().map(printable).collect();
    let text = lines.join("\n");
    complain(text.strip_prefix("error: ").unwrap_or(&text));
    ExitStatus::Error.into()
}

/// `error: …` on standard error, of text that is safe to show.
fn complain(text: &str) {
    // Nothing is left to be done if standard error is closed too.
    let _ = writeln!(anstream::stderr(), "\x1b[1;31merror:\x1b[0m {text}");
}

fn compare(args: &CompareArgs) -> Result<ExitStatus> {
    let (plan, options) = (args.plan()?, args.stacks.options(args.view.options()));
    let report = made(&plan, &args.work, options.ascii, crate::compare)
        .map_err(|error| words::meant_as_command(error, &args.runs))?;
    written(&report, args.format, &options)
}

fn show(args: &ShowArgs) -> Result<ExitStatus> {
    let (plan, options) = (args.plan()?, args.stacks.options(args.view.options()));
    let format = match args.errors && args.format.name == "table" {
        true => FAULTS,
        false => args.format,
    };
    refuse_beside_listing(format, &plan)?;
    let report = made(&plan, &args.work, options.ascii, crate::show)?;
    written(&report, format, &options)
}

fn made(
    plan: &Plan,
    work: &WorkArgs,
    ascii: bool,
    make: impl FnOnce(&Plan) -> Result<Report>,
) -> Result<Report> {
    plan.check()?;
    let mut plan = plan.clone();
    // Gone when the report is made.
    let _unpacked = unpack_stdin(&mut plan.runs)?;
    let _bar = Bar::show(&plan.progress, work.quiet, ascii);
    make(&plan)
}

/// A listing says nothing of a gate, and is no report that could be saved.
fn refuse_beside_listing(format: Format, plan: &Plan) -> Result<()> {
    let option = match (plan.gate.is_set(), &plan.save) {
        (true, _) => "--fail-on",
        (false, Some(_)) => "--save",
        (false, None) => return Ok(()),
    };
    match format.lists_blocks {
        true => Err(Error::Usage(UsageError::ListingAlone {
            option,
            format: format.name,
        })),
        false => Ok(()),
    }
}

fn written(report: &Report, format: Format, options: &Options) -> Result<ExitStatus> {
    let escape = match format.is_json {
        true => Escape::Json,
        false if options.ascii && !format.lists_blocks => Escape::Ascii,
        false => Escape::Text,
    };
    let colors = options.color && !format.is_json;
    let written = print(escape, colors, |out| format.write(report, options, out));
    finish(written, judged(report))
}

/// A reader that went away changes nothing in what was found.
fn finish(written: Result<()>, status: ExitStatus) -> Result<ExitStatus> {
    match written {
        Err(error) if error.is_closed_pipe() => Ok(status),
        Err(error) => Err(error),
        Ok(()) => Ok(status),
    }
}

fn judged(report: &Report) -> ExitStatus {
    match report.decision {
        Some(Decision::Fail) => ExitStatus::GateFailed,
        Some(Decision::Pass) | None => ExitStatus::Ok,
    }
}
