//! The debug information and the symbols of one ELF file, read within bounds.
//!
//! addr2line's own loader would do for files that are well. This one refuses what a damaged or hostile
//! file can use against its reader: sections that unpack to gigabytes, and entries nested so deep that
//! reading them overflows the stack.

use std::borrow::Cow;
use std::cell::{Cell, OnceCell};
use std::collections::HashSet;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use addr2line::{Context, FrameIter, LookupContinuation, LookupResult, SplitDwarfLoad};
use gimli::{Dwarf, EndianSlice, RunTimeEndian, UnitOffset, UnitRef};
use object::SymbolKind;
use object::read::{Object, ObjectSection, ObjectSymbol, ReadCache, SymbolMap, SymbolMapName};
use typed_arena::Arena;

use super::budget::{Budget, Slice, size_on_disk};
use super::declaration::Declarations;
use super::functions::{BareNames, Namesakes, add_functions_of_unit};
use super::scopes::Scopes;
use super::sources::SourceFiles;
use crate::elf::open_elf;
use crate::run::{CodeFingerprint, Declaration, LinkAddress};
use crate::symbol_name::without_lto_number;

/// Debug entries nested deeper than this are no compiler's: real ones have some tens of levels.
const DEEPEST: isize = 500;

/// Of longer functions the lines are not looked at.
const LONGEST_FUNCTION: u64 = 256 << 10;

/// What has to live as long as the information: files and unpacked sections.
#[derive(Default)]
pub(super) struct Store {
    files: Arena<ReadCache<File>>,
    sections: Arena<Vec<u8>>,
    pub budget: Budget,
}

/// Names and lines of one file.
pub(super) struct DebugInfo<'a> {
    store: &'a Store,
    /// `None` where there is no debug information, or none that can be read.
    context: Option<Context<Slice<'a>>>,
    object: object::File<'a, &'a ReadCache<File>>,
    /// Sorted when the first name is looked up: debug information knows most of them.
    symbols: OnceCell<SymbolMap<SymbolMapName<'a>>>,
    declarations: Declarations<'a>,
    scopes: Scopes,
    /// Names that several static functions have; counted when the first is asked for.
    namesakes: OnceCell<HashSet<&'a str>>,
    /// Sorted; `None` where not all of them are known.
    pub sources: Option<Vec<String>>,
    lacks_split: Cell<bool>,
}

impl<'a> DebugInfo<'a> {
    /// Opens a file to look up `addresses` in it; `None` if it is no ELF file.
    pub(super) fn open(path: &Path, store: &'a Store, addresses: &[LinkAddress]) -> Option<Self> {
        let (object, size) = open_object(path, store)?;
        let mut sources = None;
        let context = load_dwarf(&object, store, |id| Some(id.name())).and_then(|mut dwarf| {
            if let Some(supplement) = supplement(path, &object, store) {
                dwarf
                    .load_sup(|id| section(&supplement, Some(id.name()), store))
                    .ok()?;
            }
            // All of them: every unit is looked at twice, here and by the index.
            dwarf.populate_abbreviations_cache(gimli::AbbreviationsCacheStrategy::All);
            let Some(found) = look_through(&dwarf, size, addresses) else {
                store.budget.refuse();
                return None;
            };
            sources = found.all();
            Context::from_dwarf(dwarf).ok()
        });
        Some(DebugInfo {
            store,
            context,
            object,
            symbols: OnceCell::new(),
            declarations: Declarations::default(),
            scopes: Scopes::default(),
            namesakes: OnceCell::new(),
            sources,
            lacks_split: Cell::new(false),
        })
    }

    /// The frames at an address, innermost first.
    pub(super) fn frames(&self, address: u64) -> Option<FrameIter<'_, Slice<'a>>> {
        let mut lookup = self.context.as_ref()?.find_frames(address);
        loop {
            match lookup {
                LookupResult::Output(frames) => return frames.ok(),
                LookupResult::Load { load, continuation } => {
                    lookup = continuation.resume(self.split(&load));
                }
            }
        }
    }

    /// Where functions are declared that have frames at an address, by the entries of the frames.
    pub(super) fn declarations(
        &self,
        address: u64,
        entries: &[Option<UnitOffset>],
    ) -> Vec<Declaration> {
        let unit = self.unit(address);
        let of = |entry: &Option<UnitOffset>| match (unit, entry) {
            (Some(unit), Some(entry)) => self.declarations.of(unit, *entry),
            _ => Declaration::default(),
        };
        entries.iter().map(of).collect()
    }

    /// What a lambda or a nested function at an address stands in, by the entry of its frame.
    pub(super) fn enclosing(&self, address: u64, entry: UnitOffset) -> Option<Slice<'a>> {
        self.scopes.enclosing(self.unit(address)?, entry)
    }

    /// What is known of the code of the function that holds an address; its lines are counted from where `file` declares
    /// it.
    pub(super) fn code(
        &self,
        address: u64,
        file: Option<&str>,
        declared: Option<u32>,
    ) -> Option<CodeFingerprint> {
        let symbol = self.symbol_at(address)?;
        let size = Some(symbol.size()).filter(|size| *size > 0)?;
        let lines = match (file, declared) {
            (Some(file), Some(declared)) => self.lines(symbol, file, declared),
            _ => None,
        };
        Some(CodeFingerprint {
            size,
            lines: lines.map(|(checksum, _)| checksum),
            last_line: lines.and_then(|(_, last)| last),
            has_namesake: false,
        })
    }

    /// A checksum of which line each part of a function is of, and the last line.
    fn lines(
        &self,
        symbol: &SymbolMapName<'a>,
        file: &str,
        declared: u32,
    ) -> Option<(u32, Option<u32>)> {
        let (start, size) = (symbol.address(), symbol.size());
        let end = start.checked_add(size.min(LONGEST_FUNCTION))?;
        let rows = self
            .context
            .as_ref()?
            .find_location_range(start, end)
            .ok()?;
        let mut checksum = crc32fast::Hasher::new();
        let (mut last, mut has_rows) = (None, false);
        for (at, _, location) in rows {
            let is_own = location.file == Some(file);
            let line = location.line.filter(|_| is_own);
            let line = line.and_then(|line| line.checked_sub(declared));
            checksum.update(&at.wrapping_sub(start).to_le_bytes());
            checksum.update(&line.unwrap_or(u32::MAX).to_le_bytes());
            (last, has_rows) = (last.max(line), true);
        }
        has_rows.then(|| (checksum.finalize(), last))
    }

    /// Adds functions of these names in the units that hold the addresses.
    pub(super) fn functions(
        &self,
        addresses: &[LinkAddress],
        names: &BareNames,
        found: &mut Namesakes,
    ) {
        let mut seen = HashSet::new();
        for unit in addresses.iter().filter_map(|address| self.unit(address.0)) {
            if seen.insert(unit.header.offset()) {
                // What is damaged counts as far as it goes.
                let _ = add_functions_of_unit(unit, names, found);
            }
        }
    }

    /// Whether several units were compiled from files of one path.
    pub(super) fn is_compiled_twice(&self, file: &str) -> bool {
        let sources = self.sources.as_deref().unwrap_or_default();
        let first = sources.partition_point(|source| source.as_str() < file);
        let mut equal = sources[first..].iter().take_while(|source| *source == file);
        equal.nth(1).is_some()
    }

    /// Whether a symbol is the name of several static functions.
    pub(super) fn has_namesake(&self, symbol: &str) -> bool {
        let namesakes = self.namesakes.get_or_init(|| {
            let (mut seen, mut twice) = (HashSet::new(), HashSet::new());
            let functions = self.object.symbols();
            let functions =
                functions.filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.is_local());
            for name in functions.filter_map(|symbol| symbol.name().ok()) {
                let name = without_lto_number(name);
                if !seen.insert(name) {
                    twice.insert(name);
                }
            }
            twice
        });
        namesakes.contains(without_lto_number(symbol))
    }

    fn split(&self, load: &SplitDwarfLoad<Slice<'a>>) -> Option<Arc<Dwarf<Slice<'a>>>> {
        let split = split_dwarf(load, self.store);
        if split.is_none() {
            self.lacks_split.set(true);
        }
        split
    }

    /// Whether what was looked up is in files that are not there: the lines that are left do not tell functions
    /// and inlined calls apart.
    pub(super) fn lacks_split(&self) -> bool {
        self.lacks_split.get()
    }

    fn unit(&self, address: u64) -> Option<UnitRef<'_, Slice<'a>>> {
        let mut lookup = self.context.as_ref()?.find_dwarf_and_unit(address);
        loop {
            match lookup {
                LookupResult::Output(unit) => return unit,
                LookupResult::Load { load, continuation } => {
                    lookup = continuation.resume(self.split(&load));
                }
            }
        }
    }

    /// The symbol that holds an address.
    pub(super) fn symbol(&self, address: u64) -> Option<&'a str> {
        self.symbol_at(address).map(|symbol| symbol.name())
    }

    /// Where the function that holds an address begins.
    pub(super) fn function_start(&self, address: u64) -> Option<LinkAddress> {
        let symbol = self.symbol_at(address)?;
        Some(LinkAddress(symbol.address()))
    }

    fn symbol_at(&self, address: u64) -> Option<&SymbolMapName<'a>> {
        let symbols = self.symbols.get_or_init(|| self.object.symbol_map());
        symbols.containing(address)
    }
}

/// A file, and the bytes that it has on disk.
pub(super) fn open_object<'a>(
    path: &Path,
    store: &'a Store,
) -> Option<(object::File<'a, &'a ReadCache<File>>, u64)> {
    let file = open_elf(path).ok()?;
    let size = size_on_disk(&file);
    store.budget.add_file(size);
    let cache = store.files.alloc(ReadCache::new(file));
    Some((object::File::parse(&*cache).ok()?, size))
}

fn load_dwarf<'a>(
    object: &object::File<'a, &'a ReadCache<File>>,
    store: &'a Store,
    name: impl Fn(gimli::SectionId) -> Option<&'static str>,
) -> Option<Dwarf<Slice<'a>>> {
    Dwarf::load(|id| section(object, name(id), store)).ok()
}

/// A section's bytes; empty if there is none of that name, an error if it cannot be had within bounds.
fn section<'a>(
    object: &object::File<'a, &'a ReadCache<File>>,
    name: Option<&str>,
    store: &'a Store,
) -> Result<Slice<'a>, gimli::Error> {
    let endian = match object.is_little_endian() {
        true => RunTimeEndian::Little,
        false => RunTimeEndian::Big,
    };
    // Where variables live is no matter here, and takes long to unpack.
    let name =
        name.filter(|name| !name.starts_with(".debug_loc") && !name.starts_with(".debug_mac"));
    let Some(section) = name.and_then(|name| object.section_by_name(name)) else {
        return Ok(EndianSlice::new(&[], endian));
    };
    let range = section.compressed_file_range();
    let range = range.map_err(|_| gimli::Error::Io)?;
    // Checked before anything is read.
    if !store.budget.take(range.uncompressed_size) {
        return Err(gimli::Error::Io);
    }
    let data = section.compressed_data().map_err(|_| gimli::Error::Io)?;
    let bytes: &'a [u8] = match data.decompress().map_err(|_| gimli::Error::Io)? {
        Cow::Borrowed(bytes) => bytes,
        Cow::Owned(bytes) => store.sections.alloc(bytes),
    };
    Ok(EndianSlice::new(bytes, endian))
}

/// The file that `dwz` moved common entries to, which `.gnu_debugaltlink` names.
fn supplement<'a>(
    path: &Path,
    object: &object::File<'a, &'a ReadCache<File>>,
    store: &'a Store,
) -> Option<object::File<'a, &'a ReadCache<File>>> {
    let (name, id) = object.gnu_debugaltlink().ok()??;
    let name = Path::new(std::ffi::OsStr::from_bytes(name));
    let (supplement, _) = open_object(&path.parent()?.join(name), store)?;
    (supplement.build_id().ok()?? == id).then_some(supplement)
}

/// The source files of all units; `None` if units that hold the addresses are nested too deep to be read by
/// recursion, or have line tables that take too much memory.
fn look_through(
    dwarf: &Dwarf<Slice<'_>>,
    size: u64,
    addresses: &[LinkAddress],
) -> Option<SourceFiles> {
    let mut sources = SourceFiles::default();
    let lines = Budget::for_lines(size);
    let mut sorted: Vec<u64> = addresses.iter().map(|address| address.0).collect();
    sorted.sort_unstable();
    let mut headers = dwarf.units();
    while let Ok(Some(header)) = headers.next() {
        let Ok(unit) = dwarf.unit(header) else {
            continue;
        };
        if !lines.take_header(&unit) {
            return None;
        }
        sources.add(&unit);
        let holds_any = |near| holds_any(dwarf, &unit, &sorted, near);
        if holds_any(LONGEST_FUNCTION) && !lines.take_lines(dwarf, &unit) {
            return None;
        }
        if holds_any(0) && unit_depth(&unit) > DEEPEST {
            return None;
        }
    }
    Some(sources)
}

/// Whether a unit has code at one of the addresses, or `near` it; one that does not say where its code is may have.
fn holds_any<'a>(
    dwarf: &Dwarf<Slice<'a>>,
    unit: &gimli::Unit<Slice<'a>>,
    sorted: &[u64],
    near: u64,
) -> bool {
    let Ok(mut ranges) = dwarf.unit_ranges(unit) else {
        return true;
    };
    let mut has_ranges = false;
    while let Ok(Some(range)) = ranges.next() {
        has_ranges = true;
        // A return address can be the byte behind the range.
        let begin = range.begin.saturating_sub(near);
        let end = range.end.saturating_add(near);
        let first = sorted.partition_point(|address| *address < begin);
        if sorted.get(first).is_some_and(|address| *address <= end) {
            return true;
        }
    }
    !has_ranges
}

fn unit_depth(unit: &gimli::Unit<Slice<'_>>) -> isize {
    let mut deepest = 0;
    let Ok(mut entries) = unit.entries_raw(None) else {
        return 0;
    };
    while !entries.is_empty() && deepest <= DEEPEST {
        deepest = deepest.max(entries.next_depth());
        let Ok(abbreviation) = entries.read_abbreviation() else {
            break;
        };
        if let Some(abbreviation) = abbreviation
            && entries.skip_attributes(abbreviation.attributes()).is_err()
        {
            break;
        }
    }
    deepest
}

/// The `.dwo` file that a skeleton unit names, where the compiler left it.
fn split_dwarf<'a>(
    load: &SplitDwarfLoad<Slice<'a>>,
    store: &'a Store,
) -> Option<Arc<Dwarf<Slice<'a>>>> {
    let part =
        |slice: &Slice<'a>| Path::new(std::ffi::OsStr::from_bytes(slice.slice())).to_path_buf();
    let directory = load.comp_dir.as_ref().map_or_else(PathBuf::new, part);
    let path = directory.join(load.path.as_ref().map(part)?);
    let (object, size) = open_object(&path, store)?;
    let mut dwarf = load_dwarf(&object, store, |id| id.dwo_name())?;
    let header = dwarf.units().next().ok()??;
    let unit = dwarf.unit(header).ok()?;
    let lines = Budget::for_lines(size);
    let is_too_much = !lines.take_header(&unit) || !lines.take_lines(&dwarf, &unit);
    if unit.dwo_id != Some(load.dwo_id) || is_too_much || unit_depth(&unit) > DEEPEST {
        return None;
    }
    dwarf.make_dwo(&load.parent);
    Some(Arc::new(dwarf))
}
