//! Several runs beside each other.

use std::path::Path;

use super::{Facts, Run};
use crate::printable::printable_path;
use crate::warning::Warning;

/// What is odd about runs that are to be compared.
pub fn compared(runs: &[Run]) -> Vec<Warning> {
    let mut warnings = same_runs(runs);
    warnings.extend(other_machines(runs));
    warnings
}

/// The same directory, or the same log, given as two runs.
fn same_runs(runs: &[Run]) -> Vec<Warning> {
    let same = |a: &Path, b: &Path| matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b);
    // Where the log of a saved report was, another may be now.
    let is_here = |run: &Facts| run.origin.saved_by.is_none();
    let facts: Vec<&Facts> = runs.iter().map(|run| &run.facts).collect();
    let moment = |run: &Facts| run.reached.map(|reached| reached.records);
    let mut warnings = Vec::new();
    for (index, run) in facts.iter().enumerate() {
        for other in &facts[index + 1..] {
            let (first, second) = (printable_path(&run.path), printable_path(&other.path));
            if moment(run) != moment(other) {
                continue;
            }
            if same(&run.path, &other.path) {
                warnings.push(Warning::SameRun { first, second });
            } else if is_here(run) && is_here(other) && same(&run.log, &other.log) {
                warnings.push(Warning::SameLog { first, second });
            }
        }
    }
    warnings
}

/// The first run's architecture is not the last one's.
fn other_machines(runs: &[Run]) -> Option<Warning> {
    let first = runs.first()?.facts.machine?;
    let last = runs.last()?.facts.machine?;
    (first != last).then(|| Warning::MachinesDiffer {
        first: first.to_string(),
        last: last.to_string(),
    })
}

/// Where two runs have the same short name they get the paths as they were given, and where these are
/// the same, too, a number.
pub fn told_apart(mut runs: Vec<Run>) -> Vec<Run> {
    let short: Vec<String> = runs.iter().map(|run| run.facts.name.clone()).collect();
    let is_shared = |name: &String| short.iter().filter(|other| *other == name).count() > 1;
    for run in runs.iter_mut().map(|run| &mut run.facts) {
        if is_shared(&run.name) {
            run.name = printable_path(&run.path);
        }
    }
    let paths: Vec<String> = runs.iter().map(|run| run.facts.name.clone()).collect();
    for (index, run) in runs.iter_mut().enumerate() {
        let name = &paths[index];
        let before = paths[..index].iter().filter(|other| *other == name).count();
        if before > 0 {
            run.facts.name = format!("{name} ({})", before + 1);
        }
    }
    runs
}
