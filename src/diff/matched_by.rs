//! What proves that two runs have one call site.

/// How a site of one run was found in another: each tier proves less than those above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MatchedBy {
    /// The same build of the module, and the same link-time address or line in it.
    Address,
    /// The same function, file and line.
    Line,
    /// The same function, at another line.
    MovedLine,
    /// The same function, and the sizes that its calls ask for: what stood in one line stands in several, or the other way round.
    SplitLine,
    /// The same function in a file or module of another name.
    Renamed,
    /// The same function with another signature, in another scope or in another module: nothing else can be meant.
    ChangedFunction,
    /// The same function, and its place among the calls of that function: no lines are known.
    FunctionOrder,
    /// A neighbour on the way to it: a call was put between, taken out or inlined.
    Callers,
    /// The same address in what may be two builds.
    UnsureAddress,
}

impl MatchedBy {
    /// Stable, for scripts.
    pub fn name(self) -> &'static str {
        match self {
            MatchedBy::Address => "address",
            MatchedBy::Line => "line",
            MatchedBy::MovedLine => "moved-line",
            MatchedBy::SplitLine => "split-line",
            MatchedBy::Renamed => "renamed",
            MatchedBy::ChangedFunction => "changed-function",
            MatchedBy::FunctionOrder => "function-order",
            MatchedBy::Callers => "callers",
            MatchedBy::UnsureAddress => "unsure-address",
        }
    }
}
