//! The saved report: one run's result as JSON.
//!
//! `schema` names the format and its version. Fields are added without a new version, so a reader
//! ignores those that it does not know, and takes every one that may be missing for unknown.

use std::collections::BTreeMap;
use std::fs::File;
use std::hash::Hash;
use std::io::Read;
use std::path::{Path, PathBuf};

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use crate::capture::{SAVED_SCHEMA, SavedFile, is_duration, plain};
use crate::elf::{BuildId, Machine};
use crate::error::{Error, Result};
use crate::printable::{printable, printable_path};
use crate::run::{
    Addressing, AddressingChoice, Build, CallSite, Certainty, Declaration, Facts, Figures, Frame,
    LinkAddress, Location, Module, ModuleId, ModuleLabel, NameSource, Named, Origin, Role, Run,
    Source, Symbolized, Text, Unknown,
};
use crate::symbols::{Names, shortened};
use crate::trace::{Anomalies, AnomalyKind, Curve, Occurrences, Reuse, Tally};
use crate::warning::Warning;

/// The format that is written, and the only one that is read.
pub const SCHEMA: &str = "mtrace-diff-saved/1";

/// No report is as large, unpacked: one of 100,000 call sites has half of it. Reading one takes up to some six times as
/// much memory.
const LARGEST: u64 = 64 << 20;

/// No chain of inlined calls has more frames.
const LONGEST_CHAIN: usize = 256;

/// The part of a file that says whether the rest can be read.
#[derive(Deserialize)]
struct Head {
    schema: String,
}

#[derive(Serialize, Deserialize)]
struct Document {
    /// [`SCHEMA`].
    schema: String,
    /// Of the program that wrote it.
    #[serde(default)]
    version: String,
    /// Short, as the run was called then.
    #[serde(default)]
    name: String,
    /// What the figures were counted in.
    #[serde(with = "SourceForm")]
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
    build_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    machine: Option<SavedMachine>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    addressing: Option<SavedChoice>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    duration_s: Option<f64>,
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
    builds: Vec<SavedBuild>,
    /// Of all callers together: a file that lost some, or has one twice, shows by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    total: Option<SavedTotal>,
    /// All that allocated, also those that left nothing: without them, a comparison could not tell a
    /// call site at rest from one that is not there.
    callers: Vec<SavedCaller>,
}

#[derive(Serialize, Deserialize, PartialEq)]
struct SavedTotal {
    callers: usize,
    blocks: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    allocations: Option<u64>,
}

#[derive(Serialize, Deserialize)]
struct SavedMachine {
    elf: u16,
    is_64: bool,
    little_endian: bool,
    #[serde(default)]
    hard_float: bool,
}

#[derive(Serialize, Deserialize)]
struct SavedChoice {
    #[serde(with = "AddressingForm")]
    kind: Addressing,
    #[serde(with = "ReuseForm")]
    reuse: Reuse,
    glibc: String,
    reason: String,
    #[serde(with = "CertaintyForm")]
    certainty: Certainty,
}

#[derive(Serialize, Deserialize)]
struct SavedAnomalies {
    #[serde(default)]
    missing_end: bool,
    /// Those that happened, by name.
    #[serde(default)]
    seen: BTreeMap<String, SavedSeen>,
}

#[derive(Serialize, Deserialize)]
struct SavedSeen {
    count: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    first_line: Option<u64>,
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
    #[serde(with = "RoleForm")]
    role: Role,
    name: String,
    /// Tells copies of one file apart, which have names of one kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct SavedCaller {
    /// Index into the modules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    module: Option<usize>,
    /// Link-time return address, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    /// The number in the log, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    number: Option<String>,
    name: SavedName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    allocations: Option<u64>,
    blocks: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    /// Index into the builds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    build: Option<usize>,
    /// Step, blocks and bytes, at each of the steps at which these change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    curve: Option<Vec<(u8, u64, u64)>>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum SavedBuild {
    /// A build id, in hex.
    Id(String),
    Content {
        size: u64,
        crc: u32,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum SavedName {
    Known {
        #[serde(with = "NameSourceForm")]
        by: NameSource,
        /// Innermost first.
        frames: Vec<SavedFrame>,
        /// Where the outermost function begins, in hex.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        start: Option<String>,
    },
    Unknown(#[serde(with = "UnknownForm")] Unknown),
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

// How the words of the other modules are spelled in the file.

#[derive(Serialize, Deserialize)]
#[serde(remote = "Source", rename_all = "kebab-case")]
enum SourceForm {
    Log,
    Mtrace,
    MtraceDo,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Role", rename_all = "kebab-case")]
enum RoleForm {
    Program,
    Library,
    Loader,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Addressing", rename_all = "kebab-case")]
enum AddressingForm {
    Absolute,
    Relative,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Reuse", rename_all = "kebab-case")]
enum ReuseForm {
    FreeLoggedLate,
    FreeLost,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Certainty", rename_all = "kebab-case")]
enum CertaintyForm {
    Sure,
    Mixed,
    Assumed,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "NameSource", rename_all = "kebab-case")]
enum NameSourceForm {
    Dwarf,
    #[serde(rename = "symbols")]
    SymbolTable,
    Log,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Unknown", rename_all = "kebab-case")]
enum UnknownForm {
    NoAddress,
    NoMaps,
    OutsideMaps,
    AnonymousMemory,
    NoFile,
    NoSymbol,
}

/// The text of a run, in one line.
pub fn to_json(run: &Run) -> Result<Vec<u8>> {
    let mut text = serde_json::to_vec(&Document::of(run)).map_err(|e| Error::Write(e.into()))?;
    text.push(b'\n');
    match text.len() as u64 > LARGEST {
        true => Err(Error::ReportTooLarge { most: LARGEST }),
        false => Ok(text),
    }
}

/// Reads a saved report, under the name of its file or its directory.
pub fn read(saved: &SavedFile) -> Result<Run> {
    let bytes = bytes_of(&saved.file)?;
    let bad = |reason: String| Error::BadSaved {
        path: saved.file.clone(),
        reason,
    };
    let head: Head = serde_json::from_slice(&bytes).map_err(|e| bad(e.to_string()))?;
    if head.schema != SCHEMA {
        return Err(match head.schema.starts_with(SAVED_SCHEMA) {
            true => Error::SavedVersion {
                path: saved.file.clone(),
                schema: printable(&head.schema).into_owned(),
                reads: SCHEMA,
            },
            false => bad(format!("its schema is not {SCHEMA}")),
        });
    }
    let document: Document = serde_json::from_slice(&bytes).map_err(|e| bad(e.to_string()))?;
    document.into_run(saved).map_err(bad)
}

fn bytes_of(path: &Path) -> Result<Vec<u8>> {
    let reading = |e| Error::io("read", path, e);
    let file = File::open(path).map_err(|e| Error::io("open", path, e))?;
    let mut bytes = Vec::new();
    let text = plain(file).map_err(reading)?;
    text.take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(reading)?;
    match bytes.len() as u64 > LARGEST {
        true => Err(Error::BadSaved {
            path: path.to_path_buf(),
            reason: format!("it has more than {LARGEST} bytes, and no report has"),
        }),
        false => Ok(bytes),
    }
}

impl Document {
    fn of(run: &Run) -> Self {
        let facts = &run.facts;
        let (mut modules, mut builds) = (Listed::default(), Listed::default());
        let callers = run.sites.iter();
        let callers = callers
            .map(|site| SavedCaller::of(run, site, &mut modules, &mut builds))
            .collect();
        let paths = run.modules.iter();
        let paths = paths.filter_map(|module| Some((&module.label, module.path.as_deref()?)));
        let paths: HashMap<&ModuleLabel, &str> = paths.collect();
        Document {
            schema: SCHEMA.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            name: facts.name.clone(),
            source: facts.origin.source,
            path: printable_path(&facts.path),
            log: printable_path(&facts.log),
            program: facts.program.as_deref().map(printable_path),
            build_id: facts.build_id.as_ref().map(ToString::to_string),
            machine: facts.machine.map(SavedMachine::of),
            addressing: facts.choice.as_ref().map(SavedChoice::of),
            duration_s: facts.duration_s,
            records: facts.records,
            anomalies: facts.anomalies.as_ref().map(SavedAnomalies::of),
            warnings: facts.warnings.iter().map(SavedWarning::of).collect(),
            modules: modules
                .list
                .into_iter()
                .map(|label| SavedModule::of(label, paths.get(label).copied()))
                .collect(),
            builds: builds.list.into_iter().map(SavedBuild::of).collect(),
            total: Some(SavedTotal::of(run)),
            callers,
        }
    }

    fn into_run(self, saved: &SavedFile) -> std::result::Result<Run, String> {
        if let Some(seconds) = self.duration_s
            && !is_duration(seconds)
        {
            return Err(format!("a run cannot take {seconds} seconds (duration_s)"));
        }
        let build_id = self.build_id.as_deref().map(|text| {
            BuildId::from_hex(text).ok_or_else(|| format!("'{}' is no build id", printable(text)))
        });
        let facts = Facts {
            name: saved.name(),
            path: saved.path.clone(),
            origin: Origin {
                source: self.source,
                saved_by: Some(printable(&self.version).into_owned()),
                stands_in: saved.stands_in().map(Path::to_path_buf),
            },
            log: PathBuf::from(self.log),
            program: self.program.map(PathBuf::from),
            build_id: build_id.transpose()?,
            machine: self.machine.map(SavedMachine::machine),
            choice: self.addressing.map(SavedChoice::choice),
            duration_s: self.duration_s,
            reached: None,
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
        let builds = self.builds.into_iter().map(SavedBuild::build);
        let builds: Vec<Build> = builds.collect::<std::result::Result<_, String>>()?;
        let (mut modules, mut names) = (Modules::default(), Names::default());
        for caller in self.callers {
            let module = caller.module(&labels, &builds)?;
            let module = module.map(|module| modules.id_of(&mut run, module));
            caller.add_to(&mut run, module, &mut names)?;
        }
        let total = SavedTotal::of(&run);
        if self.total.is_some_and(|told| told != total) {
            return Err("its callers do not add up to its 'total'".to_owned());
        }
        let records = run.facts.records;
        if records
            .zip(total.allocations)
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
        let Figures {
            blocks,
            bytes,
            allocations,
        } = run.live();
        SavedTotal {
            callers: run.sites.len(),
            blocks,
            bytes,
            allocations,
        }
    }
}

impl SavedBuild {
    fn of(build: &Build) -> Self {
        match build {
            Build::Id(id) => SavedBuild::Id(id.to_string()),
            Build::Content { size, crc } => SavedBuild::Content {
                size: *size,
                crc: *crc,
            },
        }
    }

    fn build(self) -> std::result::Result<Build, String> {
        Ok(match self {
            SavedBuild::Id(text) => Build::Id(
                BuildId::from_hex(&text)
                    .ok_or_else(|| format!("'{}' is no build id", printable(&text)))?,
            ),
            SavedBuild::Content { size, crc } => Build::Content { size, crc },
        })
    }
}

impl SavedCaller {
    fn of<'a>(
        run: &'a Run,
        site: &CallSite,
        modules: &mut Listed<'a, ModuleLabel>,
        builds: &mut Listed<'a, Build>,
    ) -> Self {
        let hex = |number: u64| format!("{number:#x}");
        let location = run.location(run.innermost(site));
        let module = run.module_of(location);
        let build = module.and_then(|module| module.build.as_ref());
        SavedCaller {
            module: module.map(|module| modules.index_of(&module.label)),
            address: location.address.map(|address| hex(address.0)),
            number: location.number.map(hex),
            name: SavedName::of(&location.name),
            allocations: site.figures.allocations,
            blocks: site.figures.blocks,
            bytes: site.figures.bytes,
            build: build.map(|build| builds.index_of(build)),
            curve: site.curve.as_ref().map(|curve| {
                let changes = curve.changes();
                changes
                    .map(|(step, live)| (step, live.blocks, live.bytes))
                    .collect()
            }),
        }
    }

    fn module(
        &self,
        labels: &[NamedModule],
        builds: &[Build],
    ) -> std::result::Result<Option<Module>, String> {
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

    fn add_to(
        self,
        run: &mut Run,
        module: Option<ModuleId>,
        names: &mut Names,
    ) -> std::result::Result<(), String> {
        let curve = self.curve.map(|changes| {
            let tally = |(step, blocks, bytes)| (step, Tally { blocks, bytes });
            let changes: Vec<(u8, Tally)> = changes.into_iter().map(tally).collect();
            Curve::from_changes(&changes)
                .ok_or_else(|| "the steps of a curve are out of order".to_owned())
        });
        let address = self.address.as_deref().map(parse_hex).transpose()?;
        let location = Location {
            module,
            address: address.map(LinkAddress),
            number: self.number.as_deref().map(parse_hex).transpose()?,
            name: self.name.symbolized(names)?,
        };
        let figures = Figures {
            blocks: self.blocks,
            bytes: self.bytes,
            allocations: self.allocations,
        };
        let curve = curve.transpose()?;
        check(run.facts.origin.source, figures, curve.as_ref())
            .map_err(|reason| format!("of caller {}, {reason}", run.sites.len() + 1))?;
        let at = run.add_location(location);
        run.add_site(at, figures, curve);
        Ok(())
    }
}

/// What holds for the figures of any caller; they can be a person's, or of a file that lost a part.
fn check(
    source: Source,
    figures: Figures,
    curve: Option<&Curve>,
) -> std::result::Result<(), String> {
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

fn parse_hex(text: &str) -> std::result::Result<u64, String> {
    let digits = text.strip_prefix("0x").filter(|digits| {
        let is_digit = |b: u8| b.is_ascii_hexdigit();
        digits.bytes().all(is_digit)
    });
    let number = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
    number.ok_or_else(|| format!("'{}' is no address", printable(text)))
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
                start: named
                    .function_start()
                    .map(|start| format!("{:#x}", start.0)),
            },
        }
    }

    /// `names` has each text once, whoever is called so.
    fn symbolized(self, names: &mut Names) -> std::result::Result<Symbolized, String> {
        let (by, frames, start) = match self {
            SavedName::Unknown(reason) => return Ok(Symbolized::Unknown(reason)),
            SavedName::Known { by, frames, start } => (by, frames, start),
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
        let start = start.as_deref().map(parse_hex).transpose()?;
        let named = named.declared(declarations);
        Ok(Symbolized::Named(named.starting_at(start.map(LinkAddress))))
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

impl SavedMachine {
    fn of(machine: Machine) -> Self {
        SavedMachine {
            elf: machine.e_machine,
            is_64: machine.is_64,
            little_endian: machine.little_endian,
            hard_float: machine.hard_float,
        }
    }

    fn machine(self) -> Machine {
        Machine {
            e_machine: self.elf,
            is_64: self.is_64,
            little_endian: self.little_endian,
            hard_float: self.hard_float,
        }
    }
}

impl SavedChoice {
    fn of(choice: &AddressingChoice) -> Self {
        SavedChoice {
            kind: choice.addressing,
            reuse: choice.reuse,
            glibc: choice.glibc.to_string(),
            reason: choice.reason.clone(),
            certainty: choice.certainty,
        }
    }

    fn choice(self) -> AddressingChoice {
        AddressingChoice {
            addressing: self.kind,
            reuse: self.reuse,
            glibc: shortened(&self.glibc).into(),
            reason: shortened(&self.reason),
            certainty: self.certainty,
        }
    }
}

impl SavedAnomalies {
    fn of(anomalies: &Anomalies) -> Self {
        let all = AnomalyKind::ALL.into_iter();
        let seen = all
            .map(|kind| (kind, anomalies.get(kind)))
            .filter(|(_, seen)| seen.count > 0)
            .map(|(kind, seen)| {
                let seen = SavedSeen {
                    count: seen.count,
                    first_line: seen.first_line,
                };
                (kind.name().to_owned(), seen)
            });
        SavedAnomalies {
            missing_end: anomalies.missing_end,
            seen: seen.collect(),
        }
    }

    fn anomalies(self) -> Anomalies {
        let mut anomalies = Anomalies {
            missing_end: self.missing_end,
            ..Anomalies::default()
        };
        for kind in AnomalyKind::ALL {
            if let Some(seen) = self.seen.get(kind.name()) {
                *anomalies.get_mut(kind) = Occurrences {
                    count: seen.count,
                    first_line: seen.first_line,
                };
            }
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
