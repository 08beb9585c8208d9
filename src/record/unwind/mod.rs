//! Unwind tables, prepared where the files with unwind information are, for a recorder that runs
//! where they often are not.
//!
//! `.eh_frame`, `.debug_frame` and `.ARM.exidx` come to ranges of code with a rule each; what no
//! call returns to is left out, and equal neighbours are one. The recorder maps the file and searches
//! it, without allocation and without DWARF.

mod calls;
mod cfi;
mod exidx;
mod file;
mod machine;
mod module;
mod needed;
mod rule;
mod span;
mod table;

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::elf::{ElfInfo, Machine};
use crate::error::{Error, Result};
use crate::symbols::{SearchPath, find_debug_file};
use machine::Registers;
use needed::Closure;

/// What to make tables of.
#[derive(Debug, Clone)]
pub struct UnwindPlan {
    /// The program to be recorded.
    pub program: PathBuf,
    /// Libraries beside those that the program names, such as plugins.
    pub libraries: Vec<PathBuf>,
    /// The target's root directory; without it this machine's.
    pub sysroot: Option<PathBuf>,
    /// Where separate debug files are looked for, which may have more than the stripped ones.
    pub search: SearchPath,
    /// Keep rows that no call returns to: larger, and right behind a signal frame, too.
    pub all_rows: bool,
}

/// Tables of a program and its libraries, as the recorder reads them.
#[derive(Debug)]
pub struct UnwindTable {
    /// The whole file.
    pub bytes: Vec<u8>,
    /// What came of each file: the program first.
    pub modules: Vec<ModuleFacts>,
    /// Libraries that are needed and were not found.
    pub missing: Vec<String>,
    /// Libraries that were found, and why they could not be read.
    pub unreadable: Vec<Error>,
}

/// The machine of a program whose stacks the recorder walks by what is mapped anyhow: with glibc on x86-64 and aarch64.
pub fn does_without(program: &Path) -> Option<Machine> {
    let elf = ElfInfo::read(program).ok()?;
    let has_tables = matches!(
        object::elf::Machine(elf.machine.e_machine),
        object::elf::EM_X86_64 | object::elf::EM_AARCH64
    );
    let is_musl = |loader: &str| loader.contains("ld-musl");
    let is_glibc = elf
        .interpreter
        .as_deref()
        .is_some_and(|loader| !is_musl(loader));
    (has_tables && is_glibc).then_some(elf.machine)
}

/// What came of one module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleFacts {
    /// The program or library.
    pub path: PathBuf,
    /// Its separate debug file, where one was found.
    pub debug_file: Option<PathBuf>,
    /// Ranges of addresses that have a rule.
    pub rows: usize,
    /// Different rules among them.
    pub rules: usize,
    /// Calls in its code, and those of them that can be unwound; zero where all rows are kept.
    pub calls: u64,
    /// Those of them that can be unwound.
    pub known_calls: u64,
    /// Entries of unwind information that could not be read.
    pub damaged: u64,
}

/// Reads the unwind information of all files of the plan.
pub fn build(plan: &UnwindPlan) -> Result<UnwindTable> {
    let root = plan.sysroot.clone().unwrap_or_else(|| PathBuf::from("/"));
    let Closure { files, missing } = needed::closure(&plan.program, &plan.libraries, &root)?;
    let Some(program) = files.first() else {
        return Err(Error::bad_elf(&plan.program, "it has no code"));
    };
    let machine = program.machine;
    let registers = Registers::of(machine).ok_or_else(|| {
        let reason = format!("there are no unwind tables for {machine}");
        Error::bad_elf(&plan.program, &reason)
    })?;
    let read = |info: &ElfInfo| {
        let debug_file = find_debug_file(info, &plan.search, plan.sysroot.as_deref(), &[]);
        let table = module::read(info, debug_file.as_deref(), registers, plan.all_rows)?;
        let facts = ModuleFacts {
            path: info.path.clone(),
            debug_file,
            rows: table.rows.pcs.len(),
            rules: table.rows.rules.len(),
            calls: table.rows.calls,
            known_calls: table.rows.known_calls,
            damaged: table.damaged,
        };
        Ok((table, facts))
    };
    let read: Vec<Result<_>> = files.par_iter().map(read).collect();
    let (mut tables, mut modules, mut unreadable) = (Vec::new(), Vec::new(), Vec::new());
    for (index, read) in read.into_iter().enumerate() {
        match read {
            Ok((table, facts)) => {
                tables.push(table);
                modules.push(facts);
            }
            // Without the program's table the others are worth little.
            Err(error) if index == 0 => return Err(error),
            Err(error) => unreadable.push(error),
        }
    }
    let bytes = file::encode(machine, registers, &tables, plan.all_rows)
        .ok_or_else(|| Error::bad_elf(&plan.program, "its tables have more than 4 GiB"))?;
    Ok(UnwindTable {
        bytes,
        modules,
        missing,
        unreadable,
    })
}

/// Writes a table whole or not at all. Another table there is replaced; anything else is left alone.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = |e| Error::io("write", path, e);
    let mut head = [0; file::MAGIC.len()];
    let read = File::open(path).and_then(|mut old| old.read(&mut head));
    let is_other = match read {
        Ok(0) => false,
        Ok(_) => head != *file::MAGIC,
        Err(e) => e.kind() != io::ErrorKind::NotFound,
    };
    if is_other {
        let reason = "it is there and is no unwind table; remove it, or give another file";
        return Err(failed(io::Error::other(reason)));
    }
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    let mut new = tempfile::NamedTempFile::new_in(directory).map_err(failed)?;
    new.write_all(bytes).map_err(failed)?;
    // Temporary files are private; this one is copied to a target by whoever likes.
    let readable = std::fs::Permissions::from_mode(0o644);
    new.as_file().set_permissions(readable).map_err(failed)?;
    new.persist(path).map_err(|e| failed(e.error))?;
    Ok(())
}
