//! Memory, measured in a process of its own: tests beside it would be counted too.

#![allow(clippy::unwrap_used)] // a test that cannot go on fails

use std::fs;
use std::io::{self, Read};

use mtrace_diff::internals::trace::Reuse;
use mtrace_diff::internals::trace::{ReplayOptions, replay};

const BLOCKS: u64 = 1_000_000;

/// The address of each block.
type Layout = fn(u64) -> u64;

/// The blocks of a log that leaks all of them, made as it is read: a log in memory would be counted.
struct Leaks {
    address_of: Layout,
    next: u64,
    text: Vec<u8>,
}

impl Read for Leaks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.text.len() < buffer.len() && self.next < BLOCKS {
            use std::io::Write;
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
    let base = resident();
    let layouts: [(&str, Layout); 5] = [
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
    for (name, address_of) in layouts {
        let log = Leaks {
            address_of,
            next: 0,
            text: Vec::new(),
        };
        let trace = replay(log, ReplayOptions::default()).unwrap();
        assert_eq!(trace.settle(Reuse::FreeLost).stats()[0].live.blocks, BLOCKS);
        let taken = resident().saturating_sub(base);
        let allowed = (32 << 20) + 64 * BLOCKS;
        assert!(taken <= allowed, "{name}: {taken} bytes, {allowed} allowed");
    }
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
