//! The call sites of one run.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashMap, HashTable};

use super::beyond::{Beyond, Looks, WrapperNames};
use super::identity::{AskedFor, Candidate, ChainFunction, Outermost};
use super::module_key::ModuleKey;
use super::site::{CodePlace, Grouping, JoinedSite, SiteKey, SiteRun};
use crate::run::{
    BlamedRun, Call, CallSite, Declaration, Frame, Location, ModuleLabel, Symbolized, Text,
};

/// The sites of one run, which no other run has changed yet.
#[derive(Debug)]
pub(super) struct RunSites {
    pub keys: Vec<SiteKey>,
    pub found: Vec<FoundSite>,
}

/// What is known of a site beside its key.
#[derive(Debug)]
pub(super) struct FoundSite {
    pub module: Option<ModuleLabel>,
    /// Of that module's file, as the run spells it.
    path: Option<Text>,
    pub name: Symbolized,
    pub here: Box<SiteRun>,
}

impl RunSites {
    pub(super) fn of(run: &BlamedRun, by: Grouping) -> Self {
        let mut sites = RunSites {
            keys: Vec::with_capacity(run.sites.len()),
            found: Vec::with_capacity(run.sites.len()),
        };
        let modules = run.modules.iter();
        let modules: Vec<ModuleKey> = modules.map(|module| ModuleKey::of(&module.label)).collect();
        let mut known: HashTable<u32> = HashTable::new();
        let hasher = DefaultHashBuilder::default();
        let looks = Looks {
            sizes: by == Grouping::Size,
            stacks: run.has_stacks(),
        };
        let mut wrappers = WrapperNames::default();
        // Thousands of stacks lead to one place.
        let mut placed: HashMap<Call, u32> = HashMap::new();
        for (number, site) in run.sites.iter().enumerate() {
            let responsible = run.responsible(site);
            let more = Beyond::of(run, number as u32, responsible, looks, &mut wrappers);
            let place = responsible.call;
            if let Some(at) = placed.get(&place).copied() {
                sites.found[at as usize].here.add_site(site, more);
                continue;
            }
            let location = answering(run, place);
            let module = location.module.and_then(|id| modules.get(id.0 as usize));
            let key = SiteKey::of(module, &location, by);
            let hash = hasher.hash_one(&key);
            let is_it = |at: &u32| sites.keys[*at as usize] == key;
            if let Some(at) = known.find(hash, is_it).copied() {
                sites.found[at as usize].add(run, location, site, more);
                if looks.stacks {
                    placed.insert(place, at);
                }
                continue;
            }
            let at = sites.found.len() as u32;
            if looks.stacks {
                placed.insert(place, at);
            }
            sites.keys.push(key);
            sites.found.push(FoundSite::new(run, location, site, more));
            let rehash = |at: &u32| hasher.hash_one(&sites.keys[*at as usize]);
            known.insert_unique(hash, at, rehash);
        }
        sites.keys.shrink_to_fit();
        sites.found.shrink_to_fit();
        let found = sites.found.iter_mut();
        found.for_each(|found| found.here.sort_lists());
        sites
    }

    pub(super) fn into_candidates(self) -> (Vec<Candidate>, Vec<FoundSite>) {
        let sites = self.keys.into_iter().zip(&self.found);
        let candidates = sites.map(|(key, found)| found.candidate(key));
        (candidates.collect(), self.found)
    }
}

impl FoundSite {
    fn new(
        run: &BlamedRun,
        location: Location,
        site: &CallSite,
        more: Option<Box<Beyond>>,
    ) -> Self {
        let module = run.module_of(&location);
        FoundSite {
            module: module.map(|module| module.label.clone()),
            path: module.and_then(|module| module.path.clone()),
            here: Box::new(site_run(run, &location, site, more)),
            name: location.name,
        }
    }

    /// Adds what another place of the same site has.
    fn add(
        &mut self,
        run: &BlamedRun,
        location: Location,
        site: &CallSite,
        more: Option<Box<Beyond>>,
    ) {
        let here = site_run(run, &location, site, more);
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

    /// What matching is to know of the site.
    pub(super) fn candidate(&self, key: SiteKey) -> Candidate {
        let named = match &self.name {
            Symbolized::Named(named) => Some(named),
            Symbolized::Unknown(_) => None,
        };
        let chain = named.map(|named| whole_functions(named.chain().map(step).collect()));
        let here = &self.here;
        Candidate {
            module: key.module().cloned(),
            key,
            build: here.build.clone(),
            chain: chain.unwrap_or_default(),
            outermost: named.and_then(Outermost::of),
            places: here.places.clone(),
            module_path: self.path.clone(),
            sizes: asked_for(here),
        }
    }

    /// A site that no earlier run has.
    pub(super) fn into_site(self, run: usize, runs: usize, key: SiteKey) -> JoinedSite {
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
            by,
        }
    }
}

/// The place that answers for a call site.
fn answering(run: &BlamedRun, call: Call) -> Location {
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

/// Compilers split a function, and inline its head where it is called: then the other part, inlined or not, looks as
/// if it was called at the function's declaration.
fn whole_functions(mut chain: Vec<ChainFunction>) -> Vec<ChainFunction> {
    chain.dedup_by(|outer, inner| {
        let is_head = outer.line.is_some() && outer.line == outer.declaration.line;
        is_head && outer.function == inner.function && outer.declaration == inner.declaration
    });
    chain
}

fn asked_for(here: &SiteRun) -> AskedFor {
    let figures = here.figures;
    AskedFor::new(here.sizes.clone(), figures.allocations, figures.mean_size())
}

fn step((frame, declaration): (&Frame, Declaration)) -> ChainFunction {
    ChainFunction {
        function: frame.function.clone(),
        file: frame.file.clone(),
        line: frame.line,
        declaration,
    }
}

fn site_run(
    run: &BlamedRun,
    location: &Location,
    site: &CallSite,
    beyond: Option<Box<Beyond>>,
) -> SiteRun {
    let address = location.address.map(CodePlace::Address);
    let module = run.module_of(location);
    SiteRun {
        build: module.and_then(|module| module.build.clone()),
        places: address.or(location.number.map(CodePlace::Number)).into(),
        figures: site.figures,
        sizes: site.sizes.into(),
        curve: site.curve.clone(),
        survivors: site.survivors.clone(),
        lives: site.lives.clone(),
        beyond,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_in_two_parts_is_one() {
        let step = |line| ChainFunction {
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
}
