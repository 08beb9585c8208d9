//! Functions that have another signature or scope, or lie in another module.

use std::collections::BTreeSet;

use super::*;
use crate::run::{ModuleLabel, Text};

/// What is known of modules: their functions.
fn inventory(modules: &[(&str, &[&str])]) -> Inventory {
    let functions = modules.iter().map(|(name, functions)| {
        let label = ModuleLabel {
            role: if name.is_empty() {
                Role::Program
            } else {
                Role::Library
            },
            name: (*name).into(),
        };
        let functions: BTreeSet<Text> = functions.iter().map(|name| (*name).into()).collect();
        (label, functions)
    });
    let mapped = modules.iter().map(|(name, _)| (*name).to_owned());
    Inventory {
        mapped: Some(mapped.collect()),
        functions: functions.collect(),
        ..Inventory::default()
    }
}

fn in_library(function: &str, file: &str, library: &str) -> Candidate {
    let mut site = at(function, file, 3, 4).in_module(library);
    site.key.move_to(module(library));
    site
}

fn by(
    old: (&[Candidate], &[(&str, &[&str])]),
    new: (&[Candidate], &[(&str, &[&str])]),
) -> Vec<Option<(usize, MatchedBy, bool)>> {
    let (before, after) = (inventory(old.1), inventory(new.1));
    let sites = match_known((old.0, &before), (new.0, &after)).sites;
    let of = |found: Match| (found.old, found.by, found.rivals.contains(&None));
    sites.into_iter().map(|site| site.map(of)).collect()
}

const SURE: [Option<(usize, MatchedBy, bool)>; 1] = [Some((0, ChangedFunction, false))];

#[test]
fn the_only_one_that_came_is_the_only_one_that_went() {
    let one = |function| [at(function, "/s/a.cc", 3, 4)];
    let found = |old: &'static str, new: &'static str, before: &[&str], after: &[&str]| {
        by((&one(old), &[("", before)]), (&one(new), &[("", after)]))
    };
    let (load, more) = ("load(int)", "load(int, bool)");
    assert_eq!(found(load, more, &[load], &[more]), SURE);
    // An overload that stays is another one; one that goes or comes, too, or that may be any, leaves a choice.
    let other = "load(char)";
    assert_eq!(found(load, more, &[load, other], &[more, other]), SURE);
    assert_eq!(found(load, more, &[load, other], &[more]), [None]);
    assert_eq!(found(load, more, &[load], &[more, other]), [None]);
    assert_eq!(found(load, more, &[load, "load"], &[more, "load"]), [None]);
    // Either is there in both builds.
    assert_eq!(found(load, more, &[load, more], &[more]), [None]);
    assert_eq!(found(load, more, &[load], &[more, load]), [None]);
    // Of one scope first.
    let (a, b) = ("A::load()", "A::load() const");
    assert_eq!(found(a, b, &[a, "B::load()"], &[b, "B::load(int)"]), SURE);
    let anonymous = "(anonymous namespace)::load(int)";
    assert_eq!(found(load, anonymous, &[load], &[anonymous]), SURE);
}

#[test]
fn it_is_in_the_file_where_it_was_and_of_a_build_that_is_known() {
    let (old, new) = ("load(int)", "load(int, bool)");
    let sites = |function, file| [at(function, file, 3, 4)];
    let (before, after) = ([("", &[old][..])], [("", &[new][..])]);
    let elsewhere = sites(new, "/s/b.cc");
    let first = sites(old, "/s/a.cc");
    assert_eq!(by((&first, &before), (&elsewhere, &after)), [None]);
    let last = sites(new, "/other/a.cc");
    assert_eq!(by((&first, &before), (&last, &after)), SURE);
    assert_eq!(by((&first, &[]), (&last, &after)), [None]);
}

#[test]
fn what_moved_to_another_module_is_gone_from_the_first() {
    let old = [in_library("take", "/s/pool.c", "liba.so")];
    let new = [in_library("take", "/s/pool.c", "libb.so")];
    let has: &[&str] = &["take"];
    let (first, last) = (
        [("liba.so", has), ("libb.so", &[])],
        [("liba.so", &[][..]), ("libb.so", has)],
    );
    assert_eq!(by((&old, &first), (&new, &last)), SURE);
    // One of the modules may have a copy all along, unless it is static. If both have, nothing moved.
    let both = [("liba.so", has), ("libb.so", has)];
    assert_eq!(by((&old, &both), (&new, &last)), SURE);
    assert_eq!(by((&old, &both), (&new, &both)), [None]);
    assert_eq!(by((&old, &first), (&new, &both)), SURE);
    let local = |sites: &[Candidate]| {
        sites
            .iter()
            .cloned()
            .map(Candidate::local)
            .collect::<Vec<_>>()
    };
    assert_eq!(by((&local(&old), &first), (&local(&new), &both)), [None]);
    assert_eq!(by((&local(&old), &first), (&local(&new), &last)), SURE);
    // A namesake in another directory is another plug-in's.
    let other = [in_library("take", "/other/pool.c", "libb.so")];
    assert_eq!(by((&old, &first), (&other, &last)), [None]);
}
