//! Recordings of any structure, made from bytes by `arbitrary`: the checks of their blocks are right, unless bytes are
//! changed afterwards, so that what a fuzzer changes comes as far as the reader of events.

#![allow(clippy::expect_used)] // an input that breaks an expectation is what is looked for

use std::fs;
use std::path::Path;

use arbitrary::{Result, Unstructured};
use mtrace_diff::{FORMATS, Options, Plan, RunInput, StackView};

const OPTIONS: Options = Options {
    top: 20,
    all: true,
    inlines: true,
    stacks: Some(StackView { share: 0.05 }),
    explain: None,
    trend: true,
    width: Some(80),
    color: false,
    ascii: false,
    full_names: false,
};

/// A recording: a report in every form whose figures agree with one another, or an error.
pub(crate) fn recording(input: &[u8], directory: &Path) {
    let Ok(bytes) = file(&mut Unstructured::new(input)) else {
        return;
    };
    let path = directory.join("recording");
    fs::write(&path, bytes).expect("the directory can be written to");
    let plan = Plan {
        runs: vec![RunInput::new(&path)],
        ..Plan::default()
    };
    let Ok(report) = mtrace_diff::show(&plan) else {
        return;
    };
    let rows = report
        .sites
        .iter()
        .filter_map(|site| site.at.runs[0].as_ref());
    let sum = rows.fold(0u64, |sum, run| sum.saturating_add(run.figures.blocks));
    assert_eq!(sum, report.runs[0].live().blocks);
    for format in FORMATS.iter().filter(|format| !format.lists_blocks) {
        let mut out = Vec::new();
        let written = format.write(&report, &OPTIONS, &mut out);
        written.expect("memory can be written to");
    }
    let both = Plan {
        runs: vec![RunInput::new(&path), RunInput::new(&path)],
        ..Plan::default()
    };
    let report = mtrace_diff::compare(&both).expect("it was read before");
    assert!(report.sites.iter().all(|site| site.growth.blocks == 0));
}

fn file(bytes: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let (window, size) = (128u32, 512u32);
    let is_window = bytes.ratio(1, 2)?;
    let mut body = Vec::new();
    let mut first_node = 4;
    for _ in 0..bytes.int_in_range(0..=3)? {
        body.extend(block(bytes, &mut first_node)?);
    }
    let in_window = match is_window {
        true => block(bytes, &mut first_node)?,
        false => Vec::new(),
    };
    let first = if is_window { window + size } else { window };
    let mut file = b"MTDREC1\n".to_vec();
    file.extend(0x0102_0304u32.to_le_bytes());
    file.extend(1u16.to_le_bytes());
    let (machine, word) = *bytes.choose(&[(62u16, 8u8), (40, 4), (183, 8), (8, 4)])?;
    file.extend(machine.to_le_bytes());
    file.extend([
        word,
        bytes.int_in_range(0..=5)?,
        bytes.int_in_range(0..=3)?,
        64,
    ]);
    file.extend(1u32.to_le_bytes());
    for number in [
        if is_window { window } else { 0 },
        if is_window { size } else { 0 },
        first,
    ] {
        file.extend(number.to_le_bytes());
    }
    let length = in_window.len().saturating_sub(40).min(size as usize - 40);
    file.extend((length as u32).to_le_bytes());
    file.extend((u64::from(first) + body.len() as u64).to_le_bytes());
    file.extend([0; 16]);
    file.extend(u32::from(bytes.int_in_range(0u8..=5)?).to_le_bytes());
    file.extend(u32::from(bytes.arbitrary::<u8>()?).to_le_bytes());
    file.resize(window as usize, 0);
    if is_window {
        file.extend(&in_window);
        file.resize((window + size) as usize, 0);
    }
    file.extend(body);
    if bytes.ratio(1, 4)? {
        for _ in 0..bytes.int_in_range(1..=3)? {
            let at = bytes.choose_index(file.len())?;
            file[at] = bytes.arbitrary()?;
        }
    }
    if bytes.ratio(1, 8)? {
        file.truncate(bytes.choose_index(file.len())?);
    }
    Ok(file)
}

/// A block with its head, whose check is right.
fn block(bytes: &mut Unstructured<'_>, first_node: &mut u32) -> Result<Vec<u8>> {
    let mut entries = Vec::new();
    let mut nodes = *first_node;
    for _ in 0..bytes.int_in_range(1..=24)? {
        entry(bytes, &mut nodes, &mut entries)?;
    }
    let mut block = b"BLK1".to_vec();
    block.extend((entries.len() as u32).to_le_bytes());
    block.extend(check(&entries).to_le_bytes());
    block.extend(first_node.to_le_bytes());
    block.extend(u64::from(bytes.arbitrary::<u16>()?).to_le_bytes());
    block.extend([0; 16]);
    block.extend(entries);
    *first_node = nodes;
    Ok(block)
}

fn entry(bytes: &mut Unstructured<'_>, nodes: &mut u32, to: &mut Vec<u8>) -> Result<()> {
    let node = |bytes: &mut Unstructured<'_>, nodes: u32| -> Result<u64> {
        // Now and then one that is not there.
        Ok(u64::from(bytes.int_in_range(0..=nodes + 1)?))
    };
    match bytes.int_in_range(0u8..=18)? {
        kind @ 0..=5 => {
            // Few addresses, so that blocks meet their frees.
            to.push((kind & 1) | bytes.int_in_range(0u8..=7)? << 4);
            let pair = [node(bytes, *nodes)?, size(bytes)?];
            pair.iter().for_each(|n| number(to, *n));
        }
        kind @ 6..=9 => to.push((2 + (kind & 1)) | bytes.int_in_range(0u8..=15)? << 3),
        10 => {
            to.push(bytes.int_in_range(0u8..=7)? << 4 | 8);
            to.push(bytes.arbitrary()?);
        }
        11 | 12 => {
            to.push(4 | 2 << 3);
            number(to, u64::from(bytes.int_in_range(1..=*nodes)?));
            number(to, u64::from(bytes.arbitrary::<u16>()?));
            *nodes += 1;
        }
        13 => {
            to.push(4 | 3 << 3);
            for _ in 0..4 {
                number(to, u64::from(bytes.arbitrary::<u16>()?));
            }
            to.push(bytes.arbitrary()?);
            text(bytes, to)?;
            text(bytes, to)?;
        }
        14 => {
            to.push(4 | 5 << 3);
            text(bytes, to)?;
            text(bytes, to)?;
        }
        15 => {
            to.push(4 | 10 << 3);
            number(to, node(bytes, *nodes)?);
            for _ in 0..3 {
                number(to, size(bytes)?);
            }
        }
        16 => to.push(4 | 11 << 3),
        17 => {
            to.push(4 | bytes.int_in_range(0u8..=15)? << 3);
            number(to, size(bytes)?);
            number(to, size(bytes)?);
        }
        _ => to.push(bytes.arbitrary()?),
    }
    Ok(())
}

fn size(bytes: &mut Unstructured<'_>) -> Result<u64> {
    match bytes.ratio(7, 8)? {
        true => Ok(u64::from(bytes.arbitrary::<u8>()?)),
        false => bytes.arbitrary(),
    }
}

fn text(bytes: &mut Unstructured<'_>, to: &mut Vec<u8>) -> Result<()> {
    let known: [&[u8]; 5] = [
        b"",
        b"/nonexistent/app",
        b"program",
        b"unwind",
        b"\xff\x1b[",
    ];
    let text = *bytes.choose(&known)?;
    number(to, text.len() as u64);
    to.extend(text);
    Ok(())
}

fn number(to: &mut Vec<u8>, mut n: u64) {
    while n > 127 {
        to.push((n & 127) as u8 | 128);
        n >>= 7;
    }
    to.push(n as u8);
}

/// As the guide describes it.
fn check(data: &[u8]) -> u32 {
    let mut h: u64 = 0xcbf2_9ce4_8422_2325;
    for word in data.chunks(8) {
        let mut eight = [0; 8];
        eight[..word.len()].copy_from_slice(word);
        h = (h ^ u64::from_le_bytes(eight)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        h ^= h >> 32;
    }
    h as u32
}
