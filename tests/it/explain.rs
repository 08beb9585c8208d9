//! What `--explain` says of logs whose every block is known.

use std::fmt::Write as _;
use std::fs;

use crate::common::{json, mtrace_diff, output_of, stdout_of};

/// A log of 3,200 rounds. In each, a block comes and goes at one place; other places keep a block in each of their rounds.
fn log_of(kept: &[&[usize]]) -> String {
    let mut log = String::from("= Start\n");
    for round in 0..3_200 {
        log.push_str("@ ./app:[0x2000] + 0x9000 0x8\n@ ./app:[0x2000] - 0x9000\n");
        let places = kept.iter().enumerate();
        for (place, _) in places.filter(|(_, rounds)| rounds.contains(&round)) {
            let address = 0x100_0000 + round * 0x200 + place * 0x100;
            writeln!(log, "@ ./app:[{:#x}] + {address:#x} 0x20", 0x1000 + place).unwrap();
        }
    }
    log.push_str("= End\n");
    log
}

struct Logs(tempfile::TempDir);

impl Logs {
    fn of(logs: &[String]) -> Logs {
        let directory = tempfile::tempdir().unwrap();
        for (index, log) in logs.iter().enumerate() {
            fs::write(directory.path().join(format!("run{index}.log")), log).unwrap();
        }
        Logs(directory)
    }

    fn show(&self, options: &[&str]) -> String {
        let mut command = mtrace_diff();
        let run = self.0.path().join("run0.log");
        stdout_of(command.arg("show").arg(run).args(options))
    }
}

/// Every 32nd round keeps a block: 100 blocks, 25 in each quarter.
fn even() -> Vec<usize> {
    (0..100).map(|n| 16 + n * 32).collect()
}

#[test]
fn a_leak_is_explained_by_its_births() {
    let logs = Logs::of(&[log_of(&[&even()])]);
    let text = logs.show(&["--explain", "1"]);
    for sentence in [
        "#1 leak: ",
        "Of 100 blocks allocated in run0.log, 100 are live at its end.",
        "Of these, allocated in each quarter of the run: 25, 25, 25, 25.",
        "it keeps blocks at an even pace until the end of the run",
    ] {
        assert!(text.contains(sentence), "{sentence}: {text}");
    }
    // None was freed, and there is no other run.
    assert!(!text.contains("on average"), "{text}");
    assert!(!text.contains("times as long"), "{text}");
    let document = logs.show(&["--format", "json"]);
    let document: serde_json::Value = serde_json::from_str(&document).unwrap();
    let evidence = &document["sites"][0]["evidence"];
    assert_eq!(evidence["born"], serde_json::json!([25, 25, 25, 25]));
    assert_eq!(evidence["against"], serde_json::Value::Null);
    assert_eq!(evidence["life"], serde_json::Value::Null);
}

#[test]
fn what_was_built_at_the_end_is_no_leak() {
    let built: Vec<usize> = (0..100).map(|n| 2_900 + n * 3).collect();
    let logs = Logs::of(&[log_of(&[&built])]);
    let text = logs.show(&["--explain", "1"]);
    assert!(
        text.contains("Of these, allocated in each quarter of the run: 0, 0, 0, 100."),
        "{text}"
    );
    assert!(!text.contains("#1 leak"), "{text}");
}

/// Two blocks in the second half are too few to be sure. With six it is.
#[test]
fn a_few_blocks_may_leak() {
    let few: Vec<usize> = [100, 300, 500, 700, 1_000, 1_400, 2_000, 2_800].into();
    let more: Vec<usize> = (0..12).map(|n| 75 + n * 260).collect();
    let logs = Logs::of(&[log_of(&[&few, &more])]);
    let text = logs.show(&["--explain", "2"]);
    for sentence in [
        "#2 leak?: ",
        "it would be a leak, but too few blocks were kept to tell, by a little.",
        "1 call site leaks",
        "1 more may leak (leak?).",
    ] {
        assert!(text.contains(sentence), "{sentence}: {text}");
    }
    let document = logs.show(&["--format", "json"]);
    let document: serde_json::Value = serde_json::from_str(&document).unwrap();
    assert_eq!(document["sites"][1]["verdict"], "leak?");
    assert_eq!(document["sites"][1]["evidence"]["against"], "few");
    assert_eq!(document["leaks"]["sites"], 1);
    assert_eq!(document["leaks"]["may_leak"], 1);
}

/// The second run is twice as long and has as many blocks again: 100 more than the first, as it should.
#[test]
fn the_longer_run_is_held_against_the_first() {
    let twice = |log: &str| {
        let body = log.strip_prefix("= Start\n").unwrap();
        let body = body.strip_suffix("= End\n").unwrap();
        let again = body.replace("+ 0x1", "+ 0x7000001");
        format!("= Start\n{body}{again}= End\n")
    };
    let first = log_of(&[&even()]);
    let second = twice(&first);
    let logs = Logs::of(&[first, second]);
    let mut command = mtrace_diff();
    command.current_dir(logs.0.path());
    let text = stdout_of(command.args(["run0.log", "run1.log", "--explain", "1"]));
    assert!(
        text.contains("The last run was 2.0 times as long as the first."),
        "{text}"
    );
    assert!(text.contains("this site left 100 more."), "{text}");
    let paths = ["run0.log", "run1.log"].map(|name| logs.0.path().join(name));
    let document = json(&paths.each_ref().map(|path| path.to_str().unwrap()));
    let more = &document["sites"][0]["evidence"]["more"];
    assert_eq!(more["left"], 100.0);
    let expected = more["expected"].as_f64().unwrap();
    assert!((expected - 100.0).abs() < 10.0, "{expected}");
}

/// Each of the other blocks lived for one of 6,500 records, which is 98 ms of 640 s.
/// What is left of a site says nothing once the exit has freed all of it.
#[test]
fn what_the_exit_freed_is_told_by_its_highest() {
    let freed_at_exit = |rounds: usize| {
        let mut log = log_of(&[&even()[..rounds]]).replace("= End\n", "");
        for n in 0..rounds {
            let address = 0x100_0000 + (16 + n * 32) * 0x200;
            writeln!(log, "@ ./app:[0x3000] - {address:#x}").unwrap();
        }
        log + "= End\n"
    };
    let cut = |log: String, rounds: usize| {
        let come_and_go = "@ ./app:[0x2000] + 0x9000 0x8\n@ ./app:[0x2000] - 0x9000\n";
        log.replacen(come_and_go, "", 3_200 - rounds * 32)
    };
    let logs = Logs::of(&[cut(freed_at_exit(60), 60), freed_at_exit(100)]);
    let runs = ["run0.log", "run1.log"].map(|name| logs.0.path().join(name));
    let text = stdout_of(mtrace_diff().args(runs).args(["--all", "--explain", "1"]));
    let told = "At its highest it had 100 blocks in run1.log, and in run0.log 60.";
    assert!(text.contains(told), "{text}");
    assert!(text.contains("#1 grows: "), "{text}");
    assert!(!text.contains("would have left"), "{text}");
}

#[test]
fn how_long_the_others_lived_is_told() {
    let logs = Logs::of(&[log_of(&[&even()])]);
    let text = logs.show(&["--all", "--explain", "2", "--duration", "640s"]);
    let (_, rest) = text.split_once("The others lived ").unwrap();
    let (life, _) = rest.split_once(" ms on average.").unwrap();
    let life: f64 = life.parse().unwrap();
    assert!((90.0..=107.0).contains(&life), "{text}");
    let output = output_of(
        mtrace_diff()
            .arg("show")
            .arg(logs.0.path().join("run0.log"))
            .args(["--explain", "9"]),
    );
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("no call site of rank 9 to explain: ranks go from 1 to 2"),
        "{said}"
    );
}

/// Each block is freed when 160 others have come, which is up to 320 of 1,120 records, or 28.6 %; a part of these is 32 records.
#[test]
fn how_long_the_others_lived_at_most_is_told() {
    let mut log = String::from("= Start\n");
    for round in 1..=640 {
        writeln!(log, "@ ./app:[0x1000] + {:#x} 0x10", round << 8).unwrap();
        if round > 160 {
            writeln!(log, "@ ./app:[0x2000] - {:#x}", (round - 160) << 8).unwrap();
        }
    }
    let text = Logs::of(&[log]).show(&["--all", "--explain", "1"]);
    let (_, rest) = text.split_once("and none longer than ").unwrap();
    let (longest, _) = rest.split_once(" % of the run.").unwrap();
    let longest: f64 = longest.parse().unwrap();
    assert!((28.5..=34.5).contains(&longest), "{text}");
}

/// One block that grows by 16 bytes a round for 640 rounds: 2,560 bytes more in each quarter.
#[test]
fn a_leak_of_bytes_is_explained_by_its_bytes() {
    let mut log = String::from("= Start\n@ ./app:[0x1000] + 0x10000 0x10\n");
    for round in 1..640 {
        log.push_str("@ ./app:[0x2000] + 0x9000 0x8\n@ ./app:[0x2000] - 0x9000\n");
        let size = 16 * (round + 1);
        writeln!(
            log,
            "@ ./app:[0x1000] < 0x10000\n@ ./app:[0x1000] > 0x10000 {size:#x}"
        )
        .unwrap();
    }
    let logs = Logs::of(&[log + "= End\n"]);
    let text = logs.show(&["--explain", "1", "--duration", "1m"]);
    for sentence in [
        "#1 leak (bytes): ",
        "Its bytes at the ends of the four quarters of the run: 2.5 KiB, 5.0 KiB, 7.5 KiB, 10.0 KiB.",
        "1 call site leaks 10.0 KiB a minute.",
        "each curve has a scale of its own: live bytes over the run",
    ] {
        assert!(text.contains(sentence), "{sentence}: {text}");
    }
    assert!(
        !text.contains("Born") && !text.contains("The least that was live"),
        "{text}"
    );
    assert!(!text.contains("blocks)"), "{text}");
}
