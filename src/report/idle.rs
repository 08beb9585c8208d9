//! What is not worth a warning: lines that nobody looks for.

use std::collections::BTreeSet;

use crate::diff::{Site, Trend};
use crate::file_name::is_toolchain_library;
use crate::run::Run;
use crate::warning::{NamesWarning, Warning};

/// Takes back that libraries of the toolchain have no debug information, but where a row without a line grew in one: every
/// program in C++ has a pool there from its start, and its users did not compile it.
pub(super) fn without_idle_libraries(runs: &mut [Run], sites: &[Site]) {
    let grows = |site: &Site| match runs.len() {
        0 | 1 => !matches!(
            site.trend,
            Some(Trend::Startup | Trend::Shutdown | Trend::Plateau | Trend::Noise)
        ),
        _ => site.growth.is_growth(),
    };
    let lacks_line = |site: &&Site| site.at.frame().is_none_or(|frame| frame.line.is_none());
    let growing = sites.iter().filter(|site| site.at.hidden.is_none());
    let growing = growing.filter(lacks_line).filter(|site| grows(site));
    let modules = growing.filter_map(|site| Some(site.at.module.as_ref()?.name.to_string()));
    let modules: BTreeSet<String> = modules.filter(|name| is_toolchain_library(name)).collect();
    for run in runs {
        run.facts.warnings.retain_mut(|warning| match warning {
            Warning::Names(NamesWarning::NoSystemDebugInfo { modules: lacking }) => {
                lacking.retain(|name| modules.contains(name));
                !lacking.is_empty()
            }
            // Which they were is in the text alone.
            Warning::Saved { code, .. } if code == NamesWarning::NO_SYSTEM_DEBUG_INFO => {
                !modules.is_empty()
            }
            _ => true,
        });
    }
}
