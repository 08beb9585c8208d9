//! Writing a file whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Writes beside the file and renames: who reads it sees the old one or the new one, never half.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = |e| Error::io("write", path, e);
    let target = target(path).map_err(failed)?;
    let beside = beside(&target).map_err(failed)?;
    let written = write_new(&beside, bytes).and_then(|()| fs::rename(&beside, &target));
    if written.is_err() {
        // What went wrong before is what to tell.
        let _ = fs::remove_file(&beside);
    }
    written.map_err(failed)
}

/// The file itself, behind a link. A device or a FIFO must not be replaced by a file.
fn target(path: &Path) -> io::Result<PathBuf> {
    match fs::metadata(path) {
        Ok(file) if file.is_file() => fs::canonicalize(path),
        Ok(file) if file.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(_) => Err(io::Error::other("it is not a regular file")),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(path.to_path_buf()),
        Err(e) => Err(e),
    }
}

/// A name of this process alone, in the same directory: renaming works within one file system.
fn beside(target: &Path) -> io::Result<PathBuf> {
    let name = target
        .file_name()
        .ok_or_else(|| io::Error::other("it has no file name"))?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}.tmp", std::process::id()));
    Ok(target.with_file_name(hidden))
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_beside_it() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a.json");
        write(&file, b"old").unwrap();
        write(&file, b"new").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert!(write(directory.path(), b"x").is_err());
        assert!(write(&directory.path().join("none/a.json"), b"x").is_err());
        assert!(write(Path::new("/dev/null"), b"x").is_err());
        let names: Vec<_> = fs::read_dir(directory.path()).unwrap().collect();
        assert_eq!(names.len(), 1);
    }
}
