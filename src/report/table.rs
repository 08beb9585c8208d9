//! The table that a person reads: in a terminal with its width and colours, plain elsewhere.

use std::io::Write;

use owo_colors::{OwoColorize, Style};

use super::grid::{Cells, Grid, Tone};
use super::text::{facts, wrapped};
use super::view::{
    Extent, Others, Sums, View, change_text, function_text, mark, module_text, percent_text,
    place_text, sentence_name,
};
use super::{Report, RunSummary};
use crate::diff::{Change, Hidden, Site, Verdict};
use crate::error::Result;
use crate::printable::printable_path;
use crate::symbols::Symbolized;
use crate::trace::Tally;
use crate::units::{
    bytes, count, counted, signed_bytes, signed_count, signed_counted, signed_percent,
};
use crate::warning::Warning;

/// How a table is drawn.
#[derive(Debug, Clone, Copy)]
pub struct TableOptions {
    /// At most this many sites.
    pub top: usize,
    /// Every site, grown or not, hidden or not.
    pub all: bool,
    /// The whole chain of inlined calls under each site.
    pub inlines: bool,
    /// Columns of the terminal; `None` for as many as the longest name needs.
    pub width: Option<usize>,
    pub color: bool,
}

/// The styles that carry meaning; all plain without colour.
struct Palette {
    strong: Style,
    good: Style,
    bad: Style,
    caution: Style,
    quiet: Style,
}

impl Palette {
    fn new(color: bool) -> Self {
        let styled = |style: Style| if color { style } else { Style::new() };
        Palette {
            strong: styled(Style::new().bold()),
            good: styled(Style::new().green().bold()),
            bad: styled(Style::new().red().bold()),
            caution: styled(Style::new().yellow().bold()),
            quiet: styled(Style::new().dimmed()),
        }
    }
}

/// Draws a comparison, or what one run left.
pub fn write(report: &Report, options: TableOptions, out: &mut dyn Write) -> Result<()> {
    let palette = Palette::new(options.color);
    let extent = Extent {
        top: options.top,
        all: options.all,
    };
    let view = View::new(report, extent);
    for run in &report.runs {
        writeln!(out, "{}", run_line(run, report, options.width, &palette))?;
    }
    writeln!(out)?;
    if view.rows.is_empty() {
        writeln!(
            out,
            "{}",
            nothing_to_show(report, &view).style(palette.strong)
        )?;
    }
    if !view.rows.is_empty() || view.others.sites > 0 {
        write!(
            out,
            "{}",
            grid(report, &view, options).draw(options.width, options.color)
        )?;
    }
    writeln!(out)?;
    let notes = notes(report, &view, options);
    for note in &notes {
        writeln!(
            out,
            "{}",
            wrapped("", note, options.width).style(palette.quiet)
        )?;
    }
    write_warnings(report, options, &palette, out)?;
    if let Some(verdict) = report.verdict {
        writeln!(
            out,
            "{}",
            verdict_line(report, verdict, options.width, &palette)
        )?;
    }
    Ok(())
}

fn run_line(
    run: &RunSummary,
    report: &Report,
    columns: Option<usize>,
    palette: &Palette,
) -> String {
    let name_width = report
        .runs
        .iter()
        .map(|run| super::text::width(&run.name))
        .max()
        .unwrap_or(0);
    let program = match &run.program {
        Some(path) => path
            .file_name()
            .map_or_else(|| printable_path(path), |n| printable_path(n.as_ref())),
        None => "no program".to_owned(),
    };
    let machine = run.machine.map_or_else(
        || "unknown architecture".to_owned(),
        |machine| machine.to_string(),
    );
    let addressing = run.choice.addressing.name();
    let glibc = match run.choice.sure {
        true => format!("{addressing} addresses (glibc {})", run.choice.glibc),
        false => format!("{addressing} addresses (assumed)"),
    };
    let lead = format!("{:name_width$}  ", run.name);
    let text = facts(
        &lead,
        &[
            program,
            machine,
            glibc,
            counted(run.records, "record"),
            format!(
                "{} live, {}",
                counted(run.live.blocks, "block"),
                bytes(run.live.bytes)
            ),
        ],
        columns,
    );
    let (name, rest) = text.split_at(run.name.len());
    format!("{}{rest}", name.style(palette.strong))
}

fn nothing_to_show(report: &Report, view: &View<'_>) -> &'static str {
    match (report.is_comparison(), view.others.sites, view.hidden.sites) {
        (true, 0, 0) => "No call site allocated anything in these runs.",
        (true, ..) => "No call site grew.",
        (false, ..) => "Nothing is left: every block was freed.",
    }
}

fn grid(report: &Report, view: &View<'_>, options: TableOptions) -> Grid {
    let mut grid = Grid::new(head(report));
    for site in &view.rows {
        grid.add(site_cells(report, site, options.inlines));
    }
    if view.others.sites > 0 {
        grid.add(others_cells(report, &view.others));
    }
    grid.add(Cells {
        numbers: sum_numbers(report, "", &view.total),
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
        head.extend(report.runs.iter().map(|run| run.name.clone()));
        head.extend(["Δ bytes".to_owned(), "growth".to_owned()]);
    } else {
        head.extend(["blocks", "bytes", "share", "allocated"].map(str::to_owned));
    }
    head
}

fn site_cells(report: &Report, site: &Site, inlines: bool) -> Cells {
    let mark = mark(site, site.rank - 1, &report.breaches);
    let rank = format!("{mark}{}", site.rank);
    let numbers = if report.is_comparison() {
        let mut numbers = vec![rank, signed_count(site.growth.blocks)];
        numbers.extend((0..report.runs.len()).map(|run| match &site.runs[run] {
            Some(run) => count(run.live.blocks),
            None => "-".to_owned(),
        }));
        numbers.extend([signed_bytes(site.growth.bytes), change_text(site)]);
        numbers
    } else {
        let live = site.last();
        let allocations = site.runs[0].as_ref().map_or(0, |run| run.allocations);
        vec![
            rank,
            count(live.blocks),
            bytes(live.bytes),
            share(live, report.runs[0].live),
            count(allocations),
        ]
    };
    let mut cells = Cells {
        numbers,
        function: vec![function_text(site)],
        place: vec![place_text(site)],
        module: module_text(site),
        tone: tone(report, site, mark),
    };
    if let (true, Symbolized::Named(named)) = (inlines, &site.name)
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

fn others_cells(report: &Report, others: &Others) -> Cells {
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
        numbers: sum_numbers(report, "…", &others.sums),
        function: vec![name],
        tone: Tone::Quiet,
        ..Cells::default()
    }
}

fn sum_numbers(report: &Report, rank: &str, sums: &Sums) -> Vec<String> {
    let first = sums.runs[0];
    if !report.is_comparison() {
        return vec![
            rank.to_owned(),
            count(first.blocks),
            bytes(first.bytes),
            share(first, report.runs[0].live),
            String::new(),
        ];
    }
    let mut numbers = vec![rank.to_owned(), signed_count(sums.growth.blocks)];
    numbers.extend(sums.runs.iter().map(|run| count(run.blocks)));
    numbers.extend([
        signed_bytes(sums.growth.bytes),
        percent_text(sums.growth, first),
    ]);
    numbers
}

/// Of the run's live blocks.
fn share(part: Tally, whole: Tally) -> String {
    match whole.blocks {
        0 => "-".to_owned(),
        blocks => signed_percent(part.blocks as f64 * 100.0 / blocks as f64)
            .trim_start_matches('+')
            .to_owned(),
    }
}

/// What the marks mean, and what is not shown and how to see it.
fn notes(report: &Report, view: &View<'_>, options: TableOptions) -> Vec<String> {
    let mut notes = Vec::new();
    let mut legend = Vec::new();
    if view
        .rows
        .iter()
        .any(|site| report.breaches.iter().any(|b| b.site == site.rank - 1))
    {
        legend.push("! above a limit");
    }
    if view
        .rows
        .iter()
        .any(|site| site.hidden == Some(Hidden::Loader))
    {
        legend.push("l dynamic loader, left out without --all");
    }
    if !legend.is_empty() {
        notes.push(legend.join("; "));
    }
    if view.others.sites > 0 {
        let cut = match options.top {
            top if view.rows.len() == top => format!("--top N shows more than {top} sites, "),
            _ => String::new(),
        };
        notes.push(format!(
            "{} not shown: {cut}--all shows every one",
            counted(view.others.sites as u64, "site")
        ));
    }
    if view.hidden.sites > 0 {
        let live = view.hidden.sums.runs.last().copied().unwrap_or_default();
        notes.push(format!(
            "{} of the dynamic loader left out, with {} live{}: --all shows them",
            counted(view.hidden.sites as u64, "site"),
            counted(live.blocks, "block"),
            hidden_growth(report, &view.hidden),
        ));
    }
    notes
}

fn hidden_growth(report: &Report, hidden: &Others) -> String {
    match (report.is_comparison(), hidden.sums.growth.blocks) {
        (false, _) => String::new(),
        (true, blocks) => format!(" (Δ {})", signed_count(blocks)),
    }
}

/// Warnings of the runs, each once with the runs that it concerns.
fn write_warnings(
    report: &Report,
    options: TableOptions,
    palette: &Palette,
    out: &mut dyn Write,
) -> Result<()> {
    let mut warnings: Vec<(&Warning, Vec<&str>)> =
        report.warnings.iter().map(|w| (w, Vec::new())).collect();
    for run in &report.runs {
        for warning in &run.warnings {
            match warnings.iter_mut().find(|(known, _)| *known == warning) {
                Some((_, runs)) => runs.push(&run.name),
                None => warnings.push((warning, vec![&run.name])),
            }
        }
    }
    for (warning, runs) in warnings {
        let concerns = match runs.is_empty() || !report.is_comparison() {
            true => String::new(),
            false => format!("{}: ", runs.join(", ")),
        };
        let text = wrapped("warning: ", &format!("{concerns}{warning}"), options.width);
        let (word, rest) = text.split_at("warning:".len());
        writeln!(out, "{}{rest}", word.style(palette.caution))?;
    }
    Ok(())
}

fn verdict_line(
    report: &Report,
    verdict: Verdict,
    columns: Option<usize>,
    palette: &Palette,
) -> String {
    let limits: Vec<String> = report.gate.limits.iter().map(ToString::to_string).collect();
    let limits = limits.join(", ");
    match verdict {
        Verdict::Pass => {
            let text = wrapped(
                "PASS ",
                &format!("no call site grew by more than {limits}"),
                columns,
            );
            let (word, rest) = text.split_at("PASS".len());
            format!("{}{rest}", word.style(palette.good))
        }
        Verdict::Fail => {
            let named: Vec<String> = report
                .breaches
                .iter()
                .take(NAMED_BREACHES)
                .map(|breach| {
                    let site = &report.sites[breach.site];
                    let growth = format!(
                        "{}, {}",
                        signed_counted(site.growth.blocks, "block"),
                        signed_bytes(site.growth.bytes)
                    );
                    format!("{}: {growth}", sentence_name(site))
                })
                .collect();
            let more = match report.breaches.len().saturating_sub(NAMED_BREACHES) {
                0 => String::new(),
                more => format!("; and {more} more"),
            };
            let sites = counted(report.breaches.len() as u64, "call site");
            let text = format!(
                "{sites} grew by more than {limits}: {}{more}",
                named.join("; ")
            );
            let text = wrapped("FAIL ", &text, columns);
            let (word, rest) = text.split_at("FAIL".len());
            format!("{}{rest}", word.style(palette.bad))
        }
    }
}

/// How many breaches the last line names before it counts the rest.
const NAMED_BREACHES: usize = 5;
