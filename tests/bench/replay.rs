//! What reading a log costs, stage by stage: `cargo bench`. `MTRACE_LOG` names a log of your own;
//! without it, one is made of the shipped captures, again and again until it has some MB.

#![allow(clippy::unwrap_used)] // a benchmark that cannot go on fails

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use mtrace_diff::internals::trace::caller_texts::Texts;
use mtrace_diff::internals::trace::live::LiveBlocks;
use mtrace_diff::internals::trace::parse::{Action, BlockRecord, Parser};
use mtrace_diff::internals::trace::reader::{Piece, Pieces};
use mtrace_diff::internals::trace::{
    Block, CallerId, Line, ReplayOptions, Rounds, Trace, replay_in,
};

fn main() {
    divan::main();
}

static LOG: LazyLock<Vec<u8>> = LazyLock::new(|| {
    if let Some(path) = std::env::var_os("MTRACE_LOG") {
        return fs::read(path).unwrap();
    }
    let set = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/amd64-threads/run1/mtrace.log");
    let once = fs::read(set).unwrap();
    once.repeat(32_000_000 / once.len() + 1)
});

/// The whole log as one piece, parsed.
fn parsed() -> Parser {
    let mut piece = Piece::default();
    Pieces::new(LOG.as_slice(), LOG.len()).next(&mut piece);
    let mut parser = Parser::default();
    parser.parse(&piece, &Texts::default());
    parser
}

fn records() -> ItemsCount {
    ItemsCount::new(parsed().parsed().records)
}

fn bytes() -> BytesCount {
    BytesCount::of_slice(LOG.as_slice())
}

/// The plain parser, from the right end of each line.
#[divan::bench]
fn lines_one_by_one(bencher: Bencher<'_, '_>) {
    bencher.counter(records()).counter(bytes()).bench(|| {
        let lines = LOG.split(|&byte| byte == b'\n');
        lines
            .filter(|line| matches!(Line::parse(line), Line::Record(_)))
            .count()
    });
}

/// Lines by guesses, a piece after the other, to steps.
#[divan::bench]
fn pieces_to_steps(bencher: Bencher<'_, '_>) {
    bencher.counter(records()).counter(bytes()).bench(|| {
        let mut pieces = Pieces::new(LOG.as_slice(), 128 * 1024);
        let (mut piece, mut parser) = (Piece::default(), Parser::default());
        loop {
            pieces.next(&mut piece);
            if piece.is_empty() {
                break parser;
            }
            parser.parse(black_box(&piece), &Texts::default());
            black_box(parser.take_seen());
        }
    });
}

/// Steps to live blocks, shard by shard.
#[divan::bench]
fn steps_to_live_blocks(bencher: Bencher<'_, '_>) {
    let parser = parsed();
    let apply = |steps: &Vec<BlockRecord>| {
        let mut live = LiveBlocks::default();
        for step in steps {
            let line = u64::from(step.line());
            match step.action() {
                Action::Allocate | Action::AllocateInRealloc => {
                    let caller = CallerId(step.caller.0);
                    let size = step.size;
                    let born = 0;
                    live.allocate(step.address, Block { caller, size, born }, line);
                }
                Action::Free | Action::FreeInRealloc => drop(live.free(step.address, line)),
            }
        }
        live
    };
    let steps = &parser.parsed().steps;
    bencher
        .counter(records())
        .counter(bytes())
        .bench_local(|| steps.iter().map(apply).collect::<Vec<_>>());
}

/// The whole replay, with a thread or as many as there are cores.
#[divan::bench(args = [1, 0])]
fn whole_replay(bencher: Bencher<'_, '_>, threads: usize) {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap();
    let rounds = Rounds {
        piece: 128 * 1024,
        pieces: pool.current_num_threads(),
    };
    let replay =
        || -> Trace { replay_in(rounds, LOG.as_slice(), ReplayOptions::default()).unwrap() };
    bencher
        .counter(records())
        .counter(bytes())
        .bench(|| pool.install(replay));
}
