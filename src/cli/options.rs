//! Every option, its help, and what it becomes in the library's plain types.

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytesize::ByteSize;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::capture::{Moment, RunInput, is_duration};
use crate::diff::{Gate, Grouping, Limit, Map, SortBy};
use crate::error::{Error, FileFlag, Result};
use crate::plan::Plan;
use crate::report::{FORMATS, Format, Options};
use crate::run::Addressing;
use crate::symbols::SearchPath;

use super::stacks::StackArgs;
use super::unwind::UnwindTableArgs;

const AFTER_HELP: &str = "\
Examples:
  mtrace-diff run0/ run1/                      what grew, with function, file and line
  mtrace-diff --sysroot rootfs/ run0/ run1/    … naming the target's shared libraries too
  mtrace-diff --fail-above 10,4KiB run0/ run1/ … and exit status 1 if any call site grew by more
  mtrace-diff show run0/                       what a single run left
  mtrace-diff show run0/ --save base.json      … and a baseline: mtrace-diff base.json run1/
  mtrace-diff record -o run0 --for 2m -- ./app record a program, without a change of its source

Exit status:
  0  nothing grew above the limits, or no limit was given
  1  a call site grew above a limit of --fail-above
  2  wrong usage, unusable input, or any other error";

const LONG_ABOUT: &str = "\
Finds memory leaks by comparing two runs of a program: what `mtrace-diff record` recorded, or what glibc's \
mtrace(3) logged.

A run is a directory that `record` made, or one that holds the program, the log that MALLOC_TRACE named, and a copy of \
/proc/PID/maps, under any names; or a log alone. A report saved with --save is one too, and so is a \
result of mtrace(1) or of mtrace_do.py. Call sites are ranked by how much more of their \
memory is live at the end of the last run than at the end of the first.";

/// Finds memory leaks by comparing mtrace logs of two runs of a program
#[derive(Debug, Parser)]
#[command(
    name = "mtrace-diff", version, long_about = LONG_ABOUT, after_help = AFTER_HELP,
    override_usage = "mtrace-diff [OPTIONS] <RUN> <RUN>...\n       mtrace-diff show [OPTIONS] <RUN>",
    args_conflicts_with_subcommands = true, subcommand_negates_reqs = true, max_term_width = 100
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub compare: CompareArgs,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List what one run left, per call site
    Show(Box<ShowArgs>),
    /// Run a program and record what it allocates, with call stacks; its source stays as it is
    Record(Box<super::record::RecordArgs>),
    /// The recorder itself, for other machines
    Recorder(super::record::RecorderArgs),
    /// Make a log of another format of a recording
    Convert(super::convert::ConvertArgs),
    /// Prepare what the recorder needs to walk stacks on 32-bit ARM, MIPS, RISC-V and musl
    UnwindTable(UnwindTableArgs),
}

#[derive(Debug, Args)]
pub struct CompareArgs {
    /// Capture directories, mtrace logs or saved reports, in order; growth is last minus first
    ///
    /// `run1@2m` is run1 as it was after two minutes (where its time is known), `run1@40%` as it was after
    /// two fifths of its records: `mtrace-diff run1@40% run1` needs one run only.
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
    /// Exit with 1 if any call site grows by more than this: 10 (blocks), 4KiB, or 5% of the first run
    ///
    /// Can be repeated, or hold several limits with commas between them: a site that is above any
    /// of them is a breach. A site that is new counts with its full size, and is above every
    /// percentage. Sites of the dynamic loader are judged like all others.
    #[arg(
        long,
        value_name = "LIMIT",
        value_delimiter = ',',
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
pub struct WorkArgs {
    /// Work with this many threads instead of one a core; the result is the same
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Show no progress bar
    #[arg(long, short)]
    pub quiet: bool,
}

/// What fails the job beside growth.
#[derive(Debug, Args)]
#[command(next_help_heading = "Gate")]
pub struct GateArgs {
    /// Exit with 1 if the last run has any of these: double-free
    #[arg(long, value_enum, value_name = "FAULT")]
    pub fail_on: Vec<FailOn>,
    /// Exit with 2 if a limit would be judged by figures that a warning calls partial
    ///
    /// Without it, a pass on such figures says so and exits with 0.
    #[arg(long)]
    pub strict: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// A block was freed that had been freed before
    DoubleFree,
}

impl GateArgs {
    fn gate(&self, limits: Vec<Limit>) -> Gate {
        Gate {
            limits,
            fail_on_double_free: self.fail_on.contains(&FailOn::DoubleFree),
            strict: self.strict,
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mtrace-diff show run0/
  mtrace-diff show --format mtrace mtrace.log        like mtrace(1)
  mtrace-diff show --format json run0/ | jq '.sites[0]'")]
pub struct ShowArgs {
    /// A capture directory, an mtrace log, or a saved report
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
    /// List frees and allocations that went wrong instead: double frees, frees of blocks that the log
    /// does not know, failed allocations
    #[arg(long, help_heading = "Output")]
    pub errors: bool,
    #[command(flatten)]
    pub gate: GateArgs,
    #[command(flatten)]
    pub work: WorkArgs,
}

/// Which file is which, where the capture directory alone cannot say.
#[derive(Debug, Args)]
#[command(next_help_heading = "Capture files (once for all runs, or once a run)")]
pub struct CaptureArgs {
    /// The mtrace log
    #[arg(long, value_name = "FILE")]
    pub log: Vec<PathBuf>,
    /// The program that wrote the log, unstripped
    #[arg(long, value_name = "FILE")]
    pub exe: Vec<PathBuf>,
    /// The copy of /proc/PID/maps
    #[arg(long, value_name = "FILE")]
    pub maps: Vec<PathBuf>,
    /// The target's root directory on this machine, where its shared libraries are found by their path
    ///
    /// Without it, a directory called `sysroot` in the capture directory or next to it is used.
    #[arg(long, value_name = "DIR")]
    pub sysroot: Vec<PathBuf>,
    /// A directory of separate debug files, laid out like /usr/lib/debug; can be repeated
    #[arg(long, value_name = "DIR")]
    pub debug_dir: Vec<PathBuf>,
    /// What the numbers in the logs are, where it is not found out right
    ///
    /// Up to glibc 2.34 they are run-time addresses, from 2.35 offsets in their module. It is found
    /// out from the log, the maps and the files; the JSON document says why.
    #[arg(long, value_enum, value_name = "KIND")]
    pub addressing: Option<AddressingKind>,
    /// How long each run was traced, such as 2m,3m or 1h30m; for growth per minute
    ///
    /// Outranks the `duration_s` of a capture's run.json.
    #[arg(long, value_name = "TIME", value_delimiter = ',', value_parser = duration)]
    pub duration: Vec<Duration>,
    /// A source path's beginning, or a module's name, and what to take in its place; can be repeated
    ///
    /// For builds whose sources or libraries have other names: /home/me/app=/build/app, or
    /// libfoo.so.1.2=libfoo.so.1.3. Of several that fit, the first is taken.
    #[arg(long, value_name = "OLD=NEW")]
    pub map: Vec<Map>,
}

/// A time that something can be divided by.
fn duration(text: &str) -> std::result::Result<Duration, String> {
    match humantime::parse_duration(text.trim()) {
        Ok(duration) if !is_duration(duration.as_secs_f64()) => {
            Err("no run takes so long, or so short".to_owned())
        }
        Ok(duration) => Ok(duration),
        Err(error) => Err(format!("{error}; write it as 90s, 2m or 1h30m")),
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum AddressingKind {
    Absolute,
    Relative,
}

/// What of the result is shown, and how.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct ViewArgs {
    /// What to rank by
    #[arg(long, value_enum, default_value_t = Sort::Blocks)]
    pub sort: Sort,
    /// What a row stands for; totals are the same for each
    #[arg(long, value_enum, default_value_t = By::Line)]
    pub by: By,
    /// Show at most this many call sites
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub top: usize,
    /// Show every call site: those that did not grow, and those of the dynamic loader
    #[arg(long)]
    pub all: bool,
    /// Show the chain of inlined calls of each site
    #[arg(long)]
    pub inlines: bool,
    /// Leave out the curve of each site
    #[arg(long)]
    pub no_trend: bool,
    /// Say how long this much memory lasts at the rate of all leaks, such as 64MiB; needs the runs' times
    #[arg(long, value_name = "SIZE", value_parser = memory)]
    pub memory: Option<ByteSize>,
    /// Save the result of the (last) run to this file, which can be given as a run later
    ///
    /// A few KB of JSON stand for the log: the usual baseline of a CI job. The file is written whole
    /// or not at all.
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,
    /// When to use colour
    ///
    /// `auto` uses it in a terminal, and honours NO_COLOR and CLICOLOR_FORCE.
    #[arg(long, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub color: Color,
    /// Fit the table to this many columns instead of the terminal's; piped output is not cut without it
    #[arg(long, value_name = "COLUMNS")]
    pub width: Option<u16>,
}

fn memory(text: &str) -> std::result::Result<ByteSize, String> {
    let refused = || format!("'{text}' is no size; write it with its unit, such as 64MiB");
    match text.trim_end().ends_with(['B', 'b']) {
        true => text.parse().map_err(|_| refused()),
        // Without the B, M could be 10^6 or 2^20.
        false => Err(refused()),
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Sort {
    Blocks,
    Bytes,
    Percent,
    Name,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum By {
    Address,
    Line,
    Function,
    File,
    Module,
    /// A line, and the callers that led to it
    Stack,
    /// A line, and a size of its blocks
    Size,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Color {
    Auto,
    Always,
    Never,
}

/// The formats that a comparison, or one run, can be written in.
fn formats(of_one_run: bool) -> impl TypedValueParser<Value = Format> {
    let formats = FORMATS.iter();
    let formats = formats.filter(move |format| of_one_run || !format.lists_blocks);
    let values = formats.map(|format| match format.about {
        "" => PossibleValue::new(format.name),
        about => PossibleValue::new(format.name).help(about),
    });
    let parser = PossibleValuesParser::new(values);
    // The parser lets no other name pass.
    parser.map(|name| Format::named(&name).unwrap_or(FORMATS[0]))
}

impl CompareArgs {
    pub fn plan(&self) -> Result<Plan> {
        Ok(Plan {
            runs: self.capture.inputs(&self.runs)?,
            search: self.capture.search(),
            sort: self.view.sort(),
            by: self.view.by(),
            wrappers: self.stacks.wrappers(),
            filter: self.stacks.filter(),
            callers: Some(self.stacks.callers),
            maps: self.capture.map.clone(),
            gate: self.gate.gate(self.fail_above.clone()),
            addressing: self.capture.addressing(),
            memory: self.view.memory.map(|size| size.as_u64()),
            save: self.view.save.clone(),
            keep_blocks: false,
            progress: Arc::default(),
        })
    }
}

impl ShowArgs {
    pub fn plan(&self) -> Result<Plan> {
        Ok(Plan {
            runs: self.capture.inputs(std::slice::from_ref(&self.run))?,
            search: self.capture.search(),
            sort: self.view.sort(),
            by: self.view.by(),
            wrappers: self.stacks.wrappers(),
            filter: self.stacks.filter(),
            callers: Some(self.stacks.callers),
            maps: self.capture.map.clone(),
            gate: self.gate.gate(Vec::new()),
            addressing: self.capture.addressing(),
            memory: self.view.memory.map(|size| size.as_u64()),
            save: self.view.save.clone(),
            keep_blocks: self.format.lists_blocks,
            progress: Arc::default(),
        })
    }
}

impl CaptureArgs {
    fn inputs(&self, runs: &[PathBuf]) -> Result<Vec<RunInput>> {
        let count = runs.len();
        runs.iter()
            .enumerate()
            .map(|(index, given)| {
                let (path, at) = Moment::split(given).map_err(|reason| Error::BadMoment {
                    path: given.clone(),
                    reason,
                })?;
                Ok(RunInput {
                    path,
                    at,
                    log: of_run(FileFlag::Log, &self.log, index, count)?,
                    exe: of_run(FileFlag::Exe, &self.exe, index, count)?,
                    maps: of_run(FileFlag::Maps, &self.maps, index, count)?,
                    sysroot: of_run(FileFlag::Sysroot, &self.sysroot, index, count)?,
                    duration_s: of_run(FileFlag::Duration, &self.duration, index, count)?
                        .map(|duration| duration.as_secs_f64()),
                })
            })
            .collect()
    }

    fn addressing(&self) -> Option<Addressing> {
        self.addressing.map(|kind| match kind {
            AddressingKind::Absolute => Addressing::Absolute,
            AddressingKind::Relative => Addressing::Relative,
        })
    }

    fn search(&self) -> SearchPath {
        SearchPath {
            debug_dirs: self.debug_dir.clone(),
        }
    }
}

/// A flag's value for one run: given once for all, or once a run.
fn of_run<T: Clone>(flag: FileFlag, values: &[T], index: usize, runs: usize) -> Result<Option<T>> {
    match values.len() {
        0 => Ok(None),
        1 => Ok(Some(values[0].clone())),
        n if n == runs => Ok(Some(values[index].clone())),
        given => Err(Error::FlagCount { flag, given, runs }),
    }
}

impl ViewArgs {
    fn sort(&self) -> SortBy {
        match self.sort {
            Sort::Blocks => SortBy::Blocks,
            Sort::Bytes => SortBy::Bytes,
            Sort::Percent => SortBy::Percent,
            Sort::Name => SortBy::Name,
        }
    }

    fn by(&self) -> Grouping {
        match self.by {
            By::Address => Grouping::Address,
            By::Line => Grouping::Line,
            By::Function => Grouping::Function,
            By::File => Grouping::File,
            By::Module => Grouping::Module,
            By::Stack => Grouping::Stack,
            By::Size => Grouping::Size,
        }
    }

    pub fn options(&self) -> Options {
        let is_terminal = io::stdout().is_terminal();
        let of_terminal = || terminal_size::terminal_size().map(|(width, _)| width.0);
        let width = self
            .width
            .or_else(|| is_terminal.then(of_terminal).flatten());
        Options {
            top: self.top,
            all: self.all,
            inlines: self.inlines,
            trend: !self.no_trend,
            stacks: None,
            width: width.map(usize::from),
            color: match self.color {
                Color::Always => true,
                Color::Never => false,
                Color::Auto => {
                    anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_flag_is_given_once_for_all_runs_or_once_a_run() {
        let files: Vec<PathBuf> = ["a", "b"].map(PathBuf::from).to_vec();
        let of = |values: &[PathBuf], index| of_run(FileFlag::Log, values, index, 2);
        assert_eq!(of(&[], 1).unwrap(), None);
        assert_eq!(of(&files[..1], 1).unwrap(), Some("a".into()));
        assert_eq!(of(&files, 1).unwrap(), Some("b".into()));
        assert!(of_run(FileFlag::Log, &files, 0, 3).is_err());
    }
}
