//! `mtrace-diff unwind-table`.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use super::clean::{Escape, print};
use super::terminal::on_stderr;
use crate::error::Result;
use crate::printable::{printable, printable_path};
use crate::record::unwind::{self, ModuleFacts, UnwindPlan};
use crate::symbols::SearchPath;
use crate::units::{count, counted};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mtrace-diff unwind-table -o app.unw app --sysroot rootfs/
  mtrace-diff unwind-table -o app.unw app --sysroot rootfs/ --debug-dir rootfs-dbg/usr/lib/debug

Give the unstripped program and an unstripped sysroot: on 32-bit ARM, MIPS, RISC-V and musl, only \
unstripped files hold what is needed. The files on the target itself may be stripped.")]
pub(super) struct UnwindTableArgs {
    /// The unstripped program
    #[arg(value_name = "PROGRAM")]
    program: PathBuf,
    /// Libraries that the program loads with dlopen, such as plugins
    #[arg(value_name = "LIBRARY")]
    libraries: Vec<PathBuf>,
    /// The file to write
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// A copy of the target's root directory, to find its libraries in [default: this machine's own]
    #[arg(long, value_name = "DIR")]
    sysroot: Option<PathBuf>,
    /// A directory of separate debug files, laid out like /usr/lib/debug; can be repeated
    #[arg(long, value_name = "DIR")]
    debug_dir: Vec<PathBuf>,
    /// Also keep the rows that no call returns to
    ///
    /// For other programs that read the table, to walk through a signal handler; stacks of the recorder end
    /// there either way. The file becomes several times larger.
    #[arg(long)]
    all_rows: bool,
    /// Use this many threads instead of one per core; the result is the same
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
}

pub(super) fn write_table(args: &UnwindTableArgs) -> Result<()> {
    let plan = UnwindPlan {
        program: args.program.clone(),
        libraries: args.libraries.clone(),
        sysroot: args.sysroot.clone(),
        search: SearchPath {
            debug_dirs: args.debug_dir.clone(),
        },
        all_rows: args.all_rows,
    };
    plan.search.check()?;
    let table = unwind::build(&plan)?;
    unwind::write(&args.output, &table.bytes)?;
    let mut err = anstream::stderr();
    if let Some(machine) = unwind::does_without(&args.program) {
        let note = format!(
            "programs for {machine} with glibc need no table: the recorder walks their stacks without one"
        );
        let _ = writeln!(err, "{}", on_stderr("note: ", &note));
    }
    for name in &table.missing {
        let _ = writeln!(
            err,
            "warning: library {} not found: stacks end in it; give --sysroot, or the library itself",
            printable(name)
        );
    }
    for error in &table.unreadable {
        let _ = writeln!(
            err,
            "warning: {}; stacks end in it",
            printable(&error.to_string())
        );
    }
    print(Escape::Text, false, |out| {
        for module in &table.modules {
            writeln!(out, "{}", line(module))?;
        }
        let size = count(table.bytes.len() as u64);
        let modules = counted(table.modules.len() as u64, "module");
        writeln!(
            out,
            "{}: {modules}, {size} bytes",
            printable_path(&args.output)
        )?;
        Ok(())
    })
}

/// One module: how much of it can be unwound is what tells whether its file was the right one.
fn line(module: &ModuleFacts) -> String {
    let known = match module.calls {
        0 => String::new(),
        calls => format!(", {} % of calls known", 100 * module.known_calls / calls),
    };
    let debug = module.debug_file.as_ref();
    let debug = debug.map(|path| format!(", with {}", printable_path(path)));
    let damaged = match module.damaged {
        0 => String::new(),
        entries => format!(", {entries} damaged entries left out"),
    };
    format!(
        "{}: {}{known}{damaged}{}",
        printable_path(&module.path),
        counted(module.rows as u64, "row"),
        debug.unwrap_or_default()
    )
}
