//! Memory, each case measured in a process of its own: what another one took and gave back would be counted too.

#![allow(clippy::unwrap_used)] // a test that cannot go on fails

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;
use std::process::Command;

use mtrace_diff::internals::trace::{ReplayOptions, Reuse, replay};
use mtrace_diff::{Format, Options, Plan, RunInput, compare};
use rayon::prelude::*;

/// What a process takes before there is anything to remember: its code, buffers, and pieces of the log.
const BASE: u64 = 32 << 20;
const A_LIVE_BLOCK: u64 = 64;
/// Beside its live block. Callers that only one run has come close to it.
const A_CALLER: u64 = 704;
/// Of a function that has one caller, as the log names it.
const A_NAME: u64 = 500;

const BLOCKS: u64 = 1_000_000;

/// The address of each block.
type Layout = fn(u64) -> u64;

const LAYOUTS: [(&str, Layout); 5] = [
    ("side by side", |n| 0x5555_0000_0000 + n * 32),
    ("of 200 bytes", |n| 0x5555_0000_0000 + n * 208),
    ("of a page each", |n| 0x5555_0000_0000 + n * 4096),
    ("of a page or 32 bytes", |n| {
        0x5555_0000_0000 + n / 8 * 4096 + n % 8 * 32
    }),
    ("all over 64 bits", |n| {
        n.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1
    }),
];

/// The blocks of a log that leaks all of them, made as it is read: a log in memory would be counted.
struct Leaks {
    address_of: Layout,
    next: u64,
    text: Vec<u8>,
}

impl Read for Leaks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.text.len() < buffer.len() && self.next < BLOCKS {
            let address = (self.address_of)(self.next);
            writeln!(self.text, "@ ./app:[0x1234] + {address:#x} 0x8")?;
            self.next += 1;
        }
        let count = buffer.len().min(self.text.len());
        buffer[..count].copy_from_slice(&self.text[..count]);
        self.text.drain(..count);
        Ok(count)
    }
}

#[test]
fn memory_stays_in_proportion_to_live_blocks() {
    for (index, (name, _)) in LAYOUTS.into_iter().enumerate() {
        let taken = peak_of(&["blocks", &index.to_string()]);
        let allowed = BASE + A_LIVE_BLOCK * BLOCKS;
        assert!(taken <= allowed, "{name}: {taken} bytes, {allowed} allowed");
    }
}

/// What a caller takes is what a run of more callers takes more, so that [`BASE`] hides nothing.
const CALLERS: [u64; 2] = [20_000, 100_000];

/// What stands between `@ ` and the operator, of the caller with this number in the first run or the second.
type Spelling = fn(run: u64, n: u64) -> String;

const SPELLINGS: [(&str, u64, Spelling); 4] = [
    ("of the program, in both runs", A_CALLER, |_, n| {
        format!("/usr/bin/app:[{:#x}]", 0x40_1000 + n * 5)
    }),
    ("of the program, in one run each", A_CALLER, |run, n| {
        format!(
            "/usr/bin/app:[{:#x}]",
            0x40_1000 + (run * CALLERS[1] + n) * 5
        )
    }),
    ("of a library", A_CALLER, |_, n| {
        format!("/usr/lib/libfoo.so.1:[{:#x}]", 0x1000 + n * 5)
    }),
    ("with a symbol each", A_CALLER + A_NAME, |_, n| {
        format!(
            "/usr/lib/libfoo.so.1:(function_{n}+0x10)[{:#x}]",
            0x1000 + n * 5
        )
    }),
];

const FORMATS: [&str; 2] = ["table", "json"];

#[test]
fn memory_stays_in_proportion_to_callers() {
    // Each is measured in a process of its own.
    SPELLINGS
        .into_par_iter()
        .for_each(|(name, a_caller, spelling)| {
            let [few, many] = CALLERS.map(|callers| taken_for(callers, spelling));
            let each = many.saturating_sub(few) / (2 * (CALLERS[1] - CALLERS[0]));
            let allowed = a_caller + A_LIVE_BLOCK;
            println!("{name}: {each} bytes for each caller of a run");
            assert!(each <= allowed, "{name}: {each} bytes, {allowed} allowed");
            assert!(
                few <= BASE + allowed * CALLERS[0] * 2,
                "{name}: {few} bytes"
            );
        });
}

/// The texts of a caller are cut, and then kept four times: in the log's own list, and as a module's name and paths.
#[test]
fn memory_does_not_grow_with_the_texts_of_callers() {
    const CALLERS: u64 = 500;
    const TEXT: u64 = 4 * 4096;
    let taken = taken_for(CALLERS, |run, n| {
        format!("/{}/{run}/{n}.so:[0x1234]", "x".repeat(60_000))
    });
    let allowed = BASE + (A_CALLER + A_LIVE_BLOCK + TEXT) * CALLERS * 2;
    assert!(taken <= allowed, "{taken} bytes, {allowed} allowed");
}

/// The peak of a comparison of two logs of so many callers each, with both formats.
fn taken_for(callers: u64, spelling: Spelling) -> u64 {
    let directory = tempfile::tempdir().unwrap();
    let logs = [0, 1].map(|run| {
        let path = directory.path().join(format!("run{run}.log"));
        write_log(&path, callers, |n| spelling(run, n));
        path
    });
    let [first, second] = logs.each_ref().map(|path| path.to_str().unwrap());
    peak_of(&["callers", &callers.to_string(), first, second])
}

/// A log of callers that leave one block each.
fn write_log(path: &Path, callers: u64, caller: impl Fn(u64) -> String) {
    let mut log = BufWriter::new(File::create(path).unwrap());
    writeln!(log, "= Start").unwrap();
    for n in 0..callers {
        let address = 0x5555_0000_0000 + n * 32;
        writeln!(log, "@ {} + {address:#x} 0x18", caller(n)).unwrap();
    }
    writeln!(log, "= End").unwrap();
    log.into_inner().unwrap();
}

/// Names the case that a process of its own is to work on.
const CASE: &str = "MTRACE_DIFF_MEMORY_CASE";

/// The peak of a process that does what a case names, over that of one that does nothing.
fn peak_of(case: &[&str]) -> u64 {
    let peak = |case: &[&str]| -> u64 {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "in_a_process_of_its_own", "--nocapture"]);
        let output = command.env(CASE, case.join("\n")).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let peak = text.lines().find_map(|line| line.strip_prefix("peak "));
        let problem = || {
            format!(
                "{case:?}: {text}{}",
                String::from_utf8_lossy(&output.stderr)
            )
        };
        peak.unwrap_or_else(|| panic!("{}", problem()))
            .parse()
            .unwrap()
    };
    peak(case).saturating_sub(peak(&["nothing"]))
}

/// Not a test, but what the others measure.
#[test]
fn in_a_process_of_its_own() {
    let Ok(case) = std::env::var(CASE) else {
        return;
    };
    match *case.split('\n').collect::<Vec<_>>() {
        ["blocks", layout] => leak_blocks(LAYOUTS[layout.parse::<usize>().unwrap()].1),
        ["callers", callers, first, second] => {
            report(callers.parse().unwrap(), [first, second]);
        }
        _ => {}
    }
    println!("\npeak {}", resident());
}

fn leak_blocks(address_of: Layout) {
    let log = Leaks {
        address_of,
        next: 0,
        text: Vec::new(),
    };
    let trace = replay(log, ReplayOptions::default()).unwrap();
    assert_eq!(trace.under(Reuse::FreeLost).stats()[0].live.blocks, BLOCKS);
}

fn report(callers: u64, runs: [&str; 2]) {
    let run = |path: &str| RunInput {
        path: path.into(),
        ..RunInput::default()
    };
    let plan = Plan {
        runs: runs.map(run).into(),
        ..Plan::default()
    };
    let options = Options::default();
    // In a pool, as the program itself, but of as many threads on every machine: the heap of each keeps some of what
    // it let go of.
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(2)
        .build()
        .unwrap();
    pool.install(|| {
        let report = compare(&plan).unwrap();
        assert!(report.sites.len() as u64 >= callers);
        for name in FORMATS {
            let format = Format::named(name).unwrap();
            format.write(&report, &options, &mut io::sink()).unwrap();
            println!("{name}: {} bytes", resident());
        }
    });
}

/// Peak resident memory of this process, in bytes.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let mut lines = status.lines();
    let line = lines.find(|line| line.starts_with("VmHWM:")).unwrap();
    let kib = line.split_whitespace().nth(1).unwrap();
    kib.parse::<u64>().unwrap() * 1024
}
