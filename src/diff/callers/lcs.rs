//! How alike two ways are: what they have in common, in its order.

/// From 0 to 1000: twice what both have in common, of all that they have. An inserted, inlined or split frame takes away
/// little of a long way.
pub(crate) fn likeness<T: PartialEq>(a: &[T], b: &[T]) -> u32 {
    let all = a.len() + b.len();
    if all == 0 {
        return 1000;
    }
    (2000 * common(a, b) / all) as u32
}

/// The length of the longest sequence that both have.
fn common<T: PartialEq>(a: &[T], b: &[T]) -> usize {
    let mut row = vec![0; b.len() + 1];
    for x in a {
        let mut diagonal = 0;
        for (at, y) in b.iter().enumerate() {
            let above = row[at + 1];
            row[at + 1] = match x == y {
                true => diagonal + 1,
                false => above.max(row[at]),
            };
            diagonal = above;
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_both_have_counts_in_its_order() {
        assert_eq!(likeness(b"abcd", b"abcd"), 1000);
        assert_eq!(likeness(b"abcd", b"abxcd"), 888);
        assert_eq!(likeness(b"abcd", b"acd"), 857);
        assert_eq!(likeness(b"ab", b"ba"), 500);
        assert_eq!(likeness(b"ab", b"xy"), 0);
        assert_eq!(likeness(b"", b""), 1000);
        assert_eq!(likeness(b"", b"a"), 0);
    }
}
