//! The rows that a module's table needs.

use std::collections::HashMap;

use super::rule::Rule;
use super::span::Span;

/// The rows of one module, as the recorder searches them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct UnwindRows {
    /// Addresses from the image base, strictly ascending: a row holds up to the next.
    pub pcs: Vec<u32>,
    /// The rule of each, an index into `rules`.
    pub rule_of: Vec<u16>,
    /// Each rule once.
    pub rules: Vec<Rule>,
    /// Calls in the code, and those of them that a rule is known for.
    pub calls: u64,
    pub known_calls: u64,
}

impl UnwindRows {
    /// Makes rows of ranges in order. With the ends of all calls, only ranges that hold one are kept,
    /// and the row before reaches over the others.
    pub(super) fn new(spans: &[Span], call_ends: Option<&[u32]>) -> Self {
        let mut rows = UnwindRows {
            // Before the first range and behind the last one there is code, too.
            calls: call_ends.map_or(0, <[u32]>::len) as u64,
            ..UnwindRows::default()
        };
        let mut index = HashMap::new();
        let mut ends = call_ends.unwrap_or_default();
        let before = spans.first().map_or(0, |span| span.start);
        let (_, after) = ends.split_at(ends.partition_point(|end| *end <= before));
        ends = after;
        for span in without_gaps(spans) {
            let (within, after) = ends.split_at(ends.partition_point(|end| *end <= span.end));
            ends = after;
            if span.rule != Rule::Unknown {
                rows.known_calls += within.len() as u64;
            }
            // A signal frame is returned to, but not called from.
            if call_ends.is_none() || !within.is_empty() || span.rule.is_signal() {
                rows.push(span.start, span.rule, &mut index);
            }
        }
        if let Some(last) = spans.last() {
            rows.push(last.end, Rule::Unknown, &mut index);
        }
        rows
    }

    fn push(&mut self, pc: u32, rule: Rule, index: &mut HashMap<Rule, u16>) {
        let rule = self.index_of(rule, index);
        if self.rule_of.last() != Some(&rule) {
            self.pcs.push(pc);
            self.rule_of.push(rule);
        }
    }

    /// A module with more rules than an index can tell apart loses the last ones.
    fn index_of(&mut self, rule: Rule, index: &mut HashMap<Rule, u16>) -> u16 {
        // The first rule is the unknown one, so that there is always one to fall back on.
        if self.rules.is_empty() {
            self.rules.push(Rule::Unknown);
            index.insert(Rule::Unknown, 0);
        }
        if let Some(known) = index.get(&rule) {
            return *known;
        }
        match u16::try_from(self.rules.len()) {
            Ok(next) if next < u16::MAX => {
                self.rules.push(rule);
                index.insert(rule, next);
                next
            }
            _ => 0,
        }
    }
}

/// The ranges, and those between them of which nothing is known.
fn without_gaps(spans: &[Span]) -> impl Iterator<Item = Span> {
    let mut last = spans.first().map_or(0, |span| span.start);
    spans.iter().flat_map(move |span| {
        let gap = Span {
            start: last,
            end: span.start,
            rule: Rule::Unknown,
        };
        last = span.end;
        let gap = (gap.start < gap.end).then_some(gap);
        gap.into_iter().chain([*span])
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::unwind::rule::{Base, Cfa, Saved, Step};

    fn step(offset: i32) -> Rule {
        Rule::Step(Step {
            cfa: Cfa::Plus(Base::StackPointer, offset),
            return_address: Saved::AtCfa(-8),
            a: Saved::Same,
            b: Saved::Same,
            is_signal: false,
        })
    }

    fn span(start: u32, end: u32, rule: Rule) -> Span {
        Span { start, end, rule }
    }

    #[test]
    fn rows_without_a_call_are_left_out_and_equal_ones_are_one() {
        let spans = [
            span(0, 4, step(8)),
            span(4, 16, step(16)),
            span(16, 20, step(8)),
            // Nothing is known of 20 to 32, which holds a call.
            span(32, 40, step(16)),
            span(40, 44, step(8)),
            span(44, 60, step(16)),
        ];
        // A call that ends where its range does belongs to it: its return address lies behind.
        let rows = UnwindRows::new(&spans, Some(&[9, 16, 25, 40, 50]));
        assert_eq!(rows.pcs, [4, 20, 32, 60]);
        assert_eq!(rows.rule_of, [1, 0, 1, 0]);
        assert_eq!(rows.rules, [Rule::Unknown, step(16)]);
        assert_eq!((rows.calls, rows.known_calls), (5, 4));
        let all = UnwindRows::new(&spans, None);
        assert_eq!(all.pcs, [0, 4, 16, 20, 32, 40, 44, 60]);
    }

    #[test]
    fn code_of_which_nothing_is_known_has_no_rows() {
        let rows = UnwindRows::new(&[], Some(&[1, 2]));
        assert_eq!((rows.pcs.len(), rows.calls, rows.known_calls), (0, 2, 0));
    }
}
