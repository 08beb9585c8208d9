//! Which names in a log are the program under a title that it gave itself.
//!
//! ```text
//! @ ./redis-server:[0x1256] + 0x555eb8e0f2a0 0x18
//! @ redis-server *:16379:[0x1256] + 0x555eb8e0f4e0 0x18
//! @ postgres: writer process (idle) [local]:[0x1256] + 0x555eb8e0f520 0x18
//! ```
//!
//! Servers write their state over `argv[0]`, for `ps` to show, and `argv[0]` is what the loader calls the
//! program: glibc logs what stands there at that moment. Every other object is known by its path.

use hashbrown::HashMap;

use super::module::MappedModule;
use super::view::{CHECKED, ModuleView};
use crate::capture::Maps;
use crate::file_name::base_name;
use crate::trace::Callers;

/// Whether a name can be a title: it ends like no library's.
pub(super) fn can_be_title(name: &[u8]) -> bool {
    let base = base_name(name);
    let Some(so) = memchr::memmem::rfind(base, b".so") else {
        return true;
    };
    let version = &base[so + b".so".len()..];
    let is_version = |b: &u8| b.is_ascii_digit() || *b == b'.';
    !version.iter().all(is_version)
}

/// One part in so many of a title's numbers may be damaged.
const DAMAGED: usize = 10;

/// For each of some names that are in no mapping whether it is a title: the program makes calls
/// where the name's numbers say that calls came from.
pub(super) fn find_titles(
    names: &[Vec<u8>],
    program: &MappedModule,
    maps: Option<&Maps>,
    callers: &Callers,
) -> Vec<bool> {
    if names.is_empty() {
        return Vec::new();
    }
    let numbers = numbers_of(names, callers);
    let view = ModuleView::new(program);
    let fits =
        |number: &&u64| view.fits_relative(maps, **number) || view.fits_absolute(maps, **number);
    let is_title = |name: &Vec<u8>| {
        if !is_believed(name, program.elf().is_some(), maps.is_some()) {
            return false;
        }
        if program.elf().is_none() && maps.is_none() {
            return true;
        }
        let numbers = numbers.get(name.as_slice()).map_or(&[][..], Vec::as_slice);
        let misfits = numbers.len() - numbers.iter().filter(fits).count();
        misfits * DAMAGED <= numbers.len()
    };
    names.iter().map(is_title).collect()
}

/// What stands beside each of the names in the log.
fn numbers_of<'a>(names: &'a [Vec<u8>], callers: &Callers) -> HashMap<&'a [u8], Vec<u64>> {
    let none = |name: &'a Vec<u8>| (name.as_slice(), Vec::new());
    let mut numbers: HashMap<&[u8], Vec<u64>> = names.iter().map(none).collect();
    for caller in callers.iter() {
        if let (Some(name), Some(number)) = (caller.file, caller.address)
            && let Some(numbers) = numbers.get_mut(name)
            && numbers.len() < CHECKED
        {
            numbers.push(number);
        }
    }
    numbers
}

/// Whether it is worth anything that the numbers of a name fit the program.
fn is_believed(name: &[u8], has_file: bool, has_maps: bool) -> bool {
    match (has_file, has_maps) {
        (true, true) => true,
        // A plug-in that is called like no library, and was gone before the maps were saved, can fit
        // by chance.
        (true, false) | (false, true) => !name.starts_with(b"/"),
        (false, false) => !name.contains(&b'/'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_is_no_title() {
        for title in [
            "redis-server *:16379",
            "nginx: worker process",
            "postgres: checkpointer (idle) [local]",
            "",
            "nginx: master process nginx -c /etc/x.so.conf",
            "my.sour",
        ] {
            assert!(can_be_title(title.as_bytes()), "{title}");
        }
        for library in ["/lib/libc.so.6", "plugin.so", "/opt/a b/libx.so.1.2.3"] {
            assert!(!can_be_title(library.as_bytes()), "{library}");
        }
    }
}
