//! Writing a file whole or not at all.

use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::document::is_report;
use super::unfinished::Watch;
use crate::capture::Head;
use crate::error::{Error, Result};
use crate::printable::printable_path;

/// Writes beside the file and renames: who reads it sees the old one or the new one, never half.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    refuse_over(path)?;
    let failed = |e| Error::io("write", path, e);
    let target = Destination::of(path).map_err(failed)?;
    target.replace(bytes).map_err(failed)
}

/// What is there already must be a saved report, or empty as `mktemp` leaves it: nothing else is so easily
/// made again, be it a file of a run or not.
pub(crate) fn refuse_over(path: &Path) -> Result<()> {
    let is_other = fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() > 0)
        && !Head::read(path).is_ok_and(|head| is_report(&head.bytes));
    match is_other {
        true => Err(Error::SaveOverOther {
            path: path.to_path_buf(),
        }),
        false => Ok(()),
    }
}

/// The file that is to be there.
struct Destination {
    /// Itself, behind all links.
    path: PathBuf,
    /// Of the file that it replaces.
    permissions: Option<Permissions>,
}

impl Destination {
    /// A device or a FIFO must not be replaced by a file.
    fn of(path: &Path) -> io::Result<Self> {
        match fs::metadata(path) {
            Ok(file) if file.is_file() => Ok(Destination {
                path: fs::canonicalize(path)?,
                permissions: Some(Permissions::from_mode(file.permissions().mode() & 0o7777)),
            }),
            Ok(file) if file.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
            Ok(_) => Err(io::Error::other("it is not a regular file")),
            Err(e) if e.kind() == io::ErrorKind::NotFound => match fs::symlink_metadata(path) {
                Ok(_) => Err(io::Error::other("it is a link that leads nowhere")),
                Err(_) => Ok(Destination {
                    path: path.to_path_buf(),
                    permissions: None,
                }),
            },
            Err(e) => Err(e),
        }
    }

    /// Renaming works within one file system, so the new file is made in the same directory.
    fn replace(self, bytes: &[u8]) -> io::Result<()> {
        let parent = self.path.parent();
        let directory = match parent.filter(|parent| !parent.as_os_str().is_empty()) {
            Some(parent) => parent,
            None => Path::new("."),
        };
        if !directory.is_dir() {
            let directory = printable_path(directory);
            return Err(io::Error::other(format!(
                "there is no directory '{directory}'"
            )));
        }
        let watch = Watch::begin()?;
        let mut file = watch.create_in(directory)?;
        file.write_all(bytes)?;
        if let Some(permissions) = self.permissions {
            file.as_file().set_permissions(permissions)?;
        }
        file.as_file().sync_all()?;
        file.persist(&self.path).map_err(|failed| failed.error)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &[u8] = b"{\"schema\":\"mtrace-diff-saved/1\",\"callers\":[]}\n";

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_beside_it() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a.json");
        write(&file, REPORT).unwrap();
        write(&file, REPORT).unwrap();
        assert_eq!(fs::read(&file).unwrap(), REPORT);
        assert!(write(directory.path(), b"x").is_err());
        assert!(write(&directory.path().join("none/a.json"), b"x").is_err());
        assert!(write(Path::new("/dev/null"), b"x").is_err());
        let names: Vec<_> = fs::read_dir(directory.path()).unwrap().collect();
        assert_eq!(names.len(), 1);
    }

    #[test]
    fn permissions_are_those_of_the_old_file_or_of_any_new_one() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::write(at("other"), "").unwrap();
        write(&at("new"), REPORT).unwrap();
        assert_eq!(mode(&at("new")), mode(&at("other")));
        for bits in [0o600, 0o640, 0o664] {
            fs::set_permissions(at("new"), Permissions::from_mode(bits)).unwrap();
            write(&at("new"), REPORT).unwrap();
            assert_eq!(mode(&at("new")), bits);
        }
    }

    #[test]
    fn only_a_saved_report_or_an_empty_file_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        for text in ["notes\n", "{\"schema\":\"mtrace-diff/1\"}\n", "\n\n"] {
            fs::write(at("file"), text).unwrap();
            let refused = write(&at("file"), REPORT);
            assert!(
                matches!(refused, Err(Error::SaveOverOther { .. })),
                "{text}"
            );
            assert_eq!(fs::read(at("file")).unwrap(), text.as_bytes());
        }
        fs::write(at("file"), "").unwrap();
        write(&at("file"), REPORT).unwrap();
        std::os::unix::fs::symlink("file", at("link")).unwrap();
        write(&at("link"), REPORT).unwrap();
        assert!(at("link").is_symlink());
        std::os::unix::fs::symlink("gone", at("dangling")).unwrap();
        assert!(write(&at("dangling"), REPORT).is_err());
        assert!(at("dangling").is_symlink() && !at("gone").exists());
    }
}
