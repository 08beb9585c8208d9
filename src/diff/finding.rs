//! What is found of the growth of a call site.

/// What kind of growth a call site shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Trend {
    /// Keeps on keeping blocks, to the end.
    Leak,
    /// One thing speaks against a leak, and that by a little.
    MayLeak,
    /// Grew to the end of the program's work, and was freed when it ended.
    Grows,
    /// All of it came in the beginning, and it has stayed level.
    Startup,
    /// Grew, then stayed level: a cache or a pool.
    Plateau,
    /// Jumps.
    Burst,
    /// Too few blocks to say.
    Noise,
    /// Level all along: the difference is only what the end did not free.
    Shutdown,
}

impl Trend {
    /// Whether it grew as long as the program worked.
    pub fn is_growth(self) -> bool {
        matches!(self, Trend::Leak | Trend::Grows)
    }

    /// The same, or whether it may have.
    pub(crate) fn may_be_growth(self) -> bool {
        self.is_growth() || self == Trend::MayLeak
    }

    /// Stable, for scripts and for people.
    pub fn name(self) -> &'static str {
        match self {
            Trend::Leak => "leak",
            Trend::MayLeak => "leak?",
            Trend::Grows => "grows",
            Trend::Startup => "startup",
            Trend::Plateau => "plateau",
            Trend::Burst => "burst",
            Trend::Noise => "noise",
            Trend::Shutdown => "shutdown",
        }
    }
}

/// A verdict, and what it is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding {
    pub trend: Trend,
    /// It is not the blocks that grow in number, but their bytes.
    pub by_bytes: bool,
}
