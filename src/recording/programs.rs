//! What a recorded process is, and what it started.

use std::collections::BTreeMap;
use std::io::Read;

use super::blocks::EventBlocks;
use super::events::{RecordedEvent, decode};
use crate::file_name::base_name;

/// What the process started. Whether that was recorded, too, only other recordings say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Programs {
    /// What it went on as, the last thing that it did.
    pub executes: Option<String>,
    /// By process id; 0 is one that nobody knows.
    pub starts: BTreeMap<u32, String>,
}

impl Programs {
    /// No process starts so many.
    const MOST: usize = 1 << 20;

    /// Whether a fact is of this kind.
    pub(crate) fn note(&mut self, key: &[u8], value: &[u8]) -> bool {
        let value = String::from_utf8_lossy(value);
        match key {
            b"executes" => {
                // Without a path, nothing came of it.
                self.executes = Some(value.into_owned()).filter(|path| !path.is_empty());
            }
            b"starts" => {
                let (pid, path) = value.split_once(' ').unwrap_or((&value, ""));
                match (pid.parse(), path) {
                    (Ok(pid), "") => drop(self.starts.remove(&pid)),
                    (Ok(pid), path) if self.starts.len() < Programs::MOST => {
                        self.starts.insert(pid, path.to_owned());
                    }
                    _ => {}
                }
            }
            _ => return false,
        }
        true
    }
}

/// Programs that run another one in their place, and do nothing else that anybody looks for leaks in.
const LAUNCHERS: &[&str] = &[
    "ash", "bash", "busybox", "chroot", "chrt", "dash", "env", "gosu", "ionice", "ksh", "mksh",
    "nice", "nohup", "numactl", "runuser", "setarch", "setpriv", "setsid", "sh", "stdbuf", "su",
    "su-exec", "sudo", "taskset", "tini", "timeout", "toybox", "unshare", "xargs", "zsh",
];

pub(crate) fn is_launcher(program: &[u8]) -> bool {
    let name = base_name(program);
    LAUNCHERS.iter().any(|launcher| launcher.as_bytes() == name)
}

/// The path of a recording's program, as its first block has it.
pub(crate) fn program_of<R: Read>(recording: R) -> Option<Vec<u8>> {
    let mut blocks = EventBlocks::open(recording).ok()?.ok()?;
    let header = blocks.header.clone();
    let block = blocks.next()?;
    let mut program = None;
    // What is damaged counts as far as it goes.
    let _ = decode(&block, &header, |event| {
        if let RecordedEvent::Fact {
            key: b"program",
            value,
        } = event
        {
            program.get_or_insert(value.to_vec());
        }
    });
    program
}
