//! `/proc/PID/maps`: which file lay where.
//!
//! ```text
//! 3f7b2000-3f7b4000 r-xp 00000000 fe:00 10011871                           /lib/libdl.so.2
//! 55c7279c1000-55c7279c2000 r-xp 00001000 fe:00 12 /tmp/sp ace/app (deleted)
//! ffff0000-ffff1000 r-xp 00000000 00:00 0
//! ```

use std::path::Path;

use hashbrown::HashMap;

use crate::elf::open_regular;
use crate::error::{Error, InputError, Result};
use crate::hex;
use crate::printable::printable_bytes;

/// One line of a maps file. Addresses and the offset are in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    pub start: u64,
    /// One past the last byte.
    pub end: u64,
    pub executable: bool,
    pub offset: u64,
    /// Of the file, on the machine where it ran.
    pub inode: u64,
    /// The file was replaced or removed while it was mapped: what has its name now is another one.
    pub deleted: bool,
    /// `[stack]`.
    pub is_stack: bool,
    /// The path without ` (deleted)`; `None` for anonymous memory, `[stack]`, `[vdso]` and the like.
    pub file: Option<Vec<u8>>,
}

impl Mapping {
    pub fn holds(&self, address: u64) -> bool {
        (self.start..self.end).contains(&address)
    }
}

/// All mappings of one process, sorted by start.
#[derive(Debug, Clone)]
pub struct Maps {
    mappings: Vec<Mapping>,
    all: Intervals,
    by_file: HashMap<Vec<u8>, Intervals>,
}

/// Some of the mappings, by ascending start. Lines overlap in a damaged copy, and where snapshots are
/// united; then too an address is found in logarithmic time.
#[derive(Debug, Clone, Default)]
struct Intervals {
    indices: Vec<u32>,
    /// A heap whose leaves are the ends of the mappings; each node above is the larger of its two.
    ends: Vec<u64>,
}

impl Intervals {
    fn new(indices: Vec<u32>, mappings: &[Mapping]) -> Self {
        let leaves = indices.len().next_power_of_two();
        let mut ends = vec![0; 2 * leaves];
        for (end, index) in ends[leaves..].iter_mut().zip(&indices) {
            *end = mappings[*index as usize].end;
        }
        for node in (1..leaves).rev() {
            ends[node] = ends[2 * node].max(ends[2 * node + 1]);
        }
        Intervals { indices, ends }
    }

    /// Of the mappings that hold an address, the one that begins last.
    fn holding<'a>(&self, mappings: &'a [Mapping], address: u64) -> Option<&'a Mapping> {
        let starts_before = |index: &u32| mappings[*index as usize].start <= address;
        let before = self.indices.partition_point(starts_before);
        let found = self.last_beyond(before, address)?;
        mappings.get(self.indices[found] as usize)
    }

    /// The last of the first `before` leaves with an end beyond `address`.
    fn last_beyond(&self, before: usize, address: u64) -> Option<usize> {
        let leaves = self.ends.len() / 2;
        // From the right end of the range up, to the first node that has such a leaf…
        let (mut node, mut low) = (before + leaves, leaves);
        let mut found = None;
        while low < node && found.is_none() {
            // The whole range is the root's only where it is all there is.
            if node % 2 == 1 || low == 1 {
                node -= 1;
                found = (self.ends[node] > address).then_some(node);
            }
            (node, low) = (node / 2, low / 2);
        }
        // … and down to the last one in it.
        let mut node = found?;
        while node < leaves {
            let right = 2 * node + 1;
            node = right - usize::from(self.ends[right] <= address);
        }
        Some(node - leaves)
    }
}

impl Maps {
    /// Reads a maps file. A line that is none refuses the file, but a cut last line is dropped.
    pub fn read(path: &Path) -> Result<Self> {
        Self::parse(path, &read_small(path, LARGEST_FILE)?)
    }

    /// Reads the text of a maps file; `path` is for errors.
    pub fn parse(path: &Path, text: &[u8]) -> Result<Self> {
        if text.iter().all(u8::is_ascii_whitespace) {
            return Err(Error::Input(InputError::EmptyMaps {
                path: path.to_path_buf(),
            }));
        }
        let mut mappings = Vec::new();
        let ends_whole = text.ends_with(b"\n");
        let lines: Vec<&[u8]> = text.split(|&b| b == b'\n').collect();
        let last = lines.len() - 1;
        for (index, line) in lines.iter().enumerate() {
            let line = line.trim_ascii_end();
            if line.is_empty() {
                continue;
            }
            match parse_line(line) {
                Some(mapping) => mappings.push(mapping),
                None if index == last && !ends_whole && !mappings.is_empty() => {}
                None => {
                    return Err(Error::Input(InputError::NotMaps {
                        path: path.to_path_buf(),
                        line: index + 1,
                        quote: printable_bytes(&line[..line.len().min(80)]),
                    }));
                }
            }
        }
        Ok(Self::new(mappings))
    }

    pub(crate) fn new(mut mappings: Vec<Mapping>) -> Self {
        mappings.sort_by_key(|m| (m.start, m.end));
        let mut of_file: HashMap<Vec<u8>, Vec<u32>> = HashMap::new();
        // A maps file of a size that is read at all has fewer lines than a u32 counts.
        for (index, mapping) in (0u32..).zip(&mappings) {
            if let Some(file) = &mapping.file {
                of_file.entry_ref(file.as_slice()).or_default().push(index);
            }
        }
        let by_file = of_file.into_iter();
        let by_file = by_file.map(|(file, indices)| (file, Intervals::new(indices, &mappings)));
        Maps {
            by_file: by_file.collect(),
            all: Intervals::new((0u32..).take(mappings.len()).collect(), &mappings),
            mappings,
        }
    }

    /// One process seen several times: all that was ever mapped, or nothing for no snapshot. `None`
    /// where the snapshots are of different processes: no file that they share lies at the same place.
    pub fn united(snapshots: Vec<Maps>) -> Option<Option<Maps>> {
        let mut snapshots = snapshots.into_iter();
        let Some(first) = snapshots.next() else {
            return Some(None);
        };
        let files = first.files().into_iter();
        let mut lowest: HashMap<Vec<u8>, u64> = files
            .filter_map(|file| Some((file.to_vec(), first.lowest(file)?)))
            .collect();
        let mut mappings = first.mappings;
        for snapshot in snapshots {
            // A plug-in can be loaded anew at another place; not so all files at once.
            let agrees = |file: &&[u8]| lowest.get(*file).copied() == snapshot.lowest(file);
            if !snapshot.files().iter().any(agrees) {
                return None;
            }
            for file in snapshot.files() {
                let start = snapshot.lowest(file).unwrap_or(u64::MAX);
                let known = lowest.entry_ref(file).or_insert(start);
                *known = start.min(*known);
            }
            mappings.extend(snapshot.mappings);
        }
        mappings.sort_by_key(|m| (m.start, m.end));
        mappings.dedup();
        Some(Some(Maps::new(mappings)))
    }

    /// The mapping of one file that holds a run-time address.
    pub fn find_in(&self, file: &[u8], address: u64) -> Option<&Mapping> {
        let of_file = self.by_file.get(file)?;
        of_file.holding(&self.mappings, address)
    }

    /// The lowest address at which a file is mapped.
    pub fn lowest(&self, file: &[u8]) -> Option<u64> {
        self.of_file(file).next().map(|mapping| mapping.start)
    }

    /// All mappings, by their start and end.
    pub fn mappings(&self) -> &[Mapping] {
        &self.mappings
    }

    /// The mapping that holds a run-time address; where lines overlap, the one that begins last.
    pub fn find(&self, address: u64) -> Option<&Mapping> {
        self.all.holding(&self.mappings, address)
    }

    /// The files that are mapped, each once, in order of their lowest address.
    pub fn files(&self) -> Vec<&[u8]> {
        let first = |(index, mapping): (u32, &'_ Mapping)| {
            let of_file = self.by_file.get(mapping.file.as_deref()?)?;
            of_file
                .indices
                .first()
                .is_some_and(|first| *first == index)
                .then_some(index)
        };
        let firsts = (0u32..).zip(&self.mappings).filter_map(first);
        firsts
            .filter_map(|index| self.mappings[index as usize].file.as_deref())
            .collect()
    }

    /// The mappings of one file, by ascending address.
    pub fn of_file(&self, file: &[u8]) -> impl Iterator<Item = &Mapping> + '_ {
        let indices = self
            .by_file
            .get(file)
            .map_or(&[][..], |of_file| &of_file.indices);
        indices.iter().map(|index| &self.mappings[*index as usize])
    }

    /// Whether code of a file is mapped.
    pub fn has_code_of(&self, file: &[u8]) -> bool {
        self.of_file(file).any(|mapping| mapping.executable)
    }

    /// Where the main thread's stack begins, if it is shown.
    pub fn stack(&self) -> Option<u64> {
        self.mappings.iter().find(|m| m.is_stack).map(|m| m.start)
    }
}

/// More than any process has mappings for, in bytes.
const LARGEST_FILE: u64 = 64 << 20;

/// Reads a regular file of up to `largest` bytes: a FIFO would wait for ever, and a device never end.
pub(crate) fn read_small(path: &Path, largest: u64) -> Result<Vec<u8>> {
    use std::io::Read;
    let reading = |e| Error::io("read", path, e);
    let file = open_regular(path)?;
    let mut text = Vec::new();
    let mut file = file.take(largest + 1);
    file.read_to_end(&mut text).map_err(reading)?;
    if text.len() as u64 > largest {
        let limit = format!("it is larger than {} MiB", largest >> 20);
        return Err(reading(std::io::Error::other(limit)));
    }
    Ok(text)
}

/// Parses one line without its line end; `None` where it is not of the format above.
pub(crate) fn parse_line(line: &[u8]) -> Option<Mapping> {
    let line = line.trim_ascii_end();
    let (range, rest) = split_field(line)?;
    let (permissions, rest) = split_field(rest)?;
    let (offset, rest) = split_field(rest)?;
    let (device, rest) = split_field(rest)?;
    let (inode, path) = split_field(rest)?;
    let dash = range.iter().position(|&b| b == b'-')?;
    let start = hex::number(&range[..dash])?;
    let end = hex::number(&range[dash + 1..])?;
    let permissions_fit = permissions.len() == 4
        && permissions
            .iter()
            .zip([b"r-", b"w-", b"x-", b"ps"])
            .all(|(p, may)| may.contains(p));
    let device_fits =
        device.contains(&b':') && device.iter().all(|b| b.is_ascii_hexdigit() || *b == b':');
    if start >= end || !permissions_fit || !device_fits || !inode.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let live_path = path.strip_suffix(b" (deleted)");
    let deleted = live_path.is_some();
    let path = live_path.unwrap_or(path);
    Some(Mapping {
        start,
        end,
        executable: permissions[2] == b'x',
        offset: hex::number(offset)?,
        inode: std::str::from_utf8(inode).ok()?.parse().ok()?,
        deleted,
        is_stack: path == b"[stack]",
        file: (path.first() == Some(&b'/')).then(|| path.to_vec()),
    })
}

/// The first blank-separated field, and what follows it without its leading blanks.
fn split_field(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = text.trim_ascii_start();
    let end = text
        .iter()
        .position(|&b| b == b' ' || b == b'\t')
        .unwrap_or(text.len());
    if end == 0 {
        return None;
    }
    Some((&text[..end], text[end..].trim_ascii_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Mapping {
        parse_line(line.as_bytes()).unwrap_or_else(|| panic!("not a maps line: {line}"))
    }

    #[test]
    fn a_line_of_a_32_bit_target() {
        let m = parse(
            "3f7ce000-3f7cf000 r-xp 00000000 fe:00 10011913      /opt/gateway/lib/libsensors.so.1.4",
        );
        assert_eq!((m.start, m.end, m.offset), (0x3f7c_e000, 0x3f7c_f000, 0));
        assert!(m.executable);
        assert_eq!(
            m.file.as_deref(),
            Some(&b"/opt/gateway/lib/libsensors.so.1.4"[..])
        );
    }

    #[test]
    fn paths_with_blanks_and_deleted_files() {
        let m =
            parse("55c7279c1000-55c7279c2000 r-xp 00001000 fe:00 12 /tmp/sp ace/a:b (x) (deleted)");
        assert_eq!(m.file.as_deref(), Some(&b"/tmp/sp ace/a:b (x)"[..]));
        assert_eq!(m.offset, 0x1000);
    }

    #[test]
    fn lines_without_a_file() {
        assert_eq!(parse("ffff0000-ffff1000 r-xp 00000000 00:00 0").file, None);
        assert_eq!(
            parse("3f800000-40000000 rw-p 00000000 00:00 0    [stack]").file,
            None
        );
        // Upper case, carriage return, a device of three digits: copies and kernels differ.
        assert!(parse("7F00-8F00 r-xp 0000A000 103:02 5 /a\r").executable);
    }

    #[test]
    fn other_text_is_no_mapping() {
        for line in [
            "= Start",
            "hello",
            "10-20",
            "20-10 r-xp 0 0:0 0",
            "10-20 rwx 0 0:0 0",
            "zz-20 r-xp 0 0:0 0 /a",
        ] {
            assert_eq!(parse_line(line.as_bytes()), None, "{line}");
        }
    }

    #[test]
    fn an_address_is_found_in_its_mapping_only() {
        let lines = [
            "1000-2000 r-xp 0 0:0 1 /a",
            "2000-3000 rw-p 1000 0:0 1 /a",
            "5000-6000 r-xp 0 0:0 2 /b",
        ];
        let maps = Maps::new(lines.iter().map(|l| parse(l)).collect());
        assert_eq!(maps.find(0x1fff).map(|m| m.start), Some(0x1000));
        assert_eq!(maps.find(0x2000).map(|m| m.start), Some(0x2000));
        assert_eq!(maps.find(0x3000), None);
        assert_eq!(maps.find(0xfff), None);
        assert_eq!(maps.files(), [b"/a", b"/b"]);
    }

    #[test]
    fn overlapping_and_doubled_lines_do_no_harm() {
        let text = b"1000-9000 r-xp 0 0:0 1 /a\n2000-3000 rw-p 0 0:0 0\n1000-9000 r-xp 0 0:0 1 /a\n4000-4000 r";
        let maps = Maps::parse(Path::new("m"), text).unwrap();
        assert_eq!(
            maps.find(0x8fff).and_then(|m| m.file.as_deref()),
            Some(&b"/a"[..])
        );
        assert_eq!(maps.find(0x2800).map(|m| m.start), Some(0x2000));
        assert_eq!(maps.find_in(b"/a", 0x2800).map(|m| m.start), Some(0x1000));
        assert_eq!(maps.find(0x9000), None);
    }

    /// Whatever lines overlap, the tree finds what a look at all of them finds.
    #[test]
    fn an_address_is_found_among_overlapping_lines() {
        let mut state = 1u64;
        let mut random = |below: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) % below
        };
        for lines in [1, 2, 3, 7, 8, 9, 40] {
            let mappings: Vec<Mapping> = (0..lines)
                .map(|_| {
                    let start = random(60);
                    let file = random(4);
                    let line = format!(
                        "{start:x}-{:x} r-xp 0 0:0 1 /{file}",
                        start + 1 + random(30)
                    );
                    parse(&line)
                })
                .collect();
            let maps = Maps::new(mappings);
            for address in 0..100 {
                let all = || maps.mappings().iter().rev();
                let found = all().find(|m| m.holds(address));
                assert_eq!(maps.find(address), found, "{address:x} in {maps:?}");
                let of_file = |m: &&Mapping| m.file.as_deref() == Some(b"/1");
                let found = all().filter(of_file).find(|m| m.holds(address));
                assert_eq!(
                    maps.find_in(b"/1", address),
                    found,
                    "{address:x} in {maps:?}"
                );
            }
        }
    }

    #[test]
    fn a_replaced_file_and_the_stack_are_known_for_what_they_are() {
        assert!(
            parse("10-20 r-xp 0 0:0 1 /a (deleted)").deleted
                && !parse("10-20 r-xp 0 0:0 1 /a").deleted
        );
        assert!(
            parse("10-20 rw-p 0 0:0 0 [stack]").is_stack
                && !parse("10-20 rw-p 0 0:0 0 [heap]").is_stack
        );
    }

    #[test]
    fn snapshots_are_united_only_if_they_are_of_one_process() {
        let maps = |text: &str| Maps::parse(Path::new("m"), text.as_bytes()).unwrap();
        let early = maps("1000-2000 r-xp 0 0:0 1 /a\n");
        let late = maps("1000-2000 r-xp 0 0:0 1 /a\n5000-6000 r-xp 0 0:0 2 /b\n");
        let other = maps("7000-8000 r-xp 0 0:0 1 /a\n");
        let united = Maps::united(vec![early.clone(), late]).unwrap().unwrap();
        assert_eq!(united.mappings().len(), 2);
        assert!(Maps::united(vec![early, other]).is_none());
        assert!(Maps::united(Vec::new()).unwrap().is_none());
    }
}
