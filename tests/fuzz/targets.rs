//! What the fuzz targets do with an input. `cargo test` does the same with the inputs in
//! `testdata/fuzz`, without a fuzzer.

#![allow(clippy::expect_used)] // an input that breaks an expectation is what is looked for

use std::fs;
use std::path::Path;

use mtrace_diff::Plan;
use mtrace_diff::RunInput;
use mtrace_diff::internals::capture::Maps;
use mtrace_diff::internals::trace::{Line, Reuse, log_warnings};
use mtrace_diff::internals::trace::{ReplayOptions, STEPS, Tally, replay};
use mtrace_diff::{FORMATS, Options, StackView};

/// A log of any bytes: it is read to its end, and its figures agree with one another.
pub(crate) fn log(input: &[u8]) {
    let options = ReplayOptions {
        keep_unknown_frees: true,
    };
    let trace = replay(input, options).expect("reading from memory does not fail");
    for reuse in [Reuse::FreeLoggedLate, Reuse::FreeLost] {
        let stats = trace.under(reuse).stats();
        let mut live = Tally::default();
        stats.iter().for_each(|stats| live.add(stats.live));
        assert!(
            stats
                .iter()
                .all(|stats| stats.live.blocks <= stats.allocations)
        );
        assert_eq!(trace.under(reuse).live_blocks().len() as u64, live.blocks);
        for (stats, curve) in stats.iter().zip(trace.under(reuse).curves()) {
            // Bytes of a curve wrap around where sizes are beyond all memory.
            assert_eq!(curve.points()[STEPS - 1].blocks, stats.live.blocks);
        }
        let anomalies = trace.under(reuse).anomalies();
        assert_eq!(
            trace.under(reuse).unknown_frees().count() as u64,
            anomalies.unknown_frees.count
        );
        assert!(anomalies.double_frees.count <= anomalies.unknown_frees.count);
        assert!(anomalies.malformed.count <= trace.lines);
        assert!(live.blocks <= trace.allocations() && trace.allocations() <= trace.records);
        log_warnings(&anomalies, reuse, trace.allocations())
            .iter()
            .for_each(|warning| drop(warning.to_string()));
        drop(trace.under(reuse).faults());
    }
    for line in input.split(|&b| b == b'\n') {
        if let Line::Record(record) = Line::parse(line) {
            assert!(record.caller.len() <= line.len());
        }
    }
}

/// A maps file of any bytes: every mapping that is read is found by the addresses in it.
pub(crate) fn maps(input: &[u8]) {
    let Ok(maps) = Maps::parse(Path::new("maps"), input) else {
        return;
    };
    for mapping in maps.mappings() {
        assert!(mapping.start < mapping.end);
        assert!(
            maps.find(mapping.start)
                .is_some_and(|found| found.holds(mapping.start))
        );
        if let Some(file) = &mapping.file {
            assert!(maps.find_in(file, mapping.end - 1).is_some());
        }
    }
    assert!(maps.files().len() <= maps.mappings().len());
    let twice = Maps::united(vec![maps.clone(), maps.clone()]);
    assert!(maps.files().is_empty() || twice.is_some());
}

/// A whole capture: two lengths of 16 bits, a log, a maps file, and an ELF file with the rest. It gives
/// a report in every form, or an error.
pub(crate) fn capture(input: &[u8], directory: &Path) {
    let Some((lengths, rest)) = input.split_first_chunk::<4>() else {
        return;
    };
    let length = |at: usize| usize::from(u16::from_le_bytes([lengths[at], lengths[at + 1]]));
    let (log, rest) = rest.split_at(length(0).min(rest.len()));
    let (maps, elf) = rest.split_at(length(2).min(rest.len()));
    for (name, bytes) in [("mtrace.log", log), ("app.maps", maps), ("app", elf)] {
        fs::write(directory.join(name), bytes).expect("the directory can be written to");
    }
    let run = RunInput {
        path: directory.to_path_buf(),
        log: Some(directory.join("mtrace.log")),
        ..RunInput::default()
    };
    let compared = Plan {
        runs: vec![run.clone(), run.clone()],
        ..Plan::default()
    };
    let listed = Plan {
        runs: vec![run],
        keep_blocks: true,
        ..Plan::default()
    };
    let options = Options {
        top: 20,
        all: true,
        trend: true,
        stacks: Some(StackView { share: 0.05 }),
        explain: None,
        inlines: true,
        width: Some(80),
        color: false,
        ascii: false,
        full_names: false,
    };
    let mut out = Vec::new();
    let reports = [mtrace_diff::compare(&compared), mtrace_diff::show(&listed)];
    for report in reports.iter().flatten() {
        for format in FORMATS {
            if report.runs.len() == 1 || !format.lists_blocks {
                let written = format.write(report, &options, &mut out);
                written.expect("memory can be written to");
            }
        }
    }
    // No control character of any input may reach a terminal.
    assert!(!out.iter().any(|&b| b == 0x1b || b == 0x07));
}
