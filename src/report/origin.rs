//! What a run's figures were read from, and so what can be known of it.

/// What the figures were counted in, in the first place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Source {
    /// An mtrace log.
    #[default]
    Log,
    /// What `mtrace(1)` printed.
    Mtrace,
    /// What `mtrace_do.py` wrote.
    MtraceDo,
}

/// Where a run's result comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    pub source: Source,
    /// The version of this program that saved it; `None` if it was read here and now.
    pub saved_by: Option<String>,
}

impl Source {
    /// Stable, for scripts.
    pub fn name(self) -> &'static str {
        match self {
            Source::Log => "log",
            Source::Mtrace => "mtrace",
            Source::MtraceDo => "mtrace-do",
        }
    }

    /// For people.
    pub fn tool(self) -> &'static str {
        match self {
            Source::Log => "mtrace(3)",
            Source::Mtrace => "mtrace(1)",
            Source::MtraceDo => "mtrace_do.py",
        }
    }

    pub fn knows_bytes(self) -> bool {
        !matches!(self, Source::MtraceDo)
    }

    /// Only a log says what was allocated and freed again.
    pub fn knows_allocations(self) -> bool {
        matches!(self, Source::Log)
    }
}
