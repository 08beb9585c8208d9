//! Ranges of code with one rule each.

use super::rule::Rule;

/// Addresses count from the image base; `end` is behind the range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub start: u32,
    pub end: u32,
    pub rule: Rule,
}

impl Span {
    /// `None` for a range that is empty, or further than 4 GiB from the image base.
    pub(super) fn new(start: u64, end: u64, image_base: u64, rule: Rule) -> Option<Self> {
        let from_base = |address: u64| u32::try_from(address.checked_sub(image_base)?).ok();
        let (start, end) = (from_base(start)?, from_base(end)?);
        (start < end).then_some(Span { start, end, rule })
    }
}

/// Sorts ranges, and cuts off what another range holds already.
pub(super) fn in_order(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_by_key(|span| span.start);
    let mut ordered: Vec<Span> = Vec::with_capacity(spans.len());
    for mut span in spans {
        span.start = span.start.max(ordered.last().map_or(0, |last| last.end));
        if span.start < span.end {
            ordered.push(span);
        }
    }
    ordered
}

/// Adds what `more` knows where `spans` know nothing. Both are in order.
pub(super) fn fill(spans: &[Span], more: &[Span]) -> Vec<Span> {
    let known = || spans.iter().filter(|span| span.rule != Rule::Unknown);
    let mut filled: Vec<Span> = known().copied().collect();
    let mut known = known().peekable();
    for span in more.iter().filter(|span| span.rule != Rule::Unknown) {
        let mut start = span.start;
        while known.next_if(|other| other.end <= start).is_some() {}
        let mut over = known.clone();
        while start < span.end {
            let next = over.next().filter(|other| other.start < span.end);
            let end = next.map_or(span.end, |other| other.start);
            if start < end {
                filled.push(Span {
                    start,
                    end,
                    ..*span
                });
            }
            start = next.map_or(span.end, |other| other.end.max(start));
        }
    }
    in_order(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: u32, end: u32, rule: Rule) -> Span {
        Span { start, end, rule }
    }

    #[test]
    fn gaps_are_filled_and_what_is_known_stays() {
        use Rule::{Outermost, Unknown};
        let known = [
            span(10, 20, Outermost),
            span(20, 24, Unknown),
            span(30, 40, Outermost),
        ];
        let step = Rule::Step(crate::record::unwind::rule::Step {
            cfa: crate::record::unwind::rule::Cfa::Plus(crate::record::unwind::rule::Base::A, 8),
            return_address: crate::record::unwind::rule::Saved::AtCfa(-4),
            a: crate::record::unwind::rule::Saved::Same,
            b: crate::record::unwind::rule::Saved::Same,
            is_signal: false,
        });
        let filled = fill(&known, &[span(5, 35, step), span(38, 50, step)]);
        let expected = [
            span(5, 10, step),
            span(10, 20, Outermost),
            span(20, 30, step),
            span(30, 40, Outermost),
            span(40, 50, step),
        ];
        assert_eq!(filled, expected);
    }

    #[test]
    fn ranges_that_overlap_are_cut() {
        use Rule::{Outermost, Unknown};
        let ordered = in_order(vec![
            span(8, 20, Outermost),
            span(0, 10, Unknown),
            span(2, 5, Outermost),
        ]);
        assert_eq!(ordered, [span(0, 10, Unknown), span(10, 20, Outermost)]);
        assert_eq!(Span::new(0x1000, 0x1000, 0, Unknown), None);
        assert_eq!(Span::new(0, 8, 0x1000, Unknown), None);
    }
}
