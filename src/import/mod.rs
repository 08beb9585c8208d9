//! From the files of a run to what they tell.

mod moment;
mod placed;
mod recorded;

use std::path::Path;

use rayon::prelude::*;

use crate::capture::{Moment, RunInput, RunSource};
use crate::error::{Error, Result};
use crate::progress::Progress;
use crate::run::{Addressing, Run};
use crate::saved;
use moment::{log_at, saved_at};
pub use placed::Placed;
pub use recorded::PlacedRecording;

/// How runs are to be read.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'a> {
    /// What the numbers of the logs are, where the user says it.
    pub addressing: Option<Addressing>,
    /// Keep live blocks one by one, where the source knows them.
    pub keep_blocks: bool,
    pub progress: &'a Progress,
}

/// A run, as far as it can be read without the others.
#[derive(Debug)]
pub enum Imported {
    /// Its call sites need names still.
    Placed(Box<Placed>),
    /// The same of a recording.
    Recorded(Box<PlacedRecording>),
    Whole(Box<Run>),
}

/// Reads all runs at the same time; in the order given, and an error is that of the first run that has one.
/// `save` is the file that will be written: it must be none of theirs.
pub fn import_all(
    inputs: &[RunInput],
    save: Option<&Path>,
    reading: Reading<'_>,
) -> Result<Vec<Imported>> {
    let sources: Vec<Result<RunSource>> = inputs.par_iter().map(RunSource::open).collect();
    let sources: Vec<RunSource> = sources.into_iter().collect::<Result<_>>()?;
    if let Some(file) = save {
        refuse_saving_over(file, inputs, &sources)?;
    }
    let logs = sources.iter().map(RunSource::log_bytes);
    logs.for_each(|bytes| reading.progress.expect(bytes));
    let runs = sources.into_par_iter().zip(inputs);
    let import = |(source, input)| import(source, input, reading);
    let runs: Vec<Result<Imported>> = runs.map(import).collect();
    reading.progress.all_read();
    runs.into_iter().collect()
}

fn import(source: RunSource, input: &RunInput, reading: Reading<'_>) -> Result<Imported> {
    Ok(match source {
        RunSource::Capture(set) => Imported::Placed(Box::new(Placed::of_log(set, reading)?)),
        RunSource::Recording(set) => {
            Imported::Recorded(Box::new(PlacedRecording::read(set, reading)?))
        }
        RunSource::OldResult(set) => {
            let placed = Placed::of_old_result(set, reading)?;
            if input.at != Moment::End {
                return Err(Error::NoMoments {
                    path: input.path.clone(),
                    reason: "the result of an old tool says only what was left then",
                });
            }
            Imported::Placed(Box::new(placed))
        }
        RunSource::Saved(file) => {
            let mut run = saved::read(&file)?;
            // The command line knows best how long a run took.
            run.facts.duration_s = input.duration_s.or(run.facts.duration_s);
            if input.at != Moment::End {
                run.facts.name = format!("{}@{}", run.facts.name, input.at);
            }
            Imported::Whole(Box::new(saved_at(run, input.at)?))
        }
    })
}

/// What a run was made of is worth more than a report of it.
fn refuse_saving_over(file: &Path, inputs: &[RunInput], sources: &[RunSource]) -> Result<()> {
    let mut runs = inputs.iter().zip(sources);
    match runs.find(|(_, source)| source.owns(file)) {
        Some((run, _)) => Err(Error::SaveOverRun {
            path: file.to_path_buf(),
            run: run.path.clone(),
        }),
        None => saved::refuse_over(file),
    }
}
