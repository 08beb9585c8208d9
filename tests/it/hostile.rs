//! Damaged, hostile and generated input: an answer or a clear error, never a panic, and always the
//! figures of what is whole.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};

use crate::common::{directory_in_memory, file_of, testdata};
use mtrace_diff::internals::trace::{Event, Line, Reuse};
use mtrace_diff::internals::trace::{
    ReplayOptions, Rounds, STEPS, Tally, Trace, replay, replay_in,
};
use proptest::prelude::*;

/// The obvious replay: a queue an address, or one block an address, in a map of strings.
#[derive(Default)]
struct Reference {
    queues: BTreeMap<u64, VecDeque<(String, u64)>>,
    latest: BTreeMap<u64, (String, u64)>,
    ever: std::collections::BTreeSet<u64>,
    unknown: [u64; 2],
    double: [u64; 2],
    reused: [u64; 2],
    records: u64,
}

impl Reference {
    fn read(log: &[u8]) -> Self {
        let mut reference = Reference::default();
        let whole = log.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
        for line in log[..whole].split(|&b| b == b'\n') {
            if let Line::Record(record) = Line::parse(line) {
                reference.records += 1;
                reference.event(
                    String::from_utf8_lossy(record.caller).into_owned(),
                    record.event,
                );
            }
        }
        reference
    }

    fn event(&mut self, caller: String, event: Event) {
        match event {
            Event::Allocated { address, size } | Event::ReallocatedTo { address, size } => {
                let queue = self.queues.entry(address).or_default();
                self.reused[0] += u64::from(!queue.is_empty());
                queue.push_back((caller.clone(), size));
                self.reused[1] += u64::from(self.latest.insert(address, (caller, size)).is_some());
                self.ever.insert(address);
            }
            Event::Freed { address } | Event::ReallocatedFrom { address } => {
                let was_seen = !self.ever.insert(address);
                let missed = [
                    self.queues
                        .entry(address)
                        .or_default()
                        .pop_front()
                        .is_none(),
                    self.latest.remove(&address).is_none(),
                ];
                for (meaning, missed) in missed.into_iter().enumerate() {
                    self.unknown[meaning] += u64::from(missed);
                    self.double[meaning] += u64::from(missed && was_seen);
                }
            }
            Event::AllocationFailed { .. } | Event::ReallocationFailed { .. } => {}
        }
    }

    /// Live blocks by caller.
    fn live(&self, reuse: Reuse) -> BTreeMap<String, Tally> {
        let blocks: Vec<&(String, u64)> = match reuse {
            Reuse::FreeLoggedLate => self.queues.values().filter_map(VecDeque::back).collect(),
            Reuse::FreeLost => self.latest.values().collect(),
        };
        let mut live: BTreeMap<String, Tally> = BTreeMap::new();
        for (caller, size) in blocks {
            live.entry(caller.clone()).or_default().add(Tally {
                blocks: 1,
                bytes: *size,
            });
        }
        live
    }
}

fn live_of(trace: &Trace, reuse: Reuse) -> BTreeMap<String, Tally> {
    let stats = trace.under(reuse).stats();
    let mut live: BTreeMap<String, Tally> = BTreeMap::new();
    for (caller, stats) in trace.callers.iter().zip(stats) {
        let file = String::from_utf8_lossy(caller.file.unwrap_or_default()).into_owned();
        let text = format!("{file}:[{:#x}]", caller.address.unwrap());
        live.entry(text).or_default().add(stats.live);
    }
    live.retain(|_, tally| tally.blocks > 0);
    live
}

fn read(log: &[u8]) -> Trace {
    replay(log, ReplayOptions::default()).unwrap()
}

fn assert_same(log: &[u8]) {
    let (trace, reference) = (read(log), Reference::read(log));
    assert_eq!(trace.records, reference.records);
    for (meaning, reuse) in [Reuse::FreeLoggedLate, Reuse::FreeLost]
        .into_iter()
        .enumerate()
    {
        assert_eq!(live_of(&trace, reuse), reference.live(reuse), "{reuse:?}");
        let anomalies = trace.under(reuse).anomalies();
        assert_eq!(
            anomalies.unknown_frees.count, reference.unknown[meaning],
            "{reuse:?}"
        );
        assert_eq!(
            anomalies.double_frees.count, reference.double[meaning],
            "{reuse:?}"
        );
        assert_eq!(
            anomalies.live_address_reused.count, reference.reused[meaning],
            "{reuse:?}"
        );
    }
}

/// Every figure, name and warning of a log is the same in pieces of any size as in one.
fn assert_cut_up_alike(log: &[u8], rounds: Rounds) {
    let options = ReplayOptions {
        keep_unknown_frees: true,
    };
    let whole = Rounds {
        piece: log.len() + 1,
        pieces: 1,
    };
    let [whole, cut] =
        [whole, rounds].map(|rounds| everything(&replay_in(rounds, log, options).unwrap()));
    assert_eq!(whole, cut, "{rounds:?}");
}

fn everything(trace: &Trace) -> Vec<String> {
    let of = |reuse| {
        let frees: Vec<_> = trace.under(reuse).unknown_frees().collect();
        format!(
            "{:?} {:?} {:?} {:?} {:?} {frees:?}",
            trace.under(reuse).stats(),
            trace.under(reuse).curves(),
            trace.under(reuse).live_blocks(),
            trace.under(reuse).faults(),
            trace.under(reuse).anomalies(),
        )
    };
    let callers: Vec<_> = trace.callers.iter().collect();
    let counts = (
        trace.records,
        trace.lines,
        trace.wide_addresses,
        trace.allocations(),
    );
    vec![
        of(Reuse::FreeLoggedLate),
        of(Reuse::FreeLost),
        format!("{callers:?} {counts:?}"),
    ]
}

fn is_realloc_end(line: &[u8]) -> bool {
    line.starts_with(b"@ ") && memchr::memmem::find(line, b"] > 0x").is_some()
}

/// How many lines there are until all allocations but one in a thousand are made, where so many lines go together.
fn work_of(log: &[u8], unit: usize) -> usize {
    let lines = log.split_inclusive(|&b| b == b'\n').enumerate();
    let allocations = lines.filter_map(|(number, line)| {
        let Line::Record(record) = Line::parse(line.trim_ascii_end()) else {
            return None;
        };
        match record.event {
            Event::Allocated { .. } => Some(number),
            // The block was there while it was moved.
            Event::ReallocatedTo { .. } => Some(number.saturating_sub(1)),
            _ => None,
        }
    });
    let allocations: Vec<usize> = allocations.map(|number| number / unit).collect();
    let few = allocations.len() / 1000;
    let last = allocations.iter().rev().nth(few);
    last.map_or(0, |last| (last + 1) * unit)
}

/// The line at which a step is over. What only frees, after the work, is an eighth of the curves at the most.
fn line_at(step: usize, lines: usize, work: usize) -> usize {
    let end = lines - work.min(lines);
    let of_work = STEPS / 8 * 7;
    match work {
        0 => (lines * step).div_ceil(STEPS),
        _ if end * 7 <= work => (lines * step).div_ceil(STEPS),
        _ if step <= of_work => (work * step).div_ceil(of_work),
        _ => work + (end * (step - of_work)).div_ceil(STEPS - of_work),
    }
}

/// At every step the curves have what the obvious replay has of the lines up to there.
fn assert_curves(log: &[u8]) {
    let trace = read(log);
    let ends: Vec<usize> = memchr::memchr_iter(b'\n', log).map(|at| at + 1).collect();
    let lines = ends.len();
    for reuse in [Reuse::FreeLoggedLate, Reuse::FreeLost] {
        let curves = trace.under(reuse).curves();
        for step in 0..STEPS {
            // Up to 256 lines every step has its line; then two lines, four lines … go together.
            let mut unit = 1;
            while lines.div_ceil(unit) > 256 {
                unit *= 2;
            }
            let line = line_at(step + 1, lines, work_of(log, unit));
            let line = ((line + unit / 2) / unit * unit).max(unit);
            let line = if step + 1 == STEPS {
                lines
            } else {
                line.min(lines)
            };
            // No step ends between the two lines of a realloc.
            let line = line
                + usize::from(line < lines && is_realloc_end(&log[ends[line - 1]..ends[line]]));
            let prefix = line.checked_sub(1).map_or(0, |last| ends[last]);
            let mut expected = Reference::read(&log[..prefix]).live(reuse);
            expected.retain(|_, tally| tally.blocks > 0);
            let mut live: BTreeMap<String, Tally> = BTreeMap::new();
            for (caller, curve) in trace.callers.iter().zip(&curves) {
                let file = String::from_utf8_lossy(caller.file.unwrap_or_default()).into_owned();
                let text = format!("{file}:[{:#x}]", caller.address.unwrap());
                let point = curve.points()[step];
                // Sums of sizes near 2^64 wrap in a curve; blocks tell enough.
                live.entry(text).or_default().blocks += point.blocks;
            }
            live.retain(|_, tally| tally.blocks > 0);
            let blocks = |live: BTreeMap<String, Tally>| -> Vec<(String, u64)> {
                live.into_iter()
                    .map(|(caller, tally)| (caller, tally.blocks))
                    .collect()
            };
            assert_eq!(
                blocks(live),
                blocks(expected),
                "{reuse:?}, step {step}, line {line} of {lines}"
            );
        }
    }
}

/// What a program does; a log of it is made by [`written`].
#[derive(Debug, Clone)]
enum Step {
    Allocate {
        caller: u64,
        slot: u64,
        size: u64,
    },
    Free {
        caller: u64,
        slot: u64,
    },
    Reallocate {
        caller: u64,
        from: u64,
        to: u64,
        size: u64,
    },
    FailRealloc {
        caller: u64,
        slot: u64,
    },
    FailMalloc {
        caller: u64,
    },
    /// A fork: the last lines, which were still in the buffer, are written twice.
    Fork {
        lines: usize,
    },
    /// Two lines change places: a free that is logged late, or another thread's line between.
    Swap,
}

/// Few slots and callers, so that addresses are used again and again.
fn step() -> impl Strategy<Value = Step> {
    let (caller, slot, size) = (
        0..6u64,
        0..12u64,
        prop_oneof![0..5000u64, Just(u64::MAX), Just(1 << 40)],
    );
    prop_oneof![
        6 => (caller.clone(), slot.clone(), size.clone())
            .prop_map(|(caller, slot, size)| Step::Allocate { caller, slot, size }),
        5 => (caller.clone(), slot.clone()).prop_map(|(caller, slot)| Step::Free { caller, slot }),
        2 => (caller.clone(), slot.clone(), slot.clone(), size)
            .prop_map(|(caller, from, to, size)| Step::Reallocate { caller, from, to, size }),
        1 => (caller.clone(), slot).prop_map(|(caller, slot)| Step::FailRealloc { caller, slot }),
        1 => caller.prop_map(|caller| Step::FailMalloc { caller }),
        1 => (1..8usize).prop_map(|lines| Step::Fork { lines }),
        2 => Just(Step::Swap),
    ]
}

fn written(steps: &[Step]) -> Vec<u8> {
    let mut lines = vec!["= Start".to_owned()];
    let at = |caller: &u64| format!("@ ./app:[{:#x}]", 0x1000 + caller * 0x10);
    let block = |slot: &u64| format!("{:#x}", 0x5555_0000_0000 + slot * 0x20);
    let hex = |size: &u64| {
        if *size == 0 {
            "0".to_owned()
        } else {
            format!("{size:#x}")
        }
    };
    for step in steps {
        match step {
            Step::Allocate { caller, slot, size } => {
                lines.push(format!("{} + {} {}", at(caller), block(slot), hex(size)))
            }
            Step::Free { caller, slot } => lines.push(format!("{} - {}", at(caller), block(slot))),
            Step::Reallocate {
                caller,
                from,
                to,
                size,
            } => {
                lines.push(format!("{} < {}", at(caller), block(from)));
                lines.push(format!("{} > {} {}", at(caller), block(to), hex(size)));
            }
            Step::FailRealloc { caller, slot } => {
                lines.push(format!("{} ! {} 0x7fffffffffff", at(caller), block(slot)))
            }
            Step::FailMalloc { caller } => {
                lines.push(format!("{} + (nil) 0x7fffffffffff", at(caller)))
            }
            Step::Fork { lines: count } => {
                let copied = lines[lines.len().saturating_sub(*count)..].to_vec();
                lines.push("= Start".to_owned());
                lines.extend(copied);
            }
            Step::Swap => {
                let last = lines.len() - 1;
                if last >= 2 {
                    lines.swap(last, last - 1);
                }
            }
        }
    }
    lines.push("= End".to_owned());
    (lines.join("\n") + "\n").into_bytes()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_replay_agrees_with_the_obvious_one(steps in prop::collection::vec(step(), 0..300)) {
        assert_same(&written(&steps));
    }

    #[test]
    fn a_curve_has_what_is_live_at_each_step(steps in prop::collection::vec(step(), 0..400)) {
        assert_curves(&written(&steps));
    }

    #[test]
    fn it_makes_no_difference_how_a_log_is_cut_up(
        steps in prop::collection::vec(step(), 0..300),
        piece in 1usize..2000,
        pieces in 1usize..5,
    ) {
        assert_cut_up_alike(&written(&steps), Rounds { piece, pieces });
    }

    #[test]
    fn it_makes_no_difference_how_any_bytes_are_cut_up(
        bytes in prop::collection::vec(prop_oneof![Just(b'\n'), Just(b'\0'), any::<u8>()], 0..2000),
        piece in 1usize..300,
        pieces in 1usize..5,
    ) {
        assert_cut_up_alike(&bytes, Rounds { piece, pieces });
    }

    #[test]
    fn a_log_cut_anywhere_has_the_figures_of_its_whole_lines(
        steps in prop::collection::vec(step(), 0..60),
        cut in any::<prop::sample::Index>(),
    ) {
        let log = written(&steps);
        let cut = &log[..cut.index(log.len() + 1)];
        assert_same(cut);
        let whole = cut.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
        let (of_cut, of_whole) = (read(cut), read(&cut[..whole]));
        for reuse in [Reuse::FreeLoggedLate, Reuse::FreeLost] {
            prop_assert_eq!(live_of(&of_cut, reuse), live_of(&of_whole, reuse));
        }
    }

    #[test]
    fn any_bytes_are_read_to_their_end(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        crate::targets::log(&bytes);
        crate::targets::maps(&bytes);
    }

    #[test]
    fn addresses_all_over_64_bits_are_counted(addresses in prop::collection::vec(any::<u64>(), 1..200)) {
        let log: String = addresses.iter().map(|address| format!("@ a:[0x1] + {address:#x} 0x8\n")).collect();
        let distinct: std::collections::BTreeSet<&u64> = addresses.iter().collect();
        let live = live_of(&read(log.as_bytes()), Reuse::FreeLost);
        let blocks: u64 = live.values().map(|tally| tally.blocks).sum();
        prop_assert_eq!(blocks as usize, distinct.len());
    }
}

/// Lines around the longest that is read as one, in any lane: what is said to be too long may not
/// depend on whether its caller was expected.
#[test]
fn lines_of_the_greatest_length_are_read_alike_however_they_are_cut_up() {
    let caller = format!("@ ./{}:[0x1]", "x".repeat(65_510));
    let mut log = String::from("= Start\n");
    for n in 0..120u64 {
        use std::fmt::Write;
        writeln!(log, "{caller} + {:#x} 0x123456789ab", 0x1000_0000 + n * 64).unwrap();
        writeln!(log, "{caller} - 0x10").unwrap();
    }
    for (piece, pieces) in [(1000, 1), (100_000, 3), (200_000, 2), (1 << 20, 4)] {
        assert_cut_up_alike(log.as_bytes(), Rounds { piece, pieces });
    }
}

/// Long enough for stretches to double six times.
#[test]
fn curves_of_a_longer_log() {
    let mut log = String::from("= Start\n");
    for n in 0..12_000u64 {
        use std::fmt::Write;
        // A leak, a cache that is full after a third, and blocks that come and go.
        writeln!(log, "@ ./a:[0x10] + {:#x} 0x20", 0x1000_0000 + n * 64).unwrap();
        if n < 4000 {
            writeln!(log, "@ ./a:[0x20] + {:#x} 0x30", 0x2000_0000 + n * 64).unwrap();
        }
        writeln!(log, "@ ./a:[0x30] + {:#x} 0x40", 0x3000_0000 + n % 50 * 64).unwrap();
        writeln!(log, "@ ./a:[0x31] - {:#x}", 0x3000_0000 + n % 50 * 64).unwrap();
    }
    assert_curves(log.as_bytes());
}

#[test]
fn every_capture_agrees_with_the_obvious_replay() {
    for set in [
        "armhf-glibc2.31",
        "armhf-glibc2.36",
        "armhf-static",
        "mips-glibc2.36",
        "amd64-nonpie",
        "amd64-cxx",
        "amd64-threads",
    ] {
        for run in 0..2 {
            let log = fs::read(file_of(&format!("{set}/run{run}"), ".log")).unwrap();
            // The reference keeps symbols in its callers; what it counts is compared by sums.
            let (trace, reference) = (read(&log), Reference::read(&log));
            for reuse in [Reuse::FreeLoggedLate, Reuse::FreeLost] {
                let sum = |live: BTreeMap<String, Tally>| {
                    live.values().fold((0, 0), |(blocks, bytes), t| {
                        (blocks + t.blocks, bytes + t.bytes)
                    })
                };
                let ours: (u64, u64) = trace
                    .under(reuse)
                    .stats()
                    .iter()
                    .fold((0, 0), |(blocks, bytes), s| {
                        (blocks + s.live.blocks, bytes + s.live.bytes)
                    });
                assert_eq!(ours, sum(reference.live(reuse)), "{set}/run{run}");
            }
        }
    }
}

/// The inputs in testdata/fuzz: seeds, and all that a fuzzer ever found.
fn corpus(target: &str) -> Vec<PathBuf> {
    let directory = testdata().join("fuzz").join(target);
    let Ok(entries) = fs::read_dir(&directory) else {
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn inputs_that_a_fuzzer_found_stay_fixed() {
    let directory = directory_in_memory();
    let mut replayed = 0;
    for (target, run) in [
        ("log", &crate::targets::log as &dyn Fn(&[u8])),
        ("maps", &crate::targets::maps),
        ("capture", &|input: &[u8]| {
            crate::targets::capture(input, directory.path())
        }),
        ("saved", &|input: &[u8]| {
            crate::runs::saved(input, directory.path())
        }),
        ("identity", &|input: &[u8]| {
            crate::runs::identity(input, directory.path())
        }),
        ("compressed", &|input: &[u8]| {
            crate::runs::compressed(input, directory.path())
        }),
        ("recording", &|input: &[u8]| {
            crate::recordings::recording(input, directory.path());
        }),
    ] {
        for path in corpus(target) {
            run(&fs::read(&path).unwrap());
            replayed += 1;
        }
    }
    assert!(replayed > 0, "testdata/fuzz holds no inputs");
}

/// A generator of bytes that is the same on every machine.
pub(crate) struct Random(pub u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        // Marsaglia's xorshift.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}

/// Thousands of damaged ELF files: bits flipped, bytes overwritten by values that hurt, tails cut off.
#[test]
fn damaged_elf_files_give_an_answer() {
    const EACH: usize = 500;
    let directory = directory_in_memory();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for (set, program) in [
        ("armhf-glibc2.31/run0", "app0"),
        ("mips-glibc2.36/run0", "app0"),
        ("amd64-nonpie/run0", "collector"),
        ("amd64-cxx/run0", "sessions"),
    ] {
        let log = fs::read(file_of(set, ".log")).unwrap();
        let log = &log[..log
            .iter()
            .enumerate()
            .filter(|(_, b)| **b == b'\n')
            .nth(30)
            .unwrap()
            .0
            + 1];
        let elf = fs::read(file_of(set, program)).unwrap();
        for _ in 0..EACH {
            let mut damaged = elf.clone();
            for _ in 0..1 + random.below(8) {
                let at = random.below(damaged.len());
                // Headers decide the most: half of the damage goes there.
                let at = if random.below(2) == 0 { at % 0x400 } else { at };
                damaged[at] = match random.below(3) {
                    0 => damaged[at] ^ (1 << random.below(8)),
                    1 => [0, 1, 0x7f, 0x80, 0xff][random.below(5)],
                    _ => random.next() as u8,
                };
            }
            if random.below(10) == 0 {
                damaged.truncate(random.below(elf.len()));
            }
            crate::targets::capture(&input(log, b"", &damaged), directory.path());
        }
    }
}

/// An input of the whole-capture target.
fn input(log: &[u8], maps: &[u8], elf: &[u8]) -> Vec<u8> {
    let length = |bytes: &[u8]| u16::try_from(bytes.len()).unwrap().to_le_bytes();
    [&length(log)[..], &length(maps), log, maps, elf].concat()
}

#[test]
fn a_name_that_stands_for_gigabytes_is_shown_as_it_is() {
    let mut symbol = "_Z1fP4PairIiiE".to_owned();
    for n in 0..30u32 {
        symbol.push_str(&match n {
            0 => "S_".to_owned(),
            n => format!(
                "S{}_",
                char::from_digit(n - 1, 36).unwrap().to_ascii_uppercase()
            ),
        });
    }
    let nested = format!(
        "_Z1fP4PairI{}iiE{}",
        "IS_".repeat(7),
        (0..7).map(|n| format!("S{n}_E")).collect::<String>()
    );
    let log = format!(
        "= Start\n@ ./a:({symbol}+0x1)[0x10] + 0x10 0x8\n@ ./a:({nested}+0x1)[0x20] + 0x20 0x8\n= End\n"
    );
    let directory = tempfile::tempdir().unwrap();
    let path: &Path = &directory.path().join("m.log");
    fs::write(path, log).unwrap();
    let text = crate::common::stdout_of(crate::common::mtrace_diff().arg("show").arg(path));
    assert!(text.len() < 200_000);
}

/// Thousands of callers, of modules, and of mappings: what was done once for each pair of them took
/// minutes.
#[test]
fn many_callers_modules_and_mappings_are_not_multiplied() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = "= Start\n".to_owned();
    for n in 0..5_000u64 {
        log.push_str(&format!(
            "@ /lib/libm{n}.so.1:[{:#x}] + {:#x} 0x20\n",
            0x1000 + n,
            0x1000_0000 + n * 0x20
        ));
        log.push_str(&format!(
            "@ /lib/liba.so.1:[{:#x}] + {:#x} 0x20\n",
            0x1000 + n,
            0x2000_0000 + n * 0x20
        ));
    }
    let maps: String = (0..1000u64)
        .map(|n| {
            format!(
                "{:x}-{:x} r-xp 0 0:0 1 /lib/libz{n}.so\n",
                0x7f00_0000_0000 + n * 0x10_0000,
                0x7f00_0008_0000 + n * 0x10_0000
            )
        })
        .collect();
    fs::write(directory.path().join("m.log"), log).unwrap();
    fs::write(directory.path().join("maps"), maps).unwrap();
    let text = crate::common::stdout_of(
        crate::common::mtrace_diff()
            .arg("show")
            .arg(directory.path()),
    );
    assert!(text.contains("9,980 sites not shown"), "{text}");
    assert!(text.contains("and 4996 more"), "{text}");
}
