//! A line with two calls that another build has as two lines: a formatter did that, and nothing leaks more.

use crate::gate::Runs;

/// Two calls in one line (`ONE`) or in two. `FIRST` and `SECOND` of 1000 blocks are left of each.
const CALLS: &str = "#include <stdlib.h>\n#include <string.h>\n#include <unistd.h>\n\
    static char *first[1000]; static char *second[1000];\n\
    __attribute__((noinline)) static void add(int i, const char *name) {\n\
    #if ONE\n\
    first[i] = malloc(64); second[i] = strdup(name);\n\
    #else\n\
    first[i] = malloc(64);\n\
    second[i] = strdup(name);\n\
    #endif\n\
    if (i >= FIRST) free(first[i]);\n\
    if (i >= SECOND) free(second[i]); }\n\
    int main(void) { for (int i = 0; i < 1000; i++) { add(i, \"a name of some length\" + i % 9); usleep(50); } return 0; }\n";

struct Build {
    is_one_line: bool,
    left: [u32; 2],
}

impl Build {
    fn defined(&self) -> String {
        let one = u32::from(self.is_one_line);
        let [first, second] = self.left;
        format!(
            "#define ONE {one}\n#define FIRST {first}\n#define SECOND {second}\n#line 1\n{CALLS}"
        )
    }
}

fn gated(before: &Build, now: &Build, options: &[&str]) -> (Option<i32>, String) {
    let runs = Runs::of(&format!(
        "#if LEAK\n{}#else\n{}#endif\n",
        now.defined(),
        before.defined()
    ));
    runs.record("run0", options, &["./app0"]);
    runs.record("run1", options, &["./app1"]);
    runs.gate(&["--strict"])
}

const BOTH_WAYS: [bool; 2] = [true, false];

const RECORDERS: [&[&str]; 3] = [&[], &["--mode", "callers"], &["--with", "glibc"]];

pub(crate) fn a_line_that_was_split_leaks_no_more() {
    for is_one_line in BOTH_WAYS {
        let before = Build {
            is_one_line,
            left: [700, 300],
        };
        let now = Build {
            is_one_line: !is_one_line,
            left: [700, 300],
        };
        for options in RECORDERS {
            let (status, said) = gated(&before, &now, options);
            assert_eq!(status, Some(0), "{options:?} {said}");
        }
    }
}

/// What the one call leaks more fails the job; also if the other one leaks as much less, where stacks tell them apart.
pub(crate) fn a_line_that_was_split_and_leaks_fails() {
    for is_one_line in BOTH_WAYS {
        let build = |is_one_line, left| Build { is_one_line, left };
        let before = build(is_one_line, [700, 100]);
        for options in RECORDERS {
            let (status, said) = gated(&before, &build(!is_one_line, [700, 150]), options);
            assert_eq!(status, Some(1), "{options:?} {said}");
        }
        let (status, said) = gated(&before, &build(!is_one_line, [100, 700]), &[]);
        assert_eq!(status, Some(1), "{said}");
    }
}
