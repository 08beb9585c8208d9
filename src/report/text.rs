//! Texts that have to fit.

use unicode_truncate::UnicodeTruncateStr;
use unicode_width::UnicodeWidthStr;

/// How many columns a text takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// Cut at the end: what a function name begins with says most.
pub fn cut_end(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let (kept, _) = text.unicode_truncate(columns.saturating_sub(1));
    format!("{kept}…")
}

/// Cut in the middle: a path's end, with the file and the line, says most, and its beginning some.
pub fn cut_middle(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let room = columns.saturating_sub(1);
    let (head, head_width) = text.unicode_truncate(room / 3);
    let (tail, _) = text.unicode_truncate_start(room - head_width);
    format!("{head}…{tail}")
}

/// Lines of at most `columns`, the first behind `lead`, the others indented as far.
pub fn wrapped(lead: &str, text: &str, columns: Option<usize>) -> String {
    let indent = " ".repeat(width(lead));
    let Some(columns) = columns else {
        return format!("{lead}{text}");
    };
    // A terminal of a few columns is no reason to break a text after every letter.
    let options = textwrap::Options::new(columns.max(40))
        .initial_indent(lead)
        .subsequent_indent(&indent)
        .break_words(false);
    textwrap::fill(text, options)
}

/// Facts with a dot between them, broken between facts where the line is full.
pub fn facts(lead: &str, facts: &[String], columns: Option<usize>) -> String {
    const DOT: &str = " · ";
    let indent = " ".repeat(width(lead));
    let mut out = lead.to_owned();
    let mut used = width(lead);
    for (index, fact) in facts.iter().enumerate() {
        let needed = width(fact) + if index > 0 { width(DOT) } else { 0 };
        if index > 0 && columns.is_some_and(|columns| used + needed > columns) {
            out.push('\n');
            out.push_str(&indent);
            used = width(&indent) + width(fact);
        } else {
            out.push_str(if index > 0 { DOT } else { "" });
            used += needed;
        }
        out.push_str(fact);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_keep_to_the_width() {
        assert_eq!(cut_end("session_open", 20), "session_open");
        assert_eq!(cut_end("session_open", 8), "session…");
        assert_eq!(
            cut_middle("/opt/gateway/src/gateway.c:57", 20),
            "/opt/g…c/gateway.c:57".replace("c/g", "/g")
        );
        assert_eq!(width(&cut_middle("/opt/gateway/src/gateway.c:57", 20)), 20);
        // A wide character is never cut in half.
        assert!(width(&cut_end("程序程序程序", 6)) <= 6);
        assert!(width(&cut_middle("程序程序程序", 6)) <= 6);
    }

    #[test]
    fn facts_break_between_facts_only() {
        let list = ["one two".to_owned(), "three".to_owned(), "four".to_owned()];
        assert_eq!(facts("> ", &list, None), "> one two · three · four");
        assert_eq!(facts("> ", &list, Some(18)), "> one two · three\n  four");
    }
}
