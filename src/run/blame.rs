//! The frame of a stack that answers for an allocation.
//!
//! Memory is seldom taken from malloc itself: `strdup`, `operator new` or a program's own `xmalloc` stand between.
//! A row that names one of those names nobody. So the frame that is shown and joined is the innermost one that is
//! neither in the C or C++ runtime nor in a function that is known to allocate for its caller.

use super::{Location, LocationId, ModuleLabel, Role, Run};

/// Functions that allocate for their caller, by name without parameters. A `*` stands for any text.
const WRAPPERS: [&str; 46] = [
    // The C library's, where they are linked in.
    "malloc",
    "calloc",
    "realloc",
    "reallocarray",
    "memalign",
    "aligned_alloc",
    "posix_memalign",
    "strdup",
    "strndup",
    "asprintf",
    "vasprintf",
    "__libc_*alloc*",
    // C++.
    "operator new*",
    "std::*",
    "__gnu_cxx::*",
    "void std::*",
    "void* std::*",
    "boost::*::allocate*",
    "boost::make_shared*",
    // What projects call theirs.
    "x*alloc",
    "x*allocarray",
    "x*dup",
    "xasprintf",
    "xstrfmt",
    "*_malloc",
    "*_calloc",
    "*_realloc",
    "*_zalloc",
    "*_strdup",
    "*_strndup",
    "*_memdup",
    "emalloc",
    "ecalloc",
    "erealloc",
    "safe_*alloc",
    // Of widely used libraries.
    "g_malloc*",
    "g_try_*alloc*",
    "g_slice_*alloc*",
    "g_strdup*",
    "g_memdup*",
    "PyMem_*",
    "_PyMem_*",
    "PyObject_*alloc",
    "_PyObject_*Alloc*",
    "sqlite3*Malloc*",
    "QArrayData::*",
];

/// Libraries that allocate for whoever calls them.
const RUNTIMES: [&str; 8] = [
    "libc",
    "libm",
    "libdl",
    "librt",
    "libpthread",
    "libstdc++",
    "libc++",
    "libgcc_s",
];

/// Whether a function only allocates for its caller, by its name.
pub fn is_wrapper(function: &str) -> bool {
    let name = bare(function);
    WRAPPERS.iter().any(|pattern| fits(pattern, name))
}

/// Without parameters, and without what the compiler adds to copies.
fn bare(function: &str) -> &str {
    let end = match function.starts_with("operator") {
        true => None,
        false => function.find(['(', '[']).filter(|at| *at > 0),
    };
    let name = end.map_or(function, |end| &function[..end]);
    name.split_once('.')
        .map_or(name, |(name, _)| name)
        .trim_end()
}

/// Whether a name is what a pattern stands for.
fn fits(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

/// The frame that answers for an allocation, of those of a stack, innermost first; none where all are wrappers.
pub fn answering(run: &Run, mut frames: impl Iterator<Item = LocationId>) -> Option<LocationId> {
    frames.find(|at| !is_for_others(run, run.location(*at)))
}

fn is_for_others(run: &Run, location: &Location) -> bool {
    let module = run.module_of(location).map(|module| &module.label);
    if module.is_some_and(is_runtime) {
        return true;
    }
    let function = location.frame().and_then(|frame| frame.function.as_deref());
    function.is_some_and(is_wrapper)
}

fn is_runtime(module: &ModuleLabel) -> bool {
    if module.role == Role::Loader {
        return true;
    }
    let name = &*module.name;
    let stem = name.split(".so").next().unwrap_or(name);
    let stem = match stem.rsplit_once('-') {
        // libc-2.31.so
        Some((stem, version)) if version.starts_with(|c: char| c.is_ascii_digit()) => stem,
        _ => stem,
    };
    module.role == Role::Library && (RUNTIMES.contains(&stem) || name.starts_with("ld-musl"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrappers_are_known_by_name() {
        for name in [
            "xmalloc",
            "xcalloc",
            "xstrdup",
            "mosquitto__malloc",
            "operator new(unsigned long)",
            "std::vector<int, std::allocator<int> >::push_back(int const&)",
            "void std::vector<int>::_M_realloc_insert<int>(int&&)",
            "g_malloc0",
            "g_strdup",
            "PyMem_RawMalloc",
            "_PyObject_GC_Alloc",
            "sqlite3MallocRaw",
            "xmalloc.constprop.0",
        ] {
            assert!(is_wrapper(name), "{name}");
        }
        for name in [
            "session_open",
            "main",
            "alloc",
            "expand",
            "operator+(A const&, A const&)",
            "mystd::thing()",
            "malloc_trim_all",
            "g_list_append",
        ] {
            assert!(!is_wrapper(name), "{name}");
        }
    }

    #[test]
    fn a_star_stands_for_any_text() {
        assert!(fits("x*alloc", "xalloc") && fits("x*alloc", "xmemalloc"));
        assert!(!fits("x*alloc", "xallocator") && !fits("x*alloc", "malloc"));
        assert!(fits("a*b*c", "a1b2c") && !fits("a*b*c", "a1c2b"));
        assert!(fits("abc", "abc") && !fits("abc", "abcd"));
    }
}
