//! The last gate on the way out: nothing but text and our own colours leaves the program.
//!
//! Text of logs, files and options is made printable where it is read. What should get past that, in a
//! library's message or a field that nobody thought of, is stopped here.

use std::io::{self, BufWriter, Write};

use crate::error::Result;
use crate::printable::is_unsafe;

/// What takes the place of a character that must not be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Escape {
    /// `\u{1b}`, for people.
    Text,
    /// The same, of all characters beyond ASCII, too.
    Ascii,
    /// `\u001b`, which is the same character to whoever reads JSON.
    Json,
}

/// Passes on what can be shown, and colours if there are to be any.
#[derive(Debug)]
pub(super) struct Clean<W> {
    inner: W,
    escape: Escape,
    colors: bool,
    /// The beginning of a character or of a colour, whose end has not come yet.
    begun: Vec<u8>,
}

/// No colour takes as many bytes.
const LONGEST_COLOR: usize = 32;

impl<W: Write> Clean<W> {
    pub(super) fn new(inner: W, escape: Escape, colors: bool) -> Self {
        Clean {
            inner,
            escape,
            colors,
            begun: Vec::new(),
        }
    }

    /// Writes what was begun and never ended, and all that waits.
    pub(super) fn finish(mut self) -> io::Result<()> {
        let rest = std::mem::take(&mut self.begun);
        self.pass(&String::from_utf8_lossy(&rest))?;
        self.inner.flush()
    }

    /// Writes text, with what must not be written in another form.
    fn pass(&mut self, text: &str) -> io::Result<()> {
        let mut plain = 0;
        // The script's lines have tabs between their fields.
        let is_seen = |c: char| !is_unsafe(c) && (c.is_ascii() || self.escape != Escape::Ascii);
        let is_written = |c: char| matches!(c, '\n' | '\t') || is_seen(c);
        for (at, c) in text.char_indices().filter(|(_, c)| !is_written(*c)) {
            self.inner.write_all(&text.as_bytes()[plain..at])?;
            match self.escape {
                Escape::Text | Escape::Ascii => write!(self.inner, "{}", c.escape_unicode())?,
                Escape::Json => {
                    for unit in c.encode_utf16(&mut [0; 2]) {
                        write!(self.inner, "\\u{unit:04x}")?;
                    }
                }
            }
            plain = at + c.len_utf8();
        }
        self.inner.write_all(&text.as_bytes()[plain..])
    }
}

/// How long the colour is that `bytes` begin with: `ESC [ 1;31 m`. `None` where they begin with none; 0 where its end
/// has not come yet.
fn color(bytes: &[u8]) -> Option<usize> {
    match bytes {
        [0x1b] => return Some(0),
        [0x1b, b'[', ..] => {}
        _ => return None,
    }
    let body = &bytes[2..];
    match body.iter().position(|b| !matches!(b, b'0'..=b'9' | b';')) {
        Some(end) if body[end] == b'm' => Some(end + 3),
        None if bytes.len() < LONGEST_COLOR => Some(0),
        _ => None,
    }
}

impl<W: Write> Write for Clean<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut all = std::mem::take(&mut self.begun);
        all.extend_from_slice(bytes);
        let mut rest = all.as_slice();
        while !rest.is_empty() {
            let escape = memchr::memchr(0x1b, rest).filter(|_| self.colors);
            let (text, behind) = rest.split_at(escape.unwrap_or(rest.len()));
            let whole = match std::str::from_utf8(text) {
                // A character whose end is in the next piece.
                Err(e) if e.error_len().is_none() && behind.is_empty() => e.valid_up_to(),
                _ => text.len(),
            };
            self.pass(&String::from_utf8_lossy(&text[..whole]))?;
            if behind.is_empty() {
                self.begun.extend_from_slice(&text[whole..]);
                break;
            }
            match color(behind) {
                Some(0) => {
                    self.begun.extend_from_slice(behind);
                    break;
                }
                Some(length) => {
                    self.inner.write_all(&behind[..length])?;
                    rest = &behind[length..];
                }
                None => {
                    self.pass("\x1b")?;
                    rest = &behind[1..];
                }
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Gives standard output, buffered, and sees to it that all of it is written, and nothing that cannot be seen.
pub(super) fn print(
    escape: Escape,
    colors: bool,
    write: impl FnOnce(&mut dyn Write) -> Result<()>,
) -> Result<()> {
    let out = BufWriter::new(io::stdout().lock());
    // The renderers write small pieces, each of which would be looked through on its own.
    let mut out = BufWriter::new(Clean::new(out, escape, colors));
    write(&mut out)?;
    let clean = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    clean.finish()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cleaned(pieces: &[&[u8]], escape: Escape, colors: bool) -> String {
        let mut out = Vec::new();
        let mut clean = Clean::new(&mut out, escape, colors);
        pieces
            .iter()
            .for_each(|piece| clean.write_all(piece).unwrap());
        clean.finish().unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn text_and_colours_pass() {
        let text = "größe\n\x1b[1;31mFAIL\x1b[0m ▁▂\n";
        assert_eq!(cleaned(&[text.as_bytes()], Escape::Text, true), text);
        assert_eq!(
            cleaned(&[text.as_bytes()], Escape::Text, false),
            "größe\n\\u{1b}[1;31mFAIL\\u{1b}[0m ▁▂\n"
        );
    }

    #[test]
    fn all_else_is_shown_not_sent() {
        let hostile = "a\x1b]0;title\x07\u{9b}31m\u{202e}b\x1b[2J\r";
        assert_eq!(
            cleaned(&[hostile.as_bytes()], Escape::Text, true),
            "a\\u{1b}]0;title\\u{7}\\u{9b}31m\\u{202e}b\\u{1b}[2J\\u{d}"
        );
        assert_eq!(
            cleaned(
                &["größe \x1b[31m+3\x1b[0m\n".as_bytes()],
                Escape::Ascii,
                true
            ),
            "gr\\u{f6}\\u{df}e \x1b[31m+3\x1b[0m\n"
        );
        assert_eq!(
            cleaned(&["\"\u{202e}\u{e0041}\"".as_bytes()], Escape::Json, false),
            "\"\\u202e\\udb40\\udc41\""
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn it_makes_no_difference_how_text_arrives(
            text in prop::collection::vec(prop_oneof![Just('\u{1b}'), Just('['), Just('m'), Just('3'), any::<char>()], 0..60),
            cut in any::<prop::sample::Index>(),
            colors in any::<bool>(),
        ) {
            let text: String = text.into_iter().collect();
            let bytes = text.as_bytes();
            let (head, tail) = bytes.split_at(cut.index(bytes.len() + 1));
            let whole = cleaned(&[bytes], Escape::Text, colors);
            prop_assert_eq!(&whole, &cleaned(&[head, tail], Escape::Text, colors));
            let mut rest = whole.as_str();
            while let Some(at) = rest.find(|c: char| !matches!(c, '\n' | '\t') && is_unsafe(c)) {
                let length = color(&rest.as_bytes()[at..]);
                prop_assert!(colors && length.is_some_and(|length| length > 0), "{:?}", rest);
                rest = &rest[at + length.unwrap()..];
            }
        }
    }
}
