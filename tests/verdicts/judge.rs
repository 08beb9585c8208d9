//! One program: its two logs are written, compared as a user would, and each verdict is held against the truth.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use mtrace_diff::{Figures, Grouping, Plan, RunInput, Site, compare};

use crate::engine::{Run, execute, first_run, go_on, last_run};
use crate::program::Program;
use crate::truth::{LEAST_PART, Label, label, looks_like_a_leak};
use crate::world::return_address;

/// How the runs were given: without their durations, and with them.
pub(crate) const WAYS: [&str; 2] = ["without durations", "with durations"];

/// A call site of a program, what it truly does, and what is said of it.
pub(crate) struct Judged {
    /// Of a real program, its place in the list of them.
    pub seed: u64,
    pub kind: String,
    pub label: Label,
    /// What sets it apart from others with its label, for figures by class.
    pub classes: Vec<String>,
    /// It holds what it has had since the first half of the last run, and nothing came or went after.
    pub is_at_rest: bool,
    /// In the order of [`WAYS`]; nothing where there is none.
    pub verdicts: [String; 2],
    /// For people: where it is, and how it looks.
    pub text: String,
}

/// Whether a verdict says that it leaks, however sure. What grows and is freed at exit may have a word of its own.
pub(crate) fn calls_leak(verdict: &str) -> bool {
    matches!(verdict.trim_end_matches('?'), "leak" | "grows")
}

/// The word that the table has for it.
fn verdict(site: &Site) -> String {
    site.trend.map_or("none", |trend| trend.name()).to_owned()
}

/// Programs one by one, as many at a time as there are processors.
pub(crate) fn judge_all(seeds: &[u64]) -> Vec<Judged> {
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let keep = std::env::var_os("KEEP");
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let judged = match &keep {
                        Some(directory) => {
                            let directory = Path::new(directory).join(seed.to_string());
                            std::fs::create_dir_all(&directory).unwrap();
                            judge(*seed, &directory)
                        }
                        None => judge(*seed, tempfile::tempdir().unwrap().path()),
                    };
                    done.lock().unwrap().extend(judged);
                }
            });
        }
    });
    let mut judged = done.into_inner().unwrap();
    judged.sort_by_key(|judged| judged.seed);
    judged
}

fn judge(seed: u64, directory: &Path) -> Vec<Judged> {
    let program = Program::new(seed);
    let (first, last) = (first_run(&program), last_run(&program));
    let logs = ["run0.log", "run1.log"].map(|name| directory.join(name));
    let before = execute(&program, &first, &mut File::create(&logs[0]).unwrap());
    let shown = execute(&program, &last, &mut File::create(&logs[1]).unwrap());
    let (courses, work) = go_on(&program, &last);
    let ways = [false, true].map(|is_timed| verdicts(&logs, [&first, &last], is_timed));

    let mut judged = Vec::new();
    for (index, site) in program.sites.iter().enumerate() {
        let done = &shown.done[index];
        // It has no row, and nothing is said of it.
        let Some(row) = ways[0].get(&index) else {
            continue;
        };
        let (label, by_bytes) = label(done, &courses[index], &work, LEAST_PART);
        let lines = [shown.lines, before.lines];
        let label = match label {
            Label::NoLeak if looks_like_a_leak(done, &before.done[index], lines) => {
                Label::StopsLater
            }
            label => label,
        };
        let is_freed = shown.ended[index].blocks * 2 < done.blocks;
        let is_at_rest = done.blocks > 0 && done.last_change <= shown.lines / 2;
        let mut classes = vec![
            format!("load: {}", program.load.name()),
            format!("lengths: {}:{}", program.lengths.0, program.lengths.1),
            format!("pace: x{}", program.pace),
            format!("records: {}", decade(shown.lines)),
        ];
        if label == Label::Leak {
            classes.push(format!("leaked: {}", amount(done.lost as i64, by_bytes)));
            if is_freed {
                classes.push("leaked: freed at exit".to_owned());
            }
        }
        judged.push(Judged {
            seed,
            kind: site.kind.to_owned(),
            label,
            classes,
            is_at_rest,
            verdicts: [0, 1].map(|way| {
                ways[way]
                    .get(&index)
                    .map_or("none", |row| &row.0)
                    .to_owned()
            }),
            text: format!(
                "{:#x} {}; {}{}; {}\n{}",
                return_address(index),
                site.kind,
                program.about(),
                if is_freed { ", freed at exit" } else { "" },
                format_args!("lost {} in the last run", done.lost),
                row.1
            ),
        });
    }
    judged
}

pub(crate) fn decade(lines: u64) -> &'static str {
    match lines {
        0..10_000 => "under 10,000",
        10_000..100_000 => "under 100,000",
        _ => "100,000 and more",
    }
}

pub(crate) fn amount(lost: i64, by_bytes: bool) -> &'static str {
    match lost {
        _ if by_bytes => "bytes alone",
        ..=0 => "no block for ever",
        1..12 => "5-11 blocks",
        12..=60 => "12-60 blocks",
        61..1000 => "61-999 blocks",
        _ => "1,000 and more",
    }
}

/// By site: its verdict, and its curves in both runs.
fn verdicts(
    logs: &[std::path::PathBuf; 2],
    runs: [&Run; 2],
    is_timed: bool,
) -> HashMap<usize, (String, String)> {
    let inputs = logs.iter().zip(runs).map(|(log, run)| RunInput {
        duration_s: is_timed.then_some(run.seconds),
        ..RunInput::new(log)
    });
    let rows = rows(inputs.collect(), Grouping::default()).into_iter();
    rows.map(|row| (index_of(row.address), (row.verdict, row.curves)))
        .collect()
}

/// What a row of the table says of a call site.
pub(crate) struct Row {
    /// Of its module, as the last run that has it spells it.
    pub module: Option<String>,
    /// The link-time address, or the log's own number.
    pub address: u64,
    pub verdict: String,
    pub curves: String,
}

/// Compares runs as a user would.
pub(crate) fn rows(runs: Vec<RunInput>, by: Grouping) -> Vec<Row> {
    let plan = Plan {
        runs,
        by,
        ..Plan::default()
    };
    let report = compare(&plan).unwrap();
    let rows = report.sites.iter().map(|site| {
        let module = site
            .at
            .module
            .as_ref()
            .map(|module| module.name.to_string());
        let address = site.at.address().map(|address| address.0);
        Row {
            module,
            address: address.or(site.at.number()).unwrap(),
            verdict: verdict(site),
            curves: curves(site),
        }
    });
    rows.collect()
}

/// Which of the program's sites returns there.
fn index_of(address: u64) -> usize {
    let index = (0..)
        .find(|index| return_address(*index) >= address)
        .unwrap();
    assert_eq!(return_address(index), address, "a row that is no site's");
    index
}

/// A line for each run.
fn curves(site: &Site) -> String {
    let mut text = String::new();
    for run in site.at.runs.iter() {
        let figures = run.as_ref().map_or(Figures::ZERO, |run| run.figures);
        let curve = run.as_ref().and_then(|run| run.curve.as_ref());
        let points = curve.map(|curve| curve.points().map(|point| (point.blocks, point.bytes)));
        let Some(points) = points else {
            text += "        no curve\n";
            continue;
        };
        let blocks = points.map(|(blocks, _)| blocks);
        let most = blocks.iter().copied().max().unwrap_or(0);
        text += &format!(
            "        {}  {most} at most, {} at the end, {} bytes, {} allocations\n",
            drawn(&blocks, most),
            figures.blocks,
            figures.bytes.unwrap_or(0),
            figures.allocations.unwrap_or(0)
        );
    }
    text
}

fn drawn(points: &[u64], most: u64) -> String {
    const LEVELS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let level = |point: &u64| LEVELS[(point * 8).div_ceil(most.max(1)) as usize];
    points.iter().map(level).collect()
}
