//! The fuzzer's targets for whole runs, with inputs of a generator that is the same on every machine.

use std::path::Path;

use crate::common::directory_in_memory;
use crate::hostile::Random;

/// Gives a target so many inputs.
fn feed(seed: u64, inputs: usize, longest: usize, target: fn(&[u8], &Path)) {
    let directory = directory_in_memory();
    let mut random = Random(seed);
    for _ in 0..inputs {
        let length = 1 + random.below(longest);
        let input: Vec<u8> = (0..length).map(|_| random.next() as u8).collect();
        target(&input, directory.path());
    }
}

#[test]
fn saved_reports_of_any_structure() {
    feed(0x5eed_0001, 1500, 700, crate::runs::saved);
}

#[test]
fn runs_that_have_much_in_common() {
    feed(0x5eed_0002, 400, 900, crate::runs::identity);
}

#[test]
fn compressed_logs_with_changed_bytes() {
    feed(0x5eed_0003, 2500, 60, crate::runs::compressed);
}

#[test]
fn recordings_of_any_structure() {
    feed(0x5eed_0004, 3000, 600, crate::recordings::recording);
}
