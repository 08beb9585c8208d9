//! Whether the numbers of a log are absolute or relative: decided once a log, from all evidence.

use std::borrow::Cow;

use hashbrown::HashMap;

use super::module_table::ModuleTable;
use super::view::ModuleView;
use crate::capture::{CaptureSet, Maps};
use crate::file_name::{base_name, names_a_library};
use crate::run::{Addressing, AddressingChoice, Certainty, ModuleId};
use crate::trace::{Caller, Callers, Reuse};

/// No module is as large as this, so a larger number is absolute.
const LARGEST_OFFSET: u64 = 0x1000_0000;

/// No shared library is loaded as low as this, so a smaller number in one is relative.
const LOWEST_LIBRARY: u64 = 0x0100_0000;

/// So many callers decide: a log has hundreds, and evidence does not grow with thousands.
const WEIGHED: usize = 2000;

/// How many callers speak for each reading.
#[derive(Debug, Default, PartialEq, Eq)]
struct Evidence {
    /// Symbols with an offset written `+0x1a`: glibc up to 2.33.
    old_symbols: usize,
    /// Symbols with an offset written `+1a`: glibc from 2.34.
    new_symbols: usize,
    /// Callers that lie in code of their module if the number is absolute, and only then.
    absolute: usize,
    /// The same if it is relative.
    relative: usize,
    /// Callers with a module.
    with_module: usize,
    beyond_any_offset: usize,
    /// `libc_malloc_debug.so.0` is in the maps or the log: it came with glibc 2.34.
    has_malloc_debug: bool,
    /// Callers in a shared library with a number that is too small for an address.
    too_low_for_library: usize,
}

/// Decides for a log; files of modules have been looked for before. What the user says outranks all.
pub fn decide(
    capture: &CaptureSet,
    callers: &Callers,
    modules: &ModuleTable,
    told: Option<Addressing>,
) -> AddressingChoice {
    let mapped = capture.maps.iter().flat_map(Maps::files);
    let mut files = mapped.chain(callers.files());
    let mut evidence = Evidence {
        has_malloc_debug: files.any(|file| base_name(file).starts_with(b"libc_malloc_debug.so")),
        ..Evidence::default()
    };
    let mut views = HashMap::new();
    for caller in callers.iter().take(WEIGHED) {
        weigh(&mut evidence, capture, modules, &mut views, caller);
    }
    match told {
        None => judge(&evidence),
        Some(addressing) => AddressingChoice {
            reason: "as --addressing says".to_owned(),
            ..evidence.choose(addressing)
        },
    }
}

fn weigh<'a>(
    evidence: &mut Evidence,
    capture: &CaptureSet,
    modules: &'a ModuleTable,
    views: &mut HashMap<ModuleId, ModuleView<'a>>,
    caller: Caller<'_>,
) {
    if let Some(symbol) = caller.symbol {
        match symbol.offset_has_0x {
            true => evidence.old_symbols += 1,
            false => evidence.new_symbols += 1,
        }
    }
    let (Some(name), Some(number)) = (caller.file, caller.address) else {
        return;
    };
    evidence.with_module += 1;
    evidence.beyond_any_offset += usize::from(number >= LARGEST_OFFSET);
    let in_library = names_a_library(base_name(name));
    evidence.too_low_for_library += usize::from(in_library && number < LOWEST_LIBRARY);
    let Some(id) = modules.logged(name) else {
        return;
    };
    let module = views
        .entry(id)
        .or_insert_with(|| ModuleView::new(modules.get(id)));
    let maps = capture.maps.as_ref();
    match (
        module.fits_absolute(maps, number),
        module.fits_relative(maps, number),
    ) {
        (true, false) => evidence.absolute += 1,
        (false, true) => evidence.relative += 1,
        // What fits both ways, or neither, tells nothing.
        (true, true) | (false, false) => {}
    }
}

impl Evidence {
    /// The release of glibc that an addressing comes from, and what that means for threads.
    fn choose(&self, addressing: Addressing) -> AddressingChoice {
        let is_2_34 = self.old_symbols == 0 && (self.new_symbols > 0 || self.has_malloc_debug);
        let (reuse, glibc) = match addressing {
            Addressing::Relative => (Reuse::FreeLoggedLate, "2.35 or newer"),
            Addressing::Absolute if is_2_34 => (Reuse::FreeLoggedLate, "2.34"),
            Addressing::Absolute => (Reuse::FreeLost, "2.33 or older"),
        };
        AddressingChoice {
            addressing,
            reuse,
            glibc: Cow::Borrowed(glibc),
            reason: String::new(),
            certainty: Certainty::Sure,
        }
    }

    /// How many callers fit their module under one reading, and how many under the other.
    fn votes(&self, addressing: Addressing) -> String {
        let (so, otherwise) = match addressing {
            Addressing::Absolute => (self.absolute, self.relative),
            Addressing::Relative => (self.relative, self.absolute),
        };
        let of = self.with_module;
        format!(
            "{so} of {of} callers lie in code of their module only if read so, {otherwise} only if read the other way"
        )
    }
}

fn judge(evidence: &Evidence) -> AddressingChoice {
    use std::cmp::Ordering::{Equal, Greater, Less};
    let choice = |addressing, reason: String, against: usize| AddressingChoice {
        reason,
        certainty: match against {
            0 => Certainty::Sure,
            _ => Certainty::Mixed,
        },
        ..evidence.choose(addressing)
    };
    let Evidence {
        old_symbols,
        new_symbols,
        absolute,
        relative,
        ..
    } = *evidence;
    if old_symbols > 0 {
        let reason = format!("{old_symbols} symbol offsets are written +0x1a, {new_symbols} +1a");
        return choice(Addressing::Absolute, reason, new_symbols);
    }
    if evidence.with_module == 0 {
        let reason = "no caller has a module, and such addresses are absolute".to_owned();
        let choice = choice(Addressing::Absolute, reason, 0);
        // They are in every release.
        return match evidence.has_malloc_debug {
            true => AddressingChoice {
                glibc: Cow::Borrowed("2.34 or newer"),
                ..choice
            },
            false => choice,
        };
    }
    match absolute.cmp(&relative) {
        Greater => choice(
            Addressing::Absolute,
            evidence.votes(Addressing::Absolute),
            relative,
        ),
        Less => choice(
            Addressing::Relative,
            evidence.votes(Addressing::Relative),
            absolute,
        ),
        Equal if evidence.beyond_any_offset > 0 => {
            let reason = format!(
                "{} addresses are larger than any module",
                evidence.beyond_any_offset
            );
            choice(Addressing::Absolute, reason, relative)
        }
        Equal if evidence.too_low_for_library > 0 => {
            let low = evidence.too_low_for_library;
            let reason = format!("{low} addresses are too low for a shared library");
            choice(Addressing::Relative, reason, absolute)
        }
        Equal => AddressingChoice {
            certainty: Certainty::Assumed,
            ..choice(
                Addressing::Relative,
                "nothing tells; current glibc writes relative addresses".to_owned(),
                0,
            )
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_symbol_offsets_outranks_all_else() {
        let choice = judge(&Evidence {
            old_symbols: 1,
            with_module: 9,
            relative: 8,
            ..Evidence::default()
        });
        assert_eq!(
            (choice.addressing, choice.reuse),
            (Addressing::Absolute, Reuse::FreeLost)
        );
    }

    #[test]
    fn glibc_2_34_is_absolute_with_the_new_form() {
        let choice = judge(&Evidence {
            new_symbols: 1,
            with_module: 9,
            absolute: 9,
            ..Evidence::default()
        });
        assert_eq!(
            (choice.addressing, choice.reuse),
            (Addressing::Absolute, Reuse::FreeLoggedLate)
        );
        assert_eq!(choice.glibc, "2.34");
    }

    #[test]
    fn without_evidence_the_choice_is_not_sure() {
        let choice = judge(&Evidence {
            with_module: 3,
            ..Evidence::default()
        });
        assert_eq!(
            (choice.addressing, choice.certainty),
            (Addressing::Relative, Certainty::Assumed)
        );
        let large = judge(&Evidence {
            with_module: 3,
            beyond_any_offset: 2,
            ..Evidence::default()
        });
        assert_eq!(
            (large.addressing, large.certainty),
            (Addressing::Absolute, Certainty::Sure)
        );
    }

    #[test]
    fn a_static_program_names_no_module_and_is_absolute() {
        let choice = judge(&Evidence::default());
        assert_eq!(
            (choice.addressing, choice.certainty),
            (Addressing::Absolute, Certainty::Sure)
        );
    }

    /// As of a program all of whose callers are in code that was made at run time.
    #[test]
    fn callers_without_a_module_do_not_tell_releases_apart() {
        let choice = judge(&Evidence {
            has_malloc_debug: true,
            ..Evidence::default()
        });
        assert_eq!(choice.addressing, Addressing::Absolute);
        assert_eq!(choice.glibc, "2.34 or newer");
    }
}
