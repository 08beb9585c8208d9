//! The recorder: its source, and the library that was built of it for this machine.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Error, Result};

/// For every other machine: one C file without dependencies.
pub const SOURCE: &str = include_str!("recorder.c");

const STARTER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/starter.so"));

const LIBRARY: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/recorder.so"));

/// What the library is called, wherever it is put.
const NAME: &str = "mtrace-recorder.so";

/// Writes this machine's recorder into a directory.
pub fn write_library(directory: &Path) -> Result<PathBuf> {
    write(LIBRARY, directory, NAME)
}

/// Writes what starts glibc's own mtrace into a directory.
pub fn write_starter(directory: &Path) -> Result<PathBuf> {
    write(STARTER, directory, "mtrace-starter.so")
}

fn write(library: &[u8], directory: &Path, name: &str) -> Result<PathBuf> {
    if library.is_empty() {
        return Err(Error::NoRecorder);
    }
    let path = directory.join(name);
    fs::write(&path, library).map_err(|e| Error::io("write", &path, e))?;
    Ok(path)
}

/// Builds the recorder with another compiler, such as `arm-linux-gnueabihf-gcc -march=armv7-a`.
pub fn build_with(compiler: &str, directory: &Path) -> Result<PathBuf> {
    fs::create_dir_all(directory).map_err(|e| Error::io("create", directory, e))?;
    let mut source = tempfile::Builder::new()
        .prefix("recorder")
        .suffix(".c")
        .tempfile()
        .map_err(|e| Error::io("create", &std::env::temp_dir(), e))?;
    let writing = |e| Error::io("write", Path::new("recorder.c"), e);
    source.write_all(SOURCE.as_bytes()).map_err(writing)?;
    let path = directory.join(NAME);
    let failed = |reason: String| Error::CompilerFailed {
        compiler: compiler.to_owned(),
        reason,
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
        .arg(&path)
        .arg(source.path())
        .arg("-ldl")
        .output();
    match output {
        Ok(output) if output.status.success() => Ok(path),
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
