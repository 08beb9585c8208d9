//! A recording as an mtrace log, for tools that read those.

use std::collections::{HashMap, VecDeque};
use std::io::{self, Read, Write};

use super::blocks::{Damage, EventBlocks};
use super::events::{RecordedEvent, decode};

/// Who frees is not recorded.
const NOBODY: &[u8] = b"[0x0]";

/// So many lines wait at most for a realloc that is under way.
const MOST_WAITING: usize = 1 << 16;

/// Writes a recording as glibc would have written its log. What could not be read is left out, and said.
pub(crate) fn write_mtrace_log(
    mut blocks: EventBlocks<impl Read>,
    out: &mut dyn Write,
) -> io::Result<Damage> {
    let header = blocks.header.clone();
    let mut writer = LogWriter::default();
    out.write_all(b"= Start\n")?;
    while let Some(block) = blocks.next() {
        writer.thread = block.thread;
        let decoded = decode(&block, &header, |event| writer.event(event));
        if decoded.is_err() {
            blocks.damage.bad_blocks += 1;
        }
        writer.write_ready(out, MOST_WAITING)?;
    }
    writer.write_ready(out, 0)?;
    if writer.has_ended {
        out.write_all(b"= End\n")?;
    }
    Ok(blocks.damage)
}

/// A line of the log that is not written yet.
struct Waiting {
    text: Vec<u8>,
    /// Whether it is known that it belongs into the log.
    is_ready: bool,
}

#[derive(Default)]
struct LogWriter {
    thread: u32,
    has_ended: bool,
    /// The caller of each stack that begins with this node, as a log spells it.
    callers: HashMap<u32, Vec<u8>>,
    /// Start, end, bias and path of what is loaded, by the recorder's number.
    modules: HashMap<u32, (u64, u64, u64, Vec<u8>)>,
    /// Lines wait behind a realloc until it is known whether its block was given up: a log of glibc has a line of
    /// its own for one that failed, and none for the block.
    waiting: VecDeque<Waiting>,
    written: usize,
    /// Which line of all is each thread's realloc, and its block.
    reallocs: HashMap<u32, (usize, u64)>,
}

impl LogWriter {
    fn event(&mut self, event: RecordedEvent<'_>) {
        match event {
            RecordedEvent::Allocated {
                address,
                size,
                node,
                by_realloc,
            } => {
                let sign = if by_realloc { '>' } else { '+' };
                if by_realloc && let Some((line, _)) = self.reallocs.remove(&self.thread) {
                    self.settle(line, true);
                }
                self.line(node, &format!(" {sign} {address:#x} {size:#x}"));
            }
            RecordedEvent::Freed {
                address,
                by_realloc: true,
            } => {
                // One that gave nothing, for a size of 0, was a free.
                let before = (self.written + self.waiting.len(), address);
                if let Some((line, _)) = self.reallocs.insert(self.thread, before) {
                    self.settle(line, true);
                }
                self.line(0, &format!(" < {address:#x}"));
                self.settle(before.0, false);
            }
            RecordedEvent::Freed { address, .. } => self.line(0, &format!(" - {address:#x}")),
            RecordedEvent::Failed { node, size } => self.line(node, &format!(" + (nil) {size:#x}")),
            RecordedEvent::ReallocFailed { node, size } => {
                if let Some((line, address)) = self.reallocs.remove(&self.thread) {
                    let begin = line.checked_sub(self.written);
                    if let Some(begin) = begin.and_then(|index| self.waiting.get_mut(index)) {
                        begin.text.clear();
                    }
                    self.settle(line, true);
                    self.line(node, &format!(" ! {address:#x} {size:#x}"));
                }
            }
            RecordedEvent::Thread(thread) => self.thread = thread,
            RecordedEvent::End => self.has_ended = true,
            RecordedEvent::StackNode { id, pc, .. } => {
                let caller = self.spelled(pc);
                self.callers.insert(id, caller);
            }
            RecordedEvent::LoadedModule {
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
            RecordedEvent::Unloaded(id) => drop(self.modules.remove(&id)),
            _ => {}
        }
    }

    /// Adds a line; what `node` 0 did has no caller.
    fn line(&mut self, node: u32, rest: &str) {
        let caller = self.callers.get(&node).map_or(NOBODY, Vec::as_slice);
        let text = [b"@ ", caller, rest.as_bytes(), b"\n"].concat();
        self.waiting.push_back(Waiting {
            text,
            is_ready: true,
        });
    }

    /// Says whether a line of all belongs into the log.
    fn settle(&mut self, line: usize, is_ready: bool) {
        let index = line.checked_sub(self.written);
        if let Some(waiting) = index.and_then(|index| self.waiting.get_mut(index)) {
            waiting.is_ready = is_ready;
        }
    }

    /// Writes what waits for nothing, and in any case all but the last `most` lines.
    fn write_ready(&mut self, out: &mut dyn Write, most: usize) -> io::Result<()> {
        while let Some(first) = self.waiting.front()
            && (first.is_ready || self.waiting.len() > most)
        {
            out.write_all(&first.text)?;
            self.waiting.pop_front();
            self.written += 1;
        }
        Ok(())
    }

    fn spelled(&self, pc: u64) -> Vec<u8> {
        let mut modules = self.modules.values();
        let module = modules.find(|(start, end, _, _)| pc > *start && pc <= *end);
        match module {
            Some((_, _, bias, path)) if !path.is_empty() => {
                // A line end in a path would be one of the log.
                let mut text: Vec<u8> =
                    path.iter().copied().filter(|byte| *byte != b'\n').collect();
                text.extend_from_slice(format!(":[{:#x}]", pc.wrapping_sub(*bias)).as_bytes());
                text
            }
            _ => format!("[{pc:#x}]").into_bytes(),
        }
    }
}
