//! What a command is to do, in the library's own plain types.

use std::path::PathBuf;
use std::sync::Arc;

use crate::capture::{RunInput, refuse_read_twice};
use crate::diff::{Gate, Grouping, Map, Reach, SortBy};
use crate::error::{Error, Result, UsageError};
use crate::import::ReadOptions;
use crate::progress::Progress;
use crate::report::Terms;
use crate::run::{Addressing, Filter, Wrappers};
use crate::symbols::SearchPath;

/// What to analyse, and how to judge and order what comes of it.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// In order: growth is measured from the first to the last.
    pub runs: Vec<RunInput>,
    /// Where files with names are looked for.
    pub search: SearchPath,
    /// The order of rows.
    pub sort: SortBy,
    /// What rows stand for.
    pub by: Grouping,
    /// Which functions stand for their callers.
    pub wrappers: Wrappers,
    /// Which stacks count.
    pub filter: Filter,
    /// So many callers of a line are looked at; all where it is not said.
    pub callers: Option<usize>,
    /// Names of paths and modules that are others in the report; the first that fits is used.
    pub maps: Vec<Map>,
    /// When the comparison fails.
    pub gate: Gate,
    /// What the numbers of the logs are, where the user says it; else it is found out, log by log.
    pub addressing: Option<Addressing>,
    /// What the target has for blocks that leak; the report says how long it lasts.
    pub memory: Option<u64>,
    /// Where to write the last run's result.
    pub save: Option<PathBuf>,
    /// Keep the live blocks of logs one by one, for the listings of the old tools.
    pub keep_blocks: bool,
    /// Tells how far the reading has come.
    pub progress: Arc<Progress>,
}

impl Plan {
    /// Refuses what cannot be done, before anything is read.
    pub(crate) fn check(&self) -> Result<()> {
        if self.runs.is_empty() {
            return Err(Error::Usage(UsageError::NoRun));
        }
        refuse_read_twice(&self.runs)?;
        self.search.check()?;
        if let ([first, .., last], false) = (self.runs.as_slice(), self.gate.limits.is_empty())
            && first.is_very(last)
        {
            let path = last.path.clone();
            return Err(Error::Usage(UsageError::RunTwice { path }));
        }
        let is_grouped = !matches!(self.by, Grouping::Address | Grouping::Line);
        if is_grouped && !self.gate.limits.is_empty() {
            let group = self.by.name();
            return Err(Error::Usage(UsageError::GateOfGroups { group }));
        }
        Ok(())
    }

    pub(crate) fn reading(&self) -> ReadOptions<'_> {
        ReadOptions {
            addressing: self.addressing,
            keep_blocks: self.keep_blocks,
            progress: &self.progress,
        }
    }

    pub(crate) fn reach(&self) -> Reach {
        Reach {
            callers: self.callers,
            under: self.filter.under.clone(),
        }
    }

    pub(crate) fn terms(&self) -> Terms {
        Terms {
            sort: self.sort,
            by: self.by,
            gate: self.gate.clone(),
            memory: self.memory,
            reach: self.reach(),
        }
    }
}
