//! Whether a return address is one: the instruction before it must be a call.
//!
//! That is the evidence that a file is the one that ran, where no build id was recorded: in another
//! build the numbers of the log point into the middle of something else.

use std::fs::File;
use std::os::unix::fs::FileExt;

use object::elf;

use crate::elf::{ElfInfo, Machine};
use crate::run::LinkAddress;

/// The longest call of any machine, in bytes before the return address.
const LONGEST: usize = 8;

/// Reads instructions of one ELF file.
#[derive(Debug)]
pub(super) struct CallChecker<'a> {
    elf: &'a ElfInfo,
    file: File,
}

impl<'a> CallChecker<'a> {
    /// `None` where the file cannot be opened, or its instructions are not known here.
    pub(super) fn new(elf: &'a ElfInfo) -> Option<Self> {
        let file = File::open(&elf.path).ok()?;
        is_known(elf.machine).then_some(CallChecker { elf, file })
    }

    /// Whether a call stands before `address`; `has_mode_bit` is bit 0 of the log's own number.
    /// True where the instructions cannot be read: then nothing speaks against it.
    pub(super) fn follows_call(&self, address: LinkAddress, has_mode_bit: bool) -> bool {
        let mut code = [0; LONGEST];
        let start = address.0.wrapping_sub(LONGEST as u64);
        let segment = self
            .elf
            .segments
            .iter()
            .find(|s| s.executable && s.holds(start));
        let Some(segment) = segment else {
            // Too near to the beginning of the code, or outside: that is another check's affair.
            return true;
        };
        let offset = (start - segment.address).wrapping_add(segment.offset);
        match self.file.read_exact_at(&mut code, offset) {
            Ok(()) => ends_with_call(self.elf.machine, has_mode_bit, code),
            Err(_) => true,
        }
    }
}

fn is_known(machine: Machine) -> bool {
    let known = [
        elf::EM_X86_64,
        elf::EM_386,
        elf::EM_ARM,
        elf::EM_AARCH64,
        elf::EM_MIPS,
    ];
    known.contains(&elf::Machine(machine.e_machine))
}

/// Whether the bytes before a return address end with a call, by each machine's manual.
fn ends_with_call(machine: Machine, has_mode_bit: bool, code: [u8; LONGEST]) -> bool {
    let word = |at: usize| {
        let bytes = [code[at], code[at + 1], code[at + 2], code[at + 3]];
        match machine.little_endian {
            true => u32::from_le_bytes(bytes),
            false => u32::from_be_bytes(bytes),
        }
    };
    let half = |at: usize| {
        let bytes = [code[at], code[at + 1]];
        match machine.little_endian {
            true => u16::from_le_bytes(bytes),
            false => u16::from_be_bytes(bytes),
        }
    };
    match elf::Machine(machine.e_machine) {
        elf::EM_X86_64 | elf::EM_386 => is_x86_call(code),
        // Thumb: BL and BLX are two halfwords, BLX of a register is one.
        elf::EM_ARM if has_mode_bit => {
            let (first, second) = (half(4), half(6));
            (first & 0xf800 == 0xf000 && second & 0xc000 == 0xc000) || second & 0xff87 == 0x4780
        }
        elf::EM_ARM => {
            let word = word(4);
            let is_bl = word & 0x0f00_0000 == 0x0b00_0000;
            let is_blx = word & 0xfe00_0000 == 0xfa00_0000 || word & 0x0fff_fff0 == 0x012f_ff30;
            // Before ARMv5: mov lr, pc and then a jump of any kind.
            is_bl || is_blx || is_mov_lr_pc([code[0], code[1], code[2], code[3]], machine)
        }
        elf::EM_AARCH64 => {
            let word = word(4);
            let is_blr = word & 0xffff_fc1f == 0xd63f_0000 || word & 0xfeff_f800 == 0xd63f_0800;
            word & 0xfc00_0000 == 0x9400_0000 || is_blr
        }
        // The instruction in the delay slot stands between.
        elf::EM_MIPS if !has_mode_bit => {
            let word = word(0);
            let is_jal = matches!(word >> 26, 0x03 | 0x1d | 0x3a);
            let is_jalr = word >> 26 == 0 && word & 0x3f == 0x09;
            let is_bal = word >> 26 == 1 && matches!((word >> 16) & 0x1f, 0x10..=0x13);
            is_jal || is_jalr || is_bal
        }
        _ => true,
    }
}

fn is_mov_lr_pc(bytes: [u8; 4], machine: Machine) -> bool {
    let word = match machine.little_endian {
        true => u32::from_le_bytes(bytes),
        false => u32::from_be_bytes(bytes),
    };
    word == 0xe1a0_e00f
}

/// `e8` with its offset, or `ff /2` with an operand of any length.
fn is_x86_call(code: [u8; LONGEST]) -> bool {
    let end = LONGEST;
    if code[end - 5] == 0xe8 {
        return true;
    }
    (2..=7).any(|length| {
        let (opcode, operand) = (code[end - length], code[end - length + 1]);
        opcode == 0xff
            && (operand >> 3) & 7 == 2
            && length == x86_indirect_length(operand, code, end - length)
    })
}

/// How long `ff` with this operand byte is.
fn x86_indirect_length(operand: u8, code: [u8; LONGEST], at: usize) -> usize {
    let has_sib = operand & 7 == 4 && operand >> 6 != 3;
    let displacement = match (operand >> 6, operand & 7) {
        (0, 5) | (2, _) => 4,
        (0, 4) if code.get(at + 2).is_some_and(|sib| sib & 7 == 5) => 4,
        (1, _) => 1,
        _ => 0,
    };
    2 + usize::from(has_sib) + displacement
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(e_machine: elf::Machine, little_endian: bool) -> Machine {
        Machine {
            e_machine: e_machine.0,
            is_64: false,
            little_endian,
            hard_float: false,
        }
    }

    fn ends(e_machine: elf::Machine, little_endian: bool, mode: bool, code: &[u8]) -> bool {
        let mut bytes = [0; LONGEST];
        bytes[LONGEST - code.len()..].copy_from_slice(code);
        ends_with_call(machine(e_machine, little_endian), mode, bytes)
    }

    #[test]
    fn calls_as_objdump_shows_them() {
        // call rel32; call *%rax; call *0x10(%rbx); call *0x2fe2(%rip); call *(%r12,%rax,8)
        for code in [
            &[0xe8, 0xd0, 0xfe, 0xff, 0xff][..],
            &[0xff, 0xd0],
            &[0xff, 0x53, 0x10],
            &[0xff, 0x15, 0xe2, 0x2f, 0x00, 0x00],
            &[0x41, 0xff, 0x14, 0xc4],
        ] {
            assert!(ends(elf::EM_X86_64, true, false, code), "{code:x?}");
        }
        // mov %rax,(%rsp); add $0x8,%rsp
        for code in [&[0x48, 0x89, 0x04, 0x24][..], &[0x48, 0x83, 0xc4, 0x08]] {
            assert!(!ends(elf::EM_X86_64, true, false, code), "{code:x?}");
        }
        // Thumb: blx malloc@plt; bl f; blx r3. Not: mov r3, r0; str r3, [r7, #12]
        assert!(ends(elf::EM_ARM, true, true, &[0xff, 0xf7, 0xa0, 0xee]));
        assert!(ends(elf::EM_ARM, true, true, &[0xff, 0xf7, 0xa0, 0xff]));
        assert!(ends(elf::EM_ARM, true, true, &[0x98, 0x47]));
        assert!(!ends(elf::EM_ARM, true, true, &[0x03, 0x46, 0xfb, 0x60]));
        // ARM: bl; blx r3. Not: mov r0, r4
        assert!(ends(elf::EM_ARM, true, false, &[0xd0, 0xff, 0xff, 0xeb]));
        assert!(ends(elf::EM_ARM, true, false, &[0x33, 0xff, 0x2f, 0xe1]));
        assert!(!ends(elf::EM_ARM, true, false, &[0x04, 0x00, 0xa0, 0xe1]));
        // AArch64: bl; blr x3. Not: mov x0, x1
        let aarch64 = |code: [u8; 4]| ends(elf::EM_AARCH64, true, false, &code);
        assert!(aarch64([0xd0, 0xff, 0xff, 0x97]));
        assert!(aarch64([0x60, 0x00, 0x3f, 0xd6]));
        assert!(!aarch64([0xe0, 0x03, 0x01, 0xaa]));
        // MIPS, big-endian, each with a nop behind it: jalr t9; bal. Not: addiu
        let mips =
            |[a, b, c, d]: [u8; 4]| ends(elf::EM_MIPS, false, false, &[a, b, c, d, 0, 0, 0, 0]);
        assert!(mips([0x03, 0x20, 0xf8, 0x09]));
        assert!(mips([0x04, 0x11, 0xff, 0xd8]));
        assert!(!mips([0x27, 0xbd, 0xff, 0xd8]));
    }
}
