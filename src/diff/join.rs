//! Joining the callers of all runs to call sites.

use hashbrown::HashMap;

use super::by_callers::{Unsure, unite_by_callers};
use super::by_inlining::link_by_inlining;
use super::by_splitting::link_by_splitting;
use super::doubt::{Doubt, least_of_rows};
use super::group::Aliases;
use super::identity::{Candidate, Known, Match, files_of, match_sites};
use super::links::Links;
use super::matched_by::MatchedBy;
use super::module_key::{ModuleKey, SourceFile};
use super::run_sites::{FoundSite, RunSites};
use super::site::{Grouping, JoinedSite, SiteKey};
use crate::run::{
    BlamedRun, Figures, Frame, Inventory, Kept, ModuleLabel, Only, Role, Symbolized, strangers,
    unlike,
};
use crate::warning::ComparisonWarning;

/// Runs, and what their call sites are in all of them.
#[derive(Debug)]
pub(crate) struct Joint {
    /// They have let go of their own sites, where no stacks will be asked for.
    pub runs: Vec<BlamedRun>,
    /// What the runs are a part of; `None` where all counts.
    pub only: Option<Only>,
    pub sites: JoinedSites,
    /// Why rows of the first run may stand in other rows of the last one, or in none.
    pub warnings: Vec<ComparisonWarning>,
}

/// Call sites of all runs, each once, unranked.
#[derive(Debug)]
pub(crate) struct JoinedSites {
    /// Lines, or addresses: the finest that rows are made of.
    pub list: Vec<JoinedSite>,
    pub unsure: Unsure,
    /// What earlier runs call otherwise, for rows that are sums.
    pub aliases: Aliases,
}

/// Joins the call sites of runs. A million of them are kept once.
pub(crate) fn join(Kept { runs, only }: Kept, by: Grouping) -> Joint {
    let warnings = unlike(&runs);
    let strangers = strangers(&runs);
    let nothing = runs.first().map(|run| run.nothing());
    let all = runs.len();
    let mut joined = Joined::default();
    let add = |(index, run): (usize, BlamedRun)| {
        let sites = RunSites::of(&run, by);
        // Where stacks are known, ways are asked for later.
        let run = match run.has_stacks() {
            true => run,
            false => run.without_sites(),
        };
        match index {
            0 => joined.begin(all, sites, &run.inventory),
            _ => joined.add_run(index, all, sites, &run.inventory),
        }
        run
    };
    let runs: Vec<BlamedRun> = runs.into_iter().enumerate().map(add).collect();
    let doubts = nothing.map_or_else(Vec::new, |nothing| joined.doubts(nothing));
    let Joined { sites, aliases, .. } = joined;
    let mut links = Links::default();
    link_by_inlining(&sites, &runs, &mut links);
    link_by_splitting(&sites, runs.len(), &aliases, &mut links);
    let (sites, rows) = links.unite(sites);
    let least =
        nothing.map(|nothing| least_of_rows(&doubts, &rows, |row| first_of(&sites[row], nothing)));
    let (list, unsure) = unite_by_callers(sites, least.unwrap_or_default(), &runs);
    let strangers = strangers.filter(|_| !have_common_rows(&list));
    Joint {
        warnings: warnings.into_iter().chain(strangers).collect(),
        runs,
        only,
        sites: JoinedSites {
            list,
            unsure,
            aliases,
        },
    }
}

/// Whether a place of the program's own allocated in the first run and in the last one. A `main` is every program's, and
/// so are templates of the C++ library.
fn have_common_rows(sites: &[JoinedSite]) -> bool {
    let is_program = |module: &ModuleLabel| module.role == Role::Program;
    let is_of_any =
        |frame: &Frame| frame.is_of_system_header() || frame.function.as_deref() == Some("main");
    let mut own = sites.iter().filter(|site| {
        site.module.as_ref().is_some_and(is_program) && !site.frame().is_some_and(is_of_any)
    });
    own.any(|site| matches!(&*site.runs, [Some(_), .., Some(_)]))
}

fn first_of(site: &JoinedSite, nothing: Figures) -> Figures {
    let run = site.runs.first().and_then(Option::as_ref);
    run.map_or(nothing, |run| run.figures)
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
    inventory: Inventory,
}

impl Joined {
    /// Takes over the first run, whose sites are all new. Only another run has to know of what they are found again by.
    fn begin(&mut self, runs: usize, first: RunSites, inventory: &Inventory) {
        self.inventory.clone_from(inventory);
        if runs > 1 {
            let sites = first.keys.iter().zip(&first.found);
            let candidates = sites.map(|(key, found)| found.candidate(key.clone()));
            self.candidates = candidates.collect();
        }
        let sites = first.keys.into_iter().zip(first.found);
        let sites = sites.map(|(key, found)| found.into_site(0, runs, key));
        self.sites = sites.collect();
    }

    fn add_run(&mut self, run: usize, runs: usize, new: RunSites, inventory: &Inventory) {
        let (new, found) = new.into_candidates();
        let earlier = std::mem::take(&mut self.inventory);
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
        self.inventory = earlier.followed_by(inventory);
        for file in &matches.files {
            let of_module = |path: &str| SourceFile::new(&file.module, path);
            self.aliases
                .add_file(of_module(&file.old), of_module(&file.new));
        }
        for pair in &matches.modules {
            self.aliases.add_module(&pair.old, &pair.new);
        }
        self.add_renamed(&new, &matches.sites);
        let is_last = run + 1 == runs;
        if is_last {
            self.candidates = Vec::new();
        }
        let is_new = |found: &&Option<Match>| found.is_none();
        self.sites
            .reserve_exact(matches.sites.iter().filter(is_new).count());
        let keys: Vec<SiteKey> = match is_last {
            true => new.into_iter().map(|candidate| candidate.key).collect(),
            false => {
                let keys = new.iter().map(|candidate| candidate.key.clone());
                let keys = keys.collect();
                self.remember(new, &matches.sites);
                keys
            }
        };
        let sites = found.into_iter().zip(keys);
        for ((site, key), found) in sites.zip(matches.sites) {
            match found {
                Some(found) => self.unite(found, run, site, key),
                None => self.sites.push(site.into_site(run, runs, key)),
            }
        }
    }

    /// Sites are found again by what the last run that has them knows of them.
    fn remember(&mut self, new: Vec<Candidate>, found: &[Option<Match>]) {
        for (candidate, found) in new.into_iter().zip(found) {
            match found {
                Some(found) => self.candidates[found.old] = candidate,
                // In the order in which sites are added.
                None => self.candidates.push(candidate),
            }
        }
    }

    /// The sites that may be others; `nothing` is what the first run has of a site that it does not know.
    fn doubts(&self, nothing: Figures) -> Vec<Doubt> {
        let first = |site: usize| first_of(&self.sites[site], nothing);
        let doubts = self.rivals.iter().map(|(site, rivals)| Doubt {
            site: *site,
            first: first(*site),
            rivals: rivals
                .iter()
                .map(|rival| (*rival, rival.map_or(nothing, first)))
                .collect(),
        });
        doubts.collect()
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

    fn unite(&mut self, found: Match, run: usize, site: FoundSite, key: SiteKey) {
        let Match { old, by, rivals } = found;
        if !rivals.is_empty() {
            self.rivals.entry(old).or_default().extend(rivals);
        }
        let known = &mut self.sites[old];
        known.runs[run] = Some(site.here);
        known.matched_by = known.matched_by.max(Some(by));
        // Names of the last run win: it is the newest build. But any name is better than none.
        if site.module.is_some() {
            known.module = site.module;
        }
        let is_named = matches!(site.name, Symbolized::Named(_));
        if is_named || matches!(known.name, Symbolized::Unknown(_)) {
            known.name = site.name;
            known.key = key;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{
        Allocated, LinkAddress, Location, Module, ModuleId, NameSource, Named, RunBuilder, Told,
        Unknown,
    };
    use crate::trace::Tally;

    /// A run of one module a call site.
    fn run(sites: Vec<(Role, &str, u64, Symbolized, u64)>) -> BlamedRun {
        let mut run = RunBuilder::default();
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
            run.add_site(at, Allocated::of(Figures::of_log(blocks, live)));
        }
        BlamedRun::alone(run.build(Told::default()))
    }

    fn joined(runs: Vec<BlamedRun>) -> Vec<JoinedSite> {
        join(Kept { runs, only: None }, Grouping::Line).sites.list
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
        let sites = joined(vec![
            run(vec![at_line("app0", 5, 0x10, 4)]),
            run(vec![at_line("app1", 5, 0x30, 6)]),
        ]);
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
        let sites = joined(vec![run]);
        let run = sites[0].runs[0].as_ref().unwrap();
        let addresses: Vec<LinkAddress> = run.places.addresses().collect();
        assert_eq!(addresses, [LinkAddress(0x10), LinkAddress(0x30)]);
        assert_eq!((run.figures.allocations, run.figures.blocks), (Some(5), 5));
    }

    #[test]
    fn unknown_sites_of_one_module_are_not_merged() {
        let run = run(vec![
            unknown("l.so", 0x10, 1),
            unknown("l.so", 0x20, 1),
            unknown("m.so", 0x10, 1),
        ]);
        assert_eq!(joined(vec![run]).len(), 3);
    }
}
