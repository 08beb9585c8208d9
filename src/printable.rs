//! Text from logs, maps and ELF files, made safe to show.
//!
//! A path or a symbol can hold any byte. What reaches a terminal or a file must not be able to
//! move the cursor, change colours or reorder the line.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Bytes as text: invalid UTF-8 becomes U+FFFD, control characters become `\u{1b}`-style escapes.
pub fn printable_bytes(bytes: &[u8]) -> String {
    match String::from_utf8_lossy(bytes) {
        Cow::Borrowed(text) => printable(text).into_owned(),
        Cow::Owned(text) => printable(&text).into_owned(),
    }
}

/// A path as text, escaped like [`printable_bytes`].
pub fn printable_path(path: &std::path::Path) -> String {
    use std::os::unix::ffi::OsStrExt;
    printable_bytes(path.as_os_str().as_bytes())
}

/// Text with what cannot be seen escaped: see [`is_unsafe`].
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_unsafe(c) {
            let _ = write!(out, "{}", c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Whether a character does something other than be seen: controls, line separators, bidirectional
/// overrides, and those that take no room, so that two names look alike that are not.
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}')
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
        || matches!(
            c,
            '\u{ad}' | '\u{180e}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_are_shown_not_sent() {
        assert_eq!(printable_bytes(b"a\x1b[31mb"), "a\\u{1b}[31mb");
        assert_eq!(printable("x\u{202e}y"), "x\\u{202e}y");
        assert_eq!(printable("two\nlines"), "two\\u{a}lines");
    }

    #[test]
    fn ordinary_text_is_left_alone() {
        assert!(matches!(printable("/opt/größe/程序"), Cow::Borrowed(_)));
        assert_eq!(printable_bytes(b"caf\xe9"), "caf\u{fffd}");
    }
}
