//! Which modules are loaded where, while a recording goes on.

use hashbrown::HashMap;

use super::outcome::LoadedModule;

const MOST_MODULES: usize = 1 << 17;

/// A module that is mapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Mapped {
    start: u64,
    end: u64,
    /// Index into the modules.
    index: u32,
}

/// All modules that were loaded, and where those are that still are.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    pub modules: Vec<LoadedModule>,
    /// Indexes of those that are loaded, by the recorder's number.
    by_number: HashMap<u32, u32>,
    /// Ascending.
    mapped: Vec<Mapped>,
}

impl Loaded {
    pub(super) fn load(&mut self, number: u32, module: LoadedModule) {
        if self.modules.len() < MOST_MODULES {
            self.modules.push(module);
            self.by_number.insert(number, self.modules.len() as u32 - 1);
            self.map();
        }
    }

    pub(super) fn unload(&mut self, number: u32) {
        self.by_number.remove(&number);
        self.map();
    }

    fn map(&mut self) {
        let loaded = self.by_number.values().map(|index| {
            let module = &self.modules[*index as usize];
            Mapped {
                start: module.start,
                end: module.start.saturating_add(module.size),
                index: *index,
            }
        });
        self.mapped = loaded.collect();
        self.mapped.sort_unstable();
    }

    /// The module that a call is in which returns to an address; modules do not overlap.
    pub(super) fn index_at(&self, pc: u64) -> Option<u32> {
        // The call is before its return address, which can be the next module's first byte.
        let call = pc.checked_sub(1)?;
        let after = self.mapped.partition_point(|mapped| mapped.start <= call);
        let mapped = self.mapped.get(after.checked_sub(1)?)?;
        (call < mapped.end).then_some(mapped.index)
    }
}
