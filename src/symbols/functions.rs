//! Which functions a file has that are namesakes of those that allocate: an overload, or the same one in another scope.

use std::collections::BTreeSet;
use std::hash::BuildHasher;
use std::path::Path;

use gimli::{DW_AT_linkage_name, DW_AT_name, DW_TAG_subprogram, UnitRef};
use hashbrown::{DefaultHashBuilder, HashSet};
use object::SymbolKind;
use object::read::{Object, ObjectSymbol};

use super::budget::Slice;
use super::debug_info::{Store, open_object};
use super::names::Names;
use crate::run::{Text, unscoped_name};
use crate::symbol_name::without_clone;

/// Of more functions in one file, none is told.
const MOST: usize = 1 << 14;

/// Nor if more symbols and entries than these look as if they were of such functions.
const MOST_READ: usize = 1 << 17;

/// No name is as long as to have a length of more.
const MOST_DIGITS: usize = 4;

/// What the C++ library has, which is in nobody's way: its templates have the program's names for arguments.
const LIBRARY: [&str; 5] = ["_ZSt", "_ZNS", "_ZNKS", "_ZN9__gnu_cxx", "_ZNK9__gnu_cxx"];

/// What functions are called without their scopes and parameters.
#[derive(Debug, Default)]
pub(super) struct BareNames(BTreeSet<String>);

impl BareNames {
    /// Of these functions; `None` if there are too many.
    pub(super) fn of(functions: &HashSet<&str>) -> Option<Self> {
        let names = || functions.iter().filter_map(|name| unscoped_name(name));
        (functions.len() <= MOST).then(|| BareNames(names().collect()))
    }

    pub(super) fn add_all(&mut self, others: &BareNames) {
        self.0.extend(others.0.iter().cloned());
    }

    fn has(&self, function: &str) -> bool {
        unscoped_name(function).is_some_and(|name| self.0.contains(&name))
    }

    /// Whether a symbol can be of such a function: C++ puts the length of each part of a name before it.
    fn may_be_in(&self, symbol: &str) -> bool {
        if !symbol.starts_with("_Z") {
            return self.0.contains(symbol);
        }
        if LIBRARY.iter().any(|scope| symbol.starts_with(scope)) {
            return false;
        }
        let mut rest = symbol;
        while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
            let digits = &rest[at..];
            let end = digits.find(|c: char| !c.is_ascii_digit());
            let (number, after) = digits.split_at(end.unwrap_or(digits.len()));
            // The name before can end in a digit: _ZN12_GLOBAL__N_14loadEv.
            let starts = number.len().saturating_sub(MOST_DIGITS)..number.len();
            let mut lengths = starts.filter_map(|start| number[start..].parse().ok());
            if lengths.any(|length: usize| {
                let name = after.get(..length);
                name.is_some_and(|name| self.0.contains(name))
            }) {
                return true;
            }
            rest = after;
        }
        false
    }
}

/// Functions of one file that have such names.
#[derive(Debug, Default)]
pub(super) struct Namesakes {
    functions: BTreeSet<Text>,
    /// Hashes of the symbols that were looked at: a symbol table and the entries of many units name the same ones.
    read: HashSet<u64>,
    hasher: DefaultHashBuilder,
}

impl Namesakes {
    /// Adds the function of a symbol, if it is one of these.
    fn add(&mut self, symbol: &str, names: &BareNames) {
        // Most symbols are of other functions, and have no clones.
        let symbol = match !symbol.starts_with("_Z") && symbol.contains('.') {
            true => without_clone(symbol),
            false => symbol,
        };
        if self.read.len() <= MOST_READ
            && names.may_be_in(symbol)
            && self.read.insert(self.hasher.hash_one(symbol))
        {
            let function = Names::default().function(without_clone(symbol).as_bytes());
            self.functions
                .extend(names.has(&function).then_some(function));
        }
    }

    /// All of them; `None` if they are too many.
    pub(super) fn all(self) -> Option<BTreeSet<Text>> {
        let are_all = self.read.len() <= MOST_READ && self.functions.len() <= MOST;
        are_all.then_some(self.functions)
    }
}

/// The functions of these names that symbols of a file or of its debug file know; `None` where there are no symbols, or too
/// many functions.
pub(super) fn functions_of(
    path: &Path,
    debug: Option<&Path>,
    names: &BareNames,
) -> Option<BTreeSet<Text>> {
    let store = Store::default();
    let (mut found, mut has_symbols) = (Namesakes::default(), false);
    for path in debug.into_iter().chain([path]) {
        let Some((object, _)) = open_object(path, &store) else {
            continue;
        };
        has_symbols |= object.symbols().next().is_some();
        let functions = object
            .symbols()
            .filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.is_definition());
        functions
            .filter_map(|symbol| symbol.name().ok())
            .for_each(|symbol| found.add(symbol, names));
    }
    found.all().filter(|_| has_symbols)
}

/// Adds those that a unit's debug information knows. What is inlined everywhere has no symbol.
pub(super) fn add_functions_of_unit(
    unit: UnitRef<'_, Slice<'_>>,
    names: &BareNames,
    found: &mut Namesakes,
) -> Option<()> {
    let mut entries = unit.entries_raw(None).ok()?;
    while !entries.is_empty() {
        let Some(abbreviation) = entries.read_abbreviation().ok()? else {
            continue;
        };
        if abbreviation.tag() != DW_TAG_subprogram {
            entries.skip_attributes(abbreviation.attributes()).ok()?;
            continue;
        }
        let (mut name, mut linkage_name) = (None, None);
        for attribute in abbreviation.attributes() {
            let attribute = entries.read_attribute(*attribute).ok()?;
            match attribute.name() {
                of if of == DW_AT_name => name = Some(attribute.value()),
                of if of == DW_AT_linkage_name => linkage_name = Some(attribute.value()),
                _ => {}
            }
        }
        let Some(name) = linkage_name.or(name) else {
            continue;
        };
        if let Ok(name) = unit.attr_string(name) {
            found.add(&name.to_string_lossy(), names);
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::{BareNames, Namesakes};

    #[test]
    fn overloads_are_found_by_their_symbols() {
        let names = BareNames::of(&["pool::load(int)"].into()).unwrap();
        let function = |symbol| {
            let mut found = Namesakes::default();
            found.add(symbol, &names);
            found
                .all()
                .unwrap()
                .pop_first()
                .map(|name| name.to_string())
        };
        let found = |name: &str| Some(name.to_owned());
        assert_eq!(function("_Z4loadib"), found("load(int, bool)"));
        assert_eq!(function("_ZN1A4loadEi.isra.0"), found("A::load(int)"));
        assert_eq!(
            function("_ZN12_GLOBAL__N_14loadEv"),
            found("(anonymous namespace)::load()")
        );
        assert_eq!(function("load"), found("load"));
        // As a parameter, or a scope.
        assert_eq!(function("_Z4keep4load"), None);
        assert_eq!(function("_ZN4load4keepEv"), None);
        assert_eq!(function("_Z99999999999999999999load"), None);
        // std::load(int), and std::vector<load>::size().
        assert_eq!(function("_ZSt4loadi"), None);
        assert_eq!(function("_ZNSt6vectorI4loadSaIS0_EE4sizeEv"), None);
    }
}
