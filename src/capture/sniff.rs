//! Telling the files of a capture directory apart by what they hold, never by their names.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::{compressed, maps};
use crate::elf::{ElfInfo, ElfKind, is_elf};
use crate::error::{Error, Result};
use crate::run_facts::SCHEMA;

/// What a file holds.
#[derive(Debug)]
pub(crate) enum FileKind {
    /// Something that a run can be read from.
    Run(Standing),
    Maps,
    Program(ElfInfo),
    Library(ElfInfo),
    /// A separate debug file, found again by build id or name when a module needs it.
    Debug(ElfInfo),
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

/// What a file that a run can be read from is to the directory that holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The log of the run.
    Log,
    /// It has names and figures of its own, and stands in for a log that is not there.
    StandsIn,
    /// Only a run where it is given as one.
    Alone,
}

/// What the beginning of a file shows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sign {
    /// Where in the file it stands: the first sign counts, since anything can be quoted behind it.
    pub at: usize,
    pub standing: Standing,
}

/// Looks for the first sign of a format that a run can be read from; which these are, `import` knows.
pub(crate) type Recognise = fn(&[u8]) -> Option<Sign>;

/// How much of a file decides: enough for a log whose beginning is damaged.
const HEAD: u64 = 64 * 1024;

/// The beginning of a regular file, unpacked.
#[derive(Debug)]
pub(crate) struct Head {
    pub bytes: Vec<u8>,
    /// Of a stream that is damaged, what comes before the damage is here.
    is_damaged: bool,
}

impl Head {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|e| Error::io("open", path, e))?;
        let mut bytes = Vec::new();
        let text = compressed::plain(file).map_err(|e| Error::io("read", path, e))?;
        let is_damaged = text.take(HEAD).read_to_end(&mut bytes).is_err();
        Ok(Head { bytes, is_damaged })
    }
}

/// Reads the beginning of a regular file and says what it is.
pub(crate) fn file_kind(path: &Path, recognise: Recognise) -> Result<FileKind> {
    let head = Head::read(path)?;
    if is_elf(&head.bytes) {
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
    Ok(match kind_of(&head.bytes, recognise) {
        FileKind::Other | FileKind::Empty if head.is_damaged => FileKind::Unclear,
        kind => kind,
    })
}

/// What a file holds that begins so and is no ELF file.
pub(crate) fn kind_of(head: &[u8], recognise: Recognise) -> FileKind {
    let Some(first) = lines(head).next().map(|(_, line)| line) else {
        return FileKind::Empty;
    };
    let schema = schema(head).unwrap_or_default();
    if schema.starts_with(SCHEMA.as_bytes()) {
        return FileKind::Manifest;
    }
    if schema.starts_with(b"mtrace-diff/") {
        return FileKind::Report;
    }
    let maps = first_line(head, |line| maps::parse_line(line).is_some());
    match (recognise(head), maps) {
        (Some(sign), maps) if maps.is_none_or(|maps| sign.at < maps) => {
            FileKind::Run(sign.standing)
        }
        (_, Some(_)) => FileKind::Maps,
        _ if first.starts_with(b"{") || first.starts_with(b"[\"") || first == b"[" => {
            FileKind::Json
        }
        _ if is_text(head) => FileKind::Other,
        _ => FileKind::Unclear,
    }
}

/// The lines of a text that are not blank, without their ends, and where they begin.
fn lines(text: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut begin = 0;
    let lines = text.split(|&b| b == b'\n').map(move |line| {
        let at = begin;
        begin += line.len() + 1;
        (at, line.trim_ascii_end())
    });
    lines.filter(|(_, line)| !line.is_empty())
}

/// Where the first line begins that is of some kind, without its end.
pub(crate) fn first_line(text: &[u8], is: impl Fn(&[u8]) -> bool) -> Option<usize> {
    lines(text).find(|(_, line)| is(line)).map(|(at, _)| at)
}

/// What a JSON document says that it is, if it is one of this program's. The first schema counts: texts
/// behind it can quote anything.
pub(crate) fn schema(head: &[u8]) -> Option<&[u8]> {
    let (_, first) = lines(head).next()?;
    let is_name = |b: &u8| b.is_ascii_alphabetic() || *b == b'-';
    let is_schema = |text: &&[u8]| text.iter().find(|b| !is_name(b)) == Some(&b'/');
    let mut found = memchr::memmem::find_iter(head, b"\"mtrace-diff").map(|at| &head[at + 1..]);
    found.find(is_schema).filter(|_| first.starts_with(b"{"))
}

/// Text has no control characters but white space, and escapes that colour it.
fn is_text(head: &[u8]) -> bool {
    let is_fine = |b: &u8| !b.is_ascii_control() || b.is_ascii_whitespace() || *b == 0x1b;
    head.iter().all(is_fine)
}
