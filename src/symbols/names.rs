//! Names of functions and files, kept once each, and never longer than a person reads.

use std::sync::Arc;

use hashbrown::{HashMap, HashSet};

use super::demangle::demangled;
use crate::printable::{printable, printable_bytes};

/// A longer name is cut, with a mark that tells it from others of the same beginning: its length and
/// its checksum. Of the C++ programs that were looked at, one name in ten thousand is longer.
pub const LONGEST: usize = 1024;

/// What is left of a name that is cut, beside the mark.
const KEPT: usize = 960;

/// Of a name that is longer than this only both ends are looked at.
const LONGEST_READ: usize = 64 * 1024;

/// Names of one file or run. Callers in one function share its name.
#[derive(Debug, Default)]
pub struct Names {
    texts: HashSet<Arc<str>>,
    /// By where a name lies in its section: what was seen is not read again.
    seen: HashMap<(usize, usize), Arc<str>>,
}

impl Names {
    /// A function by its symbol, demangled; `symbol` lives as long as all of these names.
    pub fn function(&mut self, symbol: &[u8]) -> Arc<str> {
        self.seen_or(symbol, |symbol| match symbol.len() <= LONGEST_READ {
            true => demangled(&String::from_utf8_lossy(symbol)),
            false => cut(&printable_bytes(&symbol[..KEPT]), symbol),
        })
    }

    /// The path of a source file; it lives as long as all of these names.
    pub fn file(&mut self, path: &str) -> Arc<str> {
        self.seen_or(path.as_bytes(), |_| shortened(path))
    }

    fn seen_or(&mut self, bytes: &[u8], text: impl FnOnce(&[u8]) -> String) -> Arc<str> {
        let place = (bytes.as_ptr() as usize, bytes.len());
        if let Some(seen) = self.seen.get(&place) {
            return seen.clone();
        }
        let text = self.shared(&text(bytes));
        self.seen.insert(place, text.clone());
        text
    }

    /// One copy of each text.
    pub fn shared(&mut self, text: &str) -> Arc<str> {
        let text = self.texts.get_or_insert_with(text, |text| Arc::from(text));
        text.clone()
    }
}

/// A name as it can be shown: without control characters, and cut if it is too long.
pub fn shortened(name: &str) -> String {
    let beginning = &name[..boundary(name, LONGEST)];
    match printable(beginning) {
        text if name.len() <= LONGEST && text.len() <= LONGEST => text.into_owned(),
        text => cut(&text, name.as_bytes()),
    }
}

/// The beginning of a name, and what tells it from others.
fn cut(text: &str, name: &[u8]) -> String {
    let mut crc = crc32fast::Hasher::new();
    match name.len() <= LONGEST_READ {
        true => crc.update(name),
        false => {
            crc.update(&name[..LONGEST_READ / 2]);
            crc.update(&name[name.len() - LONGEST_READ / 2..]);
        }
    }
    let (kept, crc) = (&text[..boundary(text, KEPT)], crc.finalize());
    format!("{kept}…[{} bytes, {crc:08x}]", name.len())
}

/// The end of the last whole character within so many bytes.
fn boundary(text: &str, bytes: usize) -> usize {
    let mut ends = (0..=bytes.min(text.len())).rev();
    ends.find(|end| text.is_char_boundary(*end)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_is_cut_and_still_differs_from_others() {
        let long = |end: &str| shortened(&format!("f<{}{end}", "x".repeat(100_000)));
        let (a, b) = (long("a>"), long("b>"));
        assert_ne!(a, b);
        assert_eq!(a, long("a>"));
        assert!(a.starts_with("f<xxx") && a.contains("…[100004 bytes, "));
        assert!(a.len() <= LONGEST && b.len() <= LONGEST);
        let fits = "y".repeat(LONGEST);
        assert_eq!(shortened(&fits), fits);
        // Escapes are longer than what they stand for, and no character is cut in two.
        for odd in ["\u{1b}".repeat(LONGEST), "€".repeat(LONGEST)] {
            assert!(shortened(&odd).len() <= LONGEST);
        }
    }

    #[test]
    fn equal_names_are_one_text() {
        let mut names = Names::default();
        let (one, other) = ("_Znwm".to_owned(), "_Znwm".to_owned());
        let first = names.function(one.as_bytes());
        assert_eq!(&*first, "operator new(unsigned long)");
        for again in [&one, &other] {
            assert!(Arc::ptr_eq(&first, &names.function(again.as_bytes())));
        }
        // A name that is not UTF-8, and one of many megabytes.
        assert_eq!(&*names.function(b"caf\xe9"), "caf\u{fffd}");
        let huge = vec![b'z'; 5_000_000];
        assert!(names.function(&huge).len() <= LONGEST);
    }
}
