//! What is in both runs, and allocates in one of them alone, is not the other's under a new name.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::common::{mtrace_diff, output_of, stdout_of, testdata};

/// Sources below one directory, and the runs of the programs that are made of them.
struct Tree(TempDir);

impl Tree {
    fn new(files: &[(&str, &str)]) -> Self {
        let tree = Tree(TempDir::new().unwrap());
        for (name, text) in files {
            let path = tree.path(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        tree
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn compile(&self, command: &str) {
        self.compile_in("", command);
    }

    /// Compiles with a directory of the sources as working directory.
    fn compile_in(&self, directory: &str, command: &str) {
        let mut words = command.split_whitespace();
        let mut compiler = Command::new(words.next().unwrap());
        let include = testdata().join("src");
        stdout_of(
            compiler
                .args(words)
                .arg("-I")
                .arg(include)
                .current_dir(self.path(directory)),
        );
    }

    /// Runs `app` with its arguments into the directory of a run.
    fn trace(&self, run: &str, arguments: &[&str]) -> PathBuf {
        let run = self.path(run);
        fs::create_dir_all(&run).unwrap();
        fs::copy(self.path("app"), run.join("app")).unwrap();
        let output = output_of(
            Command::new(run.join("app"))
                .args(arguments)
                .current_dir(self.0.path())
                .env("LD_PRELOAD", "libc_malloc_debug.so.0")
                .env("MALLOC_TRACE", run.join("mtrace.log"))
                .env("MAPS", run.join("maps")),
        );
        assert_eq!(output.status.code(), Some(0));
        run
    }
}

/// The last line of a gate of ten blocks; also with the first run as it is saved, which must say the same.
fn gate(first: &Path, last: &Path) -> String {
    let saved = last.parent().unwrap().join("saved.json");
    stdout_of(
        mtrace_diff()
            .arg("show")
            .arg(first)
            .arg("--save")
            .arg(&saved),
    );
    let line = |first: &Path| {
        let output = output_of(
            mtrace_diff()
                .arg(first)
                .arg(last)
                .args(["--fail-above", "10"]),
        );
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().last().unwrap().to_owned()
    };
    let said = line(first);
    assert_eq!(line(&saved), said);
    said
}

fn assert_fails(first: &Path, last: &Path, growth: &str) {
    let said = gate(first, last);
    assert!(said.starts_with("FAIL") && said.contains(growth), "{said}");
}

const HEAD: &str = "#include <mcheck.h>\n#include <stdlib.h>\n#include \"save_maps.h\"\n";

/// Two libraries with one entry and one name of their sources, both loaded in both runs, byte for byte the same.
pub(crate) fn quiet_library() {
    let main = format!(
        "{HEAD}void audio(int); void video(int);\nint main(int c, char **v) {{ mtrace(); audio(atoi(v[1])); video(atoi(v[2]));\n\
         save_maps(getenv(\"MAPS\")); muntrace(); }}\n"
    );
    let plugin = |name: &str, above: &str| {
        format!(
            "#include <stdlib.h>\nstatic void *volatile g;\n{above}__attribute__((noinline)) void plugin_init(void) {{ g = malloc(32); }}\n\
             void {name}(int n) {{ while (n-- > 0) plugin_init(); }}\n"
        )
    };
    let (audio, video) = (plugin("audio", ""), plugin("video", "\n\n"));
    let tree = Tree::new(&[
        ("main.c", &main),
        ("audio/plugin.c", &audio),
        ("video/plugin.c", &video),
    ]);
    for name in ["audio", "video"] {
        tree.compile(&format!(
            "gcc -g -O1 -shared -fPIC -Wl,-Bsymbolic {name}/plugin.c -o lib{name}.so"
        ));
    }
    tree.compile("gcc -g -O1 main.c -L. -laudio -lvideo -Wl,-rpath,. -o app");
    let first = tree.trace("first", &["100", "0"]);
    let last = tree.trace("last", &["0", "105"]);
    for run in [&first, &last] {
        for name in ["libaudio.so", "libvideo.so"] {
            fs::copy(tree.path(name), run.join(name)).unwrap();
        }
    }
    assert_fails(&first, &last, "+105 blocks");
}

/// Static functions of one name in files of one name, at other lines and at the same ones.
pub(crate) fn quiet_file() {
    for above in ["", "\n\n"] {
        let main = format!(
            "{HEAD}const char *version = VERSION; void audio(int); void video(int);\n\
             int main(int c, char **v) {{ mtrace(); audio(atoi(v[1])); video(atoi(v[2]));\n\
             save_maps(getenv(\"MAPS\")); muntrace(); }}\n"
        );
        let part = |name: &str, above: &str| {
            format!(
                "#include <stdlib.h>\nstatic void *volatile g;\n{above}__attribute__((noinline)) static void state_new(void) {{ g = malloc(32); }}\n\
                 void {name}(int n) {{ while (n-- > 0) state_new(); }}\n"
            )
        };
        let (audio, video) = (part("audio", ""), part("video", above));
        let tree = Tree::new(&[
            ("main.c", &main),
            ("audio/init.c", &audio),
            ("video/init.c", &video),
        ]);
        let build = |version: &str| {
            tree.compile(&format!(
                "gcc -g -O1 -DVERSION=\"{version}\" main.c audio/init.c video/init.c -o app"
            ));
        };
        build("1.0");
        let first = tree.trace("first", &["100", "0"]);
        build("1.1");
        let last = tree.trace("last", &["0", "105"]);
        assert_fails(&first, &last, "+105 blocks");
    }
}

/// Two calls of one function, of which each run makes one; another part of the program was changed.
pub(crate) fn quiet_call() {
    let main = format!(
        "{HEAD}const char *version = VERSION;\nvoid *volatile g;\n\
         __attribute__((noinline)) void work(int is_bad) {{\n\
         if (!is_bad)\n\
         g = malloc(32);\n\
         else\n\
         g = malloc(508);\n}}\n\
         int main(int c, char **v) {{ mtrace();\n\
         for (int n = atoi(v[1]); n-- > 0;) work(0);\n\
         for (int n = atoi(v[2]); n-- > 0;) work(1);\n\
         save_maps(getenv(\"MAPS\")); muntrace(); }}\n"
    );
    let tree = Tree::new(&[("main.c", &main)]);
    let build = |version: &str| {
        tree.compile(&format!("gcc -g -O0 -DVERSION=\"{version}\" main.c -o app"));
    };
    build("1.0");
    let first = tree.trace("first", &["100", "0"]);
    build("1.1");
    let last = tree.trace("last", &["0", "105"]);
    assert_fails(&first, &last, "+105 blocks");
    // Without lines, the function has its size.
    for run in [&first, &last] {
        stdout_of(Command::new("strip").arg("-g").arg(run.join("app")));
    }
    assert_fails(&first, &last, "+105 blocks");
}

/// What a lambda, or a nested function, leaks stays with the function that it stands in.
pub(crate) fn nested_functions() {
    let cxx = |name: &str| {
        format!(
            "void setup_{name}(int n) {{\n\
             auto make = [](int size) __attribute__((noinline)) {{ g = malloc(size); }};\n\
             while (n-- > 0) make(32); }}\n"
        )
    };
    let c = |name: &str| {
        format!(
            "void setup_{name}(int n) {{\n\
             __attribute__((noinline)) void make(int size) {{ g = malloc(size); }}\n\
             while (n-- > 0) make(32); }}\n"
        )
    };
    let main = |names: [&str; 2], part: &dyn Fn(&str) -> String| {
        let parts = names.map(part).concat();
        let calls = |index: usize| format!("setup_{}(atoi(v[{}]));", names[index], index + 1);
        format!(
            "{HEAD}void *volatile g;\n{parts}int main(int c, char **v) {{ mtrace(); {} {}\n\
             save_maps(getenv(\"MAPS\")); muntrace(); }}\n",
            calls(0),
            calls(1)
        )
    };
    let languages = [
        ("g++", "main.cc", &cxx as &dyn Fn(&str) -> String),
        ("gcc", "main.c", &c),
    ];
    for (compiler, name, part) in languages {
        let (before, after) = (
            main(["users", "items"], part),
            main(["roles", "users"], part),
        );
        let (old, new) = (Tree::new(&[(name, &before)]), Tree::new(&[(name, &after)]));
        let command = format!("{compiler} -g -O1 {name} -o app");
        old.compile(&command);
        new.compile(&command);
        let first = old.trace("first", &["100", "200"]);
        let last = new.trace("last", &["100", "200"]);
        let said = gate(&first, &last);
        assert!(said.starts_with("FAIL 2 call sites"), "{said}");
    }
}

/// Two static functions of one name, whose files have one path in the debug information, or none.
pub(crate) fn namesakes() {
    let main = format!(
        "{HEAD}void x(int); void y(int);\nint main(int c, char **v) {{ mtrace(); x(atoi(v[1])); y(atoi(v[2]));\n\
         save_maps(getenv(\"MAPS\")); muntrace(); }}\n"
    );
    let util = "#include <stdlib.h>\nstatic void *volatile g;\n\
                __attribute__((noinline)) static void alloc(int n) { g = malloc(n); }\n\
                void FN(int n) { while (n-- > 0) alloc(32); }\n";
    let tree = Tree::new(&[("main.c", &main), ("x/util.c", util), ("y/util.c", util)]);
    for name in ["x", "y"] {
        let here = tree.path(name);
        tree.compile_in(
            name,
            &format!(
                "gcc -g -O1 -c -DFN={name} -ffile-prefix-map={}=. util.c",
                here.display()
            ),
        );
    }
    tree.compile("gcc -g -O1 main.c x/util.o y/util.o -o app");
    let first = tree.trace("first", &["100", "200"]);
    let last = tree.trace("last", &["200", "100"]);
    assert_fails(&first, &last, "+100 blocks");
    // In two builds, nothing tells which is which.
    tree.compile("gcc -g -O1 main.c y/util.o x/util.o -o app");
    let last = tree.trace("last", &["200", "100"]);
    assert!(gate(&first, &last).contains("if it was another site before"));
    for run in [&first, &last] {
        stdout_of(Command::new("strip").arg("-g").arg(run.join("app")));
    }
    assert!(gate(&first, &last).contains("if it was another site before"));
}
