//! What stands below a table: legend, what is not shown, warnings, and the verdict.

use std::io::Write;

use hashbrown::HashMap;
use owo_colors::OwoColorize;

use super::Report;
use super::glyphs::Page;
use super::options::Options;
use super::palette::Palette;
use super::sentence;
use super::shrunk;
use super::site_text::sentence_name;
use super::stacks::sizes_text;
use super::text::wrapped;
use super::verdict::{lines_behind, words};
use super::view::{Row, View, match_mark, wrapper_mark};
use crate::diff::{Hidden, Site};
use crate::error::Result;
use crate::run::{BlamedRun, Facts, Source};
use crate::trace::FaultKind;
use crate::units::{count, counted, signed_count};
use crate::warning::Warning;

/// What the marks mean, what is not shown and how to see it, and what went wrong in the runs.
pub(super) fn write_notes(
    report: &Report,
    view: &View<'_>,
    options: &Options,
    palette: &Palette,
    out: &mut dyn Write,
) -> Result<()> {
    if let Some(text) = sentence::leaks(report) {
        let text = wrapped("", &text, options.page());
        writeln!(out, "{}", text.style(palette.strong))?;
    }
    let notes = legend(report, view)
        .into_iter()
        .chain(view.remarks.iter().cloned())
        .chain(only(report))
        .chain(forked(report, view))
        .chain(left_out(report, view, options))
        .chain(sentence::parts(report))
        .chain(shrunk::note(report, view, options))
        .chain(sentence::swapped(report))
        .chain(stands_for_others(report, view))
        .chain(freed_at_the_end(report))
        .chain(faults(report));
    for note in notes {
        let text = wrapped("", &note, options.page());
        writeln!(out, "{}", text.style(palette.quiet))?;
    }
    Ok(())
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
        .any(|row| row.site.hidden == Some(Hidden::Loader))
    {
        marks.push("l dynamic loader, left out without --all");
    }
    let has_mark = |mark: &str| view.rows.iter().any(|row| match_mark(row.site) == mark);
    if has_mark("~") {
        marks.push("~ matched by its function, not by its line");
    }
    if has_mark("?") {
        marks.push("? unsure: may be another site");
    }
    if view
        .rows
        .iter()
        .any(|row| !wrapper_mark(row.site).is_empty())
    {
        marks.push("w allocates for its callers");
    }
    let lines = view.rows.iter().find_map(|row| {
        let of_lines = lines_behind(row.site)?.replace(" of ", " of its ");
        Some(format!("{}: {of_lines} lines", words(row.site)))
    });
    marks.extend(lines.as_deref());
    (!marks.is_empty()).then(|| marks.join("; "))
}

fn left_out(report: &Report, view: &View<'_>, options: &Options) -> Vec<String> {
    let mut notes = Vec::new();
    let sites = view
        .others
        .sites
        .saturating_sub(shrunk::rows_shown(report, view, options));
    if sites > 0 {
        let how = match view.others.cut > 0 {
            true => "--top N shows more, --all shows them all",
            false => "--all shows them",
        };
        let sites = counted(sites as u64, "site");
        notes.push(format!("{sites} not shown: {how}"));
    }
    if view.hidden > 0 {
        let live = report.hidden.last();
        notes.push(format!(
            "{} of the dynamic loader left out, with {} live{}: --all shows them",
            counted(view.hidden as u64, "site"),
            counted(live.blocks, "block"),
            hidden_growth(report),
        ));
    }
    notes
}

fn hidden_growth(report: &Report) -> String {
    match report.is_comparison() {
        true => format!(" (Δ {})", signed_count(report.hidden.growth.blocks)),
        false => String::new(),
    }
}

/// Rows of which a changed caller made more or fewer.
fn forked(report: &Report, view: &View<'_>) -> Option<String> {
    let forked = view.rows.iter().filter(|row| row.site.forked);
    let rows: Vec<&Site> = forked.map(|row| row.site).collect();
    let first = rows.first()?;
    let name = sentence_name(first, report.alike());
    let more = match rows.len() - 1 {
        0 => String::new(),
        more => format!(" and {}", counted(more as u64, "other row")),
    };
    let first = report
        .runs
        .first()
        .map_or("the first run", |run| run.facts.name.as_str());
    Some(format!(
        "{name}{more}: a caller changed, and a row of {first} split, or several became one; compare them by --by function"
    ))
}

/// What all figures are a part of.
fn only(report: &Report) -> Option<String> {
    let only = report.only.as_ref()?;
    let (kept, all) = (count(only.kept), counted(only.all, "live block"));
    let cut = match only.cut {
        0 => String::new(),
        cut => format!(
            "; {} more are in stacks that were cut, which may go through it, too: record whole stacks, without --depth and \
             --mode callers, and on a target with an unwind table",
            count(cut)
        ),
    };
    Some(format!(
        "only stacks through {}: {kept} of {all} of the last run{cut}",
        only.filter
    ))
}

/// What is to be done where rows name wrappers, and what tells their leaks apart until then.
fn stands_for_others(report: &Report, view: &View<'_>) -> Vec<String> {
    let marked = view
        .rows
        .iter()
        .filter(|row| !wrapper_mark(row.site).is_empty());
    let rows: Vec<&Row<'_>> = marked.collect();
    let Some(first) = rows.first() else {
        return Vec::new();
    };
    let who = match rows.len() {
        1 => format!(
            "{} allocates for its callers",
            sentence_name(first.site, report.alike())
        ),
        n => format!("{} rows (w) allocate for their callers", count(n as u64)),
    };
    let is_recorded = |run: &BlamedRun| run.facts.origin.source == Source::Recording;
    let is_new = |row: &&Row<'_>| {
        let function = row.site.at.function();
        function.is_some_and(|function| function.starts_with("operator new"))
    };
    let how = match report.runs.iter().all(is_recorded) {
        true => {
            ", of which the recording has none: record in another mode than callers, and on a target with unwind tables"
        }
        false if rows.iter().any(is_new) => {
            ", which no log names: `mtrace-diff record` does, or an `operator new` of your own that ends in a call of \
             malloc"
        }
        false => ", which no log names: `mtrace-diff record` does",
    };
    let sizes = rows.iter().take(ALIKE).filter_map(|row| {
        let sizes = sizes_text(report, row.site)?;
        Some(format!("#{} by size: {sizes}", row.rank))
    });
    std::iter::once(format!("{who}{how}"))
        .chain(sizes)
        .collect()
}

/// What grew until the end of the run freed it: no leak in the figures, but the memory was gone until then.
fn freed_at_the_end(report: &Report) -> Option<String> {
    let freed = report.freed_at_end.as_ref()?;
    let most = format!(
        "{}, up to {} (before: {})",
        sentence_name(&report.sites[freed.site], report.alike()),
        counted(freed.held.last, "block"),
        count(freed.held.first)
    );
    Some(match freed.sites {
        1 => format!("1 site held more than before, until the end of the run freed it: {most}"),
        n => format!(
            "{} sites held more than before, until the end of the run freed them: {most}, and {} more",
            count(n),
            count(n - 1)
        ),
    })
}

/// A line a run that has faults: `run1: 2 double frees, 1 failed allocation: …`.
fn faults(report: &Report) -> Vec<String> {
    let of_run = |run: &BlamedRun| {
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
pub(super) fn fault_counts(run: &Facts) -> Vec<String> {
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
pub(super) fn write_warnings(
    report: &Report,
    page: Page,
    palette: &Palette,
    out: &mut dyn Write,
) -> Result<()> {
    let mut told: HashMap<&str, usize> = HashMap::new();
    for DistinctWarning { text, code, runs } in distinct_warnings(report) {
        let told = told.entry(code).or_default();
        *told += 1;
        if *told > ALIKE {
            continue;
        }
        let concerns = match runs.is_empty() || !report.is_comparison() {
            true => String::new(),
            false => format!("{}: ", runs.join(", ")),
        };
        let text = wrapped("warning: ", &format!("{concerns}{text}"), page);
        let (word, rest) = text.split_at("warning:".len());
        writeln!(out, "{}{rest}", word.style(palette.caution))?;
    }
    let more: usize = told.values().map(|told| told.saturating_sub(ALIKE)).sum();
    if more > 0 {
        let more = counted(more as u64, "warning");
        writeln!(
            out,
            "{more} more of these kinds: --format json has them all"
        )?;
    }
    Ok(())
}

/// So many warnings of one kind are shown.
const ALIKE: usize = 5;

struct DistinctWarning<'a> {
    /// What it says: a saved warning says what the warning said.
    text: String,
    code: &'a str,
    /// The names of the runs that it concerns.
    runs: Vec<&'a str>,
}

impl<'a> DistinctWarning<'a> {
    fn of(warning: &'a Warning) -> Self {
        DistinctWarning {
            text: warning.to_string(),
            code: warning.code(),
            runs: Vec::new(),
        }
    }
}

fn distinct_warnings(report: &Report) -> Vec<DistinctWarning<'_>> {
    let mut warnings: Vec<DistinctWarning<'_>> =
        report.warnings.iter().map(DistinctWarning::of).collect();
    let mut known: HashMap<(&str, String), usize> = HashMap::new();
    for (run, of_run) in report.runs_warned() {
        for warning in of_run {
            let distinct = DistinctWarning::of(warning);
            let key = (distinct.code, distinct.text.clone());
            let at = *known.entry(key).or_insert_with(|| {
                warnings.push(distinct);
                warnings.len() - 1
            });
            let runs = &mut warnings[at].runs;
            if runs.last() != Some(&run.facts.name.as_str()) {
                runs.push(&run.facts.name);
            }
        }
    }
    warnings
}
