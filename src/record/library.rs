//! The recorder: its source, and the library that was built of it for this machine.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Error, RecordError, Result};

/// For every other machine: one C file without dependencies.
pub(crate) const SOURCE: &str = include_str!("recorder.c");

const STARTER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/starter.so"));

const LIBRARY: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/recorder.so"));

/// What runs a program under it on a target, which has a shell and little else.
const SCRIPT: &str = include_str!("../../scripts/capture.sh");

/// What the library is called, wherever it is put.
const NAME: &str = "mtrace-recorder.so";

/// Writes this machine's recorder into a directory.
pub(super) fn write_library(directory: &Path) -> Result<PathBuf> {
    write(LIBRARY, directory, NAME)
}

/// Writes what starts glibc's own mtrace into a directory.
pub(super) fn write_starter(directory: &Path) -> Result<PathBuf> {
    write(STARTER, directory, "mtrace-starter.so")
}

fn write(library: &[u8], directory: &Path, name: &str) -> Result<PathBuf> {
    if library.is_empty() {
        return Err(Error::Record(RecordError::NoRecorder));
    }
    let path = directory.join(name);
    fs::write(&path, library).map_err(|e| Error::io("write", &path, e))?;
    Ok(path)
}

/// Builds the recorder with another compiler, such as `arm-linux-gnueabihf-gcc -march=armv7-a`, and puts the script
/// beside it that runs a program under it. A compiler that fails leaves nothing there.
pub(crate) fn build_with(compiler: &str, directory: &Path) -> Result<PathBuf> {
    let tools = tempfile::Builder::new().prefix("mtrace-recorder").tempdir();
    let tools = tools.map_err(|e| Error::io("create", &std::env::temp_dir(), e))?;
    let built = tools.path().join(NAME);
    compile(compiler, tools.path(), &built)?;
    fs::create_dir_all(directory).map_err(|e| Error::io("create", directory, e))?;
    let path = directory.join(NAME);
    // With the permissions that the linker gave it.
    fs::copy(&built, &path).map_err(|e| Error::io("write", &path, e))?;
    let script = directory.join("capture.sh");
    let writing = |e| Error::io("write", &script, e);
    fs::write(&script, SCRIPT).map_err(writing)?;
    fs::set_permissions(&script, Permissions::from_mode(0o755)).map_err(writing)?;
    Ok(path)
}

fn compile(compiler: &str, tools: &Path, to: &Path) -> Result<()> {
    let source = tools.join("recorder.c");
    fs::write(&source, SOURCE).map_err(|e| Error::io("write", &source, e))?;
    let failed = |reason: String| {
        Error::Record(RecordError::CompilerFailed {
            compiler: compiler.to_owned(),
            reason,
        })
    };
    let mut words = compiler.split_whitespace();
    let Some(program) = words.next() else {
        return Err(failed("no compiler is named".to_owned()));
    };
    let output = Command::new(program)
        .args(words)
        // 32-bit ARM walks stacks without a table only through what these tables say.
        .args([
            "-std=gnu99",
            "-shared",
            "-fPIC",
            "-O2",
            "-funwind-tables",
            "-o",
        ])
        .arg(to)
        .arg(&source)
        .arg("-ldl")
        .output();
    match output {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            let first = said.lines().find(|line| line.contains("error"));
            Err(failed(first.unwrap_or(said.trim()).to_owned()))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(failed(
            "there is no such program; install it, or give its path".to_owned(),
        )),
        Err(error) => Err(failed(error.to_string())),
    }
}
