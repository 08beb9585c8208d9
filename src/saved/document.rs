//! The saved report: one run's result as JSON.
//!
//! `schema` names the format and its version. Fields are added without a new version, so a reader
//! ignores those that it does not know, and takes every one that may be missing for unknown.

use std::collections::BTreeMap;
use std::hash::Hash;
use std::io::Read;
use std::path::PathBuf;

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use crate::capture::{CaptureSet, is_duration, schema};
use crate::elf::{BuildId, Machine};
use crate::error::{Error, Result};
use crate::hex;
use crate::printable::{printable, printable_path, shortened};
use crate::progress::Progress;
use crate::run::{
    AddressingChoice, Build, CallSite, Code, Declaration, Facts, Figures, Frame, LinkAddress,
    Location, LocationId, Module, ModuleId, ModuleLabel, NameSource, Named, Origin,
    RecordedProcess, Role, Run, Source, StackId, Symbolized, Text, Unknown,
};
use crate::symbols::Names;
use crate::trace::{Anomalies, Curve, Occurrences, Sizes, Tally};
use crate::warning::Warning;

use super::inventory::SavedInventory;
use super::stacks::{SavedStacks, Writer, add_stacks, live_sizes, saved_sizes};

/// What the schema of a saved report begins with, before its version.
const SCHEMA_NAME: &str = "mtrace-diff-saved/";

/// The format that is written, and the only one that is read.
const SCHEMA: &str = "mtrace-diff-saved/1";

/// No report is as large, unpacked: one of 100,000 call sites has half of it. Reading one takes up to some six times as
/// much memory.
const LARGEST: u64 = 64 << 20;

/// No chain of inlined calls has more frames.
const LONGEST_CHAIN: usize = 256;

/// The part of a file that says whether the rest can be read.
#[derive(Deserialize)]
struct Schema {
    schema: String,
}

#[derive(Serialize, Deserialize)]
struct SavedRun {
    /// [`SCHEMA`].
    schema: String,
    /// Of the program that wrote it.
    #[serde(default)]
    version: String,
    /// Short, as the run was called then.
    #[serde(default)]
    name: String,
    /// What the figures were counted in.
    source: Source,
    /// As given on the command line then.
    #[serde(default)]
    path: String,
    #[serde(default)]
    log: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    program: Option<String>,
    /// Of the program, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    build_id: Option<BuildId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    machine: Option<Machine>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    addressing: Option<AddressingChoice>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    duration_s: Option<f64>,
    /// Of the program; 128 and the signal that killed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    exit_status: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    recorded: Option<RecordedProcess>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    records: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    anomalies: Option<SavedAnomalies>,
    #[serde(default)]
    warnings: Vec<SavedWarning>,
    #[serde(default)]
    modules: Vec<SavedModule>,
    /// Of the modules, where they are known.
    #[serde(default)]
    builds: Vec<Build>,
    /// What was there beside the callers: it tells which of them can have another name now.
    #[serde(default)]
    inventory: SavedInventory,
    /// Of all callers together: a file that lost some, or has one twice, shows by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    total: Option<SavedTotal>,
    /// All that allocated, also those that left nothing: without them, a comparison could not tell a
    /// call site at rest from one that is not there.
    callers: Vec<SavedCaller>,
    /// Of callers that are more than a place.
    #[serde(flatten)]
    stacks: SavedStacks,
}

#[derive(Serialize, Deserialize, PartialEq)]
struct SavedTotal {
    callers: usize,
    #[serde(flatten)]
    figures: Figures,
}

#[derive(Serialize, Deserialize)]
struct SavedAnomalies {
    #[serde(default)]
    missing_start: bool,
    #[serde(default)]
    missing_end: bool,
    /// Those that happened, by name.
    #[serde(default)]
    seen: BTreeMap<String, Occurrences>,
}

#[derive(Serialize, Deserialize)]
struct SavedWarning {
    code: String,
    text: String,
    /// It says that the figures are partial.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    partial: bool,
}

#[derive(Serialize, Deserialize)]
struct SavedModule {
    role: Role,
    name: String,
    /// Tells copies of one file apart, which have names of one kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path: Option<String>,
}

/// Where a call was made.
#[derive(Serialize, Deserialize)]
pub struct SavedPlace {
    /// Index into the modules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    module: Option<usize>,
    /// Link-time return address, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<LinkAddress>,
    /// The number in the log, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    number: Option<Number>,
    name: SavedName,
    /// Index into the builds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    build: Option<usize>,
}

#[derive(Serialize, Deserialize)]
struct SavedCaller {
    /// Index of the innermost frame of its stack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stack: Option<usize>,
    /// Of a stack of one frame, as in a place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    module: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<LinkAddress>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    number: Option<Number>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<SavedName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    build: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    allocations: Option<u64>,
    blocks: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    /// The least and the most that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sizes: Option<(u64, u64)>,
    /// Size and live blocks of it, where these do not follow from the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    live_sizes: Option<Vec<(u64, u64)>>,
    /// Step, blocks and bytes, at each of the steps at which these change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    curve: Option<SavedCurve>,
    /// The same of the blocks that lived to the end: how many of them were there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    survivors: Option<SavedCurve>,
}

/// Steps at which a curve changes, with the blocks and bytes from there on.
type SavedCurve = Vec<(u8, u64, u64)>;

fn saved(curve: &Curve) -> SavedCurve {
    let changes = curve.changes();
    changes
        .map(|(step, live)| (step, live.blocks, live.bytes))
        .collect()
}

fn curve_of(saved: Option<SavedCurve>) -> Checked<Option<Curve>> {
    let Some(saved) = saved else { return Ok(None) };
    let tally = |(step, blocks, bytes)| (step, Tally { blocks, bytes });
    let changes: Vec<(u8, Tally)> = saved.into_iter().map(tally).collect();
    let curve = Curve::from_changes(&changes);
    curve
        .map(Some)
        .ok_or_else(|| "the steps of a curve are out of order".to_owned())
}

/// What lived to the end was live when it was born, and stayed so; at the end it is all there is.
fn check_survivors(curve: Option<&Curve>, survivors: Option<&Curve>) -> Checked<()> {
    let Some(survivors) = survivors else {
        return Ok(());
    };
    let Some(curve) = curve else {
        return Err("there are 'survivors' without a 'curve'".to_owned());
    };
    let (live, alive) = (curve.points(), survivors.points());
    let goes_on = alive
        .windows(2)
        .all(|pair| pair[0].blocks <= pair[1].blocks);
    let is_within = alive.iter().zip(&live).all(|(a, b)| a.blocks <= b.blocks);
    let end = |points: &[Tally]| points.last().map(|point| point.blocks);
    match goes_on && is_within && end(&alive) == end(&live) {
        true => Ok(()),
        false => Err("the 'survivors' are not those of the 'curve'".to_owned()),
    }
}

/// As the log has it.
#[derive(Serialize, Deserialize)]
struct Number(#[serde(with = "hex::text")] u64);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum SavedName {
    Known {
        by: NameSource,
        /// Innermost first.
        frames: Vec<SavedFrame>,
        /// Of the outermost function, where debug information calls it otherwise.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        symbol: Option<String>,
        /// Where the outermost function begins, in hex.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        start: Option<LinkAddress>,
        /// Of its code: bytes, a checksum of its lines, and the last line.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<(u64, Option<u32>, Option<u32>)>,
        /// Another function has its name.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        namesake: bool,
    },
    Unknown(Unknown),
}

#[derive(Serialize, Deserialize)]
struct SavedFrame {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    function: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    inlined: bool,
    /// The line at which the function is declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    declared: Option<u32>,
    /// The function is no `static` one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    external: bool,
}

/// What a document says, or why it cannot be.
pub type Checked<T> = std::result::Result<T, String>;

/// The text of a run, in one line.
pub fn to_json(run: &Run) -> Result<Vec<u8>> {
    let mut text = serde_json::to_vec(&SavedRun::of(run)).map_err(|e| Error::Write(e.into()))?;
    text.push(b'\n');
    match text.len() as u64 > LARGEST {
        true => Err(Error::ReportTooLarge { most: LARGEST }),
        false => Ok(text),
    }
}

/// Whether a file that begins so is a saved report, of whatever version.
pub fn is_report(head: &[u8]) -> bool {
    schema(head).is_some_and(|schema| schema.starts_with(SCHEMA_NAME.as_bytes()))
}

/// Reads a saved report, under the name of its file or its directory.
pub fn read(capture: &CaptureSet, progress: &Progress) -> Result<Run> {
    let bad = |reason: String| Error::BadSaved {
        path: capture.log.clone(),
        reason,
    };
    let mut bytes = Vec::new();
    let text = capture.open_log(progress)?;
    text.take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| Error::io("read", &capture.log, e))?;
    if bytes.len() as u64 > LARGEST {
        return Err(bad(format!(
            "it has more than {LARGEST} bytes, and no report has"
        )));
    }
    let head: Schema = serde_json::from_slice(&bytes).map_err(|e| bad(e.to_string()))?;
    if head.schema != SCHEMA {
        return Err(match head.schema.starts_with(SCHEMA_NAME) {
            true => Error::SavedVersion {
                path: capture.log.clone(),
                schema: printable(&head.schema).into_owned(),
                reads: SCHEMA,
            },
            false => bad(format!("its schema is not {SCHEMA}")),
        });
    }
    let document: SavedRun = serde_json::from_slice(&bytes).map_err(|e| bad(e.to_string()))?;
    document.into_run(capture).map_err(bad)
}

impl SavedRun {
    fn of(run: &Run) -> Self {
        let facts = &run.facts;
        let (mut modules, mut builds) = (Listed::default(), Listed::default());
        let mut stacks = Writer::default();
        let callers = run.sites.iter();
        let callers = callers
            .map(|site| SavedCaller::of(run, site, &mut stacks, &mut modules, &mut builds))
            .collect();
        let places = stacks.places.iter();
        let places = places.map(|at| SavedPlace::of(run, *at, &mut modules, &mut builds));
        let stacks = SavedStacks {
            places: places.collect(),
            frames: stacks.frames,
        };
        let paths = run.modules.iter();
        let paths = paths.filter_map(|module| Some((&module.label, module.path.as_deref()?)));
        let paths: HashMap<&ModuleLabel, &str> = paths.collect();
        // What it was compared with is another run the next time.
        let of_the_run = facts.warnings.iter().filter(|warning| !warning.is_of_two());
        SavedRun {
            schema: SCHEMA.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            name: facts.name.clone(),
            source: facts.origin.source,
            path: printable_path(&facts.path),
            log: printable_path(&facts.log),
            program: facts.program.as_deref().map(printable_path),
            build_id: facts.build_id.clone(),
            machine: facts.machine,
            addressing: facts.choice.clone(),
            duration_s: facts.duration_s,
            exit_status: facts.exit_status,
            recorded: facts.recorded,
            records: facts.records,
            anomalies: facts.anomalies.as_ref().map(SavedAnomalies::of),
            warnings: of_the_run.map(SavedWarning::of).collect(),
            modules: modules
                .list
                .into_iter()
                .map(|label| SavedModule::of(label, paths.get(label).copied()))
                .collect(),
            builds: builds.list.into_iter().cloned().collect(),
            inventory: SavedInventory::of(&run.inventory),
            total: Some(SavedTotal::of(run)),
            callers,
            stacks,
        }
    }

    fn into_run(self, capture: &CaptureSet) -> Checked<Run> {
        if let Some(seconds) = self.duration_s
            && !is_duration(seconds)
        {
            return Err(format!("a run cannot take {seconds} seconds (duration_s)"));
        }
        let facts = Facts {
            unlisted: None,
            exit_status: self.exit_status,
            name: capture.name.clone(),
            path: capture.path.clone(),
            origin: Origin {
                source: self.source,
                saved_by: Some(printable(&self.version).into_owned()),
                stands_in: (capture.path != capture.log).then(|| capture.log.clone()),
            },
            log: PathBuf::from(self.log),
            program: self.program.map(PathBuf::from),
            build_id: self.build_id,
            machine: self.machine,
            choice: self.addressing.map(|choice| AddressingChoice {
                glibc: shortened(&choice.glibc).into(),
                reason: shortened(&choice.reason),
                ..choice
            }),
            // The command line knows best how long a run took.
            duration_s: capture.told_duration_s.or(self.duration_s),
            reached: None,
            depth: None,
            recorded: self.recorded,
            records: self.records,
            anomalies: self.anomalies.map(SavedAnomalies::anomalies),
            warnings: self
                .warnings
                .into_iter()
                .map(SavedWarning::warning)
                .collect(),
        };
        let mut run = Run::new(facts, Vec::new());
        let labels: Vec<NamedModule> = self.modules.into_iter().map(SavedModule::named).collect();
        let (mut modules, mut names) = (Modules::default(), Names::default());
        let mut locate = |run: &mut Run, place: SavedPlace, names: &mut Names| {
            let module = place.module(&labels, &self.builds)?;
            let module = module.map(|module| modules.id_of(run, module));
            Ok::<LocationId, String>(run.add_location(place.location(module, names)?))
        };
        let mut places = Vec::new();
        for place in self.stacks.places {
            places.push(locate(&mut run, place, &mut names)?);
        }
        let stacks = add_stacks(&mut run, &places, &self.stacks.frames)?;
        for mut caller in self.callers {
            let stack = match (caller.take_place(), caller.stack) {
                (Some(place), _) => {
                    let at = locate(&mut run, place, &mut names)?;
                    run.stacks.add(at, None)
                }
                (None, Some(stack)) => *stacks
                    .get(stack)
                    .ok_or_else(|| format!("a caller has stack {stack}, which is not there"))?,
                (None, None) => {
                    return Err("a caller has neither a 'name' nor a 'stack'".to_owned());
                }
            };
            caller.add_to(&mut run, stack)?;
        }
        run.inventory = self.inventory.inventory(&mut names);
        let total = SavedTotal::of(&run);
        if self.total.is_some_and(|told| told != total) {
            return Err("its callers do not add up to its 'total'".to_owned());
        }
        let records = run.facts.records;
        if records
            .zip(total.figures.allocations)
            .is_some_and(|(records, all)| all > records)
        {
            return Err(
                "its callers have more 'allocations' than the log had 'records'".to_owned(),
            );
        }
        Ok(run)
    }
}

/// The modules of a run that is read: the file says the build once a caller.
#[derive(Default)]
struct Modules(HashMap<Module, ModuleId>);

impl Modules {
    fn id_of(&mut self, run: &mut Run, module: Module) -> ModuleId {
        *self.0.entry(module).or_insert_with_key(|module| {
            run.modules.push(module.clone());
            ModuleId(run.modules.len() as u32 - 1)
        })
    }
}

/// What callers refer to, each once, in order of first use.
struct Listed<'a, T> {
    list: Vec<&'a T>,
    index: HashMap<&'a T, usize>,
}

impl<T> Default for Listed<'_, T> {
    fn default() -> Self {
        Listed {
            list: Vec::new(),
            index: HashMap::new(),
        }
    }
}

impl<'a, T: Eq + Hash> Listed<'a, T> {
    fn index_of(&mut self, item: &'a T) -> usize {
        *self.index.entry(item).or_insert_with(|| {
            self.list.push(item);
            self.list.len() - 1
        })
    }
}

impl SavedTotal {
    fn of(run: &Run) -> Self {
        SavedTotal {
            callers: run.sites.len(),
            figures: run.live(),
        }
    }
}

impl SavedPlace {
    fn of<'a>(
        run: &'a Run,
        at: LocationId,
        modules: &mut Listed<'a, ModuleLabel>,
        builds: &mut Listed<'a, Build>,
    ) -> Self {
        let location = run.location(at);
        let module = run.module_of(location);
        let build = module.and_then(|module| module.build.as_ref());
        SavedPlace {
            module: module.map(|module| modules.index_of(&module.label)),
            address: location.address,
            number: location.number.map(Number),
            name: SavedName::of(&location.name),
            build: build.map(|build| builds.index_of(build)),
        }
    }

    fn module(&self, labels: &[NamedModule], builds: &[Build]) -> Checked<Option<Module>> {
        let build = self.build.map(|index| {
            let build = builds.get(index).cloned();
            build.ok_or_else(|| format!("a caller is of build {index}, which is not there"))
        });
        let build = build.transpose()?;
        let module = self.module.map(|index| {
            let named = labels.get(index).cloned();
            let NamedModule { label, path } = named
                .ok_or_else(|| format!("a caller is of module {index}, which is not there"))?;
            Ok(Module { label, path, build })
        });
        module.transpose()
    }

    fn location(self, module: Option<ModuleId>, names: &mut Names) -> Checked<Location> {
        Ok(Location {
            module,
            address: self.address,
            number: self.number.map(|Number(number)| number),
            name: self.name.symbolized(names)?,
        })
    }
}

impl SavedCaller {
    fn of<'a>(
        run: &'a Run,
        site: &CallSite,
        stacks: &mut Writer,
        modules: &mut Listed<'a, ModuleLabel>,
        builds: &mut Listed<'a, Build>,
    ) -> Self {
        let stack = stacks.add(run, site);
        let place = || SavedPlace::of(run, run.innermost(site), modules, builds);
        let mut place = stack.is_none().then(place);
        SavedCaller {
            module: place.as_ref().and_then(|place| place.module),
            address: place.as_ref().and_then(|place| place.address),
            number: place.as_mut().and_then(|place| place.number.take()),
            build: place.as_ref().and_then(|place| place.build),
            name: place.map(|place| place.name),
            stack,
            allocations: site.figures.allocations,
            blocks: site.figures.blocks,
            bytes: site.figures.bytes,
            sizes: site.sizes.map(|sizes| (sizes.least(), sizes.most())),
            live_sizes: saved_sizes(site),
            curve: site.curve.as_ref().map(saved),
            survivors: site.survivors.as_ref().map(saved),
        }
    }

    fn take_place(&mut self) -> Option<SavedPlace> {
        Some(SavedPlace {
            name: self.name.take()?,
            module: self.module,
            address: self.address,
            number: self.number.take(),
            build: self.build,
        })
    }

    fn add_to(self, run: &mut Run, stack: StackId) -> Checked<()> {
        let figures = Figures {
            blocks: self.blocks,
            bytes: self.bytes,
            allocations: self.allocations,
        };
        let sizes = self.sizes.map(|(least, most)| {
            let sizes = Sizes::new(least, most);
            sizes.ok_or_else(|| format!("no 'sizes' lie between {least} and {most}"))
        });
        let (curve, survivors) = (curve_of(self.curve)?, curve_of(self.survivors)?);
        let sizes = sizes.transpose()?;
        check(run.facts.origin.source, figures, curve.as_ref())
            .and_then(|()| check_survivors(curve.as_ref(), survivors.as_ref()))
            .and_then(|()| check_sizes(figures, sizes))
            .and_then(|()| live_sizes(figures.blocks, figures.bytes, self.live_sizes))
            .map_err(|reason| format!("of caller {}, {reason}", run.sites.len() + 1))
            .map(|live_sizes| {
                let site = run.add_stack(stack, figures, sizes, curve);
                site.survivors = survivors;
                if let Some(live_sizes) = live_sizes {
                    site.keep_sizes(live_sizes);
                }
            })
    }
}

/// What holds for the figures of any caller; they can be a person's, or of a file that lost a part.
fn check(source: Source, figures: Figures, curve: Option<&Curve>) -> Checked<()> {
    let Figures {
        blocks,
        bytes,
        allocations,
    } = figures;
    let missing = |what: &str| {
        Err(format!(
            "'{what}' is missing, which a result of {} tells",
            source.tool()
        ))
    };
    let unknown = |what: &str| {
        Err(format!(
            "'{what}' is there, which no result of {} tells",
            source.tool()
        ))
    };
    match (bytes.is_some(), source.knows_bytes()) {
        (false, true) => return missing("bytes"),
        (true, false) => return unknown("bytes"),
        _ => {}
    }
    match (allocations, source.knows_allocations()) {
        (None, true) => return missing("allocations"),
        (Some(_), false) => return unknown("allocations"),
        (Some(allocations), true) if allocations < blocks => {
            return Err(format!(
                "{allocations} 'allocations' left {blocks} 'blocks'"
            ));
        }
        _ => {}
    }
    if !figures.allocated() {
        return Err("nothing was allocated ('allocations' or 'blocks' is 0)".to_owned());
    }
    if blocks == 0 && bytes.unwrap_or(0) > 0 {
        return Err("there are 'bytes' without 'blocks'".to_owned());
    }
    let Some(curve) = curve else {
        return Ok(());
    };
    let end = curve.changes().last();
    let end = end.map_or(Tally::default(), |change| change.1);
    if end.blocks != blocks || bytes.is_some_and(|bytes| bytes != end.bytes) {
        return Err(format!(
            "the 'curve' ends with {} blocks, {} bytes, and 'blocks' and 'bytes' say otherwise",
            end.blocks, end.bytes
        ));
    }
    let most = curve.changes().map(|(_, live)| live.blocks).max();
    if allocations.zip(most).is_some_and(|(all, most)| most > all) {
        return Err("more blocks are live in the 'curve' than 'allocations' made".to_owned());
    }
    Ok(())
}

fn check_sizes(figures: Figures, sizes: Option<Sizes>) -> std::result::Result<(), String> {
    let Some((sizes, bytes)) = sizes.zip(figures.bytes) else {
        return Ok(());
    };
    let of_all = |size: u64| size.saturating_mul(figures.blocks);
    match (of_all(sizes.least())..=of_all(sizes.most())).contains(&bytes) {
        true => Ok(()),
        false => Err(format!(
            "{} 'blocks' of the 'sizes' cannot have {bytes} 'bytes'",
            figures.blocks
        )),
    }
}

impl SavedName {
    fn of(name: &Symbolized) -> Self {
        match name {
            Symbolized::Unknown(reason) => SavedName::Unknown(*reason),
            Symbolized::Named(named) => SavedName::Known {
                by: named.source(),
                frames: {
                    let frames = named.frames().iter().enumerate();
                    let declared = |at| named.declarations().get(at).copied().unwrap_or_default();
                    frames
                        .map(|(at, frame)| SavedFrame::of(frame, declared(at)))
                        .collect()
                },
                symbol: named.symbol().map(|symbol| symbol.as_ref().to_owned()),
                start: named.function_start(),
                code: named
                    .code()
                    .map(|code| (code.size, code.lines, code.last_line)),
                namesake: named.code().is_some_and(|code| code.has_namesake),
            },
        }
    }

    /// `names` has each text once, whoever is called so.
    fn symbolized(self, names: &mut Names) -> Checked<Symbolized> {
        let (by, frames, symbol, start, code) = match self {
            SavedName::Unknown(reason) => return Ok(Symbolized::Unknown(reason)),
            SavedName::Known {
                by,
                frames,
                symbol,
                start,
                code,
                namesake,
            } => {
                let code = code.map(|(size, lines, last_line)| Code {
                    size,
                    lines,
                    last_line,
                    has_namesake: namesake,
                });
                (by, frames, symbol, start, code)
            }
        };
        if frames.len() > LONGEST_CHAIN {
            return Err(format!(
                "a caller has a chain of {} frames, and {LONGEST_CHAIN} are the most",
                frames.len()
            ));
        }
        let declarations = frames.iter().map(SavedFrame::declaration).collect();
        let frames = frames.iter().map(|frame| frame.frame(names)).collect();
        let named = Named::new(frames, by)
            .ok_or_else(|| "a caller has a name without frames".to_owned())?;
        let symbol = symbol.map(|symbol| names.shared(&shortened(&symbol)));
        let named = named
            .declared(declarations)
            .with_symbol(symbol)
            .starting_at(start)
            .made_of(code);
        Ok(Symbolized::Named(named))
    }
}

impl SavedFrame {
    fn of(frame: &Frame, declaration: Declaration) -> Self {
        SavedFrame {
            function: frame.function.as_deref().map(str::to_owned),
            file: frame.file.as_deref().map(str::to_owned),
            line: frame.line,
            inlined: frame.inlined,
            declared: declaration.line,
            external: declaration.external,
        }
    }

    fn declaration(&self) -> Declaration {
        Declaration {
            line: self.declared,
            external: self.external,
        }
    }

    fn frame(&self, names: &mut Names) -> Frame {
        let mut text = |text: &Option<String>| {
            let text = text.as_deref().map(shortened);
            text.map(|text| names.shared(&text))
        };
        Frame {
            function: text(&self.function),
            file: text(&self.file),
            line: self.line,
            inlined: self.inlined,
        }
    }
}

/// A module, before it is known of which build.
#[derive(Clone)]
struct NamedModule {
    label: ModuleLabel,
    path: Option<Text>,
}

impl SavedModule {
    /// Only a library's path tells more than its name.
    fn of(module: &ModuleLabel, path: Option<&str>) -> Self {
        let tells = |path: &&str| module.role != Role::Program && **path != *module.name;
        SavedModule {
            role: module.role,
            name: module.name.to_string(),
            path: path.filter(tells).map(str::to_owned),
        }
    }

    fn named(self) -> NamedModule {
        let name = Text::from(shortened(&self.name));
        let is_path = name.contains('/');
        let path = self.path.as_deref().map(|path| shortened(path).into());
        NamedModule {
            path: path.or_else(|| is_path.then(|| name.clone())),
            label: ModuleLabel {
                role: self.role,
                name,
            },
        }
    }
}

impl SavedAnomalies {
    fn of(anomalies: &Anomalies) -> Self {
        let seen = anomalies.counts().into_iter();
        let seen = seen.filter(|(_, seen)| seen.count > 0);
        SavedAnomalies {
            missing_start: anomalies.missing_start,
            missing_end: anomalies.missing_end,
            seen: seen.map(|(name, seen)| (name.to_owned(), seen)).collect(),
        }
    }

    fn anomalies(self) -> Anomalies {
        let mut anomalies = Anomalies {
            missing_start: self.missing_start,
            missing_end: self.missing_end,
            ..Anomalies::default()
        };
        for (name, counted) in anomalies.counted() {
            *counted = self.seen.get(name).copied().unwrap_or_default();
        }
        anomalies
    }
}

impl SavedWarning {
    fn of(warning: &Warning) -> Self {
        SavedWarning {
            code: warning.code().to_owned(),
            text: warning.to_string(),
            partial: warning.makes_figures_partial(),
        }
    }

    fn warning(self) -> Warning {
        Warning::Saved {
            code: shortened(&self.code),
            text: shortened(&self.text),
            partial: self.partial,
        }
    }
}
