//! How much memory the debug information of one file may take.
//!
//! A damaged or hostile file of some kilobytes can ask for any amount: sections that unpack a thousandfold,
//! holes that take no room on disk, units that all share one long table of lines. What compilers write
//! stays far below these bounds, which grow with what is really on disk.

use std::cell::Cell;
use std::fs::File;
use std::os::unix::fs::MetadataExt;

use gimli::{Dwarf, EndianSlice, RunTimeEndian, Unit};

/// A part of a section of debug information.
pub(super) type Slice<'a> = EndianSlice<'a, RunTimeEndian>;

/// What any file may take, in bytes.
const BASE: u64 = 256 << 20;

/// And how many times its size on disk: compilers' compressed sections unpack to at most ten times.
const SECTIONS: u64 = 16;

/// The same for what is made of lines: a row of 24 bytes can come from each byte of a program.
const LINES: u64 = 64;

/// The bytes of a row of a line table in memory.
const ROW: u64 = 24;

/// How many bytes a byte of the header of a line table can become: the entry of a file has 2 at least.
const HEADER: u64 = 50;

/// How much is left, and whether anything was refused.
#[derive(Debug)]
pub(super) struct Budget {
    left: Cell<u64>,
    refused: Cell<bool>,
}

impl Default for Budget {
    fn default() -> Self {
        Budget {
            left: Cell::new(BASE),
            refused: Cell::new(false),
        }
    }
}

impl Budget {
    /// For the line tables of one file.
    pub(super) fn for_lines(file: u64) -> Self {
        let budget = Budget::default();
        budget.add(file.saturating_mul(LINES));
        budget
    }

    /// A file is opened: its sections may take more.
    pub(super) fn add_file(&self, file: u64) {
        self.add(file.saturating_mul(SECTIONS));
    }

    fn add(&self, bytes: u64) {
        self.left.set(self.left.get().saturating_add(bytes));
    }

    /// Takes bytes; false if there are not as many left.
    #[must_use]
    pub(super) fn take(&self, bytes: u64) -> bool {
        match self.left.get().checked_sub(bytes) {
            Some(left) => {
                self.left.set(left);
                true
            }
            None => {
                self.refuse();
                false
            }
        }
    }

    pub(super) fn refuse(&self) {
        self.refused.set(true);
    }

    pub(super) fn has_refused(&self) -> bool {
        self.refused.get()
    }

    /// Takes what the header of a unit's line table comes to; every unit's is kept.
    pub(super) fn take_header(&self, unit: &Unit<Slice<'_>>) -> bool {
        let header = unit.line_program.as_ref().map(|program| program.header());
        let length = header.map_or(0, |header| header.header_length() as u64);
        self.take(length.saturating_mul(HEADER))
    }

    /// Takes what the rows and the paths of a unit come to, which are read if one of its addresses is
    /// looked up.
    pub(super) fn take_lines<'a>(&self, dwarf: &Dwarf<Slice<'a>>, unit: &Unit<Slice<'a>>) -> bool {
        let Some(program) = &unit.line_program else {
            return true;
        };
        let header = program.header();
        let rows = header.raw_program_buf().len() as u64;
        let directory = unit.comp_dir.map_or(0, |directory| directory.len());
        let length = |attribute| dwarf.attr_string(unit, attribute).map_or(0, |s| s.len());
        let paths = header.file_names().iter();
        let mut paths = paths.map(|file| {
            let below = file.directory(header).map_or(0, length);
            (directory + below + length(file.path_name())) as u64
        });
        self.take(rows.saturating_mul(ROW)) && paths.all(|path| self.take(path))
    }
}

/// The bytes of a file that are on disk; a hole is none.
pub(super) fn size_on_disk(file: &File) -> u64 {
    /// Of `st_blocks`, whatever the file system.
    const BLOCK: u64 = 512;
    file.metadata()
        .map_or(0, |metadata| match metadata.blocks() {
            // Some file systems do not tell.
            0 => metadata.len(),
            blocks => metadata.len().min(blocks.saturating_mul(BLOCK)),
        })
}
