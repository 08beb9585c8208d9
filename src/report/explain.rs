//! Why a row has its verdict, in sentences: what `--explain` shows.

use std::io::Write;

use owo_colors::OwoColorize;

use super::Report;
use super::glyphs::Page;
use super::palette::Palette;
use super::site_text::sentence_name;
use super::text::wrapped;
use super::verdict::words;
use crate::diff::{Doubt, Reasons, Site, SiteRun, Trend};
use crate::error::{Error, Result, UsageError};
use crate::trace::STEPS;
use crate::units::{bytes, count, counted};

/// The row of a rank; an error if there is none.
pub(super) fn row(report: &Report, rank: usize) -> Result<&Site> {
    let at = rank.checked_sub(1);
    at.and_then(|at| report.sites.get(at))
        .ok_or(Error::Usage(UsageError::NoSuchRank {
            rank,
            rows: report.sites.len(),
        }))
}

/// Writes it for the row of a rank.
pub(super) fn write(
    report: &Report,
    rank: usize,
    page: Page,
    palette: &Palette,
    out: &mut dyn Write,
) -> Result<()> {
    let site = row(report, rank)?;
    let name = sentence_name(site, report.alike());
    let head = match words(site).as_str() {
        "" => format!("#{rank} {name}"),
        words => format!("#{rank} {words}: {name}"),
    };
    let head = page.glyphs.text(&head).into_owned();
    writeln!(out, "{}", head.style(palette.strong))?;
    for sentence in sentences(report, site) {
        writeln!(out, "{}", wrapped("  ", &sentence, page))?;
    }
    writeln!(out)?;
    Ok(())
}

fn sentences(report: &Report, site: &Site) -> Vec<String> {
    let Some(run) = report.runs.last() else {
        return Vec::new();
    };
    let Some(reasons) = site.reasons(&report.columns) else {
        return vec![
            "There is no verdict: the course of the last run is not known, or nothing is left of the site.".to_owned(),
        ];
    };
    let name = &run.facts.name;
    let live = site.last();
    let mut sentences = Vec::new();
    match live.allocations {
        Some(all) => sentences.push(format!(
            "Of {} allocated in {name}, {} live at its end.",
            counted(all, "block"),
            are(live.blocks)
        )),
        None => sentences.push(format!("At the end of {name}, {} live.", are(live.blocks))),
    }
    if reasons.finding.by_bytes {
        sentences.extend(bytes_at_quarters(site));
        sentences.push(format!("{}: {}", words(site), conclusion(&reasons)));
        return sentences;
    }
    match reasons.born {
        Some(born) if live.blocks > 0 => {
            let born = born.map(count).join(", ");
            sentences.push(format!(
                "Of these, allocated in each quarter of the run: {born}."
            ));
        }
        Some(_) => {}
        None => sentences.push(
            "When they were allocated is not known, so the shape of the curve decides.".to_owned(),
        ),
    }
    if let Some(life) = reasons.life {
        let how_long = |life: f64| match run.facts.duration_of_curves() {
            Some(seconds) => a_while(seconds * life),
            None if life < 0.001 => "less than 0.1 % of the run".to_owned(),
            None => format!("{:.1} % of the run", life * 100.0),
        };
        let longest = reasons.longest_life.map(how_long);
        let longest = longest.map_or(String::new(), |life| {
            format!(", and none longer than {life}")
        });
        sentences.push(format!(
            "The others lived {} on average{longest}.",
            how_long(life)
        ));
    }
    let [middle, end] = reasons.floor;
    sentences.push(format!(
        "The lowest level around the middle of the run was {}, and near its end {}.",
        count(middle),
        count(end)
    ));
    if reasons.finding.trend == Trend::Grows {
        sentences.extend(highest(report, site));
    }
    // What the exit freed was not left.
    let is_told = !matches!(reasons.finding.trend, Trend::Noise | Trend::Grows);
    if let Some(more) = reasons.more.filter(|_| is_told) {
        let left = match more.left as i64 {
            0 => "no more".to_owned(),
            left @ 1.. => format!("{} more", count(left as u64)),
            left => format!("{} less", count(left.unsigned_abs())),
        };
        sentences.push(format!(
            "The last run was {:.1} times as long as the first. A leak at this pace would have left {} more; this site left {left}.",
            more.longer,
            count(more.expected.max(0.0).round() as u64),
        ));
    }
    sentences.push(format!("{}: {}", words(site), conclusion(&reasons)));
    sentences
}

/// Of a leak whose blocks are as many as they were, when they were born says nothing.
fn bytes_at_quarters(site: &Site) -> Option<String> {
    let curve = site.at.runs.last()?.as_ref()?.curve.as_ref()?.points();
    let quarters = [1, 2, 3, 4].map(|quarter| bytes(curve[quarter * STEPS / 4 - 1].bytes));
    let [first, half, third, end] = quarters;
    Some(format!(
        "Its bytes at the ends of the four quarters of the run: {first}, {half}, {third}, {end}."
    ))
}

/// Of a site that the exit freed, what it came to in the runs says more than what they left.
fn highest(report: &Report, site: &Site) -> Option<String> {
    let most = |run: &Option<Box<SiteRun>>| {
        let points = run.as_ref()?.curve.as_ref()?.points();
        points.iter().map(|point| point.blocks).max()
    };
    let (first, last) = (report.runs.first()?, report.runs.last()?);
    let [before, now] = [site.at.runs.first()?, site.at.runs.last()?].map(most);
    let before = before.filter(|_| report.runs.len() > 1);
    let before = before.map_or(String::new(), |blocks| {
        format!(", and in {} {}", first.facts.name, count(blocks))
    });
    Some(format!(
        "At its highest it had {} in {}{before}.",
        counted(now?, "block"),
        last.facts.name
    ))
}

fn are(blocks: u64) -> String {
    match blocks {
        0 => "none is".to_owned(),
        1 => "1 is".to_owned(),
        n => format!("{} are", count(n)),
    }
}

/// `0.2 s`, `3 m 20 s` being too fine.
fn a_while(seconds: f64) -> String {
    match seconds {
        s if s < 0.001 => "less than 1 ms".to_owned(),
        s if s < 1.0 => format!("{:.0} ms", s * 1e3),
        s if s < 60.0 => format!("{s:.1} s"),
        s => crate::units::time(s),
    }
}

fn conclusion(reasons: &Reasons) -> String {
    let doubt = reasons.doubt.map(against);
    let text = match (reasons.finding.trend, doubt) {
        (Trend::Leak, _) if reasons.finding.by_bytes => {
            "its blocks are as many as before, and their bytes grow to the end of the run."
        }
        (Trend::Leak, _) => {
            "it keeps blocks at an even pace until the end of the run, and its floor rises with them."
        }
        (Trend::MayLeak, Some(doubt)) if reasons.doubt == Some(Doubt::FullBefore) => {
            return format!("it would be a leak, but {doubt}.");
        }
        (Trend::MayLeak, Some(doubt)) => {
            return format!("it would be a leak, but {doubt}, by a little.");
        }
        (Trend::MayLeak, None) => "it may be a leak.",
        (Trend::Grows, _) => {
            "it grew as long as the program worked, and was freed when the program ended."
        }
        (Trend::Shutdown, _) => "it was level, but for what the end of a run freed.",
        (Trend::Startup, _) => "nearly all that is left was there after a tenth of the run.",
        (Trend::Noise, _) => "it never had 8 blocks.",
        (Trend::Burst, _) => "it rises in jumps, or has peaks.",
        (Trend::Plateau, Some(doubt)) => return format!("it is no leak, as {doubt}."),
        (Trend::Plateau, None) => "it grew, and then stayed level.",
    };
    text.to_owned()
}

fn against(doubt: Doubt) -> &'static str {
    match doubt {
        Doubt::Few => "too few blocks were kept to tell",
        Doubt::Slows => "what it keeps becomes less, as in a cache that fills",
        Doubt::Late => "what is left is young: it may be at work still, or built at the end",
        Doubt::Over => "it has kept nothing for long",
        Doubt::Jumps => "what is left came in a step or two",
        Doubt::Full => {
            "it stands at a level at which each block that comes takes the place of another"
        }
        Doubt::FullBefore => {
            "in the first run it came to a level at which each block that came took the place of another"
        }
        Doubt::Level => "the level below which it never falls does not rise as it should",
        Doubt::NoMore => "a longer run left no more",
    }
}
