//! Two sites that are one.

use crate::diff::matched_by::MatchedBy;

/// Two sites that are one, by their indexes, and what the new one may be as well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pair {
    pub old: usize,
    pub new: usize,
    /// As in [`Match`].
    pub rivals: Vec<Option<usize>>,
}

/// The old site that a new one is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Match {
    pub old: usize,
    pub by: MatchedBy,
    /// What it may be as well, for all that is known: another old site, or (`None`) a new one.
    pub rivals: Vec<Option<usize>>,
}
