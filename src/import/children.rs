//! Recordings of processes that a recorded program started, beside its own.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::capture::{CaptureSet, Maps};
use crate::file_name::base_name;
use crate::printable::{printable, printable_path};
use crate::recording::{
    EventBlocks, Header, Programs, Replaying, Until, is_launcher, program_of, replay,
};
use crate::run::{Earlier, Figures};
use crate::trace::{ReplayOptions, Reuse, replay as replay_log};
use crate::warning::RecordingWarning;

/// What a directory of another process is called, before its number.
const CHILD: &str = "child-";

/// What glibc's log of it is called there.
const MTRACE_LOG: &str = "mtrace.log";

/// What a run says of the processes that it started, and of what its own became.
pub(super) fn warnings_of(
    capture: &CaptureSet,
    own: &Header,
    programs: &Programs,
) -> Vec<RecordingWarning> {
    let children = children_of(capture, own);
    let apart = (!children.is_empty()).then_some(RecordingWarning::ChildrenApart { children });
    let unrecorded = unrecorded(capture, own, programs);
    let before = before(capture, own);
    let forked = forked_unrecorded(own.unfollowed);
    let others = apart.into_iter().chain(before).chain(unrecorded);
    others.chain(forked).collect()
}

fn forked_unrecorded(processes: u32) -> Option<RecordingWarning> {
    (processes > 0).then_some(RecordingWarning::ForkedUnrecorded {
        processes: u64::from(processes),
    })
}

/// What the process ran before it executed the program: what that leaked is in no figure.
fn before(capture: &CaptureSet, own: &Header) -> Option<RecordingWarning> {
    let is_before = |path: &Path| earlier_process(path, own).is_some_and(|pid| pid == own.pid);
    ran_before(named(children_in(capture).filter(|path| is_before(path))))
}

/// What processes that began before the recorded one left: one that goes into the background leaves its work to a child,
/// whose recording has nothing of what was allocated until then.
pub(super) fn earlier(capture: &CaptureSet, own: &Header) -> Option<Earlier> {
    let is_other = |path: &PathBuf| earlier_process(path, own).is_some_and(|pid| pid != own.pid);
    earlier_of(children_in(capture).filter(is_other), |path| {
        live_in(&path.join("recording"))
    })
}

fn earlier_of(
    directories: impl Iterator<Item = PathBuf>,
    live_in: impl Fn(&Path) -> Option<Figures>,
) -> Option<Earlier> {
    let paths: Vec<PathBuf> = directories.collect();
    let mut live = Figures::ZERO;
    for path in &paths {
        live.add(live_in(path).unwrap_or(Figures::ZERO));
    }
    (!paths.is_empty()).then(|| Earlier {
        recordings: named(paths.into_iter()),
        live,
    })
}

/// The process of a recording that began before the run's own, unless it only launched others.
fn earlier_process(directory: &Path, own: &Header) -> Option<u32> {
    let log = directory.join("recording");
    let earlier = header_of(&log).filter(|other| other.started < own.started)?;
    let program = opened(&log).and_then(program_of);
    let is_launcher = program.is_some_and(|program| is_launcher(&program));
    (!is_launcher).then_some(earlier.pid)
}

/// What is live at the end of a recording.
fn live_in(recording: &Path) -> Option<Figures> {
    let blocks = EventBlocks::open(opened(recording)?).ok()?.ok()?;
    let how = Replaying {
        until: Until::End,
        asked_at: None,
        ended_at: None,
        keep_blocks: false,
    };
    let recording = replay(blocks, how).ok()?;
    let mut live = Figures::ZERO;
    for stack in &recording.stacks {
        live.add(Figures {
            blocks: stack.live.blocks,
            bytes: Some(stack.live.bytes),
            allocations: None,
        });
    }
    Some(live)
}

fn ran_before(recordings: Vec<String>) -> Option<RecordingWarning> {
    (!recordings.is_empty()).then_some(RecordingWarning::RanBefore { recordings })
}

/// The program of glibc's log: nothing else with a name is mapped below it.
fn program_in(maps: &Path) -> Option<Vec<u8>> {
    let maps = Maps::read(maps).ok()?;
    maps.files().first().map(|file| file.to_vec())
}

/// The directories of a run that hold recordings of processes which began later than its own, ascending. What began
/// before is no child: it launched a daemon, or is what the same process ran before `exec`.
fn children_of(capture: &CaptureSet, own: &Header) -> Vec<String> {
    let is_child = |path: &Path| {
        header_of(&path.join("recording")).is_some_and(|child| child.started > own.started)
    };
    named(children_in(capture).filter(|path| is_child(path)))
}

/// The same of a log of glibc, which does not say when it began.
pub(super) fn logs_apart(capture: &CaptureSet) -> Vec<RecordingWarning> {
    let facts = &capture.manifest.facts;
    let others = children_in(capture).filter(|path| !is_among(path, &facts.launched_by));
    let (before, children): (Vec<PathBuf>, Vec<PathBuf>) = others
        .filter(|path| has_begun(&path.join(MTRACE_LOG)))
        .partition(|path| is_among(path, &facts.ran_before));
    let before = ran_before(named(before.into_iter().filter(|path| is_of_program(path))));
    let children = named(children.into_iter());
    let apart = (!children.is_empty()).then_some(RecordingWarning::ChildrenApart { children });
    let forked = forked_unrecorded(facts.unfollowed);
    apart.into_iter().chain(before).chain(forked).collect()
}

/// As [`earlier`], of a log of glibc.
pub(super) fn earlier_log(capture: &CaptureSet, reuse: Reuse) -> Option<Earlier> {
    let launched_by = &capture.manifest.facts.launched_by;
    let paths = children_in(capture).filter(|path| is_among(path, launched_by));
    earlier_of(paths.filter(|path| is_of_program(path)), |path| {
        live_in_log(&path.join(MTRACE_LOG), reuse)
    })
}

fn is_among(directory: &Path, names: &[String]) -> bool {
    names.iter().any(|name| directory.ends_with(name))
}

/// Whether a log of glibc is of something else than a shell or another program that only launches others.
fn is_of_program(directory: &Path) -> bool {
    let program = program_in(&directory.join("maps"));
    program.is_none_or(|program| !is_launcher(&program))
}

/// What is live at the end of a log of glibc.
fn live_in_log(log: &Path, reuse: Reuse) -> Option<Figures> {
    let options = ReplayOptions {
        keep_unknown_frees: false,
    };
    let trace = replay_log(opened(log)?, options).ok()?;
    let mut live = Figures::ZERO;
    for caller in trace.under(reuse).stats() {
        live.add(Figures {
            allocations: None,
            ..Figures::of_log(caller.allocations, caller.live)
        });
    }
    Some(live)
}

fn children_in(capture: &CaptureSet) -> impl Iterator<Item = PathBuf> {
    // A log from elsewhere has no children here.
    let directory = capture.directory();
    let directory = directory.filter(|directory| capture.log.parent() == Some(directory));
    directory.into_iter().flat_map(child_directories)
}

fn child_directories(directory: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .filter(|entry| is_child_name(&entry.file_name().to_string_lossy()))
        .map(|entry| entry.path())
}

fn is_child_name(name: &str) -> bool {
    name.starts_with(CHILD)
}

/// Names of directories, in the order of their numbers.
fn named(children: impl Iterator<Item = PathBuf>) -> Vec<String> {
    let names = children.filter_map(|path| Some(printable_path(Path::new(path.file_name()?))));
    let mut names: Vec<(usize, String)> = names.map(|name| (name.len(), name)).collect();
    names.sort_unstable();
    names.into_iter().map(|(_, name)| name).collect()
}

/// Programs that the process started, or went on as, and of which there is no recording.
fn unrecorded(capture: &CaptureSet, own: &Header, programs: &Programs) -> Vec<RecordingWarning> {
    if programs.executes.is_none() && programs.starts.is_empty() {
        return Vec::new();
    }
    let near = recordings_near(capture);
    let is_near = |pid: u32| {
        let mut later = near.iter().filter(|other| other.started > own.started);
        later.any(|other| other.pid == pid)
    };
    let became = programs.executes.iter().filter(|_| !is_near(own.pid));
    let became = became.map(|program| RecordingWarning::WentOnAs {
        program: printable(program).into_owned(),
    });
    let started = programs.starts.iter().filter(|(pid, _)| !is_near(**pid));
    let mut names: Vec<String> = started
        .map(|(_, path)| printable(path).into_owned())
        .collect();
    let processes = names.len() as u64;
    names.sort_unstable();
    names.dedup();
    let started = (processes > 0).then_some(RecordingWarning::StartedUnrecorded {
        programs: names,
        processes,
    });
    became.chain(started).collect()
}

/// The headers of recordings that can be of the same program: those in the same directory whose names begin alike, those of its
/// children, and where it is a child's, those of the run that it belongs to.
fn recordings_near(capture: &CaptureSet) -> Vec<Header> {
    // A file that is named alone has an empty parent.
    let log = fs::canonicalize(&capture.log).unwrap_or_else(|_| capture.log.clone());
    let Some(directory) = log.parent() else {
        return Vec::new();
    };
    let mut paths = Vec::new();
    let name = capture.log.file_name().map(|name| name.to_string_lossy());
    let name = name.unwrap_or_default().into_owned();
    let start = name.split(|c: char| c.is_ascii_digit()).next();
    let start = start
        .filter(|start| !start.is_empty())
        .unwrap_or("recording");
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(start) {
            paths.push(entry.path());
        }
    }
    let of_children = |directory: &Path| {
        let children = child_directories(directory);
        children
            .map(|child| child.join("recording"))
            .collect::<Vec<_>>()
    };
    paths.extend(of_children(directory));
    let is_child = is_child_name(&String::from_utf8_lossy(base_name(
        directory.as_os_str().as_encoded_bytes(),
    )));
    if let Some(run) = directory.parent().filter(|_| is_child) {
        paths.push(run.join("recording"));
        paths.extend(of_children(run));
    }
    paths.iter().filter_map(|path| header_of(path)).collect()
}

fn header_of(recording: &Path) -> Option<Header> {
    Some(EventBlocks::open(opened(recording)?).ok()?.ok()?.header)
}

/// Whether a file is a log that has come as far as its first line.
fn has_begun(path: &Path) -> bool {
    let mut first = [0; 7];
    let file = opened(path);
    file.is_some_and(|mut file| file.read_exact(&mut first).is_ok()) && &first == b"= Start"
}

/// A regular file; opening a FIFO would wait for its writer.
fn opened(path: &Path) -> Option<File> {
    let is_file = fs::metadata(path).is_ok_and(|file| file.is_file());
    is_file.then(|| File::open(path).ok()).flatten()
}
