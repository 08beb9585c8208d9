//! What in a comparison looks like two builds that do not match.

use std::collections::BTreeMap;

use super::growth::Change;
use super::site::{Site, SiteKey};
use crate::symbols::Role;
use crate::warning::Warning;

type ModuleKey<'a> = Option<&'a (Role, String)>;

/// Whether there is a site that is gone, and one that is new.
#[derive(Default)]
struct Seen {
    gone: bool,
    new: bool,
    /// To speak of it.
    name: String,
}

impl Seen {
    fn note(&mut self, change: Change, name: &str) {
        self.gone |= change == Change::Gone;
        self.new |= change == Change::New;
        if !name.is_empty() {
            self.name = name.to_owned();
        }
    }
}

/// Sites that are gone beside others that are new, where they may well be the same.
pub fn advice(sites: &[Site]) -> Vec<Warning> {
    let mut functions: BTreeMap<(ModuleKey<'_>, Option<&str>), Seen> = BTreeMap::new();
    let mut modules: BTreeMap<ModuleKey<'_>, Seen> = BTreeMap::new();
    for site in sites.iter().filter(|site| site.hidden.is_none()) {
        match &site.key {
            SiteKey::Line {
                module, function, ..
            } => {
                let function = function.as_deref();
                let seen = functions.entry((Some(module), function)).or_default();
                seen.note(site.change, function.unwrap_or_default());
            }
            SiteKey::Address { module, .. } => note_module(&mut modules, Some(module), site),
            SiteKey::Number { module, .. } => note_module(&mut modules, module.as_ref(), site),
        }
    }
    let mut warnings = Vec::new();
    let functions = moved(functions.into_values());
    if !functions.is_empty() {
        warnings.push(Warning::LinesMoved { functions });
    }
    let modules = moved(modules.into_values());
    if !modules.is_empty() {
        warnings.push(Warning::AddressesMoved { modules });
    }
    warnings
}

fn note_module<'a>(modules: &mut BTreeMap<ModuleKey<'a>, Seen>, key: ModuleKey<'a>, site: &Site) {
    let name = site
        .module
        .as_ref()
        .map_or("no module", |module| &module.name);
    modules.entry(key).or_default().note(site.change, name);
}

fn moved(seen: impl Iterator<Item = Seen>) -> Vec<String> {
    seen.filter(|seen| seen.gone && seen.new)
        .map(|seen| seen.name)
        .collect()
}
