//! How far a row's callers are followed.

use crate::run::Pattern;

/// How much of the ways counts.
#[derive(Debug, Clone, Default)]
pub struct Reach {
    /// So many callers, the nearest ones; all where it is not said.
    pub callers: Option<usize>,
    /// A way ends at the first function that this is.
    pub under: Option<Pattern>,
}
