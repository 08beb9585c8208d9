//! What a log calls its callers, each text once.

use std::borrow::Cow;
use std::hash::{BuildHasher, DefaultHasher, Hasher};

use hashbrown::{DefaultHashBuilder, HashTable};

/// Of a caller that is spelled with more bytes than this, the middle is left out: no path is longer, and few symbols
/// are. What is left tells it from others by its length and a hash of the whole.
pub const LONGEST_CALLER: usize = 4096;

/// What is kept of its beginning, and of its end with the address.
const BEGINNING: usize = 3 * 1024;
const END: usize = 512;

/// A caller as it is kept.
pub fn kept(text: &[u8]) -> Cow<'_, [u8]> {
    match text.len() <= LONGEST_CALLER {
        true => Cow::Borrowed(text),
        false => Cow::Owned(shortened(text)),
    }
}

#[cold]
fn shortened(text: &[u8]) -> Vec<u8> {
    // Of fixed keys, so that it is the same in every run.
    let mut hasher = DefaultHasher::new();
    hasher.write(text);
    let mark = format!("…<{} bytes, {:016x}>…", text.len(), hasher.finish());
    let (beginning, end) = (&text[..BEGINNING], &text[text.len() - END..]);
    [beginning, mark.as_bytes(), end].concat()
}

/// A caller, with half of its text's hash: with many callers, each look at another table is a wait for memory, and so
/// texts are only looked at where the halves are equal.
#[derive(Debug, Clone, Copy)]
struct HashedId {
    half: u32,
    id: u32,
}

/// Texts of callers, numbered in the order in which they came.
#[derive(Debug)]
pub struct Texts {
    /// What a line begins with, `@ caller `, one after the other.
    texts: Vec<u8>,
    /// Where each begins, and where the last one ends.
    bounds: Vec<usize>,
    /// By the hashes of the texts.
    ids: HashTable<HashedId>,
    hasher: DefaultHashBuilder,
}

impl Default for Texts {
    fn default() -> Self {
        Texts {
            texts: Vec::new(),
            bounds: vec![0],
            ids: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
        }
    }
}

impl Texts {
    pub(crate) fn len(&self) -> usize {
        self.bounds.len() - 1
    }

    /// What a line of this caller begins with.
    #[inline]
    pub fn line_start(&self, id: u32) -> Option<&[u8]> {
        let &[start, end] = self.bounds.get(id as usize..)?.first_chunk()?;
        self.texts.get(start..end)
    }

    pub(crate) fn text(&self, id: u32) -> &[u8] {
        let line = self.line_start(id).unwrap_or_default();
        let text = line.strip_prefix(b"@ ");
        text.and_then(|text| text.strip_suffix(b" "))
            .unwrap_or_default()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> + '_ {
        (0..self.len() as u32).map(|id| self.text(id))
    }

    /// The hash by which texts are found here and in those that were emptied for this.
    pub fn hash(&self, text: &[u8]) -> u64 {
        self.hasher.hash_one(text)
    }

    pub(crate) fn find(&self, hash: u64, text: &[u8]) -> Option<u32> {
        let is_it = |at: &HashedId| at.half == hash as u32 && self.text(at.id) == text;
        self.ids.find(hash, is_it).map(|at| at.id)
    }

    pub(crate) fn add(&mut self, hash: u64, text: &[u8]) -> u32 {
        // 2^32 distinct callers would not fit into memory as texts, long before the id wraps.
        let id = self.len() as u32;
        self.texts.extend_from_slice(b"@ ");
        self.texts.extend_from_slice(text);
        self.texts.push(b' ');
        self.bounds.push(self.texts.len());
        let (bounds, texts, hasher) = (&self.bounds, &self.texts, &self.hasher);
        let rehash = |at: &HashedId| {
            let (start, end) = (bounds[at.id as usize], bounds[at.id as usize + 1]);
            hasher.hash_one(&texts[start + 2..end - 1])
        };
        let half = hash as u32;
        let at = HashedId { half, id };
        self.ids.insert_unique(hash, at, rehash);
        id
    }

    /// Forgets all texts, to hold some that are not in `known`.
    pub fn empty_for(&mut self, known: &Texts) {
        self.texts.clear();
        self.bounds.truncate(1);
        self.ids.clear();
        self.hasher = known.hasher.clone();
    }
}

#[cfg(test)]
mod tests {
    use super::super::line::LogCaller;
    use super::*;

    #[test]
    fn each_text_has_one_number() {
        let mut texts = Texts::default();
        for round in 0..2 {
            for n in 0..1000_u32 {
                let text = format!("./app:[{n:#x}]").into_bytes();
                let hash = texts.hash(&text);
                let id = texts.find(hash, &text);
                assert_eq!(id.is_some(), round == 1);
                assert_eq!(id.unwrap_or_else(|| texts.add(hash, &text)), n);
                assert_eq!(texts.text(n), text);
            }
        }
        assert_eq!(texts.len(), 1000);
        assert_eq!(texts.line_start(1000), None);
    }

    #[test]
    fn a_long_caller_is_cut_and_still_differs_from_others() {
        let long = |middle: char| {
            let path = format!("/opt/{}/x.so", middle.to_string().repeat(60_000));
            kept(format!("{path}:(f+0x1)[0x1234]").as_bytes()).into_owned()
        };
        let (a, b) = (long('a'), long('b'));
        assert_ne!(a, b);
        assert_eq!(a, long('a'));
        assert!(a.len() <= LONGEST_CALLER);
        let shown = String::from_utf8(a.clone()).unwrap();
        assert!(shown.contains("…<60026 bytes, "), "{shown}");
        let caller = LogCaller::parse(&a);
        assert_eq!(caller.address, Some(0x1234));
        assert_eq!(caller.symbol.unwrap().name, b"f");
        let fits = vec![b'x'; LONGEST_CALLER];
        assert_eq!(*kept(&fits), fits);
    }

    #[test]
    fn long_callers_that_differ_in_one_byte_are_two() {
        let text = |at: usize| {
            let mut text = vec![b'x'; 10_000];
            text[at] = b'y';
            kept(&text).into_owned()
        };
        assert_ne!(text(5000), text(5001));
    }
}
