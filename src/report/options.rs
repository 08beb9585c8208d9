//! What a reader wants to see of a report.

use super::glyphs::{Glyphs, Page};
use super::names::readable;

/// How much of a report is written, and how it looks; each format takes from it what concerns it.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// At most this many sites.
    pub top: usize,
    /// Every site, grown or not, hidden or not.
    pub all: bool,
    /// The whole chain of inlined calls under each site.
    pub inlines: bool,
    /// The curve of each site.
    pub trend: bool,
    /// The callers of each site; `None` to leave them out.
    pub stacks: Option<StackView>,
    /// The rank of a site whose verdict is to be explained.
    pub explain: Option<usize>,
    /// Columns of the terminal; `None` for as many as the longest name needs.
    pub width: Option<usize>,
    /// Draw with colours.
    pub color: bool,
    /// Draw with ASCII alone.
    pub ascii: bool,
    /// Names of C++ as the compiler has them, with all default arguments.
    pub full_names: bool,
}

impl Options {
    /// What the table is written on.
    pub(super) fn page(&self) -> Page {
        Page {
            columns: self.width,
            glyphs: match self.ascii {
                true => Glyphs::Ascii,
                false => Glyphs::Unicode,
            },
        }
    }

    /// A function's name as it is shown.
    pub(super) fn name(&self, name: &str) -> String {
        match self.full_names {
            true => name.to_owned(),
            false => readable(name).into_owned(),
        }
    }
}

/// As the command has it where nothing is asked for, without colour.
impl Default for Options {
    fn default() -> Options {
        Options {
            top: 20,
            all: false,
            inlines: false,
            trend: true,
            stacks: None,
            explain: None,
            width: None,
            color: false,
            ascii: false,
            full_names: false,
        }
    }
}

/// How much of the callers of a site is shown.
#[derive(Debug, Clone, Copy)]
pub struct StackView {
    /// Branches of a smaller share of the site, from 0 to 1, are summed up.
    pub share: f64,
}
