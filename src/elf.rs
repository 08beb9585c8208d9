//! The few facts of an ELF file that decide what it is and where its code lies.
//!
//! A leaf beside `units` and `error`: a capture set is told apart by these facts, and `symbols`
//! rebases addresses with them. Names and lines are not read here.

use std::fmt;
use std::fs::File;
use std::io::{BufReader, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use object::elf;
use object::read::elf::{ElfFile, FileHeader};
use object::read::{Object, ObjectSegment, ObjectSymbol, ReadCache, ReadRef};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::hex::digit;
use crate::printable::printable;

/// Facts of one ELF file.
#[derive(Debug, Clone)]
pub(crate) struct ElfInfo {
    pub path: PathBuf,
    pub machine: Machine,
    pub kind: ElfKind,
    /// `PT_INTERP`: the dynamic loader the program asks for.
    pub interpreter: Option<String>,
    /// `DT_SONAME`.
    pub soname: Option<String>,
    pub build_id: Option<BuildId>,
    /// `.gnu_debuglink`: the name of the separate debug file, and the CRC-32 of its bytes.
    pub debug_link: Option<(PathBuf, u32)>,
    /// The `PT_LOAD` segments in the order of the file.
    pub segments: Vec<LoadSegment>,
    pub has_dwarf: bool,
    /// Where a program has a `malloc` of its own that libraries find before that of the C library.
    pub own_malloc: Option<Range<u64>>,
}

/// What an ELF file is good for in a capture set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ElfKind {
    /// Fixed address (`ET_EXEC`), or position-independent with an entry of its own.
    Program,
    Library,
    /// A separate debug file: it has names and lines, but no code.
    Debug,
    /// An object file, a core dump, …
    Other,
}

/// One `PT_LOAD`: addresses and sizes in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LoadSegment {
    pub address: u64,
    pub memory_size: u64,
    pub offset: u64,
    pub file_size: u64,
    pub executable: bool,
}

impl LoadSegment {
    /// Whether a link-time address lies in this segment.
    pub(crate) fn holds(&self, address: u64) -> bool {
        address >= self.address && address - self.address < self.memory_size
    }
}

/// `NT_GNU_BUILD_ID`, shown in hex.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BuildId(pub Arc<[u8]>);

impl BuildId {
    /// As people write it, two digits a byte.
    pub fn from_hex(text: &str) -> Option<Self> {
        let pairs = text.as_bytes().chunks(2);
        let bytes = pairs.map(|pair| match pair {
            [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
            _ => None,
        });
        bytes
            .collect::<Option<Vec<u8>>>()
            .filter(|id| !id.is_empty())
            .map(|id| BuildId(id.into()))
    }
}

impl fmt::Display for BuildId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl From<BuildId> for String {
    fn from(id: BuildId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for BuildId {
    type Error = String;

    fn try_from(text: String) -> std::result::Result<Self, String> {
        BuildId::from_hex(&text).ok_or_else(|| format!("'{}' is no build id", printable(&text)))
    }
}

impl fmt::Debug for BuildId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BuildId({self})")
    }
}

/// An instruction set with its word size and byte order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Machine {
    #[serde(rename = "elf")]
    pub e_machine: u16,
    pub is_64: bool,
    pub little_endian: bool,
    /// The float ABI of 32-bit ARM, which the names of its ports carry.
    #[serde(default)]
    pub hard_float: bool,
}

impl Machine {
    /// Bit 0 of a return address is the instruction set, not the address: Thumb, microMIPS.
    pub fn has_mode_bit(self) -> bool {
        matches!(elf::Machine(self.e_machine), elf::EM_ARM | elf::EM_MIPS)
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match (elf::Machine(self.e_machine), self.is_64, self.little_endian) {
            (elf::EM_X86_64, true, _) => "x86_64",
            (elf::EM_X86_64, false, _) => "x32",
            (elf::EM_386, ..) => "i386",
            (elf::EM_ARM, _, true) if self.hard_float => "armhf",
            (elf::EM_ARM, _, true) => "arm",
            (elf::EM_ARM, _, false) => "armeb",
            (elf::EM_AARCH64, _, true) => "aarch64",
            (elf::EM_AARCH64, _, false) => "aarch64_be",
            (elf::EM_MIPS, false, false) => "mips",
            (elf::EM_MIPS, false, true) => "mipsel",
            (elf::EM_MIPS, true, false) => "mips64",
            (elf::EM_MIPS, true, true) => "mips64el",
            (elf::EM_PPC, ..) => "powerpc",
            (elf::EM_PPC64, _, false) => "powerpc64",
            (elf::EM_PPC64, _, true) => "powerpc64le",
            (elf::EM_RISCV, false, _) => "riscv32",
            (elf::EM_RISCV, true, _) => "riscv64",
            (elf::EM_S390, true, _) => "s390x",
            (elf::EM_LOONGARCH, true, _) => "loongarch64",
            (elf::EM_SPARC, ..) => "sparc",
            (elf::EM_SPARCV9, ..) => "sparc64",
            (elf::EM_68K, ..) => "m68k",
            (elf::EM_SH, ..) => "sh4",
            _ => return write!(f, "machine {}", self.e_machine),
        };
        f.write_str(name)
    }
}

/// Opens a file that can be read to its end: a FIFO would wait for ever, and a device never end.
pub(crate) fn open_regular(path: &Path) -> Result<File> {
    let opening = |e| Error::io("open", path, e);
    if !std::fs::metadata(path).map_err(opening)?.is_file() {
        return Err(opening(std::io::Error::other("it is not a regular file")));
    }
    File::open(path).map_err(opening)
}

/// Opens a file whose tables can be read into memory. One that is mostly holes can claim any size.
pub(crate) fn open_elf(path: &Path) -> Result<File> {
    use std::os::unix::fs::MetadataExt;
    /// Files up to this size may be anything; a sparse copy of a larger one still has its code.
    const ANY: u64 = 256 << 20;
    let file = open_regular(path)?;
    let metadata = file.metadata().map_err(|e| Error::io("open", path, e))?;
    let on_disk = metadata.blocks().saturating_mul(512);
    if metadata.len() > ANY && on_disk > 0 && metadata.len() / 16 > on_disk {
        return Err(Error::bad_elf(path, "most of it is a hole, not data"));
    }
    Ok(file)
}

/// True if the file begins as an ELF file does.
pub(crate) fn is_elf(head: &[u8]) -> bool {
    head.starts_with(&elf::ELFMAG)
}

impl ElfInfo {
    /// Reads the facts of `path`; [`Error::Input(InputError::BadElf)`] where it is none or is damaged.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let file = open_elf(path)?;
        let mut ident = [0; 16];
        let mut head = BufReader::new(&file);
        head.read_exact(&mut ident)
            .map_err(|_| Error::bad_elf(path, "it is shorter than an ELF header"))?;
        drop(head);
        let cache = ReadCache::new(file);
        let bad = |e: object::read::Error| Error::bad_elf(path, &e.to_string());
        if ident[4] == elf::ELFCLASS64.0 {
            let file: ElfFile<'_, elf::FileHeader64<object::Endianness>, _> =
                ElfFile::parse(&cache).map_err(bad)?;
            Ok(Self::from_file(path, &file))
        } else {
            let file: ElfFile<'_, elf::FileHeader32<object::Endianness>, _> =
                ElfFile::parse(&cache).map_err(bad)?;
            Ok(Self::from_file(path, &file))
        }
    }

    fn from_file<'data, Elf, R>(path: &Path, file: &ElfFile<'data, Elf, R>) -> Self
    where
        Elf: FileHeader<Endian = object::Endianness>,
        R: ReadRef<'data>,
    {
        let endian = file.endian();
        let header = file.elf_header();
        let machine = Machine {
            e_machine: header.e_machine(endian).0,
            is_64: file.is_64(),
            little_endian: file.is_little_endian(),
            hard_float: header.e_machine(endian) == elf::EM_ARM
                && header.e_flags(endian).0 & elf::EF_ARM_ABI_FLOAT_HARD != 0,
        };
        let segments: Vec<LoadSegment> = file
            .segments()
            .map(|segment| {
                let (offset, file_size) = segment.file_range();
                LoadSegment {
                    address: segment.address(),
                    memory_size: segment.size(),
                    offset,
                    file_size,
                    executable: segment.permissions().executable(),
                }
            })
            .collect();
        let interpreter = interpreter(file);
        let (soname, says_pie) = dynamic_facts(file);
        let has_code = segments.iter().any(|s| s.executable && s.file_size > 0);
        let kind = match header.e_type(endian) {
            elf::ET_EXEC | elf::ET_DYN if !has_code || is_stripped_of_code(file) => ElfKind::Debug,
            elf::ET_EXEC => ElfKind::Program,
            // libc.so.6 has an interpreter too, and a soname.
            elf::ET_DYN if says_pie || (interpreter.is_some() && soname.is_none()) => {
                ElfKind::Program
            }
            elf::ET_DYN => ElfKind::Library,
            _ => ElfKind::Other,
        };
        ElfInfo {
            path: path.to_path_buf(),
            machine,
            kind,
            interpreter,
            soname,
            build_id: file.build_id().ok().flatten().map(|id| BuildId(id.into())),
            debug_link: file.gnu_debuglink().ok().flatten().map(|(name, crc)| {
                (
                    PathBuf::from(String::from_utf8_lossy(name).into_owned()),
                    crc,
                )
            }),
            segments,
            has_dwarf: file.has_debug_symbols(),
            own_malloc: own_malloc(file).filter(|_| kind == ElfKind::Program),
        }
    }

    /// The start of the page of the first `PT_LOAD`: what a relative address is counted from.
    ///
    /// `dladdr` gives the start of a module's lowest mapping (`dli_fbase`), not its load bias.
    pub(crate) fn image_base(&self) -> u64 {
        let lowest = self.segments.iter().map(|s| s.address).min();
        lowest.unwrap_or(0) & !0xfff
    }

    /// Whether code of this file lies at the link-time address `address`.
    pub(crate) fn has_code_at(&self, address: u64) -> bool {
        self.segments
            .iter()
            .any(|s| s.executable && s.holds(address))
    }

    /// The link-time address of what lies at `offset` in the file.
    pub(crate) fn address_of_offset(&self, offset: u64) -> Option<u64> {
        let holds = |s: &&LoadSegment| {
            // A mapping covers whole pages, so it reaches a little beyond the segment on both sides.
            let first = s.offset & !0xfff;
            let last = s.offset.saturating_add(s.file_size).saturating_add(0xfff) & !0xfff;
            offset >= first && offset < last
        };
        let exact = |s: &&LoadSegment| offset >= s.offset && offset - s.offset < s.file_size;
        let code = || self.segments.iter().filter(|s| s.executable);
        let segment = code()
            .find(exact)
            .or_else(|| code().find(holds))
            .or_else(|| self.segments.iter().find(exact))
            .or_else(|| self.segments.iter().find(holds))?;
        Some(
            offset
                .wrapping_sub(segment.offset)
                .wrapping_add(segment.address),
        )
    }
}

fn interpreter<'data, Elf, R>(file: &ElfFile<'data, Elf, R>) -> Option<String>
where
    Elf: FileHeader<Endian = object::Endianness>,
    R: ReadRef<'data>,
{
    use object::read::elf::ProgramHeader;
    file.elf_program_headers().iter().find_map(|header| {
        let name = header.interpreter(file.endian(), file.data()).ok()??;
        Some(String::from_utf8_lossy(name).into_owned())
    })
}

/// `DT_SONAME`, and whether `DT_FLAGS_1` says that this is a position-independent program.
fn dynamic_facts<'data, Elf, R>(file: &ElfFile<'data, Elf, R>) -> (Option<String>, bool)
where
    Elf: FileHeader<Endian = object::Endianness>,
    R: ReadRef<'data>,
{
    let (mut soname, mut says_pie) = (None, false);
    let Ok(table) = file.elf_dynamic_table() else {
        return (None, false);
    };
    for entry in table.iter() {
        if entry.tag == elf::DT_SONAME {
            soname = table
                .string(entry)
                .ok()
                .map(|name| String::from_utf8_lossy(name).into_owned());
        } else if entry.tag == elf::DT_FLAGS_1 {
            says_pie = entry.val & elf::DF_1_PIE.0 != 0;
        }
    }
    (soname, says_pie)
}

/// `objcopy --only-keep-debug` keeps the program headers, but makes `.text` a `SHT_NOBITS`.
fn is_stripped_of_code<'data, Elf, R>(file: &ElfFile<'data, Elf, R>) -> bool
where
    Elf: FileHeader<Endian = object::Endianness>,
    R: ReadRef<'data>,
{
    use object::read::elf::SectionHeader;
    let sections = file.elf_section_table();
    sections.iter().any(|section| {
        section.sh_type(file.endian()) == elf::SHT_NOBITS
            && sections.section_name(file.endian(), section).ok() == Some(b".text")
    })
}

fn own_malloc<'data, Elf, R>(file: &ElfFile<'data, Elf, R>) -> Option<Range<u64>>
where
    Elf: FileHeader<Endian = object::Endianness>,
    R: ReadRef<'data>,
{
    let mut symbols = file.dynamic_symbols();
    let own = symbols.find(|symbol| symbol.is_definition() && symbol.name() == Ok("malloc"))?;
    Some(own.address()..own.address().saturating_add(own.size()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(segments: &[LoadSegment]) -> ElfInfo {
        ElfInfo {
            path: PathBuf::new(),
            machine: Machine {
                e_machine: elf::EM_X86_64.0,
                is_64: true,
                little_endian: true,
                hard_float: false,
            },
            kind: ElfKind::Library,
            interpreter: None,
            soname: None,
            build_id: None,
            debug_link: None,
            segments: segments.to_vec(),
            has_dwarf: false,
            own_malloc: None,
        }
    }

    fn segment(offset: u64, address: u64, size: u64, executable: bool) -> LoadSegment {
        LoadSegment {
            address,
            memory_size: size,
            offset,
            file_size: size,
            executable,
        }
    }

    #[test]
    fn an_offset_is_rebased_by_the_segment_that_holds_it() {
        // As lld lays it out: each segment a page further than its offset, sharing file pages.
        let file = info(&[
            segment(0, 0x0020_0000, 0x5a0, false),
            segment(0x5a0, 0x0020_15a0, 0x300, true),
            segment(0x8a0, 0x0020_28a0, 0x200, false),
        ]);
        assert_eq!(file.address_of_offset(0x5a0), Some(0x0020_15a0));
        assert_eq!(file.address_of_offset(0x6ff), Some(0x0020_16ff));
        // A mapping has whole pages: its beginning belongs to the code that it was made for.
        assert_eq!(file.address_of_offset(0x10), Some(0x0020_1010));
        assert_eq!(file.address_of_offset(0x10_0000), None);
        assert_eq!(file.image_base(), 0x0020_0000);
        assert!(file.has_code_at(0x0020_1600) && !file.has_code_at(0x0020_0100));
    }

    #[test]
    fn an_empty_file_has_no_addresses() {
        let file = info(&[]);
        assert_eq!((file.image_base(), file.address_of_offset(0)), (0, None));
        let wild = info(&[segment(u64::MAX - 1, u64::MAX - 1, u64::MAX, true)]);
        assert_eq!(wild.address_of_offset(0), None);
        assert!(wild.has_code_at(u64::MAX));
    }
}
