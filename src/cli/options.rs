//! The options of comparisons and of single runs, and their help.

use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
use clap::{Arg, Args, Parser, Subcommand, ValueEnum};

use super::stacks::StackArgs;
use super::terminal::Color;
use super::unwind::UnwindTableArgs;
use super::values::{duration, formats, limit, memory};
use crate::diff::{Limit, Map};
use crate::report::{FORMATS, Format};

const AFTER_HELP: &str = "\
Examples:
  mtrace-diff run0/ run1/                      what grew, with function, file and line
  mtrace-diff --sysroot rootfs/ run0/ run1/    … with names from the target's shared libraries too
  mtrace-diff --fail-above 10,4KiB run0/ run1/ … and exit status 1 if any call site grew by more
  mtrace-diff show run0/                       what a single run left allocated
  mtrace-diff show run0/ --save base.json      … and a baseline: mtrace-diff base.json run1/
  mtrace-diff record -o run0 --for 2m -- ./app record a program for two minutes

Exit status:
  0  nothing grew above the limits, or no limit was given
  1  a call site grew by more than a --fail-above limit, or the last run has a --fail-on fault
  2  wrong usage, unusable input, or any other error";

const LONG_ABOUT: &str = "\
Find memory leaks by comparing two runs of a program, recorded by `mtrace-diff record` or logged by glibc's \
mtrace(3).

A run is a directory made by `record`, or one that holds the program, its MALLOC_TRACE log and a copy of \
/proc/PID/maps, under any names. A log by itself also works, and so does a report saved with --save, or output \
from mtrace(1) or mtrace_do.py. Call sites are ranked by growth: how many more of their blocks are live at the end \
of the last run than at the end of the first.

For the manual, run `mtrace-diff guide`.";

/// Find memory leaks by comparing two runs of a program
#[derive(Debug, Parser)]
#[command(
    name = "mtrace-diff", version, long_about = LONG_ABOUT, after_help = AFTER_HELP,
    override_usage = "mtrace-diff [OPTIONS] <RUN> <RUN>...\n       mtrace-diff show [OPTIONS] <RUN>",
    args_conflicts_with_subcommands = true, subcommand_negates_reqs = true, max_term_width = 100
)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub compare: CompareArgs,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the blocks still allocated at the end of one run, by call site
    #[command(mut_args(told_of_one_run))]
    Show(Box<ShowArgs>),
    /// Run a program and record its allocations with call stacks; no source changes needed
    Record(Box<super::record::RecordArgs>),
    /// Build the recorder for another machine, or print its source
    Recorder(super::record::RecorderArgs),
    /// Convert a recording to another format
    Convert(super::convert::ConvertArgs),
    /// Write the table needed for whole stacks on 32-bit ARM, MIPS, RISC-V and musl
    UnwindTable(UnwindTableArgs),
    /// Show a chapter of the guide, or list the chapters
    Guide(super::guide::GuideArgs),
}

/// The help of an option, where there is one run: it is told of several in a comparison. Without limits there are no
/// rates to be strict about.
fn told_of_one_run(arg: Arg) -> Arg {
    let arg = match arg.get_help_heading() {
        Some(SEVERAL) => arg.help_heading("Capture files"),
        _ => arg,
    };
    match arg.get_id().as_str() {
        "duration" => {
            let about = "How long the run took, such as 2m or 1h30m; needed for growth per minute if not recorded";
            let more = "Takes precedence over the `duration_s` of a run.json.";
            arg.help(about).long_help(format!("{about}\n\n{more}"))
        }
        "strict_rates" => arg.hide(true),
        _ => arg,
    }
}

/// How options for files are given that differ from run to run.
const SEVERAL: &str = "Capture files (give each option once for all runs, or once per run)";

#[derive(Debug, Args)]
pub(super) struct CompareArgs {
    /// Recordings, capture directories, mtrace logs or saved reports, oldest first; growth is last minus
    /// first
    ///
    /// `run1@2m` is run1 as it was after two minutes (if its duration is known); `run1@40%` is run1 after 40%
    /// of its time, or of its records in a glibc log. So one run can be enough: `mtrace-diff run1@40% run1`.
    #[arg(required = true, num_args = 1.., value_name = "RUN")]
    pub runs: Vec<PathBuf>,
    #[command(flatten)]
    pub capture: CaptureArgs,
    #[command(flatten)]
    pub view: ViewArgs,
    #[command(flatten)]
    pub stacks: StackArgs,
    /// How to print the result
    #[arg(long, value_parser = formats(false), default_value = FORMATS[0].name, help_heading = "Output")]
    pub format: Format,
    /// Exit with 1 if any call site grows by more than this: 10 (blocks), 4KiB, 5% of the first run, 100/min
    ///
    /// A rate is blocks or bytes per s, min, h or run: 100/min, 64KiB/h, 10/run. A rate over time needs the
    /// runs' durations, from the recording or --duration. Repeat the option, or separate limits with commas:
    /// a site above any of them fails. A new site counts in full, and is above every percentage. Sites of the
    /// dynamic loader are judged like all others.
    #[arg(
        long,
        value_name = "LIMIT",
        value_delimiter = ',',
        value_parser = limit,
        help_heading = "Gate"
    )]
    pub fail_above: Vec<Limit>,
    #[command(flatten)]
    pub gate: GateArgs,
    #[command(flatten)]
    pub work: WorkArgs,
}

/// How the work is done.
#[derive(Debug, Args)]
pub(super) struct WorkArgs {
    /// Use this many threads instead of one per core; the result is the same
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024), help_heading = None)]
    pub threads: Option<u16>,
    /// Show no progress bar
    #[arg(long, short, help_heading = None)]
    pub quiet: bool,
}

/// What fails the job besides growth.
#[derive(Debug, Args)]
#[command(next_help_heading = "Gate")]
pub(super) struct GateArgs {
    /// Exit with 1 if the last run has this fault
    #[arg(long, value_enum, value_name = "FAULT")]
    pub fail_on: Vec<FailOn>,
    /// Exit with 2 on partial figures, and fail call sites that the last line of a pass names
    ///
    /// That is what a site held above a limit until the exit freed it, and growth of a wrapper's callers that
    /// others of them offset. Without it, such a run can pass with exit status 0; the last line then says why it
    /// may be wrong.
    #[arg(long)]
    pub strict: bool,
    /// Judge rates over time by their measured value, not by its lower bound
    ///
    /// Without it, a rate fails only if it exceeds its limit by more than chance can explain.
    #[arg(long)]
    pub strict_rates: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum FailOn {
    /// A block was freed twice
    DoubleFree,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mtrace-diff show run0/
  mtrace-diff show --format mtrace mtrace.log        like mtrace(1)
  mtrace-diff show --format json run0/ | jq '.sites[0]'

Exit status:
  0  no --fail-on fault, or --fail-on not given
  1  the run has a --fail-on fault
  2  wrong usage, unusable input, or any other error")]
pub(super) struct ShowArgs {
    /// A recording, a capture directory, an mtrace log or a saved report
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    #[command(flatten)]
    pub capture: CaptureArgs,
    #[command(flatten)]
    pub view: ViewArgs,
    #[command(flatten)]
    pub stacks: StackArgs,
    /// How to print the result
    #[arg(long, value_parser = formats(true), default_value = FORMATS[0].name, help_heading = "Output")]
    pub format: Format,
    /// List errors instead: double frees, frees of unknown blocks, failed allocations
    #[arg(long, help_heading = "Output")]
    pub errors: bool,
    #[command(flatten)]
    pub gate: GateArgs,
    #[command(flatten)]
    pub work: WorkArgs,
}

/// Which file is which, where the capture directory alone cannot say.
#[derive(Debug, Args)]
#[command(next_help_heading = SEVERAL)]
pub(super) struct CaptureArgs {
    /// The mtrace log
    #[arg(long, value_name = "FILE")]
    pub log: Vec<PathBuf>,
    /// The program that wrote the log, unstripped
    #[arg(long, value_name = "FILE")]
    pub exe: Vec<PathBuf>,
    /// The copy of /proc/PID/maps
    #[arg(long, value_name = "FILE")]
    pub maps: Vec<PathBuf>,
    /// A copy of the target's root directory, in which to look up its shared libraries by path
    ///
    /// By default, a directory called `sysroot` in or next to the capture directory is used, if there is one.
    #[arg(long, value_name = "DIR")]
    pub sysroot: Vec<PathBuf>,
    /// A directory of separate debug files, laid out like /usr/lib/debug; can be repeated
    #[arg(long, value_name = "DIR")]
    pub debug_dir: Vec<PathBuf>,
    /// How to read the addresses in the logs, in case mtrace-diff guesses wrong
    ///
    /// Up to glibc 2.34 they are run-time addresses; from 2.35 on they are offsets within a module.
    /// mtrace-diff works out which from the log, maps and files; the JSON output gives the reason.
    #[arg(long, value_enum, value_name = "KIND")]
    pub addressing: Option<AddressingKind>,
    /// How long each run took, such as 2m,3m or 1h30m; needed for growth per minute if not recorded
    ///
    /// Takes precedence over the `duration_s` of a run.json.
    #[arg(long, value_name = "TIME", value_delimiter = ',', value_parser = duration)]
    pub duration: Vec<Duration>,
    /// What has a new name: the beginning of source paths, a module, or a function; can be repeated
    ///
    /// For what was renamed between two builds: /home/me/app=/build/app, libfoo.so.1.2=libfoo.so.1.3,
    /// 'load()=read()' for a function with any parameters, 'load(int)=load(int, bool)', or net::=io:: for a
    /// scope. The first match is used.
    #[arg(long, value_name = "OLD=NEW")]
    pub map: Vec<Map>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum AddressingKind {
    Absolute,
    Relative,
}

/// What of the result is shown, and how.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(super) struct ViewArgs {
    /// What to rank by
    #[arg(long, value_enum, default_value_t = Sort::Blocks)]
    pub sort: Sort,
    /// What each row stands for; totals and the number of leaks do not depend on it
    #[arg(long, value_enum, default_value_t = By::Line)]
    pub by: By,
    /// Show at most this many call sites
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub top: usize,
    /// Show every call site, including those that did not grow and those of the dynamic loader
    #[arg(long)]
    pub all: bool,
    /// Show the chain of inlined calls of each site
    #[arg(long)]
    pub inlines: bool,
    /// Explain the verdict of the row with this number in the # column
    ///
    /// Shows how many of its blocks are left, when they were allocated, how long the others lived, and how
    /// many a longer run should have left. The JSON output has this for every site, as `evidence`.
    #[arg(long, value_name = "RANK")]
    pub explain: Option<usize>,
    /// Do not show the curves
    #[arg(long)]
    pub no_trend: bool,
    /// Say how long this much memory (such as 64MiB) lasts with all leaks together; needs the runs'
    /// durations, from the recording or --duration
    #[arg(long, value_name = "SIZE", value_parser = memory)]
    pub memory: Option<ByteSize>,
    /// Save the result of the last run to this file; it can then be used as a run
    ///
    /// The file is a few KB of JSON that replace the log, for use as a baseline in CI. It is written
    /// completely or not at all.
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,
    /// When to use colour
    ///
    /// `auto` uses colour in a terminal, and honours NO_COLOR and CLICOLOR_FORCE.
    #[arg(long, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub color: Color,
    /// Draw the table with ASCII characters only
    ///
    /// This is the default if LC_ALL, LC_CTYPE or LANG names a locale without UTF-8, such as C, and in a
    /// terminal if none of them is set.
    #[arg(long)]
    pub ascii: bool,
    /// Show C++ names in full, as the compiler spells them, with `std::string` and default template arguments
    /// expanded
    #[arg(long)]
    pub full_names: bool,
    /// Fit the table to this many columns [default: the terminal's; unlimited when piped]
    #[arg(long, value_name = "COLUMNS")]
    pub width: Option<u16>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Sort {
    Blocks,
    Bytes,
    Percent,
    Name,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum By {
    Address,
    Line,
    Function,
    File,
    Module,
    /// A line with one chain of callers
    Stack,
    /// A line with one block size
    Size,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_is_well_formed() {
        Cli::command().debug_assert();
    }
}
