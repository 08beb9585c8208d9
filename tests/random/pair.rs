//! One pair of builds, from its seed to the verdicts on it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::TempDir;

use crate::build::{Counts, Place, Settings, build, is_made, prepare, symbols};
use crate::common::{mtrace_diff, stdout_of};
use crate::edit::{Edits, edit};
use crate::model::{Label, Program};
use crate::natural::{Doubts, with_lines, without_lines};
use crate::render::{Sources, render};
use crate::rng::Rng;
use crate::truth::{Callers, Group, Score, Verdict, callers, judge, rows};

/// What a verdict is about.
pub(crate) struct Judged {
    pub group: Group,
    pub classes: BTreeSet<String>,
    pub score: Score,
    pub text: Option<String>,
}

pub(crate) struct PairResult {
    pub seed: u64,
    pub what: String,
    pub judged: Vec<Judged>,
    /// Why it came to nothing: the harness made what does not compile, or figures were not the log's.
    pub broken: Option<String>,
}

/// Runs pairs on all cores; the results are in the order of the seeds.
pub(crate) fn run_all(seeds: &[u64]) -> Vec<PairResult> {
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

/// What a seed stands for.
struct Pair {
    programs: [Program; 2],
    sources: [Sources; 2],
    settings: [Settings; 2],
    counts: [Counts; 2],
    edits: Edits,
}

impl Pair {
    fn new(seed: u64) -> Pair {
        let rng = &mut Rng::new(seed);
        let cxx = rng.percent(22);
        let before = Program::random(rng, cxx);
        let mut after = before.clone();
        let wanted = *rng.pick(&[0, 1, 2, 3, 4, 5, 6, 8]);
        let edits = edit(&mut after, rng, wanted);
        let mut one = Settings::random(rng);
        let mut two = if rng.percent(30) {
            Settings::random(rng)
        } else {
            one.clone()
        };
        two.place = Settings::random(rng).place;
        if !rng.percent(90) {
            let which = rng.below(3);
            one.lines = which == 0;
            two.lines = which == 1;
        }
        let factor = rng.between(1, 3);
        Pair {
            sources: [render(&before), render(&after)],
            programs: [before, after],
            settings: [one, two],
            counts: [Counts::random(rng, 1), Counts::random(rng, factor)],
            edits,
        }
    }

    fn has_lines(&self) -> bool {
        self.settings.iter().all(|settings| settings.lines)
    }

    fn doubts(&self, runs: &[PathBuf; 2], callers: &[Callers; 2]) -> Doubts {
        let [before, after] = &self.programs;
        let mut doubts = with_lines((before, &self.sources[0]), (after, &self.sources[1]));
        if self.has_lines() {
            return doubts;
        }
        for module in ["app", "libaux.so"] {
            if runs.iter().all(|run| run.join(module).exists()) {
                let tables = [0, 1].map(|i| symbols(&runs[i].join(module)));
                let places = [0, 1].map(|i| places(&callers[i], module));
                let modules = [0, 1].map(|i| (&tables[i], places[i].as_slice()));
                let more = without_lines([before, after], modules);
                doubts.undecidable.extend(more.undecidable);
                doubts.contested.extend(more.contested);
            }
        }
        doubts
    }

    /// The classes that all of the pair is in.
    fn classes(&self) -> BTreeSet<String> {
        let [one, two] = &self.settings;
        let of = |settings: &Settings| (settings.pie, settings.lto, settings.sections);
        let build = if !self.has_lines() {
            "build: no lines"
        } else if one.optimise != two.optimise {
            "build: other -O"
        } else if of(one) != of(two) {
            "build: other settings"
        } else {
            "build: same settings"
        };
        let cxx = self.programs[0].cxx;
        let language = if cxx { "language: C++" } else { "language: C" };
        let mut classes = BTreeSet::from([build.to_owned(), language.to_owned()]);
        if one.lto || two.lto {
            classes.insert("build: -flto".to_owned());
        }
        classes
    }

    fn classify(&self, verdict: Verdict, doubts: &Doubts) -> Judged {
        let is_in = |of: &BTreeSet<Label>| !of.is_disjoint(&verdict.labels);
        let group = if is_in(&doubts.undecidable) {
            Group::Undecidable
        } else if is_in(&doubts.contested) {
            Group::Contested
        } else if is_in(&self.edits.limits) {
            Group::Limit
        } else {
            Group::Decidable
        };
        let labels = verdict.labels.iter();
        let touched: BTreeSet<String> = labels
            .filter_map(|label| self.edits.touched.get(label))
            .flatten()
            .map(|class| format!("edit: {class}"))
            .collect();
        let mut classes = self.classes();
        if touched.is_empty() {
            classes.insert("edit: none here".to_owned());
        }
        classes.extend(touched);
        Judged {
            group,
            classes,
            score: verdict.score,
            text: verdict.text,
        }
    }
}

fn run(seed: u64, parts: &Path) -> PairResult {
    let pair = Pair::new(seed);
    // KEEP names a directory for the sources and the runs; what an earlier call left there is not made again.
    let temporary;
    let directory = match std::env::var_os("KEEP") {
        Some(keep) => std::path::absolute(keep).unwrap().join(seed.to_string()),
        None => {
            temporary = TempDir::new().unwrap();
            temporary.path().to_path_buf()
        }
    };
    let runs = [0, 1].map(|i| {
        let place = Place {
            parts,
            directory: &directory,
            run: format!("run{i}"),
        };
        let (program, sources) = (&pair.programs[i], &pair.sources[i]);
        if is_made(&place) {
            return place.run();
        }
        build(program, sources, &pair.settings[i], &pair.counts[i], &place)
    });
    let callers = [0, 1].map(|i| callers(&runs[i], pair.settings[i].pie));
    let text = stdout_of(
        mtrace_diff()
            .args(["--format", "json", "--all", "--no-trend"])
            .args(&runs),
    );
    let rows = rows(&serde_json::from_str(&text).unwrap(), &callers);
    let doubts = pair.doubts(&runs, &callers);
    let judged = judge(&rows)
        .into_iter()
        .map(|verdict| pair.classify(verdict, &doubts))
        .collect();
    let [one, two] = &pair.settings;
    PairResult {
        seed,
        what: format!(
            "{}\n    run0 {one:?}\n    run1 {two:?}",
            pair.edits.log.join("; ")
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
