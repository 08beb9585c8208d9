//! Which pages an [`AddressTable`](super::table::AddressTable) has, and where.

use std::hash::{BuildHasher, RandomState};

/// Addresses that differ in so many of their lowest bits only are kept in one table, and share an entry of its directory.
pub(super) const SHARD_BITS: u32 = 14;

pub(super) const SLOTS_OF_PAGE: usize = 256;

/// Addresses that differ in their low bits have pages of their own, so that no two share a slot.
#[inline]
pub(super) fn page_of(address: u64) -> u64 {
    (address >> 12 << 4) | (address & 15)
}

#[inline]
pub(super) fn slot_of(address: u64) -> usize {
    (address >> 4) as usize & (SLOTS_OF_PAGE - 1)
}

pub(super) fn address_of(page: u64, slot: usize) -> u64 {
    (page >> 4 << 12) | (slot as u64) << 4 | (page & 15)
}

/// Where in a table's slots each page begins: open addressing, at most half full.
///
/// Pages that are neighbours share an entry, so that what is looked up for each record stays in the cache next to a core.
#[derive(Debug)]
pub(super) struct Directory {
    entries: Vec<Region>,
    /// By how much a hash is shifted to be an index.
    shift: u32,
    regions: usize,
    /// Odd, and another one in each process: no log can be made whose pages all meet at one entry.
    multiplier: u64,
}

/// Some pages that are neighbours in the heap.
#[derive(Debug, Clone, Copy, Default)]
struct Region {
    /// Its number plus 1; 0 in an entry that is free.
    number: u64,
    /// How many pages there are up to each one, and 0 where it is none.
    pages: [u32; PAGES_OF_REGION],
}

const PAGES_OF_REGION: usize = 1 << (SHARD_BITS - 12);

/// The number of a page's region plus 1, and which page of it it is.
#[inline(always)]
fn region_of(page: u64) -> (u64, usize) {
    let bits = SHARD_BITS - 12;
    let number = (page >> 4 >> bits << 4) | (page & 15);
    (number + 1, (page >> 4) as usize & (PAGES_OF_REGION - 1))
}

impl Default for Directory {
    fn default() -> Self {
        Directory {
            entries: vec![Region::default(); 16],
            shift: 64 - 4,
            regions: 0,
            multiplier: RandomState::new().hash_one(0) | 1,
        }
    }
}

impl Directory {
    /// The entry of a region, or the one that it would have.
    #[inline(always)]
    fn find(&self, number: u64) -> usize {
        let mut at = (number.wrapping_mul(self.multiplier) >> self.shift) as usize;
        loop {
            match self.entries.get(at) {
                Some(region) if region.number == number || region.number == 0 => return at,
                Some(_) => at += 1,
                None => at = 0,
            }
        }
    }

    #[inline(always)]
    pub(super) fn get(&self, page: u64) -> Option<usize> {
        let (number, index) = region_of(page);
        let up_to = self.entries[self.find(number)].pages[index];
        Some((up_to.checked_sub(1)?) as usize * SLOTS_OF_PAGE)
    }

    /// A page that begins at this slot.
    pub(super) fn insert(&mut self, page: u64, start: usize) {
        let (number, index) = region_of(page);
        let mut at = self.find(number);
        if self.entries[at].number == 0 {
            if self.regions >= self.entries.len() / 2 {
                self.grow();
                at = self.find(number);
            }
            self.entries[at].number = number;
            self.regions += 1;
        }
        self.entries[at].pages[index] = (start / SLOTS_OF_PAGE) as u32 + 1;
    }

    fn grow(&mut self) {
        let entries = vec![Region::default(); self.entries.len() * 2];
        self.shift -= 1;
        for region in std::mem::replace(&mut self.entries, entries) {
            if region.number > 0 {
                let at = self.find(region.number);
                self.entries[at] = region;
            }
        }
    }

    /// Every page's number, and the slot at which it begins.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, usize)> + '_ {
        let used = self.entries.iter().filter(|region| region.number > 0);
        used.flat_map(|region| {
            let number = region.number - 1;
            let pages = (0..).zip(region.pages).filter(|(_, up_to)| *up_to > 0);
            pages.map(move |(index, up_to)| {
                let first = number >> 4 << (SHARD_BITS - 12);
                let page = (first | index) << 4 | (number & 15);
                (page, (up_to as usize - 1) * SLOTS_OF_PAGE)
            })
        })
    }
}
