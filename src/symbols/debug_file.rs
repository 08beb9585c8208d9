//! Where a module's debug information is, if not in the module: the places that gdb looks in.

use std::fs;
use std::path::{Path, PathBuf};

use super::SearchPath;
use super::module::checksum;
use crate::elf::ElfInfo;

/// The separate debug file of `module`: by build id, then by `.gnu_debuglink`.
/// `beside` are debug files in the run directory, under any name.
pub(crate) fn find_debug_file(
    module: &ElfInfo,
    search: &SearchPath,
    sysroot: Option<&Path>,
    beside: &[ElfInfo],
) -> Option<PathBuf> {
    let same_id = |info: &&ElfInfo| info.build_id.is_some() && info.build_id == module.build_id;
    if let Some(info) = beside.iter().find(same_id) {
        return Some(info.path.clone());
    }
    let mut roots: Vec<PathBuf> = search.debug_dirs.clone();
    roots.extend(sysroot.map(|root| root.join("usr/lib/debug")));
    roots.push(PathBuf::from("/usr/lib/debug"));
    by_build_id(module, &roots).or_else(|| by_debug_link(module, &roots, sysroot))
}

fn by_build_id(module: &ElfInfo, roots: &[PathBuf]) -> Option<PathBuf> {
    let id = module.build_id.as_ref()?;
    let text = id.to_string();
    if text.len() < 4 {
        return None;
    }
    let name = Path::new(&text[..2]).join(format!("{}.debug", &text[2..]));
    // A directory given by hand is often the .build-id directory itself.
    let places = roots
        .iter()
        .flat_map(|root| [root.join(".build-id").join(&name), root.join(&name)]);
    let beside = module
        .path
        .parent()
        .map(|directory| directory.join(".build-id").join(&name));
    places
        .chain(beside)
        .find(|path| is_debug_file_of(module, path, None))
}

fn by_debug_link(module: &ElfInfo, roots: &[PathBuf], sysroot: Option<&Path>) -> Option<PathBuf> {
    let (link, crc) = module.debug_link.as_ref()?;
    let name = Path::new(link.file_name()?);
    let directory = module.path.parent()?;
    let mut places = vec![directory.join(name), directory.join(".debug").join(name)];
    // Below a debug root, files lie at the path that the target knows them by.
    let absolute = fs::canonicalize(directory).unwrap_or_else(|_| directory.to_path_buf());
    let root = sysroot.and_then(|root| fs::canonicalize(root).ok());
    let on_target = root
        .as_deref()
        .and_then(|root| absolute.strip_prefix(root).ok());
    let below = on_target.unwrap_or_else(|| absolute.strip_prefix("/").unwrap_or(&absolute));
    for root in roots {
        places.push(root.join(below).join(name));
        places.push(root.join(name));
    }
    places
        .into_iter()
        .filter(|path| *path != module.path)
        .find(|path| is_debug_file_of(module, path, Some(*crc)))
}

/// The build ids agree; where one is missing, the checksum of the link does.
fn is_debug_file_of(module: &ElfInfo, path: &Path, crc: Option<u32>) -> bool {
    if !path.is_file() {
        return false;
    }
    let Ok(info) = ElfInfo::read(path) else {
        return false;
    };
    match (&module.build_id, &info.build_id) {
        (Some(a), Some(b)) => a == b,
        _ => crc.is_some() && checksum(path).map(|(_, crc)| crc) == crc,
    }
}
