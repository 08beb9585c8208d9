//! Functions that are the same in two builds, though their signatures, scopes or modules are not.

use serde_json::Value;

use crate::common::{json, site};
use crate::gate::Runs;

/// A function in the first build, the same one in the last, and how it is called.
const CHANGES: [(&str, &str, &str); 8] = [
    (
        "struct Pool { OUT void *load(int n) { return malloc(n); } } pool;",
        "struct Pool { OUT void *load(int n) const { return malloc(n); } } pool;",
        "pool.load(40)",
    ),
    (
        "OUT void *load(int n) { return malloc(n); }",
        "OUT void *load(long n) { return malloc(n); }",
        "load(40)",
    ),
    (
        "OUT void *load(int n) { return malloc(n); }",
        "OUT void *load(int n, bool is_new = true) { return malloc(n); }",
        "load(40)",
    ),
    (
        "OUT void *load(int n) { return malloc(n); }",
        "namespace { OUT void *load(int n) { return malloc(n); } }",
        "load(40)",
    ),
    (
        "OUT static void *load(int n) { return malloc(n); }",
        "namespace io { OUT void *load(int n) { return malloc(n); } } using namespace io;",
        "load(40)",
    ),
    (
        "OUT void *load(int n) { return malloc(n); }",
        "struct Pool { OUT static void *load(int n) { return malloc(n); } };\n#define load Pool::load",
        "load(40)",
    ),
    (
        "OUT void *load(int n) { return malloc(n); }",
        "template <class T> OUT void *load(T n) { return malloc(n); }",
        "load(40)",
    ),
    // Another function of the same name changes, too, which does not allocate.
    (
        "struct A { OUT int load(int n) { return n; } } a;\n\
         struct B { OUT void *load(int n) { return malloc(a.load(n)); } } b;",
        "struct A { OUT int load(int n) const { return n; } } a;\n\
         struct B { OUT void *load(int n) const { return malloc(a.load(n)); } } b;",
        "b.load(40)",
    ),
];

/// Builds `app0` and `app1` of two sources that stand in one file; each keeps as many blocks as its first argument says.
fn builds(first: &str, last: &str, call: &str) -> Runs {
    let source = format!(
        "#include <cstdlib>\n#define OUT __attribute__((noinline))\nstatic void *volatile kept;\n\
         #if LEAK\n{last}\n#else\n{first}\n#endif\n\
         int main(int argc, char **argv) {{ for (int i = 0; i < atoi(argv[1]); i++) kept = {call}; return 0; }}\n"
    );
    Runs::built_by("g++", "app.cc", &source)
}

fn matched_by(runs: &Runs, function: &str) -> Value {
    let [first, last] = ["run0", "run1"].map(|run| runs.path(run).display().to_string());
    site(&json(&[&first, &last]), function)["matched_by"].clone()
}

/// Nothing leaked more, in either direction, and from a saved report as well; and what leaks ten times as much does.
pub(crate) fn a_function_with_another_signature_or_scope_is_the_same() {
    for (first, last, call) in CHANGES {
        let runs = builds(first, last, call);
        runs.record("run0", &[], &["./app0", "100"]);
        runs.record("run1", &[], &["./app1", "100"]);
        runs.save("run0");
        for pair in [["run0", "run1"], ["run1", "run0"], ["saved.json", "run1"]] {
            let (status, said) = runs.gate_of(pair, &[]);
            assert_eq!(status, Some(0), "{last}: {said}");
            assert!(!said.contains("is gone"), "{last}: {said}");
        }
        runs.record("run1", &["--force"], &["./app1", "1000"]);
        let (status, said) = runs.gate(&[]);
        assert_eq!(status, Some(1), "{last}: {said}");
        assert!(said.contains("+900 blocks"), "{last}: {said}");
    }
    let (first, last, call) = CHANGES[2];
    let runs = builds(first, last, call);
    runs.record("run0", &[], &["./app0", "100"]);
    runs.record("run1", &[], &["./app1", "100"]);
    assert_eq!(matched_by(&runs, "load(int, bool)"), "changed-function");
}

/// A build id that is given to the linker says nothing, nor does the size of a file.
pub(crate) fn builds_of_one_build_id_and_size_are_two() {
    let source = "#include <cstdlib>\nstatic void *volatile kept;\n\
                  __attribute__((noinline)) void *load(NUMBER n) { return malloc(n); }\n\
                  int main(int argc, char **argv) { for (int i = 0; i < atoi(argv[1]); i++) kept = load(40); return 0; }\n";
    let build = |directory: &str, number: &str| {
        format!(
            "mkdir {directory} && g++ -g -O1 -DNUMBER={number} -Wl,--build-id=0x0123456789abcdef \
             -o {directory}/app app.cc && truncate -s 100000 {directory}/app"
        )
    };
    let runs = Runs::built_as(
        &[("app.cc", source)],
        &[&build("v0", "int"), &build("v1", "long")],
    );
    runs.record("run0", &[], &["v0/app", "100"]);
    runs.record("run1", &[], &["v1/app", "100"]);
    assert_eq!(matched_by(&runs, "load(long)"), "changed-function");
}

/// Where two came or went, or where what allocates now was there before, it is not known which is which.
pub(crate) fn of_several_overloads_none_is_taken_for_another() {
    for (first, last, call) in [
        (
            "OUT void *load(int n) { return malloc(n); } OUT int load(char n) { return n; }",
            "OUT void *load(int n, int) { return malloc(n); } OUT int load(char n, int) { return n; }",
            "(load('a' EXTRA), load(40 EXTRA))",
        ),
        (
            "OUT void *load(int n) { return malloc(n); } OUT void *load(char n) { return kept; }",
            "OUT void *load(char n) { return malloc(n + 40); }\n#define load(n) load((char)(n))",
            "load(0)",
        ),
        (
            "OUT void *load(int n) { return malloc(n); }",
            "OUT void *load(int n) { return kept; } OUT void *load(int n, int) { return malloc(n); }",
            "(load(40), load(40 EXTRA))",
        ),
    ] {
        let first = format!("{first}\n#define EXTRA");
        let runs = builds(&first, &format!("{last}\n#define EXTRA , 1"), call);
        runs.record("run0", &[], &["./app0", "100"]);
        runs.record("run1", &[], &["./app1", "100"]);
        let (status, said) = runs.gate(&[]);
        assert_eq!(status, Some(1), "{last}: {said}");
        assert!(said.contains("+100 blocks"), "{last}: {said}");
    }
}

const TAKE: &str = "#include <stdlib.h>\nvoid *pool_take(int n) { return malloc(n); }\n";

/// A source file that is linked into another library now.
pub(crate) fn a_function_that_moved_to_another_library_is_the_same() {
    let runs = Runs::built_as(
        &[
            ("pool.c", TAKE),
            (
                "a.c",
                "#include <stdlib.h>\nvoid *a_keep(void) { return malloc(8); }\n",
            ),
            (
                "b.c",
                "#include <stdlib.h>\nvoid *b_keep(void) { return malloc(16); }\n",
            ),
            (
                "app.c",
                "#include <stdlib.h>\nvoid *a_keep(void), *b_keep(void), *pool_take(int);\nstatic void *volatile kept;\n\
                 int main(int argc, char **argv) { kept = a_keep(); kept = b_keep();\n\
                 for (int i = 0; i < atoi(argv[1]); i++) kept = pool_take(40); return 0; }\n",
            ),
        ],
        &[
            "mkdir v0 v1",
            "gcc -g -O1 -shared -fPIC -o v0/liba.so a.c pool.c && gcc -g -O1 -shared -fPIC -o v0/libb.so b.c",
            "gcc -g -O1 -shared -fPIC -o v1/liba.so a.c && gcc -g -O1 -shared -fPIC -o v1/libb.so b.c pool.c",
            "for v in 0 1; do gcc -g -O1 -o app$v app.c -Lv$v -la -lb \"-Wl,-rpath,$PWD/v$v\"; done",
        ],
    );
    stays_one(&runs);
    assert_eq!(matched_by(&runs, "pool_take"), "changed-function");
}

/// The program has a copy of an inline function of the library's header, and the library calls that.
pub(crate) fn an_inline_function_of_a_header_that_another_module_has_is_the_same() {
    let app = "#include <stdlib.h>\n#include \"pool.h\"\nvoid work(int n);\nvoid *volatile kept;\n\
               int main(int argc, char **argv) {\n#if LEAK\nif (argc > 9) kept = pool_take(1);\n#endif\n\
               work(atoi(argv[1])); return 0; }\n";
    let runs = Runs::built_as(
        &[
            (
                "pool.h",
                "#include <stdlib.h>\ninline __attribute__((noinline)) void *pool_take(int n) { return malloc(n); }\n",
            ),
            (
                "a.cc",
                "#include \"pool.h\"\nextern void *volatile kept;\nvoid work(int n) { while (n-- > 0) kept = pool_take(40); }\n",
            ),
            ("app.cc", app),
        ],
        &[
            "g++ -g -O1 -shared -fPIC -o liba.so a.cc",
            "for v in 0 1; do g++ -g -O1 -DLEAK=$v -o app$v app.cc -L. -la \"-Wl,-rpath,$PWD\"; done",
        ],
    );
    stays_one(&runs);
}

fn stays_one(runs: &Runs) {
    runs.record("run0", &[], &["./app0", "100"]);
    runs.record("run1", &[], &["./app1", "1000"]);
    let (status, said) = runs.gate(&[]);
    assert!(status == Some(1) && said.contains("+900 blocks"), "{said}");
    runs.record("run1", &["--force"], &["./app1", "100"]);
    runs.save("run0");
    for pair in [["run0", "run1"], ["run1", "run0"], ["saved.json", "run1"]] {
        let (status, said) = runs.gate_of(pair, &[]);
        assert_eq!(status, Some(0), "{pair:?}: {said}");
    }
}
