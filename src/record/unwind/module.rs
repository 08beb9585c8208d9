//! The table of one file.

use std::borrow::Cow;
use std::io::Read;
use std::path::Path;

use gimli::{BaseAddresses, DebugFrame, EhFrame, EndianSlice, RunTimeEndian, Vendor};
use object::{Endianness, Object, ObjectSection, ObjectSegment, SectionFlags, elf};

use super::calls::{self, CodeBytes};
use super::cfi::{self, CfiContext};
use super::exidx;
use super::machine::Registers;
use super::span::{self, Span};
use super::table::UnwindRows;
use crate::elf::{BuildId, ElfInfo, open_elf};
use crate::error::{Error, Result};

/// What the recorder finds one module by, and its rows.
#[derive(Debug, Clone)]
pub(super) struct ModuleUnwindTable {
    pub build_id: Option<BuildId>,
    /// Without its directory.
    pub name: String,
    /// In bytes.
    pub file_size: u64,
    pub image_base: u64,
    pub rows: UnwindRows,
    /// Entries of unwind information that could not be read.
    pub damaged: u64,
}

/// Reads a module's unwind information, and that of its separate debug file.
pub(super) fn read(
    info: &ElfInfo,
    debug_file: Option<&Path>,
    registers: Registers,
    all_rows: bool,
) -> Result<ModuleUnwindTable> {
    let bytes = contents(&info.path)?;
    let file = parse(&info.path, &bytes)?;
    // It was read already, when it was looked for: what is wrong with it now is no reason to stop.
    let debug_bytes = debug_file.and_then(|path| contents(path).ok());
    let debug = debug_bytes.as_deref();
    let debug = debug.and_then(|bytes| object::File::parse(bytes).ok());
    let (mut spans, mut damaged) = (Vec::new(), 0);
    for file in [Some(&file), debug.as_ref()].into_iter().flatten() {
        let (of_file, damaged_there) = dwarf_spans(info, file, registers);
        spans = span::fill(&spans, &of_file);
        damaged += damaged_there;
    }
    if info.machine.e_machine == elf::EM_ARM.0 {
        spans = span::fill(&spans, &span::in_order(exidx_spans(info, &file)));
    }
    let code = code_of(&file, info.image_base());
    let ends = calls::ends(info.machine, &code).filter(|_| !all_rows);
    let name = info.path.file_name().unwrap_or_default();
    Ok(ModuleUnwindTable {
        build_id: info.build_id.clone(),
        name: name.to_string_lossy().into_owned(),
        file_size: bytes.len() as u64,
        image_base: info.image_base(),
        rows: UnwindRows::new(&spans, ends.as_deref()),
        damaged,
    })
}

fn contents(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_elf(path)?
        .read_to_end(&mut bytes)
        .map_err(|e| Error::io("read", path, e))?;
    Ok(bytes)
}

fn parse<'a>(path: &Path, bytes: &'a [u8]) -> Result<object::File<'a>> {
    object::File::parse(bytes).map_err(|e| Error::bad_elf(path, &e.to_string()))
}

/// `.eh_frame`, and where it is silent `.debug_frame`.
fn dwarf_spans(info: &ElfInfo, file: &object::File<'_>, registers: Registers) -> (Vec<Span>, u64) {
    let endian = match file.is_little_endian() {
        true => RunTimeEndian::Little,
        false => RunTimeEndian::Big,
    };
    let address_size = if file.is_64() { 8 } else { 4 };
    // Other machines give the same instruction another meaning.
    let vendor = match elf::Machine(info.machine.e_machine) {
        elf::EM_AARCH64 => Vendor::AArch64,
        _ => Vendor::Default,
    };
    let address = |name: &str| file.section_by_name(name).map(|section| section.address());
    let mut bases = BaseAddresses::default();
    if let Some(text) = address(".text") {
        bases = bases.set_text(text);
    }
    if let Some(got) = address(".got") {
        bases = bases.set_got(got);
    }
    if let Some(eh_frame) = address(".eh_frame") {
        bases = bases.set_eh_frame(eh_frame);
    }
    let frames = CfiContext {
        registers,
        bases: &bases,
        image_base: info.image_base(),
    };
    let eh_frame = section_data(file, ".eh_frame");
    let mut section = EhFrame::from(EndianSlice::new(&eh_frame, endian));
    section.set_address_size(address_size);
    section.set_vendor(vendor);
    let (first, damaged) = cfi::spans(&section, &frames);
    let debug_frame = section_data(file, ".debug_frame");
    let mut section = DebugFrame::from(EndianSlice::new(&debug_frame, endian));
    section.set_address_size(address_size);
    section.set_vendor(vendor);
    let (second, damaged_there) = cfi::spans(&section, &frames);
    let real = |spans: Vec<Span>| {
        // Functions that the linker left out stand at address 0.
        let is_code =
            |span: &Span| info.has_code_at(info.image_base().wrapping_add(u64::from(span.start)));
        span::in_order(spans.into_iter().filter(is_code).collect())
    };
    (
        span::fill(&real(first), &real(second)),
        damaged + damaged_there,
    )
}

fn section_data<'a>(file: &object::File<'a>, name: &str) -> Cow<'a, [u8]> {
    let section = file.section_by_name(name);
    section
        .and_then(|section| section.uncompressed_data().ok())
        .unwrap_or_default()
}

fn exidx_spans(info: &ElfInfo, file: &object::File<'_>) -> Vec<Span> {
    let section = |name: &str| {
        let section = file.section_by_name(name)?;
        Some(exidx::Section {
            bytes: section.data().ok()?,
            address: section.address(),
        })
    };
    let Some(index) = section(".ARM.exidx") else {
        return Vec::new();
    };
    let code = info.segments.iter().filter(|segment| segment.executable);
    let end = code.map(|s| s.address.saturating_add(s.file_size)).max();
    let endian = match file.is_little_endian() {
        true => Endianness::Little,
        false => Endianness::Big,
    };
    let tables = section(".ARM.extab");
    let base = info.image_base();
    exidx::spans(index, tables, endian, base, end.unwrap_or(base))
}

/// The sections with instructions; of a file without sections, the segments.
fn code_of<'a>(file: &object::File<'a>, image_base: u64) -> Vec<CodeBytes<'a>> {
    let from_base = |address: u64| u32::try_from(address.checked_sub(image_base)?).ok();
    let is_code = |flags: SectionFlags| match flags {
        SectionFlags::Elf { sh_flags, .. } => sh_flags.0 & elf::SHF_EXECINSTR.0 != 0,
        _ => false,
    };
    let sections = file.sections().filter(|section| is_code(section.flags()));
    let mut code: Vec<CodeBytes<'a>> = sections
        .filter_map(|section| {
            let start = from_base(section.address())?;
            let bytes = section.data().ok()?;
            Some(CodeBytes { bytes, start })
        })
        .collect();
    if code.is_empty() {
        let segments = file.segments().filter(|s| s.permissions().executable());
        code.extend(segments.filter_map(|segment| {
            let start = from_base(segment.address())?;
            let bytes = segment.data().ok()?;
            Some(CodeBytes { bytes, start })
        }));
    }
    code
}
