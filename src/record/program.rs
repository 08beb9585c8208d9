//! Whether a program can be recorded.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::job::With;
use crate::elf::ElfInfo;
use crate::error::{Error, RecordError, Result};
use crate::file_name::last_part;

/// The program that a name stands for, as a shell would find it.
pub fn find_program(command: &[OsString]) -> Result<PathBuf> {
    let Some(name) = command.first() else {
        return Err(Error::Record(RecordError::NoProgram));
    };
    let given = Path::new(name);
    let not_found = || {
        Error::Record(RecordError::ProgramNotFound {
            path: given.to_path_buf(),
        })
    };
    if name.to_string_lossy().contains('/') {
        return match given.exists() {
            true => Ok(given.to_path_buf()),
            false => Err(not_found()),
        };
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut candidates = std::env::split_paths(&path).map(|directory| directory.join(given));
    candidates
        .find(|path| is_executable(path))
        .ok_or_else(not_found)
}

fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

/// Refuses what the recorder cannot be loaded into.
pub fn check_program(program: &Path, with: With) -> Result<()> {
    let refuse = |reason: &str| {
        Err(Error::Record(RecordError::NotRecordable {
            path: program.to_path_buf(),
            reason: reason.to_owned(),
        }))
    };
    if program.is_dir() {
        return refuse("it is a directory");
    }
    if !is_executable(program) {
        return refuse("it is not executable; `chmod +x` makes it so");
    }
    let mode = fs::metadata(program).map_or(0, |m| m.permissions().mode());
    if mode & 0o6000 != 0 && !rustix::process::geteuid().is_root() {
        return refuse(
            "it runs as another user (set-user-id), and the dynamic loader takes no recorder into such programs; \
             record it as that user",
        );
    }
    // A script is run by another program, which is recorded.
    let Ok(elf) = ElfInfo::read(program) else {
        return Ok(());
    };
    let own = std::env::current_exe()
        .ok()
        .and_then(|path| ElfInfo::read(&path).ok());
    if let Some(own) = &own
        && !crate::symbols::same_machine(own.machine, elf.machine)
    {
        return refuse(&format!(
            "it is for {}, and this machine's recorder cannot be loaded into it; build one with `mtrace-diff \
             recorder --build COMPILER` and run the program where it belongs",
            elf.machine
        ));
    }
    let loader = elf.interpreter.as_deref();
    if let Some(libc) = loader.and_then(other_libc)
        && with == With::Glibc
    {
        return refuse(&format!(
            "it uses {libc}, and mtrace() is a part of glibc; leave out `--with glibc`"
        ));
    }
    let built_for = own.as_ref().and_then(|own| own.interpreter.as_deref());
    if let (Some(theirs), Some(ours)) = (loader, built_for)
        && other_libc(theirs) != other_libc(ours)
    {
        return refuse(&format!(
            "it uses {}, and this machine's recorder is for {}; build one with its own compiler, `mtrace-diff \
             recorder --build COMPILER -o DIR`, and run the program with it: `mtrace-diff recorder --source` says \
             how at its top",
            other_libc(theirs).unwrap_or("glibc"),
            other_libc(ours).unwrap_or("glibc"),
        ));
    }
    match elf.interpreter {
        Some(_) => Ok(()),
        None => refuse(
            "it is linked statically, so nothing can be loaded into it; link the recorder in: \
             `mtrace-diff recorder --source` says how at its top",
        ),
    }
}

/// The C library of a dynamic loader, if it is not glibc.
fn other_libc(loader: &str) -> Option<&'static str> {
    let name = last_part(loader);
    [
        ("ld-musl", "musl"),
        ("ld-uClibc", "uClibc"),
        ("linker", "Android's C library"),
    ]
    .into_iter()
    .find_map(|(start, libc)| name.starts_with(start).then_some(libc))
}

/// glibc 2.34 and newer trace by a library of their own, which stands beside libc; older ones have none.
pub fn has_malloc_debug() -> bool {
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let libc = maps
        .lines()
        .filter_map(|line| line.find('/').map(|at| Path::new(&line[at..])))
        .find(|path| path.file_name().is_some_and(|name| name == "libc.so.6"));
    libc.is_none_or(|libc| libc.with_file_name(MALLOC_DEBUG).exists())
}

pub const MALLOC_DEBUG: &str = "libc_malloc_debug.so.0";
