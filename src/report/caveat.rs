//! What a pass of the gate leaves open: what it did not judge, or could not.

use super::Report;
use super::site_text::{Alike, sentence_name};
use super::verdict::NAMED_BREACHES;
use crate::diff::{
    Decision, Likeness, Limit, MatchedBy, Site, Together, are_as_long, grown_earlier,
    has_too_few_counts,
};
use crate::printable::some;
use crate::run::Facts;
use crate::units::{bytes, count, counted};
use crate::warning::{ComparisonWarning, RecordingWarning, Warning};

/// One thing that a pass leaves open.
pub(super) struct Caveat {
    /// For machines.
    pub code: &'static str,
    pub text: String,
    /// It may hide a leak, and does not only say what the limits are not about.
    is_doubt: bool,
}

impl Caveat {
    fn doubt(code: &'static str, text: String) -> Self {
        Caveat {
            code,
            text,
            is_doubt: true,
        }
    }

    fn note(code: &'static str, text: String) -> Self {
        Caveat {
            code,
            text,
            is_doubt: false,
        }
    }

    /// What stands before it in a sentence that says that all is well.
    pub(super) fn lead(&self) -> &'static str {
        match self.is_doubt {
            true => "but ",
            false => "",
        }
    }
}

/// All that a pass leaves open; nothing where the gate fails, or there is none.
pub(super) fn caveats(report: &Report) -> Vec<Caveat> {
    if report.decision != Some(Decision::Pass) {
        return Vec::new();
    }
    let of_limits = || {
        let by_chance = by_chance(report).into_iter();
        by_chance
            .chain(held_until_exit(report))
            .chain(offset(report))
            .chain(too_few_counts(report))
            .chain(without_bytes(report))
            .chain(without_loader(report))
            .chain(unsure(report))
            .chain(shorter_time(report))
            .chain(unlisted(report))
    };
    let is_by_limits = !report.gate.limits.is_empty();
    let of_limits = is_by_limits.then(of_limits).into_iter().flatten();
    let of_limits: Vec<Caveat> = of_limits.collect();
    of_limits.into_iter().chain(of_runs(report)).collect()
}

fn by_chance(report: &Report) -> Option<Caveat> {
    let (sites, them) = match report.gate.above_by_chance(&report.sites, &report.columns) {
        0 => return None,
        1 => ("1 call site is".to_owned(), "it"),
        n => (format!("{} call sites are", count(n as u64)), "them"),
    };
    Some(Caveat::note(
        "above-by-chance",
        format!("{sites} above it by no more than chance can make (--strict-rates fails {them})"),
    ))
}

fn held_until_exit(report: &Report) -> Option<Caveat> {
    let above = report.gate.held_above(&report.sites, &report.columns);
    let them = match above.len() {
        0 => return None,
        1 => "it",
        _ => "them",
    };
    let alike = report.alike();
    let names = above.iter().take(NAMED_BREACHES);
    let names = names.map(|site| sentence_name(&report.sites[*site], alike));
    let more = match above.len().saturating_sub(NAMED_BREACHES) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let sites = format!(
        "{} ({}{more})",
        counted(above.len() as u64, "call site"),
        names.collect::<Vec<_>>().join(", ")
    );
    Some(Caveat::doubt(
        "held-until-exit",
        format!(
            "{sites} held more than that until the end of the run freed it (--strict fails {them})"
        ),
    ))
}

/// What hides growth from a limit on all of them.
fn offset(report: &Report) -> Vec<Caveat> {
    if report.offset.is_empty() {
        return Vec::new();
    }
    let alike = report.alike();
    let named = report.offset.iter().take(NAMED_BREACHES);
    named
        .map(|together| Caveat::doubt("offset", offset_text(report, together, alike)))
        .collect()
}

fn offset_text(report: &Report, together: &Together, alike: &Alike) -> String {
    let name = || {
        let site = together.sites.first().map(|site| &report.sites[*site]);
        let name = site.map(|site| sentence_name(site, alike));
        name.unwrap_or_default()
    };
    let names = || {
        let others = together.sites.len().saturating_sub(1) as u64;
        format!("{} and {}", name(), counted(others, "other call site"))
    };
    let grown = || {
        let all = together.others.as_ref();
        all.map_or(together.measurement.growth, |all| all.growth)
    };
    let who = match &together.likeness {
        Likeness::Calls => {
            return format!(
                "{} grew by more than that for some of the calls in that line, and others of them have as much less \
                 (--strict fails it)",
                name()
            );
        }
        Likeness::Callers => {
            return format!(
                "{} grew by more than that for some of its callers, and others of them have as much less (--strict \
                 fails it)",
                name()
            );
        }
        Likeness::Size(size) => {
            return format!(
                "blocks of {} in {} grew by more than that, and those of other sizes shrank by as much (--strict fails \
                 it)",
                bytes(*size),
                name()
            );
        }
        Likeness::Replaced => {
            return format!(
                "{} did not keep growing before and now grows by more than that, in place of what it had (--strict fails \
                 it)",
                name()
            );
        }
        Likeness::Spread => {
            return format!(
                "{} that look like leaks grew by more than that together: {} (--strict fails them)",
                names(),
                grown()
            );
        }
        Likeness::Kept => {
            return format!(
                "{} keep more of what came after the start of the run than before, by more than that together: {} \
                 (--strict fails them)",
                names(),
                grown()
            );
        }
        Likeness::All => {
            return format!(
                "{} have more than before, by more than that together: {} (--strict fails them)",
                names(),
                grown()
            );
        }
        Likeness::Later => {
            return format!(
                "{} keeps more of what it allocated after the start of the run than before, by more than that (--strict \
                 fails it)",
                name()
            );
        }
        Likeness::Faster => {
            return format!(
                "{} grew more slowly before and now grows by more than that on top, in place of what it had (--strict \
                 fails it)",
                name()
            );
        }
        Likeness::Wrapper(function) => format!("callers of {function}"),
        Likeness::Copies | Likeness::Line | Likeness::Function | Likeness::RunTimeCode => {
            format!("rows of the line of {}", name())
        }
    };
    format!(
        "{who} grew by more than that together, and others of them shrank by as much (--strict fails them)"
    )
}

/// What a run held until its end is known from its course alone.
fn too_few_counts(report: &Report) -> Option<Caveat> {
    let last = report.runs.last().filter(|_| report.is_comparison())?;
    has_too_few_counts(last).then(|| {
        Caveat::doubt(
            "too-few-counts",
            format!(
                "{} was counted too few times to tell what it held until its end, which a longer run would",
                last.facts.name
            ),
        )
    })
}

/// A percentage is one of blocks or of bytes.
fn without_bytes(report: &Report) -> Option<Caveat> {
    let text = "growth in bytes is not known and not judged".to_owned();
    (!report.knows_growth_of_bytes()).then(|| Caveat::note("bytes-unknown", text))
}

fn without_loader(report: &Report) -> Option<Caveat> {
    let text = "mtrace_do.py leaves out the dynamic loader, which is not judged".to_owned();
    let is_growth = report.hidden.growth.is_growth();
    is_growth.then(|| Caveat::note("loader-not-judged", text))
}

fn unsure(report: &Report) -> Option<Caveat> {
    let is_unsure = |site: &&Site| {
        let by_address = site.at.matched_by == Some(MatchedBy::UnsureAddress);
        site.hidden.is_none() && (site.is_unsure() || by_address)
    };
    let sites = match report.sites.iter().filter(is_unsure).count() as u64 {
        0 => return None,
        1 => "1 call site was".to_owned(),
        several => format!("{} call sites were", count(several)),
    };
    let text = format!("{sites} found again without being sure (?)");
    Some(Caveat::note("unsure-matches", text))
}

/// As many blocks in less time are a faster leak, which a limit on blocks or bytes does not see.
fn shorter_time(report: &Report) -> Option<Caveat> {
    let [first, .., last] = report.runs.as_slice() else {
        return None;
    };
    let (before, after) = (first.facts.duration_s?, last.facts.duration_s?);
    let is_shorter = after < before && !are_as_long(&[before, after]);
    let is_judged = report.gate.limits.iter().any(Limit::is_by_time);
    (is_shorter && !is_judged).then(|| {
        Caveat::doubt(
            "shorter-time",
            format!(
                "{} took less time than {}, which only a limit on a rate (10/min) takes into account",
                last.facts.name, first.facts.name
            ),
        )
    })
}

/// More blocks of a script's total without a line than the dynamic loader had before.
fn unlisted(report: &Report) -> Option<Caveat> {
    let [first, .., last] = report.runs.as_slice() else {
        return None;
    };
    let before = first
        .facts
        .unlisted
        .unwrap_or_else(|| first.live_of_loader());
    let more = last.facts.unlisted?.saturating_sub(before);
    (more > 0).then(|| {
        Caveat::doubt(
            "unlisted",
            format!(
                "{} more than before have no line in the result of {}, which may be cut: its figures may be partial",
                counted(more, "block"),
                last.facts.name
            ),
        )
    })
}

/// A pass on figures that are known to be wrong must not look like any other.
fn of_runs(report: &Report) -> impl Iterator<Item = Caveat> {
    let runs_with = |is_it: fn(&Warning) -> bool| {
        let runs = report.runs_warned();
        let runs = runs.filter(|(_, warnings)| warnings.iter().any(is_it));
        let names: Vec<&str> = runs.map(|(run, _)| run.facts.name.as_str()).collect();
        (!names.is_empty()).then(|| names.join(", "))
    };
    let is_same = |warning: &Warning| {
        matches!(
            warning,
            Warning::Comparison(ComparisonWarning::SameRecording { .. })
        )
    };
    let same = report.warnings.iter().any(is_same).then(|| {
        let text = "a recording was compared with itself, see the warnings".to_owned();
        Caveat::doubt("same-recording", text)
    });
    let children = runs_with(is_of_children).map(|names| {
        let text = format!("processes that {names} started are not judged, see the warnings");
        Caveat::doubt("children-not-judged", text)
    });
    let facts: Vec<&Facts> = report.runs.iter().map(|run| &run.facts).collect();
    let earlier = grown_earlier(&report.gate, &facts).map(|(run, growth)| {
        let recordings = run.earlier.as_ref().map_or(&[][..], |earlier| &earlier.recordings);
        let text = format!(
            "what was there before the process of {} left more than in the first run ({growth}), and is not judged: see {}",
            run.name,
            some(recordings)
        );
        Caveat::doubt("earlier-not-judged", text)
    });
    let before = runs_with(is_of_before).map(|names| {
        let text =
            format!("what ran before {names} in their processes is not judged, see the warnings");
        Caveat::doubt("before-not-judged", text)
    });
    let partial = runs_with(is_partial).map(|names| {
        let text = format!("figures of {names} are partial, see the warnings");
        Caveat::doubt("partial", text)
    });
    [same, children, earlier, before, partial]
        .into_iter()
        .flatten()
}

fn is_partial(warning: &Warning) -> bool {
    warning.makes_figures_partial() && !is_of_children(warning) && !is_of_before(warning)
}

fn is_of_children(warning: &Warning) -> bool {
    [
        RecordingWarning::CHILDREN_APART,
        RecordingWarning::STARTED_UNRECORDED,
        RecordingWarning::FORKED_UNRECORDED,
    ]
    .contains(&warning.code())
}

fn is_of_before(warning: &Warning) -> bool {
    warning.code() == RecordingWarning::RAN_BEFORE
}
