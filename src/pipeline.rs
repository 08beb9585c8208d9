//! The way from capture sets to a report.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use crate::capture::{CaptureSet, Moment, Reached, RunInput, RunSource};
use crate::diff::{Gate, Grouping, Map, SortBy, join, renamed};
use crate::error::{Error, Result};
use crate::import;
use crate::printable::printable_path;
use crate::progress::Progress;
use crate::report::listing::{Listing, write_mtrace, write_mtrace_do};
use crate::report::{Report, Terms};
use crate::run::{
    Addressing, Facts, Fault, Figures, Location, LocationId, Module, ModuleLabel, Origin, Run,
    Source,
};
use crate::saved::{self, OldResult};
use crate::symbols::{Place, RebasedRun, RunNames, RunToName, SearchPath, name_callers, rebase};
use crate::trace::ReplayOptions;
use crate::trace::{Anomalies, CallerStats, Curve, Trace, advice, replay};
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
struct Placed {
    capture: CaptureSet,
    trace: Trace,
    rebased: RebasedRun,
    /// By [`CallerId`].
    figures: Vec<Figures>,
    curves: Vec<Curve>,
    /// By module.
    modules: Vec<Module>,
    /// `None` at its end.
    reached: Option<Reached>,
    /// What it was read from in place of a log; then `trace` has callers, and nothing else.
    old: Option<OldResult>,
}

/// One run, as far as it can be read without the others.
enum ReadRun {
    Placed(Box<Placed>),
    Saved(Box<Run>),
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
        ReadRun::Placed(run) if run.old.is_none() => run,
        ReadRun::Placed(run) => return Err(needs_log(&run.capture.path, false)),
        ReadRun::Saved(run) => return Err(needs_log(&run.facts.path, true)),
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
    let runs = with_durations(named(runs, plan), plan);
    refuse_judgement(plan, &runs)?;
    refuse_rates_without_times(plan, &runs)?;
    if let (Some(file), Some(last)) = (&plan.save, runs.last()) {
        saved::write(file, &saved::to_json(last)?)?;
    }
    let runs = runs.into_iter().map(|run| renamed(run, &plan.maps));
    let runs = saved::settle(runs.collect());
    let mut warnings = same_runs(&runs);
    warnings.extend(other_machines(&runs));
    let runs = told_apart(runs);
    let sites = join(&runs, plan.by);
    let terms = Terms {
        sort: plan.sort,
        by: plan.by,
        gate: plan.gate.clone(),
        memory: plan.memory,
    };
    Ok(Report::new(runs, sites, terms, warnings))
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
                ReadRun::Placed(Box::new(Placed::of_log(set, plan, options)?))
            }
            RunSource::OldResult(set) => {
                ReadRun::Placed(Box::new(Placed::of_old_result(set, plan)?))
            }
            RunSource::Saved(file) => ReadRun::Saved(Box::new(saved::read(&file)?)),
        })
    };
    let runs: Vec<Result<ReadRun>> = sources.into_par_iter().map(read).collect();
    plan.progress.all_read();
    runs.into_iter().collect()
}

/// The command line knows best how long a run took; of a moment, the run itself.
fn with_durations(mut runs: Vec<Run>, plan: &Plan) -> Vec<Run> {
    for (run, input) in runs.iter_mut().zip(&plan.runs) {
        if run.facts.reached.is_none() {
            run.facts.duration_s = input.duration_s.or(run.facts.duration_s);
        }
    }
    runs
}

/// Names what was read, in the order of the runs.
fn named(runs: Vec<ReadRun>, plan: &Plan) -> Vec<Run> {
    let placed = runs.iter().filter_map(|run| match run {
        ReadRun::Placed(run) => Some(run.to_name()),
        ReadRun::Saved(_) => None,
    });
    let to_name: Vec<RunToName<'_>> = placed.collect();
    let mut names = name_callers(&to_name, &plan.search).into_iter();
    let named = runs.into_iter().filter_map(|run| match run {
        ReadRun::Placed(run) => Some(run.named(names.next()?)),
        ReadRun::Saved(run) => Some(*run),
    });
    named.collect()
}

impl Placed {
    fn of_log(capture: CaptureSet, plan: &Plan, options: ReplayOptions) -> Result<Self> {
        let (log, reached) = import::log_at(&capture, &plan.progress)?;
        let trace = replay(log, options).map_err(|e| Error::io("read", &capture.log, e))?;
        refuse_other_files(&capture, &trace)?;
        let rebased = rebase(&capture, &trace, plan.addressing)?;
        let reuse = rebased.choice.reuse;
        let figures = |stats: CallerStats| Figures::of_log(stats.allocations, stats.live);
        Ok(Placed {
            figures: trace.stats(reuse).into_iter().map(figures).collect(),
            curves: trace.curves(reuse),
            modules: modules(&capture, &rebased),
            capture,
            trace,
            rebased,
            reached,
            old: None,
        })
    }

    /// Of what an old tool made of a log: callers and what is live, placed and named like those of a log.
    fn of_old_result(capture: CaptureSet, plan: &Plan) -> Result<Self> {
        let old = OldResult::read(capture.open_log(&plan.progress)?, &capture.log)?;
        let trace = old.trace(&capture);
        let rebased = rebase(&capture, &trace, old.addressing(plan.addressing))?;
        let callers = trace.callers();
        Ok(Placed {
            figures: callers.map(|(id, _)| old.figures(id)).collect(),
            curves: Vec::new(),
            modules: modules(&capture, &rebased),
            capture,
            trace,
            rebased,
            reached: None,
            old: Some(old),
        })
    }

    fn to_name(&self) -> RunToName<'_> {
        RunToName {
            capture: &self.capture,
            trace: &self.trace,
            rebased: &self.rebased,
            figures: &self.figures,
        }
    }

    /// The whole run.
    fn named(mut self, names: RunNames) -> Run {
        let modules = std::mem::take(&mut self.modules);
        let mut run = Run::new(Facts::default(), modules);
        for (id, name) in self.trace.callers().map(|(id, _)| id).zip(names.names) {
            let location = Location {
                module: self.rebased.place(id).module(),
                address: match self.rebased.place(id) {
                    Place::InModule { address, .. } => Some(*address),
                    Place::Unplaced { .. } => None,
                },
                number: self.trace.caller(id).address,
                name,
            };
            let location = match &self.old {
                Some(old) => old.amended(id, location),
                None => location,
            };
            // A location has the number of its caller.
            let at = run.add_location(location);
            let figures = self.figures[at.0];
            if figures.allocated() {
                run.add_site(at, figures, self.curves.get(at.0).cloned());
            }
        }
        run.faults = self.old.is_none().then(|| self.faults());
        run.facts = self.facts(names.warnings);
        run
    }

    /// What went wrong, and where.
    fn faults(&self) -> Vec<Fault> {
        let faults = self.trace.faults(self.rebased.choice.reuse).into_iter();
        let fault = faults.map(|fault| Fault {
            kind: fault.kind,
            seen: fault.seen,
            at: LocationId(fault.caller.0 as usize),
        });
        fault.collect()
    }

    fn facts(self, naming: Vec<Warning>) -> Facts {
        let is_log = self.old.is_none();
        let reuse = self.rebased.choice.reuse;
        let anomalies = is_log.then(|| self.trace.anomalies(reuse));
        let reading = match (&self.old, &anomalies) {
            (Some(old), _) => vec![old.warning()],
            (None, Some(anomalies)) => self.damage(anomalies),
            (None, None) => Vec::new(),
        };
        let program = self.capture.program;
        let warnings = [
            self.capture.warnings,
            reading,
            self.rebased.warnings,
            naming,
        ];
        Facts {
            name: self.capture.name,
            path: self.capture.path,
            origin: Origin {
                source: self.old.map_or(Source::Log, |old| old.source),
                saved_by: None,
            },
            log: self.capture.log,
            build_id: program.as_ref().and_then(|elf| elf.build_id.clone()),
            program: program.map(|elf| elf.path),
            machine: self.rebased.machine,
            choice: is_log.then_some(self.rebased.choice),
            duration_s: match self.reached {
                Some(reached) => reached.seconds,
                None => self.capture.manifest.duration_s,
            },
            reached: self.reached,
            records: is_log.then_some(self.trace.records),
            anomalies,
            warnings: warnings.concat(),
        }
    }

    /// What the log lacks.
    fn damage(&self, anomalies: &Anomalies) -> Vec<Warning> {
        let mut warnings = Vec::new();
        if self.trace.records == 0 {
            warnings.push(Warning::NoRecords);
        }
        let reuse = self.rebased.choice.reuse;
        let damage = advice(anomalies, reuse, self.trace.allocations()).into_iter();
        // Before its end, no log has an end mark.
        let is_told = |warning: &Warning| self.reached.is_none() || *warning != Warning::MissingEnd;
        warnings.extend(damage.filter(is_told));
        warnings
    }
}

/// The modules of a run, and which build each is of.
fn modules(capture: &CaptureSet, rebased: &RebasedRun) -> Vec<Module> {
    let modules = rebased.modules.iter();
    let module = modules.map(|module| Module {
        label: ModuleLabel {
            role: module.role,
            name: module.name.clone(),
        },
        build: module.build(capture),
    });
    module.collect()
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
fn refuse_judgement(plan: &Plan, runs: &[Run]) -> Result<()> {
    let runs: Vec<&Facts> = runs.iter().map(|run| &run.facts).collect();
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
fn refuse_rates_without_times(plan: &Plan, runs: &[Run]) -> Result<()> {
    let untimed = runs.iter().find(|run| run.facts.duration_s.is_none());
    match (plan.gate.limit_by_time(), untimed) {
        (Some(limit), Some(run)) => Err(Error::NoDuration {
            path: run.facts.path.clone(),
            limit: limit.to_string(),
        }),
        _ => Ok(()),
    }
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
fn told_apart(mut runs: Vec<Run>) -> Vec<Run> {
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
