//! Sites, and what they have in common with other parts of the document.

use super::schema::*;
use crate::diff::{
    Doubt, Growth, Hidden, LineCounts, MatchedBy, Part, Rate, Reasons, Site, SiteRun, Trend, Via,
};
use crate::report::Report;
use crate::report::options::StackView;
use crate::report::stacks;
use crate::run::{Figures, NameSource, PassedBy, Symbolized, Text};
use crate::trace::{Curve, Tally};

pub(super) fn module_of(site: &Site) -> Option<String> {
    let module = site.at.module.as_ref();
    module.map(|module| module.name.to_string())
}

pub(super) fn owned(text: Option<&Text>) -> Option<String> {
    text.map(|text| text.to_string())
}

pub(super) fn json_site(
    report: &Report,
    rank: usize,
    site: &Site,
    with_curves: bool,
    stacks: Option<StackView>,
) -> JsonSite {
    let is_comparison = report.is_comparison();
    let rates = site.rates(&report.columns);
    let frame = site.at.frame();
    let frames = match &site.at.name {
        Symbolized::Named(named) => named.frames(),
        Symbolized::Unknown(_) => &[],
    };
    JsonSite {
        rank,
        module: module_of(site),
        function: frame.and_then(|f| owned(f.function.as_ref())),
        file: frame.and_then(|f| owned(f.file.as_ref())),
        line: frame.and_then(|f| f.line),
        frames: frames
            .iter()
            .map(|frame| JsonFrame {
                function: owned(frame.function.as_ref()),
                file: owned(frame.file.as_ref()),
                line: frame.line,
                inlined: frame.inlined,
            })
            .collect(),
        named_by: match &site.at.name {
            Symbolized::Named(named) => Some(match named.source() {
                NameSource::Dwarf => "dwarf",
                NameSource::SymbolTable => "symbols",
                NameSource::Log => "log",
            }),
            Symbolized::Unknown(_) => None,
        },
        unknown: match &site.at.name {
            Symbolized::Named(_) => None,
            Symbolized::Unknown(reason) => Some(reason.to_string()),
        },
        runs: {
            let runs = site.at.runs.iter();
            runs.map(|run| Some(json_site_run(run.as_deref()?, with_curves)))
                .collect()
        },
        growth: is_comparison.then(|| json_growth(site.growth, site.first())),
        change: is_comparison.then(|| site.change.name()),
        verdict: site.trend.map(Trend::name),
        leaks_by: (site.trend == Some(Trend::Leak)).then_some(match site.by_bytes {
            true => "bytes",
            false => "blocks",
        }),
        evidence: site
            .reasons(&report.columns)
            .map(|reasons| json_evidence(&reasons)),
        lines: site.lines().map(json_lines),
        fixed: site.fixed,
        per_minute: rates.per_minute.map(json_rate),
        per_run: rates.per_run.map(json_rate),
        matched_by: site.at.matched_by.map(MatchedBy::name),
        unsure: site.is_unsure(),
        forked: site.forked,
        by: site.at.by.name(),
        via: site.at.via().iter().map(json_via).collect(),
        wrapper: site.at.stands_for().map(PassedBy::name),
        callers: stacks.map(|view| stacks::json_callers(report, site, view)),
        stack: stacks::json_stack(site),
        size: match site.part() {
            Some(Part::Size(size)) => Some(*size),
            _ => None,
        },
        sizes: stacks::json_sizes(site),
        hidden: site.hidden.map(|Hidden::Loader| "loader"),
    }
}

pub(super) fn json_via(via: &Via) -> JsonVia {
    JsonVia {
        function: via.function.to_string(),
        by: via.by.name(),
        blocks: via.blocks.clone(),
    }
}

pub(super) fn json_site_run(run: &SiteRun, with_curves: bool) -> JsonSiteRun {
    JsonSiteRun {
        addresses: run
            .places
            .addresses()
            .map(|address| address.to_string())
            .collect(),
        numbers: run
            .places
            .numbers()
            .map(|number| format!("{number:#x}"))
            .collect(),
        allocations: run.figures.allocations,
        frees: run.figures.frees(),
        live: json_tally(run.figures),
        curve: run
            .curve
            .as_ref()
            .filter(|_| with_curves)
            .and_then(json_curve),
    }
}

/// On one line each: 64 lines for 64 figures are no document for people.
pub(super) fn json_curve(curve: &Curve) -> Option<JsonCurve> {
    let points = curve.points();
    let figures = |of: fn(&Tally) -> u64| {
        let figures: Vec<u64> = points.iter().map(of).collect();
        serde_json::value::to_raw_value(&figures).ok()
    };
    Some(JsonCurve {
        blocks: figures(|point| point.blocks)?,
        bytes: figures(|point| point.bytes)?,
    })
}

pub(super) fn json_rate(rate: Rate) -> JsonRate {
    JsonRate {
        blocks: rate.blocks,
        bytes: rate.bytes,
        fit: rate.fit,
        error: rate.error,
    }
}

pub(super) fn json_evidence(reasons: &Reasons) -> JsonEvidence {
    JsonEvidence {
        born: reasons.born,
        life: reasons.life,
        longest_life: reasons.longest_life,
        floor: reasons.floor,
        against: reasons.doubt.map(Doubt::name),
        more: reasons.more.map(|more| JsonMore {
            expected: more.expected,
            left: more.left,
        }),
    }
}

pub(super) fn json_lines(lines: &LineCounts) -> JsonLines {
    JsonLines {
        all: lines.all,
        leak: lines.leak,
        may_leak: lines.may_leak,
        grow: lines.grow,
        fixed: lines.fixed,
    }
}

pub(super) fn json_tally(figures: Figures) -> JsonTally {
    JsonTally {
        blocks: figures.blocks,
        bytes: figures.bytes,
    }
}

pub(super) fn json_growth(growth: Growth, first: Figures) -> JsonGrowth {
    JsonGrowth {
        blocks: growth.blocks,
        bytes: growth.bytes,
        percent: growth.percent(first),
    }
}
