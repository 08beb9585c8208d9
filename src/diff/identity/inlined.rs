//! The same function and file, inlined into more or fewer of its callers than before.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;

use super::candidate::{Candidate, bare_name};
use super::function::by_lines;
use super::lines::pair_by_line;
use super::matching::{Group, Matching};
use super::pair::Pair;
use crate::diff::module_key::ModuleKey;

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct FunctionInFile<'a> {
    module: &'a ModuleKey,
    /// Without its parameters.
    function: &'a str,
    file: &'a str,
}

/// What a copy of a function is inlined into, and where.
type Context<'a> = Vec<(Option<&'a str>, Option<u32>)>;

/// A function that one build inlined and the other did not is the same one. Where it was inlined more than
/// once, one copy is found again, and which of them is unsure; inlined into another function it is another site.
pub(super) fn pair(matching: &mut Matching<'_>) {
    for group in groups(matching) {
        for pair in copies(matching, &group) {
            pair_by_line(matching, pair);
        }
    }
}

/// What is left of each function of a file, whatever its parameters are.
pub(super) fn groups(matching: &Matching<'_>) -> Vec<Group> {
    let of_old = |site| key(site, |_, file| file);
    let of_new = |site| key(site, |module, file| matching.files.old_path(module, file));
    matching.groups(of_old, of_new)
}

fn key<'a>(
    site: &'a Candidate,
    path: impl Fn(&'a ModuleKey, &'a str) -> &'a str,
) -> Option<FunctionInFile<'a>> {
    let module = site.module.as_ref()?;
    let key = FunctionInFile {
        module,
        function: without_parameters(site.function()?),
        file: path(module, site.file()?),
    };
    site.has_line().then_some(key)
}

/// Of a function that was inlined, debug information can leave the parameters out; and of a lambda, what it lies in.
fn without_parameters(function: &str) -> &str {
    const LAMBDA: &str = "operator()";
    match function.find('(') {
        _ if function.contains("{lambda") && function.contains("}::operator()") => LAMBDA,
        Some(at) if at > 0 && !function.contains("operator") => &function[..at],
        _ => function,
    }
}

/// Those of one copy of the function.
pub(super) fn by_context<'a>(indexes: &[usize], sites: &'a [Candidate]) -> Vec<Vec<usize>> {
    let mut copies: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for index in indexes {
        let site = &sites[*index];
        let outer = site.chain.iter().skip(1);
        let context = outer.map(|step| (step.function.as_deref(), step.line));
        // Lambdas of one file are namesakes, and only their places tell them apart.
        let declared = site.chain.first().and_then(|step| step.declaration.line);
        let context: Context<'a> = context.collect();
        let key = (site.function(), site.written_in(), declared, context);
        copies.entry(key).or_default().push(*index);
    }
    copies.into_values().collect()
}

/// Two copies that may be one, and how well they fit: the more, the better.
struct Fit {
    old: usize,
    new: usize,
    /// One is inlined into the function that the other's symbol says that it is written in.
    is_in_its_function: bool,
    /// Sites without a contradiction of sizes.
    agreeing: usize,
    found: Vec<Pair>,
}

fn copies(matching: &Matching<'_>, group: &Group) -> Vec<Pair> {
    let old = by_context(&group.old, matching.old);
    let new = by_context(&group.new, matching.new);
    let many = old.len() > 1 || new.len() > 1;
    let mut fits = Vec::new();
    for (i, a) in old.iter().enumerate() {
        for (j, b) in new.iter().enumerate() {
            let places = Group {
                old: a.clone(),
                new: b.clone(),
            };
            fits.extend(fit(matching, &places, (i, j)));
        }
    }
    fits.sort_by_key(|fit| {
        let rank = (fit.is_in_its_function, fit.agreeing, fit.found.len());
        (Reverse(rank), fit.old, fit.new)
    });
    let (mut used_old, mut used_new) = (vec![false; old.len()], vec![false; new.len()]);
    let mut found = Vec::new();
    for mut fit in fits {
        if used_old[fit.old] || used_new[fit.new] {
            continue;
        }
        (used_old[fit.old], used_new[fit.new]) = (true, true);
        if many && !fit.is_in_its_function {
            fit.found.iter_mut().for_each(|pair| pair.rivals.push(None));
        }
        found.extend(fit.found);
    }
    found
}

fn fit(matching: &Matching<'_>, places: &Group, (old, new): (usize, usize)) -> Option<Fit> {
    let (one, other) = (&matching.old[places.old[0]], &matching.new[places.new[0]]);
    if !can_be_one(one, other) {
        return None;
    }
    let steps = one.chain.len().min(other.chain.len());
    let found = by_lines(matching, places, steps);
    let agrees = |pair: &&Pair| {
        let (a, b) = (&matching.old[pair.old], &matching.new[pair.new]);
        match a.chain.len().cmp(&b.chain.len()) {
            Ordering::Less => b.sizes.can_be_part_of(&a.sizes),
            Ordering::Equal => !a.sizes.is_other(&b.sizes),
            Ordering::Greater => a.sizes.can_be_part_of(&b.sizes),
        }
    };
    Some(Fit {
        old,
        new,
        is_in_its_function: is_written_in(one, other) || is_written_in(other, one),
        agreeing: found.iter().filter(agrees).count(),
        found,
    })
}

/// Whether the symbol of a lambda says that it is written in the function that the other one is inlined into.
fn is_written_in(lambda: &Candidate, inlined: &Candidate) -> bool {
    let outer = inlined.chain.get(lambda.chain.len());
    let outer = outer.and_then(|step| step.function.as_deref().map(bare_name));
    outer.is_some() && lambda.written_in() == outer
}

/// The functions of one are the innermost ones of the other. What they are inlined into may have other
/// parameters now; of the shown function, an overload is another one.
fn can_be_one(old: &Candidate, new: &Candidate) -> bool {
    let steps = old.chain.iter().zip(&new.chain);
    let is_same = |a: Option<&str>, b: Option<&str>, is_shown: bool| match (a, b) {
        (Some(a), Some(b)) => {
            let is_bare = |name| without_parameters(name) == name;
            let may_differ = !is_shown || is_bare(a) != is_bare(b);
            a == b || (may_differ && without_parameters(a) == without_parameters(b))
        }
        _ => false,
    };
    let mut steps = steps.enumerate();
    steps.all(|(depth, (a, b))| is_same(a.function.as_deref(), b.function.as_deref(), depth == 0))
}
