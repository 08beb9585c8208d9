//! The fields of the document, and what they mean.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;

use super::super::stacks::{JsonCaller, JsonCallers, JsonSize};

/// The whole document. `Sites` and `Faults` are lists of [`JsonSite`] and [`JsonFault`].
#[derive(Debug, Serialize)]
pub(super) struct Document<Sites, Faults> {
    /// `"mtrace-diff/1"`.
    pub schema: &'static str,
    /// Of the program that wrote it.
    pub version: &'static str,
    /// In the order of the command line.
    pub runs: Vec<JsonRun<Faults>>,
    /// What `sites` stand for: `"address"`, `"line"`, `"function"`, `"file"`, `"module"`, `"stack"` or `"size"`.
    pub by: &'static str,
    /// Every call site that allocated in any run, hidden ones too, by rank.
    pub sites: Sites,
    pub total: JsonTotal,
    /// All lines that leak together, without hidden ones; the same whatever `sites` stand for.
    pub leaks: JsonLeaks,
    /// All lines that leaked in the first run, by its own course, and do no more; null for a single run.
    pub fixed: Option<JsonFixed>,
    pub gate: JsonGate,
    /// What concerns no single run.
    pub warnings: Vec<JsonWarning>,
}

#[derive(Debug, Serialize)]
pub(super) struct JsonRun<Faults> {
    /// Short, different for each run of a document.
    pub name: String,
    /// As given on the command line.
    pub path: String,
    /// What its figures were counted in: `"log"`, or a result of `"mtrace"` or `"mtrace-do"`, which tell
    /// less; what they do not tell is null.
    pub source: &'static str,
    /// The version that saved it, if the run is a saved report.
    pub saved_by: Option<String>,
    /// The saved report that is taken in place of a log, where the run was given as a directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stands_in: Option<String>,
    /// The mtrace log, or the old tool's result.
    pub log: String,
    /// The program's file; null if there is none.
    pub program: Option<String>,
    /// Of the program, in hex.
    pub build_id: Option<String>,
    /// `armhf`, `x86_64`, `mips`, …
    pub arch: Option<String>,
    /// `"absolute"` or `"relative"`: what the numbers in the log are; null for an old tool's result.
    pub addressing: Option<&'static str>,
    /// How long the program was traced, in seconds, as --duration or the capture's run.json says; else null.
    pub duration_s: Option<f64>,
    /// The moment of the run that all its figures are of; null for its end.
    pub at: Option<JsonMoment>,
    /// Lines of the log that say something of the heap, up to that moment.
    pub records: Option<u64>,
    /// What the choice of `addressing` rests on.
    pub addressing_reason: Option<String>,
    /// What is live at the end, over all sites.
    pub live: JsonTally,
    /// Null where no log was read.
    pub anomalies: Option<JsonAnomalies>,
    /// Frees and allocations that went wrong, by kind and caller, worst kinds first; null where that
    /// is not known, as in a saved report.
    pub faults: Option<Faults>,
    pub warnings: Vec<JsonWarning>,
}

/// A moment of a run, as it was given behind the run.
#[derive(Debug, Serialize)]
pub(super) struct JsonMoment {
    /// `"2m"` or `"40%"`.
    pub given: String,
    /// Records of the whole log, of which `records` were read; null for a recording, which is read no further.
    pub of_records: Option<u64>,
    /// The step of the curves, from 1, at which the run was looked at, where no more is known of it, as in a saved
    /// report; else null.
    pub step: Option<usize>,
}

/// Blocks, and their bytes as the program asked for them.
#[derive(Debug, Serialize)]
pub(super) struct JsonTally {
    pub blocks: u64,
    /// Null for a result of mtrace_do.py.
    pub bytes: Option<u64>,
}

#[derive(Debug, Serialize)]
pub(super) struct JsonAnomalies {
    /// Lines that are no mtrace lines; they count for nothing.
    pub malformed_lines: u64,
    /// Lines longer than any record.
    pub overlong_lines: u64,
    /// Records behind other text in the same line; the record counts.
    pub interleaved_lines: u64,
    /// Half records: two processes wrote into the log, or some of it is lost.
    pub torn_lines: u64,
    /// Lines with NUL bytes; a record behind them counts.
    pub nul_bytes: u64,
    /// Lines that end in CR LF.
    pub carriage_returns: u64,
    pub blank_lines: u64,
    /// The file ends in the middle of a line; that line counts for nothing.
    pub truncated_tail: bool,
    /// There is no `= Start` before the first record.
    pub missing_start: bool,
    /// There is no `= End` behind the last record.
    pub missing_end: bool,
    /// `= Start` marks.
    pub starts: u64,
    /// `= End` marks.
    pub ends: u64,
    /// Frees of an address that held no block.
    pub unknown_frees: u64,
    /// Those of them whose block had been freed before, with no allocation between.
    pub double_frees: u64,
    /// Those of them of which it is not known any more whether they were freed before: each may be a double free.
    pub unsure_frees: u64,
    /// Allocations at an address that held a block.
    pub live_address_reused: u64,
    /// Calls of malloc and the like that got nothing.
    pub failed_allocations: u64,
    /// Calls of realloc that got nothing; the old block stays.
    pub failed_reallocations: u64,
    /// The first line of each of the above that happened, by its name.
    pub first_lines: BTreeMap<&'static str, u64>,
}

/// What went wrong at one caller.
#[derive(Debug, Serialize)]
pub(super) struct JsonFault {
    /// `"double-free"`, `"free-of-unknown"` (most likely allocated before mtrace()),
    /// `"failed-allocation"` or `"failed-reallocation"`.
    pub kind: &'static str,
    pub count: u64,
    pub first_line: Option<u64>,
    pub module: Option<String>,
    pub function: Option<String>,
    pub file: Option<String>,
    pub line: Option<u32>,
    /// The link-time return address, as in `sites`.
    pub address: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct JsonWarning {
    /// Stable, for scripts.
    pub code: String,
    /// For people.
    pub message: String,
}

#[derive(Debug, Serialize)]
pub(super) struct JsonSite {
    /// From 1; hidden sites come after all others.
    pub rank: usize,
    /// Base name of the program or library; null if the caller lies in none.
    pub module: Option<String>,
    /// Demangled, of the frame that is shown: the innermost outside system headers.
    pub function: Option<String>,
    pub file: Option<String>,
    pub line: Option<u32>,
    /// The inline chain, innermost first; empty if the site has no name.
    pub frames: Vec<JsonFrame>,
    /// What the name comes from: `"dwarf"`, `"symbols"` (the file's symbol table) or `"log"` (the dynamic
    /// symbol that glibc wrote into the log); null if the site has no name.
    pub named_by: Option<&'static str>,
    /// Why the site has no name; null if it has one.
    pub unknown: Option<String>,
    /// In the order of the runs; null where the run has no such caller.
    pub runs: Vec<Option<JsonSiteRun>>,
    /// Last run minus first; null for a single run.
    pub growth: Option<JsonGrowth>,
    /// `"new"`, `"grown"`, `"same"`, `"shrunk"` or `"gone"`; null for a single run.
    pub change: Option<&'static str>,
    /// What its growth means: `"leak"` (goes on keeping what it allocates), `"leak?"` (may
    /// do so: one thing speaks against it, and that by a little), `"grows"` (went on as long as the program
    /// worked, and was freed at its exit), `"startup"` (all of it came in the beginning),
    /// `"plateau"` (grew, then stayed level), `"burst"` (jumps), `"noise"` (too few blocks to say), `"shutdown"`
    /// (level, but for what the end freed); null where the course of the last run is not known, and where nothing
    /// is left of what the first run had. A row of several lines leaks if one of them does.
    pub verdict: Option<&'static str>,
    /// What grows of a leak: `"blocks"`, or `"bytes"` where the blocks are as many as they were; null for all others.
    pub leaks_by: Option<&'static str>,
    /// Why it has its verdict; null where the course of the last run is not known, and for a row of several lines.
    pub evidence: Option<JsonEvidence>,
    /// Of a function, file or module: the lines in it; null for all else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lines: Option<JsonLines>,
    /// It leaked in the first run, by its own course, and does no more; of a function, file or module, one of its lines.
    pub fixed: bool,
    /// Null without the runs' times.
    pub per_minute: Option<JsonRate>,
    /// Null for a single run.
    pub per_run: Option<JsonRate>,
    /// How the runs' sites were found to be one, the weakest of several: `"address"` (of one build),
    /// `"line"`, `"moved-line"` (the same function), `"split-line"` (calls of one line that stand in several
    /// elsewhere), `"renamed"` (the same function in a file or module of another name),
    /// `"changed-function"` (the same function with another signature or scope, or in another module),
    /// `"function-order"` (the same function, without lines), `"callers"` (a function
    /// on the way to it: a call was put between, taken out or inlined) or `"unsure-address"` (of what
    /// may be two builds); null where only one run has it.
    pub matched_by: Option<&'static str>,
    /// It may as well be another site of an earlier run, or a new one; the gate takes the worst of these.
    pub unsure: bool,
    /// A caller changed between the builds: of several sites of an earlier run it may be each, or it is a part of one.
    pub forked: bool,
    /// What the row stands for: `"address"`, `"line"`, `"function"`, `"file"`, `"module"`, `"stack"` or `"size"`. Where what
    /// was asked for is not known, a finer one.
    pub by: &'static str,
    /// The wrappers that its memory came through, most live blocks of the last run first.
    pub via: Vec<JsonVia>,
    /// Why the row names a function that allocates for its callers, which are not known: `"given"`, `"runtime"`,
    /// `"known"` or `"learned"`; null if it is none.
    pub wrapper: Option<&'static str>,
    /// Of the callers of its line, what grew by --stack-share of the row or more, as a tree; null without --stacks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callers: Option<JsonCallers>,
    /// With `by` `"stack"`, the callers that the row is of, the nearest first; else null.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stack: Option<Vec<JsonCaller>>,
    /// With `by` `"size"`, the bytes of each block of the row; null for all sizes that have no row of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Of a row that is a wrapper: its blocks by size, those that grew most first; null where it is none, or they are not
    /// known one by one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sizes: Option<Vec<JsonSize>>,
    /// Why the table leaves it out: `"loader"` for a site of the dynamic loader that does not grow; null
    /// if it does not.
    pub hidden: Option<&'static str>,
}

/// The function that a row's line called to get memory.
#[derive(Debug, Serialize)]
pub(super) struct JsonVia {
    /// Without arguments.
    pub function: String,
    /// How it is known: `"given"` (by --wrapper), `"runtime"` (it is the C or C++ runtime's), `"known"` (by its name),
    /// `"learned"` (from these runs) or `"header"` (it is written in a header of the system).
    pub by: &'static str,
    /// Live blocks that came through it, in the order of the runs.
    pub blocks: Vec<u64>,
}

#[derive(Debug, Serialize)]
pub(super) struct JsonFrame {
    pub function: Option<String>,
    pub file: Option<String>,
    pub line: Option<u32>,
    /// Into the frame after it.
    pub inlined: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct JsonSiteRun {
    /// Link-time return addresses in hex, as addr2line takes them, Thumb bit cleared, ascending;
    /// empty where they cannot be known.
    pub addresses: Vec<String>,
    /// The numbers of the log in hex, where they cannot be made link-time addresses.
    pub numbers: Vec<String>,
    /// Blocks that were allocated here; null where only a log could tell.
    pub allocations: Option<u64>,
    /// Those of them that were freed, by whomever: `allocations` − `live.blocks`.
    pub frees: Option<u64>,
    pub live: JsonTally,
    /// Null where only the end of the run is known, and with --no-trend.
    pub curve: Option<JsonCurve>,
}

#[derive(Debug, Serialize)]
pub(super) struct JsonGrowth {
    pub blocks: i64,
    /// Null if the first or the last run does not know bytes.
    pub bytes: Option<i64>,
    /// Of the first run's blocks; null if it had none.
    pub percent: Option<f64>,
}

/// Growth of a site by time or by run: over more than two runs, the median of the slopes between any two.
#[derive(Debug, Serialize)]
pub(super) struct JsonRate {
    pub blocks: f64,
    /// Null where a run does not know them.
    pub bytes: Option<f64>,
    /// How well the blocks of all runs lie on a line, from 0 to 1; null for less than three runs.
    pub fit: Option<f64>,
    /// How far `blocks` may be off by chance, either way: two standard deviations; null where nothing tells.
    pub error: Option<f64>,
}

/// What was live at the end of each of 64 equal steps of the run, by lines of its log.
#[derive(Debug, Serialize)]
pub(super) struct JsonCurve {
    pub blocks: Box<RawValue>,
    pub bytes: Box<RawValue>,
}

/// The lines that a row sums up.
#[derive(Debug, Serialize)]
pub(super) struct JsonLines {
    pub all: u64,
    /// How many of them leak,
    pub leak: u64,
    /// may leak,
    pub may_leak: u64,
    /// and how many have the verdict `"grows"`.
    pub grow: u64,
    /// How many of them are fixed.
    pub fixed: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct JsonFixed {
    pub sites: u64,
    /// Last run minus first.
    pub blocks: i64,
    /// Null where one of the two does not know them.
    pub bytes: Option<i64>,
}

/// What tells a leak from other growth, of the last run.
#[derive(Debug, Serialize)]
pub(super) struct JsonEvidence {
    /// When the blocks were born that live at its end, by its quarters; null where that is not known.
    pub born: Option<[u64; 4]>,
    /// How long its other blocks lived on average, as a share of the run; null where there are none, or not known.
    pub life: Option<f64>,
    /// What none of them lived longer than; null where not known, or where they lived shortly.
    pub longest_life: Option<f64>,
    /// The least that was live about its middle, and at its end.
    pub floor: [u64; 2],
    /// What speaks against a leak: `"few"` blocks were kept, their pace `"slows"`, they came `"late"`, it is `"over"`, it
    /// `"jumps"`, it is `"full"`, its first run was `"full-before"`, its `"level"` does not rise, a longer run left
    /// `"no-more"`; null where nothing does.
    pub against: Option<&'static str>,
    /// Of a longer last run: the blocks that it should have left more, and those that it did; else null.
    pub more: Option<JsonMore>,
}

#[derive(Debug, Serialize)]
pub(super) struct JsonMore {
    pub expected: f64,
    pub left: f64,
}

#[derive(Debug, Serialize)]
pub(super) struct JsonLeaks {
    pub sites: u64,
    /// Lines with the verdict `"leak?"`; none of the other figures counts them.
    pub may_leak: u64,
    /// Those of `sites` that left more in the last run than in the first; the others leak as they did before. Of a single
    /// run, all.
    pub grown: u64,
    /// What `grown` come to: last run minus first; of a single run, what is live.
    pub blocks: i64,
    /// Null where one of the runs does not know them.
    pub bytes: Option<i64>,
    /// Of all `sites`; null without the runs' times.
    pub per_minute: Option<JsonRate>,
    /// What was given as --memory, in bytes.
    pub memory: Option<u64>,
    /// How long that lasts, in seconds; null where one of the two is not known.
    pub lasts_s: Option<f64>,
    /// The same, at the highest rate and at the lowest that chance allows for; null where the lowest is none at all.
    pub lasts_between_s: Option<[f64; 2]>,
}

#[derive(Debug, Serialize)]
pub(super) struct JsonTotal {
    /// Over all sites that are not hidden; null for a single run.
    pub growth: Option<JsonGrowth>,
}

#[derive(Debug, Serialize)]
pub(super) struct JsonGate {
    /// `"pass"` or `"fail"`; null without limits.
    pub verdict: Option<&'static str>,
    /// As people write them.
    pub limits: Vec<String>,
    /// `"double-free"`, where the gate fails on it.
    pub fail_on: Vec<&'static str>,
    /// Double frees of the last run, where the gate fails on them; else null.
    pub double_frees: Option<u64>,
    /// Frees of the last run that may be double frees, and count as such; null where the gate does not fail on them.
    pub unsure_frees: Option<u64>,
    pub breaches: Vec<JsonBreach>,
    /// What a pass leaves open; none where the gate fails.
    pub caveats: Vec<JsonWarning>,
}

#[derive(Debug, Serialize)]
pub(super) struct JsonBreach {
    /// The `rank` of the site.
    pub rank: usize,
    pub module: Option<String>,
    pub function: Option<String>,
    pub file: Option<String>,
    pub line: Option<u32>,
    /// Its growth is above them only in another, as likely reading of which site it is.
    pub unsure: bool,
    /// It is above them by what it held until the end of its program freed it.
    pub until_exit: bool,
    /// The limits that its growth is above.
    pub limits: Vec<String>,
    /// Where it is above them only together with others like it: of its line in copies of its file, of its line in other
    /// functions, of code made at run time, or of callers of one wrapper. The ranks of all of these; its own alone, if it
    /// is above them by what it has for some of its callers, or of one size; else null.
    pub copies: Option<Vec<usize>>,
}
