//! Rows of numbers and names, laid out for a width.

use comfy_table::{Cell, CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};
use owo_colors::{OwoColorize, Style};

use super::text::{cut_end, cut_middle, width};

/// What a row's colour says; its text says it too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tone {
    #[default]
    Plain,
    Grown,
    New,
    Shrunk,
    Breach,
    Quiet,
    Total,
}

/// One row: right-aligned numbers, then names. Function and place have a line a frame.
#[derive(Debug, Default)]
pub struct Cells {
    pub numbers: Vec<String>,
    pub function: Vec<String>,
    /// Behind the function where there is room, else on a line below it; empty if there is none.
    pub via: String,
    pub place: Vec<String>,
    /// Lines under the row, each a text and a place.
    pub below: Vec<(String, String)>,
    pub module: String,
    /// Stands in columns of its own where there is room, else on a line below the function.
    pub extras: Vec<Extra>,
    pub tone: Tone,
}

/// What a row has to say beside its figures and names.
#[derive(Debug, Default, Clone)]
pub struct Extra {
    pub column: String,
    /// On a line, without a head.
    pub phrase: String,
}

/// A table that is still to be given a width.
pub struct Grid {
    head: Vec<String>,
    extra_head: Vec<&'static str>,
    rows: Vec<Cells>,
}

/// Blanks between two columns: one of the column's own padding, and one where a border would be.
const GAP: usize = 2;

/// Below this many columns for names, function and place stand under each other: side by side, a
/// name of usual length would be cut (`session_open`, `/src/gateway.c:57`, `libsensors.so.1`).
const SIDE_BY_SIDE: usize = 64;

/// Names are not cut below this, even if the table gets wider than the terminal then.
const SHORTEST_NAME: usize = 16;

/// How the names of a row are laid out.
enum Names {
    /// Widths of function, place and module; extras have columns before them.
    WithExtras([usize; 3]),
    /// The same, extras under the function.
    SideBySide([usize; 3]),
    /// One column of this width.
    Stacked(usize),
}

impl Grid {
    pub fn new(head: Vec<String>, extra_head: Vec<&'static str>) -> Self {
        Grid {
            head,
            extra_head,
            rows: Vec::new(),
        }
    }

    pub fn add(&mut self, row: Cells) {
        self.rows.push(row);
    }

    /// The table as text, each line ended.
    pub fn draw(&self, columns: Option<usize>, color: bool) -> String {
        let names = self.lay_out(columns);
        let mut table = Table::new();
        table
            .load_style(
                TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─')),
            )
            .set_content_arrangement(ContentArrangement::Disabled);
        let strong = if color {
            Style::new().bold()
        } else {
            Style::new()
        };
        let mut head: Vec<Cell> = self
            .head
            .iter()
            .map(|text| Cell::new(styled(text, strong)).set_alignment(CellAlignment::Right))
            .collect();
        if let Names::WithExtras(_) = names {
            let extras = self.extra_head.iter();
            head.extend(
                extras.map(|text| {
                    Cell::new(styled(text, strong)).set_alignment(CellAlignment::Right)
                }),
            );
        }
        let names_head: &[&str] = match names {
            Names::WithExtras(_) | Names::SideBySide(_) => &["function", "file:line", "module"],
            Names::Stacked(_) => &["call site"],
        };
        head.extend(
            names_head
                .iter()
                .map(|text| Cell::new(styled(text, strong))),
        );
        table.set_header(head);
        for row in &self.rows {
            table.add_row(row_cells(row, self.extra_head.len(), &names, color));
        }
        for column in table.column_iter_mut() {
            column.set_padding((0, 1));
        }
        let mut text = String::new();
        for line in table.lines() {
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    fn lay_out(&self, columns: Option<usize>) -> Names {
        let natural = |of: &dyn Fn(&Cells) -> usize| self.rows.iter().map(of).max().unwrap_or(0);
        let longest = |lines: &[String]| lines.iter().map(|line| width(line)).max().unwrap_or(0);
        let first = |row: &Cells| {
            row.function
                .first()
                .map_or(0, |text| width(&with_via(text, &row.via)))
        };
        let function =
            natural(&|row| longest(&row.function).max(first(row))).max(width("function"));
        let below = natural(&|row| {
            row.below
                .iter()
                .map(|(text, _)| width(text))
                .max()
                .unwrap_or(0)
        });
        let function = function.max(below);
        let below = natural(&|row| {
            row.below
                .iter()
                .map(|(_, place)| width(place))
                .max()
                .unwrap_or(0)
        });
        let place = below
            .max(natural(&|row| longest(&row.place)))
            .max(width("file:line"));
        let module = natural(&|row| width(&row.module)).max(width("module"));
        let Some(columns) = columns else {
            return Names::WithExtras([function, place, module]);
        };
        let extras: usize = (0..self.extra_head.len())
            .map(|at| {
                natural(&|row| row.extras.get(at).map_or(0, |extra| width(&extra.column)))
                    .max(width(self.extra_head[at]))
                    + GAP
            })
            .sum();
        let numbers: usize = (0..self.head.len())
            .map(|at| {
                natural(&|row| row.numbers.get(at).map_or(0, |n| width(n)))
                    .max(width(&self.head[at]))
                    + GAP
            })
            .sum();
        let room = columns.saturating_sub(numbers);
        let side_by_side = room.saturating_sub(3 * GAP);
        if function + place + module + extras <= side_by_side {
            return Names::WithExtras([function, place, module]);
        }
        // Extras then stand below the function.
        let phrase = |extra: &Extra| GAP + width(&extra.phrase);
        let phrases = natural(&|row| row.extras.iter().map(phrase).max().unwrap_or(0));
        let function = function.max(phrases);
        if function + place + module <= side_by_side {
            let on_one_line = |row: &Cells| row.extras.iter().map(phrase).sum::<usize>();
            let room = side_by_side - place - module;
            let function = function.max(natural(&on_one_line).min(room));
            return Names::SideBySide([function, place, module]);
        }
        if side_by_side < SIDE_BY_SIDE {
            return Names::Stacked(room.saturating_sub(GAP).max(SHORTEST_NAME));
        }
        // The module is short and says least; then what function and place need is shared out.
        let module = module.min(side_by_side / 5);
        let left = side_by_side - module;
        let function = function.min((left / 2).max(left.saturating_sub(place)));
        Names::SideBySide([function, place.min(left - function), module])
    }
}

fn row_cells(row: &Cells, extras: usize, names: &Names, color: bool) -> Vec<Cell> {
    let last = row.numbers.len().saturating_sub(1);
    let whole_row = matches!(row.tone, Tone::Quiet | Tone::Total);
    let tone = if color {
        tone_style(row.tone)
    } else {
        Style::new()
    };
    let strong = if color {
        Style::new().bold()
    } else {
        Style::new()
    };
    let name_style = if whole_row { tone } else { strong };
    let number = |(at, text): (usize, &String)| {
        // Rank and growth carry the colour; the runs' own figures stay calm.
        let carries_tone =
            whole_row || at == 1 || at == last || (at == 0 && row.tone == Tone::Breach);
        let style = if carries_tone { tone } else { Style::new() };
        Cell::new(styled(text, style)).set_alignment(CellAlignment::Right)
    };
    let mut cells: Vec<Cell> = row.numbers.iter().enumerate().map(number).collect();
    if let Names::WithExtras(_) = names {
        let extra = |at| row.extras.get(at).map_or("", |extra: &Extra| &extra.column);
        let columns = (0..extras).map(|at| Cell::new(styled(extra(at), tone)));
        cells.extend(columns.map(|cell| cell.set_alignment(CellAlignment::Right)));
    }
    match names {
        Names::WithExtras([function, place, module])
        | Names::SideBySide([function, place, module]) => {
            let mut lines = styled_names(row, *function, name_style);
            if let Names::SideBySide(_) = names {
                let phrases = phrases(row, *function).into_iter();
                lines.extend(phrases.map(|text| (text, String::new(), tone)));
            }
            let below = row.below.iter().cloned();
            lines.extend(below.map(|(text, place)| (text, place, Style::new())));
            let functions = lines
                .iter()
                .map(|(text, _, style)| styled(&cut_end(text, *function), *style));
            let functions: Vec<String> = functions.collect();
            let places = lines.iter().map(|(_, text, _)| cut_middle(text, *place));
            cells.push(Cell::new(functions.join("\n")));
            cells.push(Cell::new(places.collect::<Vec<_>>().join("\n")));
            cells.push(Cell::new(cut_middle(&row.module, *module)));
        }
        Names::Stacked(columns) => {
            let mut text = stacked(row, *columns, name_style);
            for phrase in phrases(row, *columns) {
                text.push('\n');
                text.push_str(&styled(&phrase, tone));
            }
            for (line, place) in &row.below {
                text.push('\n');
                text.push_str(&beside(line, place, *columns));
            }
            cells.push(Cell::new(text));
        }
    }
    cells
}

fn with_via(function: &str, via: &str) -> String {
    match via {
        "" => function.to_owned(),
        via => format!("{function} {via}"),
    }
}

/// Functions and their places, line by line; the wrapper has a line of its own where it does not fit.
fn name_lines(row: &Cells, columns: usize) -> Vec<(String, String)> {
    let place = |at: usize| row.place.get(at).cloned().unwrap_or_default();
    let functions = row.function.iter().enumerate();
    let mut lines: Vec<(String, String)> = functions
        .map(|(at, text)| (text.clone(), place(at)))
        .collect();
    if let Some((function, _)) = lines.first_mut() {
        let both = with_via(function, &row.via);
        match width(&both) <= columns {
            true => *function = both,
            false => lines.insert(1, (format!("  {}", row.via), String::new())),
        }
    }
    lines
}

/// The same, each with its style.
fn styled_names(row: &Cells, columns: usize, first: Style) -> Vec<(String, String, Style)> {
    let lines = name_lines(row, columns).into_iter().enumerate();
    let styled = lines.map(|(at, (text, place))| {
        let style = if at == 0 { first } else { Style::new() };
        (text, place, style)
    });
    styled.collect()
}

/// A text and as much of its place as there is room for.
fn beside(text: &str, place: &str, columns: usize) -> String {
    let text = cut_end(text, columns);
    let room = columns.saturating_sub(width(&text) + GAP);
    let file = place.rsplit('/').next().unwrap_or(place);
    match () {
        () if !place.is_empty() && width(place) <= room => format!("{text}  {place}"),
        () if !place.is_empty() && width(file) <= room => format!("{text}  {file}"),
        () => text,
    }
}

/// All extras of a row, as few lines as they need.
fn phrases(row: &Cells, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for extra in row.extras.iter().filter(|extra| !extra.phrase.is_empty()) {
        match lines.last_mut() {
            Some(line) if width(line) + GAP + width(&extra.phrase) <= columns => {
                line.push_str("  ");
                line.push_str(&extra.phrase);
            }
            _ => lines.push(format!("  {}", extra.phrase)),
        }
    }
    lines.iter().map(|line| cut_end(line, columns)).collect()
}

/// A text in a style, and untouched in none.
fn styled(text: &str, style: Style) -> String {
    if text.is_empty() || style.is_plain() {
        return text.to_owned();
    }
    text.style(style).to_string()
}

/// The function, under it its place and module, then the chain of inlined calls likewise.
fn stacked(row: &Cells, columns: usize, name_style: Style) -> String {
    let mut lines = Vec::new();
    let names = styled_names(row, columns, name_style);
    for (at, (function, place, style)) in names.iter().enumerate() {
        lines.push(styled(&cut_end(function, columns), *style));
        if place.is_empty() {
            continue;
        }
        let indent = if at == 0 { "  " } else { "    " };
        let room = columns.saturating_sub(width(indent));
        if at > 0 {
            lines.push(format!("{indent}{}", cut_middle(place, room)));
            continue;
        }
        let both = format!("{place}  {}", row.module);
        if width(&both) <= room {
            lines.push(format!("{indent}{both}"));
        } else {
            lines.push(format!("{indent}{}", cut_middle(place, room)));
            lines.push(format!("{indent}{}", cut_middle(&row.module, room)));
        }
    }
    lines.join("\n")
}

fn tone_style(tone: Tone) -> Style {
    match tone {
        Tone::Plain => Style::new(),
        Tone::Grown => Style::new().red(),
        Tone::New => Style::new().magenta().bold(),
        Tone::Shrunk => Style::new().green(),
        Tone::Breach => Style::new().red().bold(),
        Tone::Quiet => Style::new().dimmed(),
        Tone::Total => Style::new().bold(),
    }
}
