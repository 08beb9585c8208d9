//! The command line: definitions for clap, their way to a [`Plan`], and the exit status.

mod options;
mod progress;

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use clap::Parser;

use crate::diff::Verdict;
use crate::error::{Error, Result};
use crate::pipeline::{OldListing, Plan};
use crate::report::{Report, faults, json, table};
use options::{Cli, Command, CompareArgs, CompareFormat, ShowArgs, ShowFormat};
use progress::{Bar, BehindBar};

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
    let threads = match &cli.command {
        Some(Command::Show(args)) => args.work.threads,
        None => cli.compare.work.threads,
    };
    let work = || match &cli.command {
        Some(Command::Show(args)) => show(args),
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
    let plan = args.plan()?;
    let report = {
        let _bar = Bar::show(&plan.progress, args.work.quiet);
        crate::compare(&plan)?
    };
    let status = judged(&report);
    let written = print(|out| match args.format {
        CompareFormat::Table => table::write(&report, args.view.table_options(), out),
        CompareFormat::Json => json::write(&report, !args.view.no_trend, out),
    });
    finish(written, status)
}

fn show(args: &ShowArgs) -> Result<ExitStatus> {
    let plan = args.plan()?;
    let options = args.view.table_options();
    match args.format {
        ShowFormat::Table if args.errors => show_report(args, &plan, |report, out| {
            faults::write(report, options, out)
        }),
        ShowFormat::Table => show_report(args, &plan, |report, out| {
            table::write(report, options, out)
        }),
        ShowFormat::Json => show_report(args, &plan, |report, out| {
            json::write(report, !args.view.no_trend, out)
        }),
        ShowFormat::Mtrace => list(args, &plan, OldListing::Mtrace),
        ShowFormat::MtraceDo => list(args, &plan, OldListing::MtraceDo),
    }
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
    match report.verdict {
        Some(Verdict::Fail) => ExitStatus::GateFailed,
        Some(Verdict::Pass) | None => ExitStatus::Ok,
    }
}

fn show_report(
    args: &ShowArgs,
    plan: &Plan,
    write: impl FnOnce(&Report, &mut dyn Write) -> Result<()>,
) -> Result<ExitStatus> {
    let report = {
        let _bar = Bar::show(&plan.progress, args.work.quiet);
        crate::show(plan)?
    };
    finish(print(|out| write(&report, out)), judged(&report))
}

fn list(args: &ShowArgs, plan: &Plan, listing: OldListing) -> Result<ExitStatus> {
    let option = match (plan.gate.is_set(), &plan.save) {
        (true, _) => Some("--fail-on"),
        (false, Some(_)) => Some("--save"),
        (false, None) => None,
    };
    if let Some(option) = option {
        let format = match listing {
            OldListing::Mtrace => "mtrace",
            OldListing::MtraceDo => "mtrace-do",
        };
        return Err(Error::ListingAlone { option, format });
    }
    let bar = Bar::show(&plan.progress, args.work.quiet);
    let written = print(|out| crate::list(plan, listing, &mut BehindBar::new(bar, out)));
    finish(written, ExitStatus::Ok)
}

/// Gives standard output, buffered, and sees to it that all of it is written.
fn print(write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    write(&mut out)?;
    out.flush()?;
    Ok(())
}
