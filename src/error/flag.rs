//! The options that settle which file of a capture set is which.

/// The options that settle which file of a capture set is which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFlag {
    Log,
    Exe,
    Maps,
    Sysroot,
    Duration,
}

impl FileFlag {
    pub fn name(self) -> &'static str {
        match self {
            FileFlag::Log => "--log",
            FileFlag::Exe => "--exe",
            FileFlag::Maps => "--maps",
            FileFlag::Sysroot => "--sysroot",
            FileFlag::Duration => "--duration",
        }
    }

    pub fn noun(self) -> &'static str {
        match self {
            FileFlag::Log => "mtrace logs",
            FileFlag::Exe => "executables",
            FileFlag::Maps => "maps files",
            FileFlag::Sysroot => "sysroots",
            FileFlag::Duration => "times",
        }
    }
}
