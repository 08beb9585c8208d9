//! The table that a person reads: in a terminal with its width and colours, plain elsewhere.

use std::io::Write;

use owo_colors::OwoColorize;

use super::extras::Extras;
use super::grid::{Cells, Grid, Tone};
use super::heads::heads;
use super::options::Options;
use super::palette::Palette;
use super::view::{
    Alike, Extent, Others, Row, View, change_text, mark, match_mark, module_text, percent_text,
    place_text, via_text, wrapper_mark,
};
use super::{Report, Sums, explain, header, notes, shrunk, stacks, verdict};
use crate::diff::{Change, Growth, Site};
use crate::error::Result;
use crate::run::{Figures, Symbolized};
use crate::units::{bytes, count, counted, signed_bytes, signed_count, signed_percent};

/// Columns for a run's name above its figures.
const LONGEST_HEAD: usize = 16;

/// A figure that a run's origin does not tell.
const UNKNOWN: &str = "–";

/// Draws a comparison, or what one run left.
pub fn write(report: &Report, options: &Options, out: &mut dyn Write) -> Result<()> {
    let palette = Palette::new(options.color);
    let extent = Extent {
        top: options.top,
        all: options.all,
    };
    if let Some(rank) = options.explain {
        explain::row(report, rank)?;
    }
    let view = View::new(report, extent);
    header::write(report, options.width, &palette, out)?;
    writeln!(out)?;
    let nothing = nothing_to_show(report, &view);
    if let Some(text) = &nothing {
        writeln!(out, "{}", text.style(palette.strong))?;
        shrunk::write(report, &view, options, &palette, out)?;
    }
    if !view.rows.is_empty() || view.others.sites > 0 {
        let grid = grid(report, &view, options);
        write!(out, "{}", grid.draw(options.width, options.color))?;
    }
    writeln!(out)?;
    if nothing.is_none() {
        shrunk::write(report, &view, options, &palette, out)?;
    }
    if let Some(rank) = options.explain {
        explain::write(report, rank, options.width, &palette, out)?;
    }
    notes::write_notes(report, &view, options, &palette, out)?;
    notes::write_warnings(report, options.width, &palette, out)?;
    verdict::write_verdict(report, options.width, &palette, out)
}

/// Why there are no rows; `None` if there are, or if they are only cut.
fn nothing_to_show(report: &Report, view: &View<'_>) -> Option<String> {
    if !view.rows.is_empty() || view.others.cut > 0 {
        return None;
    }
    Some(
        match (
            report.is_comparison(),
            view.others.sites + view.hidden.sites,
        ) {
            (true, 0) => "No call site allocated anything in these runs.".to_owned(),
            (true, _) => "No call site grew.".to_owned(),
            (false, _) if report.hidden.last().blocks > 0 => {
                "Nothing is left but blocks of the dynamic loader.".to_owned()
            }
            (false, _) => "Nothing is left: every block was freed.".to_owned(),
        },
    )
}

fn grid(report: &Report, view: &View<'_>, options: &Options) -> Grid {
    let extras = Extras::of(report, options.trend);
    let mut grid = Grid::new(head(report), extras.head());
    for row in &view.rows {
        grid.add(site_cells(
            report,
            *row,
            view.total.first(),
            options,
            extras,
            &view.alike,
        ));
    }
    if view.others.sites > 0 {
        grid.add(others_cells(report, &view.others, &view.total));
    }
    grid.add(Cells {
        numbers: sum_numbers(report, "", &view.total, &view.total),
        function: vec!["total".to_owned()],
        tone: Tone::Total,
        ..Cells::default()
    });
    grid
}

fn head(report: &Report) -> Vec<String> {
    let mut head = vec!["#".to_owned()];
    if report.is_comparison() {
        head.push("Δ blocks".to_owned());
        // A path in place of a name would leave no room for anything else.
        let names = report.runs.iter().map(|run| run.facts.name.as_str());
        head.extend(heads(&names.collect::<Vec<_>>(), LONGEST_HEAD));
        head.extend(["Δ bytes".to_owned(), "growth".to_owned()]);
    } else {
        head.extend(["blocks", "bytes", "share", "allocated"].map(str::to_owned));
    }
    head
}

fn site_cells(
    report: &Report,
    row: Row<'_>,
    total: Figures,
    options: &Options,
    extras: Extras<'_>,
    alike: &Alike,
) -> Cells {
    let site = row.site;
    let mark = mark(row, &report.breaches);
    let rank = format!(
        "{mark}{}{}{}",
        wrapper_mark(site),
        match_mark(site),
        row.rank
    );
    let numbers = if report.is_comparison() {
        let mut numbers = vec![rank, signed_count(site.growth.blocks)];
        numbers.extend(site.at.runs.iter().map(|run| match run {
            Some(run) => count(run.figures.blocks),
            None => "-".to_owned(),
        }));
        numbers.extend([bytes_grown(site.growth), change_text(site)]);
        numbers
    } else {
        let live = site.last();
        let allocations = live.allocations.map_or_else(|| UNKNOWN.to_owned(), count);
        vec![
            rank,
            count(live.blocks),
            bytes_live(live),
            share(live, total),
            allocations,
        ]
    };
    let mut cells = Cells {
        numbers,
        function: vec![alike.function_text(site)],
        via: via_text(site).unwrap_or_default(),
        below: stacks::below(report, site, options.stacks),
        place: vec![place_text(site)],
        module: module_text(site),
        extras: extras.cells(site),
        tone: tone(report, site, mark),
    };
    if let (true, Symbolized::Named(named)) = (options.inlines, &site.at.name)
        && named.frames().len() > 1
    {
        for frame in named.frames() {
            let inlined = if frame.inlined { "inlined" } else { "in" };
            cells.function.push(format!(
                "  {inlined} {}",
                frame.function.as_deref().unwrap_or("?")
            ));
            let file = frame.file.as_deref().unwrap_or("?");
            cells.place.push(
                frame
                    .line
                    .map_or_else(|| file.to_owned(), |line| format!("{file}:{line}")),
            );
        }
    }
    cells
}

fn tone(report: &Report, site: &Site, mark: &str) -> Tone {
    match site.change {
        _ if mark == "!" => Tone::Breach,
        _ if !report.is_comparison() => Tone::Plain,
        Change::New => Tone::New,
        Change::Grown => Tone::Grown,
        Change::Shrunk | Change::Gone => Tone::Shrunk,
        Change::Same => Tone::Plain,
    }
}

fn others_cells(report: &Report, others: &Others, total: &Sums) -> Cells {
    let name = match (report.is_comparison(), others.grown) {
        (true, 0) => format!("… {}, none grew", counted(others.sites as u64, "other")),
        (true, grown) => format!(
            "… {}, {} grew",
            counted(others.sites as u64, "other"),
            count(grown as u64)
        ),
        (false, _) => format!("… {}", counted(others.sites as u64, "other")),
    };
    Cells {
        numbers: sum_numbers(report, "…", &others.sums, total),
        function: vec![name],
        tone: Tone::Quiet,
        ..Cells::default()
    }
}

fn sum_numbers(report: &Report, rank: &str, sums: &Sums, total: &Sums) -> Vec<String> {
    let first = sums.first();
    if !report.is_comparison() {
        return vec![
            rank.to_owned(),
            count(first.blocks),
            bytes_live(first),
            share(first, total.first()),
            String::new(),
        ];
    }
    let mut numbers = vec![rank.to_owned(), signed_count(sums.growth.blocks)];
    numbers.extend(sums.runs.iter().map(|run| count(run.blocks)));
    numbers.extend([bytes_grown(sums.growth), percent_text(sums.growth, first)]);
    numbers
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
