//! What sites are called in tables and sentences.

use std::borrow::Borrow;
use std::collections::HashSet;
use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::names::readable;
use crate::diff::{Grouping, Part, Site};
use crate::run::{LinkAddress, ModuleLabel, Role, Symbolized};
use crate::units::bytes;

/// The function of a site, or why it has none.
fn function_text(site: &Site) -> String {
    let function = match site.at.by {
        Grouping::File | Grouping::Module => "-".to_owned(),
        _ => function_of(&site.at.name),
    };
    match site.part() {
        None | Some(Part::Stack(_)) => function,
        Some(Part::Size(size)) => format!("{function}, {}", bytes(*size)),
        Some(Part::OtherSizes) => format!("{function}, other sizes"),
    }
}

/// What a row shows of a site.
#[derive(Debug, PartialEq, Eq, Hash)]
struct ShownNames {
    function: String,
    place: String,
    module: String,
}

/// What several sites show alike: a line that is inlined at two places of one function.
#[derive(Debug, Default)]
pub(super) struct Alike(HashSet<ShownNames>);

impl Alike {
    pub(super) fn of<S: Borrow<Site>>(sites: &[S]) -> Self {
        // Not the texts of all sites, of which there can be a million, but their hashes and places.
        let mut seen: HashTable<(u64, u32)> = HashTable::new();
        let (mut alike, hasher) = (HashSet::new(), DefaultHashBuilder::default());
        for (index, site) in sites.iter().enumerate() {
            let text = shown(site.borrow());
            let hash = hasher.hash_one(&text);
            let is_alike = |&(other, at): &(u64, u32)| {
                other == hash && shown(sites[at as usize].borrow()) == text
            };
            match seen.find(hash, is_alike) {
                Some(_) => drop(alike.insert(text)),
                None => drop(seen.insert_unique(hash, (hash, index as u32), |&(hash, _)| hash)),
            }
        }
        Alike(alike)
    }

    /// The function of a site; where another row would look the same, with the lines it is inlined at:
    /// `xmalloc ← conn_new:12`.
    pub(super) fn function_text(&self, site: &Site) -> String {
        let shown = shown(site);
        let Symbolized::Named(named) = &site.at.name else {
            return shown.function;
        };
        if !self.0.contains(&shown) || matches!(site.at.by, Grouping::File | Grouping::Module) {
            return shown.function;
        }
        let own = named.shown().function.as_deref().unwrap_or("?");
        named.inlined_into().fold(own.to_owned(), |text, caller| {
            let function = caller.function.as_deref().unwrap_or("?");
            let line = caller
                .line
                .map_or_else(|| "?".to_owned(), |line| line.to_string());
            format!("{text} ← {function}:{line}")
        })
    }
}

fn shown(site: &Site) -> ShownNames {
    ShownNames {
        function: function_text(site),
        place: place_text(site),
        module: module_text(site),
    }
}

/// A function, with the ones it is inlined into behind it: `xmalloc ← conn_new`.
pub(super) fn function_of(name: &Symbolized) -> String {
    let named = match name {
        Symbolized::Named(named) => named,
        Symbolized::Unknown(reason) => return format!("? ({reason})"),
    };
    let own = named
        .shown()
        .function
        .as_deref()
        .unwrap_or("? (no function)");
    let callers = named
        .inlined_into()
        .filter_map(|frame| frame.function.as_deref());
    callers.fold(own.to_owned(), |text, caller| format!("{text} ← {caller}"))
}

/// `file:line`, or the best that is known: a link-time address, or the number in the log.
pub(super) fn place_text(site: &Site) -> String {
    let place = |address| place_of(&site.at.name, address, None);
    match (site.at.by, site.at.address()) {
        (Grouping::Module, _) => "-".to_owned(),
        (Grouping::Function | Grouping::File, _) => place(None),
        // Two addresses of one line are two rows.
        (Grouping::Address, Some(address)) if has_line(site) => {
            format!("{} {address}", place(None))
        }
        (_, address) => place_of(&site.at.name, address, site.at.number()),
    }
}

fn has_line(site: &Site) -> bool {
    site.at.frame().is_some_and(|frame| frame.line.is_some())
}

pub(super) fn place_of(
    name: &Symbolized,
    address: Option<LinkAddress>,
    number: Option<u64>,
) -> String {
    if let Symbolized::Named(named) = name
        && let Some(file) = &named.shown().file
    {
        return match named.shown().line {
            Some(line) => format!("{file}:{line}"),
            None => file.to_string(),
        };
    }
    match (address, number) {
        (Some(address), _) => address.to_string(),
        (None, Some(number)) => format!("[{number:#x}]"),
        (None, None) => "-".to_owned(),
    }
}

pub(super) fn module_text(site: &Site) -> String {
    module_of(site.at.module.as_ref())
}

pub(super) fn module_of(module: Option<&ModuleLabel>) -> String {
    module.map_or_else(|| "-".to_owned(), |module| module.name.to_string())
}

/// `session_open (/src/gateway.c:57)`, for a sentence.
pub(super) fn sentence_name(site: &Site, alike: &Alike) -> String {
    let module = match site.at.module.as_ref() {
        Some(module) if module.role != Role::Program => format!(", {}", module.name),
        _ => String::new(),
    };
    match site.at.by {
        Grouping::File => format!("{}{module}", place_text(site)),
        Grouping::Module => module_text(site),
        _ => format!(
            "{} ({}{module})",
            readable(&alike.function_text(site)),
            place_text(site)
        ),
    }
}
