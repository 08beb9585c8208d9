//! Functions that are inlined in one build or in both, and lambdas.

use super::*;

#[test]
fn a_wrapper_is_a_site_in_each_of_its_callers() {
    let wrapper = || at("xmalloc", "/s/a.c", 1, 2);
    let old = [
        wrapper().inlined_into("f", 5, 7),
        wrapper().inlined_into("g", 10, 12),
    ];
    let new = [
        wrapper().inlined_into("g", 9, 12),
        wrapper().inlined_into("f", 5, 6),
    ];
    assert_eq!(matched(&old, &new), [Some((1, Line)), Some((0, MovedLine))]);
    // Another caller's is another site; the same one, no longer inlined, is not.
    let new = [wrapper().inlined_into("h", 20, 22)];
    assert_eq!(matched(&old[..1], &new), [None]);
    assert_eq!(matched(&old[..1], &[wrapper()]), [Some((0, MovedLine))]);
}

#[test]
fn a_function_that_one_build_inlines_is_found_in_the_other() {
    let inlined = |line| at("read", "/s/a.c", 1, line).inlined_into("main", 20, 25);
    let old = [inlined(3), inlined(5)];
    let new = [at("read", "/s/a.c", 1, 3), at("read", "/s/a.c", 1, 5)];
    let both = [Some((0, MovedLine)), Some((1, MovedLine))];
    assert_eq!(matched(&old, &new), both);
    assert_eq!(matched(&new, &old), both);
    // Of two copies, one is it.
    let twice = [
        inlined(3),
        at("read", "/s/a.c", 1, 3).inlined_into("main", 20, 28),
    ];
    let found = match_sites(&twice, &new[..1]).sites;
    let rivals = found[0].as_ref().map(|m| m.rivals.clone());
    assert_eq!(rivals, Some(vec![None]));
}

#[test]
fn sizes_tell_copies_of_a_function_apart() {
    let alone = |least, most| {
        let mut site = at("xmalloc", "/s/a.c", 1, 2);
        site.sizes = AskedFor::Each(Sizes::new(least, most).into_iter().collect());
        site
    };
    let copy = |caller, size| alone(size, size).inlined_into(caller, 20, 25);
    let old = [copy("f", 300), copy("g", 32)];
    assert_eq!(matched(&old, &[alone(16, 40)]), [Some((1, MovedLine))]);
    assert_eq!(
        matched(&[alone(16, 40)], &old),
        [None, Some((0, MovedLine))]
    );
}

#[test]
fn lambdas_of_one_file_are_not_mixed() {
    // Two lambdas, each with its head and a call below it; all moved by four.
    let old = [
        at("operator()", "/s/a.cc", 10, 12),
        at("operator()", "/s/a.cc", 20, 21),
    ];
    let new = [
        at("operator()", "/s/a.cc", 14, 16),
        at("operator()", "/s/a.cc", 24, 25),
    ];
    assert_eq!(
        matched(&old, &new),
        [Some((0, MovedLine)), Some((1, MovedLine))]
    );
}

/// Whole-program optimisation and short debug information call a lambda by its symbol.
#[test]
fn a_lambda_is_the_same_by_its_whole_name() {
    let old = [at("operator()", "/s/a.cc", 19, 19)];
    let new = [at(
        "lambdas::{lambda(int)#1}::operator()(int) const",
        "/s/a.cc",
        19,
        19,
    )];
    assert!(matched(&old, &new)[0].is_some());
    assert!(matched(&new, &old)[0].is_some());
}

#[test]
fn a_lambda_is_inlined_into_the_function_that_it_is_written_in() {
    let lambda = |line, function: &str| {
        let mut site = at("operator()", "/s/a.cc", 0, line);
        site.chain[0].declaration.line = None;
        site.outermost().symbol =
            Some(format!("{function}::{{lambda(int)#1}}::operator()(int) const").into());
        site
    };
    let inlined = |line, function| {
        let mut site = lambda(line, function).inlined_into(function, 1, 90);
        site.outermost().symbol = None;
        site
    };
    let old = [
        lambda(5, "void send<long>(long)"),
        lambda(7, "poll(int)"),
        lambda(8, "poll(int)"),
    ];
    let new = [
        inlined(7, "poll(int, int)"),
        inlined(8, "poll(int, int)"),
        inlined(13, "send<long int>"),
    ];
    let pairs = |old: &[Candidate], new: &[Candidate]| -> Vec<Option<usize>> {
        let found = match_sites(old, new).sites.into_iter();
        found.map(|found| found.map(|found| found.old)).collect()
    };
    assert_eq!(pairs(&old, &new), [Some(1), Some(2), Some(0)]);
    assert_eq!(pairs(&new, &old), [Some(2), Some(0), Some(1)]);
    // Of two in the new build, which stand where those of the old one stood.
    let moved = [lambda(7, "void send<long>(long)"), lambda(8, "poll(int)")];
    assert_eq!(pairs(&old, &moved), [Some(0), Some(2)]);
}

#[test]
fn what_a_function_is_inlined_into_may_get_a_parameter() {
    let inner = |outer| at("send<long int>", "/s/a.cc", 1, 4).inlined_into(outer, 10, 12);
    let old = [inner("poll(int, int)")];
    assert_eq!(
        matched(&old, &[inner("poll(int, int, int)")]),
        [Some((0, Line))]
    );
    // Of the shown function itself, other parameters are another overload.
    let overload = |name| at(name, "/s/a.cc", 1, 4);
    assert_eq!(
        matched(&[overload("f(int)")], &[overload("f(long)")]),
        [None]
    );
}

#[test]
fn a_function_stays_though_the_call_of_it_moved() {
    let call = |line, size, from| {
        let site = at("read", "/s/a.c", 3, line).of_size(size);
        site.inlined_into("main", 20, from)
    };
    let old = [call(5, 24, 25), call(6, 32, 25)];
    let new = [call(5, 32, 28), call(6, 24, 28)];
    assert_eq!(
        matched(&old, &new),
        [Some((0, MovedLine)), Some((1, MovedLine))]
    );
}

#[test]
fn a_lambda_is_not_one_that_its_function_inlines_with_another_function() {
    let mut alone = at("operator()", "/s/a.cc", 22, 24);
    alone.outermost().symbol = Some("merge(int)::{lambda(int)#1}::operator()(int) const".into());
    let inlined = |line: u32| at("operator()", "/s/a.cc", line - 2, line);
    let old = [
        inlined(11)
            .inlined_into("send(int)", 8, 14)
            .inlined_into("merge(int)", 20, 25),
        inlined(23).inlined_into("merge(int)", 20, 26),
    ];
    assert_eq!(matched(&old, &[alone]), [Some((1, MovedLine))]);
}
