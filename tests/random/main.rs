//! Random pairs of builds: C and C++ programs made up from a seed, compiled and traced twice, with an
//! edit between, and what the program says of them against what is true.
//!
//! What is true does not come from names, lines or sizes: each allocation is followed in the log by a
//! stamp with the number of its site, and a site keeps its number through every edit (`runtime.c`). A join
//! is right if the row's two sides have a site in common; rows that share sites form a group, and of a
//! group as many could be joined as the largest matching of its rows has. So a wrapper
//! that is one row in one build and, inlined, five in the other may be joined once.
//!
//! A sample runs as a test. `scripts/random-pairs.sh` runs as many as are asked for, and prints precision and
//! recall by class of edit. The rule is tuned on even seeds; odd ones are held back.

#![allow(clippy::unwrap_used)] // a test that cannot go on fails

mod build;
#[path = "../it/common.rs"]
mod common;
mod edit;
mod model;
mod natural;
mod pair;
mod render;
mod report;
mod rework;
mod rng;
mod selftest;
mod truth;

use common::has_tool;
use libtest_mimic::{Arguments, Trial};
use report::Report;

/// Precision and recall that the rule reaches on the sample, so that no change makes it worse unseen. What is wanted are
/// 0.999 and 0.99: raise these with the rule.
const REACHED: (f64, f64) = (0.998, 0.988);

/// The seeds of the sample, half of them held back from tuning.
const SAMPLE: std::ops::Range<u64> = 1..21;

fn main() {
    if let Ok(seeds) = std::env::var("RANDOM_PAIRS") {
        let seeds: Vec<u64> = seeds.split_whitespace().flat_map(parse_seeds).collect();
        let results = pair::run_all(&seeds);
        // What is wrong on the seeds that are held back is not to be looked at, or they are not held back.
        for (name, parity) in [("even seeds (to tune on)", 0), ("odd seeds (held back)", 1)] {
            let report = Report::of(results.iter().filter(|r| r.seed % 2 == parity));
            print!("{}", report.text(name, parity == 0));
        }
        return;
    }
    let missing: Vec<&str> = ["gcc", "g++", "nm"]
        .into_iter()
        .filter(|tool| !has_tool(tool))
        .collect();
    let sample = (
        "random_pairs_of_builds_are_joined_as_the_sources_say",
        sample as fn(),
    );
    let name = match missing.as_slice() {
        [] => sample.0.to_owned(),
        missing => format!("{} (needs {})", sample.0, missing.join(", ")),
    };
    let trials = vec![
        trial(name, sample.1).with_ignored_flag(!missing.is_empty()),
        trial("joins_are_judged", selftest::joins_are_judged),
        trial(
            "what_nothing_tells_is_known",
            selftest::what_nothing_tells_is_known,
        ),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn trial(name: impl Into<String>, test: fn()) -> Trial {
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

fn sample() {
    let seeds: Vec<u64> = SAMPLE.collect();
    let results = pair::run_all(&seeds);
    let report = Report::of(results.iter());
    let score = report.group(truth::Group::Decidable);
    assert!(score.wanted > 200 && score.joined > 200, "{score:?}");
    assert!(report.broken.is_empty(), "{}", report.broken.join("\n"));
    assert!(
        score.precision() >= REACHED.0 && score.recall() >= REACHED.1,
        "{}",
        report.text("sample; scripts/random-pairs.sh says more", false)
    );
}
