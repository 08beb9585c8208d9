//! What many tests compile, once for all of them. Each takes a copy, as the path of the build may have blanks.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock};

use crate::common::{mtrace_diff, stdout_of, testdata};

fn directory(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&directory).unwrap();
    directory
}

fn compiled(name: &str, options: &[&str], source: &Path) -> PathBuf {
    let to = directory("built").join(name);
    let mut gcc = Command::new("gcc");
    gcc.args(options).arg("-o").arg(&to).arg(source).arg("-ldl");
    stdout_of(&mut gcc);
    to
}

/// Copies the recorder that `recorder --build` makes with a compiler.
pub(crate) fn copy_recorder(compiler: &str, to: &Path) {
    static BUILT: Mutex<BTreeMap<String, PathBuf>> = Mutex::new(BTreeMap::new());
    let mut built = BUILT.lock().unwrap();
    let recorder = built.entry(compiler.to_owned()).or_insert_with(|| {
        let mut build = mtrace_diff();
        build.args(["recorder", "--build", compiler, "-o"]);
        let said = stdout_of(build.arg(directory(&format!("recorder-{compiler}"))));
        said.trim().into()
    });
    fs::copy(recorder, to).unwrap();
}

/// Copies the recorder that is ended at its first stray access.
pub(crate) fn copy_guarded_recorder(to: &Path) {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let recorder = BUILT.get_or_init(|| {
        let header = testdata().join("src/guarded_maps.h");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/record/recorder.c");
        let options = ["-std=gnu99", "-shared", "-fPIC", "-O2"];
        let guard = ["-include", header.to_str().unwrap()];
        compiled("guarded.so", &[&options[..], &guard].concat(), &source)
    });
    fs::copy(recorder, to).unwrap();
}

/// Copies the library that counts what is allocated.
pub(crate) fn copy_counter(to: &Path) {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let counter = BUILT.get_or_init(|| {
        let source = testdata().join("src/counter.c");
        let options = ["-std=gnu99", "-w", "-shared", "-fPIC", "-O2"];
        compiled("counter.so", &options, &source)
    });
    fs::copy(counter, to).unwrap();
}

/// Copies the program of `recorded.c`.
pub(crate) fn copy_recorded(to: &Path) {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let program = BUILT.get_or_init(|| {
        let source = testdata().join("src/recorded.c");
        compiled("recorded", &["-O1", "-g", "-pthread", "-w"], &source)
    });
    // A child of this process may keep open what it has written itself, which then cannot be executed.
    stdout_of(Command::new("cp").arg(program).arg(to));
}
