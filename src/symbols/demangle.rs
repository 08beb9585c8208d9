//! C++ and Rust symbols as their source has them, within bounds: a symbol of 300 bytes can stand for a
//! name of gigabytes.

use std::fmt::{self, Write};

use crate::printable::shortened;

/// Longer symbols are shown as they are.
const LONGEST_SYMBOL: usize = 4096;

/// So many places at which a name may end are tried.
const MOST_ENDS: usize = 64;

/// A name that would be longer is shown mangled.
const LONGEST_NAME: usize = 16 * 1024;

/// A C++ or Rust symbol as its source has it; any other as it is. Safe to print, and cut if it is long.
pub(super) fn demangled(symbol: &str) -> String {
    let name = match symbol.len() <= LONGEST_SYMBOL {
        true => rust(symbol)
            .or_else(|| cpp(symbol))
            .or_else(|| cpp_name(symbol)),
        false => None,
    };
    shortened(name.as_deref().unwrap_or(symbol))
}

fn rust(symbol: &str) -> Option<String> {
    let name = rustc_demangle::try_demangle(symbol).ok()?;
    let mut out = Bounded::default();
    // Without the hash, which differs between builds.
    write!(out, "{name:#}").ok()?;
    Some(out.0)
}

fn cpp(symbol: &str) -> Option<String> {
    if !symbol.starts_with("_Z") {
        return None;
    }
    match cpp_demangle::Symbol::new(symbol) {
        Ok(name) => text_of(&name),
        Err(_) => cpp_name(symbol),
    }
}

/// The name alone, where what follows it is not understood, as the condition in the return type of GCC's
/// `std::make_shared`: a name that somebody can read, though without parameters.
fn cpp_name(symbol: &str) -> Option<String> {
    // A name ends where a template's arguments do, or a nested name.
    let ends = symbol.match_indices('E').map(|(at, _)| &symbol[..=at]);
    let mut names = ends.take(MOST_ENDS).filter_map(|name| {
        let name = cpp_demangle::Symbol::new(name).ok()?;
        text_of(&name)
    });
    // With some of its parameters it would look as if these were all.
    names
        .next()
        .filter(|name| !name.ends_with(')') || name.ends_with("operator()"))
}

fn text_of(name: &cpp_demangle::Symbol<&str>) -> Option<String> {
    let mut out = Bounded::default();
    let options = cpp_demangle::DemangleOptions::default();
    name.structured_demangle(&mut out, &options).ok()?;
    // Of a pack of no arguments, the comma before it is left.
    Some(out.0.replace(", >", ">"))
}

/// Text that refuses to grow beyond [`LONGEST_NAME`].
#[derive(Default)]
struct Bounded(String);

impl Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.len() + text.len() > LONGEST_NAME {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_are_demangled() {
        assert_eq!(demangled("_Znwm"), "operator new(unsigned long)");
        assert_eq!(demangled("_RNvCs1234_7mycrate3foo"), "mycrate::foo");
        assert_eq!(
            demangled("_ZN4core3fmt5Write9write_fmt17h0123456789abcdefE"),
            "core::fmt::Write::write_fmt"
        );
        assert_eq!(demangled("__strdup"), "__strdup");
    }

    #[test]
    fn a_function_whose_type_is_not_understood_has_its_name() {
        let make_shared = "_ZSt11make_sharedI7SessionJEESt10shared_ptrINSt9enable_ifIXntsrSt8is_arrayIT_E5valueES4_E4typeEEDpOT0_";
        assert_eq!(demangled(make_shared), "std::make_shared<Session>");
        let nested = "_ZN3net11make_sharedISt6vectorIiSaIiEEJEEESt10shared_ptrINSt9enable_ifIXntsrSt8is_arrayIT_E5valueES4_E4typeEEDpOT0_";
        assert_eq!(
            demangled(nested),
            "net::make_shared<std::vector<int, std::allocator<int> >>"
        );
        assert_eq!(demangled("_Znonsense"), "_Znonsense");
    }

    #[test]
    fn a_name_that_doubles_with_every_letter_stays_mangled() {
        // Pair<Pair<…>, Pair<…>>, thirty times nested.
        let mut symbol = "_Z1fP4PairIiiE".to_owned();
        for n in 0..30 {
            symbol.push_str(&format!("S{n:X}_").replace("S0_", "S_"));
        }
        assert_eq!(demangled(&symbol), symbol);
        let huge = format!("_Z{}f", "1".repeat(100_000));
        assert!(demangled(&huge).starts_with("_Z1111"));
    }
}
