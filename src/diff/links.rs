//! Sites that are one row, because something tells that they are one place, or parts of one.

use super::matched_by::MatchedBy;
use super::site::{JoinedSite, SiteKey};
use crate::run::Symbolized;

/// Which sites are one row, by their indexes.
pub(super) struct Links {
    /// Of each site, another one of its row; the row goes by the name of the one that stands for itself.
    heads: Vec<usize>,
    /// What the weakest of them rests on.
    by: Vec<Option<MatchedBy>>,
}

impl Links {
    pub(super) fn new(sites: usize) -> Self {
        Links {
            heads: (0..sites).collect(),
            by: vec![None; sites],
        }
    }

    /// Puts a site, and all of its row, into the row of another one.
    pub(super) fn add(&mut self, of: usize, site: usize, by: MatchedBy) {
        let (of, site) = (self.head(of), self.head(site));
        self.heads[site] = of;
        self.by[of] = self.by[of].max(self.by[site]).max(Some(by));
    }

    #[cfg(test)]
    pub(super) fn heads(&self) -> &[usize] {
        &self.heads
    }

    fn head(&self, mut index: usize) -> usize {
        while self.heads[index] != index {
            index = self.heads[index];
        }
        index
    }

    /// The rows, each where the site stood that it goes by; and which of them each site is in.
    pub(super) fn unite(self, sites: Vec<JoinedSite>) -> (Vec<JoinedSite>, Vec<usize>) {
        let is_head = |index: usize| self.heads[index] == index;
        let mut rows = 0;
        let turns = (0..sites.len()).map(|index| {
            let turn = rows;
            rows += usize::from(is_head(index));
            turn
        });
        let turns: Vec<usize> = turns.collect();
        let row_of: Vec<usize> = (0..sites.len())
            .map(|index| turns[self.head(index)])
            .collect();
        let (mut united, mut others) = (Vec::with_capacity(rows), Vec::new());
        for (index, site) in sites.into_iter().enumerate() {
            match is_head(index) {
                true => united.push(site),
                false => others.push((index, site)),
            }
        }
        for (index, site) in others {
            let by = self.by[self.head(index)];
            add(&mut united[row_of[index]], site, by);
        }
        (united, row_of)
    }
}

fn add(row: &mut JoinedSite, other: JoinedSite, by: Option<MatchedBy>) {
    for (sum, other) in row.runs.iter_mut().zip(other.runs) {
        match (sum.as_mut(), other) {
            (Some(sum), Some(other)) => {
                sum.add(&other);
                sum.sort_lists();
            }
            (None, Some(other)) => *sum = Some(other),
            (_, None) => {}
        }
    }
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
    row.forked |= other.forked;
    row.matched_by = row.matched_by.max(other.matched_by).max(by);
}
