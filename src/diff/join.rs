//! Joining the callers of all runs to call sites.

use hashbrown::HashMap;

use super::growth::{Change, Growth};
use super::site::{Hidden, ModuleLabel, Site, SiteKey};
use crate::symbols::{Frame, LinkAddress, Role, Symbolized};
use crate::trace::{CallerStats, Tally};

/// One caller of one run, with all that is known of it.
#[derive(Debug, Clone)]
pub struct NamedCaller {
    pub module: Option<ModuleLabel>,
    pub address: Option<LinkAddress>,
    /// The number in the log.
    pub number: Option<u64>,
    pub name: Symbolized,
    pub stats: CallerStats,
}

impl NamedCaller {
    /// The frame to show, where there is one.
    pub fn frame(&self) -> Option<&Frame> {
        match &self.name {
            Symbolized::Named(named) => Some(named.shown()),
            Symbolized::Unknown(_) => None,
        }
    }

    fn key(&self) -> SiteKey {
        let by_line = || match (&self.module, &self.name) {
            (module, Symbolized::Named(named)) => SiteKey::line(module.as_ref(), named),
            _ => None,
        };
        by_line().unwrap_or_else(|| match (&self.module, self.address) {
            (Some(module), Some(address)) => SiteKey::address(module, address, &self.name),
            (module, _) => SiteKey::number(module.as_ref(), self.number),
        })
    }
}

/// Sites of all runs, unranked. Callers that only free are no call sites.
pub fn join(runs: Vec<Vec<NamedCaller>>) -> Vec<Site> {
    let count = runs.len();
    let mut sites: Vec<Site> = Vec::new();
    let mut index: HashMap<SiteKey, usize> = HashMap::new();
    for (run, callers) in runs.into_iter().enumerate() {
        for caller in callers {
            if caller.stats.allocations == 0 {
                continue;
            }
            let key = caller.key();
            let at = *index.entry(key.clone()).or_insert_with(|| {
                sites.push(new_site(key, &caller, count));
                sites.len() - 1
            });
            add(&mut sites[at], run, caller);
        }
    }
    sites.iter_mut().for_each(finish);
    sites
}

fn new_site(key: SiteKey, caller: &NamedCaller, runs: usize) -> Site {
    let is_loader = caller
        .module
        .as_ref()
        .is_some_and(|m| m.role == Role::Loader);
    Site {
        key,
        module: caller.module.clone(),
        name: caller.name.clone(),
        runs: vec![None; runs],
        growth: Growth::default(),
        change: Change::Same,
        hidden: is_loader.then_some(Hidden::Loader),
        rank: 0,
    }
}

fn add(site: &mut Site, run: usize, caller: NamedCaller) {
    // Names of the last run win: it is the newest build.
    if caller.module.is_some() {
        site.module = caller.module;
    }
    if matches!(caller.name, Symbolized::Named(_)) {
        site.name = caller.name;
    }
    let here = site.runs[run].get_or_insert_default();
    here.addresses.extend(caller.address);
    if caller.address.is_none() {
        here.numbers.extend(caller.number);
    }
    here.allocations = here.allocations.saturating_add(caller.stats.allocations);
    here.live.add(caller.stats.live);
}

fn finish(site: &mut Site) {
    for run in site.runs.iter_mut().flatten() {
        run.addresses.sort_unstable();
        run.addresses.dedup();
        run.numbers.sort_unstable();
        run.numbers.dedup();
    }
    let first = match site.runs.len() {
        1 => Tally::default(),
        _ => site.first(),
    };
    site.growth = Growth::between(first, site.last());
    site.change = Change::between(first, site.last());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbols::{NameSource, Named, Unknown};

    fn module(role: Role, name: &str) -> Option<ModuleLabel> {
        Some(ModuleLabel {
            role,
            name: name.to_owned(),
        })
    }

    fn stats(blocks: u64) -> CallerStats {
        CallerStats {
            allocations: blocks,
            live: Tally {
                blocks,
                bytes: blocks * 10,
            },
        }
    }

    fn at_line(program: &str, line: u32, address: u64, blocks: u64) -> NamedCaller {
        let frame = Frame {
            function: Some("open".to_owned()),
            file: Some("/src/a.c".to_owned()),
            line: Some(line),
            inlined: false,
        };
        NamedCaller {
            module: module(Role::Program, program),
            address: Some(LinkAddress(address)),
            number: Some(address),
            name: Symbolized::Named(Named::new(vec![frame], NameSource::Dwarf).unwrap()),
            stats: stats(blocks),
        }
    }

    fn unknown(name: &str, address: u64, blocks: u64) -> NamedCaller {
        NamedCaller {
            module: module(Role::Library, name),
            address: Some(LinkAddress(address)),
            number: Some(address),
            name: Symbolized::Unknown(Unknown::NoFile),
            stats: stats(blocks),
        }
    }

    #[test]
    fn the_program_is_one_module_whatever_it_is_called() {
        let sites = join(vec![
            vec![at_line("app0", 5, 0x10, 4)],
            vec![at_line("app1", 5, 0x30, 6)],
        ]);
        assert_eq!(sites.len(), 1);
        assert_eq!(
            sites[0].growth,
            Growth {
                blocks: 2,
                bytes: 20
            }
        );
        assert_eq!(
            sites[0].module.as_ref().map(|m| m.name.as_str()),
            Some("app1")
        );
    }

    #[test]
    fn several_addresses_of_a_line_are_one_site() {
        let sites = join(vec![vec![
            at_line("a", 5, 0x30, 4),
            at_line("a", 5, 0x10, 1),
        ]]);
        let run = sites[0].runs[0].as_ref().unwrap();
        assert_eq!(run.addresses, [LinkAddress(0x10), LinkAddress(0x30)]);
        assert_eq!((run.allocations, run.live.blocks), (5, 5));
    }

    #[test]
    fn unknown_sites_of_one_module_are_not_merged() {
        let sites = join(vec![vec![
            unknown("l.so", 0x10, 1),
            unknown("l.so", 0x20, 1),
            unknown("m.so", 0x10, 1),
        ]]);
        assert_eq!(sites.len(), 3);
    }

    #[test]
    fn a_caller_that_only_frees_is_no_site() {
        assert!(join(vec![vec![at_line("a", 5, 0x10, 0)]]).is_empty());
    }
}
