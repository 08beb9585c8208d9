//! A table drawn for a page: a line for each row, or two where there is no room for one.

use super::glyphs::{Glyphs, Page};

/// What a row means, which its colour says; its text says it too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Tone {
    #[default]
    Plain,
    /// Above a limit.
    Breach,
    Leak,
    /// Grew as long as it could.
    Grows,
    /// Grew, and nobody knows what that means.
    Grown,
    /// Has less than before, or nothing.
    Fixed,
    /// Changed in a way that is no leak.
    Calm,
    /// No row of its own.
    Others,
    Total,
}

/// What a column has, and so where it goes when there is no room for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Rank,
    Verdict,
    /// Stays on a row's first line.
    Lead,
    /// Stays there if it can.
    Growth,
    /// The figure of a run. Those between the first and the last are folded away where there is no room.
    Run,
    Figure,
    /// Left out where there is no room.
    Spare,
    Curve,
}

#[derive(Debug, Clone)]
pub(super) struct Heading {
    pub head: String,
    pub kind: Kind,
}

impl Heading {
    pub(super) fn new(head: impl Into<String>, kind: Kind) -> Self {
        let head = head.into();
        Heading { head, kind }
    }
}

/// A line under a row: a caller, or a call that was inlined.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Below {
    /// Branches of a tree, and figures.
    pub lead: String,
    pub name: String,
    /// Behind the name.
    pub note: String,
    pub place: String,
}

/// One row: a text for each column, and names.
#[derive(Debug, Default)]
pub(super) struct Cells {
    pub figures: Vec<String>,
    pub function: String,
    /// Empty where a row is of no line or file; or where that is its name.
    pub place: String,
    /// Empty where everybody knows it.
    pub module: String,
    pub via: String,
    pub below: Vec<Below>,
    pub tone: Tone,
    /// Its growth has a colour of its own.
    pub is_new: bool,
}

impl Cells {
    /// What stands behind function and place.
    pub(super) fn tail(&self) -> String {
        match (self.module.as_str(), self.via.as_str()) {
            ("", via) => via.to_owned(),
            (module, "") => module.to_owned(),
            (module, via) => format!("{module}  {via}"),
        }
    }
}

/// A table that is still to be drawn.
pub(super) struct Grid {
    pub(super) columns: Vec<Heading>,
    /// Above functions, and above places.
    pub(super) names: [String; 2],
    pub(super) rows: Vec<Cells>,
    pub(super) page: Page,
}

/// Blanks between two columns.
pub(super) const GAP: usize = 2;

impl Grid {
    pub(super) fn new(columns: Vec<Heading>, names: [&str; 2], page: Page) -> Self {
        let glyphs = page.glyphs;
        let translated = columns.into_iter().map(|column| Heading {
            head: glyphs.text(&column.head).into_owned(),
            ..column
        });
        Grid {
            columns: translated.collect(),
            names: names.map(str::to_owned),
            rows: Vec::new(),
            page,
        }
    }

    pub(super) fn add(&mut self, mut row: Cells) {
        if self.page.glyphs == Glyphs::Ascii {
            // A curve is cut in half as it is, and takes as many characters either way.
            let kinds = self.columns.iter().map(|column| column.kind);
            let figures = row.figures.iter_mut().zip(kinds);
            let figures = figures.filter_map(|(text, kind)| (kind != Kind::Curve).then_some(text));
            let own = [
                &mut row.function,
                &mut row.place,
                &mut row.module,
                &mut row.via,
            ];
            let below = row.below.iter_mut();
            let below = below.flat_map(|line| {
                [
                    &mut line.lead,
                    &mut line.name,
                    &mut line.note,
                    &mut line.place,
                ]
            });
            for text in own.into_iter().chain(figures).chain(below) {
                *text = self.page.glyphs.text(text).into_owned();
            }
        }
        self.rows.push(row);
    }

    pub(super) fn is_ascii(&self) -> bool {
        self.page.glyphs == Glyphs::Ascii
    }
}
