//! What a function without a name of its own stands in: a lambda, a nested function.
//!
//! ```text
//! DW_TAG_subprogram          setup_users
//!   DW_TAG_structure_type    <lambda()>
//!     DW_TAG_subprogram      operator()
//! ```
//!
//! Compilers that write no linkage name for them leave only the tree to tell one `operator()` from another.

use std::cell::RefCell;
use std::collections::HashMap;

use gimli::{
    AttributeValue, DW_AT_abstract_origin, DW_AT_external, DW_AT_linkage_name, DW_AT_name,
    DW_AT_specification, DW_TAG_subprogram, UnitOffset, UnitRef,
};

use super::budget::Slice;

/// Functions that stand in functions, each with the one that it stands in.
type Nested = HashMap<UnitOffset, UnitOffset>;

/// As in `Declarations`: more hops are a loop.
const MOST_HOPS: usize = 8;

/// Units that were looked through, by where they begin.
#[derive(Debug, Default)]
pub(super) struct Scopes(RefCell<HashMap<Option<usize>, Nested>>);

/// What is said of a function on the way to where it comes from.
struct FunctionOrigin<'a> {
    entry: UnitOffset,
    name: Option<Slice<'a>>,
    linkage_name: Option<Slice<'a>>,
    is_external: bool,
}

impl Scopes {
    /// The symbol or the name of the function that a lambda or a nested function stands in.
    pub(super) fn enclosing<'a>(
        &self,
        unit: UnitRef<'_, Slice<'a>>,
        entry: UnitOffset,
    ) -> Option<Slice<'a>> {
        let own = origin(unit, entry)?;
        let is_lambda = own.name.is_some_and(|name| name.slice() == b"operator()");
        if own.linkage_name.is_some() || (own.is_external && !is_lambda) {
            return None;
        }
        let outer = origin(unit, self.parent(unit, own.entry)?)?;
        outer.linkage_name.or(outer.name)
    }

    fn parent(&self, unit: UnitRef<'_, Slice<'_>>, entry: UnitOffset) -> Option<UnitOffset> {
        let start = unit.header.debug_info_offset().map(|offset| offset.0);
        let mut units = self.0.borrow_mut();
        let nested = units.entry(start).or_insert_with(|| nested(unit));
        nested.get(&entry).copied()
    }
}

/// Follows an entry to the one that it is a copy of, within its unit.
fn origin<'a>(unit: UnitRef<'_, Slice<'a>>, entry: UnitOffset) -> Option<FunctionOrigin<'a>> {
    let mut origin = FunctionOrigin {
        entry,
        name: None,
        linkage_name: None,
        is_external: false,
    };
    for _ in 0..MOST_HOPS {
        let entry = unit.entry(origin.entry).ok()?;
        let text = |name| {
            let value = entry.attr_value(name)?;
            unit.attr_string(value).ok()
        };
        origin.name = origin.name.or_else(|| text(DW_AT_name));
        origin.linkage_name = origin.linkage_name.or_else(|| text(DW_AT_linkage_name));
        origin.is_external |= entry.attr_value(DW_AT_external) == Some(AttributeValue::Flag(true));
        let next = entry.attr_value(DW_AT_abstract_origin);
        match next.or_else(|| entry.attr_value(DW_AT_specification)) {
            Some(AttributeValue::UnitRef(offset)) => origin.entry = offset,
            Some(_) => return None,
            None => return Some(origin),
        }
    }
    None
}

fn nested(unit: UnitRef<'_, Slice<'_>>) -> Nested {
    let mut nested = Nested::new();
    let Ok(mut entries) = unit.entries_raw(None) else {
        return nested;
    };
    // The functions around the next entry, each with its depth.
    let mut around: Vec<(isize, UnitOffset)> = Vec::new();
    while !entries.is_empty() {
        let (depth, offset) = (entries.next_depth(), entries.next_offset());
        let Ok(abbreviation) = entries.read_abbreviation() else {
            break;
        };
        let Some(abbreviation) = abbreviation else {
            continue;
        };
        while around.last().is_some_and(|(outer, _)| *outer >= depth) {
            around.pop();
        }
        if abbreviation.tag() == DW_TAG_subprogram {
            if let Some((_, outer)) = around.last() {
                nested.insert(offset, *outer);
            }
            around.push((depth, offset));
        }
        if entries.skip_attributes(abbreviation.attributes()).is_err() {
            break;
        }
    }
    nested
}
