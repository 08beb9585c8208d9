//! What shrank: the leaks that are fixed, and where nothing grew, all else that has less than before.

use std::io::Write;

use owo_colors::OwoColorize;

use super::Report;
use super::fit::fit;
use super::options::Options;
use super::palette::Palette;
use super::sentence::bytes_behind;
use super::site_text::{Alike, module_text, place_text};
use super::text::{cut_path, width};
use super::view::View;
use crate::diff::{Change, Grouping, Growth, Site};
use crate::error::Result;
use crate::run::{Figures, Role};
use crate::units::{count, counted, signed_bytes, signed_count, signed_counted};

/// Columns between two of them.
const GAP: &str = "  ";

/// Names and places have so many columns at least, even if a line gets longer than the terminal is wide then.
const NARROWEST: usize = 24;

/// Writes fixed leaks, whatever rows stand for, line by line; and other rows that shrank, if there are no rows that grew.
pub(super) fn write(
    report: &Report,
    view: &View<'_>,
    options: &Options,
    palette: &Palette,
    out: &mut dyn Write,
) -> Result<()> {
    Rows::fixed(report).write(palette, options, out)?;
    if shows_shrunk(view) {
        Rows::shrunk(report).write(palette, options, out)?;
    }
    Ok(())
}

/// How many rows that the table leaves out are listed here.
pub(super) fn rows_shown(report: &Report, view: &View<'_>, options: &Options) -> usize {
    // With --all the table has them, too; and a fixed line is no row where rows are files.
    if options.all {
        return 0;
    }
    let is_left_out = |site: &&Site| site.fixed && !site.growth.is_growth();
    let fixed = match report.by {
        Grouping::Line => report.fixed.iter().filter(is_left_out).count(),
        _ => 0,
    };
    let others = match shows_shrunk(view) {
        true => report.shrunk.sites.len(),
        false => 0,
    };
    fixed.min(options.top) + others.min(options.top)
}

/// That something else shrank, where no row says so.
pub(super) fn note(report: &Report, view: &View<'_>, options: &Options) -> Option<String> {
    let is_told = report.shrunk.sites.is_empty() || options.all || shows_shrunk(view);
    (!is_told).then(|| format!("{}: --all shows them", Rows::shrunk(report).summary()))
}

fn shows_shrunk(view: &View<'_>) -> bool {
    view.rows.is_empty() && view.others.cut == 0
}

/// Rows that have less than before, and what became of them.
struct Rows<'a> {
    sites: Vec<&'a Site>,
    word: &'static str,
    growth: Growth,
}

impl<'a> Rows<'a> {
    fn fixed(report: &'a Report) -> Self {
        Rows {
            sites: report.fixed.iter().collect(),
            word: "fixed",
            growth: report.fixed_growth,
        }
    }

    /// Those that may stand in other rows did not shrink.
    fn shrunk(report: &'a Report) -> Self {
        let sites = report.shrunk.sites.iter();
        let sites: Vec<&Site> = sites.map(|at| &report.sites[*at]).collect();
        let is_gone = |site: &&Site| site.change == Change::Gone;
        Rows {
            word: match report.may_hide_rows() {
                true if sites.iter().all(is_gone) => "gone",
                true if sites.iter().any(is_gone) => "shrank or gone",
                _ => "shrank",
            },
            sites,
            growth: report.shrunk.growth,
        }
    }

    /// `5 call sites fixed: -8,613 blocks, -1.2 MiB`.
    fn summary(&self) -> String {
        let are_lines = self.sites.iter().all(|site| site.at.by == Grouping::Line);
        let noun = if are_lines { "call site" } else { "row" };
        format!(
            "{} {}: {}{}",
            counted(self.sites.len() as u64, noun),
            self.word,
            signed_counted(self.growth.blocks, "block"),
            bytes_behind(self.growth)
        )
    }

    fn write(&self, palette: &Palette, options: &Options, out: &mut dyn Write) -> Result<()> {
        let rows = &self.sites[..];
        if rows.is_empty() {
            return Ok(());
        }
        let glyphs = options.page().glyphs;
        let drawn = |text: &str| glyphs.text(text).into_owned();
        let text = drawn(&self.summary());
        writeln!(out, "{}", text.style(palette.good))?;
        let shown = match options.all {
            true => rows,
            false => &rows[..options.top.min(rows.len())],
        };
        let alike = Alike::of(rows);
        let cells = shown.iter().map(|site| cells(site, &alike, options));
        let lines: Vec<[String; 4]> = cells.map(|cells| cells.map(|text| drawn(&text))).collect();
        let widest = |column: usize| lines.iter().map(|cells| width(&cells[column])).max();
        let [blocks, bytes, function, place] = [0, 1, 2, 3].map(|at| widest(at).unwrap_or(0));
        let room = options.width.map_or(usize::MAX, |columns| {
            let figures = blocks + bytes + 4 * GAP.len();
            columns.saturating_sub(figures).max(NARROWEST)
        });
        let function = match function.saturating_add(place) <= room {
            true => function,
            false => function.min(room.saturating_sub(place).max(room / 2)),
        };
        for [of_blocks, of_bytes, name, at] in &lines {
            let name = fit(name, function, glyphs);
            let at = cut_path(at, room.saturating_sub(function), glyphs);
            let padding =
                |text: &str, columns: usize| " ".repeat(columns.saturating_sub(width(text)));
            writeln!(
                out,
                "{GAP}{}{of_blocks}{GAP}{of_bytes}{}{GAP}{name}{}{GAP}{at}",
                padding(of_blocks, blocks),
                padding(of_bytes, bytes),
                padding(&name, function),
            )?;
        }
        if shown.len() < rows.len() {
            let more = count((rows.len() - shown.len()) as u64);
            let text = drawn(&format!("… {more} more: --top N shows more"));
            writeln!(out, "{GAP}{text}")?;
        }
        writeln!(out)?;
        Ok(())
    }
}

/// How many blocks it had and has, what it shrank by, and what it is.
fn cells(site: &Site, alike: &Alike, options: &Options) -> [String; 4] {
    let blocks = |figures: Figures| count(figures.blocks);
    let (first, last) = (blocks(site.first()), blocks(site.last()));
    let module = match site.at.module.as_ref() {
        Some(module) if module.role != Role::Program => format!("{GAP}{}", module.name),
        _ => String::new(),
    };
    let place = match site.at.by {
        Grouping::Module => module_text(site),
        _ => format!("{}{module}", place_text(site)),
    };
    [
        format!("{} ({first} → {last})", signed_count(site.growth.blocks)),
        site.growth.bytes.map_or_else(String::new, signed_bytes),
        options.name(&alike.function_text(site)),
        place,
    ]
}
