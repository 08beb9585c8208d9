//! The target whose inputs are recordings: a header, blocks whose check is right, and any entries in them.
//!
//! Nearly all that a fuzzer does to the bytes of a file is caught by the check of a block. So the file is made
//! here, as the guide's chapter on the format says, of numbers that the input gives; some bytes change at the end.

#![allow(clippy::expect_used)] // an input that breaks an expectation is what is looked for

use std::fs;
use std::path::Path;

use arbitrary::{Result, Unstructured};

use super::runs::{check, plan, unchanged};

/// A recording of any structure: figures that agree with one another, or an error. Says which.
pub fn recording(input: &[u8], directory: &Path) -> bool {
    let mut bytes = Unstructured::new(input);
    let Ok(file) = file(&mut bytes) else {
        return false;
    };
    let path = directory.join("recording");
    fs::write(&path, file).expect("the directory can be written to");
    let Ok(report) = mtrace_diff::show(&plan(&[&path])) else {
        return false;
    };
    check(&report);
    unchanged(&path);
    true
}

fn file(bytes: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    const WINDOW: (u32, u32) = (128, 4096);
    let mode = *bytes.choose(&[0, 0, 0, 1, 1, 2, 3])?;
    let mut blocks: Vec<Vec<u8>> = Vec::new();
    let mut next_node = 4;
    for _ in 0..bytes.int_in_range(1..=4)? {
        blocks.push(block(bytes, mode, &mut next_node)?);
    }
    let in_window = bytes.arbitrary()? && blocks.last().is_some_and(|b| b.len() < 4096);
    let last = if in_window { blocks.pop() } else { None }.unwrap_or_default();
    let body = blocks.concat();
    let first_block = WINDOW.0 + WINDOW.1;
    let mut file = b"MTDREC1\n".to_vec();
    file.extend(0x0102_0304_u32.to_le_bytes());
    file.extend([1, 0]);
    file.extend(bytes.choose(&[62_u16, 40, 183, 0])?.to_le_bytes());
    file.extend(bytes.choose(&[[8, 4], [4, 3]])?);
    file.extend([mode, 64]);
    for number in [77, WINDOW.0, WINDOW.1, first_block] {
        file.extend(number.to_le_bytes());
    }
    file.extend((last.len().saturating_sub(40) as u32).to_le_bytes());
    file.extend((u64::from(first_block) + body.len() as u64).to_le_bytes());
    file.extend(1_700_000_000_000_000_000_u64.to_le_bytes());
    file.extend(bytes.arbitrary::<u32>()?.to_le_bytes());
    file.resize(WINDOW.0 as usize, 0);
    file.extend(last);
    file.resize(first_block as usize, 0);
    file.extend(body);
    for _ in 0..bytes.int_in_range(0..=3)? {
        let at = bytes.choose_index(file.len())?;
        match bytes.int_in_range(0..=3)? {
            0 => file.truncate(at.max(1)),
            _ => file[at] = bytes.arbitrary()?,
        }
    }
    Ok(file)
}

fn block(bytes: &mut Unstructured<'_>, mode: u8, next_node: &mut u64) -> Result<Vec<u8>> {
    let (first_node, mut entries) = (*next_node, Vec::new());
    for _ in 0..bytes.int_in_range(0..=60)? {
        entry(bytes, mode, next_node, &mut entries)?;
    }
    let mut block = b"BLK1".to_vec();
    block.extend((entries.len() as u32).to_le_bytes());
    block.extend(sum(&entries).to_le_bytes());
    block.extend((first_node as u32).to_le_bytes());
    block.extend(bytes.int_in_range(0..=2_000_000_u64)?.to_le_bytes());
    block.extend(bytes.int_in_range(0..=90_u64)?.to_le_bytes());
    block.extend([0; 8]);
    block.extend(entries);
    Ok(block)
}

/// Mostly what a recorder writes, sometimes anything.
fn entry(
    bytes: &mut Unstructured<'_>,
    mode: u8,
    next_node: &mut u64,
    out: &mut Vec<u8>,
) -> Result<()> {
    let node = bytes.int_in_range(0..=next_node.saturating_sub(1))?;
    let step = bytes.int_in_range(0..=15_u64)?;
    let kind = match mode {
        1 => bytes.int_in_range(4..=9)?,
        _ => bytes.int_in_range(0..=9)?,
    };
    match kind {
        0 | 1 => {
            out.push(kind | 128 | (step as u8 & 7) << 4);
            number(out, step >> 3);
            number(out, node);
            let sizes = [0, 1, 24, 100, 5000, u64::MAX];
            number(out, *bytes.choose(&sizes)?);
        }
        2 | 3 => out.push(kind | (step as u8 & 15) << 3),
        4 | 5 => {
            out.push(4 | 2 << 3);
            number(out, *next_node - node);
            number(out, bytes.int_in_range(0..=0x8000)?);
            *next_node += 1;
        }
        6 => {
            out.push(4 | 10 << 3);
            number(out, node);
            for most in [50_u64, 5000, 90] {
                number(out, bytes.int_in_range(0..=most)?);
            }
        }
        7 => {
            out.push(4);
            number(out, bytes.int_in_range(0..=500_000)?);
            out.push(4 | 11 << 3);
        }
        8 => module(bytes, out)?,
        _ => {
            out.push(bytes.arbitrary()?);
            number(out, bytes.arbitrary::<u16>()?.into());
        }
    }
    Ok(())
}

fn module(bytes: &mut Unstructured<'_>, out: &mut Vec<u8>) -> Result<()> {
    out.push(4 | 3 << 3);
    number(out, bytes.int_in_range(0..=3)?);
    for _ in 0..3 {
        number(out, bytes.int_in_range(0..=0x4000)?);
    }
    out.push(bytes.int_in_range(0..=3)?);
    let id: &[u8] = bytes.choose(&[b"".as_slice(), b"\xaa\xbb"])?;
    let path = bytes.choose(&["", "/opt/app", "/opt/lib.so", "[vdso]", "/opt/\u{1b}[31m"])?;
    for text in [id, path.as_bytes()] {
        number(out, text.len() as u64);
        out.extend(text);
    }
    Ok(())
}

fn number(out: &mut Vec<u8>, mut n: u64) {
    while n > 127 {
        out.push(n as u8 | 128);
        n >>= 7;
    }
    out.push(n as u8);
}

/// The check of a block, as the guide says.
fn sum(entries: &[u8]) -> u32 {
    let mut h: u64 = 0xcbf2_9ce4_8422_2325;
    for part in entries.chunks(8) {
        let mut word = [0; 8];
        word[..part.len()].copy_from_slice(part);
        h = (h ^ u64::from_le_bytes(word)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        h ^= h >> 32;
    }
    (h ^ h >> 32) as u32
}
