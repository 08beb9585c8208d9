//! The saved report: one run's result as JSON.
//!
//! `schema` names the format and its version. Fields are added without a new version, so a reader
//! ignores those that it does not know, and takes every one that may be missing for unknown.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use crate::capture::{CaptureSet, Reached, is_duration, schema};
use crate::elf::{BuildId, Machine};
use crate::error::{Error, InputError, Result};
use crate::printable::{printable, printable_path, shortened};
use crate::progress::Progress;
use crate::run::{
    AddressingChoice, Build, Earlier, Facts, Figures, LocationId, ModuleLabel, Origin,
    RecordedProcess, Run, RunBuilder, Source, Told,
};
use crate::symbols::Names;
use crate::trace::{Anomalies, Occurrences};
use crate::warning::Warning;

use super::caller::SavedCaller;
use super::checks::Checked;
use super::inventory::SavedInventory;
use super::place::{Modules, NamedModule, Referred, SavedModule, SavedPlace};
use super::stacks::{SavedStacks, StackWriter, add_stacks};

/// What the schema of a saved report begins with, before its version.
const SCHEMA_NAME: &str = "mtrace-diff-saved/";

/// The format that is written, and the only one that is read.
const SCHEMA: &str = "mtrace-diff-saved/1";

/// No report is as large, unpacked: one of 100,000 call sites has half of it. Reading one takes up to some six times as
/// much memory.
const LARGEST: u64 = 64 << 20;

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
    /// When the program was asked to end, in seconds from its start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    asked_after_s: Option<f64>,
    /// The moment at which it was looked at, where that was not its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reached: Option<Reached>,
    /// So many frames a stack had at the most, where it was recorded with stacks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    depth: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    earlier: Option<Earlier>,
    /// Blocks of a script's total that none of its lines has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unlisted: Option<u64>,
    /// Of the program; 128 and the signal that killed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    exit_status: Option<i32>,
    /// It did not end when it was asked to.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    had_to_be_killed: bool,
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

/// The text of a run, in one line.
pub(crate) fn to_json(run: &Run) -> Result<Vec<u8>> {
    let mut text = serde_json::to_vec(&SavedRun::of(run)).map_err(|e| Error::Write(e.into()))?;
    text.push(b'\n');
    match text.len() as u64 > LARGEST {
        true => Err(Error::ReportTooLarge { most: LARGEST }),
        false => Ok(text),
    }
}

/// Whether a file that begins so is a saved report, of whatever version.
pub(crate) fn is_report(head: &[u8]) -> bool {
    schema(head).is_some_and(|schema| schema.starts_with(SCHEMA_NAME.as_bytes()))
}

/// Reads a saved report, under the name of its file or its directory.
pub(crate) fn read(capture: &CaptureSet, progress: &Progress) -> Result<Run> {
    let bad = |reason: String| {
        Error::Input(InputError::BadSaved {
            path: capture.log.clone(),
            reason,
        })
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
            true => Error::Input(InputError::SavedVersion {
                path: capture.log.clone(),
                schema: printable(&head.schema).into_owned(),
                reads: SCHEMA,
            }),
            false => bad(format!("its schema is not {SCHEMA}")),
        });
    }
    let document: SavedRun = serde_json::from_slice(&bytes).map_err(|e| bad(e.to_string()))?;
    document.into_run(capture).map_err(bad)
}

impl SavedRun {
    fn of(run: &Run) -> Self {
        let facts = &run.facts;
        let (mut referred, mut stacks) = (Referred::default(), StackWriter::default());
        let callers = run.sites.iter();
        let callers = callers
            .map(|site| SavedCaller::of(run, site, &mut stacks, &mut referred))
            .collect();
        let places = stacks.places.iter();
        let places = places.map(|at| SavedPlace::of(run, *at, &mut referred));
        let stacks = SavedStacks {
            places: places.collect(),
            frames: stacks.frames,
        };
        let paths = run.modules.iter();
        let paths = paths.filter_map(|module| Some((&module.label, module.path.as_deref()?)));
        let paths: HashMap<&ModuleLabel, &str> = paths.collect();
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
            asked_after_s: facts.asked_after_s,
            reached: facts.reached,
            depth: facts.depth,
            earlier: facts.earlier.clone(),
            unlisted: facts.unlisted,
            exit_status: facts.exit_status,
            had_to_be_killed: facts.had_to_be_killed,
            recorded: facts.recorded,
            records: facts.records,
            anomalies: facts.anomalies.as_ref().map(SavedAnomalies::of),
            warnings: facts.warnings.iter().map(SavedWarning::of).collect(),
            modules: referred
                .modules
                .list
                .into_iter()
                .map(|label| SavedModule::of(label, paths.get(label).copied()))
                .collect(),
            builds: referred.builds.list.into_iter().cloned().collect(),
            inventory: SavedInventory::of(&run.inventory),
            total: Some(SavedTotal::of(run)),
            callers,
            stacks,
        }
    }

    fn into_run(mut self, capture: &CaptureSet) -> Checked<Run> {
        let facts = self.take_facts(capture)?;
        let mut run = RunBuilder::default();
        let labels: Vec<NamedModule> = self.modules.into_iter().map(SavedModule::named).collect();
        let (mut modules, mut names) = (Modules::default(), Names::default());
        let mut locate = |run: &mut RunBuilder, place: SavedPlace, names: &mut Names| {
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
            caller.add_to(&mut run, stack, facts.origin.source)?;
        }
        let run = run.build(Told {
            facts,
            inventory: self.inventory.inventory(&mut names),
            ..Told::default()
        });
        let total = SavedTotal::of(&run);
        if self.total.is_some_and(|told| told != total) {
            return Err("its callers do not add up to its 'total'".to_owned());
        }
        match run.facts.records.zip(total.figures.allocations) {
            Some((records, all)) if all > records => {
                Err("its callers have more 'allocations' than the log had 'records'".to_owned())
            }
            _ => Ok(run),
        }
    }

    fn take_facts(&mut self, capture: &CaptureSet) -> Checked<Facts> {
        if let Some(seconds) = self.duration_s
            && !is_duration(seconds)
        {
            return Err(format!("a run cannot take {seconds} seconds (duration_s)"));
        }
        if let Some(seconds) = self.reached.and_then(|reached| reached.seconds)
            && !is_duration(seconds)
        {
            return Err(format!(
                "no moment of a run is after {seconds} seconds (reached)"
            ));
        }
        let warnings = std::mem::take(&mut self.warnings).into_iter();
        Ok(Facts {
            unlisted: self.unlisted,
            earlier: self.earlier.take().map(|earlier| Earlier {
                recordings: earlier
                    .recordings
                    .iter()
                    .map(|name| shortened(name))
                    .collect(),
                ..earlier
            }),
            exit_status: self.exit_status,
            had_to_be_killed: self.had_to_be_killed,
            name: capture.name.clone(),
            path: capture.path.clone(),
            origin: Origin {
                source: self.source,
                saved_by: Some(printable(&self.version).into_owned()),
                stands_in: (capture.path != capture.log).then(|| capture.log.clone()),
            },
            log: PathBuf::from(&self.log),
            program: self.program.as_ref().map(PathBuf::from),
            build_id: self.build_id.take(),
            machine: self.machine,
            choice: self.addressing.take().map(|choice| AddressingChoice {
                glibc: shortened(&choice.glibc).into(),
                reason: shortened(&choice.reason),
                ..choice
            }),
            // The command line knows best how long a run took.
            duration_s: capture.told_duration_s.or(self.duration_s),
            asked_after_s: self.asked_after_s.filter(|seconds| is_duration(*seconds)),
            reached: self.reached,
            depth: self.depth,
            recorded: self.recorded,
            records: self.records,
            anomalies: self.anomalies.take().map(SavedAnomalies::anomalies),
            warnings: warnings.map(SavedWarning::warning).collect(),
        })
    }
}

impl SavedTotal {
    fn of(run: &Run) -> Self {
        SavedTotal {
            callers: run.sites.len(),
            figures: run.sum_of_sites(),
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
