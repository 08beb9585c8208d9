//! The callers of a row and the sizes of its blocks, for people and for programs.

use serde::Serialize;

use super::Report;
use super::grid::Below;
use super::options::{Options, StackView};
use crate::diff::{Caller, CallerNode, CallerTree, Cut, Growth, OfSize, Part, Site, by_size, ways};
use crate::printable::shortened;
use crate::units::{bytes, count, counted, signed_bytes, signed_count};

/// So many sizes stand under a row; JSON has [`SIZES_IN_JSON`] and the rest.
const SIZES: usize = 6;

const SIZES_IN_JSON: usize = 16;

/// What stands under a row, line by line.
pub(super) fn below(report: &Report, site: &Site, options: &Options) -> Vec<Below> {
    let mut lines = Vec::new();
    match (site.part(), options.stacks) {
        (Some(Part::Stack(callers)), _) => {
            let line = |caller: &Caller| Below {
                lead: "← ".to_owned(),
                name: name_of(caller, options),
                place: place_of(caller),
                ..Below::default()
            };
            lines.extend(callers.iter().map(line));
        }
        (None, Some(view)) => {
            let tree = tree(report, site, view);
            Drawing {
                report,
                options,
                lines: &mut lines,
            }
            .draw(&tree, "");
        }
        _ => {}
    }
    lines
}

fn tree(report: &Report, site: &Site, view: StackView) -> CallerTree {
    let ways = ways(&site.at, &report.runs, &report.reach);
    CallerTree::of(&ways, &report.columns, Cut { share: view.share })
}

/// A tree that is being drawn.
struct Drawing<'a> {
    report: &'a Report,
    options: &'a Options,
    lines: &'a mut Vec<Below>,
}

impl Drawing<'_> {
    /// A branch a line, and a line for each caller that follows without another branch.
    fn draw(&mut self, tree: &CallerTree, indent: &str) {
        let branches = tree.nodes.len() + usize::from(tree.rest.is_some());
        // What has one way needs no figures: they are those above.
        let is_only = branches == 1;
        for (at, node) in tree.nodes.iter().enumerate() {
            let is_last = at + 1 == branches;
            let (first, other) = match (is_only, is_last) {
                (true, _) => ("← ", "← "),
                (false, false) => ("├─ ", "│  ← "),
                (false, true) => ("└─ ", "   ← "),
            };
            let figures = match is_only {
                true => String::new(),
                false => format!("{} ", growth_text(self.report, node.growth)),
            };
            for (at, (caller, comes_back)) in node.callers.iter().enumerate() {
                let lead = if at == 0 { first } else { other };
                let figures = if at == 0 { figures.as_str() } else { "" };
                let recursive = if *comes_back { " (recursive)" } else { "" };
                let forked = if at == 0 && node.forked {
                    " (split or merged)"
                } else {
                    ""
                };
                self.lines.push(Below {
                    lead: format!("{indent}{lead}{figures}"),
                    name: name_of(caller, self.options),
                    note: format!("{recursive}{forked}"),
                    place: place_of(caller),
                });
            }
            let deeper = match (is_only, is_last) {
                (true, _) => "",
                (false, false) => "│  ",
                (false, true) => "   ",
            };
            self.draw(&node.tree, &format!("{indent}{deeper}"));
        }
        if let Some(rest) = tree.rest {
            let what = counted(rest.branches as u64, "more way");
            let lead = if is_only { "… " } else { "└─ " };
            self.lines.push(Below {
                lead: format!("{indent}{lead}"),
                name: format!("{} in {what}", growth_text(self.report, rest.growth)),
                ..Below::default()
            });
        }
    }
}

/// Blocks; bytes where no block came or went.
fn growth_text(report: &Report, growth: Growth) -> String {
    match (growth.blocks, growth.bytes, report.is_comparison()) {
        (0, Some(grown), true) if grown != 0 => signed_bytes(grown),
        (blocks, _, true) => signed_count(blocks),
        (blocks, _, false) => format!("×{}", count(blocks.unsigned_abs())),
    }
}

fn name_of(caller: &Caller, options: &Options) -> String {
    let name = caller.function.as_deref();
    name.map_or_else(|| "?".to_owned(), |name| options.name(&shortened(name)))
}

fn place_of(caller: &Caller) -> String {
    match (&caller.file, caller.line, caller.address) {
        (Some(file), Some(line), _) => format!("{file}:{line}"),
        (Some(file), None, _) => file.to_string(),
        (None, _, Some(address)) => match &caller.module {
            Some(module) if !module.name.is_empty() => format!("{} {address}", module.name),
            _ => address.to_string(),
        },
        (None, ..) => String::new(),
    }
}

/// `88 B +938, 72 B +312`, of a row that is a wrapper.
pub(super) fn sizes_text(report: &Report, site: &Site) -> Option<String> {
    let sizes = sizes_of(site)?;
    let grown: Vec<&OfSize> = sizes.iter().filter(|of| of.growth() > 0).collect();
    let shown = grown.iter().take(SIZES).map(|of| {
        let growth = growth_text(
            report,
            Growth {
                blocks: of.growth(),
                bytes: None,
            },
        );
        format!("{} {growth}", bytes(of.size))
    });
    let shown: Vec<String> = shown.collect();
    let more = match grown.len().saturating_sub(SIZES) {
        0 => String::new(),
        more => format!(", {} more", count(more as u64)),
    };
    (!shown.is_empty()).then(|| format!("{}{more}", shown.join(", ")))
}

fn sizes_of(site: &Site) -> Option<Vec<OfSize>> {
    let is_wrapper = site.at.stands_for().is_some() && site.part().is_none();
    let is_hidden = site.hidden.is_some();
    (is_wrapper && !is_hidden)
        .then(|| by_size(&site.at))
        .flatten()
}

/// The callers of a row, or of one of its callers.
#[derive(Debug, Serialize)]
pub(super) struct JsonCallers {
    pub branches: Vec<JsonBranch>,
    /// What is left out as too small; null where there is nothing.
    pub rest: Option<JsonRest>,
}

/// Callers that follow each other, and what calls the last of them.
#[derive(Debug, Serialize)]
pub(super) struct JsonBranch {
    /// The nearest one first.
    pub frames: Vec<JsonCaller>,
    /// Live blocks that came this way, in the order of the runs.
    pub blocks: Vec<u64>,
    /// The same in bytes; null where they are not known.
    pub bytes: Vec<Option<u64>>,
    /// Last run minus first; of a single run, what is live.
    pub growth: i64,
    /// A caller changed, and it is not clear which way of the earlier run this was: one split, or several became one.
    pub forked: bool,
    pub callers: JsonCallers,
}

#[derive(Debug, Serialize)]
pub(super) struct JsonRest {
    pub branches: usize,
    pub growth: i64,
}

#[derive(Debug, Serialize)]
pub(super) struct JsonCaller {
    /// Null for the program, whatever it is called, and where the frame lies in no module.
    pub module: Option<String>,
    pub function: Option<String>,
    pub file: Option<String>,
    pub line: Option<u32>,
    /// The link-time return address in hex, where no line is known.
    pub address: Option<String>,
    /// The way came back to this function; what lies between is left out.
    pub recursive: bool,
}

/// Blocks of one size.
#[derive(Debug, Serialize)]
pub(super) struct JsonSize {
    /// In bytes; null for all that are left together.
    pub size: Option<u64>,
    /// Blocks of the first run; 0 for a single run.
    pub first: u64,
    /// Blocks of the last run.
    pub last: u64,
}

pub(super) fn json_callers(report: &Report, site: &Site, view: StackView) -> JsonCallers {
    json_tree(&tree(report, site, view))
}

fn json_tree(tree: &CallerTree) -> JsonCallers {
    JsonCallers {
        branches: tree.nodes.iter().map(json_branch).collect(),
        rest: tree.rest.map(|rest| JsonRest {
            branches: rest.branches,
            growth: rest.growth.blocks,
        }),
    }
}

fn json_branch(node: &CallerNode) -> JsonBranch {
    let frames = node.callers.iter();
    JsonBranch {
        frames: frames
            .map(|(caller, comes_back)| json_caller(caller, *comes_back))
            .collect(),
        blocks: node.figures.iter().map(|figures| figures.blocks).collect(),
        bytes: node.figures.iter().map(|figures| figures.bytes).collect(),
        growth: node.growth.blocks,
        forked: node.forked,
        callers: json_tree(&node.tree),
    }
}

fn json_caller(caller: &Caller, recursive: bool) -> JsonCaller {
    let module = caller.module.as_ref().map(|module| module.name.to_string());
    JsonCaller {
        module: module.filter(|name| !name.is_empty()),
        function: caller.function.as_deref().map(str::to_owned),
        file: caller.file.as_deref().map(str::to_owned),
        line: caller.line,
        address: caller.address.map(|address| address.to_string()),
        recursive,
    }
}

/// The way that a row is of.
pub(super) fn json_stack(site: &Site) -> Option<Vec<JsonCaller>> {
    match site.part() {
        Some(Part::Stack(callers)) => Some(
            callers
                .iter()
                .map(|caller| json_caller(caller, false))
                .collect(),
        ),
        _ => None,
    }
}

/// The sizes of a row that is a wrapper.
pub(super) fn json_sizes(site: &Site) -> Option<Vec<JsonSize>> {
    let sizes = sizes_of(site)?;
    let (own, others) = sizes.split_at(sizes.len().min(SIZES_IN_JSON));
    let of_size = |of: &OfSize| JsonSize {
        size: Some(of.size),
        first: of.first,
        last: of.last,
    };
    let rest = (!others.is_empty()).then(|| JsonSize {
        size: None,
        first: others.iter().map(|of| of.first).sum(),
        last: others.iter().map(|of| of.last).sum(),
    });
    Some(own.iter().map(of_size).chain(rest).collect())
}
