//! The same function in the same file, at the same line or at another.

use super::MatchedBy;
use super::candidate::Candidate;
use super::function::by_lines;
use super::matching::Matching;
use super::pair::Pair;
use crate::diff::module_key::ModuleKey;

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct FunctionOfChain<'a> {
    function: Option<&'a str>,
    file: Option<&'a str>,
}

pub(super) fn pair(matching: &mut Matching<'_>) {
    for pair in pairs(matching) {
        pair_by_line(matching, pair);
    }
}

fn pairs(matching: &Matching<'_>) -> Vec<Pair> {
    let tells = lambdas_are_known(matching);
    let written_in = |site: &'_ Candidate| site.written_in().filter(|_| tells).map(str::to_owned);
    let of_old = |site| {
        let steps = steps(site, |file| file)?;
        Some((module_of(site)?, written_in(site), steps))
    };
    let of_new = |site| {
        let module = module_of(site)?;
        let old_path = |file| matching.files.old_path(module, file);
        Some((module, written_in(site), steps(site, old_path)?))
    };
    let groups = matching.groups(of_old, of_new);
    let of_group = |group| by_lines(matching, group, usize::MAX);
    groups.iter().flat_map(of_group).collect()
}

/// Whether it is known of each lambda which function it is written in; in a file without symbols it is not.
fn lambdas_are_known(matching: &Matching<'_>) -> bool {
    let is_lambda = |site: &&Candidate| {
        let outermost = site.chain.last().and_then(|step| step.function.as_deref());
        outermost.is_some_and(|function| function.ends_with("operator()"))
    };
    let sites = matching.old.iter().chain(matching.new);
    let mut lambdas = sites.filter(is_lambda);
    lambdas.all(|site| site.written_in().is_some())
}

fn steps<'a>(
    site: &'a Candidate,
    path: impl Fn(&'a str) -> &'a str,
) -> Option<Vec<FunctionOfChain<'a>>> {
    let steps = site.chain.iter().map(|step| FunctionOfChain {
        function: step.function.as_deref(),
        file: step.file.as_deref().map(&path),
    });
    site.has_line().then(|| steps.collect())
}

fn module_of(site: &Candidate) -> Option<&ModuleKey> {
    site.module.as_ref()
}

pub(super) fn pair_by_line(matching: &mut Matching<'_>, pair: Pair) {
    let (old, new) = (&matching.old[pair.old], &matching.new[pair.new]);
    let file = new.module.as_ref().zip(new.file());
    let is_renamed = file.is_some_and(|(module, file)| matching.files.is_renamed(module, file));
    let by = match old.lines() == new.lines() {
        _ if is_renamed => MatchedBy::Renamed,
        true => MatchedBy::Line,
        false => MatchedBy::MovedLine,
    };
    matching.pair_found(pair, by);
}
