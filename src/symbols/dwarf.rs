//! From a link-time address to function, file and line, with the chain of inlined calls.

use std::collections::BTreeSet;
use std::path::Path;

use hashbrown::HashMap;

use super::debug_info::{DebugInfo, Store};
use super::functions::{BareNames, Namesakes};
use super::names::Names;
use crate::elf::ElfInfo;
use crate::printable::shortened;
use crate::run::{
    CodeFingerprint, Declaration, Frame, LinkAddress, NameSource, Named, Symbolized, Text, Unknown,
};
use crate::symbol_name::without_clone;

/// What one file says of addresses.
#[derive(Debug, Default)]
pub(super) struct NamesOfFile {
    /// In the order of the addresses.
    pub names: Vec<Symbolized>,
    /// What the file was compiled from, where all of it is known.
    pub sources: Option<BTreeSet<Text>>,
    /// What the functions at the addresses are called; `None` if they are too many, or not wanted.
    pub bare_names: Option<BareNames>,
    /// Namesakes of these, as far as debug information tells; `None` if there are too many.
    pub functions: Option<BTreeSet<Text>>,
    /// There is debug information that would take too much to read.
    pub is_partial: bool,
    /// There is debug information in files that are not there.
    pub lacks_split: bool,
}

/// Names for return addresses of one file, in the order given; and the namesakes of their functions, if they are wanted.
pub(super) fn symbolize(
    elf: &ElfInfo,
    debug: Option<&Path>,
    addresses: &[LinkAddress],
    wants_functions: bool,
) -> NamesOfFile {
    let store = Store::default();
    let separate = debug.and_then(|path| DebugInfo::open(path, &store, addresses));
    let own = DebugInfo::open(&elf.path, &store, addresses);
    let files: Vec<&DebugInfo<'_>> = separate.iter().chain(&own).collect();
    let mut symbolizer = Symbolizer {
        files: files.clone(),
        names: Names::default(),
        codes: HashMap::new(),
        frames_left: MOST_FRAMES + ORDINARY_CHAIN * addresses.len(),
    };
    let names = addresses.iter().map(|address| symbolizer.name(*address));
    let names: Vec<Symbolized> = names.collect();
    // Many callers lie in one function.
    let bare_names = wants_functions
        .then(|| BareNames::of(&names.iter().flat_map(functions_at).collect()))
        .flatten();
    let functions = bare_names.as_ref().and_then(|names| {
        let mut found = Namesakes::default();
        let files = files.iter();
        files.for_each(|file| file.functions(addresses, names, &mut found));
        found.all()
    });
    let sources = files.iter().find_map(|file| file.sources.as_ref());
    NamesOfFile {
        names,
        sources: sources.map(|all| all.iter().map(|file| symbolizer.names.file(file)).collect()),
        bare_names,
        functions,
        is_partial: store.budget.has_refused(),
        lacks_split: files.iter().any(|file| file.lacks_split()),
    }
}

fn functions_at(name: &Symbolized) -> impl Iterator<Item = &str> {
    let frames = match name {
        Symbolized::Named(named) => named.frames(),
        Symbolized::Unknown(_) => &[],
    };
    frames.iter().filter_map(|frame| frame.function.as_deref())
}

/// The code of a function, as far as it is of one source file.
#[derive(PartialEq, Eq, Hash)]
struct CodeOfFile {
    start: LinkAddress,
    declared: Option<u32>,
    file: Option<Text>,
}

/// Names addresses of one file and of its debug file.
struct Symbolizer<'a> {
    files: Vec<&'a DebugInfo<'a>>,
    names: Names,
    codes: HashMap<CodeOfFile, Option<CodeFingerprint>>,
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
        let code = file.code(call, None, None).map(|code| CodeFingerprint {
            has_namesake: file.has_namesake(symbol),
            ..code
        });
        let symbol = self.names.function(symbol.as_bytes());
        let named = Named::from_symbol(symbol, NameSource::SymbolTable);
        Some(named.starting_at(start).made_of(code))
    }

    fn frames(&mut self, file: &DebugInfo<'_>, call: u64) -> Option<Named> {
        let mut iter = file.frames(call)?;
        let (mut frames, mut entries) = (Vec::new(), Vec::new());
        while let Ok(Some(frame)) = iter.next() {
            let function = frame.function.as_ref();
            let location = frame.location.as_ref();
            let own = function.map(|function| self.names.function(function.name.slice()));
            let outer = frame
                .dw_die_offset
                .and_then(|entry| file.enclosing(call, entry));
            let next = Frame {
                function: match (own, outer) {
                    (Some(own), Some(outer)) => {
                        let outer = self.names.function(outer.slice());
                        Some(self.names.shared(&nested(&outer, &own)))
                    }
                    (own, _) => own,
                },
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
        let symbol = file.symbol(call).zip(frames.last_mut());
        let symbol = symbol.and_then(|(symbol, outermost)| self.add_symbol(symbol, outermost));
        let declarations = file.declarations(call, &entries);
        let start = file.function_start(call);
        let code = self.code(file, call, start, frames.last()?, declarations.last());
        let named = Named::new(frames, NameSource::Dwarf)?.with_symbol(symbol);
        let named = named.declared(declarations).starting_at(start);
        Some(named.made_of(code))
    }

    /// Of many calls in one function, its lines are looked at once.
    fn code(
        &mut self,
        file: &DebugInfo<'_>,
        call: u64,
        start: Option<LinkAddress>,
        frame: &Frame,
        declaration: Option<&Declaration>,
    ) -> Option<CodeFingerprint> {
        let declared = declaration.and_then(|declaration| declaration.line);
        let of_file = frame.file.as_deref();
        let key = CodeOfFile {
            start: start?,
            declared,
            file: frame.file.clone(),
        };
        let is_static = declaration.is_some_and(|declaration| !declaration.external);
        let code = self.codes.entry(key);
        *code.or_insert_with(|| {
            let is_twice = |of_file| is_static && file.is_compiled_twice(of_file);
            Some(CodeFingerprint {
                has_namesake: of_file.is_some_and(is_twice),
                ..file.code(call, of_file, declared)?
            })
        })
    }

    /// The symbol table knows the outermost function too: it is all there is where lines come without
    /// functions (assembler), and the fuller name of a C++ function that is `static`, which DWARF gives
    /// without its namespace and parameters. Gives the name that the function is not called by then.
    fn add_symbol(&mut self, symbol: &str, outermost: &mut Frame) -> Option<Text> {
        let fuller = |name: &Text| is_fuller_name(symbol, name);
        let is_fuller = outermost.function.as_ref().is_none_or(fuller);
        if !is_fuller && !symbol.starts_with("_Z") {
            return None;
        }
        let name = self.names.function(without_clone(symbol).as_bytes());
        if is_fuller {
            outermost.function = Some(name);
            return None;
        }
        (outermost.function.as_ref() != Some(&name)).then_some(name)
    }

    fn has_frame_left(&mut self, chain: usize) -> bool {
        if chain >= LONGEST_CHAIN || self.frames_left == 0 {
            return false;
        }
        self.frames_left -= 1;
        true
    }
}

/// A lambda or a nested function, by the name of the function that it stands in.
fn nested(outer: &str, name: &str) -> String {
    shortened(&match name {
        "operator()" => format!("{outer}::{{lambda}}::operator()"),
        _ => format!("{}::{name}", outer.split('(').next().unwrap_or(outer)),
    })
}

/// Whether a mangled symbol is that of the function that DWARF calls `name` alone.
fn is_fuller_name(symbol: &str, name: &str) -> bool {
    let is_bare = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    // A mangled name holds each part of it behind its length: _ZN5fleetL12frame_bufferEv.
    is_bare && symbol.starts_with("_Z") && symbol.contains(&format!("{}{name}", name.len()))
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
    fn lambdas_are_called_after_their_functions() {
        assert_eq!(
            nested("f(int)", "operator()"),
            "f(int)::{lambda}::operator()"
        );
        assert_eq!(nested("f", "make"), "f::make");
    }

    #[test]
    fn a_static_function_of_cxx_has_its_full_name() {
        assert!(is_fuller_name("_ZN5fleetL12frame_bufferEv", "frame_buffer"));
        assert!(!is_fuller_name("_ZN5fleetL12frame_bufferEv", "buffer"));
        assert!(!is_fuller_name(
            "_ZN5fleetL12frame_bufferEv",
            "fleet::frame_buffer()"
        ));
        assert!(!is_fuller_name("frame_buffer", "frame_buffer"));
    }
}
