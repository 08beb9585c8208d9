//! From a link-time address to function, file and line, with the chain of inlined calls.

use std::path::Path;

use super::debug_info::{DebugInfo, Store};
use super::names::Names;
use crate::elf::ElfInfo;
use crate::run::{Frame, LinkAddress, NameSource, Named, Symbolized, Text, Unknown};

/// What one file says of addresses.
#[derive(Debug, Default)]
pub struct NamesOfFile {
    /// In the order of the addresses.
    pub names: Vec<Symbolized>,
    /// There is debug information that would take too much to read.
    pub is_partial: bool,
    /// There is debug information in files that are not there.
    pub lacks_split: bool,
}

/// Names for return addresses of one file, in the order given.
pub fn symbolize(elf: &ElfInfo, debug: Option<&Path>, addresses: &[LinkAddress]) -> NamesOfFile {
    let store = Store::default();
    let separate = debug.and_then(|path| DebugInfo::open(path, &store, addresses));
    let own = DebugInfo::open(&elf.path, &store, addresses);
    let files: Vec<&DebugInfo<'_>> = separate.iter().chain(&own).collect();
    let mut symbolizer = Symbolizer {
        files: files.clone(),
        names: Names::default(),
        frames_left: MOST_FRAMES + ORDINARY_CHAIN * addresses.len(),
    };
    let names = addresses.iter().map(|address| symbolizer.name(*address));
    NamesOfFile {
        names: names.collect(),
        is_partial: store.budget.has_refused(),
        lacks_split: files.iter().any(|file| file.lacks_split()),
    }
}

/// Names addresses of one file and of its debug file.
struct Symbolizer<'a> {
    files: Vec<&'a DebugInfo<'a>>,
    names: Names,
    /// How many frames there may be beyond those that each address may have.
    frames_left: usize,
}

impl Symbolizer<'_> {
    fn name(&mut self, address: LinkAddress) -> Symbolized {
        // A return address is the instruction after the call, which can be the next statement's.
        let Some(call) = address.0.checked_sub(1) else {
            return Symbolized::Unknown(Unknown::NoSymbol);
        };
        let files = self.files.clone();
        let by_dwarf = files.iter().find_map(|file| self.frames(file, call));
        match by_dwarf.or_else(|| self.by_symbol(call)) {
            Some(named) => Symbolized::Named(named),
            None => Symbolized::Unknown(Unknown::NoSymbol),
        }
    }

    fn by_symbol(&mut self, call: u64) -> Option<Named> {
        let mut files = self.files.iter();
        let (file, symbol) = files.find_map(|file| Some((file, file.symbol(call)?)))?;
        let start = file.function_start(call);
        let symbol = self.names.function(symbol.as_bytes());
        Some(Named::from_symbol(symbol, NameSource::SymbolTable).starting_at(start))
    }

    fn frames(&mut self, file: &DebugInfo<'_>, call: u64) -> Option<Named> {
        let mut iter = file.frames(call)?;
        let (mut frames, mut entries) = (Vec::new(), Vec::new());
        while let Ok(Some(frame)) = iter.next() {
            let function = frame.function.as_ref();
            let location = frame.location.as_ref();
            let next = Frame {
                function: function.map(|function| self.names.function(function.name.slice())),
                file: location
                    .and_then(|l| l.file)
                    .map(|file| self.names.file(file)),
                line: location.and_then(|l| l.line),
                inlined: true,
            };
            if frames.len() >= ORDINARY_CHAIN && !self.has_frame_left(frames.len()) {
                // What is between is left out, but not the function that the code belongs to.
                frames.truncate(ORDINARY_CHAIN - 1);
                entries.truncate(ORDINARY_CHAIN - 1);
            }
            entries.push(frame.dw_die_offset);
            frames.push(next);
        }
        frames.last_mut()?.inlined = false;
        let has_function = frames.iter().any(|f| f.function.is_some());
        let has_line = frames.iter().any(|f| f.line.is_some()) && !file.lacks_split();
        if !has_function && !has_line {
            return None;
        }
        // The symbol table knows the outermost function too: it is all there is where lines come
        // without functions (assembler), and the fuller name of a C++ function that is `static`,
        // which DWARF gives without its namespace and parameters.
        if let (Some(outermost), Some(symbol)) = (frames.last_mut(), file.symbol(call)) {
            let fuller = |name: &Text| is_fuller_name(symbol, name);
            if outermost.function.as_ref().is_none_or(fuller) {
                let symbol = without_clone(symbol);
                outermost.function = Some(self.names.function(symbol.as_bytes()));
            }
        }
        let named = Named::new(frames, NameSource::Dwarf)?;
        let declarations = file.declarations(call, &entries);
        let start = file.function_start(call);
        Some(named.declared(declarations).starting_at(start))
    }

    fn has_frame_left(&mut self, chain: usize) -> bool {
        if chain >= LONGEST_CHAIN || self.frames_left == 0 {
            return false;
        }
        self.frames_left -= 1;
        true
    }
}

/// Whether a mangled symbol is that of the function that DWARF calls `name` alone.
fn is_fuller_name(symbol: &str, name: &str) -> bool {
    let is_bare = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    // A mangled name holds each part of it behind its length: _ZN5fleetL12frame_bufferEv.
    is_bare && symbol.starts_with("_Z") && symbol.contains(&format!("{}{name}", name.len()))
}

/// A mangled symbol without `.constprop.0`, `.isra.0` and the like, which come and go with builds.
fn without_clone(symbol: &str) -> &str {
    match symbol.find('.') {
        Some(dot) if symbol.starts_with("_Z") => &symbol[..dot],
        _ => symbol,
    }
}

/// Real chains have some tens of frames; a damaged file could have one of millions.
const LONGEST_CHAIN: usize = 256;

/// So many frames every chain may have.
const ORDINARY_CHAIN: usize = 8;

/// How many frames all chains of a file may have beyond that.
const MOST_FRAMES: usize = 1 << 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_static_function_of_cxx_has_its_full_name() {
        assert!(is_fuller_name("_ZN5fleetL12frame_bufferEv", "frame_buffer"));
        assert!(!is_fuller_name("_ZN5fleetL12frame_bufferEv", "buffer"));
        assert!(!is_fuller_name(
            "_ZN5fleetL12frame_bufferEv",
            "fleet::frame_buffer()"
        ));
        assert!(!is_fuller_name("frame_buffer", "frame_buffer"));
        assert_eq!(without_clone("_ZL3fooi.isra.0"), "_ZL3fooi");
        assert_eq!(without_clone("foo.part.0"), "foo.part.0");
    }
}
