//! Call sites of real programs. Each workload was recorded with some work, with one and a half times as much, and with four
//! times as much (`scripts/real-verdicts.sh`). The first two logs are compared; all three together say what is true:
//! what goes on growing in proportion to the work is a leak.
//!
//! The logs are read here once more, without any of the code that is measured.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use mtrace_diff::{Grouping, RunInput};

use crate::judge::{Judged, Row, amount, decade, rows};
use crate::truth::Label;

/// Directories of the three runs, and their work.
const RUNS: [(&str, f64); 3] = [("100", 1.0), ("150", 1.5), ("400", 4.0)];

/// When all but one in so many allocations are made, a program's work is done, and it frees for the end.
const DONE: usize = 1000;

/// What is held is the least over the last tenth of the work.
const FLOOR: usize = 10;

/// The least growth from the second run to the third that is one, in blocks, and of the level one part in so many.
const LEAST_RISE: f64 = 10.0;
const LEAST_PART: f64 = 50.0;

/// What a leak has to have leaked in the second run to be seen.
const FEWEST: f64 = 5.0;

/// Growth from the first run to the second is in proportion to that from the second to the third if it differs by no
/// more than this share, or by so many times what chance does.
const PROPORTION: f64 = 0.5;
const CHANCE: f64 = 3.0;

/// What slows down to this share of its pace is bound to end.
const SLOW: f64 = 0.25;

const BYTES_A_STEP: i64 = 64;

/// A call site of a log.
#[derive(Clone, Debug, Default)]
struct Seen {
    blocks: i64,
    bytes: i64,
    /// The least of both in the end of the work.
    floor: Option<(i64, i64)>,
    /// When the work was done.
    at_end: i64,
    resized: usize,
    /// The last line in which what it holds changed, before the end of the work.
    last_change: usize,
}

impl Seen {
    fn work_is_done(&mut self) {
        self.at_end = self.blocks;
        // What did not change in the last part holds what it held.
        self.floor.get_or_insert((self.blocks, self.bytes));
    }
}

struct Log {
    /// By the caller as the log has it.
    sites: HashMap<String, Seen>,
    /// Lines until the work was done.
    lines: usize,
}

/// Whether the programs named, or all if there are none, are to be judged; in order of their names.
pub fn judge_all(directory: &Path, only: &[&str]) -> (Vec<Judged>, [Vec<String>; 2]) {
    let entries = std::fs::read_dir(directory).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let workloads: BTreeSet<String> = names
        .filter(|name| directory.join(name).join("done").exists())
        .collect();
    let program = |workload: &str| workload.split("__").next().unwrap().to_owned();
    let programs: BTreeSet<String> = workloads.iter().map(|name| program(name)).collect();
    let programs: Vec<String> = programs.into_iter().collect();
    let (mut judged, mut named) = (Vec::new(), [Vec::new(), Vec::new()]);
    for workload in &workloads {
        let program = program(workload);
        if !only.is_empty() && !only.contains(&program.as_str()) {
            continue;
        }
        let number = programs.iter().position(|name| *name == program).unwrap();
        if named[number % 2].last() != Some(&program) {
            named[number % 2].push(program);
        }
        judged.extend(judge(&directory.join(workload), workload, number as u64));
    }
    (judged, named)
}

fn judge(directory: &Path, workload: &str, number: u64) -> Vec<Judged> {
    let logs = RUNS.map(|(name, _)| read(&directory.join(name).join("mtrace.log")));
    let ways = [false, true].map(|is_timed| {
        let inputs = RUNS[..2]
            .iter()
            .map(|(name, _)| input(&directory.join(name), is_timed));
        rows(inputs.collect(), Grouping::Address)
    });
    let mut judged = Vec::new();
    for (caller, seen) in &logs[1].sites {
        let (label, by_bytes) = labelled(&logs, caller);
        let found = ways.each_ref().map(|rows| row_of(rows, caller));
        let is_at_rest = seen.at_end > 0 && seen.last_change <= logs[1].lines / 2;
        let is_freed = seen.blocks * 2 < seen.at_end;
        let mut classes = vec![
            format!("workload: {workload}"),
            format!("records: {}", decade(logs[1].lines as u64)),
        ];
        if label == Label::Leak {
            let leaked =
                (floor(&logs[2], caller, false) - floor(&logs[1], caller, false)) as f64 * 0.6;
            classes.push(format!("leaked: {}", amount(leaked as i64, by_bytes)));
            if is_freed {
                classes.push("leaked: freed at exit".to_owned());
            }
        }
        judged.push(Judged {
            seed: number,
            kind: workload.to_owned(),
            label,
            classes,
            is_at_rest,
            verdicts: found.map(|row| row.map_or("none".to_owned(), |row| row.verdict.clone())),
            text: format!(
                "{workload} {caller}{}; floors of the three runs: {:?} blocks, {:?} bytes\n{}",
                if is_freed { ", freed at exit" } else { "" },
                logs.each_ref().map(|log| floor(log, caller, false)),
                logs.each_ref().map(|log| floor(log, caller, true)),
                found[0].map_or("", |row| &row.curves)
            ),
        });
    }
    judged
}

fn input(run: &Path, is_timed: bool) -> RunInput {
    let nanoseconds = std::fs::read_to_string(run.join("nanoseconds")).unwrap();
    let seconds = nanoseconds.trim().parse::<f64>().unwrap() / 1e9;
    RunInput {
        duration_s: is_timed.then_some(seconds),
        ..RunInput::new(run.join("mtrace.log"))
    }
}

/// A program that is no PIE lies here, and the log counts from there.
const PROGRAM_BASE: u64 = 0x40_0000;

/// The row of a caller: `/usr/bin/git(name+1a)[0x1234]`, or without a name.
fn row_of<'a>(rows: &'a [Row], caller: &str) -> Option<&'a Row> {
    let (head, number) = caller.rsplit_once("[0x").unwrap();
    let number = u64::from_str_radix(number.trim_end_matches(']'), 16).unwrap();
    let path = head.split([':', '(']).next().unwrap();
    let base_name = |path: &str| path.rsplit('/').next().unwrap().to_owned();
    rows.iter().find(|row| {
        let is_module = row.module.as_deref();
        let is_module = is_module.is_none_or(|of| base_name(of) == base_name(path));
        is_module && [number, number + PROGRAM_BASE].contains(&row.address)
    })
}

fn floor(log: &Log, caller: &str, of_bytes: bool) -> i64 {
    let site = log.sites.get(caller);
    let (blocks, bytes) = site.and_then(|site| site.floor).unwrap_or_default();
    if of_bytes { bytes } else { blocks }
}

/// The label of a caller, and whether it is one of bytes alone.
fn labelled(logs: &[Log; 3], caller: &str) -> (Label, bool) {
    let blocks = logs.each_ref().map(|log| floor(log, caller, false));
    let by_blocks = label(blocks);
    if by_blocks != Label::NoLeak {
        return (by_blocks, false);
    }
    let bytes = logs.each_ref().map(|log| floor(log, caller, true));
    let by_bytes = label(bytes.map(|bytes| bytes / BYTES_A_STEP));
    let grows_in_place = logs[1].sites[caller].resized as f64 >= FEWEST;
    // A list that is copied to a larger block each time; sizes that vary do not double.
    let is_doubled = bytes[2] >= 2 * bytes[1];
    match by_bytes {
        _ if grows_in_place => (by_bytes, true),
        Label::Leak if is_doubled => (by_bytes, true),
        _ => (by_blocks, false),
    }
}

/// What is held after each run's work says which it is.
fn label(held: [i64; 3]) -> Label {
    let rise = |from: usize| (held[from + 1] - held[from]) as f64;
    let work = |from: usize| RUNS[from + 1].1 - RUNS[from].1;
    let (early, late) = (rise(0), rise(1));
    let pace = late / work(1);
    let expected = pace * work(0);
    let level = held[2] as f64;
    let is_growth = late >= LEAST_RISE && late * LEAST_PART >= level;
    let may_differ = (PROPORTION * expected).max(CHANCE * expected.abs().sqrt());
    if is_growth && (early - expected).abs() <= may_differ {
        return match pace * RUNS[1].1 >= FEWEST {
            true => Label::Leak,
            false => Label::TooFew,
        };
    }
    let is_slow = pace <= SLOW * early / work(0);
    if late <= 2.0 || late * LEAST_PART < level || is_slow {
        Label::NoLeak
    } else {
        Label::Between
    }
}

/// Replays a log of one thread, or of threads that do not overtake one another.
fn read(path: &Path) -> Log {
    let text = std::fs::read(path).unwrap();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    let allocates = |line: &str| line.contains(" + ") || line.contains(" > ");
    let allocations = lines.iter().filter(|line| allocates(line)).count();
    let wanted = allocations - allocations / DONE;
    let mut done = 0;
    let work_ends = lines.iter().position(|line| {
        done += usize::from(allocates(line));
        done == wanted
    });
    let work_ends = work_ends.unwrap_or(lines.len());

    let mut sites: HashMap<String, Seen> = HashMap::new();
    let mut live: HashMap<&str, (&str, i64)> = HashMap::new();
    let (mut resizing, mut is_done) = (None, false);
    for (number, line) in lines.iter().enumerate() {
        if number == work_ends + 1 {
            sites.values_mut().for_each(Seen::work_is_done);
            is_done = true;
        }
        let is_last_part = number + work_ends / FLOOR >= work_ends && number <= work_ends;
        let mut change = |caller: &str, blocks: i64, bytes: i64| {
            let site = sites.entry(caller.to_owned()).or_default();
            if is_last_part && site.floor.is_none() {
                site.floor = Some((site.blocks, site.bytes));
            }
            site.blocks += blocks;
            site.bytes += bytes;
            site.resized += usize::from(blocks == 0 && bytes > 0);
            if number <= work_ends {
                site.last_change = number;
            }
            if let (true, Some(floor)) = (is_last_part, &mut site.floor) {
                floor.0 = floor.0.min(site.blocks);
                floor.1 = floor.1.min(site.bytes);
            }
        };
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["@", caller, "+", address, size] if *address != "(nil)" => {
                let size = size_of(size);
                live.insert(address, (caller, size));
                change(caller, 1, size);
            }
            ["@", _, "-", address] => {
                if let Some((caller, size)) = live.remove(address) {
                    change(caller, -1, -size);
                }
            }
            ["@", _, "<", address] => resizing = live.remove(address),
            ["@", caller, ">", address, size] => {
                let size = size_of(size);
                match resizing.take() {
                    Some((before, old)) if before == *caller => change(caller, 0, size - old),
                    before => {
                        if let Some((before, old)) = before {
                            change(before, -1, -old);
                        }
                        change(caller, 1, size);
                    }
                }
                live.insert(address, (caller, size));
            }
            _ => {}
        }
    }
    if !is_done {
        sites.values_mut().for_each(Seen::work_is_done);
    }
    Log {
        sites,
        lines: work_ends,
    }
}

fn size_of(word: &str) -> i64 {
    i64::from_str_radix(word.trim_start_matches("0x"), 16).unwrap()
}

/// Of logs as mtrace(3) writes them: one block in ten requests is kept, a table of 30 is loaded, a buffer of 1 KiB
/// grows by 64 bytes a request, and the end frees the table.
pub fn labels_of_real_sites() {
    let directory = tempfile::tempdir().unwrap();
    let logs = RUNS.map(|(name, work)| {
        let path = directory.path().join(name);
        std::fs::write(&path, written((200.0 * work) as u64)).unwrap();
        read(&path)
    });
    let of = |caller: &str| labelled(&logs, caller);
    assert_eq!(of("./a:[0x10]"), (Label::NoLeak, false), "table");
    assert_eq!(of("./a:(f+0x1)[0x20]"), (Label::Leak, false), "kept");
    assert_eq!(of("./a:[0x30]"), (Label::Leak, true), "buffer");
    assert_eq!(of("./a:[0x40]"), (Label::NoLeak, false), "freed at once");
    assert_eq!(logs[1].sites["./a:[0x10]"].blocks, 0);
    assert_eq!(logs[1].sites["./a:[0x10]"].at_end, 30);
    assert_eq!(floor(&logs[1], "./a:[0x10]", false), 30);

    assert_eq!(label([10, 15, 40]), Label::Leak);
    assert_eq!(label([2, 3, 4]), Label::NoLeak, "a high-water mark");
    assert_eq!(label([300, 310, 312]), Label::NoLeak);
    assert_eq!(label([100, 190, 200]), Label::NoLeak, "it slows down");
    assert_eq!(label([100, 130, 180]), Label::Between);
}

fn written(requests: u64) -> String {
    let mut text = String::from("= Start\n");
    for block in 1..=30 {
        text += &format!("@ ./a:[0x10] + {:#x} 0x18\n", block * 32);
    }
    text += "@ ./a:[0x30] + 0x100000 0x400\n";
    for request in 0..requests {
        let (old, new) = (0x10_0000 + request % 2, 0x10_0000 + (request + 1) % 2);
        text +=
            &format!("@ ./a:[0x40] + 0x900 0x10\n@ ./a:[0x41] - 0x900\n@ ./a:[0x30] < {old:#x}\n");
        text += &format!("@ ./a:[0x30] > {new:#x} {:#x}\n", 0x400 + 64 * request);
        if request % 10 == 0 {
            text += &format!(
                "@ ./a:(f+0x1)[0x20] + {:#x} 0x20\n",
                0x20_0000 + 64 * request
            );
        }
    }
    for block in 1..=30 {
        text += &format!("@ ./a:[0x50] - {:#x}\n", block * 32);
    }
    text + "= End\n"
}
