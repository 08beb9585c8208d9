//! The characters of a report: Unicode, or ASCII where nothing else can be shown.
//!
//! Texts are written with Unicode everywhere, and translated here, once, before they are laid out: what takes the
//! place of a character can be wider than it, so a writer behind the layout would come too late.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Which characters are drawn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Glyphs {
    #[default]
    Unicode,
    Ascii,
}

impl Glyphs {
    /// A text as it is drawn. Characters of names that have no likeness are escaped.
    pub(crate) fn text(self, text: &str) -> Cow<'_, str> {
        if self == Glyphs::Unicode || text.is_ascii() {
            return Cow::Borrowed(text);
        }
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            match likeness(c) {
                Some(likeness) => out.push_str(likeness),
                None if c.is_ascii() => out.push(c),
                None => {
                    let _ = write!(out, "{}", c.escape_unicode());
                }
            }
        }
        Cow::Owned(out)
    }

    /// What stands where a text was cut.
    pub(crate) fn ellipsis(self) -> &'static str {
        match self {
            Glyphs::Unicode => "…",
            Glyphs::Ascii => "...",
        }
    }

    /// A line below the heads of a table.
    pub(crate) fn rule(self, columns: usize) -> String {
        match self {
            Glyphs::Unicode => "─",
            Glyphs::Ascii => "-",
        }
        .repeat(columns)
    }
}

fn likeness(c: char) -> Option<&'static str> {
    Some(match c {
        'Δ' => "delta",
        '…' => "...",
        '–' | '—' | '─' | '·' => "-",
        '→' => "->",
        '±' => "+/-",
        '←' => "<-",
        '×' => "x",
        '├' => "|",
        '│' => "|",
        '└' => "`",
        '▁' => "_",
        '▂' | '▃' => ".",
        '▄' | '▅' => "-",
        '▆' | '▇' => "=",
        '█' => "#",
        _ => return None,
    })
}

/// What a report is written on.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Page {
    /// `None` for as many columns as the longest line needs.
    pub columns: Option<usize>,
    pub glyphs: Glyphs,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_likeness_is_escaped() {
        let text = "Δ +3 · ← größe.c …";
        assert_eq!(Glyphs::Unicode.text(text), text);
        let drawn = Glyphs::Ascii.text(text);
        assert_eq!(drawn, "delta +3 - <- gr\\u{f6}\\u{df}e.c ...");
    }
}
