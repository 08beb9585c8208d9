//! A recording as an mtrace log, for tools that read those.

use std::collections::HashMap;
use std::io::{self, Read, Write};

use super::blocks::{Blocks, Damage};
use super::events::{Event, decode};

/// Who frees is not recorded.
const NOBODY: &[u8] = b"[0x0]";

/// Writes a recording as glibc would have written its log. What could not be read is left out, and said.
pub fn write_mtrace_log(mut blocks: Blocks<impl Read>, out: &mut dyn Write) -> io::Result<Damage> {
    let header = blocks.header.clone();
    let mut writer = Writer::default();
    out.write_all(b"= Start\n")?;
    while let Some(block) = blocks.next() {
        writer.thread = block.thread;
        let mut written = Ok(());
        let decoded = decode(&block, &header, |event| {
            if written.is_ok() {
                written = writer.event(event, out);
            }
        });
        written?;
        if decoded.is_err() {
            blocks.damage.bad_blocks += 1;
        }
    }
    if writer.has_ended {
        out.write_all(b"= End\n")?;
    }
    Ok(blocks.damage)
}

#[derive(Default)]
struct Writer {
    thread: u32,
    has_ended: bool,
    /// The caller of each stack that begins with this node, as a log spells it.
    callers: HashMap<u32, Vec<u8>>,
    /// Start, end, bias and path of what is loaded, by the recorder's number.
    modules: HashMap<u32, (u64, u64, u64, Vec<u8>)>,
    /// What each thread gave to realloc last.
    reallocated: HashMap<u32, u64>,
}

impl Writer {
    fn event(&mut self, event: Event<'_>, out: &mut dyn Write) -> io::Result<()> {
        match event {
            Event::Allocated {
                address,
                size,
                node,
                by_realloc,
            } => {
                let sign = if by_realloc { '>' } else { '+' };
                self.caller(node, out)?;
                writeln!(out, " {sign} {address:#x} {size:#x}")?;
            }
            Event::Freed {
                address,
                by_realloc,
            } => {
                let sign = if by_realloc { '<' } else { '-' };
                if by_realloc {
                    self.reallocated.insert(self.thread, address);
                }
                out.write_all(b"@ ")?;
                out.write_all(NOBODY)?;
                writeln!(out, " {sign} {address:#x}")?;
            }
            Event::Failed { node, size } => {
                self.caller(node, out)?;
                writeln!(out, " + (nil) {size:#x}")?;
            }
            Event::ReallocFailed { node, size } => self.realloc_failed(node, size, out)?,
            Event::Thread(thread) => self.thread = thread,
            Event::End => self.has_ended = true,
            Event::Node { id, pc, .. } => {
                let caller = self.spelled(pc);
                self.callers.insert(id, caller);
            }
            Event::Module {
                id,
                start,
                size,
                bias,
                path,
                ..
            } => {
                let end = start.saturating_add(size);
                self.modules.insert(id, (start, end, bias, path.to_vec()));
            }
            Event::Unloaded(id) => drop(self.modules.remove(&id)),
            _ => {}
        }
        Ok(())
    }

    /// A log of glibc notes a realloc that fails in one line. What was noted as given to it is there still.
    fn realloc_failed(&mut self, node: u32, size: u64, out: &mut dyn Write) -> io::Result<()> {
        let Some(address) = self.reallocated.remove(&self.thread) else {
            return Ok(());
        };
        self.caller(node, out)?;
        writeln!(out, " + {address:#x} {size:#x}")?;
        self.caller(node, out)?;
        writeln!(out, " ! {address:#x} {size:#x}")
    }

    fn caller(&self, node: u32, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(b"@ ")?;
        out.write_all(self.callers.get(&node).map_or(NOBODY, Vec::as_slice))
    }

    fn spelled(&self, pc: u64) -> Vec<u8> {
        let mut modules = self.modules.values();
        let module = modules.find(|(start, end, _, _)| pc > *start && pc <= *end);
        match module {
            Some((_, _, bias, path)) if !path.is_empty() => {
                // A line end in a path would be one of the log.
                let mut text: Vec<u8> = path.iter().copied().filter(|byte| *byte != b'\n').collect();
                text.extend_from_slice(format!(":[{:#x}]", pc.wrapping_sub(*bias)).as_bytes());
                text
            }
            _ => format!("[{pc:#x}]").into_bytes(),
        }
    }
}
