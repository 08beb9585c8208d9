//! Where the source declares a function: what its lines are counted from when they move.

use std::cell::OnceCell;

use gimli::{
    AttributeValue, DW_AT_abstract_origin, DW_AT_decl_line, DW_AT_external, DW_AT_specification,
    DebugInfoOffset, DwarfFileType, UnitHeader, UnitOffset, UnitRef,
};

use super::budget::Slice;
use crate::run::Declaration;

/// An inlined call leads to its function, and that to its class: more hops are a loop.
const MOST_HOPS: usize = 8;

/// Reads declarations of one file.
#[derive(Debug, Default)]
pub(super) struct Declarations<'a> {
    /// In the order of the section; filled by the first entry that refers to another unit.
    headers: OnceCell<Vec<UnitHeader<Slice<'a>>>>,
}

impl<'a> Declarations<'a> {
    /// Of the function that an entry of a unit is, or is a copy of.
    pub(super) fn of(&self, unit: UnitRef<'_, Slice<'a>>, entry: UnitOffset) -> Declaration {
        let mut found = Declaration::default();
        self.collect(unit, entry, MOST_HOPS, &mut found);
        found
    }

    /// Follows an entry to where it comes from; what is said first holds, as a definition outside
    /// of its class has a line of its own.
    fn collect(
        &self,
        unit: UnitRef<'_, Slice<'a>>,
        entry: UnitOffset,
        hops: usize,
        found: &mut Declaration,
    ) -> Option<()> {
        let left = hops.checked_sub(1)?;
        let entry = unit.entry(entry).ok()?;
        let line = || entry.attr_value(DW_AT_decl_line)?.udata_value();
        let line = || line().and_then(|line| u32::try_from(line).ok());
        found.line = found.line.or_else(line).filter(|line| *line > 0);
        found.external |= entry.attr_value(DW_AT_external) == Some(AttributeValue::Flag(true));
        let origin = entry.attr_value(DW_AT_abstract_origin);
        match origin.or_else(|| entry.attr_value(DW_AT_specification))? {
            AttributeValue::UnitRef(offset) => self.collect(unit, offset, left, found),
            AttributeValue::DebugInfoRef(offset) => {
                // Optimisation at link time: the function is described where it was compiled.
                let header = self.header_at(unit, offset)?;
                let other = unit.dwarf.unit(header).ok()?;
                let offset = offset.to_unit_offset(&other.header)?;
                self.collect(UnitRef::new(unit.dwarf, &other), offset, left, found)
            }
            _ => None,
        }
    }

    fn header_at(
        &self,
        unit: UnitRef<'_, Slice<'a>>,
        offset: DebugInfoOffset,
    ) -> Option<UnitHeader<Slice<'a>>> {
        if unit.dwarf.file_type != DwarfFileType::Main {
            return None;
        }
        let headers = self.headers.get_or_init(|| {
            let mut headers = Vec::new();
            let mut iter = unit.dwarf.units();
            while let Ok(Some(header)) = iter.next() {
                headers.push(header);
            }
            headers
        });
        let start = |header: &UnitHeader<Slice<'a>>| header.debug_info_offset();
        let behind = headers.partition_point(|header| start(header).is_some_and(|at| at <= offset));
        headers.get(behind.checked_sub(1)?).copied()
    }
}
