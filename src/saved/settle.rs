//! What an old tool's result leaves open and another run of the comparison knows.

use hashbrown::{HashMap, HashSet};

use super::RunResult;
use crate::diff::{ModuleLabel, NamedCaller};
use crate::report::Source;
use crate::symbols::{LinkAddress, Named, Role, Symbolized};

/// Settles the old results among runs of one program by what the others know.
pub fn settle(runs: &mut [RunResult]) {
    if !runs.iter().any(is_old) {
        return;
    }
    let has_mode_bit = {
        let mut machines = runs.iter().filter_map(|run| run.summary.machine);
        machines.any(|machine| machine.has_mode_bit())
    };
    let lines = Lines::of(runs);
    let logged = runs.iter().filter(|run| !is_old(run));
    let builds: Vec<Builds> = logged.map(Builds::of).collect();
    for run in runs.iter_mut().filter(|run| is_old(run)) {
        if has_mode_bit && run.summary.machine.is_none() {
            run.callers.iter_mut().for_each(clear_mode_bit);
        }
        builds
            .iter()
            .for_each(|builds| builds.name(&mut run.callers));
        run.callers.iter_mut().for_each(|caller| lines.name(caller));
    }
}

fn is_old(run: &RunResult) -> bool {
    run.summary.origin.source != Source::Log
}

/// An old result does not say of which machine it is; the other runs do, and their addresses are
/// without the bit.
fn clear_mode_bit(caller: &mut NamedCaller) {
    caller.address = caller.address.map(|LinkAddress(at)| LinkAddress(at & !1));
}

/// The callers of each module in one run.
struct Builds(HashMap<(Role, String), HashMap<LinkAddress, Symbolized>>);

impl Builds {
    fn of(run: &RunResult) -> Self {
        let mut modules: HashMap<_, HashMap<_, _>> = HashMap::new();
        for caller in &run.callers {
            if let (Some(module), Some(address)) = (identity(caller), caller.address) {
                let callers = modules.entry(module).or_default();
                callers.insert(address, caller.name.clone());
            }
        }
        Builds(modules)
    }

    /// Names callers in modules of the same build: all their addresses are callers here. In another
    /// build, calls do not end at the same places.
    fn name(&self, callers: &mut [NamedCaller]) {
        let others: HashSet<_> = {
            let unknown = callers.iter().filter(|caller| self.known(caller).is_none());
            unknown.filter_map(identity).collect()
        };
        for caller in callers {
            let is_other = || identity(caller).is_none_or(|module| others.contains(&module));
            if let (Symbolized::Unknown(_), Some(name)) = (&caller.name, self.known(caller))
                && !is_other()
            {
                caller.name = name.clone();
            }
        }
    }

    fn known(&self, caller: &NamedCaller) -> Option<&Symbolized> {
        self.0.get(&identity(caller)?)?.get(&caller.address?)
    }
}

fn identity(caller: &NamedCaller) -> Option<(Role, String)> {
    let (role, name) = caller.module.as_ref()?.identity();
    Some((role, name.to_owned()))
}

type Place = (ModuleLabel, Named);

/// Call sites by file and line; `None` where two of them share a line.
struct Lines(HashMap<(String, u32), Option<Place>>);

impl Lines {
    fn of(runs: &[RunResult]) -> Self {
        let mut lines: HashMap<(String, u32), Option<Place>> = HashMap::new();
        let known = runs.iter().filter(|run| !is_old(run));
        for caller in known.flat_map(|run| &run.callers) {
            // Who only frees is no call site, and may share a line with one.
            if caller.stats.allocations == 0 {
                continue;
            }
            let (Some(module), Symbolized::Named(named)) = (&caller.module, &caller.name) else {
                continue;
            };
            let Some(line) = line_of(named) else {
                continue;
            };
            let place = (module.clone(), named.clone());
            let entry = lines.entry(line).or_insert_with(|| Some(place.clone()));
            if entry.as_ref().is_some_and(|known| !is_same(known, &place)) {
                *entry = None;
            }
        }
        Lines(lines)
    }

    /// Gives a caller that is a line and no more the function and the module that lie there.
    fn name(&self, caller: &mut NamedCaller) {
        let Symbolized::Named(named) = &caller.name else {
            return;
        };
        if caller.module.is_some() || named.shown().function.is_some() {
            return;
        }
        let place = line_of(named).and_then(|line| self.0.get(&line));
        if let Some(Some((module, named))) = place {
            caller.module = Some(module.clone());
            caller.name = Symbolized::Named(named.clone());
        }
    }
}

fn line_of(named: &Named) -> Option<(String, u32)> {
    let frame = named.shown();
    Some((frame.file.clone()?, frame.line?))
}

/// Whether two callers are one site: the program may be called otherwise in another run.
fn is_same((module, named): &Place, (other, other_named): &Place) -> bool {
    module.identity() == other.identity()
        && named.shown().function == other_named.shown().function
        && named.inlined_into().eq(other_named.inlined_into())
}
