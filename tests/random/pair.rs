//! One pair of builds, from its seed to the verdicts on it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::TempDir;

use crate::build::{Counts, Settings, build, prepare, symbols};
use crate::common::{mtrace_diff, stdout_of};
use crate::edit::edit;
use crate::model::{Label, Program};
use crate::natural::{with_lines, without_lines};
use crate::render::render;
use crate::rng::Rng;
use crate::truth::{Callers, Group, Score, callers, judge, rows};

/// What a verdict is about.
pub struct Judged {
    pub group: Group,
    pub classes: BTreeSet<String>,
    pub score: Score,
    pub text: Option<String>,
}

pub struct PairResult {
    pub seed: u64,
    pub what: String,
    pub judged: Vec<Judged>,
    /// Why it came to nothing: the harness made what does not compile, or figures were not the log's.
    pub broken: Option<String>,
}

/// Runs pairs on all cores; the results are in the order of the seeds.
pub fn run_all(seeds: &[u64]) -> Vec<PairResult> {
    let parts = TempDir::new().unwrap();
    prepare(parts.path());
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(&seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let result = std::panic::catch_unwind(|| run(seed, parts.path()))
                        .unwrap_or_else(|cause| PairResult {
                            seed,
                            what: String::new(),
                            judged: Vec::new(),
                            broken: Some(message(&*cause)),
                        });
                    results.lock().unwrap().push(result);
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap();
    results.sort_by_key(|result| result.seed);
    results
}

fn run(seed: u64, parts: &Path) -> PairResult {
    let rng = &mut Rng::new(seed);
    let cxx = rng.percent(22);
    let before = Program::random(rng, cxx);
    let mut after = before.clone();
    let wanted = *rng.pick(&[0, 1, 2, 3, 4, 5, 6, 8]);
    let edits = edit(&mut after, rng, wanted);
    let one = Settings::random(rng, true);
    let mut two = if rng.percent(30) {
        Settings::random(rng, true)
    } else {
        one.clone()
    };
    two.place = Settings::random(rng, true).place;
    let lines = rng.percent(90);
    let (mut one, mut two) = (one, two);
    if !lines {
        let which = rng.below(3);
        one.lines = which == 0;
        two.lines = which == 1;
    }
    let factor = rng.between(1, 3);
    let counts = [Counts::random(rng, 1), Counts::random(rng, factor)];

    // KEEP names a directory for the sources and the runs.
    let temporary;
    let directory = match std::env::var_os("KEEP") {
        Some(keep) => Path::new(&keep).join(seed.to_string()),
        None => {
            temporary = TempDir::new().unwrap();
            temporary.path().to_path_buf()
        }
    };
    let sources = [render(&before), render(&after)];
    let programs = [&before, &after];
    let settings = [&one, &two];
    let mut runs = Vec::new();
    for i in 0..2 {
        let name = format!("run{i}");
        runs.push(build(
            programs[i],
            &sources[i],
            settings[i],
            &counts[i],
            parts,
            &directory,
            &name,
        ));
    }
    let callers = [callers(&runs[0], one.pie), callers(&runs[1], two.pie)];
    let text = stdout_of(
        mtrace_diff()
            .args(["--format", "json", "--all", "--no-trend"])
            .args(&runs),
    );
    let document = serde_json::from_str(&text).unwrap();
    let rows = rows(&document, &callers);

    let mut doubts = with_lines((&before, &sources[0]), (&after, &sources[1]));
    if !lines {
        for module in ["app", "libaux.so"] {
            if runs.iter().all(|run| run.join(module).exists()) {
                let tables = [0, 1].map(|i| symbols(&runs[i].join(module)));
                let places = [0, 1].map(|i| places(&callers[i], module));
                let more =
                    without_lines(programs, [0, 1].map(|i| (&tables[i], places[i].as_slice())));
                doubts.undecidable.extend(more.undecidable);
                doubts.contested.extend(more.contested);
            }
        }
    }
    let mut build_classes = BTreeSet::new();
    if !lines {
        build_classes.insert("build: no lines".to_owned());
    } else if one.optimise != two.optimise {
        build_classes.insert("build: other -O".to_owned());
    } else if one.pie != two.pie || one.lto != two.lto || one.sections != two.sections {
        build_classes.insert("build: other settings".to_owned());
    } else {
        build_classes.insert("build: same settings".to_owned());
    }
    build_classes.insert(if cxx { "language: C++" } else { "language: C" }.to_owned());
    if one.lto || two.lto {
        build_classes.insert("build: -flto".to_owned());
    }
    let judged = judge(&rows)
        .into_iter()
        .map(|verdict| {
            let in_group = |of: &BTreeSet<Label>| !of.is_disjoint(&verdict.labels);
            let group = if in_group(&doubts.undecidable) {
                Group::Undecidable
            } else if in_group(&doubts.contested) {
                Group::Contested
            } else if in_group(&edits.limits) {
                Group::Limit
            } else {
                Group::Decidable
            };
            let mut classes = build_classes.clone();
            let touched = verdict.labels.iter().filter_map(|l| edits.touched.get(l));
            classes.extend(touched.flatten().map(|class| format!("edit: {class}")));
            if classes.len() == build_classes.len() {
                classes.insert("edit: none here".to_owned());
            }
            Judged {
                group,
                classes,
                score: verdict.score,
                text: verdict.text,
            }
        })
        .collect();
    PairResult {
        seed,
        what: format!(
            "{}\n    run0 {one:?}\n    run1 {two:?}",
            edits.log.join("; ")
        ),
        judged,
        broken: None,
    }
}

fn message(cause: &(dyn std::any::Any + Send)) -> String {
    let text = cause.downcast_ref::<String>();
    text.cloned().unwrap_or_else(|| "a panic".to_owned())
}

/// The calls of a module, in the order of their addresses.
fn places(callers: &Callers, module: &str) -> Vec<(u64, Label)> {
    let of: BTreeMap<u64, Label> = callers
        .iter()
        .filter(|((of, _), _)| of == module)
        .filter_map(|((_, address), atoms)| Some((*address, atoms.keys().next()?.0)))
        .collect();
    of.into_iter().collect()
}
