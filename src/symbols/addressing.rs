//! Whether the numbers of a log are absolute or relative: decided once a log, from all evidence.

use std::borrow::Cow;

use hashbrown::HashMap;

use super::module_table::ModuleTable;
use super::view::ModuleView;
use crate::capture::{CaptureSet, Maps};
use crate::file_name::{base_name, names_a_library};
use crate::run::{Addressing, AddressingChoice, Certainty, ModuleId};
use crate::trace::{Callers, LogCaller, Reuse};

/// No module is as large as this, so a larger number is absolute.
const LARGEST_OFFSET: u64 = 0x1000_0000;

/// No shared library is loaded as low as this, so a smaller number in one is relative.
const LOWEST_LIBRARY: u64 = 0x0100_0000;

/// So many callers decide: a log has hundreds, and evidence does not grow with thousands.
const WEIGHED: usize = 2000;

/// How many callers speak for each reading.
#[derive(Debug, Default, PartialEq, Eq)]
struct Votes {
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
pub(super) fn decide(
    capture: &CaptureSet,
    callers: &Callers,
    modules: &ModuleTable,
    told: Option<Addressing>,
) -> AddressingChoice {
    let mapped = capture.maps.iter().flat_map(Maps::files);
    let mut files = mapped.chain(callers.files());
    let mut votes = Votes {
        has_malloc_debug: files.any(|file| base_name(file).starts_with(b"libc_malloc_debug.so")),
        ..Votes::default()
    };
    let mut views = HashMap::new();
    for caller in callers.iter().take(WEIGHED) {
        weigh(&mut votes, capture, modules, &mut views, caller);
    }
    match told {
        None => choose(&votes),
        Some(addressing) => AddressingChoice {
            reason: "as --addressing says".to_owned(),
            ..votes.choose(addressing)
        },
    }
}

fn weigh<'a>(
    votes: &mut Votes,
    capture: &CaptureSet,
    modules: &'a ModuleTable,
    views: &mut HashMap<ModuleId, ModuleView<'a>>,
    caller: LogCaller<'_>,
) {
    if let Some(symbol) = caller.symbol {
        match symbol.offset_has_0x {
            true => votes.old_symbols += 1,
            false => votes.new_symbols += 1,
        }
    }
    let (Some(name), Some(number)) = (caller.file, caller.address) else {
        return;
    };
    votes.with_module += 1;
    votes.beyond_any_offset += usize::from(number >= LARGEST_OFFSET);
    let in_library = names_a_library(base_name(name));
    votes.too_low_for_library += usize::from(in_library && number < LOWEST_LIBRARY);
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
        (true, false) => votes.absolute += 1,
        (false, true) => votes.relative += 1,
        // What fits both ways, or neither, tells nothing.
        (true, true) | (false, false) => {}
    }
}

impl Votes {
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

fn choose(votes: &Votes) -> AddressingChoice {
    use std::cmp::Ordering::{Equal, Greater, Less};
    let choice = |addressing, reason: String, against: usize| AddressingChoice {
        reason,
        certainty: match against {
            0 => Certainty::Sure,
            _ => Certainty::Mixed,
        },
        ..votes.choose(addressing)
    };
    let Votes {
        old_symbols,
        new_symbols,
        absolute,
        relative,
        ..
    } = *votes;
    if old_symbols > 0 {
        let reason = format!("{old_symbols} symbol offsets are written +0x1a, {new_symbols} +1a");
        return choice(Addressing::Absolute, reason, new_symbols);
    }
    if votes.with_module == 0 {
        let reason = "no caller has a module, and such addresses are absolute".to_owned();
        let choice = choice(Addressing::Absolute, reason, 0);
        // They are in every release.
        return match votes.has_malloc_debug {
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
            votes.votes(Addressing::Absolute),
            relative,
        ),
        Less => choice(
            Addressing::Relative,
            votes.votes(Addressing::Relative),
            absolute,
        ),
        Equal if votes.beyond_any_offset > 0 => {
            let reason = format!(
                "{} addresses are larger than any module",
                votes.beyond_any_offset
            );
            choice(Addressing::Absolute, reason, relative)
        }
        Equal if votes.too_low_for_library > 0 => {
            let low = votes.too_low_for_library;
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
        let choice = choose(&Votes {
            old_symbols: 1,
            with_module: 9,
            relative: 8,
            ..Votes::default()
        });
        assert_eq!(
            (choice.addressing, choice.reuse),
            (Addressing::Absolute, Reuse::FreeLost)
        );
    }

    #[test]
    fn glibc_2_34_is_absolute_with_the_new_form() {
        let choice = choose(&Votes {
            new_symbols: 1,
            with_module: 9,
            absolute: 9,
            ..Votes::default()
        });
        assert_eq!(
            (choice.addressing, choice.reuse),
            (Addressing::Absolute, Reuse::FreeLoggedLate)
        );
        assert_eq!(choice.glibc, "2.34");
    }

    #[test]
    fn without_evidence_the_choice_is_not_sure() {
        let choice = choose(&Votes {
            with_module: 3,
            ..Votes::default()
        });
        assert_eq!(
            (choice.addressing, choice.certainty),
            (Addressing::Relative, Certainty::Assumed)
        );
        let large = choose(&Votes {
            with_module: 3,
            beyond_any_offset: 2,
            ..Votes::default()
        });
        assert_eq!(
            (large.addressing, large.certainty),
            (Addressing::Absolute, Certainty::Sure)
        );
    }

    #[test]
    fn a_static_program_names_no_module_and_is_absolute() {
        let choice = choose(&Votes::default());
        assert_eq!(
            (choice.addressing, choice.certainty),
            (Addressing::Absolute, Certainty::Sure)
        );
    }

    /// As of a program all of whose callers are in code that was made at run time.
    #[test]
    fn callers_without_a_module_do_not_tell_releases_apart() {
        let choice = choose(&Votes {
            has_malloc_debug: true,
            ..Votes::default()
        });
        assert_eq!(choice.addressing, Addressing::Absolute);
        assert_eq!(choice.glibc, "2.34 or newer");
    }
}
