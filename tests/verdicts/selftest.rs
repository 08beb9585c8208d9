//! Whether the measure measures: labels, figures, and the simulation itself.

use crate::behaviour::{Behaviour, Leak, Table, Trigger};
use crate::bounded::{Buffer, Cache, InPlace};
use crate::chance::Chance;
use crate::engine::{execute, first_run, go_on, last_run};
use crate::judge::calls_leak;
use crate::load::{Arrivals, Shape};
use crate::program::{CallSite, End, Program, Recipe};
use crate::report::{Report, Score};
use crate::truth::{LEAST_PART, Label, label, looks_like_a_leak};

/// A program whose last run has 2,000 requests in 100 s.
fn program(sites: Vec<(&'static str, Recipe)>) -> Program {
    // Any of a steady load will do.
    let mut seeds = (1..).map(Program::new);
    let mut program = seeds
        .find(|program| program.load.name() == "steady")
        .unwrap();
    program.scale.requests = 2000.0;
    program.scale.seconds = 100.0;
    program.start = 1.0;
    program.pace = 1.0;
    program.end = End::Exit;
    let sites = sites.into_iter().map(|(kind, recipe)| CallSite {
        kind,
        parts: vec![recipe],
    });
    program.sites = sites.collect();
    program
}

fn made<B: Behaviour + 'static>(make: impl Fn() -> B + Send + Sync + 'static) -> Recipe {
    Box::new(move || Box::new(make()))
}

fn leak(times: f64, is_drained: bool) -> Recipe {
    made(move || Leak {
        trigger: Trigger::Request(times / 2000.0),
        batch: 1,
        unit: 32,
        is_drained,
        blocks: Vec::new(),
    })
}

/// Of which two thirds are there after so many requests.
fn cache(keys: usize, probability: f64) -> Recipe {
    made(move || Cache {
        probability,
        keys,
        skew: 1.0,
        most: keys,
        unit: 48,
        is_drained: false,
        is_known: Vec::new(),
        held: Default::default(),
    })
}

fn buffer(how: InPlace) -> Recipe {
    made(move || Buffer {
        probability: 0.1,
        how,
        unit: 100,
        held: None,
    })
}

fn table() -> Recipe {
    made(|| Table {
        blocks: 300,
        rounds: 2..4,
        unit: 64,
        is_drained: true,
        held: Vec::new(),
    })
}

/// Named by what they should be labelled, by their design.
fn every_label() -> Program {
    program(vec![
        ("leak", leak(200.0, false)),
        ("leak", leak(200.0, true)),
        ("few", leak(0.8, false)),
        ("none", table()),
        ("none", cache(200, 0.5)),
        // Filled to a third in the first run, and to four fifths when four times the work is done.
        ("between", cache(800, 0.16)),
        ("bytes", buffer(InPlace::Appends)),
        ("none", buffer(InPlace::Fits)),
    ])
}

pub(crate) fn labels_are_what_was_kept() {
    let program = every_label();
    let last = last_run(&program);
    let shown = execute(&program, &last, &mut std::io::sink());
    let (courses, work) = go_on(&program, &last);
    for (index, site) in program.sites.iter().enumerate() {
        let wanted = match site.kind {
            "leak" => (Label::Leak, false),
            "bytes" => (Label::Leak, true),
            "few" => (Label::TooFew, false),
            "between" => (Label::Between, false),
            _ => (Label::NoLeak, false),
        };
        let (found, by_bytes) = label(&shown.done[index], &courses[index], &work, LEAST_PART);
        // That a buffer does not leak is said of its bytes.
        let is_buffer = shown.done[index].resized > 0;
        assert_eq!(found, wanted.0, "site {index}, {}", site.kind);
        assert_eq!(by_bytes, is_buffer, "site {index}, {}", site.kind);
    }
    let drained = &shown.ended[1];
    assert_eq!(
        drained.blocks, 0,
        "what the end frees does not count as kept"
    );
}

/// Of two that never free and never leak, one is full just after the run, and one at half of it.
pub(crate) fn what_stops_after_the_run_looks_like_a_leak() {
    let ring = |most: usize| {
        made(move || Cache {
            probability: 1.0,
            keys: 1_000_000,
            skew: 1.0,
            most,
            unit: 16,
            is_drained: true,
            is_known: Vec::new(),
            held: Default::default(),
        })
    };
    let mut program = program(vec![("later", ring(2200)), ("in time", ring(1000))]);
    program.lengths = (1, 2);
    let (first, last) = (first_run(&program), last_run(&program));
    let [before, shown] = [&first, &last].map(|run| execute(&program, run, &mut std::io::sink()));
    let (courses, work) = go_on(&program, &last);
    for (index, looks_so) in [true, false].into_iter().enumerate() {
        let (last, first) = (&shown.done[index], &before.done[index]);
        let (label, _) = label(last, &courses[index], &work, LEAST_PART);
        assert_eq!(label, Label::NoLeak);
        let lines = [shown.lines, before.lines];
        assert_eq!(looks_like_a_leak(last, first, lines), looks_so, "{index}");
    }
}

pub(crate) fn figures_are_right() {
    let score = Score {
        leaks: 20,
        others: 100,
        found: 18,
        wrong: 1,
    };
    assert_eq!(score.precision(), 18.0 / 19.0);
    assert_eq!(score.recall(), 0.9);
    // Of 100 sites 3 leak and 2.7 are found; of the 97 others 0.97 are called leak.
    assert!((score.precision_at(3.0) - 2.7 / 3.67).abs() < 1e-12);
    let words = ["leak", "leak?", "grows", "startup", "noise", "none"];
    let called = words.map(calls_leak);
    assert_eq!(called, [true, true, true, false, false, false]);
}

pub(crate) fn figures_of_nothing() {
    let report = Report::of(std::iter::empty());
    assert_eq!(report.scores, [Score::default(); 2]);
    assert_eq!(report.scores[0].precision(), 1.0);
    assert_eq!(report.scores[0].precision_at(3.0), 1.0);
    assert!(report.totals("none").contains("0 programs"));
}

pub(crate) fn a_seed_gives_the_same_logs() {
    let logs = [(); 2].map(|()| {
        let program = Program::new(5);
        let mut log = Vec::new();
        let outcome = execute(&program, &first_run(&program), &mut log);
        (log, outcome.ended)
    });
    assert_eq!(logs[0].0, logs[1].0);
    let text = std::str::from_utf8(&logs[0].0).unwrap();
    let count = |sign: &str| text.lines().filter(|line| line.contains(sign)).count() as i64;
    let live: i64 = logs[0].1.iter().map(|course| course.blocks).sum();
    assert_eq!(count("] + ") - count("] - "), live);
    assert_eq!(count("] < "), count("] > "));
    assert!(text.lines().count() > 1000, "{}", text.lines().count());
}

pub(crate) fn a_run_that_goes_on_is_the_same_run() {
    for seed in 1..9 {
        let program = Program::new(seed);
        let last = last_run(&program);
        let shown = execute(&program, &last, &mut std::io::sink());
        let (courses, work) = go_on(&program, &last);
        for (index, course) in courses.iter().enumerate() {
            let lost = shown.done[index].lost as i64;
            assert_eq!(
                course.lost_in_run(),
                Some(lost),
                "seed {seed}, site {index}"
            );
        }
        let all: f64 = work.iter().map(|work| work.seconds).sum();
        assert!(all >= 3.999 * last.seconds, "{work:?}");
    }
}

pub(crate) fn loads_have_their_mean() {
    let shapes = [
        Shape::Steady,
        Shape::Bursty { phase: 1.0 },
        Shape::Diurnal {
            period: 100.0,
            offset: 0.3,
        },
        Shape::RampUp { until: 0.001 },
        Shape::Outages {
            every: 50.0,
            from: 20.0,
            gap: 10.0,
        },
    ];
    // As multiples of the rate that was asked for, over the long run.
    for (shape, mean) in shapes.into_iter().zip([1.0, 1.0, 1.0, 1.3, 0.8]) {
        let mut arrivals = Arrivals::new(shape, 20.0, Chance::new(1, 1));
        let mut requests = 0.0;
        while arrivals.next() < 2000.0 {
            requests += 1.0;
        }
        let factor: f64 = requests / 40_000.0;
        assert!((factor - mean).abs() < 0.05, "{shape:?}: {factor}");
    }
}
