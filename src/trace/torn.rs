//! Half records: what is left of a line where another process wrote into the log, or a part of it is lost.
//!
//! A fork copies what the parent has not written yet of its log, and that seldom begins with a line. So the
//! two halves of a line come apart: one is put behind what the child wrote, whole or cut.

use hashbrown::{HashMap, HashSet};

use super::anomalies::Anomalies;
use super::caller_texts::Texts;
use super::line::last_mark;
use super::parted::Parted;
use super::reuse::Occurrences;
use super::seen::CallerSeen;

/// Whether a record lacks the mark that every caller begins with. What a program prints into the log stands
/// before a mark, and holes in the file are told apart from this.
pub(super) fn lacks_beginning(text: &[u8]) -> bool {
    !text.starts_with(b"@ ") && last_mark(text).is_none() && memchr::memchr(0, text).is_none()
}

/// Whether a line that is no record is a part of one: `@ ./app:[0x13= Start`, `61f0 0x30`.
pub(super) fn is_half_record(text: &[u8]) -> bool {
    text.starts_with(b"@ ") || is_two_figures(text)
}

/// The address of a block, or the end of it, and a size.
fn is_two_figures(text: &[u8]) -> bool {
    let text = text.trim_ascii_start();
    let Some(blank) = memchr::memchr(b' ', text) else {
        return false;
    };
    let (address, size) = (&text[..blank], &text[blank + 1..]);
    let digits = |text: &[u8]| text.iter().all(u8::is_ascii_hexdigit);
    let rest_of_address = [&b"0x"[..], b"x", b""].iter().any(|prefix| {
        let behind = address.strip_prefix(*prefix);
        behind.is_some_and(|behind| !behind.is_empty() && digits(behind))
    });
    let is_size = |digits_of: &[u8]| !digits_of.is_empty() && digits(digits_of);
    rest_of_address && size.strip_prefix(b"0x").is_some_and(is_size)
}

/// A file with as many records is one that the process had.
const MANY: u64 = 8;

/// A dot or two are no path yet: programs print them to show that they go on.
const SHORTEST: usize = 3;

/// The callers of a log, to be looked through for halves.
pub(super) struct TornCallers<'a> {
    pub texts: &'a Texts,
    /// By the callers' numbers, as all here.
    pub first_lines: &'a [u64],
    pub seen: &'a [CallerSeen],
    pub parted: &'a Parted,
}

impl<'a> TornCallers<'a> {
    /// Notes callers that are put together from the halves of two, in a log of so many records.
    pub(super) fn note(&self, anomalies: &mut Anomalies, records: u64) {
        // Where hardly a line has the mark, none needs one to be whole.
        if anomalies.torn.count > records / 2 {
            anomalies.torn = Occurrences::default();
        }
        let mut lines = self.lines_of_joined_halves();
        lines.extend(self.lines_behind_half_records());
        for line in lines {
            let torn = Occurrences {
                count: 1,
                first_line: Some(line),
            };
            anomalies.torn.absorb(torn, 0);
        }
    }

    /// `/opt/gat` and `way/app:[0x1358]`, as if it were a file: one record has it, and it begins like a caller and
    /// ends like one.
    fn lines_of_joined_halves(&self) -> Vec<u64> {
        let mut records: HashMap<&[u8], u64> = HashMap::new();
        let files: Vec<(usize, &[u8])> = self.files().collect();
        for (number, file) in &files {
            *records.entry(file).or_default() += self.seen[*number].records;
        }
        let texts = |is: fn(u64) -> bool| {
            let is_one = |file: &[u8]| is(records.get(file).copied().unwrap_or(0));
            let fitting = files.iter().filter(|(_, file)| is_one(file));
            fitting.map(|(number, _)| *number).collect::<Vec<_>>()
        };
        let odd = texts(|records| records == 1);
        if odd.is_empty() {
            return Vec::new();
        }
        let common = texts(|records| records >= MANY);
        let known = KnownCallers::of(common.into_iter().map(|number| self.text(number)));
        let odd = odd
            .into_iter()
            .filter(|number| known.are_two_halves(self.text(*number)));
        odd.map(|number| self.first_lines[number]).collect()
    }

    /// `@ ./app:[0x13@ ./app:[0x1358]`: what stands before the mark is no other stream's text.
    fn lines_behind_half_records(&self) -> Vec<u64> {
        if self.parted.glued.is_empty() {
            return Vec::new();
        }
        let own = self.own().map(|number| self.text(number));
        let known = KnownCallers::of(own);
        let behind_half = self.parted.glued.iter().filter(|number| {
            let text = self.text(**number);
            let mark = last_mark(text).unwrap_or(0);
            mark >= SHORTEST && known.begins(&text[..mark])
        });
        behind_half
            .map(|number| self.first_lines[*number])
            .collect()
    }

    fn own(&self) -> impl Iterator<Item = usize> + '_ {
        let glued: HashSet<usize> = self.parted.glued.iter().copied().collect();
        (0..self.texts.len()).filter(move |number| !glued.contains(number))
    }

    /// The file of every caller that has one.
    fn files(&self) -> impl Iterator<Item = (usize, &'a [u8])> + '_ {
        self.own().filter_map(|number| {
            let caller = self.parted.callers.get(self.parted.is[number]);
            Some((number, caller.file?))
        })
    }

    fn text(&self, number: usize) -> &'a [u8] {
        self.texts.text(number as u32)
    }
}

/// Callers as the log spells them, to be found by how they begin, and by how they end.
struct KnownCallers<'a> {
    sorted: Vec<&'a [u8]>,
    reversed: Vec<Vec<u8>>,
}

impl<'a> KnownCallers<'a> {
    fn of(texts: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut sorted: Vec<&[u8]> = texts.filter(|text| !text.is_empty()).collect();
        sorted.sort_unstable();
        let mut reversed: Vec<Vec<u8>> = sorted.iter().map(|text| reversed(text)).collect();
        reversed.sort_unstable();
        KnownCallers { sorted, reversed }
    }

    /// Whether a caller begins with this text, or the text goes on behind a caller.
    fn begins(&self, text: &[u8]) -> bool {
        let common = longest_common(&self.sorted, text);
        common == text.len() || self.goes_on_behind_one(text)
    }

    fn goes_on_behind_one(&self, text: &[u8]) -> bool {
        let Some(end) = memchr::memmem::find(text, b"] ") else {
            return false;
        };
        self.sorted.binary_search(&&text[..=end]).is_ok()
    }

    fn are_two_halves(&self, text: &[u8]) -> bool {
        let first = longest_common(&self.sorted, text);
        let last = longest_common(&self.reversed, &reversed(text));
        let is_joined = first > 0 && last > 0 && first + last >= text.len();
        is_joined || (last > 0 && self.goes_on_behind_one(text))
    }
}

fn reversed(text: &[u8]) -> Vec<u8> {
    text.iter().rev().copied().collect()
}

/// How many bytes at the beginning of a text some other text begins with.
fn longest_common<T: AsRef<[u8]>>(sorted: &[T], text: &[u8]) -> usize {
    let at = sorted.partition_point(|other| other.as_ref() < text);
    let neighbours = [at.checked_sub(1), Some(at)].into_iter().flatten();
    let common = neighbours.filter_map(|at| {
        let other = sorted.get(at)?.as_ref();
        let equal = other.iter().zip(text).take_while(|(a, b)| a == b);
        Some(equal.count())
    });
    common.max().unwrap_or(0)
}
