//! How a table is laid out in so many columns: what stands on a row's line, what below it, and what is left out.

use super::grid::{Cells, GAP, Grid, Kind};
use super::text::width;

/// From this width on a row has one line, even if some of its figures are left out for that.
const WIDE: usize = 110;

/// So much of function, place and module is shown before figures go to a second line.
const LEAST: [usize; 3] = [36, 24, MODULE];

/// The same from [`WIDE`] on.
const LEAST_WIDE: [usize; 3] = [18, 16, 10];

const MODULE: usize = 16;

/// Names are not cut below this, even if a line gets longer than the terminal is wide then.
const SHORTEST_NAME: usize = 8;

/// What columns and names of a grid take.
#[derive(Debug)]
pub(super) struct Widths {
    kinds: Vec<Kind>,
    columns: Vec<usize>,
    function: usize,
    place: usize,
    module: usize,
    tail: usize,
    is_ascii: bool,
}

impl Widths {
    pub(super) fn of(grid: &Grid, heads: [&str; 2]) -> Self {
        let natural = |of: &dyn Fn(&Cells) -> usize| grid.rows.iter().map(of).max().unwrap_or(0);
        let cell = |row: &Cells, at: usize| row.figures.get(at).map_or(0, |text| width(text));
        let column = |at: usize| natural(&|row| cell(row, at)).max(width(&grid.columns[at].head));
        let place = natural(&|row| width(&row.place));
        // What has no place may use the place's room.
        let is_named = |row: &Cells| place == 0 || !row.place.is_empty();
        let function = |row: &Cells| {
            if is_named(row) {
                width(&row.function)
            } else {
                0
            }
        };
        Widths {
            kinds: grid.columns.iter().map(|column| column.kind).collect(),
            columns: (0..grid.columns.len()).map(column).collect(),
            function: natural(&function).max(width(heads[0])),
            place: if place > 0 {
                place.max(width(heads[1]))
            } else {
                0
            },
            module: natural(&|row| width(&row.module)),
            tail: natural(&|row| width(&row.tail())),
            is_ascii: grid.is_ascii(),
        }
    }

    /// The columns that are drawn, in their order.
    fn fields(&self, of: impl Fn(Kind) -> bool, shed: Shed, is_second: bool) -> Vec<Field> {
        let is_run = |at: &usize| self.kinds[*at] == Kind::Run;
        let ends = (
            (0..self.kinds.len()).find(is_run),
            (0..self.kinds.len()).rfind(is_run),
        );
        let is_drawn = |at: &usize| match self.kinds[*at] {
            kind if !of(kind) => false,
            Kind::Run => !shed.folded || Some(*at) == ends.0 || Some(*at) == ends.1,
            Kind::Spare => !shed.spare,
            Kind::Curve => !shed.curve,
            _ => true,
        };
        let field = |at: usize| Field {
            column: at,
            width: match self.kinds[at] {
                Kind::Curve if shed.short_curve => self.columns[at].div_ceil(2).max(width("curve")),
                _ => self.columns[at],
            },
            is_behind_arrow: is_second && self.kinds[at] == Kind::Run && Some(at) != ends.0,
            is_before_arrow: is_second && self.kinds[at] == Kind::Run && Some(at) != ends.1,
        };
        (0..self.kinds.len()).filter(is_drawn).map(field).collect()
    }

    /// Columns of a line, with the gap behind the last.
    fn taken(&self, fields: &[Field]) -> usize {
        let arrow = if self.is_ascii { 4 } else { 3 };
        let of = |field: &Field| {
            let before = if field.is_behind_arrow { arrow } else { 0 };
            before + field.width + if field.is_before_arrow { 0 } else { GAP }
        };
        fields.iter().map(of).sum()
    }

    fn with_gap(taken: usize) -> usize {
        if taken > 0 { taken + GAP } else { 0 }
    }

    fn whole_names(&self) -> usize {
        self.function + Self::with_gap(self.place) + Self::with_gap(self.module)
    }

    fn least_names(&self, least: [usize; 3]) -> usize {
        let [function, place, module] = least;
        self.function.min(function)
            + Self::with_gap(self.place.min(place))
            + Self::with_gap(self.module.min(module))
    }
}

/// A column on a line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    pub column: usize,
    pub width: usize,
    /// It stands behind another run, `1,200 → 1,800`.
    pub is_behind_arrow: bool,
    pub is_before_arrow: bool,
}

/// What is left out, or made shorter.
#[derive(Debug, Clone, Copy, Default)]
struct Shed {
    short_curve: bool,
    folded: bool,
    spare: bool,
    curve: bool,
}

/// From all to the least.
const SHEDS: [Shed; 7] = {
    let all = Shed {
        short_curve: false,
        folded: false,
        spare: false,
        curve: false,
    };
    let short_curve = Shed {
        short_curve: true,
        ..all
    };
    let folded = Shed {
        folded: true,
        ..all
    };
    let both = Shed {
        folded: true,
        ..short_curve
    };
    // What goes may leave room for a whole curve.
    let spare_alone = Shed {
        spare: true,
        ..folded
    };
    let spare = Shed {
        spare: true,
        ..both
    };
    let curve = Shed {
        curve: true,
        ..spare
    };
    [all, short_curve, folded, both, spare_alone, spare, curve]
};

/// Where everything goes.
#[derive(Debug)]
pub(super) struct Layout {
    pub first: Vec<Field>,
    /// Empty where a row has one line.
    pub second: Vec<Field>,
    /// Where the second line begins.
    pub indent: usize,
    /// Where it ends.
    pub second_end: usize,
    /// Where lines below a row begin.
    pub below: usize,
    pub function: usize,
    pub place: usize,
}

impl Layout {
    pub(super) fn of(sizes: &Widths, columns: Option<usize>) -> Self {
        let Some(columns) = columns else {
            return Self::one_line(sizes, SHEDS[0], None);
        };
        let fits = |shed: &&Shed, names: usize| {
            let fields = sizes.fields(|_| true, **shed, false);
            sizes.taken(&fields) + names <= columns
        };
        // Before a name is cut, a curve is drawn in fewer characters and runs in the middle are left out.
        let tail = sizes.function + Widths::with_gap(sizes.place) + Widths::with_gap(sizes.tail);
        let least = |least| sizes.least_names(least);
        let tries = [
            (0..2, tail),
            (0..4, sizes.whole_names()),
            (0..4, least(LEAST)),
            (4..6, least(LEAST)),
            (4..6, least(LEAST_WIDE)),
            (6..7, least(LEAST_WIDE)),
        ];
        let tries = if columns >= WIDE {
            &tries[..]
        } else {
            &tries[..3]
        };
        let mut found = tries.iter().filter_map(|(sheds, names)| {
            let mut sheds = SHEDS[sheds.clone()].iter();
            sheds.find(|shed| fits(shed, *names))
        });
        let found = found.next();
        match found {
            Some(shed) => Self::one_line(sizes, *shed, Some(columns)),
            None => Self::two_lines(sizes, columns),
        }
    }

    fn one_line(sizes: &Widths, shed: Shed, columns: Option<usize>) -> Self {
        let first = sizes.fields(|_| true, shed, false);
        let room = columns.map(|columns| columns.saturating_sub(sizes.taken(&first)));
        let (function, place) = names(sizes, room, sizes.module.min(MODULE));
        Layout {
            below: below(sizes),
            first,
            second: Vec::new(),
            indent: 0,
            second_end: 0,
            function,
            place,
        }
    }

    fn two_lines(sizes: &Widths, columns: usize) -> Self {
        let is_lead = |kind| matches!(kind, Kind::Rank | Kind::Verdict | Kind::Lead);
        let is_first = |kind| is_lead(kind) || kind == Kind::Growth;
        let least = sizes.least_names([LEAST_WIDE[0], LEAST[1], 0]);
        let whole = sizes.fields(is_first, SHEDS[0], false);
        let is_tight = sizes.taken(&whole) + least > columns;
        let is_here = |kind| {
            if is_tight {
                is_lead(kind)
            } else {
                is_first(kind)
            }
        };
        let first = sizes.fields(is_here, SHEDS[0], false);
        let lead = sizes.taken(&first);
        let second = |shed| sizes.fields(|kind| !is_here(kind), shed, true);
        let end = |shed, indent: usize| (indent + sizes.taken(&second(shed))).saturating_sub(GAP);
        let at = below(sizes);
        // Under the function where all of it has room there, or else from the left.
        let under = (SHEDS[0], lead);
        let left = [SHEDS[0], SHEDS[2]].into_iter().chain(SHEDS);
        let choices = std::iter::once(under).chain(left.map(|shed| (shed, at)));
        let (function, place) = names(sizes, Some(columns.saturating_sub(lead)), 0);
        let first_end = lead + function + Widths::with_gap(place);
        let has_tail = |end: usize| end + Widths::with_gap(sizes.tail) <= columns;
        let fits = |(shed, indent): &(Shed, usize)| end(*shed, *indent) <= columns;
        let with_tail = |choice: &(Shed, usize)| {
            fits(choice) && (has_tail(first_end) || has_tail(end(choice.0, choice.1)))
        };
        let found = choices.clone().take(3).find(with_tail);
        let found = found.or_else(|| choices.clone().find(fits));
        let (shed, indent) = found.unwrap_or((SHEDS[SHEDS.len() - 1], at));
        Layout {
            second_end: end(shed, indent),
            second: second(shed),
            first,
            indent,
            below: at,
            function,
            place,
        }
    }
}

/// Behind the rank, where the verdict begins.
fn below(sizes: &Widths) -> usize {
    let rank = sizes.kinds.iter().position(|kind| *kind == Kind::Rank);
    rank.map_or(0, |at| sizes.columns[at] + GAP)
}

/// Columns of function and place, of which the function is cut first; a module behind them is cut before both.
fn names(sizes: &Widths, room: Option<usize>, module: usize) -> (usize, usize) {
    let Some(room) = room else {
        return (sizes.function, sizes.place);
    };
    let both = sizes.function + Widths::with_gap(sizes.place);
    let module = match both + Widths::with_gap(module) <= room {
        true => module,
        false => module.min(LEAST_WIDE[2]),
    };
    let room = room.saturating_sub(Widths::with_gap(module));
    let for_place = room.saturating_sub(SHORTEST_NAME + GAP);
    let most = (room * 2 / 5).max(LEAST[1].min(for_place));
    let place = sizes.place.min(most);
    let for_function = room.saturating_sub(Widths::with_gap(place));
    let function = sizes.function.min(for_function).max(SHORTEST_NAME);
    let place = sizes.place.min(room.saturating_sub(function + GAP));
    (function, place)
}
