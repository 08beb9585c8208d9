//! Builds this machine's recorder and the starter of glibc's mtrace, which the program carries with it.

use std::env;
use std::path::PathBuf;

fn main() {
    for name in ["recorder", "starter"] {
        let source = format!("src/record/{name}.c");
        println!("cargo::rerun-if-changed={source}");
        let directory = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
        let library = directory.join(name).with_extension("so");
        if let Err(reason) = build(&source, &library) {
            println!(
                "cargo::warning=no {name} is built in, so `record` will not work as it should: {reason}"
            );
            // An empty one says so when it is asked for.
            if let Err(error) = std::fs::write(&library, []) {
                panic!("{}: {error}", library.display());
            }
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
    // The starter lets an exception of C++ through.
    command.args(["-std=gnu99", "-shared", "-fPIC", "-O2", "-fexceptions"]);
    command.args([source, "-o"]);
    command.arg(library).arg("-ldl");
    let status = command.status().map_err(|e| e.to_string())?;
    match status.success() {
        true => Ok(()),
        false => Err(format!("the compiler failed with {status}")),
    }
}
