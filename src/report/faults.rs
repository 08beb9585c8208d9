//! What went wrong in a run, per caller: `show --errors`.

use std::io::Write;

use owo_colors::OwoColorize;

use super::grid::{Cells, Grid, Heading, Kind, Tone};
use super::options::Options;
use super::palette::Palette;
use super::site_text::{function_of, module_of, place_of};
use super::{Report, header, notes, verdict};
use crate::error::{Error, Result};
use crate::run::{BlamedRun, LocationId, Run};
use crate::trace::{Fault, FaultKind};
use crate::units::{count, counted};

/// Draws the faults of the only run of a report.
pub(super) fn write(report: &Report, options: &Options, out: &mut dyn Write) -> Result<()> {
    if let Some(run) = report.runs.iter().find(|run| run.faults.is_none()) {
        let is_saved = run.facts.origin.saved_by.is_some();
        return Err(Error::needs_log(&run.facts.path, "--errors", is_saved));
    }
    let palette = Palette::new(options.color);
    header::write(report, options.page(), &palette, out)?;
    writeln!(out)?;
    fn of_run(run: &BlamedRun) -> Vec<(&BlamedRun, Fault<LocationId>)> {
        let faults = run.faults.iter().flatten();
        faults.map(|fault| (run, *fault)).collect()
    }
    let faults: Vec<(&BlamedRun, Fault<LocationId>)> =
        report.runs.iter().flat_map(of_run).collect();
    let shown = if options.all {
        faults.len()
    } else {
        options.top.min(faults.len())
    };
    if faults.is_empty() {
        let text = "No free and no allocation went wrong.";
        writeln!(out, "{}", text.style(palette.strong))?;
    } else {
        let head = ["count", "first line", "what"].map(|head| Heading::new(head, Kind::Lead));
        let names = ["function", "file:line"];
        let mut grid = Grid::new(head.to_vec(), names, options.page());
        faults[..shown]
            .iter()
            .for_each(|(run, fault)| grid.add(cells(run, *fault, options)));
        write!(out, "{}", grid.draw(options.color).text)?;
        writeln!(out)?;
    }
    if shown < faults.len() {
        let cut = counted((faults.len() - shown) as u64, "row");
        writeln!(out, "{cut} not shown: --all shows every one")?;
    }
    notes::write_warnings(report, options.page(), &palette, out)?;
    verdict::write_decision(report, options.page(), &palette, out)
}

fn cells(run: &Run, fault: Fault<LocationId>, options: &Options) -> Cells {
    let at = run.location(fault.at);
    let what = match fault.kind {
        FaultKind::DoubleFree => "double free",
        FaultKind::FreeOfUnknown => "free of a block from before mtrace()",
        FaultKind::FailedAllocation => "failed allocation",
        FaultKind::FailedReallocation => "failed realloc",
    };
    let line = fault
        .seen
        .first_line
        .map_or_else(|| "-".to_owned(), |line| line.to_string());
    Cells {
        figures: vec![count(fault.seen.count), line, what.to_owned()],
        function: options.name(&function_of(&at.name)),
        place: place_of(&at.name, at.address, at.number),
        module: module_of(run.module_of(at).map(|module| &module.label)),
        tone: match fault.kind {
            FaultKind::DoubleFree => Tone::Breach,
            _ => Tone::Plain,
        },
        ..Cells::default()
    }
}
