//! What the old tools made of a log: the output of `mtrace(1)`, and the file of `mtrace_do.py`.

mod read;
mod settled;

use super::facts::{facts, inventory, modules};
use super::importer::{Importer, ReadOptions};
use crate::capture::{CaptureSet, Moment, Standing};
use crate::error::{Error, Result, UsageError};
use crate::file_name::{base_name, names_a_library};
use crate::run::{
    Addressing, Allocated, Facts, Figures, Location, NameSource, Named, RunBuilder, Source,
    Symbolized, Told, Unknown,
};
use crate::symbols::{RunToName, rebase};
use crate::trace::{Callers, LogCaller};
use crate::warning::Warning;
use read::{Offset, OldResult, ResultRow, Spot};
pub(crate) use settled::settled;

pub(super) const OLD_RESULT: Importer = Importer {
    standing: Standing::Alone,
    recognise: read::recognise,
    import,
};

/// So many blocks without a line are those of the dynamic loader, which the script leaves out: four of a program
/// that loads nothing itself, and some for each library that it does.
const LOADERS: u64 = 64;

fn import(capture: CaptureSet, reading: ReadOptions<'_>) -> Result<RunToName> {
    let result = OldResult::read(capture.open_log(reading.progress)?, &capture.log)?;
    let program = capture.program.as_ref();
    let base = program.map_or(0, |elf| elf.image_base());
    let mut callers = Callers::default();
    for row in &result.rows {
        callers.add(row.caller(base));
    }
    let addressing = match result.source {
        Source::MtraceDo => Some(Addressing::Relative),
        Source::Mtrace | Source::Log | Source::Recording => reading.addressing,
    };
    let rebased = rebase(&capture, &callers, false, addressing)?;
    if capture.at != Moment::End {
        return Err(Error::Usage(UsageError::NoMoments {
            path: capture.path,
            reason: "the result of an old tool says only what was left then",
        }));
    }
    let facts = Facts {
        unlisted: (result.source == Source::MtraceDo).then_some(result.unlisted),
        ..facts(&capture, &rebased, result.source, result.warnings())
    };
    let mut run = RunBuilder::of(modules(&rebased));
    for (row, location) in result.rows.iter().zip(rebased.locations(&callers)) {
        let at = run.add_location(row.amended(location));
        if row.figures().allocated() {
            run.add_site(at, Allocated::of(row.figures()));
        }
    }
    let run = run.build(Told {
        facts,
        inventory: inventory(&capture),
        ..Told::default()
    });
    Ok(RunToName::new(run, rebased.modules, capture))
}

impl OldResult {
    /// What the reader of a report has to know.
    fn warnings(&self) -> Vec<Warning> {
        let missing = match self.source {
            Source::MtraceDo => {
                "bytes, the blocks of 32-bit ARM's dynamic loader, what was allocated and freed again, or what went wrong"
            }
            Source::Mtrace | Source::Log | Source::Recording => {
                "the modules of callers, what was allocated and freed again, or what went wrong"
            }
        };
        let tool = self.source.tool();
        let mut warnings = vec![Warning::OldResult { tool, missing }];
        if self.unlisted > LOADERS {
            let listed = self.rows.iter().map(|row| row.blocks);
            let listed = listed.fold(0, u64::saturating_add);
            let total = listed.saturating_add(self.unlisted);
            warnings.push(Warning::ResultIncomplete { listed, total });
        }
        warnings
    }
}

impl ResultRow {
    /// The caller as a log of relative addresses would have it, for a row of the script; in one of
    /// `mtrace(1)` it stands as it is. `base` is the first address of the program's file.
    fn caller(&self, base: u64) -> LogCaller<'_> {
        match &self.module {
            Some(module) => LogCaller {
                file: Some(module),
                symbol: None,
                address: self.relative(module, base),
            },
            None => self.spot.caller(),
        }
    }

    fn relative(&self, module: &[u8], base: u64) -> Option<u64> {
        let number = self.spot.caller().address?;
        match self.offset? {
            Offset::Negative => Some(number),
            Offset::From(offset) if offset < number => Some(offset),
            // The script took nothing off, so this is its line as this program writes it: there it
            // is the link-time address.
            Offset::From(offset) if names_a_library(base_name(module)) => Some(offset),
            Offset::From(offset) => Some(offset.checked_sub(base).unwrap_or(offset)),
        }
    }

    fn figures(&self) -> Figures {
        Figures {
            blocks: self.blocks,
            bytes: self.bytes,
            allocations: None,
        }
    }

    /// The place of the caller, with what the result itself says of it.
    fn amended(&self, location: Location) -> Location {
        let number = self.spot.caller().address;
        let line = match &self.spot {
            Spot::Line(Some(line)) => Named::new(vec![line.clone()], NameSource::Dwarf),
            _ => None,
        };
        Location {
            number,
            name: match (line, location.name) {
                (Some(line), _) => Symbolized::Named(line),
                // The script writes `unknown` where its maps do not show the module.
                (None, Symbolized::Unknown(Unknown::NoAddress)) if number.is_some() => {
                    Symbolized::Unknown(Unknown::NoMaps)
                }
                (None, name) => name,
            },
            ..location
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn offsets_of_the_script_become_relative_addresses() {
        // What it calculated; what it spoiled; what it did not know; and link-time addresses, of the
        // program at 0x10000, as this program writes them.
        let text = "total_cnt: 17\nb'0x3f70df41':\t\t5\t\t b'/lib/libc.so.6'\t\t0x5af41\n\
                    0x41f:\t\t6\t\tb\"/opt/it's.so\"\t\t-0x3f7d0be1\n\
                    0x99:\t\t1\t\tunknown\t\tunknown\n0x98:\t\t1\t\t./app\t\tunknown\n\
                    0x10499:\t\t1\t\t./app\t\t0x10499\n0x499:\t\t1\t\t./app\t\t0x10499\n\
                    0x30499:\t\t1\t\t./app\t\t0x20499\n";
        let result = OldResult::read(text.as_bytes(), Path::new("r")).unwrap();
        let caller = |row: &ResultRow| {
            let caller = row.caller(0x10000);
            let file = caller
                .file
                .map(|file| String::from_utf8(file.to_vec()).unwrap());
            (file.unwrap_or_default(), caller.address)
        };
        let callers: Vec<_> = result.rows.iter().map(caller).collect();
        let expected = [
            ("/lib/libc.so.6", Some(0x5af41)),
            ("/opt/it's.so", Some(0x41f)),
            ("", Some(0x99)),
            ("./app", None),
            ("./app", Some(0x499)),
            ("./app", Some(0x499)),
            ("./app", Some(0x20499)),
        ];
        assert_eq!(callers, expected.map(|(file, at)| (file.to_owned(), at)));
    }
}
