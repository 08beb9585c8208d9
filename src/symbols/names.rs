//! Names of functions and files, kept once each, and never longer than a person reads.

use std::sync::Arc;

use hashbrown::{HashMap, HashSet};

use super::demangle::demangled;
use crate::printable::{LONGEST_READ, shortened, shortened_bytes};

/// Names of one file or run. Callers in one function share its name.
#[derive(Debug, Default)]
pub(crate) struct Names {
    texts: HashSet<Arc<str>>,
    /// By where a name lies in its section: what was seen is not read again.
    seen: HashMap<(usize, usize), Arc<str>>,
}

impl Names {
    /// A function by its symbol, demangled; `symbol` lives as long as all of these names.
    pub(crate) fn function(&mut self, symbol: &[u8]) -> Arc<str> {
        self.seen_or(symbol, |symbol| match symbol.len() <= LONGEST_READ {
            true => demangled(&String::from_utf8_lossy(symbol)),
            false => shortened_bytes(symbol),
        })
    }

    /// The path of a source file; it lives as long as all of these names.
    pub(crate) fn file(&mut self, path: &str) -> Arc<str> {
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
    pub(crate) fn shared(&mut self, text: &str) -> Arc<str> {
        let text = self.texts.get_or_insert_with(text, |text| Arc::from(text));
        text.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert!(names.function(&huge).len() < 2000);
    }
}
