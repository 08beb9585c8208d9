//! Which file is the dynamic loader: the one that the program asks for, or one of a known name.

use object::elf::{self, Machine};

use crate::elf::ElfInfo;
use crate::file_name::base_name;

/// The names of glibc's and uClibc's loaders, port by port, and the machine where a name has only one.
///
/// Source: `shlib-versions` and `sysdeps/**/Makefile` of glibc, `ld-uClibc` of uClibc-ng. A list and no
/// pattern: `ld-linux-helper.so` and `ld-4g-modem.so` are ordinary libraries.
const KNOWN: [(&[u8], Option<Machine>); 33] = [
    (b"ld.so.1", None),
    (b"ld64.so.1", None),
    (b"ld64.so.2", None),
    (b"ld-linux.so.2", None),
    (b"ld-linux.so.3", Some(elf::EM_ARM)),
    (b"ld-linux-armhf.so.3", Some(elf::EM_ARM)),
    (b"ld-linux-aarch64.so.1", Some(elf::EM_AARCH64)),
    (b"ld-linux-aarch64_be.so.1", Some(elf::EM_AARCH64)),
    (b"ld-linux-aarch64_ilp32.so.1", Some(elf::EM_AARCH64)),
    (b"ld-linux-x86-64.so.2", Some(elf::EM_X86_64)),
    (b"ld-linux-x32.so.2", Some(elf::EM_X86_64)),
    (b"ld-linux-ia64.so.2", Some(elf::EM_IA_64)),
    (b"ld-linux-mipsn8.so.1", Some(elf::EM_MIPS)),
    (b"ld-linux-riscv32-ilp32.so.1", Some(elf::EM_RISCV)),
    (b"ld-linux-riscv32-ilp32d.so.1", Some(elf::EM_RISCV)),
    (b"ld-linux-riscv64-lp64.so.1", Some(elf::EM_RISCV)),
    (b"ld-linux-riscv64-lp64d.so.1", Some(elf::EM_RISCV)),
    (b"ld-linux-loongarch-ilp32s.so.1", Some(elf::EM_LOONGARCH)),
    (b"ld-linux-loongarch-ilp32d.so.1", Some(elf::EM_LOONGARCH)),
    (b"ld-linux-loongarch-lp64s.so.1", Some(elf::EM_LOONGARCH)),
    (b"ld-linux-loongarch-lp64d.so.1", Some(elf::EM_LOONGARCH)),
    (b"ld-linux-arc.so.2", None),
    (b"ld-linux-arceb.so.2", None),
    (b"ld-linux-cskyv2.so.1", None),
    (b"ld-linux-cskyv2-hf.so.1", None),
    (b"ld-linux-nios2.so.1", None),
    (b"ld-linux-or1k.so.1", None),
    (b"ld-lsb.so.3", None),
    (b"ld-lsb-x86-64.so.3", Some(elf::EM_X86_64)),
    (b"ld-uClibc.so.0", None),
    (b"ld-uClibc.so.1", None),
    (b"ld64-uClibc.so.0", None),
    (b"ld64-uClibc.so.1", None),
];

/// What musl calls its ports; its loader is `ld-musl-ARCH.so.1`.
const MUSL: [&[u8]; 22] = [
    b"aarch64",
    b"aarch64_be",
    b"arm",
    b"armeb",
    b"armebhf",
    b"armhf",
    b"i386",
    b"loongarch64",
    b"m68k",
    b"microblaze",
    b"microblazeel",
    b"mips",
    b"mips-sf",
    b"mips64",
    b"mips64el",
    b"mipsel",
    b"mipsel-sf",
    b"powerpc",
    b"powerpc64le",
    b"riscv64",
    b"s390x",
    b"x86_64",
];

/// Tells the dynamic loader of one run from its libraries.
#[derive(Debug, Default)]
pub(super) struct Loader {
    /// The base names of what the program asks for, and of the file that this is a link to. Empty
    /// where the program is not known, or asks for none.
    asked_for: Vec<Vec<u8>>,
}

impl Loader {
    /// `link` is the base name of the file that the loader's path leads to, where that is known.
    pub(super) fn of(
        program: Option<&ElfInfo>,
        link: impl FnOnce(&[u8]) -> Option<Vec<u8>>,
    ) -> Self {
        let interpreter = program.and_then(|elf| elf.interpreter.as_deref());
        let asked_for = interpreter.map_or_else(Vec::new, |path| {
            let path = path.as_bytes();
            let target = link(path);
            [Some(base_name(path).to_vec()), target]
                .into_iter()
                .flatten()
                .collect()
        });
        Loader { asked_for }
    }

    /// Whether a file of this base name is the loader.
    pub(super) fn is(&self, base_name: &[u8]) -> bool {
        match self.asked_for.is_empty() {
            true => is_loader_name(base_name),
            // Up to glibc 2.33 the maps show the target of the link.
            false => self.asked_for.iter().any(|name| name == base_name) || is_release(base_name),
        }
    }
}

/// Whether a file name is a dynamic loader's, of whichever program.
pub(crate) fn is_loader_name(base_name: &[u8]) -> bool {
    KNOWN.iter().any(|(name, _)| *name == base_name) || is_release(base_name) || is_musl(base_name)
}

/// `ld-2.31.so`, as glibc called the file up to 2.33.
pub(super) fn is_release(base_name: &[u8]) -> bool {
    let version = base_name.strip_prefix(b"ld-2.");
    let version = version.and_then(|rest| rest.strip_suffix(b".so"));
    let is_number = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    version.is_some_and(|version| version.split(|&b| b == b'.').all(is_number))
}

fn is_musl(base_name: &[u8]) -> bool {
    let port = base_name.strip_prefix(b"ld-musl-");
    let port = port.and_then(|rest| rest.strip_suffix(b".so.1"));
    port.is_some_and(|port| MUSL.contains(&port))
}

/// The machine of a dynamic loader whose name has only one.
pub(super) fn loader_machine(path: &[u8]) -> Option<Machine> {
    let base = base_name(path);
    let known = KNOWN.iter().find(|(name, _)| *name == base)?;
    known.1
}

/// Whether a file is a dynamic loader that cannot have loaded the program: one of another machine,
/// or one that the program does not ask for.
pub(super) fn is_other_loader(path: &[u8], program: &ElfInfo) -> bool {
    let base = base_name(path);
    if let Some(machine) = loader_machine(path) {
        return machine.0 != program.machine.e_machine;
    }
    let asked_for = program
        .interpreter
        .as_deref()
        .map(|path| base_name(path.as_bytes()));
    // ld-2.31.so says nothing: up to glibc 2.33 the maps show the target of the link.
    is_loader_name(base) && !is_release(base) && asked_for.is_some_and(|asked| asked != base)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loaders_of_every_port() {
        for name in [
            "ld-linux-armhf.so.3",
            "ld-linux.so.2",
            "ld-linux-x86-64.so.2",
            "ld-linux-aarch64.so.1",
            "ld-2.31.so",
            "ld-2.3.6.so",
            "ld64.so.2",
            "ld.so.1",
            "ld-linux-riscv64-lp64d.so.1",
            "ld-uClibc.so.0",
            "ld-musl-armhf.so.1",
        ] {
            assert!(is_loader_name(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn libraries_that_begin_as_loaders_do() {
        for name in [
            "libld.so.1",
            "ld",
            "ldconfig",
            "ld-tool",
            "ldap.so",
            "libc.so.6",
            "ld-4g-modem.so",
            "ld-7zip.so",
            "ld-linux-helper.so",
            "ld-linux-armhf.so.3.bak",
            "ld-linux.so",
            "ld-musl-compat.so.1",
            "ld-2.31-beta.so",
            "ld-2..so",
            "ld-3.1.so",
            "ld.so-helper.so",
            "ld64.so.2.so",
        ] {
            assert!(!is_loader_name(name.as_bytes()), "{name}");
        }
    }

    fn program(interpreter: &str) -> ElfInfo {
        let mut program = crate::elf::ElfInfo::read(std::path::Path::new(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/testdata/armhf-glibc2.31/run0/app0"
        )))
        .unwrap();
        program.interpreter = Some(interpreter.to_owned());
        program
    }

    #[test]
    fn the_program_says_which_its_loader_is() {
        let link = |path: &[u8]| {
            assert_eq!(path, b"/opt/sdk/lib/ld-vendor.so.1");
            Some(b"ld-vendor-5.so".to_vec())
        };
        let loader = Loader::of(Some(&program("/opt/sdk/lib/ld-vendor.so.1")), link);
        assert!(loader.is(b"ld-vendor.so.1") && loader.is(b"ld-vendor-5.so"));
        // Not what other programs ask for.
        assert!(!loader.is(b"ld-linux-x86-64.so.2") && !loader.is(b"ld-linux.so.3"));
        assert!(Loader::default().is(b"ld-linux-x86-64.so.2"));
        assert!(!Loader::default().is(b"ld-vendor.so.1"));
    }

    #[test]
    fn a_program_was_not_loaded_by_the_loader_of_another_machine() {
        let app = program("/lib/ld-linux-armhf.so.3");
        assert!(is_other_loader(b"/lib64/ld-linux-x86-64.so.2", &app));
        assert!(is_other_loader(b"/lib/ld-linux.so.2", &app));
        for name in [
            "/lib/ld-linux-armhf.so.3",
            "/lib/ld-2.31.so",
            "/opt/ld-linux-helper.so",
        ] {
            assert!(!is_other_loader(name.as_bytes(), &app), "{name}");
        }
    }
}
