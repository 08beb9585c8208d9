//! Joining the callers of all runs to call sites.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashMap, HashTable};

use super::few::Few;
use super::group::{Aliases, group, module_of};
use super::identity::{Candidate, Match, Step, files_of, match_sites};
use super::matched_by::MatchedBy;
use super::site::{Grouping, Hidden, JoinedSite, ModuleKey, SiteKey, SiteRun};
use crate::run::{
    Build, CallSite, Declaration, Figures, Frame, LinkAddress, Location, ModuleLabel, NameSource,
    Role, Run, Symbolized,
};

/// Call sites of all runs, each once, unranked. The runs let go of theirs: a million of them are kept once.
pub fn join(runs: &mut [Run], by: Grouping) -> Vec<JoinedSite> {
    let names = BestNames::of(runs);
    let nothing = runs.first().map(Run::nothing);
    let all = runs.len();
    let mut joined = Joined::default();
    for (index, run) in runs.iter_mut().enumerate() {
        let sites = RunSites::of(run, &names, index, by);
        run.forget_sites();
        joined.add_run(index, all, sites);
    }
    joined.weigh_rivals(nothing);
    let Joined { sites, aliases, .. } = joined;
    let mut sites = group(sites, by, &aliases);
    sites.iter_mut().for_each(finish);
    sites
}

/// In one build an address has one name: what one run knows of it holds in all.
struct BestNames {
    /// The number of the build that each module of each run is of.
    builds: Vec<Vec<Option<u32>>>,
    names: HashMap<PlaceInBuild, Symbolized>,
}

/// A place in a build, wherever that build ran.
type PlaceInBuild = (u32, LinkAddress);

impl BestNames {
    fn of(runs: &[Run]) -> Self {
        let mut numbers: HashMap<&Build, u32> = HashMap::new();
        let mut number = |build| {
            let next = numbers.len() as u32;
            *numbers.entry(build).or_insert(next)
        };
        let builds = runs.iter().map(|run| {
            let modules = run.modules.iter();
            let builds = modules.map(|module| module.build.as_ref().map(&mut number));
            builds.collect()
        });
        let builds = builds.collect();
        let mut best = BestNames {
            builds,
            names: HashMap::new(),
        };
        for (index, run) in runs.iter().enumerate() {
            for location in &run.locations {
                if let Some(place) = best.place_of(index, location) {
                    let known = best.names.entry(place);
                    let known = known.or_insert_with(|| location.name.clone());
                    if worth(&location.name) > worth(known) {
                        *known = location.name.clone();
                    }
                }
            }
        }
        best
    }

    fn place_of(&self, run: usize, location: &Location) -> Option<PlaceInBuild> {
        let builds = self.builds.get(run)?;
        let build = *builds.get(location.module?.0 as usize)?;
        Some((build?, location.address?))
    }

    /// A place of a run under the best name that any run has for it.
    fn named(&self, run: usize, location: &Location) -> Location {
        let place = self.place_of(run, location);
        let name = place.and_then(|place| self.names.get(&place));
        Location {
            name: name.unwrap_or(&location.name).clone(),
            ..location.clone()
        }
    }
}

fn worth(name: &Symbolized) -> u8 {
    match name {
        Symbolized::Unknown(_) => 0,
        Symbolized::Named(named) => match named.source() {
            NameSource::Log => 1,
            NameSource::SymbolTable => 2,
            NameSource::Dwarf => 3,
        },
    }
}

/// The sites of one run, which no other run has changed yet.
#[derive(Debug, Default)]
struct RunSites {
    /// What matching is to know of each, its key among it.
    candidates: Vec<Candidate>,
    found: Vec<Found>,
}

/// What is known of a site beside its key.
#[derive(Debug)]
struct Found {
    module: Option<ModuleLabel>,
    name: Symbolized,
    here: Box<SiteRun>,
}

impl RunSites {
    fn of(run: &Run, names: &BestNames, index: usize, by: Grouping) -> Self {
        let mut sites = RunSites {
            candidates: Vec::with_capacity(run.sites.len()),
            found: Vec::with_capacity(run.sites.len()),
        };
        let mut known: HashTable<u32> = HashTable::new();
        let hasher = DefaultHashBuilder::default();
        for site in &run.sites {
            let location = names.named(index, run.location(run.innermost(site)));
            let key = SiteKey::of(run, &location, by);
            let hash = hasher.hash_one(&key);
            let is_it = |at: &u32| sites.candidates[*at as usize].key == key;
            if let Some(at) = known.find(hash, is_it).copied() {
                sites.found[at as usize].add(run, location, site);
                continue;
            }
            let at = sites.found.len() as u32;
            sites.candidates.push(candidate(key, run, &location));
            sites.found.push(Found::new(run, location, site));
            let rehash = |at: &u32| hasher.hash_one(&sites.candidates[*at as usize].key);
            known.insert_unique(hash, at, rehash);
        }
        let all = sites.candidates.iter_mut().zip(&mut sites.found);
        all.for_each(|(candidate, found)| found.tell(candidate));
        sites
    }
}

/// A site as far as its key and its module tell.
fn candidate(key: SiteKey, run: &Run, location: &Location) -> Candidate {
    let path = run
        .module_of(location)
        .and_then(|module| module.path.clone());
    Candidate {
        module: module_of(&key).cloned(),
        key,
        build: None,
        chain: Vec::new(),
        function_start: None,
        addresses: Few::default(),
        numbers: Few::default(),
        module_path: path,
        mean_size: None,
    }
}

impl Found {
    fn new(run: &Run, location: Location, site: &CallSite) -> Self {
        let module = run.module_of(&location);
        Found {
            module: module.map(|module| module.label.clone()),
            here: Box::new(site_run(run, &location, site)),
            name: location.name,
        }
    }

    /// Adds what another place of the same site has.
    fn add(&mut self, run: &Run, location: Location, site: &CallSite) {
        let here = site_run(run, &location, site);
        if let Some(module) = run.module_of(&location) {
            self.module = Some(module.label.clone());
        }
        if matches!(location.name, Symbolized::Named(_)) {
            self.name = location.name;
        }
        self.here.add(&here);
        if here.build.is_some() {
            self.here.build = here.build;
        }
    }

    /// Tells matching what all places of the site come to.
    fn tell(&mut self, candidate: &mut Candidate) {
        self.here.sort_addresses();
        if let Symbolized::Named(named) = &self.name {
            candidate.chain = named.chain().map(step).collect();
            candidate.function_start = named.function_start();
        }
        candidate.build = self.here.build.clone();
        candidate.addresses = self.here.addresses.clone();
        candidate.numbers = self.here.numbers.clone();
        candidate.mean_size = self.here.figures.mean_size();
    }

    /// A site that no earlier run has.
    fn into_site(self, run: usize, runs: usize, key: SiteKey) -> JoinedSite {
        let is_loader = self.module.as_ref().is_some_and(|m| m.role == Role::Loader);
        let by = match key {
            SiteKey::Line { .. } => Grouping::Line,
            SiteKey::Address { .. } | SiteKey::Number { .. } => Grouping::Address,
        };
        let mut of_runs: Box<[_]> = (0..runs).map(|_| None).collect();
        of_runs[run] = Some(self.here);
        JoinedSite {
            key,
            module: self.module,
            name: self.name,
            runs: of_runs,
            matched_by: None,
            at_least: None,
            by,
            hidden: is_loader.then_some(Hidden::Loader),
        }
    }
}

/// The sites of the runs so far.
#[derive(Debug, Default)]
struct Joined {
    sites: Vec<JoinedSite>,
    /// What matching knows of each, from the last run that has it.
    candidates: Vec<Candidate>,
    /// What some may be as well; `None` stands for none of the earlier runs.
    rivals: HashMap<usize, Vec<Option<usize>>>,
    aliases: Aliases,
}

impl Joined {
    fn add_run(&mut self, run: usize, runs: usize, new: RunSites) {
        let matches = match_sites(&self.candidates, &new.candidates);
        for (module, old, file) in &matches.files {
            self.aliases.add_file((module, old), (module, file));
        }
        for pair in &matches.modules {
            self.aliases.add_module(&pair.old, &pair.new);
        }
        self.add_renamed(&new.candidates, &matches.sites);
        let is_new = |found: &&Option<Match>| found.is_none();
        let more = matches.sites.iter().filter(is_new).count();
        self.sites.reserve_exact(more);
        self.candidates.reserve_exact(more);
        let sites = new.found.into_iter().zip(new.candidates);
        for ((site, candidate), found) in sites.zip(matches.sites) {
            match found {
                Some(found) => {
                    if !found.rivals.is_empty() {
                        self.rivals
                            .entry(found.old)
                            .or_default()
                            .extend(found.rivals);
                    }
                    self.unite(found.old, found.by, run, site, candidate);
                }
                None => {
                    let site = site.into_site(run, runs, candidate.key.clone());
                    self.sites.push(site);
                    self.candidates.push(candidate);
                }
            }
        }
    }

    /// The least that the first run may have of each site, if the others that it may be are weighed as well;
    /// `nothing` is what it has of a site that it does not know.
    fn weigh_rivals(&mut self, nothing: Option<Figures>) {
        let Some(nothing) = nothing else {
            return;
        };
        let first = |site: &JoinedSite| {
            let run = site.runs.first().and_then(Option::as_ref);
            run.map_or(nothing, |run| run.figures)
        };
        for (at, rivals) in &self.rivals {
            let figures = rivals
                .iter()
                .map(|rival| rival.map_or(nothing, |rival| first(&self.sites[rival])));
            let least = figures.fold(first(&self.sites[*at]), Figures::least);
            self.sites[*at].at_least = Some(Box::new(least));
        }
    }

    fn add_renamed(&mut self, new: &[Candidate], found: &[Option<Match>]) {
        let renamed: Vec<(&Candidate, usize)> = new
            .iter()
            .zip(found)
            .filter_map(|(site, found)| match found {
                Some(found) if found.by == MatchedBy::Renamed => Some((site, found.old)),
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

    fn unite(&mut self, at: usize, by: MatchedBy, run: usize, site: Found, new: Candidate) {
        let (known, old) = (&mut self.sites[at], &mut self.candidates[at]);
        known.runs[run] = Some(site.here);
        known.matched_by = known.matched_by.max(Some(by));
        // Names of the last run win: it is the newest build. But any name is better than none.
        if site.module.is_some() {
            known.module = site.module;
        }
        let is_named = matches!(site.name, Symbolized::Named(_));
        if is_named || matches!(known.name, Symbolized::Unknown(_)) {
            known.name = site.name;
            known.key = new.key.clone();
        }
        *old = new;
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

fn site_run(run: &Run, location: &Location, site: &CallSite) -> SiteRun {
    let number = location.number.filter(|_| location.address.is_none());
    let module = run.module_of(location);
    SiteRun {
        build: module.and_then(|module| module.build.clone()),
        addresses: location.address.into(),
        numbers: number.into(),
        figures: site.figures,
        curve: site.curve.clone(),
    }
}

fn finish(site: &mut JoinedSite) {
    let here = site.runs.iter_mut().flatten();
    here.for_each(|run| run.sort_addresses());
    let runs = site.runs.iter().flatten().count();
    // A row of sites that no run shares is joined by its name alone.
    site.matched_by = match runs {
        0 | 1 => None,
        _ => site.matched_by.or(Some(MatchedBy::Line)),
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{Facts, Module, ModuleId, Named, Unknown};
    use crate::trace::Tally;

    /// A run of one module a call site.
    fn run(sites: Vec<(Role, &str, u64, Symbolized, u64)>) -> Run {
        let mut run = Run::new(Facts::default(), Vec::new());
        for (role, name, address, symbolized, blocks) in sites {
            let label = ModuleLabel {
                role,
                name: name.into(),
            };
            run.modules.push(Module {
                label,
                path: None,
                build: None,
            });
            let at = run.add_location(Location {
                module: Some(ModuleId(run.modules.len() as u32 - 1)),
                address: Some(LinkAddress(address)),
                number: Some(address),
                name: symbolized,
            });
            let live = Tally {
                blocks,
                bytes: blocks * 10,
            };
            run.add_site(at, Figures::of_log(blocks, live), None);
        }
        run
    }

    fn at_line(
        program: &str,
        line: u32,
        address: u64,
        blocks: u64,
    ) -> (Role, &str, u64, Symbolized, u64) {
        let frame = Frame {
            function: Some("open".into()),
            file: Some("/src/a.c".into()),
            line: Some(line),
            inlined: false,
        };
        let named = Named::new(vec![frame], NameSource::Dwarf).unwrap();
        (
            Role::Program,
            program,
            address,
            Symbolized::Named(named),
            blocks,
        )
    }

    fn unknown(name: &str, address: u64, blocks: u64) -> (Role, &str, u64, Symbolized, u64) {
        let name_of_it = Symbolized::Unknown(Unknown::NoFile);
        (Role::Library, name, address, name_of_it, blocks)
    }

    #[test]
    fn the_program_is_one_module_whatever_it_is_called() {
        let mut runs = [
            run(vec![at_line("app0", 5, 0x10, 4)]),
            run(vec![at_line("app1", 5, 0x30, 6)]),
        ];
        let sites = join(&mut runs, Grouping::Line);
        assert_eq!(sites.len(), 1);
        let blocks: Vec<u64> = sites[0]
            .runs
            .iter()
            .flatten()
            .map(|run| run.figures.blocks)
            .collect();
        assert_eq!(blocks, [4, 6]);
        let module = sites[0].module.as_ref().map(|m| &*m.name);
        assert_eq!(module, Some("app1"));
    }

    #[test]
    fn several_addresses_of_a_line_are_one_site() {
        let run = run(vec![at_line("a", 5, 0x30, 4), at_line("a", 5, 0x10, 1)]);
        let sites = join(&mut [run], Grouping::Line);
        let run = sites[0].runs[0].as_ref().unwrap();
        assert_eq!(*run.addresses, [LinkAddress(0x10), LinkAddress(0x30)]);
        assert_eq!((run.figures.allocations, run.figures.blocks), (Some(5), 5));
    }

    #[test]
    fn unknown_sites_of_one_module_are_not_merged() {
        let run = run(vec![
            unknown("l.so", 0x10, 1),
            unknown("l.so", 0x20, 1),
            unknown("m.so", 0x10, 1),
        ]);
        assert_eq!(join(&mut [run], Grouping::Line).len(), 3);
    }
}
