//! Telling the files of a capture directory apart by what they hold, never by their names.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::{compressed, manifest, maps};
use crate::elf::{ElfInfo, ElfKind, is_elf};
use crate::error::{Error, Result};
use crate::recording::is_recording;

/// What a file holds.
#[derive(Debug)]
pub enum FileKind {
    Log,
    /// What the recorder wrote.
    Recording,
    Maps,
    Program(ElfInfo),
    Library(ElfInfo),
    /// A separate debug file, found again by build id or name when a module needs it.
    Debug(ElfInfo),
    /// What `mtrace(1)` printed, or what `mtrace_do.py` wrote.
    OldResult,
    /// What `--save` wrote.
    Saved,
    /// The document of `--format json`, which is for other programs.
    Report,
    /// A run's own facts: `run.json`.
    Manifest,
    Empty,
    /// Of another schema, or of none.
    Json,
    /// Neither log nor anything else of a run: other text, an ELF file of no use.
    Other,
    /// Nothing that is known: it can be a log that is damaged, or packed in another way.
    Unclear,
}

/// What the schema of a saved report begins with, before its version.
pub const SAVED_SCHEMA: &str = "mtrace-diff-saved/";

/// How much of a file decides: enough for a log whose beginning is damaged.
const HEAD: u64 = 64 * 1024;

/// Reads the beginning of a regular file and says what it is.
pub fn file_kind(path: &Path) -> Result<FileKind> {
    let file = File::open(path).map_err(|e| Error::io("open", path, e))?;
    let mut head = Vec::new();
    let text = compressed::plain(file).map_err(|e| Error::io("read", path, e))?;
    // Of a stream that is damaged, what comes before the damage decides.
    let read = text.take(HEAD).read_to_end(&mut head);
    if head.is_empty() && read.is_err() {
        return Ok(FileKind::Unclear);
    }
    if is_elf(&head) {
        let Ok(info) = ElfInfo::read(path) else {
            return Ok(FileKind::Other);
        };
        return Ok(match info.kind {
            ElfKind::Program => FileKind::Program(info),
            ElfKind::Library => FileKind::Library(info),
            ElfKind::Debug => FileKind::Debug(info),
            ElfKind::Other => FileKind::Other,
        });
    }
    if is_recording(&head) {
        return Ok(FileKind::Recording);
    }
    Ok(match text_kind(&head) {
        FileKind::Other | FileKind::Empty if read.is_err() => FileKind::Unclear,
        kind => kind,
    })
}

/// Whether a file is a saved report, of whatever version.
pub fn is_saved_report(path: &Path) -> bool {
    matches!(file_kind(path), Ok(FileKind::Saved))
}

/// Whether there is a line of a log in a part of a file.
pub fn holds_log_line(text: &[u8]) -> bool {
    text.split(|&b| b == b'\n')
        .map(<[u8]>::trim_ascii_end)
        .any(|line| !line.is_empty() && is_log_line(line))
}

fn text_kind(head: &[u8]) -> FileKind {
    let mut lines = head
        .split(|&b| b == b'\n')
        .map(<[u8]>::trim_ascii_end)
        .filter(|line| !line.is_empty())
        .peekable();
    let Some(first) = lines.peek().copied() else {
        return FileKind::Empty;
    };
    if first.starts_with(b"{")
        && let Some(kind) = json_kind(head)
    {
        return kind;
    }
    if first.starts_with(b"total_cnt: ") {
        return FileKind::OldResult;
    }
    for line in lines {
        if maps::parse_line(line).is_some() {
            return FileKind::Maps;
        }
        if is_mtrace_result_line(line) {
            return FileKind::OldResult;
        }
        if is_log_line(line) {
            return FileKind::Log;
        }
    }
    match () {
        () if first.starts_with(b"{") || first.starts_with(b"[\"") || first == b"[" => {
            FileKind::Json
        }
        () if is_text(head) => FileKind::Other,
        () => FileKind::Unclear,
    }
}

/// Text has no control characters but white space, and escapes that colour it.
fn is_text(head: &[u8]) -> bool {
    let is_fine = |b: &u8| !b.is_ascii_control() || b.is_ascii_whitespace() || *b == 0x1b;
    head.iter().all(is_fine)
}

/// The first schema of ours decides: texts behind it can quote anything.
fn json_kind(head: &[u8]) -> Option<FileKind> {
    memchr::memmem::find_iter(head, b"\"mtrace-diff").find_map(|at| {
        let schema = &head[at + 1..];
        let is = |name: &str| schema.starts_with(name.as_bytes());
        match () {
            () if is(SAVED_SCHEMA) => Some(FileKind::Saved),
            () if is(manifest::SCHEMA) => Some(FileKind::Manifest),
            () if is("mtrace-diff/") => Some(FileKind::Report),
            () => None,
        }
    })
}

/// `= Start`, or `@ … + 0x… 0x…`: what a log is recognised by. The grammar proper is in `trace`.
fn is_log_line(line: &[u8]) -> bool {
    if line == b"= Start" {
        return true;
    }
    // Other text can end like a record: `address = base + 0x10`.
    if memchr::memmem::find(line, b"@ ").is_none() && !line.trim_ascii_start().starts_with(b"[0x") {
        return false;
    }
    let mut fields = line.rsplit(|&b| b == b' ');
    let last = fields.next().unwrap_or_default();
    let is_operator =
        |field: Option<&[u8]>| matches!(field, Some(b"+" | b"-" | b"<" | b">" | b"!"));
    let follows_operator = is_operator(fields.next()) || is_operator(fields.next());
    last.starts_with(b"0x") && follows_operator
}

/// `Memory not freed:`, `No memory leaks.`, `- 0x… Free 12 was never alloc'd 0x…`.
fn is_mtrace_result_line(line: &[u8]) -> bool {
    line == b"Memory not freed:"
        || line == b"No memory leaks."
        || memchr::memmem::find(line, b" was never alloc'd").is_some()
        || (line.starts_with(b"+ 0x") && memchr::memmem::find(line, b" duplicate: ").is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_told_apart_by_what_they_say() {
        let kinds = [
            ("= Start\n@ ./a:[0x1] + 0x10 0x18\n", "Log"),
            ("@ ./a:[0x1] - 0x10\n", "Log"),
            ("garbage\n\x00\x01\n@ ./a:[0x1] + 0x10 0x18\n", "Log"),
            (
                "3f7ce000-3f7cf000 r-xp 00000000 fe:00 1 /lib/a.so\n",
                "Maps",
            ),
            ("\nMemory not freed:\n-----------------\n", "OldResult"),
            (
                "- 0x0000000000000099 Free 9 was never alloc'd 0x2\n",
                "OldResult",
            ),
            ("No memory leaks.\n", "OldResult"),
            (
                "{\"schema\":\"mtrace-diff-saved/9\",\"log\":\"mtrace-diff-run/1\"}\n",
                "Saved",
            ),
            ("{\n  \"schema\": \"mtrace-diff/1\"\n}\n", "Report"),
            (
                "{\"a\": \"mtrace-diff\",\n \"schema\": \"mtrace-diff-run/1\"}\n",
                "Manifest",
            ),
            ("total_cnt: 2504\n0x3f70df41:\t\t200\n", "OldResult"),
            ("", "Empty"),
            ("\n\n", "Empty"),
            ("a README that speaks of mtrace\n", "Other"),
            ("{ \"name\": \"x\" }\n", "Json"),
            ("BZh91AY&SY\u{0}\u{1}", "Unclear"),
            ("\u{0}\u{0}\u{0}", "Unclear"),
            ("int f(void)\n{\n    return base + 0x10\n", "Other"),
            (" [0x8048209] - 0x8064cc8\n", "Log"),
        ];
        for (text, kind) in kinds {
            assert_eq!(format!("{:?}", text_kind(text.as_bytes())), kind, "{text}");
        }
    }
}
