//! What is found again, tier by tier.

use super::*;
use crate::diff::module_key::ModuleKey;
use crate::diff::site::{CodePlace, SiteKey};
use crate::elf::BuildId;
use crate::run::{Build, CodeFingerprint, Declaration, Inventory, LinkAddress, Role};
use crate::trace::Sizes;

use MatchedBy::*;

mod changed;
mod function;
mod inlined;
mod quiet;
mod rewritten;

fn module(name: &str) -> ModuleKey {
    match name {
        "" => ModuleKey::program(),
        name => ModuleKey::new(Role::Library, name.into()),
    }
}

/// A place in the program: `function` is declared in line `declared`.
fn at(function: &str, file: &str, declared: u32, line: u32) -> Candidate {
    let step = ChainFunction {
        function: Some(function.into()),
        file: Some(file.into()),
        line: Some(line),
        declaration: Declaration {
            line: Some(declared),
            external: true,
        },
    };
    let mut site = bare(u64::from(line) * 16);
    site.key = SiteKey::Line {
        module: module(""),
        function: step.function.clone(),
        file: file.into(),
        line,
        inlined_into: Box::default(),
        namesake: None,
    };
    site.chain = vec![step];
    site
}

/// A place that only its function's symbol names.
fn by_symbol(function: &str, start: u64, address: u64) -> Candidate {
    let mut site = bare(address);
    site.chain = vec![ChainFunction {
        function: Some(function.into()),
        ..ChainFunction::default()
    }];
    site.outermost().start = Some(LinkAddress(start));
    site
}

/// A place of which nothing is known but its address.
fn bare(address: u64) -> Candidate {
    let address = LinkAddress(address);
    Candidate {
        key: SiteKey::Address {
            module: module(""),
            address,
            function: None,
        },
        build: None,
        module: Some(module("")),
        chain: Vec::new(),
        outermost: None,
        places: Some(CodePlace::Address(address)).into(),
        module_path: None,
        sizes: AskedFor::Unknown,
    }
}

impl Candidate {
    fn outermost(&mut self) -> &mut Outermost {
        self.outermost.get_or_insert_default()
    }

    fn made_of(mut self, code: CodeFingerprint) -> Self {
        self.outermost().code = Some(code);
        self
    }

    fn in_module(mut self, name: &str) -> Self {
        self.module = Some(module(name));
        self
    }

    fn of_build(mut self, id: u8) -> Self {
        self.build = Some(Build::Id(BuildId(vec![id].into())));
        self
    }

    fn of_size(mut self, size: u64) -> Self {
        self.sizes = AskedFor::Each(vec![Sizes::one(size)].into());
        self
    }

    fn local(mut self) -> Self {
        self.chain
            .iter_mut()
            .for_each(|step| step.declaration.external = false);
        self
    }

    fn inlined_into(mut self, function: &str, declared: u32, line: u32) -> Self {
        let outer = at(function, "/s/a.c", declared, line);
        self.chain.extend(outer.chain);
        self
    }
}

/// Of two runs of which no more is known than their sites.
fn match_sites(old: &[Candidate], new: &[Candidate]) -> Matches {
    let inventory = Inventory::default();
    match_known((old, &inventory), (new, &inventory))
}

fn match_known(old: (&[Candidate], &Inventory), new: (&[Candidate], &Inventory)) -> Matches {
    let side = |(sites, inventory)| Known { sites, inventory };
    super::match_sites(side(old), side(new))
}

/// For each new site the old one and the tier.
fn matched(old: &[Candidate], new: &[Candidate]) -> Vec<Option<(usize, MatchedBy)>> {
    let sites = match_sites(old, new).sites.into_iter();
    sites
        .map(|found| found.map(|found| (found.old, found.by)))
        .collect()
}

#[test]
fn in_one_build_an_address_is_a_site_and_another_is_another() {
    let old = [bare(0x10).of_build(1), bare(0x20).of_build(1)];
    let new = [bare(0x20).of_build(1), bare(0x30).of_build(1)];
    assert_eq!(matched(&old, &new), [Some((1, Address)), None]);
    // Not even in one function.
    let old = [at("f", "/s/a.c", 1, 5).of_build(1)];
    let new = [at("f", "/s/a.c", 1, 6).of_build(1)];
    assert_eq!(matched(&old, &new), [None]);
    // A line of several calls is one site, whichever of them a run made.
    let mut other_call = at("f", "/s/a.c", 1, 5).of_build(1);
    other_call.places = Some(CodePlace::Address(LinkAddress(0x999))).into();
    assert_eq!(matched(&old, &[other_call]), [Some((0, Address))]);
}

#[test]
fn an_equal_line_is_found_where_addresses_differ() {
    let mut new = at("f", "/s/a.c", 1, 5).of_build(2);
    new.places = Some(CodePlace::Address(LinkAddress(0x999))).into();
    let old = [at("f", "/s/a.c", 1, 5).of_build(1)];
    assert_eq!(matched(&old, &[new]), [Some((0, Line))]);
}

#[test]
fn directories_may_differ_where_paths_agree_from_the_right() {
    let old = [at("f", "/h/net/a.c", 1, 5), at("f", "/h/ui/a.c", 1, 5)];
    let new = [at("f", "/b/ui/a.c", 1, 5), at("f", "/b/net/a.c", 1, 5)];
    assert_eq!(matched(&old, &new), [Some((1, Line)), Some((0, Line))]);
    let renamed = |old: &str, new: &str| RenamedFile {
        module: module(""),
        old: old.to_owned(),
        new: new.to_owned(),
    };
    assert_eq!(
        match_sites(&old, &new).files,
        [
            renamed("/h/net/a.c", "/b/net/a.c"),
            renamed("/h/ui/a.c", "/b/ui/a.c"),
        ]
    );
}

#[test]
fn overloads_and_instances_are_functions_of_their_own() {
    let old = [
        at("f(int)", "/s/a.cc", 1, 5),
        at("g<int>()", "/s/a.cc", 10, 11),
    ];
    let new = [
        at("f(long)", "/s/a.cc", 1, 5),
        at("g<long>()", "/s/a.cc", 10, 11),
    ];
    assert_eq!(matched(&old, &new), [None, None]);
}

#[test]
fn a_static_function_of_one_name_is_another_in_another_file() {
    let old = [
        at("init", "/s/a.c", 1, 5).local(),
        at("run", "/s/b.c", 1, 9),
    ];
    let new = [
        at("init", "/s/b.c", 20, 25).local(),
        at("run", "/s/b.c", 1, 9),
    ];
    assert_eq!(matched(&old, &new), [None, Some((1, Line))]);
    // One that other files can call is the same, wherever it is defined.
    let old = [at("init", "/s/a.c", 1, 5), at("run", "/s/b.c", 1, 9)];
    let new = [at("init", "/s/b.c", 20, 25), at("run", "/s/b.c", 1, 9)];
    assert_eq!(matched(&old, &new), [Some((0, Renamed)), Some((1, Line))]);
    // A file that was renamed takes its static functions along.
    let old = [at("init", "/s/a.c", 1, 5).local()];
    let new = [at("init", "/s/a_v2.c", 1, 6).local()];
    assert_eq!(matched(&old, &new), [Some((0, Renamed))]);
    // Every driver has an `init`: a name alone makes no file another.
    let new = [at("init", "/s/new_ui.c", 1, 5).local()];
    assert_eq!(matched(&old, &new), [None]);
    // But most of what is in it does.
    let of = |file: &str| {
        let functions = ["init", "open", "close"].into_iter().zip([5, 9, 14]);
        let sites = functions.map(|(function, line)| at(function, file, line - 1, line).local());
        sites.collect::<Vec<Candidate>>()
    };
    let by = Renamed;
    assert_eq!(
        matched(&of("/s/old_net.c"), &of("/s/engine.c")),
        [Some((0, by)), Some((1, by)), Some((2, by))]
    );
}

#[test]
fn a_library_may_have_another_version() {
    let old = [
        at("f", "/s/a.c", 1, 5).in_module("libfoo.so.1.2"),
        by_symbol("g", 0x100, 0x110).in_module("libfoo.so.1.2"),
    ];
    let new = [
        at("f", "/s/a.c", 1, 8).in_module("libfoo.so.1.3"),
        by_symbol("g", 0x200, 0x214).in_module("libfoo.so.1.3"),
    ];
    assert_eq!(
        matched(&old, &new),
        [Some((0, Renamed)), Some((1, Renamed))]
    );
    // Where the old one is still there, the new one is another.
    let both = [
        new[0].clone(),
        at("h", "/s/h.c", 1, 2).in_module("libfoo.so.1.2"),
    ];
    assert_eq!(matched(&old, &both), [None, None]);
}

#[test]
fn of_two_that_may_be_it_neither_is() {
    let old = [at("init", "/s/a.c", 1, 5)];
    let new = [at("init", "/s/b.c", 1, 5), at("init", "/s/c.c", 1, 5)];
    assert_eq!(matched(&old, &new), [None, None]);
}

#[test]
fn symbols_alone_keep_the_order_of_calls() {
    let old = [by_symbol("f", 0x100, 0x110), by_symbol("f", 0x100, 0x140)];
    let new = [
        by_symbol("f.part.0", 0x300, 0x344),
        by_symbol("f", 0x300, 0x318),
        by_symbol("g", 0x400, 0x410),
    ];
    let by = FunctionOrder;
    assert_eq!(matched(&old, &new), [Some((1, by)), Some((0, by)), None]);
    // Lines in one of the builds alone are no hindrance.
    let new = [at("f", "/s/a.c", 1, 5)];
    assert_eq!(matched(&old[..1], &new), [Some((0, by))]);
}

#[test]
fn an_address_alone_is_unsure() {
    let old = [bare(0x10).of_build(1), bare(0x20)];
    let new = [bare(0x10).of_build(2), bare(0x20), bare(0x30)];
    let by = UnsureAddress;
    assert_eq!(matched(&old, &new), [Some((0, by)), Some((1, by)), None]);
    // Unknown in both is nothing in common.
    assert_eq!(matched(&[bare(0x10)], &[bare(0x20)]), [None]);
    assert_eq!(
        matched(&[bare(0x10)], &[bare(0x10).in_module("libx.so")]),
        [None]
    );
    // A name in one run alone, and no sign of two builds: the file is missing in the other.
    let named = by_symbol("f", 0, 0x10);
    assert_eq!(
        matched(&[named.clone().of_build(1)], &[bare(0x10)]),
        [Some((0, by))]
    );
    assert_eq!(
        matched(&[named.of_build(1)], &[bare(0x10).of_build(2)]),
        [None]
    );
    // Other functions at one address are two.
    assert_eq!(
        matched(&[by_symbol("f", 0, 0x10)], &[by_symbol("g", 0, 0x10)]),
        [None]
    );
}

#[test]
fn one_file_at_two_paths_is_two_modules() {
    let of = |path: &str| bare(0x10).of_build(1).in_module(path);
    let old = [of("/opt/a/p.so"), of("/opt/b/p.so")];
    assert_eq!(
        matched(&old, &old),
        [Some((0, Address)), Some((1, Address))]
    );
    // A second one beside it takes nothing from the first, which now shows its path.
    let mut alone = of("p.so");
    alone.module_path = Some("/opt/b/p.so".into());
    let mut two = old.clone();
    for site in &mut two {
        site.module_path = site.module.as_ref().map(|module| module.name.clone());
    }
    assert_eq!(matched(&[alone.clone()], &two), [None, Some((0, Address))]);
    assert_eq!(matched(&two, &[alone.clone()]), [Some((1, Address))]);
    // Without its path it may be either, and new as well.
    let rivals = |old: &[Candidate], new: &[Candidate]| {
        let found = match_sites(old, new).sites.into_iter().flatten();
        found.map(|found| found.rivals).collect::<Vec<_>>()
    };
    assert_eq!(rivals(&[alone.clone()], &two), [[]]);
    alone.module_path = None;
    assert_eq!(rivals(&[alone.clone()], &two), [[None]]);
    assert_eq!(rivals(&two, &[alone]), [[None]]);
}

#[test]
fn a_site_is_matched_once() {
    let old: Vec<Candidate> = (0..5).map(|i| at("f", "/s/a.c", 1, 5 + i)).collect();
    let new: Vec<Candidate> = (0..9).map(|i| at("f", "/s/a.c", 1, 2 + 2 * i)).collect();
    let mut found: Vec<usize> = matched(&old, &new)
        .into_iter()
        .flatten()
        .map(|m| m.0)
        .collect();
    found.sort_unstable();
    assert_eq!(found, [0, 1, 2, 3, 4]);
}
