//! Functions and libraries that are known to allocate for their callers.

use super::pattern::{fits, plain_name};
use crate::run::{Frame, ModuleLabel, Role};

/// Patterns of one origin, as the guide lists them.
pub struct Group {
    #[cfg_attr(not(test), expect(dead_code, reason = "the guide's table has it"))]
    pub of: &'static str,
    /// Programs write functions of such names themselves.
    pub is_own: bool,
    pub patterns: &'static [&'static str],
}

/// Names without parameters and template arguments; a `*` stands for any text.
pub const WRAPPERS: &[Group] = &[
    Group {
        of: "the C library, if linked statically",
        is_own: false,
        patterns: &[
            "malloc",
            "calloc",
            "realloc",
            "reallocarray",
            "memalign",
            "aligned_alloc",
            "posix_memalign",
            "valloc",
            "pvalloc",
            "strdup",
            "strndup",
            "wcsdup",
            "asprintf",
            "vasprintf",
            "getline",
            "getdelim",
            "open_memstream",
            "__libc_*alloc*",
            "__libc_memalign",
            "__strdup",
            "__strndup",
            "__asprintf*",
            "__vasprintf*",
            "__getdelim",
            "_IO_*",
            "__wrap_*alloc*",
            "__real_*alloc*",
        ],
    },
    Group {
        of: "C++",
        is_own: false,
        patterns: &[
            "operator new*",
            "std::*",
            "__gnu_cxx::*",
            "boost::*::allocate*",
            "boost::make_shared*",
            "boost::allocate_shared*",
            "boost::container::*",
        ],
    },
    Group {
        of: "Rust",
        is_own: false,
        patterns: &[
            "__rust_alloc*",
            "__rust_realloc",
            "__rdl_*alloc*",
            "__rg_*alloc*",
            "alloc::*",
            "hashbrown::*",
        ],
    },
    Group {
        of: "wrappers in programs, many of which exit if memory runs out",
        is_own: true,
        patterns: &[
            "x*alloc",
            "x*allocz",
            "x*allocarray",
            "do_x*alloc*",
            "x*dup",
            "x*dup0",
            "x*dupz",
            "x*dup_or_null",
            "xasprintf",
            "xvasprintf",
            "xstrfmt",
            "xstrvfmt",
            "x2nrealloc",
            "emalloc",
            "ecalloc",
            "erealloc",
            "estrdup",
            "estrndup",
            "safe_*alloc",
            "safe_*dup",
            "checked_*alloc",
            "*_malloc",
            "*_malloc0",
            "*_calloc",
            "*_realloc",
            "*_reallocarray",
            "*_zalloc",
            "*_strdup",
            "*_strndup",
            "*_memdup",
            "*_asprintf",
            "*_vasprintf",
            "strbuf_add*",
            "strbuf_append*",
            "strbuf_detach",
            "strbuf_get*",
            "strbuf_grow",
            "strbuf_init*",
            "strbuf_insert*",
            "strbuf_new",
            "strbuf_printf",
            "strbuf_put*",
            "strbuf_read*",
            "strbuf_splice",
            "strbuf_vadd*",
            "strbuf_vinsert*",
            "strvec_*",
            "string_list_*",
            "hashmap_*",
        ],
    },
    Group {
        of: "GLib",
        is_own: false,
        patterns: &[
            "g_malloc*",
            "g_realloc*",
            "g_try_*alloc*",
            "g_aligned_alloc*",
            "g_new*",
            "g_slice_*",
            "g_strdup*",
            "g_vasprintf",
            "g_asprintf",
            "g_strndup",
            "g_strnfill",
            "g_strconcat",
            "g_strjoin*",
            "g_strsplit*",
            "g_memdup*",
            "g_list_*",
            "g_slist_*",
            "g_queue_*",
            "g_hash_table_*",
            "g_array_*",
            "g_ptr_array_*",
            "g_byte_array_*",
            "g_string_*",
            "g_tree_*",
            "g_node_*",
            "g_bytes_new*",
            "g_variant_new*",
            "g_error_new*",
            "g_set_error*",
            "g_object_new*",
            "g_type_create_instance",
            "g_closure_new*",
            "g_cclosure_new*",
        ],
    },
    Group {
        of: "CPython",
        is_own: false,
        patterns: &[
            "PyMem_*",
            "_PyMem_*",
            "PyObject_*alloc",
            "_PyObject_*alloc",
            "PyObject_*Alloc*",
            "_PyObject_*Alloc*",
            "_PyObject_*New*",
            "_PyObject_GC_*",
            "PyObject_GC_*",
            "PyType_GenericAlloc",
            "_PyType_AllocNoTrack",
            "pymalloc_*",
            "gc_alloc",
            "new_arena",
            "PyUnicode_*",
            "_PyUnicode_*",
            "unicode_decode_*",
            "PyBytes_*",
            "_PyBytes_*",
            "PyByteArray_*",
            "PyLong_*",
            "_PyLong_*",
            "PyFloat_From*",
            "PyComplex_From*",
            "PyTuple_*",
            "_PyTuple_*",
            "PyList_*",
            "_PyList_*",
            "PyDict_*",
            "_PyDict_*",
            "PySet_*",
            "PyFrozenSet_*",
            "PyStructSequence_*",
            "PyFunction_New*",
            "PyCFunction_New*",
            "PyCMethod_New",
            "PyMethod_New",
            "PyDescr_New*",
            "descr_new",
            "PyType_From*",
            "PyModule_New*",
            "PyModule_Add*",
            "PyCapsule_New",
            "PyCell_New",
            "PySlice_New",
            "PyWeakref_New*",
            "Py_BuildValue*",
            "_Py_BuildValue*",
            "Py_VaBuildValue*",
            "va_build_*",
            "do_mkvalue",
            "do_mkstack",
            "do_mktuple",
            "do_mklist",
            "do_mkdict",
            "PyObject_CallFunction*",
            "PyObject_CallMethod*",
            "_PyObject_CallFunction*",
            "_PyObject_CallMethod*",
        ],
    },
    Group {
        of: "SQLite",
        is_own: false,
        patterns: &[
            "sqlite3*Malloc*",
            "sqlite3*Realloc*",
            "sqlite3*Dup",
            "sqlite3NameFromToken",
            "sqlite3HashInsert",
            "sqlite3VdbeMemGrow",
            "sqlite3VdbeMemClearAndResize",
            "sqlite3VdbeMemSet*",
            "sqlite3VdbeMemCopy",
            "sqlite3VdbeMemMake*",
            "sqlite3_malloc*",
            "sqlite3_realloc*",
            "sqlite3_*mprintf",
            "sqlite3*MPrintf",
            "mallocWithAlarm",
            "dbMallocRawFinish",
            "dbReallocFinish",
            "pcache1Alloc",
        ],
    },
    Group {
        of: "Qt",
        is_own: false,
        patterns: &[
            "QArrayData::*",
            "QTypedArrayData::*",
            "QListData::*",
            "QHashData::*",
            "QHashPrivate::*",
            "QMapDataBase::*",
            "QtPrivate::*",
            "QtSharedPointer::*",
        ],
    },
    Group {
        of: "other libraries and programs",
        is_own: false,
        patterns: &[
            "CRYPTO_*alloc*",
            "CRYPTO_*dup",
            "OPENSSL_*alloc*",
            "OPENSSL_*dup",
            "xmlMalloc*",
            "xmlMem*",
            "xmlStrdup",
            "xmlStrndup",
            "apr_p*alloc*",
            "apr_pstr*",
            "talloc_*",
            "_talloc_*",
            "ngx_*alloc",
            "ngx_pmemalign",
            "ngx_memalign",
            "av_*alloc*",
            "av_*dup",
            "SDL_*alloc*",
            "SDL_*dup",
            "luaM_*",
            "l_alloc",
            "zcalloc",
            "uv__*alloc*",
            "uv__strdup",
            "uv__strndup",
            "dbus_malloc*",
            "dbus_realloc",
            "jv_mem_*",
            "kmalloc",
            "kzalloc",
            "kcalloc",
            "kstrdup",
            "je_*alloc*",
            "mi_*alloc*",
            "tc_*alloc*",
            "tc_new*",
        ],
    },
];

/// Libraries that allocate for whoever calls them: their own lines are nobody's. What GLib keeps for itself is little, and
/// what it calls back is in other modules.
pub const RUNTIMES: &[&str] = &[
    "libc",
    "libm",
    "libdl",
    "librt",
    "libpthread",
    "libstdc++",
    "libc++",
    "libc++abi",
    "libgcc_s",
    "libuClibc",
    "libglib",
    "libgobject",
];

/// How the names of libraries begin whose wrappers are in the table.
const LIBRARIES: &[&str] = &[
    "libQt",
    "libSDL",
    "libapr",
    "libav",
    "libboost",
    "libcrypto",
    "libdbus",
    "libgio",
    "libglib",
    "libgobject",
    "libjemalloc",
    "libjq",
    "liblua",
    "libmimalloc",
    "libpython",
    "libsqlite3",
    "libssl",
    "libsw",
    "libtalloc",
    "libtcmalloc",
    "libtevent",
    "libuv",
    "libxml2",
    "libz",
];

/// Namespaces that a program may use itself, and what a path of the library's own files has in it.
const NAMESPACES: &[(&str, &str)] = &[
    ("alloc::", "/alloc/src/"),
    ("hashbrown::", "hashbrown"),
    ("QtPrivate::", "/qt"),
];

/// Whether a function only lies in a namespace that is called like a library's: its file, where it is known, is not that
/// library's.
pub fn is_namesake(frame: &Frame) -> bool {
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
pub fn is_wrapper(function: &str) -> bool {
    has_name_of(function, |_| true)
}

/// Whether it is that of a well-known library, by its name.
pub fn is_library_wrapper(function: &str) -> bool {
    has_name_of(function, |group| !group.is_own)
}

fn has_name_of(function: &str, is_meant: impl Fn(&Group) -> bool) -> bool {
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
pub fn does_its_own_work(function: &str) -> bool {
    !function.contains("::") && !function.trim_start_matches('_').starts_with("Py")
}

/// Whether a module belongs to the C or C++ runtime.
pub fn is_runtime(module: &ModuleLabel) -> bool {
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

/// Whether a library is one of those that the table is of; others can have functions of such names, too.
pub fn is_well_known(module: &ModuleLabel) -> bool {
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
