//! Builds this machine's recorder, which the program carries with it.

use std::env;
use std::path::PathBuf;

fn main() {
    let source = "src/record/recorder.c";
    println!("cargo::rerun-if-changed={source}");
    let library = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("recorder.so");
    if let Err(reason) = build(source, &library) {
        println!("cargo::warning=no recorder is built in, so `record` will not work: {reason}");
        // An empty one says so when it is asked for.
        if let Err(error) = std::fs::write(&library, []) {
            panic!("{}: {error}", library.display());
        }
    }
}

fn build(source: &str, library: &std::path::Path) -> Result<(), String> {
    if env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("linux") {
        return Err("it is for Linux".to_owned());
    }
    let mut build = cc::Build::new();
    build.opt_level(2).pic(true).debug(false).warnings(false);
    let compiler = build.try_get_compiler().map_err(|e| e.to_string())?;
    let mut command = compiler.to_command();
    command.args(["-std=gnu99", "-shared", "-fPIC", "-O2", source, "-o"]);
    command.arg(library).arg("-ldl");
    let status = command.status().map_err(|e| e.to_string())?;
    match status.success() {
        true => Ok(()),
        false => Err(format!("the compiler failed with {status}")),
    }
}
