//! Rows of functions, files and modules, made of the lines in them.

use std::collections::BTreeMap;

use super::finding::Trend;
use super::identity::Candidate;
use super::judged::Site;
use super::leak::Leak;
use super::line_counts::LineCounts;
use super::module_key::{ModuleKey, SourceFile};
use super::site::{Grouping, JoinedSite, SiteKey};
use crate::run::{Frame, Named, Symbolized};

/// What in earlier runs had another name.
#[derive(Debug, Default)]
pub(crate) struct Aliases {
    modules: BTreeMap<ModuleKey, ModuleKey>,
    files: BTreeMap<SourceFile, SourceFile>,
}

impl Aliases {
    pub(crate) fn add_module(&mut self, old: &ModuleKey, new: &ModuleKey) {
        if old != new {
            // The newest run has the last word, so no chain of names leads back to its beginning.
            self.modules.remove(new);
            self.modules.insert(old.clone(), new.clone());
        }
    }

    pub(crate) fn add_file(&mut self, old: SourceFile, new: SourceFile) {
        if old != new {
            self.files.remove(&new);
            self.files.insert(old, new);
        }
    }

    /// The names of two sites that are one. A file that `lives_on` in the new run only lost a function.
    pub(crate) fn add_names_of(
        &mut self,
        old: &Candidate,
        new: &Candidate,
        lives_on: impl Fn(&ModuleKey, &str) -> bool,
    ) {
        let (Some(old_module), Some(new_module)) = (&old.module, &new.module) else {
            return;
        };
        self.add_module(old_module, new_module);
        for (old, new) in old.chain.iter().zip(&new.chain) {
            if let (Some(old), Some(new)) = (&old.file, &new.file)
                && !lives_on(old_module, old)
            {
                self.add_file(
                    SourceFile::new(old_module, old),
                    SourceFile::new(new_module, new),
                );
            }
        }
    }

    fn module<'a>(&'a self, module: &'a ModuleKey) -> &'a ModuleKey {
        newest(module, |module| self.modules.get(module))
    }

    pub(super) fn file(&self, module: &ModuleKey, path: &str) -> SourceFile {
        let named = SourceFile::new(module, path);
        let newest_file = newest(&named, |file| self.files.get(file));
        SourceFile::new(self.module(&newest_file.module), &newest_file.path)
    }
}

/// Follows a name to the last that it was given.
fn newest<'a, T>(mut name: &'a T, next: impl Fn(&'a T) -> Option<&'a T>) -> &'a T {
    while let Some(newer) = next(name) {
        name = newer;
    }
    name
}

/// What makes sites one row: the module, and as much more as the grouping asks for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct RowKey {
    /// What is left out stays out, and the total is the same whatever rows are.
    is_hidden: bool,
    module: ModuleKey,
    file: Option<String>,
    function: Option<String>,
}

/// Sums up the lines of each function, file or module. A line whose group is not known stays a row
/// of its own: two that are unknown are not one.
pub(super) fn group(lines: Vec<Site>, by: Grouping, aliases: &Aliases) -> Vec<JoinedSite> {
    let mut rows: Vec<JoinedSite> = Vec::new();
    let mut index: BTreeMap<RowKey, usize> = BTreeMap::new();
    for line in lines {
        let lines = counted(&line);
        let mut site = line.at;
        site.lines = Some(Box::new(lines));
        let by = known(&site, by);
        let Some(key) = row_key(&site, by, aliases) else {
            rows.push(site);
            continue;
        };
        // Sites that may change places do so within one row.
        site.at_least = None;
        site.name = row_name(&site, by);
        site.by = by;
        match index.get(&key) {
            Some(at) => merge(&mut rows[*at], site),
            None => {
                index.insert(key, rows.len());
                rows.push(site);
            }
        }
    }
    rows.iter_mut().for_each(JoinedSite::finish);
    rows
}

/// A line by itself.
fn counted(site: &Site) -> LineCounts {
    let leak = site.leak();
    LineCounts {
        all: 1,
        leak: u64::from(leak.is_some()),
        leak_by_bytes: u64::from(leak.is_some() && site.by_bytes),
        leak_more: u64::from(leak == Some(Leak::More)),
        may_leak: u64::from(site.may_leak()),
        grow: u64::from(site.trend == Some(Trend::Grows)),
        fixed: u64::from(site.fixed),
        most: site.last().blocks,
        of_most: site.trend,
    }
}

/// The lines that rows of addresses are parts of.
pub(super) fn lines_of(addresses: &[Site]) -> Vec<JoinedSite> {
    let mut rows: Vec<JoinedSite> = Vec::new();
    let mut index: BTreeMap<SiteKey, usize> = BTreeMap::new();
    for Site { at, .. } in addresses {
        let line = match &at.name {
            Symbolized::Named(named) => SiteKey::line(at.key.module(), named),
            Symbolized::Unknown(_) => None,
        };
        match line.as_ref().and_then(|line| index.get(line)) {
            Some(row) => merge(&mut rows[*row], at.clone()),
            None => {
                let row = rows.len();
                index.extend(line.map(|line| (line, row)));
                rows.push(JoinedSite {
                    by: Grouping::Line,
                    ..at.clone()
                });
            }
        }
    }
    rows.iter_mut().for_each(JoinedSite::finish);
    rows
}

/// The grouping that was asked for; without a file, the function.
fn known(site: &JoinedSite, by: Grouping) -> Grouping {
    let has_file = site.frame().is_some_and(|frame| frame.file.is_some());
    match by {
        Grouping::File if !has_file => Grouping::Function,
        by => by,
    }
}

fn row_key(site: &JoinedSite, by: Grouping, aliases: &Aliases) -> Option<RowKey> {
    let module = site.key.module()?;
    let file = site.frame().and_then(|frame| frame.file.as_deref());
    let named = |file: Option<&str>| match file {
        Some(file) => {
            let SourceFile { module, path } = aliases.file(module, file);
            (module, Some(path))
        }
        None => (aliases.module(module).clone(), None),
    };
    let key = |module, file, function| RowKey {
        is_hidden: site.hidden.is_some(),
        module,
        file,
        function,
    };
    match by {
        Grouping::Module => Some(key(aliases.module(module).clone(), None, None)),
        Grouping::File => {
            let (module, file) = named(Some(file?));
            Some(key(module, file, None))
        }
        Grouping::Function => {
            let (module, file) = named(file);
            let function = site.function()?.to_owned();
            Some(key(module, file, Some(function)))
        }
        Grouping::Address | Grouping::Line | Grouping::Stack | Grouping::Size => None,
    }
}

/// Only what all sites of the row have in common.
fn row_name(site: &JoinedSite, by: Grouping) -> Symbolized {
    let Symbolized::Named(named) = &site.name else {
        return site.name.clone();
    };
    let shown = named.shown();
    let frame = Frame {
        function: shown.function.clone().filter(|_| by == Grouping::Function),
        file: shown.file.clone().filter(|_| by != Grouping::Module),
        line: None,
        inlined: false,
    };
    let source = named.source();
    Named::new(vec![frame], source).map_or_else(|| site.name.clone(), Symbolized::Named)
}

fn merge(row: &mut JoinedSite, site: JoinedSite) {
    let last = |site: &JoinedSite| site.runs.iter().rposition(Option::is_some);
    if last(&site) > last(row) {
        row.key = site.key;
        row.module = site.module;
        row.name = site.name;
    }
    row.matched_by = row.matched_by.max(site.matched_by);
    // A line is left out only where none of its addresses is to be seen.
    row.hidden = row.hidden.and(site.hidden);
    if let (Some(lines), Some(more)) = (&mut row.lines, &site.lines) {
        lines.add(more);
    }
    for (sum, run) in row.runs.iter_mut().zip(site.runs) {
        match (sum, run) {
            (Some(sum), Some(run)) => sum.add(&run),
            (sum @ None, run) => *sum = run,
            (Some(_), None) => {}
        }
    }
}
