//! Whether a function or a library is known to allocate for its callers.

use super::pattern::{fits, plain_name};
use super::table::{LIBRARIES, NAMESPACES, PatternGroup, RUNTIMES, WRAPPERS};
use crate::file_name::family;
use crate::run::{Frame, ModuleLabel, Role};

/// Whether a function only lies in a namespace that is called like a library's: its file, where it is known, is not that
/// library's.
pub(crate) fn is_namesake(frame: &Frame) -> bool {
    let (Some(function), Some(file)) = (&frame.function, &frame.file) else {
        return false;
    };
    let mut namespaces = NAMESPACES.iter();
    let namespace = namespaces.find(|(namespace, _)| function.starts_with(namespace));
    namespace.is_some_and(|(_, part)| {
        !frame.is_of_system_header() && !file.to_ascii_lowercase().contains(part)
    })
}

/// Whether a function only allocates for its caller, by its name.
pub(crate) fn is_wrapper(function: &str) -> bool {
    has_name_of(function, |_| true)
}

/// Whether it is that of a well-known library, by its name.
pub(crate) fn is_library_wrapper(function: &str) -> bool {
    has_name_of(function, |group| !group.is_own)
}

fn has_name_of(function: &str, is_meant: impl Fn(&PatternGroup) -> bool) -> bool {
    let name = plain_name(function);
    let first = name.bytes().next();
    // Most patterns are out by their first letter.
    let can_fit = |pattern: &str| pattern.starts_with('*') || pattern.bytes().next() == first;
    let groups = WRAPPERS.iter().filter(|group| is_meant(group));
    let mut patterns = groups.flat_map(|group| group.patterns);
    patterns.any(|pattern| can_fit(pattern) && fits(pattern, &name))
}

/// Whether what a library's wrapper calls within that library does a part of its work. A container of C++ calls back what
/// it is given, and an object of Python is code of anybody's, most of it run by that library.
pub(crate) fn does_its_own_work(function: &str) -> bool {
    !function.contains("::") && !function.trim_start_matches('_').starts_with("Py")
}

/// Whether a module belongs to the C or C++ runtime.
pub(crate) fn is_runtime(module: &ModuleLabel) -> bool {
    if module.role == Role::Loader {
        return true;
    }
    let name = &*module.name;
    let is_known = RUNTIMES.contains(&family(name)) || name.starts_with("ld-musl");
    module.role == Role::Library && is_known
}

/// Whether a library is one of those that the table is of; others can have functions of such names, too.
pub(crate) fn is_well_known(module: &ModuleLabel) -> bool {
    is_runtime(module) || LIBRARIES.iter().any(|name| module.name.starts_with(name))
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
            "xmallocz",
            "do_xmalloc",
            "xmemdupz",
            "mosquitto__malloc",
            "operator new(unsigned long)",
            "operator new[](unsigned long)",
            "std::vector<int, std::allocator<int> >::push_back(int const&)",
            "void std::vector<int>::_M_realloc_insert<int>(int&&)",
            "g_malloc0",
            "g_strdup",
            "g_strdup_printf",
            "g_list_append",
            "PyMem_RawMalloc",
            "_PyObject_GC_Alloc",
            "PyDict_New",
            "PyUnicode_FromString",
            "sqlite3MallocRaw",
            "sqlite3DbStrDup",
            "xmalloc.constprop.0",
            "QArrayData::allocate(unsigned long, unsigned long)",
            "alloc::raw_vec::finish_grow",
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
            "box_alloc_all",
            "xallocator",
            "sqlite3VdbeExec",
            "PyEval_EvalCode",
            "app::load(std::string const&)",
            "Session<std::string>::open()",
        ] {
            assert!(!is_wrapper(name), "{name}");
        }
    }

    #[test]
    fn runtimes_are_libraries_of_any_version() {
        let library = |name: &str| ModuleLabel {
            role: Role::Library,
            name: name.into(),
        };
        for name in [
            "libc.so.6",
            "libc-2.31.so",
            "libstdc++.so.6.0.30",
            "ld-musl-armhf.so.1",
            "libglib-2.0.so.0",
        ] {
            assert!(is_runtime(&library(name)), "{name}");
        }
        for name in ["libcurl.so.4", "libgio-2.0.so.0", "libmine.so"] {
            assert!(!is_runtime(&library(name)), "{name}");
        }
    }

    #[test]
    fn the_guide_lists_every_pattern() {
        let guide = include_str!("../../guide/stacks.md");
        let patterns = WRAPPERS.iter().flat_map(|group| group.patterns);
        for name in patterns.chain(RUNTIMES) {
            assert!(guide.contains(&format!("`{name}`")), "{name}");
        }
        for group in WRAPPERS {
            assert!(guide.contains(&format!("| {} |", group.of)), "{}", group.of);
        }
    }

    #[test]
    fn a_namespace_of_the_program_is_no_librarys() {
        let frame = |function: &str, file: &str| Frame {
            function: Some(function.into()),
            file: Some(file.into()),
            line: Some(1),
            inlined: false,
        };
        for (function, file, expected) in [
            ("alloc::App::run", "/home/me/app/run.cpp", true),
            (
                "alloc::vec::Vec",
                "/rust/library/alloc/src/vec/mod.rs",
                false,
            ),
            (
                "hashbrown::raw::new",
                "/r/hashbrown-0.15.0/src/raw.rs",
                false,
            ),
            ("hashbrown::Table::add", "/home/me/table.cpp", true),
            ("QtPrivate::append", "/opt/Qt/6.5/QtCore/qarray.h", false),
            ("std::string::append", "/home/me/string.cpp", false),
        ] {
            assert_eq!(
                is_namesake(&frame(function, file)),
                expected,
                "{function} {file}"
            );
        }
    }
}
