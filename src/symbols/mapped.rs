//! Which mapped file a log means by a name.

use std::cell::OnceCell;

use hashbrown::HashMap;

use super::find::candidate_paths;
use super::module::{base_name, is_loader_name, names_a_library, path_base};
use crate::capture::{CaptureSet, Maps};
use crate::elf::ElfInfo;

/// The files of a maps file, found by the ways in which a log can name them.
pub struct MappedFiles<'a> {
    capture: &'a CaptureSet,
    /// In order of their lowest address.
    pub files: Vec<&'a [u8]>,
    by_base: HashMap<&'a [u8], Vec<&'a [u8]>>,
    /// Looked up only if a name is found in no other way, since it opens every file.
    by_soname: OnceCell<HashMap<Vec<u8>, Vec<&'a [u8]>>>,
    /// The program's, where it is known.
    pub program: Option<&'a [u8]>,
}

impl<'a> MappedFiles<'a> {
    pub fn new(capture: &'a CaptureSet) -> Self {
        let files: Vec<&[u8]> = capture.maps.iter().flat_map(Maps::files).collect();
        let mut by_base: HashMap<&[u8], Vec<&[u8]>> = HashMap::new();
        for file in &files {
            by_base.entry(base_name(file)).or_default().push(file);
        }
        MappedFiles {
            capture,
            by_base,
            by_soname: OnceCell::new(),
            program: capture
                .maps
                .as_ref()
                .and_then(|maps| program_file(maps, &files)),
            files,
        }
    }

    /// The file that `name` means: by path, by base name, by role, by link, by soname, by version.
    pub fn find(&self, name: &[u8], is_program: bool) -> Option<&'a [u8]> {
        let base = base_name(name);
        let of_base = self.by_base.get(base).map_or(&[][..], Vec::as_slice);
        let exact = of_base.iter().copied().find(|file| *file == name);
        exact
            .or_else(|| longest_common_end(of_base, name))
            .or_else(|| self.program.filter(|_| is_program))
            .or_else(|| {
                let target = link_target(self.capture, name)?;
                the_only(self.by_base.get(target.as_slice())?)
            })
            .or_else(|| the_only(self.by_soname().get(base)?))
            .or_else(|| only(&self.files, &|file| is_version_of(base_name(file), base)))
            .or_else(|| {
                let loader = is_loader_name(base);
                only(&self.files, &|file| {
                    loader && is_loader_name(base_name(file))
                })
            })
    }

    /// What the mapped files, as they lie in the run directory or the sysroot, call themselves.
    fn by_soname(&self) -> &HashMap<Vec<u8>, Vec<&'a [u8]>> {
        self.by_soname.get_or_init(|| {
            let mut by_soname: HashMap<Vec<u8>, Vec<&[u8]>> = HashMap::new();
            for file in &self.files {
                let paths = candidate_paths(self.capture, file).into_iter();
                let elf = paths
                    .filter(|path| path.is_file())
                    .find_map(|path| ElfInfo::read(&path).ok());
                if let Some(soname) = elf.and_then(|elf| elf.soname) {
                    by_soname.entry(soname.into_bytes()).or_default().push(file);
                }
            }
            by_soname
        })
    }
}

/// The only file with code whose name is no library's.
fn program_file<'a>(maps: &Maps, files: &[&'a [u8]]) -> Option<&'a [u8]> {
    only(files, &|file| {
        !names_a_library(base_name(file)) && maps.of_file(file).any(|m| m.executable)
    })
}

fn the_only<'a>(files: &[&'a [u8]]) -> Option<&'a [u8]> {
    match files {
        [only] => Some(*only),
        _ => None,
    }
}

/// The file whose path agrees with `name` furthest from the right: `/lib/a/plugin.so` means
/// `/usr/lib/a/plugin.so`, not `/usr/lib/b/plugin.so`. `None` where several agree as far.
fn longest_common_end<'m>(files: &[&'m [u8]], name: &[u8]) -> Option<&'m [u8]> {
    let agreement = |file: &[u8]| {
        let parts = file.rsplit(|&b| b == b'/').zip(name.rsplit(|&b| b == b'/'));
        parts.take_while(|(a, b)| a == b).count()
    };
    let best = files.iter().map(|file| agreement(file)).max()?;
    only(files, &|file| agreement(file) == best)
}

fn only<'m>(files: &[&'m [u8]], fits: &dyn Fn(&[u8]) -> bool) -> Option<&'m [u8]> {
    let mut fitting = files.iter().copied().filter(|file| fits(file));
    let first = fitting.next()?;
    fitting.next().is_none().then_some(first)
}

/// The name of the file that a library's path leads to in the sysroot or the run directory.
fn link_target(capture: &CaptureSet, name: &[u8]) -> Option<Vec<u8>> {
    let paths = super::find::candidate_paths(capture, name);
    let resolved = paths
        .iter()
        .find_map(|path| std::fs::canonicalize(path).ok())?;
    Some(path_base(&resolved).to_vec())
}

/// `libfoo.so.1.2.3` for `libfoo.so.1`, and `libc-2.31.so` for `libc.so.6`.
fn is_version_of(mapped: &[u8], logged: &[u8]) -> bool {
    let longer = mapped.strip_prefix(logged);
    longer.is_some_and(|rest| rest.first() == Some(&b'.'))
        || (release_stem(mapped).is_some() && release_stem(mapped) == stem(logged))
}

/// `libc` of `libc.so.6`.
pub fn stem(base: &[u8]) -> Option<&[u8]> {
    memchr::memmem::find(base, b".so").map(|end| &base[..end])
}

/// `libc` of `libc-2.31.so`, as glibc named its files before 2.34.
fn release_stem(base: &[u8]) -> Option<&[u8]> {
    let name = base.strip_suffix(b".so")?;
    let dash = memchr::memrchr(b'-', name)?;
    let version = &name[dash + 1..];
    let is_version =
        !version.is_empty() && version.iter().all(|b| b.is_ascii_digit() || *b == b'.');
    is_version.then_some(&name[..dash])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_contain_one_another_are_not_the_same() {
        assert!(is_version_of(b"libtest.so.1.4", b"libtest.so.1"));
        assert!(is_version_of(b"libc-2.31.so", b"libc.so.6"));
        assert!(!is_version_of(b"libtest2.so.1", b"libtest.so.1"));
        assert!(!is_version_of(b"libtest.so.12", b"libtest.so.1"));
        assert!(!is_version_of(b"libtest.so.2.0", b"libtest.so.1"));
        assert!(!is_version_of(b"libfoo-bar.so.1", b"libfoo.so.1"));
    }
}
