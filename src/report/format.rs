//! The ways in which a report can be written, in one list.

use std::io::Write;

use super::options::Options;
use super::{Report, faults, json, listing, table};
use crate::error::Result;

/// A way to write a report.
#[derive(Debug, Clone, Copy)]
pub struct Format {
    /// As people ask for it.
    pub name: &'static str,
    /// For the help; empty where the name says it.
    pub about: &'static str,
    /// It lists the blocks of one run, and so needs them one by one.
    pub lists_blocks: bool,
    /// It writes one JSON document, which has no colours.
    pub is_json: bool,
    write: fn(&Report, &Options, &mut dyn Write) -> Result<()>,
}

/// Every format; the first one is used where none is asked for.
pub const FORMATS: [Format; 4] = [
    Format {
        name: "table",
        about: "",
        lists_blocks: false,
        is_json: false,
        write: table::write,
    },
    Format {
        name: "json",
        about: "A JSON document with the schema mtrace-diff/1",
        lists_blocks: false,
        is_json: true,
        write: json::write,
    },
    Format {
        name: "mtrace",
        about: "Same as mtrace(1)",
        lists_blocks: true,
        is_json: false,
        write: listing::write_mtrace,
    },
    Format {
        name: "mtrace-do",
        about: "Same as mtrace_do.py",
        lists_blocks: true,
        is_json: false,
        write: listing::write_mtrace_do,
    },
];

/// What went wrong in a run, by caller, as a table.
pub(crate) const FAULTS: Format = Format {
    name: "errors",
    about: "",
    lists_blocks: false,
    is_json: false,
    write: faults::write,
};

impl Format {
    /// The format of a name; `None` where there is no such.
    pub fn named(name: &str) -> Option<Format> {
        FORMATS.into_iter().find(|format| format.name == name)
    }

    /// Draws a report.
    pub fn write(&self, report: &Report, options: &Options, out: &mut dyn Write) -> Result<()> {
        (self.write)(report, options, out)
    }
}
