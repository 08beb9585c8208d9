//! What is matched and what is still free.

use std::collections::BTreeSet;

use super::MatchedBy;
use super::candidate::Candidate;
use super::known::Known;
use super::modules::ModulePair;
use super::pair::{Match, Pair};
use super::sources::PairedFiles;
use crate::diff::module_key::ModuleKey;

/// Sites of both runs that have something in common, by their indexes.
#[derive(Debug, Clone, Default)]
pub(super) struct Group {
    pub old: Vec<usize>,
    pub new: Vec<usize>,
}

/// Hands a tier only what those before it left.
#[derive(Debug)]
pub(super) struct Matching<'a> {
    pub old: &'a [Candidate],
    pub new: &'a [Candidate],
    pub known: (Known<'a>, Known<'a>),
    pub files: PairedFiles,
    of_new: Vec<Option<Match>>,
    taken: Vec<bool>,
}

impl<'a> Matching<'a> {
    pub(super) fn new(old: Known<'a>, new: Known<'a>) -> Self {
        Matching {
            old: old.sites,
            new: new.sites,
            known: (old, new),
            files: PairedFiles::new(old, new),
            of_new: vec![None; new.sites.len()],
            taken: vec![false; old.sites.len()],
        }
    }

    pub(super) fn into_sites(self) -> Vec<Option<Match>> {
        self.of_new
    }

    /// Matches two sites, unless one of them is matched.
    pub(super) fn pair(&mut self, old: usize, new: usize, by: MatchedBy) {
        let rivals = Vec::new();
        self.pair_found(Pair { old, new, rivals }, by);
    }

    pub(super) fn pair_found(&mut self, found: Pair, by: MatchedBy) {
        let Pair {
            old,
            new,
            mut rivals,
        } = found;
        if by != MatchedBy::Address && self.files.is_doubtful(&self.new[new]) {
            rivals.push(None);
        }
        if !self.taken[old] && self.of_new[new].is_none() {
            self.taken[old] = true;
            self.of_new[new] = Some(Match { old, by, rivals });
        }
    }

    /// Of a module that may be another one, every site may be new.
    pub(super) fn doubt(&mut self, modules: &[ModulePair]) {
        let unsure = modules.iter().filter(|pair| pair.unsure);
        let unsure: BTreeSet<&ModuleKey> = unsure.map(|pair| &pair.old).collect();
        for (site, found) in self.new.iter().zip(&mut self.of_new) {
            let module = site.module.as_ref();
            let is_unsure = module.is_some_and(|module| unsure.contains(module));
            if let Some(found) = found.as_mut().filter(|_| is_unsure) {
                found.rivals.push(None);
            }
        }
    }

    fn free_old(&self) -> impl Iterator<Item = (usize, &'a Candidate)> + '_ {
        let all = self.old.iter().enumerate();
        all.filter(|(index, _)| !self.taken[*index])
    }

    fn free_new(&self) -> impl Iterator<Item = (usize, &'a Candidate)> + '_ {
        let all = self.new.iter().enumerate();
        all.filter(|(index, _)| self.of_new[*index].is_none())
    }

    /// Groups of unmatched sites of one key that have sites of both runs.
    pub(super) fn groups<K: Ord>(
        &self,
        of_old: impl Fn(&'a Candidate) -> Option<K>,
        of_new: impl Fn(&'a Candidate) -> Option<K>,
    ) -> Vec<Group> {
        let old = self.free_old();
        let old = old.filter_map(|(index, site)| Some((of_old(site)?, false, index as u32)));
        let new = self.free_new();
        let new = new.filter_map(|(index, site)| Some((of_new(site)?, true, index as u32)));
        // Most sites of a million are in no group, and a list takes less than a tree.
        let mut sites: Vec<(K, bool, u32)> = old.chain(new).collect();
        sites.sort_unstable();
        let groups = sites.chunk_by(|a, b| a.0 == b.0).filter_map(|group| {
            let middle = group.partition_point(|(_, is_new, _)| !is_new);
            let index = |(_, _, index): &(K, bool, u32)| *index as usize;
            let (old, new) = group.split_at(middle);
            (!old.is_empty() && !new.is_empty()).then(|| Group {
                old: old.iter().map(index).collect(),
                new: new.iter().map(index).collect(),
            })
        });
        groups.collect()
    }
}
