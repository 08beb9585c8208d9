//! Kinds of sites that a rule by the shape of a curve judges wrong, each with the verdict that its source asks for.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::fs;

use proptest::prelude::*;
use serde_json::Value;

use crate::common::json;
use crate::rng::Rng;

const ROUNDS: usize = 6_000;

/// A log that is written block by block. Between what a site does, another one allocates and frees, as programs do.
struct Log {
    text: String,
    next: usize,
}

impl Log {
    fn new() -> Log {
        Log {
            text: String::from("= Start\n"),
            next: 0x100_0000,
        }
    }

    fn get(&mut self, site: &str, size: usize) -> usize {
        let at = self.next;
        self.next += 0x1_0000;
        let number = if site == "site" { 0x1000 } else { 0x2000 };
        writeln!(
            self.text,
            "@ ./app:({site}+0x10)[{number:#x}] + {at:#x} {size:#x}"
        )
        .unwrap();
        at
    }

    fn free(&mut self, at: usize) {
        writeln!(self.text, "@ ./app:(other+0x20)[0x2000] - {at:#x}").unwrap();
    }

    fn pass(&mut self) {
        let at = self.get("other", 8);
        self.free(at);
    }

    fn verdict(self) -> String {
        verdict_on(vec![self])
    }
}

/// The verdict on `site` in one run, or in two that are compared.
fn verdict_on(runs: Vec<Log>) -> String {
    let directory = tempfile::tempdir().unwrap();
    let names = ["run0.log", "run1.log"].map(|name| directory.path().join(name));
    for (run, path) in runs.iter().zip(&names) {
        fs::write(path, format!("{}= End\n", run.text)).unwrap();
    }
    let paths = names.iter().take(runs.len());
    let paths = paths.map(|path| path.to_str().unwrap());
    let command = (runs.len() == 1).then_some("show");
    let arguments: Vec<&str> = command.into_iter().chain(paths).chain(["--all"]).collect();
    let document = json(&arguments);
    let sites = document["sites"].as_array().unwrap();
    let site = sites
        .iter()
        .find(|site| site["function"] == "site")
        .unwrap();
    let word = site["verdict"].as_str().unwrap_or("none").to_owned();
    match &site["leaks_by"] {
        Value::String(by) if by == "bytes" => format!("{word} (bytes)"),
        _ => word,
    }
}

/// The verdict on `site`, which does something in each round.
fn verdict_of(each: impl FnMut(usize, &mut Log)) -> String {
    run_of(ROUNDS, each).verdict()
}

fn run_of(rounds: usize, mut each: impl FnMut(usize, &mut Log)) -> Log {
    let mut log = Log::new();
    for round in 0..rounds {
        each(round, &mut log);
        log.pass();
    }
    log
}

fn is_leak(word: &str) -> bool {
    word.starts_with("leak")
}

#[test]
fn a_report_that_is_built_at_the_end_is_none() {
    for from in [5_000, 5_500, 5_900] {
        let word = verdict_of(|round, log| {
            if round >= from {
                log.get("site", 32);
            }
        });
        assert!(!is_leak(&word), "{from}: {word}");
    }
}

/// A pool keeps what it had at its busiest, which a few busier moments raise by a block or two.
#[test]
fn the_high_water_mark_of_a_pool_is_none() {
    for late in [3_500, 4_500, 5_500] {
        let word = verdict_of(|round, log| {
            let grows = match round {
                0 => 60,
                2_000 => 3,
                round if round == late => 2,
                _ => 0,
            };
            for _ in 0..grows {
                log.get("site", 256);
            }
        });
        assert!(!is_leak(&word), "{late}: {word}");
    }
}

/// One request in a hundred or less loses its block, at any time: 12 to 60 blocks in a run.
#[test]
fn a_rare_leak_by_chance_is_one() {
    let (mut found, mut all) = (0, 0);
    for seed in 0..30 {
        let mut rng = Rng::new(seed);
        let blocks = [15, 30, 60][seed as usize % 3];
        let word = verdict_of(|_, log| {
            if rng.below(ROUNDS) < blocks {
                log.get("site", 48);
            }
        });
        all += 1;
        found += usize::from(is_leak(&word));
    }
    assert!(found * 100 >= 90 * all, "{found} of {all}");
}

#[test]
fn a_leak_beside_a_large_table_is_one() {
    let word = verdict_of(|round, log| {
        for _ in 0..if round == 0 { 1_500 } else { 0 } {
            log.get("site", 64);
        }
        if round.is_multiple_of(40) {
            log.get("site", 64);
        }
    });
    assert_eq!(word, "leak");
}

/// A buffer is filled and emptied, and each time one of its blocks is forgotten.
#[test]
fn saw_teeth_on_a_rising_floor_are_one() {
    let mut filled = Vec::new();
    let word = verdict_of(|round, log| {
        filled.push(log.get("site", 32));
        if round % 100 == 99 {
            filled.pop();
            filled.drain(..).for_each(|at| log.free(at));
        }
    });
    assert_eq!(word, "leak");
    // And without that, they are none.
    let mut filled = Vec::new();
    let word = verdict_of(|round, log| {
        filled.push(log.get("site", 32));
        if round % 100 == 99 {
            filled.drain(..).for_each(|at| log.free(at));
        }
    });
    assert!(!is_leak(&word), "{word}");
}

/// Entries expire after a while, and there are the more of them the busier it is, which it is more and more.
#[test]
fn entries_that_expire_on_a_rising_wave_are_none() {
    let mut entries: VecDeque<(usize, usize)> = VecDeque::new();
    let word = verdict_of(|round, log| {
        let busy = 1 + round * 4 / ROUNDS;
        for _ in 0..busy {
            entries.push_back((round + 300, log.get("site", 40)));
        }
        while entries.front().is_some_and(|(until, _)| *until <= round) {
            log.free(entries.pop_front().unwrap().1);
        }
    });
    assert!(!is_leak(&word), "{word}");
}

#[test]
fn what_grows_until_the_exit_frees_it_grows() {
    let mut log = Log::new();
    let mut kept = Vec::new();
    for round in 0..ROUNDS {
        if round.is_multiple_of(10) {
            kept.push(log.get("site", 32));
        }
        log.pass();
    }
    kept.into_iter().for_each(|at| log.free(at));
    assert_eq!(log.verdict(), "grows");
}

/// 400 sessions come and go, each for some while, and one in 50 is forgotten.
#[test]
fn a_leak_in_a_working_set_is_one() {
    let mut rng = Rng::new(11);
    let mut sessions: Vec<(usize, usize)> = Vec::new();
    let word = verdict_of(|round, log| {
        let at = log.get("site", 96);
        if !round.is_multiple_of(50) {
            sessions.push((round + rng.between(200, 600), at));
        }
        sessions.retain(|(until, at)| {
            let is_open = *until > round;
            if !is_open {
                log.free(*at);
            }
            is_open
        });
    });
    assert_eq!(word, "leak");
}

#[test]
fn a_block_that_grows_for_ever_is_one_by_its_bytes() {
    let mut held = Vec::new();
    let mut now: Option<usize> = None;
    let word = verdict_of(|round, log| {
        // Enough of them to be judged.
        if held.len() < 12 {
            held.push(log.get("site", 16));
        }
        if round.is_multiple_of(20) {
            if let Some(at) = now.take() {
                log.free(at);
            }
            now = Some(log.get("site", 64 + round * 2));
        }
    });
    assert_eq!(word, "leak (bytes)");
}

#[test]
fn tables_that_a_program_loads_at_its_start_are_startup() {
    for until in [100, 200, 350] {
        let word = verdict_of(|round, log| {
            if round < until {
                log.get("site", 32);
            }
        });
        assert_eq!(word, "startup", "{until}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// What is clear stays so where each event comes a little earlier or later, and a few blocks more or less live.
    #[test]
    fn small_changes_change_no_clear_verdict(
        seed in 0_u64..1_000_000,
        every in 20_usize..60,
        jitter in 0_usize..12,
    ) {
        let leak = |jitter: usize| {
            let mut rng = Rng::new(seed);
            let mut due = 0;
            verdict_of(|round, log| {
                if round == due {
                    log.get("site", 32);
                    due += every - jitter / 2 + rng.below(jitter + 1);
                }
            })
        };
        prop_assert_eq!(leak(0), "leak");
        prop_assert_eq!(leak(jitter), "leak");
        // The same blocks, each of which lives for a while.
        let level = |jitter: usize| {
            let mut rng = Rng::new(seed);
            let mut live: VecDeque<usize> = VecDeque::new();
            verdict_of(|round, log| {
                if round.is_multiple_of(every / 10) {
                    live.push_back(log.get("site", 32));
                }
                if live.len() > 40 + rng.below(jitter + 1) {
                    log.free(live.pop_front().unwrap());
                }
            })
        };
        for word in [level(0), level(jitter)] {
            prop_assert!(!is_leak(&word), "{}", word);
        }
    }
}

/// A buffer that grows with the work and is freed when the work is done.
#[test]
fn a_buffer_that_grows_until_the_exit_grows_by_its_bytes() {
    let mut log = Log::new();
    let mut now = None;
    for round in 0..ROUNDS {
        if round.is_multiple_of(20) {
            now.into_iter().for_each(|at| log.free(at));
            now = Some(log.get("site", 64 + round * 2));
        }
        log.pass();
    }
    now.into_iter().for_each(|at| log.free(at));
    assert_eq!(log.verdict(), "grows");
}

/// One line gives out blocks for a cache, which the exit frees, and others, of which one in 40 rounds is lost.
#[test]
fn a_leak_beside_what_the_exit_frees_is_one() {
    let mut log = Log::new();
    let mut cache = Vec::new();
    for round in 0..ROUNDS {
        if cache.len() < 30 {
            cache.push(log.get("site", 64));
        }
        if round.is_multiple_of(40) {
            log.get("site", 48);
        }
        log.pass();
    }
    cache.into_iter().for_each(|at| log.free(at));
    assert_eq!(log.verdict(), "leak");
}

/// What is made when it is first needed, and kept, comes early; a leak of as few comes at any time, and more of them in a longer
/// run.
#[test]
fn five_to_seven_blocks_may_be_a_leak() {
    let run = |rounds: usize, every: usize| {
        run_of(rounds, move |round, log| {
            if round % every == every / 2 {
                log.get("site", 48);
            }
        })
    };
    for every in [900, 1_000, 1_150] {
        let word = verdict_on(vec![run(ROUNDS * 2 / 3, every), run(ROUNDS, every)]);
        assert_eq!(word, "leak?", "{every}");
    }
    assert_eq!(run(ROUNDS, 1_000).verdict(), "noise", "one run");
    let word = verdict_on(vec![run(ROUNDS, 1_000), run(ROUNDS, 1_000)]);
    assert_eq!(word, "noise", "a table");
    let first_needed = [20, 60, 200, 700, 2_000, 3_500];
    let run = |rounds| {
        run_of(rounds, |round, log| {
            if first_needed.contains(&round) {
                log.get("site", 48);
            }
        })
    };
    let word = verdict_on(vec![run(ROUNDS / 2), run(ROUNDS)]);
    assert_eq!(word, "noise");
}

/// A buffer is filled and emptied a few times in a run, a few blocks stay of each time, and it is being filled when the run ends.
#[test]
fn a_few_large_teeth_on_a_rising_floor_may_be_one() {
    let teeth = |kept: usize| {
        let mut filled = Vec::new();
        verdict_of(|round, log| {
            if round % 8 == 0 {
                filled.push(log.get("site", 32));
            }
            if round % 1_700 == 1_699 {
                let keep = filled.len() - kept;
                filled.drain(..keep).for_each(|at| log.free(at));
                filled.clear();
            }
        })
    };
    assert_eq!(teeth(4), "leak?");
    assert!(!is_leak(&teeth(0)));
}

/// More is put into a queue than is taken out, but for a time in which it is worked off. The longer the run, the more waits.
#[test]
fn a_queue_that_grows_though_it_drains_for_a_time_may_be_one() {
    let queue = |rounds: usize, most: usize| {
        let mut waiting = VecDeque::new();
        run_of(rounds, |round, log| {
            let is_busy = !(rounds / 2..rounds * 3 / 5).contains(&round);
            if is_busy && round % 4 == 0 && waiting.len() < most {
                waiting.push_back(log.get("site", 64));
            }
            if round % (if is_busy { 9 } else { 3 }) == 0
                && let Some(at) = waiting.pop_front()
            {
                log.free(at);
            }
        })
    };
    let word = verdict_on(vec![queue(3_000, usize::MAX), queue(6_000, usize::MAX)]);
    assert_eq!(word, "leak?");
    let word = verdict_on(vec![queue(3_000, 200), queue(6_000, 200)]);
    assert!(!is_leak(&word), "{word}");
}

/// A cache that is not full in a short run is in a longer one, where each entry takes the place of another.
#[test]
fn a_cache_that_is_full_in_the_other_run_is_no_sure_leak() {
    let cache = |rounds: usize, most: usize| {
        let mut entries = VecDeque::new();
        run_of(rounds, |round, log| {
            if round.is_multiple_of(100) {
                entries.push_back(log.get("site", 80));
                if entries.len() > most {
                    log.free(entries.pop_front().unwrap());
                }
            }
        })
    };
    assert_eq!(
        verdict_on(vec![cache(9_000, 60), cache(5_000, 60)]),
        "leak?"
    );
    let word = verdict_on(vec![cache(9_000, usize::MAX), cache(5_000, usize::MAX)]);
    assert_eq!(word, "leak");
}

/// In a tenth of the time, a cache that fills ever more slowly has hardly begun: the longer run has as much more as a leak
/// would, and still slows down.
#[test]
fn a_cache_that_slows_down_is_no_sure_leak_for_what_a_longer_run_left() {
    let cache = |rounds: usize| {
        let mut held = 0;
        run_of(rounds, |round, log| {
            let filled = 330.0 * (1.0 - (-(round as f64) / 10_000.0).exp());
            while held < filled as usize {
                log.get("site", 80);
                held += 1;
            }
        })
    };
    assert_eq!(verdict_on(vec![cache(1_000), cache(10_000)]), "leak?");
}

/// A buffer is enlarged at any time, and by chance seldom in the last part of a run.
#[test]
fn a_buffer_that_grows_more_slowly_by_chance_is_one_by_its_bytes() {
    let mut now: Option<usize> = None;
    let mut size = 64;
    let word = verdict_of(|round, log| {
        let every = match round {
            ..3_000 => 75,
            3_000..4_700 => 60,
            _ => 400,
        };
        if round % every == 0 {
            now.take().into_iter().for_each(|at| log.free(at));
            size += 64;
            now = Some(log.get("site", size));
        }
    });
    assert_eq!(word, "leak (bytes)");
}
