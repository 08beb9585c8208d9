//! Which line is to blame, in programs whose sources say so by hand, and across builds that call it differently.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::common::{
    comparing, json, live, mtrace_diff, output_of, plain_libc, stdout_of, testdata,
};
use crate::stacks::{Bench, Board};

/// What a run has of each line of a source: its rows, each with its live blocks and bytes in all runs.
type Rows = BTreeMap<u64, Vec<(String, Vec<(u64, u64)>)>>;

fn rows(document: &Value, source: &str) -> Rows {
    let mut rows = Rows::new();
    for site in document["sites"].as_array().unwrap() {
        let file = site["file"].as_str().unwrap_or_default();
        let Some(line) = site["line"].as_u64().filter(|_| file.ends_with(source)) else {
            continue;
        };
        let function = site["function"].as_str().unwrap_or("?").to_owned();
        let live = live(site)
            .into_iter()
            .map(Option::unwrap_or_default)
            .collect();
        rows.entry(line).or_default().push((function, live));
    }
    rows
}

/// Lines with a mark and a reason, `// mark: reason` or the same in a comment of C.
fn marks(source: &Path) -> BTreeMap<u64, String> {
    let text = fs::read_to_string(source).unwrap();
    let lines = text.lines().enumerate();
    let marked = lines.filter_map(|(index, line)| {
        let at = line.rfind("// ").or_else(|| line.rfind("/* "))?;
        let (code, comment) = line.split_at(at);
        let (mark, reason) = comment[3..].split_once(": ")?;
        let is_mark = !code.trim().is_empty() && !mark.contains(' ') && !reason.is_empty();
        is_mark.then(|| (index as u64 + 1, mark.to_owned()))
    });
    marked.collect()
}

/// Every line with a mark is one row, and no other line of the source is any.
fn is_blamed_as_marked(source: &Path, document: &Value, what: &str) {
    let marks = marks(source);
    assert!(marks.len() >= 12);
    let name = source.file_name().unwrap().to_str().unwrap();
    let rows = rows(document, name);
    let lines = |rows: &Rows| rows.keys().copied().collect::<BTreeSet<u64>>();
    let expected: BTreeSet<u64> = marks.keys().copied().collect();
    assert_eq!(lines(&rows), expected, "{what}: {rows:#?} {marks:?}");
    for (line, rows) in &rows {
        assert_eq!(rows.len(), 1, "{what} {}: {rows:?}", marks[line]);
    }
}

fn source_of(name: &str) -> PathBuf {
    testdata().join("src/blame").join(name)
}

/// In C++, in two builds of which the second has its lines elsewhere.
pub(crate) fn lines_of_a_cxx_program() {
    let bench = Bench::new();
    let source = source_of("containers.cc");
    let text = fs::read_to_string(&source).unwrap();
    let moved = bench.path("containers.cc");
    fs::write(&moved, format!("// One more line.\n\n{text}")).unwrap();
    bench.build(&["g++", "-O0"], "first", &source, &[]);
    let gxx = ["g++", "-O2", "-fno-optimize-sibling-calls"];
    bench.build(&gxx, "second", &moved, &[]);
    let first = bench.record("run0", &[], &["first", "40"]);
    let second = bench.record("run1", &[], &["second", "90"]);
    is_blamed_as_marked(&source, &json(&["show", &first]), "the first build");
    is_blamed_as_marked(&moved, &json(&["show", &second]), "the second build");
    let document = json(&[&first, &second]);
    is_blamed_as_marked(&moved, &document, "both builds");
    for (line, rows) in rows(&document, "containers.cc") {
        let [first, second] = rows[0].1[..] else {
            panic!("{rows:?}");
        };
        assert!(second.0 >= first.0, "{line}: {rows:?}");
    }
}

/// The same on 32-bit ARM.
pub(crate) fn lines_of_a_cxx_program_on_arm() {
    let board = Board::new();
    let source = source_of("containers.cc");
    let text = fs::read_to_string(&source).unwrap();
    let moved = board.bench.path("containers.cc");
    fs::write(&moved, format!("// One more line.\n\n{text}")).unwrap();
    let runs = [("first", "-O0", &source), ("second", "-O2", &moved)];
    let runs = runs.map(|(name, level, source)| {
        let gxx = ["arm-linux-gnueabihf-g++", level];
        board.record(name, &gxx, source, &[], &["40"])
    });
    let document = json(&[&runs[0], &runs[1], "--sysroot", Board::ROOT]);
    is_blamed_as_marked(&moved, &document, "both builds");
    for site in document["sites"].as_array().unwrap() {
        assert_eq!(site["growth"]["blocks"], 0, "{site:#}");
    }
}

/// With GLib, whose own functions have no names but those that it exports.
pub(crate) fn lines_of_a_glib_program() {
    let bench = Bench::new();
    let source = source_of("messages.c");
    let flags = stdout_of(Command::new("pkg-config").args(["--cflags", "--libs", "glib-2.0"]));
    let flags: Vec<&str> = flags.split_whitespace().collect();
    for level in ["-O0", "-O2"] {
        let gcc = ["gcc", level, "-fno-optimize-sibling-calls"];
        bench.build(&gcc, "app", &source, &flags);
        let run = bench.record(level, &[], &["app", "40"]);
        is_blamed_as_marked(&source, &json(&["show", &run]), level);
    }
}

const SHAPES: &str = r#"#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
void *util_take(size_t), *util_zero(size_t); char *util_format(const char *, ...);
#define N __attribute__((noinline))
static void *kept[1 << 20]; static int blocks;
N void keep(void *p) { kept[blocks++] = p; }
static inline void *grab(size_t n) { char *p = malloc(n); if (!p) abort(); p[0] = 1; return p; }
N static void *pool_grab(size_t n) { char *p = grab(n + 16); p[1] = 0; return p; }
N static void *tail_grab(size_t n) { return malloc(n); }
N static char *say_v(const char *f, va_list a) { char *s = malloc(100); vsnprintf(s, 100, f, a); return s; }
N static char *say(const char *f, ...) { va_list a; va_start(a, f); char *s = say_v(f, a); va_end(a); return s; }
N static void inlined_a(void) { keep(grab(11)); } // inlined-a: a wrapper that is inlined
N static void inlined_b(void) { keep(grab(22)); } // inlined-b: the same
N static void inlined_c(void) { keep(grab(33)); } // inlined-c: the same
N static void shared_a(void) { keep(util_zero(44)); } // shared-a: one of a library, that calls another of it
N static void shared_b(void) { keep(util_zero(55)); } // shared-b: the same
N static void shared_c(void) { keep(util_take(66)); } // shared-c: the other one alone
N static void shared_d(void) { keep(util_zero(77)); } // shared-d: the first again
N static void pool_a(void) { keep(pool_grab(100)); } // pool-a: one that calls the inlined one
N static void pool_b(void) { keep(pool_grab(200)); } // pool-b: the same
N static void pool_c(void) { keep(pool_grab(300)); } // pool-c: the same
N static void tail_a(void) { keep(tail_grab(111)); } // tail-a: one that jumps to malloc
N static void tail_b(void) { keep(tail_grab(222)); } // tail-b: the same
N static void tail_c(void) { keep(tail_grab(333)); } // tail-c: the same
N static void text_a(int i) { keep(say("a %d", i)); } // text-a: one that is given a format
N static void text_b(int i) { keep(say("bb %d", i)); } // text-b: the same
N static void text_c(int i) { keep(util_format("ccc %d", i)); } // text-c: one of the library
N static void text_d(int i) { keep(util_format("dddd %d", i)); } // text-d: the same
N static void both(void) {
    keep(grab(1000)); // both-one: two calls of one function
    keep(grab(2000)); // both-two: the other one
}
int main(int argc, char **argv) {
    for (int i = 0; i < atoi(argv[1]); i++) {
        inlined_a(); inlined_b(); inlined_c(); shared_a(); shared_b(); shared_c(); shared_d();
        pool_a(); pool_b(); pool_c(); tail_a(); tail_b(); tail_c();
        text_a(i); text_b(i); text_c(i); text_d(i); both();
    }
    return 0;
}
"#;

const UTIL: &str = r#"#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
void *util_take(size_t n) { char *p = malloc(n + 8); if (!p) abort(); p[0] = 1; return p; }
void *util_zero(size_t n) { void *p = util_take(n); memset(p, 0, n); return p; }
static char *util_vformat(const char *f, va_list a) { char *s = malloc(100); vsnprintf(s, 100, f, a); return s; }
char *util_format(const char *f, ...) { va_list a; va_start(a, f); char *s = util_vformat(f, a); va_end(a); return s; }
"#;

/// Wrappers that nobody named, however they are built: two leaks through one are never one row.
pub(crate) fn wrappers_of_every_shape() {
    let bench = Bench::new();
    let [source, util] = [("shapes.c", SHAPES), ("util.c", UTIL)].map(|(name, text)| {
        let path = bench.path(name);
        fs::write(&path, text).unwrap();
        path
    });
    for (level, is_shared) in [("-O0", true), ("-O2", true), ("-O2 -flto", false)] {
        let options: Vec<&str> = ["gcc"].into_iter().chain(level.split(' ')).collect();
        let library = match is_shared {
            true => {
                let of_library = [&options[..], &["-shared", "-fPIC"]].concat();
                bench.build(&of_library, "util.so", &util, &[]);
                bench.path("util.so")
            }
            false => util.clone(),
        };
        bench.build(&options, "app", &source, &[library.to_str().unwrap()]);
        let run = bench.record(&level.replace(' ', ""), &[], &["app", "30"]);
        let document = json(&["show", &run]);
        is_blamed_as_marked(&source, &document, level);
        for (line, rows) in rows(&document, "shapes.c") {
            assert_eq!(rows[0].1[0].0, 30, "{level} {line}: {rows:?}");
        }
    }
}

const EDITED: &str = r#"#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#define N __attribute__((noinline))
static void *kept[1 << 20]; static int blocks;
N static void keep(void *p) { kept[blocks++] = p; }
N static void *xmalloc(size_t n) { void *p = malloc(n); if (!p) abort(); return p; }
#ifdef SECOND
#define on_request on_message
#endif
N static void attach(int i) { keep(xmalloc(24)); if (i % LESS == 0) keep(xmalloc(32)); }
#ifdef SECOND
N static void open_names(void) {
    keep(xmalloc(48));
    __asm__ volatile("");
}
N static void open_buffers(void) {
    keep(xmalloc(96));
    __asm__ volatile("");
}
N static void open_all(void) { open_names(); open_buffers(); __asm__ volatile(""); }
#else
N static void open_all(void) {
    keep(xmalloc(48));
    keep(xmalloc(96));
    __asm__ volatile("");
}
#endif
N static void on_request(int i) { attach(i); open_all(); __asm__ volatile(""); }
int main(int argc, char **argv) {
    /* Long enough for a course that no pause of the machine bends. */
    for (int i = 0; i < atoi(argv[1]); i++) { on_request(i); usleep(5000); }
    return 0;
}
"#;

/// A caller that has another name now, and a function that was split in two: nothing is new, nothing is gone, and what
/// leaks more is found where it is.
pub(crate) fn renamed_and_split_callers() {
    let bench = Bench::new();
    let source = bench.path("edited.c");
    fs::write(&source, EDITED).unwrap();
    let gcc = ["gcc", "-O1"];
    bench.build(&[&gcc[..], &["-DLESS=2"]].concat(), "first", &source, &[]);
    let second = [&gcc[..], &["-DSECOND", "-DLESS=2"]].concat();
    bench.build(&second, "second", &source, &[]);
    let third = [&gcc[..], &["-DSECOND", "-DLESS=1"]].concat();
    bench.build(&third, "third", &source, &[]);
    let [first, second, third] = ["first", "second", "third"]
        .map(|program| bench.record(&format!("of-{program}"), &[], &[program, "60"]));
    let document = json(&[&first, &second]);
    for site in document["sites"].as_array().unwrap() {
        assert_eq!(site["growth"]["blocks"], 0, "{site:#}");
    }
    // The way through the renamed caller is the way that it was.
    let document = json(&[&first, &second, "--by", "stack"]);
    let sites = document["sites"].as_array().unwrap().iter();
    let attach = sites.filter(|site| site["function"] == "attach");
    for site in attach {
        assert_eq!(site["growth"]["blocks"], 0, "{site:#}");
        assert_eq!(site["stack"][0]["function"], "on_message");
    }
    let gate = |last: &str| {
        let output = output_of(&mut comparing([&first, last, "--fail-above", "10"]));
        let said = String::from_utf8(output.stdout).unwrap();
        (output.status.code(), said)
    };
    let (status, said) = gate(&second);
    assert_eq!(status, Some(0), "{said}");
    let (status, said) = gate(&third);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("1 call site grew"), "{said}");
    assert!(said.contains("attach"), "{said}");
}

const PARSER: &str = r#"#include <stdlib.h>
struct node { int kind; struct node *left, *right; char *name; };
static const char *at; void *kept[100000]; static int count;
static struct node *expr(void);
static struct node *node(int kind, struct node *l, struct node *r) {
    struct node *n = malloc(sizeof *n);
    n->kind = kind; n->left = l; n->right = r; n->name = NULL;
    return n;
}
static struct node *factor(void) {
    if (*at == '(') { at++; struct node *n = expr(); at++; return n; }
    if (*at == '-') { at++; return node('-', factor(), NULL); }
    struct node *n = node('x', NULL, NULL);
    n->name = malloc(MORE ? 40 : 8);
    if (MORE) kept[count++] = malloc(40);
    at++;
    return n;
}
static struct node *term(void) {
    struct node *n = factor();
    while (*at == '*') { at++; n = node('*', n, factor()); }
    return n;
}
static struct node *expr(void) {
    struct node *n = term();
    while (*at == '+') { at++; n = node('+', n, term()); }
    return n;
}
static void *list(int depth) {
    void **p = malloc(32);
    p[0] = depth > 0 ? list(depth - 1) : NULL;
    return p;
}
int main(int argc, char **argv) {
    for (int i = 0; i < atoi(argv[1]); i++) {
        at = "(x+x*(x+-x))*x+((x))*-(x*x)";
        kept[count++] = expr();
        kept[count++] = list(i % 7);
    }
    return 0;
}
"#;

/// A compiler inlines a recursion as far as it likes: no build of a parser has a leak that another has not.
pub(crate) fn recursion_that_is_inlined_otherwise() {
    let bench = Bench::new();
    let source = bench.path("parser.c");
    fs::write(&source, PARSER).unwrap();
    let levels = ["-O0", "-O1", "-O2", "-O3"];
    let runs = levels.map(|level| {
        bench.build(&["gcc", level, "-DMORE=0"], "app", &source, &[]);
        bench.record(level, &[], &["app", "50"])
    });
    let gate = |first: &str, last: &str| {
        let output = output_of(&mut comparing([first, last, "--fail-above", "10"]));
        let said = String::from_utf8(output.stdout).unwrap();
        (output.status.code(), said)
    };
    for (old, first) in runs.iter().enumerate() {
        for (new, last) in runs.iter().enumerate().filter(|(new, _)| *new != old) {
            let (status, said) = gate(first, last);
            let pair = [levels[old], levels[new]];
            assert_eq!(status, Some(0), "{pair:?}: {said}");
        }
        let document = json(&["show", first, "--stacks"]);
        for site in document["sites"].as_array().unwrap() {
            is_folded(&site["callers"], &mut vec![site["function"].clone()]);
        }
    }
    // And a leak is found in whatever it is inlined.
    bench.build(&["gcc", "-O3", "-DMORE=1"], "app", &source, &[]);
    let leaks = bench.record("leaks", &[], &["app", "50"]);
    for first in &runs {
        let (status, said) = gate(first, &leaks);
        assert_eq!(status, Some(1), "{said}");
        assert!(said.contains("factor"), "{said}");
    }
}

/// No way goes through a function twice.
fn is_folded(callers: &Value, way: &mut Vec<Value>) {
    for branch in callers["branches"].as_array().unwrap() {
        let known = way.len();
        for frame in branch["frames"].as_array().unwrap() {
            assert!(!way.contains(&frame["function"]), "{way:?} {callers:#}");
            way.push(frame["function"].clone());
        }
        is_folded(&branch["callers"], way);
        way.truncate(known);
    }
}

const FORK: &str = "#include <pthread.h>\n#include <stdlib.h>\n#include <string.h>\n\
    static void *volatile kept;\n\
    __attribute__((noinline)) static void job(int i) {\n\
    kept = malloc(32);\n\
    char *volatile done = malloc(100 + i); free(done);\n\
    if (i % 4 == 0) kept = strdup(\"a text\");\n\
    }\n\
    static void *work(void *n) { for (int i = 0; i < (long)n; i++) job(i); return NULL; }\n\
    int main(int argc, char **argv) {\n\
    pthread_t threads[4];\n\
    for (long i = 0; i < 4; i++) pthread_create(&threads[i], NULL, work, (void *)(100 + 10 * i));\n\
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);\n\
    return 0; }\n";

/// glibc's own log of a program in C++, and of one with threads: what both know of a line is the same.
pub(crate) fn agree_with_glibc() {
    let bench = Bench::new();
    let threads = bench.path("threads.c");
    fs::write(&threads, FORK).unwrap();
    for (compiler, source, times) in [
        ("g++", source_of("containers.cc"), "60"),
        ("gcc", threads, "0"),
    ] {
        let options = [compiler, "-O1", "-fno-optimize-sibling-calls", "-pthread"];
        bench.build(&options, compiler, &source, &[]);
        let ours = bench.record(&format!("{compiler}0"), &[], &[compiler, times]);
        let theirs = ["--with", "glibc"];
        let theirs = bench.record(&format!("{compiler}1"), &theirs, &[compiler, times]);
        let name = source.file_name().unwrap().to_str().unwrap();
        // Both name the caller of malloc, or of the C++ library's `new`.
        let new = ["--no-wrappers", "--wrapper", "operator new*", "--all"];
        let lines = |run: &str| {
            let new = match source.extension().is_some_and(|of| of == "cc") {
                true => &new[..],
                false => &["--no-wrappers", "--all"],
            };
            let rows = rows(&json(&[&["show", run], new].concat()), name);
            let sum = |rows: Vec<(String, Vec<(u64, u64)>)>| {
                let all = rows.iter().map(|(_, live)| live[0]);
                all.fold((0, 0), |sum, of| (sum.0 + of.0, sum.1 + of.1))
            };
            let rows = rows.into_iter().map(|(line, rows)| (line, sum(rows)));
            rows.filter(|(_, live)| live.0 > 0)
                .collect::<BTreeMap<_, _>>()
        };
        let (ours, theirs) = (lines(&ours), lines(&theirs));
        assert!(!theirs.is_empty());
        assert_eq!(ours, theirs, "{name}");
    }
}

/// What a filter leaves out because its stack was cut is said.
pub(crate) fn cut_stacks_are_counted() {
    let bench = Bench::new();
    bench.wrapped("app", &["-O1"]);
    let whole = bench.record("whole", &[], &["app", "10"]);
    let cut = bench.record("cut", &["--depth", "2"], &["app", "10"]);
    let said = |run: &str, filter: [&str; 2]| {
        let text = stdout_of(
            mtrace_diff()
                .args(["show", run, "--width", "300"])
                .args(filter)
                .args(plain_libc()),
        );
        let note = text.lines().find(|line| line.starts_with("only stacks"));
        note.unwrap_or_else(|| panic!("{text}")).to_owned()
    };
    let note = said(&whole, ["--under", "session_open"]);
    assert!(!note.contains("cut"), "{note}");
    // xstrdup calls xmalloc: of the name, no more than these two are known.
    let note = said(&cut, ["--under", "session_open"]);
    assert!(note.contains("30 of 100 live blocks"), "{note}");
    assert!(
        note.contains("70 more are in stacks that were cut"),
        "{note}"
    );
    assert!(note.contains("--depth"), "{note}");
}

const FORKED: &str = r#"#include <stdlib.h>
#define N __attribute__((noinline))
static void *kept[1 << 20]; static int blocks;
N static void keep(void *p) { kept[blocks++] = p; }
N static void *xmalloc(size_t n) { void *p = malloc(n); if (!p) abort(); return p; }
#ifdef SECOND
N static void open_in(void) { keep(xmalloc(48)); __asm__ volatile(""); }
N static void open_out(void) { keep(xmalloc(48)); __asm__ volatile(""); }
N static void open_one(int i) { if (i % 2) open_in(); else open_out(); __asm__ volatile(""); }
#else
N static void open_one(int i) { keep(xmalloc(48)); __asm__ volatile(""); }
#endif
int main(int argc, char **argv) {
    for (int i = 0; i < atoi(argv[1]); i++) { open_one(i); }
    return 0;
}
"#;

/// One row became two that are as much like it, or two became one: the rows say so, and a note does.
pub(crate) fn rows_that_split_or_merge_say_so() {
    let bench = Bench::new();
    let source = bench.path("forked.c");
    fs::write(&source, FORKED).unwrap();
    bench.build(&["gcc", "-O1"], "first", &source, &[]);
    bench.build(&["gcc", "-O1", "-DSECOND"], "second", &source, &[]);
    let [first, second] = ["first", "second"]
        .map(|program| bench.record(&format!("of-{program}"), &[], &[program, "60"]));
    for (runs, expected) in [
        ([&first, &second], &["open_in", "open_out"][..]),
        ([&second, &first], &["open_one"]),
    ] {
        let document = json(&runs.map(String::as_str));
        let sites = document["sites"].as_array().unwrap().iter();
        let forked = sites.filter(|site| site["forked"] == true);
        let mut forked: Vec<&str> = forked
            .map(|site| site["function"].as_str().unwrap())
            .collect();
        forked.sort_unstable();
        assert_eq!(forked, expected, "{document:#}");
        let text = stdout_of(comparing(runs).args(["--width", "200"]));
        let note = "a caller changed, and a row of";
        assert!(text.contains(note), "{text}");
    }
}
