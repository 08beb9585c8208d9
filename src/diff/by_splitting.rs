//! Lines with several calls that another build has as several lines, or the other way round: the sizes that each call
//! asks for tell.
//!
//! A line of a function came, and what it asks for is what another line of that function does not ask for any more. Then
//! both are the line that was there before, and one row. If the same line went instead, two lines became one.

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::HashSet;

use super::group::Aliases;
use super::links::Links;
use super::matched_by::MatchedBy;
use super::module_key::SourceFile;
use super::site::{JoinedSite, SiteKey, SiteRun};
use crate::run::Text;
use crate::trace::Sizes;

/// Where more functions than this have lines that came or went, most are another program's.
const MOST: usize = 10_000;

/// Finds lines that are parts of one.
pub(super) fn link_by_splitting(
    sites: &[JoinedSite],
    runs: usize,
    aliases: &Aliases,
    links: &mut Links,
) {
    let is_in_all = |site: &JoinedSite| site.runs.iter().all(Option::is_some);
    let changed = sites.iter().filter(|site| !is_in_all(site));
    let names = changed.filter_map(|site| name(&site.key)).take(MOST + 1);
    let names: HashSet<&Text> = names.collect();
    if names.len() > MOST {
        return;
    }
    let mut of_functions: BTreeMap<Function<'_>, Vec<usize>> = BTreeMap::new();
    for (index, site) in sites.iter().enumerate() {
        // Of a million sites, few are in a function that changed.
        if name(&site.key).is_some_and(|name| names.contains(name))
            && let Some(function) = Function::of(&site.key, aliases)
        {
            of_functions.entry(function).or_default().push(index);
        }
    }
    for turn in 1..runs {
        for rows in of_functions.values().filter(|rows| rows.len() > 1) {
            link_at(turn, sites, rows, links);
        }
    }
}

fn name(key: &SiteKey) -> Option<&Text> {
    match key {
        SiteKey::Line { function, .. } => function.as_ref(),
        SiteKey::Address { .. } | SiteKey::Number { .. } => None,
    }
}

/// What a line is in, by the names of the last run.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Function<'a> {
    name: &'a Text,
    file: SourceFile,
    inlined_into: Vec<Option<&'a str>>,
}

impl<'a> Function<'a> {
    fn of(key: &'a SiteKey, aliases: &Aliases) -> Option<Self> {
        match key {
            SiteKey::Line {
                module,
                function: Some(name),
                file,
                inlined_into,
                namesake: None,
                ..
            } => {
                let outer = inlined_into.iter().map(|frame| frame.function.as_deref());
                Some(Function {
                    name,
                    file: aliases.file(module, file),
                    inlined_into: outer.collect(),
                })
            }
            _ => None,
        }
    }
}

/// Lines of one function that were split, or joined, between a run and the one before it.
fn link_at(turn: usize, sites: &[JoinedSite], rows: &[usize], links: &mut Links) {
    let came = |site: &JoinedSite| site.runs[..turn].iter().all(Option::is_none);
    let went = |site: &JoinedSite| site.runs[turn..].iter().all(Option::is_none);
    // Of each line that stayed: what it asked for in only one of the two runs.
    let stayed = rows.iter().filter_map(|row| {
        let here = &sites[*row].runs;
        let before = Requests::of(here[turn - 1].as_deref()?)?;
        let after = Requests::of(here[turn].as_deref()?)?;
        Some((*row, before, after))
    });
    let stayed: Vec<(usize, Requests, Requests)> = stayed.collect();
    let parts = |is_part: &dyn Fn(&JoinedSite) -> bool, run: usize| -> Vec<(usize, Requests)> {
        let parts = rows.iter().filter(|row| is_part(&sites[**row]));
        let parts = parts.filter_map(|row| {
            let here = sites[*row].runs[run].as_deref()?;
            Some((*row, Requests::of(here)?))
        });
        parts.collect()
    };
    let split = stayed
        .iter()
        .map(|(row, before, after)| (*row, before, after));
    link_parts(split, &parts(&came, turn), links);
    let joined = stayed
        .iter()
        .map(|(row, before, after)| (*row, after, before));
    link_parts(joined, &parts(&went, turn - 1), links);
}

/// Links lines with the parts that make up what they have `whole` and not in their `rest`.
fn link_parts<'a>(
    lines: impl Iterator<Item = (usize, &'a Requests, &'a Requests)>,
    parts: &[(usize, Requests)],
    links: &mut Links,
) {
    let lost = lines.filter_map(|(row, whole, rest)| Some((row, whole.without(rest)?)));
    let lost: Vec<(usize, Requests)> = lost.collect();
    for (row, lost_here) in &lost {
        let own: Vec<&(usize, Requests)> = parts
            .iter()
            .filter(|(_, part)| lost_here.has_all_of(part))
            .collect();
        let sum = own
            .iter()
            .try_fold(Requests::default(), |sum, (_, part)| sum.with(part));
        // What two lines lost may be of either.
        let is_of_others = lost
            .iter()
            .any(|(other, lost)| other != row && own.iter().any(|(_, part)| lost.has_all_of(part)));
        if sum.as_ref() == Some(lost_here) && !is_of_others {
            for (part, _) in own {
                links.add(*row, *part, MatchedBy::SplitLine);
            }
        }
    }
}

/// What the calls of a line ask for: sizes of calls that always ask for the same, and whether another one varies.
#[derive(Debug, Clone, Default, PartialEq)]
struct Requests {
    fixed: BTreeSet<u64>,
    varies: bool,
}

impl Requests {
    /// `None` where they are not known.
    fn of(run: &SiteRun) -> Option<Self> {
        let fixed = run.sizes.iter().filter(|sizes| sizes.is_one());
        let requests = Requests {
            fixed: fixed.map(|sizes| sizes.least()).collect(),
            varies: !run.sizes.iter().copied().all(Sizes::is_one),
        };
        (requests != Requests::default()).then_some(requests)
    }

    /// What is left without the others, all of which must be there; `None` if nothing is.
    fn without(&self, others: &Requests) -> Option<Requests> {
        let rest = Requests {
            fixed: self.fixed.difference(&others.fixed).copied().collect(),
            varies: self.varies && !others.varies,
        };
        (self.has_all_of(others) && rest != Requests::default()).then_some(rest)
    }

    fn has_all_of(&self, others: &Requests) -> bool {
        others.fixed.is_subset(&self.fixed) && (self.varies || !others.varies)
    }

    /// Both; `None` if they have any in common.
    fn with(mut self, other: &Requests) -> Option<Requests> {
        let is_apart = self.fixed.is_disjoint(&other.fixed) && !(self.varies && other.varies);
        self.fixed.extend(&other.fixed);
        self.varies |= other.varies;
        is_apart.then_some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requests(fixed: &[u64], varies: bool) -> Requests {
        Requests {
            fixed: fixed.iter().copied().collect(),
            varies,
        }
    }

    /// Which parts go to which lines.
    fn linked(lines: &[(Requests, Requests)], parts: &[Requests]) -> Vec<usize> {
        let all = lines.len() + parts.len();
        let mut links = Links::default();
        let lines_of = lines.iter().enumerate();
        let lines_of = lines_of.map(|(row, (whole, rest))| (row, whole, rest));
        let parts = parts.iter().cloned().enumerate();
        let parts: Vec<(usize, Requests)> = parts
            .map(|(index, part)| (lines.len() + index, part))
            .collect();
        link_parts(lines_of, &parts, &mut links);
        (0..all).map(|index| links.head(index)).collect()
    }

    #[test]
    fn a_line_is_what_it_lost() {
        let split = [(requests(&[64], true), requests(&[64], false))];
        assert_eq!(linked(&split, &[requests(&[], true)]), [0, 0]);
        // Another size, and one more than was lost.
        assert_eq!(linked(&split, &[requests(&[32], false)]), [0, 1]);
        assert_eq!(linked(&split, &[requests(&[32], true)]), [0, 1]);
        // Three calls that became three lines.
        let three = [(requests(&[8, 16, 24], false), requests(&[8], false))];
        let parts = [requests(&[16], false), requests(&[24], false)];
        assert_eq!(linked(&three, &parts), [0, 0, 0]);
        assert_eq!(linked(&three, &parts[..1]), [0, 1]);
    }

    #[test]
    fn what_nothing_tells_stays_apart() {
        // Two lines lost the same; and one line lost what two others have.
        let lost = (requests(&[8, 16], false), requests(&[8], false));
        let other = (requests(&[16, 40], false), requests(&[40], false));
        assert_eq!(
            linked(&[lost.clone(), other], &[requests(&[16], false)]),
            [0, 1, 2]
        );
        let twice = [requests(&[16], false), requests(&[16], false)];
        assert_eq!(linked(&[lost], &twice), [0, 1, 2]);
    }
}
