//! The header of a recording.

use crate::elf::Machine;

pub(super) const MAGIC: &[u8; 8] = b"MTDREC1\n";

/// Bytes of the header that mean something.
pub(super) const HEADER: usize = 72;

/// As large as the recorder makes it; a file that claims more is none of its files.
const LARGEST_WINDOW: u32 = 1 << 24;

/// What is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Every event, with its stack.
    Events,
    /// Counts by stack, every few seconds.
    Summary,
    /// Every event, with its immediate caller.
    Callers,
}

/// Why a recording ended before the program did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stopped {
    DiskFull,
    SizeLimit,
    FileLost,
    OutOfMemory,
    Unknown,
}

impl Stopped {
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Stopped::DiskFull => {
                "the log could not be written any more; most likely the disk was full"
            }
            Stopped::SizeLimit => "the log had reached the size that was allowed",
            Stopped::FileLost => {
                "the program had closed the log's descriptor, and the file could not be opened again"
            }
            Stopped::OutOfMemory => "there was no memory left for the recorder",
            Stopped::Unknown => "the recorder does not say why",
        }
    }
}

/// Where the window is in the file; 0, 0 where there is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Window {
    pub at: u32,
    pub size: u32,
}

/// The header, in this machine's terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    pub little_endian: bool,
    pub machine: Machine,
    /// Addresses are counted in units of 2^`shift` bytes.
    pub shift: u32,
    pub mode: Mode,
    /// Most frames of a stack.
    pub depth: u8,
    pub pid: u32,
    pub window: Window,
    pub first_block: u32,
    /// How much of the block in the window is written, without its header.
    pub length: u32,
    /// Where that block belongs in the file.
    pub at: u64,
    /// In nanoseconds since 1970.
    pub started: u64,
    pub stopped: Option<Stopped>,
    /// Events of signal handlers that could not be recorded.
    pub lost: u32,
    /// Processes that it forked, and that could not have a recording; 0 where the file was not mapped.
    pub unfollowed: u32,
}

/// Whether a file begins as a recording does.
pub(crate) fn is_recording(head: &[u8]) -> bool {
    head.starts_with(MAGIC)
}

/// Reads numbers in the byte order of the target.
#[derive(Debug, Clone, Copy)]
pub(super) struct Order {
    pub little_endian: bool,
}

impl Order {
    pub(super) fn u16(self, bytes: &[u8]) -> u16 {
        let raw = bytes.first_chunk().copied().unwrap_or_default();
        match self.little_endian {
            true => u16::from_le_bytes(raw),
            false => u16::from_be_bytes(raw),
        }
    }

    pub(super) fn u32(self, bytes: &[u8]) -> u32 {
        let raw = bytes.first_chunk().copied().unwrap_or_default();
        match self.little_endian {
            true => u32::from_le_bytes(raw),
            false => u32::from_be_bytes(raw),
        }
    }

    pub(super) fn u64(self, bytes: &[u8]) -> u64 {
        let raw = bytes.first_chunk().copied().unwrap_or_default();
        match self.little_endian {
            true => u64::from_le_bytes(raw),
            false => u64::from_be_bytes(raw),
        }
    }
}

impl Header {
    /// Reads a header; the error says what is wrong with it.
    pub(crate) fn parse(head: &[u8; HEADER]) -> Result<Self, String> {
        if !is_recording(head) {
            return Err("it does not begin as a recording does".to_owned());
        }
        let little_endian = match &head[8..12] {
            [4, 3, 2, 1] => true,
            [1, 2, 3, 4] => false,
            _ => return Err("its byte order is unknown: the header is damaged".to_owned()),
        };
        let order = Order { little_endian };
        let version = order.u16(&head[12..]);
        if version != 1 {
            return Err(format!(
                "it has version {version} of the format, and this program reads version 1"
            ));
        }
        let mode = match head[18] {
            0 => Mode::Events,
            1 => Mode::Summary,
            2 => Mode::Callers,
            other => return Err(format!("its mode, {other}, is unknown")),
        };
        let header = Header {
            little_endian,
            machine: Machine {
                e_machine: order.u16(&head[14..]),
                is_64: head[16] == 8,
                little_endian,
                hard_float: false,
            },
            shift: u32::from(head[17]),
            mode,
            depth: head[19],
            pid: order.u32(&head[20..]),
            window: Window {
                at: order.u32(&head[24..]),
                size: order.u32(&head[28..]),
            },
            first_block: order.u32(&head[32..]),
            length: order.u32(&head[36..]),
            at: order.u64(&head[40..]),
            started: order.u64(&head[48..]),
            stopped: match order.u32(&head[64..]) {
                0 => None,
                1 => Some(Stopped::DiskFull),
                2 => Some(Stopped::SizeLimit),
                3 => Some(Stopped::FileLost),
                4 => Some(Stopped::OutOfMemory),
                _ => Some(Stopped::Unknown),
            },
            lost: order.u32(&head[68..]),
            unfollowed: 0,
        };
        let Window { at: window, size } = header.window;
        let first = u64::from(header.first_block);
        let is_placed = match window {
            0 => first >= HEADER as u64,
            at => at as usize >= HEADER && u64::from(at) + u64::from(size) <= first,
        };
        let fits = header.length <= size || window == 0;
        if !is_placed || !fits || size > LARGEST_WINDOW || header.shift > 12 || header.at < first {
            return Err("its header contradicts itself: it is damaged".to_owned());
        }
        if header.first_block > LARGEST_WINDOW * 2 {
            return Err("its header contradicts itself: it is damaged".to_owned());
        }
        Ok(header)
    }
}
