//! Memory, measured in a process of its own: tests beside it would be counted too.

#![allow(clippy::unwrap_used)] // a test that cannot go on fails

use std::fs;

use mtrace_diff::trace::Reuse;
use mtrace_diff::trace::{ReplayOptions, replay};

#[test]
fn memory_stays_in_proportion_to_live_blocks() {
    // Half a million blocks, no two in one page; the bound is 160 bytes for each.
    const BLOCKS: u64 = 500_000;
    let mut log = String::with_capacity(BLOCKS as usize * 40);
    for n in 0..BLOCKS {
        use std::fmt::Write;
        let address = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        writeln!(log, "@ ./app:[0x1234] + {address:#x} 0x8").unwrap();
    }
    let before = resident();
    let trace = replay(log.as_bytes(), ReplayOptions::default()).unwrap();
    let after = resident();
    assert_eq!(trace.stats(Reuse::FreeLost)[0].live.blocks, BLOCKS);
    let each = after.saturating_sub(before) / BLOCKS;
    assert!(each < 160, "{each} bytes a live block");
}

/// Peak resident memory of this process, in bytes.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<u64>()
        .unwrap()
        * 1024
}
