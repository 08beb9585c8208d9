//! Inputs that can be read only once: standard input, pipes, devices.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use super::input::{RunInput, is_stdin};
use crate::error::{Error, Result, UsageError};

/// Names that Linux has for standard input.
const STDIN_NAMES: [&str; 3] = ["/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"];

/// A source whose bytes are gone once they are read.
#[derive(PartialEq)]
enum ReadOnce {
    /// Whatever it is: a file too is not read twice through it.
    Stdin,
    /// By device and inode, since one FIFO can have several names.
    Stream(u64, u64),
}

impl ReadOnce {
    fn of(path: &Path) -> Option<Self> {
        if is_stdin(path) || STDIN_NAMES.iter().any(|name| path == Path::new(name)) {
            return Some(ReadOnce::Stdin);
        }
        let file = fs::metadata(path).ok()?;
        let kind = file.file_type();
        let is_stream = kind.is_fifo() || kind.is_socket() || kind.is_char_device();
        is_stream.then(|| ReadOnce::Stream(file.dev(), file.ino()))
    }

    /// Whether both give the same bytes; other names of standard input show only by what it is.
    fn is(&self, other: &ReadOnce) -> bool {
        self == other
            || match (self, other) {
                (ReadOnce::Stdin, ReadOnce::Stream(dev, ino))
                | (ReadOnce::Stream(dev, ino), ReadOnce::Stdin) => {
                    fs::metadata(STDIN_NAMES[0]).is_ok_and(|f| (f.dev(), f.ino()) == (*dev, *ino))
                }
                _ => false,
            }
    }
}

/// Refuses runs of which one would wait for what another has read, or get half of it.
pub(crate) fn refuse_read_twice(inputs: &[RunInput]) -> Result<()> {
    let mut seen: Vec<ReadOnce> = Vec::new();
    for path in inputs.iter().flat_map(read_files) {
        let Some(source) = ReadOnce::of(path) else {
            continue;
        };
        if seen.iter().any(|other| other.is(&source)) {
            return Err(match source {
                ReadOnce::Stdin => Error::Usage(UsageError::StdinTwice),
                ReadOnce::Stream(..) => Error::Usage(UsageError::StreamTwice {
                    path: path.to_path_buf(),
                }),
            });
        }
        seen.push(source);
    }
    Ok(())
}

/// What is read of a run, as far as it is given; what a directory holds is regular files.
fn read_files(input: &RunInput) -> impl Iterator<Item = &Path> {
    let log = input.log.as_deref().unwrap_or(&input.path);
    let others = [input.maps.as_deref(), input.exe.as_deref()];
    std::iter::once(log).chain(others.into_iter().flatten())
}
