//! Joining the callers of all runs to call sites.

use hashbrown::HashMap;

use super::group::{Aliases, group, module_of};
use super::growth::{Change, Growth};
use super::identity::{Candidate, MatchedBy, Step, files_of, match_sites};
use super::rate::Rates;
use super::site::{Grouping, Hidden, ModuleKey, ModuleLabel, Site, SiteKey, SiteRun};
use crate::symbols::{Build, Declaration, Frame, LinkAddress, NameSource, Role, Symbolized};
use crate::trace::{CallerStats, Curve, Tally};

/// One caller of one run, with all that is known of it.
#[derive(Debug, Clone)]
pub struct NamedCaller {
    pub module: Option<ModuleLabel>,
    /// Of the module, where it is known.
    pub build: Option<Build>,
    pub address: Option<LinkAddress>,
    /// The number in the log.
    pub number: Option<u64>,
    pub name: Symbolized,
    pub stats: CallerStats,
    /// `None` where only the end of the run is known.
    pub curve: Option<Curve>,
}

impl NamedCaller {
    /// The frame to show, where there is one.
    pub fn frame(&self) -> Option<&Frame> {
        match &self.name {
            Symbolized::Named(named) => Some(named.shown()),
            Symbolized::Unknown(_) => None,
        }
    }

    fn key(&self, by: Grouping) -> SiteKey {
        let by_line = || match (&self.module, &self.name) {
            (module, Symbolized::Named(named)) => SiteKey::line(module.as_ref(), named),
            _ => None,
        };
        let by_address = || match (&self.module, self.address) {
            (Some(module), Some(address)) => Some(SiteKey::address(module, address, &self.name)),
            _ => None,
        };
        let key = match by {
            Grouping::Address => by_address().or_else(by_line),
            _ => by_line().or_else(by_address),
        };
        key.unwrap_or_else(|| SiteKey::number(self.module.as_ref(), self.number))
    }
}

/// Rows of all runs, unranked. Callers that only free are no call sites.
pub fn join(mut runs: Vec<Vec<NamedCaller>>, by: Grouping) -> Vec<Site> {
    share_names(&mut runs);
    let mut joined = Joined {
        runs: runs.len(),
        ..Joined::default()
    };
    for (run, callers) in runs.into_iter().enumerate() {
        joined.add_run(run, sites_of(callers, joined.runs, run, by));
    }
    let mut sites = group(joined.sites, by, &joined.aliases);
    sites.iter_mut().for_each(finish);
    sites
}

/// In one build an address has one name: what one run knows of it holds in all.
fn share_names(runs: &mut [Vec<NamedCaller>]) {
    if runs.len() < 2 {
        return;
    }
    let names = better_names(runs);
    for (caller, name) in runs.iter_mut().flatten().zip(names) {
        if let Some(name) = name {
            caller.name = name;
        }
    }
}

/// For each caller of all runs the name that another run has for it, where that is better.
fn better_names(runs: &[Vec<NamedCaller>]) -> Vec<Option<Symbolized>> {
    let mut best: HashMap<(&Build, LinkAddress), &Symbolized> = HashMap::new();
    for caller in runs.iter().flatten() {
        if let Some(place) = place_of(caller) {
            let known = best.entry(place).or_insert(&caller.name);
            if worth(&caller.name) > worth(known) {
                *known = &caller.name;
            }
        }
    }
    let better = |caller: &NamedCaller| {
        let name = *best.get(&place_of(caller)?)?;
        (worth(name) > worth(&caller.name)).then(|| name.clone())
    };
    runs.iter().flatten().map(better).collect()
}

fn place_of(caller: &NamedCaller) -> Option<(&Build, LinkAddress)> {
    Some((caller.build.as_ref()?, caller.address?))
}

fn worth(name: &Symbolized) -> u8 {
    match name {
        Symbolized::Unknown(_) => 0,
        Symbolized::Named(named) => match named.source {
            NameSource::Log => 1,
            NameSource::SymbolTable => 2,
            NameSource::Dwarf => 3,
        },
    }
}

/// The sites of one run, which no other run has changed yet.
fn sites_of(callers: Vec<NamedCaller>, runs: usize, run: usize, by: Grouping) -> Vec<Site> {
    let mut sites: Vec<Site> = Vec::new();
    let mut index: HashMap<SiteKey, usize> = HashMap::new();
    for caller in callers {
        if caller.stats.allocations == 0 {
            continue;
        }
        let key = caller.key(by);
        let at = *index.entry(key.clone()).or_insert_with(|| {
            sites.push(new_site(key, &caller, runs));
            sites.len() - 1
        });
        add(&mut sites[at], run, caller);
    }
    sites.iter_mut().for_each(sort_addresses);
    sites
}

/// The sites of the runs so far.
#[derive(Debug, Default)]
struct Joined {
    runs: usize,
    sites: Vec<Site>,
    /// What matching knows of each, from the last run that has it.
    candidates: Vec<Candidate>,
    aliases: Aliases,
}

impl Joined {
    fn add_run(&mut self, run: usize, sites: Vec<Site>) {
        let new: Vec<Candidate> = sites.iter().map(|site| candidate(site, run)).collect();
        let matches = match_sites(&self.candidates, &new);
        for (module, old, file) in &matches.files {
            self.aliases.add_file((module, old), (module, file));
        }
        self.add_renamed(&new, &matches.sites);
        let found = sites.into_iter().zip(new).zip(matches.sites);
        for ((site, candidate), found) in found {
            match found {
                Some((at, by)) => self.unite(at, by, run, site, candidate),
                None => {
                    self.sites.push(site);
                    self.candidates.push(candidate);
                }
            }
        }
    }

    fn add_renamed(&mut self, new: &[Candidate], found: &[Option<(usize, MatchedBy)>]) {
        let renamed: Vec<(&Candidate, usize)> = new
            .iter()
            .zip(found)
            .filter_map(|(site, found)| match found {
                Some((at, MatchedBy::Renamed)) => Some((site, *at)),
                _ => None,
            })
            .collect();
        if renamed.is_empty() {
            return;
        }
        let files = files_of(new);
        let lives_on = |module: &ModuleKey, file: &str| {
            files.get(module).is_some_and(|files| files.contains(file))
        };
        for (site, at) in renamed {
            self.aliases
                .add_names_of(&self.candidates[at], site, lives_on);
        }
    }

    fn unite(&mut self, at: usize, by: MatchedBy, run: usize, mut site: Site, new: Candidate) {
        let (known, old) = (&mut self.sites[at], &mut self.candidates[at]);
        known.runs[run] = site.runs[run].take();
        known.matched_by = known.matched_by.max(Some(by));
        // Names of the last run win: it is the newest build. But any name is better than none.
        if site.module.is_some() {
            known.module = site.module;
        }
        let is_named = matches!(site.name, Symbolized::Named(_));
        if is_named || matches!(known.name, Symbolized::Unknown(_)) {
            known.name = site.name;
            known.key = site.key;
        }
        *old = new;
    }
}

fn candidate(site: &Site, run: usize) -> Candidate {
    let (chain, function_start) = match &site.name {
        Symbolized::Named(named) => (named.chain().map(step).collect(), named.function_start),
        Symbolized::Unknown(_) => (Vec::new(), None),
    };
    let here = site.runs[run].clone().unwrap_or_default();
    Candidate {
        key: site.key.clone(),
        module: module_of(&site.key).cloned(),
        build: here.build,
        chain,
        function_start,
        addresses: here.addresses,
        numbers: here.numbers,
        live: here.live,
    }
}

fn step((frame, declaration): (&Frame, Declaration)) -> Step {
    Step {
        function: frame.function.clone(),
        file: frame.file.clone(),
        line: frame.line,
        declaration,
    }
}

fn new_site(key: SiteKey, caller: &NamedCaller, runs: usize) -> Site {
    let is_loader = caller
        .module
        .as_ref()
        .is_some_and(|m| m.role == Role::Loader);
    let by = match key {
        SiteKey::Line { .. } => Grouping::Line,
        SiteKey::Address { .. } | SiteKey::Number { .. } => Grouping::Address,
    };
    Site {
        key,
        module: caller.module.clone(),
        name: caller.name.clone(),
        runs: vec![None; runs],
        growth: Growth::default(),
        change: Change::Same,
        rates: Rates::default(),
        trend: None,
        matched_by: None,
        by,
        hidden: is_loader.then_some(Hidden::Loader),
        rank: 0,
    }
}

fn add(site: &mut Site, run: usize, caller: NamedCaller) {
    if caller.module.is_some() {
        site.module = caller.module;
    }
    if matches!(caller.name, Symbolized::Named(_)) {
        site.name = caller.name;
    }
    let here = match &mut site.runs[run] {
        Some(here) => {
            here.add_curve(caller.curve.as_ref());
            here
        }
        none => none.insert(SiteRun {
            curve: caller.curve.clone(),
            ..SiteRun::default()
        }),
    };
    if caller.build.is_some() {
        here.build = caller.build;
    }
    here.addresses.extend(caller.address);
    if caller.address.is_none() {
        here.numbers.extend(caller.number);
    }
    here.allocations = here.allocations.saturating_add(caller.stats.allocations);
    here.live.add(caller.stats.live);
}

fn sort_addresses(site: &mut Site) {
    for run in site.runs.iter_mut().flatten() {
        run.addresses.sort_unstable();
        run.addresses.dedup();
        run.numbers.sort_unstable();
        run.numbers.dedup();
    }
}

fn finish(site: &mut Site) {
    sort_addresses(site);
    let runs = site.runs.iter().flatten().count();
    // A row of sites that no run shares is joined by its name alone.
    site.matched_by = match runs {
        0 | 1 => None,
        _ => site.matched_by.or(Some(MatchedBy::Line)),
    };
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
    use crate::symbols::{Named, Unknown};

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
            build: None,
            address: Some(LinkAddress(address)),
            number: Some(address),
            name: Symbolized::Named(Named::new(vec![frame], NameSource::Dwarf).unwrap()),
            stats: stats(blocks),
            curve: None,
        }
    }

    fn unknown(name: &str, address: u64, blocks: u64) -> NamedCaller {
        NamedCaller {
            module: module(Role::Library, name),
            build: None,
            address: Some(LinkAddress(address)),
            number: Some(address),
            name: Symbolized::Unknown(Unknown::NoFile),
            stats: stats(blocks),
            curve: None,
        }
    }

    #[test]
    fn the_program_is_one_module_whatever_it_is_called() {
        let sites = join(
            vec![
                vec![at_line("app0", 5, 0x10, 4)],
                vec![at_line("app1", 5, 0x30, 6)],
            ],
            Grouping::Line,
        );
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
        let sites = join(
            vec![vec![at_line("a", 5, 0x30, 4), at_line("a", 5, 0x10, 1)]],
            Grouping::Line,
        );
        let run = sites[0].runs[0].as_ref().unwrap();
        assert_eq!(run.addresses, [LinkAddress(0x10), LinkAddress(0x30)]);
        assert_eq!((run.allocations, run.live.blocks), (5, 5));
    }

    #[test]
    fn unknown_sites_of_one_module_are_not_merged() {
        let sites = join(
            vec![vec![
                unknown("l.so", 0x10, 1),
                unknown("l.so", 0x20, 1),
                unknown("m.so", 0x10, 1),
            ]],
            Grouping::Line,
        );
        assert_eq!(sites.len(), 3);
    }

    #[test]
    fn a_caller_that_only_frees_is_no_site() {
        assert!(join(vec![vec![at_line("a", 5, 0x10, 0)]], Grouping::Line).is_empty());
    }
}
