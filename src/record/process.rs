//! The processes of a recording: the program, and what it started.

use std::fs;
use std::io;

use rustix::process::{Pid, Signal, WaitOptions, getpid, kill_process, set_child_subreaper, wait};

/// A process that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Exited {
    pub pid: u32,
    /// As a shell has it: the exit status, or 128 and the signal.
    pub code: i32,
}

/// What waiting gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waited {
    Exited(Exited),
    /// There are processes, and all of them run.
    Running,
    /// There is none any more.
    NoneLeft,
}

/// Makes processes that lose their parent, as daemons do, children of this one.
pub(super) fn adopt_orphans() {
    // Without it, only the program itself is waited for.
    let _ = set_child_subreaper(Some(getpid()));
}

/// Looks whether a process has ended, and waits for none.
pub(super) fn poll() -> io::Result<Waited> {
    // Of any process group: a daemon is in one of its own.
    match wait(WaitOptions::NOHANG) {
        Ok(None) => Ok(Waited::Running),
        Ok(Some((pid, status))) => {
            let code = match (status.exit_status(), status.terminating_signal()) {
                (Some(code), _) => code,
                (None, Some(signal)) => 128 + signal,
                // Stopped: it will be heard of again.
                (None, None) => return Ok(Waited::Running),
            };
            Ok(Waited::Exited(Exited {
                pid: pid.as_raw_nonzero().get() as u32,
                code,
            }))
        }
        Err(rustix::io::Errno::CHILD) => Ok(Waited::NoneLeft),
        Err(rustix::io::Errno::INTR) => Ok(Waited::Running),
        Err(error) => Err(error.into()),
    }
}

/// Sends a signal to the program and to whatever it has left behind.
pub(super) fn signal_all(main: u32, signal: Signal) {
    let mut pids = vec![main];
    pids.extend(children().into_iter().filter(|pid| *pid != main));
    for pid in pids {
        if let Some(pid) = Pid::from_raw(pid as i32) {
            // It may have ended by now.
            let _ = kill_process(pid, signal);
        }
    }
}

/// The children of this process.
fn children() -> Vec<u32> {
    let own = std::process::id();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| parent_of(*pid) == Some(own)).collect()
}

fn parent_of(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, can hold anything.
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(1)?.parse().ok()
}

/// Resident memory of a process, in bytes.
pub(super) fn resident(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024)
}
