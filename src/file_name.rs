//! What names of files say.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The part of a path behind its last slash.
pub(crate) fn base_name(path: &[u8]) -> &[u8] {
    memchr::memrchr(b'/', path).map_or(path, |slash| &path[slash + 1..])
}

/// The same of a path as text.
pub(crate) fn last_part(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The same of a path of this machine.
pub(crate) fn path_base(path: &Path) -> &[u8] {
    base_name(path.as_os_str().as_bytes())
}

/// Whether a file that holds nothing, or is not there, is meant as a saved report.
pub(crate) fn names_a_report(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "json")
}

/// Whether a base name is a shared library's: `libc.so.6`, `plugin.so`.
pub(crate) fn names_a_library(base_name: &[u8]) -> bool {
    base_name.ends_with(b".so") || memchr::memmem::find(base_name, b".so.").is_some()
}

/// `libc` of `libc.so.6`.
pub(crate) fn stem(base: &[u8]) -> Option<&[u8]> {
    memchr::memmem::find(base, b".so").map(|end| &base[..end])
}

/// `libc` of `libc-2.31.so`, as glibc named its files before 2.34.
pub(crate) fn release_stem(base: &[u8]) -> Option<&[u8]> {
    let name = base.strip_suffix(b".so")?;
    let dash = memchr::memrchr(b'-', name)?;
    let version = &name[dash + 1..];
    let is_version =
        !version.is_empty() && version.iter().all(|b| b.is_ascii_digit() || *b == b'.');
    is_version.then_some(&name[..dash])
}

/// `libfoo` of `libfoo.so.1.2` and of `libfoo-1.2.so`, also of their paths: what other versions of a library are
/// called too.
pub(crate) fn family(module: &str) -> &str {
    let name = last_part(module);
    let Some((stem, _)) = name.split_once(".so") else {
        return name;
    };
    match stem.rsplit_once('-') {
        Some((stem, version)) if version.starts_with(|c: char| c.is_ascii_digit()) => stem,
        _ => stem,
    }
}

/// Whether a module is one of the libraries that every toolchain brings.
pub(crate) fn is_toolchain_library(base_name: &str) -> bool {
    const STEMS: [&str; 8] = [
        "libc",
        "libm",
        "libdl",
        "librt",
        "libpthread",
        "libgcc_s",
        "libstdc++",
        "libc_malloc_debug",
    ];
    let stem = stem(base_name.as_bytes());
    STEMS.iter().any(|known| stem == Some(known.as_bytes()))
}
