//! The table that a person reads: in a terminal with its width and colours, plain elsewhere.

use std::io::Write;

use hashbrown::HashMap;
use owo_colors::OwoColorize;

use super::extras::Extras;
use super::grid::{Below, Cells, Grid, Heading, Kind, Tone};
use super::heads::heads;
use super::options::Options;
use super::palette::Palette;
use super::places::Sources;
use super::site_text::{module_text, place_text};
use super::view::{
    Extent, Others, Row, View, change_text, mark, match_mark, percent_text, via_text, wrapper_mark,
};
use super::{Report, Sums, explain, header, notes, shrunk, stacks, verdict};
use crate::diff::{Change, Grouping, Growth, Site, Trend};
use crate::error::Result;
use crate::run::{Figures, Role, Symbolized};
use crate::units::{bytes, count, counted, signed_bytes, signed_count, signed_percent};

/// Columns for a run's name above its figures: `baseline.json` is whole.
const LONGEST_HEAD: usize = 16;
const LONGEST_HEAD_IN_TERMINAL: usize = 13;

/// A figure that a run's origin does not tell.
const UNKNOWN: &str = "–";

/// Draws a comparison, or what one run left.
pub(super) fn write(report: &Report, options: &Options, out: &mut dyn Write) -> Result<()> {
    let palette = Palette::new(options.color);
    let extent = Extent {
        top: options.top,
        all: options.all,
    };
    if let Some(rank) = options.explain {
        explain::row(report, rank)?;
    }
    let mut view = View::new(report, extent);
    header::write(report, options.page(), &palette, out)?;
    writeln!(out)?;
    let nothing = nothing_to_show(report, &view);
    if let Some(text) = &nothing {
        let text = options.page().glyphs.text(text).into_owned();
        writeln!(out, "{}", text.style(palette.strong))?;
        shrunk::write(report, &view, options, &palette, out)?;
    }
    if !view.rows.is_empty() || view.others.sites > 0 {
        let table = TableRows::of(report, &view, options);
        if let Some(text) = table.sources.text() {
            let text = options.page().glyphs.text(&text).into_owned();
            writeln!(out, "{}", text.style(palette.quiet))?;
        }
        let drawn = table.grid().draw(options.color);
        write!(out, "{}", drawn.text)?;
        let remarks = remarks(report, &view, table.extras, &drawn.left_out);
        view.remarks = remarks;
    }
    writeln!(out)?;
    if nothing.is_none() {
        shrunk::write(report, &view, options, &palette, out)?;
    }
    if let Some(rank) = options.explain {
        explain::write(report, rank, options.page(), &palette, out)?;
    }
    notes::write_notes(report, &view, options, &palette, out)?;
    notes::write_warnings(report, options.page(), &palette, out)?;
    verdict::write_decision(report, options.page(), &palette, out)
}

/// What has to be known of how the table is drawn.
fn remarks(
    report: &Report,
    view: &View<'_>,
    extras: Extras<'_>,
    left_out: &[String],
) -> Vec<String> {
    let rows = || view.rows.iter().map(|row| row.site);
    let what = match (
        rows().any(|site| site.by_bytes),
        rows().all(|site| site.by_bytes),
    ) {
        (false, _) => "live blocks",
        (true, false) => "live blocks, of leak (bytes) live bytes,",
        (true, true) => "live bytes",
    };
    let of_curves = format!(
        "each curve has a scale of its own: {what} over the {}run, from 0 to the most",
        if report.is_comparison() { "last " } else { "" }
    );
    let is_drawn = extras.has_trend() && !left_out.iter().any(|head| head == "curve");
    let of_room = format!(
        "no room for {}: a wider terminal or --width shows more",
        left_out.join(", ")
    );
    let of_room = (!left_out.is_empty()).then_some(of_room);
    is_drawn
        .then_some(of_curves)
        .into_iter()
        .chain(of_room)
        .collect()
}

/// Why there are no rows; `None` if there are, or if they are only cut.
fn nothing_to_show(report: &Report, view: &View<'_>) -> Option<String> {
    if !view.rows.is_empty() || view.others.cut > 0 {
        return None;
    }
    let nowhere = report.runs.iter().all(|run| run.live().blocks == 0) && report.sites.is_empty();
    if let (Some(only), true) = (&report.only, nowhere) {
        return Some(format!("Nothing was allocated through {}.", only.filter));
    }
    Some(
        match (report.is_comparison(), view.others.sites + view.hidden) {
            (true, 0) => "No call site allocated anything in these runs.".to_owned(),
            (true, _) => "No call site grew.".to_owned(),
            (false, _) if report.hidden.last().blocks > 0 => {
                "Nothing is left but blocks of the dynamic loader.".to_owned()
            }
            (false, _) => "Nothing is left: every block was freed.".to_owned(),
        },
    )
}

/// The rows of a table, and what they have in common.
struct TableRows<'a> {
    report: &'a Report,
    view: &'a View<'a>,
    options: &'a Options,
    extras: Extras<'a>,
    sources: Sources,
    /// Modules of rows that have one function and place, by these; `None` where they are of several.
    modules: HashMap<(String, String), Option<String>>,
}

impl<'a> TableRows<'a> {
    fn of(report: &'a Report, view: &'a View<'a>, options: &'a Options) -> Self {
        let sites = || view.rows.iter().map(|row| row.site);
        let files = sites().filter_map(|site| site.at.frame()?.file.as_deref());
        let mut modules: HashMap<(String, String), Option<String>> = HashMap::new();
        for site in sites() {
            let module = module_text(site);
            let shown = (report.alike().function_text(site), place_text(site));
            let known = modules.entry(shown).or_insert_with(|| Some(module.clone()));
            if known.as_ref() != Some(&module) {
                *known = None;
            }
        }
        TableRows {
            report,
            view,
            options,
            extras: Extras::of(report, sites(), options.trend),
            sources: match report.by {
                Grouping::Module => Sources::default(),
                _ => Sources::of(files),
            },
            modules,
        }
    }

    fn grid(&self) -> Grid {
        let names = match self.report.by {
            Grouping::Module => ["module", ""],
            Grouping::File => ["file", ""],
            _ => ["function", "file:line"],
        };
        let mut grid = Grid::new(self.head(), names, self.options.page());
        for row in &self.view.rows {
            grid.add(self.cells(*row));
        }
        let (others, total) = (&self.view.others, &self.view.total);
        if others.sites > 0 {
            grid.add(Cells {
                figures: self.sums("…", others.sums.clone()),
                function: others_text(self.report, others),
                tone: Tone::Others,
                ..Cells::default()
            });
        }
        grid.add(Cells {
            figures: self.sums("", total.clone()),
            function: "total".to_owned(),
            tone: Tone::Total,
            ..Cells::default()
        });
        grid
    }

    fn head(&self) -> Vec<Heading> {
        let mut head = vec![Heading::new("#", Kind::Rank)];
        if self.extras.has_verdict() {
            head.push(Heading::new("verdict", Kind::Verdict));
        }
        if self.report.is_comparison() {
            head.push(Heading::new("Δ blocks", Kind::Lead));
            head.push(Heading::new("growth", Kind::Growth));
            // A path in place of a name would leave no room for anything else.
            let names = self.report.runs.iter().map(|run| run.facts.name.as_str());
            let longest = match self.options.width {
                Some(_) => LONGEST_HEAD_IN_TERMINAL,
                None => LONGEST_HEAD,
            };
            let names = heads(&names.collect::<Vec<_>>(), longest);
            head.extend(names.into_iter().map(|name| Heading::new(name, Kind::Run)));
            head.push(Heading::new("Δ bytes", Kind::Figure));
        } else {
            head.push(Heading::new("blocks", Kind::Lead));
            head.push(Heading::new("share", Kind::Growth));
            head.push(Heading::new("bytes", Kind::Figure));
            head.push(Heading::new("allocated", Kind::Figure));
        }
        head.extend(self.extras.head());
        head
    }

    fn cells(&self, row: Row<'_>) -> Cells {
        let (report, options) = (self.report, self.options);
        let site = row.site;
        let mark = mark(row, &report.breaches);
        let marks = format!("{mark}{}{}", wrapper_mark(site), match_mark(site));
        let mut figures = vec![format!("{marks}{}", row.rank)];
        if self.extras.has_verdict() {
            figures.push(verdict::words(site));
        }
        if report.is_comparison() {
            figures.extend([signed_count(site.growth.blocks), change_text(site)]);
            figures.extend(site.at.runs.iter().map(|run| match run {
                Some(run) => count(run.figures.blocks),
                None => "-".to_owned(),
            }));
            figures.push(bytes_grown(site.growth));
        } else {
            let live = site.last();
            let allocations = live.allocations.map_or_else(|| UNKNOWN.to_owned(), count);
            figures.extend([
                count(live.blocks),
                share(live, self.view.total.first()),
                bytes_live(live),
                allocations,
            ]);
        }
        figures.extend(self.extras.cells(site));
        let (function, place) = self.names(site);
        let mut below = self.inlined(site);
        below.extend(stacks::below(report, site, options));
        for line in &mut below {
            line.place = self.sources.short(&line.place).to_owned();
        }
        let has_own_meaning = matches!(site.trend, None | Some(Trend::Leak));
        Cells {
            figures,
            function,
            place,
            module: self.module(site),
            via: via_text(site, options).unwrap_or_default(),
            below,
            tone: tone(report, site, mark),
            is_new: report.is_comparison() && site.change == Change::New && has_own_meaning,
        }
    }

    /// Function and place; what a row stands for comes first.
    fn names(&self, site: &Site) -> (String, String) {
        let place = match place_text(site).as_str() {
            "-" => String::new(),
            place => self.sources.short(place).to_owned(),
        };
        match self.report.by {
            Grouping::Module => (module_text(site), String::new()),
            Grouping::File if place.is_empty() => ("? (no file)".to_owned(), place),
            Grouping::File => (place, String::new()),
            _ => (
                self.options.name(&self.report.alike().function_text(site)),
                place,
            ),
        }
    }

    /// The module, where it is not the program, or where other rows look the same without it.
    fn module(&self, site: &Site) -> String {
        let shown = (self.report.alike().function_text(site), place_text(site));
        let is_alone = self.modules.get(&shown).is_some_and(Option::is_some);
        match site.at.module.as_ref() {
            _ if self.report.by == Grouping::Module => String::new(),
            None => String::new(),
            Some(module) if module.role == Role::Program && is_alone => String::new(),
            Some(module) => module.name.to_string(),
        }
    }

    /// The calls that a site was inlined through, on request.
    fn inlined(&self, site: &Site) -> Vec<Below> {
        let Symbolized::Named(named) = &site.at.name else {
            return Vec::new();
        };
        if !self.options.inlines || named.frames().len() < 2 {
            return Vec::new();
        }
        let line = |frame: &crate::run::Frame| {
            let file = frame.file.as_deref().unwrap_or("?");
            let place = frame.line.map(|line| format!("{file}:{line}"));
            Below {
                lead: if frame.inlined { "inlined " } else { "in " }.to_owned(),
                name: self.options.name(frame.function.as_deref().unwrap_or("?")),
                place: place.unwrap_or_else(|| file.to_owned()),
                ..Below::default()
            }
        };
        named.frames().iter().map(line).collect()
    }

    /// The figures of several sites.
    fn sums(&self, rank: &str, sums: Sums) -> Vec<String> {
        let (first, total) = (sums.first(), self.view.total.first());
        let mut figures = vec![rank.to_owned()];
        if self.extras.has_verdict() {
            figures.push(String::new());
        }
        if self.report.is_comparison() {
            figures.extend([
                signed_count(sums.growth.blocks),
                percent_text(sums.growth, first),
            ]);
            figures.extend(sums.runs.iter().map(|run| count(run.blocks)));
            figures.push(bytes_grown(sums.growth));
        } else {
            figures.extend([count(first.blocks), share(first, total), bytes_live(first)]);
        }
        figures
    }
}

/// What a row's colour says. Its sign says little: a leak can have left less in a shorter run, and most growth is none.
fn tone(report: &Report, site: &Site, mark: &str) -> Tone {
    let has_less = matches!(site.change, Change::Shrunk | Change::Gone);
    match site.trend {
        _ if mark == "!" => Tone::Breach,
        Some(Trend::Leak) => Tone::Leak,
        Some(Trend::MayLeak | Trend::Grows) => Tone::Grows,
        _ if report.is_comparison() && has_less => Tone::Fixed,
        Some(_) => Tone::Calm,
        None if report.is_comparison() && site.change != Change::Same => Tone::Grown,
        None => Tone::Plain,
    }
}

fn others_text(report: &Report, others: &Others) -> String {
    let sites = counted(others.sites as u64, "other");
    match (report.is_comparison(), others.grown) {
        (true, 0) => format!("{sites}, none grew"),
        (true, grown) => format!("{sites}, {} grew", count(grown as u64)),
        (false, _) => sites,
    }
}

fn bytes_live(live: Figures) -> String {
    live.bytes.map_or_else(|| UNKNOWN.to_owned(), bytes)
}

fn bytes_grown(growth: Growth) -> String {
    let bytes = growth.bytes;
    bytes.map_or_else(|| UNKNOWN.to_owned(), signed_bytes)
}

/// Of the live blocks of all sites that are not hidden.
fn share(part: Figures, whole: Figures) -> String {
    match whole.blocks {
        0 => "-".to_owned(),
        blocks => signed_percent(part.blocks as f64 * 100.0 / blocks as f64)
            .trim_start_matches('+')
            .to_owned(),
    }
}
