//! The command line: definitions for clap, their way to a [`Plan`], and the exit status.

mod options;

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use clap::Parser;

use crate::diff::Verdict;
use crate::error::Result;
use crate::pipeline::{OldListing, Plan};
use crate::report::{Report, json, table};
use options::{Cli, Command, CompareArgs, CompareFormat, ShowArgs, ShowFormat};

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
    let cli = Cli::parse();
    let outcome = match cli.command {
        Some(Command::Show(args)) => show(&args),
        None => compare(&cli.compare),
    };
    match outcome {
        Ok(status) => status.into(),
        Err(error) if error.is_closed_pipe() => ExitStatus::Ok.into(),
        Err(error) => {
            // Nothing is left to be done if standard error is closed too.
            let _ = writeln!(anstream::stderr(), "\x1b[1;31merror:\x1b[0m {error}");
            ExitStatus::Error.into()
        }
    }
}

fn compare(args: &CompareArgs) -> Result<ExitStatus> {
    let report = crate::compare(&args.plan()?)?;
    let status = match report.verdict {
        Some(Verdict::Fail) => ExitStatus::GateFailed,
        Some(Verdict::Pass) | None => ExitStatus::Ok,
    };
    let written = print(|out| match args.format {
        CompareFormat::Table => table::write(&report, args.view.table_options(), out),
        CompareFormat::Json => json::write(&report, out),
    });
    finish(written, status)
}

fn show(args: &ShowArgs) -> Result<ExitStatus> {
    let plan = args.plan()?;
    let written = match args.format {
        ShowFormat::Table => show_report(&plan, |report, out| {
            table::write(report, args.view.table_options(), out)
        }),
        ShowFormat::Json => show_report(&plan, |report, out| json::write(report, out)),
        ShowFormat::Mtrace => list(&plan, OldListing::Mtrace),
        ShowFormat::MtraceDo => list(&plan, OldListing::MtraceDo),
    };
    finish(written, ExitStatus::Ok)
}

/// A reader that went away changes nothing in what was found.
fn finish(written: Result<()>, status: ExitStatus) -> Result<ExitStatus> {
    match written {
        Err(error) if error.is_closed_pipe() => Ok(status),
        Err(error) => Err(error),
        Ok(()) => Ok(status),
    }
}

fn show_report(
    plan: &Plan,
    write: impl FnOnce(&Report, &mut dyn Write) -> Result<()>,
) -> Result<()> {
    let report = crate::show(plan)?;
    print(|out| write(&report, out))
}

fn list(plan: &Plan, listing: OldListing) -> Result<()> {
    print(|out| crate::list(&plan.runs[0], listing, out))
}

/// Gives standard output, buffered, and sees to it that all of it is written.
fn print(write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    write(&mut out)?;
    out.flush()?;
    Ok(())
}
