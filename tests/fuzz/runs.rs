//! Targets whose inputs are whole runs: saved reports, pairs of runs to be matched, compressed logs.
//!
//! Each makes its files from bytes by `arbitrary`, so that what a fuzzer changes is the structure, not the
//! spelling; at the end some bytes of the text are changed as well.

#![allow(clippy::expect_used)] // an input that breaks an expectation is what is looked for

use std::fs;
use std::io::Write;
use std::path::Path;

use arbitrary::{Result, Unstructured};
use mtrace_diff::Grouping;
use mtrace_diff::Plan;
use mtrace_diff::RunInput;
use mtrace_diff::{FORMATS, Options, Report, StackView};
use serde_json::{Map, Value, json};

/// A saved report of any structure: a run that agrees with itself, or an error.
pub(crate) fn saved(input: &[u8], directory: &Path) {
    let mut bytes = Unstructured::new(input);
    let Ok(text) = report_text(&mut bytes) else {
        return;
    };
    let file = directory.join("saved.json");
    fs::write(&file, text).expect("the directory can be written to");
    let Ok(report) = mtrace_diff::show(&plan(&[&file])) else {
        return;
    };
    check(&report);
    unchanged(&file);
    // Saved once more, it is the same run.
    let again = directory.join("again.json");
    let _ = fs::remove_file(&again);
    let save = Plan {
        save: Some(again.clone()),
        ..plan(&[&file])
    };
    mtrace_diff::show(&save).expect("what can be shown can be saved");
    let copy = mtrace_diff::show(&plan(&[&again])).expect("what was saved can be read");
    assert_eq!(report.total, copy.total);
    assert_eq!(report.runs[0].live(), copy.runs[0].live());
}

/// Two runs whose call sites have much in common: whatever is taken for what, nothing is lost.
pub(crate) fn identity(input: &[u8], directory: &Path) {
    let mut bytes = Unstructured::new(input);
    let files = ["old.json", "new.json"].map(|name| directory.join(name));
    for file in &files {
        let Ok(text) = plain_report(&mut bytes) else {
            return;
        };
        fs::write(file, text.to_string()).expect("the directory can be written to");
    }
    let [old, new] = &files;
    let Ok(report) = mtrace_diff::compare(&plan(&[old, new])) else {
        return;
    };
    check(&report);
    let back = mtrace_diff::compare(&plan(&[new, old])).expect("order is no reason to fail");
    check(&back);
    // What the loader has more of is shown, what it has less of is hidden: all of it counts here.
    let sum = |report: &Report| report.total.growth.blocks + report.hidden.growth.blocks;
    assert_eq!(sum(&report), -sum(&back));
    for by in [
        Grouping::Address,
        Grouping::Function,
        Grouping::File,
        Grouping::Module,
    ] {
        let grouped = Plan {
            by,
            ..plan(&[old, new])
        };
        let grouped = mtrace_diff::compare(&grouped).expect("a grouping is no reason to fail");
        check(&grouped);
        assert_eq!(sum(&grouped), sum(&report), "{by:?}");
    }
    files.iter().for_each(|file| unchanged(file));
}

/// A compressed log, damaged: the figures of the log, or it is said that they are not.
pub(crate) fn compressed(input: &[u8], directory: &Path) {
    let mut bytes = Unstructured::new(input);
    let Ok((whole, name, mut packed)) = packed_log(&mut bytes) else {
        return;
    };
    let mut is_changed = false;
    while let (false, Ok(true)) = (bytes.is_empty(), bytes.arbitrary()) {
        let change = |bytes: &mut Unstructured<'_>, packed: &mut Vec<u8>| -> Result<()> {
            let at = bytes.choose_index(packed.len())?;
            match bytes.int_in_range(0..=3)? {
                0 => packed.truncate(at),
                1 => packed.insert(at, bytes.arbitrary()?),
                _ => packed[at] = bytes.arbitrary()?,
            }
            Ok(())
        };
        is_changed |= change(&mut bytes, &mut packed).is_ok();
        if packed.is_empty() {
            return;
        }
    }
    let (plain, file) = (directory.join("plain.log"), directory.join(name));
    fs::write(&plain, &whole).expect("the directory can be written to");
    fs::write(&file, &packed).expect("the directory can be written to");
    let known = mtrace_diff::show(&plan(&[&plain])).expect("a log that is whole can be read");
    let Ok(report) = mtrace_diff::show(&plan(&[&file])) else {
        assert!(is_changed, "a whole log cannot be read");
        return;
    };
    check(&report);
    let (run, known) = (&report.runs[0], &known.runs[0]);
    let warnings = &report.warnings_of_runs[0];
    let is_said = warnings
        .iter()
        .any(|warning| warning.makes_figures_partial());
    let is_same = run.live() == known.live() && run.facts.records == known.facts.records;
    assert!(is_same || is_said, "{} has other figures", file.display());
}

/// A small log with a leak, and its packed form with the name of a file of that kind.
fn packed_log(bytes: &mut Unstructured<'_>) -> Result<(Vec<u8>, &'static str, Vec<u8>)> {
    let lines = bytes.int_in_range(1..=400)?;
    let mut log = b"= Start\n".to_vec();
    for n in 0..lines {
        let (caller, address) = (n * 7 % 5, 0x1000 + n * 48);
        writeln!(
            log,
            "@ ./app:[0x1{caller}00] + {address:#x} 0x{:x}",
            n % 60 + 1
        )
        .expect("memory can be written to");
    }
    log.extend_from_slice(b"= End\n");
    match bytes.int_in_range(0..=2)? {
        0 => {
            let mut packer =
                flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            packer.write_all(&log).expect("memory can be written to");
            let packed = packer.finish().expect("memory can be written to");
            Ok((log, "m.log.gz", packed))
        }
        1 => {
            let options = lzma_rust2::XzOptions::with_preset(1);
            let mut packer = lzma_rust2::XzWriter::new(Vec::new(), options)
                .expect("these are options that there are");
            packer.write_all(&log).expect("memory can be written to");
            let packed = packer.finish().expect("memory can be written to");
            Ok((log, "m.log.xz", packed))
        }
        _ => {
            let level = ruzstd::encoding::CompressionLevel::Fastest;
            let packed = ruzstd::encoding::compress_to_vec(log.as_slice(), level);
            Ok((log, "m.log.zst", packed))
        }
    }
}

pub(crate) fn plan(files: &[&Path]) -> Plan {
    let run = |file: &&Path| RunInput {
        path: file.to_path_buf(),
        ..RunInput::default()
    };
    Plan {
        runs: files.iter().map(run).collect(),
        ..Plan::default()
    }
}

/// Rows add up to the runs, and every form can be written.
pub(crate) fn check(report: &Report) {
    for (index, run) in report.runs.iter().enumerate() {
        let sites = report.sites.iter().map(|site| {
            site.at.runs[index]
                .as_ref()
                .map_or(0, |run| run.figures.blocks)
        });
        let sum = sites.fold(0, u64::saturating_add);
        assert_eq!(sum, run.live().blocks, "run {index}");
        let parts = report.total.runs[index]
            .blocks
            .saturating_add(report.hidden.runs[index].blocks);
        assert_eq!(parts, sum, "run {index}");
    }
    let options = Options {
        top: 20,
        all: true,
        inlines: true,
        trend: true,
        stacks: Some(StackView { share: 0.05 }),
        explain: None,
        width: Some(80),
        color: false,
        ascii: false,
        full_names: false,
    };
    for format in FORMATS.iter().filter(|format| !format.lists_blocks) {
        let mut out = Vec::new();
        format
            .write(report, &options, &mut out)
            .expect("memory can be written to");
        assert!(!out.contains(&0x1b));
    }
}

/// A run against itself has not changed.
pub(crate) fn unchanged(file: &Path) {
    let report = mtrace_diff::compare(&plan(&[file, file])).expect("it was read before");
    for site in &report.sites {
        assert_eq!(site.growth.blocks, 0, "{:?}", site.at.key);
        assert_eq!(site.growth.bytes.unwrap_or(0), 0, "{:?}", site.at.key);
        let worst = site.worst.as_deref().map_or(0, |worst| worst.growth.blocks);
        assert_eq!(worst, 0, "{:?}", site.at.key);
    }
}

/// A report with values where others are expected, and bytes changed in its text.
fn report_text(bytes: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let mut report = plain_report(bytes)?;
    for _ in 0..bytes.int_in_range(0..=3)? {
        strange_value(bytes, &mut report)?;
    }
    // The schema comes first, as in a file that was saved.
    let text = report.to_string();
    let mut text = format!("{{\"schema\":\"mtrace-diff-saved/1\",{}", &text[1..]).into_bytes();
    for _ in 0..bytes.int_in_range(0..=2)? {
        let at = bytes.choose_index(text.len())?;
        text[at] = bytes.arbitrary()?;
    }
    Ok(text)
}

/// Puts something else in a place of the document.
fn strange_value(bytes: &mut Unstructured<'_>, value: &mut Value) -> Result<()> {
    let goes_on = bytes.ratio(4, 5)?;
    match value {
        Value::Object(object) if goes_on && !object.is_empty() => {
            let at = bytes.choose_index(object.len())?;
            let key = object.keys().nth(at).cloned().unwrap_or_default();
            strange_value(bytes, &mut object[&key])
        }
        Value::Array(array) if goes_on && !array.is_empty() => {
            let at = bytes.choose_index(array.len())?;
            strange_value(bytes, &mut array[at])
        }
        place => {
            *place = match bytes.int_in_range(0..=9)? {
                0 => Value::Null,
                1 => json!(u64::MAX),
                2 => json!(-1),
                3 => json!(1e308),
                4 => json!(bytes.arbitrary::<&str>()?),
                5 => json!([]),
                6 => json!({}),
                7 => json!(bytes.arbitrary::<u64>()?),
                8 => json!(format!("{:#x}", bytes.arbitrary::<u64>()?)),
                _ => json!(true),
            };
            Ok(())
        }
    }
}

/// A report that is right in itself, of few functions, files and addresses, so that much in it is alike.
fn plain_report(bytes: &mut Unstructured<'_>) -> Result<Value> {
    const MODULES: [(&str, &str); 5] = [
        ("program", "app"),
        ("library", "liba.so.1"),
        ("library", "/opt/a/p.so"),
        ("library", "/opt/b/p.so"),
        ("loader", "ld-linux.so.2"),
    ];
    let modules = MODULES.map(|(role, name)| json!({ "role": role, "name": name }));
    let builds = ["aa", "bb", "aa"].map(|id| json!({ "id": id.repeat(10) }));
    let count = bytes.int_in_range(0..=12)?;
    let mut callers: Vec<Value> = Vec::new();
    for _ in 0..count {
        callers.push(caller(bytes)?);
    }
    let mut report = Map::new();
    report.insert("schema".to_owned(), json!("mtrace-diff-saved/1"));
    report.insert("source".to_owned(), json!("log"));
    report.insert("modules".to_owned(), json!(modules));
    report.insert("builds".to_owned(), json!(builds));
    report.insert("callers".to_owned(), json!(callers));
    if bytes.ratio(1, 2)? {
        report.insert("duration_s".to_owned(), json!(bytes.int_in_range(1..=600)?));
    }
    Ok(Value::Object(report))
}

fn caller(bytes: &mut Unstructured<'_>) -> Result<Value> {
    let blocks: u64 = bytes.int_in_range(0..=50)?;
    let allocations = blocks + bytes.int_in_range(u64::from(blocks == 0)..=9)?;
    let size = [16, 24, 64][bytes.choose_index(3)?];
    let mut caller = json!({ "blocks": blocks, "bytes": blocks * size, "allocations": allocations, "name": name(bytes)? });
    if bytes.ratio(4, 5)? {
        caller["module"] = json!(bytes.int_in_range(0..=4)?);
        if bytes.ratio(2, 3)? {
            caller["build"] = json!(bytes.int_in_range(0..=2)?);
        }
        if bytes.ratio(4, 5)? {
            caller["address"] = json!(format!("{:#x}", 0x1000 + 16 * bytes.int_in_range(0..=9)?));
        }
    }
    caller["number"] = json!(format!("{:#x}", 0x1000 + 16 * bytes.int_in_range(0..=9)?));
    if blocks > 0 && bytes.ratio(1, 2)? {
        let step: u8 = bytes.int_in_range(0..=63)?;
        caller["curve"] = json!([[step, blocks, blocks * size]]);
    }
    Ok(caller)
}

fn name(bytes: &mut Unstructured<'_>) -> Result<Value> {
    if bytes.ratio(1, 5)? {
        return Ok(json!({ "unknown": "no-file" }));
    }
    let by = ["dwarf", "symbols", "log"][bytes.choose_index(3)?];
    let mut frames = Vec::new();
    let depth = bytes.int_in_range(1..=3)?;
    for at in 0..depth {
        let function = [
            "init",
            "open",
            "xmalloc",
            "f(int)",
            "f(int) [clone .constprop.0]",
        ][bytes.choose_index(5)?];
        let mut frame = json!({ "function": function, "inlined": at + 1 < depth });
        if by == "dwarf" {
            frame["file"] = json!(
                ["/s/a.c", "/s/b.c", "/t/a.c", "/usr/include/c++/12/vector"]
                    [bytes.choose_index(4)?]
            );
            frame["line"] = json!(bytes.int_in_range(1..=30)?);
            frame["declared"] = json!(bytes.int_in_range(1..=9)?);
            frame["external"] = json!(bytes.arbitrary::<bool>()?);
        }
        frames.push(frame);
    }
    Ok(json!({ "known": { "by": by, "frames": frames } }))
}
