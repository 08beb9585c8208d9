//! The lines of a table.

use hashbrown::HashMap;
use owo_colors::{OwoColorize, Style};

use super::fit::{fit, fit_apart};
use super::glyphs::Glyphs;
use super::grid::{Below, Cells, GAP, Grid, Heading, Kind, Tone};
use super::layout::{Field, Layout, Widths};
use super::palette::Palette;
use super::text::{cut_end, cut_middle, cut_path, width};

/// A table, and the columns that it had no room for.
#[derive(Debug)]
pub(super) struct Drawn {
    pub text: String,
    pub left_out: Vec<String>,
}

impl Grid {
    pub(super) fn draw(&self, color: bool) -> Drawn {
        let sizes = Widths::of(self, [&self.names[0], &self.names[1]]);
        let layout = Layout::of(&sizes, self.page.columns);
        let (text, lost) = draw(self, &layout, &Palette::new(color));
        let tails = [("module", lost.module), ("via", lost.via)];
        let tails = tails.iter().filter(|(_, is_lost)| *is_lost);
        let mut left_out = self.left_out(&layout);
        left_out.extend(tails.map(|(name, _)| (*name).to_owned()));
        Drawn { text, left_out }
    }

    /// Columns that are not drawn; runs that follow each other are one.
    fn left_out(&self, layout: &Layout) -> Vec<String> {
        let is_drawn = |at: usize| {
            layout
                .first
                .iter()
                .chain(&layout.second)
                .any(|field| field.column == at)
        };
        let missing = |at: &usize| !is_drawn(*at);
        let missing: Vec<&Heading> = (0..self.columns.len())
            .filter(missing)
            .map(|at| &self.columns[at])
            .collect();
        let (runs, others): (Vec<&Heading>, Vec<&Heading>) =
            missing.iter().partition(|column| column.kind == Kind::Run);
        let runs = match runs.as_slice() {
            [] => None,
            [only] => Some(only.head.clone()),
            [first, .., last] => Some(format!("{} to {}", first.head, last.head)),
        };
        runs.into_iter()
            .chain(others.iter().map(|column| column.head.clone()))
            .collect()
    }
}

/// What some row had no room for.
#[derive(Debug, Clone, Copy, Default)]
struct Lost {
    module: bool,
    via: bool,
}

/// Heads, a rule, and rows.
fn draw(grid: &Grid, layout: &Layout, palette: &Palette) -> (String, Lost) {
    let pen = Pen {
        grid,
        layout,
        palette,
    };
    let mut lost = Lost::default();
    let mut lines = pen.head();
    let heads = lines.len();
    for (row, name) in grid.rows.iter().zip(pen.names()) {
        pen.row(row, &name, &mut lines, &mut lost);
    }
    let of_rows = lines.iter().filter(|line| !line.is_below);
    let longest = of_rows.map(|line| line.used).max();
    let mut texts: Vec<String> = lines.iter().map(|line| line.text.clone()).collect();
    texts.insert(heads, grid.page.glyphs.rule(longest.unwrap_or(0)));
    (texts.join("\n") + "\n", lost)
}

/// A line that is being written, column by column.
#[derive(Default)]
struct DrawnLine {
    text: String,
    used: usize,
    is_below: bool,
}

impl DrawnLine {
    /// Writes a text at a column, or behind what is there already.
    fn put(&mut self, at: usize, text: &str, style: Style) {
        if text.is_empty() {
            return;
        }
        let at = at.max(self.used);
        self.text.extend(std::iter::repeat_n(' ', at - self.used));
        self.text.push_str(&styled(text, style));
        self.used = at + width(text);
    }
}

struct Pen<'a> {
    grid: &'a Grid,
    layout: &'a Layout,
    palette: &'a Palette,
}

impl Pen<'_> {
    fn head(&self) -> Vec<DrawnLine> {
        let strong = self.palette.strong;
        let heads: Vec<&str> = self
            .grid
            .columns
            .iter()
            .map(|column| column.head.as_str())
            .collect();
        let mut first = DrawnLine::default();
        let at = self.fields(&mut first, 0, &self.layout.first, &heads, |_| strong);
        first.put(at, &self.grid.names[0], strong);
        if self.layout.place > 0 {
            first.put(at + self.layout.function + GAP, &self.grid.names[1], strong);
        }
        let mut lines = vec![first];
        if !self.layout.second.is_empty() {
            let mut second = DrawnLine::default();
            self.fields(
                &mut second,
                self.layout.indent,
                &self.layout.second,
                &heads,
                |_| strong,
            );
            lines.push(second);
        }
        lines
    }

    /// Writes texts of columns, and gives the column behind them.
    fn fields<T: AsRef<str>>(
        &self,
        line: &mut DrawnLine,
        mut at: usize,
        fields: &[Field],
        texts: &[T],
        style: impl Fn(Kind) -> Style,
    ) -> usize {
        let arrow = self.grid.page.glyphs.text("→");
        for field in fields {
            let text = texts.get(field.column).map_or("", AsRef::as_ref);
            let kind = self.grid.columns[field.column].kind;
            if field.is_behind_arrow {
                if !text.is_empty() {
                    line.put(at + 1, &arrow, style(kind));
                }
                at += width(&arrow) + 2;
            }
            let text = match kind {
                Kind::Curve if width(text) > field.width => halved(text),
                _ => text.to_owned(),
            };
            let text = self.grid.page.glyphs.text(&text);
            let indent = match kind {
                Kind::Verdict | Kind::Curve => 0,
                _ => field.width.saturating_sub(width(&text)),
            };
            line.put(at + indent, &text, style(kind));
            at += field.width;
            at += if field.is_before_arrow { 0 } else { GAP };
        }
        at
    }

    /// The names of all rows, cut where they have no room, and so that no two rows look the same by that.
    fn names(&self) -> Vec<String> {
        let glyphs = self.grid.page.glyphs;
        let rows = &self.grid.rows;
        let rooms: Vec<usize> = rows.iter().map(|row| self.room_of_name(row)).collect();
        let cut = |(row, room): (&Cells, &usize)| match row.place.is_empty()
            && row.function.contains('/')
        {
            true => cut_path(&row.function, *room, glyphs),
            false => fit(&row.function, *room, glyphs),
        };
        let names: Vec<String> = rows.iter().zip(&rooms).map(cut).collect();
        let mut seen: HashMap<(&str, &str), (&str, bool)> = HashMap::new();
        for (row, name) in rows.iter().zip(&names) {
            let first = seen
                .entry((name, &row.place))
                .or_insert((&row.function, false));
            first.1 |= first.0 != row.function;
        }
        let apart = |((row, room), name): ((&Cells, &usize), &String)| {
            let looks = seen.get(&(name.as_str(), row.place.as_str()));
            match looks.is_some_and(|(_, alike)| *alike) {
                true => fit_apart(&row.function, *room, glyphs).unwrap_or_else(|| name.clone()),
                false => name.clone(),
            }
        };
        rows.iter().zip(&rooms).zip(&names).map(apart).collect()
    }

    /// A name without a place has the place's room, and all that is left where nothing follows.
    fn room_of_name(&self, row: &Cells) -> usize {
        let layout = self.layout;
        let Some(columns) = self.grid.page.columns else {
            return usize::MAX;
        };
        match (row.place.is_empty(), row.tail().is_empty()) {
            (false, _) => layout.function,
            (true, true) => {
                let none: [&str; 0] = [];
                let mut line = DrawnLine::default();
                let at = self.fields(&mut line, 0, &layout.first, &none, |_| Style::new());
                columns.saturating_sub(at)
            }
            (true, false) if layout.place > 0 => layout.function + GAP + layout.place,
            (true, false) => layout.function,
        }
    }

    /// The lines of a row.
    fn row(&self, row: &Cells, name: &str, lines: &mut Vec<DrawnLine>, lost: &mut Lost) {
        let (layout, glyphs) = (self.layout, self.grid.page.glyphs);
        let style = |kind| self.style(row, kind);
        let mut first = DrawnLine::default();
        let at = self.fields(&mut first, 0, &layout.first, &row.figures, style);
        let columns = self.grid.page.columns;
        let room = |end: usize| columns.map_or(usize::MAX, |columns| columns.saturating_sub(end));
        let tail = row.tail();
        first.put(at, name, self.name_style(row.tone));
        let behind = at + layout.function + GAP;
        let plain = self.whole_row(row.tone).unwrap_or_default();
        first.put(behind, &cut_path(&row.place, layout.place, glyphs), plain);
        let mut second = DrawnLine::default();
        let is_second = !layout.second.is_empty();
        if is_second {
            let quiet = |kind| match style(kind) {
                style if style.is_plain() && kind != Kind::Curve => self.palette.quiet,
                style => style,
            };
            self.fields(
                &mut second,
                layout.indent,
                &layout.second,
                &row.figures,
                quiet,
            );
        }
        let ends = [
            (behind + layout.place + if layout.place > 0 { GAP } else { 0 }).max(first.used + GAP),
            layout.second_end + GAP,
        ];
        // Where it is whole, or else where there is more room.
        let is_behind =
            !is_second || (width(&tail) > room(ends[1]) && room(ends[0]) > room(ends[1]));
        let end = ends[usize::from(!is_behind)];
        let (cut, lost_here) = cut_tail(row, tail, room(end), glyphs);
        let (line, style) = match is_behind {
            true => (&mut first, plain),
            false => (&mut second, self.palette.quiet),
        };
        line.put(end, &cut, style);
        lost.module |= lost_here.module;
        lost.via |= lost_here.via;
        lines.push(first);
        if is_second {
            lines.push(second);
        }
        self.below(&row.below, lines);
    }

    /// Callers and inlined calls, places under each other where there is room.
    fn below(&self, below: &[Below], lines: &mut Vec<DrawnLine>) {
        let (indent, glyphs) = (self.layout.below, self.grid.page.glyphs);
        let text = |line: &Below| format!("{}{}{}", line.lead, line.name, line.note);
        let longest = below
            .iter()
            .map(|line| width(&text(line)))
            .max()
            .unwrap_or(0);
        let longest_place = below
            .iter()
            .map(|line| width(&line.place))
            .max()
            .unwrap_or(0);
        let room = self
            .grid
            .page
            .columns
            .map(|columns| columns.saturating_sub(indent).max(24));
        let is_aligned = room.is_none_or(|room| longest + GAP + longest_place <= room);
        for line in below {
            let mut drawn = DrawnLine {
                is_below: true,
                ..DrawnLine::default()
            };
            let (text, place) = match room {
                Some(room) if !is_aligned => {
                    let place = cut_path(&line.place, (room / 3).max(24), glyphs);
                    let rest = width(&line.lead) + width(&line.note) + width(&place) + GAP;
                    let name = fit(&line.name, room.saturating_sub(rest).max(8), glyphs);
                    let text = format!("{}{name}{}", line.lead, line.note);
                    let place = if width(&text) + GAP + width(&place) > room {
                        String::new()
                    } else {
                        place
                    };
                    (cut_end(&text, room, glyphs), place)
                }
                _ => (text(line), line.place.clone()),
            };
            drawn.put(indent, &text, Style::new());
            let at = if is_aligned {
                indent + longest
            } else {
                drawn.used
            };
            drawn.put(at + GAP, &place, self.palette.quiet);
            lines.push(drawn);
        }
    }

    fn whole_row(&self, tone: Tone) -> Option<Style> {
        match tone {
            Tone::Others => Some(self.palette.quiet),
            Tone::Total => Some(self.palette.strong),
            _ => None,
        }
    }

    fn name_style(&self, tone: Tone) -> Style {
        let name = match tone {
            Tone::Calm | Tone::Fixed => Style::new(),
            _ => self.palette.strong,
        };
        self.whole_row(tone).unwrap_or(name)
    }

    fn style(&self, row: &Cells, kind: Kind) -> Style {
        if let Some(whole) = self.whole_row(row.tone) {
            return whole;
        }
        let palette = self.palette;
        let meaning = match row.tone {
            Tone::Breach | Tone::Leak => palette.bad,
            Tone::Grows | Tone::Grown => palette.warm,
            Tone::Fixed => palette.less,
            _ => Style::new(),
        };
        match (kind, row.tone) {
            (Kind::Rank, Tone::Breach) => palette.loudest,
            (Kind::Growth, _) if row.is_new => palette.new,
            (Kind::Lead, Tone::Grown) if row.is_new => palette.new,
            (Kind::Verdict, Tone::Calm) => palette.quiet,
            (Kind::Verdict | Kind::Lead | Kind::Growth, _) => meaning,
            (Kind::Curve, Tone::Breach | Tone::Leak | Tone::Grows) => Style::new(),
            (Kind::Curve, _) => palette.quiet,
            _ => Style::new(),
        }
    }
}

/// Module and wrapper in so much room; the module stays longer.
fn cut_tail(row: &Cells, tail: String, room: usize, glyphs: Glyphs) -> (String, Lost) {
    /// Less of a module, or of a wrapper with the word before it, says nothing.
    const MODULE: usize = 8;
    const VIA: usize = 14;
    let has = Lost {
        module: !row.module.is_empty(),
        via: !row.via.is_empty(),
    };
    let module = if has.module {
        width(&row.module) + GAP
    } else {
        0
    };
    match () {
        () if width(&tail) <= room => (tail, Lost::default()),
        () if has.via && module + VIA <= room => (cut_end(&tail, room, glyphs), Lost::default()),
        () if has.module && room >= MODULE => {
            let module = cut_middle(&row.module, room, glyphs);
            (
                module,
                Lost {
                    module: false,
                    ..has
                },
            )
        }
        () => (String::new(), has),
    }
}

/// A curve in half as many characters, each the higher of two.
fn halved(curve: &str) -> String {
    // Bars are in the order of their heights.
    let bars: Vec<char> = curve.chars().collect();
    bars.chunks(2).filter_map(|two| two.iter().max()).collect()
}

/// A text in a style, and untouched in none.
fn styled(text: &str, style: Style) -> String {
    if text.is_empty() || style.is_plain() {
        return text.to_owned();
    }
    text.style(style).to_string()
}
