//! What a gate cannot judge, for want of what it judges by.

use super::gate::{Decision, Gate};
use super::growth::Growth;
use super::judged::Measurement;
use super::limit::Limit;
use super::rate::{Rates, are_as_long};
use crate::error::{Error, GateError, Result};
use crate::printable::some;
use crate::run::{BlamedRun, Facts, Figures, Kept, Run, Source, same_recordings};
use crate::warning::{LogWarning, RecordingWarning, Warning};

/// A gate that passes because nothing was recorded, or is known, would be worse than none.
/// `ends` are the warnings of the last run's end.
pub(crate) fn refuse_judgement(gate: &Gate, runs: &[Run], ends: &[Warning]) -> Result<()> {
    if !gate.is_set() {
        return Ok(());
    }
    let facts: Vec<&Facts> = runs.iter().map(|run| &run.facts).collect();
    if let Some(run) = facts.iter().find(|run| run.records == Some(0)) {
        return Err(Error::Gate(GateError::NothingToJudge {
            path: run.log.clone(),
            reason: why_nothing(run),
        }));
    }
    if let Some(run) = facts.iter().find(|run| is_incomplete(run)) {
        let path = run.path.clone();
        return Err(Error::Gate(GateError::IncompleteResult { path }));
    }
    refuse_meaningless_figures(gate, &facts)?;
    if gate.strict {
        refuse_same_recordings(runs)?;
        refuse_partial_figures(&facts, ends)?;
        refuse_growth_of_earlier(gate, &facts)?;
    }
    refuse_bytes_unknown(gate, &facts)?;
    refuse_rates_without_times(gate, &facts)?;
    refuse_rates_without_course(gate, runs)?;
    match facts.last() {
        Some(last) if gate.fail_on_double_free && last.anomalies.is_none() => {
            Err(Error::Gate(GateError::DoubleFreesUnknown {
                path: last.path.clone(),
                is_recorded: last.origin.source == Source::Recording,
            }))
        }
        _ => Ok(()),
    }
}

/// Why a run has no records, as far as that can be told.
fn why_nothing(run: &Facts) -> &'static str {
    let is_damage = |warning: &Warning| {
        matches!(
            warning,
            Warning::Recording(RecordingWarning::Cut | RecordingWarning::Damaged { .. })
                | Warning::Log(LogWarning::ReadStopped(_))
        )
    };
    match run.origin.source {
        Source::Recording if run.warnings.iter().any(is_damage) => {
            "the recording is damaged or cut; copy it again when the program has ended, in binary mode"
        }
        Source::Recording => {
            "the program allocated nothing, or it left its work to other processes, whose recordings are in child-*"
        }
        _ => {
            "check that the program was traced: MALLOC_TRACE set, mtrace() called, and with glibc 2.34 or newer \
             LD_PRELOAD=libc_malloc_debug.so.0"
        }
    }
}

/// What a warning calls wrong, or figures of no process, is not judged. A child that begins with a copy of its parent's
/// buffer also writes frees twice. Damage is named first: it can look like a child's lines.
fn refuse_meaningless_figures(gate: &Gate, runs: &[&Facts]) -> Result<()> {
    let (runs, what) = match (gate.limits.is_empty(), runs) {
        (false, runs) => (runs, "growth"),
        (true, [.., last]) => (std::slice::from_ref(last), "double frees"),
        (true, []) => return Ok(()),
    };
    for codes in [&[LogWarning::DAMAGED][..], &LogWarning::MIXED[..]] {
        for run in runs {
            let mut warnings = run.warnings.iter();
            if let Some(warning) = warnings.find(|warning| codes.contains(&warning.code())) {
                return Err(Error::Gate(GateError::NotToBeJudged {
                    path: run.path.clone(),
                    what,
                    warning: warning.to_string(),
                }));
            }
        }
    }
    Ok(())
}

/// A recording is no second run of itself.
fn refuse_same_recordings(runs: &[Run]) -> Result<()> {
    match same_recordings(runs).next() {
        Some((first, second)) => Err(Error::Gate(GateError::SameRecording {
            first: first.path.clone(),
            second: second.path.clone(),
        })),
        None => Ok(()),
    }
}

fn refuse_partial_figures(runs: &[&Facts], ends: &[Warning]) -> Result<()> {
    let of_runs = runs.iter().map(|run| (run, &*run.warnings));
    let of_ends = runs.last().map(|last| (last, ends));
    for (run, warnings) in of_runs.chain(of_ends) {
        let mut warnings = warnings.iter();
        if let Some(warning) = warnings.find(|warning| warning.makes_figures_partial()) {
            return Err(Error::Gate(GateError::PartialFigures {
                path: run.path.clone(),
                warning: warning.to_string(),
            }));
        }
    }
    Ok(())
}

/// A gate that passes because no stack counts would be worse than none.
pub(crate) fn refuse_nothing_left(gate: &Gate, kept: &Kept) -> Result<()> {
    let is_empty = kept.runs.last().is_some_and(|run| run.sites.is_empty());
    match &kept.only {
        Some(only) if gate.is_set() && is_empty => Err(Error::Gate(GateError::NothingLeft {
            filter: only.filter.clone(),
        })),
        _ => Ok(()),
    }
}

/// What was there before the recorded process and holds more than in the first run, above a limit.
pub(crate) fn grown_earlier<'a>(gate: &Gate, runs: &[&'a Facts]) -> Option<(&'a Facts, Growth)> {
    let [first, .., last] = runs else {
        return None;
    };
    let live = |run: &Facts| {
        run.earlier
            .as_ref()
            .map_or(Figures::ZERO, |earlier| earlier.live)
    };
    let measured = Measurement {
        first: live(first),
        growth: Growth::between(live(first), live(last)),
        rates: Rates::default(),
    };
    let mut limits = gate.limits.iter();
    let is_above = match limits.clone().all(Limit::is_by_time) {
        // How long they took is not known.
        true => measured.growth.blocks > 0 && !gate.limits.is_empty(),
        false => limits.any(|limit| limit.is_exceeded_by(&measured, false)),
    };
    is_above.then_some((*last, measured.growth))
}

fn refuse_growth_of_earlier(gate: &Gate, runs: &[&Facts]) -> Result<()> {
    match grown_earlier(gate, runs) {
        Some((run, growth)) => Err(Error::Gate(GateError::EarlierGrew {
            path: run.path.clone(),
            recordings: run
                .earlier
                .as_ref()
                .map_or_else(String::new, |earlier| some(&earlier.recordings)),
            more: growth.to_string(),
        })),
        None => Ok(()),
    }
}

/// What a recording held until its end is known from its course alone.
pub(crate) fn has_too_few_counts(run: &BlamedRun) -> bool {
    run.facts.origin.source == Source::Recording && run.lacks_course()
}

/// What failed did so whatever was held.
pub(crate) fn refuse_pass_of_too_few_counts(
    gate: &Gate,
    runs: &[BlamedRun],
    decision: Option<Decision>,
) -> Result<()> {
    let is_told = gate.strict && decision == Some(Decision::Pass) && !gate.limits.is_empty();
    match runs.last().filter(|last| has_too_few_counts(last)) {
        Some(last) if is_told && runs.len() > 1 => Err(Error::Gate(GateError::TooFewCounts {
            path: last.facts.path.clone(),
        })),
        _ => Ok(()),
    }
}

/// What is missing from a cut result may be what grew; of a saved report of one, the code alone is left.
fn is_incomplete(run: &Facts) -> bool {
    let mut codes = run.warnings.iter().map(Warning::code);
    codes.any(|code| code == Warning::RESULT_INCOMPLETE)
}

/// A limit of bytes takes those of both ends; one of a rate, those of all runs.
fn refuse_bytes_unknown(gate: &Gate, runs: &[&Facts]) -> Result<()> {
    let is_unknown = |run: &&&Facts| !run.origin.source.knows_bytes();
    let mut ends = runs.first().into_iter().chain(runs.last());
    let by_ends = ends
        .find(is_unknown)
        .zip(gate.limits.iter().find(|limit| limit.is_of_bytes()));
    let by_all = || {
        let run = runs.iter().find(is_unknown)?;
        let mut limits = gate.limits.iter();
        Some((run, limits.find(|limit| limit.is_rate_of_bytes())?))
    };
    match by_ends.or_else(by_all) {
        Some((run, limit)) => Err(Error::Gate(GateError::BytesUnknown {
            path: run.path.clone(),
            limit: limit.to_string(),
        })),
        None => Ok(()),
    }
}

/// Growth by time cannot be judged without the time.
fn refuse_rates_without_times(gate: &Gate, runs: &[&Facts]) -> Result<()> {
    let untimed = runs.iter().find(|run| run.duration_s.is_none());
    match (gate.limit_by_time(), untimed) {
        (Some(limit), Some(run)) => Err(Error::Gate(GateError::NoDuration {
            path: run.path.clone(),
            limit: limit.to_string(),
        })),
        _ => Ok(()),
    }
}

/// Runs of one length leave the same of a steady leak: only the course of the last one tells how fast it grows.
fn refuse_rates_without_course(gate: &Gate, runs: &[Run]) -> Result<()> {
    let times = runs.iter().map(|run| run.facts.duration_s);
    let times: Option<Vec<f64>> = times.collect();
    let (Some(limit), Some(times), Some(last)) = (gate.limit_by_time(), times, runs.last()) else {
        return Ok(());
    };
    let has_course = last.sites.iter().all(|site| site.curve.is_some());
    match runs.len() > 1 && are_as_long(&times) && !has_course {
        true => Err(Error::Gate(GateError::NoCourse {
            path: last.facts.path.clone(),
            limit: limit.to_string(),
        })),
        false => Ok(()),
    }
}
