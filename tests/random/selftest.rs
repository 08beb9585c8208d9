//! The harness itself: it has to see a wrong join, a missing one, and what nothing can tell.

use std::collections::BTreeSet;

use crate::natural::{Call, contested, of_function};
use crate::truth::{Row, Score, judge};

fn score(rows: &[(&[u32], &[u32])]) -> Score {
    let atoms = |labels: &[u32]| labels.iter().map(|label| (*label, 0)).collect();
    let rows: Vec<Row> = rows
        .iter()
        .map(|(before, after)| Row {
            atoms: [atoms(before), atoms(after)],
            ..Row::default()
        })
        .collect();
    let mut sum = Score::default();
    for verdict in judge(&rows) {
        sum.add(&verdict.score);
    }
    sum
}

fn counts(rows: &[(&[u32], &[u32])]) -> (usize, usize, usize, usize) {
    let score = score(rows);
    (score.right, score.joined, score.found, score.wanted)
}

pub(crate) fn joins_are_judged() {
    assert_eq!(counts(&[(&[1], &[1]), (&[2], &[2])]), (2, 2, 2, 2));
    // Two that changed places.
    assert_eq!(counts(&[(&[1], &[2]), (&[2], &[1])]), (0, 2, 0, 2));
    // One that is missed, one that is new, one that is gone.
    assert_eq!(counts(&[(&[1], &[]), (&[], &[1])]), (0, 0, 0, 1));
    assert_eq!(counts(&[(&[1], &[]), (&[], &[2])]), (0, 0, 0, 0));
    assert_eq!(counts(&[(&[1], &[2])]), (0, 1, 0, 0));
    // A wrapper, inlined in the later build: one of its rows can be found again.
    assert_eq!(counts(&[(&[1, 2], &[1]), (&[], &[2])]), (1, 1, 1, 1));
    assert_eq!(
        counts(&[(&[1, 2], &[]), (&[], &[1]), (&[], &[2])]),
        (0, 0, 0, 1)
    );
    // Two on a line that was split, and a third that stays.
    assert_eq!(
        counts(&[(&[1, 2], &[2]), (&[], &[1]), (&[3], &[3])]),
        (2, 2, 2, 2)
    );
    // A matching has to be looked for: the join that is there leaves room for one more.
    assert_eq!(
        counts(&[(&[1, 2], &[2, 3]), (&[3], &[]), (&[], &[1])]),
        (1, 1, 1, 2)
    );
}

/// Calls written as label, size (0: it varies) and line.
fn calls(list: &[(u32, usize, usize)]) -> Vec<Call> {
    let of = |&(label, size, line): &(u32, usize, usize)| Call {
        label,
        size: (size > 0).then_some(size),
        line,
        statement: line,
    };
    list.iter().map(of).collect()
}

fn unclear(one: &[(u32, usize, usize)], two: &[(u32, usize, usize)]) -> Vec<u32> {
    let unclear: BTreeSet<u32> = of_function(&calls(one), &calls(two), true);
    unclear.into_iter().collect()
}

pub(crate) fn what_nothing_tells_is_known() {
    let pair = [(1, 24, 2), (2, 24, 3)];
    // Lines that moved, and sizes that changed, leave the order.
    assert!(unclear(&pair, &[(1, 24, 5), (2, 24, 6)]).is_empty());
    assert!(unclear(&pair, &[(1, 32, 2), (2, 24, 9)]).is_empty());
    // Equal calls that were swapped are not told, unequal ones are.
    assert_eq!(unclear(&pair, &[(2, 24, 2), (1, 24, 3)]), [1, 2]);
    assert!(unclear(&[(1, 24, 2), (2, 32, 3)], &[(2, 32, 2), (1, 24, 3)]).is_empty());
    // One that is inserted below moves no line; above, beside its equals, it stands where one stood.
    assert!(unclear(&pair, &[(1, 24, 2), (2, 24, 3), (3, 24, 4)]).is_empty());
    assert_eq!(
        unclear(&pair, &[(1, 24, 2), (3, 24, 3), (2, 24, 4)]),
        [2, 3]
    );
    assert!(unclear(&pair, &[(1, 24, 2), (3, 32, 3), (2, 24, 4)]).is_empty());
    // One in the place of another.
    assert_eq!(unclear(&pair, &[(1, 24, 2), (3, 24, 3)]), [2, 3]);
    assert_eq!(unclear(&pair, &[(1, 24, 2), (3, 99, 3)]), [2, 3]);
    // The first of two equals went: the lines say which, or nothing does.
    assert!(unclear(&pair, &[(2, 24, 3)]).is_empty());
    assert_eq!(unclear(&pair, &[(2, 24, 2)]), [1, 2]);
    // One whose size changed, alone between two that are clear, while another came.
    let three = [(1, 24, 2), (2, 32, 3), (3, 40, 4)];
    assert!(unclear(&three, &[(1, 24, 2), (2, 99, 3), (3, 40, 4), (4, 60, 5)]).is_empty());
    // Line and size disagree about two that were swapped, not where the lines moved too.
    let two = [(1, 24, 2), (2, 32, 3)];
    let doubt = |after: &[(u32, usize, usize)]| contested(&calls(&two), &calls(after)).len();
    assert_eq!(doubt(&[(2, 32, 2), (1, 24, 3)]), 2);
    assert_eq!(doubt(&[(2, 32, 4), (1, 24, 5)]), 0);
    assert_eq!(doubt(&[(1, 99, 2), (2, 24, 3)]), 0);
    // Nor where the arguments of one moved to a line of their own below, but its statement did not.
    let split = |list: &[(u32, usize, usize)]| {
        let mut calls = calls(list);
        calls[1].line += 1;
        calls
    };
    let after = split(&[(2, 32, 2), (1, 24, 3)]);
    assert_eq!(contested(&calls(&two), &after).len(), 2);
    let after = split(&[(2, 32, 2), (1, 24, 4)]);
    assert_eq!(contested(&calls(&two), &after).len(), 0);
}
