//! The listings of the old tools, for scripts that were built on them.

use std::collections::BTreeMap;
use std::io::Write;

use super::Report;
use super::options::Options;
use crate::error::{Error, Result, UsageError};
use crate::run::{Addressing, BlamedRun, Blocks, Location, LocationId, Role, Run};

/// The first run of a report, with its blocks.
fn listed(report: &Report) -> Result<(&BlamedRun, &Blocks)> {
    let run = report.runs.first().ok_or(Error::Usage(UsageError::NoRun))?;
    let is_saved = run.facts.origin.saved_by.is_some();
    let needs_log = || Error::needs_log(&run.facts.path, "an old tool's listing", is_saved);
    let blocks = run.blocks.as_ref().ok_or_else(needs_log)?;
    Ok((run, blocks))
}

/// What `mtrace LOG` prints: frees of unknown blocks, then every live block by address.
pub(super) fn write_mtrace(report: &Report, _: &Options, out: &mut dyn Write) -> Result<()> {
    let (run, blocks) = listed(report)?;
    for free in &blocks.unknown_frees {
        let what = if free.in_realloc { "Realloc" } else { "Free" };
        let by = location(run, blocks, free.at);
        writeln!(
            out,
            "- {:#018x} {what} {} was never alloc'd {by}",
            free.address, free.line
        )?;
    }
    if blocks.live.is_empty() {
        writeln!(out, "No memory leaks.")?;
        return Ok(());
    }
    writeln!(
        out,
        "\nMemory not freed:\n-----------------\n           Address     Size     Caller"
    )?;
    for block in &blocks.live {
        // C's `%#8x` writes a zero without its prefix.
        let size = match block.size {
            0 => "0".to_owned(),
            size => format!("{size:#x}"),
        };
        let at = location(run, blocks, block.at);
        writeln!(out, "{:#018x} {size:>8}  at {at}", block.address)?;
    }
    Ok(())
}

/// The caller as `mtrace` shows it without a program: the number alone, where there is one.
fn location(run: &Run, blocks: &Blocks, at: LocationId) -> String {
    match run.location(at).number {
        Some(number) => format!("{number:#x}"),
        None => blocks.file(at).unwrap_or_default().to_owned(),
    }
}

/// One line of `mtrace_do.py`.
#[derive(Default)]
struct ListedLine {
    count: u64,
    module: String,
    offset: Option<u64>,
    is_loader: bool,
}

/// What `mtrace_do.py` writes: a total, then live blocks per address of a caller, sorted by the
/// address as text. Lines of the dynamic loader are left out, but counted in the total.
pub(super) fn write_mtrace_do(report: &Report, _: &Options, out: &mut dyn Write) -> Result<()> {
    let (run, blocks) = listed(report)?;
    // Keyed by library too: relative addresses of two libraries can be the same number.
    let mut lines: BTreeMap<(String, String), ListedLine> = BTreeMap::new();
    for site in run.sites.iter().filter(|site| site.figures.blocks > 0) {
        let at = run.innermost(site);
        let place = run.location(at);
        let module = run.module_of(place).map(|module| &module.label);
        // As the log names it; where it does not, as in a static program, what the maps say.
        let known = blocks.file(at).or(module.map(|label| &*label.name));
        let library = known.unwrap_or("unknown").to_owned();
        let line = lines
            .entry((location(run, blocks, at), library.clone()))
            .or_default();
        line.count += site.figures.blocks;
        line.offset = offset(run, place);
        line.is_loader = module.is_some_and(|label| label.role == Role::Loader);
        line.module = library;
    }
    writeln!(out, "total_cnt: {}", run.live().blocks)?;
    for ((address, _), line) in lines.iter().filter(|(_, line)| !line.is_loader) {
        let offset = line
            .offset
            .map_or_else(|| "unknown".to_owned(), |offset| format!("{offset:#x}"));
        writeln!(
            out,
            "{address:>10}:\t\t{}\t\t{:>32}\t\t{offset}",
            line.count, line.module
        )?;
    }
    Ok(())
}

/// Where in its library a caller is, with the Thumb bit as the log has it: what the script computed
/// where it was right, and the link-time address where it was not.
fn offset(run: &Run, place: &Location) -> Option<u64> {
    let number = place.number?;
    let choice = run.facts.choice.as_ref();
    let is_relative = choice.is_some_and(|choice| choice.addressing == Addressing::Relative);
    match place.address {
        Some(address) => Some(address.0 | (number & 1)),
        None => is_relative.then_some(number),
    }
}
