//! The logs that glibc's `mtrace()` writes.

use super::children::{earlier_log, logs_apart};
use super::facts::{facts, inventory, modules};
use super::importer::{Importer, ReadOptions};
use super::moment::log_at;
use crate::capture::{CaptureSet, Standing, first_line};
use crate::error::{Error, InputError, Result};
use crate::file_name::names_a_report;
use crate::printable::printable_bytes;
use crate::run::{
    Allocated, Blocks, Facts, Figures, LiveBlock, LocationId, RunBuilder, Source, Told,
};
use crate::symbols::{RebasedRun, RunToName, rebase};
use crate::trace::{
    Anomalies, CallerId, Callers, LogCaller, Outcome, ReplayOptions, Trace, is_log_line,
    log_warnings, replay,
};
use crate::warning::{LogWarning, Warning};

pub(super) const MTRACE_LOG: Importer = Importer {
    standing: Standing::Log,
    recognise: |head| first_line(head, is_log_line),
    import,
};

fn import(capture: CaptureSet, reading: ReadOptions<'_>) -> Result<RunToName> {
    let options = ReplayOptions {
        keep_unknown_frees: reading.keep_blocks,
    };
    let (log, reached) = log_at(&capture, reading.progress)?;
    let trace = replay(log, options).map_err(|e| Error::io("read", &capture.log, e))?;
    refuse_other_files(&capture, &trace)?;
    let rebased = rebase(
        &capture,
        &trace.callers,
        trace.is_wide(),
        reading.addressing,
    )?;
    let outcome = trace.under(rebased.choice.reuse);
    let anomalies = outcome.anomalies();
    let mut damage = damage(&trace, &anomalies, &rebased, reached.is_some());
    damage.extend(logs_apart(&capture).into_iter().map(Warning::from));
    let facts = Facts {
        choice: Some(rebased.choice.clone()),
        duration_s: match reached {
            Some(reached) => reached.seconds,
            None => capture.duration_s(),
        },
        earlier: match reached {
            Some(_) => None,
            None => earlier_log(&capture, rebased.choice.reuse),
        },
        reached,
        records: Some(trace.records),
        anomalies: Some(anomalies),
        ..facts(&capture, &rebased, Source::Log, damage)
    };
    let faults = outcome.faults().into_iter();
    let faults = faults.map(|fault| fault.moved_to(location_of(fault.at)));
    let told = Told {
        facts,
        inventory: inventory(&capture),
        faults: Some(faults.collect()),
        blocks: reading.keep_blocks.then(|| blocks(&trace.callers, outcome)),
    };
    let mut run = RunBuilder::of(modules(&rebased));
    let locations = run.add_locations(rebased.locations(&trace.callers));
    let modules = rebased.modules;
    for (at, caller) in locations.zip(trace.into_callers(rebased.choice.reuse)) {
        let figures = Figures::of_log(caller.stats.allocations, caller.stats.live);
        if figures.allocated() {
            let allocated = Allocated {
                figures,
                sizes: caller.sizes,
                curve: Some(caller.curve),
                survivors: Some(caller.survivors),
                lives: Some(caller.lives),
                live_sizes: Some(caller.live_sizes),
            };
            run.add_site(at, allocated);
        }
    }
    Ok(RunToName::new(run.build(told), modules, capture))
}

/// A location has the number of its caller.
fn location_of(caller: CallerId) -> LocationId {
    LocationId(caller.0)
}

fn blocks(callers: &Callers, outcome: Outcome<'_>) -> Blocks {
    let live = outcome.live_blocks().into_iter();
    let live = live.map(|(address, block)| LiveBlock {
        address,
        size: block.size,
        at: location_of(block.caller),
    });
    let unknown_frees = outcome.unknown_frees();
    let unknown_frees = unknown_frees.map(|free| free.moved_to(location_of(free.at)));
    let file = |caller: LogCaller<'_>| Some(printable_bytes(caller.file?).into());
    Blocks {
        live: live.collect(),
        unknown_frees: unknown_frees.collect(),
        files: callers.iter().map(file).collect(),
    }
}

/// What the log lacks. Before its end, no log has an end mark.
fn damage(
    trace: &Trace,
    anomalies: &Anomalies,
    rebased: &RebasedRun,
    is_cut: bool,
) -> Vec<Warning> {
    let none = (trace.records == 0).then_some(LogWarning::NoRecords);
    let damage = log_warnings(anomalies, rebased.choice.reuse, trace.allocations()).into_iter();
    let is_told = |warning: &LogWarning| !is_cut || *warning != LogWarning::MissingEnd;
    let damage = none.into_iter().chain(damage.filter(is_told));
    damage.map(Warning::from).collect()
}

/// A file that holds nothing, or mostly something else, is no mtrace log.
fn refuse_other_files(capture: &CaptureSet, trace: &Trace) -> Result<()> {
    let anomalies = &trace.anomalies;
    let path = capture.log.clone();
    let lines = trace.lines;
    if lines == 0 && anomalies.truncated_tail.count == 0 {
        return Err(match names_a_report(&path) {
            true => Error::Input(InputError::EmptySaved { path }),
            false => Error::Input(InputError::EmptyLog { path }),
        });
    }
    let malformed = anomalies.malformed;
    let quote = &anomalies.malformed_quote;
    let good = lines.saturating_sub(malformed.count);
    if good == 0 {
        let reason = match malformed.first_line {
            Some(line) => format!("line {line} is '{quote}'"),
            None => "it holds no whole line".to_owned(),
        };
        return Err(Error::Input(InputError::NotALog { path, reason }));
    }
    if malformed.count > good {
        return Err(Error::Input(InputError::MostlyMalformed {
            path,
            malformed: malformed.count,
            lines,
            first_line: malformed.first_line.unwrap_or(0),
            quote: quote.clone(),
        }));
    }
    Ok(())
}
