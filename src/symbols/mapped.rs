//! Which mapped file a log means by a name.

use std::cell::OnceCell;
use std::cmp::Ordering;
use std::hash::Hash;

use hashbrown::HashMap;

use super::find::candidate_paths;
use super::loader::Loader;
use crate::capture::{CaptureSet, Maps};
use crate::elf::ElfInfo;
use crate::file_name::{base_name, names_a_library, path_base, release_stem, stem};
use crate::run::Role;

/// The files of a maps file, found by the ways in which a log can name them. A log can have as many
/// names as there are files: each way is looked up, none goes through all files.
pub(super) struct MappedFiles<'a> {
    capture: &'a CaptureSet,
    /// In order of their lowest address.
    pub files: Vec<&'a [u8]>,
    /// By the parts of their paths from the right.
    by_end: Vec<&'a [u8]>,
    by_base: HashMap<&'a [u8], OnlyFile<'a>>,
    /// By what `is_version_of` compares.
    by_version: HashMap<&'a [u8], OnlyFile<'a>>,
    by_release: HashMap<&'a [u8], OnlyFile<'a>>,
    /// Looked up only if a name is found in no other way, since it opens every file.
    by_soname: OnceCell<HashMap<Vec<u8>, OnlyFile<'a>>>,
    loader: Option<OnlyFile<'a>>,
    /// The program's, where it is known.
    pub program: Option<&'a [u8]>,
}

/// The file that has something, unless several have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct OnlyFile<'a>(Option<&'a [u8]>);

impl<'a> OnlyFile<'a> {
    fn add<K: Hash + Eq>(files: &mut HashMap<K, OnlyFile<'a>>, key: K, file: &'a [u8]) {
        let known = files.entry(key).or_insert(OnlyFile(Some(file)));
        *known = known.and(OnlyFile(Some(file)));
    }

    fn and(self, other: OnlyFile<'a>) -> OnlyFile<'a> {
        OnlyFile(self.0.filter(|file| other.0 == Some(*file)))
    }

    fn of(files: impl Iterator<Item = &'a [u8]>) -> Option<Self> {
        files.map(|file| OnlyFile(Some(file))).reduce(OnlyFile::and)
    }
}

impl<'a> MappedFiles<'a> {
    pub(super) fn new(capture: &'a CaptureSet, loader: &Loader) -> Self {
        let files: Vec<&[u8]> = capture.maps.iter().flat_map(Maps::files).collect();
        let (mut by_base, mut by_version) = (HashMap::new(), HashMap::new());
        let mut by_release = HashMap::new();
        for file in &files {
            let base = base_name(file);
            OnlyFile::add(&mut by_base, base, file);
            versionless(base).for_each(|name| OnlyFile::add(&mut by_version, name, file));
            if let Some(stem) = release_stem(base) {
                OnlyFile::add(&mut by_release, stem, file);
            }
        }
        let mut by_end = files.clone();
        by_end.sort_by(|a, b| from_the_right(a).cmp(from_the_right(b)));
        let all = || files.iter().copied();
        let is_program = |file: &&[u8]| {
            let maps = capture.maps.as_ref();
            !names_a_library(base_name(file)) && maps.is_some_and(|maps| maps.has_code_of(file))
        };
        MappedFiles {
            capture,
            by_end,
            by_base,
            by_version,
            by_release,
            by_soname: OnceCell::new(),
            loader: OnlyFile::of(all().filter(|file| loader.is(base_name(file)))),
            program: OnlyFile::of(all().filter(is_program)).and_then(|only| only.0),
            files,
        }
    }

    /// The file that `name` means: by path, by base name, by role, by link, by soname, by version.
    pub(super) fn find(&self, name: &[u8], role: Role) -> Option<&'a [u8]> {
        let base = base_name(name);
        self.with_common_end(name)
            .or_else(|| self.program.filter(|_| role == Role::Program))
            .or_else(|| {
                let target = link_target(self.capture, name)?;
                self.by_base.get(target.as_slice())?.0
            })
            .or_else(|| self.by_soname().get(base)?.0)
            .or_else(|| {
                let longer = self.by_version.get(base).copied();
                let release = stem(base)
                    .and_then(|stem| self.by_release.get(stem))
                    .copied();
                longer.into_iter().chain(release).reduce(OnlyFile::and)?.0
            })
            .or_else(|| self.loader.filter(|_| role == Role::Loader)?.0)
    }

    /// The file whose path agrees with `name` furthest from the right: `/lib/a/plugin.so` means
    /// `/usr/lib/a/plugin.so`, not `/usr/lib/b/plugin.so`. `None` where several agree as far.
    fn with_common_end(&self, name: &[u8]) -> Option<&'a [u8]> {
        // Those that agree furthest stand side by side, and next to where the name would stand.
        let is_before = |file: &&[u8]| from_the_right(file).cmp(from_the_right(name)).is_lt();
        let at = self.by_end.partition_point(is_before);
        let agreement = |at: Option<usize>| {
            let file = at.and_then(|at| self.by_end.get(at));
            file.map_or(0, |file| {
                let pairs = from_the_right(file).zip(from_the_right(name));
                pairs.take_while(|(a, b)| a == b).count()
            })
        };
        if self.by_end.get(at).is_some_and(|file| *file == name) {
            return Some(self.by_end[at]);
        }
        let (before, behind) = (agreement(at.checked_sub(1)), agreement(Some(at)));
        let (found, next) = match before.cmp(&behind) {
            Ordering::Less => (at, agreement(Some(at + 1))),
            Ordering::Greater => (at - 1, agreement(at.checked_sub(2))),
            Ordering::Equal => return None,
        };
        (next < before.max(behind)).then(|| self.by_end[found])
    }

    /// What the mapped files, as they lie in the run directory or the sysroot, call themselves.
    fn by_soname(&self) -> &HashMap<Vec<u8>, OnlyFile<'a>> {
        self.by_soname.get_or_init(|| {
            let mut by_soname = HashMap::new();
            for file in &self.files {
                let paths = candidate_paths(self.capture, file).into_iter();
                let elf = paths
                    .filter(|path| path.is_file())
                    .find_map(|path| ElfInfo::read(&path).ok());
                if let Some(soname) = elf.and_then(|elf| elf.soname) {
                    OnlyFile::add(&mut by_soname, soname.into_bytes(), file);
                }
            }
            by_soname
        })
    }
}

fn from_the_right(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.rsplit(|&b| b == b'/')
}

/// The name of the file that a library's path leads to in the sysroot or the run directory.
pub(super) fn link_target(capture: &CaptureSet, name: &[u8]) -> Option<Vec<u8>> {
    let paths = candidate_paths(capture, name);
    let resolved = paths
        .iter()
        .find_map(|path| std::fs::canonicalize(path).ok())?;
    Some(path_base(&resolved).to_vec())
}

/// A version has a few parts; a name with more dots is not looked at further.
const MOST_PARTS: usize = 8;

/// What a log can call a file of a longer version: `libfoo.so.1` for `libfoo.so.1.2.3`.
fn versionless(base: &[u8]) -> impl Iterator<Item = &[u8]> {
    let dots = memchr::memrchr_iter(b'.', base).take(MOST_PARTS);
    dots.map(|dot| &base[..dot])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_version_of(mapped: &[u8], logged: &[u8]) -> bool {
        let stems = release_stem(mapped).zip(stem(logged));
        versionless(mapped).any(|name| name == logged) || stems.is_some_and(|(a, b)| a == b)
    }

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
