//! Everything that the user is told besides the figures. Each text says what it means for the
//! figures and what to do.

use std::error;
use std::fmt;
use std::io;
use std::iter;
use std::path::PathBuf;

use crate::printable::printable_path;
use crate::units::{bytes, count, counted, signal_name};

/// How many lines of a log are concerned, and which is the first, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinesSeen {
    pub count: u64,
    pub first: u64,
}

impl LinesSeen {
    /// The form of a verb that goes with them.
    fn verb(self, one: &'static str, several: &'static str) -> &'static str {
        if self.count == 1 { one } else { several }
    }
}

impl fmt::Display for LinesSeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.count {
            1 => write!(f, "line {}", self.first),
            n => write!(
                f,
                "{} (the first is line {})",
                counted(n, "line"),
                self.first
            ),
        }
    }
}

/// Why an input could not be read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadFailure {
    pub reason: String,
    /// It ends too early, as when a device lost power; else what was read is not what was written.
    pub is_cut: bool,
}

impl ReadFailure {
    pub(crate) fn of(error: &io::Error) -> ReadFailure {
        let is_end = |error: &io::Error| error.kind() == io::ErrorKind::UnexpectedEof;
        // A decoder may say so with an error of its own around the reader's.
        let first = error.get_ref().map(|inner| inner as &dyn error::Error);
        let mut causes = iter::successors(first, |error| error.source());
        let is_caused = causes.any(|cause| cause.downcast_ref::<io::Error>().is_some_and(is_end));
        ReadFailure {
            reason: error.to_string(),
            is_cut: is_end(error) || is_caused,
        }
    }
}

/// A warning. Its [`Warning::code`] is stable, for scripts; the text is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    NoMaps {
        /// Whether the log needs it to place its addresses.
        absolute: bool,
    },
    NoProgram,
    /// The program that was given is not the one beside the log.
    OtherProgram {
        given: PathBuf,
        beside: PathBuf,
    },
    /// The program that was given is not the one that ran.
    ProgramNotUsed {
        given: PathBuf,
        reason: String,
    },
    /// Modules with live blocks for which no file was found.
    ModulesNotFound {
        modules: Vec<String>,
        has_sysroot: bool,
    },
    /// A file was found, but it is not the one that ran.
    ModuleRefused {
        module: String,
        path: PathBuf,
        reason: String,
    },
    /// Modules that were found, but have no debug information.
    NoDebugInfo {
        modules: Vec<String>,
        /// One of them is the program.
        has_program: bool,
    },
    /// Libraries of the toolchain, which nobody compiles for a run.
    NoSystemDebugInfo {
        modules: Vec<String>,
    },
    /// Modules whose debug information is in `.dwo` files that are not there.
    NoSplitDebugInfo {
        modules: Vec<String>,
    },
    /// Modules whose debug information would take more memory than any compiler's, or is nested deeper.
    DebugInfoRefused {
        modules: Vec<String>,
    },
    MalformedLines {
        lines: LinesSeen,
        quote: String,
    },
    /// Something else was written before a record, in the same line.
    Interleaved(LinesSeen),
    NulBytes(LinesSeen),
    Overlong(LinesSeen),
    CarriageReturns(LinesSeen),
    BlankLines(LinesSeen),
    TruncatedTail {
        line: u64,
    },
    MissingStart,
    MissingEnd,
    SeveralStarts {
        starts: u64,
    },
    /// Children of a fork called `muntrace()`.
    SeveralEnds {
        ends: u64,
    },
    /// Allocations at live addresses in bulk, or double frees: two heaps in one log.
    Fork {
        starts: u64,
        reused: u64,
        double_frees: u64,
    },
    /// Half records, as they are left where a fork copied what was not written yet.
    TornLines(LinesSeen),
    /// Allocations at live addresses, in a log of a glibc that loses frees of other threads.
    FreesLost(LinesSeen),
    /// Reading failed in the middle of the log.
    ReadStopped(ReadFailure),
    /// Callers lie in no mapping, or in one of another module.
    OutsideMaps {
        callers: usize,
        of: usize,
    },
    /// Most callers do: the maps are of another run.
    OtherMaps {
        callers: usize,
        of: usize,
    },
    /// Nothing tells relative from absolute addresses.
    AddressingAssumed {
        assumed: &'static str,
    },
    /// Some callers speak for the other reading.
    AddressingMixed {
        chosen: &'static str,
        reason: String,
    },
    /// The file makes no calls where the log says that calls came from.
    ModuleDoesNotFit {
        module: String,
        callers: usize,
        of: usize,
    },
    /// The runs are of different architectures.
    MachinesDiffer {
        first: String,
        last: String,
    },
    /// Functions with a site that is gone and another that is new, in files that may be one.
    LinesMoved {
        functions: Vec<String>,
    },
    /// Modules without names, with sites that are gone and others that are new.
    AddressesMoved {
        modules: Vec<String>,
    },
    /// Modules of one build id, or of equal size and checksum, that have other code in each run.
    FalseBuilds {
        modules: Vec<String>,
    },
    /// Sites joined by address alone, where nothing says that the runs are of one build.
    UnsureAddresses {
        sites: usize,
        modules: Vec<String>,
    },
    /// The first run's program and the last one's have nothing in common.
    OtherPrograms {
        first: String,
        last: String,
    },
    /// The stacks of one run are cut where those of the other go on.
    StacksDiffer {
        short: String,
        frames: usize,
        long: String,
        most: usize,
    },
    /// One run has no names of its program's functions, and the other has.
    NamesDiffer {
        without: String,
        with: String,
    },
    /// No function of the runs is what `--wrapper` names.
    NoSuchWrapper {
        pattern: String,
    },
    /// The command line says that it took another time than it did by its own clock.
    OtherDuration {
        told: String,
        own: String,
    },
    NoRecords {
        is_recorded: bool,
    },
    /// Blocks of a recording that are not as they were written.
    RecordingDamaged {
        blocks: u64,
        first_at: Option<u64>,
    },
    /// A recording that goes on in the file that it is a copy of.
    RecordingCut,
    /// The recorder gave up before the program ended.
    RecordingStopped {
        reason: &'static str,
    },
    /// Events in signal handlers that came while the thread was in the recorder.
    RecordingLost {
        events: u32,
    },
    /// A summary ends with counts that are older than the program's end.
    LastCountsLost,
    /// The last run's program failed, and the first one's did not, as far as is known.
    EndedOtherwise {
        status: i32,
    },
    /// Both runs were killed by a signal, the last one at this percentage of the records of the first.
    KilledEarly {
        signal: i32,
        percent: u64,
    },
    /// The last run has this percentage of the records of the first.
    DidLess {
        percent: u64,
    },
    /// The process became a program that was not recorded.
    WentOnAs {
        program: String,
    },
    /// Processes that the program started have recordings of their own, in these directories of the run.
    ChildrenApart {
        children: Vec<String>,
    },
    /// Programs that it started in processes of their own, of which there is no recording.
    StartedUnrecorded {
        programs: Vec<String>,
        processes: u64,
    },
    /// Blocks that were freed, and whose allocation the recorder has not seen.
    UnknownFrees {
        frees: u64,
    },
    /// The program has a `malloc` of its own.
    OwnAllocator,
    SameRun {
        first: String,
        second: String,
    },
    /// A copy of a recording, or a report saved from it, given as another run.
    SameRecording {
        first: String,
        second: String,
    },
    SameLog {
        first: String,
        second: String,
    },
    /// How long memory lasts was asked for, and cannot be told.
    NoProjection {
        /// In bytes.
        memory: u64,
        /// The runs of which the time is not known, of how many; none where it is their bytes.
        untimed: Vec<String>,
        runs: usize,
    },
    /// The run is a result of one of the old tools.
    OldResult {
        tool: &'static str,
        /// What it does not tell.
        missing: &'static str,
    },
    /// A result of `mtrace_do.py` has lines for so many blocks of its total.
    ResultIncomplete {
        listed: u64,
        total: u64,
    },
    /// The log is beside something that may be a log too, but cannot be read as one.
    LeftAside {
        files: Vec<String>,
    },
    /// As a saved report has it.
    Saved {
        code: String,
        text: String,
        partial: bool,
    },
}

/// How to keep a child's heap out of its parent's log.
const APART: &str = "call fflush(NULL) right before fork() and muntrace() first in the child; give a program that it starts \
                     a MALLOC_TRACE of its own";

/// The first few names, and how many more there are.
fn some(names: &[String]) -> String {
    const SOME: usize = 5;
    match names.len() {
        0..=SOME => names.join(", "),
        n => format!("{} and {} more", names[..SOME].join(", "), n - SOME),
    }
}

impl Warning {
    /// The code of [`Warning::ResultIncomplete`].
    pub const RESULT_INCOMPLETE: &'static str = "result-incomplete";

    /// The code of [`Warning::ChildrenApart`].
    pub const CHILDREN_APART: &'static str = "children-apart";

    /// The code of [`Warning::NoSystemDebugInfo`].
    pub const NO_SYSTEM_DEBUG_INFO: &'static str = "no-system-debug-info";
    /// The code of [`Warning::StartedUnrecorded`].
    pub const STARTED_UNRECORDED: &'static str = "started-unrecorded";

    /// Code of what says that a log is not what was written.
    pub const LOG_DAMAGED: &'static str = "log-damaged";

    /// Codes of what says that two processes wrote into the log.
    pub const MIXED: [&'static str; 3] =
        [Warning::FORK, Warning::SEVERAL_STARTS, Warning::TORN_LINES];

    const FORK: &'static str = "fork";
    const SEVERAL_STARTS: &'static str = "several-starts";
    const TORN_LINES: &'static str = "torn-lines";

    /// Stable, for scripts.
    pub fn code(&self) -> &str {
        match self {
            Warning::NoMaps { .. } => "no-maps",
            Warning::NoProgram => "no-program",
            Warning::OtherProgram { .. } => "other-program",
            Warning::ProgramNotUsed { .. } => "program-not-used",
            Warning::ModulesNotFound { .. } => "modules-not-found",
            Warning::ModuleRefused { .. } => "module-refused",
            Warning::NoDebugInfo { .. } => "no-debug-info",
            Warning::NoSystemDebugInfo { .. } => Warning::NO_SYSTEM_DEBUG_INFO,
            Warning::NoSplitDebugInfo { .. } => "no-split-debug-info",
            Warning::DebugInfoRefused { .. } => "debug-info-refused",
            Warning::MalformedLines { .. } => "malformed-lines",
            Warning::Interleaved(_) => "interleaved-lines",
            Warning::NulBytes(_) => "nul-bytes",
            Warning::Overlong(_) => "overlong-lines",
            Warning::CarriageReturns(_) => "carriage-returns",
            Warning::BlankLines(_) => "blank-lines",
            Warning::Fork { .. } => Warning::FORK,
            Warning::TornLines(_) => Warning::TORN_LINES,
            Warning::FreesLost(_) => "frees-lost",
            Warning::ReadStopped(failure) if failure.is_cut => "read-stopped",
            Warning::ReadStopped(_) => Warning::LOG_DAMAGED,
            Warning::TruncatedTail { .. } => "truncated-tail",
            Warning::MissingStart => "missing-start",
            Warning::MissingEnd => "missing-end",
            Warning::SeveralEnds { .. } => "several-ends",
            Warning::SeveralStarts { .. } => Warning::SEVERAL_STARTS,
            Warning::OutsideMaps { .. } => "outside-maps",
            Warning::OtherMaps { .. } => "other-maps",
            Warning::AddressingAssumed { .. } => "addressing-assumed",
            Warning::AddressingMixed { .. } => "addressing-mixed",
            Warning::ModuleDoesNotFit { .. } => "module-does-not-fit",
            Warning::MachinesDiffer { .. } => "machines-differ",
            Warning::LinesMoved { .. } => "lines-moved",
            Warning::AddressesMoved { .. } => "addresses-moved",
            Warning::UnsureAddresses { .. } => "unsure-addresses",
            Warning::FalseBuilds { .. } => "false-builds",
            Warning::OtherPrograms { .. } => "other-programs",
            Warning::StacksDiffer { .. } => "stacks-differ",
            Warning::NamesDiffer { .. } => "names-differ",
            Warning::NoSuchWrapper { .. } => "no-such-wrapper",
            Warning::OtherDuration { .. } => "other-duration",
            Warning::NoRecords { .. } => "no-records",
            Warning::RecordingDamaged { .. } => "recording-damaged",
            Warning::RecordingCut => "recording-cut",
            Warning::RecordingStopped { .. } => "recording-stopped",
            Warning::RecordingLost { .. } => "recording-lost",
            Warning::LastCountsLost => "last-counts-lost",
            Warning::EndedOtherwise { .. } => "ended-otherwise",
            Warning::KilledEarly { .. } => "killed-early",
            Warning::DidLess { .. } => "did-less",
            Warning::WentOnAs { .. } => "went-on-as",
            Warning::ChildrenApart { .. } => Warning::CHILDREN_APART,
            Warning::StartedUnrecorded { .. } => Warning::STARTED_UNRECORDED,
            Warning::UnknownFrees { .. } => "unknown-frees",
            Warning::OwnAllocator => "own-allocator",
            Warning::SameRun { .. } => "same-run",
            Warning::NoProjection { .. } => "no-projection",
            Warning::SameRecording { .. } => "same-recording",
            Warning::SameLog { .. } => "same-log",
            Warning::OldResult { .. } => "old-result",
            Warning::ResultIncomplete { .. } => Warning::RESULT_INCOMPLETE,
            Warning::LeftAside { .. } => "left-aside",
            Warning::Saved { code, .. } => code,
        }
    }
}

impl Warning {
    /// Whether this says that blocks are missing from the figures, too many are in them, or that they may be another
    /// call site's.
    pub fn makes_figures_partial(&self) -> bool {
        matches!(
            self,
            Warning::MalformedLines { .. }
                | Warning::Interleaved(_)
                | Warning::NulBytes(_)
                | Warning::Overlong(_)
                | Warning::TruncatedTail { .. }
                | Warning::SeveralStarts { .. }
                | Warning::Fork { .. }
                | Warning::TornLines(_)
                | Warning::MissingStart
                | Warning::MissingEnd
                | Warning::FreesLost(_)
                | Warning::ReadStopped(_)
                | Warning::ResultIncomplete { .. }
                | Warning::RecordingDamaged { .. }
                | Warning::RecordingCut
                | Warning::RecordingStopped { .. }
                | Warning::RecordingLost { .. }
                | Warning::LastCountsLost
                | Warning::EndedOtherwise { .. }
                | Warning::KilledEarly { .. }
                | Warning::DidLess { .. }
                | Warning::WentOnAs { .. }
                | Warning::ChildrenApart { .. }
                | Warning::StartedUnrecorded { .. }
                | Warning::UnknownFrees { .. }
                | Warning::OwnAllocator
                | Warning::OtherProgram { .. }
                | Warning::ProgramNotUsed { .. }
                | Warning::ModuleDoesNotFit { .. }
                | Warning::Saved { partial: true, .. }
        )
    }
}

impl Warning {
    /// Whether rows of one run may stand in other rows of the other, so that none can be said to be fixed.
    pub fn parts_rows(&self) -> bool {
        matches!(
            self,
            Warning::OtherPrograms { .. }
                | Warning::StacksDiffer { .. }
                | Warning::NamesDiffer { .. }
        )
    }

    /// Whether this says how a run differs from the first one.
    pub fn is_of_two(&self) -> bool {
        matches!(
            self,
            Warning::EndedOtherwise { .. } | Warning::KilledEarly { .. } | Warning::DidLess { .. }
        )
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::NoMaps { absolute: true } => f.write_str(
                "no maps file: absolute addresses cannot be assigned to a library, so such sites stay unnamed; \
                 copy /proc/PID/maps while the program runs and put it beside the log, or give it with --maps",
            ),
            Warning::NoMaps { absolute: false } => f.write_str(
                "no maps file: it is unknown whether this machine's shared libraries are those that ran, so only those in \
                 the capture directory or the sysroot are used for names; copy /proc/PID/maps while the program runs \
                 and put it beside the log, or give it with --maps",
            ),
            Warning::NoProgram => f.write_str(
                "no executable: functions and lines of the program stay unnamed; \
                 put the unstripped program that wrote the log beside it, or give it with --exe",
            ),
            Warning::OtherProgram { given, beside } => write!(
                f,
                "'{}' is of another build than '{}' beside the log: names and lines, and which call site is which, may be \
                 wrong; give the program of each run with --exe, once per run",
                printable_path(given),
                printable_path(beside)
            ),
            Warning::ProgramNotUsed { given, reason } => write!(
                f,
                "the program '{}' is given, but not used for names: {reason}; give the program of each run with --exe, once \
                 per run",
                printable_path(given)
            ),
            Warning::ModulesNotFound { modules, has_sysroot } => {
                write!(f, "not found on this machine: {}; functions and lines in them stay unnamed; ", some(modules))?;
                f.write_str(if *has_sysroot {
                    "put them into the capture directory, or at their target's path below the sysroot"
                } else {
                    "put them into the capture directory, or give the target's root directory with --sysroot"
                })
            }
            Warning::ModuleRefused { module, path, reason } => write!(
                f,
                "'{}' is not the {module} that ran ({reason}) and is not used for names; copy the file from the target",
                printable_path(path)
            ),
            Warning::NoDebugInfo { modules, has_program } => write!(
                f,
                "no debug information for {}: sites there have no lines; {}compile with -g, do not strip, or give the \
                 directory of its separate debug files with --debug-dir",
                some(modules),
                match has_program {
                    true => "give the unstripped program with --exe, ",
                    false => "",
                }
            ),
            Warning::NoSystemDebugInfo { modules } => write!(
                f,
                "no debug information for {}: sites there have no lines; install the debug packages of these libraries, \
                 such as libc6-dbg, or give the directory of their debug files with --debug-dir",
                some(modules)
            ),
            Warning::NoSplitDebugInfo { modules } => write!(
                f,
                "the debug information of {} is in .dwo files (-gsplit-dwarf) that are not where the compiler left them: sites \
                 there only have symbols, and inlined calls stay unknown; keep these files, or compile without -gsplit-dwarf",
                some(modules)
            ),
            Warning::DebugInfoRefused { modules } => write!(
                f,
                "the debug information of {} is damaged, or made to exhaust this machine: it would take far more memory \
                 than it has on disk, or is nested without end; it is ignored, and sites there only have symbols; \
                 copy the file again, or rebuild it",
                some(modules)
            ),
            Warning::MalformedLines { lines, quote } => write!(
                f,
                "{lines} of the log cannot be read and {} ignored; line {} is '{quote}'; check that nothing else writes to \
                 that file",
                lines.verb("is", "are"),
                lines.first
            ),
            Warning::Interleaved(lines) => write!(
                f,
                "{lines} of the log had other text before the record; that text is ignored, and half a record may be lost \
                 in each; check that no other process or stream writes to the file that MALLOC_TRACE names",
            ),
            Warning::NulBytes(lines) => write!(
                f,
                "{lines} of the log had NUL bytes, which are ignored: the file was truncated while it was being \
                 written, as a child process does that calls mtrace() itself, and what was in it before is lost; \
                 give each process a MALLOC_TRACE of its own",
            ),
            Warning::Overlong(lines) => write!(
                f,
                "{lines} of the log {} longer than any record can be; only a record at the end of such a line is read; \
                 check that nothing else writes to that file",
                lines.verb("is", "are")
            ),
            Warning::CarriageReturns(lines) => write!(
                f,
                "{lines} of the log {} in CR LF, as after a copy in text mode; nothing is lost, but copy the program and \
                 the maps in binary mode",
                lines.verb("ends", "end")
            ),
            Warning::BlankLines(lines) => write!(
                f,
                "{lines} of the log {} empty; that changes no figure, but mtrace() writes no such line: check that nothing else \
                 writes to that file",
                lines.verb("is", "are")
            ),
            Warning::Fork { starts, reused, double_frees } => write!(
                f,
                "the log has {} at addresses that were live, and {} of blocks that were free, after {}: two processes wrote \
                 into it after a fork, and its figures are those of neither; {APART}",
                counted(*reused, "allocation"),
                counted(*double_frees, "free"),
                counted(*starts, "'= Start' mark")
            ),
            Warning::TornLines(lines) => write!(
                f,
                "{lines} of the log {} half a record: a fork copied what its parent had not written yet, or a part of the \
                 log is lost, as on a full disk; what a child freed may count as freed by its parent; {APART}",
                lines.verb("is", "are")
            ),
            Warning::SeveralEnds { ends } => write!(
                f,
                "the log has {ends} '= End' marks: children of a fork called muntrace(); what a child freed before counts \
                 as freed by its parent, so call it first in the child",
            ),
            Warning::FreesLost(lines) => write!(
                f,
                "{lines} of the log {} at an address that was live: the glibc that wrote it does not log what \
                 another thread frees during an allocation, so blocks may show as live that are not, and frees as \
                 double; trace with glibc 2.34 or newer, or with one thread",
                lines.verb("allocates", "allocate")
            ),
            Warning::ReadStopped(ReadFailure { reason, is_cut: true }) => write!(
                f,
                "the log is cut ({reason}): the figures are those of what there is; copy it again",
            ),
            Warning::ReadStopped(ReadFailure { reason, is_cut: false }) => write!(
                f,
                "the log is damaged ({reason}): part of it may be lost or wrong, and so may be its figures; copy it again",
            ),
            Warning::TruncatedTail { line } => write!(
                f,
                "the log ends in the middle of line {line}, which is ignored, and what the program did after it is missing: \
                 it was killed, crashed or called _exit; or it closed the log's descriptor, as daemons do that close \
                 them all; or the copy was cut",
            ),
            Warning::MissingStart => f.write_str(
                "the log does not begin with '= Start': its beginning is lost, so blocks that were allocated there are missing, \
                 and figures can be too low; copy the whole log",
            ),
            Warning::MissingEnd => f.write_str(
                "the log has no '= End': muntrace() was not reached, or the copy was cut; what the program did after it is \
                 missing, so figures can be too low, and blocks that the program frees on its way out may show as live; if it \
                 closes descriptors that it did not open, such as the log's, the log ends there",
            ),
            Warning::SeveralStarts { starts } => write!(
                f,
                "the log has {starts} '= Start' marks: a fork copied its first lines, or two logs were put into one; figures \
                 can be too high or too low; {APART}",
            ),
            Warning::OtherMaps { callers, of } => write!(
                f,
                "{callers} of {of} callers lie outside the modules that the maps file shows: it is of another run, with other \
                 addresses; such sites stay unnamed; save the maps of the run that wrote the log",
            ),
            Warning::OutsideMaps { callers, of } => write!(
                f,
                "{callers} of {of} callers lie outside the modules that the maps file shows: a module was loaded after the \
                 maps were saved, or unloaded before; such sites stay unnamed; save the maps again at the end of a run",
            ),
            Warning::AddressingAssumed { assumed } => write!(
                f,
                "nothing in this capture tells whether its addresses are absolute or relative to their module; they are \
                 taken as {assumed}; to be sure, add the maps file or the program, or give --addressing",
            ),
            Warning::AddressingMixed { chosen, reason } => write!(
                f,
                "the addresses are taken as {chosen}, but not all of the log agrees ({reason}): names of some call sites \
                 may be wrong; check that the maps and the program are of this run, or give --addressing",
            ),
            Warning::ModuleDoesNotFit { module, callers, of } => write!(
                f,
                "{module} makes no call at {callers} of the {of} places where the log says that calls came from: it is not the \
                 build that ran, so do not trust its names and lines; give the right one",
            ),
            Warning::MachinesDiffer { first, last } => write!(
                f,
                "the first run is for {first}, the last for {last}: growth between different programs means nothing; \
                 give two runs of one program",
            ),
            Warning::OtherPrograms { first, last } => write!(
                f,
                "{}, and no call site, function or source file is in both: growth between different programs means \
                 nothing; give two runs of one program",
                match first == last {
                    true => format!("both programs are called '{first}', but they are of different sources"),
                    false => format!("the first run is of '{first}', the last of '{last}'"),
                }
            ),
            Warning::StacksDiffer { short, frames, long, most } => write!(
                f,
                "the stacks of {short} are cut at {}, those of {long} have up to {most}: rows may not match, and what is gone \
                 may stand in another row; record both runs in one way, with the same --mode and --depth, and on a target \
                 with the same unwind tables",
                counted(*frames as u64, "frame")
            ),
            Warning::NamesDiffer { without, with } => write!(
                f,
                "the functions of the program have names in {with}, and none in {without}: rows may not match, and what is \
                 gone may stand in another row; give the unstripped program of each run with --exe"
            ),
            Warning::NoSuchWrapper { pattern } => write!(
                f,
                "no function of these runs is a '{pattern}', so --wrapper changes nothing; give the function's name without \
                 arguments, with `*` for any text, as in 'pool_*alloc'"
            ),
            Warning::OtherDuration { told, own } => write!(
                f,
                "--duration says that it took {told}, and by its own clock it took {own}: rates are those of {told}; leave \
                 out --duration, unless you know better"
            ),
            Warning::LinesMoved { functions } => write!(
                f,
                "gone in one place and new in another: {}; nothing shows that these are the same, so growth and the gate \
                 take them for two sites; if a file or a module was renamed, say so with --map OLD=NEW",
                some(functions)
            ),
            Warning::AddressesMoved { modules } => write!(
                f,
                "without names, call sites are joined by address, and in {} some are gone and others new: the runs are of \
                 two builds, or nothing placed their addresses, so growth there means nothing; compile with -g and keep \
                 the unstripped files",
                some(modules)
            ),
            Warning::FalseBuilds { modules } => write!(
                f,
                "{} has one build id in several runs, but not the same functions at its addresses: it is of several builds, and \
                 is matched as such; let the linker make build ids (--build-id) instead of fixing one",
                some(modules)
            ),
            Warning::UnsureAddresses { sites, modules } => write!(
                f,
                "{} joined by address alone, in {}: nothing says that the runs are of one build, and in another build \
                 an address is another place, so growth there is unsure; keep the unstripped files of both runs",
                match sites {
                    1 => "1 call site is".to_owned(),
                    n => format!("{n} call sites are"),
                },
                some(modules)
            ),
            Warning::RecordingDamaged { blocks, first_at } => {
                write!(f, "{} of the recording cannot be read and counts for nothing", counted(*blocks, "block"))?;
                if let Some(at) = first_at {
                    write!(f, "; the damage begins at byte {}", count(*at))?;
                }
                f.write_str(": the figures are partial; copy the file again, in binary mode")
            }
            Warning::RecordingCut => f.write_str(
                "the recording is cut: what was recorded after that is missing from the figures; copy the file again \
                 when the program has ended",
            ),
            Warning::RecordingStopped { reason } => {
                write!(f, "the recording ended before the program did: {reason}; the figures are those of that moment")
            }
            Warning::RecordingLost { events } => write!(
                f,
                "{} in signal handlers could not be recorded, so a few blocks may be missing, or show as live; a handler \
                 must not call malloc or free",
                counted(u64::from(*events), "event")
            ),
            Warning::LastCountsLost => f.write_str(
                "the program ended without a last count, as it does when it is killed or calls _exit, and what it allocated \
                 and freed since the count before is not in these figures; record into a file, which keeps the counts up to \
                 date, or without --mode summary",
            ),
            Warning::EndedOtherwise { status } => {
                let how = match status {
                    129..=192 => format!("was killed by {}", signal_name(status - 128)),
                    status => format!("ended with exit status {status}"),
                };
                write!(
                    f,
                    "the program {how}, unlike in the first run: what it did not come to is not in its figures"
                )
            }
            Warning::KilledEarly { signal, percent } => write!(
                f,
                "the program was killed by {}, at {percent} % of the records of the first run, which was killed, too: \
                 what it did not come to is not in its figures",
                signal_name(*signal)
            ),
            Warning::DidLess { percent } => write!(
                f,
                "this run has {} of the records of the first one: the program did much less, and what it did not do cannot \
                 have leaked",
                match percent {
                    0 => "less than 1 %".to_owned(),
                    percent => format!("{percent} %"),
                }
            ),
            Warning::WentOnAs { program } => write!(
                f,
                "the process went on as '{program}', which was not recorded, as happens with a statically linked program: these \
                 are figures of what it was before; record that program itself"
            ),
            Warning::UnknownFrees { frees } => write!(
                f,
                "{} freed whose allocation was not recorded: something allocates past the recorder, as by __libc_malloc, dlmopen \
                 or RTLD_DEEPBIND, and what it holds is not in these figures; have it call malloc",
                match frees {
                    1 => "1 block was".to_owned(),
                    n => format!("{} blocks were", count(*n)),
                }
            ),
            Warning::OwnAllocator => f.write_str(
                "the program has a malloc of its own, which is called in place of the one that records: what it allocates by that is \
                 not in these figures; build it without, or have its malloc go on to the next one (dlsym with RTLD_NEXT)",
            ),
            Warning::StartedUnrecorded {
                programs,
                processes,
            } => write!(
                f,
                "{} that it started left no recording here ({}), as happens with statically linked programs, those of another \
                 user or machine, and recordings without their `child-PID` directories: what they hold is not in these figures; \
                 record such a program by itself",
                match processes {
                    1 => "1 process".to_owned(),
                    n => format!("{} processes", count(*n)),
                },
                some(programs)
            ),
            Warning::ChildrenApart { children } => {
                let (processes, was, own) = match children.len() {
                    1 => ("1 process".to_owned(), "was", "it holds"),
                    n => (format!("{} processes", count(n as u64)), "were", "they hold"),
                };
                write!(
                    f,
                    "{processes} that it started {was} recorded beside it, and what {own} is not in these figures: compare \
                     them by themselves, each with its like in the other run ({})",
                    some(children)
                )
            }
            Warning::NoRecords { is_recorded: true } => f.write_str(
                "the recording has no events: the program allocated nothing, or left its work to other processes, whose \
                 recordings are in child-*",
            ),
            Warning::NoRecords { is_recorded: false } => f.write_str(
                "the log has no records: the program allocated nothing between mtrace() and its end, or it was stopped \
                 before the first 512 bytes of the log were written",
            ),
            Warning::SameRun { first, second } => {
                write!(f, "'{first}' and '{second}' are the same capture: nothing can have grown; give two different runs")
            }
            Warning::SameRecording { first, second } => write!(
                f,
                "'{first}' and '{second}' are the same recording, of one process: nothing can have grown; give two different \
                 runs"
            ),
            Warning::SameLog { first, second } => {
                write!(f, "the logs of '{first}' and '{second}' are the same: nothing can have grown; is one of them a copy?")
            }
            Warning::NoProjection {
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
                    [] => write!(f, "how long {memory} last cannot be told: the runs do not tell how many bytes leak in a minute"),
                    untimed => write!(
                        f,
                        "how long {memory} last cannot be told without the time that {} took: give it, such as --duration \
                         {example}",
                        untimed.join(" and ")
                    ),
                }
            }
            Warning::OldResult { tool, missing } => write!(
                f,
                "a result of {tool} does not tell {missing}: these are unknown, not zero; to know them, give the log \
                 itself, or a report saved with --save",
            ),
            Warning::ResultIncomplete { listed, total } => write!(
                f,
                "the result has a total of {} but lines for only {} of them, more than the dynamic loader alone would \
                 leave out: it may be cut; make it again, or give the log",
                counted(*total, "block"),
                count(*listed)
            ),
            Warning::LeftAside { files } => write!(
                f,
                "ignored, though it may be a damaged or unreadable log: {}; if it is the log of this run, \
                 copy it again and give it with --log",
                some(files)
            ),
            Warning::Saved { text, .. } => f.write_str(text),
        }
    }
}
