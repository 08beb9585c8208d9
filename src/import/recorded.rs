//! A recording, read and placed: what is left to find are names.

use hashbrown::HashMap;

use super::Reading;
use super::moment::until;
use crate::capture::{CaptureSet, Moment, Reached};
use crate::elf::BuildId;
use crate::error::{Error, Result};
use crate::recording::{Blocks, Recording, duration_of, replay};
use crate::run::{
    Blocks as RunBlocks, Build, Facts, Fault, Figures, LinkAddress, LiveBlock, Location,
    LocationId, Module, ModuleId, ModuleLabel, Origin, Role, Run, Source, StackId, Unknown,
    blamed,
};
use crate::symbols::{
    FoundModule, ModuleFinder, Place, RunNames, RunToName, base_name, is_loader_name, shortened,
};
use crate::warning::Warning;

/// A recording with the files of its modules, without names.
#[derive(Debug)]
pub struct PlacedRecording {
    capture: CaptureSet,
    recording: Recording,
    modules: Vec<FoundModule>,
    builds: Vec<Option<Build>>,
    /// Each place once.
    places: Vec<Place>,
    /// The place of each node.
    of_nodes: Vec<usize>,
    reached: Option<Reached>,
    keep_blocks: bool,
}

impl PlacedRecording {
    pub fn read(mut capture: CaptureSet, reading: Reading<'_>) -> Result<Self> {
        let open = |capture: &CaptureSet| {
            let log = capture.open_log(reading.progress)?;
            let blocks = Blocks::open(log).map_err(|e| Error::io("read", &capture.log, e))?;
            blocks.map_err(|reason| Error::BadRecording {
                path: capture.log.clone(),
                reason,
            })
        };
        let until = until(&capture, || Ok(duration_of(open(&capture)?)))?;
        let blocks = open(&capture)?;
        let recording = replay(blocks, until, reading.keep_blocks)
            .map_err(|e| Error::io("read", &capture.log, e))?;
        let reached = reached(&capture, &recording)?;
        capture.manifest.add_modules(known_builds(&recording));
        let (modules, ids) = modules_of(&capture, &recording);
        let builds = ids.builds;
        let (places, of_nodes) = places_of(&recording, &ids.of_module);
        Ok(PlacedRecording {
            capture,
            recording,
            modules,
            builds,
            places,
            of_nodes,
            reached,
            keep_blocks: reading.keep_blocks,
        })
    }

    pub fn to_name(&self) -> RunToName<'_> {
        let mut is_live = vec![false; self.places.len()];
        for stack in &self.recording.stacks {
            if stack.live.blocks > 0 {
                let (frames, _) = self.recording.frames(stack.node);
                frames
                    .iter()
                    .for_each(|node| is_live[self.of_nodes[*node as usize]] = true);
            }
        }
        RunToName {
            capture: &self.capture,
            modules: &self.modules,
            places: &self.places,
            symbols: vec![None; self.places.len()],
            is_live,
        }
    }

    /// The whole run.
    pub fn named(self, names: RunNames) -> Run {
        let modules = self.modules.iter().zip(&self.builds);
        let modules = modules.map(|(module, build)| Module {
            label: ModuleLabel {
                role: module.role,
                name: module.name.clone(),
            },
            path: module.path(),
            build: build.clone(),
        });
        let mut run = Run::new(Facts::default(), modules.collect());
        for (place, name) in self.places.iter().zip(names.names) {
            let (address, number) = match place {
                Place::InModule { address, .. } => (Some(*address), None),
                Place::Unplaced { address, .. } => (None, *address),
            };
            run.add_location(Location {
                module: place.module(),
                address,
                number,
                name,
            });
        }
        let sites = self.add_sites(&mut run);
        if self.keep_blocks {
            run.blocks = Some(self.blocks(&run, &sites));
        }
        run.faults = Some(self.faults(&run));
        run.facts = self.facts(names.warnings);
        run
    }

    /// Adds what each stack allocated; says which place each of the recording's stacks is shown at.
    fn add_sites(&self, run: &mut Run) -> Vec<LocationId> {
        let mut known: HashMap<StackId, usize> = HashMap::new();
        let mut blames = Vec::new();
        for stack in &self.recording.stacks {
            let (id, at) = self.stack(run, stack.node);
            blames.push(at);
            let figures = Figures::of_log(stack.allocations, stack.live);
            match known.get(&id) {
                // The same place of a library that was loaded more than once.
                Some(&index) => {
                    let site = &mut run.sites[index];
                    site.figures.add(figures);
                    if let Some(curve) = &mut site.curve {
                        curve.add(&stack.curve);
                    }
                }
                None => {
                    known.insert(id, run.sites.len());
                    run.add_stack(id, at, figures, Some(stack.curve.clone()));
                }
            }
        }
        blames
    }

    fn stack(&self, run: &mut Run, node: u32) -> (StackId, LocationId) {
        let (frames, _) = self.recording.frames(node);
        let places = frames.iter().map(|node| self.of_nodes[*node as usize]);
        let mut locations: Vec<LocationId> = places.map(LocationId).collect();
        if locations.is_empty() {
            locations.push(LocationId(self.of_nodes[0]));
        }
        let mut id = None;
        for at in locations.iter().rev() {
            id = Some(run.stacks.add(*at, id));
        }
        let innermost = locations[0];
        let at = blamed(run, locations).unwrap_or(innermost);
        (id.unwrap_or_else(|| run.stacks.add(at, None)), at)
    }

    fn faults(&self, run: &Run) -> Vec<Fault> {
        let faults = self.recording.faults.iter();
        let fault = |(kind, node, seen): &(_, u32, _)| {
            let (frames, _) = self.recording.frames(*node);
            let places = frames.iter().map(|node| self.of_nodes[*node as usize]);
            Some(Fault {
                kind: *kind,
                seen: *seen,
                at: blamed(run, places.map(LocationId))?,
            })
        };
        faults.filter_map(fault).collect()
    }

    fn blocks(&self, run: &Run, sites: &[LocationId]) -> RunBlocks {
        let live = self.recording.blocks.iter().map(|(address, block)| {
            let at = sites[block.caller.0 as usize];
            LiveBlock {
                address: *address,
                size: block.size,
                at,
            }
        });
        let files = run.locations.iter().map(|location| {
            let module = run.module_of(location)?;
            module.path.as_deref().map(Into::into)
        });
        RunBlocks {
            live: live.collect(),
            unknown_frees: Vec::new(),
            files: files.collect(),
        }
    }

    fn facts(self, naming: Vec<Warning>) -> Facts {
        let recording = &self.recording;
        let seconds = recording.end_us as f64 / 1e6;
        let duration_s = match self.reached {
            Some(reached) => reached.seconds,
            // A program that waits to be ended does so behind its last event.
            None => Some(self.capture.manifest.duration_s.unwrap_or(0.0).max(seconds)),
        };
        let program = self.modules.iter().zip(&self.builds);
        let program = program.into_iter().find(|(m, _)| m.role == Role::Program);
        let build_id = program.and_then(|(_, build)| match build {
            Some(Build::Id(id)) => Some(id.clone()),
            _ => None,
        });
        let mut capture = self.capture.warnings.clone();
        // It was found by its build id.
        if program.is_some_and(|(module, _)| module.elf().is_some()) {
            capture.retain(|warning| *warning != Warning::NoProgram);
        }
        let warnings = [capture, self.damage(), naming];
        Facts {
            name: self.capture.name.clone(),
            path: self.capture.path.clone(),
            origin: Origin {
                source: Source::Recording,
                ..Origin::default()
            },
            log: self.capture.log.clone(),
            program: program.and_then(|(module, _)| Some(module.elf()?.path.clone())),
            build_id,
            machine: Some(recording.header.machine),
            choice: None,
            duration_s: duration_s.filter(|seconds| *seconds > 0.0),
            reached: self.reached,
            records: Some(recording.events),
            anomalies: None,
            warnings: warnings.concat(),
        }
    }

    fn damage(&self) -> Vec<Warning> {
        let recording = &self.recording;
        let damage = &recording.damage;
        let mut warnings = Vec::new();
        if recording.events == 0 {
            warnings.push(Warning::NoRecords);
        }
        if damage.bad_blocks > 0 {
            warnings.push(Warning::RecordingDamaged {
                blocks: damage.bad_blocks,
                first_at: damage.first_at,
            });
        }
        if let Some(reason) = &damage.read_error {
            warnings.push(Warning::ReadStopped {
                reason: reason.clone(),
            });
        }
        if damage.is_cut && self.reached.is_none() {
            warnings.push(Warning::RecordingCut);
        }
        if let Some(stopped) = recording.header.stopped {
            warnings.push(Warning::RecordingStopped {
                reason: stopped.reason(),
            });
        }
        if recording.header.lost > 0 {
            warnings.push(Warning::RecordingLost {
                events: recording.header.lost,
            });
        }
        warnings
    }
}

/// The moment that was reached; an error where the run was over before it.
fn reached(capture: &CaptureSet, recording: &Recording) -> Result<Option<Reached>> {
    let end = recording.end_us as f64 / 1e6;
    match capture.at {
        Moment::End => Ok(None),
        Moment::Time(wanted) if wanted > capture.manifest.duration_s.unwrap_or(0.0).max(end) => {
            Err(Error::MomentBehindEnd {
                path: capture.path.clone(),
                at: capture.at.to_string(),
                took: crate::units::time(end),
            })
        }
        at => Ok(Some(Reached {
            at,
            records: recording.events,
            of: recording.events,
            seconds: Some(match at {
                Moment::Time(wanted) => wanted,
                _ => end,
            }),
            step: None,
        })),
    }
}

fn known_builds(recording: &Recording) -> impl Iterator<Item = (String, BuildId)> + '_ {
    let modules = recording.modules.iter();
    let known = modules.filter(|module| !module.path.is_empty() && !module.build_id.is_empty());
    known.map(|module| {
        let path = String::from_utf8_lossy(&module.path).into_owned();
        (path, BuildId(module.build_id.clone()))
    })
}

/// Which module of the run each of the recording's is; a library that was loaded twice is one.
struct Ids {
    of_module: Vec<Option<ModuleId>>,
    builds: Vec<Option<Build>>,
}

fn modules_of(capture: &CaptureSet, recording: &Recording) -> (Vec<FoundModule>, Ids) {
    let machine = recording.header.machine;
    let finder = ModuleFinder::new(capture, Some(machine), Some(machine.is_64));
    let program = recording.fact("program");
    let mut known: HashMap<(&[u8], &[u8]), ModuleId> = HashMap::new();
    let mut modules: Vec<FoundModule> = Vec::new();
    let mut ids = Ids {
        of_module: Vec::new(),
        builds: Vec::new(),
    };
    for module in &recording.modules {
        let path = module.path.as_slice();
        if path.is_empty() {
            ids.of_module.push(None);
            continue;
        }
        let key = (path, module.build_id.as_slice());
        let id = *known.entry(key).or_insert_with(|| {
            let role = match program.as_deref() {
                Some(program) if program.as_bytes() == path => Role::Program,
                _ if is_loader_name(base_name(path)) => Role::Loader,
                _ => Role::Library,
            };
            let name = shortened(&String::from_utf8_lossy(base_name(path)));
            let found = finder.found(FoundModule::new(role, name, path));
            let build = match module.build_id.is_empty() {
                false => Some(Build::Id(BuildId(module.build_id.clone()))),
                true => found.build(capture),
            };
            modules.push(found);
            ids.builds.push(build);
            ModuleId(modules.len() - 1)
        });
        ids.of_module.push(Some(id));
    }
    (modules, ids)
}

fn places_of(recording: &Recording, ids: &[Option<ModuleId>]) -> (Vec<Place>, Vec<usize>) {
    let mut places = Vec::new();
    let mut known: HashMap<Place, usize> = HashMap::new();
    let nodes = recording.nodes.iter().map(|node| {
        let module = node.module.map(|index| index as usize);
        let place = match module.and_then(|index| Some((ids.get(index).copied()??, index))) {
            Some((id, index)) => Place::InModule {
                module: id,
                address: LinkAddress(node.pc.wrapping_sub(recording.modules[index].bias)),
            },
            None => Place::Unplaced {
                module: None,
                address: Some(node.pc).filter(|pc| *pc > 0),
                reason: match (module, node.pc) {
                    (_, 0) => Unknown::NoAddress,
                    (Some(_), _) => Unknown::AnonymousMemory,
                    (None, _) => Unknown::OutsideMaps,
                },
            },
        };
        *known.entry(place.clone()).or_insert_with(|| {
            places.push(place);
            places.len() - 1
        })
    });
    let of_nodes = nodes.collect();
    (places, of_nodes)
}

