//! Rows of one source line, of a function without lines, and of code without any: what they leak adds up.
//!
//! A line of a template is a row in each of its instances, a line of an inlined function a row in each caller, and each
//! script that is compiled at run time calls from pages of its own. None of these rows need leak much.

use std::collections::BTreeMap;

use super::column::Column;
use super::copies::{builds, copied_builds};
use super::judged::Site;
use super::module_key::ModuleKey;
use super::together::{Likeness, Together};
use crate::run::{Role, Symbolized, Text, Unknown, is_library_detail, is_namesake, is_wrapper};

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum LeakPlace<'a> {
    Line {
        module: ModuleKey,
        file: &'a str,
        line: u32,
    },
    /// Of which no line is known.
    Function {
        module: ModuleKey,
        function: &'a str,
    },
    RunTimeCode,
}

/// Sites among ranked ones that share a line, or a function where no lines are known, and those in code that was made at
/// run time. A line of a function that is known to allocate for its callers is left out, as each of them answers for its
/// own; so are sites that are hidden.
pub(crate) fn lines(sites: &[Site], columns: &[Column]) -> Vec<Together> {
    let copied = copied_builds(sites);
    let mut places: BTreeMap<LeakPlace<'_>, Vec<usize>> = BTreeMap::new();
    let shown = sites.iter().enumerate();
    for (index, site) in shown.filter(|(_, site)| site.hidden.is_none()) {
        let is_copy = || builds(site).any(|(_, build)| copied.contains(build));
        if let Some(place) = place(site, is_copy) {
            places.entry(place).or_default().push(index);
        }
    }
    let several = places.into_iter().filter(|(_, at)| at.len() > 1);
    several
        .map(|(place, at)| {
            let likeness = match place {
                LeakPlace::Line { .. } => Likeness::Line,
                LeakPlace::Function { .. } => Likeness::Function,
                LeakPlace::RunTimeCode => Likeness::RunTimeCode,
            };
            Together::of(likeness, at, sites, columns)
        })
        .collect()
}

fn place(site: &Site, is_copy: impl Fn() -> bool) -> Option<LeakPlace<'_>> {
    if site.at.name == Symbolized::Unknown(Unknown::AnonymousMemory) {
        return Some(LeakPlace::RunTimeCode);
    }
    let frame = site.at.frame()?;
    let is_wrapper = frame.function.as_deref().is_some_and(is_wrapper);
    let is_for_others = is_library_detail(frame) || (is_wrapper && !is_namesake(frame));
    if is_for_others {
        return None;
    }
    let module = site.at.key.module()?;
    let (Some(file), Some(line)) = (frame.file.as_deref(), frame.line) else {
        let function = frame.function.as_deref()?;
        return Some(LeakPlace::Function {
            module: module.clone(),
            function,
        });
    };
    // A header is compiled into several modules. A path that is not whole can be that of several files.
    let is_shared = file.starts_with('/') || (*module != ModuleKey::program() && is_copy());
    Some(LeakPlace::Line {
        module: match is_shared {
            true => ModuleKey::new(Role::Library, Text::default()),
            false => module.clone(),
        },
        file,
        line,
    })
}
