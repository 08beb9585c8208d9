//! Two tasks that wait for each other, again and again.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Runs two tasks at the same time, where one is done shortly before the other.
///
/// A thread of rayon that has nothing to do is soon put to sleep, and to wake it takes longer than what it waits for: two
/// threads took a fifth longer for a log. So who is done first goes on looking for work for a while.
pub(super) fn meet(first: impl FnOnce() + Send, second: impl FnOnce() + Send) {
    let left = AtomicUsize::new(2);
    rayon::join(
        || {
            first();
            wait_for_all(&left);
        },
        || {
            second();
            wait_for_all(&left);
        },
    );
}

/// A round takes a tenth of a millisecond or two.
const LONGEST: Duration = Duration::from_micros(300);

fn wait_for_all(left: &AtomicUsize) {
    left.fetch_sub(1, Ordering::Release);
    let start = Instant::now();
    while left.load(Ordering::Acquire) > 0 && start.elapsed() < LONGEST {
        // Where no other thread has taken the second task, this does it.
        if rayon::yield_now() != Some(rayon::Yield::Executed) {
            std::hint::spin_loop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever threads there are, and whoever is done first.
    #[test]
    fn both_are_done_when_it_is_over() {
        for threads in [1, 2, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            let pool = pool.build().unwrap();
            for late in [0, 1] {
                let done = AtomicUsize::new(0);
                let task = |number: usize| {
                    if number == late {
                        std::thread::sleep(2 * LONGEST);
                    }
                    done.fetch_add(1 << number, Ordering::Relaxed);
                };
                pool.install(|| meet(|| task(0), || task(1)));
                assert_eq!(done.into_inner(), 3, "{threads} threads, {late} is late");
            }
        }
    }
}
