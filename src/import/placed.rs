//! A log, or what an old tool made of one, read and placed: what is left to find are names.

use crate::capture::{CaptureSet, Reached};
use crate::error::{Error, Result};
use crate::printable::printable_bytes;
use crate::run::{
    Blocks, Facts, Fault, Figures, LiveBlock, Location, LocationId, Module, ModuleLabel, Origin,
    Run, Source, Text, UnknownFree,
};
use crate::saved::OldResult;
use crate::symbols::{Place, RebasedRun, RunNames, RunToName, rebase};
use crate::trace::{Anomalies, CallerId, CallerStats, Curve, ReplayOptions, Trace, advice, replay};
use crate::warning::Warning;

use super::{Reading, log_at};

/// A run, read and placed, without names.
#[derive(Debug)]
pub struct Placed {
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
    /// Keep the live blocks one by one.
    keep_blocks: bool,
    /// What it was read from in place of a log; then `trace` has callers, and nothing else.
    old: Option<OldResult>,
}

impl Placed {
    pub fn of_log(capture: CaptureSet, reading: Reading<'_>) -> Result<Self> {
        let options = ReplayOptions {
            keep_unknown_frees: reading.keep_blocks,
        };
        let (log, reached) = log_at(&capture, reading.progress)?;
        let trace = replay(log, options).map_err(|e| Error::io("read", &capture.log, e))?;
        refuse_other_files(&capture, &trace)?;
        let rebased = rebase(&capture, &trace, reading.addressing)?;
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
            keep_blocks: reading.keep_blocks,
            old: None,
        })
    }

    /// Of what an old tool made of a log: callers and what is live, placed and named like those of a log.
    pub fn of_old_result(capture: CaptureSet, reading: Reading<'_>) -> Result<Self> {
        let old = OldResult::read(capture.open_log(reading.progress)?, &capture.log)?;
        let trace = old.trace(&capture);
        let rebased = rebase(&capture, &trace, old.addressing(reading.addressing))?;
        let callers = trace.callers();
        Ok(Placed {
            figures: callers.map(|(id, _)| old.figures(id)).collect(),
            curves: Vec::new(),
            modules: modules(&capture, &rebased),
            capture,
            trace,
            rebased,
            reached: None,
            keep_blocks: false,
            old: Some(old),
        })
    }

    pub fn to_name(&self) -> RunToName<'_> {
        RunToName {
            capture: &self.capture,
            trace: &self.trace,
            rebased: &self.rebased,
            figures: &self.figures,
        }
    }

    /// The whole run.
    pub fn named(mut self, names: RunNames) -> Run {
        let modules = std::mem::take(&mut self.modules);
        let mut run = Run::new(Facts::default(), modules);
        for (id, name) in self.trace.ids().zip(names.names) {
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
            let figures = self.figures[at.0 as usize];
            if figures.allocated() {
                let curve = self.curves.get_mut(at.0 as usize).map(std::mem::take);
                run.add_site(at, figures, curve);
            }
        }
        run.faults = self.old.is_none().then(|| self.faults());
        run.blocks = self.keep_blocks.then(|| self.blocks());
        run.facts = self.facts(names.warnings);
        run
    }

    /// What went wrong, and where.
    fn faults(&self) -> Vec<Fault> {
        let faults = self.trace.faults(self.rebased.choice.reuse).into_iter();
        let fault = faults.map(|fault| Fault {
            kind: fault.kind,
            seen: fault.seen,
            at: LocationId(fault.caller.0),
        });
        fault.collect()
    }

    fn blocks(&self) -> Blocks {
        let reuse = self.rebased.choice.reuse;
        let at = |caller: CallerId| LocationId(caller.0);
        let live = self.trace.live_blocks(reuse).into_iter();
        let unknown_frees = self.trace.unknown_frees(reuse);
        let files = self.trace.callers();
        Blocks {
            live: live
                .map(|(address, block)| LiveBlock {
                    address,
                    size: block.size,
                    at: at(block.caller),
                })
                .collect(),
            unknown_frees: unknown_frees
                .map(|free| UnknownFree {
                    line: free.line,
                    address: free.address,
                    in_realloc: free.in_realloc,
                    at: at(free.by),
                })
                .collect(),
            files: files
                .map(|(_, caller)| caller.file.map(|file| printable_bytes(file).into()))
                .collect(),
        }
    }

    fn facts(self, naming: Vec<Warning>) -> Facts {
        let is_log = self.old.is_none();
        let reuse = self.rebased.choice.reuse;
        let anomalies = is_log.then(|| self.trace.anomalies(reuse));
        let reading = match (&self.old, &anomalies) {
            (Some(old), _) => old.warnings(),
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
                ..Origin::default()
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
            name: module.name.as_str().into(),
        },
        path: module.path().map(Text::from),
        build: module.build(capture),
    });
    module.collect()
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
