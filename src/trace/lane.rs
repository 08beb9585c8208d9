//! One place in every round of a replay.

use super::block::{CallerId, LocalCaller};
use super::parse::Parser;

/// The parser that takes this place in every round, and where its piece stands.
#[derive(Default)]
pub(super) struct Lane {
    pub parser: Parser,
    /// The log's numbers of the callers that are new in the piece.
    pub new_callers: Vec<CallerId>,
    /// How many lines of the log stand before the piece.
    pub lines_before: u64,
}

impl Lane {
    pub(super) fn caller(&self, local: LocalCaller) -> CallerId {
        match self.parser.index_of_new(local) {
            None => CallerId(local.0),
            Some(new) => self.new_callers[new],
        }
    }
}
