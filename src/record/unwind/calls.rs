//! Where calls end: the only places that a return address can point to.
//!
//! Code is not disassembled: whatever has the bits of a call counts as one. One too many costs a row;
//! one too few would cost a stack.

use object::elf;

use crate::elf::Machine;

/// Code and its address from the image base.
#[derive(Debug, Clone, Copy)]
pub(super) struct CodeBytes<'a> {
    pub bytes: &'a [u8],
    pub start: u32,
}

/// The addresses behind all calls, ascending. `None` for code that this cannot tell calls in.
pub(super) fn ends(machine: Machine, sections: &[CodeBytes<'_>]) -> Option<Vec<u32>> {
    let little = machine.little_endian;
    let word = |bytes: &[u8], at: usize| {
        let bytes = bytes.get(at..at + 4)?.try_into().ok()?;
        Some(match little {
            true => u32::from_le_bytes(bytes),
            false => u32::from_be_bytes(bytes),
        })
    };
    let (step, sizes): (usize, Box<CallLengths<'_>>) = match elf::Machine(machine.e_machine) {
        elf::EM_X86_64 | elf::EM_386 => (1, Box::new(|code, at| [x86(code, at, sections), 0])),
        elf::EM_ARM if little => (2, Box::new(|code, at| arm(code.bytes, at))),
        elf::EM_AARCH64 => (
            4,
            Box::new(|code, at| {
                let bytes = code.bytes.get(at..at + 4).and_then(|b| b.try_into().ok());
                [bytes.map_or(0, |b| aarch64(u32::from_le_bytes(b))), 0]
            }),
        ),
        elf::EM_MIPS => (
            4,
            Box::new(|code, at| word(code.bytes, at).map_or([0, 0], mips)),
        ),
        elf::EM_RISCV => (2, Box::new(|code, at| [riscv(code.bytes, at), 0])),
        elf::EM_PPC64 => (
            4,
            Box::new(|code, at| [word(code.bytes, at).map_or(0, power), 0]),
        ),
        _ => return None,
    };
    let mut ends = Vec::new();
    for code in sections {
        for at in (0..code.bytes.len()).step_by(step) {
            let sizes = sizes(code, at).into_iter().filter(|size| *size > 0);
            ends.extend(sizes.filter_map(|size| {
                let end = u32::try_from(at).ok()?.checked_add(size)?;
                code.start.checked_add(end)
            }));
        }
    }
    ends.sort_unstable();
    ends.dedup();
    Some(ends)
}

/// How many bytes the call at an offset has, in each of two ways to read it; 0 for none.
type CallLengths<'a> = dyn Fn(&CodeBytes<'_>, usize) -> [u32; 2] + 'a;

fn x86(code: &CodeBytes<'_>, at: usize, sections: &[CodeBytes<'_>]) -> u32 {
    match code.bytes.get(at..).unwrap_or_default() {
        [0xe8, a, b, c, d, ..] => {
            let end = code.start.wrapping_add(at as u32).wrapping_add(5);
            let target = end.wrapping_add(u32::from_le_bytes([*a, *b, *c, *d]));
            let holds = |code: &CodeBytes<'_>| {
                target >= code.start && ((target - code.start) as usize) < code.bytes.len()
            };
            if sections.iter().any(holds) { 5 } else { 0 }
        }
        // call through a register or memory
        [0xff, modrm, rest @ ..] if (modrm >> 3) & 7 == 2 => {
            let (mode, rm) = (modrm >> 6, modrm & 7);
            let has_sib = mode != 3 && rm == 4;
            let sib_base = rest.first().map_or(0, |sib| sib & 7);
            let displacement = match mode {
                0 if rm == 5 || (has_sib && sib_base == 5) => 4,
                1 => 1,
                2 => 4,
                _ => 0,
            };
            2 + u32::from(has_sib) + displacement
        }
        _ => 0,
    }
}

/// Either instruction set may stand at an address: ARM, or Thumb.
fn arm(bytes: &[u8], at: usize) -> [u32; 2] {
    let half = |at: usize| {
        let bytes = bytes.get(at..at + 2)?.try_into().ok()?;
        Some(u16::from_le_bytes(bytes))
    };
    let Some(low) = half(at) else {
        return [0, 0];
    };
    let high = half(at + 2).unwrap_or(0);
    let word = u32::from(high) << 16 | u32::from(low);
    let is_arm_call = word & 0x0f00_0000 == 0x0b00_0000 // bl
        || word & 0xfe00_0000 == 0xfa00_0000 // blx to an address
        || word & 0x0fff_fff0 == 0x012f_ff30; // blx to a register
    // Before there was blx: mov lr, pc, and a jump.
    let is_old_call = word & 0x0fff_ffff == 0x01a0_e00f;
    let arm = match at.is_multiple_of(4) {
        true if is_arm_call => 4,
        true if is_old_call => 8,
        _ => 0,
    };
    let is_long = low & 0xf800 == 0xf000 && high & 0xc000 == 0xc000;
    let thumb = match low & 0xff87 == 0x4780 {
        true => 2, // blx to a register
        false if is_long => 4,
        false => 0,
    };
    [arm, thumb]
}

fn aarch64(word: u32) -> u32 {
    let is_call = word >> 26 == 0x25 // bl
        || word & 0xffff_fc1f == 0xd63f_0000 // blr
        || word & 0xfeff_f800 == 0xd63f_0800; // blraa and its kin
    if is_call { 4 } else { 0 }
}

/// With a delay slot, which the call returns behind, and without.
fn mips(word: u32) -> [u32; 2] {
    let (operation, rt) = (word >> 26, (word >> 16) & 0x1f);
    let is_call = match operation {
        0 => word & 0x3f == 9,                  // jalr
        1 => (0x10..=0x13).contains(&rt),       // bal and its kin
        3 | 0x1d => true,                       // jal, jalx
        6 | 7 | 8 | 0x18 | 0x3a | 0x3e => true, // release 6: calls without a slot
        _ => false,
    };
    if is_call { [8, 4] } else { [0, 0] }
}

fn riscv(bytes: &[u8], at: usize) -> u32 {
    let half = |at: usize| {
        let bytes = bytes.get(at..at + 2)?.try_into().ok()?;
        Some(u16::from_le_bytes(bytes))
    };
    let Some(low) = half(at) else { return 0 };
    let saves_link = (low >> 7) & 0x1f != 0;
    match low & 0x7f {
        0x6f | 0x67 if saves_link => 4, // jal, jalr
        // c.jalr
        _ if low & 0xf07f == 0x9002 && saves_link => 2,
        _ => 0,
    }
}

/// Branches that set the link register.
fn power(word: u32) -> u32 {
    let is_branch = match word >> 26 {
        16 | 18 => true,
        19 => matches!((word >> 1) & 0x3ff, 16 | 528 | 560),
        _ => false,
    };
    if is_branch && word & 1 == 1 { 4 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends_in(e_machine: elf::Machine, is_64: bool, bytes: &[u8]) -> Vec<u32> {
        let machine = Machine {
            e_machine: e_machine.0,
            is_64,
            little_endian: true,
            hard_float: true,
        };
        let code = CodeBytes {
            bytes,
            start: 0x1000,
        };
        ends(machine, &[code]).unwrap()
    }

    /// Bytes as binutils' assemblers make them.
    #[test]
    fn calls_of_each_instruction_set_are_seen() {
        let words = |words: &[u32]| -> Vec<u8> {
            words.iter().flat_map(|word| word.to_le_bytes()).collect()
        };
        // call to the next instruction; call to where nothing is; call *%rax; call *8(%rsp,%rbx,4);
        // call *0x10(%rip); jmp *%rax
        let x86 = b"\xe8\0\0\0\0\xe8\0\0\0\x70\xff\xd0\xff\x54\x9c\x08\xff\x15\x10\0\0\0\xff\xe0";
        assert_eq!(
            ends_in(elf::EM_X86_64, true, x86),
            [0x1005, 0x100c, 0x1010, 0x1016]
        );
        // bl; b; blx r3
        let arm = words(&[0xeb00_0010, 0xea00_0010, 0xe12f_ff33]);
        assert_eq!(ends_in(elf::EM_ARM, false, &arm), [0x1004, 0x100c]);
        // push {r7, lr}; bl; blx r3; pop {r7, pc}
        let thumb = b"\x80\xb5\xff\xf7\xfe\xff\x98\x47\x80\xbd";
        assert_eq!(ends_in(elf::EM_ARM, false, thumb), [0x1006, 0x1008]);
        // bl; b; blr x0; ret
        let aarch64 = words(&[0x9400_0010, 0x1400_0010, 0xd63f_0000, 0xd65f_03c0]);
        assert_eq!(ends_in(elf::EM_AARCH64, true, &aarch64), [0x1004, 0x100c]);
        // jalr t9; nop; jr ra; nop
        let mips = words(&[0x0320_f809, 0, 0x03e0_0008, 0]);
        assert_eq!(ends_in(elf::EM_MIPS, false, &mips), [0x1004, 0x1008]);
        // jal ra; j; c.jalr a5; c.jr ra
        let riscv = b"\xef\0\0\0\x6f\0\0\0\x82\x97\x82\x80";
        assert_eq!(ends_in(elf::EM_RISCV, true, riscv), [0x1004, 0x100a]);
        // bl; b; bctrl; blr
        let power = words(&[0x4800_0011, 0x4800_0010, 0x4e80_0421, 0x4e80_0020]);
        assert_eq!(ends_in(elf::EM_PPC64, true, &power), [0x1004, 0x100c]);
    }

    #[test]
    fn code_that_is_cut_is_no_panic() {
        for machine in [elf::EM_X86_64, elf::EM_ARM, elf::EM_AARCH64, elf::EM_RISCV] {
            for bytes in [
                &b"\xe8\0"[..],
                b"\xff",
                b"\xff\x14",
                b"\x00\xf0\x00",
                b"\xef",
            ] {
                ends_in(machine, true, bytes);
            }
        }
    }
}
