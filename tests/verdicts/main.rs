//! Verdicts on call sites of simulated programs, held against what those programs truly keep.
//!
//! A program is made up from a seed: 10 to 30 call sites that leak, cache, pool, load tables, come and go, under a
//! load that is steady or not. It runs twice, as a user runs it, and both logs are compared. Then the last run goes on to
//! four times the work, without a log: where the floor of a site rises in proportion, the site leaks, whatever
//! it was made to be (`truth.rs`).
//!
//! A sample runs as a test. `scripts/verdicts.sh` runs as many programs as are asked for, and prints precision and recall
//! by class. The rule is tuned on even seeds; odd ones are held back. `scripts/real-verdicts.sh` does the same with real
//! programs (`real.rs`).

#![allow(clippy::unwrap_used)] // a test that cannot go on fails

mod behaviour;
mod bounded;
mod chance;
mod engine;
mod flowing;
mod judge;
mod kinds;
mod load;
mod parts;
mod program;
mod real;
mod report;
#[allow(dead_code)] // a part is used here
#[path = "../random/rng.rs"]
mod rng;
mod selftest;
mod truth;
mod world;

use judge::Judged;
use libtest_mimic::{Arguments, Trial};
use report::Report;

fn main() {
    if let Ok(seeds) = std::env::var("VERDICTS") {
        let seeds: Vec<u64> = seeds.split_whitespace().flat_map(parse_seeds).collect();
        measure(&seeds, std::env::var_os("WRONG").is_some());
        return;
    }
    if let Some(directory) = std::env::var_os("REAL_VERDICTS") {
        real_programs(directory.as_ref());
        return;
    }
    let trials = vec![
        trial("a_sample_of_verdicts_is_as_right_as_ever", sample),
        trial(
            "labels_are_what_was_kept",
            selftest::labels_are_what_was_kept,
        ),
        trial("figures_are_right", selftest::figures_are_right),
        trial(
            "what_stops_after_the_run_looks_like_a_leak",
            selftest::what_stops_after_the_run_looks_like_a_leak,
        ),
        trial("figures_of_nothing", selftest::figures_of_nothing),
        trial(
            "a_seed_gives_the_same_logs",
            selftest::a_seed_gives_the_same_logs,
        ),
        trial(
            "a_run_that_goes_on_is_the_same_run",
            selftest::a_run_that_goes_on_is_the_same_run,
        ),
        trial("loads_have_their_mean", selftest::loads_have_their_mean),
        trial("labels_of_real_sites", real::labels_of_real_sites),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn real_programs(directory: &std::path::Path) {
    // Who is held back does not depend on what is installed.
    let variables = [
        "ALL_PROGRAMS",
        "PROGRAMS",
        "HELD_BACK",
        "HELD_BACK_SECOND",
        "HELD_BACK_THIRD",
    ];
    let values = variables.map(|name| std::env::var(name).unwrap_or_default());
    let [all, only, held_back, second, third] = values
        .each_ref()
        .map(|names| names.split_whitespace().collect::<Vec<_>>());
    if std::env::var_os("LABELS").is_some() {
        real::print_labels(directory, &all, &only);
        return;
    }
    let groups = real::judge_all(directory, &all, &only, &[held_back, second, third]);
    let headings = [
        "programs to tune on",
        "held back",
        "held back, second set",
        "held back, third set",
    ];
    let groups = headings.into_iter().zip(groups);
    let groups = groups.map(|(heading, (programs, judged))| {
        (format!("{heading}, {}", programs.join(", ")), judged)
    });
    print_all(
        &groups.collect::<Vec<_>>(),
        std::env::var_os("WRONG").is_some(),
    );
}

fn trial(name: &str, test: fn()) -> Trial {
    Trial::test(name, move || {
        test();
        Ok(())
    })
}

/// `7` or `1-200`.
fn parse_seeds(text: &str) -> std::ops::RangeInclusive<u64> {
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    from.parse().unwrap()..=to.parse().unwrap()
}

fn measure(seeds: &[u64], only_wrong: bool) {
    // What is wrong on the seeds that are held back is not to be looked at, or they are not held back.
    let seeds: Vec<u64> = match only_wrong {
        true => seeds.iter().copied().filter(|seed| seed % 2 == 0).collect(),
        false => seeds.to_vec(),
    };
    let judged = judge::judge_all(&seeds);
    let (tuned, held_back) = judged.into_iter().partition(|site| site.seed % 2 == 0);
    let groups = [
        ("even seeds (to tune on)".to_owned(), tuned),
        ("odd seeds (held back)".to_owned(), held_back),
    ];
    print_all(&groups, only_wrong);
}

/// Those to tune on come first. Of the others, only the totals are shown.
fn print_all(groups: &[(String, Vec<Judged>)], only_wrong: bool) {
    for (place, (name, judged)) in groups.iter().enumerate() {
        let report = Report::of(judged.iter());
        if only_wrong {
            print!("{}", report.faults());
            return;
        }
        print!("{}", report.totals(name));
        if place == 0 || std::env::var_os("CLASSES").is_some() {
            print!("{}", report.details());
        }
    }
    if let [_, held_back @ ..] = groups
        && held_back.len() > 1
    {
        let all = held_back.iter().flat_map(|(_, judged)| judged);
        print!("{}", Report::of(all).totals("all that were held back"));
    }
}

/// The seeds of the sample, half of them held back from tuning.
const SAMPLE: std::ops::Range<u64> = 1..31;

/// Precision and recall that the rule reaches on the sample, so that no change makes it worse unseen, without and with
/// durations: of `leak`, `leak?` and `grows` together. What is wanted, and reached on more programs, is a recall
/// of 0.97: raise these with the rule.
const REACHED: [(f64, f64); 2] = [(0.97, 0.952), (0.97, 0.952)];

/// Precision of `leak` alone. What is wanted is 0.99.
const REACHED_BY_LEAK: f64 = 0.993;

fn sample() {
    let seeds: Vec<u64> = SAMPLE.collect();
    let report = Report::of(judge::judge_all(&seeds).iter());
    let text = report.totals("sample; scripts/verdicts.sh says more");
    for (score, (precision, recall)) in report.scores.into_iter().zip(REACHED) {
        assert!(score.leaks > 100 && score.others > 200, "{text}");
        assert!(
            score.precision() >= precision && score.recall() >= recall,
            "{text}"
        );
    }
    for words in &report.words {
        assert!(words["leak"].precision() >= REACHED_BY_LEAK, "{text}");
    }
}
