//! Recordings: what the recorder wrote.

use std::io::Read;

use hashbrown::HashMap;

use super::children;
use super::damage::damage;
use super::facts::{mapped_names, other_duration};
use super::given::{refuse_other_machine, refused};
use super::importer::{Importer, ReadOptions};
use super::moment::until;
use crate::capture::{CaptureSet, Moment, Reached, Standing};
use crate::elf::BuildId;
use crate::error::{Error, InputError, Result, UsageError};
use crate::file_name::base_name;
use crate::printable::{printable, shortened};
use crate::progress::Progress;
use crate::recording::{EventBlocks, Recording, Replaying, duration_of, is_recording, replay};
use crate::run::{
    Allocated, Blocks, Build, Facts, Figures, Inventory, LinkAddress, LiveBlock, Location,
    LocationId, Module, ModuleId, ModuleLabel, Origin, RecordedProcess, Role, RunBuilder, Source,
    StackId, Symbolized, Text, Told, Unknown,
};
use crate::symbols::{MappedModule, ModuleFinder, RunToName, is_loader_name};
use crate::units::time;
use crate::warning::{NamesWarning, RecordingWarning, Warning};

pub(super) const RECORDING: Importer = Importer {
    standing: Standing::Log,
    recognise: |head| is_recording(head).then_some(0),
    import,
};

/// To end takes a program some time, in seconds.
const ABOUT_END: f64 = 0.02;

/// The blocks of a log, wherever it comes from.
pub(super) type LogBlocks<'a> = EventBlocks<Box<dyn Read + Send + 'a>>;

fn import(mut capture: CaptureSet, reading: ReadOptions<'_>) -> Result<RunToName> {
    let blocks = open(&capture, reading.progress)?;
    let started = blocks.header.started;
    let ended_at = ended_at(&capture, started);
    let silent = Progress::default();
    let until = until(&capture, || {
        Ok(duration_of(open(&capture, &silent)?, ended_at))
    })?;
    let recording = replay(
        blocks,
        Replaying {
            until,
            asked_at: asked_at(&capture, started),
            ended_at,
            keep_blocks: reading.keep_blocks,
        },
    );
    let recording = recording.map_err(|e| Error::io("read", &capture.log, e))?;
    let reached = reached(&capture, &recording)?;
    capture.manifest.add_modules(known_builds(&recording));
    refuse_other_machine(&capture, recording.header.machine)?;
    let files = ModuleFiles::of(&capture, &recording);
    let mut run = RunBuilder::of(files.modules());
    let at = Locations::add(&mut run, &recording, &files);
    add_sites(&mut run, &recording, &at);
    let own = has_own_allocator(&run, &recording, &files);
    let faults = recording.faults.iter();
    let faults = faults.map(|fault| fault.moved_to(at.of(fault.at)));
    let told = Told {
        facts: facts(&capture, &recording, &files, reached, own),
        inventory: Inventory {
            mapped: Some(mapped_names(mapped_files(&recording))),
            ..Inventory::default()
        },
        faults: Some(faults.collect()),
        blocks: reading
            .keep_blocks
            .then(|| blocks_of(&run, &recording, &at)),
    };
    Ok(RunToName::new(run.build(told), files.found, capture))
}

/// When a program was ended, in microseconds since its recording began; `None` if it ended by itself, or nobody knows.
fn ended_at(capture: &CaptureSet, started_ns: u64) -> Option<u64> {
    let lasted = capture.manifest.lasted_since(started_ns as f64 / 1e9)?;
    Some(((lasted - ABOUT_END).max(0.0) * 1e6) as u64)
}

/// When a program was asked to end, if it did so, in microseconds since its recording began.
fn asked_at(capture: &CaptureSet, started_ns: u64) -> Option<u64> {
    let after = capture.manifest.asked_since(started_ns as f64 / 1e9)?;
    Some((after.max(0.0) * 1e6) as u64)
}

pub(super) fn open<'a>(capture: &CaptureSet, progress: &'a Progress) -> Result<LogBlocks<'a>> {
    let log = capture.open_log(progress)?;
    let blocks = EventBlocks::open(log).map_err(|e| Error::io("read", &capture.log, e))?;
    blocks.map_err(|reason| {
        Error::Input(InputError::BadRecording {
            path: capture.log.clone(),
            reason,
        })
    })
}

/// A program's own `malloc` is called in place of the recorder's. One that goes on to that has it called; an older recorder
/// does not say so, but there it can be seen as a caller.
fn has_own_allocator(run: &RunBuilder, recording: &Recording, files: &ModuleFiles) -> bool {
    let program = files.program().and_then(|(module, _)| module.elf());
    let Some(own) = program.and_then(|elf| elf.own_malloc.clone()) else {
        return false;
    };
    // A return address can be the first behind it.
    let is_within = |address: u64| (own.start..=own.end).contains(&address);
    let is_caller = || {
        run.sites.iter().any(|site| {
            let innermost = &run.locations[run.stacks.innermost(site.stack).0 as usize];
            let module = innermost
                .module
                .and_then(|id| files.found.get(id.0 as usize));
            module.is_some_and(|module| module.role == Role::Program)
                && innermost
                    .address
                    .is_some_and(|LinkAddress(at)| is_within(at))
        })
    };
    recording.fact("allocates-by").is_none() && !is_caller()
}

/// The moment that was reached; an error where the run was over before it.
fn reached(capture: &CaptureSet, recording: &Recording) -> Result<Option<Reached>> {
    let end = recording.end_us as f64 / 1e6;
    let took = capture.manifest.facts.duration_s.unwrap_or(0.0).max(end);
    let seconds = match capture.at {
        Moment::End => return Ok(None),
        Moment::Time(wanted) if wanted > took => {
            return Err(Error::Usage(UsageError::MomentBehindEnd {
                path: capture.path.clone(),
                at: capture.at.to_string(),
                took: time(took),
                is_recorded: true,
            }));
        }
        Moment::Time(wanted) => wanted,
        Moment::Share(_) => end,
    };
    Ok(Some(Reached {
        at: capture.at,
        records: Some(recording.events),
        of: None,
        seconds: Some(seconds),
        step: None,
    }))
}

/// What was mapped with code in it at any time.
fn mapped_files(recording: &Recording) -> impl Iterator<Item = &[u8]> {
    let modules = recording.modules.iter();
    let files = modules.map(|module| module.path.as_slice());
    files.filter(|path| !path.is_empty())
}

fn known_builds(recording: &Recording) -> impl Iterator<Item = (String, BuildId)> + '_ {
    let modules = recording.modules.iter();
    let known = modules.filter(|module| !module.path.is_empty() && !module.build_id.is_empty());
    known.map(|module| {
        let path = String::from_utf8_lossy(&module.path).into_owned();
        (path, BuildId(module.build_id.as_slice().into()))
    })
}

/// The files of a recording's modules.
struct ModuleFiles {
    found: Vec<MappedModule>,
    builds: Vec<Option<Build>>,
    /// Which of them each of the recording's modules is: a library that was loaded twice is one.
    of_modules: Vec<Option<ModuleId>>,
    /// Of files that are not used.
    refused: Vec<NamesWarning>,
}

impl ModuleFiles {
    fn of(capture: &CaptureSet, recording: &Recording) -> Self {
        let machine = recording.header.machine;
        let finder = ModuleFinder::new(capture, Some(machine), Some(machine.is_64));
        let program = recording.fact("program");
        let mut known: HashMap<(&[u8], &[u8]), ModuleId> = HashMap::new();
        let mut files = ModuleFiles {
            found: Vec::new(),
            builds: Vec::new(),
            of_modules: Vec::new(),
            refused: Vec::new(),
        };
        for module in &recording.modules {
            let path = module.path.as_slice();
            // Code that was made at run time has no file.
            let id = (!path.is_empty()).then(|| {
                let key = (path, module.build_id.as_slice());
                *known.entry(key).or_insert_with(|| {
                    let role = match program.as_deref() {
                        Some(program) if program.as_bytes() == path => Role::Program,
                        _ if is_loader_name(base_name(path)) => Role::Loader,
                        _ => Role::Library,
                    };
                    let name = shortened(&String::from_utf8_lossy(base_name(path)));
                    let found = finder.found(MappedModule {
                        mapped_size: Some(module.size),
                        ..MappedModule::new(role, name, path)
                    });
                    files.builds.push(match module.build_id.as_slice() {
                        [] => found.build(capture, found.elf()),
                        id => Some(Build::Id(BuildId(id.into()))),
                    });
                    files.found.push(found);
                    ModuleId(files.found.len() as u32 - 1)
                })
            });
            files.of_modules.push(id);
        }
        files.refused = refused(capture, &finder, &files.found);
        files
    }

    fn modules(&self) -> Vec<Module> {
        let modules = self.found.iter().zip(&self.builds);
        let module = modules.map(|(module, build)| Module {
            label: ModuleLabel {
                role: module.role,
                name: module.name.as_str().into(),
            },
            path: module.path().map(Text::from),
            build: build.clone(),
        });
        module.collect()
    }

    fn program(&self) -> Option<(&MappedModule, Option<&Build>)> {
        let mut modules = self.found.iter().zip(&self.builds);
        let program = modules.find(|(module, _)| module.role == Role::Program)?;
        Some((program.0, program.1.as_ref()))
    }
}

/// Where the frames of a recording are, each place once.
struct Locations {
    of_nodes: Vec<LocationId>,
}

impl Locations {
    fn add(run: &mut RunBuilder, recording: &Recording, files: &ModuleFiles) -> Self {
        let mut known = HashMap::new();
        // A frame of Thumb code says so in a bit of its address.
        let code = match recording.header.machine.has_mode_bit() {
            true => !1,
            false => !0,
        };
        let nodes = recording.nodes.iter().map(|node| {
            let (index, pc) = (node.module.map(|index| index as usize), node.pc);
            let module = index.and_then(|index| files.of_modules.get(index).copied()?);
            let address = match (module, index) {
                (Some(_), Some(index)) => pc.wrapping_sub(recording.modules[index].bias) & code,
                _ => pc,
            };
            *known.entry((module, address)).or_insert_with(|| {
                run.add_location(Location {
                    module,
                    address: module.map(|_| LinkAddress(address)),
                    number: module.is_none().then_some(address).filter(|pc| *pc > 0),
                    name: Symbolized::Unknown(match (module, index) {
                        (Some(id), _) if files.found[id.0 as usize].elf().is_none() => {
                            Unknown::NoFile
                        }
                        (Some(_), _) => Unknown::NoSymbol,
                        (None, Some(_)) => Unknown::AnonymousMemory,
                        (None, None) if pc == 0 => Unknown::NoAddress,
                        (None, None) => Unknown::OutsideMaps,
                    }),
                })
            })
        });
        Locations {
            of_nodes: nodes.collect(),
        }
    }

    fn of(&self, node: u32) -> LocationId {
        let at = self.of_nodes.get(node as usize);
        // The first root stands for what is not known.
        at.copied().unwrap_or(self.of_nodes[0])
    }
}

/// The stack that each node is the innermost frame of; each is added once, however many stacks share it.
fn add_nodes(run: &mut RunBuilder, recording: &Recording, at: &Locations) -> Vec<Option<StackId>> {
    let roots = Recording::ROOTS;
    let mut stacks: Vec<Option<StackId>> = Vec::with_capacity(recording.nodes.len());
    for (node, known) in (0_u32..).zip(&recording.nodes) {
        // A parent is always older; what was lost with a damaged block has none, and is no frame.
        let is_frame = node >= roots && known.parent < node;
        let caller = stacks.get(known.parent as usize).copied().flatten();
        let stack = is_frame.then(|| run.stacks.add(at.of(node), caller));
        if caller.is_none() && known.parent > 0 {
            run.cut.extend(stack);
        }
        stacks.push(stack);
    }
    stacks
}

/// Adds what each stack allocated.
fn add_sites(run: &mut RunBuilder, recording: &Recording, at: &Locations) {
    let nodes = add_nodes(run, recording, at);
    let mut known: HashMap<StackId, usize> = HashMap::new();
    for stack in &recording.stacks {
        let id = nodes.get(stack.node as usize).copied().flatten();
        let id = id.unwrap_or_else(|| run.stacks.add(at.of(stack.node), None));
        let allocated = Allocated {
            figures: Figures::of_log(stack.allocations, stack.live),
            sizes: stack.sizes.sizes(),
            curve: stack.curve.clone(),
            survivors: stack.survivors.clone(),
            lives: stack.lives.clone(),
            live_sizes: stack.live_sizes.clone(),
        };
        match known.get(&id) {
            // The same place of a library that was loaded more than once.
            Some(&index) => run.sites[index].add(allocated),
            None => {
                known.insert(id, run.sites.len());
                run.add_stack(id, allocated);
            }
        }
    }
}

fn blocks_of(run: &RunBuilder, recording: &Recording, at: &Locations) -> Blocks {
    let live = recording.blocks.iter().map(|(address, block)| LiveBlock {
        address: *address,
        size: block.size,
        at: at.of(recording.stacks[block.caller.0 as usize].node),
    });
    let files = run.locations.iter().map(|location| {
        let module = run.modules.get(location.module?.0 as usize)?;
        module.path.as_deref().map(Into::into)
    });
    Blocks {
        live: live.collect(),
        unknown_frees: Vec::new(),
        files: files.collect(),
    }
}

fn facts(
    capture: &CaptureSet,
    recording: &Recording,
    files: &ModuleFiles,
    reached: Option<Reached>,
    has_own_allocator: bool,
) -> Facts {
    let header = &recording.header;
    // A program that waits to be ended does so behind its last event.
    let clock = recording.end_us as f64 / 1e6;
    let clock = capture.manifest.facts.duration_s.unwrap_or(0.0).max(clock);
    let duration_s = match reached {
        Some(reached) => reached.seconds,
        None => Some(capture.told_duration_s.unwrap_or(clock)),
    };
    let program = files.program();
    let elf = program.and_then(|(module, _)| module.elf());
    let mut warnings = capture.warnings.clone();
    // It was found by its build id.
    if elf.is_some() {
        warnings.retain(|warning| *warning != NamesWarning::NoProgram.into());
    }
    let is_unused = |warning: &NamesWarning| matches!(warning, NamesWarning::ProgramNotUsed { .. });
    if files.refused.iter().any(is_unused) {
        // No name comes from it.
        warnings.retain(|warning| {
            !matches!(warning, Warning::Names(NamesWarning::OtherProgram { .. }))
        });
    }
    warnings.extend(files.refused.iter().cloned().map(Warning::from));
    warnings.extend(damage(recording, reached.is_some()));
    warnings.extend(other_duration(
        capture,
        Some(clock).filter(|_| reached.is_none()),
    ));
    let mut processes = children::warnings_of(capture, &recording.header, &recording.programs);
    let became = capture.manifest.facts.went_on_as.as_deref();
    if let Some(program) = became.filter(|_| reached.is_none()) {
        // It knows the whole path, and what became another program by a call of the system alone.
        processes.retain(|warning| !matches!(warning, RecordingWarning::WentOnAs { .. }));
        let program = printable(program).into_owned();
        processes.push(RecordingWarning::WentOnAs { program });
    }
    let own = has_own_allocator.then_some(RecordingWarning::OwnAllocator);
    warnings.extend(processes.into_iter().chain(own).map(Warning::from));
    Facts {
        name: capture.name.clone(),
        path: capture.path.clone(),
        origin: Origin {
            source: Source::Recording,
            ..Origin::default()
        },
        log: capture.log.clone(),
        program: elf.map(|elf| elf.path.clone()),
        build_id: program.and_then(|(_, build)| match build {
            Some(Build::Id(id)) => Some(id.clone()),
            _ => None,
        }),
        machine: Some(header.machine),
        duration_s: duration_s.filter(|seconds| *seconds > 0.0),
        earlier: match reached {
            Some(_) => None,
            None => children::earlier(capture, header),
        },
        reached,
        recorded: Some(RecordedProcess {
            pid: header.pid,
            started: header.started,
        }),
        records: Some(recording.events),
        depth: Some(header.depth),
        exit_status: capture
            .manifest
            .facts
            .exit_status
            .filter(|_| reached.is_none()),
        asked_after_s: capture.manifest.asked_after_s(),
        had_to_be_killed: reached.is_none() && capture.manifest.facts.had_to_be_killed(),
        warnings,
        ..Facts::default()
    }
}
