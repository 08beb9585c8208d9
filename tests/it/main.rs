//! The integration tests, one binary: the crate is linked once, and what they share is one module.

#![allow(clippy::unwrap_used)] // a test that cannot go on fails

mod answers;
mod bounds;
mod budget;
mod captures;
mod classes;
mod common;
mod copies;
mod damaged;
mod errors;
mod explain;
mod fuzzed;
mod gate;
mod growth;
mod hostile;
mod hostile_text;
mod identity;
mod inputs;
mod loader;
mod mixed;
mod moment;
mod passes;
mod places;
mod rates;
mod readme;
#[path = "../fuzz/recordings.rs"]
mod recordings;
#[allow(dead_code)] // a part is used here
#[path = "../random/rng.rs"]
mod rng;
#[path = "../fuzz/runs.rs"]
mod runs;
mod saved;
mod saving;
mod table;
#[path = "../fuzz/targets.rs"]
mod targets;
mod titles;
mod unlike;
mod unwind;
mod words;
