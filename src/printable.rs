//! Text from logs, maps and ELF files, made safe to show.
//!
//! A path or a symbol can hold any byte. What reaches a terminal or a file must not be able to
//! move the cursor, change colours or reorder the line.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Bytes as text: invalid UTF-8 becomes U+FFFD, control characters become `\u{1b}`-style escapes.
pub(crate) fn printable_bytes(bytes: &[u8]) -> String {
    match String::from_utf8_lossy(bytes) {
        Cow::Borrowed(text) => printable(text).into_owned(),
        Cow::Owned(text) => printable(&text).into_owned(),
    }
}

/// A path as text, escaped like [`printable_bytes`].
pub(crate) fn printable_path(path: &std::path::Path) -> String {
    use std::os::unix::ffi::OsStrExt;
    printable_bytes(path.as_os_str().as_bytes())
}

/// The last part of a path, as [`printable_path`].
pub(crate) fn printable_name(path: &std::path::Path) -> String {
    printable_path(path.file_name().map_or(path, std::path::Path::new))
}

/// Text with what cannot be seen escaped: see [`is_unsafe`].
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
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
pub(crate) fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}')
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
        || matches!(
            c,
            '\u{ad}' | '\u{180e}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}'
        )
}

/// A longer name is cut, with a mark that tells it from others of the same beginning: its length and
/// its checksum. Of the C++ programs that were looked at, one name in ten thousand is longer.
const LONGEST: usize = 1024;

/// What is left of a name that is cut, beside the mark.
const KEPT: usize = 960;

/// Of a name that is longer than this only both ends are looked at.
pub(crate) const LONGEST_READ: usize = 64 * 1024;

/// A name as it can be shown: without control characters, and cut if it is too long.
pub(crate) fn shortened(name: &str) -> String {
    let beginning = &name[..boundary(name, LONGEST)];
    match printable(beginning) {
        text if name.len() <= LONGEST && text.len() <= LONGEST => text.into_owned(),
        text => cut(&text, name.as_bytes()),
    }
}

/// The same of bytes that are not looked at as a whole.
pub(crate) fn shortened_bytes(name: &[u8]) -> String {
    match name.len() <= LONGEST {
        true => shortened(&String::from_utf8_lossy(name)),
        false => cut(&printable_bytes(&name[..KEPT]), name),
    }
}

/// The beginning of a name, and what tells it from others.
fn cut(text: &str, name: &[u8]) -> String {
    let mut crc = crc32fast::Hasher::new();
    match name.len() <= LONGEST_READ {
        true => crc.update(name),
        false => {
            crc.update(&name[..LONGEST_READ / 2]);
            crc.update(&name[name.len() - LONGEST_READ / 2..]);
        }
    }
    let (kept, crc) = (&text[..boundary(text, KEPT)], crc.finalize());
    format!("{kept}…[{} bytes, {crc:08x}]", name.len())
}

/// The end of the last whole character within so many bytes.
fn boundary(text: &str, bytes: usize) -> usize {
    let mut ends = (0..=bytes.min(text.len())).rev();
    ends.find(|end| text.is_char_boundary(*end)).unwrap_or(0)
}

/// The first few names, and how many more there are.
pub(crate) fn some(names: &[String]) -> String {
    const SOME: usize = 5;
    match names.len() {
        0..=SOME => names.join(", "),
        n => format!("{} and {} more", names[..SOME].join(", "), n - SOME),
    }
}

/// So many names are listed before the rest is counted.
const LISTED: usize = 8;

/// `: a, b and c`, or nothing for an empty list.
pub(crate) fn listing(lead: &str, names: &[String]) -> String {
    if names.len() > LISTED {
        let more = names.len() - LISTED;
        return format!("{lead} {} and {more} more", names[..LISTED].join(", "));
    }
    match names {
        [] => String::new(),
        [one] => format!("{lead} {one}"),
        [firsts @ .., last] => format!("{lead} {} and {last}", firsts.join(", ")),
    }
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

    #[test]
    fn a_long_name_is_cut_and_still_differs_from_others() {
        let long = |end: &str| shortened(&format!("f<{}{end}", "x".repeat(100_000)));
        let (a, b) = (long("a>"), long("b>"));
        assert_ne!(a, b);
        assert_eq!(a, long("a>"));
        assert!(a.starts_with("f<xxx") && a.contains("…[100004 bytes, "));
        assert!(a.len() <= LONGEST && b.len() <= LONGEST);
        let fits = "y".repeat(LONGEST);
        assert_eq!(shortened(&fits), fits);
        // Escapes are longer than what they stand for, and no character is cut in two.
        for odd in ["\u{1b}".repeat(LONGEST), "€".repeat(LONGEST)] {
            assert!(shortened(&odd).len() <= LONGEST);
        }
    }
}
