//! The JSON document, defined field by field in `schema.rs`.
//!
//! `schema` names the format and its version: fields are added without a new version, and never
//! change their meaning within one. What is unknown is null.

mod schema;
mod site;

use std::io::Write;

use serde::{Serialize, Serializer};

use super::Report;
use super::caveat::caveats;
use super::options::Options;
use crate::diff::Decision;
use crate::error::{Error, Result};
use crate::printable::printable_path;
use crate::run::{BlamedRun, LocationId, Run};
use crate::trace::Anomalies;
use crate::trace::Fault;
use crate::warning::Warning;
use schema::*;
use site::*;

/// Writes the document, indented, with a line end.
pub(crate) fn write(report: &Report, options: &Options, out: &mut dyn Write) -> Result<()> {
    serde_json::to_writer_pretty(&mut *out, &document(report, options))
        .map_err(|e| Error::Write(e.into()))?;
    writeln!(out)?;
    Ok(())
}

fn document(report: &Report, options: &Options) -> Document<impl Serialize, impl Serialize> {
    let is_comparison = report.is_comparison();
    let sites = report.sites.iter().enumerate();
    let (with_curves, stacks) = (options.trend, options.stacks);
    Document {
        schema: "mtrace-diff/1",
        version: env!("CARGO_PKG_VERSION"),
        runs: report.runs_warned().map(json_run).collect(),
        by: report.by.name(),
        sites: InTurn(
            sites.map(move |(index, site)| json_site(report, index + 1, site, with_curves, stacks)),
        ),
        total: JsonTotal {
            growth: is_comparison.then(|| json_growth(report.total.growth, report.total.first())),
        },
        leaks: json_leaks(report),
        fixed: is_comparison.then(|| json_fixed(report)),
        gate: json_gate(report),
        warnings: json_warnings(&report.warnings),
    }
}

/// A list, each item of which is made when its turn comes to be written: all sites together can be a gigabyte.
struct InTurn<I>(I);

impl<I> Serialize for InTurn<I>
where
    I: Iterator<Item: Serialize> + Clone,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.clone())
    }
}

fn json_run((run, warnings): (&BlamedRun, &[Warning])) -> JsonRun<impl Serialize> {
    let facts = &run.facts;
    JsonRun {
        name: facts.name.clone(),
        path: printable_path(&facts.path),
        source: facts.origin.source.name(),
        saved_by: facts.origin.saved_by.clone(),
        stands_in: facts.origin.stands_in.as_deref().map(printable_path),
        log: printable_path(&facts.log),
        program: facts.program.as_deref().map(printable_path),
        build_id: facts.build_id.as_ref().map(ToString::to_string),
        arch: facts.machine.map(|machine| machine.to_string()),
        addressing: facts.choice.as_ref().map(|choice| choice.addressing.name()),
        addressing_reason: facts.choice.as_ref().map(|choice| choice.reason.clone()),
        duration_s: facts.duration_s,
        at: facts.reached.map(|reached| JsonMoment {
            given: reached.at.to_string(),
            of_records: reached.of,
            step: reached.step,
        }),
        records: facts.records,
        live: json_tally(run.live()),
        anomalies: facts.anomalies.as_ref().map(json_anomalies),
        faults: run.faults.as_ref().map(|faults| {
            let faults = faults.iter();
            InTurn(faults.map(|fault| json_fault(run, *fault)))
        }),
        warnings: json_warnings(warnings),
    }
}

fn json_anomalies(anomalies: &Anomalies) -> JsonAnomalies {
    JsonAnomalies {
        malformed_lines: anomalies.malformed.count,
        overlong_lines: anomalies.overlong.count,
        interleaved_lines: anomalies.interleaved.count,
        torn_lines: anomalies.torn.count,
        nul_bytes: anomalies.nul_bytes.count,
        carriage_returns: anomalies.carriage_returns.count,
        blank_lines: anomalies.blank.count,
        truncated_tail: anomalies.truncated_tail.count > 0,
        missing_start: anomalies.missing_start,
        missing_end: anomalies.missing_end,
        starts: anomalies.starts.count,
        ends: anomalies.ends.count,
        unknown_frees: anomalies.unknown_frees.count,
        double_frees: anomalies.double_frees.count,
        unsure_frees: anomalies.unsure_frees.count,
        live_address_reused: anomalies.live_address_reused.count,
        failed_allocations: anomalies.failed_allocations.count,
        failed_reallocations: anomalies.failed_reallocations.count,
        first_lines: anomalies
            .counts()
            .into_iter()
            .filter_map(|(name, seen)| Some((name, seen.first_line?)))
            .collect(),
    }
}

fn json_fault(run: &Run, fault: Fault<LocationId>) -> JsonFault {
    let at = run.location(fault.at);
    let frame = at.frame();
    JsonFault {
        kind: fault.kind.name(),
        count: fault.seen.count,
        first_line: fault.seen.first_line,
        module: run
            .module_of(at)
            .map(|module| module.label.name.to_string()),
        function: frame.and_then(|f| owned(f.function.as_ref())),
        file: frame.and_then(|f| owned(f.file.as_ref())),
        line: frame.and_then(|f| f.line),
        address: at.address.map(|address| address.to_string()),
    }
}

fn json_leaks(report: &Report) -> JsonLeaks {
    let leaks = &report.leaks;
    JsonLeaks {
        sites: leaks.sites,
        may_leak: leaks.may_leak,
        grown: leaks.grown,
        blocks: leaks.sums.growth.blocks,
        bytes: leaks.sums.growth.bytes,
        per_minute: leaks.per_minute.map(json_rate),
        memory: report.memory,
        lasts_s: leaks.lasts_s,
        lasts_between_s: leaks.lasts_between_s,
    }
}

fn json_fixed(report: &Report) -> JsonFixed {
    let growth = report.fixed_growth;
    JsonFixed {
        sites: report.fixed.len() as u64,
        blocks: growth.blocks,
        bytes: growth.bytes,
    }
}

fn json_gate(report: &Report) -> JsonGate {
    let breaches = report.breaches.iter().map(|breach| {
        let site = &report.sites[breach.site];
        let frame = site.at.frame();
        JsonBreach {
            rank: breach.site + 1,
            module: module_of(site),
            function: frame.and_then(|f| owned(f.function.as_ref())),
            file: frame.and_then(|f| owned(f.file.as_ref())),
            line: frame.and_then(|f| f.line),
            unsure: breach.unsure,
            until_exit: breach.until_exit,
            limits: breach.limits.iter().map(ToString::to_string).collect(),
            copies: breach.together.as_ref().map(|together| {
                let ranks = together.sites.iter().map(|site| site + 1);
                ranks.collect()
            }),
        }
    });
    JsonGate {
        verdict: report.decision.map(|decision| match decision {
            Decision::Pass => "pass",
            Decision::Fail => "fail",
        }),
        limits: report.gate.limits.iter().map(ToString::to_string).collect(),
        fail_on: report
            .gate
            .fail_on_double_free
            .then_some("double-free")
            .into_iter()
            .collect(),
        double_frees: report
            .gate
            .fail_on_double_free
            .then_some(report.double_frees),
        unsure_frees: report
            .gate
            .fail_on_double_free
            .then_some(report.unsure_frees),
        breaches: breaches.collect(),
        caveats: caveats(report)
            .into_iter()
            .map(|caveat| JsonWarning {
                code: caveat.code.to_owned(),
                message: caveat.text,
            })
            .collect(),
    }
}

fn json_warnings(warnings: &[Warning]) -> Vec<JsonWarning> {
    warnings
        .iter()
        .map(|warning| JsonWarning {
            code: warning.code().to_owned(),
            message: warning.to_string(),
        })
        .collect()
}
