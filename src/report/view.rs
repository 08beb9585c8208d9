//! Which sites a table shows, and the text of their rows.

use std::borrow::Borrow;
use std::collections::HashSet;
use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::names::readable;
use super::options::Options;
use super::{Report, Sums};
use crate::diff::{Breach, Change, Column, Grouping, Growth, Hidden, MatchedBy, Part, Site};
use crate::run::{Figures, LinkAddress, ModuleLabel, PassedBy, Role, Symbolized};
use crate::units::bytes;

/// How much of a report a table shows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extent {
    /// At most this many sites.
    pub top: usize,
    /// Every site: those that did not grow, and hidden ones too.
    pub all: bool,
}

/// The sites that are shown, and what became of the others.
pub(super) struct View<'a> {
    pub rows: Vec<Row<'a>>,
    pub others: Others,
    /// Over rows and others.
    pub total: Sums,
    /// Sites left out on purpose, which are in no sum.
    pub hidden: Others,
    pub alike: Alike,
    /// What has to be known of how the table is drawn.
    pub remarks: Vec<String>,
}

/// A site, and its rank among all of the report.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    pub rank: usize,
    pub site: &'a Site,
}

/// Sites that have no row of their own.
#[derive(Debug, Default, Clone)]
pub(super) struct Others {
    pub sites: usize,
    /// How many of them grew.
    pub grown: usize,
    /// How many of them would have a row, were there room.
    pub cut: usize,
    pub sums: Sums,
}

impl Others {
    fn of(columns: &[Column], rows: &[Row<'_>]) -> Self {
        let sites = || rows.iter().map(|row| row.site);
        Others {
            sites: rows.len(),
            grown: sites().filter(|site| site.growth.is_growth()).count(),
            cut: 0,
            sums: Sums::of(columns, sites()),
        }
    }
}

/// In a comparison, a site that grew, or leaks, or may, as it did before; in a single run, one that left something.
fn is_of_interest(site: &Site) -> bool {
    site.growth.is_growth() || site.leak().is_some() || site.may_leak()
}

impl<'a> View<'a> {
    pub(super) fn new(report: &'a Report, extent: Extent) -> Self {
        let columns = &report.columns;
        let sites = report.sites.iter().enumerate();
        let rows = sites.map(|(index, site)| Row {
            rank: index + 1,
            site,
        });
        let is_hidden = |row: &Row<'_>| row.site.at.hidden.is_some();
        // What fails a gate is shown, also if it left no more than before: a steady leak in equal times.
        let is_breach = |row: &Row<'_>| mark(*row, &report.breaches) == "!";
        let is_shown = |row: &Row<'_>| {
            let is_of_interest = is_of_interest(row.site) || is_breach(row);
            extent.all || (!is_hidden(row) && is_of_interest)
        };
        let (mut rows, rest): (Vec<Row<'_>>, Vec<Row<'_>>) = rows.partition(is_shown);
        let (hidden, not_grown): (Vec<Row<'_>>, Vec<Row<'_>>) =
            rest.into_iter().partition(is_hidden);
        let mut others = match extent.all {
            true => Vec::new(),
            false => rows.split_off(extent.top.min(rows.len())),
        };
        let cut = others.len();
        others.extend(not_grown);
        let counted = rows.iter().chain(&others).map(|row| row.site);
        View {
            total: Sums::of(columns, counted),
            others: Others {
                cut,
                ..Others::of(columns, &others)
            },
            hidden: Others::of(columns, &hidden),
            alike: Alike::of(report),
            remarks: Vec::new(),
            rows,
        }
    }
}

/// The function of a site, or why it has none.
fn function_text(site: &Site) -> String {
    let function = match site.at.by {
        Grouping::File | Grouping::Module => "-".to_owned(),
        _ => function_of(&site.at.name),
    };
    match site.at.part.as_deref() {
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

/// What several sites of a report show alike: a line that is inlined at two places of one function.
#[derive(Debug, Default)]
pub(super) struct Alike(HashSet<ShownNames>);

impl Alike {
    pub(super) fn of(report: &Report) -> Self {
        Alike::of_sites(&report.sites)
    }

    pub(super) fn of_sites<S: Borrow<Site>>(sites: &[S]) -> Self {
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

/// The growth in percent, or NEW or GONE, which no percentage can say.
pub(super) fn change_text(site: &Site) -> String {
    match site.change {
        Change::New => "NEW".to_owned(),
        Change::Gone => "GONE".to_owned(),
        _ => percent_text(site.growth, site.first()),
    }
}

/// Of blocks; of bytes where only these changed.
pub(super) fn percent_text(growth: Growth, first: Figures) -> String {
    growth
        .shown_percent(first)
        .map_or_else(|| "-".to_owned(), crate::units::signed_percent)
}

/// `via xstrdup`: the wrapper that a site's memory came through, and how many others there are.
pub(super) fn via_text(site: &Site, options: &Options) -> Option<String> {
    // Of a row of many lines, the way that one of them took says nothing.
    if matches!(site.at.by, Grouping::File | Grouping::Module) {
        return None;
    }
    let via = site.at.via();
    let (first, more) = via.split_first()?;
    let learned = match first.by {
        PassedBy::Learned => " (learned)",
        _ => "",
    };
    let more = match more.len() {
        0 => String::new(),
        more => format!(" +{more}"),
    };
    let function = match first.by {
        PassedBy::Runtime | PassedBy::Known => public_name(&first.function),
        _ => &first.function,
    };
    let function = options.name(function);
    Some(format!("via {function}{learned}{more}"))
}

/// What a program calls a function of the C library, whose debug information has the name of its definition:
/// `printf` for `__printf`, `pthread_create` for `__pthread_create_2_1`.
fn public_name(function: &str) -> &str {
    // These are called so by programs, or by nobody.
    const OWN: [&str; 4] = ["__cxa_", "__gnu", "__libc_", "__builtin_"];
    let is_own = OWN.iter().any(|own| function.starts_with(own)) || function.contains("::");
    let Some(name) = function.strip_prefix("__").filter(|_| !is_own) else {
        return function;
    };
    let name = name.strip_suffix("_internal").unwrap_or(name);
    let base = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_');
    // A version is of two numbers: `_2_1`.
    let is_version = name[base.len()..].matches('_').count() == 2 && !name.ends_with('_');
    if is_version { base } else { name }
}

/// A word for a site that needs one: it breaches a limit, or is shown only on request.
pub(super) fn mark(row: Row<'_>, breaches: &[Breach]) -> &'static str {
    // Breaches are in the order of the sites.
    if breaches
        .binary_search_by_key(&row.rank, |breach| breach.site + 1)
        .is_ok()
    {
        return "!";
    }
    match row.site.at.hidden {
        Some(Hidden::Loader) => "l",
        None => "",
    }
}

/// A sign for a site that only stands for those who called it, which nobody knows.
pub(super) fn wrapper_mark(site: &Site) -> &'static str {
    match site.at.stands_for() {
        Some(_) if site.at.hidden.is_none() => "w",
        _ => "",
    }
}

/// A sign for a site whose runs were not joined by what is the same in both.
pub(super) fn match_mark(site: &Site) -> &'static str {
    if site.is_unsure() {
        return "?";
    }
    match site.at.matched_by {
        _ if site.at.forked => "~",
        Some(
            MatchedBy::MovedLine
            | MatchedBy::SplitLine
            | MatchedBy::Renamed
            | MatchedBy::FunctionOrder
            | MatchedBy::Callers,
        ) => "~",
        Some(MatchedBy::UnsureAddress) => "?",
        Some(MatchedBy::Address | MatchedBy::Line) | None => "",
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_of_the_c_library_have_the_names_that_programs_call() {
        for (function, name) in [
            ("__printf", "printf"),
            ("__pthread_create_2_1", "pthread_create"),
            ("__fopen_internal", "fopen"),
            ("__cxa_allocate_exception", "__cxa_allocate_exception"),
            ("operator new", "operator new"),
            ("strdup", "strdup"),
            ("__strtof128", "strtof128"),
        ] {
            assert_eq!(public_name(function), name);
        }
    }
}
