//! Results of the old workflow: what `mtrace(1)` printed, and what `mtrace_do.py` wrote.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use hashbrown::{HashMap, HashSet};

use crate::capture::CaptureSet;
use crate::error::{Error, Result};
use crate::printable::printable_bytes;
use crate::run::{
    Addressing, Figures, Frame, Location, NameSource, Named, Source, Symbolized, Unknown,
};
use crate::symbols::{base_name, names_a_library};
use crate::trace::{Caller, CallerId, Trace};
use crate::warning::Warning;

/// Live blocks by caller, as an old tool counted them.
#[derive(Debug)]
pub struct OldResult {
    pub source: Source,
    rows: Vec<Row>,
    /// Blocks that are in its total and have no line.
    unlisted: u64,
}

/// So many blocks without a line are those of the dynamic loader, which the script leaves out: four of a program
/// that loads nothing itself, and some for each library that it does.
const LOADERS: u64 = 64;

/// One caller.
#[derive(Debug, Default)]
struct Row {
    spot: Spot,
    /// Where in its module, as `mtrace_do.py` calculated it.
    offset: Option<Offset>,
    module: Option<Vec<u8>>,
    blocks: u64,
    /// `None` in a result of the script.
    bytes: Option<u64>,
}

/// What an old tool says in place of a caller.
#[derive(Debug, Default, Clone, PartialEq)]
struct Spot {
    /// As a log would spell it; empty where there is nothing of it.
    caller: Vec<u8>,
    number: Option<u64>,
    /// A line that `mtrace(1)` looked up itself.
    line: Option<Frame>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Offset {
    From(u64),
    /// The script took the module's address off a number that was relative already.
    Negative,
}

/// No line of these files is as long.
const LONGEST_LINE: u64 = 1 << 20;

impl OldResult {
    /// Reads a whole result; `path` is for messages.
    pub fn read(source: impl Read, path: &Path) -> Result<Self> {
        let mut lines = Lines::new(source, path);
        while let Some(line) = lines.next()? {
            if line.starts_with(b"total_cnt: ") {
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

    fn new(source: Source, rows: Vec<Row>) -> Self {
        OldResult {
            source,
            rows,
            unlisted: 0,
        }
    }

    /// Its callers as those of a log, for everything that places and names callers.
    pub fn trace(&self, capture: &CaptureSet) -> Trace {
        let program = capture.program.as_ref();
        let base = program.map_or(0, |elf| elf.image_base());
        Trace::of_callers(self.rows.iter().map(|row| row.caller(base)))
    }

    /// Of a caller.
    pub fn figures(&self, id: CallerId) -> Figures {
        let row = &self.rows[id.0 as usize];
        Figures {
            blocks: row.blocks,
            bytes: row.bytes,
            allocations: None,
        }
    }

    /// What its callers' numbers are, where it settles that.
    pub fn addressing(&self, told: Option<Addressing>) -> Option<Addressing> {
        match self.source {
            Source::MtraceDo => Some(Addressing::Relative),
            Source::Mtrace | Source::Log => told,
        }
    }

    /// The place of a caller, with what the result itself says of it.
    pub fn amended(&self, id: CallerId, location: Location) -> Location {
        let spot = &self.rows[id.0 as usize].spot;
        let line = spot.line.clone().map(|line| vec![line]);
        let line = line.and_then(|line| Named::new(line, NameSource::Dwarf));
        Location {
            number: spot.number,
            name: match (line, location.name) {
                (Some(line), _) => Symbolized::Named(line),
                // The script writes `unknown` where its maps do not show the module.
                (None, Symbolized::Unknown(Unknown::NoAddress)) if spot.number.is_some() => {
                    Symbolized::Unknown(Unknown::NoMaps)
                }
                (None, name) => name,
            },
            ..location
        }
    }

    /// Blocks that are in its total and have no line, where it has a total.
    pub fn unlisted(&self) -> Option<u64> {
        (self.source == Source::MtraceDo).then_some(self.unlisted)
    }

    /// What the reader of a report has to know.
    pub fn warnings(&self) -> Vec<Warning> {
        let listed = self.rows.iter().map(|row| row.blocks);
        let listed = listed.fold(0, u64::saturating_add);
        let incomplete = Warning::ResultIncomplete {
            listed,
            total: listed.saturating_add(self.unlisted),
        };
        let is_incomplete = self.unlisted > LOADERS;
        [self.warning()]
            .into_iter()
            .chain(is_incomplete.then_some(incomplete))
            .collect()
    }

    fn warning(&self) -> Warning {
        Warning::OldResult {
            tool: self.source.tool(),
            missing: match self.source {
                Source::MtraceDo => {
                    "bytes, the blocks of 32-bit ARM's dynamic loader, what was allocated and freed again, or what went wrong"
                }
                Source::Mtrace | Source::Log => {
                    "the modules of callers, what was allocated and freed again, or what went wrong"
                }
            },
        }
    }
}

impl Row {
    /// The caller as a log of relative addresses would spell it, for a row of the script; in one of
    /// `mtrace(1)` it stands as it is. `base` is the first address of the program's file.
    fn caller(&self, base: u64) -> Vec<u8> {
        let Some(module) = &self.module else {
            return self.spot.caller.clone();
        };
        let mut text = module.clone();
        if let Some(relative) = self.relative(module, base) {
            text.extend_from_slice(format!(":[{relative:#x}]").as_bytes());
        }
        text
    }

    fn relative(&self, module: &[u8], base: u64) -> Option<u64> {
        let number = self.spot.number?;
        match self.offset? {
            Offset::Negative => Some(number),
            Offset::From(offset) if offset < number => Some(offset),
            // The script took nothing off, so this is its line as this program writes it: there it
            // is the link-time address.
            Offset::From(offset) if names_a_library(base_name(module)) => Some(offset),
            Offset::From(offset) => Some(offset.checked_sub(base).unwrap_or(offset)),
        }
    }
}

/// Behind `Memory not freed:`: a rule, a head, and a line a block.
fn mtrace(mut lines: Lines<'_, impl Read>) -> Result<OldResult> {
    let mut rows: Vec<Row> = Vec::new();
    let mut known: HashMap<Vec<u8>, usize> = HashMap::new();
    let mut addresses: HashSet<u64> = HashSet::new();
    while let Some(line) = lines.next()? {
        if is_head(line) {
            continue;
        }
        let Some((address, size, caller)) = block(line) else {
            return Err(lines.bad("which is no block"));
        };
        if !addresses.insert(address) {
            return Err(lines.bad("a block that is there already"));
        }
        let at = *known.entry_ref(caller).or_insert_with(|| {
            rows.push(Row {
                spot: Spot::parse(caller),
                ..Row::default()
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

/// `0x00000000400034d8     0x20  at 0x4000090b`: address, size and caller.
fn block(line: &[u8]) -> Option<(u64, u64, &[u8])> {
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
    let address = figure(address)?;
    end.is_none().then_some((address, figure(size)?, caller))
}

/// Behind `total_cnt: N`: a line a caller.
fn mtrace_do(head: Vec<u8>, mut lines: Lines<'_, impl Read>) -> Result<OldResult> {
    lines.tool = Source::MtraceDo;
    let total = head.strip_prefix(b"total_cnt: ").and_then(decimal);
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
        if !known.insert((row.spot.caller.clone(), row.module.clone(), row.offset)) {
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
fn script_row(line: &[u8]) -> Option<Row> {
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
    fields.next().is_none().then_some(Row {
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
            return Spot {
                caller: format!("[{number:#x}]").into_bytes(),
                number: Some(number),
                line: None,
            };
        }
        if let Some(line) = looked_up(text) {
            return Spot {
                line,
                ..Spot::default()
            };
        }
        Spot {
            caller: text.to_vec(),
            number: Caller::parse(text).address,
            line: None,
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

/// `0x1f`; a zero has no prefix.
fn figure(text: &[u8]) -> Option<u64> {
    if text == b"0" {
        return Some(0);
    }
    let digits = text.strip_prefix(b"0x")?;
    let is_number = digits.iter().all(u8::is_ascii_hexdigit);
    let digits = std::str::from_utf8(digits).ok().filter(|_| is_number)?;
    u64::from_str_radix(digits, 16).ok()
}

fn decimal(text: &[u8]) -> Option<u64> {
    let is_number = text.iter().all(u8::is_ascii_digit);
    let digits = std::str::from_utf8(text).ok().filter(|_| is_number)?;
    digits.parse().ok()
}

/// The lines of a result that are not blank, one at a time: it can hold millions of blocks.
struct Lines<'a, R> {
    source: BufReader<R>,
    /// What the file is taken for, in messages.
    tool: Source,
    path: &'a Path,
    line: Vec<u8>,
    number: u64,
}

impl<'a, R: Read> Lines<'a, R> {
    fn new(source: R, path: &'a Path) -> Self {
        Lines {
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
        Error::BadResult {
            path: self.path.to_path_buf(),
            tool: self.tool.tool(),
            line: self.number,
            quote: printable_bytes(&line[..line.len().min(QUOTED)]),
            reason,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<OldResult> {
        OldResult::read(text.as_bytes(), Path::new("r"))
    }

    fn callers(text: &str) -> Vec<String> {
        let result = read(text).unwrap();
        let text = |row: &Row| String::from_utf8(row.caller(0x10000)).unwrap();
        result.rows.iter().map(text).collect()
    }

    #[test]
    fn every_form_of_a_caller() {
        let number = |text: &str| Spot::parse(text.as_bytes()).number;
        assert_eq!(number("0x4000090b"), Some(0x4000_090b));
        assert_eq!(number("n @ 0x11d1"), Some(0x11d1));
        assert_eq!(number("./app:[0x11d1]"), Some(0x11d1));
        assert_eq!(number("/src/file.c:12"), None);
        let line = |text: &str| {
            let frame = Spot::parse(text.as_bytes()).line?;
            Some((frame.file?, frame.line))
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
        assert_eq!(line(""), None);
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
        assert_eq!(callers(text), ["[0x2]", "[0x3]", ""]);
    }

    #[test]
    fn offsets_of_the_script_become_relative_addresses() {
        // What it calculated; what it spoiled; what it did not know; and link-time addresses, of the
        // program at 0x10000, as this program writes them.
        let text = "total_cnt: 17\nb'0x3f70df41':\t\t5\t\t b'/lib/libc.so.6'\t\t0x5af41\n\
                    0x41f:\t\t6\t\tb\"/opt/it's.so\"\t\t-0x3f7d0be1\n\
                    0x99:\t\t1\t\tunknown\t\tunknown\n0x98:\t\t1\t\t./app\t\tunknown\n\
                    0x10499:\t\t1\t\t./app\t\t0x10499\n0x499:\t\t1\t\t./app\t\t0x10499\n\
                    0x30499:\t\t1\t\t./app\t\t0x20499\n";
        assert_eq!(
            callers(text),
            [
                "/lib/libc.so.6:[0x5af41]",
                "/opt/it's.so:[0x41f]",
                "[0x99]",
                "./app",
                "./app:[0x499]",
                "./app:[0x499]",
                "./app:[0x20499]"
            ]
        );
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
                Err(Error::BadResult { line: at, .. }) => assert_eq!(at, line, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }
}
