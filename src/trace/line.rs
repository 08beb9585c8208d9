//! One line of an mtrace log, read from its right end.
//!
//! ```text
//! = Start
//! @ ./app:[0x11d1] + 0x557454e072a0 0x18
//! @ /lib/libc.so.6:(__strdup+1a)[0x9e9aa] + 0x557454e074a0 0x6
//! @ ./app:[0x126c] - 0x557454e07920
//! @ ./app:[0x128b] < 0x557454e074c0
//! @ ./app:[0x128b] > 0x557454e074c0 0x3e8
//! @ ./app:[0x128b] ! 0x557454e074c0 0x7fffffffffff
//! @ ./app:[0x11d1] + (nil) 0x4000000000
//! @ [0x10447] + 0x65ee0 0x18
//! = End
//! ```
//!
//! A path can hold any byte, so nothing can be split from the left: the last one or two fields are
//! figures, the field before them is one of `+ - < > !`, and all that stands left of it is the caller.
//! Source of the format: glibc, `malloc/mtrace-impl.c` (2.34 and newer) and `malloc/mtrace.c`.

use crate::hex::{self, VALUE};

/// What a line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line<'a> {
    /// `= Start`: `mtrace()` was called.
    Start,
    /// `= End`: `muntrace()` was called.
    End,
    /// What the heap was asked for, and gave.
    Record(Record<'a>),
    /// Nothing, or white space alone.
    Blank,
    /// Nothing that mtrace writes.
    Malformed,
}

/// One event of the heap and who caused it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// The caller as the log spells it, without the leading `@ `; see [`LogCaller::parse`].
    pub caller: &'a [u8],
    pub event: Event,
}

/// Addresses of blocks as the program saw them; sizes in bytes as it asked for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// `+ address size`
    Allocated {
        /// The new block.
        address: u64,
        /// How large it is.
        size: u64,
    },
    /// `+ (nil) size`: malloc gave nothing, so there is no block.
    AllocationFailed {
        /// How large it would have been.
        size: u64,
    },
    /// `- address`
    Freed {
        /// The block that is gone.
        address: u64,
    },
    /// `< address`: realloc gave the old block back; `>` with the new one follows.
    ReallocatedFrom {
        /// The old block.
        address: u64,
    },
    /// `> address size`
    ReallocatedTo {
        /// The new block.
        address: u64,
        /// How large it is.
        size: u64,
    },
    /// `! address size`: realloc failed, the old block stays live.
    ReallocationFailed {
        /// The block, still as it was.
        address: u64,
        /// How large it would have been.
        size: u64,
    },
}

impl<'a> Line<'a> {
    /// Reads a line without its line end; a carriage return or blanks at its end do no harm.
    #[inline]
    pub fn parse(line: &'a [u8]) -> Self {
        match parse_record(line) {
            Some(record) => Line::Record(record),
            None => Line::parse_other(line),
        }
    }

    #[cold]
    fn parse_other(line: &'a [u8]) -> Self {
        match line.trim_ascii_end() {
            b"" => Line::Blank,
            b"= Start" => Line::Start,
            b"= End" => Line::End,
            trimmed if trimmed.len() < line.len() => Line::parse(trimmed),
            _ => Line::Malformed,
        }
    }
}

/// Where the last `@ ` begins that is not at the beginning of the text.
pub(crate) fn last_mark(text: &[u8]) -> Option<usize> {
    memchr::memmem::rfind(text, b"@ ").filter(|&at| at > 0)
}

fn parse_record(line: &[u8]) -> Option<Record<'_>> {
    let (last, rest) = figure_at_end(line)?;
    // `… - 0xaddress` and `… < 0xaddress` have one figure, all others two.
    if let Some((operator @ (b'-' | b'<'), caller)) = operator_at_end(rest) {
        let event = match operator {
            b'-' => Event::Freed { address: last },
            _ => Event::ReallocatedFrom { address: last },
        };
        let caller = caller_text(caller)?;
        return Some(Record { caller, event });
    }
    let size = last;
    if let Some(before) = rest.strip_suffix(b" (nil)") {
        let (b'+', caller) = operator_at_end(before)? else {
            return None;
        };
        return Some(Record {
            caller: caller_text(caller)?,
            event: Event::AllocationFailed { size },
        });
    }
    let (address, rest) = figure_at_end(rest)?;
    let (operator, caller) = operator_at_end(rest)?;
    let event = match operator {
        b'+' => Event::Allocated { address, size },
        b'>' => Event::ReallocatedTo { address, size },
        b'!' => Event::ReallocationFailed { address, size },
        _ => return None,
    };
    let caller = caller_text(caller)?;
    Some(Record { caller, event })
}

/// The figure that a text ends with, and what stands before the blank in front of it: `0x557454e072a0`,
/// or `0`, which is how C prints a zero with `%#x`. Read from the right, which finds the blank on the way.
fn figure_at_end(text: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0u64;
    let mut shift = 0;
    let mut at = text.len();
    loop {
        let nibble = VALUE[usize::from(*text.get(at.checked_sub(1)?)?)];
        if nibble >= 16 {
            break;
        }
        if shift >= 64 {
            return None;
        }
        value |= u64::from(nibble) << shift;
        shift += 4;
        at -= 1;
    }
    let digits = text.len() - at;
    let before = match &text[..at] {
        [before @ .., b' ', b'0', b'x'] if digits > 0 => before,
        [before @ .., b' '] if digits == 1 && value == 0 => before,
        _ => return None,
    };
    Some((value, before))
}

/// The one-letter field that a text ends with, and what stands before it and its blank.
fn operator_at_end(text: &[u8]) -> Option<(u8, &[u8])> {
    match text {
        [caller @ .., b' ', operator] => Some((*operator, caller)),
        [operator] => Some((*operator, &[])),
        _ => None,
    }
}

/// What stands left of the operator: `@ caller`, a bare caller as the glibc manual shows it, or nothing.
fn caller_text(text: &[u8]) -> Option<&[u8]> {
    let text = text.strip_prefix(b"@ ").unwrap_or(text);
    // A bare caller is only taken where it has an address, or any junk before a `+` would be one.
    let text = match text {
        [b'!'..=b'~', ..] => text,
        _ => text.trim_ascii_start(),
    };
    (text.is_empty() || text.ends_with(b"]") || text.ends_with(b")")).then_some(text)
}

/// A caller taken apart: `/lib/libc.so.6:(__strdup+1a)[0x9e9aa]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LogCaller<'a> {
    /// The file as `dladdr` names it: an absolute path, or `argv[0]` for the program itself.
    pub file: Option<&'a [u8]>,
    pub symbol: Option<LogSymbol<'a>>,
    /// The number in brackets: a return address, absolute or relative.
    pub address: Option<u64>,
}

/// The dynamic symbol that glibc found below the return address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogSymbol<'a> {
    pub name: &'a [u8],
    /// The offset is written `+0x1a` up to glibc 2.33 and `+1a` since.
    pub offset_has_0x: bool,
}

impl<'a> LogCaller<'a> {
    pub fn parse(text: &'a [u8]) -> Self {
        let mut caller = LogCaller::default();
        let mut rest = text;
        if let Some(inner) = rest.strip_suffix(b"]")
            && let Some(open) = memchr::memrchr(b'[', inner)
            && let Some(address) = hex::figure(&inner[open + 1..])
        {
            caller.address = Some(address);
            rest = &inner[..open];
        }
        if let Some(inner) = rest.strip_suffix(b")")
            && let Some(open) = memchr::memrchr(b'(', inner)
            && (open == 0 || inner[open - 1] == b':')
        {
            caller.symbol = parse_symbol(&inner[open + 1..]);
            rest = &inner[..open];
        }
        let named = rest.strip_suffix(b":");
        // A program that cleared its title has an empty name, not none.
        let rest = named.unwrap_or(rest);
        caller.file = (named.is_some() || !rest.is_empty()).then_some(rest);
        caller
    }
}

/// `__strdup+1a`, `main-0x4`: the sign is the last one, since a name can hold others.
fn parse_symbol(text: &[u8]) -> Option<LogSymbol<'_>> {
    let sign = memchr::memrchr2(b'+', b'-', text);
    let (name, offset) = match sign {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, &[][..]),
    };
    (!name.is_empty()).then_some(LogSymbol {
        name,
        offset_has_0x: offset.starts_with(b"0x"),
    })
}

/// `= Start`, or `@ … + 0x… 0x…`: what a log is recognised by, also where the line itself is
/// damaged.
pub(crate) fn is_log_line(line: &[u8]) -> bool {
    if line == b"= Start" {
        return true;
    }
    // Other text can end like a record: `address = base + 0x10`.
    if memchr::memmem::find(line, b"@ ").is_none() && !line.trim_ascii_start().starts_with(b"[0x") {
        return false;
    }
    let mut fields = line.rsplit(|&b| b == b' ');
    let last = fields.next().unwrap_or_default();
    let is_operator =
        |field: Option<&[u8]>| matches!(field, Some(b"+" | b"-" | b"<" | b">" | b"!"));
    let follows_operator = is_operator(fields.next()) || is_operator(fields.next());
    last.starts_with(b"0x") && follows_operator
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(line: &str) -> Record<'_> {
        match Line::parse(line.as_bytes()) {
            Line::Record(record) => record,
            other => panic!("{line}: {other:?}"),
        }
    }

    fn caller(line: &str) -> LogCaller<'_> {
        LogCaller::parse(record(line).caller)
    }

    #[test]
    fn every_event_of_the_grammar() {
        let cases = [
            (
                "@ ./app:[0x11d1] + 0x557454e072a0 0x18",
                Event::Allocated {
                    address: 0x5574_54e0_72a0,
                    size: 0x18,
                },
            ),
            (
                "@ ./app:[0x11d1] + 0x65ee0 0",
                Event::Allocated {
                    address: 0x65ee0,
                    size: 0,
                },
            ),
            (
                "@ ./app:[0x11d1] + (nil) 0x4000000000",
                Event::AllocationFailed {
                    size: 0x40_0000_0000,
                },
            ),
            (
                "@ ./app:[0x126c] - 0x557454e07920",
                Event::Freed {
                    address: 0x5574_54e0_7920,
                },
            ),
            (
                "@ ./app:[0x128b] < 0x557454e074c0",
                Event::ReallocatedFrom {
                    address: 0x5574_54e0_74c0,
                },
            ),
            (
                "@ ./app:[0x128b] > 0x557454e074c0 0x3e8",
                Event::ReallocatedTo {
                    address: 0x5574_54e0_74c0,
                    size: 0x3e8,
                },
            ),
            (
                "@ ./app:[0x128b] ! 0x557454e074c0 0x7fffffffffff",
                Event::ReallocationFailed {
                    address: 0x5574_54e0_74c0,
                    size: 0x7fff_ffff_ffff,
                },
            ),
        ];
        for (line, event) in cases {
            assert_eq!(record(line).event, event, "{line}");
        }
        assert_eq!(Line::parse(b"= Start"), Line::Start);
        assert_eq!(Line::parse(b"= End\r"), Line::End);
        assert_eq!(Line::parse(b""), Line::Blank);
    }

    #[test]
    fn every_form_of_caller() {
        let full = caller("@ /lib/libc.so.6:(__strdup+1a)[0x9e9aa] + 0x557454e074a0 0x6");
        assert_eq!(full.file, Some(&b"/lib/libc.so.6"[..]));
        assert_eq!(
            full.symbol,
            Some(LogSymbol {
                name: b"__strdup",
                offset_has_0x: false
            })
        );
        assert_eq!(full.address, Some(0x9e9aa));

        let old = caller("@ ./app:(f+0x1a)[0x40000683] + 0x400036f0 0x100");
        assert_eq!(
            old.symbol,
            Some(LogSymbol {
                name: b"f",
                offset_has_0x: true
            })
        );

        let no_module = caller("@ [0x10447] + 0x65ee0 0x18");
        assert_eq!((no_module.file, no_module.address), (None, Some(0x10447)));

        let manual = caller(" [0x8048209] - 0x8064cc8");
        assert_eq!((manual.file, manual.address), (None, Some(0x0804_8209)));

        let bare = record("+ 0x804a300 0x10");
        assert_eq!(bare.caller, b"");
        assert_eq!(record("- 0x804a300").caller, b"");
        assert_eq!(record("@ ./app:[0x1] - 0x2").caller, b"./app:[0x1]");
    }

    #[test]
    fn a_path_can_hold_anything() {
        let c = caller("@ sp ace/a:b/le(a)k[0x1]:[0x11d1] + 0x55c727dfc2a0 0x18");
        assert_eq!(c.file, Some(&b"sp ace/a:b/le(a)k[0x1]"[..]));
        assert_eq!((c.symbol, c.address), (None, Some(0x11d1)));

        let c = caller("@ ./x + 0x1 0x2:(_Znwm+0x1c)[0x11d1] + 0x55c727dfc2a0 0x18");
        assert_eq!(c.file, Some(&b"./x + 0x1 0x2"[..]));
        assert_eq!(c.symbol.map(|s| s.name), Some(&b"_Znwm"[..]));

        let bytes = b"@ ./caf\xe9\xff:[0x11d1] - 0x10";
        let Line::Record(r) = Line::parse(bytes) else {
            panic!()
        };
        assert_eq!(LogCaller::parse(r.caller).file, Some(&b"./caf\xe9\xff"[..]));
    }

    #[test]
    fn what_is_no_record_is_malformed() {
        for line in [
            "hello world",
            "@ ./app:[0x11d1] + 0x557454e072a0",
            "@ ./app:[0x11d1] * 0x1 0x2",
            "@ ./app:[0x11d1] + 0x1g 0x2",
            "@ ./app:[0x11d1] + 0x11111111111111111 0x2",
            "@ ./app:[0x11d1] - (nil)",
            "@ ./app:[0x11d1] + 0x 0x2",
            "= Stop",
            "a + 0x1 0x2",
            "- 0x000000004003 Free 12 was never alloc'd 0x400",
            "0x0000000040003588       0x30  at 0x4000087d",
            "+",
        ] {
            assert_eq!(Line::parse(line.as_bytes()), Line::Malformed, "{line}");
        }
    }
}
