#![no_main]

#[path = "../targets.rs"]
#[allow(dead_code)] // each target uses its own
mod targets;

libfuzzer_sys::fuzz_target!(|input: &[u8]| targets::maps(input));
