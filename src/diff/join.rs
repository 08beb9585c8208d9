//! Joining the callers of all runs to call sites.

use hashbrown::HashMap;

use super::by_callers::unite_by_callers;
use super::group::{Aliases, group, module_of};
use super::identity::{AskedFor, Candidate, Known, Match, Step, files_of, match_sites};
use super::matched_by::MatchedBy;
use super::site::{Grouping, Hidden, JoinedSite, ModuleKey, Part, SiteKey, SiteRun};
use super::via::note_wrappers;
use crate::run::{
    Call, CallSite, Declaration, Figures, Frame, Inventory, Location, Role, Run, Symbolized, Text,
};

/// Call sites of all runs, each once, unranked.
pub fn join(runs: &[Run], by: Grouping) -> Vec<JoinedSite> {
    let mut joined = Joined::default();
    for (index, run) in runs.iter().enumerate() {
        let sites = sites_of(run, runs.len(), index, by);
        joined.add_run(index, sites, &run.inventory);
    }
    joined.weigh_rivals(runs);
    let sites = unite_by_callers(joined.sites, runs);
    let mut sites = group(sites, by, &joined.aliases);
    sites.iter_mut().for_each(finish);
    note_wrappers(&mut sites, runs);
    sites
}

/// The sites of one run, which no other run has changed yet.
fn sites_of(run: &Run, runs: usize, index: usize, by: Grouping) -> Vec<JoinedSite> {
    let mut sites: Vec<JoinedSite> = Vec::new();
    let mut known: HashMap<SiteKey, usize> = HashMap::new();
    // Thousands of stacks answer at one place.
    let mut placed: HashMap<Call, usize> = HashMap::new();
    for (number, site) in run.sites.iter().enumerate() {
        let call = run.responsible(site).call;
        if let Some(here) = placed
            .get(&call)
            .and_then(|at| sites[*at].runs[index].as_mut())
        {
            here.add_site(number, site);
            continue;
        }
        let location = responsible(run, call);
        let here = site_run(run, &location, number, site);
        let key = SiteKey::of(run, &location, by);
        placed.insert(call, known.get(&key).copied().unwrap_or(sites.len()));
        match known.get(&key) {
            Some(&at) => add(&mut sites[at], index, run, location, here),
            None => {
                known.insert(key.clone(), sites.len());
                sites.push(new_site(key, runs, index, run, location, here));
            }
        }
    }
    sites.iter_mut().for_each(sort_lists);
    sites
}

/// The place that answers for a call site.
fn responsible(run: &Run, call: Call) -> Location {
    let location = run.location(call.at);
    let name = match location.name.clone() {
        Symbolized::Named(named) => Symbolized::Named(named.answered_by(call.frame)),
        unknown => unknown,
    };
    Location {
        name,
        ..location.clone()
    }
}

/// The sites of the runs so far.
#[derive(Debug, Default)]
struct Joined {
    sites: Vec<JoinedSite>,
    /// What matching knows of each, from the last run that has it.
    candidates: Vec<Candidate>,
    /// What each may be as well; `None` stands for none of the earlier runs.
    rivals: Vec<Vec<Option<usize>>>,
    aliases: Aliases,
    inventory: Option<Inventory>,
}

impl Joined {
    fn add_run(&mut self, run: usize, sites: Vec<JoinedSite>, inventory: &Inventory) {
        let new: Vec<Candidate> = sites.iter().map(|site| candidate(site, run)).collect();
        let earlier = self.inventory.take().unwrap_or_else(|| inventory.clone());
        let matches = match_sites(
            Known {
                sites: &self.candidates,
                inventory: &earlier,
            },
            Known {
                sites: &new,
                inventory,
            },
        );
        self.inventory = Some(earlier.followed_by(inventory));
        for (module, old, file) in &matches.files {
            self.aliases.add_file((module, old), (module, file));
        }
        for pair in &matches.modules {
            self.aliases.add_module(&pair.old, &pair.new);
        }
        self.add_renamed(&new, &matches.sites);
        self.rivals.resize(self.sites.len(), Vec::new());
        let found = sites.into_iter().zip(new).zip(matches.sites);
        for ((site, candidate), found) in found {
            match found {
                Some(found) => {
                    self.rivals[found.old].extend(found.rivals);
                    self.unite(found.old, found.by, run, site, candidate);
                }
                None => {
                    self.sites.push(site);
                    self.candidates.push(candidate);
                }
            }
        }
    }

    /// The least that the first run may have of each site, if the others that it may be are weighed as well.
    fn weigh_rivals(&mut self, runs: &[Run]) {
        let Some(nothing) = runs.first().map(Run::nothing) else {
            return;
        };
        let first = |site: &JoinedSite| {
            let run = site.runs.first().and_then(Option::as_ref);
            run.map_or(nothing, |run| run.figures)
        };
        self.rivals.resize(self.sites.len(), Vec::new());
        for (at, rivals) in self.rivals.iter().enumerate() {
            let figures = rivals
                .iter()
                .map(|rival| rival.map_or(nothing, |rival| first(&self.sites[rival])));
            let least = figures.reduce(Figures::least);
            self.sites[at].at_least = least.map(|least| least.least(first(&self.sites[at])));
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

    fn unite(
        &mut self,
        at: usize,
        by: MatchedBy,
        run: usize,
        mut site: JoinedSite,
        new: Candidate,
    ) {
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

fn candidate(site: &JoinedSite, run: usize) -> Candidate {
    let named = match &site.name {
        Symbolized::Named(named) => Some(named),
        Symbolized::Unknown(_) => None,
    };
    let chain = named.map(|named| whole_functions(named.chain().map(step).collect()));
    let here = site.runs[run].clone();
    let (build, module_path, addresses, numbers) = match here.clone() {
        Some(here) => (here.build, here.path, here.addresses, here.numbers),
        None => (None, None, Vec::new(), Vec::new()),
    };
    Candidate {
        key: site.key.clone(),
        module: module_of(&site.key).cloned(),
        build,
        chain: chain.unwrap_or_default(),
        symbol: named.and_then(|named| named.symbol.clone()),
        function_start: named.and_then(|named| named.function_start),
        code: named.and_then(|named| named.code),
        addresses,
        numbers,
        module_path,
        sizes: here.map(asked_for).unwrap_or_default(),
    }
}

/// Compilers split a function, and inline its head where it is called: then the other part, inlined or not, looks as
/// if it was called at the function's declaration.
fn whole_functions(mut chain: Vec<Step>) -> Vec<Step> {
    chain.dedup_by(|outer, inner| {
        let is_head = outer.line.is_some() && outer.line == outer.declaration.line;
        is_head && outer.function == inner.function && outer.declaration == inner.declaration
    });
    chain
}

fn asked_for(here: SiteRun) -> AskedFor {
    let figures = here.figures;
    AskedFor::new(here.sizes, figures.allocations, figures.mean_size())
}

fn step((frame, declaration): (&Frame, Declaration)) -> Step {
    Step {
        function: frame.function.clone(),
        file: frame.file.clone(),
        line: frame.line,
        declaration,
    }
}

fn site_run(run: &Run, location: &Location, index: usize, site: &CallSite) -> SiteRun {
    let number = location.number.filter(|_| location.address.is_none());
    let module = run.module_of(location);
    SiteRun {
        build: module.and_then(|module| module.build.clone()),
        path: module.and_then(|module| module.path.as_deref().map(Text::from)),
        addresses: location.address.into_iter().collect(),
        numbers: number.into_iter().collect(),
        figures: site.figures,
        sizes: site.sizes.into_iter().collect(),
        curve: site.curve.clone(),
        sites: vec![index],
    }
}

fn new_site(
    key: SiteKey,
    runs: usize,
    index: usize,
    run: &Run,
    location: Location,
    here: SiteRun,
) -> JoinedSite {
    let module = run.module_of(&location).map(|module| module.label.clone());
    let is_loader = module.as_ref().is_some_and(|m| m.role == Role::Loader);
    let by = match key {
        SiteKey::Line { .. } => Grouping::Line,
        SiteKey::Address { .. } | SiteKey::Number { .. } => Grouping::Address,
    };
    let mut of_runs = vec![None; runs];
    of_runs[index] = Some(here);
    JoinedSite {
        key,
        module,
        name: location.name,
        runs: of_runs,
        matched_by: None,
        at_least: None,
        by,
        via: Vec::new(),
        part: Part::Whole,
        forked: false,
        stands_for: None,
        hidden: is_loader.then_some(Hidden::Loader),
    }
}

/// Adds what another place of the same site has.
fn add(site: &mut JoinedSite, index: usize, run: &Run, location: Location, here: SiteRun) {
    if let Some(module) = run.module_of(&location) {
        site.module = Some(module.label.clone());
    }
    if matches!(location.name, Symbolized::Named(_)) {
        site.name = location.name;
    }
    let Some(sum) = &mut site.runs[index] else {
        site.runs[index] = Some(here);
        return;
    };
    if here.build.is_some() {
        sum.build = here.build;
    }
    sum.addresses.extend(here.addresses);
    sum.numbers.extend(here.numbers);
    sum.sites.extend(here.sites);
    sum.figures.add(here.figures);
    sum.add_sizes(here.sizes);
    sum.add_curve(here.curve.as_ref());
}

fn sort_lists(site: &mut JoinedSite) {
    for run in site.runs.iter_mut().flatten() {
        run.addresses.sort_unstable();
        run.addresses.dedup();
        run.numbers.sort_unstable();
        run.numbers.dedup();
        run.sizes.sort_unstable();
        run.sizes.dedup();
    }
}

fn finish(site: &mut JoinedSite) {
    sort_lists(site);
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
    use crate::run::{
        Facts, Figures, LinkAddress, Module, ModuleId, ModuleLabel, NameSource, Named, Unknown,
    };
    use crate::trace::Tally;

    /// A run of one module a call site.
    fn run(sites: Vec<(Role, &str, u64, Symbolized, u64)>) -> Run {
        let mut run = Run::new(Facts::default(), Vec::new());
        for (role, name, address, symbolized, blocks) in sites {
            let label = ModuleLabel {
                role,
                name: name.to_owned(),
            };
            run.modules.push(Module {
                label,
                path: None,
                build: None,
            });
            let at = run.add_location(Location {
                module: Some(ModuleId(run.modules.len() - 1)),
                address: Some(LinkAddress(address)),
                number: Some(address),
                name: symbolized,
            });
            let live = Tally {
                blocks,
                bytes: blocks * 10,
            };
            run.add_site(at, Figures::of_log(blocks, live), None, None);
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
        let runs = [
            run(vec![at_line("app0", 5, 0x10, 4)]),
            run(vec![at_line("app1", 5, 0x30, 6)]),
        ];
        let sites = join(&runs, Grouping::Line);
        assert_eq!(sites.len(), 1);
        let blocks: Vec<u64> = sites[0]
            .runs
            .iter()
            .flatten()
            .map(|run| run.figures.blocks)
            .collect();
        assert_eq!(blocks, [4, 6]);
        let module = sites[0].module.as_ref().map(|m| m.name.as_str());
        assert_eq!(module, Some("app1"));
    }

    #[test]
    fn several_addresses_of_a_line_are_one_site() {
        let run = run(vec![at_line("a", 5, 0x30, 4), at_line("a", 5, 0x10, 1)]);
        let sites = join(&[run], Grouping::Line);
        let run = sites[0].runs[0].as_ref().unwrap();
        assert_eq!(run.addresses, [LinkAddress(0x10), LinkAddress(0x30)]);
        assert_eq!((run.figures.allocations, run.figures.blocks), (Some(5), 5));
    }

    #[test]
    fn a_function_in_two_parts_is_one() {
        let step = |line| Step {
            function: Some("f".into()),
            file: Some("/src/a.c".into()),
            line: Some(line),
            declaration: Declaration {
                line: Some(3),
                external: false,
            },
        };
        assert_eq!(whole_functions(vec![step(7), step(3)]), [step(7)]);
        // One that calls itself.
        let recursive = vec![step(7), step(5)];
        assert_eq!(whole_functions(recursive.clone()), recursive);
    }

    #[test]
    fn unknown_sites_of_one_module_are_not_merged() {
        let run = run(vec![
            unknown("l.so", 0x10, 1),
            unknown("l.so", 0x20, 1),
            unknown("m.so", 0x10, 1),
        ]);
        assert_eq!(join(&[run], Grouping::Line).len(), 3);
    }
}
