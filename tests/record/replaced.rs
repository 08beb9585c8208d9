//! A leak that takes the place of what a program had before: the sum of both hides it from a limit.

use crate::common::unwrapped;
use crate::gate::Runs;

/// So much work that how long another program of the machine runs does not matter.
const WORK: &str = "#include <stdlib.h>\n#include <unistd.h>\n\
    struct node { struct node *next; char rest[48]; } *kept, *table;\n\
    static void work(int i) { if (i % 4 == 0) usleep(20);\n\
    for (int j = 0; j < 5; j++) { char *volatile p = malloc(24 + j); free(p); } }\n\
    __attribute__((noinline)) struct node *make(void) { struct node *n = malloc(sizeof *n); n->next = 0; return n; }\n\
    static void push(struct node **to, struct node *n) { n->next = *to; *to = n; }\n\
    static void drop(struct node **of) { while (*of) { struct node *n = *of; *of = n->next; free(n); } }\n";

fn built(rest: &str) -> Runs {
    Runs::of(&format!("{WORK}{rest}"))
}

/// A pass that names the line, which is a failure with `--strict`.
fn assert_named(runs: &Runs, options: &[&str], said: &str) {
    let (status, told) = runs.gate(options);
    assert_eq!(status, Some(0), "{options:?} {told}");
    assert!(unwrapped(&told).contains(said), "{options:?} {told}");
    let strict = [options, &["--strict"]].concat();
    assert_eq!(runs.gate(&strict).0, Some(1), "{options:?} {told}");
}

const IN_PLACE: &str =
    "did not keep growing before and now grows by more than that, in place of what it had";

/// 300 blocks are left before. Now 300 come one by one, and the exit frees them or not.
pub(crate) fn what_replaces_a_table_is_named() {
    for free_all in ["", "drop(&kept);"] {
        let runs = built(&format!(
            "int main(void) {{ for (int i = 0; !LEAK && i < 300; i++) push(&kept, make());\n\
             for (int i = 0; i < 9000; i++) {{ if (LEAK && i % 30 == 0) push(&kept, make()); work(i); }}\n\
             if (LEAK) {{ {free_all} }} return 0; }}\n"
        ));
        for mode in ["events", "callers"] {
            let options = ["--force", "--mode", mode];
            runs.record("run0", &options, &["./app0"]);
            runs.record("run1", &options, &["./app1"]);
            assert_named(&runs, &[], IN_PLACE);
            assert_named(&runs, &["--fail-above", "10/run"], IN_PLACE);
        }
    }
}

/// The same of one block that grows to the size that the table had.
pub(crate) fn what_replaces_a_table_by_its_bytes_is_named() {
    let runs = built(
        "char *volatile buffer;\n\
         int main(void) { if (!LEAK) buffer = malloc(3000 * 256);\n\
         for (int i = 0; i < 3000; i++) { work(i); if (LEAK) buffer = realloc(buffer, (i + 1) * 256); } return 0; }\n",
    );
    runs.record_both();
    let (status, said) = runs.gate(&["--fail-above", "4KiB"]);
    // The two calls stand in two lines.
    assert_eq!(status, Some(1), "{said}");
    let runs = built(
        "char *volatile buffer;\n\
         __attribute__((noinline)) static void resize(size_t n) { buffer = realloc(buffer, n); }\n\
         int main(void) { if (!LEAK) resize(3000 * 256);\n\
         for (int i = 0; i < 3000; i++) { work(i); if (LEAK) resize((i + 1) * 256); } return 0; }\n",
    );
    runs.record_both();
    assert_named(&runs, &["--fail-above", "4KiB"], IN_PLACE);
}

/// The schema lost less than half of its names. What queries leak is one caller's, whether the exit frees it or not.
pub(crate) fn a_caller_that_lost_less_than_half_hides_no_leak_of_another() {
    let source = |queries: u32, exit: &str| {
        format!(
            "__attribute__((noinline)) static void load(void) {{\n\
             for (int i = 0; i < (LEAK ? 440 : 800); i++) push(&table, make()); }}\n\
             __attribute__((noinline)) static void query(int fails) {{ struct node *n = make();\n\
             if (fails) push(&kept, n); else free(n); }}\n\
             int main(void) {{ load();\n\
             for (int i = 0; i < 9000; i++) {{ query(LEAK && i < {queries} && i % 60 == 0); work(i); }} {exit} return 0; }}\n"
        )
    };
    for exit in ["", "drop(&table); drop(&kept);"] {
        let runs = built(&source(9000, exit));
        runs.record_both();
        let (status, said) = runs.gate(&[]);
        assert_eq!(status, Some(1), "{exit} {said}");
        let said = unwrapped(&said);
        // 9000 / 60; what the exit freed is known at 64 steps of the run.
        let by = said.split("for one of its callers: +").nth(1);
        let by = by.and_then(|by| by.split(' ').next()).unwrap();
        let by: u32 = by.parse().unwrap();
        let least = if exit.is_empty() { 150 } else { 140 };
        assert!((least..=150).contains(&by), "{exit} {said}");
    }
    // The queries end before the program does: no leak for sure.
    let runs = built(&source(6300, ""));
    runs.record_both();
    assert_named(&runs, &[], "for some of its callers");
}

/// A table loses 400 of 1000 entries when 60 % of the work is done. That is not the exit, and hides no leak of another caller.
pub(crate) fn what_a_caller_drops_late_hides_no_leak_of_another() {
    let runs = built(
        "struct node *entries[1000];\n\
         __attribute__((noinline)) static struct node *load(void) { struct node *n = make(); n->rest[0] = 1; return n; }\n\
         __attribute__((noinline)) static struct node *request(void) { struct node *n = make(); n->rest[0] = 2; return n; }\n\
         int main(void) { for (int i = 0; i < 1000; i++) entries[i] = load();\n\
         for (int i = 0; i < 9000; i++) { if (LEAK && i >= 2250 && i % 22 == 0) request();\n\
         if (LEAK && i == 5400) for (int k = 0; k < 400; k++) free(entries[k]);\n\
         work(i); } return 0; }\n",
    );
    runs.record_both();
    let (status, said) = runs.gate(&["--strict"]);
    assert_eq!(status, Some(1), "{said}");
    assert!(
        said.contains("for one of its callers: +307 blocks"),
        "{said}"
    );
}

/// Rules of one caller: most are gone, and what replaces them comes after the start, for as long as there is work.
pub(crate) fn what_is_kept_after_the_start_in_place_of_a_table_is_named() {
    let source = |exit: &str| {
        format!(
            "int main(void) {{ for (int i = LEAK ? -150 : -600; i < 9000; i++) {{\n\
             if (i < 0 || (LEAK && i < 6000 && i % 20 == 0)) push(&table, make()); if (i >= 0) work(i); }}\n\
             {exit} return 0; }}\n"
        )
    };
    let runs = built(&source(""));
    runs.record_both();
    assert_named(
        &runs,
        &[],
        "keeps more of what it allocated after the start of the run than before",
    );
    // 450 in place of 600 that the exit frees: no limit is exceeded by what is left, nor by what was held.
    let runs = built(&source("drop(&table);"));
    runs.record_both();
    assert_named(
        &runs,
        &[],
        "keeps more of what it allocated after the start of the run than before",
    );
}

/// The same program for a longer time: what it leaked more is less than what expired.
pub(crate) fn a_longer_run_of_a_leak_beside_what_expires_fails() {
    let source = "int main(void) { for (int i = 0; i < 600; i++) push(&table, make());\n\
         for (int i = 0; i < (LEAK ? 13500 : 9000); i++) { if (i % 45 == 0) push(&kept, make());\n\
         if (i > 9000 && i % 15 == 0) { struct node *n = table; table = n->next; free(n); } work(i); } _exit(0); }\n";
    let runs = built(source);
    runs.record_both();
    let (status, said) = runs.gate(&[]);
    assert_eq!(status, Some(1), "{said}");
    let said = unwrapped(&said);
    assert!(
        said.contains("for one of its callers: +100 blocks"),
        "{said}"
    );
}

/// A buffer that the exit frees, and that became twice as large. Where a curve looks while it is moved, it has no bytes.
pub(crate) fn a_buffer_that_grew_to_twice_its_size_is_no_less_for_the_exit() {
    let runs = built(
        "int main(void) { char *volatile buffer = 0; const size_t top = LEAK ? 1536000 : 768000;\n\
         for (int i = 0; i < 6000; i++) { work(i); buffer = realloc(buffer, (i + 1) * top / 6000 + 1); }\n\
         free(buffer); return 0; }\n",
    );
    runs.record_both();
    let (status, said) = runs.gate(&["--fail-above", "100KiB"]);
    assert_eq!(status, Some(1), "{said}");
}

/// What was there before need not have been there from the start, nor from one moment on.
pub(crate) fn what_replaces_what_was_level_is_named() {
    let full_cache = "struct node *ring[2000];\n\
         int main(void) { const int room = LEAK ? 200 : 2000;\n\
         for (int i = 0; i < 9000; i++) { struct node *old = ring[i % room]; ring[i % room] = make();\n\
         if (old && LEAK && i % 8 == 0) push(&kept, old); else free(old); work(i); } return 0; }\n";
    let read_anew = |free_all: &str| {
        format!(
            "int main(void) {{ const int entries = LEAK ? 160 : 800;\n\
             for (int i = 0; i < 9000; i++) {{ if (i % 1800 == 0) {{ if (!LEAK) drop(&table);\n\
             for (int j = 0; j < entries; j++) push(&table, make()); }} work(i); }} {free_all} return 0; }}\n"
        )
    };
    let buffer = "int main(void) { char *volatile buffer = 0;\n\
         for (int i = 0; i < 6000; i++) { work(i); if (LEAK || i < 3000) buffer = realloc(buffer, (i + 1) * (LEAK ? 60 : 134)); }\n\
         _exit(0); }\n";
    // Of one caller, where another one lost a table.
    let beside_a_table = "struct node *ring[1800];\n\
         __attribute__((noinline)) static void load(void) { push(&table, make()); work(1); }\n\
         __attribute__((noinline)) static void serve(int i) { struct node *n = make();\n\
         if (!LEAK) { free(ring[i % 1800]); ring[i % 1800] = n; }\n\
         else if (i > 3000 && i % 4) push(&kept, n); else free(n); work(i); }\n\
         int main(void) { for (int i = 0; i < (LEAK ? 50 : 1500); i++) load();\n\
         for (int i = 0; i < 9000; i++) if (!LEAK || i % 3 == 0) serve(i); else work(i);\n\
         drop(&table); drop(&kept); for (int i = 0; i < 1800; i++) free(ring[i]); return 0; }\n";
    for source in [
        full_cache,
        &read_anew(""),
        &read_anew("drop(&table);"),
        buffer,
        beside_a_table,
    ] {
        let runs = built(source);
        runs.record_both();
        assert_named(&runs, &["--fail-above", "10,100KiB"], IN_PLACE);
    }
}

/// A small leak that was there before does not excuse a large one in place of a table.
pub(crate) fn what_leaks_faster_in_place_of_a_table_is_named() {
    let runs = built(
        "int main(void) { for (int i = LEAK ? -100 : -1500; i < 9000; i++) {\n\
         if (i < 0 || i % (LEAK ? 9 : 300) == 0) push(&table, make()); if (i >= 0) work(i); } return 0; }\n",
    );
    runs.record_both();
    assert_named(
        &runs,
        &[],
        "grew more slowly before and now grows by more than that on top, in place of what it had",
    );
}

/// How much of a batch is there at the end is chance.
pub(crate) fn batches_that_go_again_are_no_rate() {
    let runs = built(
        "int main(void) { for (int i = 1; i < 8900 + 5 * LEAK; i++) { push(&table, make());\n\
         if (i % 1000 == 0) drop(&table); work(i); } return 0; }\n",
    );
    runs.record_both();
    let (status, said) = runs.gate(&["--fail-above", "1000/min"]);
    assert_eq!(status, Some(0), "{said}");
    assert!(
        said.contains("above it by no more than chance can make"),
        "{said}"
    );
    let strict = ["--fail-above", "1000/min", "--strict-rates"];
    assert_eq!(runs.gate(&strict).0, Some(1));
}

/// Counts alone tell it, too.
pub(crate) fn what_replaces_a_table_is_named_in_a_summary() {
    let runs = built(
        "int main(void) { for (int i = 0; !LEAK && i < 300; i++) push(&kept, make());\n\
         for (int i = 0; i < 75000; i++) { if (LEAK && i % 250 == 0) push(&kept, make()); work(i); } return 0; }\n",
    );
    // A summary is counted ten times a second at first, and less than a second tells too little.
    let options = ["--force", "--mode", "summary", "--every", "10ms"];
    runs.record("run0", &options, &["./app0"]);
    runs.record("run1", &options, &["./app1"]);
    assert_named(&runs, &[], IN_PLACE);
}

/// What the first run dropped long before its exit is not what it had in the end.
pub(crate) fn a_peak_of_the_first_run_hides_nothing() {
    for until in [2700, 3600] {
        let runs = built(&format!(
            "int main(void) {{ for (int i = 0; !LEAK && i < 800; i++) push(&table, make());\n\
             for (int i = 0; i < 4500; i++) {{ if (i == {until}) drop(&table);\n\
             if (LEAK && i % 9 == 0) push(&kept, make()); work(i); }} drop(&kept); return 0; }}\n"
        ));
        runs.record_both();
        let (status, said) = runs.gate(&[]);
        assert_eq!(status, Some(1), "{said}");
    }
}

/// What a caller held until the exit freed it hides nothing of what another one holds.
pub(crate) fn what_one_caller_held_hides_nothing_of_another() {
    let handlers = |before: [u32; 2], after: [u32; 2]| {
        let every = |call: usize| format!("(LEAK ? {} : {})", after[call], before[call]);
        built(&format!(
            "__attribute__((noinline)) void keep_or_free(int every, int i) {{ struct node *n = make();\n\
             if (every && i % every == 0) push(&kept, n); else free(n); work(i); }}\n\
             __attribute__((noinline)) void on_tcp(int i) {{ keep_or_free({}, i); work(i); }}\n\
             __attribute__((noinline)) void on_udp(int i) {{ keep_or_free({}, i); work(i); }}\n\
             int main(void) {{ for (int i = 0; i < 2000; i++) {{ on_tcp(i); on_udp(i); }} drop(&kept); return 0; }}\n",
            every(0),
            every(1)
        ))
    };
    let moved = handlers([4, 7], [0, 3]);
    moved.record_both();
    let (status, said) = moved.gate(&[]);
    assert_eq!(status, Some(1), "{said}");
    assert!(
        unwrapped(&said).contains("for one of its callers: +3"),
        "{said}"
    );
    let same = handlers([4, 7], [4, 7]);
    same.record_both();
    assert_eq!(same.gate(&["--strict"]).0, Some(0));
}

/// A class that gets an `operator new` of its own: what calls it is as it was.
pub(crate) fn an_operator_new_of_a_class_is_a_wrapper() {
    let leak = |every: [u32; 2]| {
        Runs::built_by(
            "g++",
            "app.cc",
            &format!(
                "#include <cstdlib>\nstruct Node {{\n#if LEAK\n\
                 static void *operator new(size_t n) {{ return malloc(n); }}\n\
                 static void operator delete(void *p) {{ free(p); }}\n#endif\n\
                 Node *next; char rest[48]; }} *volatile kept;\n\
                 __attribute__((noinline)) void handle(int i) {{ Node *n = new Node;\n\
                 if (i % (LEAK ? {} : {}) == 0) {{ n->next = kept; kept = n; }} else delete n; }}\n\
                 int main() {{ for (int i = 0; i < 2000; i++) {{ handle(i);\n\
                 for (int j = 0; j < 4; j++) {{ char *volatile p = (char *)malloc(9 + j); free(p); }} }} }}\n",
                every[1], every[0]
            ),
        )
    };
    for (every, status) in [([7, 7], 0), ([7, 5], 1)] {
        let runs = leak(every);
        runs.record_both();
        let (told, said) = runs.gate(&[]);
        assert_eq!(told, Some(status), "{said}");
    }
}

/// Of a few counts nobody knows what the exit freed.
pub(crate) fn too_few_counts_are_refused_if_strict() {
    let runs = built("int main(void) { push(&kept, make()); work(4); drop(&kept); return 0; }\n");
    // Stacks of one frame are all that a target without unwind tables gives.
    for more in [&[][..], &["--depth", "1"]] {
        for run in ["run0", "run1"] {
            let options = [&["--mode", "summary"], more].concat();
            runs.record(run, &options, &["./app0"]);
        }
        let (status, said) = runs.gate(&[]);
        assert_eq!(status, Some(0), "{more:?}: {said}");
        assert!(
            said.contains("was counted too few times"),
            "{more:?}: {said}"
        );
        let (status, said) = runs.gate(&["--strict"]);
        assert_eq!(status, Some(2), "{more:?}: {said}");
        assert!(
            said.contains("was counted too few times"),
            "{more:?}: {said}"
        );
    }
}
