//! A line for each run: what it is of, and what it comes to.

use std::io::Write;

use owo_colors::OwoColorize;

use super::palette::Palette;
use super::text::{facts, width};
use super::{Report, RunSummary};
use crate::error::Result;
use crate::printable::printable_path;
use crate::symbols::Certainty;
use crate::units::{bytes, count, counted};

/// Writes the header lines of a report.
pub fn write(
    report: &Report,
    columns: Option<usize>,
    palette: &Palette,
    out: &mut dyn Write,
) -> Result<()> {
    let longest = report
        .runs
        .iter()
        .map(|run| width(&run.name))
        .max()
        .unwrap_or(0);
    for run in &report.runs {
        let padding = " ".repeat(longest - width(&run.name) + 2);
        let text = facts(&format!("{}{padding}", run.name), &run_facts(run), columns);
        let (name, rest) = text.split_at(run.name.len());
        writeln!(out, "{}{rest}", name.style(palette.strong))?;
    }
    Ok(())
}

fn run_facts(run: &RunSummary) -> Vec<String> {
    let program = match &run.program {
        Some(path) => path.file_name().map_or_else(
            || printable_path(path),
            |name| printable_path(name.as_ref()),
        ),
        None => "no program".to_owned(),
    };
    let machine = match run.machine {
        Some(machine) => machine.to_string(),
        None => "unknown architecture".to_owned(),
    };
    let mut facts = vec![program, machine];
    if let (Some(1..), Some(choice)) = (run.records, &run.choice) {
        let addressing = choice.addressing.name();
        facts.push(match choice.certainty {
            Certainty::Assumed => format!("{addressing} addresses (assumed)"),
            Certainty::Sure | Certainty::Mixed => {
                format!("{addressing} addresses (glibc {})", choice.glibc)
            }
        });
    }
    facts.push(match (run.reached, run.records) {
        (Some(reached), _) => format!(
            "{} of {}",
            count(reached.records),
            counted(reached.of, "record")
        ),
        (None, Some(records)) => counted(records, "record"),
        (None, None) => format!("result of {}", run.origin.source.tool()),
    });
    let live = counted(run.live.blocks, "block");
    facts.push(match run.origin.source.knows_bytes() {
        true => format!("{live} live, {}", bytes(run.live.bytes)),
        false => format!("{live} live"),
    });
    facts
}
