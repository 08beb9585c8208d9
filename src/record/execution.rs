//! How a recorded program goes on, and is ended.

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
        loop {
            match poll()? {
                Waited::NoneLeft => {
                    // A terminal's Ctrl-C reaches the program, too, and may end it first.
                    self.stopped = stop.load(Ordering::Relaxed);
                    return Ok(());
                }
                Waited::Exited(exited) => {
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
            let is_over = job.limit.is_some_and(|limit| self.begin.elapsed() >= limit);
            match self.asked {
                None if is_over || stop.load(Ordering::Relaxed) => {
                    if job.settings.with == With::Glibc {
                        keep_maps(output);
                    }
                    signal_all(self.main, job.settings.signal);
                    self.asked = Some(Instant::now());
                }
                Some(since) if since.elapsed() >= job.settings.grace => {
                    signal_all(self.main, Signal::KILL);
                    self.killed = true;
                }
                _ => {}
            }
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

    pub(super) fn ending(&self) -> Ending {
        match (self.asked, self.killed) {
            (_, true) => Ending::Killed,
            (Some(_), false) => Ending::Asked,
            (None, false) if self.stopped => Ending::Asked,
            (None, false) => Ending::Itself(self.status.unwrap_or(0)),
        }
    }
}
