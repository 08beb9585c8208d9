//! What terminals can show.

use std::io;

use clap::ValueEnum;

use crate::report::{Page, wrapped_text};

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Color {
    Auto,
    Always,
    Never,
}

impl Color {
    /// Whether standard output is to be coloured.
    pub(super) fn is_on(self) -> bool {
        match self {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never
            }
        }
    }
}

/// Columns of the terminal that standard output, or else standard error or input, is.
pub(super) fn terminal_width() -> Option<u16> {
    terminal_size::terminal_size().map(|(width, _)| width.0)
}

/// Text for standard error, in lines that fit where it is a terminal.
pub(super) fn on_stderr(lead: &str, text: &str) -> String {
    let columns = terminal_size::terminal_size_of(io::stderr());
    let page = Page {
        columns: columns.map(|(width, _)| width.0.into()),
        ..Page::default()
    };
    wrapped_text(lead, text, page)
}
