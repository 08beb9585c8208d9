//! Whether a program can be recorded.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::job::With;
use crate::elf::ElfInfo;
use crate::error::{Error, RecordError, Result};
use crate::file_name::last_part;

/// The program that a name stands for, as a shell would find it.
pub(super) fn find_program(command: &[OsString]) -> Result<PathBuf> {
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
pub(super) fn check_program(program: &Path, with: With) -> Result<()> {
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
    if runs_as_another(program) {
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
    // musl answers to the names of glibc's functions, and on 64 bits what they take is laid out the same.
    let is_taken = |theirs: Option<&str>, ours: Option<&str>| {
        theirs == ours
            || (theirs == Some(MUSL) && ours.is_none() && cfg!(target_pointer_width = "64"))
    };
    let built_for = own.as_ref().and_then(|own| own.interpreter.as_deref());
    if let (Some(theirs), Some(ours)) = (loader, built_for)
        && !is_taken(other_libc(theirs), other_libc(ours))
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

/// Whether a program changes its user or group when it starts: the dynamic loader then loads nothing into it.
fn runs_as_another(program: &Path) -> bool {
    let Ok(facts) = fs::metadata(program) else {
        return false;
    };
    let (user, group) = (rustix::process::getuid(), rustix::process::getgid());
    (facts.mode() & 0o4000 != 0 && facts.uid() != user.as_raw())
        || (facts.mode() & 0o2010 == 0o2010 && facts.gid() != group.as_raw())
}

/// Why the system did not start a program, and what to do.
pub(super) fn why_not_started(program: &Path, error: &io::Error) -> Option<String> {
    let (mut start, mut text) = ([0; 256], String::new());
    if let Ok(size) =
        fs::File::open(program).and_then(|mut file| io::Read::read(&mut file, &mut start))
    {
        text = String::from_utf8_lossy(&start[..size]).into_owned();
    }
    let first = text.lines().next().unwrap_or_default();
    let interpreter = first
        .strip_prefix("#!")
        .and_then(|line| line.split_whitespace().next());
    match (error.raw_os_error().map(rustix::io::Errno::from_raw_os_error)?, interpreter) {
        (rustix::io::Errno::NOEXEC, _) => Some(
            "it is no program, and no script whose first line names its shell, as `#!/bin/sh` does; if it is a script, \
             record the shell: `-- sh SCRIPT`"
                .to_owned(),
        ),
        (rustix::io::Errno::NOENT, Some(interpreter)) => Some(format!(
            "its first line asks for '{interpreter}', which is not there"
        )),
        (rustix::io::Errno::NOENT, None) => {
            let loader = ElfInfo::read(program).ok()?.interpreter?;
            Some(format!(
                "it asks for the dynamic loader '{loader}', which is not on this machine; run it where it belongs"
            ))
        }
        (rustix::io::Errno::ACCESS, _) => Some(
            "the system does not allow it to run; is its directory mounted noexec, or may it only be run by others?"
                .to_owned(),
        ),
        _ => None,
    }
}

const MUSL: &str = "musl";

/// The C library of a dynamic loader, if it is not glibc.
fn other_libc(loader: &str) -> Option<&'static str> {
    let name = last_part(loader);
    [
        ("ld-musl", MUSL),
        ("ld-uClibc", "uClibc"),
        ("linker", "Android's C library"),
    ]
    .into_iter()
    .find_map(|(start, libc)| name.starts_with(start).then_some(libc))
}

/// glibc 2.34 and newer trace by a library of their own, which stands beside libc; older ones have none.
pub(super) fn has_malloc_debug() -> bool {
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let libc = maps
        .lines()
        .filter_map(|line| line.find('/').map(|at| Path::new(&line[at..])))
        .find(|path| path.file_name().is_some_and(|name| name == "libc.so.6"));
    libc.is_none_or(|libc| libc.with_file_name(MALLOC_DEBUG).exists())
}

pub(super) const MALLOC_DEBUG: &str = "libc_malloc_debug.so.0";
