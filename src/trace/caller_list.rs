//! The callers of a log, each once and taken apart.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::block::CallerId;
use super::line::{LogCaller, LogSymbol};

/// Callers by [`CallerId`]. A file is kept once, however many callers are in it.
#[derive(Debug, Default)]
pub struct Callers {
    entries: Vec<Entry>,
    files: BTreeSet<Arc<[u8]>>,
}

#[derive(Debug)]
struct Entry {
    file: Option<Arc<[u8]>>,
    symbol: Option<Box<[u8]>>,
    offset_has_0x: bool,
    address: Option<u64>,
}

impl Callers {
    pub fn add(&mut self, caller: LogCaller<'_>) -> CallerId {
        let entry = Entry {
            file: caller.file.map(|file| self.file(file)),
            symbol: caller.symbol.map(|symbol| symbol.name.into()),
            offset_has_0x: caller.symbol.is_some_and(|symbol| symbol.offset_has_0x),
            address: caller.address,
        };
        self.entries.push(entry);
        CallerId(self.entries.len() as u32 - 1)
    }

    fn file(&mut self, file: &[u8]) -> Arc<[u8]> {
        if let Some(known) = self.files.get(file) {
            return known.clone();
        }
        let new: Arc<[u8]> = file.into();
        self.files.insert(new.clone());
        new
    }

    pub fn get(&self, id: CallerId) -> LogCaller<'_> {
        self.entries[id.0 as usize].parts()
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = LogCaller<'_>> + '_ {
        self.entries.iter().map(Entry::parts)
    }

    /// The files that callers name, each once, in order of their names.
    pub fn files(&self) -> impl Iterator<Item = &[u8]> + '_ {
        self.files.iter().map(|file| &**file)
    }
}

impl Entry {
    fn parts(&self) -> LogCaller<'_> {
        LogCaller {
            file: self.file.as_deref(),
            symbol: self.symbol.as_deref().map(|name| LogSymbol {
                name,
                offset_has_0x: self.offset_has_0x,
            }),
            address: self.address,
        }
    }
}
