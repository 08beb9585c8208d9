//! The libraries that a program loads, as the dynamic loader of the target would find them.

use std::collections::{HashSet, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};

use object::elf;
use object::read::elf::{ElfFile, FileHeader};
use object::read::{ReadCache, ReadRef};

use crate::elf::{ElfInfo, Machine, open_elf};
use crate::error::{Error, Result};
use crate::file_name::last_part;
use crate::symbols::{resolved_in, same_machine};

/// What one file asks of the loader.
#[derive(Debug, Default, PartialEq, Eq)]
struct Needs {
    libraries: Vec<String>,
    /// `DT_RPATH` and `DT_RUNPATH`, split.
    paths: Vec<String>,
}

/// The files of a process, as far as they can be told beforehand.
#[derive(Debug, Default)]
pub(super) struct Closure {
    /// The program, the libraries given, and all that they need, each once.
    pub files: Vec<ElfInfo>,
    /// Libraries that are needed, and are not there.
    pub missing: Vec<String>,
}

/// Follows `DT_NEEDED` from the program and from each library given by hand, in `root`.
pub(super) fn closure(program: &Path, given: &[PathBuf], root: &Path) -> Result<Closure> {
    let program = ElfInfo::read(program)?;
    let machine = program.machine;
    let directories = Directories::of(root, machine);
    let mut queue = VecDeque::from([program]);
    for path in given {
        let info = ElfInfo::read(path)?;
        match same_machine(machine, info.machine) {
            true => queue.push_back(info),
            false => {
                let reason = format!("it is for {}, and the program for {machine}", info.machine);
                return Err(Error::bad_elf(path, &reason));
            }
        }
    }
    let names = queue.iter().filter_map(|info| info.soname.clone());
    let mut asked: HashSet<String> = names.collect();
    asked.extend(given.iter().filter_map(|path| file_name(path)));
    let (mut seen, mut closure) = (HashSet::new(), Closure::default());
    while let Some(info) = queue.pop_front() {
        let needs = needs_of(&info.path)?;
        let interpreter = info.interpreter.iter().cloned();
        for name in needs.libraries.iter().cloned().chain(interpreter) {
            let base = last_part(&name).to_owned();
            if !asked.insert(base) {
                continue;
            }
            match directories.find(&name, &needs.paths, &info.path) {
                Some(library) => queue.push_back(library),
                None => closure.missing.push(name),
            }
        }
        let path = fs::canonicalize(&info.path).unwrap_or_else(|_| info.path.clone());
        if seen.insert(path) {
            closure.files.push(info);
        }
    }
    Ok(closure)
}

fn file_name(path: &Path) -> Option<String> {
    Some(path.file_name()?.to_string_lossy().into_owned())
}

/// Where the loader looks.
struct Directories<'a> {
    root: &'a Path,
    machine: Machine,
    /// Absolute paths of the target.
    default: Vec<String>,
}

impl<'a> Directories<'a> {
    fn of(root: &'a Path, machine: Machine) -> Self {
        let mut default = configured(root, Path::new("etc/ld.so.conf"), 0);
        let port = |name: &str| [format!("/lib/{name}"), format!("/usr/lib/{name}")];
        default.extend(ports(machine).iter().flat_map(|name| port(name)));
        for name in ["/lib64", "/usr/lib64", "/lib", "/usr/lib", "/usr/local/lib"] {
            default.push(name.to_owned());
        }
        // Cross compilers have the target's libraries below its name.
        default.extend(ports(machine).iter().map(|name| format!("/usr/{name}/lib")));
        Directories {
            root,
            machine,
            default,
        }
    }

    fn find(&self, name: &str, paths: &[String], needed_by: &Path) -> Option<ElfInfo> {
        if name.contains('/') {
            return self.take(name);
        }
        let absolute = fs::canonicalize(needed_by).ok();
        let origin = absolute.as_deref().and_then(Path::parent);
        let beside = |path: &String| {
            let rest = path.strip_prefix("$ORIGIN");
            let rest = rest.or_else(|| path.strip_prefix("${ORIGIN}"))?;
            let path = origin?.join(rest.trim_start_matches('/')).join(name);
            self.check(&path)
        };
        paths
            .iter()
            .find_map(|path| beside(path).or_else(|| self.take(&format!("{path}/{name}"))))
            .or_else(|| {
                let mut default = self.default.iter();
                default.find_map(|directory| self.take(&format!("{directory}/{name}")))
            })
    }

    /// A path of the target.
    fn take(&self, path: &str) -> Option<ElfInfo> {
        let below = Path::new(path.trim_start_matches('/'));
        self.check(&resolved_in(self.root, below)?)
    }

    /// Libraries of another machine are passed over, as the loader does.
    fn check(&self, path: &Path) -> Option<ElfInfo> {
        let info = path.is_file().then(|| ElfInfo::read(path).ok())??;
        same_machine(self.machine, info.machine).then_some(info)
    }
}

/// Directories of `ld.so.conf` and of the files that it includes.
fn configured(root: &Path, file: &Path, depth: u32) -> Vec<String> {
    const DEEPEST: u32 = 4;
    let text = resolved_in(root, file).and_then(|path| fs::read_to_string(path).ok());
    let mut directories = Vec::new();
    for line in text.unwrap_or_default().lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        match line.strip_prefix("include ") {
            Some(pattern) if depth < DEEPEST => {
                for file in included(root, pattern.trim()) {
                    directories.extend(configured(root, &file, depth + 1));
                }
            }
            None if line.starts_with('/') => directories.push(line.to_owned()),
            _ => {}
        }
    }
    directories
}

/// The files of `/etc/ld.so.conf.d/*.conf`; other patterns are not in use.
fn included(root: &Path, pattern: &str) -> Vec<PathBuf> {
    let Some((directory, end)) = pattern.trim_start_matches('/').rsplit_once("/*") else {
        return vec![PathBuf::from(pattern.trim_start_matches('/'))];
    };
    let entries = resolved_in(root, Path::new(directory)).and_then(|path| fs::read_dir(path).ok());
    let names = entries.into_iter().flatten().flatten();
    let names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut files: Vec<String> = names.filter(|name| name.ends_with(end)).collect();
    files.sort();
    let paths = files.iter().map(|name| Path::new(directory).join(name));
    paths.collect()
}

/// What Debian and Yocto call the machine.
fn ports(machine: Machine) -> &'static [&'static str] {
    match (elf::Machine(machine.e_machine), machine.little_endian) {
        (elf::EM_X86_64, _) => &["x86_64-linux-gnu"],
        (elf::EM_386, _) => &["i386-linux-gnu", "i686-linux-gnu"],
        (elf::EM_ARM, _) if machine.hard_float => &["arm-linux-gnueabihf"],
        (elf::EM_ARM, _) => &["arm-linux-gnueabi"],
        (elf::EM_AARCH64, _) => &["aarch64-linux-gnu"],
        (elf::EM_MIPS, true) if machine.is_64 => &["mips64el-linux-gnuabi64"],
        (elf::EM_MIPS, true) => &["mipsel-linux-gnu"],
        (elf::EM_MIPS, false) => &["mips-linux-gnu"],
        (elf::EM_RISCV, _) => &["riscv64-linux-gnu"],
        (elf::EM_PPC64, true) => &["powerpc64le-linux-gnu"],
        (elf::EM_PPC64, false) => &["powerpc64-linux-gnu"],
        _ => &[],
    }
}

fn needs_of(path: &Path) -> Result<Needs> {
    let cache = ReadCache::new(open_elf(path)?);
    let bad = |e: object::read::Error| Error::bad_elf(path, &e.to_string());
    let is_64 = object::FileKind::parse(&cache).map_err(bad)? == object::FileKind::Elf64;
    Ok(match is_64 {
        true => {
            needs(&ElfFile::<elf::FileHeader64<object::Endianness>, _>::parse(&cache).map_err(bad)?)
        }
        false => {
            needs(&ElfFile::<elf::FileHeader32<object::Endianness>, _>::parse(&cache).map_err(bad)?)
        }
    })
}

fn needs<'data, Elf, R>(file: &ElfFile<'data, Elf, R>) -> Needs
where
    Elf: FileHeader<Endian = object::Endianness>,
    R: ReadRef<'data>,
{
    let mut needs = Needs::default();
    let Ok(table) = file.elf_dynamic_table() else {
        return needs;
    };
    for entry in table.iter() {
        let text = || {
            let name = table.string(entry).ok()?;
            Some(String::from_utf8_lossy(name).into_owned())
        };
        if entry.tag == elf::DT_NEEDED {
            needs.libraries.extend(text());
        } else if entry.tag == elf::DT_RPATH || entry.tag == elf::DT_RUNPATH {
            let paths = text().unwrap_or_default();
            needs.paths.extend(paths.split(':').map(str::to_owned));
        }
    }
    needs
}
