//! What leaks, in a sentence below the table.

use super::Report;
use crate::diff::{Growth, Rate, Site, are_as_long};
use crate::units::{bytes, count, counted, error_of, signed_bytes, signed_counted, time};

/// What leaks, and what may, in a sentence each.
pub(super) fn leaks(report: &Report) -> Option<String> {
    let maybe = match (report.leaks.may_leak, report.leaks.sites) {
        (0, _) => None,
        (n, 0) => Some(format!("{} may leak (leak?).", counted(n, "call site"))),
        (n, _) => Some(format!("{} more may leak (leak?).", count(n))),
    };
    match (sure_leaks(report), maybe) {
        (Some(sure), Some(maybe)) => Some(format!("{sure} {maybe}")),
        (sure, maybe) => sure.or(maybe),
    }
}

/// What all leaks come to.
fn sure_leaks(report: &Report) -> Option<String> {
    let leaks = &report.leaks;
    if leaks.sites == 0 {
        let is_known = report.sites.iter().any(|site| site.trend.is_some());
        let needed = is_known && report.memory.is_some();
        return needed.then(|| "No call site leaks to the end of the run.".to_owned());
    }
    let sites = counted(leaks.sites, "call site");
    let verb = if leaks.sites == 1 { "leaks" } else { "leak" };
    let Some(rate) = leaks.per_minute else {
        return Some(leaks_without_times(report));
    };
    let blocks = with_error(rate);
    let fast = match rate.bytes {
        Some(a_minute) => {
            let a_minute = bytes(a_minute.max(0.0).round() as u64);
            // Of blocks that grow, there are no more.
            match rate.blocks > 0.0 {
                true => format!("{a_minute} a minute ({blocks} blocks)"),
                false => format!("{a_minute} a minute"),
            }
        }
        None => format!("{blocks} blocks a minute"),
    };
    let lasts = match (leaks.lasts_s, report.memory) {
        (Some(seconds), Some(memory)) => {
            let memory = bytes(memory);
            match leaks.lasts_between_s {
                Some([least, most]) if time(least) != time(most) => {
                    format!("; {memory} last {} to {}", time(least), time(most))
                }
                None if rate.blocks > 0.0 && rate.error.is_some() => {
                    format!(", which is too uncertain to tell how long {memory} last")
                }
                _ => format!("; {memory} last {}", time(seconds)),
            }
        }
        _ => String::new(),
    };
    Some(format!("{sites} {verb} {fast}{lasts}."))
}

/// `150 ± 12`, of blocks.
fn with_error(rate: Rate) -> String {
    let text = crate::units::rate(rate.blocks);
    let blocks = text.trim_start_matches('+');
    let error = rate.error.map(|error| error_of(error, rate.blocks));
    match error.filter(|error| error != "0" && blocks != "0") {
        Some(error) => format!("{blocks} ± {error}"),
        None => blocks.to_owned(),
    }
}

/// `+150 ± 12`, of blocks.
pub(super) fn signed_with_error(rate: Rate) -> String {
    let sign = if rate.blocks > 0.0 { "+" } else { "" };
    format!("{sign}{}", with_error(rate))
}

/// What leaked from the first run to the last, and what leaks as it did before.
fn leaks_without_times(report: &Report) -> String {
    let leaks = &report.leaks;
    let sites = |n: u64| {
        let verb = if n == 1 { "leaks" } else { "leak" };
        format!("{} {verb}", counted(n, "call site"))
    };
    let is_timed = report.runs.iter().all(|run| run.facts.duration_s.is_some());
    let how = match is_timed {
        true => ".",
        false => ". To see how fast, give --duration.",
    };
    let growth = leaks.sums.growth;
    let ([first, .., last], true) = (report.runs.as_slice(), report.is_comparison()) else {
        let live = bytes(growth.bytes.unwrap_or(0).unsigned_abs());
        let blocks = counted(growth.blocks.unsigned_abs(), "block");
        return format!(
            "{}: {live} in {blocks} of what is live{how}",
            sites(leaks.sites)
        );
    };
    let (first, last) = (&first.facts.name, &last.facts.name);
    let as_before = match leaks.as_before {
        true => format!("as much in {last} as in {first}"),
        false => format!("no more in {last} than in {first}"),
    };
    if leaks.grown == 0 {
        return format!("{}, {as_before}.", sites(leaks.sites));
    }
    let blocks = signed_counted(growth.blocks, "block");
    let over = format!("{blocks}{} from {first} to {last}", bytes_behind(growth));
    let others = match leaks.sites - leaks.grown {
        0 => String::new(),
        1 => format!("; 1 more leaks {as_before}"),
        n => format!("; {} more leak {as_before}", count(n)),
    };
    format!("{}: {over}{others}{how}", sites(leaks.grown))
}

/// Leaks are counted in lines, and a way to a line can leak though all of its ways together do not.
pub(super) fn parts(report: &Report) -> Option<String> {
    let leaks_alone =
        |site: &&Site| site.part().is_some() && site.leak().is_some() && !site.is_of_leak();
    match report.sites.iter().filter(leaks_alone).count() as u64 {
        0 => None,
        1 => Some(
            "1 row leaks, though its line as a whole does not: leaks are counted by line"
                .to_owned(),
        ),
        n => Some(format!(
            "{} rows leak, though their lines as a whole do not: leaks are counted by line",
            count(n)
        )),
    }
}

/// What the first run has more of, it may have for its length.
pub(super) fn swapped(report: &Report) -> Option<String> {
    let [first, .., last] = report.runs.as_slice() else {
        return None;
    };
    let (first, last) = (&first.facts, &last.facts);
    let (before, after) = (first.duration_s?, last.duration_s?);
    let is_shorter = before > after && !are_as_long(&[before, after]);
    (is_shorter && report.total.growth.blocks < 0).then(|| {
        format!(
            "{} took longer than {}: give the longer run last to see what grows with time",
            first.name, last.name
        )
    })
}

/// `+600 ± 12 blocks/min, +150.0 KiB/min`.
pub(super) fn a_minute(rate: Rate) -> String {
    let blocks = format!("{} blocks/min", signed_with_error(rate));
    match rate.bytes {
        Some(bytes) => format!("{blocks}, {}/min", signed_bytes(bytes.round() as i64)),
        None => blocks,
    }
}

/// `, +150.0 KiB` behind blocks, where bytes are known.
pub(super) fn bytes_behind(growth: Growth) -> String {
    let bytes = growth
        .bytes
        .map(|bytes| format!(", {}", signed_bytes(bytes)));
    bytes.unwrap_or_default()
}
