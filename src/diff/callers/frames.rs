//! The functions of the stacks of all runs, by number.

use hashbrown::HashMap;

use super::fold::{Folded, ShownFrame, fold};
use super::reach::Reach;
use crate::diff::caller::Caller;
use crate::diff::module_key::ModuleKey;
use crate::run::{BlamedRun, Call, CallSite};

/// Frames from the nearest caller outwards.
pub(super) type FramePath = Vec<Folded>;

/// A way without what was folded.
pub(super) fn ids(path: &[Folded]) -> Vec<u32> {
    path.iter().map(|at| at.frame).collect()
}

/// The frames of all runs, each once.
#[derive(Default)]
pub(super) struct Frames {
    pub list: Vec<Caller>,
    /// Which function each of them is: the first frame of it.
    pub functions: Vec<u32>,
    index: HashMap<Caller, u32>,
    of_functions: HashMap<Caller, u32>,
    /// By run; `None` for what no way shows.
    of_calls: HashMap<(usize, Call), Option<u32>>,
}

impl Frames {
    /// The callers of a row's line, as far as they count.
    pub(super) fn path(
        &mut self,
        run: &BlamedRun,
        index: usize,
        site: &CallSite,
        reach: &Reach,
    ) -> FramePath {
        let responsible = run.responsible(site).call;
        let calls = run.calls(site).skip_while(|call| *call != responsible);
        let mut shown: Vec<ShownFrame> = Vec::new();
        for call in calls {
            let is_own = call == responsible;
            let Some(frame) = self.frame(run, index, call, is_own) else {
                continue;
            };
            shown.push(ShownFrame {
                frame,
                inlined_at: run.is_inlined(call).then_some(call.at),
            });
            let function = self.list[frame as usize].function.as_deref();
            let is_end = |name: &str| {
                let mut under = reach.under.iter();
                name == "main" || under.any(|under| under.fits(name))
            };
            if function.is_some_and(is_end) {
                break;
            }
        }
        let folded = fold(shown, |frame| self.functions[frame as usize]);
        let callers = folded.into_iter().skip(1);
        callers.take(reach.callers.unwrap_or(usize::MAX)).collect()
    }

    fn frame(&mut self, run: &BlamedRun, index: usize, call: Call, is_own: bool) -> Option<u32> {
        if let Some(known) = self.of_calls.get(&(index, call)).filter(|_| !is_own) {
            return *known;
        }
        let is_shown = is_own || run.is_shown(call);
        let frame = is_shown.then(|| self.add(caller(run, call)));
        if !is_own {
            self.of_calls.insert((index, call), frame);
        }
        frame
    }

    fn add(&mut self, caller: Caller) -> u32 {
        if let Some(known) = self.index.get(&caller) {
            return *known;
        }
        let new = self.list.len() as u32;
        let function = match caller.function {
            Some(_) => Caller {
                file: None,
                line: None,
                address: None,
                ..caller.clone()
            },
            None => caller.clone(),
        };
        let function = *self.of_functions.entry(function).or_insert(new);
        self.functions.push(function);
        self.list.push(caller.clone());
        self.index.insert(caller, new);
        new
    }
}

/// A function of a stack, as runs are compared by it.
pub(super) fn caller(run: &BlamedRun, call: Call) -> Caller {
    let location = run.location(call.at);
    let module = run.module_of(location).map(|module| &module.label);
    let frame = run.frame_of(call);
    let line = frame.and_then(|frame| frame.line);
    Caller {
        module: module.map(ModuleKey::of),
        function: frame.and_then(|frame| frame.function.clone()),
        file: frame.and_then(|frame| frame.file.clone()),
        line,
        address: location.address.filter(|_| line.is_none()),
    }
}
