//! Call sites of real programs. Each workload was recorded with some work, with one and a half times as much, and with four
//! times as much (`scripts/real-verdicts.sh`). The first two logs are compared; the third is taken for the second one
//! that goes on, and says what is true, as with simulated programs: what goes on growing in proportion is a leak.
//!
//! The logs are read here once more, without any of the code that is measured.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use mtrace_diff::{Grouping, RunInput};

use crate::judge::{Judged, Row, amount, decade, rows};
use crate::truth::{
    BYTES_A_STEP, Course, LEAST_PART_OF_REAL, Label, WINDOWS, Work, is_little, label,
};

/// Directories of the three runs, and their work.
const RUNS: [(&str, f64); 3] = [("100", 1.0), ("150", 1.5), ("400", 4.0)];

/// When all but one in so many allocations are made, a program's work is done, and it frees for the end.
const DONE: usize = 1000;

/// Or when what is live falls, and stays, below this share of its highest in the last part of the log, one in so many.
const FALLS: f64 = 0.97;
/// It began to fall at the highest point of so many lines before that, as a share of the blocks that were live: it takes a line
/// to free a block, and others are allocated in between.
const BEFORE: f64 = 0.1;
const END: usize = 4;

/// Where the windows of the third run begin, in work.
const WINDOWS_AT: [f64; WINDOWS] = [0.1, 1.5, 7.0 / 3.0, 19.0 / 6.0];

struct Log {
    /// By the caller as the log has it, at the end of the work.
    done: HashMap<String, Course>,
    /// At the end of the log.
    ended: HashMap<String, Course>,
    /// Lines until the work was done.
    lines: usize,
}

/// The recorded workloads of the programs of `all` that are named, or of all if there are none, each with its program's
/// number.
fn recorded<'a>(directory: &Path, all: &[&'a str], only: &[&str]) -> Vec<(String, usize, &'a str)> {
    let entries = std::fs::read_dir(directory).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let workloads: BTreeSet<String> = names
        .filter(|name| directory.join(name).join("done").exists())
        .collect();
    let numbered = workloads.into_iter().filter_map(|workload| {
        let program = workload.split("__").next().unwrap();
        // A recording may be of a workload that is no more.
        let number = all.iter().position(|name| *name == program)?;
        let is_wanted = only.is_empty() || only.contains(&program);
        is_wanted.then(|| (workload, number, all[number]))
    });
    numbered.collect()
}

/// The programs of `all` to tune on, then those held back in each of these sets, and what was judged of them.
pub(crate) fn judge_all(
    directory: &Path,
    all: &[&str],
    only: &[&str],
    held_back: &[Vec<&str>],
) -> Vec<(Vec<String>, Vec<Judged>)> {
    let mut groups: Vec<(Vec<String>, Vec<Judged>)> = Vec::new();
    groups.resize_with(1 + held_back.len(), Default::default);
    for (workload, number, program) in recorded(directory, all, only) {
        let of_set = held_back.iter().position(|names| names.contains(&program));
        let (programs, judged) = &mut groups[of_set.map_or(0, |set| set + 1)];
        if programs.last().is_none_or(|last| last != program) {
            programs.push(program.to_owned());
        }
        judged.extend(judge(&directory.join(&workload), &workload, number as u64));
    }
    groups
}

/// How many sites of each workload have which label, and where the leaks are; nothing of what is said of them.
pub(crate) fn print_labels(directory: &Path, all: &[&str], only: &[&str]) {
    for (workload, ..) in recorded(directory, all, only) {
        let logs = read_runs(&directory.join(&workload));
        let mut counts: BTreeMap<Label, usize> = BTreeMap::new();
        let (mut leaks, mut in_phases) = (Vec::new(), 0);
        for (caller, done) in &logs[1].done {
            let label = after_all(&workload, caller);
            let (label, by_bytes) = label.unwrap_or_else(|| labelled(&logs, caller));
            in_phases += usize::from(label == Label::Between && is_of_a_phase(&logs, caller));
            *counts.entry(label).or_default() += 1;
            if label == Label::Leak {
                let of = if by_bytes { ", of bytes alone" } else { "" };
                let floors = logs[2].done[caller].floors();
                leaks.push(format!(
                    "  {caller}{of}: {} ({} B), then {floors}\n",
                    done.blocks, done.bytes
                ));
            }
        }
        leaks.sort();
        let of = |label| counts.get(&label).copied().unwrap_or(0);
        println!(
            "{workload}: {} records, {} leak, {} do not, {} leaked too few, {} between ({in_phases} of these of one phase of \
             the work)",
            logs[1].lines,
            of(Label::Leak),
            of(Label::NoLeak),
            of(Label::TooFew),
            of(Label::Between),
        );
        print!("{}", leaks.concat());
    }
}

fn judge(directory: &Path, workload: &str, number: u64) -> Vec<Judged> {
    let logs = read_runs(directory);
    let last = &logs[1];
    let ways = [false, true].map(|is_timed| {
        let inputs = RUNS[..2]
            .iter()
            .map(|(name, _)| input(&directory.join(name), is_timed));
        rows(inputs.collect(), Grouping::Address)
    });
    let mut judged = Vec::new();
    for (caller, done) in &last.done {
        let label = after_all(workload, caller);
        let (label, by_bytes) = label.unwrap_or_else(|| labelled(&logs, caller));
        let found = ways.each_ref().map(|rows| row_of(rows, caller));
        let is_at_rest = done.blocks > 0 && done.last_change as usize <= last.lines / 2;
        let is_freed = last.ended[caller].blocks * 2 < done.blocks;
        let mut classes = vec![
            format!("workload: {workload}"),
            format!("records: {}", decade(last.lines as u64)),
        ];
        if label == Label::Leak {
            let before = logs[0].done.get(caller).map_or(0, |done| done.blocks);
            // Half of the first run's work more than there; three times that in all.
            let leaked = (done.blocks - before) * 3;
            classes.push(format!("leaked: {}", amount(leaked, by_bytes)));
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
                "{workload} {caller}{}; floors of the third run: {}\n{}",
                if is_freed { ", freed at exit" } else { "" },
                logs[2]
                    .done
                    .get(caller)
                    .map_or(String::new(), Course::floors),
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

/// The row of a caller: `/usr/bin/git:(name+1a)[0x1234]`, or without a name.
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

/// What a phase of the work leaves more in the longer run has at least so many steps, and this part of all; the longest run,
/// that has five times as much more, has this much of that.
const LEAST_OF_A_PHASE: i64 = 5;
const LEAST_PART_OF_A_PHASE: i64 = 10;
const FIVE_TIMES: std::ops::RangeInclusive<i64> = 3..=7;

/// Whether a caller has more where there is more work, though its floor does not rise: a program that reads all of its input
/// before it goes on keeps it in proportion, and early in each run.
fn is_of_a_phase(logs: &[Log; 3], caller: &str) -> bool {
    let measures: [fn(&Course) -> i64; 2] = [|done| done.blocks, |done| done.bytes / BYTES_A_STEP];
    measures.into_iter().any(|measure| {
        let [short, long, longest] = logs
            .each_ref()
            .map(|log| log.done.get(caller).map_or(0, measure));
        let (rise, later) = (long - short, longest - long);
        rise >= LEAST_OF_A_PHASE
            && rise * LEAST_PART_OF_A_PHASE >= long
            && (FIVE_TIMES.start() * rise..=FIVE_TIMES.end() * rise).contains(&later)
    })
}

/// Leaks that four times the work do not show, by workload and caller. Somebody who knew neither labels nor verdicts judged 36 sites
/// that were held back, from up to sixteen times the work: the labels of 34 were right.
const LEAKS_AFTER_ALL: [(&str, &str, &str); 2] = [
    // Of each of ten items one block, for ever, beside 301 of the pages that all of them have.
    ("lynx__dump", "[0x123a8c]", "blocks"),
    // One array, which grows in steps of 1.4, in proportion to the files.
    ("tar__links", "[0x44257]", "bytes"),
];

fn after_all(workload: &str, caller: &str) -> Option<(Label, bool)> {
    let mut leaks = LEAKS_AFTER_ALL.iter();
    let leak = leaks.find(|(of, at, _)| *of == workload && caller.ends_with(at));
    leak.map(|(_, _, of)| (Label::Leak, *of == "bytes"))
}

/// The label of a caller of the second run, and whether it is one of bytes alone. What one phase of the work keeps is neither
/// lost all along, nor is it bounded.
fn labelled(logs: &[Log; 3], caller: &str) -> (Label, bool) {
    match labelled_by_floors(logs, caller) {
        (Label::NoLeak, by_bytes) if is_of_a_phase(logs, caller) => (Label::Between, by_bytes),
        label => label,
    }
}

/// The same, by what the third run never falls below.
fn labelled_by_floors(logs: &[Log; 3], caller: &str) -> (Label, bool) {
    // The third run has done all that the second one did.
    let Some(course) = logs[2].done.get(caller) else {
        return (Label::Between, false);
    };
    // Something may come late in each run, however long it is, and be no more in the longest.
    let least_part = LEAST_PART_OF_REAL;
    let before = &logs[1].done[caller];
    let steps = |bytes: i64| bytes / BYTES_A_STEP;
    if is_little(course.blocks - before.blocks, course.blocks, least_part)
        && is_little(
            steps(course.bytes - before.bytes),
            steps(course.bytes),
            least_part,
        )
    {
        return (Label::NoLeak, false);
    }
    let work = [0, 1, 2, 3].map(|window| {
        let begins = if window == 0 { 0.0 } else { WINDOWS_AT[window] };
        let ends = WINDOWS_AT.get(window + 1).copied().unwrap_or(RUNS[2].1);
        Work {
            requests: ends - begins,
            seconds: ends - begins,
        }
    });
    label(before, course, &work, least_part)
}

fn read_runs(workload: &Path) -> [Log; 3] {
    read_all(&RUNS.map(|(name, _)| workload.join(name).join("mtrace.log")))
}

/// The runs of a workload, and the windows of the third.
fn read_all(paths: &[impl AsRef<Path>; 3]) -> [Log; 3] {
    let (first, second) = (read(paths[0].as_ref(), &[]), read(paths[1].as_ref(), &[]));
    // What the second run has more than the first is half of the first one's work; the rest is its start.
    let a_work = (second.lines as f64 - first.lines as f64).max(1.0) / (RUNS[1].1 - RUNS[0].1);
    let start = (first.lines as f64 - a_work).max(0.0);
    let windows = WINDOWS_AT.map(|work| (start + work * a_work) as usize);
    let third = read(paths[2].as_ref(), &windows);
    [first, second, third]
}

/// Replays a log of one thread, or of threads that do not overtake one another.
fn read(path: &Path, windows: &[usize]) -> Log {
    let text = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let text = String::from_utf8_lossy(&text);
    let work_ends = end_of_work(&text);
    let mut sites: HashMap<String, Course> = HashMap::new();
    let mut live: HashMap<&str, (&str, i64)> = HashMap::new();
    let (mut resizing, mut done, mut begun) = (None, None, 0);
    for (number, line) in text.lines().enumerate() {
        if number == work_ends {
            done = Some(sites.clone());
        }
        // After its work a program only frees, and no floor is to see it.
        while done.is_none() && windows.get(begun).is_some_and(|at| number >= *at) {
            sites.values_mut().for_each(Course::next_window);
            begun += 1;
        }
        let mut change = |caller: &str, blocks: i64, bytes: i64| {
            if !sites.contains_key(caller) {
                sites.insert(caller.to_owned(), Course::after_windows(begun));
            }
            let site = sites.get_mut(caller).unwrap();
            site.changes(number as u64, blocks, bytes);
            site.resized += u64::from(blocks == 0 && bytes > 0);
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
    // A run that was over before its work has no later windows.
    for _ in begun..windows.len() {
        sites.values_mut().for_each(Course::next_window);
        done.iter_mut()
            .flat_map(HashMap::values_mut)
            .for_each(Course::next_window);
    }
    Log {
        done: done.unwrap_or_else(|| sites.clone()),
        ended: sites,
        lines: work_ends,
    }
}

/// The line after which the program only cleans up: all allocations are made but a few, and what is live falls from
/// about its highest, not to come back.
fn end_of_work(text: &str) -> usize {
    // Each line with what it adds to the live blocks. A resize takes two, and adds nothing.
    let lines: Vec<i64> = text.lines().map(added).collect();
    let allocations = lines.iter().filter(|added| **added > 0).count();
    let wanted = allocations - allocations / DONE;
    let allocating = (0..lines.len()).filter(|line| lines[*line] > 0);
    let last_but_few = allocating
        .clone()
        .nth(wanted.saturating_sub(1))
        .unwrap_or(0);

    let live = lines.iter().scan(0, |live, added| {
        *live += added;
        Some(*live)
    });
    let live: Vec<i64> = live.collect();
    let end = lines.len() - (lines.len() / END).min(lines.len());
    let highest = live[end..].iter().copied().max().unwrap_or(0);
    let has_fallen = live
        .iter()
        .rposition(|live| *live as f64 >= FALLS * highest as f64)
        .unwrap_or(0);
    let before = has_fallen.saturating_sub((BEFORE * highest as f64) as usize);
    let falls = (before..=has_fallen).max_by_key(|line| live[*line]);
    last_but_few.min(falls.unwrap_or(0)) + 1
}

fn added(line: &str) -> i64 {
    let is = |sign: &str| line.contains(sign);
    if is(" + ") || is(" > ") {
        1
    } else {
        -i64::from(is(" - ") || is(" < "))
    }
}

fn size_of(word: &str) -> i64 {
    i64::from_str_radix(word.trim_start_matches("0x"), 16).unwrap()
}

/// Of logs as mtrace(3) writes them: one block in ten requests is kept, a table of 30 is loaded, a buffer of 1 KiB
/// grows by 64 bytes a request, a list is copied to a larger block, and the end frees the table.
pub(crate) fn labels_of_real_sites() {
    let directory = tempfile::tempdir().unwrap();
    let paths = RUNS.map(|(name, work)| {
        let path = directory.path().join(name);
        std::fs::write(&path, written((200.0 * work) as u64)).unwrap();
        path
    });
    let logs = read_all(&paths);
    let of = |caller: &str| labelled(&logs, caller);
    assert_eq!(of("./a:[0x10]"), (Label::NoLeak, false), "table");
    assert_eq!(of("./a:(f+0x1)[0x20]"), (Label::Leak, false), "kept");
    assert_eq!(of("./a:[0x30]"), (Label::Leak, true), "buffer");
    assert_eq!(of("./a:[0x40]"), (Label::NoLeak, false), "freed at once");
    assert_eq!(of("./a:[0x60]"), (Label::Leak, true), "list");
    assert_eq!(logs[1].done["./a:[0x10]"].blocks, 30);
    assert_eq!(logs[1].ended["./a:[0x10]"].blocks, 0);
    assert_eq!(logs[1].done["./a:(f+0x1)[0x20]"].blocks, 30);
}

fn written(requests: u64) -> String {
    let mut text = String::from("= Start\n");
    for block in 1..=30 {
        text += &format!("@ ./a:[0x10] + {:#x} 0x18\n", block * 32);
    }
    text += "@ ./a:[0x30] + 0x100000 0x400\n@ ./a:[0x60] + 0x110000 0x40\n";
    for request in 0..requests {
        let turn = |base: u64| (base + request % 2, base + (request + 1) % 2);
        let ((old, new), (list, longer)) = (turn(0x10_0000), turn(0x11_0000));
        let size = 64 * request;
        text += "@ ./a:[0x40] + 0x900 0x10\n@ ./a:[0x41] - 0x900\n";
        text += &format!(
            "@ ./a:[0x30] < {old:#x}\n@ ./a:[0x30] > {new:#x} {:#x}\n",
            0x400 + size
        );
        text += &format!("@ ./a:[0x60] + {longer:#x} {size:#x}\n@ ./a:[0x61] - {list:#x}\n");
        if request % 10 == 0 {
            let address = 0x20_0000 + size;
            text += &format!("@ ./a:(f+0x1)[0x20] + {address:#x} 0x20\n");
        }
    }
    for block in 1..=30 {
        text += &format!("@ ./a:[0x50] - {:#x}\n", block * 32);
    }
    text + "= End\n"
}
