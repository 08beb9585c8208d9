//! Which call of a function is which.

use super::*;

#[test]
fn a_function_that_moved_keeps_its_lines_apart() {
    // Two lines further down, so that the first stands where the second did.
    let old = [at("f", "/s/a.c", 1, 5), at("f", "/s/a.c", 1, 7)];
    let new = [at("f", "/s/a.c", 3, 7), at("f", "/s/a.c", 3, 9)];
    assert_eq!(
        matched(&old, &new),
        [Some((0, MovedLine)), Some((1, MovedLine))]
    );
    // The second is gone: what stands there is the first.
    assert_eq!(matched(&old, &new[..1]), [Some((0, MovedLine))]);
    // The same two lines inside of the function, which itself stays.
    let new = [at("f", "/s/a.c", 1, 7), at("f", "/s/a.c", 1, 9)];
    assert_eq!(
        matched(&old, &new),
        [Some((0, MovedLine)), Some((1, MovedLine))]
    );
}

#[test]
fn sizes_tell_which_of_two_lines_is_left() {
    let old = [
        at("f", "/s/a.c", 1, 5).of_size(16),
        at("f", "/s/a.c", 1, 6).of_size(64),
    ];
    let small = at("f", "/s/a.c", 1, 5).of_size(16);
    let large = at("f", "/s/a.c", 1, 5).of_size(64);
    assert_eq!(matched(&old, &[small]), [Some((0, Line))]);
    assert_eq!(matched(&old, &[large]), [Some((1, MovedLine))]);
    // One that stays, one that is fixed and one that is added below do not push it aside.
    let new = [
        at("f", "/s/a.c", 1, 6).of_size(64),
        at("f", "/s/a.c", 1, 9).of_size(300),
    ];
    assert_eq!(matched(&old, &new), [Some((1, Line)), Some((0, MovedLine))]);
}

#[test]
fn the_nearest_line_wins_without_sizes() {
    let old = [
        at("f", "/s/a.c", 1, 5),
        at("f", "/s/a.c", 1, 20),
        at("f", "/s/a.c", 1, 40),
    ];
    let new = [at("f", "/s/a.c", 1, 22)];
    assert_eq!(matched(&old, &new), [Some((1, MovedLine))]);
}

#[test]
fn lines_that_stayed_are_overruled_by_no_size() {
    // The first is freed in the second run, the second leaks, and a third is added.
    let line = |line| at("work", "/s/a.c", 4, line);
    let old = [line(6).of_size(24), line(8)];
    for added in [9, 10] {
        let new = [line(6), line(8).of_size(24), line(added)];
        assert_eq!(
            matched(&old, &new),
            [Some((0, Line)), Some((1, Line)), None]
        );
    }
    let call = |offset: u64| by_symbol("f", 0x1000, 0x1000 + offset);
    let old = [call(0x10).of_size(24), call(0x30)];
    let new = [call(0x10), call(0x30).of_size(24), call(0x50)];
    let by = FunctionOrder;
    assert_eq!(matched(&old, &new), [Some((0, by)), Some((1, by)), None]);
}

#[test]
fn what_may_have_changed_places_is_unsure() {
    let line = |line, size| at("f", "/s/a.c", 1, line).of_size(size);
    let old = [line(5, 16), line(8, 64)];
    let swapped = match_sites(&old, &[line(5, 64), line(8, 16)]);
    let rivals = |index: usize| swapped.sites[index].as_ref().map(|m| m.rivals.clone());
    assert_eq!(rivals(0), Some(vec![Some(1)]));
    assert_eq!(rivals(1), Some(vec![Some(0)]));
    // Nothing moved, and nothing speaks for anything else.
    let same = match_sites(&old, &old);
    assert!(same.sites.iter().flatten().all(|m| m.rivals.is_empty()));
    // One of two equal calls is gone: which one?
    let gone = match_sites(&[line(5, 16), line(8, 16)], &[line(5, 16)]);
    let rivals = gone.sites[0].as_ref().map(|m| m.rivals.clone());
    assert_eq!(rivals, Some(vec![Some(1)]));
}

#[test]
fn a_call_that_came_leaves_the_others_their_sizes() {
    let line = |line, size| at("f", "/s/a.c", 1, line).of_size(size);
    let old = [line(5, 24), line(6, 32)];
    // It stands where the first one stood.
    let new = [line(5, 40), line(6, 24), line(7, 32)];
    assert_eq!(
        matched(&old, &new),
        [None, Some((0, MovedLine)), Some((1, MovedLine))]
    );
    assert_eq!(
        matched(&new, &old),
        [Some((1, MovedLine)), Some((2, MovedLine))]
    );
}

#[test]
fn lines_that_came_in_two_places_are_no_calls_that_came_and_went() {
    let line = |line, size| at("f", "/s/a.c", 1, line).of_size(size);
    // An `if` was put round the first, and the second went further down.
    let old = [line(5, 24), line(6, 24)];
    let new = [line(6, 24), line(8, 24)];
    let found = match_sites(&old, &new).sites;
    let found: Vec<_> = found.iter().flatten().map(|m| (m.old, &m.rivals)).collect();
    assert_eq!(found, [(0, &vec![]), (1, &vec![])]);
}

#[test]
fn calls_that_changed_places_keep_their_sizes_unless_each_line_stayed() {
    let line = |line, size| at("f", "/s/a.c", 1, line).of_size(size);
    let old = [line(5, 24), line(6, 32)];
    assert_eq!(
        matched(&old, &[line(5, 32), line(9, 24)]),
        [Some((1, MovedLine)), Some((0, MovedLine))]
    );
    assert_eq!(
        matched(&old, &[line(5, 32), line(6, 24)]),
        [Some((0, Line)), Some((1, Line))]
    );
    // Where another went, too, which moved a line.
    let old = [line(5, 344), line(6, 24), line(7, 32), line(8, 183)];
    let new = [line(5, 183), line(6, 32), line(7, 24)];
    let found: Vec<_> = matched(&old, &new)
        .into_iter()
        .map(|m| m.map(|m| m.0))
        .collect();
    assert_eq!(found, [Some(3), Some(2), Some(1)]);
    // One whose size alone changed is still it.
    let old = [line(5, 24), line(6, 32)];
    assert_eq!(
        matched(&old, &[line(5, 99), line(9, 32)]),
        [Some((0, Line)), Some((1, MovedLine))]
    );
}

#[test]
fn a_size_that_agrees_goes_before_one_that_may_agree() {
    let line = |line| at("f", "/s/a.c", 1, line);
    let once = AskedFor::new(vec![Sizes::one(24)].into(), Some(1), None);
    let mut old = line(5);
    old.sizes = once;
    let mut varies = line(5);
    varies.sizes = AskedFor::Each(Sizes::new(8, 90).into_iter().collect());
    let new = [varies, line(6).of_size(24)];
    assert_eq!(matched(&[old], &new), [None, Some((0, MovedLine))]);
}
