//! The logs that recorded processes write, while they lie in one directory.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use super::job::With;
use crate::recording::{EventBlocks, Mode, Programs, RecordedEvent, decode};

/// A recording of no more bytes than this is read to see how much it holds.
const SMALL: u64 = 1 << 20;

/// What stands behind the name of glibc's log, for the maps of its process.
pub(super) const MAPS: &str = ".maps";

/// The same, for the forked children of that process which could not begin a log: how many, and then their process ids, each as
/// 32 bits in the order of the machine.
const UNFOLLOWED: &str = ".unfollowed";

pub(super) fn logs_of(output: &Path, with: With) -> Vec<PathBuf> {
    let entries = fs::read_dir(output).into_iter().flatten().flatten();
    let logs = entries.filter(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        let number = name.strip_prefix(with.prefix());
        number.is_some_and(|number| number.bytes().all(|b| b.is_ascii_digit() || b == b'.'))
    });
    let mut logs: Vec<PathBuf> = logs.map(|entry| entry.path()).collect();
    logs.sort();
    logs
}

pub(super) fn size_of_logs(output: &Path, with: With) -> u64 {
    let sizes = logs_of(output, with)
        .into_iter()
        .filter_map(|log| fs::metadata(log).ok());
    sizes.map(|file| file.len()).sum()
}

/// Keeps the maps of processes that glibc traces, before they are asked to end: one that has to be killed cannot.
pub(super) fn keep_maps(output: &Path) {
    for log in logs_of(output, With::Glibc) {
        let Some((pid, _)) = number_of(&log) else {
            continue;
        };
        let (maps, new) = (beside(&log, MAPS), beside(&log, ".maps.asked"));
        // It may have ended by now; then its own copy is the better one.
        if fs::copy(format!("/proc/{pid}/maps"), &new).is_ok_and(|size| size > 0) {
            let _ = fs::rename(&new, &maps);
        }
        let _ = fs::remove_file(&new);
    }
}

pub(super) fn beside(log: &Path, ending: &str) -> PathBuf {
    let mut name = log.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Process id and turn: the second program that one process runs has turn 1.
fn number_of(log: &Path) -> Option<(u32, u64)> {
    let name = log.file_name()?.to_str()?;
    let number = name.strip_prefix(With::Glibc.prefix())?;
    let (pid, turn) = number.split_once('.').unwrap_or((number, "0"));
    Some((pid.parse().ok()?, turn.parse().ok()?))
}

/// What is known of one log.
pub(super) struct Log {
    pub path: PathBuf,
    pub pid: u32,
    pub size: u64,
    pub started: u64,
}

impl Log {
    pub(super) fn read(path: PathBuf, with: With) -> Option<Self> {
        let size = fs::metadata(&path).ok()?.len();
        let (pid, started) = match with {
            With::Recorder => {
                let file = File::open(&path).ok()?;
                let header = EventBlocks::open(file).ok()?.ok()?.header;
                (header.pid, header.started)
            }
            With::Glibc => {
                let mut first = [0; 7];
                let mut file = File::open(&path).ok()?;
                let is_log = file.read_exact(&mut first).is_ok() && &first == b"= Start";
                number_of(&path).filter(|_| is_log)?
            }
        };
        Some(Log {
            path,
            pid,
            size,
            started,
        })
    }
}

/// What a process did, to be compared: by the size of its log, and of small recordings by their events. The recorder maps its
/// files in pieces, and a process that ends by itself writes one more than one that is ended.
pub(super) fn work_of(log: &Log, with: With) -> (u64, u64) {
    match with == With::Glibc || log.size > SMALL {
        true => (log.size, 0),
        false => (0, events_of(log)),
    }
}

fn events_of(log: &Log) -> u64 {
    let Ok(file) = File::open(&log.path) else {
        return 0;
    };
    let Ok(Ok(blocks)) = EventBlocks::open(file) else {
        return 0;
    };
    let header = blocks.header.clone();
    let mut events = 0;
    for block in blocks {
        // What is damaged counts as far as it goes.
        let _ = decode(&block, &header, |event| {
            let is_work = match header.mode {
                Mode::Summary => true,
                Mode::Events | Mode::Callers => matches!(
                    event,
                    RecordedEvent::Allocated { .. } | RecordedEvent::Freed { .. }
                ),
            };
            events += u64::from(is_work);
        });
    }
    events
}

/// How many forked children of these processes have no log, although the one that glibc traces left a note of them. Such a child
/// has one all the same if it executed a program.
pub(super) fn unfollowed(logs: &[Log]) -> u32 {
    let noted = logs.iter().map(|log| {
        let words = fs::read(beside(&log.path, UNFOLLOWED)).unwrap_or_default();
        let mut words = words
            .chunks_exact(4)
            .map(|word| u32::from_ne_bytes(word.try_into().unwrap_or_default()));
        let all = words.next().unwrap_or(0);
        let has_log = |pid: &u32| logs.iter().any(|log| log.pid == *pid);
        let followed = words.take(all as usize).filter(has_log).count();
        all.saturating_sub(u32::try_from(followed).unwrap_or(u32::MAX))
    });
    noted.fold(0, u32::saturating_add)
}

/// Removes logs that did not come as far as their first line.
pub(super) fn remove_logs(paths: &[PathBuf]) {
    for path in paths {
        for rest in [path.clone(), beside(path, MAPS), beside(path, UNFOLLOWED)] {
            let _ = fs::remove_file(rest);
        }
    }
}

/// What the recorder wrote down last: that the process goes on as this program. Of one that is recorded, there is a later log.
pub(super) fn executed(log: &Path) -> Option<String> {
    let blocks = EventBlocks::open(File::open(log).ok()?).ok()?.ok()?;
    let header = blocks.header.clone();
    let (mut before, mut last) = (None, None);
    for block in blocks {
        before = last.replace(block);
    }
    let mut programs = Programs::default();
    for block in before.into_iter().chain(last) {
        // What is damaged counts as far as it goes.
        let _ = decode(&block, &header, |event| {
            if let RecordedEvent::Fact { key, value } = event {
                programs.note(key, value);
            }
        });
    }
    programs.executes
}

/// The program of a recording, if it is still there.
pub(super) fn program_of(log: &Path) -> Option<PathBuf> {
    let program = crate::recording::program_of(File::open(log).ok()?)?;
    Some(PathBuf::from(OsString::from_vec(program))).filter(|path| path.is_file())
}
