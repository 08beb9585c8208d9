//! What a pass must not keep to itself, and what it must not be.

use std::fs;
use std::path::PathBuf;

use crate::common::{linked, mtrace_diff, output_of, unwrapped};
use tempfile::TempDir;

/// A log of one site that holds so many blocks after each of equal steps, beside one that keeps nothing.
fn log(directory: &TempDir, name: &str, steps: &[u64]) -> PathBuf {
    let mut text = String::from("= Start\n");
    let mut live = 0;
    for &step in steps {
        for n in live..step {
            text += &format!("@ ./app:[0x10] + {:#x} 0x40\n", 0x10_0000 + n * 0x50);
        }
        for n in (step..live).rev() {
            text += &format!("@ ./app:[0x30] - {:#x}\n", 0x10_0000 + n * 0x50);
        }
        live = step;
        for _ in 0..100 {
            text += "@ ./app:[0x20] + 0x5000 0x8\n@ ./app:[0x20] - 0x5000\n";
        }
    }
    let path = directory.path().join(name);
    std::fs::write(&path, text + "= End\n").unwrap();
    path
}

fn gate(runs: [&PathBuf; 2], options: &[&str]) -> (Option<i32>, String) {
    let (_link, first) = linked(runs[0]);
    let output = output_of(mtrace_diff().args([&first, runs[1]]).args(options));
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

#[test]
fn as_many_blocks_in_less_time_are_said() {
    let directory = TempDir::new().unwrap();
    let steps: Vec<u64> = (1..=100).collect();
    let runs = ["a.log", "b.log"].map(|name| log(&directory, name, &steps));
    let judged = |durations: &str, limits: &str| {
        let options = ["--duration", durations, "--fail-above", limits];
        gate([&runs[0], &runs[1]], &options)
    };
    let said = "; but b.log took less time than a.log";
    let (code, text) = judged("10m,1m", "10,10%");
    assert!(code == Some(0) && text.contains(said), "{text}");
    for durations in ["10m,10m", "1m,10m"] {
        let (code, text) = judged(durations, "10,10%");
        assert!(code == Some(0) && !text.contains(said), "{text}");
    }
    // A rate takes it into account.
    assert_eq!(judged("10m,1m", "10,10/min").0, Some(1));
    assert!(!judged("10m,1m", "10,1000/min").1.contains(said));
}

#[test]
fn a_longer_run_that_leaves_no_more_can_have_a_leak() {
    let directory = TempDir::new().unwrap();
    let steady: Vec<u64> = (1..=100).map(|step| step * 50).collect();
    let filled = log(&directory, "filled.log", &[5000; 100]);
    let steady = log(&directory, "steady.log", &steady);
    let options = ["--duration", "1m,10m", "--fail-above", "100/min"];
    let (code, text) = gate([&filled, &steady], &options);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("leak"), "{text}");
    // What took the whole run before does so now: that is the work, not the time.
    assert_eq!(gate([&steady, &steady], &options).0, Some(0));
    assert_eq!(gate([&filled, &filled], &options).0, Some(0));
}

#[test]
fn what_the_end_of_the_run_freed_is_said() {
    let directory = TempDir::new().unwrap();
    let freed_after = |level: u64| -> Vec<u64> {
        let grown = (1..=100).map(|step| step * level / 100);
        grown.chain([0]).collect()
    };
    let few = log(&directory, "few.log", &freed_after(100));
    let many = log(&directory, "many.log", &freed_after(5000));
    let said = "1 site held more than before, until the end of the run freed it: ";
    let (code, text) = gate([&few, &many], &["--fail-above", "5000"]);
    assert_eq!(code, Some(0), "{text}");
    // A service that is told to end frees what it leaked: 4,900 blocks more than before.
    let (status, failed) = gate([&few, &many], &["--fail-above", "4800"]);
    assert_eq!(status, Some(1), "{failed}");
    let failed = unwrapped(&failed);
    // The first run's curve rose by two blocks from one of its steps to the next: so many can have been missed.
    assert!(
        failed.contains("+4,898 blocks")
            && failed.contains("until the end of the program freed it"),
        "{failed}"
    );
    assert!(text.contains(said), "{text}");
    assert!(text.contains("up to 5,000 blocks (before: 100)"), "{text}");
    for same in [&few, &many] {
        assert!(!gate([same, same], &[]).1.contains(said));
    }
    assert!(!gate([&many, &few], &[]).1.contains(said));
}

/// A table of 200 is gone, and 180 blocks are leaked in its place, until nothing more is done: the sum is as before. What only
/// takes longer to be loaded is no leak.
#[test]
fn what_comes_over_much_of_a_run_in_place_of_a_table_is_named() {
    let directory = TempDir::new().unwrap();
    let run = |name: &str, each: u64| {
        let steps: Vec<u64> = (0..100).map(|step| (20 + step * each).min(200)).collect();
        log(&directory, name, &steps)
    };
    let (table, leak, slow) = (run("a.log", 200), run("b.log", 3), run("c.log", 20));
    let judged =
        |runs: [&PathBuf; 2], more: &[&str]| gate(runs, &[&["--fail-above", "10"], more].concat());
    let said = "keeps more of what it allocated after the start of the run than before";
    let (code, text) = judged([&table, &leak], &[]);
    assert!(code == Some(0) && unwrapped(&text).contains(said), "{text}");
    assert_eq!(judged([&table, &leak], &["--strict"]).0, Some(1));
    for runs in [[&leak, &table], [&leak, &leak], [&table, &slow]] {
        let (code, text) = judged(runs, &["--strict"]);
        assert_eq!(code, Some(0), "{text}");
    }
}

/// A table of 500 loses an entry whenever a block is leaked, until all but 100 are gone, and there is as much as before in the
/// end. A cache whose entries are replaced does the same in both runs.
#[test]
fn what_leaks_as_a_table_shrinks_is_named() {
    let directory = TempDir::new().unwrap();
    let run = |name: &str, leaks: u64, more: u64| {
        let mut text = String::from("= Start\n");
        let add = |n: u64| format!("@ ./app:[0x10] + {:#x} 0x40\n", 0x10_0000 + n * 0x50);
        (0..500).for_each(|n| text += &add(n));
        for turn in 0..600 {
            if turn < leaks {
                text += &format!("@ ./app:[0x30] - {:#x}\n", 0x10_0000 + turn * 0x50);
                text += &add(500 + turn);
            } else if turn < leaks + more {
                text += &add(500 + turn);
            }
            text += &"@ ./app:[0x20] + 0x5000 0x8\n@ ./app:[0x20] - 0x5000\n".repeat(10);
        }
        let path = directory.path().join(name);
        fs::write(&path, text + "= End\n").unwrap();
        path
    };
    let (table, as_many, more) = (
        run("a.log", 0, 0),
        run("b.log", 400, 0),
        run("c.log", 400, 3),
    );
    let said = "keeps more of what it allocated after the start of the run than before";
    for leaky in [&as_many, &more] {
        let (code, text) = gate([&table, leaky], &["--fail-above", "10"]);
        assert!(code == Some(0) && unwrapped(&text).contains(said), "{text}");
        let strict = ["--fail-above", "10", "--strict"];
        assert_eq!(gate([&table, leaky], &strict).0, Some(1));
        assert_eq!(gate([leaky, leaky], &strict).0, Some(0));
    }
    assert_eq!(
        gate([&as_many, &more], &["--fail-above", "10", "--strict"]).0,
        Some(0)
    );
}

/// 30 callers leak 8 blocks each: a limit of 10 sees none of them.
#[test]
fn a_leak_that_is_spread_over_many_callers_is_named() {
    let directory = TempDir::new().unwrap();
    let run = |name: &str, leaks: bool| {
        let mut text = String::from("= Start\n");
        for round in 0..800_u64 {
            for caller in 0..30 {
                let at = 0x10_0000 + (round * 30 + caller) * 0x100;
                let library = char::from(b'a' + (caller % 26) as u8)
                    .to_string()
                    .repeat(1 + caller as usize / 26);
                text += &format!(
                    "@ ./lib{library}.so:[{:#x}] + {at:#x} 0x20\n",
                    0x1200 + caller * 0x40
                );
                if !leaks || round % 100 != 50 {
                    text += &format!("@ ./app:[0x30] - {at:#x}\n");
                }
            }
        }
        let path = directory.path().join(name);
        fs::write(&path, text + "= End\n").unwrap();
        path
    };
    let (none, many) = (run("none.log", false), run("many.log", true));
    let (code, text) = gate([&none, &many], &["--fail-above", "10"]);
    let text = unwrapped(&text);
    let said = "and 29 other call sites that look like leaks grew by more than that together: +240 blocks, +7.5 KiB (--strict \
                fails them)";
    assert!(code == Some(0) && text.contains(said), "{text}");
    let (code, text) = gate([&none, &many], &["--fail-above", "10", "--strict"]);
    assert!(code == Some(1) && text.contains("+240 blocks"), "{text}");
    assert_eq!(
        gate([&none, &many], &["--fail-above", "240", "--strict"]).0,
        Some(0)
    );
    assert_eq!(
        gate([&many, &many], &["--fail-above", "10", "--strict"]).0,
        Some(0)
    );
}

/// Five callers leak five blocks each, which are too few to tell of each. If they leave them at once, it can be a table that was
/// loaded, but not at the start; and what came last can be work that is under way.
#[test]
fn a_leak_of_a_few_blocks_in_each_of_several_lines_is_named() {
    let directory = TempDir::new().unwrap();
    let run = |name: &str, leaks: &dyn Fn(u64) -> bool| {
        let mut text = String::from("= Start\n");
        for round in 0..450_u64 {
            for (caller, library) in ["a", "b", "c", "d", "e"].into_iter().enumerate() {
                let at = 0x10_0000 + (round * 5 + caller as u64) * 0x100;
                let place = 0x1200 + caller * 0x40;
                text += &format!("@ ./lib{library}.so:[{place:#x}] + {at:#x} 0x20\n");
                if !leaks(round) {
                    text += &format!("@ ./app:[0x30] - {at:#x}\n");
                }
            }
        }
        let path = directory.path().join(name);
        fs::write(&path, text + "= End\n").unwrap();
        path
    };
    let none = run("none.log", &|_| false);
    let leak = run("leak.log", &|round| round % 90 == 20);
    let outage = run("outage.log", &|round| (200..205).contains(&round));
    let start = run("start.log", &|round| (20..25).contains(&round));
    let end = run("end.log", &|round| (440..445).contains(&round));
    let strict = ["--fail-above", "10", "--strict"];
    let (code, text) = gate([&none, &leak], &strict);
    assert!(code == Some(1) && text.contains("+25 blocks"), "{text}");
    assert_eq!(gate([&none, &leak], &strict[..2]).0, Some(0));
    let (code, text) = gate([&none, &outage], &strict);
    assert!(code == Some(1) && text.contains("+25 blocks"), "{text}");
    let (code, text) = gate([&none, &outage], &strict[..2]);
    let said = "and 4 other call sites keep more of what came after the start of the run than before, by more than that \
                together: +25 blocks, +800 B";
    assert!(code == Some(0) && unwrapped(&text).contains(said), "{text}");
    for runs in [
        [&none, &start],
        [&none, &end],
        [&outage, &outage],
        [&leak, &leak],
        [&leak, &none],
        [&outage, &leak],
    ] {
        let (code, text) = gate(runs, &strict);
        assert_eq!(code, Some(0), "{text}");
    }
}

/// Thirteen callers load ten blocks each at the start, and free them at the end. If they load them anew in the middle, and the old
/// ones are lost, each has ten more, which is within the limit.
#[test]
fn a_configuration_that_is_lost_at_a_reload_is_named() {
    let directory = TempDir::new().unwrap();
    let run = |name: &str, reload: &dyn Fn(u64) -> bool| {
        let mut text = String::from("= Start\n");
        let blocks = |what: &str, generation: u64| -> String {
            let each = (0..130_u64).map(|block| {
                let (place, at) = (
                    0x1200 + block % 13 * 0x40,
                    generation * 0x10_0000 + block * 0x100,
                );
                match what {
                    "+" => format!("@ ./app:[{place:#x}] + {at:#x} 0x20\n"),
                    _ => format!("@ ./app:[0x30] - {at:#x}\n"),
                }
            });
            each.collect()
        };
        text += &blocks("+", 1);
        for round in 0..4_000 {
            if round == 2_000 {
                text += &blocks("+", 2);
                text += &if reload(1) {
                    String::new()
                } else {
                    blocks("-", 1)
                };
            }
            text += "@ ./app:[0x40] + 0x900 0x10\n@ ./app:[0x41] - 0x900\n";
        }
        text += &blocks("-", 2);
        let path = directory.path().join(name);
        fs::write(&path, text + "= End\n").unwrap();
        path
    };
    let (whole, lost) = (run("whole.log", &|_| false), run("lost.log", &|_| true));
    let strict = ["--fail-above", "10", "--strict"];
    let (code, text) = gate([&whole, &lost], &strict);
    let said =
        "and 12 other call sites, in what all call sites together have at least: +130 blocks";
    assert!(code == Some(1) && unwrapped(&text).contains(said), "{text}");
    let (code, text) = gate([&whole, &lost], &strict[..2]);
    let said =
        "and 12 other call sites have more than before, by more than that together: +130 blocks";
    assert!(code == Some(0) && unwrapped(&text).contains(said), "{text}");
    for runs in [[&whole, &whole], [&lost, &lost], [&lost, &whole]] {
        let (code, text) = gate(runs, &strict);
        assert_eq!(code, Some(0), "{text}");
    }
}

/// A table of 100 blocks is gone, and 95 of the same caller and size leak in the middle of the run: about as many, but others.
#[test]
fn about_as_many_blocks_in_place_of_a_table_are_named() {
    let directory = TempDir::new().unwrap();
    let run = |name: &str, from: u64, count: u64| {
        let mut text = String::from("= Start\n");
        for round in 0..4_000_u64 {
            let nth = round.wrapping_sub(from) / 6;
            if round >= from && (round - from).is_multiple_of(6) && nth < count {
                text += &format!("@ ./app:[0x1200] + {:#x} 0x20\n", 0x10_0000 + nth * 0x100);
            }
            text += "@ ./app:[0x40] + 0x900 0x10\n@ ./app:[0x41] - 0x900\n";
        }
        let path = directory.path().join(name);
        fs::write(&path, text + "= End\n").unwrap();
        path
    };
    let table = run("table.log", 0, 100);
    let strict = ["--fail-above", "10", "--strict"];
    for (count, fails) in [(95, true), (105, true), (100, false)] {
        let leak = run("leak.log", 1_800, count);
        let (code, text) = gate([&table, &leak], &strict);
        assert_eq!(code, Some(i32::from(fails)), "{count}: {text}");
        assert_eq!(text.contains("after the start of the run"), fails, "{text}");
    }
    let slower = run("slower.log", 400, 101);
    assert_eq!(
        gate([&table, &slower], &strict).0,
        Some(0),
        "it took longer to start"
    );
}

/// 150 blocks come in the last tenth of the work, and the exit frees them.
#[test]
fn what_came_shortly_before_the_exit_was_held() {
    let directory = TempDir::new().unwrap();
    let run = |name: &str, count: u64| {
        let mut text = String::from("= Start\n");
        let (mut held, mut freed) = (String::new(), String::new());
        for block in 0..count {
            let at = 0x10_0000 + block * 0x100;
            held += &format!("@ ./app:[0x1200] + {at:#x} 0x20\n");
            freed += &format!("@ ./app:[0x30] - {at:#x}\n");
        }
        for round in 0..4_000 {
            if round == 3_600 {
                text += &held;
            }
            text += "@ ./app:[0x40] + 0x900 0x10\n@ ./app:[0x41] - 0x900\n";
        }
        let path = directory.path().join(name);
        fs::write(&path, text + &freed + "= End\n").unwrap();
        path
    };
    let (few, many) = (run("few.log", 20), run("many.log", 150));
    let strict = ["--fail-above", "10", "--strict"];
    // The 20 of the first run came in one step, and may have been as many again.
    let (code, text) = gate([&few, &many], &strict);
    assert!(code == Some(1) && text.contains("+110 blocks"), "{text}");
    assert_eq!(gate([&many, &many], &strict).0, Some(0));
    assert_eq!(gate([&many, &few], &strict).0, Some(0));
}

/// A buffer that grew all along fails a limit on bytes, though the end freed it. Seven large blocks are too few for a verdict:
/// a pass names them, and `--strict` fails them.
#[test]
fn bytes_that_the_end_of_the_run_freed_are_judged() {
    let directory = TempDir::new().unwrap();
    let run = |name: &str, keep: &dyn Fn(usize) -> Option<usize>| {
        let path = directory.path().join(name);
        let (mut text, mut held) = (String::from("= Start\n"), Vec::new());
        for round in 0..700 {
            text.push_str("@ ./app:[0x2000] + 0x9000 0x8\n@ ./app:[0x2000] - 0x9000\n");
            if let Some(size) = keep(round) {
                let at = 0x10_0000 + round * 0x100_0000;
                text.push_str(&format!("@ ./app:[0x1200] + {at:#x} {size:#x}\n"));
                held.push(at);
            }
        }
        for at in held {
            text.push_str(&format!("@ ./app:[0x3000] - {at:#x}\n"));
        }
        fs::write(&path, text + "= End\n").unwrap();
        path
    };
    let none = run("none.log", &|_| None);
    let few = run("few.log", &|round| (round % 100 == 50).then_some(0x10_0000));
    let (code, text) = gate([&none, &few], &["--fail-above", "8,64KiB"]);
    let text = unwrapped(&text);
    let named = "; but 1 call site (? (file not found) (0x1200)) held more than that until the end of the run freed it (--strict fails it)";
    assert!(code == Some(0) && text.contains(named), "{text}");
    let (code, text) = gate([&none, &few], &["--fail-above", "8,64KiB", "--strict"]);
    assert_eq!(code, Some(1), "{text}");
    let (code, text) = gate([&none, &few], &["--fail-above", "8,7MiB", "--strict"]);
    assert_eq!(code, Some(0), "{text}");

    let buffer = |name: &str, grows: u64| {
        let path = directory.path().join(name);
        let mut text = String::from("= Start\n@ ./app:[0x1200] + 0x100000 0x400\n");
        for round in 1..700_u64 {
            text.push_str("@ ./app:[0x2000] + 0x9000 0x8\n@ ./app:[0x2000] - 0x9000\n");
            let size = 0x400 + round * grows;
            text.push_str(&format!(
                "@ ./app:[0x1200] < 0x100000\n@ ./app:[0x1200] > 0x100000 {size:#x}\n"
            ));
        }
        fs::write(&path, text + "@ ./app:[0x3000] - 0x100000\n= End\n").unwrap();
        path
    };
    // 699 rounds of 1,000 bytes each.
    let (level, grows) = (buffer("level.log", 0), buffer("grows.log", 1000));
    for (limit, expected) in [("650000B", 1), ("699000B", 0)] {
        let (code, text) = gate([&level, &grows], &["--fail-above", limit]);
        assert_eq!(code, Some(expected), "{limit}: {text}");
    }
}

#[test]
fn blocks_of_a_total_that_have_no_line_are_said() {
    let directory = TempDir::new().unwrap();
    let result = |name: &str, total: u64| {
        let line = "0x400008c5:\t\t1000\t\t                       b'./app1'\t\t0x8c5\n";
        let path = directory.path().join(name);
        std::fs::write(&path, format!("total_cnt: {total}\n{line}")).unwrap();
        path
    };
    let (whole, loader, cut) = (
        result("a.log", 1000),
        result("b.log", 1004),
        result("c.log", 1060),
    );
    let said = |runs| {
        let (code, text) = gate(runs, &["--fail-above", "10"]);
        assert_eq!(code, Some(0), "{text}");
        text.contains("60 blocks more than before have no line in the result of c.log")
    };
    assert!(said([&whole, &cut]));
    assert!(!said([&loader, &loader]));
    assert!(!said([&cut, &cut]));
    assert!(!said([&cut, &whole]));
}

/// A table that is gone, and a leak of as many blocks at the same line.
#[test]
fn what_leaks_in_place_of_a_table_is_said() {
    let directory = TempDir::new().unwrap();
    let table = log(&directory, "table.log", &[500; 100]);
    let leaking: Vec<u64> = (1..=100).map(|step| step * 5).collect();
    let leak = log(&directory, "leak.log", &leaking);
    let said =
        "did not keep growing before and now grows by more than that, in place of what it had";
    let judged = |runs, options: &[&str]| {
        let (code, text) = gate(runs, options);
        (code, unwrapped(&text))
    };
    let (code, text) = judged([&table, &leak], &["--fail-above", "10"]);
    assert!(code == Some(0) && text.contains(said), "{text}");
    let (code, text) = judged([&table, &leak], &["--fail-above", "10", "--strict"]);
    assert!(
        code == Some(1) && text.contains("in place of what it had: +"),
        "{text}"
    );
    // 500 blocks are below this limit; and what leaked before leaks no more than then.
    for (runs, limit) in [
        ([&table, &leak], "600"),
        ([&leak, &leak], "10"),
        ([&table, &table], "10"),
    ] {
        let (code, text) = judged(runs, &["--fail-above", limit]);
        assert!(code == Some(0) && !text.contains(said), "{text}");
    }
}

/// Of a log of glibc nobody knows who called a wrapper: sizes tell that what one of them lost is not what another has.
#[test]
fn what_a_size_lost_hides_no_other() {
    let directory = TempDir::new().unwrap();
    let of = |name: &str, blocks: [u64; 2]| {
        let mut text = String::from("= Start\n");
        for (kind, blocks) in blocks.into_iter().enumerate() {
            for n in 0..blocks {
                let (at, size) = (0x10_0000 * (kind as u64 + 1) + n * 0x80, 0x40 + kind * 0x18);
                text += &format!(
                    "@ /lib/libc.so.6:(__strdup+0x1a)[0x7f0000081d4a] + {at:#x} {size:#x}\n"
                );
            }
        }
        let path = directory.path().join(name);
        fs::write(&path, text + "= End\n").unwrap();
        path
    };
    let [before, after] = [of("a.log", [400, 0]), of("b.log", [0, 400])];
    let judged = |runs, options: &[&str]| {
        let (code, text) = gate(runs, options);
        (code, unwrapped(&text))
    };
    let (code, text) = judged([&before, &after], &["--fail-above", "10,1MiB"]);
    let said = "; but blocks of 88 B in ";
    assert!(code == Some(0) && text.contains(said), "{text}");
    let (code, text) = judged([&before, &after], &["--fail-above", "10,1MiB", "--strict"]);
    assert!(
        code == Some(1) && text.contains("in blocks of 88 B: +400 blocks"),
        "{text}"
    );
    let (code, text) = judged([&after, &after], &["--fail-above", "10"]);
    assert!(code == Some(0) && !text.contains(said), "{text}");
}
