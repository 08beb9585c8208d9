//! The way from capture sets to a report.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use crate::capture::{CaptureSet, Moment, Reached, RunInput, RunSource};
use crate::diff::{self, Gate, Grouping, Map, ModuleLabel, NamedCaller, SortBy, join, rank};
use crate::error::{Error, Result};
use crate::import;
use crate::printable::printable_path;
use crate::progress::Progress;
use crate::report::listing::{Listing, write_mtrace, write_mtrace_do};
use crate::report::{FaultRow, Origin, Report, RunSummary, Source};
use crate::saved::{self, OldResult, RunResult};
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
    /// Where to write the last run's result.
    pub save: Option<PathBuf>,
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
    /// `None` at its end.
    reached: Option<Reached>,
    /// What it was read from in place of a log; then `trace` has callers, and nothing else.
    old: Option<OldResult>,
}

/// One run, as far as it can be read without the others.
enum ReadRun {
    Analysed(Box<RunAnalysis>),
    Saved(Box<RunResult>),
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
    let sources = open(first)?;
    let runs = read(sources, plan, options)?;
    let run = match runs.first().ok_or(Error::NoRun)? {
        ReadRun::Analysed(run) if run.old.is_none() => run,
        ReadRun::Analysed(run) => return Err(needs_log(&run.capture.path, false)),
        ReadRun::Saved(run) => return Err(needs_log(&run.summary.path, true)),
    };
    let source = Listing {
        trace: &run.trace,
        rebased: &run.rebased,
    };
    match listing {
        OldListing::Mtrace => write_mtrace(&source, out),
        OldListing::MtraceDo => write_mtrace_do(&source, out),
    }
}

fn needs_log(path: &Path, is_saved: bool) -> Error {
    Error::needs_log(path, "an old tool's listing", is_saved)
}

fn report(plan: &Plan) -> Result<Report> {
    if plan.runs.is_empty() {
        return Err(Error::NoRun);
    }
    if plan.runs.iter().filter(|run| run.reads_stdin()).count() > 1 {
        return Err(Error::StdinTwice);
    }
    if !matches!(plan.by, Grouping::Address | Grouping::Line) && !plan.gate.limits.is_empty() {
        let group = plan.by.name();
        return Err(Error::GateOfGroups { group });
    }
    let sources = open(&plan.runs)?;
    refuse_saving_over(plan, &sources)?;
    let runs = read(sources, plan, ReplayOptions::default())?;
    let mut runs = results(runs, plan);
    take_durations(&mut runs, plan);
    refuse_judgement(plan, &runs)?;
    refuse_rates_without_times(plan, &runs)?;
    if let (Some(file), Some(last)) = (&plan.save, runs.last()) {
        saved::write(file, &saved::to_json(last)?)?;
    }
    rename(&mut runs, &plan.maps);
    saved::settle(&mut runs);
    let mut warnings = same_runs(&runs);
    warnings.extend(other_machines(&runs));
    tell_apart(&mut runs);
    let (runs, callers) = runs
        .into_iter()
        .map(|run| (run.summary, run.callers))
        .unzip();
    let mut report = Report {
        runs,
        sites: join(callers, plan.by),
        verdict: None,
        by: plan.by,
        gate: plan.gate.clone(),
        memory: plan.memory,
        breaches: Vec::new(),
        warnings,
    };
    judge(&mut report, plan);
    Ok(report)
}

/// Ranks the sites of a report and holds them against the gate.
fn judge(report: &mut Report, plan: &Plan) {
    let knows_bytes = report.knows_growth_of_bytes();
    let sites = &mut report.sites;
    if !knows_bytes {
        diff::ignore_bytes(sites);
    }
    let durations: Vec<Option<f64>> = report.runs.iter().map(|run| run.duration_s).collect();
    let runs = report.runs.iter();
    let all_bytes = runs.map(|run| run.origin.source).all(Source::knows_bytes);
    diff::rate(sites, &durations, all_bytes);
    diff::judge(sites, &durations);
    rank(sites, plan.sort);
    report.breaches = plan.gate.breaches(&report.sites);
    report.warnings.extend(diff::advice(&report.sites));
    report.verdict = plan.gate.verdict(&report.breaches, report.double_frees());
}

/// Finds out what runs are, all at the same time.
fn open(inputs: &[RunInput]) -> Result<Vec<RunSource>> {
    // The first run's error is told first, whichever task was quicker.
    let sources: Vec<Result<RunSource>> = inputs.par_iter().map(RunSource::open).collect();
    sources.into_iter().collect()
}

/// Reads runs, all at the same time.
fn read(sources: Vec<RunSource>, plan: &Plan, options: ReplayOptions) -> Result<Vec<ReadRun>> {
    let logs = sources.iter().map(RunSource::log_bytes);
    logs.for_each(|bytes| plan.progress.expect(bytes));
    let read = |source| {
        refuse_moments(&source)?;
        Ok(match source {
            RunSource::Capture(set) => {
                ReadRun::Analysed(Box::new(RunAnalysis::of(set, plan, options)?))
            }
            RunSource::OldResult(set) => {
                ReadRun::Analysed(Box::new(RunAnalysis::of_old_result(set, plan)?))
            }
            RunSource::Saved(file) => ReadRun::Saved(Box::new(saved::read(&file)?)),
        })
    };
    let runs: Vec<Result<ReadRun>> = sources.into_par_iter().map(read).collect();
    plan.progress.all_read();
    runs.into_iter().collect()
}

/// The command line knows best how long a run took.
fn take_durations(runs: &mut [RunResult], plan: &Plan) {
    for (run, input) in runs.iter_mut().zip(&plan.runs) {
        if run.summary.reached.is_none() {
            run.summary.duration_s = input.duration_s.or(run.summary.duration_s);
        }
    }
}

/// Takes other names for paths and modules where the user wants it.
fn rename(runs: &mut [RunResult], maps: &[Map]) {
    for run in runs {
        let faults = run.summary.faults.iter_mut().flatten();
        let of_faults = faults.map(|fault| &mut fault.caller);
        let callers = run.callers.iter_mut().chain(of_faults);
        callers.for_each(|caller| diff::apply_maps(maps, caller));
    }
}

/// Which build each module of a run is of.
fn builds(capture: &CaptureSet, rebased: &RebasedRun) -> Vec<Option<Build>> {
    let modules = rebased.modules.iter();
    modules.map(|module| module.build(capture)).collect()
}

/// Names what was read, and makes every run a result, in their order.
fn results(runs: Vec<ReadRun>, plan: &Plan) -> Vec<RunResult> {
    let (mut analysed, mut results) = (Vec::new(), Vec::new());
    for (index, run) in runs.into_iter().enumerate() {
        match run {
            ReadRun::Analysed(run) => analysed.push((index, run)),
            ReadRun::Saved(result) => results.push((index, *result)),
        }
    }
    let to_name: Vec<RunToName<'_>> = analysed.iter().map(|(_, run)| run.to_name()).collect();
    let names = name_callers(&to_name, &plan.search);
    let named = analysed.into_iter().zip(names);
    results.extend(named.map(|((index, run), names)| (index, run.result(names))));
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

impl RunAnalysis {
    fn of(capture: CaptureSet, plan: &Plan, options: ReplayOptions) -> Result<Self> {
        let (log, reached) = import::log_at(&capture, &plan.progress)?;
        let trace = replay(log, options).map_err(|e| Error::io("read", &capture.log, e))?;
        refuse_other_files(&capture, &trace)?;
        let rebased = rebase(&capture, &trace, plan.addressing)?;
        let stats = trace.stats(rebased.choice.reuse);
        let curves = trace.curves(rebased.choice.reuse);
        let builds = builds(&capture, &rebased);
        Ok(RunAnalysis {
            capture,
            trace,
            rebased,
            stats,
            curves,
            builds,
            reached,
            old: None,
        })
    }

    /// Of what an old tool made of a log: callers and what is live, placed and named like those of a log.
    fn of_old_result(capture: CaptureSet, plan: &Plan) -> Result<Self> {
        let old = OldResult::read(capture.open_log(&plan.progress)?, &capture.log)?;
        let trace = old.trace(&capture);
        let rebased = rebase(&capture, &trace, old.addressing(plan.addressing))?;
        let builds = builds(&capture, &rebased);
        Ok(RunAnalysis {
            capture,
            trace,
            rebased,
            stats: old.stats(),
            curves: Vec::new(),
            builds,
            reached: None,
            old: Some(old),
        })
    }

    fn to_name(&self) -> RunToName<'_> {
        RunToName {
            capture: &self.capture,
            trace: &self.trace,
            rebased: &self.rebased,
            stats: &self.stats,
        }
    }

    fn named_callers(&self, names: &RunNames) -> Vec<NamedCaller> {
        let callers = self.trace.own_callers();
        callers
            .map(|(id, _)| self.named_caller(id, names))
            .collect()
    }

    fn named_caller(&self, id: CallerId, names: &RunNames) -> NamedCaller {
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
            curve: self.curves.get(id.0 as usize).cloned(),
        };
        if let Some(old) = &self.old {
            old.amend(id, &mut caller);
        }
        caller
    }

    /// What went wrong, at named callers.
    fn faults(&self, names: &RunNames) -> Vec<FaultRow> {
        let faults = self.trace.faults(self.rebased.choice.reuse);
        let row = |fault: Fault| FaultRow {
            kind: fault.kind,
            seen: fault.seen,
            caller: self.named_caller(fault.caller, names),
        };
        faults.into_iter().map(row).collect()
    }

    fn result(self, names: RunNames) -> RunResult {
        let callers = self.named_callers(&names);
        let summary = match self.old {
            None => self.summary(names),
            Some(_) => self.old_summary(names),
        };
        RunResult { summary, callers }
    }

    fn summary(self, names: RunNames) -> RunSummary {
        let reuse = self.rebased.choice.reuse;
        let faults = self.faults(&names);
        let anomalies = self.trace.anomalies(reuse);
        let mut warnings = Vec::new();
        if self.trace.records == 0 {
            warnings.push(Warning::NoRecords);
        }
        let mut damage = advice(&anomalies, reuse, self.trace.allocations());
        // Before its end, no log has an end mark.
        damage.retain(|warning| self.reached.is_none() || *warning != Warning::MissingEnd);
        warnings.extend(damage);
        let records = self.trace.records;
        let choice = self.rebased.choice.clone();
        RunSummary {
            choice: Some(choice),
            records: Some(records),
            anomalies: Some(anomalies),
            faults: Some(faults),
            ..self.facts(names, warnings)
        }
    }

    fn old_summary(self, names: RunNames) -> RunSummary {
        let old = self.old.as_ref();
        let source = old.map_or(Source::Log, |old| old.source);
        let warnings = old.map(OldResult::warning).into_iter().collect();
        RunSummary {
            origin: Origin {
                source,
                saved_by: None,
            },
            ..self.facts(names, warnings)
        }
    }

    /// What a log and an old result have in common. `warnings` are those of reading it.
    fn facts(self, names: RunNames, reading: Vec<Warning>) -> RunSummary {
        let mut live = Tally::default();
        self.stats.iter().for_each(|stats| live.add(stats.live));
        let mut warnings = self.capture.warnings;
        warnings.extend(reading);
        warnings.extend(self.rebased.warnings);
        warnings.extend(names.warnings);
        let program = self.capture.program;
        RunSummary {
            name: self.capture.name,
            path: self.capture.path,
            origin: Origin::default(),
            log: self.capture.log,
            build_id: program.as_ref().and_then(|elf| elf.build_id.clone()),
            program: program.map(|elf| elf.path),
            machine: self.rebased.machine,
            choice: None,
            duration_s: match self.reached {
                Some(reached) => reached.seconds,
                None => self.capture.manifest.duration_s,
            },
            reached: self.reached,
            records: None,
            live,
            anomalies: None,
            faults: None,
            warnings,
        }
    }
}

/// Only a log knows what was live before its end.
fn refuse_moments(source: &RunSource) -> Result<()> {
    let (path, at, reason) = match source {
        RunSource::Capture(_) => return Ok(()),
        RunSource::OldResult(set) => (
            &set.path,
            set.at,
            "the result of an old tool says only what was left then",
        ),
        RunSource::Saved(saved) => (
            &saved.path,
            saved.at,
            "a saved report says only what was left then",
        ),
    };
    match at {
        Moment::End => Ok(()),
        _ => Err(Error::NoMoments {
            path: path.clone(),
            reason,
        }),
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

/// A gate that passes because nothing was recorded, or is known, would be worse than none.
fn refuse_judgement(plan: &Plan, runs: &[RunResult]) -> Result<()> {
    let runs: Vec<&RunSummary> = runs.iter().map(|run| &run.summary).collect();
    let (Some(first), Some(last), true) = (runs.first(), runs.last(), plan.gate.is_set()) else {
        return Ok(());
    };
    if let Some(run) = runs.iter().find(|run| run.records == Some(0)) {
        let path = run.log.clone();
        return Err(Error::NothingToJudge { path });
    }
    let without_bytes = [first, last]
        .into_iter()
        .find(|run| !run.origin.source.knows_bytes());
    let of_bytes = plan.gate.limits.iter().find(|limit| limit.is_of_bytes());
    let by_ends = without_bytes.zip(of_bytes);
    let by_all = || {
        let run = runs.iter().find(|run| !run.origin.source.knows_bytes())?;
        let mut limits = plan.gate.limits.iter();
        Some((run, limits.find(|limit| limit.is_rate_of_bytes())?))
    };
    if let Some((run, limit)) = by_ends.or_else(by_all) {
        return Err(Error::BytesUnknown {
            path: run.path.clone(),
            limit: limit.to_string(),
        });
    }
    if plan.gate.fail_on_double_free && last.anomalies.is_none() {
        let path = last.path.clone();
        return Err(Error::DoubleFreesUnknown { path });
    }
    Ok(())
}

/// What a run was made of is worth more than a report of it.
fn refuse_saving_over(plan: &Plan, sources: &[RunSource]) -> Result<()> {
    let Some(file) = &plan.save else {
        return Ok(());
    };
    let mut runs = plan.runs.iter().zip(sources);
    match runs.find(|(_, source)| source.owns(file)) {
        Some((run, _)) => Err(Error::SaveOverRun {
            path: file.clone(),
            run: run.path.clone(),
        }),
        None => Ok(()),
    }
}

/// Growth by time cannot be judged without the time.
fn refuse_rates_without_times(plan: &Plan, runs: &[RunResult]) -> Result<()> {
    let untimed = runs.iter().find(|run| run.summary.duration_s.is_none());
    match (plan.gate.limit_by_time(), untimed) {
        (Some(limit), Some(run)) => Err(Error::NoDuration {
            path: run.summary.path.clone(),
            limit: limit.to_string(),
        }),
        _ => Ok(()),
    }
}

/// The same directory, or the same log, given as two runs.
fn same_runs(runs: &[RunResult]) -> Vec<Warning> {
    let same = |a: &Path, b: &Path| matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b);
    // Where the log of a saved report was, another may be now.
    let is_here = |run: &RunSummary| run.origin.saved_by.is_none();
    let moment = |run: &RunSummary| run.reached.map(|reached| reached.records);
    let mut warnings = Vec::new();
    for (index, RunResult { summary: run, .. }) in runs.iter().enumerate() {
        for RunResult { summary: other, .. } in &runs[index + 1..] {
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
fn other_machines(runs: &[RunResult]) -> Option<Warning> {
    let first = runs.first()?.summary.machine?;
    let last = runs.last()?.summary.machine?;
    (first != last).then(|| Warning::MachinesDiffer {
        first: first.to_string(),
        last: last.to_string(),
    })
}

/// Where two runs have the same short name they get the paths as they were given, and where these are
/// the same, too, a number.
fn tell_apart(runs: &mut [RunResult]) {
    let short: Vec<String> = runs.iter().map(|run| run.summary.name.clone()).collect();
    let is_shared = |name: &String| short.iter().filter(|other| *other == name).count() > 1;
    for run in runs.iter_mut().map(|run| &mut run.summary) {
        if is_shared(&run.name) {
            run.name = printable_path(&run.path);
        }
    }
    let paths: Vec<String> = runs.iter().map(|run| run.summary.name.clone()).collect();
    for (index, run) in runs.iter_mut().enumerate() {
        let name = &paths[index];
        let before = paths[..index].iter().filter(|other| *other == name).count();
        if before > 0 {
            run.summary.name = format!("{name} ({})", before + 1);
        }
    }
}
