//! From a link-time address to function, file and line, with the chain of inlined calls.

use std::path::Path;

use super::debug_info::{DebugInfo, Store};
use super::demangle::demangled;
use crate::elf::ElfInfo;
use crate::printable::printable;
use crate::run::{Frame, LinkAddress, NameSource, Named, Symbolized, Text, Unknown};

/// Names for return addresses of one file, in the order given.
pub fn symbolize(
    elf: &ElfInfo,
    debug: Option<&Path>,
    addresses: &[LinkAddress],
) -> Vec<Symbolized> {
    let store = Store::default();
    let separate = debug.and_then(|path| DebugInfo::open(path, &store, addresses));
    let own = DebugInfo::open(&elf.path, &store, addresses);
    let files: Vec<&DebugInfo<'_>> = separate.iter().chain(&own).collect();
    let names = addresses
        .iter()
        .map(|address| symbolize_one(&files, *address));
    names.collect()
}

fn symbolize_one(files: &[&DebugInfo<'_>], address: LinkAddress) -> Symbolized {
    // A return address is the instruction after the call, which can be the next statement's.
    let Some(call) = address.0.checked_sub(1) else {
        return Symbolized::Unknown(Unknown::NoSymbol);
    };
    let by_dwarf = || files.iter().find_map(|file| frames(file, call));
    let by_symbol = || {
        let file = files.iter().find(|file| file.symbol(call).is_some())?;
        let named = Named::from_symbol(&demangled(file.symbol(call)?), NameSource::SymbolTable);
        Some(named.starting_at(file.function_start(call)))
    };
    match by_dwarf().or_else(by_symbol) {
        Some(named) => Symbolized::Named(named),
        None => Symbolized::Unknown(Unknown::NoSymbol),
    }
}

fn frames(file: &DebugInfo<'_>, call: u64) -> Option<Named> {
    let mut iter = file.frames(call)?;
    let (mut frames, mut entries) = (Vec::new(), Vec::new());
    while let Ok(Some(frame)) = iter.next() {
        let function = frame
            .function
            .as_ref()
            .and_then(|name| Some(demangled(&name.raw_name().ok()?).into()));
        let location = frame.location.as_ref();
        entries.push(frame.dw_die_offset);
        frames.push(Frame {
            function,
            file: location
                .and_then(|l| l.file)
                .map(|file| printable(file).into()),
            line: location.and_then(|l| l.line),
            inlined: true,
        });
        if frames.len() >= LONGEST_CHAIN {
            break;
        }
    }
    frames.last_mut()?.inlined = false;
    if frames
        .iter()
        .all(|f| f.function.is_none() && f.line.is_none())
    {
        return None;
    }
    // The symbol table knows the outermost function too: it is all there is where lines come
    // without functions (assembler), and the fuller name of a C++ function that is `static`,
    // which DWARF gives without its namespace and parameters.
    if let (Some(outermost), Some(symbol)) = (frames.last_mut(), file.symbol(call)) {
        let fuller = |name: &Text| is_fuller_name(symbol, name);
        if outermost.function.as_ref().is_none_or(fuller) {
            outermost.function = Some(demangled(without_clone(symbol)).into());
        }
    }
    let named = Named::new(frames, NameSource::Dwarf)?;
    let declarations = file.declarations(call, &entries);
    Some(
        named
            .declared(declarations)
            .starting_at(file.function_start(call)),
    )
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
