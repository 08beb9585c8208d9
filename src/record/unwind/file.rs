//! The file that the recorder maps, version 1.
//!
//! ```text
//! header       64 bytes: "MTDUNW1\n", byte order, version, machine, flags, sizes, CRC-32, registers
//! modules      56 bytes each: build id, name, size, image base, where its rows and rules are
//! then, as the modules say: ids and names, u32 addresses, u16 rule numbers, rules of 20 bytes
//! ```
//!
//! Numbers are in the target's byte order; everything begins at a multiple of 4.

use super::machine::Registers;
use super::module::ModuleUnwindTable;
use super::rule::RULE_SIZE;
use crate::elf::Machine;

pub(super) const MAGIC: &[u8; 8] = b"MTDUNW1\n";
const ORDER: u32 = 0x0102_0304;
const VERSION: u16 = 1;
const HEADER: usize = 64;
const ENTRY: usize = 56;
const IS_64: u32 = 1;
const ALL_ROWS: u32 = 2;

/// The whole file. `None` if it had more than 4 GiB.
pub(super) fn encode(
    machine: Machine,
    registers: Registers,
    modules: &[ModuleUnwindTable],
    all_rows: bool,
) -> Option<Vec<u8>> {
    let order = ByteOrder {
        is_little: machine.little_endian,
    };
    let mut data = Vec::new();
    let mut entries = Vec::new();
    let data_start = HEADER + ENTRY * modules.len();
    for module in modules {
        let mut place = |bytes: &[u8]| {
            let at = u32::try_from(data_start + data.len()).ok()?;
            data.extend_from_slice(bytes);
            data.resize(data.len().next_multiple_of(4), 0);
            Some(at)
        };
        let rows = &module.rows;
        let id = module.build_id.as_ref().map_or(&[][..], |id| &id.0);
        let pcs: Vec<u8> = rows.pcs.iter().flat_map(|pc| order.u32(*pc)).collect();
        let rule_of = rows.rule_of.iter().flat_map(|rule| order.u16(*rule));
        let rules = rows.rules.iter().map(|rule| rule.encode(|n| order.u32(n)));
        let rules: Vec<[u8; RULE_SIZE]> = rules.collect();
        let (size, base) = (module.file_size, module.image_base);
        let fields = [
            place(id)?,
            u32::try_from(id.len()).ok()?,
            place(module.name.as_bytes())?,
            u32::try_from(module.name.len()).ok()?,
            size as u32,
            (size >> 32) as u32,
            base as u32,
            (base >> 32) as u32,
            u32::try_from(rows.pcs.len()).ok()?,
            place(&pcs)?,
            place(&rule_of.collect::<Vec<u8>>())?,
            u32::try_from(rows.rules.len()).ok()?,
            place(rules.as_flattened())?,
            0,
        ];
        entries.extend(fields.into_iter().flat_map(|field| order.u32(field)));
    }
    entries.append(&mut data);
    let size = u32::try_from(HEADER + entries.len()).ok()?;
    let flags = if machine.is_64 { IS_64 } else { 0 } | if all_rows { ALL_ROWS } else { 0 };
    let mut file = Vec::with_capacity(HEADER + entries.len());
    file.extend_from_slice(MAGIC);
    file.extend(order.u32(ORDER));
    file.extend(order.u16(VERSION));
    file.extend(order.u16(machine.e_machine));
    for field in [
        flags,
        u32::try_from(modules.len()).ok()?,
        HEADER as u32,
        size,
        crc32fast::hash(&entries),
    ] {
        file.extend(order.u32(field));
    }
    // No register has a number of more than a byte.
    let number = |register: Option<u16>| register.map_or(255, |register| register as u8);
    file.extend([
        number(Some(registers.stack_pointer)),
        number(Some(registers.a)),
        number(registers.b),
        number(Some(registers.return_address)),
    ]);
    file.resize(HEADER, 0);
    file.append(&mut entries);
    Some(file)
}

#[derive(Clone, Copy)]
struct ByteOrder {
    is_little: bool,
}

impl ByteOrder {
    fn u16(self, number: u16) -> [u8; 2] {
        match self.is_little {
            true => number.to_le_bytes(),
            false => number.to_be_bytes(),
        }
    }

    fn u32(self, number: u32) -> [u8; 4] {
        match self.is_little {
            true => number.to_le_bytes(),
            false => number.to_be_bytes(),
        }
    }
}
