//! A line for each run: what it is of, and what it comes to.

use std::io::Write;

use owo_colors::OwoColorize;

use super::Report;
use super::glyphs::Page;
use super::palette::Palette;
use super::text::{facts, width};
use crate::error::Result;
use crate::printable::printable_name;
use crate::run::{BlamedRun, Certainty};
use crate::trace::STEPS;
use crate::units::{bytes, count, counted};
use crate::warning::Warning;

/// Writes the header lines of a report.
pub(super) fn write(
    report: &Report,
    page: Page,
    palette: &Palette,
    out: &mut dyn Write,
) -> Result<()> {
    let longest = report
        .runs
        .iter()
        .map(|run| width(&page.glyphs.text(&run.facts.name)))
        .max()
        .unwrap_or(0);
    for ((run, warnings), hidden) in report.runs_warned().zip(&report.hidden.runs) {
        let name = page.glyphs.text(&run.facts.name);
        let padding = " ".repeat(longest - width(&name) + 2);
        let facts_of_run = run_facts(run, warnings, hidden.blocks);
        let text = facts(&format!("{name}{padding}"), &facts_of_run, page);
        let (name, rest) = text.split_at(name.len());
        writeln!(out, "{}{rest}", name.style(palette.strong))?;
    }
    Ok(())
}

/// `hidden` blocks of it are in no row, and in no sum, unless all are asked for.
fn run_facts(run: &BlamedRun, warnings: &[Warning], hidden: u64) -> Vec<String> {
    let known = &run.facts;
    let program = match &known.program {
        Some(path) => printable_name(path),
        None => "no program".to_owned(),
    };
    let machine = match known.machine {
        Some(machine) => machine.to_string(),
        None => "unknown architecture".to_owned(),
    };
    let mut facts = vec![program, machine];
    if let (Some(1..), Some(choice)) = (known.records, &known.choice) {
        let addressing = choice.addressing.name();
        facts.push(match choice.certainty {
            Certainty::Assumed => format!("{addressing} addresses (assumed)"),
            Certainty::Sure | Certainty::Mixed => {
                format!("{addressing} addresses (glibc {})", choice.glibc)
            }
        });
    }
    facts.push(match (known.reached, known.records) {
        (Some(reached), _) => {
            let records = |n: Option<u64>| n.map(|n| counted(n, "record"));
            match (reached.step, reached.records, reached.of) {
                (Some(step), at, of) => {
                    let of = records(of.or(at)).map_or_else(String::new, |of| format!(" of {of}"));
                    format!("step {step} of {STEPS}{of}")
                }
                (None, Some(at), Some(of)) => format!("{} of {}", count(at), counted(of, "record")),
                (None, at, _) => format!("{} up to then", records(at).unwrap_or_default()),
            }
        }
        (None, Some(records)) => counted(records, "record"),
        (None, None) => format!("result of {}", known.origin.source.tool()),
    });
    if let Some(report) = known.origin.stands_in.as_deref() {
        let name = printable_name(report);
        facts.push(format!("saved report {name} in place of a log"));
    }
    let live = run.live();
    let blocks = counted(live.blocks, "block");
    // Without it, the total of the table would seem not to add up.
    let loader = match hidden {
        0 => String::new(),
        hidden => format!(" ({} of the loader)", count(hidden)),
    };
    facts.push(match live.bytes {
        Some(live) => format!("{blocks} live{loader}, {}", bytes(live)),
        None => format!("{blocks} live{loader}"),
    });
    if warnings.iter().any(Warning::makes_figures_partial) {
        facts.push("partial, see the warnings".to_owned());
    }
    facts
}
