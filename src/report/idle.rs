//! What is worth a warning, and what is not: lines that nobody looks for.

use std::collections::BTreeSet;

use crate::diff::{Site, Trend};
use crate::file_name::is_toolchain_library;
use crate::run::BlamedRun;
use crate::warning::{NamesWarning, Warning};

/// What concerns each run alone, and how the last one ended.
///
/// That libraries of the toolchain have no debug information is told only where a row without a line grew in one: every
/// program in C++ has a pool there from its start, and its users did not compile it.
pub(super) fn warnings_of_runs(
    runs: &[BlamedRun],
    sites: &[Site],
    ends: Vec<Warning>,
) -> Vec<Vec<Warning>> {
    let grows = |site: &Site| match runs.len() {
        0 | 1 => !matches!(
            site.trend,
            Some(Trend::Startup | Trend::Shutdown | Trend::Plateau | Trend::Noise)
        ),
        _ => site.growth.is_growth(),
    };
    let lacks_line = |site: &&Site| site.at.frame().is_none_or(|frame| frame.line.is_none());
    let growing = sites.iter().filter(|site| site.hidden.is_none());
    let growing = growing.filter(lacks_line).filter(|site| grows(site));
    let modules = growing.filter_map(|site| Some(site.at.module.as_ref()?.name.to_string()));
    let modules: BTreeSet<String> = modules.filter(|name| is_toolchain_library(name)).collect();
    let of_run = |run: &BlamedRun| {
        let warnings = run.facts.warnings.iter();
        let told = warnings.filter_map(|warning| worth_telling(warning, &modules));
        told.collect()
    };
    let mut warnings: Vec<Vec<Warning>> = runs.iter().map(of_run).collect();
    if let Some(last) = warnings.last_mut() {
        last.extend(ends);
    }
    warnings
}

/// As much of a warning as concerns the modules in which a row without a line grew.
fn worth_telling(warning: &Warning, modules: &BTreeSet<String>) -> Option<Warning> {
    match warning {
        Warning::Names(NamesWarning::NoSystemDebugInfo { modules: lacking }) => {
            let lacking = lacking.iter().filter(|name| modules.contains(*name));
            let modules: Vec<String> = lacking.cloned().collect();
            (!modules.is_empty()).then_some(NamesWarning::NoSystemDebugInfo { modules }.into())
        }
        // Which they were is in the text alone.
        Warning::Saved { code, .. } if code == NamesWarning::NO_SYSTEM_DEBUG_INFO => {
            (!modules.is_empty()).then(|| warning.clone())
        }
        _ => Some(warning.clone()),
    }
}
