//! What stands in the way of a comparison.

use std::fmt;

use crate::printable::some;
use crate::units::{bytes, counted, signal_name};

/// What stands in the way of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ComparisonWarning {
    /// The runs are of different architectures.
    MachinesDiffer {
        /// The first run's, such as `ARM, 32 bit`.
        first: String,
        /// The last run's.
        last: String,
    },
    /// Functions with a site that is gone and another that is new, in files that may be one.
    LinesMoved {
        /// Their names.
        functions: Vec<String>,
    },
    /// Functions that are gone, each with the new one of its file that may be the same under another name.
    FunctionsRenamed {
        /// What each was called in the first run, and what it may be called in the last.
        functions: Vec<(String, String)>,
    },
    /// Modules without names, with sites that are gone and others that are new.
    AddressesMoved {
        /// Their names.
        modules: Vec<String>,
    },
    /// Modules of one build id, or of equal size and checksum, that have other code in each run.
    FalseBuilds {
        /// Their names.
        modules: Vec<String>,
    },
    /// Sites joined by address alone, where nothing says that the runs are of one build.
    UnsureAddresses {
        /// How many sites.
        sites: usize,
        /// The modules that they are in.
        modules: Vec<String>,
    },
    /// The first run's program and the last one's have nothing in common.
    OtherPrograms {
        /// The first run's program.
        first: String,
        /// The last run's program.
        last: String,
    },
    /// The stacks of one run are cut where those of the other go on.
    StacksDiffer {
        /// The run whose stacks are cut.
        short: String,
        /// The most frames of a stack in it.
        frames: usize,
        /// The run whose stacks go on.
        long: String,
        /// The most frames of a stack in that one.
        most: usize,
    },
    /// One run has no names of its program's functions, and the other has.
    NamesDiffer {
        /// The run without names.
        without: String,
        /// The run with them.
        with: String,
    },
    /// The last run's program failed, and the first one's did not, as far as is known.
    EndedOtherwise {
        /// As a shell has it: 128 and the signal that killed it, or its exit status.
        status: i32,
    },
    /// The last run's program did not end when it was asked to and had to be killed, and the first one's did not.
    HadToBeKilled,
    /// Both runs were killed by a signal, the last one at this percentage of the records of the first.
    KilledEarly {
        /// The number of the signal.
        signal: i32,
        /// Rounded down.
        percent: u64,
    },
    /// The last run has this percentage of the records of the first.
    DidLess {
        /// Rounded down.
        percent: u64,
    },
    /// One capture was given twice.
    SameRun {
        /// The earlier of the two, by its name in the report.
        first: String,
        /// The later one.
        second: String,
    },
    /// A copy of a recording, or a report saved from it, given as another run.
    SameRecording {
        /// The earlier of the two, by its name in the report.
        first: String,
        /// The later one.
        second: String,
    },
    /// The logs of two runs have the same bytes.
    SameLog {
        /// The earlier of the two, by its name in the report.
        first: String,
        /// The later one.
        second: String,
    },
    /// How long memory lasts was asked for, and cannot be told.
    NoProjection {
        /// In bytes.
        memory: u64,
        /// The runs of which the time is not known, of how many; none where it is their bytes.
        untimed: Vec<String>,
        /// How many runs there are.
        runs: usize,
    },
}

impl ComparisonWarning {
    pub(super) fn code(&self) -> &'static str {
        match self {
            ComparisonWarning::MachinesDiffer { .. } => "machines-differ",
            ComparisonWarning::LinesMoved { .. } => "lines-moved",
            ComparisonWarning::FunctionsRenamed { .. } => "functions-renamed",
            ComparisonWarning::AddressesMoved { .. } => "addresses-moved",
            ComparisonWarning::FalseBuilds { .. } => "false-builds",
            ComparisonWarning::UnsureAddresses { .. } => "unsure-addresses",
            ComparisonWarning::OtherPrograms { .. } => "other-programs",
            ComparisonWarning::StacksDiffer { .. } => "stacks-differ",
            ComparisonWarning::NamesDiffer { .. } => "names-differ",
            ComparisonWarning::EndedOtherwise { .. } => "ended-otherwise",
            ComparisonWarning::HadToBeKilled => "had-to-be-killed",
            ComparisonWarning::KilledEarly { .. } => "killed-early",
            ComparisonWarning::DidLess { .. } => "did-less",
            ComparisonWarning::SameRun { .. } => "same-run",
            ComparisonWarning::SameRecording { .. } => "same-recording",
            ComparisonWarning::SameLog { .. } => "same-log",
            ComparisonWarning::NoProjection { .. } => "no-projection",
        }
    }

    /// Whether rows of one run may stand in other rows of the other, so that none can be said to be fixed.
    pub(super) fn parts_rows(&self) -> bool {
        matches!(
            self,
            ComparisonWarning::OtherPrograms { .. }
                | ComparisonWarning::StacksDiffer { .. }
                | ComparisonWarning::NamesDiffer { .. }
        )
    }

    /// Whether this says how a run differs from the first one.
    pub(super) fn is_of_two(&self) -> bool {
        matches!(
            self,
            ComparisonWarning::EndedOtherwise { .. }
                | ComparisonWarning::HadToBeKilled
                | ComparisonWarning::KilledEarly { .. }
                | ComparisonWarning::DidLess { .. }
        )
    }
}

/// What tells `--map` that a function was renamed, in quotes of a shell.
fn map_of(old: &str, new: &str) -> String {
    let name = |function: &str| match function.ends_with(')') || function.ends_with(") const") {
        true => function.to_owned(),
        false => format!("{function}()"),
    };
    format!("'{}={}'", name(old), name(new))
}

impl fmt::Display for ComparisonWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ComparisonWarning::MachinesDiffer { first, last } => write!(
                f,
                "the first run is for {first}, the last for {last}: growth between different programs means nothing; \
                 give two runs of one program",
            ),
            ComparisonWarning::LinesMoved { functions } => write!(
                f,
                "gone in one place and new in another: {}; nothing shows that these are the same, so growth and the gate \
                 take them for two sites; if a file or a module was renamed, say so with --map OLD=NEW",
                some(functions)
            ),
            ComparisonWarning::FunctionsRenamed { functions } => {
                let pairs: Vec<String> = functions
                    .iter()
                    .map(|(old, new)| format!("{old} is gone, and {new} is new"))
                    .collect();
                let example = functions
                    .first()
                    .map_or_else(String::new, |(old, new)| map_of(old, new));
                write!(
                    f,
                    "{}, in one file and with blocks of the same sizes: growth and the gate take them for two functions; \
                     if only the name changed, say so with --map {example}",
                    some(&pairs)
                )
            }
            ComparisonWarning::AddressesMoved { modules } => write!(
                f,
                "without names, call sites are joined by address, and in {} some are gone and others new: the runs are of \
                 two builds, or nothing placed their addresses, so growth there means nothing; compile with -g and keep \
                 the unstripped files",
                some(modules)
            ),
            ComparisonWarning::FalseBuilds { modules } => write!(
                f,
                "{} has one build id in several runs, but not the same functions at its addresses: it is of several builds, and \
                 is matched as such; let the linker make build ids (--build-id) instead of fixing one",
                some(modules)
            ),
            ComparisonWarning::UnsureAddresses { sites, modules } => write!(
                f,
                "{} joined by address alone, in {}: nothing says that the runs are of one build, and in another build \
                 an address is another place, so growth there is unsure; keep the unstripped files of both runs",
                match sites {
                    1 => "1 call site is".to_owned(),
                    n => format!("{n} call sites are"),
                },
                some(modules)
            ),
            ComparisonWarning::OtherPrograms { first, last } => write!(
                f,
                "{}, and no call site, function or source file is in both: growth between different programs means \
                 nothing; give two runs of one program",
                match first == last {
                    true => format!(
                        "both programs are called '{first}', but they are of different sources"
                    ),
                    false => format!("the first run is of '{first}', the last of '{last}'"),
                }
            ),
            ComparisonWarning::StacksDiffer {
                short,
                frames,
                long,
                most,
            } => write!(
                f,
                "the stacks of {short} are cut at {}, those of {long} have up to {most}: rows may not match, and what is gone \
                 may stand in another row; record both runs in one way, with the same --mode and --depth, and on a target \
                 with the same unwind tables",
                counted(*frames as u64, "frame")
            ),
            ComparisonWarning::NamesDiffer { without, with } => write!(
                f,
                "the functions of the program have names in {with}, and none in {without}: rows may not match, and what is \
                 gone may stand in another row; give the unstripped program of each run with --exe"
            ),
            ComparisonWarning::EndedOtherwise { status } => {
                let how = match status {
                    129..=192 => format!("was killed by {}", signal_name(status - 128)),
                    status => format!("ended with exit status {status}"),
                };
                write!(
                    f,
                    "the program {how}, unlike in the first run: what it did not come to is not in its figures"
                )
            }
            ComparisonWarning::HadToBeKilled => f.write_str(
                "the program did not end when it was asked to and had to be killed, unlike in the first run: it may have hung, \
                 and what it did not come to is not in its figures; if it only takes long to end, give it the time \
                 (record --grace)",
            ),
            ComparisonWarning::KilledEarly { signal, percent } => write!(
                f,
                "the program was killed by {}, at {percent} % of the records of the first run, which was killed, too: \
                 what it did not come to is not in its figures",
                signal_name(*signal)
            ),
            ComparisonWarning::DidLess { percent } => write!(
                f,
                "this run has {} of the records of the first one: the program did much less, and what it did not do cannot \
                 have leaked",
                match percent {
                    0 => "less than 1 %".to_owned(),
                    percent => format!("{percent} %"),
                }
            ),
            ComparisonWarning::SameRun { first, second } => {
                write!(
                    f,
                    "'{first}' and '{second}' are the same capture: nothing can have grown; give two different runs"
                )
            }
            ComparisonWarning::SameRecording { first, second } => write!(
                f,
                "'{first}' and '{second}' are the same recording, of one process: nothing can have grown; give two different \
                 runs"
            ),
            ComparisonWarning::SameLog { first, second } => {
                write!(
                    f,
                    "the logs of '{first}' and '{second}' are the same: nothing can have grown; is one of them a copy?"
                )
            }
            ComparisonWarning::NoProjection {
                memory,
                untimed,
                runs,
            } => {
                let memory = bytes(*memory);
                let example = match runs {
                    1 => "2m",
                    2 => "2m,3m",
                    _ => "2m,3m,…",
                };
                match untimed.as_slice() {
                    [] => write!(
                        f,
                        "how long {memory} last cannot be told: the runs do not tell how many bytes leak in a minute"
                    ),
                    untimed => write!(
                        f,
                        "how long {memory} last cannot be told without the time that {} took: give it, such as --duration \
                         {example}",
                        untimed.join(" and ")
                    ),
                }
            }
        }
    }
}
