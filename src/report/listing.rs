//! The listings of the old tools, for scripts that were built on them.

use std::collections::BTreeMap;
use std::io::Write;

use crate::error::Result;
use crate::printable::printable_bytes;
use crate::run::{Addressing, Role};
use crate::symbols::{Place, RebasedRun};
use crate::trace::{CallerId, Trace};

/// One run, as far as the old listings need it.
#[derive(Debug)]
pub struct Listing<'a> {
    pub trace: &'a Trace,
    pub rebased: &'a RebasedRun,
}

/// What `mtrace LOG` prints: frees of unknown blocks, then every live block by address.
pub fn write_mtrace(run: &Listing<'_>, out: &mut dyn Write) -> Result<()> {
    let reuse = run.rebased.choice.reuse;
    for free in run.trace.unknown_frees(reuse) {
        let what = if free.in_realloc { "Realloc" } else { "Free" };
        let by = location(run, free.by);
        writeln!(
            out,
            "- {:#018x} {what} {} was never alloc'd {by}",
            free.address, free.line
        )?;
    }
    let blocks = run.trace.live_blocks(reuse);
    if blocks.is_empty() {
        writeln!(out, "No memory leaks.")?;
        return Ok(());
    }
    writeln!(
        out,
        "\nMemory not freed:\n-----------------\n           Address     Size     Caller"
    )?;
    for (address, block) in blocks {
        // C's `%#8x` writes a zero without its prefix.
        let size = match block.size {
            0 => "0".to_owned(),
            size => format!("{size:#x}"),
        };
        writeln!(
            out,
            "{address:#018x} {size:>8}  at {}",
            location(run, block.caller)
        )?;
    }
    Ok(())
}

/// The caller as `mtrace` shows it without a program: the number alone, where there is one.
fn location(run: &Listing<'_>, caller: CallerId) -> String {
    let caller = run.trace.caller(caller);
    match (caller.address, caller.file) {
        (Some(address), _) => format!("{address:#x}"),
        (None, Some(file)) => printable_bytes(file),
        (None, None) => String::new(),
    }
}

/// One line of `mtrace_do.py`.
#[derive(Default)]
struct Line {
    count: u64,
    module: String,
    offset: Option<u64>,
    is_loader: bool,
}

/// What `mtrace_do.py` writes: a total, then live blocks per address of a caller, sorted by the
/// address as text. Lines of the dynamic loader are left out, but counted in the total.
pub fn write_mtrace_do(run: &Listing<'_>, out: &mut dyn Write) -> Result<()> {
    let stats = run.trace.stats(run.rebased.choice.reuse);
    // Keyed by library too: relative addresses of two libraries can be the same number.
    let mut lines: BTreeMap<(String, String), Line> = BTreeMap::new();
    let mut total = 0;
    for (id, _) in run.trace.callers() {
        let live = stats[id.0 as usize].live.blocks;
        if live == 0 {
            continue;
        }
        total += live;
        let library = library(run, id);
        let line = lines
            .entry((location(run, id), library.clone()))
            .or_default();
        line.count += live;
        line.offset = offset(run, id);
        line.is_loader = is_loader(run, id);
        line.module = library;
    }
    writeln!(out, "total_cnt: {total}")?;
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

/// As the log names it; where it does not, as in a static program, what the maps say.
fn library(run: &Listing<'_>, id: CallerId) -> String {
    let module = || run.rebased.place(id).module();
    match (run.trace.caller(id).file, module()) {
        (Some(file), _) => printable_bytes(file),
        (None, Some(module)) => run.rebased.module(module).name.clone(),
        (None, None) => "unknown".to_owned(),
    }
}

/// Where in its library a caller is, with the Thumb bit as the log has it: what the script computed
/// where it was right, and the link-time address where it was not.
fn offset(run: &Listing<'_>, id: CallerId) -> Option<u64> {
    let number = run.trace.caller(id).address?;
    match run.rebased.place(id) {
        Place::InModule { address, .. } => Some(address.0 | (number & 1)),
        Place::Unplaced { .. } if run.rebased.choice.addressing == Addressing::Relative => {
            Some(number)
        }
        Place::Unplaced { .. } => None,
    }
}

fn is_loader(run: &Listing<'_>, id: CallerId) -> bool {
    let module = run.rebased.place(id).module();
    module.is_some_and(|id| run.rebased.module(id).role == Role::Loader)
}
