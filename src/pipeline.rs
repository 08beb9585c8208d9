//! The way from capture sets to a report.

use std::io::Write;
use std::sync::Arc;

use rayon::prelude::*;

use crate::capture::{CaptureSet, RunInput};
use crate::diff::{
    self, Gate, Grouping, Map, ModuleLabel, NamedCaller, SortBy, join, judge, rank, rate,
};
use crate::error::{Error, Result};
use crate::printable::printable_path;
use crate::progress::Progress;
use crate::report::listing::{Listing, write_mtrace, write_mtrace_do};
use crate::report::{FaultRow, Report, RunSummary};
use crate::symbols::{
    Addressing, Build, Place, RebasedRun, RunNames, RunToName, SearchPath, name_callers, rebase,
};
use crate::trace::ReplayOptions;
use crate::trace::{CallerId, CallerStats, Curve, Fault, Tally, Trace, advice, replay};
use crate::warning::Warning;

/// What to analyse, and how to judge and order what comes of it.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// In order: growth is measured from the first to the last.
    pub runs: Vec<RunInput>,
    pub search: SearchPath,
    pub sort: SortBy,
    /// What rows stand for.
    pub by: Grouping,
    /// Names of paths and modules that are others in the report; the first that fits is used.
    pub maps: Vec<Map>,
    pub gate: Gate,
    /// What the numbers of the logs are, where the user says it; else it is found out, log by log.
    pub addressing: Option<Addressing>,
    /// What the target has for blocks that leak; the report says how long it lasts.
    pub memory: Option<u64>,
    /// Tells how far the reading has come.
    pub progress: Arc<Progress>,
}

/// Which of the old tools' listings to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OldListing {
    /// Of `mtrace(1)`.
    Mtrace,
    /// Of `mtrace_do.py`.
    MtraceDo,
}

/// One run, read and placed, without names.
struct RunAnalysis {
    capture: CaptureSet,
    trace: Trace,
    rebased: RebasedRun,
    stats: Vec<CallerStats>,
    curves: Vec<Curve>,
    /// By module.
    builds: Vec<Option<Build>>,
}

/// Compares two or more runs.
pub fn compare(plan: &Plan) -> Result<Report> {
    if let [only] = plan.runs.as_slice() {
        return Err(Error::OneRun {
            path: only.path.clone(),
        });
    }
    report(plan)
}

/// Lists what one run left.
pub fn show(plan: &Plan) -> Result<Report> {
    report(plan)
}

/// Prints what one of the old tools would print for the first run of a plan.
pub fn list(plan: &Plan, listing: OldListing, out: &mut dyn Write) -> Result<()> {
    let options = ReplayOptions {
        keep_unknown_frees: true,
    };
    let first = plan.runs.get(..1).ok_or(Error::NoRun)?;
    let runs = analyse(first, plan, options)?;
    let run = runs.first().ok_or(Error::NoRun)?;
    let source = Listing {
        trace: &run.trace,
        rebased: &run.rebased,
    };
    match listing {
        OldListing::Mtrace => write_mtrace(&source, out),
        OldListing::MtraceDo => write_mtrace_do(&source, out),
    }
}

fn report(plan: &Plan) -> Result<Report> {
    if plan.runs.is_empty() {
        return Err(Error::NoRun);
    }
    if plan.runs.iter().filter(|run| run.reads_stdin()).count() > 1 {
        return Err(Error::StdinTwice);
    }
    let runs = analyse(&plan.runs, plan, ReplayOptions::default())?;
    refuse_empty_judgement(plan, &runs)?;
    refuse_rates_without_times(plan, &runs)?;
    let to_name: Vec<RunToName<'_>> = runs.iter().map(RunAnalysis::to_name).collect();
    let names = name_callers(&to_name, &plan.search);
    let callers = runs
        .iter()
        .zip(&names)
        .map(|(run, names)| run.named_callers(names, &plan.maps))
        .collect();
    let durations: Vec<Option<f64>> = runs.iter().map(RunAnalysis::duration_s).collect();
    let mut sites = join(callers, plan.by);
    rate(&mut sites, &durations);
    judge(&mut sites, &durations);
    rank(&mut sites, plan.sort);
    let breaches = plan.gate.breaches(&sites);
    let mut warnings = same_runs(&runs);
    warnings.extend(other_machines(&runs));
    warnings.extend(diff::advice(&sites));
    let labels = run_names(&runs);
    let summaries = runs
        .into_iter()
        .zip(names)
        .zip(labels)
        .map(|((run, names), name)| run.summary(names, name, &plan.maps));
    let mut report = Report {
        runs: summaries.collect(),
        sites,
        verdict: None,
        by: plan.by,
        gate: plan.gate.clone(),
        breaches,
        memory: plan.memory,
        warnings,
    };
    report.verdict = plan.gate.verdict(&report.breaches, report.double_frees());
    Ok(report)
}

/// Reads runs, all at the same time.
fn analyse(inputs: &[RunInput], plan: &Plan, options: ReplayOptions) -> Result<Vec<RunAnalysis>> {
    // The first run's error is told first, whichever task was quicker.
    let captures: Vec<Result<CaptureSet>> = inputs.par_iter().map(CaptureSet::open).collect();
    let captures: Vec<CaptureSet> = captures.into_iter().collect::<Result<_>>()?;
    let logs = captures.iter().map(CaptureSet::log_bytes);
    logs.for_each(|bytes| plan.progress.expect(bytes));
    let read = |capture| RunAnalysis::of(capture, plan, options);
    let runs: Vec<Result<RunAnalysis>> = captures.into_par_iter().map(read).collect();
    plan.progress.all_read();
    runs.into_iter().collect()
}

impl RunAnalysis {
    fn of(capture: CaptureSet, plan: &Plan, options: ReplayOptions) -> Result<Self> {
        let log = capture.open_log(&plan.progress)?;
        let trace = replay(log, options).map_err(|e| Error::io("read", &capture.log, e))?;
        refuse_other_files(&capture, &trace)?;
        let rebased = rebase(&capture, &trace, plan.addressing)?;
        let stats = trace.stats(rebased.choice.reuse);
        let curves = trace.curves(rebased.choice.reuse);
        let modules = rebased.modules.iter();
        let builds = modules.map(|module| module.build(&capture)).collect();
        Ok(RunAnalysis {
            capture,
            trace,
            rebased,
            stats,
            curves,
            builds,
        })
    }

    fn duration_s(&self) -> Option<f64> {
        self.capture.manifest.duration_s
    }

    fn to_name(&self) -> RunToName<'_> {
        RunToName {
            capture: &self.capture,
            trace: &self.trace,
            rebased: &self.rebased,
            stats: &self.stats,
        }
    }

    fn named_callers(&self, names: &RunNames, maps: &[Map]) -> Vec<NamedCaller> {
        let callers = self.trace.own_callers();
        callers
            .map(|(id, _)| self.named_caller(id, names, maps))
            .collect()
    }

    fn named_caller(&self, id: CallerId, names: &RunNames, maps: &[Map]) -> NamedCaller {
        let place = self.rebased.place(id);
        let module = place.module().map(|id| self.rebased.module(id));
        let mut caller = NamedCaller {
            module: module.map(|module| ModuleLabel {
                role: module.role,
                name: module.name.clone(),
            }),
            build: place.module().and_then(|id| self.builds[id.0].clone()),
            address: match place {
                Place::InModule { address, .. } => Some(*address),
                Place::Unplaced { .. } => None,
            },
            number: self.trace.caller(id).address,
            name: names.names[id.0 as usize].clone(),
            stats: self.stats[id.0 as usize],
            curve: Some(self.curves[id.0 as usize].clone()),
        };
        diff::apply_maps(maps, &mut caller);
        caller
    }

    /// What went wrong, at named callers.
    fn faults(&self, names: &RunNames, maps: &[Map]) -> Vec<FaultRow> {
        let faults = self.trace.faults(self.rebased.choice.reuse);
        let row = |fault: Fault| FaultRow {
            kind: fault.kind,
            seen: fault.seen,
            caller: self.named_caller(fault.caller, names, maps),
        };
        faults.into_iter().map(row).collect()
    }

    fn summary(self, names: RunNames, name: String, maps: &[Map]) -> RunSummary {
        let faults = self.faults(&names, maps);
        let anomalies = self.trace.anomalies(self.rebased.choice.reuse);
        let mut live = Tally::default();
        self.stats.iter().for_each(|stats| live.add(stats.live));
        let mut warnings = self.capture.warnings;
        if self.trace.records == 0 {
            warnings.push(Warning::NoRecords);
        }
        let reuse = self.rebased.choice.reuse;
        warnings.extend(advice(&anomalies, reuse, self.trace.allocations()));
        warnings.extend(self.rebased.warnings);
        warnings.extend(names.warnings);
        let program = self.capture.program;
        RunSummary {
            name,
            path: self.capture.path,
            log: self.capture.log,
            build_id: program.as_ref().and_then(|elf| elf.build_id.clone()),
            program: program.map(|elf| elf.path),
            machine: self.rebased.machine,
            choice: self.rebased.choice,
            duration_s: self.capture.manifest.duration_s,
            records: self.trace.records,
            live,
            anomalies,
            faults,
            warnings,
        }
    }
}

/// A file that holds nothing, or mostly something else, is no mtrace log.
fn refuse_other_files(capture: &CaptureSet, trace: &Trace) -> Result<()> {
    let anomalies = trace.anomalies(crate::trace::Reuse::FreeLost);
    let path = capture.log.clone();
    let lines = trace.lines;
    if lines == 0 && anomalies.truncated_tail.count == 0 {
        return Err(Error::EmptyLog { path });
    }
    let malformed = anomalies.malformed;
    let good = lines.saturating_sub(malformed.count);
    let quote = anomalies.malformed_quote;
    if good == 0 {
        let reason = match malformed.first_line {
            Some(line) => format!("line {line} is '{quote}'"),
            None => "it holds no whole line".to_owned(),
        };
        return Err(Error::NotALog { path, reason });
    }
    if malformed.count > good {
        return Err(Error::MostlyMalformed {
            path,
            malformed: malformed.count,
            lines,
            first_line: malformed.first_line.unwrap_or(0),
            quote,
        });
    }
    Ok(())
}

/// A gate that passes because nothing was recorded would be worse than none.
fn refuse_empty_judgement(plan: &Plan, runs: &[RunAnalysis]) -> Result<()> {
    let empty = runs.iter().find(|run| run.trace.records == 0);
    match empty {
        Some(run) if plan.gate.is_set() => Err(Error::NothingToJudge {
            path: run.capture.log.clone(),
        }),
        _ => Ok(()),
    }
}

/// Growth by time cannot be judged without the time.
fn refuse_rates_without_times(plan: &Plan, runs: &[RunAnalysis]) -> Result<()> {
    let untimed = runs.iter().find(|run| run.duration_s().is_none());
    match (plan.gate.limit_by_time(), untimed) {
        (Some(limit), Some(run)) => Err(Error::NoDuration {
            path: run.capture.path.clone(),
            limit: limit.to_string(),
        }),
        _ => Ok(()),
    }
}

/// The same directory, or the same log, given as two runs.
fn same_runs(runs: &[RunAnalysis]) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for (index, run) in runs.iter().enumerate() {
        for other in &runs[index + 1..] {
            let (first, second) = (
                printable_path(&run.capture.path),
                printable_path(&other.capture.path),
            );
            let same = |a: &std::path::Path, b: &std::path::Path| matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b);
            if same(&run.capture.path, &other.capture.path) {
                warnings.push(Warning::SameRun { first, second });
            } else if same(&run.capture.log, &other.capture.log) {
                warnings.push(Warning::SameLog { first, second });
            }
        }
    }
    warnings
}

/// The first run's architecture is not the last one's.
fn other_machines(runs: &[RunAnalysis]) -> Option<Warning> {
    let first = runs.first()?.rebased.machine?;
    let last = runs.last()?.rebased.machine?;
    (first != last).then(|| Warning::MachinesDiffer {
        first: first.to_string(),
        last: last.to_string(),
    })
}

/// Short names of the runs; where two would be the same, the paths as they were given, and where
/// these are, too, with a number.
fn run_names(runs: &[RunAnalysis]) -> Vec<String> {
    let mut names: Vec<String> = runs.iter().map(|run| run.capture.name.clone()).collect();
    let is_shared =
        |names: &[String], name: &String| names.iter().filter(|other| *other == name).count() > 1;
    let short = names.clone();
    for (name, run) in names.iter_mut().zip(runs) {
        if is_shared(&short, name) {
            *name = printable_path(&run.capture.path);
        }
    }
    let paths = names.clone();
    for (index, name) in names.iter_mut().enumerate() {
        let before = paths[..index]
            .iter()
            .filter(|other| **other == *name)
            .count();
        if before > 0 {
            *name = format!("{name} ({})", before + 1);
        }
    }
    names
}
