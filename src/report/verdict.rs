//! The last line: what the gate says, and what it rests on.

use std::io::Write;

use owo_colors::OwoColorize;

use super::Report;
use super::caveat::caveats;
use super::glyphs::Page;
use super::palette::Palette;
use super::sentence::{a_minute, bytes_behind};
use super::site_text::sentence_name;
use super::text::wrapped;
use crate::diff::{Breach, Decision, Likeness, Limit, Measurement, Site, Together, Trend};
use crate::error::Result;
use crate::units::{bytes, count, counted, signed_counted};

/// How many breaches the last line names before it counts the rest.
pub(super) const NAMED_BREACHES: usize = 5;

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
    let lines = site.lines()?;
    let these = match site.trend? {
        Trend::Leak => lines.leak,
        Trend::MayLeak => lines.may_leak,
        Trend::Grows => lines.grow,
        _ => return None,
    };
    (these < lines.all).then(|| format!("{} of {}", count(these), count(lines.all)))
}

/// The last line: `PASS …` or `FAIL …`, nothing without a gate.
pub(super) fn write_decision(
    report: &Report,
    page: Page,
    palette: &Palette,
    out: &mut dyn Write,
) -> Result<()> {
    let Some(decision) = report.decision else {
        return Ok(());
    };
    let (word, style, reason) = match decision {
        Decision::Pass => ("PASS", palette.good, pass_reason(report)),
        Decision::Fail => ("FAIL", palette.bad, fail_reason(report)),
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
    let caveats = caveats(report).into_iter();
    let caveats = caveats.map(|caveat| format!("; {}{}", caveat.lead(), caveat.text));
    reasons.join("; ") + &caveats.collect::<String>()
}

fn fail_reason(report: &Report) -> String {
    let mut reasons = Vec::new();
    let breaches = &report.breaches;
    if !breaches.is_empty() {
        let named = breaches.iter().take(NAMED_BREACHES);
        let named: Vec<String> = named.map(|breach| breach_text(report, breach)).collect();
        let more = match breaches.len().saturating_sub(NAMED_BREACHES) {
            0 => String::new(),
            more => format!("; and {more} more"),
        };
        let sites = counted(breaches.len() as u64, "call site");
        reasons.push(format!(
            "{sites} grew by more than {}: {}{more}",
            limits(report),
            named.join("; ")
        ));
        let is_unsure = |breach: &Breach| breach.unsure || report.sites[breach.site].is_unsure();
        if breaches.iter().all(is_unsure) {
            reasons.push(
                "this rests on matches that are unsure (?), of which the worst reading counts"
                    .to_owned(),
            );
        }
    }
    if report.gate.fail_on_double_free {
        reasons.extend(frees_text(report));
    }
    reasons.join("; ")
}

fn breach_text(report: &Report, breach: &Breach) -> String {
    let site = &report.sites[breach.site];
    let Measurement { growth, rates, .. } = breach.measurement;
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
    format!(
        "{}{others}: {grew}{unsure}",
        sentence_name(site, report.alike())
    )
}

/// What was freed twice, and what may have been.
fn frees_text(report: &Report) -> Vec<String> {
    let name = report.runs.last().map_or("", |run| run.facts.name.as_str());
    let mut texts = Vec::new();
    if report.double_frees > 0 {
        let frees = counted(report.double_frees, "double free");
        texts.push(format!("{frees} in {name}"));
    }
    if report.unsure_frees > 0 {
        let frees = counted(report.unsure_frees, "free");
        let what = match report.unsure_frees {
            1 => "a double free",
            _ => "double frees",
        };
        texts.push(format!(
            "{frees} in {name} that may be {what}: the log knows of no block there, and what was freed long before is no \
             longer known"
        ));
    }
    texts
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
        (Likeness::Spread, 1) => " and another call site that looks like a leak".to_owned(),
        (Likeness::Spread, n) => format!(" and {} other call sites that look like leaks", count(n)),
        (Likeness::Kept, n) => format!(
            " and {}, in what all call sites keep of what came after the start",
            counted(n, "other call site")
        ),
        (Likeness::All, n) => format!(
            " and {}, in what all call sites together have at least",
            counted(n, "other call site")
        ),
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
