//! A file that is not finished yet, and is taken away if the program is stopped before it is.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag::register_conditional_default;
use signal_hook::iterator::{Handle, Signals};
use signal_hook::low_level::emulate_default_handler;
use tempfile::{Builder, NamedTempFile};

use crate::hex;

/// Signals that stop a program which does not handle them, and that people and CI systems send.
const STOPPING: [i32; 3] = [SIGINT, SIGTERM, SIGHUP];

/// Takes an unfinished file away when a signal stops the program. Once it is dropped, signals do what they
/// did before.
pub(super) struct Watch {
    file: Arc<Mutex<Option<PathBuf>>>,
    is_over: Arc<AtomicBool>,
    signals: Handle,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    pub(super) fn begin() -> io::Result<Self> {
        let file = Arc::new(Mutex::new(None::<PathBuf>));
        let is_over = Arc::new(AtomicBool::new(false));
        let ignored = ignored_signals();
        let stopping = STOPPING.iter().filter(|signal| !ignored.contains(signal));
        // A handler stays for the rest of the process, so it has to do later what the system would.
        for &signal in stopping.clone() {
            register_conditional_default(signal, Arc::clone(&is_over))?;
        }
        let mut signals = Signals::new(stopping)?;
        let handle = signals.handle();
        let watched = Arc::clone(&file);
        let thread = std::thread::spawn(move || {
            let stop = |signal| {
                // No file can be made any more: the lock is kept until the process has gone.
                let file = watched.lock().unwrap_or_else(PoisonError::into_inner);
                let _ = file.as_ref().map(fs::remove_file);
                let _ = emulate_default_handler(signal);
            };
            signals.forever().for_each(stop);
            // One that came while the watch ended.
            signals.pending().for_each(stop);
        });
        Ok(Watch {
            file,
            is_over,
            signals: handle,
            thread: Some(thread),
        })
    }

    /// A new file under a name that nothing else has, with the permissions that any new file gets.
    pub(super) fn create_in(&self, directory: &Path) -> io::Result<NamedTempFile> {
        let mut watched = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let file = Builder::new()
            .prefix(".mtrace-diff-")
            .suffix(".tmp")
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(directory)?;
        *watched = Some(file.path().to_path_buf());
        Ok(file)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        self.signals.close();
        if let Some(thread) = self.thread.take() {
            // It has nothing to tell; if it panicked, the file is whole all the same.
            let _ = thread.join();
        }
    }
}

/// What `nohup` and shells have switched off must stay so.
fn ignored_signals() -> Vec<i32> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = line.and_then(|mask| hex::number(mask.trim().as_bytes()));
    let is_ignored = |signal: &i32| mask.unwrap_or(0) >> (signal - 1) & 1 == 1;
    STOPPING.into_iter().filter(is_ignored).collect()
}
