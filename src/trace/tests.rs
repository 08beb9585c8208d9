//! Logs that are short enough to be replayed by hand.

use std::io::{self, Read};

use super::outcome::CallerStats;
use super::{FaultKind, ReplayOptions, Reuse, Sizes, Tally, Trace, replay};

fn read(log: &str) -> Trace {
    replay(
        log.as_bytes(),
        ReplayOptions {
            keep_unknown_frees: true,
        },
    )
    .unwrap()
}

fn live_of(trace: &Trace, reuse: Reuse) -> Tally {
    let mut sum = Tally::default();
    trace
        .under(reuse)
        .stats()
        .iter()
        .for_each(|s| sum.add(s.live));
    sum
}

#[test]
fn a_small_log_by_hand() {
    let trace = read(
        "= Start\n@ a:[0x1] + 0x10 0x18\n@ a:[0x1] + 0x20 0x18\n@ a:[0x2] - 0x10\n\
         @ b:[0x3] < 0x20\n@ b:[0x3] > 0x30 0x3e8\n@ b:[0x4] + (nil) 0x40000000\n\
         @ b:[0x4] ! 0x30 0x7fffffffffff\n@ a:[0x2] - 0x99\n= End\n",
    );
    let stats = trace.under(Reuse::FreeLoggedLate).stats();
    assert_eq!(
        stats[0],
        CallerStats {
            allocations: 2,
            live: Tally::default()
        }
    );
    // The block that realloc moved is its caller's now, with its new size.
    assert_eq!(
        stats[2],
        CallerStats {
            allocations: 1,
            live: Tally {
                blocks: 1,
                bytes: 0x3e8
            }
        }
    );
    // What was freed counts, what only frees and what failed does not.
    let sizes = [Some(Sizes::one(0x18)), None, Some(Sizes::one(0x3e8)), None];
    assert_eq!(trace.under(Reuse::FreeLost).sizes(), sizes);
    let anomalies = trace.under(Reuse::FreeLoggedLate).anomalies();
    let counts = [
        anomalies.unknown_frees.count,
        anomalies.double_frees.count,
        anomalies.failed_allocations.count,
        anomalies.failed_reallocations.count,
        anomalies.starts.count,
        anomalies.truncated_tail.count,
    ];
    assert_eq!(counts, [1, 0, 1, 1, 1, 0]);
    assert_eq!((trace.records, trace.lines), (8, 10));
    assert!(!anomalies.missing_end);
    let outcome = trace.under(Reuse::FreeLoggedLate);
    let unknown: Vec<_> = outcome.unknown_frees().collect();
    assert_eq!(
        (unknown[0].line, unknown[0].address, unknown[0].in_realloc),
        (9, 0x99, false)
    );
}

/// A step of a curve that ends between the two lines of a realloc has the block.
#[test]
fn a_block_that_is_being_moved_is_there() {
    let moved = |old: u64| {
        format!(
            "@ a:[0x1] < {:#x}\n@ a:[0x1] > {:#x} 0x20\n",
            old << 4,
            (old + 1) << 4
        )
    };
    for lines_before in 0..4 {
        let log = "@ a:[0x2] + 0x8 0x10\n".repeat(lines_before) + "@ a:[0x1] + 0x10 0x20\n";
        let log = log + &(1..500).map(moved).collect::<String>();
        let curves = read(&log).under(Reuse::FreeLoggedLate).curves();
        let points = curves.last().unwrap().points();
        assert!(
            points.iter().all(|live| live.blocks == 1),
            "{lines_before} {points:?}"
        );
    }
}

#[test]
fn a_log_cut_at_any_byte_counts_its_whole_lines() {
    let log = "= Start\n@ a:[0x1] + 0x10 0x18\n@ a:[0x1] + 0x20 0x28\n@ a:[0x1] - 0x20\n";
    for cut in 0..=log.len() {
        let whole = &log[..log[..cut].rfind('\n').map_or(0, |at| at + 1)];
        let (of_cut, of_whole) = (read(&log[..cut]), read(whole));
        assert_eq!(of_cut.records, of_whole.records, "cut at {cut}");
        assert_eq!(
            live_of(&of_cut, Reuse::FreeLost),
            live_of(&of_whole, Reuse::FreeLost),
            "cut at {cut}"
        );
        assert_eq!(
            of_cut
                .under(Reuse::FreeLost)
                .anomalies()
                .truncated_tail
                .count,
            u64::from(cut != whole.len()),
            "cut at {cut}"
        );
    }
}

#[test]
fn malformed_lines_are_counted_with_the_first_ones_number() {
    let trace =
        read("= Start\n@ a:[0x1] + 0x10 0x18\nDEBUG: hello\n\n@ a:[0x1] + 0x20 0xzz\n= End");
    let anomalies = trace.under(Reuse::FreeLost).anomalies();
    assert_eq!(
        (anomalies.malformed.count, anomalies.malformed.first_line),
        (2, Some(3))
    );
    assert_eq!(anomalies.malformed_quote, "DEBUG: hello");
    assert_eq!(
        (anomalies.blank.count, anomalies.blank.first_line),
        (1, Some(4))
    );
    assert!(
        !anomalies.missing_end,
        "= End counts without its line end too"
    );
}

#[test]
fn sizes_beyond_all_memory_do_not_overflow() {
    let trace = read("@ a:[0x1] + 0x10 0xffffffffffffffff\n@ a:[0x1] + 0x20 0xffffffffffffffff\n");
    assert_eq!(
        live_of(&trace, Reuse::FreeLost),
        Tally {
            blocks: 2,
            bytes: u64::MAX
        }
    );
}

#[test]
fn another_writers_text_before_a_line_is_parted_from_it() {
    let trace = read(
        "= Start\n@ ./a:[0x1] + 0x10 0x18\nprogress 10%@ ./a:[0x1] + 0x20 0x18\n@ ./a:[0x12@ ./a:[0x2] + 0x30 0x18\n\
         progress 20%@ ./a:[0x1] - 0x10\n= End\n",
    );
    let anomalies = trace.under(Reuse::FreeLoggedLate).anomalies();
    assert_eq!(
        (
            anomalies.interleaved.count,
            anomalies.interleaved.first_line
        ),
        (3, Some(3))
    );
    assert_eq!(anomalies.malformed.count, 0);
    let stats = trace.under(Reuse::FreeLoggedLate).stats();
    let own: Vec<(u64, u64)> = trace
        .callers
        .iter()
        .zip(&stats)
        .map(|(caller, stats)| (caller.address.unwrap(), stats.live.blocks))
        .collect();
    assert_eq!(own, [(1, 1), (2, 1)]);
}

#[test]
fn a_path_with_the_mark_in_it_is_left_whole() {
    let trace = read("@ ./x@ y:[0x1] + 0x10 0x18\n@ ./x@ y:[0x2] + 0x20 0x18\n");
    assert_eq!(trace.callers.iter().len(), 2);
    assert!(trace.callers.iter().all(|c| c.file == Some(b"./x@ y")));
    assert_eq!(
        trace.under(Reuse::FreeLost).anomalies().interleaved.count,
        0
    );
}

#[test]
fn a_record_behind_a_hole_of_nul_bytes_counts() {
    for hole in [1, 10, 200_000] {
        let log = format!(
            "@ ./a:[0x1] + 0x10 0x18\n{}@ ./a:[0x1] + 0x20 0x18\n",
            "\0".repeat(hole)
        );
        let trace = read(&log);
        let anomalies = trace.under(Reuse::FreeLost).anomalies();
        assert_eq!(live_of(&trace, Reuse::FreeLost).blocks, 2, "{hole}");
        assert_eq!(
            (anomalies.nul_bytes.count, anomalies.nul_bytes.first_line),
            (1, Some(2))
        );
        assert_eq!(anomalies.malformed.count, 0);
        assert_eq!(trace.callers.iter().len(), 1);
    }
}

#[test]
fn carriage_returns_are_counted_and_do_no_harm() {
    let trace = read("= Start\r\n@ ./a:[0x1] + 0x10 0x18\r\n= End\r\n");
    assert_eq!(
        trace
            .under(Reuse::FreeLost)
            .anomalies()
            .carriage_returns
            .count,
        3
    );
    assert_eq!(
        live_of(&trace, Reuse::FreeLost),
        Tally {
            blocks: 1,
            bytes: 0x18
        }
    );
}

#[test]
fn faults_are_told_by_kind_and_caller() {
    let trace = read(
        "@ a:[0x1] + 0x10 0x8\n@ a:[0x2] - 0x10\n@ a:[0x2] - 0x10\n@ a:[0x3] < 0x10\n@ a:[0x3] > 0x20 0x9\n\
         @ a:[0x4] - 0x99\n@ a:[0x5] + (nil) 0x9\n@ a:[0x6] ! 0x20 0x9\n",
    );
    let faults: Vec<_> = trace
        .under(Reuse::FreeLoggedLate)
        .faults()
        .iter()
        .map(|f| {
            (
                f.kind,
                trace.callers.get(f.at).address.unwrap(),
                f.seen.count,
                f.seen.first_line.unwrap(),
            )
        })
        .collect();
    assert_eq!(
        faults,
        [
            (FaultKind::DoubleFree, 2, 1, 3),
            (FaultKind::DoubleFree, 3, 1, 4),
            (FaultKind::FreeOfUnknown, 4, 1, 6),
            (FaultKind::FailedAllocation, 5, 1, 7),
            (FaultKind::FailedReallocation, 6, 1, 8),
        ]
    );
}

#[test]
fn a_read_that_fails_in_the_middle_keeps_what_was_read() {
    struct Broken<'a>(&'a [u8]);
    impl Read for Broken<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match std::mem::take(&mut self.0) {
                b"" => Err(io::Error::other("corrupt stream")),
                text => {
                    buffer[..text.len()].copy_from_slice(text);
                    Ok(text.len())
                }
            }
        }
    }
    let trace = replay(
        Broken(b"@ a:[0x1] + 0x10 0x8\n@ a:[0x1] + 0x2"),
        ReplayOptions::default(),
    )
    .unwrap();
    assert_eq!(live_of(&trace, Reuse::FreeLost).blocks, 1);
    let settled = trace.under(Reuse::FreeLost);
    let failure = settled.anomalies().read_error.clone().unwrap();
    assert_eq!(
        (failure.reason.as_str(), failure.is_cut),
        ("corrupt stream", false)
    );
    assert!(replay(Broken(b""), ReplayOptions::default()).is_err());
}
