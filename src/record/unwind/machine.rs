//! Which registers a stack is unwound with, by their DWARF numbers.

use object::elf;

use super::rule::Base;
use crate::elf::Machine;

/// The registers of one instruction set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Registers {
    pub stack_pointer: u16,
    pub a: u16,
    pub b: Option<u16>,
    /// The column of the return address.
    pub return_address: u16,
    /// Whether a call leaves the return address in a register.
    pub links: bool,
}

impl Registers {
    /// `None` for an instruction set that there are no tables for.
    pub(super) fn of(machine: Machine) -> Option<Self> {
        let (stack_pointer, a, b, return_address) = match elf::Machine(machine.e_machine) {
            elf::EM_X86_64 => (7, 6, None, 16),
            elf::EM_386 => (4, 5, None, 8),
            // Thumb code has its frame pointer in r7, ARM code in r11.
            elf::EM_ARM => (13, 7, Some(11), 14),
            elf::EM_AARCH64 => (31, 29, None, 30),
            elf::EM_MIPS => (29, 30, None, 31),
            elf::EM_RISCV => (2, 8, None, 1),
            elf::EM_PPC64 => (1, 31, None, 65),
            _ => return None,
        };
        let links = !matches!(
            elf::Machine(machine.e_machine),
            elf::EM_X86_64 | elf::EM_386
        );
        Some(Registers {
            stack_pointer,
            a,
            b,
            return_address,
            links,
        })
    }

    /// What a register can be counted from in a rule.
    pub(super) fn base(&self, register: u16) -> Option<Base> {
        match register {
            r if r == self.stack_pointer => Some(Base::StackPointer),
            r if r == self.a => Some(Base::A),
            r if Some(r) == self.b => Some(Base::B),
            _ => None,
        }
    }
}
