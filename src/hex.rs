//! Hexadecimal numbers.
//!
//! A log is figures for the most part. Reading them a digit at a time costs a table look-up and a
//! branch each; in [`figure_at_start`] a few operations on a word of eight bytes find how many digits a
//! text begins with, check them and put them together.

const ONES: u64 = 0x0101_0101_0101_0101;

/// The values of the eight bytes of a word as digits, and whether all of them are digits as C prints
/// them, in lower case; the text's first is in the lowest byte.
#[inline(always)]
fn nibbles(text: u64) -> (u64, bool) {
    let nibbles = (text & (0x0f * ONES)) + 9 * ((text >> 6) & ONES);
    let is_letter = ((nibbles + 0x76 * ONES) >> 7) & ONES;
    let printed = nibbles + b'0' as u64 * ONES + (b'a' - b'9' - 1) as u64 * is_letter;
    (nibbles, printed == text && nibbles & (0xf0 * ONES) == 0)
}

/// The value of a word of eight digits.
#[inline(always)]
fn word_value(text: u64) -> Option<u64> {
    let (nibbles, are_digits) = nibbles(text);
    // Each multiplication puts a digit, a pair, a half before its neighbour.
    let pairs = (nibbles.wrapping_mul(0x1001) >> 8) & 0x00ff_00ff_00ff_00ff;
    let halves = (pairs.wrapping_mul(0x100_0001) >> 16) & 0x0000_ffff_0000_ffff;
    let value = halves.wrapping_mul(0x1_0000_0000_0001) >> 32;
    are_digits.then_some(value & 0xffff_ffff)
}

/// The value of the first `count` bytes of a text, 1 to 8 of them, that begins with this word.
#[inline(always)]
fn first_digits(word: u64, count: u32) -> Option<u64> {
    // Zeros before the first digit change nothing.
    let zeros = (ONES * b'0' as u64).checked_shr(8 * count).unwrap_or(0);
    word_value(word << (64 - 8 * count) | zeros)
}

/// How many bytes of the word stand before a blank or a control character; 8 if it has none.
#[inline(always)]
fn before_blank(word: u64) -> u32 {
    // Digits have the bit 0x10 set, letters the bit 0x40; what else has is refused as a digit.
    let blank = !((word << 2) | word) & (0x40 * ONES);
    blank.trailing_zeros() / 8
}

/// The lower-case digits that a text begins with, up to 15 of them, before a blank or control character:
/// their value, and how many there are. `None` also stands for what only a closer look can tell.
#[inline(always)]
pub(crate) fn figure_at_start(text: &[u8]) -> Option<(u64, usize)> {
    let word = u64::from_le_bytes(*text.first_chunk()?);
    let count = before_blank(word);
    match count {
        0 => None,
        1..=7 => Some((first_digits(word, count)?, count as usize)),
        _ => {
            let upper = word_value(word)?;
            let word = u64::from_le_bytes(*text[8..].first_chunk()?);
            let count = before_blank(word);
            match count {
                0 => Some((upper, 8)),
                1..=7 => {
                    let lower = first_digits(word, count)?;
                    Some((upper << (4 * count) | lower, 8 + count as usize))
                }
                _ => None,
            }
        }
    }
}

/// The value of each byte as a digit of either case; 255 for all others.
pub(crate) const VALUE: [u8; 256] = {
    let mut table = [255; 256];
    let mut digit = 0;
    while digit < 16 {
        table[b"0123456789abcdef"[digit] as usize] = digit as u8;
        table[b"0123456789ABCDEF"[digit] as usize] = digit as u8;
        digit += 1;
    }
    table
};

/// The value of a digit.
pub(crate) fn digit(byte: u8) -> Option<u8> {
    Some(VALUE[usize::from(byte)]).filter(|value| *value < 16)
}

/// Digits alone, of at most 64 bits.
pub(crate) fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 16 {
        return None;
    }
    let mut digits = digits.iter();
    digits.try_fold(0, |value, &byte| Some(value << 4 | u64::from(digit(byte)?)))
}

/// `0x1f`, as C prints it: a zero has no prefix.
pub(crate) fn figure(text: &[u8]) -> Option<u64> {
    match text.strip_prefix(b"0x") {
        Some(digits) => number(digits),
        None => (text == b"0").then_some(0),
    }
}

/// Numbers as text in documents: `"0x1f"`.
pub(crate) mod text {
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::Serializer;

    use crate::printable::printable;

    pub(crate) fn serialize<S: Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{number:#x}"))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = text.as_bytes().strip_prefix(b"0x");
        let number = digits.and_then(super::number);
        number.ok_or_else(|| D::Error::custom(format!("'{}' is no address", printable(&text))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn figures_of_every_length() {
        for digits in 1..=15 {
            let value = 0xfedc_ba98_7654_321fu64 >> (64 - 4 * digits);
            for behind in [" 0x18\n", "\n = End, and more behind it"] {
                let text = format!("{value:x}{behind:18}");
                assert_eq!(
                    figure_at_start(text.as_bytes()),
                    Some((value, digits)),
                    "{text}"
                );
            }
        }
    }

    #[test]
    fn what_is_no_figure() {
        for text in [
            " 12345678901234567",
            "g 345678901234567",
            "1g 45678901234567",
            "A 345678901234567",
            "12345678:0123456 ",
            "123456789abcdef0 1",
            "0123456789abcdef",
            "12",
            "",
            "1j 45678901234567",
            "12345678\u{80} 1234567",
        ] {
            assert_eq!(figure_at_start(text.as_bytes()), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn each_byte_is_a_digit_or_refuses_the_word(bytes in any::<[u8; 8]>(), count in 1usize..=8) {
            let of_word = first_digits(u64::from_le_bytes(bytes), count as u32);
            let text = &bytes[..count];
            let is_lower = |b: &u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
            let expected = text.iter().all(is_lower).then(|| u64::from_str_radix(std::str::from_utf8(text).unwrap(), 16).unwrap());
            prop_assert_eq!(of_word, expected);
        }

        #[test]
        fn any_text_is_read_as_the_library_reads_it(text in "[0-9a-f]{1,17}[ \n\r:][ -~]{17}") {
            let digits = text.bytes().take_while(|b| b.is_ascii_hexdigit()).count();
            let ends = matches!(text.as_bytes()[digits], b' ' | b'\n' | b'\r');
            let expected = (digits <= 15 && ends).then(|| (u64::from_str_radix(&text[..digits], 16).unwrap(), digits));
            prop_assert_eq!(figure_at_start(text.as_bytes()), expected);
        }
    }
}
