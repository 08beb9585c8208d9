//! Functions with other parameters, other callers, or in files of another name.

use super::*;

/// For each new site the old one, the tier, and whether it may be new as well.
fn found(old: &[Candidate], new: &[Candidate]) -> Vec<Option<(usize, MatchedBy, bool)>> {
    let sites = match_sites(old, new).sites.into_iter();
    let of = |found: Match| (found.old, found.by, found.rivals.contains(&None));
    sites.map(|site| site.map(of)).collect()
}

#[test]
fn a_helper_between_a_function_and_its_caller_leaves_it_where_its_sizes_are() {
    let inner = |line, size| at("add", "/s/a.c", 3, line).of_size(size);
    let of = |caller: &str, line, size| inner(line, size).inlined_into(caller, 20, 25);
    let old = [of("route", 4, 24), of("route", 5, 99)];
    let new = [of("route_helper", 4, 24), of("route_helper", 5, 99)];
    let unsure = [Some((0, MovedLine, true)), Some((1, MovedLine, true))];
    assert_eq!(found(&old, &new), unsure);
    // Of other sizes, or where both callers are in both builds, it is another site.
    let others = [of("route_helper", 4, 32), of("route_helper", 5, 40)];
    assert_eq!(found(&old, &others), [None, None]);
    let callers = [at("route", "/s/a.c", 20, 30), at("main", "/s/a.c", 40, 41)];
    let with = |sites: &[Candidate]| [&callers[..], sites].concat();
    let elsewhere = with(&[of("main", 4, 24), of("main", 5, 99)]);
    assert_eq!(found(&with(&old), &elsewhere)[2..], [None, None]);
}

#[test]
fn a_function_that_gets_a_parameter_is_told_by_sizes() {
    let call = |function: &str, line, size| at(function, "/s/a.cc", 3, line).of_size(size);
    let old = [call("poll(int)", 4, 24), call("poll(int)", 6, 99)];
    let new = [call("poll(int, int)", 4, 24), call("poll(int, int)", 6, 99)];
    let unsure = [Some((0, MovedLine, true)), Some((1, MovedLine, true))];
    assert_eq!(found(&old, &new), unsure);
    // Not an overload beside the one that is still there.
    let other = call("poll(int)", 9, 7);
    let mut overloads = new.to_vec();
    overloads.push(other);
    assert_eq!(found(&old, &overloads)[..2], [None, None]);
}

#[test]
fn a_function_is_found_in_a_renamed_file_though_it_is_inlined_there() {
    let old = [at("send", "/s/io.c", 3, 5).local()];
    let mut new = at("send", "/s/io_v2.c", 3, 6).local();
    new = new.inlined_into("main", 20, 25);
    assert_eq!(matched(&old, &[new]), [Some((0, Renamed))]);
    let elsewhere = at("send", "/s/log.c", 3, 6).local();
    let elsewhere = elsewhere.inlined_into("main", 20, 25);
    assert_eq!(matched(&old, &[elsewhere]), [None]);
}
