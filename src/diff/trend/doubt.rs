//! How sure it is that a call site leaks.

/// What speaks against a leak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// Too few blocks were kept to tell.
    Few,
    /// What is kept becomes less.
    Slows,
    /// What is kept is only young: built at the end, or still at work.
    Late,
    /// Nothing has been kept for long.
    Over,
    /// What was kept came in a step or two.
    Jumps,
    /// It stands at a level at which each block that comes takes the place of another.
    Full,
    /// It came to such a level in its first run.
    FullBefore,
    /// The level below which it never falls does not rise as it should.
    Level,
    /// A longer run left no more.
    NoMore,
}

impl Doubt {
    /// Stable, for scripts.
    pub fn name(self) -> &'static str {
        match self {
            Doubt::Few => "few",
            Doubt::Slows => "slows",
            Doubt::Late => "late",
            Doubt::Over => "over",
            Doubt::Jumps => "jumps",
            Doubt::Full => "full",
            Doubt::FullBefore => "full-before",
            Doubt::Level => "level",
            Doubt::NoMore => "no-more",
        }
    }
}

/// Whether a site goes on keeping blocks, and what speaks against it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grade {
    Leak,
    /// One thing speaks against it, and that by a little.
    MayLeak(Doubt),
    None(Doubt),
}
