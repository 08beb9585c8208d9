//! What the verdicts on call sites are worth: error rates on a labelled set of simulated programs, of
//! which one half was there to find the rule's constants, and the other half only to report.

mod labelled;

use std::collections::BTreeMap;
use std::fs;

use crate::common::{json, mtrace_diff, output_of, site, stdout_of, testdata, unwrapped};
use labelled::labelled;
use mtrace_diff::internals::trace::{Curve, ReplayOptions, Reuse, STEPS, Tally, replay};
use mtrace_diff::{
    Trend,
    internals::diff::{Observed, judge_runs, trend_of},
};
use serde_json::Value;

/// The constants were tuned on these sets.
const TUNED_ON: std::ops::Range<u64> = 0..8;

/// These were first run when the rule and its constants stood.
const REPORTED: std::ops::Range<u64> = 200..216;

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
            let outcome = trace.under(Reuse::FreeLoggedLate);
            let (curves, survivors) = (outcome.curves(), outcome.survivors());
            let by_address: BTreeMap<u64, usize> = trace
                .callers
                .iter()
                .enumerate()
                .filter_map(|(index, caller)| Some((caller.address?, index)))
                .collect();
            for case in set.cases {
                let index = by_address[&case.caller];
                let curve = &curves[index];
                let run = Observed {
                    survivors: Some(&survivors[index]),
                    ..Observed::bare(curve)
                };
                let verdict = trend_of(&run).name();
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

fn sentence(confusion: &Confusion) -> String {
    format!(
        "{:.0}% of the verdicts are right, {:.0}% of the sites called `leak` are leaks, and {:.0}% of the leaks are \
         called `leak`",
        confusion.right() * 100.0,
        confusion.precision() * 100.0,
        confusion.recall() * 100.0
    )
}

/// `cargo test --test growth -- --nocapture` prints every pair of label and verdict, and with
/// `SHOW_WRONG` in the environment the curves of those that are wrong.
#[test]
fn the_verdicts_are_as_good_as_the_guide_says() {
    let [tuned, reported] = [TUNED_ON, REPORTED].map(Confusion::of);
    for (name, confusion) in [("tuned on", &tuned), ("reported", &reported)] {
        println!(
            "{name}: {} sites; {}",
            confusion.cases(),
            sentence(confusion)
        );
        for ((label, verdict), count) in &confusion.counts {
            println!("  {label:9} {verdict:9} {count}");
        }
    }
    if std::env::var_os("SHOW_WRONG").is_some() {
        tuned.wrong.iter().for_each(|text| println!("{text}"));
    }
    assert!(reported.cases() >= 200 && tuned.cases() >= 200);
    assert!(reported.precision() >= 0.95 && reported.right() >= 0.9);
    let chapter = include_str!("../../../src/guide/trust.md");
    let words = unwrapped(chapter);
    let expected = format!(
        "On the {} sites that were not used for tuning, {}",
        reported.cases(),
        sentence(&reported)
    );
    assert!(
        words.contains(&expected),
        "the chapter should say: {expected}"
    );
}

fn gateway(run: &str) -> String {
    let run = testdata().join("armhf-glibc2.31").join(run);
    run.to_str().unwrap().to_owned()
}

fn gateways(options: &[&str]) -> Value {
    let (run0, run1) = (gateway("run0"), gateway("run1"));
    json(&[options, &["--all", &run0, &run1]].concat())
}

/// What the head of testdata/src/gateway.c says of each minute.
const A_MINUTE: [(&str, u64, u64); 3] = [
    ("session_open", 600, 600 * 256),
    ("frame_decode", 300, 300 * 48),
    ("__strdup", 100, 100 * 11),
];

#[test]
fn the_gateways_leaks_are_leaks_at_the_rates_of_its_source() {
    let document = gateways(&["--duration", "2m,3m", "--memory", "64MiB"]);
    for (function, blocks, bytes) in A_MINUTE {
        let site = site(&document, function);
        assert_eq!(site["verdict"], "leak", "{function}");
        assert_eq!(site["per_minute"]["blocks"], blocks as f64, "{function}");
        assert_eq!(site["per_minute"]["bytes"], bytes as f64, "{function}");
    }
    // 500 blocks that are loaded at the start, and a cache that is emptied before the end.
    assert_eq!(site(&document, "table_load")["verdict"], "startup");
    assert_eq!(site(&document, "table_load")["per_minute"]["blocks"], 0.0);
    assert_ne!(site(&document, "cache_touch")["verdict"], "leak");
    let all: u64 = A_MINUTE.iter().map(|(_, _, bytes)| bytes).sum();
    assert_eq!(document["leaks"]["sites"], 3);
    assert_eq!(document["leaks"]["per_minute"]["bytes"], all as f64);
    // The same as a sentence: 169,100 bytes a minute are 165.1 KiB, and 2^26 bytes last 396.8 minutes, more or less by
    // what the rate may be off.
    let mut command = mtrace_diff();
    command.args(["--duration", "2m,3m", "--memory", "64MiB"]);
    let table = stdout_of(command.args([gateway("run0"), gateway("run1")]));
    let lasts = document["leaks"]["lasts_s"].as_f64().unwrap();
    assert!((lasts - (64u64 << 20) as f64 / all as f64 * 60.0).abs() < 1e-6);
    let error = document["leaks"]["per_minute"]["error"].as_f64().unwrap();
    // The pace is even.
    assert!(error < 100.0, "{error}");
    let minutes = |rate: f64| (396.8 * 1_000.0 / rate) as u64;
    let [least, most] = [minutes(1_000.0 + error), minutes(1_000.0 - error)];
    let sentence = format!(
        "3 call sites leak 165.1 KiB a minute (1,000 ± {error:.0} blocks); 64.0 MiB last {}h {}m to {}h {}m.",
        least / 60,
        least % 60,
        most / 60,
        most % 60
    );
    assert!(table.contains(&sentence), "{sentence}: {table}");
    assert!(include_str!("../../../src/guide/growth.md").contains(&sentence));
}

#[test]
fn without_times_there_are_no_rates_and_no_curve_is_invented() {
    let document = gateways(&[]);
    assert_eq!(site(&document, "session_open")["per_minute"], Value::Null);
    assert_eq!(document["leaks"]["per_minute"], Value::Null);
    let table = stdout_of(mtrace_diff().args([gateway("run0"), gateway("run1")]));
    assert!(!table.contains("/min"));
    let run = &site(&document, "session_open")["runs"][1];
    let curve = run["curve"]["blocks"].as_array().unwrap();
    assert_eq!(curve.len(), STEPS);
    assert_eq!(curve[STEPS - 1], run["live"]["blocks"]);
    // It leaks at an even pace.
    assert!((curve[STEPS / 2 - 1].as_u64().unwrap() as f64 / 900.0 - 1.0).abs() < 0.15);
    let plain = gateways(&["--no-trend"]);
    assert_eq!(
        site(&plain, "session_open")["runs"][1]["curve"],
        Value::Null
    );
    assert_eq!(site(&plain, "session_open")["verdict"], "leak");
}

#[test]
fn limits_by_time_and_by_run() {
    let status = |arguments: &[&str]| {
        let output = output_of(
            mtrace_diff()
                .args(arguments)
                .args([gateway("run0"), gateway("run1")]),
        );
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), error)
    };
    let timed = |limit| {
        status(&[
            "--duration",
            "2m,3m",
            "--strict-rates",
            "--fail-above",
            limit,
        ])
        .0
    };
    assert_eq!(timed("599/min"), Some(1));
    assert_eq!(timed("600/min"), Some(0));
    assert_eq!(timed("9/s"), Some(1));
    assert_eq!(timed("10/s"), Some(0));
    assert_eq!(timed("150KiB/min"), Some(0));
    assert_eq!(timed("149KiB/min"), Some(1));
    assert_eq!(status(&["--fail-above", "599/run"]).0, Some(1));
    assert_eq!(status(&["--fail-above", "600/run"]).0, Some(0));
    let (code, error) = status(&["--fail-above", "600/min"]);
    assert_eq!(code, Some(2));
    assert!(
        error.contains("600/min") && error.contains("--duration 2m,3m"),
        "{error}"
    );
    let (code, error) = status(&["--duration", "2m,3m,4m", "--fail-above", "600/min"]);
    assert_eq!(code, Some(2));
    assert!(error.contains("--duration"), "{error}");
}

#[test]
fn a_runs_own_word_on_its_time() {
    let base = tempfile::tempdir().unwrap();
    let runs = ["run0", "run1"].map(|run| {
        let copy = base.path().join(run);
        fs::create_dir(&copy).unwrap();
        for file in fs::read_dir(gateway(run)).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), copy.join(file.file_name())).unwrap();
        }
        let seconds = if run == "run0" { 120 } else { 180 };
        let text = format!(r#"{{ "schema": "mtrace-diff-run/1", "duration_s": {seconds} }}"#);
        fs::write(copy.join("run.json"), text).unwrap();
        copy.to_str().unwrap().to_owned()
    });
    let of = |options: &[&str]| {
        let document = json(&[options, &[&runs[0], &runs[1]]].concat());
        site(&document, "session_open")["per_minute"]["blocks"].as_f64()
    };
    assert_eq!(of(&[]), Some(600.0));
    // What is said on the command line outranks it. The first run then did twice as much in a minute, so the pace of the
    // last one counts: 1,800 blocks in 3 minutes, which began a little late.
    let alone = of(&["--duration", "1m,3m"]).unwrap();
    assert!((alone - 600.0).abs() <= 60.0, "{alone}");
    // So it is if the last one has half the time.
    let alone = of(&["--duration", "2m,90s"]).unwrap();
    assert!((alone - 1_200.0).abs() <= 120.0, "{alone}");
}

#[test]
fn more_than_two_runs_lie_on_a_line_or_do_not() {
    let (run0, run1) = (gateway("run0"), gateway("run1"));
    let document = json(&["--duration", "2m,3m,3m,2m", &run0, &run1, &run1, &run0]);
    let leak = site(&document, "session_open");
    assert_eq!(leak["runs"].as_array().unwrap().len(), 4);
    assert_eq!(leak["per_minute"]["blocks"], 600.0);
    assert_eq!(leak["per_minute"]["fit"], 1.0);
    // Growth stays last minus first; from run to run there is none.
    assert_eq!(leak["growth"]["blocks"], 0);
    assert_eq!(leak["per_run"]["blocks"], 0.0);
    let table = stdout_of(mtrace_diff().args([&run0, &run1, &run1]));
    assert!(
        table.contains("blocks/run") && table.contains(" fit "),
        "{table}"
    );
}

/// The pair alloc-before, see testdata/src/pairs: 12 blocks of 48 bytes at a site that only the later
/// build has, and 11 and 23 at one that both have.
#[test]
fn a_new_site_grows_in_its_own_time() {
    let runs = ["run0", "run1"].map(|run| {
        let run = testdata().join("pairs/alloc-before").join(run);
        run.to_str().unwrap().to_owned()
    });
    let document = json(&["--duration", "1m,3m", &runs[0], &runs[1]]);
    let by_last = |blocks: u64| {
        let sites = document["sites"].as_array().unwrap().iter();
        let mut found = sites.filter(|site| site["runs"][1]["live"]["blocks"] == blocks);
        found.next().unwrap().clone()
    };
    let new = by_last(12);
    assert_eq!(new["change"], "new");
    assert_eq!(new["per_minute"]["blocks"], 4.0);
    assert_eq!(new["per_minute"]["bytes"], 4.0 * 48.0);
    assert_eq!(by_last(23)["per_minute"]["blocks"], 6.0);
}

#[test]
fn more_in_less_time_is_growth_and_no_gate_passes_it() {
    // The longer run's capture, said to be the shorter one: 600 blocks more in less time.
    let judged = |durations: &str, limit: &str| {
        let mut command = mtrace_diff();
        command.args(["--duration", durations, "--fail-above", limit]);
        let output = output_of(command.args([gateway("run0"), gateway("run1")]));
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
        )
    };
    for durations in ["3m,2m", "125s,120s", "120s,125s"] {
        let (code, table) = judged(durations, "100/min");
        assert_eq!(code, Some(1), "{durations}: {table}");
        let document = gateways(&["--duration", durations]);
        let rate = &site(&document, "session_open")["per_minute"]["blocks"];
        assert!(rate.as_f64().unwrap() > 0.0, "{durations}: {rate}");
    }
    // 1,800 blocks, one after the other, in a run that is said to take two minutes: 900 a minute.
    assert_eq!(judged("3m,2m", "890/min").0, Some(1));
    assert_eq!(judged("3m,2m", "1000/min").0, Some(0));
}

#[test]
fn runs_of_one_length_have_the_rate_of_the_last_ones_course() {
    let copy = tempfile::tempdir().unwrap();
    let log = copy.path().join("mtrace.log");
    fs::copy(testdata().join("armhf-glibc2.31/run1/mtrace1.log"), &log).unwrap();
    let log = log.to_str().unwrap();
    let other = testdata().join("armhf-glibc2.31/run1/mtrace1.log");
    let runs = [other.to_str().unwrap(), log];
    let document = json(&["--duration", "3m", "--memory", "64MiB", runs[0], runs[1]]);
    // 600 blocks of 256 bytes, 300 of 48 and 100 of 11 or 12 a minute, by the source.
    let rate = document["leaks"]["per_minute"]["blocks"].as_f64().unwrap();
    // Steps are equal in lines, and the first minute has more of them: within a tenth.
    assert!((900.0..1100.0).contains(&rate), "{rate}");
    let true_s = f64::from(64 << 20) / (600.0 * 256.0 + 300.0 * 48.0 + 100.0 * 11.5) * 60.0;
    let lasts_s = document["leaks"]["lasts_s"].as_f64().unwrap();
    assert!((lasts_s / true_s - 1.0).abs() < 0.1, "{lasts_s} {true_s}");
    // The table at the start does not grow, and the cache is full after a minute.
    let sites = document["sites"].as_array().unwrap().iter();
    let resting = sites.filter(|site| site["verdict"] == "startup");
    resting.for_each(|site| assert_eq!(site["per_minute"]["blocks"], 0.0, "{site:#}"));
    // A gate by time sees the leak, and the table shows what it speaks of.
    let gate = |limit: &str| {
        let output = output_of(
            mtrace_diff()
                .args(["--duration", "3m", "--fail-above", limit])
                .args(runs),
        );
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
        )
    };
    let (code, text) = gate("590/min");
    assert_eq!(code, Some(1), "{text}");
    assert!(text.lines().any(|line| line.starts_with("!")), "{text}");
    assert!(text.contains(" blocks/min, +1"), "{text}");
    assert_eq!(gate("700/min").0, Some(0));
    assert_eq!(gate("10").0, Some(0));
}

#[test]
fn an_odd_run_in_the_middle_hides_no_growth() {
    let directory = tempfile::tempdir().unwrap();
    let runs: Vec<String> = [100, 200, 300]
        .into_iter()
        .map(|blocks| {
            let line = |n: u64| format!("@ ./app:[0x1200] + {:#x} 0x18\n", 0x1_0000 + 32 * n);
            let log: String = (0..blocks).map(line).collect();
            let path = directory.path().join(format!("{blocks}.log"));
            fs::write(&path, format!("= Start\n{log}= End\n")).unwrap();
            path.to_str().unwrap().to_owned()
        })
        .collect();
    let code = |durations: &str, limit: &str| {
        let mut command = mtrace_diff();
        command.args(["--duration", durations, "--fail-above", limit]);
        output_of(command.args(&runs)).status.code()
    };
    // The first and the last took the same time, and the last left 200 more.
    assert_eq!(code("2m,10m,2m", "0/min"), Some(1));
    assert_eq!(code("2m,10m,2m", "99/min"), Some(1));
    assert_eq!(code("2m,10m,2m", "150/min"), Some(0));
    assert_eq!(code("2m,3m,4m", "90/min"), Some(1));
    assert_eq!(code("2m,3m,4m", "110/min"), Some(0));
    assert_eq!(code("2m,3m,4m", "110/run"), Some(0));
    assert_eq!(code("2m,3m,4m", "90/run"), Some(1));
    // A shorter last run that left as much: 100 blocks in two minutes, one after the other.
    let same = |durations: &str, limit: &str| {
        let mut command = mtrace_diff();
        command.args(["--duration", durations, "--fail-above", limit]);
        let copy = directory.path().join("copy.log");
        fs::copy(&runs[0], &copy).unwrap();
        output_of(command.arg(&runs[0]).arg(copy)).status.code()
    };
    assert_eq!(same("10m,2m", "45/min"), Some(1));
    assert_eq!(same("10m,2m", "55/min"), Some(0));
    assert_eq!(same("2m,10m", "5/min"), Some(0));
}

#[test]
fn a_rate_that_nothing_tells_is_not_judged() {
    let output = output_of(
        mtrace_diff()
            .args(["--duration", "3m", "--fail-above", "10/min"])
            .args([
                "armhf-glibc2.31/run0/result0.log",
                "armhf-glibc2.31/run1/result1.log",
            ]),
    );
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(
        error.contains("10/min") && error.contains("took the same time"),
        "{error}"
    );
}

#[test]
fn times_that_no_run_can_take_are_refused() {
    let base = tempfile::tempdir().unwrap();
    fs::copy(
        testdata().join("armhf-glibc2.31/run0/mtrace0.log"),
        base.path().join("mtrace.log"),
    )
    .unwrap();
    for seconds in ["-60", "0", "1e308"] {
        let text = format!(r#"{{ "schema": "mtrace-diff-run/1", "duration_s": {seconds} }}"#);
        fs::write(base.path().join("run.json"), text).unwrap();
        let output = output_of(mtrace_diff().arg("show").arg(base.path()));
        assert_eq!(output.status.code(), Some(2), "{seconds}");
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(
            error.contains("run.json") && error.contains("duration_s"),
            "{error}"
        );
    }
    let output =
        output_of(mtrace_diff().args(["--duration", "0s", &gateway("run0"), &gateway("run1")]));
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn limits_hold_for_call_sites_and_not_for_groups_or_listings() {
    for (arguments, word) in [
        (vec!["--by", "module", "--fail-above", "1"], "--by module"),
        (
            vec!["show", "--format", "mtrace", "--fail-on", "double-free"],
            "--fail-on",
        ),
        (
            vec![
                "show",
                "--format",
                "mtrace-do",
                "--save",
                "never-written.json",
            ],
            "--save",
        ),
    ] {
        let mut command = mtrace_diff();
        command.args(&arguments).arg(gateway("run0"));
        if arguments[0] != "show" {
            command.arg(gateway("run1"));
        }
        let output = output_of(&mut command);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(word), "{error}");
    }
}

#[test]
fn what_an_old_result_cannot_tell_is_not_invented() {
    let (old, run1) = (format!("{}/result0.log", gateway("run0")), gateway("run1"));
    let document = json(&["--duration", "2m,3m", &old, &run1]);
    let leak = site(&document, "frame_decode");
    assert_eq!(leak["per_minute"]["blocks"], 300.0);
    assert_eq!(leak["per_minute"]["bytes"], Value::Null);
    // The log of the last run tells the course, whatever the first one was.
    assert_eq!(leak["verdict"], "leak");
    assert_eq!(document["leaks"]["bytes"], Value::Null);
    let output = output_of(mtrace_diff().args([
        "--duration",
        "2m,3m",
        "--fail-above",
        "1KiB/min",
        &old,
        &run1,
    ]));
    assert_eq!(output.status.code(), Some(2));
}

fn trend(runs: &[Observed<'_>]) -> Option<Trend> {
    judge_runs(runs).map(|finding| finding.trend)
}

fn curve(live: impl Fn(usize) -> u64) -> Curve {
    Curve::of(&std::array::from_fn(|step| Tally {
        blocks: live(step),
        bytes: live(step) * 10,
    }))
}

#[test]
fn a_longer_run_that_leaves_no_more_has_no_leak() {
    let filling = curve(|step| step as u64 * 10);
    let over = |first, last| {
        let run = |seconds| Observed {
            duration_s: seconds,
            ..Observed::bare(&filling)
        };
        trend(&[run(first), run(last)])
    };
    assert_eq!(over(Some(60.0), Some(60.0)), Some(Trend::Leak));
    assert_eq!(over(Some(60.0), Some(180.0)), Some(Trend::Plateau));
    assert_eq!(over(None, None), Some(Trend::Leak));
}

#[test]
fn what_only_the_end_did_not_free_is_no_leak() {
    let level = curve(|_| 200);
    let freed = curve(|step| if step < 63 { 200 } else { 20 });
    let run = |curve| Observed::bare(curve);
    assert_eq!(trend(&[run(&freed), run(&level)]), Some(Trend::Shutdown));
    assert_eq!(trend(&[run(&level), run(&level)]), Some(Trend::Startup));
    assert_eq!(trend_of(&run(&freed)), Trend::Shutdown);
}
