//! The text of the old tools: what `mtrace(1)` printed, and what `mtrace_do.py` wrote.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use hashbrown::{HashMap, HashSet};

use crate::capture::first_line;
use crate::error::{Error, InputError, Result};
use crate::hex::figure;
use crate::printable::printable_bytes;
use crate::run::{Frame, Source};
use crate::trace::LogCaller;

/// Live blocks by caller, as an old tool counted them.
#[derive(Debug)]
pub(super) struct OldResult {
    pub source: Source,
    pub rows: Vec<ResultRow>,
    /// Blocks that are in its total and have no line.
    pub unlisted: u64,
}

/// One caller.
#[derive(Debug)]
pub(super) struct ResultRow {
    pub spot: Spot,
    /// Where in its module, as `mtrace_do.py` calculated it.
    pub offset: Option<Offset>,
    pub module: Option<Vec<u8>>,
    pub blocks: u64,
    /// `None` in a result of the script.
    pub bytes: Option<u64>,
}

/// What an old tool says in place of a caller.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Spot {
    Number(u64),
    /// A line that `mtrace(1)` looked up itself, where it found one.
    Line(Option<Frame>),
    /// As the log spelled it.
    Text(Vec<u8>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Offset {
    From(u64),
    /// The script took the module's address off a number that was relative already.
    Negative,
}

/// What a result of the script begins with.
const TOTAL: &[u8] = b"total_cnt: ";

/// No line of these files is as long.
const LONGEST_LINE: u64 = 1 << 20;

/// Where the beginning of a file shows that it is a result.
pub(super) fn recognise(head: &[u8]) -> Option<usize> {
    match head.trim_ascii_start().starts_with(TOTAL) {
        true => Some(0),
        false => first_line(head, is_mtrace_result_line),
    }
}

/// `Memory not freed:`, `No memory leaks.`, `- 0x… Free 12 was never alloc'd 0x…`.
fn is_mtrace_result_line(line: &[u8]) -> bool {
    line == b"Memory not freed:"
        || line == b"No memory leaks."
        || memchr::memmem::find(line, b" was never alloc'd").is_some()
        || (line.starts_with(b"+ 0x") && memchr::memmem::find(line, b" duplicate: ").is_some())
}

impl OldResult {
    /// Reads a whole result; `path` is for messages.
    pub(super) fn read(source: impl Read, path: &Path) -> Result<Self> {
        let mut lines = ResultLines::new(source, path);
        while let Some(line) = lines.next()? {
            if line.starts_with(TOTAL) {
                return mtrace_do(line.to_vec(), lines);
            }
            if line == b"Memory not freed:" {
                return mtrace(lines);
            }
            if line == b"No memory leaks." {
                return Ok(OldResult::new(Source::Mtrace, Vec::new()));
            }
        }
        Err(lines.bad("and no list of blocks stands behind it"))
    }

    fn new(source: Source, rows: Vec<ResultRow>) -> Self {
        OldResult {
            source,
            rows,
            unlisted: 0,
        }
    }
}

/// Behind `Memory not freed:`: a rule, a head, and a line a block.
fn mtrace(mut lines: ResultLines<'_, impl Read>) -> Result<OldResult> {
    let mut rows: Vec<ResultRow> = Vec::new();
    let mut known: HashMap<Vec<u8>, usize> = HashMap::new();
    let mut addresses: HashSet<u64> = HashSet::new();
    while let Some(line) = lines.next()? {
        if is_head(line) {
            continue;
        }
        let Some(ListedBlock {
            address,
            size,
            caller,
        }) = ListedBlock::parse(line)
        else {
            return Err(lines.bad("which is no block"));
        };
        if !addresses.insert(address) {
            return Err(lines.bad("a block that is there already"));
        }
        let at = *known.entry_ref(caller).or_insert_with(|| {
            rows.push(ResultRow {
                spot: Spot::parse(caller),
                offset: None,
                module: None,
                blocks: 0,
                bytes: None,
            });
            rows.len() - 1
        });
        let row = &mut rows[at];
        row.blocks += 1;
        row.bytes = Some(row.bytes.unwrap_or(0).saturating_add(size));
    }
    if rows.is_empty() {
        return Err(lines.bad("and no block stands behind it"));
    }
    Ok(OldResult::new(Source::Mtrace, rows))
}

fn is_head(line: &[u8]) -> bool {
    let is_rule = line.iter().all(|&b| b == b'-');
    is_rule || line.trim_ascii_start().starts_with(b"Address ")
}

/// `0x00000000400034d8     0x20  at 0x4000090b`
struct ListedBlock<'a> {
    address: u64,
    size: u64,
    caller: &'a [u8],
}

impl<'a> ListedBlock<'a> {
    fn parse(line: &'a [u8]) -> Option<Self> {
        let text = line.trim_ascii_start();
        // A caller that is empty leaves `at` alone at the end, since line ends are trimmed.
        let (block, caller) = match memchr::memmem::find(text, b"  at ") {
            Some(at) => (&text[..at], &text[at + 5..]),
            None => (text.strip_suffix(b"  at")?, &[][..]),
        };
        let mut figures = block
            .split(|&b| b == b' ')
            .filter(|field| !field.is_empty());
        let (address, size, end) = (figures.next()?, figures.next()?, figures.next());
        let block = ListedBlock {
            address: figure(address)?,
            size: figure(size)?,
            caller,
        };
        end.is_none().then_some(block)
    }
}

/// Behind `total_cnt: N`: a line a caller.
fn mtrace_do(head: Vec<u8>, mut lines: ResultLines<'_, impl Read>) -> Result<OldResult> {
    lines.tool = Source::MtraceDo;
    let total = head.strip_prefix(TOTAL).and_then(decimal);
    let Some(total) = total else {
        return Err(lines.bad("which has no number"));
    };
    let (mut rows, mut sum) = (Vec::new(), 0u64);
    let mut known = HashSet::new();
    while let Some(line) = lines.next()? {
        let Some(row) = script_row(line) else {
            return Err(lines.bad("which is no caller with its count"));
        };
        // The script has one line a caller of each module.
        if !known.insert((row.spot.clone(), row.module.clone(), row.offset)) {
            return Err(lines.bad("a caller that is there already"));
        }
        sum = sum.saturating_add(row.blocks);
        // The loader's blocks are in the total and have no line; more than the total there cannot be.
        if sum > total {
            return Err(lines.bad("with which there are more blocks than its total"));
        }
        rows.push(row);
    }
    if rows.is_empty() && total > 0 {
        return Err(lines.bad("and no caller stands behind it"));
    }
    Ok(OldResult {
        unlisted: total - sum,
        ..OldResult::new(Source::MtraceDo, rows)
    })
}

/// `0x3f70df41: 200 b'/lib/libc.so.6' 0x5af41`, with two tabs between fields.
fn script_row(line: &[u8]) -> Option<ResultRow> {
    let mut fields = line
        .split(|&b| b == b'\t')
        .map(<[u8]>::trim_ascii)
        .filter(|field| !field.is_empty());
    let caller = fields.next()?.strip_suffix(b":")?;
    let blocks = decimal(fields.next()?)?;
    let module = unquoted(fields.next()?);
    let offset = match fields.next()? {
        b"unknown" => None,
        offset if offset.starts_with(b"-") => figure(&offset[1..]).map(|_| Offset::Negative),
        offset => Some(Offset::From(figure(offset)?)),
    };
    let spot = Spot::parse(unquoted(caller));
    fields.next().is_none().then_some(ResultRow {
        module: (module != b"unknown").then(|| module.to_vec()),
        offset,
        spot,
        blocks,
        bytes: None,
    })
}

/// Without the `b'…'` that Python 3 puts around bytes.
fn unquoted(text: &[u8]) -> &[u8] {
    let between = |quote: &[u8]| {
        text.strip_prefix(b"b")?
            .strip_prefix(quote)?
            .strip_suffix(quote)
    };
    between(b"'").or_else(|| between(b"\"")).unwrap_or(text)
}

impl Spot {
    /// `0x4000090b`, `/src/file.c:12`, `./app:[0x11d1]`, `f @ 0x11d1`, or `??:?`.
    fn parse(text: &[u8]) -> Self {
        let at = memchr::memmem::rfind(text, b" @ ");
        if let Some(number) = figure(at.map_or(text, |at| &text[at + 3..])) {
            return Spot::Number(number);
        }
        looked_up(text).map_or_else(|| Spot::Text(text.to_vec()), Spot::Line)
    }

    /// As a log has it.
    pub(super) fn caller(&self) -> LogCaller<'_> {
        match self {
            Spot::Number(number) => LogCaller {
                address: Some(*number),
                ..LogCaller::default()
            },
            Spot::Line(_) => LogCaller::default(),
            Spot::Text(text) => LogCaller::parse(text),
        }
    }
}

/// What `addr2line` answered: `/src/file.c:12`, or `??:?`, which is no line; `None` if it is no answer.
fn looked_up(text: &[u8]) -> Option<Option<Frame>> {
    let end = memchr::memmem::rfind(text, b" (discriminator ").unwrap_or(text.len());
    let text = &text[..end];
    let colon = memchr::memrchr(b':', text)?;
    let (file, line) = (&text[..colon], &text[colon + 1..]);
    let line = match line {
        b"?" => None,
        digits => Some(decimal(digits)?),
    };
    if file.is_empty() || file == b"??" {
        return Some(None);
    }
    // Line 0 stands for code without one.
    let line = line.filter(|line| *line > 0);
    Some(Some(Frame {
        function: None,
        file: Some(printable_bytes(file).into()),
        line: line.and_then(|line| u32::try_from(line).ok()),
        inlined: false,
    }))
}

fn decimal(text: &[u8]) -> Option<u64> {
    let is_number = text.iter().all(u8::is_ascii_digit);
    let digits = std::str::from_utf8(text).ok().filter(|_| is_number)?;
    digits.parse().ok()
}

/// The lines of a result that are not blank, one at a time: it can hold millions of blocks.
struct ResultLines<'a, R> {
    source: BufReader<R>,
    /// What the file is taken for, in messages.
    tool: Source,
    path: &'a Path,
    line: Vec<u8>,
    number: u64,
}

impl<'a, R: Read> ResultLines<'a, R> {
    fn new(source: R, path: &'a Path) -> Self {
        ResultLines {
            source: BufReader::new(source),
            tool: Source::Mtrace,
            path,
            line: Vec::new(),
            number: 0,
        }
    }

    fn next(&mut self) -> Result<Option<&[u8]>> {
        loop {
            self.line.clear();
            let mut source = self.source.by_ref().take(LONGEST_LINE);
            let read = source.read_until(b'\n', &mut self.line);
            if read.map_err(|e| Error::io("read", self.path, e))? == 0 {
                return Ok(None);
            }
            self.number += 1;
            // Both tools end every line; half a figure would be read as a smaller one.
            if !self.line.ends_with(b"\n") {
                return Err(self.bad("which has no end"));
            }
            if !self.line.trim_ascii().is_empty() {
                break;
            }
        }
        Ok(Some(self.line.trim_ascii_end()))
    }

    /// What is wrong with the line that was read last.
    fn bad(&self, reason: &'static str) -> Error {
        /// So much of a line is quoted.
        const QUOTED: usize = 60;
        let line = self.line.trim_ascii();
        Error::Input(InputError::BadResult {
            path: self.path.to_path_buf(),
            tool: self.tool.tool(),
            line: self.number,
            quote: printable_bytes(&line[..line.len().min(QUOTED)]),
            reason,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<OldResult> {
        OldResult::read(text.as_bytes(), Path::new("r"))
    }

    #[test]
    fn every_form_of_a_caller() {
        let number = |text: &str| Spot::parse(text.as_bytes()).caller().address;
        assert_eq!(number("0x4000090b"), Some(0x4000_090b));
        assert_eq!(number("n @ 0x11d1"), Some(0x11d1));
        assert_eq!(number("./app:[0x11d1]"), Some(0x11d1));
        assert_eq!(number("/src/file.c:12"), None);
        let line = |text: &str| match Spot::parse(text.as_bytes()) {
            Spot::Line(frame) => frame.map(|frame| (frame.file.unwrap(), frame.line)),
            other => panic!("{other:?}"),
        };
        let file = |file: &str, line| Some((file.into(), line));
        assert_eq!(line("/src/file.c:12"), file("/src/file.c", Some(12)));
        assert_eq!(
            line("/my src/file.c:12 (discriminator 3)"),
            file("/my src/file.c", Some(12))
        );
        assert_eq!(line("/src/file.c:?"), file("/src/file.c", None));
        assert_eq!(line("??:?"), None);
        assert_eq!(line("??:0"), None);
    }

    #[test]
    fn blocks_of_mtrace_are_summed_by_caller() {
        let text = "- 0x0000000000000099 Free 2 was never alloc'd 0x1\n\nMemory not freed:\n-----------------\n\
                    \x20          Address     Size     Caller\n0x0000000000000020      0x8  at 0x2\n\
                    0x0000000000000030        0  at 0x3\n0x0000000000000040     0x10  at 0x2\n\
                    0x0000000000000050     0x10  at \n";
        let result = read(text).unwrap();
        let live: Vec<(u64, Option<u64>)> = result
            .rows
            .iter()
            .map(|row| (row.blocks, row.bytes))
            .collect();
        assert_eq!(live, [(2, Some(0x18)), (1, Some(0)), (1, Some(0x10))]);
        let callers: Vec<_> = result
            .rows
            .iter()
            .map(|row| row.spot.caller().address)
            .collect();
        assert_eq!(callers, [Some(2), Some(3), None]);
    }

    #[test]
    fn what_is_not_whole_is_an_error_with_its_line() {
        for (text, line) in [
            ("total_cnt: 3\n", 1),
            ("total_cnt: x\n", 1),
            ("total_cnt: 3\n0x1:\t\t4\t\t./a\t\t0x1\n", 2),
            ("total_cnt: 3\n0x1:\t\t3\t\t./a\n", 2),
            ("total_cnt: 3\n0x1:\t\t+3\t\t./a\t\t0x1\n", 2),
            ("total_cnt: 3\n0x1:\t\t3\t\t./a\t\t0x", 2),
            ("\nMemory not freed:\n------\n", 3),
            ("Memory not freed:\n0x20 0x8 at 0x1\n", 2),
            ("Memory not freed:\n0x20 0x8  at 0x1\n0x20  at 0x1\n", 3),
            ("- 0x99 Free 2 was never alloc'd 0x1\n", 1),
        ] {
            match read(text) {
                Err(Error::Input(InputError::BadResult { line: at, .. })) => {
                    assert_eq!(at, line, "{text}")
                }
                other => panic!("{text}: {other:?}"),
            }
        }
    }
}
