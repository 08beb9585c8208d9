//! Rates of logs whose every block is known.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::common::{json, mtrace_diff, output_of, unwrapped};
use crate::rng::Rng;

/// A log of so many rounds, each of which allocates and frees a block at one place. `keeps` says how many blocks another
/// place keeps in a round.
fn write_log(path: &Path, rounds: usize, mut keeps: impl FnMut(usize) -> usize) {
    let mut log = String::from("= Start\n");
    let mut next = 0x100_0000;
    for round in 0..rounds {
        log.push_str("@ ./app:[0x2000] + 0x9000 0x8\n@ ./app:[0x2000] - 0x9000\n");
        for _ in 0..keeps(round) {
            writeln!(log, "@ ./app:(lose+0x10)[0x1000] + {next:#x} 0x20").unwrap();
            next += 0x100;
        }
    }
    log.push_str("= End\n");
    fs::write(path, log).unwrap();
}

struct Runs(tempfile::TempDir);

impl Runs {
    fn new() -> Runs {
        Runs(tempfile::tempdir().unwrap())
    }

    fn path(&self, run: usize) -> PathBuf {
        self.0.path().join(format!("run{run}.log"))
    }

    /// Of the place that keeps blocks.
    fn site(&self, durations: &str, options: &[&str]) -> Value {
        let paths = [self.path(0), self.path(1)];
        let [first, second] = paths.each_ref().map(|path| path.to_str().unwrap());
        let document = json(&[&[first, second, "--duration", durations], options].concat());
        let sites = document["sites"].as_array().unwrap();
        let is_it = |site: &&Value| site["function"] == "lose";
        let site = sites.iter().find(is_it).cloned();
        site.unwrap_or_else(|| panic!("{document:#}"))
    }

    /// Each limit has its exit status, whether a rate's lower bound is judged or the rate itself.
    fn judged(&self, durations: &str, limits: [(&str, i32); 2]) {
        for (limit, expected) in limits {
            for strict in [&[][..], &["--strict-rates"]] {
                let options = [&["--fail-above", limit], strict].concat();
                let (status, said) = self.gate(durations, &options);
                assert_eq!(status, Some(expected), "{limit}: {said}");
            }
        }
    }

    fn gate(&self, durations: &str, options: &[&str]) -> (Option<i32>, String) {
        let mut command = mtrace_diff();
        command.args([self.path(0), self.path(1)]);
        let output = output_of(command.args(["--duration", durations]).args(options));
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stdout).into_owned(),
        )
    }
}

fn rate(site: &Value) -> (f64, f64) {
    let rate = &site["per_minute"];
    (
        rate["blocks"].as_f64().unwrap(),
        rate["error"].as_f64().unwrap(),
    )
}

/// One block in 50 rounds is lost. The first run has 3,000 rounds a minute for 2 minutes. What the second has more or less
/// than that is no measure of how fast it leaks.
#[test]
fn runs_of_another_load_have_their_own_rate() {
    for (rounds_a_minute, truth) in [(6_000, 120.0), (1_500, 30.0), (3_000, 60.0)] {
        let runs = Runs::new();
        let keeps = |round: usize| usize::from(round.is_multiple_of(50));
        write_log(&runs.path(0), 6_000, keeps);
        write_log(&runs.path(1), 3 * rounds_a_minute, keeps);
        let site = runs.site("2m,3m", &["--all"]);
        assert_eq!(site["verdict"], "leak", "{site:#}");
        let (blocks, error) = rate(&site);
        assert!((blocks - truth).abs() <= 0.05 * truth, "{blocks} {truth}");
        assert!((blocks - truth).abs() <= error, "{blocks} ± {error}");
        // A leak of so even a pace is known well.
        assert!(error <= 0.2 * truth, "{blocks} ± {error}");
    }
}

/// Blocks are lost by chance, one in 200 rounds, 20 a minute: 19 of 20 rates are to be within their error of that.
#[test]
fn errors_are_as_large_as_chance_makes_them() {
    let (mut rng, mut within) = (Rng::new(7), 0);
    let (mut errors, mut off) = (0.0, 0.0);
    for _ in 0..40 {
        let runs = Runs::new();
        for (run, rounds) in [(0, 8_000), (1, 12_000)] {
            write_log(&runs.path(run), rounds, |_| {
                usize::from(rng.below(200) == 0)
            });
        }
        let (blocks, error) = rate(&runs.site("2m,3m", &["--all"]));
        within += usize::from((blocks - 20.0).abs() <= error);
        errors += error;
        off += (blocks - 20.0).abs();
    }
    assert!(within >= 35, "{within} of 40");
    // Nor are they twice what they need to be: the mean of a normal deviation is 0.4 of two standard ones.
    assert!(errors / off <= 5.0, "{errors} {off}");
}

/// In the second run 90 blocks in 3 minutes, in the first one 60 in 2: 30 a minute, which is not sure to be above 25.
#[test]
fn a_gate_by_rate_leaves_room_for_chance() {
    let runs = Runs::new();
    let mut rng = Rng::new(3);
    for (run, rounds, blocks) in [(0, 6_000, 60), (1, 9_000, 90)] {
        // So many of all rounds, by chance.
        let mut left = blocks;
        write_log(&runs.path(run), rounds, |round| {
            let keeps = usize::from(rng.below(rounds - round) < left);
            left -= keeps;
            keeps
        });
    }
    let (status, said) = runs.gate("2m,3m", &["--fail-above", "25/min"]);
    assert_eq!(status, Some(0), "{said}");
    let told = "1 call site is above it by no more than chance can make (--strict-rates fails it)";
    let said = unwrapped(&said);
    assert!(said.contains(told), "{said}");
    let (status, said) = runs.gate("2m,3m", &["--fail-above", "25/min", "--strict-rates"]);
    assert_eq!(status, Some(1), "{said}");
    let (status, said) = runs.gate("2m,3m", &["--fail-above", "5/min"]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains(" ± "), "{said}");
    // Blocks are counted, and no chance is in that.
    let (status, said) = runs.gate("2m,3m", &["--fail-above", "29"]);
    assert_eq!(status, Some(1), "{said}");
}

/// 1,200 blocks are lost in three batches, in a minute; the first run has none. However uneven that is, it is more than a
/// tenth of it: 120 a minute.
#[test]
fn a_few_batches_are_no_chance() {
    let runs = Runs::new();
    write_log(&runs.path(0), 6_000, |_| 0);
    let batches = |round: usize| match round {
        1_500 | 3_500 | 5_000 => 400,
        _ => 0,
    };
    write_log(&runs.path(1), 6_000, batches);
    let (status, said) = runs.gate("1m,1m", &["--fail-above", "110/min"]);
    assert_eq!(status, Some(1), "{said}");
}

/// The first run stands level with 40 blocks, and the second one loses 60 a minute, in a run that is a little longer. The
/// 69 blocks that it has more did not come in the 9 seconds by which it is longer.
#[test]
fn a_leak_that_is_new_has_the_pace_of_its_own_run() {
    let runs = Runs::new();
    let table = |round: usize| if round == 0 { 40 } else { 0 };
    write_log(&runs.path(0), 6_000, table);
    write_log(&runs.path(1), 6_900, |round| {
        table(round) + usize::from(round % 100 == 50)
    });
    let site = runs.site("60s,69s", &[]);
    assert_eq!(site["verdict"], "leak", "{site:#}");
    let (blocks, error) = rate(&site);
    assert!((blocks - 60.0).abs() <= error, "{blocks} ± {error}");
    assert!(error <= 12.0, "{blocks} ± {error}");
    runs.judged("60s,69s", [("90/min", 0), ("40/min", 1)]);
}

/// Both runs lose 60 blocks a minute for two minutes, and free all of them in the end. No run has more than the other, and
/// the pace is there all the same.
#[test]
fn what_the_exit_freed_has_a_pace() {
    let runs = Runs::new();
    for run in [0, 1] {
        write_log(&runs.path(run), 12_000, |round| {
            usize::from(round % 100 == 50)
        });
        let log = fs::read_to_string(runs.path(run)).unwrap();
        let kept = log
            .lines()
            .filter_map(|line| line.split_once("[0x1000] + "));
        let freed: String = kept
            .map(|(_, block)| {
                let address = block.split(' ').next().unwrap();
                format!("@ ./app:(main+0x9)[0x3000] - {address}\n")
            })
            .collect();
        let log = log.replace("= End\n", &format!("{freed}= End\n"));
        fs::write(runs.path(run), log).unwrap();
    }
    let site = runs.site("2m,2m", &["--all"]);
    assert_eq!(site["verdict"], "grows", "{site:#}");
    assert_eq!(site["growth"]["blocks"], 0);
    for (limit, expected) in [("90/min", 0), ("40/min", 1)] {
        let (status, said) = runs.gate("2m,2m", &["--fail-above", limit]);
        assert_eq!(status, Some(expected), "{limit}: {said}");
    }
}

/// The first run has a table of 600 blocks and loses 50 a second; the second one, which is longer, has no table and loses
/// 200. It has less in the end, and leaks faster.
#[test]
fn a_leak_that_got_faster_is_not_hidden_by_a_table_that_is_gone() {
    let runs = Runs::new();
    write_log(&runs.path(0), 2_000, |round| match round {
        0 => 600,
        _ => usize::from(round % 20 == 10),
    });
    write_log(&runs.path(1), 3_000, |round| usize::from(round % 5 == 2));
    runs.judged("2s,3s", [("9000/min", 1), ("14000/min", 0)]);
}

/// A table of 600 blocks, and one of 5 in a run that is shorter: nothing grows with time.
#[test]
fn what_a_shorter_run_has_less_of_is_no_rate() {
    let runs = Runs::new();
    let table = |size: usize| move |round: usize| if round == 0 { size } else { 0 };
    write_log(&runs.path(0), 3_000, table(600));
    write_log(&runs.path(1), 2_000, table(5));
    let (status, said) = runs.gate("3s,2s", &["--fail-above", "60/min"]);
    assert_eq!(status, Some(0), "{said}");
}

/// A program that hangs early does little in the time of its run, and what it did not do cannot leak.
#[test]
fn a_run_that_did_a_fifth_in_the_same_time_is_said() {
    let runs = Runs::new();
    for (rounds, durations, is_said) in [
        (200, "60s,60s", true),
        (300, "60s,60s", false),
        (200, "60s,12s", false),
        (80, "60s,5s", true),
    ] {
        write_log(&runs.path(0), 1_000, |_| 0);
        write_log(&runs.path(1), rounds, |_| 0);
        let options = ["--fail-above", "10"];
        let (status, said) = runs.gate(durations, &options);
        let pass = said.contains("but figures of run1.log are partial");
        assert_eq!((status, pass), (Some(0), is_said), "{rounds}: {said}");
        let (status, _) = runs.gate(durations, &[&options[..], &["--strict"]].concat());
        assert_eq!(status == Some(2), is_said, "{rounds}");
    }
}
