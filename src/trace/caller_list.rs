//! The callers of a log, each once and taken apart.

use hashbrown::HashMap;

use super::block::CallerId;
use super::line::{Caller, LogSymbol};

/// Callers by [`CallerId`]. A file is kept once, however many callers are in it.
#[derive(Debug, Default)]
pub struct Callers {
    entries: Vec<Entry>,
    files: Vec<Box<[u8]>>,
    index: HashMap<Vec<u8>, u32>,
    /// The names of symbols, one after the other.
    symbols: Vec<u8>,
}

#[derive(Debug)]
struct Entry {
    /// Index into the files.
    file: Option<u32>,
    symbol: Option<Symbol>,
    address: Option<u64>,
}

/// Where the name of a symbol stands, and how its offset is written.
#[derive(Debug)]
struct Symbol {
    start: usize,
    length: u32,
    offset_has_0x: bool,
}

impl Callers {
    pub fn add(&mut self, caller: Caller<'_>) -> CallerId {
        let symbol = caller.symbol.map(|symbol| {
            let start = self.symbols.len();
            self.symbols.extend_from_slice(symbol.name);
            Symbol {
                start,
                length: symbol.name.len() as u32,
                offset_has_0x: symbol.offset_has_0x,
            }
        });
        let entry = Entry {
            file: caller.file.map(|file| self.file(file)),
            symbol,
            address: caller.address,
        };
        self.entries.push(entry);
        CallerId(self.entries.len() as u32 - 1)
    }

    fn file(&mut self, file: &[u8]) -> u32 {
        *self.index.entry_ref(file).or_insert_with(|| {
            self.files.push(file.into());
            self.files.len() as u32 - 1
        })
    }

    pub fn get(&self, id: CallerId) -> Caller<'_> {
        self.parts(&self.entries[id.0 as usize])
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = Caller<'_>> + '_ {
        self.entries.iter().map(|entry| self.parts(entry))
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The files that callers name, each once.
    pub fn files(&self) -> impl Iterator<Item = &[u8]> + '_ {
        self.files.iter().map(|file| &**file)
    }

    fn parts(&self, entry: &Entry) -> Caller<'_> {
        let name = |symbol: &Symbol| &self.symbols[symbol.start..][..symbol.length as usize];
        Caller {
            file: entry.file.map(|file| &*self.files[file as usize]),
            symbol: entry.symbol.as_ref().map(|symbol| LogSymbol {
                name: name(symbol),
                offset_has_0x: symbol.offset_has_0x,
            }),
            address: entry.address,
        }
    }
}

impl<'a> FromIterator<Caller<'a>> for Callers {
    fn from_iter<T: IntoIterator<Item = Caller<'a>>>(callers: T) -> Self {
        let mut all = Callers::default();
        for caller in callers {
            all.add(caller);
        }
        all
    }
}
