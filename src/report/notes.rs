//! What stands below a table: legend, what is not shown, warnings, and the verdict.

use std::io::Write;

use hashbrown::HashMap;
use owo_colors::OwoColorize;

use super::Report;
use super::options::Options;
use super::palette::Palette;
use super::text::wrapped;
use super::view::{Alike, Others, View, match_mark, sentence_name};
use crate::diff::{Growth, Hidden, Limit, MatchedBy, Rate, Site, Verdict};
use crate::error::Result;
use crate::run::{Facts, Run};
use crate::trace::FaultKind;
use crate::units::{bytes, counted, signed_bytes, signed_count, signed_counted, time};
use crate::warning::Warning;

/// What the marks mean, what is not shown and how to see it, and what went wrong in the runs.
pub fn write_notes(
    report: &Report,
    view: &View<'_>,
    options: &Options,
    palette: &Palette,
    out: &mut dyn Write,
) -> Result<()> {
    if let Some(text) = leaks(report) {
        let text = wrapped("", &text, options.width);
        writeln!(out, "{}", text.style(palette.strong))?;
    }
    let notes = legend(report, view)
        .into_iter()
        .chain(left_out(report, view, options))
        .chain(faults(report));
    for note in notes {
        let text = wrapped("", &note, options.width);
        writeln!(out, "{}", text.style(palette.quiet))?;
    }
    Ok(())
}

/// What all leaks come to, in a sentence.
fn leaks(report: &Report) -> Option<String> {
    let leaks = &report.leaks;
    if leaks.sites == 0 {
        let is_known = report.sites.iter().any(|site| site.trend.is_some());
        let needed = is_known && report.memory.is_some();
        return needed.then(|| "No call site leaks to the end of the run.".to_owned());
    }
    let sites = counted(leaks.sites, "call site");
    let verb = if leaks.sites == 1 { "leaks" } else { "leak" };
    let Some(rate) = leaks.per_minute else {
        let growth = leaks.sums.growth;
        let blocks = signed_counted(growth.blocks, "block");
        let over = match (report.runs.first(), report.runs.last()) {
            (Some(first), Some(last)) if report.is_comparison() => {
                let bytes = bytes_behind(growth);
                let (first, last) = (&first.facts.name, &last.facts.name);
                format!("{blocks}{bytes} from {first} to {last}")
            }
            _ => format!(
                "{} in {} of what is live",
                bytes(growth.bytes.unwrap_or(0).unsigned_abs()),
                counted(growth.blocks.unsigned_abs(), "block")
            ),
        };
        let is_timed = report.runs.iter().all(|run| run.facts.duration_s.is_some());
        let how = match is_timed {
            true => ".",
            false => "; --duration says how long the runs took, and then this how fast",
        };
        return Some(format!("{sites} {verb}: {over}{how}"));
    };
    let blocks = crate::units::rate(rate.blocks);
    let blocks = blocks.trim_start_matches('+');
    let fast = match rate.bytes {
        Some(a_minute) => {
            let a_minute = bytes(a_minute.max(0.0).round() as u64);
            format!("{a_minute} in {blocks} blocks a minute")
        }
        None => format!("{blocks} blocks a minute"),
    };
    let lasts = match (leaks.lasts_s, report.memory) {
        (Some(seconds), Some(memory)) => {
            format!("; {} last {}", bytes(memory), time(seconds))
        }
        _ => String::new(),
    };
    Some(format!("{sites} {verb} {fast}{lasts}."))
}

/// `+600 blocks/min, +150.0 KiB/min`.
fn a_minute(rate: Rate) -> String {
    let blocks = format!("{} blocks/min", crate::units::rate(rate.blocks));
    match rate.bytes {
        Some(bytes) => format!("{blocks}, {}/min", signed_bytes(bytes.round() as i64)),
        None => blocks,
    }
}

/// `, +150.0 KiB` behind blocks, where bytes are known.
fn bytes_behind(growth: Growth) -> String {
    let bytes = growth
        .bytes
        .map(|bytes| format!(", {}", signed_bytes(bytes)));
    bytes.unwrap_or_default()
}

fn legend(report: &Report, view: &View<'_>) -> Option<String> {
    let breaches = &report.breaches;
    let is_breach = |rank: usize| {
        breaches
            .binary_search_by_key(&rank, |breach| breach.site + 1)
            .is_ok()
    };
    let mut marks = Vec::new();
    if view.rows.iter().any(|row| is_breach(row.rank)) {
        marks.push("! above a limit");
    }
    if view
        .rows
        .iter()
        .any(|row| row.site.at.hidden == Some(Hidden::Loader))
    {
        marks.push("l dynamic loader, left out without --all");
    }
    let has_mark = |mark: &str| view.rows.iter().any(|row| match_mark(row.site) == mark);
    if has_mark("~") {
        marks.push("~ found again by its function, not by an equal line");
    }
    if has_mark("?") {
        marks.push("? unsure: it may be another site");
    }
    (!marks.is_empty()).then(|| marks.join("; "))
}

fn left_out(report: &Report, view: &View<'_>, options: &Options) -> Vec<String> {
    let mut notes = Vec::new();
    if view.others.sites > 0 {
        let is_cut = view.rows.len() == options.top && view.others.grown > 0;
        let more = if is_cut {
            "--top N shows more of them, "
        } else {
            ""
        };
        let sites = counted(view.others.sites as u64, "site");
        notes.push(format!("{sites} not shown: {more}--all shows every one"));
    }
    if view.hidden.sites > 0 {
        let live = view.hidden.sums.last();
        notes.push(format!(
            "{} of the dynamic loader left out, with {} live{}: --all shows them",
            counted(view.hidden.sites as u64, "site"),
            counted(live.blocks, "block"),
            hidden_growth(report, &view.hidden),
        ));
    }
    notes
}

fn hidden_growth(report: &Report, hidden: &Others) -> String {
    match report.is_comparison() {
        true => format!(" (Δ {})", signed_count(hidden.sums.growth.blocks)),
        false => String::new(),
    }
}

/// A line a run that has faults: `run1: 2 double frees, 1 failed allocation: …`.
fn faults(report: &Report) -> Vec<String> {
    let of_run = |run: &Run| {
        let counts = fault_counts(&run.facts);
        (!counts.is_empty()).then(|| {
            let name = match report.is_comparison() {
                true => format!("{}: ", run.facts.name),
                false => String::new(),
            };
            let how = match (report.is_comparison(), &run.faults) {
                (_, None) => ": show --errors on its log lists them",
                (true, Some(_)) => ": show --errors on that run lists them",
                (false, Some(_)) => ": --errors lists them",
            };
            format!("{name}{}{how}", counts.join(", "))
        })
    };
    report.runs.iter().filter_map(of_run).collect()
}

/// How often each kind of fault happened, in words; kinds that did not are left out.
pub fn fault_counts(run: &Facts) -> Vec<String> {
    let Some(seen) = &run.anomalies else {
        return Vec::new();
    };
    let count = |kind: FaultKind| -> u64 {
        let double_frees = seen.double_frees.count;
        match kind {
            FaultKind::DoubleFree => double_frees,
            FaultKind::FailedAllocation => seen.failed_allocations.count,
            FaultKind::FailedReallocation => seen.failed_reallocations.count,
            FaultKind::FreeOfUnknown => seen.unknown_frees.count.saturating_sub(double_frees),
        }
    };
    [
        (FaultKind::DoubleFree, "double free"),
        (FaultKind::FailedAllocation, "failed allocation"),
        (FaultKind::FailedReallocation, "failed realloc"),
        (
            FaultKind::FreeOfUnknown,
            "free of blocks from before mtrace()",
        ),
    ]
    .into_iter()
    .filter(|(kind, _)| count(*kind) > 0)
    .map(|(kind, words)| match words.split_once(" of ") {
        Some((noun, rest)) => format!("{} of {rest}", counted(count(kind), noun)),
        None => counted(count(kind), words),
    })
    .collect()
}

/// Warnings of the runs, each once with the runs that it concerns. Of one kind, a few say it all.
pub fn write_warnings(
    report: &Report,
    columns: Option<usize>,
    palette: &Palette,
    out: &mut dyn Write,
) -> Result<()> {
    let mut told: HashMap<&str, usize> = HashMap::new();
    for (text, warning, runs) in distinct_warnings(report) {
        let told = told.entry(warning.code()).or_default();
        *told += 1;
        if *told > ALIKE {
            continue;
        }
        let concerns = match runs.is_empty() || !report.is_comparison() {
            true => String::new(),
            false => format!("{}: ", runs.join(", ")),
        };
        let text = wrapped("warning: ", &format!("{concerns}{text}"), columns);
        let (word, rest) = text.split_at("warning:".len());
        writeln!(out, "{}{rest}", word.style(palette.caution))?;
    }
    let more: usize = told.values().map(|told| told.saturating_sub(ALIKE)).sum();
    if more > 0 {
        let more = counted(more as u64, "warning");
        writeln!(
            out,
            "{more} more of these kinds: --format json has every one"
        )?;
    }
    Ok(())
}

/// So many warnings of one kind are shown.
const ALIKE: usize = 5;

/// What a warning says, and the names of the runs that it concerns. A saved warning says what the warning said.
type Told<'a> = (String, &'a Warning, Vec<&'a str>);

fn distinct_warnings(report: &Report) -> Vec<Told<'_>> {
    let general = report.warnings.iter();
    let general = general.map(|warning| (warning.to_string(), warning, Vec::new()));
    let mut warnings: Vec<Told<'_>> = general.collect();
    let mut known: HashMap<(String, String), usize> = HashMap::new();
    for run in report.runs.iter().map(|run| &run.facts) {
        for warning in &run.warnings {
            let text = warning.to_string();
            let key = (warning.code().to_owned(), text.clone());
            let at = *known.entry(key).or_insert_with(|| {
                warnings.push((text, warning, Vec::new()));
                warnings.len() - 1
            });
            let runs = &mut warnings[at].2;
            if runs.last() != Some(&run.name.as_str()) {
                runs.push(&run.name);
            }
        }
    }
    warnings
}

/// How many breaches the last line names before it counts the rest.
const NAMED_BREACHES: usize = 5;

/// The last line: `PASS …` or `FAIL …`, nothing without a gate.
pub fn write_verdict(
    report: &Report,
    columns: Option<usize>,
    palette: &Palette,
    out: &mut dyn Write,
) -> Result<()> {
    let Some(verdict) = report.verdict else {
        return Ok(());
    };
    let (word, style, reason) = match verdict {
        Verdict::Pass => ("PASS", palette.good, pass_reason(report)),
        Verdict::Fail => ("FAIL", palette.bad, fail_reason(report)),
    };
    let text = wrapped(&format!("{word} "), &reason, columns);
    let (_, rest) = text.split_at(word.len());
    writeln!(out, "{}{rest}", word.style(style))?;
    Ok(())
}

fn limits(report: &Report) -> String {
    let limits: Vec<String> = report.gate.limits.iter().map(ToString::to_string).collect();
    limits.join(", ")
}

fn pass_reason(report: &Report) -> String {
    let mut reasons = Vec::new();
    if !report.gate.limits.is_empty() {
        reasons.push(format!("no call site grew by more than {}", limits(report)));
    }
    if report.gate.fail_on_double_free {
        reasons.push("no block was freed twice".to_owned());
    }
    // A pass on figures that are known to be wrong must not look like any other.
    let runs = report.runs.iter().map(|run| &run.facts);
    let damaged = runs.filter(|run| run.warnings.iter().any(Warning::makes_figures_partial));
    let damaged: Vec<&str> = damaged.map(|run| run.name.as_str()).collect();
    let partial = match damaged.is_empty() {
        true => String::new(),
        false => format!(
            "; but figures of {} are partial, see the warnings",
            damaged.join(", ")
        ),
    };
    let loader = report.hidden.growth;
    let loader = match loader.is_growth() && !report.gate.limits.is_empty() {
        true => "; mtrace_do.py leaves out the dynamic loader, which is not judged",
        false => "",
    };
    let is_unsure = |site: &&Site| {
        let by_address = site.at.matched_by == Some(MatchedBy::UnsureAddress);
        site.at.hidden.is_none() && (site.is_unsure() || by_address)
    };
    let unsure = match report.sites.iter().filter(is_unsure).count() as u64 {
        0 => String::new(),
        _ if report.gate.limits.is_empty() => String::new(),
        unsure => format!(
            "; {} found again without being sure (?)",
            match unsure {
                1 => "1 call site was".to_owned(),
                several => format!("{} call sites were", crate::units::count(several)),
            }
        ),
    };
    // A percentage is one of blocks or of bytes.
    let bytes = match report.knows_growth_of_bytes() || report.gate.limits.is_empty() {
        true => "",
        false => "; growth in bytes is not known and not judged",
    };
    format!("{}{bytes}{loader}{unsure}{partial}", reasons.join("; "))
}

fn fail_reason(report: &Report) -> String {
    let mut reasons = Vec::new();
    if !report.breaches.is_empty() {
        let alike = Alike::of(report);
        let breaches = report.breaches.iter().take(NAMED_BREACHES).map(|breach| {
            let site = &report.sites[breach.site];
            let worst = site.worst.as_deref().filter(|_| breach.unsure);
            let growth = worst.map_or(site.growth, |worst| worst.growth);
            let rates = worst.map_or_else(|| site.rates(&report.columns), |worst| worst.rates);
            let by_time = breach.limits.iter().all(Limit::is_by_time);
            let grew = match rates.steepest_per_minute.filter(|_| by_time) {
                Some(rate) => a_minute(rate),
                None => {
                    let blocks = signed_counted(growth.blocks, "block");
                    format!("{blocks}{}", bytes_behind(growth))
                }
            };
            let unsure = match breach.unsure {
                true => ", if it was another site before",
                false => "",
            };
            format!("{}: {grew}{unsure}", sentence_name(site, &alike))
        });
        let named: Vec<String> = breaches.collect();
        let more = match report.breaches.len().saturating_sub(NAMED_BREACHES) {
            0 => String::new(),
            more => format!("; and {more} more"),
        };
        let sites = counted(report.breaches.len() as u64, "call site");
        reasons.push(format!(
            "{sites} grew by more than {}: {}{more}",
            limits(report),
            named.join("; ")
        ));
        let unsure = report
            .breaches
            .iter()
            .filter(|breach| breach.unsure)
            .count();
        if unsure == report.breaches.len() {
            reasons.push(
                "this rests on matches that are unsure (?), of which the worst reading counts"
                    .to_owned(),
            );
        }
    }
    let name = report.runs.last().map_or("", |run| run.facts.name.as_str());
    if report.gate.fail_on_double_free && report.double_frees > 0 {
        reasons.push(format!(
            "{} in {name}",
            counted(report.double_frees, "double free")
        ));
    }
    if report.gate.fail_on_double_free && report.unsure_frees > 0 {
        let frees = counted(report.unsure_frees, "free");
        let what = match report.unsure_frees {
            1 => "a double free",
            _ => "double frees",
        };
        reasons.push(format!(
            "{frees} in {name} that may be {what}: the log knows of no block there, and what was freed long before is no \
             longer known"
        ));
    }
    reasons.join("; ")
}
