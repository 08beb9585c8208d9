//! Markdown for a terminal: headings bold, code indented, tables drawn, text wrapped.

use comfy_table::{ColumnConstraint, ContentArrangement, LineStyle, Table, TableStyle, Width};
use owo_colors::{OwoColorize, Style};
use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use textwrap::core::Word;
use textwrap::{WordSeparator, WordSplitter};
use unicode_width::UnicodeWidthChar;

/// Columns of marks, numbers and names are not worth a break.
const NEVER_BROKEN: u16 = 14;

/// A chapter as text of at most `columns`, but for code, which is never broken.
pub(crate) fn render(markdown: &str, columns: usize, color: bool) -> String {
    let mut page = PageWriter {
        columns,
        color,
        ..PageWriter::default()
    };
    Parser::new_ext(markdown, Options::ENABLE_TABLES).for_each(|event| page.take(event));
    page.out
}

/// Chinese, that is: two columns in a terminal, and a line may end behind it.
fn is_wide(character: char) -> bool {
    character.width() == Some(2)
}

/// Lines do not begin with these.
const CLOSING: &str = "，。、；：！？）】》";

/// Words end at blanks, and behind each Chinese character.
fn words(line: &str) -> Box<dyn Iterator<Item = Word<'_>> + '_> {
    let mut rest = line;
    Box::new(std::iter::from_fn(move || {
        let next = |from: usize| rest[from..].chars().next();
        let ends = |(at, c): (usize, char)| {
            let end = at + c.len_utf8();
            let is_end = match next(end) {
                Some(' ') | None => false,
                Some(next) => c == ' ' || (is_wide(c) || is_wide(next)) && !CLOSING.contains(next),
            };
            is_end.then_some(end)
        };
        let end = rest.char_indices().find_map(ends).unwrap_or(rest.len());
        let (word, behind) = rest.split_at(end);
        rest = behind;
        (!word.is_empty()).then(|| Word::from(word))
    }))
}

#[derive(Default)]
struct PageWriter {
    columns: usize,
    color: bool,
    out: String,
    /// Text of the paragraph, heading, item or cell that is being read.
    text: String,
    /// Of each list that is open: the number of the next item, if it is numbered.
    lists: Vec<Option<u64>>,
    /// What stands before the next line of text: the mark of an item that has just begun.
    mark: Option<String>,
    /// Where a link leads to, if that is not a chapter of its own name.
    link: Option<String>,
    /// Cells of the table that is being read, row by row.
    table: Vec<Vec<String>>,
}

impl PageWriter {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.begin(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => self.text += &text,
            Event::Code(text) => self.text += &self.styled(&text, Style::new().cyan()),
            // Chinese has no blanks, so a line that ends there is no place for one.
            Event::SoftBreak if self.text.chars().last().is_some_and(is_wide) => {}
            Event::SoftBreak => self.text.push(' '),
            Event::HardBreak => self.text.push('\n'),
            _ => {}
        }
    }

    fn begin(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::List(first) => {
                // A list within an item: the item's own text comes first.
                self.flush();
                self.lists.push(first);
            }
            Tag::Item => {
                let mark = match self.lists.last_mut() {
                    Some(Some(number)) => {
                        *number += 1;
                        format!("{}. ", *number - 1)
                    }
                    _ => "- ".to_owned(),
                };
                self.mark = Some(mark);
            }
            Tag::CodeBlock(_) => self.flush(),
            Tag::Table(_) => self.table.clear(),
            Tag::TableHead | Tag::TableRow => self.table.push(Vec::new()),
            Tag::Link { dest_url, .. } => self.link = Some(dest_url.into_string()),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(level) => self.heading(level),
            TagEnd::Paragraph => {
                self.flush();
                self.blank_line();
            }
            TagEnd::Item => self.flush(),
            TagEnd::List(_) => {
                self.lists.pop();
                if self.lists.is_empty() {
                    self.blank_line();
                }
            }
            TagEnd::CodeBlock => self.code(),
            TagEnd::TableCell => {
                let cell = std::mem::take(&mut self.text);
                if let Some(row) = self.table.last_mut() {
                    row.push(cell);
                }
            }
            TagEnd::Table => self.draw_table(),
            TagEnd::Link => self.link_target(),
            _ => {}
        }
    }

    fn styled(&self, text: &str, style: Style) -> String {
        match self.color {
            true => text.style(style).to_string(),
            false => text.to_owned(),
        }
    }

    fn heading(&mut self, level: HeadingLevel) {
        let text = std::mem::take(&mut self.text);
        let text = match level {
            HeadingLevel::H1 => text.to_uppercase(),
            _ => text,
        };
        if level != HeadingLevel::H1 {
            self.blank_line();
        }
        let text = self.styled(&text, Style::new().bold());
        self.out += &format!("{text}\n\n");
    }

    /// How far the text of the innermost item stands from the left.
    fn indent(&self) -> String {
        " ".repeat(3 * self.lists.len().saturating_sub(1) + self.mark_width())
    }

    fn mark_width(&self) -> usize {
        match self.lists.last() {
            None => 0,
            Some(None) => 2,
            Some(Some(_)) => 3,
        }
    }

    /// Writes the text that was read, wrapped.
    fn flush(&mut self) {
        let text = std::mem::take(&mut self.text);
        if text.trim().is_empty() {
            return;
        }
        let rest = self.indent();
        let first = match self.mark.take() {
            Some(mark) => format!("{}{mark}", &rest[..rest.len().saturating_sub(mark.len())]),
            None => rest.clone(),
        };
        let options = textwrap::Options::new(self.columns.max(40))
            .initial_indent(&first)
            .subsequent_indent(&rest)
            .word_separator(WordSeparator::Custom(words))
            .word_splitter(WordSplitter::NoHyphenation)
            .break_words(false);
        self.out += &textwrap::fill(text.trim(), options);
        self.out.push('\n');
    }

    fn blank_line(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    fn code(&mut self) {
        self.blank_line();
        let code = std::mem::take(&mut self.text);
        let indent = format!("{}    ", self.indent());
        for line in code.lines() {
            let line = format!("{indent}{line}");
            self.out += line.trim_end();
            self.out.push('\n');
        }
        self.out.push('\n');
    }

    /// A chapter is asked for by its name, so only where a link leads elsewhere is its target shown.
    fn link_target(&mut self) {
        let Some(target) = self.link.take() else {
            return;
        };
        let target = target.split('#').next().unwrap_or_default();
        match target.strip_suffix(".md") {
            Some(chapter) if !self.text.ends_with(chapter) => {
                self.text += &format!(" (guide {chapter})");
            }
            _ => {}
        }
    }

    fn draw_table(&mut self) {
        let rows = std::mem::take(&mut self.table);
        let mut rows = rows.into_iter();
        let head = rows.next().unwrap_or_default();
        let mut table = Table::new();
        table
            .load_style(
                TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─')),
            )
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(u16::try_from(self.columns).unwrap_or(u16::MAX))
            .set_header(
                head.iter()
                    .map(|text| self.styled(text, Style::new().bold())),
            );
        for row in rows {
            table.add_row(row);
        }
        let widest = table.column_max_content_widths();
        for (column, widest) in table.column_iter_mut().zip(widest) {
            column.set_padding((0, 1));
            if widest <= NEVER_BROKEN {
                let whole = ColumnConstraint::LowerBoundary(Width::Fixed(widest + 1));
                column.set_constraint(whole);
            }
        }
        self.blank_line();
        for line in table.lines() {
            self.out += line.trim_end();
            self.out.push('\n');
        }
        self.out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_code_and_links() {
        let text = "# A *title*\n\nSee [gate](gate.md) and\n[how](matching.md#x).\n\n1. One\n\n   ```sh\n   a  b\n   ```\n\n2. Two\n   - deeper\n\nEnd.\n";
        assert_eq!(
            render(text, 80, false),
            "A TITLE\n\nSee gate and how (guide matching).\n\n1. One\n\n       a  b\n\n2. Two\n\n   - deeper\n\nEnd.\n\n"
        );
    }

    #[test]
    fn tables_have_no_pipes_and_fit() {
        let text = "| a | what |\n|---|---|\n| `x\\|y` | one two three four five six seven eight nine ten |\n";
        let drawn = render(text, 40, false);
        assert!(drawn.starts_with("a    what\n───"), "{drawn}");
        assert!(drawn.contains("\nx|y  one two"), "{drawn}");
        assert!(
            drawn.lines().all(|line| line.chars().count() <= 40),
            "{drawn}"
        );
    }

    #[test]
    fn chinese_breaks_between_characters_but_not_before_a_comma() {
        let of = |text| words(text).map(|w| w.word.to_owned()).collect::<Vec<_>>();
        assert_eq!(of("一二，ab c三。"), ["一", "二，", "ab", "c", "三。"]);
        let drawn = render(&"内存，".repeat(30), 40, false);
        assert!(drawn.lines().all(|line| !line.starts_with('，')), "{drawn}");
        assert!(drawn.lines().count() > 4, "{drawn}");
    }

    #[test]
    fn colour_changes_no_text() {
        let text = "# T\n\n## H\n\n`code` and **more**\n";
        let coloured = render(text, 80, true);
        assert!(coloured.contains('\u{1b}'));
        let plain = anstream::adapter::strip_str(&coloured).to_string();
        assert_eq!(plain, render(text, 80, false));
    }
}
