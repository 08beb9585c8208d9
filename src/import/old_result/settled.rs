//! What an old tool's result leaves open and another run of the comparison knows.

use hashbrown::{HashMap, HashSet};

use crate::run::{
    LinkAddress, Location, Module, ModuleId, ModuleLabel, Named, Renamed, Role, Run, Runs, Settled,
    Source, Symbolized, Text,
};

/// The runs, with the old results among them settled by what the others know.
pub(crate) fn settled(runs: Runs<Renamed>) -> Runs<Settled> {
    if !runs.iter().any(is_old) {
        return runs.map(|run| run);
    }
    let has_mode_bit = {
        let mut machines = runs.iter().filter_map(|run| run.facts.machine);
        machines.any(|machine| machine.has_mode_bit())
    };
    let lines = SitesByLine::of(&runs);
    let logged = runs.iter().filter(|run| !is_old(run));
    let builds: Vec<SitesByBuild> = logged.map(SitesByBuild::of).collect();
    runs.map(|mut run| {
        if !is_old(&run) {
            return run;
        }
        if has_mode_bit && run.facts.machine.is_none() {
            run.locations.iter_mut().for_each(clear_mode_bit);
        }
        builds.iter().for_each(|builds| builds.name(&mut run));
        lines.name(&mut run);
        run
    })
}

fn is_old(run: &Run) -> bool {
    matches!(run.facts.origin.source, Source::Mtrace | Source::MtraceDo)
}

/// An old result does not say of which machine it is; the other runs do, and their addresses are
/// without the bit.
fn clear_mode_bit(location: &mut Location) {
    location.address = location.address.map(|LinkAddress(at)| LinkAddress(at & !1));
}

/// The call sites of each module in one run.
struct SitesByBuild(HashMap<(Role, String), HashMap<LinkAddress, Symbolized>>);

impl SitesByBuild {
    fn of(run: &Run) -> Self {
        let mut modules: HashMap<_, HashMap<_, _>> = HashMap::new();
        for location in &run.locations {
            if let (Some(module), Some(address)) = (identity(run, location), location.address) {
                let places = modules.entry(module).or_default();
                places.insert(address, location.name.clone());
            }
        }
        SitesByBuild(modules)
    }

    /// Names call sites in modules of the same build: all their addresses are call sites here. In another
    /// build, calls do not end at the same places.
    fn name(&self, run: &mut Run) {
        let others: HashSet<_> = {
            let locations = run.locations.iter();
            let unknown = locations.filter(|location| self.known(run, location).is_none());
            unknown
                .filter_map(|location| identity(run, location))
                .collect()
        };
        let better = |location: &Location| {
            let module = identity(run, location)?;
            let is_unknown = matches!(location.name, Symbolized::Unknown(_));
            let name = self.known(run, location)?;
            (is_unknown && !others.contains(&module)).then(|| name.clone())
        };
        let names: Vec<Option<Symbolized>> = run.locations.iter().map(better).collect();
        for (location, name) in run.locations.iter_mut().zip(names) {
            if let Some(name) = name {
                location.name = name;
            }
        }
    }

    fn known(&self, run: &Run, location: &Location) -> Option<&Symbolized> {
        self.0
            .get(&identity(run, location)?)?
            .get(&location.address?)
    }
}

fn identity(run: &Run, location: &Location) -> Option<(Role, String)> {
    let (role, name) = run.module_of(location)?.label.identity();
    Some((role, name.to_owned()))
}

/// Where a call site lies, and what it is called.
#[derive(Clone)]
struct NamedSite {
    module: ModuleLabel,
    name: Named,
}

/// Call sites by file and line; `None` where two of them share a line.
struct SitesByLine(HashMap<SourceLine, Option<NamedSite>>);

#[derive(PartialEq, Eq, Hash)]
struct SourceLine {
    file: Text,
    line: u32,
}

impl SitesByLine {
    fn of(runs: &[Run]) -> Self {
        let mut lines: HashMap<SourceLine, Option<NamedSite>> = HashMap::new();
        for run in runs.iter().filter(|run| !is_old(run)) {
            // Who only frees is no call site, and may share a line with one.
            for site in &run.sites {
                let location = run.location(run.innermost(site));
                let module = run.module_of(location).map(|module| &module.label);
                let (Some(label), Symbolized::Named(named)) = (module, &location.name) else {
                    continue;
                };
                let Some(line) = line_of(named) else {
                    continue;
                };
                let site = NamedSite {
                    module: label.clone(),
                    name: named.clone(),
                };
                let entry = lines.entry(line).or_insert_with(|| Some(site.clone()));
                if entry.as_ref().is_some_and(|known| !is_same(known, &site)) {
                    *entry = None;
                }
            }
        }
        SitesByLine(lines)
    }

    /// Gives call sites that are a line and no more the function and the module that lie there.
    fn name(&self, run: &mut Run) {
        for at in 0..run.locations.len() {
            if let Some(site) = self.known(&run.locations[at]) {
                let module = module_id(run, &site.module);
                let location = &mut run.locations[at];
                location.module = Some(module);
                location.name = Symbolized::Named(site.name.clone());
            }
        }
    }

    fn known(&self, location: &Location) -> Option<&NamedSite> {
        let Symbolized::Named(named) = &location.name else {
            return None;
        };
        let is_line_alone = location.module.is_none() && named.shown().function.is_none();
        let line = line_of(named).filter(|_| is_line_alone)?;
        self.0.get(&line)?.as_ref()
    }
}

fn module_id(run: &mut Run, label: &ModuleLabel) -> ModuleId {
    let known = run.modules.iter().position(|module| module.label == *label);
    let at = known.unwrap_or_else(|| {
        run.modules.push(Module {
            label: label.clone(),
            path: None,
            build: None,
        });
        run.modules.len() - 1
    });
    ModuleId(at as u32)
}

fn line_of(named: &Named) -> Option<SourceLine> {
    let frame = named.shown();
    Some(SourceLine {
        file: frame.file.clone()?,
        line: frame.line?,
    })
}

/// Whether two callers are one site: the program may be called otherwise in another run.
fn is_same(a: &NamedSite, b: &NamedSite) -> bool {
    a.module.identity() == b.module.identity()
        && a.name.shown().function == b.name.shown().function
        && a.name.inlined_into().eq(b.name.inlined_into())
}
