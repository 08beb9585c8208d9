//! What one run has of a site beside its figures: the stacks that lead to it, the wrappers that it calls, and whether it
//! is one. Of most sites of a log there is nothing to say, and a million of them keep none of it.

use std::collections::BTreeMap;

use hashbrown::HashMap;

use crate::run::{
    BlamedRun, Call, Frame, PassedBy, PassedCall, Responsible, Role, Text, is_well_known,
    plain_name,
};
use crate::trace::LiveSizes;

/// What of it is wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Looks {
    /// Of each site, the sizes of its blocks; else only of wrappers.
    pub sizes: bool,
    /// There are stacks, which will be asked for.
    pub stacks: bool,
}

/// A function that allocates for its callers, and how that is known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wrapper {
    pub function: Text,
    pub by: PassedBy,
}

/// What a run has of a site beside its figures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Beyond {
    /// Call sites of the run that lead here; none where no stacks are known.
    pub sites: Vec<u32>,
    /// Live blocks that came through each wrapper.
    pub via: BTreeMap<Wrapper, u64>,
    /// It is itself a wrapper, or in the C or C++ runtime: who called it is not known.
    pub stands_for: Option<PassedBy>,
    /// Of its live blocks, where somebody looks at them; `None` where they are not known one by one.
    pub live_sizes: Option<LiveSizes>,
}

impl Beyond {
    /// Of a call site of a run, by its number.
    pub(crate) fn of(
        run: &BlamedRun,
        number: u32,
        responsible: Responsible,
        looks: Looks,
        names: &mut WrapperNames,
    ) -> Option<Box<Beyond>> {
        let site = run.sites.get(number as usize)?;
        let via = responsible.via;
        let via = via.and_then(|via| {
            let function = names.plain(run, via)?;
            let by = whose(run, via);
            Some(Wrapper { function, by })
        });
        let sizes = looks.sizes || responsible.stands_for.is_some();
        if via.is_none() && !sizes && !looks.stacks {
            return None;
        }
        Some(Box::new(Beyond {
            sites: looks.stacks.then_some(number).into_iter().collect(),
            via: via
                .map(|via| (via, site.figures.blocks))
                .into_iter()
                .collect(),
            stands_for: responsible.stands_for,
            live_sizes: sizes.then(|| site.live_sizes()).flatten(),
        }))
    }

    /// Adds what another call site has, or another place.
    pub(crate) fn add(&mut self, other: &Beyond) {
        self.sites.extend(&other.sites);
        for (via, blocks) in &other.via {
            *self.via.entry(via.clone()).or_default() += blocks;
        }
        self.stands_for = self.stands_for.max(other.stands_for);
        self.live_sizes = match (self.live_sizes.take(), &other.live_sizes) {
            (Some(mut sum), Some(sizes)) => {
                sum.add(sizes);
                Some(sum)
            }
            // A part of them would be wrong.
            _ => None,
        };
    }
}

/// A wrapper with the name of a library's can be the program's own, or that of a library of its own; so can a header.
fn whose(run: &BlamedRun, PassedCall { call, by }: PassedCall) -> PassedBy {
    let frame = run.frame_of(call);
    match by {
        PassedBy::Known => {
            let module = run.module_of(run.location(call.at));
            let module = module.map(|module| &module.label);
            let has_source = |frame: &Frame| {
                let is_systems = frame.is_of_system_header() && !frame.is_of_a_librarys_header();
                frame.file.is_some() && !is_systems
            };
            let is_own = module.is_some_and(|module| match module.role {
                // A library that is linked in has no debug information.
                Role::Program => frame.is_some_and(has_source),
                Role::Library => !is_well_known(module),
                Role::Loader => false,
            });
            if is_own { PassedBy::KnownOwn } else { by }
        }
        PassedBy::Header if frame.is_some_and(Frame::is_of_a_librarys_header) => {
            PassedBy::HeaderOwn
        }
        by => by,
    }
}

/// Plain names of the wrappers of a run, each made once.
#[derive(Debug, Default)]
pub(crate) struct WrapperNames(HashMap<Call, Option<Text>>);

impl WrapperNames {
    /// Without a name, the runtime is told by its library, and a wrapper by its call.
    fn plain(&mut self, run: &BlamedRun, PassedCall { call, by }: PassedCall) -> Option<Text> {
        let name = self.0.entry(call).or_insert_with(|| {
            let frame = run.frame_of(call);
            if let Some(function) = frame.and_then(|frame| frame.function.as_deref()) {
                return Some(plain_name(function).into());
            }
            let location = run.location(call.at);
            match by {
                PassedBy::Runtime => Some(run.module_of(location)?.label.name.clone()),
                _ => Some(location.address?.to_string().into()),
            }
        });
        name.clone()
    }
}
