//! How a recorded program goes on, and is ended.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::job::{Ending, Job, With};
use super::logs::keep_maps;
use super::process::{Waited, poll, signal_all};

const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// The state of the run.
pub(super) struct Execution {
    pub main: u32,
    /// Of the program itself.
    status: Option<i32>,
    /// Of all that were waited for, by their process ids.
    statuses: HashMap<u32, i32>,
    /// What its process ran when it was last looked at.
    pub program: Option<PathBuf>,
    /// When the program ended, if nobody had asked it to.
    left: Option<Instant>,
    /// The user wanted it to end.
    stopped: bool,
    /// When the program was asked to end.
    pub asked: Option<Instant>,
    killed: bool,
    begin: Instant,
}

impl Execution {
    pub(super) fn new(main: u32, begin: Instant) -> Self {
        Execution {
            main,
            status: None,
            statuses: HashMap::new(),
            program: None,
            left: None,
            stopped: false,
            asked: None,
            killed: false,
            begin,
        }
    }

    /// Waits until no process is left, and ends them when their time is over.
    pub(super) fn follow(
        &mut self,
        job: &Job,
        stop: &AtomicBool,
        output: &Path,
        show: &mut dyn FnMut(Duration),
    ) -> io::Result<()> {
        let mut shown = Instant::now();
        let mut looked = self.begin;
        loop {
            match poll()? {
                Waited::NoneLeft => {
                    // A terminal's Ctrl-C reaches the program, too, and may end it first.
                    self.stopped = stop.load(Ordering::Relaxed);
                    return Ok(());
                }
                Waited::Exited(exited) => {
                    self.statuses.insert(exited.pid, exited.code);
                    if exited.pid == self.main {
                        self.status = Some(exited.code);
                        self.left = self.asked.is_none().then(Instant::now);
                    }
                    continue;
                }
                Waited::Running => {}
            }
            // A process can become another program, and one that is not recorded. Once it is gone, its number can be
            // another's.
            if self.status.is_none()
                && let Ok(program) = fs::read_link(format!("/proc/{}/exe", self.main))
            {
                self.program = Some(program);
            }
            let now = Instant::now();
            let is_over = job.limit.is_some_and(|limit| now - self.begin >= limit);
            let is_stopped = stop.load(Ordering::Relaxed);
            match self.asked {
                None if is_over || is_stopped => {
                    if job.settings.with == With::Glibc {
                        keep_maps(output);
                    }
                    signal_all(self.main, job.settings.signal);
                    // A terminal's Ctrl-C has reached the program since the last look.
                    self.asked = Some(if is_stopped { looked } else { now });
                }
                Some(since) if since.elapsed() >= job.settings.grace => {
                    signal_all(self.main, Signal::KILL);
                    self.killed = true;
                }
                _ => {}
            }
            looked = now;
            if shown.elapsed() >= Duration::from_millis(500) {
                show(self.begin.elapsed());
                shown = Instant::now();
            }
            thread::sleep(BETWEEN_LOOKS);
        }
    }

    /// Whether the program left its work to others, as one does that goes into the background: they had to be asked to end, or
    /// went on for longer than it had lasted.
    pub(super) fn left_work_to_others(&self) -> bool {
        let went_on = |left: Instant| left.elapsed() > left.duration_since(self.begin);
        self.left
            .is_some_and(|left| self.asked.is_some() || went_on(left))
    }

    /// When the program was asked to end, from its start.
    pub(super) fn asked_after(&self) -> Option<Duration> {
        Some(self.asked? - self.begin)
    }

    /// How the process ended whose log is the run. One that is not known here was a child of the program.
    pub(super) fn ending_of(&self, pid: u32) -> Ending {
        let status = self.statuses.get(&pid).copied().or(self.status);
        let crash = status.filter(|status| is_crash(*status));
        match self.asked {
            // What it left behind may have had to be killed, and not itself.
            Some(_) if self.killed && status == Some(KILLED) => Ending::Killed,
            Some(_) => Ending::Asked { crash },
            None if self.stopped => Ending::Asked { crash },
            None => Ending::Itself(status.unwrap_or(0)),
        }
    }
}

/// As a shell has it.
const KILLED: i32 = 128 + Signal::KILL.as_raw();

/// Whether a status stands for a signal that nobody sends to ask a program to end.
fn is_crash(status: i32) -> bool {
    let signals = [
        Signal::ILL,
        Signal::TRAP,
        Signal::ABORT,
        Signal::BUS,
        Signal::FPE,
        Signal::SEGV,
        Signal::SYS,
        Signal::KILL,
    ];
    signals.iter().any(|signal| status == 128 + signal.as_raw())
}
