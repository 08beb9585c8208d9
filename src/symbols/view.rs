//! Whether numbers of a log fit a module.

use super::call::CallChecker;
use super::module::MappedModule;
use crate::capture::{Mapping, Maps};
use crate::elf::ElfInfo;
use crate::run::LinkAddress;

/// So many callers of a module are looked at: in another build, few of them would fit by chance.
pub(super) const CHECKED: usize = 1000;

/// A module, and its instructions where they can be read.
pub(super) struct ModuleView<'a> {
    module: &'a MappedModule,
    checker: Option<CallChecker<'a>>,
}

impl<'a> ModuleView<'a> {
    pub(super) fn new(module: &'a MappedModule) -> Self {
        let checker = module.elf().and_then(CallChecker::new);
        ModuleView { module, checker }
    }

    /// Whether a number of the log is a run-time address in the module's code, behind a call as far as
    /// that can be read.
    pub(super) fn fits_absolute(&self, maps: Option<&Maps>, number: u64) -> bool {
        // Without maps only a program at a fixed address can tell.
        let Some(maps) = maps else {
            let fixed = self.module.elf().filter(|elf| elf.image_base() > 0);
            return fixed.is_some_and(|elf| self.makes_call(elf, number, number));
        };
        let file = &self.module.mapped_as;
        let in_module = |m: &&Mapping| m.executable && m.file.is_some() && m.file == *file;
        let Some(mapping) = maps.find(number).filter(in_module) else {
            return false;
        };
        let offset = (number - mapping.start).wrapping_add(mapping.offset);
        let Some(elf) = self.module.elf() else {
            return true;
        };
        let address = elf.address_of_offset(offset);
        address.is_some_and(|address| self.makes_call(elf, address, number))
    }

    /// The same if it is counted from the start of the module's lowest mapping.
    pub(super) fn fits_relative(&self, maps: Option<&Maps>, number: u64) -> bool {
        if let Some(elf) = self.module.elf() {
            return self.makes_call(elf, elf.image_base().wrapping_add(number), number);
        }
        let (Some(maps), Some(file)) = (maps, &self.module.mapped_as) else {
            return false;
        };
        let lowest = maps.lowest(file).unwrap_or(0);
        let address = lowest.wrapping_add(number);
        maps.of_file(file).any(|m| m.executable && m.holds(address))
    }

    /// Whether the module makes a call at a place that the number of a caller came to; true where its file
    /// is not known.
    pub(super) fn fits(&self, LinkAddress(address): LinkAddress, number: Option<u64>) -> bool {
        let elf = self.module.elf();
        elf.is_none_or(|elf| self.makes_call(elf, address, number.unwrap_or(0)))
    }

    /// Whether the module has code at a link-time address, behind a call.
    fn makes_call(&self, elf: &ElfInfo, address: u64, number: u64) -> bool {
        let has_mode_bit = elf.machine.has_mode_bit() && number & 1 == 1;
        let address = LinkAddress(if has_mode_bit { address & !1 } else { address });
        let follows_call = |checker: &CallChecker<'_>| checker.follows_call(address, has_mode_bit);
        elf.has_code_at(address.0) && self.checker.as_ref().is_none_or(follows_call)
    }
}
