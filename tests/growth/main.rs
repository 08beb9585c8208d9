//! What the verdicts on call sites are worth: error rates on a labelled set of simulated programs, of
//! which one half was there to find the rule's constants, and the other half only to report.

#![allow(clippy::unwrap_used)] // a test that cannot go on fails

mod labelled;

use std::collections::BTreeMap;

use labelled::labelled;
use mtrace_diff::diff::trend_of;
use mtrace_diff::trace::{ReplayOptions, Reuse, replay};

/// The constants were tuned on these sets.
const TUNED_ON: std::ops::Range<u64> = 0..8;

/// These were looked at only to report.
const REPORTED: std::ops::Range<u64> = 100..108;

/// How often each label got each verdict.
#[derive(Default)]
struct Confusion {
    counts: BTreeMap<(&'static str, &'static str), u64>,
    wrong: Vec<String>,
}

impl Confusion {
    fn of(seeds: std::ops::Range<u64>) -> Self {
        let mut confusion = Confusion::default();
        for seed in seeds {
            let set = labelled(seed);
            let trace = replay(set.log.as_slice(), ReplayOptions::default()).unwrap();
            let curves = trace.curves(Reuse::FreeLoggedLate);
            let by_address: BTreeMap<u64, usize> = trace
                .callers()
                .filter_map(|(id, caller)| Some((caller.address?, id.0 as usize)))
                .collect();
            for case in set.cases {
                let curve = &curves[by_address[&case.caller]];
                let verdict = trend_of(curve).name();
                *confusion.counts.entry((case.label, verdict)).or_default() += 1;
                if !is_right(case.label, verdict) {
                    let points = curve.points().map(|point| point.blocks);
                    let text = format!(
                        "{seed} {} as {verdict}: {}: {points:?}",
                        case.label, case.about
                    );
                    confusion.wrong.push(text);
                }
            }
        }
        confusion
    }

    fn cases(&self) -> u64 {
        self.counts.values().sum()
    }

    fn count(&self, of: impl Fn(&str, &str) -> bool) -> u64 {
        let chosen = self
            .counts
            .iter()
            .filter(|((label, verdict), _)| of(label, verdict));
        chosen.map(|(_, count)| count).sum()
    }

    /// Of the sites that are called leaks, how many are.
    fn precision(&self) -> f64 {
        let called = self.count(|_, verdict| verdict == "leak");
        self.count(|label, verdict| label == "leak" && verdict == "leak") as f64 / called as f64
    }

    /// Of the leaks, how many are called so.
    fn recall(&self) -> f64 {
        let leaks = self.count(|label, _| label == "leak");
        self.count(|label, verdict| label == "leak" && verdict == "leak") as f64 / leaks as f64
    }

    fn right(&self) -> f64 {
        self.count(is_right) as f64 / self.cases() as f64
    }
}

/// A site that goes up and down around a level that it had from the beginning has the verdict of one that
/// stays there.
fn is_right(label: &str, verdict: &str) -> bool {
    verdict == label || (label == "steady" && verdict == "startup")
}

fn print(name: &str, confusion: &Confusion) {
    println!(
        "{name}: {} cases, {:.1} % right; leak: precision {:.1} %, recall {:.1} %",
        confusion.cases(),
        confusion.right() * 100.0,
        confusion.precision() * 100.0,
        confusion.recall() * 100.0
    );
    for ((label, verdict), count) in &confusion.counts {
        println!("  {label:9} {verdict:9} {count}");
    }
}

/// `cargo test --test growth -- --nocapture` prints what the README says.
#[test]
fn the_verdicts_are_as_good_as_the_readme_says() {
    let [tuned, reported] = [TUNED_ON, REPORTED].map(Confusion::of);
    print("tuned on", &tuned);
    print("reported", &reported);
    for text in tuned
        .wrong
        .iter()
        .take(std::env::var_os("SHOW_WRONG").map_or(0, |_| 80))
    {
        println!("{text}");
    }
    assert!(reported.cases() >= 200);
}
