//! Which sites a table shows, and the marks and figures of their rows.

use super::options::Options;
use super::{Report, Sums};
use crate::diff::{Breach, Change, Column, Grouping, Growth, Hidden, MatchedBy, Site};
use crate::run::{Figures, PassedBy};

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
    /// How many sites are left out on purpose, which are in no sum.
    pub hidden: usize,
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
        let is_hidden = |row: &Row<'_>| row.site.hidden.is_some();
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
        View {
            total: match extent.all {
                true => report.total.and(&report.hidden),
                false => report.total.clone(),
            },
            others: Others {
                cut,
                ..Others::of(columns, &others)
            },
            hidden: hidden.len(),
            remarks: Vec::new(),
            rows,
        }
    }
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
    match row.site.hidden {
        Some(Hidden::Loader) => "l",
        None => "",
    }
}

/// A sign for a site that only stands for those who called it, which nobody knows.
pub(super) fn wrapper_mark(site: &Site) -> &'static str {
    match site.at.stands_for() {
        Some(_) if site.hidden.is_none() => "w",
        _ => "",
    }
}

/// A sign for a site whose runs were not joined by what is the same in both.
pub(super) fn match_mark(site: &Site) -> &'static str {
    if site.is_unsure() {
        return "?";
    }
    match site.at.matched_by {
        _ if site.forked => "~",
        Some(
            MatchedBy::MovedLine
            | MatchedBy::SplitLine
            | MatchedBy::Renamed
            | MatchedBy::ChangedFunction
            | MatchedBy::FunctionOrder
            | MatchedBy::Callers,
        ) => "~",
        Some(MatchedBy::UnsureAddress) => "?",
        Some(MatchedBy::Address | MatchedBy::Line) | None => "",
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
