//! Compiling a program and tracing it with the C library of this machine.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::{output_of, stdout_of};
use crate::model::Program;
use crate::render::{Sources, root_slot};
use crate::rng::Rng;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    pub optimise: &'static str,
    pub pie: bool,
    pub lines: bool,
    pub sections: bool,
    pub lto: bool,
    /// The directory in which it is compiled.
    pub place: &'static str,
}

impl Settings {
    pub(crate) fn random(rng: &mut Rng) -> Settings {
        Settings {
            optimise: rng.pick::<&str>(&["-O0", "-O1", "-O2", "-O2", "-Os"]),
            pie: rng.percent(70),
            lines: true,
            sections: rng.percent(25),
            lto: rng.percent(8),
            place: rng.pick::<&str>(&["work/app", "builds/job7/app", "home/me/src"]),
        }
    }
}

const SLOTS: usize = 4096;

/// How often each site runs, and of how many of its blocks one is freed (0: none, 1: all).
pub(crate) struct Counts {
    pub times: Vec<i32>,
    pub drop: Vec<i32>,
}

impl Counts {
    pub(crate) fn random(rng: &mut Rng, factor: usize) -> Counts {
        let mut times = vec![0; SLOTS];
        for (slot, times) in times.iter_mut().enumerate() {
            *times = (if slot < root_slot(0) {
                rng.between(1, 9) * factor
            } else {
                rng.between(1, 5) * factor
            }) as i32;
        }
        let drop = (0..SLOTS).map(|_| *rng.pick(&[0, 0, 0, 1, 1, 3])).collect();
        Counts { times, drop }
    }
}

/// The parts that every program uses, compiled once.
pub(crate) fn prepare(directory: &Path) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/random/runtime.c");
    stdout_of(
        Command::new("gcc")
            .args(["-O2", "-fPIC", "-shared", "-o"])
            .arg(directory.join("libkeep.so"))
            .arg(source),
    );
    // A jump to malloc, so that the log names the caller of `new`.
    let new = directory.join("new.cc");
    fs::write(
        &new,
        "#include <cstdlib>\n#include <new>\nvoid *operator new(std::size_t n) { return malloc(n + !n); }\n\
         void operator delete(void *p) noexcept { free(p); }\nvoid operator delete(void *p, std::size_t) noexcept { free(p); }\n",
    )
    .unwrap();
    stdout_of(
        Command::new("g++")
            .args(["-O2", "-fPIC", "-c", "-o"])
            .arg(directory.join("new.o"))
            .arg(new),
    );
}

/// Where a program is built and run.
pub(crate) struct Place<'a> {
    /// What `prepare` made.
    pub parts: &'a Path,
    pub directory: &'a Path,
    /// The name of the run's directory in it.
    pub run: String,
}

impl Place<'_> {
    pub(crate) fn run(&self) -> PathBuf {
        self.directory.join(&self.run)
    }
}

/// Whether a run was traced to its end: what is written last is there.
pub(crate) fn is_made(place: &Place) -> bool {
    place.run().join("app.maps").exists()
}

/// Writes, compiles and runs a program; gives the directory of the run.
pub(crate) fn build(
    program: &Program,
    sources: &Sources,
    settings: &Settings,
    counts: &Counts,
    to: &Place,
) -> PathBuf {
    let parts = to.parts;
    let run = to.run();
    fs::create_dir_all(&run).unwrap();
    let source = to.directory.join(format!("src-{}", to.run));
    let place = source.join(settings.place);
    for (path, text, _) in &sources.files {
        let path = place.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let lib = parts.join("libkeep.so");
    fs::copy(&lib, run.join("libkeep.so")).unwrap();
    let compiler = || {
        let mut command = Command::new(if program.cxx { "g++" } else { "gcc" });
        command.current_dir(&place).args([settings.optimise, "-w"]);
        if settings.lines {
            command.arg("-g");
        }
        if settings.sections {
            command.args(["-ffunction-sections", "-Wl,--gc-sections"]);
        }
        command
    };
    let files = |shared: bool| {
        sources
            .files
            .iter()
            .filter(move |(path, _, of)| *of == shared && !path.ends_with(".h"))
            .map(|(path, ..)| path)
    };
    let link = |command: &mut Command| {
        command
            .arg(run.join("libkeep.so"))
            .arg("-Wl,-rpath,$ORIGIN");
    };
    let has_library = files(true).next().is_some();
    if has_library {
        let mut command = compiler();
        command
            .args(["-fPIC", "-shared", "-o"])
            .arg(run.join("libaux.so"));
        command.args(files(true));
        if program.cxx && !program.plain_new {
            command.arg(parts.join("new.o"));
        }
        link(&mut command);
        stdout_of(&mut command);
    }
    let mut command = compiler();
    if settings.pie {
        command.args(["-fPIE", "-pie"]);
    } else {
        command.args(["-fno-pie", "-no-pie"]);
    }
    if settings.lto {
        command.arg("-flto");
    }
    command.arg("-o").arg(run.join("app")).args(files(false));
    if program.cxx && !program.plain_new {
        command.arg(parts.join("new.o"));
    }
    if has_library {
        command.arg(run.join("libaux.so"));
    }
    link(&mut command);
    stdout_of(&mut command);
    trace(&run, counts);
    run
}

fn trace(run: &Path, counts: &Counts) {
    let numbers = counts.times.iter().chain(&counts.drop);
    let bytes: Vec<u8> = numbers.flat_map(|n| n.to_ne_bytes()).collect();
    fs::write(run.join("counts"), bytes).unwrap();
    let output = output_of(
        Command::new("./app")
            .current_dir(run)
            .env("LD_PRELOAD", "libc_malloc_debug.so.0")
            .env("MALLOC_TRACE", run.join("mtrace.log")),
    );
    assert!(output.status.success(), "{}: {output:?}", run.display());
}

/// Function symbols of a module, by address.
pub(crate) fn symbols(module: &Path) -> BTreeMap<u64, String> {
    let text = stdout_of(
        Command::new("nm")
            .args(["-C", "--defined-only"])
            .arg(module),
    );
    let of = |line: &str| {
        let mut parts = line.splitn(3, ' ');
        let address = u64::from_str_radix(parts.next()?, 16).ok()?;
        let kind = parts.next()?;
        matches!(kind, "t" | "T" | "W" | "w" | "u").then_some(())?;
        let name = parts.next()?;
        let name = name.split(['.', '[']).next()?.trim_end();
        Some((address, name.to_owned()))
    };
    text.lines().filter_map(of).collect()
}
