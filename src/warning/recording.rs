//! What a recording lacks.

use std::fmt;

use crate::printable::some;
use crate::units::{count, counted};

/// What a recording lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordingWarning {
    /// It has no events.
    NoRecords,
    /// Blocks of a recording that are not as they were written.
    Damaged {
        /// How many.
        blocks: u64,
        /// Where the first one begins, in bytes from the start of the file, if that is known.
        first_at: Option<u64>,
    },
    /// A recording that goes on in the file that it is a copy of.
    Cut,
    /// The recorder gave up before the program ended.
    Stopped {
        /// Why it did.
        reason: &'static str,
    },
    /// Events in signal handlers that came while the thread was in the recorder.
    Lost {
        /// How many.
        events: u32,
    },
    /// A summary ends with counts that are older than the program's end.
    LastCountsLost,
    /// The process became a program that was not recorded.
    WentOnAs {
        /// That program.
        program: String,
    },
    /// Processes that the program started have recordings of their own, in these directories of the run.
    ChildrenApart {
        /// Their names, such as `child-1234`.
        children: Vec<String>,
    },
    /// What the process ran before it executed the program, in these directories of the run.
    RanBefore {
        /// Their names.
        recordings: Vec<String>,
    },
    /// Programs that it started in processes of their own, of which there is no recording.
    StartedUnrecorded {
        /// Their names, each once.
        programs: Vec<String>,
        /// How many processes.
        processes: u64,
    },
    /// Processes that it forked, and that could not write a recording.
    ForkedUnrecorded {
        /// How many.
        processes: u64,
    },
    /// Blocks that were freed, and whose allocation the recorder has not seen.
    UnknownFrees {
        /// How many.
        frees: u64,
    },
    /// The program has a `malloc` of its own.
    OwnAllocator,
}

impl RecordingWarning {
    /// The code of [`RecordingWarning::ChildrenApart`].
    pub const CHILDREN_APART: &'static str = "children-apart";

    /// The code of [`RecordingWarning::RanBefore`].
    pub const RAN_BEFORE: &'static str = "ran-before";

    /// The code of [`RecordingWarning::StartedUnrecorded`].
    pub const STARTED_UNRECORDED: &'static str = "started-unrecorded";

    /// The code of [`RecordingWarning::ForkedUnrecorded`].
    pub const FORKED_UNRECORDED: &'static str = "forked-unrecorded";

    pub(super) fn code(&self) -> &'static str {
        match self {
            RecordingWarning::NoRecords => "no-records",
            RecordingWarning::Damaged { .. } => "recording-damaged",
            RecordingWarning::Cut => "recording-cut",
            RecordingWarning::Stopped { .. } => "recording-stopped",
            RecordingWarning::Lost { .. } => "recording-lost",
            RecordingWarning::LastCountsLost => "last-counts-lost",
            RecordingWarning::WentOnAs { .. } => "went-on-as",
            RecordingWarning::ChildrenApart { .. } => RecordingWarning::CHILDREN_APART,
            RecordingWarning::RanBefore { .. } => RecordingWarning::RAN_BEFORE,
            RecordingWarning::StartedUnrecorded { .. } => RecordingWarning::STARTED_UNRECORDED,
            RecordingWarning::ForkedUnrecorded { .. } => RecordingWarning::FORKED_UNRECORDED,
            RecordingWarning::UnknownFrees { .. } => "unknown-frees",
            RecordingWarning::OwnAllocator => "own-allocator",
        }
    }
}

impl fmt::Display for RecordingWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RecordingWarning::NoRecords => f.write_str(
                "the recording has no events: the program allocated nothing, or left its work to other processes, whose \
                 recordings are in child-*",
            ),
            RecordingWarning::Damaged { blocks, first_at } => {
                write!(f, "{} of the recording cannot be read and counts for nothing", counted(*blocks, "block"))?;
                if let Some(at) = first_at {
                    write!(f, "; the damage begins at byte {}", count(*at))?;
                }
                f.write_str(": the figures are partial; copy the file again, in binary mode")
            }
            RecordingWarning::Cut => f.write_str(
                "the recording is cut: what was recorded after that is missing from the figures; copy the file again \
                 when the program has ended",
            ),
            RecordingWarning::Stopped { reason } => {
                write!(f, "the recording ended before the program did: {reason}; the figures are those of that moment")
            }
            RecordingWarning::Lost { events } => write!(
                f,
                "{} in signal handlers could not be recorded, so a few blocks may be missing, or show as live; a handler \
                 must not call malloc or free",
                counted(u64::from(*events), "event")
            ),
            RecordingWarning::LastCountsLost => f.write_str(
                "the program ended without a last count, as it does when it is killed or calls _exit, and what it allocated \
                 and freed since the count before is not in these figures; record into a file, which keeps the counts up to \
                 date, or without --mode summary",
            ),
            RecordingWarning::WentOnAs { program } => write!(
                f,
                "the process went on as '{program}', which was not recorded, as happens with a statically linked program: these \
                 are figures of what it was before; record that program itself"
            ),
            RecordingWarning::ChildrenApart { children } => {
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
            RecordingWarning::RanBefore { recordings } => write!(
                f,
                "what the process ran before it executed this program was recorded beside it ({}), and what it held then is not in \
                 these figures: compare that by itself, with its like in the other run",
                some(recordings)
            ),
            RecordingWarning::StartedUnrecorded {
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
            RecordingWarning::ForkedUnrecorded { processes } => write!(
                f,
                "{} that it forked could not write a recording, as happens when it changes its user or its root directory, or \
                 can open no more files (with `--with glibc`, also when the program had threads): what they hold is not in \
                 these figures; record without `--with glibc`, into a directory that every user can write to, or raise the \
                 limit of open files",
                match processes {
                    1 => "1 process".to_owned(),
                    n => format!("{} processes", count(*n)),
                }
            ),
            RecordingWarning::UnknownFrees { frees } => write!(
                f,
                "{} freed whose allocation was not recorded: something allocates past the recorder, as by __libc_malloc, dlmopen \
                 or RTLD_DEEPBIND, and what it holds is not in these figures; have it call malloc",
                match frees {
                    1 => "1 block was".to_owned(),
                    n => format!("{} blocks were", count(*n)),
                }
            ),
            RecordingWarning::OwnAllocator => f.write_str(
                "the program has a malloc of its own, which is called in place of the one that records: what it allocates by that is \
                 not in these figures; build it without, or have its malloc go on to the next one (dlsym with RTLD_NEXT)",
            ),
        }
    }
}
