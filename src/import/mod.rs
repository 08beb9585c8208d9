//! From the files of a run to what they tell.

mod children;
mod credible;
mod damage;
mod facts;
mod given;
mod importer;
mod moment;
mod mtrace_log;
mod old_result;
mod recorded;
mod saved_report;

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::capture::{CaptureSet, Head, RunInput, Sign, head_of_stdin, is_stdin};
use crate::elf::is_elf;
use crate::error::{Error, Result, UsageError};
use crate::progress::Progress;
use crate::recording::is_recording;
use crate::saved;
use crate::symbols::RunToName;
pub(crate) use given::unused_beside_saved;
use importer::Importer;
pub(crate) use importer::ReadOptions;
use mtrace_log::MTRACE_LOG;
use old_result::OLD_RESULT;
pub(crate) use old_result::settled;
use recorded::RECORDING;
use saved_report::SAVED_REPORT;

/// Every format. What is of none, or cannot be looked into before it is read, is taken for the first.
static IMPORTERS: [Importer; 4] = [MTRACE_LOG, RECORDING, OLD_RESULT, SAVED_REPORT];

/// Reads all runs at the same time; in the order given, and an error is that of the first run that has one.
/// `save` is the file that will be written: it must be none of theirs.
pub(crate) fn import_all(
    inputs: &[RunInput],
    save: Option<&Path>,
    reading: ReadOptions<'_>,
) -> Result<Vec<RunToName>> {
    let open = |input| CaptureSet::open(input, recognise);
    let captures: Vec<Result<CaptureSet>> = inputs.par_iter().map(open).collect();
    let captures: Vec<CaptureSet> = captures.into_iter().collect::<Result<_>>()?;
    if let Some(file) = save {
        refuse_saving_over(file, &captures)?;
    }
    let logs = captures.iter().map(CaptureSet::log_bytes);
    logs.for_each(|bytes| reading.progress.expect(bytes));
    let captures = captures.into_par_iter();
    let import = |capture| (importer_of(&capture).import)(capture, reading);
    let runs: Vec<Result<RunToName>> = captures.map(import).collect();
    reading.progress.all_read();
    runs.into_iter().collect()
}

/// Opens the recording of a run, for those who want its events; says which file it is.
pub(crate) fn open_recording<'a>(
    input: &RunInput,
    progress: &'a Progress,
) -> Result<(PathBuf, recorded::LogBlocks<'a>)> {
    let capture = CaptureSet::open(input, recognise)?;
    let head = capture
        .log_bytes()
        .and_then(|_| Head::read(&capture.log).ok());
    match head.is_some_and(|head| is_recording(&head.bytes)) {
        true => Ok((capture.log.clone(), recorded::open(&capture, progress)?)),
        false => Err(Error::Usage(UsageError::NotARecording {
            path: input.path.clone(),
        })),
    }
}

/// What a run was made of is worth more than a report of it.
fn refuse_saving_over(file: &Path, captures: &[CaptureSet]) -> Result<()> {
    match captures.iter().find(|run| run.owns(file, recognise)) {
        Some(run) => Err(Error::SaveOverRun {
            path: file.to_path_buf(),
            run: run.path.clone(),
        }),
        None => saved::refuse_over(file),
    }
}

fn recognise(head: &[u8]) -> Option<Sign> {
    let (at, importer) = recognised(head)?;
    let standing = importer.standing;
    Some(Sign { at, standing })
}

fn recognised(head: &[u8]) -> Option<(usize, &'static Importer)> {
    // A program can hold any text.
    let signs = IMPORTERS.iter().filter(|_| !is_elf(head));
    let signs = signs.filter_map(|importer| Some(((importer.recognise)(head)?, importer)));
    signs.min_by_key(|(at, _)| *at)
}

fn importer_of(capture: &CaptureSet) -> &'static Importer {
    let head = match is_stdin(&capture.log) {
        true => head_of_stdin().ok(),
        false => capture
            .log_bytes()
            .and_then(|_| Head::read(&capture.log).ok())
            .map(|head| head.bytes),
    };
    let known = head.and_then(|head| recognised(&head));
    known.map_or(&IMPORTERS[0], |(_, importer)| importer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::sniff::kind_of;

    #[test]
    fn texts_are_told_apart_by_what_they_say() {
        let kinds = [
            ("= Start\n@ ./a:[0x1] + 0x10 0x18\n", "Run(Log)"),
            ("@ ./a:[0x1] - 0x10\n", "Run(Log)"),
            ("garbage\n\x00\x01\n@ ./a:[0x1] + 0x10 0x18\n", "Run(Log)"),
            (
                "3f7ce000-3f7cf000 r-xp 00000000 fe:00 1 /lib/a.so\n",
                "Maps",
            ),
            ("\nMemory not freed:\n-----------------\n", "Run(Alone)"),
            (
                "- 0x0000000000000099 Free 9 was never alloc'd 0x2\n",
                "Run(Alone)",
            ),
            ("No memory leaks.\n", "Run(Alone)"),
            (
                "{\"schema\":\"mtrace-diff-saved/9\",\"log\":\"mtrace-diff-run/1\"}\n",
                "Run(StandsIn)",
            ),
            ("{\n  \"schema\": \"mtrace-diff/1\"\n}\n", "Report"),
            (
                "{\"a\": \"mtrace-diff\",\n \"schema\": \"mtrace-diff-run/1\"}\n",
                "Manifest",
            ),
            ("total_cnt: 2504\n0x3f70df41:\t\t200\n", "Run(Alone)"),
            ("", "Empty"),
            ("\n\n", "Empty"),
            ("a README that speaks of mtrace\n", "Other"),
            ("{ \"name\": \"x\" }\n", "Json"),
            ("BZh91AY&SY\u{0}\u{1}", "Unclear"),
            ("\u{0}\u{0}\u{0}", "Unclear"),
            ("int f(void)\n{\n    return base + 0x10\n", "Other"),
            (" [0x8048209] - 0x8064cc8\n", "Run(Log)"),
        ];
        for (text, kind) in kinds {
            assert_eq!(
                format!("{:?}", kind_of(text.as_bytes(), recognise)),
                kind,
                "{text}"
            );
        }
    }

    #[test]
    fn a_program_that_speaks_of_results_is_none() {
        for text in ["No memory leaks.\n", "= Start\n"] {
            let program = format!("\u{7f}ELF\n{text}");
            assert!(recognised(text.as_bytes()).is_some());
            assert!(recognised(program.as_bytes()).is_none());
        }
    }
}
