//! Unwind tables against `readelf`, row by row.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::common::{mtrace_diff, stdout_of};
use tempfile::TempDir;

/// A table file, read by the description of its format and by nothing of the program's own.
pub(crate) struct Table {
    bytes: Vec<u8>,
}

impl Table {
    pub(crate) fn read(path: &Path) -> Self {
        let table = Table {
            bytes: fs::read(path).unwrap(),
        };
        assert_eq!(table.bytes[..8], *b"MTDUNW1\n");
        assert_eq!(table.u32(8), 0x0102_0304);
        assert_eq!(table.u32(28) as usize, table.bytes.len());
        assert_eq!(table.u32(32), crc32fast::hash(&table.bytes[64..]));
        table
    }

    fn u32(&self, at: u32) -> u32 {
        let at = at as usize;
        u32::from_le_bytes(self.bytes[at..at + 4].try_into().unwrap())
    }

    pub(crate) fn module(&self, name: &str) -> u32 {
        let named = |entry: &u32| {
            let (at, length) = (self.u32(entry + 8) as usize, self.u32(entry + 12) as usize);
            &self.bytes[at..at + length] == name.as_bytes()
        };
        let entries = (0..self.u32(20)).map(|i| self.u32(24) + 56 * i);
        entries.into_iter().find(named).unwrap()
    }

    /// Kind bytes and offsets of the rule at a link-time address.
    pub(crate) fn rule(&self, module: u32, address: u64) -> ([u8; 4], [i32; 4]) {
        let base = u64::from(self.u32(module + 24));
        let pc = u32::try_from(address - base).unwrap();
        let (rows, pcs, rules) = (
            self.u32(module + 32),
            self.u32(module + 36),
            self.u32(module + 48),
        );
        let (mut low, mut high) = (0, rows);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            match self.u32(pcs + 4 * middle) <= pc {
                true => low = middle,
                false => high = middle,
            }
        }
        if rows == 0 || self.u32(pcs + 4 * low) > pc {
            return ([0; 4], [0; 4]);
        }
        let at = (self.u32(module + 40) + 2 * low) as usize;
        let rule = u32::from(self.bytes[at]) | u32::from(self.bytes[at + 1]) << 8;
        assert!(rule < self.u32(module + 44));
        let at = rules + 20 * rule;
        let kinds = self.bytes[at as usize..at as usize + 4].try_into().unwrap();
        (
            kinds,
            [4, 8, 12, 16].map(|field| self.u32(at + field).cast_signed()),
        )
    }
}

/// `.eh_frame` as `readelf` interprets it: ranges with the text of each column.
fn rows_of_readelf(file: &Path) -> Vec<(u64, u64, HashMap<String, String>)> {
    let text = stdout_of(Command::new("readelf").args(["-W", "-wN", "-wF"]).arg(file));
    let text = text
        .split("Contents of the .eh_frame section")
        .nth(1)
        .unwrap();
    let text = text.split("Contents of the").next().unwrap();
    let hex = |text: &str| u64::from_str_radix(text, 16).unwrap();
    let (mut rows, mut of_cie) = (Vec::new(), HashMap::new());
    for block in text.split("\n\n") {
        let mut lines = block.lines().filter(|line| !line.trim().is_empty());
        let Some(head) = lines.next() else { continue };
        let words: Vec<&str> = head.split_whitespace().collect();
        let columns: Vec<&str> = lines.next().unwrap_or("").split_whitespace().collect();
        let parsed: Vec<(u64, HashMap<String, String>)> = lines
            .map(|line| {
                // Of a register in a register both number and name are shown: r10 (r10).
                let fields = line.split_whitespace();
                let mut fields = fields.filter(|field| !field.starts_with('('));
                let at = hex(fields.next().unwrap());
                let names = columns[1..].iter().map(|name| (*name).to_owned());
                (at, names.zip(fields.map(str::to_owned)).collect())
            })
            .collect();
        if words.get(3) == Some(&"CIE") {
            // One of signal frames says nothing of its own.
            let columns = parsed.first().map(|row| row.1.clone());
            of_cie.insert(words[0].to_owned(), columns.unwrap_or_default());
        } else if words.get(3) == Some(&"FDE") {
            let range = words[5].strip_prefix("pc=").unwrap();
            let (start, end) = range.split_once("..").unwrap();
            let (start, end) = (hex(start), hex(end));
            let cie = words[4].strip_prefix("cie=").unwrap();
            let parsed = match parsed.is_empty() {
                true => vec![(start, of_cie[cie].clone())],
                false => parsed,
            };
            for (i, (at, columns)) in parsed.iter().enumerate() {
                let until = parsed.get(i + 1).map_or(end, |next| next.0);
                if *at < until {
                    rows.push((*at, until, columns.clone()));
                }
            }
        }
    }
    rows
}

/// What a row of x86-64 has to be in the table; `None` where `readelf` shows only that there is an expression.
fn expected(columns: &HashMap<String, String>) -> Option<([u8; 4], [i32; 4])> {
    let cfa = columns.get("CFA")?;
    if columns["ra"] == "u" {
        return Some(([7, 0, 0, 0], [0; 4]));
    }
    let from_cfa = |text: &str| match text.strip_prefix('c') {
        Some(offset) => Some((1, offset.parse::<i32>().unwrap())),
        None if text == "u" || text == "s" => Some((0, 0)),
        None if text == "exp" => None,
        None => Some((5, 0)),
    };
    let split = cfa.find(['+', '-'])?;
    let (register, offset) = cfa.split_at(split);
    let kind = match register {
        "rsp" => 1,
        "rbp" => 2,
        _ => return Some(([0; 4], [0; 4])),
    };
    // A return address in a register: nothing calls from there.
    if !columns["ra"].starts_with('c') && columns["ra"] != "exp" {
        return Some(([0; 4], [0; 4]));
    }
    let ra = from_cfa(&columns["ra"])?;
    let rbp = columns
        .get("rbp")
        .map_or(Some((0, 0)), |text| from_cfa(text))?;
    Some((
        [kind, ra.0, rbp.0, 0],
        [offset.parse().unwrap(), ra.1, rbp.1, 0],
    ))
}

/// Every row of the program, of libc and of the loader, at its first and at its last byte.
pub(crate) fn rows_equal_readelf() {
    let dir = TempDir::new().unwrap();
    let source = dir.path().join("app.c");
    fs::write(&source, SOURCE).unwrap();
    let app = dir.path().join("app");
    stdout_of(
        Command::new("gcc")
            .args(["-O2", "-o"])
            .args([&app, &source]),
    );
    let output = dir.path().join("app.unw");
    let printed = stdout_of(
        mtrace_diff()
            .args(["unwind-table", "--all-rows", "-o"])
            .args([&output, &app]),
    );
    let table = Table::read(&output);
    let paths = printed.lines().filter_map(|line| line.split_once(": "));
    let mut compared = 0;
    for (path, _) in paths.filter(|(path, _)| !path.ends_with(".unw")) {
        let path = Path::new(path);
        let module = table.module(path.file_name().unwrap().to_str().unwrap());
        for (start, end, columns) in rows_of_readelf(path) {
            let Some(mut expected) = expected(&columns) else {
                continue;
            };
            for address in [start, end - 1] {
                let rule = table.rule(module, address);
                expected.0[0] |= rule.0[0] & 0x80;
                assert_eq!(
                    rule,
                    expected,
                    "{} at {address:#x}: {columns:?}",
                    path.display()
                );
                compared += 1;
            }
        }
    }
    assert!(
        compared > 20_000,
        "only {compared} rows of libc and its loader"
    );
}

const SOURCE: &str = "
#include <stdlib.h>
#include <string.h>
void *volatile kept;
__attribute__((noinline)) void vary(int n) { char *p = __builtin_alloca(n); memset(p, n, n); kept = malloc(p[0]); }
__attribute__((noinline)) void fixed(void) { char p[9000]; kept = p; kept = malloc(4); }
int main(int argc, char **argv) { vary(argc); fixed(); return 0; }
";
