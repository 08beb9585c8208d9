//! Blocks by address, laid out so that neighbours in the heap are neighbours here.

use std::hint::black_box;

use hashbrown::HashMap;

use super::block::{Block, CallerId, Stretch};
use super::directory::{Directory, SLOTS_OF_PAGE, address_of, page_of, slot_of};
use super::freed::{FreedPages, Marks};

/// What an address held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Held {
    /// Nothing, or nothing that is remembered.
    Nothing,
    /// A block that was freed.
    Mark,
    Live(Block),
}

/// A map from addresses to blocks, and to marks of freed ones.
///
/// What a program allocates and frees lies close together for a while, but a hash of the address
/// throws it all over the memory, and nearly every record waits for it. So 4 KiB of the heap have a
/// page of 256 slots of 8 bytes, one for each 16 bytes: malloc makes no smaller blocks. Only pages
/// are looked up by a hash. Where blocks are large, few are in a page, and it would take more memory
/// than it saves time: there are only as many pages as [`FOR_A_BLOCK`] allows, and the blocks of all other
/// regions are looked up one by one. Marks cost nothing on a page; where a page would have nothing but marks, they are
/// stowed away in [`FreedPages`].
#[derive(Debug, Default)]
pub(crate) struct AddressTable {
    directory: Directory,
    /// All pages, one after the other.
    slots: Vec<Slot>,
    /// Blocks of regions without a page.
    alone: HashMap<u64, Slot>,
    /// Sizes that do not fit into a slot.
    large: HashMap<u64, u64>,
    /// Marks of regions without a page.
    freed: FreedPages,
    live: usize,
    /// Blocks that were freed since marks were last stowed away.
    freed_since: usize,
    /// How often stretches have become twice as long.
    doublings: u32,
}

/// So many blocks are freed at least before marks are stowed away.
const AT_ONCE: usize = 4096;

/// Memory of pages and single slots together, for each live block.
const FOR_A_BLOCK: usize = 48;

/// So much memory for pages is free in any case: 8 MiB over all shards.
const AT_LEAST: usize = 1 << 19;

/// A slot that stands alone takes 16 bytes and one of control, at a load of 7/16 or more.
const ALONE: usize = 39;

/// Where the slot of an address is, until the table is tidied up; of those without a page, nowhere.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place(usize);

impl Place {
    pub(crate) const NOWHERE: Place = Place(usize::MAX);
}

/// A block, a mark or nothing, in 8 bytes: the caller's number plus 2 in the upper half, the stretch in which the block
/// was born in the 8 bits below, how often stretches had become twice as long by then in 6 bits, and its size in the rest.
/// So when stretches become longer, no slot has to be touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Slot(u64);

impl Slot {
    const NOTHING: Slot = Slot(0);
    const MARK: Slot = Slot(1 << 32);
    /// Bits of a size.
    const SIZE: u32 = 18;
    /// Bits of how often stretches had become longer: as often as a `u64` can be halved.
    const DOUBLINGS: u32 = 6;
    const BORN: u32 = Slot::SIZE + Slot::DOUBLINGS;
    /// Stands for a size that is in [`AddressTable::large`].
    const LARGE: u64 = (1 << Slot::SIZE) - 1;

    #[inline]
    fn new(block: Block, doublings: u32) -> Self {
        let born = u64::from(block.born) << Slot::BORN | u64::from(doublings) << Slot::SIZE;
        Slot((u64::from(block.caller.0) + 2) << 32 | born | block.size.min(Slot::LARGE))
    }

    #[inline]
    fn is_live(self) -> bool {
        self.0 > Slot::MARK.0
    }

    #[inline]
    fn is_large(self) -> bool {
        self.0 & Slot::LARGE == Slot::LARGE
    }

    /// In stretches as long as they are now.
    #[inline]
    fn born(self, doublings: u32) -> Stretch {
        let then = (self.0 >> Slot::SIZE) as u32 & ((1 << Slot::DOUBLINGS) - 1);
        let born = (self.0 >> Slot::BORN) as Stretch;
        born.checked_shr(doublings - then).unwrap_or(0)
    }
}

impl AddressTable {
    /// Where the slot of an address is now, for what is done there next.
    ///
    /// It reads the slot, so that it comes from memory to the core. Of several addresses that are looked up first and
    /// changed afterwards, the core waits for all slots at the same time, and not for one after the other.
    #[inline(always)]
    pub(crate) fn place(&self, address: u64) -> Place {
        let page = self.directory.get(page_of(address));
        let place = page.map_or(Place::NOWHERE, |page| Place(page + slot_of(address)));
        black_box(self.slots.get(place.0).copied());
        place
    }

    /// Puts a block at an address, and says what it held before.
    #[inline(always)]
    pub(crate) fn put(&mut self, address: u64, block: Block) -> Held {
        self.put_at(self.place(address), address, block)
    }

    /// The same, at a place that was looked up after the last [`tidy`](Self::tidy).
    #[inline(always)]
    pub(crate) fn put_at(&mut self, place: Place, address: u64, block: Block) -> Held {
        let slot = Slot::new(block, self.doublings);
        let before = self.replace(place, address, slot);
        self.live += usize::from(!before.is_live());
        let held = self.held(address, before);
        if slot.is_large() {
            self.large.insert(address, block.size);
        }
        held
    }

    /// Leaves a mark at an address, and says what it held before.
    #[inline(always)]
    pub(crate) fn free(&mut self, address: u64) -> Held {
        self.free_at(self.place(address), address)
    }

    /// The same, at a place that was looked up after the last [`tidy`](Self::tidy).
    #[inline(always)]
    pub(crate) fn free_at(&mut self, place: Place, address: u64) -> Held {
        let before = self.replace(place, address, Slot::MARK);
        let held = self.held(address, before);
        if before.is_large() {
            self.large.remove(&address);
        }
        self.live -= usize::from(before.is_live());
        self.freed_since += 1;
        held
    }

    /// Stows away marks once in a while, when places are no longer needed.
    #[inline]
    pub(crate) fn tidy(&mut self) {
        if self.freed_since > AT_ONCE {
            self.stow_if_it_pays();
        }
    }

    #[inline(always)]
    fn held(&self, address: u64, slot: Slot) -> Held {
        match slot {
            Slot::NOTHING => Held::Nothing,
            Slot::MARK => Held::Mark,
            slot => Held::Live(self.block(address, slot)),
        }
    }

    #[inline(always)]
    fn replace(&mut self, place: Place, address: u64, slot: Slot) -> Slot {
        match self.slots.get_mut(place.0) {
            Some(found) => std::mem::replace(found, slot),
            None => self.replace_off_page(address, slot),
        }
    }

    #[cold]
    #[inline(never)]
    fn replace_off_page(&mut self, address: u64, slot: Slot) -> Slot {
        let (page, index) = (page_of(address), slot_of(address));
        // The page can have come since the place was looked up.
        if let Some(start) = self.directory.get(page) {
            return std::mem::replace(&mut self.slots[start + index], slot);
        }
        let was = |is_marked: bool| if is_marked { Slot::MARK } else { Slot::NOTHING };
        if slot == Slot::MARK {
            let before = self.alone.remove(&address);
            let is_marked = self.freed.mark(page, index);
            self.freed.keep_within(self.live);
            return before.unwrap_or(was(is_marked));
        }
        if self.taken() <= self.allowed() {
            self.make_page(page);
            return self.replace_off_page(address, slot);
        }
        let is_marked = self.freed.unmark(page, index);
        self.alone.insert(address, slot).unwrap_or(was(is_marked))
    }

    /// Memory for pages, with one more, and for slots that stand alone.
    fn taken(&self) -> usize {
        let pages = (self.slots.len() + SLOTS_OF_PAGE) * size_of::<Slot>();
        pages + self.alone.len() * ALONE
    }

    fn allowed(&self) -> usize {
        AT_LEAST + self.live * FOR_A_BLOCK
    }

    fn make_page(&mut self, number: u64) {
        let start = self.slots.len();
        self.slots.resize(start + SLOTS_OF_PAGE, Slot::NOTHING);
        let marks = self.freed.take(number).unwrap_or_default();
        for (index, slot) in self.slots[start..].iter_mut().enumerate() {
            if marks[index / 64] & (1 << (index % 64)) != 0 {
                *slot = Slot::MARK;
            }
        }
        if !self.alone.is_empty() {
            for (index, slot) in self.slots[start..].iter_mut().enumerate() {
                if let Some(alone) = self.alone.remove(&address_of(number, index)) {
                    *slot = alone;
                }
            }
        }
        self.directory.insert(number, start);
    }

    /// Going through all slots pays for itself if a good part of them was freed since the last time.
    #[cold]
    fn stow_if_it_pays(&mut self) {
        let slots = self.slots.len() + self.alone.len();
        if self.freed_since > AT_ONCE + slots / 4 && self.taken() > self.allowed() {
            self.stow();
        }
    }

    /// Stows away marks that have a page for themselves, and gives back its memory. The other pages move up: a copy of the
    /// table would take as much memory again.
    fn stow(&mut self) {
        let directory = std::mem::take(&mut self.directory);
        let mut pages: Vec<(usize, u64)> = directory
            .iter()
            .map(|(number, start)| (start, number))
            .collect();
        pages.sort_unstable();
        let mut end = 0;
        for (start, number) in pages {
            let page = start..start + SLOTS_OF_PAGE;
            if self.slots[page.clone()].iter().any(|slot| slot.is_live()) {
                self.slots.copy_within(page, end);
                self.directory.insert(number, end);
                end += SLOTS_OF_PAGE;
            } else {
                self.freed.add(number, marks_of(&self.slots[page]));
            }
        }
        self.slots.truncate(end);
        self.slots.shrink_to_fit();
        self.alone.shrink_to_fit();
        self.freed.keep_within(self.live);
        self.freed_since = 0;
    }

    /// Makes stretches 2^`by` times as long.
    pub(crate) fn coarsen(&mut self, by: u32) {
        self.doublings = (self.doublings + by).min((1 << Slot::DOUBLINGS) - 1);
    }

    /// Whether an address that holds nothing can have held a block that was freed.
    pub(crate) fn has_forgotten(&self) -> bool {
        self.freed.has_forgotten()
    }

    /// Live blocks and marks.
    #[cfg(test)]
    pub(crate) fn known(&self) -> usize {
        let marks = self.slots.iter().filter(|slot| **slot == Slot::MARK);
        self.live + marks.count() + self.freed.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, Block)> + '_ {
        let on_pages = self.directory.iter().flat_map(|(number, start)| {
            let page = self.slots[start..start + SLOTS_OF_PAGE].iter().enumerate();
            page.map(move |(index, slot)| (address_of(number, index), *slot))
        });
        let alone = self.alone.iter().map(|(&address, &slot)| (address, slot));
        let all = on_pages.chain(alone);
        all.filter(|(_, slot)| slot.is_live())
            .map(|(address, slot)| (address, self.block(address, slot)))
    }

    /// The live block of a slot.
    #[inline(always)]
    fn block(&self, address: u64, slot: Slot) -> Block {
        let size = match slot.is_large() {
            true => self.large.get(&address).copied().unwrap_or_default(),
            false => slot.0 & Slot::LARGE,
        };
        Block {
            caller: CallerId((slot.0 >> 32) as u32 - 2),
            size,
            born: slot.born(self.doublings),
        }
    }
}

/// Which slots of a page are marks.
fn marks_of(page: &[Slot]) -> Marks {
    let mut marks = Marks::default();
    for (index, slot) in page.iter().enumerate() {
        marks[index / 64] |= u64::from(*slot == Slot::MARK) << (index % 64);
    }
    marks
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn block(size: u64) -> Block {
        Block {
            caller: CallerId(size as u32 % 7),
            size,
            born: size as Stretch,
        }
    }

    proptest! {
        /// The twin: a map in which a freed address has no block.
        #[test]
        fn it_does_what_a_map_does(
            steps in prop::collection::vec((0..3u8, 0..400u64, 0..6u64, any::<u64>()), 0..2000),
        ) {
            let mut table = AddressTable::default();
            let mut twin: BTreeMap<u64, Option<Block>> = BTreeMap::new();
            let held = |known: Option<Option<Block>>| match known {
                None => Held::Nothing,
                Some(None) => Held::Mark,
                Some(Some(block)) => Held::Live(block),
            };
            for (what, near, far, size) in steps {
                // Neighbours, addresses that differ in their low bits, and zero.
                let address = (far << 33) + near * [16, 8, 1][far as usize % 3];
                match what {
                    0 | 1 => {
                        let size = size >> (near % 60);
                        prop_assert_eq!(table.put(address, block(size)), held(twin.insert(address, Some(block(size)))));
                    }
                    _ => prop_assert_eq!(table.free(address), held(twin.insert(address, None))),
                }
                table.tidy();
                if near == 1 && far == 1 {
                    table.stow();
                }
                if near == 2 && far == 2 {
                    table.coarsen(1);
                    twin.values_mut().flatten().for_each(|block| block.born /= 2);
                }
                prop_assert_eq!(table.known(), twin.len());
            }
            let mut left: Vec<(u64, Block)> = table.iter().collect();
            left.sort_unstable_by_key(|(address, _)| *address);
            let expected: Vec<(u64, Block)> = twin.into_iter().filter_map(|(address, block)| Some((address, block?))).collect();
            prop_assert_eq!(table.live, left.len());
            prop_assert_eq!(left, expected);
        }
    }
}
