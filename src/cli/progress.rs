//! A progress bar on standard error, while a person waits.

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::progress::{Progress, Stage};

/// What is done sooner needs no bar.
const PATIENCE: Duration = Duration::from_millis(500);

const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

const READING: &str =
    "reading {wide_bar} {binary_bytes}/{binary_total_bytes}, {binary_bytes_per_sec}, {eta} left";
const READING_PIPE: &str = "reading {spinner} {binary_bytes}, {binary_bytes_per_sec}";
const NAMING: &str = "looking up functions and lines {spinner}";

/// Draws until it is dropped; then nothing is left of it on the terminal.
pub(super) struct Bar {
    watcher: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Bar {
    /// Only where someone can see it.
    pub(super) fn show(progress: &Arc<Progress>, is_quiet: bool, ascii: bool) -> Self {
        if is_quiet || !io::stderr().is_terminal() {
            return Bar { watcher: None };
        }
        let progress = Arc::clone(progress);
        let ascii = ascii || super::locale::needs_ascii(true);
        let (stop, stopped) = mpsc::channel();
        let watcher = thread::spawn(move || {
            // Looked at from the beginning, so that the rate is right when the bar appears.
            let bar = ProgressBar::hidden();
            let begin = Instant::now();
            let mut shown = None;
            while stopped.recv_timeout(BETWEEN_LOOKS) == Err(RecvTimeoutError::Timeout) {
                if bar.is_hidden() && begin.elapsed() >= PATIENCE {
                    bar.set_draw_target(ProgressDrawTarget::stderr());
                }
                update(&bar, progress.stage(), ascii, &mut shown);
            }
            bar.finish_and_clear();
        });
        Bar {
            watcher: Some((stop, watcher)),
        }
    }
}

fn update(bar: &ProgressBar, stage: Stage, ascii: bool, shown: &mut Option<&'static str>) {
    let template = match stage {
        Stage::Reading { total: Some(_), .. } => READING,
        Stage::Reading { total: None, .. } => READING_PIPE,
        Stage::Naming => NAMING,
    };
    if *shown != Some(template)
        && let Ok(style) = ProgressStyle::with_template(template)
    {
        bar.set_style(match ascii {
            true => style.progress_chars("=>-").tick_chars("|/-\\ "),
            false => style.progress_chars("━╸─"),
        });
        *shown = Some(template);
    }
    if let Stage::Reading { read, total } = stage {
        if let Some(total) = total {
            bar.set_length(total);
        }
        bar.set_position(read);
    }
    bar.tick();
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some((stop, watcher)) = self.watcher.take() {
            drop(stop);
            // A bar that cannot be drawn is no reason to fail.
            let _ = watcher.join();
        }
    }
}
