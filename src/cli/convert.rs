//! `mtrace-diff convert`.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::clean::{Escape, print};
use crate::capture::RunInput;
use crate::error::{Error, Result};
use crate::import::open_recording;
use crate::progress::Progress;
use crate::recording::write_mtrace_log;

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  mtrace-diff convert --to mtrace run0 -o run0.log
  mtrace ./app run0.log

An mtrace log has only the immediate caller of each allocation, and no times; everything else is lost.")]
pub(super) struct ConvertArgs {
    /// A recording file, or the directory that holds it
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// The format to convert it to
    #[arg(long, value_enum, value_name = "FORMAT")]
    to: Target,
    /// The file to write [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Target {
    /// A log in the format of glibc's mtrace()
    Mtrace,
}

pub(super) fn convert(args: &ConvertArgs) -> Result<()> {
    let Target::Mtrace = args.to;
    let input = RunInput {
        path: args.run.clone(),
        ..RunInput::default()
    };
    let progress = Progress::default();
    let (log, blocks) = open_recording(&input, &progress)?;
    let mut damage = Default::default();
    match &args.output {
        Some(path) => {
            let writing = |e| Error::io("write", path, e);
            refuse_over(path, &log)?;
            let mut out = BufWriter::new(File::create(path).map_err(writing)?);
            damage = write_mtrace_log(blocks, &mut out).map_err(writing)?;
            out.flush().map_err(writing)?;
        }
        None => print(Escape::Text, false, |out| {
            damage = write_mtrace_log(blocks, out)?;
            Ok::<(), Error>(())
        })?,
    }
    if damage.bad_blocks > 0 || damage.is_cut || damage.read_error.is_some() {
        let mut err = anstream::stderr();
        let path = crate::printable::printable_path(&log);
        // The log is written; who does not read this sees fewer records.
        let _ = writeln!(
            err,
            "warning: '{path}' is damaged or cut; the log has what could be read"
        );
    }
    Ok(())
}

fn refuse_over(path: &Path, log: &Path) -> Result<()> {
    match (path.canonicalize(), log.canonicalize()) {
        (Ok(path), Ok(log)) if path == log => Err(Error::SaveOverRun {
            path: path.clone(),
            run: log,
        }),
        _ => Ok(()),
    }
}
