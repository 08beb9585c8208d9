//! Addresses that were freed, in little memory: to tell a block that is freed twice from one that is older
//! than the log.

use hashbrown::HashMap;

/// The slots of a page, a bit each.
pub(super) type Marks = [u64; 4];

/// Marks of pages on which nothing is live any more.
///
/// 4 KiB of the heap take some 48 bytes here, where they take 2 KiB as a page of the table. Of a program that
/// frees all over its memory even that is too much one day: then all marks are given up at once, and from there on
/// nobody claims to know what was freed before.
#[derive(Debug, Default)]
pub(super) struct FreedPages {
    pages: HashMap<u64, Marks>,
    has_forgotten: bool,
}

/// A page's number and bits, with the load of the table.
const OF_A_PAGE: usize = 48;

/// So much is kept in any case: 4 MiB over all shards, for 350 MB of a heap.
const AT_LEAST: usize = 1 << 18;

/// And so much for each live block.
const FOR_A_BLOCK: usize = 8;

impl FreedPages {
    /// Takes the marks of a page, to be kept elsewhere.
    pub(super) fn take(&mut self, page: u64) -> Option<Marks> {
        self.pages.remove(&page)
    }

    /// Marks a slot; true if it was marked before.
    pub(super) fn mark(&mut self, page: u64, slot: usize) -> bool {
        let marks = self.pages.entry(page).or_default();
        let (word, bit) = (slot / 64, 1 << (slot % 64));
        let before = marks[word] & bit != 0;
        marks[word] |= bit;
        before
    }

    /// Takes a mark away; true if there was one.
    pub(super) fn unmark(&mut self, page: u64, slot: usize) -> bool {
        let Some(marks) = self.pages.get_mut(&page) else {
            return false;
        };
        let (word, bit) = (slot / 64, 1 << (slot % 64));
        let before = marks[word] & bit != 0;
        marks[word] &= !bit;
        before
    }

    /// Adds the marks of a page that is no longer kept elsewhere.
    pub(super) fn add(&mut self, page: u64, marks: Marks) {
        if marks != Marks::default() {
            self.pages.insert(page, marks);
        }
    }

    /// Whether something that was freed is not known any more.
    pub(super) fn has_forgotten(&self) -> bool {
        self.has_forgotten
    }

    /// Sees to it that so many live blocks carry what is kept here.
    pub(super) fn keep_within(&mut self, live: usize) {
        if self.pages.len() * OF_A_PAGE > AT_LEAST + live * FOR_A_BLOCK {
            self.pages = HashMap::new();
            self.has_forgotten = true;
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        let words = self.pages.values().flatten();
        words.map(|word| word.count_ones() as usize).sum()
    }
}
