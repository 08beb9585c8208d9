//! Numbers in as few bytes as they need.

/// Small numbers for small changes, up or down.
pub(super) fn zigzag(change: u64) -> u64 {
    change << 1 ^ ((change as i64) >> 63) as u64
}

pub(crate) fn unzigzag(number: u64) -> u64 {
    number >> 1 ^ (number & 1).wrapping_neg()
}

/// Seven bits a byte, the lowest first; all but the last have the eighth.
#[inline]
pub(super) fn write(bytes: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Takes a number off the beginning; 0 where there is none.
#[inline]
pub(super) fn read(bytes: &mut &[u8]) -> u64 {
    let mut number = 0;
    for shift in (0..u64::BITS).step_by(7) {
        let Some((byte, rest)) = bytes.split_first() else {
            break;
        };
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_as_they_were() {
        let numbers = [0, 1, 127, 128, 300, 1 << 35, u64::MAX - 1, u64::MAX];
        let mut bytes = Vec::new();
        for number in numbers {
            write(&mut bytes, number);
            write(&mut bytes, zigzag(number));
        }
        let mut rest = bytes.as_slice();
        for number in numbers {
            assert_eq!(read(&mut rest), number);
            assert_eq!(unzigzag(read(&mut rest)), number);
        }
        assert!(rest.is_empty());
    }

    #[test]
    fn small_changes_take_one_byte() {
        for change in [0, 1, -1, 63, -64_i64] {
            let mut bytes = Vec::new();
            write(&mut bytes, zigzag(change as u64));
            assert_eq!(bytes.len(), 1, "{change}");
        }
    }
}
