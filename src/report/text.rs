//! Texts that have to fit.

use unicode_truncate::UnicodeTruncateStr;
use unicode_width::UnicodeWidthStr;

use super::glyphs::{Glyphs, Page};
use crate::file_name::last_part;

/// How many columns a text takes.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// Cut at the end: what a name begins with says most.
pub(super) fn cut_end(text: &str, columns: usize, glyphs: Glyphs) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let ellipsis = glyphs.ellipsis();
    let (kept, _) = text.unicode_truncate(columns.saturating_sub(width(ellipsis)));
    format!("{kept}{ellipsis}")
}

/// Cut in the middle, where a name's end says as much as its beginning.
pub(super) fn cut_middle(text: &str, columns: usize, glyphs: Glyphs) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let ellipsis = glyphs.ellipsis();
    let room = columns.saturating_sub(width(ellipsis));
    let (head, head_width) = text.unicode_truncate(room / 3);
    let (tail, _) = text.unicode_truncate_start(room - head_width);
    format!("{head}{ellipsis}{tail}")
}

/// A path cut at its beginning, between directories where that leaves the file: `…/net/session.c:57`.
pub(super) fn cut_path(path: &str, columns: usize, glyphs: Glyphs) -> String {
    if width(path) <= columns {
        return path.to_owned();
    }
    let ellipsis = glyphs.ellipsis();
    let room = columns.saturating_sub(width(ellipsis));
    let mut tails = path.match_indices('/').map(|(at, _)| &path[at..]);
    let name = last_part(path);
    match tails.find(|tail| width(tail) <= room) {
        Some(tail) => format!("{ellipsis}{tail}"),
        None if width(name) <= columns => name.to_owned(),
        None => {
            let (tail, _) = name.unicode_truncate_start(room);
            format!("{ellipsis}{tail}")
        }
    }
}

/// Lines that fit the page, the first behind `lead`, the others indented as far.
pub(crate) fn wrapped(lead: &str, text: &str, page: Page) -> String {
    let text = page.glyphs.text(text);
    let indent = " ".repeat(width(lead));
    let Some(columns) = page.columns else {
        return format!("{lead}{text}");
    };
    // A terminal of a few columns is no reason to break a text after every letter.
    let options = textwrap::Options::new(columns.max(40))
        .initial_indent(lead)
        .subsequent_indent(&indent)
        .break_words(false);
    textwrap::fill(&text, options)
}

/// Facts with a dot between them, broken between facts where the line is full.
pub(super) fn facts(lead: &str, facts: &[String], page: Page) -> String {
    let dot = page.glyphs.text(" · ");
    let lead = page.glyphs.text(lead);
    let indent = " ".repeat(width(&lead));
    let mut out = lead.into_owned();
    let mut used = width(&indent);
    for (index, fact) in facts.iter().enumerate() {
        let fact = page.glyphs.text(fact);
        let needed = width(&fact) + if index > 0 { width(&dot) } else { 0 };
        if index > 0 && page.columns.is_some_and(|columns| used + needed > columns) {
            out.push('\n');
            out.push_str(&indent);
            used = width(&indent) + width(&fact);
        } else {
            out.push_str(if index > 0 { &dot } else { "" });
            used += needed;
        }
        out.push_str(&fact);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNICODE: Glyphs = Glyphs::Unicode;

    #[test]
    fn cuts_keep_to_the_width() {
        assert_eq!(cut_end("session_open", 20, UNICODE), "session_open");
        assert_eq!(cut_end("session_open", 8, UNICODE), "session…");
        assert_eq!(cut_end("session_open", 8, Glyphs::Ascii), "sessi...");
        let module = "libsensors.so.1";
        assert_eq!(cut_middle(module, 10, UNICODE), "lib…s.so.1");
        // A wide character is never cut in half.
        for cut in [cut_end, cut_middle, cut_path] {
            assert!(width(&cut("程序程序程序", 6, UNICODE)) <= 6);
            assert!(width(&cut("程序程序程序", 6, Glyphs::Ascii)) <= 6);
        }
    }

    #[test]
    fn of_a_path_the_file_stays() {
        let path = "/opt/gateway/src/gateway.c:57";
        for (columns, cut) in [
            (29, path),
            (28, "…/gateway/src/gateway.c:57"),
            (20, "…/src/gateway.c:57"),
            (14, "…/gateway.c:57"),
            (12, "gateway.c:57"),
            (8, "…ay.c:57"),
        ] {
            assert_eq!(cut_path(path, columns, UNICODE), cut);
        }
        assert_eq!(cut_path(path, 16, Glyphs::Ascii), ".../gateway.c:57");
    }

    #[test]
    fn facts_break_between_facts_only() {
        let list = ["one two".to_owned(), "three".to_owned(), "four".to_owned()];
        let page = |columns, glyphs| Page { columns, glyphs };
        let facts = |page| facts("> ", &list, page);
        assert_eq!(facts(page(None, UNICODE)), "> one two · three · four");
        let two = page(Some(18), Glyphs::Ascii);
        assert_eq!(facts(two), "> one two - three\n  four");
    }
}
