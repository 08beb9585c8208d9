//! The last line: what the gate says, and what it rests on.

use std::io::Write;

use owo_colors::OwoColorize;

use super::Report;
use super::glyphs::Page;
use super::palette::Palette;
use super::sentence::{a_minute, bytes_behind};
use super::text::wrapped;
use super::view::{Alike, sentence_name};
use crate::diff::{
    Likeness, Limit, MatchedBy, Site, Together, Trend, Verdict, are_equal, has_too_few_counts,
};
use crate::error::Result;
use crate::units::{bytes, count, counted, signed_counted};
use crate::warning::{ComparisonWarning, RecordingWarning, Warning};

/// How many breaches the last line names before it counts the rest.
const NAMED_BREACHES: usize = 5;

/// The word for what a row's growth means: `leak`, `leak (bytes)`; of a row of several lines, `leak (2 of 9)`.
pub(super) fn words(site: &Site) -> String {
    let name = site.trend.map_or("", Trend::name);
    let bytes = site.by_bytes.then(|| "bytes".to_owned());
    let behind: Vec<String> = bytes.into_iter().chain(lines_behind(site)).collect();
    match behind.is_empty() {
        true => name.to_owned(),
        false => format!("{name} ({})", behind.join(", ")),
    }
}

/// How many lines of a row its verdict is on, where not on all of them: `2 of 9`.
pub(super) fn lines_behind(site: &Site) -> Option<String> {
    let lines = site.at.lines.as_deref()?;
    let these = match site.trend? {
        Trend::Leak => lines.leak,
        Trend::MayLeak => lines.may_leak,
        Trend::Grows => lines.grow,
        _ => return None,
    };
    (these < lines.all).then(|| format!("{} of {}", count(these), count(lines.all)))
}

/// The last line: `PASS …` or `FAIL …`, nothing without a gate.
pub(super) fn write_verdict(
    report: &Report,
    page: Page,
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
    let text = wrapped(&format!("{word} "), &reason, page);
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
    let runs_with = |is_it: fn(&Warning) -> bool| {
        let runs = report.runs.iter().map(|run| &run.facts);
        let runs = runs.filter(|run| run.warnings.iter().any(is_it));
        let names: Vec<&str> = runs.map(|run| run.name.as_str()).collect();
        (!names.is_empty()).then(|| names.join(", "))
    };
    let children = runs_with(is_of_children).map_or_else(String::new, |names| {
        format!("; but processes that {names} started are not judged, see the warnings")
    });
    let before = runs_with(is_of_before).map_or_else(String::new, |names| {
        format!("; but what ran before {names} in their processes is not judged, see the warnings")
    });
    let is_partial = |warning: &Warning| {
        warning.makes_figures_partial() && !is_of_children(warning) && !is_of_before(warning)
    };
    let partial = runs_with(is_partial).map_or_else(String::new, |names| {
        format!("; but figures of {names} are partial, see the warnings")
    });
    let is_same = |warning: &Warning| {
        matches!(
            warning,
            Warning::Comparison(ComparisonWarning::SameRecording { .. })
        )
    };
    let same = match report.warnings.iter().any(is_same) {
        true => "; but a recording was compared with itself, see the warnings",
        false => "",
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
                several => format!("{} call sites were", count(several)),
            }
        ),
    };
    // A percentage is one of blocks or of bytes.
    let bytes = match report.knows_growth_of_bytes() || report.gate.limits.is_empty() {
        true => "",
        false => "; growth in bytes is not known and not judged",
    };
    let by_chance = match report.gate.above_by_chance(&report.sites, &report.columns) {
        0 => String::new(),
        1 => "; 1 call site is above it by no more than chance can make (--strict-rates fails it)"
            .to_owned(),
        n => format!(
            "; {} call sites are above it by no more than chance can make (--strict-rates fails them)",
            count(n as u64)
        ),
    };
    let held = match report.gate.held_above(&report.sites, &report.columns) {
        0 => String::new(),
        1 => "; but 1 call site held more than that until the end of the run freed it (--strict fails it)"
            .to_owned(),
        n => format!(
            "; but {} call sites held more than that until the end of the run freed it (--strict fails them)",
            count(n as u64)
        ),
    };
    let offset = offset(report);
    let counted = too_few_counts(report).unwrap_or_default();
    let shorter = shorter_time(report).unwrap_or_default();
    let unlisted = unlisted(report).unwrap_or_default();
    format!(
        "{}{by_chance}{held}{offset}{counted}{bytes}{loader}{unsure}{shorter}{unlisted}{same}{children}{before}{partial}",
        reasons.join("; ")
    )
}

fn is_of_children(warning: &Warning) -> bool {
    [
        RecordingWarning::CHILDREN_APART,
        RecordingWarning::STARTED_UNRECORDED,
    ]
    .contains(&warning.code())
}

fn is_of_before(warning: &Warning) -> bool {
    warning.code() == RecordingWarning::RAN_BEFORE
}

/// What a run held until its end is known from its course alone.
fn too_few_counts(report: &Report) -> Option<String> {
    let last = report.runs.last().filter(|_| report.is_comparison())?;
    let is_judged = !report.gate.limits.is_empty();
    (is_judged && has_too_few_counts(last)).then(|| {
        format!(
            "; but {} was counted too few times to tell what it held until its end, which a longer run would",
            last.facts.name
        )
    })
}

/// As many blocks in less time are a faster leak, which a limit on blocks or bytes does not see.
fn shorter_time(report: &Report) -> Option<String> {
    let limits = &report.gate.limits;
    let [first, .., last] = report.runs.as_slice() else {
        return None;
    };
    let (before, after) = (first.facts.duration_s?, last.facts.duration_s?);
    let is_shorter = after < before && !are_equal(&[before, after]);
    let is_judged = limits.is_empty() || limits.iter().any(Limit::is_by_time);
    (is_shorter && !is_judged).then(|| {
        format!(
            "; but {} took less time than {}, which only a limit on a rate (10/min) takes into account",
            last.facts.name, first.facts.name
        )
    })
}

/// More blocks of a script's total without a line than the dynamic loader had before.
fn unlisted(report: &Report) -> Option<String> {
    let [first, .., last] = report.runs.as_slice() else {
        return None;
    };
    let before = first
        .facts
        .unlisted
        .unwrap_or_else(|| first.live_of_loader());
    let more = last.facts.unlisted?.saturating_sub(before);
    (more > 0 && !report.gate.limits.is_empty()).then(|| {
        format!(
            "; but {} more than before have no line in the result of {}, which may be cut: its figures may be partial",
            counted(more, "block"),
            last.facts.name
        )
    })
}

fn fail_reason(report: &Report) -> String {
    let mut reasons = Vec::new();
    if !report.breaches.is_empty() {
        let alike = Alike::of(report);
        let breaches = report.breaches.iter().take(NAMED_BREACHES).map(|breach| {
            let site = &report.sites[breach.site];
            let worst = site.worst.as_deref().filter(|_| breach.unsure);
            let of_all = breach.together.as_ref().map(|together| {
                let held = together.held.as_ref().filter(|_| breach.until_exit);
                held.unwrap_or(&together.measurement)
            });
            let held = site.held.as_deref().filter(|_| breach.until_exit);
            let anyway = match (held, breach.until_exit) {
                (None, true) => site.held_anyway(&report.columns),
                _ => None,
            };
            let judged = worst.or(of_all).or(held).or(anyway.as_ref());
            let growth = judged.map_or(site.growth, |judged| judged.growth);
            let rates = judged.map_or_else(|| site.rates(&report.columns), |judged| judged.rates);
            let by_time = breach.limits.iter().all(Limit::is_by_time);
            let grew = match rates.steepest_per_minute.filter(|_| by_time) {
                Some(rate) => a_minute(rate),
                None => {
                    let blocks = signed_counted(growth.blocks, "block");
                    format!("{blocks}{}", bytes_behind(growth))
                }
            };
            let unsure = match breach.unsure {
                _ if breach.until_exit => ", until the end of the program freed it",
                true => ", if it was another site before",
                false if site.is_unsure() => ", unless it was another site before",
                false => "",
            };
            let others = breach.together.as_ref().map_or_else(String::new, others);
            format!("{}{others}: {grew}{unsure}", sentence_name(site, &alike))
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
            .filter(|breach| breach.unsure || report.sites[breach.site].is_unsure())
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

/// What hides growth from a limit on all of them.
fn offset(report: &Report) -> String {
    let alike = Alike::of(report);
    let named = report.offset.iter().take(NAMED_BREACHES).map(|together| {
        let name = || {
            let site = together.sites.first().map(|site| &report.sites[*site]);
            let name = site.map(|site| sentence_name(site, &alike));
            name.unwrap_or_default()
        };
        let who = match &together.likeness {
            Likeness::Calls => {
                return format!(
                    "; but {} grew by more than that for some of the calls in that line, and others of them have as much less \
                     (--strict fails it)",
                    name()
                );
            }
            Likeness::Callers => {
                return format!(
                    "; but {} grew by more than that for some of its callers, and others of them have as much less \
                     (--strict fails it)",
                    name()
                );
            }
            Likeness::Size(size) => {
                return format!(
                    "; but blocks of {} in {} grew by more than that, and those of other sizes shrank by as much \
                     (--strict fails it)",
                    bytes(*size),
                    name()
                );
            }
            Likeness::Replaced => {
                return format!(
                    "; but {} did not keep growing before and now grows by more than that, in place of what it had (--strict fails it)",
                    name()
                );
            }
            Likeness::Later => {
                return format!(
                    "; but {} keeps more of what it allocated after the start of the run than before, by more than that \
                     (--strict fails it)",
                    name()
                );
            }
            Likeness::Faster => {
                return format!(
                    "; but {} grew more slowly before and now grows by more than that on top, in place of what it had \
                     (--strict fails it)",
                    name()
                );
            }
            Likeness::Wrapper(function) => format!("callers of {function}"),
            Likeness::Copies | Likeness::Line | Likeness::Function | Likeness::RunTimeCode => {
                format!("rows of the line of {}", name())
            }
        };
        format!(
            "; but {who} grew by more than that together, and others of them shrank by as much (--strict fails them)"
        )
    });
    named.collect()
}

/// Those of the last run with which a site is above a limit. What only the first run has did not grow.
fn others(together: &Together) -> String {
    let others = together.in_last.saturating_sub(1) as u64;
    match (&together.likeness, others) {
        (Likeness::Calls, 0) => " for one of the calls in that line".to_owned(),
        (Likeness::Calls, _) => {
            format!(
                " for {} of the calls in that line",
                count(together.in_last as u64)
            )
        }
        (Likeness::Callers, 0) => " for one of its callers".to_owned(),
        (Likeness::Callers, _) => {
            format!(" for {} of its callers", count(together.in_last as u64))
        }
        (Likeness::Replaced | Likeness::Faster, _) => " in place of what it had".to_owned(),
        (Likeness::Later, _) => " in what it allocated after the start of the run".to_owned(),
        (Likeness::Size(size), _) => format!(" in blocks of {}", bytes(*size)),
        (_, 0) => String::new(),
        (Likeness::Copies, 1) => " and its like in a copy of that file".to_owned(),
        (Likeness::Copies, n) => format!(" and its like in {} copies of that file", count(n)),
        (Likeness::Line, 1) => " and another row of that line".to_owned(),
        (Likeness::Line, n) => format!(" and {} other rows of that line", count(n)),
        (Likeness::Function, 1) => " and another row of that function".to_owned(),
        (Likeness::Function, n) => format!(" and {} other rows of that function", count(n)),
        (Likeness::RunTimeCode, 1) => " and another caller in code made at run time".to_owned(),
        (Likeness::RunTimeCode, n) => {
            format!(" and {} other callers in code made at run time", count(n))
        }
        (Likeness::Wrapper(function), 1) => format!(" and another caller of {function}"),
        (Likeness::Wrapper(function), n) => {
            format!(" and {} other callers of {function}", count(n))
        }
    }
}
