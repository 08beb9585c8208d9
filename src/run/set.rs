//! Several runs beside each other.

use std::fs::{File, Metadata};
use std::io::{BufRead, BufReader};
use std::path::{Component, Path, PathBuf};

use super::stage::{BestNames, Runs, ToldApart};
use super::{Facts, Run};
use crate::printable::printable_path;
use crate::warning::{ComparisonWarning, Warning};

/// What is odd about runs that are to be compared.
pub(crate) fn compared(runs: &[Run]) -> Vec<ComparisonWarning> {
    let mut warnings = same_runs(runs);
    warnings.extend(other_machines(runs));
    warnings
}

/// A last run that records much less than the first one did.
const MUCH_LESS: f64 = 0.1;

/// A last run that records less than this share in as much time may have hung.
const LESS_IN_THE_TIME: f64 = 0.25;

/// What is called as much time.
const AS_LONG: f64 = 0.9;

/// A last run that was killed much earlier than the first one.
const FEWER: f64 = 0.5;

/// So many records are enough for that.
const RECORDS: u64 = 100;

/// Whether this stands for a signal.
fn is_killed(status: i32) -> bool {
    (129..=192).contains(&status)
}

/// What is odd about how the last run ended, if its program did not do the work that the first one's did: what a program
/// did not come to cannot leak in it.
pub(crate) fn ends_compared(runs: &[Run]) -> Vec<Warning> {
    let [first, .., last] = runs else {
        return Vec::new();
    };
    let (first, last) = (&first.facts, &last.facts);
    let of_end = |run: &Facts| run.exit_status.filter(|_| run.reached.is_none());
    let (before, after) = (of_end(first), of_end(last));
    let status = after.filter(|status| match before {
        Some(0) => *status != 0,
        // One that always fails may crash none the less.
        Some(before) => is_killed(*status) && !is_killed(before),
        None => *status > 128,
    });
    let ended = status.map(|status| ComparisonWarning::EndedOtherwise { status });
    let is_killed_then = |run: &Facts| run.had_to_be_killed && run.reached.is_none();
    let hung = is_killed_then(last) && !is_killed_then(first);
    let hung = hung.then_some(ComparisonWarning::HadToBeKilled);
    let records = first.records.zip(last.records);
    let share = records.filter(|(before, after)| *before >= RECORDS && *after > 0);
    let share = share.map(|(before, after)| after as f64 / before as f64);
    let times = first.duration_s.zip(last.duration_s);
    let least = match times.is_some_and(|(first, last)| last >= AS_LONG * first) {
        true => LESS_IN_THE_TIME,
        false => MUCH_LESS,
    };
    let less = share.filter(|share| *share < least && last.reached.is_none());
    let less = less.map(|share| ComparisonWarning::DidLess {
        percent: (share * 100.0) as u64,
    });
    let both = before
        .zip(after)
        .filter(|(before, after)| is_killed(*before) && is_killed(*after));
    let early = both.zip(share.filter(|share| less.is_none() && *share < FEWER));
    let early = early.map(|((_, status), share)| ComparisonWarning::KilledEarly {
        signal: status - 128,
        percent: (share * 100.0) as u64,
    });
    let warnings = ended.into_iter().chain(hung).chain(early).chain(less);
    warnings.map(Warning::from).collect()
}

/// The same directory, or the same log, given as two runs.
fn same_runs(runs: &[Run]) -> Vec<ComparisonWarning> {
    let same = |a: &Path, b: &Path| matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b);
    // Where the log of a saved report was, another may be now.
    let is_here = |run: &Facts| run.origin.saved_by.is_none();
    let moment = |run: &Facts| run.reached.map(|reached| reached.records);
    let mut warnings = Vec::new();
    for (run, other) in pairs(runs).filter(|(run, other)| moment(run) == moment(other)) {
        let (first, second) = (printable_path(&run.path), printable_path(&other.path));
        if same(&run.path, &other.path) {
            warnings.push(ComparisonWarning::SameRun { first, second });
        } else if is_one_recording(run, other) {
            warnings.push(ComparisonWarning::SameRecording { first, second });
        } else if is_here(run)
            && is_here(other)
            && (same(&run.log, &other.log) || hold_the_same(&run.log, &other.log))
        {
            warnings.push(ComparisonWarning::SameLog { first, second });
        }
    }
    warnings
}

/// Pairs of runs that are one recording of one process, whatever files they were read from.
pub(crate) fn same_recordings(runs: &[Run]) -> impl Iterator<Item = (&Facts, &Facts)> {
    pairs(runs).filter(|(run, other)| is_one_recording(run, other))
}

fn pairs(runs: &[Run]) -> impl Iterator<Item = (&Facts, &Facts)> {
    let all = runs.iter().enumerate();
    all.flat_map(|(index, run)| {
        let others = runs[index + 1..].iter();
        others.map(|other| (&run.facts, &other.facts))
    })
}

/// Two moments of a process have different events behind them.
fn is_one_recording(run: &Facts, other: &Facts) -> bool {
    run.recorded.is_some() && run.recorded == other.recorded && run.records == other.records
}

/// Whether two files hold the same bytes. Files of different lengths are not read.
fn hold_the_same(one: &Path, other: &Path) -> bool {
    let open = |path: &Path| {
        let file = File::open(path).ok()?;
        let length = file.metadata().ok().filter(Metadata::is_file)?.len();
        Some((BufReader::with_capacity(1 << 16, file), length))
    };
    // What can be read only once is not opened again.
    let is_file = |path: &Path| path.metadata().is_ok_and(|file| file.is_file());
    if !is_file(one) || !is_file(other) {
        return false;
    }
    let (Some((mut one, length)), Some((mut other, others))) = (open(one), open(other)) else {
        return false;
    };
    if length != others {
        return false;
    }
    loop {
        let (Ok(a), Ok(b)) = (one.fill_buf(), other.fill_buf()) else {
            return false;
        };
        let read = a.len().min(b.len());
        if read == 0 || a[..read] != b[..read] {
            return a.is_empty() && b.is_empty();
        }
        one.consume(read);
        other.consume(read);
    }
}

/// The first run's architecture is not the last one's.
fn other_machines(runs: &[Run]) -> Option<ComparisonWarning> {
    let first = runs.first()?.facts.machine?;
    let last = runs.last()?.facts.machine?;
    (first != last).then(|| ComparisonWarning::MachinesDiffer {
        first: first.to_string(),
        last: last.to_string(),
    })
}

/// The runs under different names.
pub(crate) fn told_apart(runs: Runs<BestNames>) -> Runs<ToldApart> {
    let facts: Vec<&Facts> = runs.iter().map(|run| &run.facts).collect();
    let mut names = distinct_names(&facts).into_iter();
    runs.map(|run| Run {
        facts: Facts {
            name: names.next().unwrap_or_default(),
            ..run.facts
        },
        ..run
    })
}

/// Where runs have the same short name they get as much of their paths as tells them apart, and where the paths are
/// the same, too, a number.
fn distinct_names(runs: &[&Facts]) -> Vec<String> {
    let with_paths = runs.iter().map(|run| {
        let alike = runs.iter().filter(|other| other.name == run.name);
        let alike: Vec<&PathBuf> = alike.map(|other| &other.path).collect();
        match alike.len() {
            0 | 1 => run.name.clone(),
            _ => with_moment(printable_path(&own_part(&run.path, &alike)), run),
        }
    });
    let names: Vec<String> = with_paths.collect();
    let numbered = names.iter().enumerate().map(|(index, name)| {
        let before = names[..index].iter().filter(|other| *other == name).count();
        match before {
            0 => name.clone(),
            before => format!("{name} ({})", before + 1),
        }
    });
    numbered.collect()
}

/// A path without the directories that all of them lie in; its last part alone where they are one.
fn own_part(path: &Path, all: &[&PathBuf]) -> PathBuf {
    let parts: Vec<Component<'_>> = path.components().collect();
    let is_shared = |at: &usize| {
        let mut others = all.iter().map(|other| other.components().nth(*at));
        others.all(|other| other == Some(parts[*at]))
    };
    let shared = (0..parts.len().saturating_sub(1))
        .take_while(is_shared)
        .count();
    parts[shared..].iter().collect()
}

fn with_moment(name: String, run: &Facts) -> String {
    match run.reached {
        Some(reached) => format!("{name}@{}", reached.at),
        None => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(paths: &[&str]) -> Vec<String> {
        let runs = paths.iter().map(|path| {
            let path = PathBuf::from(path);
            let name = path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned());
            Facts {
                name: name.unwrap_or_default(),
                path,
                ..Facts::default()
            }
        });
        let runs: Vec<Facts> = runs.collect();
        distinct_names(&runs.iter().collect::<Vec<_>>())
    }

    #[test]
    fn a_name_is_as_short_as_tells_runs_apart() {
        assert_eq!(names(&["/a/run0", "/a/run1"]), ["run0", "run1"]);
        let logs = ["/captures/l10/mtrace.log", "/captures/l11/mtrace.log"];
        assert_eq!(names(&logs), ["l10/mtrace.log", "l11/mtrace.log"]);
        assert_eq!(names(&["run0", "old/run0"]), ["run0", "old/run0"]);
        assert_eq!(names(&["/a/run0", "/a/run0"]), ["run0", "run0 (2)"]);
        assert_eq!(names(&["/a/x", "/a/b/x", "/a/x"]), ["x", "b/x", "x (2)"]);
    }
}
