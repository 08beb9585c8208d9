//! Sites that are one row, because something tells that they are one place, or parts of one.

use hashbrown::HashMap;

use super::matched_by::MatchedBy;
use super::site::{JoinedSite, SiteKey};
use crate::run::Symbolized;

/// Which sites are one row, by their indexes.
#[derive(Debug, Default)]
pub(super) struct Links {
    /// Of each site that is in the row of another one, that one; a row goes by the name of the one that is in no other. Few
    /// of a million sites are.
    heads: HashMap<usize, usize>,
    /// Of such rows, what the weakest of their sites rests on.
    by: HashMap<usize, MatchedBy>,
}

impl Links {
    /// Puts a site, and all of its row, into the row of another one.
    pub(super) fn add(&mut self, of: usize, site: usize, by: MatchedBy) {
        let (of, site) = (self.head(of), self.head(site));
        if of != site {
            self.heads.insert(site, of);
        }
        let by = self.by.remove(&site).map_or(by, |known| known.max(by));
        let known = self.by.entry(of).or_insert(by);
        *known = by.max(*known);
    }

    pub(super) fn head(&self, mut index: usize) -> usize {
        while let Some(head) = self.heads.get(&index) {
            index = *head;
        }
        index
    }

    /// The rows, each where the site stood that it goes by; and which of them each site is in.
    pub(super) fn unite(self, sites: Vec<JoinedSite>) -> (Vec<JoinedSite>, Vec<usize>) {
        let all = sites.len();
        if self.heads.is_empty() {
            return (sites, (0..all).collect());
        }
        let mut rows = 0;
        let turns = (0..all).map(|index| {
            let turn = rows;
            rows += usize::from(!self.heads.contains_key(&index));
            turn
        });
        let turns: Vec<usize> = turns.collect();
        let row_of = (0..all).map(|index| turns[self.head(index)]);
        let row_of: Vec<usize> = row_of.collect();
        let (mut united, mut others) = (Vec::with_capacity(rows), Vec::new());
        for (index, site) in sites.into_iter().enumerate() {
            match self.heads.contains_key(&index) {
                false => united.push(site),
                true => others.push((index, site)),
            }
        }
        for (index, site) in others {
            let by = self.by.get(&self.head(index)).copied();
            add(&mut united[row_of[index]], site, by);
        }
        (united, row_of)
    }
}

fn add(row: &mut JoinedSite, other: JoinedSite, by: Option<MatchedBy>) {
    // A line that is inlined into several functions is shown by itself.
    if let (
        SiteKey::Line {
            inlined_into: here, ..
        },
        SiteKey::Line {
            inlined_into: there,
            ..
        },
    ) = (&mut row.key, &other.key)
        && here != there
    {
        *here = Default::default();
        if let Symbolized::Named(named) = &row.name {
            row.name = Symbolized::Named(named.alone());
        }
    }
    row.add_runs(other.runs);
    row.sort_lists();
    let by = row.matched_by.max(other.matched_by).max(by);
    row.matched_by = by.filter(|_| row.in_several_runs());
}
